"""Metadata, prerequisites and outputs of tasks as lines for people; laid out as Cylc's, which scripts read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .printer import Printer

TICK, CROSS = "✓", "⨯"
BAR = "┆"
Told = Mapping[str, Any]


def meta_lines(meta: Told, printer: Printer) -> list[str]:
    """A title, what the user added, a description and an address."""
    own = meta.get("userDefined") or {}
    told = {"title": meta.get("title"), **own, "description": meta.get("description"), "URL": meta.get("URL")}
    return [f"{printer.style(f'{key}:', 'bold')} {value or '(not given)'}" for key, value in told.items()]


def instance_lines(instance: Told, printer: Printer) -> list[str]:
    """Everything about one task instance."""

    def heading(name: str, text: str = "") -> str:
        return f"{printer.style(f'{name}:', 'bold')} {text}".rstrip()

    def marked(is_met: bool, text: str) -> str:
        mark = printer.style(TICK, "green") if is_met else printer.style(CROSS, "red")
        return f"  {mark} {text}"

    lines = meta_lines(instance["task"]["meta"], printer)
    flags = "".join(f" ({word})" for word in ("held", "queued", "runahead") if instance[f"is{word.capitalize()}"])
    lines.append(heading("state", f"{instance['state']}{flags}"))
    if instance["flowNums"] != "[1]":
        lines.append(heading("flows", instance["flowNums"]))
    prerequisites = instance["prerequisites"] or ()
    if prerequisites:
        lines.append(heading("prerequisites", f"('{CROSS}': not satisfied)"))
        lines += [marked(is_met, text) for one in prerequisites for is_met, text in _conditions(one)]
    else:
        lines.append(heading("prerequisites", "(None)"))
    identity = f"{instance['cyclePoint']}/{instance['name']}"
    lines.append(heading("outputs", f"('{CROSS}': not completed)"))
    lines += [marked(output["satisfied"], f"{identity} {output['label']}") for output in instance["outputs"]]
    if others := list(_triggers(instance)):
        lines.append(heading("other", f"('{CROSS}': not satisfied)"))
        lines += [marked(is_met, text) for is_met, text in others]
    completed = [output["label"] for output in instance["outputs"] if output["satisfied"]]
    return lines + completion_lines(instance["runtime"]["completion"], completed, printer)


def prerequisite_lines(instance: Told) -> list[str]:
    """What an instance waits for, an output each."""
    conditions = [one for prerequisite in instance["prerequisites"] or () for one in prerequisite["conditions"]]
    return [f"{one['taskId']} {one['reqState']}" for one in conditions]


def completion_lines(expression: str | None, completed: Sequence[str], printer: Printer) -> list[str]:
    """Which outputs are needed, as an expression of one output a line, each marked."""
    if not expression:
        return []
    from ..flow.language.completion import compile_completion, variable_name

    is_complete = compile_completion(expression)(completed)
    names = {variable_name(label) for label in completed}
    word = printer.style("complete", "green") if is_complete else printer.style("incomplete", "red")
    lines = [f"{printer.style('output completion:', 'bold')} {word}"]
    depth, pending = 0, ""
    for token in re.findall(r"\(|\)|\w+", expression):
        if token in ("and", "or"):
            pending = f"{token} "
            continue
        mark = " "
        depth -= token == ")"
        if token not in "()":
            mark = printer.style(TICK, "green") if token in names else printer.style(CROSS, "red")
        lines.append(f"  {mark} {BAR}  {'  ' * depth}{pending}{token}")
        depth += token == "("
        pending = ""
    return lines


def _conditions(prerequisite: Told) -> Iterator[tuple[bool, str]]:
    """The lines of one prerequisite: its one output; of several first how they belong together."""
    conditions = prerequisite["conditions"]
    if len(conditions) == 1:
        one = conditions[0]
        yield one["satisfied"], f"{one['taskId']} {one['reqState']}"
        return
    yield prerequisite["satisfied"], prerequisite["expression"]
    for one in conditions:
        yield one["satisfied"], f"\t{one['exprAlias']} = {one['taskId']} {one['reqState']}"


def _triggers(instance: Told) -> Iterator[tuple[bool, str]]:
    for one in instance["externalTriggers"] or ():
        yield one["satisfied"], f'external trigger "{one["label"] or one["id"]}"'
    for one in instance["xtriggers"] or ():
        yield one["satisfied"], f'xtrigger "{one["label"]} = {_CLOCK.sub(_iso, one["id"])}"'


def _iso(found: re.Match[str]) -> str:
    """The time a clock trigger waits for, for people."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(float(found[2])))
    return f"{found[1]}{seconds}"


_CLOCK = re.compile(r"^(wall_clock\(trigger_time=)([\d.]+)")
