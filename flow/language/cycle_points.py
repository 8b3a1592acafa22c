"""Where a workflow starts and ends: its cycling mode, and its points as configured or commanded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from ...exceptions import TidemillError
from ..cycling.cycling import Cycling
from ..cycling.factory import make_cycling
from ..cycling.limits import (
    check_constraints,
    resolve_final_point,
    resolve_initial_point,
    resolve_point_with_offsets,
)
from .config import WorkflowConfig
from .exceptions import ConfigError

_SCHEDULING = "scheduling"
_INITIAL = "initial cycle point"
_FINAL = "final cycle point"


class CyclePoints(Struct, frozen=True):
    """The cycling of a workflow and its limits."""

    cycling: Cycling
    initial: int
    start: int
    final: int | None
    stop: int | None
    hold_after: int | None
    start_tasks: tuple[tuple[int, str], ...]


def resolve_points(
    config: WorkflowConfig,
    *,
    now: float,
    initial_point: str | None,
    final_point: str | None,
    start_point: str | None,
    stop_point: str | None,
    start_tasks: Sequence[str],
    hold_after: str | None,
    warnings: list[str],
) -> CyclePoints:
    """Work out a workflow's cycling and limits; arguments as of `build_definition`.

    Raises:
        ConfigError: A point cannot be read, or they contradict each other.
    """
    reader = _PointReader(config)
    settings = reader.settings
    automatic = not settings.get("cycling mode") and _runs_once(config, initial_point)
    cycling = _make_cycling(config, "integer" if automatic else settings.get("cycling mode") or "gregorian")
    initial_text = initial_point or settings.get(_INITIAL)
    if not initial_text and cycling.mode != "integer":
        raise ConfigError(
            "this workflow needs an initial cycle point",
            location=config.where(_SCHEDULING),
            hint="Set [scheduling]initial cycle point, or cycling mode = integer to count from 1.",
        )
    initial = reader.read(
        _INITIAL,
        initial_text or "1",
        lambda text: resolve_initial_point(cycling, text, now=now),
        given=initial_point is not None,
    )
    reader.constrain(cycling, initial, _INITIAL)
    final_text = final_point or settings.get(_FINAL) or ("1" if automatic else None)
    final = reader.read_optional(
        _FINAL,
        final_text,
        lambda text: resolve_final_point(cycling, text, initial=initial),
        given=final_point is not None,
    )
    if final is not None:
        reader.constrain(cycling, final, _FINAL)
    stop = reader.read_optional(
        "stop after cycle point",
        stop_point or settings.get("stop after cycle point"),
        lambda text: resolve_point_with_offsets(cycling, text, initial=initial),
        given=stop_point is not None,
    )
    if stop is not None and final is not None and stop > final:
        warnings.append(
            f"stop after cycle point {cycling.format(stop)} has no effect: it is after the final cycle point"
            f" {cycling.format(final)}"
        )
        stop = None
    hold = reader.read_optional(
        "hold after cycle point",
        hold_after or settings.get("hold after cycle point"),
        lambda text: resolve_point_with_offsets(cycling, text, initial=initial),
        given=hold_after is not None,
    )
    tasks = tuple(_start_task(cycling, text) for text in start_tasks)
    start = initial
    if tasks:
        start = min(point for point, _ in tasks)
    elif start_point is not None:
        start = reader.read(
            "start cycle point",
            start_point,
            lambda text: resolve_initial_point(cycling, text, now=now),
            given=True,
        )
    if start < initial or (final is not None and start > final):
        until = f" to {cycling.format(final)}" if final is not None else " on"
        raise ConfigError(
            f"start cycle point {cycling.format(start)} is outside of the workflow",
            hint=f"It runs from {cycling.format(initial)}{until}.",
        )
    return CyclePoints(cycling, initial, start, final, stop, hold, tasks)


class _PointReader:
    """Reads points with errors that say where the text came from."""

    def __init__(self, config: WorkflowConfig) -> None:
        self.config = config
        self.settings: dict[str, Any] = config.items[_SCHEDULING]

    def read(self, item: str, text: str, resolve: Callable[[str], int], *, given: bool) -> int:
        """A point from the configuration, or from the command line if `given`."""
        try:
            return resolve(str(text))
        except TidemillError as error:
            location = None if given else self.config.where(_SCHEDULING, item)
            raise ConfigError(f"{item} = {text}: {error}", location=location) from error

    def read_optional(self, item: str, text: str | None, resolve: Callable[[str], int], *, given: bool) -> int | None:
        """Like `read`, None for no text."""
        return self.read(item, text, resolve, given=given) if text else None

    def constrain(self, cycling: Cycling, point: int, item: str) -> None:
        """Check a point against the constraints configured for it."""
        name = f"{item} constraints"
        try:
            check_constraints(cycling, point, self.settings.get(name) or (), name=item)
        except TidemillError as error:
            raise ConfigError(str(error), location=self.config.where(_SCHEDULING, name)) from error


def _runs_once(config: WorkflowConfig, initial_point: str | None) -> bool:
    """Whether nothing cycles, so that integer cycling with the single point 1 is meant (Cylc 8 behaviour)."""
    initial = initial_point or config.items[_SCHEDULING].get(_INITIAL)
    return initial in (None, "", "1") and all(
        "".join(graph.recurrence.split()) in ("R1", "1") for graph in config.graphs
    )


def _make_cycling(config: WorkflowConfig, mode: str) -> Cycling:
    scheduler = config.items["scheduler"]
    try:
        return make_cycling(
            mode,
            point_format=scheduler.get("cycle point format"),
            expanded_year_digits=scheduler.get("cycle point num expanded year digits") or 0,
            time_zone=scheduler.get("cycle point time zone") or "Z",
        )
    except TidemillError as error:
        location = config.where("scheduler", "cycle point format") or config.where("scheduler", "cycle point time zone")
        raise ConfigError(str(error), location=location) from error


def _start_task(cycling: Cycling, text: str) -> tuple[int, str]:
    point, _, name = text.partition("/")
    if not name:
        raise ConfigError(f"start task {text} names no task", hint="Give cycle/task.")
    try:
        return cycling.parse(point), name
    except TidemillError as error:
        raise ConfigError(f"start task {text}: {error}", hint="Give cycle/task.") from error
