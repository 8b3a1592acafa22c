"""What the commands that act on tasks have in common: their arguments, and the flows they may name."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from .control import changed, is_called_cylc, tasks_by_run, tell, wait_seconds
from .exceptions import InputError
from .plain import Parser
from .plans import add_plan_options, apply_plans, show_plans
from .printer import Printer


def task_parser(
    name: str, description: str, examples: str, *, with_flows: bool = False, with_plans: bool = False
) -> Parser:
    """A parser for ``ID...``, ``--reason``, ``--comms-timeout`` and ``--until-done``, to which a command adds its own.

    Args:
        with_flows: `add_flow_options` will be called: ``--wait`` then means what it does in Cylc, waiting for a flow.
        with_plans: the command can be planned: ``--plan`` and ``--apply``.
    """
    parser = Parser(name, description, json=True, examples=examples)
    parser.add_argument(
        "ids",
        nargs="*" if with_plans else "+",
        metavar="ID",
        help="WORKFLOW//CYCLE/TASK, or WORKFLOW //CYCLE/TASK ...; see 'tidemill help id'",
    )
    parser.add_reason()
    parser.add_timeout()
    parser.add_wait(name_is_taken=with_flows)
    if with_plans:
        add_plan_options(parser)
    return parser


def add_flow_options(parser: Parser) -> None:
    """``--flow``, ``--meta`` and ``--wait``."""
    parser.add_argument(
        "--flow",
        action="append",
        default=[],
        metavar="NUMBER|new|none",
        help="the flow the tasks belong to; may be repeated. By default active tasks keep theirs, and others "
        "join all active flows",
    )
    parser.add_argument("--meta", default="", metavar="TEXT", help="describe the new flow, with --flow=new")
    parser.add_argument("--wait", action="store_true", help="flow on only once an active flow has caught up")


def flow_arguments(values: Namespace) -> dict[str, Any]:
    """The arguments that `add_flow_options` stand for.

    Raises:
        InputError: they exclude each other.
    """
    flows: list[str] = values.flow
    words = [flow for flow in flows if not flow.isdecimal()]
    for word in words:
        if word not in ("new", "none", "all"):
            raise InputError(f"--flow={word}: expected a number, new or none")
        if len(flows) > 1:
            raise InputError(f"--flow={word} must stand alone")
    if values.wait and words and words != ["all"]:
        raise InputError(f"--wait makes no sense with --flow={words[0]}: such a task never meets an active flow")
    if values.meta and words != ["new"] and not is_called_cylc():
        raise InputError("--meta describes a new flow: give --flow=new, too")
    return {
        "flow": [] if words == ["all"] else flows,
        "flow_wait": values.wait,
        "flow_descr": values.meta if words == ["new"] else "",
    }


def act(printer: Printer, values: Namespace, name: str, *, verb: str, **arguments: Any) -> int:
    """Send a command on tasks to their workflows, one request each; returns the exit code.

    Args:
        values: of `task_parser`.
        name: of the command.
        verb: what it did, for a person: ``held``.
        arguments: of the command, besides the tasks.
    """
    plans = getattr(values, "apply", None)
    if plans is not None:
        requests = apply_plans(values, name)
    else:
        if not values.ids:
            raise InputError("no task is named: write WORKFLOW//CYCLE/TASK")
        requests = {run: {"tasks": tasks, **arguments} for run, tasks in tasks_by_run(values.ids).items()}
    if getattr(values, "plan", False):
        return show_plans(printer, requests, name, timeout=values.comms_timeout)
    return tell(
        printer,
        requests,
        name,
        timeout=values.comms_timeout,
        reason=values.reason,
        wait_seconds=wait_seconds(values),
        say=lambda result: changed(verb, result),
    )


def split_commas(texts: Iterable[str]) -> list[str]:
    """The values of an option that may be repeated and may hold lists: ``-o a -o b,c``."""
    return [item.strip() for text in texts for item in text.split(",") if item.strip()]
