"""How nodes change state: submitted, active, complete, aborted, queued again; and what that means for those above.

A container's state is the most significant of its children's. Counts per container keep that free of walks: a change of
a task costs its depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import repeating
from .nodes import Alias, Defs, Node, Submittable, Suite
from .states import Flag, State

if TYPE_CHECKING:
    from .engine import SuiteEngine

BY_SIGNIFICANCE = (State.ABORTED, State.ACTIVE, State.SUBMITTED, State.QUEUED, State.COMPLETE, State.UNKNOWN)
LIVE = frozenset({State.SUBMITTED, State.ACTIVE})
KEPT_BY_REQUEUE = frozenset({Flag.MESSAGE, Flag.ARCHIVED, Flag.RESTORED})
NO_RETRY = frozenset({Flag.FORCE_ABORTED, Flag.KILLED, Flag.JOB_COMMAND_FAILED, Flag.EDIT_FAILED, Flag.NO_SCRIPT})
CLEARED_BY_SUBMISSION = frozenset(
    {Flag.FORCE_ABORTED, Flag.KILLED, Flag.JOB_COMMAND_FAILED, Flag.EDIT_FAILED, Flag.NO_SCRIPT, Flag.TASK_ABORTED}
    | {Flag.KILL_COMMAND_FAILED, Flag.STATUS_COMMAND_FAILED, Flag.STATUS, Flag.LATE}
)
DEFAULT_TRIES = 2


class Lifecycle:
    """The states of the nodes of a server."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self._counts: dict[Node | Defs, list[int]] = {}

    # -- states and those above ----------------------------------------------------------------------------------------

    def set_state(self, node: Node, state: State, note: str = "") -> None:
        """Change the state of a node, with all that hangs on it, and of those above."""
        if self.assign(node, state, note):
            self._after(node)
        self.propagate(node)

    def assign(self, node: Node, state: State, note: str = "") -> bool:
        """Change the state of one node alone; False if it was in that state."""
        old = node.state
        if old is state:
            return False
        engine = self.engine
        if not isinstance(node, Alias):
            counts = self._counts.get(node.parent) if node.parent is not None else None
            if counts is not None:
                counts[old] -= 1
                counts[state] += 1
        node.state = state
        node.state_changed_seconds = engine.suite_duration(node)
        for verify in node.verifies:
            verify.actual += verify.state is state
        engine.state_changed(node)
        if node.children and (old is State.COMPLETE or (state is State.QUEUED and node.complete is not None)):
            engine.consider(node, afresh=True)
        engine.log("LOG", f"{state.word}: {node.path}{note}")
        if isinstance(node, Submittable):
            if old in LIVE and state not in LIVE:
                engine.limits.release(node)
            elif state is State.ACTIVE:
                engine.limits.release(node, submission_only=True)
        return True

    def _after(self, node: Node) -> None:
        """A node has come to a state: clocks that count from it begin, and a complete one may start over."""
        engine = self.engine
        engine.aging.state_changed(node)
        if node.state is State.COMPLETE:
            self.completed(node)
        elif node.state is State.ABORTED and node.children:
            engine.limits.release_container(node)

    def derived(self, holder: Node | Defs) -> State:
        """What the state of a container is by those of its children; its own if it has none."""
        counts = self._counts.get(holder)
        if counts is None:
            counts = self._counts[holder] = [0] * len(State)
            for child in holder.children:
                counts[child.state] += 1
        for state in BY_SIGNIFICANCE:
            if counts[state]:
                return state
        return holder.state

    def propagate(self, node: Node) -> None:
        """Bring the states of all above a node up to date."""
        if isinstance(node, Alias):
            return
        place = node.parent
        while isinstance(place, Node):
            state = self.derived(place)
            if not self.assign(place, state):
                return
            self._after(place)
            place = place.parent
        if place is not None:
            self.update_root()

    def update_root(self) -> None:
        """Bring the state of the root up to date."""
        defs = self.engine.defs
        state = self.derived(defs) if defs.suites else State.UNKNOWN
        if state is not defs.state:
            defs.state = state
            self.engine.changes.touch_root()
            self.engine.log("LOG", f"{state.word}: /")

    def forget_counts(self, holder: Node | Defs | None) -> None:
        """The children of a container are others now."""
        if holder is not None:
            self._counts.pop(holder, None)

    def refresh(self, holder: Node | Defs | None) -> None:
        """The children of a container are others now: bring it and all above up to date."""
        self.forget_counts(holder)
        if isinstance(holder, Node):
            if holder.children and self.assign(holder, self.derived(holder)):
                self._after(holder)
            self.propagate(holder)
        elif holder is not None:
            self.update_root()

    # -- one run of a task ---------------------------------------------------------------------------------------------

    def active(self, task: Submittable, process_id: str) -> None:
        """A job began."""
        task.process_id = process_id
        self.set_state(task, State.ACTIVE)

    def complete(self, task: Submittable) -> None:
        """A job ended well."""
        self.engine.ended[task.path] = (task.password, task.process_id)
        task.password = ""
        self.set_state(task, State.COMPLETE)

    def aborted(self, task: Submittable, reason: str) -> None:
        """A job failed; it is tried again if it may be. Its password is kept, to know the same news again."""
        engine = self.engine
        task.aborted_reason = reason
        self.add_flag(task, Flag.TASK_ABORTED)
        self.set_state(task, State.ABORTED, f" try-no: {task.try_number} reason: {reason}")
        engine.consider(task)

    def complete_by_rule(self, node: Node) -> None:
        """A complete expression is true: a node, and all below it, are complete without having run."""
        self.add_flag(node, Flag.BY_RULE)
        self.complete_all(node)

    def complete_all(self, top: Node) -> None:
        """Make a node and all below it complete."""
        self.set_all(top, State.COMPLETE)

    def set_all(self, top: Node, state: State, *, moves_on: bool = True) -> None:
        """Put a node and all below it into a state; the repeat of the topmost moves on if that is complete."""
        engine = self.engine
        for node in list(top.walk()):
            if isinstance(node, Alias):
                continue
            is_aborted = state is State.ABORTED and isinstance(node, Submittable)
            note = f" try-no: {node.try_number} reason: " if is_aborted else ""  # type: ignore[attr-defined]
            if self.assign(node, state, note):
                engine.aging.state_changed(node)
            if node.children and state is State.COMPLETE:
                engine.limits.release_container(node)
        if state is State.COMPLETE and moves_on:
            self.completed(top)
        self.propagate(top)

    def may_retry(self, task: Submittable) -> bool:
        """Whether an aborted task is to be submitted once more."""
        if not NO_RETRY.isdisjoint(task.flags):
            return False
        text = self.engine.find_variable(task, "ECF_TRIES")
        tries = int(text) if text is not None and text.isdecimal() else DEFAULT_TRIES
        return task.try_number < tries

    def add_flag(self, node: Node, flag: Flag) -> None:
        """Set a flag."""
        if flag not in node.flags:
            node.flags |= {flag}
            self.engine.flag_changed(node)

    def clear_flag(self, node: Node, flag: Flag) -> None:
        """Clear a flag."""
        if flag in node.flags:
            node.flags -= {flag}
            self.engine.flag_changed(node)

    # -- again ---------------------------------------------------------------------------------------------------------

    def completed(self, node: Node) -> None:
        """A node is complete: its repeat moves on, or a later time of its own queues it again."""
        engine = self.engine
        if node.children and not isinstance(node, Submittable):
            engine.limits.release_container(node)
        if node.autorestore is not None:
            engine.archives.autorestore(node)
        if node.repeat is not None:
            valid = repeating.is_valid(node.repeat) and repeating.advance(node.repeat)
            engine.value_changed(node)
            if valid:
                self.requeue(node, by_repeat=True)
                return
        if engine.timekeeper.has_later(node):
            self.requeue(node, by_time=True)

    def requeue(
        self, top: Node, *, by_repeat: bool = False, by_time: bool = False, clear_suspended: bool = False
    ) -> None:
        """Put a node and all below it back to where they begin.

        Args:
            top: the node.
            by_repeat: its repeat moved, and keeps its value; relative times begin again.
            by_time: another of its times is to come; its repeat, and the times of the node, go on from where they are.
            clear_suspended: those below are resumed (a user asked for it).
        """
        engine = self.engine
        nodes = [node for node in top.walk() if not isinstance(node, Alias)]
        before = [node.state for node in nodes]
        for node in nodes:
            keeps_repeat = node is top and (by_repeat or by_time)
            self._reset(node, keeps_repeat=keeps_repeat, clear_suspended=clear_suspended and node is not top)
            engine.timekeeper.queued(node, is_first=not by_time or node is not top, after_run=by_repeat or by_time)
            if node.children:
                self._counts.pop(node, None)
            engine.closed(node)
        duration = engine.suite_duration(top)
        counts = self._counts.get(top.parent) if top.parent is not None else None
        self._put_back(top, is_begin=isinstance(top, Suite))
        if counts is not None:
            counts[before[0]] -= 1
            counts[top.state] += 1
        engine.all_changed(nodes, top)
        for node, old in zip(nodes, before, strict=True):
            if old is not node.state:
                node.state_changed_seconds = duration
                engine.aging.state_changed(node)
        engine.timekeeper.complete_by_hybrid(nodes)
        engine.consider(top)

    def _put_back(self, node: Node, *, is_begin: bool) -> None:
        """The states of a node and all below it as they begin; those above follow those below.

        A container that is complete by default makes all below it complete (ecFlow behaviour).
        """
        default = State.QUEUED if node.default_state is None else node.default_state
        self._log_put_back(node, default)
        if isinstance(node, Submittable) or not node.children:
            return
        if default is State.COMPLETE and not is_begin:
            self._all_below(node, State.COMPLETE)
            return
        for child in node.children:
            self._put_back(child, is_begin=is_begin)
        if default is State.COMPLETE:
            self._all_below(node, State.COMPLETE)
        self._log_put_back(node, self.derived(node))

    def _all_below(self, top: Node, state: State) -> None:
        for node in list(top.walk())[1:]:
            if not isinstance(node, Alias):
                node.state = state
                self._counts.pop(node, None)
                self.engine.log("LOG", f"{state.word}: {node.path}")
        self._counts.pop(top, None)

    def _log_put_back(self, node: Node, state: State) -> None:
        if node.state is state:
            return
        node.state = state
        note = " try-no: 0 reason: " if _is_aborted_task(node) else ""
        self.engine.log("LOG", f"{state.word}: {node.path}{note}")

    def _reset(self, node: Node, *, keeps_repeat: bool, clear_suspended: bool) -> None:
        """The attributes of one node as they are before it runs."""
        engine = self.engine
        if node.default_suspended:
            node.suspended = True
        elif clear_suspended:
            node.suspended = False
        if node.flags:
            node.flags &= KEPT_BY_REQUEUE
        if node.trigger is not None:
            node.trigger.free = False
        if node.complete is not None:
            node.complete.free = False
        if node.repeat is not None and not keeps_repeat:
            repeating.reset(node.repeat)
        if node.events or node.meters or node.labels or node.queues:
            _reset_told(node)
        if node.late is not None:
            node.late.is_late = False
        if isinstance(node, Submittable):
            if node.state in LIVE:
                engine.limits.release(node)
            engine.forget_job(node)
            node.try_number = 0
            node.password = node.process_id = node.aborted_reason = ""
        elif node.inlimits:
            engine.limits.release_container(node)
        for limit in node.limits:
            if limit.value or limit.paths:
                limit.value = 0
                limit.paths.clear()
                engine.limits.freed(limit)
        if Flag.ARCHIVED in node.flags:
            engine.archives.restore(node)

    def begin(self, suite: Suite) -> None:
        """Start a suite: its clock, then everything in it."""
        engine = self.engine
        suite.begun = True
        engine.timekeeper.begin(suite)
        self.requeue(suite, clear_suspended=True)
        self.propagate(suite)
        engine.timekeeper.begun(suite)


def _is_aborted_task(node: Node) -> bool:
    return node.state is State.ABORTED and isinstance(node, Submittable)


def _reset_told(node: Node) -> None:
    """Forget what jobs told."""
    for event in node.events:
        event.value = event.initial
    for meter in node.meters:
        meter.value = meter.minimum
    for label in node.labels:
        label.new_value = ""
    for queue in node.queues:
        queue.index = 0
        queue.states = [State.QUEUED] * len(queue.steps)
