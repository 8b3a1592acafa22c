"""A new definition under a running workflow: the pool stays, what it waits for and what follows is worked out anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...exceptions import TidemillError
from ..language.definition import WorkflowDefinition
from . import proxy as states
from .forced import force, forced_keys
from .graph import Graph
from .proxy import TaskProxy
from .queues import Queues
from .restore import satisfy_from_record
from .runahead import RunaheadWindow

if TYPE_CHECKING:
    from .engine import Engine


class ReloadError(TidemillError):
    """The workflow cannot be reloaded with this definition."""


def check_reload(old: WorkflowDefinition, new: WorkflowDefinition) -> None:
    """Refuse a definition that points of the run would not make sense in; raises `ReloadError`."""
    if old.cycling.mode != new.cycling.mode:
        raise ReloadError(
            f"The cycling mode cannot change while the workflow runs: it is {old.cycling.mode}, not {new.cycling.mode}"
        )


def reload(engine: Engine, definition: WorkflowDefinition) -> dict[str, Any]:
    """Swap the definition. Tasks keep their state; those no longer defined finish, or go if they wait.

    Returns what was added, removed and orphaned, as lists of names or IDs.
    """
    old = engine.definition
    stop_point = engine.runahead.stop_point
    forced = {proxy: forced_keys(proxy) for proxy in engine.pool.values()}
    engine.definition = definition
    engine.graph = Graph(definition)
    engine.queues = Queues(definition.queues)
    engine.runahead = RunaheadWindow(definition)
    engine.runahead.stop_point = stop_point if stop_point is not None else definition.stop_point
    engine.spawner.reset(definition)
    orphaned, gone = [], []
    for proxy in list(engine.pool.values()):
        task = definition.tasks.get(proxy.definition.name)
        if task is not None and task.is_valid_at(proxy.point):
            waited_for, proxy.definition = proxy.definition.external_trigger, task
            _adopt(engine, proxy, waited_for)
        elif proxy.status in states.LIVE:
            # It finishes by its old definition, and spawns nothing: nothing waits for it any more.
            orphaned.append(proxy.id)
            proxy.prerequisites, proxy.suicides, proxy.unmet = [], [], 0
            engine.runahead.entered(proxy, 0)
            engine.queues.became_active(proxy)
            engine.log("WARNING", f"{proxy.label()} is no longer defined: its job goes on, nothing follows")
        else:
            gone.append(proxy)
    for proxy in gone:
        proxy.prerequisites, proxy.suicides = [], []
        engine.runahead.entered(proxy, 0)
        engine.log("WARNING", f"{proxy.label()} is no longer defined: removed")
        engine.remove(proxy, "removed by reload")
    satisfy_from_record(engine)
    for proxy, keys in forced.items():
        force(engine, proxy, keys)
    added = [name for name in definition.tasks if name not in old.tasks]
    base = engine.runahead.base()
    for name in added:
        start = definition.start_point if base is None else max(base, definition.start_point)
        engine.spawner.spawn_parentless(name, start, engine.flows.active())
    for proxy in list(engine.pool.values()):
        engine.touch(proxy)
        engine.queue_if_ready(proxy)
    engine.changes.reloaded = True
    engine.log("INFO", "Reload completed.")
    removed = [name for name in old.tasks if name not in definition.tasks]
    return {"added": added, "removed": removed, "orphaned": orphaned, "dropped": [proxy.id for proxy in gone]}


def _adopt(engine: Engine, proxy: TaskProxy, waited_for: str | None) -> None:
    """Give an instance its place in the new graph, window and queues."""
    proxy.prerequisites, proxy.suicides, proxy.unmet = [], [], 0
    proxy.is_parentless = engine.graph.is_parentless(proxy.definition.name, proxy.point)
    engine.spawner.attach_prerequisites(proxy)
    engine.xtriggers.attach(proxy)
    _reattach_external(engine, proxy, waited_for)
    engine.runahead.entered(proxy, engine.future_offset(proxy))
    if engine.definition.compatibility:
        engine.runahead.count_failure(proxy, proxy.status in states.ENDED_BADLY)
    if proxy.is_runahead:
        engine.runahead.block(proxy)
    if proxy.is_queued:
        engine.queues.push(proxy)
    if proxy.status in states.LIVE:
        engine.queues.became_active(proxy)


def _reattach_external(engine: Engine, proxy: TaskProxy, waited_for: str | None) -> None:
    """Let an instance wait for the message of its new definition, unless it has had the same one, or run, already."""
    message = proxy.definition.external_trigger
    has_run = proxy.status != states.WAITING or proxy.retry_at is not None
    is_satisfied = has_run or (message == waited_for and not proxy.external_unmet)
    engine.external.forget(proxy)
    engine.external.attach(proxy, satisfied=is_satisfied)
    if proxy.external_unmet and not proxy.is_runahead:
        engine.external.watch(proxy)
