"""What the engine wants done: data for the scheduler to carry out after the state behind it is committed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ..language.definition import TaskDefinition
from .events import JobKey


class JobSpecification(Struct, frozen=True):
    """Everything the jobs room needs to write and start one job."""

    key: JobKey
    definition: TaskDefinition
    runtime: Mapping[str, Any]
    """Merged settings, broadcasts applied."""
    try_number: int
    flow_numbers: tuple[int, ...]
    """Sorted; empty for no flow."""
    dependencies: tuple[str, ...] = ()
    """``CYCLE/TASK`` of what it was triggered off, sorted."""


class SubmitJob(Struct, frozen=True):
    """Write a job and hand it to its runner; answered by `JobSubmitted` or `JobSubmissionFailed`."""

    job: JobSpecification


class RecoverJob(Struct, frozen=True):
    """The scheduler stopped between deciding to submit and hearing of it: find out what became of the job.

    Answered by `JobSubmitted` (and what followed) if it ever began, else the job is submitted now.
    """

    job: JobSpecification


class PollJob(Struct, frozen=True):
    """Find out what a job that should be alive is doing; answered by whatever job events are news."""

    key: JobKey
    job_id: str
    submitted_only: bool = False
    """True if the engine has not yet heard it start."""


class KillJob(Struct, frozen=True):
    """End a job and everything it started."""

    key: JobKey
    job_id: str


class CallXtrigger(Struct, frozen=True):
    """Call a function of an external trigger; answered by `XtriggerReported`, always."""

    signature: str
    function: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class WorkflowEvent(Struct, frozen=True):
    """A workflow event took place (startup, shutdown, stall, ...): run its handlers."""

    name: str
    message: str = ""


class TaskEvent(Struct, frozen=True):
    """A task event took place (submitted, started, failed, retry, a custom output, ...): run its handlers."""

    name: str
    key: JobKey
    message: str = ""


class StopScheduler(Struct, frozen=True):
    """The run is over, or must end: `exit_code` is what `play --no-detach` returns."""

    reason: str
    exit_code: int = 0


Effect = SubmitJob | RecoverJob | PollJob | KillJob | CallXtrigger | WorkflowEvent | TaskEvent | StopScheduler
