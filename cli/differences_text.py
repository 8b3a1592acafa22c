"""What differs between two definitions, for people. `Differences.to_dict` says what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NAMES_SHOWN = 12


def differences_lines(differences: Mapping[str, Any]) -> list[str]:
    """A line for each task added or removed, a pair for each arrow and setting that changed."""
    import json

    lines = []
    for key, words in (("tasks_added", "tasks added"), ("tasks_removed", "tasks removed")):
        if differences.get(key):
            lines.append(f"  {words}: {few(differences[key])}")
    for key, sign in (("arrows_removed", "-"), ("arrows_added", "+")):
        arrows = differences.get(key) or ()
        lines += [f"  {sign} [graph] {one['recurrence']}: {one['left']} => {one['right']}" for one in arrows]
    for one in differences.get("settings") or ():
        lines += _setting_lines("", one)
    alike: dict[str, list[str]] = {}
    changes: dict[str, list[Mapping[str, Any]]] = {}
    for task, changed in (differences.get("tasks_changed") or {}).items():
        key = json.dumps(changed)
        alike.setdefault(key, []).append(task)
        changes[key] = changed
    for key, tasks in alike.items():
        for one in changes[key]:
            lines += _setting_lines(f"[{few(tasks)}]", one)
    return lines


def few(names: Iterable[str]) -> str:
    """Some names, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _setting_lines(where: str, change: Mapping[str, Any]) -> list[str]:
    lines = []
    for sign, value in (("-", change["before"]), ("+", change["after"])):
        if value is not None:
            first, *rest = str(value).strip().splitlines() or [""]
            lines.append(f"  {sign} {where}{change['setting']} = {first}")
            lines += [f"  {sign}     {line}" for line in rest]
    return lines
