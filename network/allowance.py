"""How long requests may be served before whatever else the loop has to do gets its turn."""

from __future__ import annotations

import time
from collections.abc import Callable

SLICE_SECONDS = 0.002
"""How long requests are served at a time."""
SHARE = 0.15
"""Of a loop that others keep busy, what requests may take."""
LONGEST_WAIT_SECONDS = 0.03
"""Whoever asks is never kept waiting longer than this by the share."""
QUIET_SECONDS = 0.0003
"""When others worked less than this since the last look, nobody has work to be held up."""


class Allowance:
    """The time that requests may take: all of it in an idle loop, a share of it in a busy one.

    Args:
        clock: seconds that pass.
        work: seconds that this thread worked.
    """

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, work: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._work = work
        self._left = SLICE_SECONDS
        self._served_at = self._looked_at = clock()
        self._worked = work()

    def seconds(self) -> float:
        """How long requests may be served now; zero if others come first."""
        now, worked = self._clock(), self._work()
        others = worked - self._worked
        if others < QUIET_SECONDS or now > self._served_at + LONGEST_WAIT_SECONDS:
            self._left = SLICE_SECONDS
        else:
            idle = max(0.0, now - self._looked_at - others)
            self._left = min(SLICE_SECONDS, self._left + SHARE * others + idle)
        self._looked_at, self._worked = now, worked
        return max(0.0, self._left)

    def served(self) -> None:
        """Requests have been served since `seconds` was asked: what they took is taken off."""
        now = self._clock()
        self._left -= now - self._looked_at
        self._served_at = self._looked_at = now
        self._worked = self._work()
