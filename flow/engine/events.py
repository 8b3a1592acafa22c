"""What can happen: every way the outside reaches the engine, each with the time it happened.

Times are seconds since the epoch (UTC). Events are plain data so that the journal can hold them and replay them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec


class JobKey(NamedTuple):
    """One submission of one task instance."""

    cycle: str
    """Cycle point, canonical text."""
    task: str
    submit_number: int

    def __str__(self) -> str:
        return f"{self.cycle}/{self.task}/{self.submit_number:02d}"


class Event(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Something that happened, at `time`."""

    time: float


class Start(Event, frozen=True, tag=True):
    """A new run begins."""


class Tick(Event, frozen=True, tag=True):
    """The clock reached a time the engine asked to be woken at."""


class JobSubmitted(Event, frozen=True, tag=True):
    """A job was handed to its runner, which named it `job_id`."""

    job: JobKey
    job_id: str
    runner: str = "background"
    platform: str = "localhost"


class JobSubmissionFailed(Event, frozen=True, tag=True):
    """A job could not be handed to its runner, or vanished before it began."""

    job: JobKey
    reason: str
    log: str = ""
    is_final: bool = False
    """Whether to try again would be of no use: there is no such platform."""
    platform: str = ""
    """The platform that was asked for, where it is not one there is."""


class JobStarted(Event, frozen=True, tag=True):
    """A job began to run."""

    job: JobKey


class JobMessage(Event, frozen=True, tag=True):
    """A job sent a message: an output's message, or text for the log."""

    job: JobKey
    severity: str
    text: str


class JobSucceeded(Event, frozen=True, tag=True):
    """A job finished well."""

    job: JobKey


class JobFailed(Event, frozen=True, tag=True):
    """A job ended in failure; `signal` is what its trap caught (``ERR``, ``EXIT``, ``TERM``, ...)."""

    job: JobKey
    signal: str = "ERR"
    message: str = ""
    """Text of a deliberate abort, if there was one."""


class XtriggerReported(Event, frozen=True, tag=True):
    """A function of an external trigger returned, or failed."""

    signature: str
    satisfied: bool = False
    results: dict[str, Any] = {}
    error: str = ""
    """Why it could not be called, or what it raised; empty if it returned."""


class Command(Event, frozen=True, tag=True):
    """A user asked for something."""

    name: str
    arguments: dict[str, Any]
    id: str
    """Made by the client: a command is applied once, however often it is sent."""
    user: str = ""
    reason: str = ""
