"""From a record back to a running engine: the pool as it was committed, prerequisites worked out anew from outputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from . import proxy as states
from .effects import PollJob, RecoverJob
from .external import PARAMETER as EXTERNAL_EVENTS
from .forced import restore_forced
from .history import Past
from .prerequisite import FROM_DATABASE, OutputKey
from .proxy import JobTimes, TaskProxy
from .since import PARAMETER as SINCE
from .since import PAUSED

if TYPE_CHECKING:
    from .engine import Engine


class SavedProxy(Struct, eq=False):
    """One instance as the record holds it."""

    identity: int
    cycle: str
    name: str
    flows: frozenset[int]
    status: str
    submit_number: int
    try_number: int
    is_held: bool
    is_manual_submit: bool
    flow_wait: bool
    in_pool: bool
    outputs: dict[str, str]
    time_created: float
    time_updated: float
    retry_at: float | None = None
    retry_kind: str = ""
    execution_retries: int = 0
    submission_retries: int = 0
    forced: Mapping[str, Any] = {}
    """What users and outside events satisfied; see `forced.as_data`."""
    job: JobTimes | None = None


class SavedState(Struct, eq=False):
    """A run as the record holds it."""

    proxies: list[SavedProxy] = []
    """The pool and every instance that has left it."""
    absolute_outputs: list[tuple[str, str, str]] = []
    """(cycle, task, label)."""
    searches: list[tuple[str, str, list[int]]] = []
    """(task, cycle, flows)."""
    to_hold: list[tuple[str, str]] = []
    """(task, cycle)."""
    broadcasts: list[tuple[str, str, str, str]] = []
    """(cycle or ``*``, namespace, setting, value)."""
    xtriggers: Mapping[str, dict[str, Any]] = {}
    """Signatures satisfied, with results."""
    late: list[tuple[str, str]] = []
    """(cycle, task)."""
    latest_flow: int = 1
    parameters: Mapping[str, str] = {}


def restore(engine: Engine, state: SavedState, *, now: float) -> None:
    """Put a new engine where the record left off; its first effects ask after the jobs that should be alive."""
    engine.now = now
    parse = engine.definition.cycling.parse
    engine.is_paused = engine.options.start_paused or state.parameters.get("is_paused") == "1"
    engine.since.restore(
        state.parameters.get(SINCE), oldest=min((one.time_created for one in state.proxies), default=None)
    )
    if engine.is_paused:
        engine.changes.parameters["is_paused"] = "1"
        if state.parameters.get("is_paused") != "1":
            engine.since.mark(PAUSED)
    for cycle, task, label in state.absolute_outputs:
        engine.spawner.absolute_outputs.add(OutputKey(parse(cycle), task, label))
    engine.flows.latest = state.latest_flow
    engine.broadcasts.load(state.broadcasts)
    engine.xtriggers.satisfied.update(state.xtriggers)
    engine.timeouts.known_late.update(state.late)
    engine.interventions.to_hold.update((parse(cycle), task) for task, cycle in state.to_hold)
    for task, cycle, flows in state.searches:
        if task in engine.definition.tasks:
            engine.spawner.searches.append((task, parse(cycle), frozenset(flows)))
    _restore_past(engine, state.proxies)
    forced = {
        proxy: saved.forced for saved in state.proxies if saved.in_pool and (proxy := _proxy(engine, saved)) is not None
    }
    pool = list(forced)
    engine.external.restore(json.loads(state.parameters.get(EXTERNAL_EVENTS) or "{}"))
    for proxy in pool:
        engine.spawner.attach_prerequisites(proxy)
        proxy.xtriggers = dict.fromkeys(forced[proxy].get("xtriggers", ()), True)
        engine.xtriggers.attach(proxy, restored=True)
        has_run = proxy.status != states.WAITING or proxy.retry_at is not None
        engine.external.attach(proxy, satisfied=has_run or bool(forced[proxy].get("external")))
        engine.pool[(proxy.point, proxy.definition.name)] = proxy
        engine.runahead.entered(proxy, engine.future_offset(proxy))
        if engine.definition.compatibility:
            engine.runahead.count_failure(proxy, proxy.status in states.ENDED_BADLY)
        engine.log("INFO", f"+ {proxy.id} {proxy.status}{' (held)' if proxy.is_held else ''}")
    engine.xtriggers.forget_unused()
    satisfy_from_record(engine)
    for proxy in pool:
        restore_forced(engine, proxy, forced[proxy])
    engine.shutdown.start_timers()
    for proxy in pool:
        _resume(engine, proxy)
    engine.resume_after_restore()
    if all(proxy.is_final and engine.outcomes.is_complete(proxy) for proxy in pool):
        engine.shutdown.wait_after_restart()


def _restore_past(engine: Engine, proxies: Iterable[SavedProxy]) -> None:
    for saved in proxies:
        engine.reserve_identity(saved.identity)
        past = past_of(engine, saved)
        if past is not None:
            engine.history.add(engine.definition.cycling.parse(saved.cycle), saved.name, past)


def past_of(engine: Engine, saved: SavedProxy) -> Past | None:
    """What the record holds of an instance that has left the pool; None if it has not, or its task is gone."""
    definition = engine.definition.tasks.get(saved.name)
    if saved.in_pool or definition is None:
        return None
    outputs = frozenset(saved.outputs)
    return Past(
        saved.flows,
        saved.status,
        saved.submit_number,
        outputs,
        saved.status in states.FINAL and engine.completion(definition)(outputs),
        saved.identity,
        saved.flow_wait,
        saved.time_updated,
    )


def _proxy(engine: Engine, saved: SavedProxy) -> TaskProxy | None:
    definition = engine.definition.tasks.get(saved.name)
    point = engine.definition.cycling.parse(saved.cycle)
    if definition is None or not definition.is_valid_at(point):
        engine.log("WARNING", f"{saved.cycle}/{saved.name} is no longer in the workflow definition: not loaded")
        return None
    return TaskProxy(
        saved.identity,
        definition,
        point,
        saved.cycle,
        saved.flows,
        status=saved.status,
        is_held=saved.is_held,
        is_manual_submit=saved.is_manual_submit,
        flow_wait=saved.flow_wait,
        submit_number=saved.submit_number,
        try_number=saved.try_number,
        outputs=saved.outputs,
        retry_at=saved.retry_at,
        retry_kind=saved.retry_kind,
        execution_retries=saved.execution_retries,
        submission_retries=saved.submission_retries,
        is_parentless=engine.graph.is_parentless(saved.name, point),
        is_runahead=saved.status == states.WAITING,
        job=saved.job,
        time_created=saved.time_created,
        time_updated=saved.time_updated,
        held_since=saved.time_updated if saved.is_held else None,
    )


def satisfy_from_record(engine: Engine) -> None:
    """Mark every leaf whose output the record knows. Outputs, not prerequisites, are what is stored: so an edited graph
    finds what it waits for too."""
    spawner = engine.spawner
    for live in spawner.prerequisites.values():
        for prerequisite in live:
            flows: frozenset[int] = frozenset()
            for proxy in prerequisite.dependents:
                flows |= proxy.flows
            for leaf, key in enumerate(prerequisite.keys):
                if leaf in prerequisite.how or not spawner.is_output_complete(key, flows):
                    continue
                if prerequisite.satisfy(leaf, FROM_DATABASE) and not prerequisite.tree.dependency.suicide:
                    for proxy in prerequisite.dependents:
                        proxy.unmet -= 1


def _resume(engine: Engine, proxy: TaskProxy) -> None:
    """Take up an instance where it was."""
    engine.timeouts.restore(proxy)
    if proxy.status in states.LIVE:
        engine.live += 1
        engine.queues.became_active(proxy)
    is_simulation = engine.options.run_mode == "simulation"
    if proxy.status == states.WAITING:
        if proxy.retry_at is not None:
            engine.outcomes.wait_for_retry(proxy)
        engine.runahead.block(proxy)
    elif proxy.status == states.PREPARING:
        if is_simulation:
            engine.simulator.take(proxy)
        else:
            engine.effects.append(RecoverJob(engine.job_specification(proxy)))
    elif proxy.status in states.ACTIVE:
        if is_simulation:
            engine.simulator.wait(proxy)
        elif proxy.job is not None:
            is_submitted = proxy.status == states.SUBMITTED
            engine.effects.append(PollJob(proxy.job_key, proxy.job.job_id, submitted_only=is_submitted))
