"""What differs between two definitions of a workflow: tasks, arrows of the graph, settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from .definition import TaskDefinition, WorkflowDefinition

_SECTIONS_READ_APART = frozenset({"runtime", "graph", "task parameters"})


class SettingChange(Struct, frozen=True):
    """One setting that is not the same; None where it is not set."""

    name: str
    """``[environment]X``, or ``[scheduling]runahead limit``."""
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.name}: set to {self.after}"
        if self.after is None:
            return f"{self.name}: was {self.before}, is not set now"
        return f"{self.name}: {self.before} -> {self.after}"


class ArrowChange(Struct, frozen=True):
    """One arrow of the graph that is only in one of the two."""

    recurrence: str
    left: str
    right: str
    """Its children, or the family they make up."""

    def __str__(self) -> str:
        return f"{self.recurrence}: {self.left} => {self.right}"


class Differences(Struct, eq=False):
    """What differs."""

    tasks_added: list[str] = []
    tasks_removed: list[str] = []
    tasks_changed: dict[str, list[SettingChange]] = {}
    arrows_added: list[ArrowChange] = []
    arrows_removed: list[ArrowChange] = []
    settings: list[SettingChange] = []
    """Of the workflow as a whole."""

    def __bool__(self) -> bool:
        return bool(
            self.tasks_added
            or self.tasks_removed
            or self.tasks_changed
            or self.arrows_added
            or self.arrows_removed
            or self.settings
        )

    def to_dict(self) -> dict[str, Any]:
        """As programs get it."""

        def settings(changes: Iterable[SettingChange]) -> list[dict[str, str | None]]:
            return [{"setting": one.name, "before": one.before, "after": one.after} for one in changes]

        def arrows(changes: Iterable[ArrowChange]) -> list[dict[str, str]]:
            return [{"recurrence": one.recurrence, "left": one.left, "right": one.right} for one in changes]

        return {
            "tasks_added": self.tasks_added,
            "tasks_removed": self.tasks_removed,
            "tasks_changed": {name: settings(changes) for name, changes in self.tasks_changed.items()},
            "arrows_added": arrows(self.arrows_added),
            "arrows_removed": arrows(self.arrows_removed),
            "settings": settings(self.settings),
        }


def compare(old: WorkflowDefinition, new: WorkflowDefinition) -> Differences:
    """What differs between two definitions. Order, comments and how a thing is written do not count."""
    added, removed = _arrows(new, old), _arrows(old, new)
    differences = Differences(
        tasks_added=[name for name in new.tasks if name not in old.tasks],
        tasks_removed=[name for name in old.tasks if name not in new.tasks],
        arrows_added=added,
        arrows_removed=removed,
        settings=_points(old, new) + list(_changes(dict(_flat(old.config)), dict(_flat(new.config)))),
    )
    for name, task in new.tasks.items():
        before = old.tasks.get(name)
        if before is not None and (changes := _task_changes(before, task)):
            differences.tasks_changed[name] = changes
    return differences


def _task_changes(old: TaskDefinition, new: TaskDefinition) -> list[SettingChange]:
    changes: list[SettingChange] = []
    if old.runtime is not new.runtime and old.runtime != new.runtime:
        changes += _changes(dict(_flat(old.runtime)), dict(_flat(new.runtime)))
    facts = (
        ("inherit", old.namespaces[1:], new.namespaces[1:]),
        ("runs at", _recurrences(old), _recurrences(new)),
        ("completion", old.completion, new.completion),
        ("waits for xtriggers", _labels(old), _labels(new)),
        ("sequential", old.sequential, new.sequential),
        ("clock-expire", old.clock_expire_offset, new.clock_expire_offset),
        ("external-trigger", old.external_trigger, new.external_trigger),
    )
    known = {change.name for change in changes}
    changes += [
        SettingChange(name, _text(before), _text(after))
        for name, before, after in facts
        if before != after and name not in known
    ]
    return changes


def _recurrences(task: TaskDefinition) -> tuple[str, ...]:
    return tuple(sorted({_recurrence(sequence) for sequence in task.sequences}))


def _labels(task: TaskDefinition) -> tuple[str, ...]:
    return tuple(sorted({f"@{label}" for _, label in task.xtriggers}))


def _recurrence(sequence: Any) -> str:
    return str(getattr(sequence, "text", sequence))


def _arrows(definition: WorkflowDefinition, other: WorkflowDefinition) -> list[ArrowChange]:
    """The arrows of a definition that the other has not."""
    here, there = _children(definition), _children(other)
    found = []
    for key, children in here.items():
        missing = [child for child in children if child not in there.get(key, {})]
        if missing:
            recurrence, left, suicide = key
            found.append(ArrowChange(recurrence, left, _right(definition, missing, suicide=suicide)))
    return found


def _children(definition: WorkflowDefinition) -> dict[tuple[str, str, bool], dict[str, None]]:
    arrows: dict[tuple[str, str, bool], dict[str, None]] = {}
    for dependency in definition.dependencies:
        key = (_recurrence(dependency.sequence), dependency.text, dependency.suicide)
        arrows.setdefault(key, {}).update(dict.fromkeys(dependency.children))
    return arrows


def _right(definition: WorkflowDefinition, children: list[str], *, suicide: bool) -> str:
    sign = "!" if suicide else ""
    if len(children) > 1:
        members = set(children)
        for family, tasks in definition.families.items():
            if len(tasks) == len(members) and members == set(tasks):
                return f"{sign}{family}"
    return " & ".join(f"{sign}{child}" for child in children)


def _points(old: WorkflowDefinition, new: WorkflowDefinition) -> list[SettingChange]:
    changes = []
    for name, attribute in (
        ("initial cycle point", "initial_point"),
        ("final cycle point", "final_point"),
        ("stop after cycle point", "stop_point"),
        ("hold after cycle point", "hold_after_point"),
    ):
        before, after = _point(old, attribute), _point(new, attribute)
        if before != after:
            changes.append(SettingChange(name, before, after))
    return changes


def _point(definition: WorkflowDefinition, attribute: str) -> str | None:
    point = getattr(definition, attribute)
    return None if point is None else definition.cycling.format(point)


def _flat(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            if path or key not in _SECTIONS_READ_APART:
                yield from _flat(value, f"{path}[{key}]")
        elif not (path == "[scheduling]" and key.endswith("cycle point")):
            yield f"{path}{key}", value


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[SettingChange]:
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield SettingChange(name, _text(before), _text(after))


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    return str(value)
