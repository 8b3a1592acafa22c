"""A recurrence as the engine asks it: a progression between two bounds, less its exclusions."""

from __future__ import annotations

from collections.abc import Sequence as Row
from math import lcm

from .cycling import Sequence
from .exceptions import RecurrenceError
from .progression import ExactProgression, Progression

_SEARCH = 20_000
"""Points in a row that may all be excluded before an endless recurrence is taken for an empty one."""


class RecurringSequence:
    """Points of one progression from `lower` to `upper` (None: no end) that no exclusion names."""

    __slots__ = (
        "_excluded_points",
        "_excluded_sequences",
        "_lower",
        "_plain",
        "_progression",
        "_upper",
        "text",
    )

    def __init__(
        self,
        text: str,
        progression: Progression,
        *,
        lower: int,
        upper: int | None,
        excluded_points: frozenset[int] = frozenset(),
        excluded_sequences: Row[Progression] = (),
    ) -> None:
        self.text = text
        self._progression = progression
        self._lower = lower
        self._upper = upper
        self._excluded_points = excluded_points
        self._excluded_sequences = tuple(excluded_sequences)
        self._plain = not excluded_points and not self._excluded_sequences

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.text}>"

    def is_excluded(self, point: int) -> bool:
        """Whether an exclusion names a point."""
        if point in self._excluded_points:
            return True
        return any(sequence.contains(point) for sequence in self._excluded_sequences)

    def contains(self, point: int) -> bool:
        """Whether a point is one of its points."""
        if point < self._lower or (self._upper is not None and point > self._upper):
            return False
        return self._progression.contains(point) and (self._plain or not self.is_excluded(point))

    def first(self, at_or_after: int) -> int | None:
        """Its first point at or after a point."""
        point = self._progression.first(max(at_or_after, self._lower))
        while point is not None and (self._upper is None or point <= self._upper):
            if self._plain or not self.is_excluded(point):
                return point
            point = self._progression.first(point + 1)
        return None

    def next(self, after: int) -> int | None:
        """Its first point after a point."""
        return self.first(after + 1)

    def previous(self, before: int) -> int | None:
        """Its last point before a point."""
        limit = before - 1 if self._upper is None else min(before - 1, self._upper)
        point = self._progression.last(limit)
        while point is not None and point >= self._lower:
            if self._plain or not self.is_excluded(point):
                return point
            point = self._progression.last(point - 1)
        return None

    def refuse_if_swallowed(self) -> None:
        """Raise `RecurrenceError` where exclusions leave an endless recurrence without a point from some
        time on.

        The upper bound is not looked at. Cylc 8.5 loops for ever on such a recurrence.
        """
        if self._plain or not self._progression.is_endless:
            return
        endless = [sequence for sequence in self._excluded_sequences if sequence.is_endless]
        if not endless:
            return
        search = _SEARCH
        origin = self._lower
        if isinstance(self._progression, ExactProgression):
            steps = [sequence.step for sequence in endless if isinstance(sequence, ExactProgression)]
            if len(steps) == len(endless):
                origin = max(self._lower, self._progression.start, *(sequence.start for sequence in endless))
                search = min(search, lcm(self._progression.step, *steps) // self._progression.step)
        point = self._progression.first(origin)
        for _ in range(search):
            if point is None or not any(sequence.contains(point) for sequence in endless):
                return
            point = self._progression.first(point + 1)
        raise RecurrenceError(
            f"the exclusions of {self.text!r} leave no point; exclude less, or take the recurrence out of the graph"
        )


class JoinedSequence:
    """Several recurrences written as one heading, ``T00, T12``: their points together."""

    __slots__ = ("_sequences", "text")

    def __init__(self, text: str, sequences: Row[Sequence]) -> None:
        self.text = text
        self._sequences = tuple(sequences)

    def contains(self, point: int) -> bool:
        """Whether a point is one of its points."""
        return any(sequence.contains(point) for sequence in self._sequences)

    def first(self, at_or_after: int) -> int | None:
        """Its first point at or after a point."""
        return min(
            (point for sequence in self._sequences if (point := sequence.first(at_or_after)) is not None),
            default=None,
        )

    def next(self, after: int) -> int | None:
        """Its first point after a point."""
        return self.first(after + 1)

    def previous(self, before: int) -> int | None:
        """Its last point before a point."""
        return max(
            (point for sequence in self._sequences if (point := sequence.previous(before)) is not None),
            default=None,
        )
