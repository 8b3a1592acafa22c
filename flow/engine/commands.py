"""What users can tell a run to do. Each function changes the engine and says so in its log."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...exceptions import TidemillError
from . import shutdown
from .broadcasts import Broadcasts
from .flows import checked
from .interventions import Interventions
from .reloading import reload
from .text import utc
from .watched import check_unmoved

if TYPE_CHECKING:
    from .engine import Engine


class CommandError(TidemillError):
    """The command makes no sense for this run."""


STOP_MODES = {
    "clean": shutdown.CLEAN,
    "kill": shutdown.KILL,
    "now": shutdown.NOW,
    "now-now": shutdown.NOW_NOW,
}


LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def pause(engine: Engine) -> dict[str, Any]:
    """Submit nothing more until resumed; what runs goes on."""
    was_paused = engine.is_paused
    engine.set_paused(True)
    return {"paused": True, "was_paused": was_paused}


def resume(engine: Engine) -> dict[str, Any]:
    """Submit again."""
    was_paused = engine.is_paused
    engine.set_paused(False)
    return {"paused": False, "was_paused": was_paused}


def stop(
    engine: Engine,
    mode: str = "clean",
    cycle_point: str | None = None,
    clock_time: float | None = None,
    task: str | None = None,
    flow: int | None = None,
) -> dict[str, Any]:
    """Stop in a mode, or after a cycle point, a time (seconds since the epoch) or a task; or let a flow run out."""
    if flow is not None:
        return engine.interventions.stop_flow(int(flow))
    if cycle_point is not None:
        point = engine.definition.cycling.parse(cycle_point)
        engine.set_stop_point(point)
        text = engine.definition.cycling.format(point)
        engine.log("INFO", f"Setting stop cycle point: {text}")
        return {"stop_point": text}
    if clock_time is not None:
        engine.changes.parameters["stop_clock_time"] = str(clock_time)
        engine.log("INFO", f"Setting stop clock time: {utc(clock_time)}")
        engine.shutdown.stop_at_clock(clock_time)
        return {"stop_time": clock_time}
    if task is not None:
        cycle, _, name = task.partition("/")
        engine.shutdown.stop_task = f"{engine.definition.cycling.format(engine.definition.cycling.parse(cycle))}/{name}"
        engine.changes.parameters["stop_task"] = engine.shutdown.stop_task
        engine.log("INFO", f"Setting stop task: {engine.shutdown.stop_task}")
        return {"stop_task": engine.shutdown.stop_task}
    engine.shutdown.request(STOP_MODES[mode])
    return {"stop": mode}


def _intervention(name: str) -> Callable[..., dict[str, Any]]:
    def act(engine: Engine, **arguments: Any) -> dict[str, Any]:
        result: dict[str, Any] = getattr(engine.interventions, name)(**arguments)
        return result

    return act


def broadcast(engine: Engine, **arguments: Any) -> dict[str, Any]:
    """Change settings of tasks that are yet to be submitted."""
    return engine.broadcasts.broadcast(**arguments)


def ext_trigger(engine: Engine, message: str, id: str) -> dict[str, Any]:
    """Report an external event that tasks wait for."""
    return engine.external.report(str(message), str(id))


def set_verbosity(engine: Engine, level: str) -> dict[str, Any]:
    """Log a level and above: whoever keeps the log sees to it."""
    return {"level": log_level(level)}


def set_graph_window_extent(engine: Engine, n_edge_distance: int) -> dict[str, Any]:
    """Show more or less around what is active: whoever keeps the picture sees to it."""
    return {"extent": n_edge_distance}


def log_level(text: str) -> str:
    """A level of the log as the log knows it; raises `CommandError` for what is none."""
    level = {"NORMAL": "INFO"}.get(str(text).upper(), str(text).upper())
    if level not in LOG_LEVELS:
        raise CommandError(f"{text!r} is not a level of the log: it is one of {', '.join(LOG_LEVELS)}")
    return level


def reload_workflow(engine: Engine) -> dict[str, Any]:
    """Go on with the definition that has been read."""
    definition, engine.next_definition = engine.next_definition, None
    if definition is None:
        raise CommandError("No new definition has been read")
    return reload(engine, definition)


INTERVENTIONS = (
    "hold",
    "release",
    "set_hold_point",
    "release_hold_point",
    "kill_tasks",
    "poll_tasks",
    "force_trigger_tasks",
    "set",
    "remove_tasks",
)


def check(engine: Engine, name: str, arguments: dict[str, Any]) -> None:
    """Refuse a command that makes no sense for the run, before it becomes an event.

    Raises:
        CommandError, FlowError, PointError: with what is wrong.
    """
    if name not in COMMANDS:
        raise CommandError(f"There is no command {name!r}; commands are {', '.join(sorted(COMMANDS))}")
    if not isinstance(arguments.get("expecting", {}), dict):
        raise CommandError(f"{name}: expecting must be what a plan says it rests on")
    arguments = {key: value for key, value in arguments.items() if key != "expecting"}
    function = getattr(Interventions, name) if name in INTERVENTIONS else _PLAIN[name]
    if name == "broadcast":
        function = Broadcasts.broadcast
    try:
        inspect.signature(function).bind(engine, **arguments)
    except TypeError as error:
        raise CommandError(f"{name}: {error}") from None
    for key in ("tasks", "outputs", "prerequisites", "flow"):
        value = arguments.get(key)
        is_list = isinstance(value, list) and all(isinstance(one, str | int) for one in value)
        if value is not None and not is_list and not (name == "stop" and key == "flow"):
            raise CommandError(f"{name}: {key} must be a list of texts, not {value!r}")
    if name in ("force_trigger_tasks", "set"):
        checked(arguments.get("flow"), wait=bool(arguments.get("flow_wait")))
    if name == "set" and arguments.get("outputs") and arguments.get("prerequisites"):
        raise CommandError("Use --prerequisite or --output, not both.")
    if name == "remove_tasks" and not all(str(one).isdecimal() for one in arguments.get("flow") or ()):
        raise CommandError("Flow values must be integers")
    if name == "set_verbosity":
        log_level(arguments["level"])
    if name == "set_graph_window_extent":
        extent = arguments["n_edge_distance"]
        if not isinstance(extent, int) or isinstance(extent, bool) or extent < 0:
            raise CommandError(f"The window cannot have the extent {extent!r}: it is a number of edges, 0 or more")
    if name == "set_hold_point":
        engine.definition.cycling.parse(arguments["point"])
    if name == "stop":
        _check_stop(engine, **arguments)


def _check_stop(
    engine: Engine,
    mode: str = "clean",
    cycle_point: str | None = None,
    clock_time: float | None = None,
    task: str | None = None,
    flow: int | None = None,
) -> None:
    cycling = engine.definition.cycling
    if mode not in STOP_MODES:
        raise CommandError(f"{mode!r} is not a way to stop; give one of {', '.join(STOP_MODES)}")
    if cycle_point is not None:
        cycling.parse(cycle_point)
    if task is not None:
        cycle, _, name = task.partition("/")
        if name not in engine.definition.tasks:
            raise CommandError(f"There is no task {name!r} in the workflow: {task} should be CYCLE/TASK")
        cycling.parse(cycle)


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A command that is refused where the run is not as it was when a plan of it was made."""

    def act(engine: Engine, *, expecting: dict[str, Any] | None = None, **arguments: Any) -> Any:
        if expecting:
            check_unmoved(engine, name, arguments, expecting)
        return function(engine, **arguments)

    return act


_PLAIN: dict[str, Callable[..., Any]] = {
    "pause": pause,
    "resume": resume,
    "stop": stop,
    "broadcast": broadcast,
    "ext_trigger": ext_trigger,
    "set_verbosity": set_verbosity,
    "set_graph_window_extent": set_graph_window_extent,
    "reload_workflow": reload_workflow,
    **{name: _intervention(name) for name in INTERVENTIONS},
}

COMMANDS: dict[str, Callable[..., Any]] = {name: _guarded(name, function) for name, function in _PLAIN.items()}
"""What users can tell a run; each takes ``expecting`` too, what a plan says it rests on."""
