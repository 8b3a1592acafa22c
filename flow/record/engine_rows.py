"""Between the engine and the record: what a turn changed as rows, and rows as a state to restore."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ..engine.engine import Engine, Turn
from ..engine.events import Event
from ..engine.forced import as_data
from ..engine.history import Past, Recall
from ..engine.proxy import JobTimes, TaskProxy
from ..engine.restore import SavedProxy, SavedState, past_of
from ..engine.text import utc
from ..language.definition import WorkflowDefinition
from .exceptions import RecordError
from .rows import Batch, JobRow, SavedRun, TaskEventRow, TaskRow

SEARCHES = "_parentless_searches"

_encoder = msgspec.json.Encoder()
_flow_texts: dict[frozenset[int], str] = {}


def batch_of(engine: Engine, turn: Turn, events: Iterable[Event]) -> Batch:
    """The rows of one turn, with the events that brought it about for the journal."""
    changes = turn.changes
    batch = Batch(
        tasks=[_task_row(engine, proxy) for proxy in changes.proxies],
        jobs=[
            *(_job_row(proxy, job) for proxy, job in changes.superseded),
            *(_job_row(proxy, proxy.job) for proxy in changes.jobs if proxy.job is not None),
        ],
        task_events=[
            TaskEventRow(event.key.task, event.key.cycle, time, event.key.submit_number, event.name, event.message)
            for time, event in changes.task_events
        ],
        parameters=dict(changes.parameters),
        journal=[(event.time, _encoder.encode(event)) for event in events],
    )
    write = engine.definition.cycling.format
    if changes.absolute_outputs:
        batch.tables["absolute_outputs"] = [
            (write(key.point), key.task, key.output) for key in changes.absolute_outputs
        ]
    if changes.flows:
        batch.tables["workflow_flows"] = [
            (number, utc(start), description) for number, (start, description) in changes.flows.items()
        ]
    batch.flows_left = [(_flows(flows), identity) for identity, flows in changes.flows_left.items()]
    batch.caught_up = list(changes.caught_up)
    for sign, where, namespace, key, value in changes.broadcasts:
        if sign == "+":
            batch.tables.setdefault("broadcast_states", []).append((where, namespace, key, value))
        else:
            batch.deletions.setdefault("broadcast_states", []).append((where, namespace, key))
        event = (utc(engine.now), sign, where, namespace, key, value)
        batch.tables.setdefault("broadcast_events", []).append(event)
    for signature, results in changes.xtriggers.items():
        if results is None:
            batch.deletions.setdefault("xtriggers", []).append((signature,))
        else:
            batch.tables.setdefault("xtriggers", []).append((signature, json.dumps(results)))
    if changes.reloaded:
        batch.tables["inheritance"] = inheritance_rows(engine.definition)
        batch.deletions["inheritance"] = [()]
    if changes.late:
        batch.tables["task_late_flags"] = [(cycle, task, 1) for cycle, task in changes.late]
    for (point, task), held in changes.held.items():
        rows = batch.tables if held else batch.deletions
        rows.setdefault("tasks_to_hold", []).append((task, write(point)))
    if changes.searches:
        batch.parameters[SEARCHES] = json.dumps(
            [(task, write(point), sorted(flows)) for task, point, flows in engine.spawner.searches]
        )
    return batch


def is_empty(batch: Batch) -> bool:
    """Whether there is nothing to commit but, at most, a tick of the clock."""
    return not (batch.tasks or batch.jobs or batch.task_events or batch.parameters or batch.tables or batch.deletions)


def saved_state(saved: SavedRun, history: Iterable[TaskRow]) -> SavedState:
    """A state to restore from the rows of the pool and of the past."""
    jobs: dict[tuple[str, str], JobRow] = {}
    for job in saved.jobs:
        key = (job.cycle, job.name)
        if key not in jobs or job.submit_number > jobs[key].submit_number:
            jobs[key] = job
    proxies = [_saved_proxy(row, None) for row in history if not row.in_pool]
    proxies += [_saved_proxy(row, jobs.get((row.cycle, row.name))) for row in saved.pool]
    searches = json.loads(saved.parameters.get(SEARCHES) or "[]")
    outputs: list[Any] = saved.tables.get("absolute_outputs", [])
    return SavedState(
        proxies=proxies,
        absolute_outputs=[(cycle, task, label) for cycle, task, label in outputs],
        searches=[(task, cycle, flows) for task, cycle, flows in searches],
        to_hold=[(str(task), str(cycle)) for task, cycle in saved.tables.get("tasks_to_hold", [])],
        broadcasts=[tuple(map(str, row)) for row in saved.tables.get("broadcast_states", [])],  # type: ignore[misc]
        xtriggers={str(row[0]): json.loads(str(row[1])) for row in saved.tables.get("xtriggers", [])},
        late=[(str(row[0]), str(row[1])) for row in saved.tables.get("task_late_flags", [])],
        latest_flow=max((int(str(row[0])) for row in saved.tables.get("workflow_flows", [])), default=1),
        parameters={key: value for key, value in saved.parameters.items() if value is not None},
    )


def inheritance_rows(definition: WorkflowDefinition) -> list[tuple[object, ...]]:
    """Every namespace with what it inherits from, itself first, as JSON."""
    return [(name, '["' + '", "'.join(chain) + '"]') for name, chain in definition.family_parents.items()]


def recall_from(engine: Engine, history: Callable[[str], Iterable[TaskRow]]) -> Recall:
    """What lets the history of an engine look up cycle points that it has forgotten.

    Args:
        engine: whose history it is.
        history: reads the instances of a cycle that left the pool, oldest first; a failure means there are none.
    """

    def recall(point: int) -> list[tuple[str, Past]]:
        try:
            rows = list(history(engine.definition.cycling.format(point)))
        except RecordError as error:
            engine.log("ERROR", f"What ran at {engine.definition.cycling.format(point)} cannot be recalled: {error}")
            return []
        found = [(row.name, past_of(engine, _saved_proxy(row, None))) for row in rows]
        return [(name, past) for name, past in found if past is not None]

    return recall


def _flows(flows: frozenset[int]) -> str:
    text = _flow_texts.get(flows)
    if text is None:
        text = _flow_texts[flows] = json.dumps(sorted(flows))
    return text


def _task_row(engine: Engine, proxy: TaskProxy) -> TaskRow:
    timers = forced = "{}"
    if proxy.was_forced or proxy.definition.external_trigger is not None:
        forced = json.dumps(as_data(engine, proxy))
    if proxy.retry_at is not None or proxy.execution_retries or proxy.submission_retries:
        timers = json.dumps(
            {
                "retry_at": proxy.retry_at,
                "retry_kind": proxy.retry_kind,
                "execution_retries": proxy.execution_retries,
                "submission_retries": proxy.submission_retries,
            }
        )
    return TaskRow(
        proxy.identity,
        proxy.cycle,
        proxy.definition.name,
        _flows(proxy.flows),
        proxy.status,
        proxy.submit_number,
        proxy.try_number,
        proxy.is_held,
        proxy.is_manual_submit,
        proxy.flow_wait,
        not proxy.was_removed,
        _encoder.encode(proxy.outputs).decode(),
        forced,
        timers,
        proxy.time_created,
        proxy.time_updated,
    )


def _job_row(proxy: TaskProxy, job: JobTimes) -> JobRow:
    return JobRow(
        proxy.cycle,
        proxy.definition.name,
        job.submit_number,
        _flows(proxy.flows),
        job.is_manual_submit,
        job.try_number,
        job.prepared,
        job.submitted,
        job.submit_status,
        job.started,
        job.finished,
        job.signal or None,
        job.run_status,
        job.platform,
        job.runner or None,
        job.job_id or None,
    )


def _saved_proxy(row: TaskRow, job: JobRow | None) -> SavedProxy:
    timers = json.loads(row.timers or "{}")
    times = None
    if job is not None and job.submit_number == row.submit_number:
        times = JobTimes(
            job.submit_number,
            job.try_number,
            job_id=job.job_id or "",
            runner=job.job_runner_name or "",
            platform=job.platform_name or "localhost",
            prepared=job.time_submit,
            submitted=job.time_submit_exit,
            submit_status=job.submit_status,
            started=job.time_run,
            finished=job.time_run_exit,
            signal=job.run_signal or "",
            run_status=job.run_status,
            is_manual_submit=bool(job.is_manual_submit),
        )
    return SavedProxy(
        identity=row.identity,
        cycle=row.cycle,
        name=row.name,
        flows=frozenset(json.loads(row.flow_numbers)),
        status=row.status,
        submit_number=row.submit_number,
        try_number=row.try_number,
        is_held=bool(row.is_held),
        is_manual_submit=bool(row.is_manual_submit),
        flow_wait=bool(row.flow_wait),
        in_pool=bool(row.in_pool),
        outputs=json.loads(row.outputs or "{}"),
        time_created=row.time_created,
        time_updated=row.time_updated,
        forced=json.loads(row.forced_prerequisites or "{}") or {},
        job=times,
        **timers,
    )
