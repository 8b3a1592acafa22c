"""`tidemill broadcast`: change settings of tasks in a running workflow."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .broadcast_settings import (
    Setting,
    draw_broadcasts,
    emptied,
    read_cancellation,
    read_setting,
    read_settings_file,
)
from .control import Result, is_called_cylc, tell, to_all, workflow_names
from .exceptions import InputError
from .plain import Parser
from .printer import JsonPrinter, Printer
from .workflows import find_runs

CHANGES = ("set", "set_file", "cancel", "cancel_file", "clear", "expire")
"""What may be asked for: without any of them there is nothing to do, which Cylc's command takes in silence."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "broadcast",
        "Change [runtime] settings in a running workflow: for all tasks or some, at all cycle points or one. Jobs\n"
        "submitted from then on see it, also after a restart. A broadcast to a cycle point ends with that cycle.",
        json=True,
        examples="""
  tidemill broadcast -s '[environment]LEVEL=2' ocean            to every task, at every point
  tidemill broadcast -p 1 -n relax -s 'script=true' ocean       to one task
  tidemill broadcast -n relax -F settings.cylc ocean            from a file; - is standard input
  tidemill broadcast --cancel '[environment]LEVEL' ocean        undo one
  tidemill broadcast --clear -p 1 ocean                         undo all those to a cycle point
  tidemill broadcast --display ocean                            show what is in force
""",
    )
    parser.add_argument("workflows", nargs="+", metavar="WORKFLOW", help="a workflow, or a pattern in quotes: 'ocean*'")
    parser.add_argument(
        "-p",
        "--point",
        action="append",
        default=[],
        metavar="POINT",
        help="at this cycle point; may be repeated. By default at all, '*'; with --clear at any",
    )
    parser.add_argument(
        "-n",
        "--namespace",
        action="append",
        default=[],
        metavar="NAME",
        help="to this task or family; may be repeated. By default to all, root; with --clear to any",
    )
    parser.add_argument(
        "-s", "--set", action="append", default=[], metavar="[SECTION]ITEM=VALUE", help="set this; may be repeated"
    )
    parser.add_argument(
        "-F", "--set-file", "--file", action="append", default=[], metavar="FILE", help="set what is in a file"
    )
    parser.add_argument(
        "-c", "--cancel", action="append", default=[], metavar="[SECTION]ITEM", help="undo this; may be repeated"
    )
    parser.add_argument(
        "-G", "--cancel-file", action="append", default=[], metavar="FILE", help="undo what is in a file"
    )
    parser.add_argument("-C", "--clear", action="store_true", help="undo all, or all to the points and names given")
    parser.add_argument("-e", "--expire", metavar="POINT", help="undo all to cycle points before this one")
    parser.add_argument("-d", "--display", action="store_true", help="show what is in force")
    parser.add_argument("-k", "--display-task", metavar="CYCLE/TASK", help="show what is in force for a task")
    parser.add_argument("-b", "--box", action="store_true", help="draw the tree with box characters")
    parser.add_argument("-r", "--raw", action="store_true", help="the same as --format=raw")
    parser.add_argument(
        "--format", choices=("tree", "json", "raw"), default="tree", help="how to show it (default tree); raw is Python"
    )
    parser.add_reason()
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Set, undo or show broadcasts."""
    printer, values = make_parser().parse(argv)
    workflows = workflow_names(values.workflows)
    if values.display or values.display_task is not None:
        return _display(printer, workflows, values)
    if is_called_cylc() and not any(vars(values)[name] for name in CHANGES):
        return 0
    arguments = _arguments(values)

    def say(result: Result) -> str:
        sign, title = ("+", "Broadcast set:") if arguments["mode"] == "set" else ("-", "Broadcast cancelled:")
        lines = [f"{sign} [{point}/{namespace}] {setting}" for point, namespace, setting in result["settings"]]
        return "\n".join([title, *lines])

    return tell(
        printer,
        to_all(workflows, arguments),
        "broadcast",
        timeout=values.comms_timeout,
        reason=values.reason,
        say=say,
        nothing_is_fine=arguments == {"mode": "clear", "cycle_points": [], "namespaces": []},
    )


def _arguments(values: Namespace) -> dict[str, Any]:
    """What to tell the scheduler.

    Raises:
        InputError: nothing is asked for, or several things.
    """
    settings: list[Setting] = [read_setting(text) for text in values.set]
    for name in values.set_file:
        settings += read_settings_file(name)
    cancelled: list[Setting] = [read_cancellation(text) for text in values.cancel]
    for name in values.cancel_file:
        cancelled += map(emptied, read_settings_file(name))
    asked = [
        option
        for option, given in (
            ("--set", values.set or values.set_file),
            ("--cancel", values.cancel or values.cancel_file),
            ("--clear", values.clear),
            ("--expire", values.expire is not None),
        )
        if given
    ]
    if not asked:
        raise InputError("say what to broadcast: --set, --set-file, --cancel, --cancel-file, --clear or --expire")
    if len(asked) > 1:
        raise InputError(f"{' and '.join(asked)}: one at a time, please")
    if values.expire is not None:
        return {"mode": "expire", "cutoff": values.expire}
    if values.clear:
        return {"mode": "clear", "cycle_points": values.point, "namespaces": values.namespace}
    if not settings and not cancelled:
        raise InputError(f"there is no setting in {', '.join(values.set_file + values.cancel_file)}")
    return {
        "mode": "set" if settings else "clear",
        "cycle_points": values.point or ["*"],
        "namespaces": values.namespace or ["root"],
        "settings": settings or cancelled,
    }


def _display(printer: Printer, workflows: list[str], values: Namespace) -> int:
    from ..network.client import WorkflowRuntimeClient

    shape = "raw" if values.raw else values.format
    arguments = {} if values.display_task is None else {"task": values.display_task}
    runs = find_runs(workflows, running=True)
    found = {}
    for run in runs:
        with WorkflowRuntimeClient(run, timeout=values.comms_timeout) as client:
            found[run] = client("broadcasts", arguments)
    if isinstance(printer, JsonPrinter):
        printer.result(found, "")
        return 0
    for run, broadcasts in found.items():
        if shape == "json":
            import json

            text = json.dumps(broadcasts, indent=2, sort_keys=True)
        else:
            text = repr(broadcasts) if shape == "raw" else draw_broadcasts(broadcasts, box=values.box)
        printer.result(broadcasts, f"{run}:\n{text}" if len(runs) > 1 else text)
    return 0
