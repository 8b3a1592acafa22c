"""Telling running workflows something: one request to each, and one line of what came of it.

Jobs tell their own workflow things, too: nothing here imports more than the client needs.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..contact.identifiers import Identifier, parse_identifiers
from ..exceptions import TidemillError
from .exceptions import EffectMissed, InputError
from .printer import Printer
from .workflows import find_runs

if TYPE_CHECKING:
    from ..network.client import WorkflowRuntimeClient

UNQUEUED = ("broadcast", "ext_trigger")
"""Commands that say at once what came of them, in Cylc too."""
Result = Mapping[str, Any]
"""What a command changed: ``tasks``; what it left alone: ``unmatched``, ``skipped``, ``idle``; and more of its own."""


def is_called_cylc() -> bool:
    """Whether a job's script gave the command as Cylc's, whose commands only ever queue what is to be done: they
    succeed, with the same words, also where nothing turns out to be there for them."""
    return os.environ.get("TIDEMILL_CALLED_AS") == "cylc"


def tell(
    printer: Printer,
    requests: Mapping[str, Mapping[str, Any]],
    name: str,
    *,
    timeout: float | None,
    reason: str,
    say: Callable[[Result], str],
    already_stopped_is_fine: bool = False,
    nothing_is_fine: bool = False,
    afterwards: Callable[[str], None] | None = None,
    wait_seconds: float | None = None,
) -> int:
    """Send a command to each workflow; returns 1 if one refused, could not be reached, or was waited for in vain.

    Args:
        printer: told what was done; programs get the receipts.
        requests: the command's arguments, by running workflow.
        name: of the command.
        timeout: seconds to wait for each answer.
        reason: why, for the record of the run.
        say: what to tell of a result.
        already_stopped_is_fine: a workflow that does not run counts as success.
        nothing_is_fine: a command of Cylc that says at once what came of it counts as success though it did nothing.
        afterwards: called for each success.
        wait_seconds: how long to wait for the effect of the command; None for not at all.
    """
    from ..network.client import WorkflowRuntimeClient, new_id
    from ..network.exceptions import ClientTimeout, WorkflowStopped

    many = len(requests) > 1
    is_queued = name not in UNQUEUED
    receipts: list[dict[str, Any]] = []
    lines: list[str] = []
    failed = False
    for run, arguments in requests.items():
        identity = new_id()
        try:
            with WorkflowRuntimeClient(run, timeout=timeout) as client:
                request = {"name": name, "arguments": arguments, "reason": reason}
                try:
                    receipt = client("command", request, req_meta={"id": identity})
                except ClientTimeout as error:
                    raise ClientTimeout(
                        f"{error}\n'tidemill receipts {run}' tells whether the command {identity} was carried out"
                    ) from None
                missed = None if wait_seconds is None else _effect_missed(client, receipt, wait_seconds)
            result = receipt.get("result") or {}
            where = f"{run}: " if many else ""
            for text in (*result.get("unmatched", ()), *result.get("skipped", ())):
                printer.warn(where + _not_done(text))
            for text in result.get("idle", ()):
                printer.info(f"{where}{text} has no job just now")
            if afterwards is not None:
                afterwards(run)
            receipts.append({"workflow": run, "ok": missed is None, **receipt})
            lines.append("Command queued" if is_called_cylc() and is_queued else where + say(result))
            if missed is not None:
                failed = True
                receipts[-1]["error"] = str(missed)
                print(f"{run}: {type(missed).__name__}: {missed}", file=sys.stderr)
        except TidemillError as error:
            if is_called_cylc() and getattr(error, "found_nothing", False) and (is_queued or nothing_is_fine):
                printer.warn(str(error))
                lines += ["Command queued"] if is_queued else []
                continue
            fine = already_stopped_is_fine and isinstance(error, WorkflowStopped)
            if not many and not fine:
                raise
            failed = failed or not fine
            receipts.append({"workflow": run, "id": identity, "ok": fine, "error": str(error)})
            print(f"{run}: {type(error).__name__}: {error}", file=sys.stderr)
    printer.done(receipts, "\n".join(lines))
    return 1 if failed else 0


def wait_seconds(values: Namespace) -> float | None:
    """How long to wait for the effect of a command, as `Parser.add_wait` was answered; None for not at all."""
    seconds: float = values.wait_timeout
    return seconds if values.until_done else None


def _effect_missed(client: WorkflowRuntimeClient, receipt: Result, seconds: float) -> EffectMissed | None:
    """Wait for the effect of a command in its scheduler; the error to report if it does not come."""
    from ..network.exceptions import ClientError, ClientTimeout, WorkflowStopped

    is_stop = receipt["name"] == "stop"
    deadline = time.monotonic() + seconds
    patience = seconds + client.timeout
    try:
        answer = client("wait_for", {"id": receipt["id"], "timeout": seconds}, timeout=patience)
    except WorkflowStopped:
        if is_stop:
            return None
        return EffectMissed("the scheduler stopped before the command had its effect")
    except ClientTimeout:
        raise
    except ClientError:
        # It may be too far on its way out to answer.
        if not is_stop:
            raise
        answer = {"done": True}
    if problems := answer.get("problems"):
        return EffectMissed(f"{', '.join(problems)}; the scheduler's log says why")
    if not answer["done"]:
        return EffectMissed(
            f"the command was applied, but after {seconds:g} s {', '.join(answer['left'])}; "
            "it goes on: wait longer with --wait-timeout"
        )
    if is_stop and "flow" not in receipt["result"]:
        return _contact_left(client.workflow, deadline)
    return None


def _contact_left(run: str, deadline: float) -> EffectMissed | None:
    """Wait until a scheduler that has said its last word has removed its contact file."""
    from ..contact.file import Liveness, detect_old_contact
    from ..contact.paths import contact_path

    path = contact_path(run)
    deadline = max(deadline, time.monotonic() + 10.0)
    while path.exists():
        if time.monotonic() > deadline:
            if detect_old_contact(path) is Liveness.DEAD:
                return None
            return EffectMissed(f"it is stopping, but still there: see {path}, and the scheduler's log")
        time.sleep(0.02)
    return None


def to_all(workflows: Sequence[str], arguments: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The same arguments for each of the running workflows that names and globs mean."""
    return dict.fromkeys(find_runs(workflows, running=True), arguments)


def workflow_names(texts: Sequence[str], *, advice: str = "a workflow is needed here") -> list[str]:
    """The workflows that IDs name, without their cycles and tasks: they may have none.

    Args:
        advice: what to do instead, for the error.

    Raises:
        InputError: an ID names a cycle or a task.
    """
    names = []
    for identifier in parse_identifiers(texts):
        if identifier.cycle is not None:
            raise InputError(f"{identifier}: {advice}, not a cycle or a task")
        names.append(workflow_part(identifier))
    return names


def workflow_part(identifier: Identifier) -> str:
    """The workflow of an ID as `find_runs` takes it.

    Raises:
        InputError: it asks for workflows that do not run.
    """
    if identifier.workflow is None:
        raise InputError(f"{identifier}: name the workflow, too")
    if identifier.workflow_selector not in (None, "running"):
        raise InputError(f"{identifier}: only workflows that are running can be told something")
    return str(identifier._replace(workflow_selector=None).workflow_part)


def tasks_by_run(texts: Sequence[str]) -> dict[str, list[str]]:
    """What IDs select in each running workflow: ``CYCLE/TASK[:state]`` or ``CYCLE[:state]``, as written.

    Raises:
        InputError, IdentifierError: an ID is not valid, names a job or no task, or its workflow is not there.
    """
    found: dict[str, list[str]] = {}
    for identifier in parse_identifiers(texts):
        if identifier.cycle is None:
            name = identifier.workflow or texts[0]
            raise InputError(
                f"{identifier} names no task: write {name}//CYCLE/TASK, or '{name}//*' for all active tasks"
            )
        if identifier.job is not None:
            raise InputError(f"{identifier}: this command takes tasks, not jobs; leave out /{identifier.job}")
        for run in find_runs([workflow_part(identifier)], running=True):
            found.setdefault(run, []).append(identifier.relative)
    return found


def one_identifier(texts: Sequence[str]) -> Identifier:
    """The one workflow, cycle or task that arguments name; raises `InputError` if they name more."""
    identifiers = parse_identifiers(texts)
    if len(identifiers) != 1 or identifiers[0].workflow is None:
        raise InputError(f"one workflow, cycle or task is needed, found: {' '.join(texts)}")
    return identifiers[0]


def changed(verb: str, result: Result) -> str:
    """What a command did to tasks, in words: ``held 1/foo, 1/bar``."""
    tasks = result.get("tasks") or ()
    return f"{verb} {', '.join(tasks)}" if tasks else f"nothing {verb}"


def _not_done(text: str) -> str:
    # The scheduler names what matched nothing, or says in a sentence why it left a task alone.
    return text if " " in text else f"no task matches {text}"
