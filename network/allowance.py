"""How long requests may be served before what the server's owner has to do gets its turn."""

from __future__ import annotations

import time
from collections.abc import Callable

SLICE_SECONDS = 0.002
"""How long requests are served at a time while there is other work."""
SHARE = 0.15
"""Of the time in which there is other work, what requests may take."""
LONGEST_PAUSE_SECONDS = 0.03
"""No pause is longer, so that whoever asks is answered soon, even after a request that took long."""


class Allowance:
    """Requests are served a slice at a time, and while there is other work with pauses in between.

    A pause leaves the thread idle or to others: the record is written by another thread, which waits for this one
    whenever this one is busy.

    Args:
        clock: seconds that pass.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began_at = 0.0
        self._next_at = 0.0

    def begin(self, *, is_at_work: bool) -> float:
        """Seconds to wait before requests are served; if there are none, a slice begins.

        Args:
            is_at_work: whether the owner has work that requests must not hold up.
        """
        now = self._clock()
        if is_at_work and now < self._next_at:
            return self._next_at - now
        self._began_at = now
        return 0.0

    def end(self) -> None:
        """The slice has ended: the longer it took, the longer is the pause."""
        now = self._clock()
        took = now - self._began_at
        self._next_at = now + min(took * (1 / SHARE - 1), LONGEST_PAUSE_SECONDS)
