"""Clock-expire: instances that have not started by their time expire, and never run (Cylc 8.5 behaviour)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..language.definition import EXPIRED
from . import proxy as states
from .proxy import TaskProxy
from .timers import Timer

if TYPE_CHECKING:
    from .engine import Engine


class Expiry:
    """Sets a timer for each instance of a task that can expire, once the runahead window has reached it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._timers: dict[TaskProxy, Timer] = {}

    def watch(self, proxy: TaskProxy) -> bool:
        """Expire an instance when its time comes; True if it has come already."""
        offset = proxy.definition.clock_expire_offset
        if offset is None:
            return False
        engine = self.engine
        cycling = engine.definition.cycling
        point = cycling.add(proxy.point, cycling.interval(offset)) if offset else proxy.point
        due = cycling.epoch_seconds(point)
        if due <= engine.now:
            return self._expire(proxy)
        if proxy not in self._timers:
            self._timers[proxy] = engine.timers.add(due, partial(self._due, proxy))
        return False

    def forget(self, proxy: TaskProxy) -> None:
        """An instance left the pool."""
        timer = self._timers.pop(proxy, None)
        if timer is not None:
            timer.cancel()

    def _due(self, proxy: TaskProxy) -> None:
        self._timers.pop(proxy, None)
        self._expire(proxy)

    def _expire(self, proxy: TaskProxy) -> bool:
        if proxy.was_removed or proxy.status != states.WAITING or proxy.is_manual_submit:
            return False
        engine = self.engine
        proxy.is_queued = False
        proxy.retry_at = None
        engine.log("WARNING", f"{proxy.label()} Task expired: will not submit job.")
        engine.set_status(proxy, states.EXPIRED)
        engine.outcomes.complete(proxy, EXPIRED)
        engine.outcomes.tell(proxy, EXPIRED, "Task expired: will not submit job.")
        engine.outcomes.tell(proxy, "warning", EXPIRED)
        engine.outcomes.finish(proxy)
        return True
