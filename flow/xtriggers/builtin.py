"""The functions that come with Tidemill, named as in Cylc: ``echo``, ``xrandom``, ``workflow_state``, ``suite_state``.

Each returns whether it is satisfied, and results for the environment of the dependent task.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .exceptions import XtriggerError

if TYPE_CHECKING:
    from ...contact.identifiers import Identifier

Answer = tuple[bool, dict[str, Any]]

FINAL_STATES = ("succeeded", "failed", "submit-failed", "expired")
PASSING_STATES = {
    "waiting": "",
    "preparing": "",
    "submitted": "submitted",
    "running": "started",
}
"""States that a task is in for a while only, each with the output that stays."""
_COLORS = ("red", "orange", "yellow", "green", "blue", "indigo", "violet")
_SIZES = ("tiny", "small", "medium", "large", "huge", "humongous")


def echo(*args: Any, succeed: bool, **kwargs: Any) -> Answer:
    """Print the arguments; satisfied if `succeed` is true. The keyword arguments are the results."""
    results = {"succeed": succeed, **kwargs}
    print(f"echo: ARGS: {args}")
    print(f"echo: KWARGS: {results}")
    return succeed, results


def check_echo(arguments: Mapping[str, Any]) -> None:
    """Raises `XtriggerError` unless ``succeed`` is given as True or False."""
    if not isinstance(arguments.get("succeed"), bool):
        raise XtriggerError("echo needs succeed=True or succeed=False")


def xrandom(percent: float, secs: float = 0, _: Any = None) -> Answer:
    """Sleep, then be satisfied with a likelihood; the last argument only makes signatures differ."""
    time.sleep(float(secs))
    if random.random() * 100 >= float(percent):
        return False, {}
    return True, {"COLOR": random.choice(_COLORS), "SIZE": random.choice(_SIZES)}


def check_xrandom(arguments: Mapping[str, Any]) -> None:
    """Raises `XtriggerError` for a likelihood outside 0 to 100, or a negative time."""
    percent, seconds = arguments.get("percent"), arguments.get("secs", 0)
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= 100:
        raise XtriggerError(f"percent of xrandom must be a number between 0 and 100, not {percent!r}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise XtriggerError(f"secs of xrandom must be a number that is not negative, not {seconds!r}")


def workflow_state(
    workflow_task_id: str,
    offset: str | None = None,
    flow_num: int | None = None,
    is_trigger: bool = False,
    is_message: bool = False,
    alt_cylc_run_dir: str | None = None,
) -> Answer:
    """Whether a task of another workflow has a state, or has completed an output.

    Args:
        workflow_task_id: ``workflow//cycle/task:selector``; without a selector ``succeeded``.
        offset: moves the cycle point.
        flow_num: only in this flow.
        is_trigger: the selector is the label of an output.
        is_message: the selector is the message of an output.
        alt_cylc_run_dir: where the other workflow's run directory is, if not where ours are.
    """
    wanted = _full_identifier(workflow_task_id)
    selector = wanted.task_selector or "succeeded"
    kind = "trigger" if is_trigger else "message" if is_message else "status"
    point = _find(wanted, selector, kind, offset, flow_num, alt_cylc_run_dir)
    if point is None:
        return False, {}
    results: dict[str, Any] = {"workflow": str(wanted.workflow_part), "task": wanted.task, "point": point}
    if offset is not None:
        results["offset"] = offset
    if flow_num is not None:
        results["flow_num"] = flow_num
    return True, {**results, kind: selector}


def check_workflow_state(arguments: Mapping[str, Any]) -> None:
    """Raises `XtriggerError` for an ID that does not name one task, or a state that cannot be waited for."""
    text = arguments.get("workflow_task_id")
    wanted = _full_identifier(text)
    flow = arguments.get("flow_num")
    if flow is not None and (isinstance(flow, bool) or not isinstance(flow, int)):
        raise XtriggerError(f"flow_num must be a number, not {flow!r}")
    if not (arguments.get("is_trigger") or arguments.get("is_message") or wanted.task_selector is None):
        _check_state(wanted.task_selector)


def suite_state(
    suite: str,
    task: str,
    point: str,
    offset: str | None = None,
    status: str = "succeeded",
    message: str | None = None,
    cylc_run_dir: str | None = None,
) -> Answer:
    """The old form of `workflow_state`: a state, or the message of an output if one is given."""
    wanted = _full_identifier(f"{suite}//{point}/{task}")
    selector, kind = (status, "status") if message is None else (message, "message")
    found = _find(wanted, selector, kind, offset, None, cylc_run_dir)
    results = {
        "workflow": suite,
        "task": task,
        "point": str(point) if found is None else found,
        "offset": offset,
        "status": status,
        "message": message,
        "cylc_run_dir": cylc_run_dir,
    }
    return found is not None, results


def check_suite_state(arguments: Mapping[str, Any]) -> None:
    """Raises `XtriggerError` for what does not name one task."""
    _full_identifier(f"{arguments.get('suite')}//{arguments.get('point')}/{arguments.get('task')}")


def _full_identifier(text: Any) -> Identifier:
    from ...contact.exceptions import IdentifierError
    from ...contact.identifiers import parse_identifier

    try:
        wanted = parse_identifier(str(text))
    except IdentifierError as error:
        raise XtriggerError(str(error)) from None
    if not isinstance(text, str) or None in (wanted.workflow, wanted.cycle, wanted.task):
        raise XtriggerError(f"{text!r} names no task of a workflow: write workflow//cycle/task or ...:selector")
    return wanted


def _check_state(state: str) -> None:
    if state in FINAL_STATES:
        return
    if state in PASSING_STATES:
        stays = PASSING_STATES[state]
        hint = f"; ask for :{stays} with is_trigger=True" if stays else ""
        raise XtriggerError(f"a task may be {state} only for a moment between two looks{hint}")
    raise XtriggerError(
        f"there is no task state {state!r}: it is one of {', '.join(FINAL_STATES)}; for an output give is_trigger=True,"
        " for its message is_message=True"
    )


def _find(
    wanted: Identifier, selector: str, kind: str, offset: str | None, flow: int | None, runs: str | None
) -> str | None:
    """The cycle point of the task, as its workflow writes it, if it is as asked; None if not, or not yet."""
    from ..record.states import read_point, read_states

    directory = _directory(wanted, runs)
    point = read_point(directory, str(wanted.cycle), offset=offset)
    for state in read_states(directory, point, str(wanted.task), flow=flow):
        if kind == "status":
            is_met = state.status == selector
        elif selector in ("finished", "finish"):
            is_met = "succeeded" in state.outputs or "failed" in state.outputs
        else:
            is_met = selector in (state.outputs if kind == "trigger" else state.outputs.values())
        if is_met:
            print(f"{state.cycle}/{state.task}:{state.status}")
            return state.cycle
    return None


def _directory(wanted: Identifier, runs: str | None) -> Path:
    """Where the other run is, or will be."""
    workflow = str(wanted.workflow_part)
    if runs is None:
        from ...contact.paths import resolve_workflow, run_directory

        return run_directory(resolve_workflow(workflow))
    directory = Path(os.path.expandvars(os.path.expanduser(runs))) / workflow
    latest = directory / "runN"
    return latest if latest.exists() and not (directory / "log").exists() else directory


FUNCTIONS: dict[str, tuple[Callable[..., Answer], Callable[[Mapping[str, Any]], None]]] = {
    "echo": (echo, check_echo),
    "xrandom": (xrandom, check_xrandom),
    "workflow_state": (workflow_state, check_workflow_state),
    "suite_state": (suite_state, check_suite_state),
}
"""By name: the function, and the check of its arguments."""
