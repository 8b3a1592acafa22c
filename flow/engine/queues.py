"""Internal queues: first in, first out, at most `limit` members active at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct, field

from ..language.definition import QueueDefinition
from .proxy import TaskProxy


class Queue(Struct, eq=False):
    """One queue as it stands."""

    definition: QueueDefinition
    waiting: deque[TaskProxy] = field(default_factory=deque)
    """May hold instances that have left the queue since; they are skipped."""
    active: int = 0

    @property
    def has_room(self) -> bool:
        """Whether one more member may become active."""
        limit = self.definition.limit
        return limit <= 0 or self.active < limit


class Queues:
    """The queues of a workflow and who is in which."""

    def __init__(self, definitions: Iterable[QueueDefinition]) -> None:
        self.queues = [Queue(definition) for definition in definitions]
        self._by_task = {name: queue for queue in self.queues for name in queue.definition.members}
        self._stirred: dict[int, Queue] = {}

    def of(self, task: str) -> Queue:
        """The queue a task belongs to; the default queue takes whatever no other claims."""
        return self._by_task.get(task, self.queues[0])

    def push(self, proxy: TaskProxy) -> None:
        """Put an instance at the back of its queue."""
        queue = self.of(proxy.definition.name)
        queue.waiting.append(proxy)
        self._stirred[id(queue)] = queue

    def became_active(self, proxy: TaskProxy) -> None:
        """Count a member as active."""
        self.of(proxy.definition.name).active += 1

    def became_inactive(self, proxy: TaskProxy) -> None:
        """A member is active no more: its place is free."""
        queue = self.of(proxy.definition.name)
        queue.active -= 1
        self._stirred[id(queue)] = queue

    def stir(self) -> None:
        """Have every queue looked at again (after a resume, a release, a reload)."""
        self._stirred = {id(queue): queue for queue in self.queues}

    def next_ready(self) -> TaskProxy | None:
        """The next instance that may run now. The caller makes it active before it asks again."""
        while self._stirred:
            key, queue = next(iter(self._stirred.items()))
            held: list[TaskProxy] = []
            found: TaskProxy | None = None
            while queue.waiting and queue.has_room:
                proxy = queue.waiting.popleft()
                if not proxy.is_queued or proxy.was_removed:
                    continue
                if proxy.is_held:
                    held.append(proxy)
                    continue
                found = proxy
                break
            queue.waiting.extend(held)
            if found is not None:
                return found
            del self._stirred[key]
        return None
