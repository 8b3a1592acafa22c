"""What users and events outside the graph satisfied for one instance: it cannot be worked out anew from outputs, so the
record and a reload carry it over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .prerequisite import FORCED, OutputKey

if TYPE_CHECKING:
    from .engine import Engine
    from .proxy import TaskProxy


def forced_keys(proxy: TaskProxy) -> set[OutputKey]:
    """The outputs that an instance no longer waits for because a user said so."""
    return {
        prerequisite.keys[leaf]
        for prerequisite in proxy.prerequisites
        for leaf, how in prerequisite.how.items()
        if how == FORCED
    }


def force(engine: Engine, proxy: TaskProxy, keys: Iterable[OutputKey]) -> None:
    """Satisfy prerequisites of one instance, and only of it."""
    wanted = set(keys)
    if not wanted or proxy.was_removed:
        return
    for index, prerequisite in enumerate(list(proxy.prerequisites)):
        for leaf, key in enumerate(prerequisite.keys):
            if key in wanted and leaf not in prerequisite.how:
                engine.spawner.satisfy(engine.spawner.make_private(proxy, index), leaf, FORCED)


def as_data(engine: Engine, proxy: TaskProxy) -> dict[str, Any]:
    """The same, and which xtriggers and external event are done with, as plain data for the record."""
    data: dict[str, Any] = {}
    if proxy.was_forced:
        write = engine.definition.cycling.format
        keys = [[write(key.point), key.task, key.output] for key in sorted(forced_keys(proxy))]
        if keys:
            data["prerequisites"] = keys
        labels = [label for label, satisfied in proxy.xtriggers.items() if satisfied]
        if labels:
            data["xtriggers"] = labels
    if proxy.definition.external_trigger is not None and not proxy.external_unmet:
        data["external"] = True
    return data


def restore_forced(engine: Engine, proxy: TaskProxy, data: Mapping[str, Any]) -> None:
    """Take up again what `as_data` told of an instance, once its prerequisites are attached."""
    if data.get("prerequisites") or data.get("xtriggers"):
        proxy.was_forced = True
    parse = engine.definition.cycling.parse
    force(
        engine, proxy, [OutputKey(parse(cycle), task, output) for cycle, task, output in data.get("prerequisites", ())]
    )
