"""Push triggers: events that something outside reports by message, each used once by one instance that waits for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Engine
    from .proxy import TaskProxy

PARAMETER = "_external_events"
"""The run parameter that holds the events nobody has used yet, for a restart."""
VARIABLE = "CYLC_EXT_TRIGGER_ID"


class ExternalTriggers:
    """The messages that tasks of ``[special tasks]external-trigger`` wait for (Cylc 8.5 behaviour).

    An event that comes before anyone waits for it is kept. An instance takes its event as soon as the runahead window
    has reached it, whatever else it waits for; the ID of the event is broadcast to every task of its cycle.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.events: dict[str, list[str]] = {}
        """By message: the IDs of the events not used yet, in the order they came."""
        self._waiting: dict[str, dict[TaskProxy, None]] = {}

    def report(self, message: str, id: str) -> dict[str, Any]:
        """An event has happened: `id` tells it from others with the same message.

        One that no task of the definition waits for is kept too, and warned of: the next definition may have one.
        """
        self.events.setdefault(message, []).append(id)
        known = {task.external_trigger for task in self.engine.definition.tasks.values() if task.external_trigger}
        if message not in known:
            listed = ", ".join(map(repr, sorted(known))) or "no message at all"
            self.engine.log("WARNING", f"No task waits for the external trigger {message!r}: they wait for {listed}")
        users = self._match(message)
        self._changed()
        return {"message": message, "event": id, "tasks": users, "is_known": message in known}

    def attach(self, proxy: TaskProxy, *, satisfied: bool = False) -> None:
        """An instance is spawned, restored or its definition reloaded: it waits if its task does."""
        message = proxy.definition.external_trigger
        if message is None or satisfied:
            proxy.external_unmet = False
            self.forget(proxy)
            return
        proxy.external_unmet = True

    def watch(self, proxy: TaskProxy) -> None:
        """The window has reached an instance: the next event is for it, if it came first."""
        message = proxy.definition.external_trigger
        if message is not None and proxy.external_unmet:
            self._waiting.setdefault(message, {})[proxy] = None
            if self._match(message):
                self._changed()

    def force(self, proxy: TaskProxy) -> None:
        """A user wants the instance to run: it waits no longer, and uses no event."""
        if proxy.external_unmet:
            proxy.external_unmet = False
            self.forget(proxy)
            self.engine.touch(proxy)
            self.engine.log(
                "INFO", f'{proxy.label()} external trigger force-satisfied: "{proxy.definition.external_trigger}"'
            )

    def forget(self, proxy: TaskProxy) -> None:
        """An instance waits no more, or has left the pool."""
        for waiting in self._waiting.values():
            waiting.pop(proxy, None)

    def is_waiting(self, proxy: TaskProxy) -> bool:
        """Whether an instance would use an event that comes now."""
        return proxy in self._waiting.get(proxy.definition.external_trigger or "", ())

    def restore(self, events: dict[str, list[str]]) -> None:
        """Take unused events from the record."""
        self.events.update({message: list(identities) for message, identities in events.items()})

    def _match(self, message: str) -> list[str]:
        """Give events to instances while there are both; the IDs of those instances."""
        events, waiting = self.events.get(message), self._waiting.get(message)
        engine = self.engine
        users = []
        while events and waiting:
            proxy = min(waiting, key=lambda one: (one.point, one.identity))
            del waiting[proxy]
            identity = events.pop(0)
            proxy.external_unmet = False
            engine.touch(proxy)
            engine.log("INFO", f'{proxy.label()} external trigger satisfied: "{message}" ({identity})')
            engine.broadcasts.broadcast("set", [proxy.cycle], ["root"], [{"environment": {VARIABLE: identity}}])
            engine.queue_if_ready(proxy)
            users.append(proxy.id)
        if not events:
            self.events.pop(message, None)
        return users

    def _changed(self) -> None:
        self.engine.changes.parameters[PARAMETER] = json.dumps(self.events) if self.events else None
