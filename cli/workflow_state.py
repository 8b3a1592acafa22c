"""`tidemill workflow-state`: look, and wait, for states and outputs of tasks in the record of a run."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contact.identifiers import Identifier, parse_identifier
from ..contact.paths import resolve_workflow, run_directory
from .exceptions import InputError, StateNotReached
from .plain import Parser

if TYPE_CHECKING:
    from ..flow.record.states import TaskState

FINAL_STATES = ("succeeded", "failed", "submit-failed", "expired")
PASSING_STATES = ("waiting", "preparing", "submitted", "running")
TRIGGER_OF_STATE = {"submitted": "submitted", "running": "started"}


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "workflow-state",
        "Print the states of tasks from the record of a run, which need not be running. If none is as asked, look\n"
        "again, and again, until one is; the exit code is 1 if it never was. In the ID, * stands for any letters.",
        json=True,
        examples="""
  tidemill workflow-state ocean                            every task
  tidemill workflow-state ocean//1/relax:succeeded         wait until a task has succeeded
  tidemill workflow-state 'ocean//*/*:failed' --max-polls=1    look once for failed tasks
  tidemill workflow-state ocean//1/relax:file --triggers   wait until an output is complete
  tidemill workflow-state ocean//20300101T00Z/relax:succeeded --offset=-PT6H
""",
    )
    parser.add_argument("id", metavar="WORKFLOW[//CYCLE[/TASK]][:selector]")
    parser.add_argument(
        "-s", "--offset", metavar="DURATION", help="move the cycle point: PT6H, -P1D; P2 in integer cycling"
    )
    parser.add_argument("--flow", type=int, metavar="NUMBER", help="only tasks in this flow")
    parser.add_argument("--triggers", action="store_true", help="the selector is an output, named as in the graph")
    parser.add_argument("--messages", action="store_true", help="the selector is the message of an output")
    parser.add_argument("--pretty", action="store_true", help="print outputs on lines of their own")
    parser.add_argument("--old-format", action="store_true", help="print 'task, cycle, state'")
    parser.add_argument("--max-polls", type=int, default=12, metavar="N", help="look at most so often (default 12)")
    parser.add_argument(
        "--interval", type=float, default=5.0, metavar="SECONDS", help="time between two looks (default 5)"
    )
    parser.add_argument(
        "-d", "--run-dir", "--alt-cylc-run-dir", metavar="DIR", help="look for the workflow in this directory of runs"
    )
    old = parser.add_argument_group("options of older scripts, better said in the ID")
    old.add_argument("-t", "--task", metavar="NAME")
    old.add_argument("-p", "--point", metavar="CYCLE")
    old.add_argument(
        "-T", "--task-point", action="store_true", help="the cycle point is that of the job, $CYLC_TASK_CYCLE_POINT"
    )
    old.add_argument("-S", "--status", metavar="STATE")
    old.add_argument("-O", "-m", "--output", "--message", metavar="TEXT", dest="message")
    return parser


def main(argv: list[str]) -> int:
    """Print states once one is as asked; 1 if none came to be."""
    from ..flow.record.states import read_point, read_states

    printer, values = make_parser().parse(argv)
    wanted, matcher = _wanted(values)
    cycle, task = wanted.cycle or "*", wanted.task or "*"
    if values.offset is not None and "*" in cycle:
        raise InputError(f"--offset={values.offset} needs one cycle point to start from, not {cycle}")
    polls = max(values.max_polls, 1)
    found: list[TaskState] = []
    for poll in range(polls):
        if poll:
            time.sleep(values.interval)
        directory = _directory(wanted, values.run_dir)
        point = cycle if "*" in cycle else read_point(directory, cycle, offset=values.offset)
        found = [state for state in read_states(directory, point, task, flow=values.flow) if matcher.matches(state)]
        if found:
            break
        printer.debug(f"look {poll + 1} of {polls}: nothing yet")
    else:
        looked = f"{polls} looks, {values.interval:g} s apart" if polls > 1 else "one look"
        raise StateNotReached(f"{matcher.describe(wanted)}: not found in {looked} at {directory}/log/db")
    printer.result([_data(state) for state in found], "\n".join(_text(state, values, matcher) for state in found))
    return 0


class Matcher:
    """What a task must be like."""

    def __init__(self, selector: str | None, *, kind: str) -> None:
        self.selector = selector
        self.kind = kind
        """What the selector is: a ``status``, a ``trigger`` or a ``message``."""

    def matches(self, state: TaskState) -> bool:
        """Whether a task is as asked."""
        if self.selector is None:
            return True
        if self.kind == "status":
            return state.status == self.selector
        if self.selector in ("finished", "finish"):
            return "succeeded" in state.outputs or "failed" in state.outputs
        if self.kind == "trigger":
            return self.selector in state.outputs
        return self.selector in state.outputs.values()

    def describe(self, wanted: Identifier) -> str:
        """What was looked for."""
        name = wanted._replace(cycle_selector=None, task_selector=None, workflow_selector=None)
        return f"{name} with {self.kind} {self.selector}" if self.selector is not None else str(name)


def _wanted(values: Namespace) -> tuple[Identifier, Matcher]:
    """Which tasks, and what they must be like.

    Raises:
        InputError: options exclude each other, or a state is asked for that cannot be waited for.
    """
    if values.triggers and values.messages:
        raise InputError("--triggers and --messages exclude each other: the selector is one or the other")
    wanted = parse_identifier(values.id)
    if wanted.workflow is None:
        raise InputError(f"{values.id} names no workflow")
    kind = "trigger" if values.triggers else "message" if values.messages else "status"
    selector = wanted.task_selector or wanted.cycle_selector or wanted.workflow_selector
    if values.task is not None:
        wanted = wanted._replace(task=values.task, cycle=wanted.cycle or "*")
    if values.task_point:
        point = os.environ.get("CYLC_TASK_CYCLE_POINT")
        if not point:
            raise InputError("--task-point: there is no $CYLC_TASK_CYCLE_POINT; this is not a job")
        wanted = wanted._replace(cycle=point)
    if values.point is not None:
        wanted = wanted._replace(cycle=values.point)
    if values.status is not None:
        selector = values.status
    elif values.message is not None:
        selector, kind = values.message, "message"
    if kind == "status" and selector is not None and selector not in FINAL_STATES:
        raise InputError(_unusable(selector))
    if values.offset is not None and wanted.cycle is None:
        raise InputError(f"--offset={values.offset} needs a cycle point to start from: {wanted}//CYCLE/TASK")
    return wanted, Matcher(selector, kind=kind)


def _unusable(state: str) -> str:
    if state in TRIGGER_OF_STATE:
        trigger = TRIGGER_OF_STATE[state]
        return f"a task may be {state} only for a moment between two looks; ask for :{trigger} with --triggers"
    if state in PASSING_STATES:
        return f"{state} is no state to wait for: it passes; the states that last are {', '.join(FINAL_STATES)}"
    return (
        f"there is no task state {state!r}: it is one of {', '.join(FINAL_STATES)}; "
        "for an output give --triggers, for its message --messages"
    )


def _directory(wanted: Identifier, runs: str | None) -> Path:
    """Where the run is, or will be."""
    workflow = str(wanted._replace(workflow_selector=None).workflow_part)
    if runs is None:
        return run_directory(resolve_workflow(workflow))
    directory = Path(os.path.expanduser(runs)) / (wanted.workflow or "")
    latest = directory / "runN"
    return latest if latest.exists() and not (directory / "log").exists() else directory


def _data(state: TaskState) -> dict[str, Any]:
    return {
        "cycle": state.cycle,
        "task": state.task,
        "flows": list(state.flows),
        "state": state.status,
        "outputs": state.outputs,
    }


def _text(state: TaskState, values: Namespace, matcher: Matcher) -> str:
    """One task as Cylc 8.5 prints it; flows are told where there is another than the first."""
    flows = "" if state.flows == (1,) else f"(flows={','.join(map(str, state.flows)) or 'none'})"
    what = state.status
    if matcher.kind != "status":
        what = str(state.outputs)
        if values.pretty:
            import json

            what = json.dumps(state.outputs, indent=4)
    if values.old_format:
        return ", ".join(part for part in (state.task, state.cycle, what, flows) if part)
    return f"{state.cycle}/{state.task}:{what}{flows}"
