"""What users can tell a run to do. Each function changes the engine and says so in its log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...exceptions import TidemillError
from . import shutdown
from .text import utc

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


def pause(engine: Engine) -> None:
    """Submit nothing more until resumed; what runs goes on."""
    engine.set_paused(True)


def resume(engine: Engine) -> None:
    """Submit again."""
    engine.set_paused(False)


def stop(
    engine: Engine,
    mode: str = "clean",
    cycle_point: str | None = None,
    clock_time: float | None = None,
    task: str | None = None,
) -> None:
    """Stop in a mode, or after a cycle point, a wall-clock time (seconds since the epoch) or a task."""
    if cycle_point is not None:
        point = engine.definition.cycling.parse(cycle_point)
        engine.set_stop_point(point)
        engine.log("INFO", f"Setting stop cycle point: {engine.definition.cycling.format(point)}")
    elif clock_time is not None:
        engine.changes.parameters["stop_clock_time"] = str(clock_time)
        engine.log("INFO", f"Setting stop clock time: {utc(clock_time)}")
        engine.shutdown.stop_at_clock(clock_time)
    elif task is not None:
        cycle, _, name = task.partition("/")
        engine.shutdown.stop_task = f"{engine.definition.cycling.format(engine.definition.cycling.parse(cycle))}/{name}"
        engine.changes.parameters["stop_task"] = engine.shutdown.stop_task
        engine.log("INFO", f"Setting stop task: {engine.shutdown.stop_task}")
    else:
        engine.shutdown.request(STOP_MODES[mode])


def check(engine: Engine, name: str, arguments: dict[str, Any]) -> None:
    """Refuse a command that makes no sense for the run, before it becomes an event; raises `CommandError`."""
    if name not in COMMANDS:
        raise CommandError(f"There is no command {name!r}; commands are {', '.join(sorted(COMMANDS))}")
    cycling = engine.definition.cycling
    mode = arguments.get("mode", "clean")
    if mode not in STOP_MODES:
        raise CommandError(f"{mode!r} is not a way to stop; give one of {', '.join(STOP_MODES)}")
    point = arguments.get("cycle_point")
    if point is not None:
        cycling.parse(point)
    task = arguments.get("task")
    if task is not None:
        cycle, _, task_name = str(task).partition("/")
        if task_name not in engine.definition.tasks:
            raise CommandError(f"There is no task {task_name!r} in the workflow: {task} should be CYCLE/TASK")
        cycling.parse(cycle)


COMMANDS: dict[str, Callable[..., Any]] = {"pause": pause, "resume": resume, "stop": stop}
