"""Everything the engine waits for the clock to reach, in one heap."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from msgspec import Struct

SWEEP = 1000
"""As many inert timers do not matter."""


class Timer(Struct, eq=False):
    """One thing to do at a time."""

    at: float
    action: Callable[[], None] | None
    _timers: Timers

    def cancel(self) -> None:
        """Make it a no-op."""
        if self.action is not None:
            self.action = None
            self._timers.one_is_inert()


class Timers(Struct, eq=False):
    """The timers of a run. A cancelled timer stays in the heap, inert, until its time comes or most are."""

    _heap: list[tuple[float, int, Timer]] = []
    _count: int = 0
    _inert: int = 0

    def one_is_inert(self) -> None:
        """A timer was cancelled; once most are, they are thrown out: they may be due in years only."""
        self._inert += 1
        if self._inert > SWEEP and self._inert > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._inert = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, at: float, action: Callable[[], None]) -> Timer:
        """Call `action` once the clock reaches `at`."""
        timer = Timer(at, action, self)
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, timer))
        return timer

    def next_time(self) -> float | None:
        """When the earliest live timer is due; None if there is none."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
            self._inert = max(0, self._inert - 1)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[Callable[[], None]]:
        """The actions whose time has come, earliest first, each once."""
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            if timer.action is None:
                self._inert = max(0, self._inert - 1)
                continue
            action, timer.action = timer.action, None
            yield action
