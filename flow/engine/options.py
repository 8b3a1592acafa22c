"""How a run is played, as against what it plays."""

from __future__ import annotations

from msgspec import Struct


class XtriggerContext(Struct, frozen=True, kw_only=True):
    """What functions of external triggers may be told of the run."""

    workflow: str = ""
    run_directory: str = ""
    user: str = ""


class EngineOptions(Struct):
    """Choices of one run; durations in seconds, None for no timeout."""

    run_mode: str = "live"
    """``live``, ``dummy`` or ``simulation``."""
    start_paused: bool = False
    is_reference_run: bool = False
    """Write `-triggered off` lines at INFO."""
    abort_on_task_failure: bool = False
    """End the run, with an error, on a failed job that was not expected to fail."""
    expected_task_failures: frozenset[str] = frozenset()
    """``CYCLE/TASK`` ids whose failure does not end such a run."""
    debug: bool = False
    stall_timeout_seconds: float | None = 3600.0
    abort_on_stall_timeout: bool = True
    inactivity_timeout_seconds: float | None = None
    abort_on_inactivity_timeout: bool = False
    workflow_timeout_seconds: float | None = None
    abort_on_workflow_timeout: bool = False
    restart_timeout_seconds: float | None = 300.0
    stop_clock_seconds: float | None = None
    """Stop when the clock reaches this; seconds since the epoch."""
    stop_task: str | None = None
    """Stop when this ``CYCLE/TASK`` has finished."""
    xtriggers: XtriggerContext = XtriggerContext()
