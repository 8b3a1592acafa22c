"""What writing elements has in common, whatever their kind.

An update holds what changed and nothing that a reader would append twice; an element's `own` bytes are what was
published of it, one after the other, until they are long enough to be worth writing anew.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, TypeVar

from ...proto.field_numbers import PbOutput, PbTaskProxy
from . import wire
from .elements import Element

LONGEST_OWN = 2000
"""When the published bytes of an element have grown to this, they are written anew."""

E_contra = TypeVar("E_contra", bound=Element, contravariant=True)


class Kind(Protocol[E_contra]):
    """How elements of one kind are written."""

    def new(self, element: E_contra, stamp: str) -> list[bytes]:
        """The message of an element, in pieces, with a new stamp; remembered in the element."""

    def update(self, element: E_contra, stamp: str) -> bytes:
        """The message of what changed, with a new stamp; the element's own bytes take it in."""

    def whole(self, element: E_contra, stamp: str) -> list[bytes]:
        """The message of an element as it was published, in pieces."""


def append_update(element: Element, update: bytes) -> None:
    """Keep an update with what was published before, or let all of it be written anew when it is next asked for."""
    own = element.own
    if own is not None:
        element.own = own + update if len(own) < LONGEST_OWN else None


@lru_cache(maxsize=8192)
def output_entry(label: str, message: str, satisfied: bool, time: float) -> bytes:
    return wire.entry(
        PbTaskProxy.outputs,
        label,
        wire.message(
            2,
            wire.text(PbOutput.label, label)
            + wire.text(PbOutput.message, message)
            + wire.boolean(PbOutput.satisfied, satisfied)
            + wire.double(PbOutput.time, time),
        ),
    )
