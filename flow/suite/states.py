"""The states and flags of a node, by the words the text of a definition uses for them."""

from __future__ import annotations

from enum import Enum, IntEnum


class State(IntEnum):
    """State of a node; the number is its value inside an expression (ecFlow 5.9 behaviour)."""

    UNKNOWN = 0
    COMPLETE = 1
    QUEUED = 2
    ABORTED = 3
    SUBMITTED = 4
    ACTIVE = 5

    @property
    def word(self) -> str:
        """The word of the state in a definition."""
        return STATE_WORDS[self]


STATE_WORDS: tuple[str, ...] = ("unknown", "complete", "queued", "aborted", "submitted", "active")
STATES: dict[str, State] = {word: State(number) for number, word in enumerate(STATE_WORDS)}
"""State by its word."""

SIGNIFICANCE: tuple[int, ...] = (0, 1, 2, 5, 3, 4)
"""Indexed by state: a container shows the state of its child that is highest here."""


class ServerState(Enum):
    """What the server does: nothing (halted), no new jobs (shutdown), everything (running)."""

    HALTED = "HALTED"
    SHUTDOWN = "SHUTDOWN"
    RUNNING = "RUNNING"


class Flag(Enum):
    """A mark on a node, set by what happened to it; the value is its word in a definition and in `alter`.

    They are printed in this order.
    """

    FORCE_ABORTED = "force_aborted"
    USER_EDIT = "user_edit"
    TASK_ABORTED = "task_aborted"
    EDIT_FAILED = "edit_failed"
    JOB_COMMAND_FAILED = "ecfcmd_failed"
    KILL_COMMAND_FAILED = "killcmd_failed"
    STATUS_COMMAND_FAILED = "statuscmd_failed"
    NO_SCRIPT = "no_script"
    KILLED = "killed"
    STATUS = "status"
    LATE = "late"
    MESSAGE = "message"
    BY_RULE = "by_rule"
    QUEUE_LIMIT = "queue_limit"
    TASK_WAITING = "task_waiting"
    LOCKED = "locked"
    ZOMBIE = "zombie"
    NO_REQUEUE = "no_reque"
    ARCHIVED = "archived"
    RESTORED = "restored"
    THRESHOLD = "threshold"
    SIGTERM = "sigterm"
    LOG_ERROR = "log_error"
    CHECKPOINT_ERROR = "checkpt_error"
    REMOTE_ERROR = "remote_error"
