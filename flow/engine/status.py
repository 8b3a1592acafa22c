"""How a run is, in a word and in a few (Cylc 8's ``status`` and ``status_msg``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import shutdown

if TYPE_CHECKING:
    from .engine import Engine

RUNNING = "running"
PAUSED = "paused"
STOPPING = "stopping"

_STOPPING = {
    shutdown.CLEAN: "waiting for active jobs to complete",
    shutdown.KILL: "killing active jobs",
    shutdown.NOW: "actioning events",
    shutdown.NOW_NOW: "immediate shutdown",
}


def status_of(engine: Engine) -> tuple[str, str]:
    """The status of a run, and a message that says more."""
    stop = engine.shutdown.requested
    if stop is not None or engine.shutdown.is_stopped:
        return STOPPING, f"stopping: {_STOPPING.get(stop or '', 'the run is over')}"
    write = engine.definition.cycling.format
    if engine.is_paused:
        return PAUSED, "stalled and paused" if engine.shutdown.is_stalled else "paused"
    if engine.shutdown.is_stalled:
        return RUNNING, "stalled"
    if engine.hold_point is not None:
        return RUNNING, f"running to hold at {write(engine.hold_point)}"
    if engine.runahead.stop_point is not None:
        return RUNNING, f"running to stop at {write(engine.runahead.stop_point)}"
    if engine.shutdown.stop_task is not None:
        return RUNNING, f"running to stop at {engine.shutdown.stop_task}"
    return RUNNING, "running"
