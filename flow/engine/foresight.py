"""Looking ahead: an engine played on as if every job did well, to see which tasks would come to run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from ..language.definition import STANDARD_OUTPUTS
from . import proxy as states
from .effects import CallXtrigger, Effect, KillJob, RecoverJob, SubmitJob
from .engine import Engine
from .events import (
    Event,
    JobFailed,
    JobKey,
    JobMessage,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
    Tick,
    XtriggerReported,
)

SLICE_STEPS = 1000
EVENTS_AT_ONCE = 500


class Foresight(Struct, eq=False):
    """What was seen."""

    tasks: dict[str, None] = {}
    """``CYCLE/TASK`` of every job that would be submitted, in order, up to the horizon."""
    is_complete: bool = True
    """False if it was cut short: then there may be more."""


def foresee(
    engine: Engine, horizon: int, *, may_go_on: Callable[[int], bool], ended: Iterable[JobKey] = ()
) -> Foresight:
    """Play a copy of a run on, until nothing more happens up to a cycle point: the engine is used up by it.

    Jobs that run, or would, succeed and send all custom outputs; functions of external triggers are satisfied at once;
    the clock jumps; a pause is over. Held tasks stay held, failed ones failed. No timeout ends the run.

    Args:
        engine: a copy that nobody needs afterwards.
        horizon: the last cycle point of which jobs are played.
        may_go_on: asked now and then, with the number of jobs so far, whether to look further.
        ended: jobs about to be killed: these fail.
    """
    seen = Foresight()
    killed = set(ended)
    _let_go(engine)
    pending: list[Event] = [XtriggerReported(engine.now, one, satisfied=True) for one in engine.xtriggers.in_flight()]
    for proxy in list(engine.pool.values()):
        if proxy.status in states.LIVE and proxy.job is not None and proxy.point <= horizon:
            pending += _outcome(engine, proxy.job_key, killed)
    while not engine.shutdown.is_stopped:
        if not may_go_on(len(seen.tasks)):
            seen.is_complete = False
            break
        batch, pending = pending[:EVENTS_AT_ONCE], pending[EVENTS_AT_ONCE:]
        for event in batch:
            engine.handle(event)
        while not engine.advance(SLICE_STEPS):
            pass
        turn = engine.take()
        pending += _answers(engine, turn.effects, horizon, killed, seen)
        if not pending:
            wake = engine.next_wake()
            if wake is None:
                break
            pending.append(Tick(max(wake, engine.now)))
    return seen


def _let_go(engine: Engine) -> None:
    """Take away what would end or stop the look ahead but says nothing of which tasks can run."""
    options = engine.options
    options.run_mode = "live"
    options.debug = False
    options.abort_on_task_failure = False
    options.abort_on_stall_timeout = options.abort_on_inactivity_timeout = options.abort_on_workflow_timeout = False
    options.stall_timeout_seconds = options.inactivity_timeout_seconds = options.restart_timeout_seconds = None
    engine.shutdown.waits_after_restart = False
    engine.set_paused(False)
    engine.resume_after_restore()


def _answers(engine: Engine, effects: list[Effect], horizon: int, killed: set[JobKey], seen: Foresight) -> list[Event]:
    events: list[Event] = []
    for effect in effects:
        if isinstance(effect, SubmitJob | RecoverJob):
            key = effect.job.key
            if engine.definition.cycling.parse(key.cycle) <= horizon:
                seen.tasks[f"{key.cycle}/{key.task}"] = None
                events += _outcome(engine, key, killed)
        elif isinstance(effect, KillJob):
            killed.add(effect.key)
        elif isinstance(effect, CallXtrigger):
            events.append(XtriggerReported(engine.now, effect.signature, satisfied=True))
    return events


def _outcome(engine: Engine, key: JobKey, killed: set[JobKey]) -> list[Event]:
    now = engine.now
    if key in killed:
        return [JobFailed(now, key, "KILL")]
    definition = engine.definition.tasks.get(key.task)
    outputs = () if definition is None else definition.outputs.items()
    return [
        JobSubmitted(now, key, "1"),
        JobStarted(now, key),
        *(JobMessage(now, key, "INFO", output.message) for label, output in outputs if label not in STANDARD_OUTPUTS),
        JobSucceeded(now, key),
    ]
