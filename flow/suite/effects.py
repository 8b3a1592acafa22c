"""What the engine of suites wants done, and what it answers: data, for the server to carry out once the state
behind it is committed."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen
class SubmitTask:
    """Make the job of a task and start ECF_JOB_CMD; `SubmissionFailed` or `JobCommandEnded` tell what came of it."""

    path: str
    try_number: int
    password: str
    variables: Mapping[str, str]
    """Everything the task sees, generated ones too, not yet substituted into each other."""
    script: str | None = None
    """The script to use instead of the task's own, if a user edited it for this run."""
    user_variables: Mapping[str, str] = {}
    """Set by a user for this run only; they hide all others."""
    is_preprocessed: bool = False
    """True if `script` is the job itself."""


@frozen
class KillTask:
    """Run ECF_KILL_CMD; answered by `KillCommandFailed` if it cannot be."""

    path: str
    variables: Mapping[str, str]
    command: str
    """Substituted."""


@frozen
class StatusTask:
    """Run ECF_STATUS_CMD; answered by `StatusCommandFailed` if it cannot be."""

    path: str
    variables: Mapping[str, str]
    command: str


@frozen
class GenerateJob:
    """Make a task's job file, as a check; nothing is started."""

    path: str
    try_number: int
    password: str
    variables: Mapping[str, str]


@frozen
class WakeChild:
    """A job that was told to wait may ask again: it need wait no longer, its zombie was dealt with, the server runs."""

    path: str
    """Of its task; empty for all jobs."""


@frozen
class ArchiveSubtree:
    """Keep a subtree that leaves the tree in a file, ECF_HOME/<host>.<port>.<path with : for />.check."""

    path: str
    text: str
    """In checkpoint form."""


@frozen
class RestoreSubtree:
    """Read such a file; answered by `SubtreeRead`. The file goes once that is on record."""

    path: str


@frozen
class WriteCheckpoint:
    """Write a checkpoint now."""


@frozen
class SetCheckpointing:
    """Change when checkpoints are written; None leaves a part as it is."""

    mode: str | None = None
    """never, on_time or always."""
    interval_seconds: int | None = None
    alarm_seconds: int | None = None


@frozen
class LogLine:
    """A line for the server's log."""

    level: str
    """MSG, LOG, ERR, WAR, DBG or OTH."""
    text: str


@frozen
class StopServer:
    """A user wants the server to end."""


Effect = (
    SubmitTask
    | KillTask
    | StatusTask
    | GenerateJob
    | WakeChild
    | ArchiveSubtree
    | RestoreSubtree
    | WriteCheckpoint
    | SetCheckpointing
    | LogLine
    | StopServer
)


@frozen
class CommandResult:
    """What a user's command came to."""

    text: str = ""
    """What it prints; most print nothing."""
    refused: str = ""
    """Why nothing was done; empty if it was."""


@frozen
class ChildResult:
    """What a job is told."""

    kind: str
    """``ok``, ``block`` (ask again later: see `WakeChild`) or ``fail`` (end with an error)."""
    reason: str = ""
    """Of a block: ``waiting`` (its expression is false), ``halted`` or ``zombie``; of a failure, the text."""
    value: str = ""
    """What ``queue`` hands out."""
    detail: str = ""
    """The reason for people."""


OK = ChildResult("ok")
