"""Everything the engine waits for the clock to reach, in one heap."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from attrs import define, field


@define(eq=False)
class Timer:
    """One thing to do at a time."""

    at: float
    action: Callable[[], None] | None

    def cancel(self) -> None:
        """Make it a no-op."""
        self.action = None


@define(eq=False)
class Timers:
    """The timers of a run. A cancelled timer stays in the heap, inert, until its time comes."""

    _heap: list[tuple[float, int, Timer]] = field(factory=list)
    _count: int = 0

    def add(self, at: float, action: Callable[[], None]) -> Timer:
        """Call `action` once the clock reaches `at`."""
        timer = Timer(at, action)
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, timer))
        return timer

    def next_time(self) -> float | None:
        """When the earliest live timer is due; None if there is none."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[Callable[[], None]]:
        """The actions whose time has come, earliest first, each once."""
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            if timer.action is not None:
                action, timer.action = timer.action, None
                yield action
