"""`tidemill stop`: end a run, now or later."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from ..contact.identifiers import parse_identifiers
from .control import one_identifier, tell, to_all, wait_seconds, workflow_names, workflow_part
from .exceptions import InputError
from .plain import Parser
from .plans import add_plan_options, apply_plans, show_plans
from .suites import are_suites
from .suites import stop as stop_suite_servers


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "stop",
        "Stop running workflows: when active jobs are done, or after a cycle point, a task or a time. A suite server\n"
        "(HOST:PORT) ends at once; its jobs go on, and report to the next server of that address.",
        json=True,
        examples="""
  tidemill stop ocean                                    when active jobs are done
  tidemill stop --now ocean                              now; play takes active jobs up again
  tidemill stop ocean//20250103T00                       after a cycle point
  tidemill stop --wait ocean                             and wait until it has stopped
  tidemill stop --wait localhost:3141                    a suite server
""",
    )
    parser.add_argument("ids", nargs="*", metavar="WORKFLOW[//CYCLE[/TASK]]")
    parser.add_argument("-k", "--kill", action="store_true", help="end active jobs, then stop")
    parser.add_argument(
        "-n", "--now", action="count", default=0, help="leave active jobs; twice: do not even wait for event handlers"
    )
    parser.add_argument("-w", "--wall-clock", metavar="TIME", help="stop at this time (ISO 8601)")
    parser.add_argument("--flow", type=int, metavar="NUMBER", help="let this flow run out; the run ends with its last")
    parser.add_argument(
        "--max-polls", type=int, default=0, metavar="N", help="wait: look up to N times whether it has stopped"
    )
    parser.add_argument(
        "--interval", type=float, default=60.0, metavar="SECONDS", help="time between two looks (default 60)"
    )
    parser.add_reason()
    parser.add_wait()
    parser.add_timeout()
    add_plan_options(parser)
    return parser


def main(argv: list[str]) -> int:
    """Stop workflows."""
    printer, values = make_parser().parse(argv)
    if are_suites(values.ids):
        if values.plan or values.apply is not None or _ways(values):
            raise InputError("a suite server can only be ended: leave out all options but --reason and --wait")
        return stop_suite_servers(
            printer, values.ids, timeout=values.comms_timeout, reason=values.reason, wait=wait_seconds(values)
        )
    requests: Mapping[str, Mapping[str, Any]]
    if values.apply is not None:
        requests, said = apply_plans(values, "stop"), "stopping as planned"
    else:
        if not values.ids:
            raise InputError("name the workflow to stop")
        requests, said = _requests(values)
    if values.plan:
        return show_plans(printer, requests, "stop", timeout=values.comms_timeout)

    def wait(run: str) -> None:
        if values.max_polls > 0:
            _wait_until_stopped(run, values.max_polls, values.interval)

    return tell(
        printer,
        requests,
        "stop",
        timeout=values.comms_timeout,
        reason=values.reason,
        wait_seconds=wait_seconds(values),
        say=lambda result: said,
        already_stopped_is_fine=True,
        afterwards=wait,
    )


def _requests(values: Namespace) -> tuple[dict[str, Mapping[str, Any]], str]:
    """What to tell each workflow, and how to say that it was told."""
    ways = _ways(values)
    if len(ways) > 1:
        raise InputError(f"{' and '.join(ways)} exclude each other: each is a way to stop of its own")
    if any(identifier.cycle is not None for identifier in parse_identifiers(values.ids)):
        if ways:
            raise InputError(f"a cycle point or task is a way to stop of its own: leave out {ways[0]}")
        identifier = one_identifier(values.ids)
        workflows = [workflow_part(identifier)]
        if identifier.task is not None:
            task = f"{identifier.cycle}/{identifier.task}"
            return to_all(workflows, {"task": task}), f"stopping when {task} has finished"
        point = identifier.cycle
        return to_all(workflows, {"cycle_point": point}), f"stopping after cycle point {point}"
    arguments: dict[str, Any] = {}
    said = "stopping when active jobs are done"
    if values.wall_clock is not None:
        arguments["clock_time"] = _seconds(values.wall_clock)
        said = f"stopping at {values.wall_clock}"
    elif values.flow is not None:
        arguments["flow"] = values.flow
        said = f"flow {values.flow} runs out"
    elif values.kill:
        arguments["mode"], said = "kill", "ending active jobs, then stopping"
    elif values.now:
        arguments["mode"], said = ("now" if values.now == 1 else "now-now"), "stopping now; active jobs go on"
    return to_all(workflow_names(values.ids), arguments), said


def _ways(values: Namespace) -> list[str]:
    """The options given that say how to stop."""
    options = {
        "--kill": values.kill,
        "--now": values.now,
        "--wall-clock": values.wall_clock,
        "--flow": values.flow is not None,
    }
    return [option for option, given in options.items() if given]


def _seconds(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time; UTC where it names no zone."""
    from datetime import UTC, datetime

    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--wall-clock={text} is not a time such as 2025-01-03T12:00Z") from None
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def _wait_until_stopped(run: str, polls: int, interval: float) -> None:
    import time

    from ..contact.paths import contact_path

    for _ in range(polls):
        if not contact_path(run).exists():
            return
        time.sleep(interval)
    if contact_path(run).exists():
        raise InputError(f"{run} is still running after {polls} looks, {interval:g} s apart")
