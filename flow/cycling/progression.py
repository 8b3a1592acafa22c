"""Ascending rows of points: exact steps in constant time, calendar steps from a cache that grows as asked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Protocol

_LONGEST = 2_000_000
"""Points a calendar progression may generate before a query is taken for a mistake."""


class Progression(Protocol):
    """An ascending row of points, perhaps without end."""

    start: int

    @property
    def is_endless(self) -> bool:
        """Whether there is no last point."""
        ...

    def contains(self, point: int) -> bool:
        """Whether a point is in the row."""
        ...

    def first(self, at_or_after: int) -> int | None:
        """The first point at or after one."""
        ...

    def last(self, at_or_before: int) -> int | None:
        """The last point at or before one."""
        ...


class ExactProgression:
    """``start, start + step, ...`` up to and including `stop` (None: without end). Every question is O(1)."""

    __slots__ = ("start", "step", "stop")

    def __init__(self, start: int, step: int, stop: int | None) -> None:
        self.start = start
        self.step = step
        self.stop = stop

    @property
    def is_endless(self) -> bool:
        """Whether there is no last point."""
        return self.stop is None

    def contains(self, point: int) -> bool:
        """Whether a point is in the row."""
        distance = point - self.start
        return distance >= 0 and distance % self.step == 0 and (self.stop is None or point <= self.stop)

    def first(self, at_or_after: int) -> int | None:
        """The first point at or after one."""
        point = self.start
        if at_or_after > point:
            point = at_or_after + (point - at_or_after) % self.step
        return None if self.stop is not None and point > self.stop else point

    def last(self, at_or_before: int) -> int | None:
        """The last point at or before one."""
        if self.stop is not None and self.stop < at_or_before:
            at_or_before = self.stop
        if at_or_before < self.start:
            return None
        return at_or_before - (at_or_before - self.start) % self.step


class CalendarProgression:
    """Points made one from another by a step of months or years, each kept once made.

    Points are cumulative, as in Cylc 8.5: once 29 February has become the 28th it stays the 28th.
    """

    __slots__ = ("_complete", "_points", "_step", "_stop", "count", "start")

    def __init__(self, start: int, step: Callable[[int], int], *, stop: int | None, count: int | None) -> None:
        self.start = start
        self._step = step
        self._stop = stop
        self.count = count
        self._points = [] if stop is not None and start > stop else [start]
        self._complete = not self._points or count == 1

    @property
    def is_endless(self) -> bool:
        """Whether there is no last point."""
        return self._stop is None and self.count is None

    def _grow(self, point: int) -> list[int]:
        """Make points until one lies beyond `point` or the row ends."""
        points = self._points
        while not self._complete and points[-1] <= point and len(points) < _LONGEST:
            following = self._step(points[-1])
            if self._stop is not None and following > self._stop:
                self._complete = True
                break
            points.append(following)
            self._complete = self.count is not None and len(points) >= self.count
        return points

    def contains(self, point: int) -> bool:
        """Whether a point is in the row."""
        points = self._grow(point)
        index = bisect_left(points, point)
        return index < len(points) and points[index] == point

    def first(self, at_or_after: int) -> int | None:
        """The first point at or after one."""
        points = self._grow(at_or_after)
        index = bisect_left(points, at_or_after)
        return points[index] if index < len(points) else None

    def last(self, at_or_before: int) -> int | None:
        """The last point at or before one."""
        points = self._grow(at_or_before)
        index = bisect_right(points, at_or_before)
        return points[index - 1] if index else None
