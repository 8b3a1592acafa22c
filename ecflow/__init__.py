"""The ecFlow front door: its client, its commands, the classes of its definitions.

Importing it costs next to nothing: what it offers is loaded when it is first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Client as Client
    from .definition import *  # noqa: F403

_PLACES = {"Client": "client"}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return [*_PLACES, *import_module(".definition", __name__).__all__]
    if name.startswith("__"):
        raise AttributeError(name)
    place = _PLACES.get(name)
    if place is None:
        # Everything else is a class of definitions.
        module = import_module(".definition", __name__)
    else:
        module = import_module(f".{place}", __name__)
    try:
        return getattr(module, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
