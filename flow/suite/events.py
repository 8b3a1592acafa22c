"""What can happen to a server's suites: every way the outside reaches their engine, each with the time it happened.

Times are seconds since the epoch (UTC). Events are plain data so that the journal can hold them and replay them; what a
user asks for is a `Command`, the same as of a workflow, with the words of the ecFlow command line as its arguments:
``{"words": ["add", "variable", "X", "v", "/s"], "attachments": {"definition": "text"}}``.
"""

from __future__ import annotations

from ..engine.events import Command, Event

__all__ = [
    "ChildCommand",
    "Command",
    "Event",
    "JobCommandEnded",
    "KillCommandFailed",
    "ServerFlag",
    "ServerStarted",
    "StatusCommandFailed",
    "SubmissionFailed",
    "SubtreeRead",
    "Tick",
]


class ServerStarted(Event, frozen=True, tag=True):
    """A server begins to serve these suites: the first event of a journal, and the first after every restart."""

    seed: str = ""
    """What job passwords are made from; of later starts it is ignored."""
    variables: dict[str, str] = {}
    """The server's own (ECF_HOST, ECF_PORT, ECF_HOME, ...), as they are now."""
    utc_offset_seconds: int = 0
    """How far the clock of the host is ahead of UTC: suites live by the host's clock."""
    state: str = "HALTED"
    """HALTED, SHUTDOWN or RUNNING; a server that was restored keeps the state it was in."""


class Tick(Event, frozen=True, tag=True):
    """The clock reached a time the engine asked to be woken at."""

    utc_offset_seconds: int | None = None
    """The offset of the host, if it has changed (summer time)."""


class ChildCommand(Event, frozen=True, tag=True):
    """A job reports: init, complete, abort, event, meter, label, wait or queue."""

    name: str
    path: str
    password: str
    process_id: str = ""
    try_number: int = 1
    words: list[str] = []
    """The command's own arguments, as on its command line."""
    add: dict[str, str] = {}
    """Variables that ``init --add`` brings."""
    remove: list[str] = []
    """Variables that ``complete --remove`` takes away."""
    host: str = ""


class SubmissionFailed(Event, frozen=True, tag=True):
    """A job could not be made or started: `flag` says what failed."""

    path: str
    try_number: int
    flag: str
    """A word of `Flag`: ``no_script``, ``edit_failed`` (pre-processing) or ``ecfcmd_failed`` (could not start)."""
    reason: str


class JobCommandEnded(Event, frozen=True, tag=True):
    """The process of ECF_JOB_CMD ended. Only a non-zero exit code of a job that was not heard of matters."""

    path: str
    try_number: int
    exit_code: int
    reason: str = ""
    """What it wrote last, if that is known."""
    password: str = ""
    """Of the submission: an event about an earlier one is ignored."""


class KillCommandFailed(Event, frozen=True, tag=True):
    """ECF_KILL_CMD could not be carried out."""

    path: str
    reason: str


class StatusCommandFailed(Event, frozen=True, tag=True):
    """ECF_STATUS_CMD could not be carried out."""

    path: str
    reason: str


class SubtreeRead(Event, frozen=True, tag=True):
    """The file of an archived node was read (or could not be): answers `RestoreSubtree`."""

    path: str
    text: str = ""
    """The checkpoint text of the node as it was archived."""
    error: str = ""


class ServerFlag(Event, frozen=True, tag=True):
    """Something befell the server itself (a checkpoint failed, its log could not be written): a flag of the root."""

    flag: str
    is_set: bool = True
    reason: str = ""
