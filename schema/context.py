"""What the fields of a query have at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from ..flow.picture.picture import Picture


class Resolvers(Protocol):
    """Carries out commands; the scheduler provides it."""

    async def command(self, name: str, arguments: dict[str, Any]) -> tuple[Any, Any]:
        """Carry a command out, or have it queued.

        Args:
            name: The mutation, in snake case: ``pause``, ``set_hold_point``, ``ext_trigger``, ...
            arguments: By name in snake case, without those left out.

        Returns:
            Whether it was taken, and its ID or an answer, or the reason why not. A broadcast answers with what was
            changed and the options that made no sense.
        """
        ...


@frozen
class Context:
    """One request's."""

    picture: Picture
    resolvers: Resolvers | None = None
    meta: Mapping[str, Any] | None = None
