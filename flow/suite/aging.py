"""What happens to nodes by the passing of time alone: they are late, are deleted, are put away on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..engine.timers import Timer
from .attributes import AutoCancel, Late
from .calendar import DAY, MINUTE
from .nodes import Defs, Node, Submittable, Suite
from .states import Flag, State

if TYPE_CHECKING:
    from .engine import SuiteEngine


class Aging:
    """The timers that a state starts and the next one ends."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self._timers: dict[Node, list[Timer]] = {}

    def state_changed(self, node: Node) -> None:
        """A node has come to a state: forget what the old one started, start what this one does."""
        if node in self._timers:
            self.forget(node)
        state = node.state
        if node.autocancel is not None and state is State.COMPLETE:
            self._at(node, self._due(node, node.autocancel), lambda: self._cancel(node))
        archive = node.autoarchive
        if archive is not None and (
            state is State.COMPLETE or (archive.idle and state in (State.QUEUED, State.ABORTED))
        ):
            self._at(node, self._due(node, archive), lambda: self._archive(node))
        if node.late is not None:
            self._watch_late(node, node.late)
        elif state is State.SUBMITTED and isinstance(node, Submittable):
            self._watch_submitted(node)

    def changed(self, node: Node) -> None:
        """An attribute was added, changed or taken away: start over from the state the node is in."""
        self.state_changed(node)

    def forget(self, node: Node) -> None:
        """Nothing is to happen to a node any more."""
        for timer in self._timers.pop(node, ()):
            timer.cancel()

    def _at(self, node: Node, time: float, action: Callable[[], None]) -> None:
        self._timers.setdefault(node, []).append(self.engine.timers.add(time, action))

    # -- late ----------------------------------------------------------------------------------------------------------

    def _watch_late(self, node: Node, late: Late) -> None:
        """Late is checked while a node waits, and once it runs, until it is known to be late."""
        state = node.state
        if late.is_late:
            return
        if state is State.SUBMITTED and late.submitted_minutes is not None:
            self._late_after(node, late, late.submitted_minutes * MINUTE)
        if state in (State.QUEUED, State.SUBMITTED) and late.active_minutes is not None:
            self._late_at(node, late, late.active_minutes)
        if late.complete_minutes is None:
            return
        if late.complete_relative:
            if state is State.ACTIVE:
                self._late_after(node, late, late.complete_minutes * MINUTE)
        elif state in (State.QUEUED, State.SUBMITTED, State.ACTIVE):
            self._late_at(node, late, late.complete_minutes)

    def _watch_submitted(self, node: Node) -> None:
        """A task without a late of its own takes over how long its parents let it be submitted (ecFlow behaviour)."""
        place: Node | Defs | None = node.parent
        while isinstance(place, Node):
            if place.late is not None and place.late.submitted_minutes is not None:
                self._late_after(node, None, place.late.submitted_minutes * MINUTE)
                return
            place = place.parent

    def _late_after(self, node: Node, late: Late | None, seconds: int) -> None:
        self._at(node, self.engine.now + seconds, lambda: self._mark(node, late))

    def _late_at(self, node: Node, late: Late, minutes: int) -> None:
        flow = self.engine.timekeeper.flow(node)
        at = flow // DAY * DAY + minutes * MINUTE
        self._at(
            node, max(self.engine.timekeeper.event_time(node, at), self.engine.now), lambda: self._mark(node, late)
        )

    def _mark(self, node: Node, late: Late | None) -> None:
        if late is not None:
            late.is_late = True
        self.engine.log("LOG", f"late: {node.path}")
        self.engine.lifecycle.add_flag(node, Flag.LATE)

    # -- away ----------------------------------------------------------------------------------------------------------

    def _due(self, node: Node, when: AutoCancel) -> float:
        """When a node that came to its state now is to go."""
        engine = self.engine
        if when.days is not None:
            return engine.now + when.days * DAY
        if when.relative:
            return engine.now + when.minutes * MINUTE
        flow = engine.timekeeper.flow(node)
        at = flow // DAY * DAY + when.minutes * MINUTE
        return engine.timekeeper.event_time(node, at if at > flow else at + DAY)

    def _cancel(self, node: Node) -> None:
        from .structure import remove

        if node.parent is not None and node.state is State.COMPLETE:
            self.engine.log("LOG", f"autocancel: {node.path}")
            remove(self.engine, node)

    def _archive(self, node: Node) -> None:
        if node.parent is None or Flag.ARCHIVED in node.flags or not node.children:
            return
        self.engine.log("LOG", f"autoarchive: {node.path}")
        self.engine.archives.archive(node)

    def restore(self, suite: Suite, now: float) -> None:
        """Start the timers of all nodes of a suite that was read with its state, as of how long they are in it."""
        duration = self.engine.timekeeper.duration(suite)
        for node in suite.walk():
            if node.autocancel is None and node.autoarchive is None and node.late is None:
                continue
            self.engine.now = now - max(duration - node.state_changed_seconds, 0)
            self.state_changed(node)
        self.engine.now = now
