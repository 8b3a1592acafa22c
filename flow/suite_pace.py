"""How fast the suites of a server live: as the host does, or in fast motion, to try a suite with times out."""

from __future__ import annotations

import time

from attrs import define


@define
class Pace:
    """Tells the time of events, seconds since the epoch.

    ecFlow's server has the same by its job submission interval: a suite's minute lasts that many seconds.
    """

    minute_seconds: float = 60.0
    """How long a suite's minute lasts."""
    _began_at: float = 0.0
    _began_events: float = 0.0

    def begin(self, latest: float) -> None:
        """Count from now; `latest` is the time of the latest event there was, before which it does not go back."""
        self._began_at = time.time()
        self._began_events = self._began_at if self.minute_seconds == 60 else max(self._began_at, latest)

    def now(self) -> float:
        """The time of an event that happens now."""
        if self.minute_seconds == 60:
            return time.time()
        return self._began_events + (time.time() - self._began_at) * 60 / self.minute_seconds

    def seconds_until(self, moment: float) -> float:
        """How long to wait until events are of a moment; 0 if it is past."""
        return max(0.0, (moment - self.now()) * self.minute_seconds / 60)
