"""`tidemill why`: why is a task not running?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..contact.identifiers import Identifier, parse_identifiers
from .commands import COMMANDS
from .exceptions import InputError
from .plain import Parser
from .printer import Printer
from .suites import are_suites
from .suites import explanations as suite_explanations
from .workflows import find_run

if TYPE_CHECKING:
    from ..flow.engine.engine import Engine

MARKS = {"permanent": ("✗", "red"), "temporary": ("…", "yellow"), "note": ("·", "dim"), "met": ("✓", "green")}
"""By kind of reason: what stands before it, in which colour."""
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "why",
        "Tell why tasks are not running: everything that holds each back, what will not resolve by itself\n"
        "first, with since when, until when, what satisfies it and which command forces it. Works on running\n"
        "and on stopped workflows; exits with 1 if a task or cycle point is not known. A node of a suite server is\n"
        "HOST:PORT//suite/family/task.",
        json=True,
        examples="""
  tidemill why ocean//20260301T0000Z/plot
  tidemill why ocean //1/relax //1/plot         several tasks
  tidemill why --json ocean//1/plot             for programs: see docs/why.md
  tidemill why localhost:3141//nightly/post     a family of a suite
""",
    )
    parser.add_argument("ids", nargs="+", metavar="ID", help="WORKFLOW//CYCLE/TASK, or WORKFLOW //CYCLE/TASK ...")
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Explain tasks; 1 if one of them is not known."""
    printer, values = make_parser().parse(argv)
    of_suites = are_suites(values.ids)
    found = list((suite_explanations if of_suites else explanations)(values.ids, timeout=values.comms_timeout))
    printer.result(found, lambda: "\n".join(drawn(one, printer) for one in found))
    return 0 if all(one["is_known"] for one in found) else 1


def explanations(ids: Sequence[str], *, timeout: float | None = None) -> Iterator[dict[str, Any]]:
    """The explanation of each task, by its scheduler if it runs, else from its record.

    Raises:
        InputError: an ID is not one task of one workflow.
        TidemillError: the scheduler cannot be reached, or the record or the definition cannot be read.
    """
    wanted: dict[str, list[str]] = {}
    for identifier in parse_identifiers(ids):
        wanted.setdefault(find_run(identifier.workflow or ""), []).append(_task_of(identifier))
    for run, tasks in wanted.items():
        for one in _of_scheduler(run, tasks, timeout) or _of_record(run, tasks):
            _drop_unknown_commands(one["reasons"])
            yield one


def _task_of(identifier: Identifier) -> str:
    if identifier.workflow is None or identifier.cycle is None or identifier.task is None:
        raise InputError(f"{identifier}: a task is needed: WORKFLOW//CYCLE/TASK")
    if identifier.is_pattern:
        raise InputError(f"{identifier}: one task at a time, no patterns")
    return f"{identifier.cycle}/{identifier.task}"


def _of_scheduler(run: str, tasks: list[str], timeout: float | None) -> list[dict[str, Any]] | None:
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
            return [client("why", {"task": task}) for task in tasks]
    except WorkflowStopped:
        return None


def _of_record(run: str, tasks: list[str]) -> list[dict[str, Any]]:
    from ..contact.paths import run_directory
    from ..flow.engine.why import explain
    from ..flow.inspect import engine_of

    engine: Engine = engine_of(run, run_directory(run))
    found = []
    for text in tasks:
        cycle, _, task = text.partition("/")
        found.append(explain(engine, cycle, task, workflow=run, is_running=False, now=time.time()).to_dict())
    return found


def _drop_unknown_commands(reasons: list[dict[str, Any]]) -> None:
    """Suggest no command that this program does not have."""
    for reason in reasons:
        if reason["force"] and reason["force"].split()[1] not in COMMANDS:
            reason["force"] = None
        _drop_unknown_commands(reason["children"])


def drawn(explanation: dict[str, Any], printer: Printer) -> str:
    """An explanation as a tree for people: details of what can be acted on, with ``-v`` of everything."""
    lines = [printer.style(explanation["summary"], "bold")]
    _draw(explanation["reasons"], " ", explanation["now"], printer, lines)
    return "\n".join(lines)


def _draw(reasons: list[dict[str, Any]], indent: str, now: float, printer: Printer, lines: list[str]) -> None:
    is_top = indent == " "
    for number, reason in enumerate(reasons, 1):
        is_last = number == len(reasons)
        mark, colour = MARKS[reason["kind"]]
        together = [reason]
        if len(reason["children"]) == 1 and reason["children"][0]["code"].startswith(("parent-", "other-")):
            # An output and the one task behind it are one line.
            together.append(reason["children"][0])
        last = together[-1]
        text = ": ".join(one["text"] for one in together)
        code = printer.style(f"[{', '.join(one['code'] for one in together)}]", "dim")
        lines.append(f"{indent}{'└─' if is_last else '├─'} {printer.style(mark, colour)} {text}  {code}")
        below = f"{indent}{'   ' if is_last else '│  '}"
        beside = f"{below}{'│' if last['children'] else ' '}  "
        if printer.verbosity > 0 or reason["kind"] == "permanent" or (is_top and reason["kind"] == "temporary"):
            if details := "; ".join(detail for one in reversed(together) for detail in _details(one, now)):
                lines.append(f"{beside}{printer.style(details, 'dim')}")
            forces = dict.fromkeys(one["force"] for one in together if one["force"])
            for word, force in zip(("force:", "or:"), forces, strict=False):
                lines.append(f"{beside}{printer.style(word, 'dim')} {force}")
        elif reason["until"] is not None:
            lines.append(f"{beside}{printer.style(_due(reason['until'], now), 'dim')}")
        _draw(last["children"], below, now, printer, lines)


def _details(reason: dict[str, Any], now: float) -> Iterator[str]:
    if reason["since"] is not None:
        yield f"since {_utc(reason['since'])}"
    if reason["until"] is not None:
        yield _due(reason["until"], now)
    if reason["satisfied_by"]:
        yield f"satisfied by {reason['satisfied_by']}"
    if reason["location"]:
        yield reason["location"]


def _due(until: float, now: float) -> str:
    left = until - now
    return f"due {_utc(until)} ({f'in {_short(left)}' if left > 0 else 'as soon as the run goes on'})"


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _short(seconds: float) -> str:
    """A duration in its two largest units: ``3 h 12 min``."""
    left = int(seconds)
    parts = []
    for size, unit in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than 1 s"
