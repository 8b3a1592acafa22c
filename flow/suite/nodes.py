"""The tree: a `Defs` holds suites, a suite families and tasks, a task perhaps aliases; attributes hang on each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from attrs import define, field

from .exceptions import TreeError
from .states import Flag, ServerState, State

if TYPE_CHECKING:
    from .attributes import (
        AutoArchive,
        AutoCancel,
        AutoRestore,
        Aviso,
        CalendarState,
        Clock,
        Event,
        Expression,
        Generic,
        InLimit,
        Label,
        Late,
        Limit,
        Meter,
        Mirror,
        Queue,
        Verify,
        ZombieAttribute,
    )
    from .repeats import Repeat
    from .times import Cron, Date, Day, Time, Today

Item = TypeVar("Item")


@define(eq=False, repr=False)
class Node:
    """What suites, families, tasks and aliases have in common.

    The attributes of a kind are a sequence that nobody changes in place (most nodes have none, and share one empty
    tuple): use `append` and `discard`. Two nodes are equal when they are the same object; `same_tree` compares trees.
    """

    name: str
    parent: Node | Defs | None = None
    state: State = State.UNKNOWN
    suspended: bool = False
    flags: frozenset[Flag] = frozenset()
    default_state: State | None = None
    """``defstatus``; None is queued. For ``defstatus suspended`` see `default_suspended`."""
    default_suspended: bool = False
    children: Sequence[Node] = ()
    variables: dict[str, str] = field(factory=dict)
    """User variables in the order written."""
    trigger: Expression | None = None
    complete: Expression | None = None
    repeat: Repeat | None = None
    events: Sequence[Event] = ()
    meters: Sequence[Meter] = ()
    labels: Sequence[Label] = ()
    limits: Sequence[Limit] = ()
    inlimits: Sequence[InLimit] = ()
    times: Sequence[Time] = ()
    todays: Sequence[Today] = ()
    dates: Sequence[Date] = ()
    days: Sequence[Day] = ()
    crons: Sequence[Cron] = ()
    queues: Sequence[Queue] = ()
    generics: Sequence[Generic] = ()
    verifies: Sequence[Verify] = ()
    zombies: Sequence[ZombieAttribute] = ()
    avisos: Sequence[Aviso] = ()
    mirrors: Sequence[Mirror] = ()
    late: Late | None = None
    autocancel: AutoCancel | None = None
    autoarchive: AutoArchive | None = None
    autorestore: AutoRestore | None = None
    state_change_number: int = 0
    modify_change_number: int = 0
    run_time_seconds: int = 0
    """How long it was active when it was so last (``rt:``)."""
    state_changed_seconds: int = 0
    """Suite time since begin at which the state changed last (``dur:`` of a checkpoint)."""
    _path: str | None = None
    _by_name: dict[str, Node] | None = None

    kind = "node"

    def __repr__(self) -> str:
        return f"<{self.kind} {self.path}>"

    @property
    def path(self) -> str:
        """Absolute path, ``/suite/family/task``."""
        path = self._path
        if path is None:
            parent = self.parent
            path = self._path = f"{parent.path}/{self.name}" if isinstance(parent, Node) else f"/{self.name}"
        return path

    @property
    def defs(self) -> Defs | None:
        """The tree it stands in, if it stands in one."""
        node: Node | Defs | None = self
        while isinstance(node, Node):
            node = node.parent
        return node

    @property
    def suite(self) -> Node:
        """The topmost node above (a `Suite`, unless the node was taken out of its tree)."""
        node = self
        while isinstance(node.parent, Node):
            node = node.parent
        return node

    def append(self, kind: str, attribute: object) -> None:
        """Add to one of the sequences: ``node.append("events", Event(None, "done"))``."""
        held = getattr(self, kind)
        if isinstance(held, list):
            held.append(attribute)
        else:
            setattr(self, kind, [*held, attribute])

    def discard(self, kind: str, attribute: object) -> None:
        """Take out of one of the sequences; by identity."""
        setattr(self, kind, [held for held in getattr(self, kind) if held is not attribute] or ())

    def child(self, name: str) -> Node | None:
        """The child of that name."""
        by_name = self._by_name
        if by_name is None:
            if not self.children:
                return None
            by_name = self._by_name = {child.name: child for child in self.children}
        return by_name.get(name)

    def add_child(self, child: Node, position: int | None = None) -> None:
        """Make `child` the last child, or put it at `position`; raises `TreeError` if the name is taken."""
        if self.child(child.name) is not None:
            raise TreeError(f"{self.path} has a child named '{child.name}' already")
        child.parent = self
        child.forget_paths()
        _insert(self, child, position)

    def remove_child(self, child: Node) -> None:
        """Take a child out; its parent is None afterwards."""
        _remove(self, child)

    def forget_paths(self) -> None:
        """To be called when the node moved: paths are worked out again when they are asked for."""
        if self._path is not None:
            for node in self.walk():
                node._path = None

    def walk(self) -> Iterator[Node]:
        """The node and all below it, parents first, in the order written."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            yield node
            if node.children:
                stack.extend(reversed(node.children))

    def find(self, path: str) -> Node | None:
        """The node that `path` means when written in an expression of this node.

        Absolute, or from the parent: ``name`` and ``./name`` are siblings, ``../name`` siblings of the parent
        (ecFlow behaviour). A suite has no siblings to name: it needs absolute paths.
        """
        if path.startswith("/"):
            defs = self.defs
            return defs.find(path) if defs is not None else None
        place: Node | Defs | None = self.parent
        if isinstance(place, Defs):
            return None
        for word in path.split("/"):
            if place is None:
                return None
            if word in ("", "."):
                continue
            if word == "..":
                place = place.parent if isinstance(place, Node) else None
            else:
                place = place.child(word)
        return place if isinstance(place, Node) else None

    def find_attribute(self, kind: str, name: str) -> object | None:
        """The attribute of that kind (``"events"``, ``"limits"``, ...) and name; events also by their number."""
        for attribute in getattr(self, kind):
            if attribute.name == name:
                return attribute  # type: ignore[no-any-return]
        if kind == "events" and name.isdecimal():
            for event in self.events:
                if event.number == int(name):
                    return event
        return None


@define(eq=False, repr=False)
class Suite(Node):
    """A tree that is begun as a whole and has a clock of its own."""

    clock: Clock | None = None
    end_clock: Clock | None = None
    calendar: CalendarState | None = None
    begun: bool = False

    kind = "suite"


@define(eq=False, repr=False)
class Family(Node):
    """A node that holds families and tasks."""

    kind = "family"


@define(eq=False, repr=False)
class Submittable(Node):
    """What runs jobs."""

    password: str = ""
    process_id: str = ""
    """The process or remote id the job told."""
    try_number: int = 0
    aborted_reason: str = ""


@define(eq=False, repr=False)
class Task(Submittable):
    """A node that runs jobs; its children are aliases."""

    alias_number: int = 0
    """Of the next alias to be made."""

    kind = "task"


@define(eq=False, repr=False)
class Alias(Submittable):
    """A copy of a task for one edit of its script; nothing depends on it, and it is never begun but made queued."""

    kind = "alias"


@define(eq=False, repr=False)
class Defs:
    """All suites of a server or of a file, the server's variables and the externs."""

    suites: Sequence[Suite] = ()
    externs: list[str] = field(factory=list)
    """Paths, perhaps with ``:NAME``, that may be named without being here."""
    server_variables: dict[str, str] = field(factory=dict)
    """What the server sets itself (ECF_HOME, ...)."""
    user_variables: dict[str, str] = field(factory=dict)
    """What users set on the server; they hide those of the server."""
    state: State = State.UNKNOWN
    flags: frozenset[Flag] = frozenset()
    server_state: ServerState = ServerState.HALTED
    state_change_number: int = 0
    modify_change_number: int = 0
    calendar_updates: int = 0
    """How often the calendars were updated (``cal_count`` of a checkpoint)."""
    saved_style: str = ""
    """``STATE``, ``MIGRATE`` or ``NET`` when it was read from a file with state in it."""
    edit_history: dict[str, list[str]] = field(factory=dict)
    """Log lines of user commands, by path."""
    _by_name: dict[str, Suite] | None = None

    name = ""
    path = "/"
    parent = None

    @property
    def children(self) -> Sequence[Suite]:
        """The suites."""
        return self.suites

    def child(self, name: str) -> Suite | None:
        """The suite of that name."""
        by_name = self._by_name
        if by_name is None:
            by_name = self._by_name = {suite.name: suite for suite in self.suites}
        return by_name.get(name)

    def add_suite(self, suite: Suite, position: int | None = None) -> None:
        """Make `suite` the last one, or put it at `position`; raises `TreeError` if the name is taken."""
        if self.child(suite.name) is not None:
            raise TreeError(f"there is a suite named '{suite.name}' already")
        suite.parent = self
        suite.forget_paths()
        _insert(self, suite, position)

    def remove_suite(self, suite: Suite) -> None:
        """Take a suite out."""
        _remove(self, suite)

    def walk(self) -> Iterator[Node]:
        """All nodes, parents first, in the order written."""
        for suite in self.suites:
            yield from suite.walk()

    def find(self, path: str) -> Node | None:
        """The node at an absolute path; None if there is none (also for ``/``)."""
        place: Defs | Node | None = self
        for word in path.split("/"):
            if place is None:
                return None
            if word:
                place = place.child(word)
        return place if isinstance(place, Node) else None


def _insert(holder: Node | Defs, child: Node, position: int | None) -> None:
    held = list(holder.children)
    held.insert(len(held) if position is None else position, child)
    _hold(holder, held)


def _remove(holder: Node | Defs, child: Node) -> None:
    _hold(holder, [held for held in holder.children if held is not child])
    child.parent = None
    child.forget_paths()


def _hold(holder: Node | Defs, children: list[Node]) -> None:
    if isinstance(holder, Defs):
        holder.suites = children  # type: ignore[assignment]
    else:
        holder.children = children or ()
    holder._by_name = None
