"""What the fields of a query have at hand."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from attrs import define, field

from .exceptions import AnswerTooLarge

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
"""How many elements one answer may list: a query that goes round in circles must come to an end."""
MOST_SECONDS = 2.0
"""How long an answer may take, for the same reason. What clients ask takes a hundredth of it."""


class Limits(NamedTuple):
    """What one answer may cost."""

    elements: int = MOST_ELEMENTS
    values: int = 1_000 * MOST_ELEMENTS
    """Elements times what is asked of each."""
    seconds: float = MOST_SECONDS


IN_FULL = Limits()
AT_ONCE = Limits(values=200_000, seconds=0.015)
"""For an answer that is given while everything else waits: some 15 ms."""


@define
class Context:
    """One request's."""

    picture: Picture
    resolvers: Resolvers | None = None
    meta: Mapping[str, Any] | None = None
    limits: Limits = IN_FULL
    _left: int = field(init=False)
    _values_left: int = field(init=False)
    _deadline: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = self.limits.elements
        self._values_left = self.limits.values
        self._deadline = time.monotonic() + self.limits.seconds

    def spend(self, elements: list[Any], values: int = 1) -> list[Any]:
        """The same elements, if the answer may still list so many, with this many values of each.

        Raises:
            AnswerTooLarge: It may not.
        """
        self._left -= len(elements)
        self._values_left -= len(elements) * values
        if self._left < 0 or self._values_left < 0 or time.monotonic() > self._deadline:
            limits = self.limits
            if self._left < 0:
                what = f"list more than {limits.elements} elements"
            elif self._values_left < 0:
                what = f"hold more than {limits.values} values"
            else:
                what = f"take over {limits.seconds:g} s"
            raise AnswerTooLarge(f"The answer would {what}: ask for less at a time, or leave out lists within lists")
        return elements
