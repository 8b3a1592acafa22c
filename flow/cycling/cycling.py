"""The interface every kind of cycling offers: points are integers, their meaning lives here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol


class Offset(Protocol):
    """Where a parent lies as seen from its child: what stands in the brackets of ``foo[-P1D]``."""

    @property
    def text(self) -> str:
        """As written, white space removed, without the brackets."""
        ...

    @property
    def is_absolute(self) -> bool:
        """True for ``[^]``, ``[^+P1D]``, ``[20200101T00]``, ``[5]``: the same parent whatever the child's point."""
        ...

    def parent(self, child_point: int) -> int:
        """The parent's point for a child at `child_point`."""
        ...

    def children(self, parent_point: int, sequence: Sequence) -> Iterator[int]:
        """Points of `sequence` whose parent is at `parent_point`; may be unbounded for absolute offsets,
        ascending."""
        ...


class Sequence(Protocol):
    """A recurrence with its exclusions: an ascending set of points, none before the initial point.

    It may be unbounded; the final point bounds it where the workflow has one.
    """

    @property
    def text(self) -> str:
        """The recurrence as written."""
        ...

    def contains(self, point: int) -> bool:
        """Whether `point` is one of its points (O(1) for exact intervals)."""
        ...

    def first(self, at_or_after: int) -> int | None:
        """Its first point at or after a point."""
        ...

    def next(self, after: int) -> int | None:
        """Its first point after a point."""
        ...

    def previous(self, before: int) -> int | None:
        """Its last point before a point."""
        ...


class Cycling(Protocol):
    """One workflow's way to read, write and count cycle points."""

    mode: str
    """``integer``, ``gregorian``, ``360_day``, ``365_day`` or ``366_day``."""

    def parse(self, text: str) -> int:
        """A full point as text to its integer; raises `PointError`. Cached."""
        ...

    def format(self, point: int) -> str:
        """A point's canonical text. Cached."""
        ...

    def interval(self, text: str) -> Any:
        """An interval as text (``P2``, ``PT6H``, ``-P1M``); raises `IntervalError`."""
        ...

    def add(self, point: int, interval: Any) -> int:
        """A point moved by an interval."""
        ...

    def sequence(self, text: str, initial: int, final: int | None, *, bounded: bool = True) -> Sequence:
        """A recurrence heading; several with commas between them (``T00, T12``) give their points together.

        With `bounded` false the final point only serves where the heading counts from it, and ends nothing.
        Raises `RecurrenceError`, also where it can never yield a point.
        """
        ...

    def offset(self, text: str, initial: int) -> Offset:
        """What stands in the brackets of a graph node; raises `IntervalError` or `PointError`."""
        ...

    def epoch_seconds(self, point: int) -> float:
        """A point as seconds since 1970 (UTC), for wall-clock triggers; raises `PointError` in integer
        cycling."""
        ...
