"""What the picture is made of: plain objects whose attributes are what queries ask for.

An element shows the state that was committed last. Its `reference` is its id as bytes on the wire; `own` is its message
as published (what it shares with others apart), to which each update is appended until it is written anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from ..engine.prerequisite import Prerequisite
from ..engine.proxy import STATUSES
from .prerequisites import PrerequisiteElement
from .window import Node

GROUP_STATES = (
    "submit-failed",
    "failed",
    "expired",
    "running",
    "submitted",
    "preparing",
    "waiting",
    "succeeded",
)
"""Which state of its members a family shows: the first of these (Cylc 8.5 behaviour)."""

ELAPSED_KEPT = 10
"""How many run times the mean is taken over."""


@frozen
class MetaElement:
    """``[meta]`` of the workflow or a namespace."""

    title: str
    description: str
    url: str
    user_defined: tuple[tuple[str, str], ...]


@frozen(cache_hash=True)
class RuntimeElement:
    """The settings of a namespace that the picture shows, as text."""

    platform: str
    script: str
    init_script: str
    env_script: str
    err_script: str
    exit_script: str
    pre_script: str
    post_script: str
    work_sub_dir: str
    execution_polling_intervals: str
    execution_retry_delays: str
    execution_time_limit: str
    submission_polling_intervals: str
    submission_retry_delays: str
    directives: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    completion: str
    run_mode: str


@define(eq=False)
class Chunk:
    """Some published elements, and their bytes as the whole picture has them while none of them changes."""

    elements: dict[Element, None] = field(factory=dict)
    data: bytes | None = None


@define(eq=False, repr=False)
class Element:
    """Anything with an id of its own."""

    id: str
    reference: bytes
    own: bytes | None = field(default=None, init=False)
    chunk: Chunk | None = field(default=None, init=False)

    def __repr__(self) -> str:
        # Elements name each other: to show all of one would show the whole picture.
        return f"<{type(self).__name__} {self.id}>"

    def rewrite(self) -> None:
        """Have its bytes be written anew: something was taken out of them."""
        self.own = None
        if self.chunk is not None:
            self.chunk.data = None


@define(eq=False, repr=False)
class FamilyElement(Element):
    """A family as defined."""

    name: str
    meta: MetaElement
    runtime: RuntimeElement
    depth: int
    parents: tuple[FamilyElement, ...]
    first_parent: FamilyElement | None
    child_tasks: list[str]
    """Names of the tasks grouped under it."""
    child_families: list[str]
    static: bytes = b""
    """What of its message never changes."""
    proxies: dict[FamilyProxyElement, None] = field(factory=dict)
    shared: bytes = b""
    """What every proxy's message has in common."""
    new_proxies: list[bytes] = field(factory=list)


@define(eq=False, repr=False)
class TaskElement(Element):
    """A task as defined."""

    name: str
    meta: MetaElement
    runtime: RuntimeElement
    depth: int
    namespace: tuple[str, ...]
    """``root`` first, the task itself last."""
    parents: tuple[FamilyElement, ...]
    first_parent: FamilyElement
    output_messages: Mapping[str, str]
    """Label to message, in the order people list them."""
    static_pieces: tuple[bytes, ...] = ()
    """What of its message never changes."""
    proxies: dict[TaskProxyElement, None] = field(factory=dict)
    shared_pieces: tuple[bytes, ...] = ()
    """What every proxy's message has in common."""
    job_pieces: tuple[bytes, ...] = ()
    """What every job's message has in common."""
    elapsed: deque[float] | None = None
    mean_elapsed_time: float = 0.0
    new_proxies: list[bytes] = field(factory=list)

    def add_elapsed(self, seconds: float) -> None:
        """Take the run time of a job that succeeded into the mean."""
        if self.elapsed is None:
            self.elapsed = deque(maxlen=ELAPSED_KEPT)
        self.elapsed.append(seconds)
        self.mean_elapsed_time = sum(self.elapsed) / len(self.elapsed)


@define(eq=False, repr=False)
class FamilyProxyElement(Element):
    """A family at a cycle point: as long as one of its tasks is in the window."""

    name: str
    cycle_point: str
    family: FamilyElement
    first_parent: FamilyProxyElement | None
    ancestry: bytes = b""
    """What the messages of its tasks say of it and of their point."""
    child_tasks: dict[TaskProxyElement, None] = field(factory=dict)
    child_families: dict[FamilyProxyElement, None] = field(factory=dict)
    state_totals: dict[str, int] = field(factory=lambda: dict.fromkeys(STATUSES, 0))
    depths: dict[int, int] = field(factory=dict)
    """By distance from the pool: how many tasks."""
    is_held_total: int = 0
    is_queued_total: int = 0
    is_runahead_total: int = 0
    retry_total: int = 0
    wallclock_total: int = 0
    xtriggered_total: int = 0
    state: str = ""
    states: tuple[str, ...] = ()
    graph_depth: int = 0
    new_children: list[tuple[int, bytes]] = field(factory=list)
    """Field and reference of children that subscribers have not been told of."""
    children: bytes | None = None
    """Its children as written for the whole picture."""

    @property
    def is_held(self) -> bool:
        """Whether one of its tasks is held."""
        return self.is_held_total > 0

    @property
    def is_queued(self) -> bool:
        """Whether one of its tasks is queued."""
        return self.is_queued_total > 0

    @property
    def is_runahead(self) -> bool:
        """Whether one of its tasks is beyond the runahead limit."""
        return self.is_runahead_total > 0

    @property
    def is_retry(self) -> bool:
        """Whether one of its tasks waits to be tried again."""
        return self.retry_total > 0

    @property
    def is_wallclock(self) -> bool:
        """Whether one of its tasks waits for the clock."""
        return self.wallclock_total > 0

    @property
    def is_xtriggered(self) -> bool:
        """Whether one of its tasks waits for an external trigger."""
        return self.xtriggered_total > 0

    def settle(self) -> None:
        """Derive what follows from the counts."""
        totals = self.state_totals
        self.states = tuple([state for state in STATUSES if totals[state]])
        self.state = next((state for state in GROUP_STATES if totals[state]), "")
        self.graph_depth = min(self.depths, default=0)

    def count(self, member: TaskProxyElement, step: int) -> None:
        """Count a task in (1) or out (-1)."""
        self.state_totals[member.state] += step
        depth = self.depths.get(member.graph_depth, 0) + step
        if depth:
            self.depths[member.graph_depth] = depth
        else:
            self.depths.pop(member.graph_depth, None)
        if member.is_held:
            self.is_held_total += step
        if member.is_queued:
            self.is_queued_total += step
        if member.is_runahead:
            self.is_runahead_total += step
        if member.is_retry:
            self.retry_total += step
        if member.is_wallclock:
            self.wallclock_total += step
        if member.is_xtriggered:
            self.xtriggered_total += step


@define(eq=False)
class XtriggerElement:
    """An external trigger that a task waits for."""

    id: str
    label: str
    message: str
    satisfied: bool
    time: float


@define(eq=False, repr=False)
class TaskProxyElement(Element):
    """A task at a cycle point, in the window."""

    name: str
    cycle_point: str
    node: Node
    task: TaskElement
    first_parent: FamilyProxyElement
    state: str = "waiting"
    is_held: bool = False
    is_queued: bool = False
    is_runahead: bool = False
    is_retry: bool = False
    is_wallclock: bool = False
    is_xtriggered: bool = False
    flow_nums: str = "[]"
    flow_wait: bool = False
    job_submits: int = 0
    graph_depth: int = 0
    outputs: dict[str, float] | None = None
    """Completed outputs: label to when, seconds since the epoch."""
    prerequisites: tuple[PrerequisiteElement, ...] = ()
    xtriggers: tuple[XtriggerElement, ...] = ()
    external_triggers: tuple[XtriggerElement, ...] = ()
    jobs: list[JobElement] | None = None
    edges: dict[EdgeElement, None] | None = None
    waits_for: list[Prerequisite] | None = None
    """The engine's own prerequisites, while it is in the pool."""
    news: Any = None
    """What of it subscribers have not been told, beyond its state; see `encode_instances.News`."""

    @property
    def extras(self) -> dict[str, Any]:
        """What else there is to tell of it, as plain data."""
        return {}


@define(eq=False, repr=False)
class JobElement(Element):
    """A job of a task instance."""

    submit_num: int
    task_proxy: TaskProxyElement
    state: str = ""
    submitted_time: str = ""
    started_time: str = ""
    finished_time: str = ""
    estimated_finish_time: str = ""
    job_id: str = ""
    job_runner_name: str = ""
    execution_time_limit: float = 0.0
    platform: str = ""
    job_log_dir: str = ""
    messages: tuple[str, ...] = ()


@define(eq=False, repr=False)
class EdgeElement(Element):
    """An arrow from one instance to another."""

    source: TaskProxyElement
    target: TaskProxyElement
    suicide: bool
    cond: bool


@frozen(eq=False)
class TimeZoneElement:
    """The time zone times are written in."""

    hours: int
    minutes: int
    string_basic: str
    string_extended: str


@frozen(eq=False)
class LogRecordElement:
    """A line of the log that deserves attention."""

    level: str
    message: str
