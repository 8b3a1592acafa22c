"""What the fields of a query have at hand."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, field

from .exceptions import QueryError

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

    def why(self, task: str) -> dict[str, Any] | None:
        """Explain why a task (``CYCLE/TASK``) is not running; None where that is not known."""
        ...


MOST_ELEMENTS = 1_000_000
"""How many elements one answer may list: a query that goes round in circles must not stop the scheduler."""
MOST_SECONDS = 2.0
"""How long an answer may take, for the same reason. What clients ask takes a hundredth of it."""


@define
class Context:
    """One request's."""

    picture: Picture
    resolvers: Resolvers | None = None
    meta: Mapping[str, Any] | None = None
    _left: int = MOST_ELEMENTS
    _deadline: float = field(factory=lambda: time.monotonic() + MOST_SECONDS)

    def spend(self, elements: list[Any]) -> list[Any]:
        """The same elements, if the answer may still list so many.

        Raises:
            QueryError: It may not.
        """
        self._left -= len(elements)
        if self._left < 0 or time.monotonic() > self._deadline:
            limit = f"list more than {MOST_ELEMENTS} elements" if self._left < 0 else f"take over {MOST_SECONDS:g} s"
            raise QueryError(f"The answer would {limit}: ask for less at a time, or leave out lists within lists")
        return elements
