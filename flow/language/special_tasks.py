"""Lists that name tasks and families: ``[scheduling][special tasks]`` and the members of queues."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from .config import WorkflowConfig
from .definition import QueueDefinition
from .exceptions import ConfigError
from .source import Location

_ENTRY = re.compile(r"(?P<name>[^()]+?)\s*(?:\(\s*(?P<argument>.*?)\s*\))?\s*\Z", re.DOTALL)
_QUOTES = "\"'"


class SpecialTasks(Struct, eq=False):
    """Special treatment by task name."""

    sequential: set[str] = field(default_factory=set)
    clock_trigger: dict[str, str] = {}
    """Offset from the cycle point as text."""
    clock_expire: dict[str, str] = {}
    external_trigger: dict[str, str] = {}
    """The message it waits for."""


class Members:
    """Expands the names in a list: a family stands for its members."""

    def __init__(self, config: WorkflowConfig, families: Mapping[str, Sequence[str]], tasks: Mapping[str, Any]) -> None:
        self._families = families
        self._tasks = tasks
        self._namespaces = config.ancestors

    def expand(self, name: str, item: str, location: Location | None, warnings: list[str]) -> list[str]:
        """The tasks of the graph that a name stands for; an unknown name adds a warning."""
        if name == "root":
            return list(self._tasks)
        if name in self._families:
            return [member for member in self._families[name] if member in self._tasks]
        if name in self._tasks:
            return [name]
        if name not in self._namespaces:
            at = f"{location}: " if location else ""
            warnings.append(f"{at}{item}: ignored {name}, which is neither a task nor a family")
        return []


def read_special_tasks(
    config: WorkflowConfig, members: Members, *, is_integer: bool, warnings: list[str]
) -> SpecialTasks:
    """Read ``[scheduling][special tasks]``.

    Args:
        config: The configuration.
        members: Expands family names.
        is_integer: Integer cycling, where no clock can be compared with a point.
        warnings: Unknown names are added here.

    Raises:
        ConfigError: An entry is malformed, or a clock is used in integer cycling.
    """
    special = SpecialTasks()
    section = config.items["scheduling"].get("special tasks") or {}
    for kind, entries in section.items():
        location = config.where("scheduling", "special tasks", kind)
        item = f"[scheduling][special tasks]{kind}"
        if entries and is_integer and kind.startswith("clock-"):
            raise ConfigError(f"{item} needs date-time cycling", location=location, hint="Integer points have no time.")
        for entry in entries or ():
            match = _ENTRY.match(entry.strip())
            if match is None:
                raise ConfigError(f"{item}: malformed entry {entry!r}", location=location, hint=_form(kind))
            argument = match["argument"]
            if (kind == "sequential" and argument is not None) or (kind == "external-trigger" and not argument):
                raise ConfigError(f"{item}: malformed entry {entry!r}", location=location, hint=_form(kind))
            for task in members.expand(match["name"], item, location, warnings):
                if kind == "sequential":
                    special.sequential.add(task)
                elif kind == "clock-trigger":
                    special.clock_trigger[task] = argument or "PT0M"
                elif kind == "clock-expire":
                    special.clock_expire[task] = argument or "PT0M"
                elif kind == "external-trigger":
                    special.external_trigger[task] = argument.strip(_QUOTES)
    _check_messages(special, config)
    return special


def _check_messages(special: SpecialTasks, config: WorkflowConfig) -> None:
    """Each external trigger message is used by one task only."""
    owners: dict[str, str] = {}
    for task, message in special.external_trigger.items():
        if message in owners:
            raise ConfigError(
                f"external trigger {message!r} is used by both {owners[message]} and {task}",
                location=config.where("scheduling", "special tasks", "external-trigger"),
                hint="Give each task a message of its own, or let one trigger the other in the graph.",
            )
        owners[message] = task


def _form(kind: str) -> str:
    return {
        "sequential": "Write task names only.",
        "external-trigger": 'Write task("message").',
    }.get(kind, "Write task(OFFSET), for example task(PT1H).")


def read_queues(
    config: WorkflowConfig, members: Members, tasks: Mapping[str, Any], *, warnings: list[str]
) -> tuple[QueueDefinition, ...]:
    """The internal queues, ``default`` first; the last queue that names a task gets it (Cylc 8 behaviour).

    Args:
        config: The configuration.
        members: Expands family names.
        tasks: Every task of the graph.
        warnings: Unknown members are added here.
    """
    section: Mapping[str, Any] = config.items["scheduling"].get("queues") or {}
    queue_of = dict.fromkeys(tasks, "default")
    limits = {"default": 100}
    for name, settings in section.items():
        limit = settings.get("limit")
        limits[name] = limit if limit is not None else limits.get(name, 0)
        if name == "default":
            continue
        location = config.where("scheduling", "queues", name, "members")
        for member in settings.get("members") or ():
            for task in members.expand(member, f"[scheduling][queues][{name}]members", location, warnings):
                queue_of[task] = name
    assigned: dict[str, list[str]] = {name: [] for name in limits}
    for task, name in queue_of.items():
        assigned[name].append(task)
    return tuple(QueueDefinition(name, limits[name], frozenset(names)) for name, names in assigned.items())
