"""The engine of suites: one server's tree as a state machine. Events go in, effects come out, nothing else happens.

`handle` takes an event and returns what is to be done; `result` is then what a command or a job is answered, `changes`
what clients are to be told. Nothing is polled: a change puts those that may be released by it on an agenda, which is
worked off in the order of the tree, and time has one `next_wake`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from heapq import heappop, heappush

from ...exceptions import TidemillError
from ..engine.timers import Timers
from . import watching
from .aging import Aging
from .archives import Archives
from .changes import ChangeLog
from .children import Children
from .effects import ChildResult, CommandResult, Effect, LogLine
from .events import (
    ChildCommand,
    Command,
    Event,
    JobCommandEnded,
    KillCommandFailed,
    ServerFlag,
    ServerStarted,
    StatusCommandFailed,
    SubmissionFailed,
    SubtreeRead,
    Tick,
)
from .lifecycle import Lifecycle
from .limits import Limits
from .nodes import Defs, Node, Submittable, Suite, Task
from .releasing import Releasing
from .states import Flag, ServerState, State
from .timekeeper import Timekeeper
from .variables import find_variable
from .watching import NodeLookup, Watchers
from .zombies import Zombies


class SuiteEngine:
    """The suites of a server as they stand."""

    def __init__(self, defs: Defs | None = None) -> None:
        self.defs = defs if defs is not None else Defs()
        self.now = 0.0
        self.utc_offset_seconds = 0
        self.seed = ""
        self.submissions = 0
        """How many jobs were ever submitted: part of what passwords are made from."""
        self.result: CommandResult | ChildResult | None = None
        """What the last event is answered, if it was a command or a child command."""
        self.changes = ChangeLog(self.defs)
        self.effects: list[Effect] = []
        self.timers = Timers()
        self.ended: dict[str, tuple[str, str]] = {}
        """Passwords and process ids of jobs that told that they are complete, by path: to know the same news again."""
        self.prepared: dict[str, Defs] = {}
        """Definitions about to be loaded, by their text, where they were read already."""
        self._agenda: list[tuple[int, int, Node]] = []
        self._on_agenda: set[Node] = set()
        self._count = 0
        self._positions: dict[Node, int] | None = None
        self.watchers = Watchers(self)
        self.timekeeper = Timekeeper(self)
        self.limits = Limits(self)
        self.lifecycle = Lifecycle(self)
        self.releasing = Releasing(self)
        self.aging = Aging(self)
        self.archives = Archives(self)
        self.zombies = Zombies(self)
        self.children = Children(self)
        if self.defs.suites:
            self.changes.take_up()
            self.watchers.register_tree(self.defs)

    # -- the interface -------------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> list[Effect]:
        """Take one event: change state, and return what is to be done about it."""
        self.now = max(self.now, event.time)
        self.result = None
        match event:
            case ChildCommand():
                self.result = self.children.handle(event)
            case Command():
                self.result = self._command(event)
            case JobCommandEnded():
                self.children.job_command_ended(event)
            case SubmissionFailed():
                self.children.submission_failed(event)
            case KillCommandFailed() | StatusCommandFailed():
                self.children.command_failed(event)
            case SubtreeRead():
                self.archives.read(event)
            case ServerFlag():
                self._server_flag(event)
            case Tick():
                if event.utc_offset_seconds is not None:
                    self.timekeeper.change_offset(event.utc_offset_seconds)
            case ServerStarted():
                self._started(event)
        for action in self.timers.due(self.now):
            action()
        self._settle()
        effects, self.effects = self.effects, []
        return effects

    def next_wake(self) -> float | None:
        """When the engine next has something to do by itself; seconds since the epoch."""
        return self.timers.next_time()

    def _command(self, event: Command) -> CommandResult:
        from .commands import run

        was_collecting = gc.isenabled()
        gc.disable()  # a command may make or touch a whole tree: looking for garbage there would double its time
        try:
            text = run(self, event)
            self._settle()
            return CommandResult(text)
        except TidemillError as error:
            self.log("ERR", str(error))
            return CommandResult(refused=str(error))
        finally:
            if was_collecting:
                gc.enable()

    def _started(self, event: ServerStarted) -> None:
        self.seed = self.seed or event.seed
        self.defs.server_variables.update(event.variables)
        if self.utc_offset_seconds != event.utc_offset_seconds:
            self.timekeeper.change_offset(event.utc_offset_seconds)
        self.set_server_state(ServerState(event.state))
        self.releasing.forget_scopes()
        self.changes.touch_root()

    def _server_flag(self, event: ServerFlag) -> None:
        flag = Flag(event.flag)
        self.defs.flags = self.defs.flags | {flag} if event.is_set else self.defs.flags - {flag}
        self.changes.touch_root()
        if event.reason:
            self.log("ERR", event.reason)

    def set_server_state(self, state: ServerState) -> None:
        """Halt, shut down or run."""
        before, self.defs.server_state = self.defs.server_state, state
        if before is state:
            return
        self.timekeeper.server_state_changed(state)
        self.changes.touch_root()
        if state is ServerState.RUNNING:
            for suite in self.defs.suites:
                self.consider(suite, afresh=True)
        if before is ServerState.HALTED:
            self.children.wake_all()

    # -- what is to be looked at again ---------------------------------------------------------------------------------

    def consider(self, node: Node, *, afresh: bool = False) -> None:
        """Something changed that may release a node, or hold it: look at it before this event is done.

        Args:
            node: the node.
            afresh: look at all below it too, even if it was free before.
        """
        if afresh:
            self.releasing.close(node)
        if node in self._on_agenda:
            return
        self._on_agenda.add(node)
        self._count += 1
        heappush(self._agenda, (self.position(node), self._count, node))

    def _settle(self) -> None:
        """Look at all that may be released now, first in the tree first, until nothing more comes of it."""
        agenda = self._agenda
        while agenda:
            node = heappop(agenda)[2]
            if node in self._on_agenda:
                self._on_agenda.remove(node)
                self.releasing.look_at(node)
            self.limits.turn_over(node)

    def looked_at(self, node: Node) -> None:
        """A node was looked at on the way down: it need not be again."""
        self._on_agenda.discard(node)

    def position(self, node: Node) -> int:
        """Where a node stands in the tree, counted from the top: jobs are submitted in that order."""
        positions = self._positions
        if positions is None:
            positions = self._positions = {node: number for number, node in enumerate(self.defs.walk())}
        return positions.get(node, 0)

    # -- what changed --------------------------------------------------------------------------------------------------

    def state_changed(self, node: Node) -> None:
        """The state of a node changed: look at those that name it."""
        self.changes.touch(node)
        watching = self.watchers.of_state.get(node.path)
        if watching is not None:
            for other in watching:
                self.consider(other)

    def flag_changed(self, node: Node) -> None:
        """A flag of a node changed."""
        self.state_changed(node)

    def value_changed(self, node: Node) -> None:
        """An attribute that expressions may name changed: an event, a meter, a variable, a repeat, a limit, a queue."""
        self.changes.touch(node)
        watching = self.watchers.of_value.get(node.path)
        if watching is not None:
            for other in watching:
                self.consider(other)

    def all_changed(self, nodes: Iterable[Node], top: Node) -> None:
        """Everything about `top` and nodes below it may have changed; these will all be looked at anyway."""
        touch = self.changes.touch
        tables = (self.watchers.of_state, self.watchers.of_value)
        within = f"{top.path}/"
        has_watchers = any(tables)
        for node in nodes:
            touch(node)
            if not has_watchers:
                continue
            path = node.path
            for table in tables:
                for other in table.get(path, ()):
                    if not other.path.startswith(within):
                        self.consider(other)
        self.releasing.forget_scopes()

    def variables_changed(self, node: Node | Defs) -> None:
        """A variable, or the value of a repeat, changed."""
        self.releasing.forget_scopes()
        if isinstance(node, Node):
            self.value_changed(node)
        else:
            self.changes.touch_root()

    def closed(self, node: Node) -> None:
        """A node was put back: what is below it must be looked at again once it is free."""
        self.releasing.close(node)

    def structure_changed(self, holder: Node | Defs) -> None:
        """Nodes came, went or moved below a node."""
        self._positions = None
        self.lifecycle.forget_counts(holder)
        self.releasing.forget_scopes()
        self.changes.restructure(holder)

    def node_added(self, node: Node) -> None:
        """A node and all below it came into the tree."""
        tables = [table for table in (self.watchers.of_state, self.watchers.of_value) if table]
        if tables:  # before its own expressions are among them: those are looked at anyway
            within = f"{node.path}/"
            for below in node.walk():
                for table in tables:
                    for other in table.get(below.path, ()):
                        if not other.path.startswith(within):
                            self.consider(other)
        self.watchers.register_tree(node)

    def node_removed(self, node: Node, path: str) -> None:
        """A node and all below it, which stood at `path`, left the tree."""
        for below in node.walk():
            self.watchers.forget(below)
            self.changes.forget(below)
            self.aging.forget(below)
            self.timekeeper.forget(below)
            self.releasing.close(below)
            old_path = path + below.path[len(node.path) :]
            for table in (self.watchers.of_state, self.watchers.of_value):
                for other in table.get(old_path, ()):
                    self.consider(other)

    # -- questions -----------------------------------------------------------------------------------------------------

    def lookup(self, node: Node) -> NodeLookup:
        """What names in an expression of a node mean."""
        return NodeLookup(self, node)

    def attribute_number(self, node: Node, name: str) -> int | None:
        """What ``node:name`` is worth in an expression."""
        return watching.attribute_number(self, node, name)

    def suite_time(self, suite: Suite) -> int:
        """The time of a suite, seconds since 1970 without zone."""
        return self.timekeeper.time(suite)

    def suite_duration(self, node: Node) -> int:
        """Seconds of suite time since a node's suite was begun."""
        return self.timekeeper.duration(node)

    def find_variable(self, node: Node | Defs, name: str) -> str | None:
        """The value of a name as a node sees it."""
        return find_variable(node, name, self.suite_time)

    def log(self, level: str, text: str) -> None:
        """Say something in the server's log."""
        self.effects.append(LogLine(level, text))

    def forget_job(self, task: Submittable) -> None:
        """A task is put back: what its last job told does not matter any more."""
        if task.try_number:
            self.ended.pop(task.path, None)

    def tasks(self) -> list[Task]:
        """All tasks."""
        return [node for node in self.defs.walk() if isinstance(node, Task)]

    def is_running(self) -> bool:
        """Whether jobs may be submitted."""
        return self.defs.server_state is ServerState.RUNNING


__all__ = ["State", "SuiteEngine"]
