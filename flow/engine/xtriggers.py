"""External triggers: what an instance waits for outside the graph. Clock triggers are timers; other functions are asked
for by effect. One call serves every instance with the same signature."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ...exceptions import TidemillError
from ..language.definition import XtriggerDefinition
from .effects import CallXtrigger
from .events import XtriggerReported
from .proxy import WAITING, TaskProxy

if TYPE_CHECKING:
    from .engine import Engine

WALL_CLOCK = "wall_clock"

_TEMPLATE = re.compile(r"%%|%\((\w+)\)s")


class Call(Struct, eq=False):
    """One signature that instances wait for."""

    signature: str
    label: str
    function: str = WALL_CLOCK
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    interval_seconds: float = 10.0
    called_at: float = 0.0
    last_error: str = ""
    waiting: dict[TaskProxy, dict[str, None]] = {}
    """Instances, each with the labels it knows the xtrigger by."""


class Xtriggers:
    """The external triggers that the pool waits for."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._calls: dict[str, Call] = {}
        self._in_flight: set[str] = set()
        """Signatures called and not answered: never called again before."""
        self.satisfied: dict[str, dict[str, Any]] = {}
        """Signatures known to be satisfied, with their results."""
        self._signatures: dict[TaskProxy, dict[str, str]] = {}
        """Of the functions each instance depends on, by label; while it is in the pool."""
        self._users: dict[str, dict[TaskProxy, None]] = {}
        self._clocks: dict[TaskProxy, list[str]] = {}
        """Signatures of the clock triggers each instance waits for."""

    def in_flight(self) -> list[str]:
        """The signatures called and not answered yet."""
        return list(self._in_flight)

    # -- instances come and go -----------------------------------------------------------------------------------------

    def attach(self, proxy: TaskProxy, *, restored: bool = False) -> None:
        """Give an instance the xtriggers of its point, when it is spawned, restored or its definition was reloaded."""
        if not proxy.definition.xtriggers and not proxy.xtriggers:
            return
        self._detach(proxy)
        known = proxy.xtriggers
        has_run = proxy.status != WAITING or proxy.retry_at is not None
        # Satisfied by a command or by now: it stays so whatever becomes of the definition.
        proxy.xtriggers = {
            label: known.get(label, has_run)
            for sequence, label in proxy.definition.xtriggers
            if sequence.contains(proxy.point)
        }
        self._use(proxy, restored=restored)
        proxy.xtriggers_unmet = sum(1 for satisfied in proxy.xtriggers.values() if not satisfied)
        if proxy.xtriggers_unmet and not proxy.is_runahead and proxy.status == WAITING:
            # The definition was reloaded.
            self.engine.agenda.append(partial(self.commence, proxy))

    def _use(self, proxy: TaskProxy, *, restored: bool) -> None:
        """Note which signatures an instance depends on; results that nobody waits for any more are not for it."""
        for label in proxy.xtriggers:
            definition = self.engine.definition.xtriggers[label]
            if definition.function == WALL_CLOCK:
                continue
            signature = self.resolve(definition, proxy)[0]
            if signature in self.satisfied:
                if restored:
                    proxy.xtriggers[label] = True
                elif not any(user.status == WAITING for user in self._users.get(signature, ())):
                    self._forget_result(signature)
            self._users.setdefault(signature, {})[proxy] = None
            self._signatures.setdefault(proxy, {})[label] = signature

    def forget(self, proxy: TaskProxy) -> None:
        """An instance left the pool."""
        if proxy.xtriggers:
            for signature in self._detach(proxy):
                if signature not in self._users:
                    self._forget_result(signature)

    def forget_unused(self) -> None:
        """After a restart: results that no instance depends on are of no use."""
        for signature in list(self.satisfied):
            if signature not in self._users:
                self._forget_result(signature)

    def _detach(self, proxy: TaskProxy) -> list[str]:
        signatures = list(dict.fromkeys(self._signatures.pop(proxy, {}).values()))
        for signature in signatures:
            users = self._users[signature]
            users.pop(proxy, None)
            if not users:
                del self._users[signature]
        for signature in (*signatures, *self._clocks.pop(proxy, ())):
            call = self._calls.get(signature)
            if call is not None:
                call.waiting.pop(proxy, None)
                if not call.waiting:
                    del self._calls[signature]
        return signatures

    def _forget_result(self, signature: str) -> None:
        if self.satisfied.pop(signature, None) is not None:
            self.engine.changes.xtriggers[signature] = None

    def is_sequential(self, proxy: TaskProxy) -> bool:
        """Whether the next parentless instance must wait for this one's xtriggers."""
        return any(self.engine.definition.xtriggers[label].sequential for label in proxy.xtriggers)

    # -- waiting -------------------------------------------------------------------------------------------------------

    def commence(self, proxy: TaskProxy) -> None:
        """Start waiting, now that the instance is within the runahead window."""
        for label, satisfied in list(proxy.xtriggers.items()):
            if satisfied or proxy.was_removed:
                continue
            definition = self.engine.definition.xtriggers[label]
            if definition.function == WALL_CLOCK:
                self._wait_for_clock(proxy, label, definition)
            else:
                self._wait_for_function(proxy, label, definition)

    def _wait_for_clock(self, proxy: TaskProxy, label: str, definition: XtriggerDefinition) -> None:
        due = self.due_time(definition, proxy.point)
        signature = f"{WALL_CLOCK}(trigger_time={_plain(due)})"
        self._clocks.setdefault(proxy, []).append(signature)
        call = self._calls.get(signature)
        if call is not None:
            call.waiting.setdefault(proxy, {})[label] = None
            return
        self._calls[signature] = Call(signature, label, waiting={proxy: {label: None}})
        if due <= self.engine.now:
            self._succeeded(signature, {})
        else:
            self.engine.timers.add(due, partial(self._succeeded, signature, {}))

    def _wait_for_function(self, proxy: TaskProxy, label: str, definition: XtriggerDefinition) -> None:
        signature, args, kwargs = self.resolve(definition, proxy)
        results = self.satisfied.get(signature)
        if results is not None:
            self._satisfy(proxy, label, results)
            return
        call = self._calls.get(signature)
        if call is None:
            interval = float(definition.interval_seconds)
            call = self._calls[signature] = Call(signature, label, definition.function, args, kwargs, interval)
            self.engine.log("INFO", f"Commencing xtrigger, call interval {interval}s: {label} = {signature}")
            call.waiting[proxy] = {label: None}
            self._call(call)
        else:
            call.waiting.setdefault(proxy, {})[label] = None

    def call_of(self, signature: str) -> Call | None:
        """The call that instances wait for; None if nobody does (yet)."""
        return self._calls.get(signature)

    def due_time(self, definition: XtriggerDefinition, point: int) -> float:
        """When a clock trigger is satisfied for a point: the point as wall-clock time, plus its offset."""
        cycling = self.engine.definition.cycling
        offset = definition.kwargs.get("offset", definition.args[0] if definition.args else None)
        if offset:
            point = cycling.add(point, cycling.interval(str(offset)))
        return cycling.epoch_seconds(point)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def resolve(self, definition: XtriggerDefinition, proxy: TaskProxy) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """The signature of a function as an instance calls it, and its arguments, templates filled in.

        Keyword arguments stand in the order of their names (Cylc 8.5 behaviour).
        """
        context = self.engine.options.xtriggers
        values = {
            "point": proxy.cycle,
            "name": proxy.definition.name,
            "id": proxy.id,
            "debug": str(self.engine.options.debug),
            "user_name": context.user,
            "workflow": context.workflow,
            "workflow_run_dir": context.run_directory,
            "workflow_share_dir": f"{context.run_directory}/share",
        }
        values |= {
            "suite": context.workflow,
            "suite_name": context.workflow,
            "suite_run_dir": values["workflow_run_dir"],
            "suite_share_dir": values["workflow_share_dir"],
        }

        def filled(argument: Any) -> Any:
            if not isinstance(argument, str) or "%" not in argument:
                return argument
            return _TEMPLATE.sub(lambda match: values.get(match[1], match[0]) if match[1] else "%", argument)

        args = tuple(map(filled, definition.args))
        kwargs = {name: filled(definition.kwargs[name]) for name in sorted(definition.kwargs)}
        written = [*map(str, args), *(f"{name}={value}" for name, value in kwargs.items())]
        return f"{definition.function}({', '.join(written)})", args, kwargs

    def _call(self, call: Call) -> None:
        """Ask for a call, unless nobody waits for it any more."""
        for proxy, labels in list(call.waiting.items()):
            for label in list(labels):
                if proxy.xtriggers.get(label, True):
                    del labels[label]
            if not labels:
                del call.waiting[proxy]
        if self._calls.get(call.signature) is not call:
            return
        if not call.waiting:
            del self._calls[call.signature]
        elif call.signature not in self._in_flight:
            self._in_flight.add(call.signature)
            call.called_at = self.engine.now
            self.engine.effects.append(CallXtrigger(call.signature, call.function, call.args, call.kwargs))

    def reported(self, event: XtriggerReported) -> None:
        """A function returned: whoever waits is released, or it is called again an interval after it was."""
        self._in_flight.discard(event.signature)
        call = self._calls.get(event.signature)
        if call is None:
            return
        engine = self.engine
        if event.error:
            # The same trouble again and again is told once.
            level = "DEBUG" if event.error == call.last_error else "WARNING"
            engine.log(level, f"ERROR in xtrigger {event.signature}\n{event.error}")
        else:
            engine.log("DEBUG", f"{event.signature}: returned {event.results}")
        call.last_error = event.error
        if event.satisfied and not event.error:
            self._succeeded(event.signature, event.results)
        else:
            due = max(engine.now, call.called_at + call.interval_seconds)
            engine.timers.add(due, partial(self._call, call))

    def _succeeded(self, signature: str, results: dict[str, Any]) -> None:
        call = self._calls.pop(signature, None)
        if call is None:
            return
        engine = self.engine
        engine.log("INFO", f"xtrigger succeeded: {call.label} = {signature}")
        if call.function != WALL_CLOCK:
            self.satisfied[signature] = results
            engine.changes.xtriggers[signature] = results
        for proxy, labels in call.waiting.items():
            for label in labels:
                self._satisfy(proxy, label, results)

    def _satisfy(self, proxy: TaskProxy, label: str, results: Mapping[str, Any]) -> None:
        if proxy.was_removed or proxy.xtriggers.get(label, True):
            return
        proxy.xtriggers[label] = True
        proxy.xtriggers_unmet -= 1
        engine = self.engine
        engine.touch(proxy)
        if results:
            self._broadcast(proxy, label, results)
        if not proxy.xtriggers_unmet:
            if proxy.is_parentless and self.is_sequential(proxy):
                engine.spawner.spawn_next_parentless(proxy)
            engine.queue_if_ready(proxy)

    def _broadcast(self, proxy: TaskProxy, label: str, results: Mapping[str, Any]) -> None:
        """Results become environment variables of the dependent task at its point (Cylc 8.5 behaviour)."""
        environment = {f"{label}_{name}": str(value) for name, value in results.items()}
        try:
            self.engine.broadcasts.broadcast(
                "set", [proxy.cycle], [proxy.definition.name], [{"environment": environment}]
            )
        except TidemillError as error:
            self.engine.log("ERROR", f"{proxy.label()} results of xtrigger {label} cannot be broadcast: {error}")


def _plain(seconds: float) -> str:
    return str(int(seconds)) if seconds == int(seconds) else str(seconds)
