"""External triggers: what an instance waits for outside the graph. Clock triggers are timers; other functions are asked
for by effect. One call serves every instance with the same signature."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, field

from ..language.definition import XtriggerDefinition
from .proxy import TaskProxy

if TYPE_CHECKING:
    from .engine import Engine

WALL_CLOCK = "wall_clock"


@define(eq=False)
class Call:
    """One signature that instances wait for."""

    signature: str
    label: str
    waiting: dict[TaskProxy, str] = field(factory=dict)
    """Instances, each with the label it knows the xtrigger by."""


class Xtriggers:
    """The external triggers that the pool waits for."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._calls: dict[str, Call] = {}
        self.satisfied: dict[str, dict[str, Any]] = {}
        """Signatures known to be satisfied, with their results."""

    def attach(self, proxy: TaskProxy) -> None:
        """Give an instance the xtriggers of its point."""
        for sequence, label in proxy.definition.xtriggers:
            if label not in proxy.xtriggers and sequence.contains(proxy.point):
                proxy.xtriggers[label] = False
        proxy.xtriggers_unmet = sum(1 for satisfied in proxy.xtriggers.values() if not satisfied)

    def is_sequential(self, proxy: TaskProxy) -> bool:
        """Whether the next parentless instance must wait for this one's xtriggers."""
        return any(self.engine.definition.xtriggers[label].sequential for label in proxy.xtriggers)

    def commence(self, proxy: TaskProxy) -> None:
        """Start waiting, now that the instance is within the runahead window."""
        for label, satisfied in list(proxy.xtriggers.items()):
            if satisfied:
                continue
            definition = self.engine.definition.xtriggers[label]
            due = self.due_time(definition, proxy.point)
            signature = f"{WALL_CLOCK}(trigger_time={_plain(due)})"
            if signature in self.satisfied:
                self._satisfy(proxy, label)
                continue
            call = self._calls.get(signature)
            if call is not None:
                call.waiting[proxy] = label
                continue
            self._calls[signature] = call = Call(signature, label, {proxy: label})
            if due <= self.engine.now:
                self._succeeded(signature, {})
            else:
                self.engine.timers.add(due, partial(self._succeeded, signature, {}))

    def forget(self, proxy: TaskProxy) -> None:
        """An instance left the pool."""
        if not proxy.xtriggers:
            return
        for signature, call in list(self._calls.items()):
            call.waiting.pop(proxy, None)
            if not call.waiting:
                del self._calls[signature]

    def due_time(self, definition: XtriggerDefinition, point: int) -> float:
        """When a clock trigger is satisfied for a point: the point as wall-clock time, plus its offset."""
        cycling = self.engine.definition.cycling
        offset = definition.kwargs.get("offset", definition.args[0] if definition.args else None)
        if offset:
            point = cycling.add(point, cycling.interval(str(offset)))
        return cycling.epoch_seconds(point)

    def _succeeded(self, signature: str, results: dict[str, Any]) -> None:
        call = self._calls.pop(signature, None)
        if call is None:
            return
        self.engine.log("INFO", f"xtrigger succeeded: {call.label} = {signature}")
        for proxy, label in call.waiting.items():
            self._satisfy(proxy, label)

    def _satisfy(self, proxy: TaskProxy, label: str) -> None:
        if proxy.was_removed or proxy.xtriggers.get(label, True):
            return
        proxy.xtriggers[label] = True
        proxy.xtriggers_unmet -= 1
        engine = self.engine
        engine.touch(proxy)
        if not proxy.xtriggers_unmet:
            if proxy.is_parentless and self.is_sequential(proxy):
                engine.spawner.spawn_next_parentless(proxy)
            engine.queue_if_ready(proxy)


def _plain(seconds: float) -> str:
    return str(int(seconds)) if seconds == int(seconds) else str(seconds)
