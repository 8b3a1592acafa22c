"""``--plan`` and ``--apply``: what a command would do, and doing just that."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contact.identifiers import parse_identifiers
from ..exceptions import TidemillError
from .control import workflow_part
from .differences_text import NAMES_SHOWN, differences_lines, few
from .exceptions import InputError
from .plain import Parser
from .printer import Printer
from .workflows import find_runs

CHANGES = 2
"""Exit code of ``reload --plan`` where something would change."""
PLAN_SECONDS = 90.0
"""How long to wait for a plan: looking ahead takes its time in a large run."""

COMMAND_LINE = {
    "force_trigger_tasks": "trigger",
    "set": "set",
    "remove_tasks": "remove",
    "stop": "stop",
    "reload_workflow": "reload",
}


def add_plan_options(parser: Parser) -> None:
    """``--plan`` and ``--apply``."""
    parser.add_argument("--plan", action="store_true", help="tell what the command would do, and do nothing")
    parser.add_argument(
        "--apply",
        metavar="PLAN",
        help="do what a plan says, unless what it concerns has moved: a file written with --plan --json, or the id "
        "that --plan told, with the workflow",
    )


def show_plans(
    printer: Printer,
    requests: Mapping[str, Mapping[str, Any]],
    name: str,
    *,
    timeout: float | None,
    tell_changes: bool = False,
) -> int:
    """Print what a command would do to each workflow; returns the exit code.

    Args:
        printer: programs get the plans, as `apply_plans` reads them.
        requests: the command's arguments, by running workflow.
        name: of the command.
        timeout: seconds to wait for each plan; None for long enough.
        tell_changes: exit with `CHANGES` if something would change.
    """
    from ..network.client import WorkflowRuntimeClient

    plans: list[dict[str, Any]] = []
    failed = False
    for run, arguments in requests.items():
        if "expecting" in arguments:
            raise InputError("give --plan or --apply, not both")
        try:
            with WorkflowRuntimeClient(run, timeout=timeout or PLAN_SECONDS) as client:
                plans.append(client("plan", {"name": name, "arguments": arguments}))
        except TidemillError as error:
            if len(requests) == 1:
                raise
            failed = True
            print(f"{run}: {type(error).__name__}: {error}", file=sys.stderr)
    printer.result(plans, lambda: "\n\n".join(plan_text(plan, printer) for plan in plans))
    if failed:
        return 1
    return CHANGES if tell_changes and any(would_change(plan) for plan in plans) else 0


def apply_plans(values: Namespace, name: str) -> dict[str, Mapping[str, Any]]:
    """The requests that a plan stands for, by workflow, each with what it rests on.

    Raises:
        InputError: there is no such plan, or it is one of another command.
    """
    if values.plan:
        raise InputError("give --plan or --apply, not both")
    requests: dict[str, Mapping[str, Any]] = {}
    for plan in _plans(values.apply, values.ids):
        command = plan["command"]
        if command != name:
            raise InputError(
                f"{values.apply} is a plan of '{COMMAND_LINE.get(command, command)}': "
                f"apply it with tidemill {COMMAND_LINE.get(command, command)} --apply"
            )
        requests[plan["workflow"]] = {**plan["arguments"], "expecting": plan["expecting"]}
    return requests


def _plans(text: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    import json

    path = Path(text)
    if text != "-" and not path.is_file():
        return [_plan_of_scheduler(text, run) for run in _runs(text, ids)]
    if ids:
        raise InputError(f"{text} names its workflows itself: leave out {' '.join(ids)}")
    try:
        read = json.loads(sys.stdin.read() if text == "-" else path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{text} is not a plan: {error}") from error
    plans = read if isinstance(read, list) else [read]
    for plan in plans:
        if not isinstance(plan, dict) or not {"workflow", "command", "arguments", "expecting"} <= plan.keys():
            raise InputError(f"{text} is not a plan: write one with --plan --json")
    return plans


def _runs(text: str, ids: Sequence[str]) -> list[str]:
    if not ids:
        raise InputError(f"there is no file {text}; if it is the id of a plan, name the workflow, too")
    names = dict.fromkeys(workflow_part(identifier) for identifier in parse_identifiers(ids))
    return find_runs(list(names), running=True)


def _plan_of_scheduler(id: str, run: str) -> dict[str, Any]:
    from ..network.client import WorkflowRuntimeClient

    with WorkflowRuntimeClient(run) as client:
        plan: dict[str, Any] = client("plan", {"id": id})
        return plan


def would_change(plan: Mapping[str, Any]) -> bool:
    """Whether carrying out the plan of a reload would change anything."""
    outcome = plan["outcome"]
    lists = ("runs", "killed", "orphaned", "entered", "removed")
    return any(outcome.get("differences", {}).values()) or any(outcome[name] for name in lists)


def plan_text(plan: Mapping[str, Any], printer: Printer) -> str:
    """A plan for people."""
    outcome, command = plan["outcome"], COMMAND_LINE.get(plan["command"], plan["command"])
    lines = [printer.style(f"plan {plan['id']}: {command} {plan['workflow']}", "bold")]
    if differences := outcome.get("differences"):
        lines += differences_lines(differences)
    for key, words in (
        ("runs", "would run now"),
        ("killed", "would be killed"),
        ("orphaned", "would be orphaned: their jobs go on, nothing follows"),
        ("left", "would go on without a scheduler"),
        ("awaited", "would be waited for"),
        ("removed", "would be removed"),
        ("finished", "would be finished with"),
    ):
        if outcome[key]:
            lines += _listed(words, outcome[key])
    if outcome["entered"]:
        lines += _listed("would come into the pool", [f"{one['task']}: {one['state']}" for one in outcome["entered"]])
    if outcome["changed"]:
        lines += _listed(
            "would change", [f"{one['task']}: {one['before']} -> {one['after']}" for one in outcome["changed"]]
        )
    lines += _reachable_lines(outcome.get("reachable"))
    lines += _end_lines(outcome)
    lines += [f"  remark: {text.splitlines()[0]}" for text in outcome["says"][:NAMES_SHOWN]]
    if len(lines) == 1:
        lines.append("  nothing would change")
    lines.append(f"Nothing was done. To do it: tidemill {command} --apply {plan['id']} {plan['workflow']}")
    return "\n".join(lines)


def _end_lines(outcome: Mapping[str, Any]) -> list[str]:
    if outcome["ends"]:
        return [f"  the run would end: {outcome['ends']}"]
    result = outcome["result"]
    for key, words in (
        ("stop_point", "after cycle point"),
        ("stop_task", "when this task has finished:"),
        ("stop_time", "at"),
    ):
        if (value := result.get(key)) is not None:
            if key == "stop_time":
                import time

                value = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))
            return [f"  the run would end {words} {value}"]
    return []


def _reachable_lines(found: Mapping[str, Any] | None) -> list[str]:
    if not found:
        return []
    lines = []
    if found["new"]:
        lines += _listed(f"would come to run then, up to {found['up_to']}", found["new"])
    if found["lost"]:
        lines += _listed(f"would not come to run any more, up to {found['up_to']}", found["lost"])
    if not found["is_complete"]:
        lines.append("  the look ahead was cut short: there may be more")
    return lines


def _listed(words: str, names: Sequence[str]) -> list[str]:
    shown = list(names[:NAMES_SHOWN])
    more = len(names) - len(shown)
    if all(":" not in name for name in shown):
        return [f"  {words}: {few(names)}"]
    return [f"  {words}:", *(f"    {name}" for name in shown), *([f"    and {more} more"] if more else [])]
