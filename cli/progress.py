"""What a run in the foreground shows: the log, as Cylc does."""

from __future__ import annotations

import sys

from ..flow.plan import RunPlan


class Progress:
    """Sends the log of a run to standard error."""

    def __init__(self, plan: RunPlan, *, terminal_timestamps: bool) -> None:
        plan.terminal = sys.stderr
        plan.terminal_timestamps = terminal_timestamps

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        return
