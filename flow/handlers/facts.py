"""What event handlers are told: the facts of a task or of the run at the time of an event, and their template keys."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..engine.effects import TaskEvent
from ..engine.events import JobKey
from ..engine.proxy import TaskProxy

_NOT_SUBMITTED = frozenset({"submission failed", "submission retry", "expired"})
_NOT_STARTED = _NOT_SUBMITTED | {"submitted", "submission timeout"}
_FINISHED = frozenset({"succeeded", "failed", "retry"})
_END_MESSAGES = ("failed/", "aborted/")
DEFAULT_RUNNER = "background"


class RunFacts(Struct, frozen=True, kw_only=True):
    """What all handlers of a run are told."""

    workflow: str
    """Workflow ID, run name included."""
    run_directory: Path
    uuid: str
    host: str
    port: int
    owner: str
    meta: Mapping[str, str] = {}
    """``[meta]`` of the workflow."""
    run_mode: str = "live"


class TaskFacts(Struct, frozen=True, kw_only=True):
    """A task and its job at the time of an event; times in seconds since the epoch, None where not (yet) known."""

    key: JobKey
    runtime: Mapping[str, Any]
    """The task's settings, broadcasts applied."""
    try_number: int = 1
    job_id: str = ""
    runner: str = ""
    platform: str = ""
    submitted: float | None = None
    started: float | None = None
    finished: float | None = None


def facts_of(event: TaskEvent, proxy: TaskProxy | None, runtime: Mapping[str, Any]) -> TaskFacts:
    """The facts of a task as they were when the event took place.

    What the job went on to do within the same turn of the scheduler is left out.

    Arguments:
        event: what happened.
        proxy: the instance as it is now; None if it is no longer known.
        runtime: its settings.
    """
    job = None if proxy is None else proxy.job
    if proxy is None or job is None or job.submit_number != event.key.submit_number:
        return TaskFacts(key=event.key, runtime=runtime, try_number=1 if proxy is None else proxy.try_number)
    name = event.name
    was_submitted = name not in _NOT_SUBMITTED
    is_end = name in _FINISHED or (name == "critical" and event.message.startswith(_END_MESSAGES))
    return TaskFacts(
        key=event.key,
        runtime=runtime,
        try_number=proxy.try_number,
        job_id=job.job_id if was_submitted else "",
        runner=job.runner or DEFAULT_RUNNER,
        platform=job.platform,
        submitted=job.submitted if was_submitted else None,
        started=job.started if name not in _NOT_STARTED else None,
        finished=job.finished if is_end else None,
    )


def task_values(run: RunFacts, event: TaskEvent, facts: TaskFacts) -> dict[str, str]:
    """Template keys of task events with their values, each one shell word (Cylc 8.5 behaviour).

    The keys of ``[meta]`` of the task are among them, over the standard ones; those of the workflow begin with
    ``workflow_``.
    """
    key = facts.key
    values: dict[str, Any] = {
        "event": event.name,
        "message": event.message,
        "workflow": run.workflow,
        "uuid": run.uuid,
        "point": key.cycle,
        "name": key.task,
        "id": f"{key.cycle}/{key.task}",
        "submit_num": key.submit_number,
        "try_num": facts.try_number,
        "job_id": facts.job_id or None,
        "job_runner_name": facts.runner or None,
        "platform_name": facts.platform,
        "user@host": facts.platform,
        "submit_time": time_text(facts.submitted),
        "start_time": time_text(facts.started),
        "finish_time": time_text(facts.finished),
        # Names of Cylc 7.
        "suite": run.workflow,
        "suite_uuid": run.uuid,
        "batch_sys_name": facts.runner or None,
        "batch_sys_job_id": facts.job_id or None,
    }
    for name, value in _meta(run.meta, run).items():
        values[f"workflow_{name}"] = values[f"suite_{name}"] = value
    names = {"workflow": run.workflow, "suite": run.workflow, "task": key.task, "name": key.task, "point": key.cycle}
    for name, value in _meta(facts.runtime.get("meta") or {}, run).items():
        values[name] = filled(value, names) if name == "URL" else value
    return {name: shlex.quote(str(value)) for name, value in values.items()}


def run_values(run: RunFacts, event: str, message: str) -> dict[str, str]:
    """Template keys of workflow events with their values, each one shell word (Cylc 8.5 behaviour)."""
    values: dict[str, Any] = {
        "event": event,
        "message": message,
        "workflow": run.workflow,
        "host": run.host,
        "port": run.port,
        "owner": run.owner,
        "uuid": run.uuid,
        "workflow_url": url(run),
        "suite": run.workflow,
        "suite_uuid": run.uuid,
        "suite_url": url(run),
    }
    for name, value in _meta(run.meta, run).items():
        values[f"workflow_{name}"] = value
        values[name] = value
    return {name: shlex.quote(str(value)) for name, value in values.items()}


def url(run: RunFacts) -> str:
    """The workflow's web page."""
    return filled(run.meta.get("URL") or "", {"workflow": run.workflow, "suite": run.workflow})


def _meta(meta: Mapping[str, Any], run: RunFacts) -> dict[str, str]:
    found = {"title": "", "description": "", "URL": ""} | {name: str(value) for name, value in meta.items()}
    found["URL"] = filled(found["URL"], {"workflow": run.workflow, "suite": run.workflow})
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with ``%(key)s`` replaced where the key is known, and all else as it is."""
    for name, value in values.items():
        text = text.replace(f"%({name})s", value)
    return text


def time_text(moment: float | None) -> str | None:
    """A time as job logs write it, ``2026-01-31T12:00:00Z``; None if there is none."""
    return None if moment is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
