"""Limits and who takes their tokens: taken at submission, given back at the end, and those who wait for one."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from .attributes import InLimit, Limit
from .nodes import Defs, Node, Submittable

if TYPE_CHECKING:
    from .engine import SuiteEngine


class Limits:
    """The tokens of a server's suites."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self._waiting: dict[int, tuple[Limit, list[tuple[int, int, Node, int]]]] = {}
        """By the identity of a limit: those it held back, first in the tree first."""
        self._queued: dict[Node, set[int]] = {}
        self._turns: dict[Node, Limit] = {}
        """Those that were woken and have not been looked at since."""
        self._count = 0

    def find(self, node: Node, inlimit: InLimit) -> tuple[Node, Limit] | None:
        """The limit a node's inlimit means, and where it is; None if there is none (it then limits nothing)."""
        if inlimit.path:
            holder = node.find(inlimit.path)
            limit = None if holder is None else _named(holder, inlimit.name)
            return None if holder is None or limit is None else (holder, limit)
        place: Node | Defs | None = node
        while isinstance(place, Node):
            if place.limits:
                limit = _named(place, inlimit.name)
                if limit is not None:
                    return place, limit
            place = place.parent
        return None

    def full(self, task: Node) -> tuple[Node, Limit, InLimit] | None:
        """The first limit without room for a task, where it is and what asks for it; None if it may run."""
        place: Node | Defs | None = task
        while isinstance(place, Node):
            for inlimit in place.inlimits:
                if inlimit.this_node_only and place is not task and inlimit.incremented:
                    continue
                found = self.find(place, inlimit)
                if found is not None and found[1].value + inlimit.tokens > found[1].maximum:
                    if task.path in found[1].paths and not inlimit.this_node_only:
                        continue
                    return (*found, inlimit)
            place = place.parent
        return None

    def wait(self, task: Node, limit: Limit, tokens: int) -> None:
        """A task is held back by a limit alone: try it again when there is room."""
        key = id(limit)
        queued = self._queued.setdefault(task, set())
        if key in queued:
            return
        queued.add(key)
        entry = self._waiting.setdefault(key, (limit, []))
        self._count += 1
        heappush(entry[1], (self.engine.position(task), self._count, task, tokens))

    def take(self, task: Submittable) -> None:
        """Take the tokens of a task that is submitted; a forced one may go beyond the maximum."""
        place: Node | Defs | None = task
        while isinstance(place, Node):
            for inlimit in place.inlimits:
                found = self.find(place, inlimit)
                if found is None:
                    continue
                holder, limit = found
                taker = task.path
                if inlimit.this_node_only and place is not task:
                    if inlimit.incremented:
                        continue
                    inlimit.incremented = True
                    taker = place.path
                    self.engine.changes.touch(place)
                    self.engine.consider(place, afresh=True)  # the others in it need no tokens of their own now
                if taker not in limit.paths:
                    limit.paths.add(taker)
                    limit.value += inlimit.tokens
                    self.engine.value_changed(holder)
            place = place.parent

    def release(self, task: Node, *, submission_only: bool = False) -> None:
        """Give tokens of a task back: all, or (once it is active) those for the submission alone."""
        place: Node | Defs | None = task
        while isinstance(place, Node):
            for inlimit in place.inlimits:
                if submission_only and not inlimit.submission_only:
                    continue
                if inlimit.this_node_only and place is not task:
                    continue
                self._give_back(place, inlimit, task.path)
            place = place.parent

    def release_container(self, container: Node) -> None:
        """A container whose tokens were taken once has nothing running any more: give them back."""
        for inlimit in container.inlimits:
            if inlimit.this_node_only and inlimit.incremented:
                inlimit.incremented = False
                self._give_back(container, inlimit, container.path)

    def _give_back(self, place: Node, inlimit: InLimit, taker: str) -> None:
        found = self.find(place, inlimit)
        if found is None or taker not in found[1].paths:
            return
        holder, limit = found
        limit.paths.discard(taker)
        limit.value = max(limit.value - inlimit.tokens, 0)
        self.engine.value_changed(holder)
        self.freed(limit)

    def freed(self, limit: Limit) -> None:
        """There may be room: wake those that wait, first in the tree first, as far as the tokens go."""
        entry = self._waiting.get(id(limit))
        if entry is None:
            return
        room = limit.maximum - limit.value
        heap = entry[1]
        too_large = []
        while heap and room > 0:
            waiter = heappop(heap)
            _, _, task, tokens = waiter
            if tokens > room:
                too_large.append(waiter)
                continue
            self._leave(task, limit)
            self._turns[task] = limit
            self.engine.consider(task)
            room -= tokens
        for waiter in too_large:
            heappush(heap, waiter)
        if not heap:
            del self._waiting[id(limit)]

    def turn_over(self, task: Node) -> None:
        """A task that was woken has been looked at: if it did not need the tokens after all, the next may try."""
        limit = self._turns.pop(task, None)
        if limit is not None and id(limit) not in self._queued.get(task, ()):
            self.freed(limit)

    def _leave(self, task: Node, limit: Limit) -> None:
        queued = self._queued.get(task)
        if queued is not None:
            queued.discard(id(limit))
            if not queued:
                del self._queued[task]

    def dropped(self, limit: Limit) -> None:
        """A limit went, or is not what held them any more: let all that waited for it try."""
        entry = self._waiting.pop(id(limit), None)
        for _, _, task, _ in entry[1] if entry is not None else ():
            self._queued.pop(task, None)
            self.engine.consider(task)

    def is_waiting(self, task: Node) -> bool:
        """Whether a limit holds a task back."""
        return task in self._queued

    def waits_for(self, task: Node) -> list[Limit]:
        """The limits that hold a task back."""
        return [self._waiting[key][0] for key in self._queued.get(task, ()) if key in self._waiting]


def _named(node: Node, name: str) -> Limit | None:
    for limit in node.limits:
        if limit.name == name:
            return limit
    return None
