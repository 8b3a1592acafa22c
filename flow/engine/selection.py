"""Which tasks an ID means, in the pool and out of it: ``CYCLE/TASK[:state]``, families, globs, ``^`` and ``$``."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from ...exceptions import TidemillError
from .proxy import TaskProxy

if TYPE_CHECKING:
    from .engine import Engine

GLOB_CHARACTERS = frozenset("*?[")


class SelectionError(TidemillError):
    """No task matches."""


class Selection(Struct):
    """What some IDs mean in a run."""

    active: list[TaskProxy] = []
    """Instances in the pool, each once, in the order asked for."""
    inactive: list[tuple[int, str]] = []
    """(point, task) of instances the graph has but the pool has not."""
    unmatched: list[str] = []
    """IDs that mean nothing."""

    def require(self) -> Selection:
        """Itself, if anything matched; raises `SelectionError` that names what did not."""
        if not self.active and not self.inactive:
            raise SelectionError(f"No tasks match: {', '.join(self.unmatched)}")
        return self


def select(engine: Engine, ids: list[str], *, inactive: bool) -> Selection:
    """What IDs mean (Cylc 8.5 behaviour: globs, bare cycles and state selectors match the pool only).

    Args:
        engine: the run.
        ids: relative IDs; a bare cycle means all of it that is active.
        inactive: whether tasks outside the pool may be meant, by their name or that of a family.

    Raises:
        PointError: a cycle is not a cycle point.
    """
    chosen = Selection()
    seen: set[tuple[int, str]] = set()
    for text in ids:
        before = len(seen)
        _select_one(engine, text.removeprefix("//"), inactive, chosen, seen)
        if len(seen) == before and not _names_something_seen(engine, text, seen):
            chosen.unmatched.append(text)
    return chosen


def _select_one(engine: Engine, text: str, inactive: bool, chosen: Selection, seen: set[tuple[int, str]]) -> None:
    cycle, _, rest = text.partition("/")
    cycle, _, cycle_state = cycle.partition(":")
    name, _, state = rest.partition(":")
    inactive = inactive and bool(name) and not _is_glob(name)
    name, state = name or "root", state or cycle_state
    names = task_names(engine, name)
    if _is_glob(cycle) or state:
        point = None if _is_glob(cycle) else _point(engine, cycle)
        for key, proxy in engine.pool.items():
            if key in seen or proxy.definition.name not in names or (state and proxy.status != state):
                continue
            if proxy.point == point if point is not None else fnmatchcase(proxy.cycle, cycle):
                seen.add(key)
                chosen.active.append(proxy)
        return
    point = _point(engine, cycle)
    for task in engine.definition.tasks:
        key = (point, task)
        if task not in names or key in seen:
            continue
        active = engine.pool.get(key)
        if active is not None:
            seen.add(key)
            chosen.active.append(active)
        elif inactive and engine.definition.tasks[task].is_valid_at(point):
            seen.add(key)
            chosen.inactive.append(key)


def names_a_task(engine: Engine, text: str) -> bool:
    """Whether an ID names a task or family that the workflow has, active or not."""
    _, _, rest = text.removeprefix("//").partition("/")
    return bool(task_names(engine, rest.partition(":")[0] or "root"))


def task_names(engine: Engine, pattern: str) -> set[str]:
    """Tasks that a name, a family name or a glob of either means."""
    definition = engine.definition
    if not _is_glob(pattern):
        if pattern in definition.tasks:
            return {pattern}
        return set(definition.families.get(pattern, ()))
    found = {name for name in definition.tasks if fnmatchcase(name, pattern)}
    for family, members in definition.families.items():
        if family != "root" and fnmatchcase(family, pattern):
            found.update(members)
    return found


def _names_something_seen(engine: Engine, text: str, seen: set[tuple[int, str]]) -> bool:
    """Whether an ID matched only what an earlier one had matched already."""
    again = Selection()
    fresh: set[tuple[int, str]] = set()
    _select_one(engine, text.removeprefix("//"), True, again, fresh)
    return bool(fresh & seen)


def _point(engine: Engine, cycle: str) -> int:
    definition = engine.definition
    if cycle == "^":
        return definition.initial_point
    if cycle == "$":
        if definition.final_point is None:
            raise SelectionError("$ means the final cycle point, and this workflow has none")
        return definition.final_point
    return definition.cycling.parse(cycle)


def _is_glob(text: str) -> bool:
    return not GLOB_CHARACTERS.isdisjoint(text)
