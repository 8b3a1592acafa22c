"""The runahead window: how far ahead of the oldest active point tasks may run."""

from __future__ import annotations

import heapq
from collections import defaultdict

from ..language.definition import WorkflowDefinition
from .proxy import TaskProxy


class RunaheadWindow:
    """Keeps the limit as the pool changes: O(log n) per instance, a few recurrence steps when the base point moves.

    The base is the earliest point of any instance in the pool. ``Pn`` allows n more points of any recurrence after it;
    a duration allows every point up to base plus duration. Never beyond the stop point. (Cylc 8.5 behaviour.)
    """

    def __init__(self, definition: WorkflowDefinition) -> None:
        self.definition = definition
        self.stop_point = definition.stop_point
        self.limit: int | None = None
        """The last point whose tasks may run; None while nothing has been computed."""
        self._counts: dict[int, int] = defaultdict(int)
        self._points: list[int] = []
        self._computed_for: tuple[int | None, int | None, int] | None = None
        self._future: dict[int, int] = defaultdict(int)
        self._blocked: list[tuple[int, int, TaskProxy]] = []
        self._failures: set[TaskProxy] = set()
        """Instances that do not hold the window back because they failed; with ``suite.rc`` only."""

    def entered(self, proxy: TaskProxy, future_offset: int) -> None:
        """An instance joined the pool; `future_offset` is how far ahead its furthest parent lies."""
        self._count(proxy.point)
        if future_offset > 0:
            self._future[future_offset] += 1

    def left(self, proxy: TaskProxy, future_offset: int) -> None:
        """An instance left the pool."""
        self._discount(proxy.point)
        if future_offset > 0:
            self._future[future_offset] -= 1
            if not self._future[future_offset]:
                del self._future[future_offset]

    def count_failure(self, proxy: TaskProxy, is_failure: bool) -> None:
        """An instance in the pool failed, or no longer counts as failed: what has failed holds nothing back (Cylc 7
        behaviour, for ``suite.rc``)."""
        if is_failure is (proxy in self._failures):
            return
        if is_failure:
            self._failures.add(proxy)
            self._discount(proxy.point)
        else:
            self._failures.discard(proxy)
            self._count(proxy.point)

    def _count(self, point: int) -> None:
        if not self._counts[point]:
            heapq.heappush(self._points, point)
        self._counts[point] += 1

    def _discount(self, point: int) -> None:
        self._counts[point] -= 1
        if not self._counts[point]:
            del self._counts[point]

    def block(self, proxy: TaskProxy) -> None:
        """Keep an instance until the limit reaches it."""
        heapq.heappush(self._blocked, (proxy.point, proxy.identity, proxy))

    def base(self) -> int | None:
        """The earliest point in the pool, or None if it is empty."""
        while self._points and self._points[0] not in self._counts:
            heapq.heappop(self._points)
        return self._points[0] if self._points else None

    def update(self) -> bool:
        """Recompute the limit if what it rests on has changed; True if it moved."""
        base = self.base()
        if base is None and self.limit is not None:
            return False
        ahead = max(self._future, default=0)
        if self._computed_for == (base, self.stop_point, ahead):
            return False
        self._computed_for = (base, self.stop_point, ahead)
        before = self.limit
        self.limit = self._limit_from(base, ahead)
        return self.limit != before

    def invalidate(self) -> None:
        """Forget what was computed (the stop point or the definition changed)."""
        self._computed_for = None

    def released(self) -> list[TaskProxy]:
        """Blocked instances that the limit has reached, earliest first."""
        ready = []
        while self._blocked and self.limit is not None and self._blocked[0][0] <= self.limit:
            ready.append(heapq.heappop(self._blocked)[2])
        return ready

    def _limit_from(self, base: int | None, ahead: int) -> int:
        definition = self.definition
        if base is None:
            firsts = [sequence.first(definition.start_point) for sequence in definition.sequences]
            base = min((point for point in firsts if point is not None), default=definition.start_point)
        limit = base
        if definition.runahead.cycles is not None:
            upcoming: list[tuple[int, int]] = []
            for index, sequence in enumerate(definition.sequences):
                first = sequence.first(base)
                if first is not None:
                    upcoming.append((first, index))
            heapq.heapify(upcoming)
            distinct = 0
            while upcoming and distinct <= definition.runahead.cycles:
                point, index = upcoming[0]
                if point != limit or distinct == 0:
                    limit = point
                    distinct += 1
                following = definition.sequences[index].next(point)
                if following is None:
                    heapq.heappop(upcoming)
                else:
                    heapq.heapreplace(upcoming, (following, index))
        else:
            end = definition.cycling.add(base, definition.runahead.interval)
            for sequence in definition.sequences:
                last = sequence.previous(end + 1)
                if last is not None and last > limit:
                    limit = last
        limit += ahead
        if self.stop_point is not None:
            limit = min(limit, self.stop_point)
        return limit
