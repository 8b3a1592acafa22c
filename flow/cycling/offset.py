"""What stands in the brackets of a graph node, ``foo[-P1D]``: from a child's point to its parent's, and
back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .cycling import Offset, Sequence
from .exceptions import IntervalError
from .interval import Interval, parse_chain, split_leading_chain, split_offsets
from .iso8601 import TruncatedPoint
from .recurrence import evaluate_point

if TYPE_CHECKING:
    from .datetime import DatetimeCycling
    from .integer import IntegerCycling

_DAY = 86400
_LONGEST_MONTH = 31 * _DAY
_LONGEST_YEAR = 366 * _DAY


class ExactOffset:
    """A parent at a fixed distance: ``[-P1]``, ``[-P1D]``, ``[+PT6H-PT1H]``, or none at all."""

    __slots__ = ("_distance", "text")

    is_absolute = False

    def __init__(self, text: str, distance: int) -> None:
        self.text = text
        self._distance = distance

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.text}]>"

    def parent(self, child_point: int) -> int:
        """The parent's point for a child at `child_point`."""
        return child_point + self._distance

    def children(self, parent_point: int, sequence: Sequence) -> Iterator[int]:
        """The one point of `sequence` that has its parent at `parent_point`, if it is there. O(1)."""
        child = parent_point - self._distance
        if sequence.contains(child):
            yield child


class AbsoluteOffset:
    """The same parent for every child: ``[^]``, ``[^+P1D]``, ``[20200101T00]``, ``[5]``."""

    __slots__ = ("_point", "text")

    is_absolute = True

    def __init__(self, text: str, point: int) -> None:
        self.text = text
        self._point = point

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.text}]>"

    def parent(self, child_point: int) -> int:
        """The parent's point, whatever the child's."""
        return self._point

    def children(self, parent_point: int, sequence: Sequence) -> Iterator[int]:
        """Every point of `sequence`, ascending, perhaps without end, if the parent is the one meant."""
        if parent_point != self._point:
            return
        child = sequence.first(-(1 << 62))
        while child is not None:
            yield child
            child = sequence.next(child)


Step = Interval | TruncatedPoint


class CalendarOffset:
    """A parent reached by steps that depend on where the child is: ``[-P1M]``, ``[-P1D+T06]``, ``[T00]``."""

    __slots__ = ("_cycling", "_earliest", "_latest", "_steps", "text")

    is_absolute = False

    def __init__(self, cycling: DatetimeCycling, text: str, steps: tuple[Step, ...]) -> None:
        self.text = text
        self._cycling = cycling
        self._steps = steps
        earliest = latest = 0
        for step in steps:
            low, high = _reach(cycling, step)
            earliest -= high
            latest -= low
        self._earliest, self._latest = earliest, latest

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.text}]>"

    def parent(self, child_point: int) -> int:
        """The parent's point for a child at `child_point`: the steps applied left to right."""
        point = child_point
        for step in self._steps:
            if isinstance(step, Interval):
                point = self._cycling.add(point, step)
            else:
                point = self._cycling.next_match(step, point)
        return self._cycling.snap(point)

    def children(self, parent_point: int, sequence: Sequence) -> Iterator[int]:
        """Points of `sequence` whose parent is at `parent_point`, ascending.

        Months cannot be undone exactly (28 February may have come from four days), so the points that
        could lead there
        are tried one by one.
        """
        child = sequence.first(parent_point + self._earliest)
        while child is not None and child <= parent_point + self._latest:
            if self.parent(child) == parent_point:
                yield child
            child = sequence.next(child)


def _reach(cycling: DatetimeCycling, step: Step) -> tuple[int, int]:
    """The least and the most seconds a step can move a point, a day's cutting included."""
    if isinstance(step, TruncatedPoint):
        implied = cycling.interval(step.implied_interval)
        # A date that is not in every period (29 February, day 31, week 53) may be some periods away.
        most = implied.years * 8 * _LONGEST_YEAR + implied.months * 3 * _LONGEST_MONTH + implied.seconds
        return 0, most + 2 * _DAY
    if step.is_exact:
        return step.seconds, step.seconds
    months = 12 * step.years + step.months
    shortest_year = cycling.calendar.days_in_year(2001) * _DAY
    typical = months * shortest_year // 12
    slack = (5 + abs(months) // 24) * _DAY
    return step.seconds + typical - slack, step.seconds + typical + slack


def parse_datetime_offset(cycling: DatetimeCycling, text: str, *, initial: int) -> Offset:
    """The brackets of a node in datetime cycling; raises `IntervalError` or `PointError`.

    Beyond Cylc 8.5, intervals may stand before a truncated point: ``-P1D+T06`` is the first T06 from a day
    before on.
    """
    body = _clean(text)
    if body.startswith("^"):
        point, _ = evaluate_point(cycling, cycling.format(initial) + body[1:], context=None)
        return AbsoluteOffset(body, cycling.snap(point))
    head, rest = split_leading_chain(body)
    steps: list[Step] = list(parse_chain(head)) if head else []
    if rest:
        base, tail = split_offsets(rest)
        if head and not base.startswith("+"):
            raise IntervalError(f"cannot read {text!r} as an offset; expected the like of -P1D, T06-P1D or -P1D+T06")
        base = base[1:] if head else base
        if not head and not cycling.reader.is_truncated(base):
            point = cycling.from_full(cycling.reader.full(base))
            for interval in parse_chain(tail) if tail else ():
                point = cycling.add(point, interval)
            return AbsoluteOffset(body, cycling.snap(point))
        steps.append(cycling.reader.truncated(base))
        steps.extend(parse_chain(tail) if tail else ())
    if all(isinstance(step, Interval) and step.is_exact for step in steps):
        return ExactOffset(body, sum(step.seconds for step in steps if isinstance(step, Interval)))
    return CalendarOffset(cycling, body, tuple(steps))


def parse_integer_offset(cycling: IntegerCycling, text: str, *, initial: int) -> Offset:
    """The brackets of a node in integer cycling; raises `IntervalError` or `PointError`."""
    body = _clean(text)
    if body.startswith("^"):
        return AbsoluteOffset(body, initial + _distance(cycling, body[1:]))
    if body and "P" not in body:
        return AbsoluteOffset(body, cycling.parse(body))
    return ExactOffset(body, _distance(cycling, body))


def _distance(cycling: IntegerCycling, chain: str) -> int:
    return sum(cycling.interval(link) for link in re.findall(r"[+-]?[^+-]+|[+-]", chain))


def _clean(text: str) -> str:
    body = "".join(text.split())
    if "$" in body:
        raise IntervalError(f"the offset {text!r} names the final cycle point ($), which a node cannot be counted from")
    return body
