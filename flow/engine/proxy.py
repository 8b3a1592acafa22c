"""A task at a cycle point: its state while it is in the pool."""

from __future__ import annotations

from msgspec import Struct

from ..language.definition import TaskDefinition
from .events import JobKey
from .prerequisite import Prerequisite

WAITING = "waiting"
EXPIRED = "expired"
PREPARING = "preparing"
SUBMIT_FAILED = "submit-failed"
SUBMITTED = "submitted"
RUNNING = "running"
FAILED = "failed"
SUCCEEDED = "succeeded"

STATUSES = (WAITING, EXPIRED, PREPARING, SUBMIT_FAILED, SUBMITTED, RUNNING, FAILED, SUCCEEDED)
"""Every status, in the order people list them."""
FINAL = frozenset({SUCCEEDED, FAILED, SUBMIT_FAILED, EXPIRED})
ACTIVE = frozenset({SUBMITTED, RUNNING})
ENDED_BADLY = frozenset({FAILED, SUBMIT_FAILED})
LIVE = frozenset({PREPARING, SUBMITTED, RUNNING})
"""Statuses that occupy a place in a queue."""


class JobTimes(Struct, eq=False):
    """When a job was submitted, started and finished; seconds since the epoch, None where not (yet) known."""

    submit_number: int
    try_number: int
    job_id: str = ""
    runner: str = "background"
    platform: str = "localhost"
    prepared: float | None = None
    submitted: float | None = None
    submit_status: int | None = None
    started: float | None = None
    finished: float | None = None
    signal: str = ""
    run_status: int | None = None
    is_manual_submit: bool = False


class TaskProxy(Struct, eq=False):
    """One task instance in the pool (Cylc's n=0 window)."""

    identity: int
    """A number no other instance of the run has; the key of its row in the record."""
    definition: TaskDefinition
    point: int
    cycle: str
    """The point as text."""
    flows: frozenset[int]
    status: str = WAITING
    is_held: bool = False
    is_queued: bool = False
    is_runahead: bool = True
    is_manual_submit: bool = False
    flow_wait: bool = False
    submit_number: int = 0
    try_number: int = 1
    outputs: dict[str, str] = {}
    """Completed outputs: label to message, in the order they came."""
    prerequisites: list[Prerequisite] = []
    suicides: list[Prerequisite] = []
    unmet: int = 0
    """How many of `prerequisites` are not met."""
    xtriggers: dict[str, bool] = {}
    """By label: whether it is satisfied. Retry delays are not among them."""
    xtriggers_unmet: int = 0
    external_unmet: bool = False
    """Whether it waits for the message of an external trigger."""
    retry_at: float | None = None
    """When a retry is due; None if none is pending."""
    retry_kind: str = ""
    """``execution`` or ``submission`` while a retry is pending."""
    execution_retries: int = 0
    """Retries used of ``execution retry delays``."""
    submission_retries: int = 0
    is_parentless: bool = False
    was_forced: bool = False
    """Whether a user satisfied some of what it waits for."""
    was_removed: bool = False
    time_created: float = 0.0
    time_updated: float = 0.0
    held_since: float | None = None
    job: JobTimes | None = None
    """The latest job."""
    dependencies: tuple[str, ...] = ()
    """``CYCLE/TASK`` of what the latest submission was triggered off."""

    @property
    def name(self) -> str:
        """Task name."""
        return self.definition.name

    @property
    def id(self) -> str:
        """``CYCLE/TASK``."""
        return f"{self.cycle}/{self.definition.name}"

    @property
    def job_key(self) -> JobKey:
        """The latest job."""
        return JobKey(self.cycle, self.definition.name, self.submit_number)

    @property
    def is_final(self) -> bool:
        """Whether it can change no more by itself."""
        return self.status in FINAL

    def label(self) -> str:
        """How the log names it: ``[1/foo/01(flows=2):waiting(held)]``, flows only where not just the first."""
        number = "" if self.status in (WAITING, EXPIRED) or not self.submit_number else f"/{self.submit_number:02d}"
        flows = "" if self.flows == FIRST_FLOW else f"(flows={flow_text(self.flows)})"
        return f"[{self.cycle}/{self.definition.name}{number}{flows}:{self.state_text()}]"

    def state_text(self) -> str:
        """Status with flags, as the log writes it: ``waiting(held)(queued)(runahead)``."""
        held = "(held)" if self.is_held else ""
        queued = "(queued)" if self.is_queued else ""
        runahead = "(runahead)" if self.is_runahead else ""
        return f"{self.status}{held}{queued}{runahead}"


FIRST_FLOW = frozenset({1})


def flow_text(flows: frozenset[int]) -> str:
    """Flow numbers as people see them: ``1,2``, or ``none``."""
    return ",".join(map(str, sorted(flows))) if flows else "none"
