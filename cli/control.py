"""Telling running workflows something: one request to each, and one line of what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from ..contact.identifiers import Identifier, parse_identifiers
from ..exceptions import TidemillError
from .exceptions import InputError
from .printer import Printer
from .workflows import find_runs

timeout_option = click.option(
    "--comms-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long to wait for an answer.",
)


def tell(
    printer: Printer,
    workflows: Sequence[str],
    endpoint: str,
    arguments: dict[str, Any],
    *,
    timeout: float | None,
    done: str,
    already_stopped_is_fine: bool = False,
    afterwards: Callable[[str], None] | None = None,
) -> int:
    """Call an endpoint of each workflow; returns 1 if one refused or could not be reached.

    Args:
        printer: told what was done.
        workflows: ids or globs of running workflows.
        endpoint: what to call.
        arguments: its arguments.
        timeout: seconds to wait for each answer.
        done: what to say of each success, after the workflow's name.
        already_stopped_is_fine: a workflow that does not run counts as success.
        afterwards: called for each success.
    """
    from ..network.client import WorkflowRuntimeClient
    from ..network.exceptions import WorkflowStopped

    runs = find_runs(workflows, running=True)
    results: list[dict[str, Any]] = []
    failed = False
    for run in runs:
        try:
            with WorkflowRuntimeClient(run, timeout=timeout) as client:
                client(endpoint, arguments)
            if afterwards is not None:
                afterwards(run)
            results.append({"workflow": run, "ok": True})
        except WorkflowStopped as error:
            if not already_stopped_is_fine:
                if len(runs) == 1:
                    raise
                failed = True
            results.append({"workflow": run, "ok": already_stopped_is_fine, "error": str(error)})
            print(f"{run}: {error}", file=sys.stderr)
        except TidemillError as error:
            if len(runs) == 1:
                raise
            failed = True
            results.append({"workflow": run, "ok": False, "error": str(error)})
            print(f"{run}: {type(error).__name__}: {error}", file=sys.stderr)
    text = "\n".join(f"{result['workflow']}: {done}" for result in results if result["ok"] and "error" not in result)
    printer.done(results, text)
    return 1 if failed else 0


def one_identifier(texts: Sequence[str]) -> Identifier:
    """The one workflow, cycle or task that arguments name; raises `InputError` if they name more."""
    identifiers = parse_identifiers(texts)
    if len(identifiers) != 1 or identifiers[0].workflow is None:
        raise InputError(f"one workflow, cycle or task is needed, found: {' '.join(texts)}")
    return identifiers[0]
