"""`tidemill receipts`: who told a workflow what, when and why, and what it changed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

from .exceptions import InputError
from .plain import Parser
from .printer import Printer
from .suites import are_suites
from .suites import changed_text as suite_changed_text
from .suites import receipts as suite_receipts
from .workflows import find_run

NAMES_SHOWN = 5
COLUMNS = ("time", "user", "command", "what it changed", "reason", "state")


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "receipts",
        "List the commands a workflow was given, newest last: when, by whom, what they changed and why, and those\n"
        "that were refused. Works on running and on stopped workflows, and on suite servers (HOST:PORT).",
        json=True,
        examples="""
  tidemill receipts ocean
  tidemill receipts -n 1 ocean       the last one
  tidemill receipts --json ocean     with ids and arguments; see docs/receipts.md
  tidemill receipts localhost:3141   what a suite server was told
""",
    )
    parser.add_argument("workflow", metavar="WORKFLOW")
    parser.add_argument("-n", type=_number, default=100, dest="limit", metavar="N", help="how many (default 100)")
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """List receipts."""
    printer, values = make_parser().parse(argv)
    if "//" in values.workflow.rstrip("/"):
        raise InputError(f"{values.workflow}: a workflow is needed here, not a cycle or a task")
    if are_suites([values.workflow]):
        receipts: list[dict[str, Any]] | None = suite_receipts(values.workflow, values.limit, values.comms_timeout)
    else:
        run = find_run(values.workflow.rstrip("/"))
        receipts = _of_scheduler(run, values.limit, values.comms_timeout)
        if receipts is None:
            receipts = _of_record(run, values.limit)
    told = receipts or []
    printer.result(told, lambda: _table(told, printer))
    return 0


def _of_scheduler(run: str, limit: int, timeout: float | None) -> list[dict[str, Any]] | None:
    """What the scheduler says; None if none plays the workflow."""
    from ..contact.file import Liveness, detect_old_contact
    from ..contact.paths import contact_path

    path = contact_path(run)
    if not path.exists() or detect_old_contact(path) is Liveness.DEAD:
        return None
    from ..network.client import WorkflowRuntimeClient
    from ..network.exceptions import WorkflowStopped

    try:
        with WorkflowRuntimeClient(run, timeout=timeout) as client:
            found: list[dict[str, Any]] = client("receipts", {"limit": limit})
            return found
    except WorkflowStopped:
        return None


def _of_record(run: str, limit: int) -> list[dict[str, Any]]:
    from ..contact.paths import run_directory
    from ..flow.receipts import Receipt
    from ..flow.record.reader import RunReader

    with RunReader(run_directory(run)) as reader:
        if not reader.is_private:
            raise InputError(
                f"{run}: its record cannot be read just now: a scheduler has it but cannot be asked, as it is starting "
                "or stopping; try again in a moment"
            )
        return [Receipt.of_row(row).to_dict() for row in reader.receipts(limit)]


def changed_text(receipt: Mapping[str, Any]) -> str:
    """What a command changed, or why it was refused, in a few words."""
    result = receipt["result"]
    if "words" in receipt["arguments"]:
        return suite_changed_text(receipt)
    if receipt["error"]:
        return str(receipt["error"]).splitlines()[0]
    if receipt["state"] != "applied":
        return ""
    if tasks := result.get("tasks"):
        more = f" and {len(tasks) - NAMES_SHOWN} more" if len(tasks) > NAMES_SHOWN else ""
        return ", ".join(tasks[:NAMES_SHOWN]) + more
    if settings := result.get("settings"):
        return ", ".join(f"[{point}/{namespace}] {setting}" for point, namespace, setting in settings)
    for key, words in (("stop", "stop"), ("stop_point", "stop after"), ("stop_task", "stop after")):
        if result.get(key) is not None:
            return f"{words} {result[key]}"
    if result.get("stop_time") is not None:
        return f"stop at {_when(result['stop_time'])}"
    if "point" in result:
        return f"hold after {result['point']}"
    if "level" in result:
        return f"the log: {result['level']} and above"
    if "extent" in result:
        return f"the window: {result['extent']} edges around what is active"
    if "event" in result:
        return f"the event {result['event']} of {result['message']!r}"
    if "was_paused" in result:
        return "nothing" if result["paused"] == result["was_paused"] else "the workflow"
    return "the definition" if receipt["name"] == "reload_workflow" else "nothing"


def _table(receipts: list[dict[str, Any]], printer: Printer) -> str:
    if not receipts:
        return ""
    rows = [
        (
            _when(receipt["time_received"]),
            receipt["user"],
            receipt["name"],
            changed_text(receipt),
            " ".join(receipt["reason"].split()),
            receipt["state"],
        )
        for receipt in receipts
    ]
    widths = [max(len(row[column]) for row in (COLUMNS, *rows)) for column in range(len(COLUMNS))]

    def line(row: tuple[str, ...]) -> str:
        return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()

    return "\n".join((printer.style(line(COLUMNS), "bold"), *map(line, rows)))


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _number(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a number from 1 on")
    return value
