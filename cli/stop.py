"""`tidemill stop`: end a run, now or later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from .control import one_identifier, tell, timeout_option
from .exceptions import InputError
from .options import cli_command
from .printer import Printer


@cli_command(
    epilog="""
  $ tidemill stop forecast                         # when active jobs are done
  $ tidemill stop --now forecast                   # now; play takes active jobs up again
  $ tidemill stop forecast//20250103T00            # after a cycle point
  $ tidemill stop --max-polls=60 --interval=1 forecast   # and wait until it has stopped
"""
)
@click.argument("ids", nargs=-1, required=True, metavar="WORKFLOW[//CYCLE[/TASK]]...")
@click.option("-k", "--kill", is_flag=True, help="End active jobs, then stop.")
@click.option("-n", "--now", count=True, help="Leave active jobs and stop; twice: do not even wait for event handlers.")
@click.option("-w", "--wall-clock", metavar="TIME", help="Stop at this time (ISO 8601).")
@click.option("--max-polls", type=int, default=0, metavar="N", help="Wait: look up to N times whether it has stopped.")
@click.option(
    "--interval", type=float, default=60.0, show_default=True, metavar="SECONDS", help="Time between two looks."
)
@timeout_option
def command(
    printer: Printer,
    ids: tuple[str, ...],
    kill: bool,
    now: int,
    wall_clock: str | None,
    max_polls: int,
    interval: float,
    comms_timeout: float | None,
) -> int:
    """Stop running workflows: when active jobs are done, or after a cycle point, a task or a time."""
    if kill and now:
        raise InputError("--kill and --now exclude each other: jobs are either ended or left")
    arguments: dict[str, Any] = {}
    workflows: tuple[str, ...] = ids
    said = "stopping when active jobs are done"
    if any("//" in text for text in ids):
        if kill or now or wall_clock:
            raise InputError("a cycle point or task is a way to stop of its own: leave --kill, --now and --wall-clock")
        identifier = one_identifier(ids)
        assert identifier.workflow is not None
        workflows = (identifier.workflow,)
        if identifier.task is not None:
            arguments["task"] = f"{identifier.cycle}/{identifier.task}"
            said = f"stopping when {arguments['task']} has finished"
        else:
            arguments["cycle_point"] = identifier.cycle
            said = f"stopping after cycle point {identifier.cycle}"
    elif wall_clock is not None:
        arguments["clock_time"] = _seconds(wall_clock)
        said = f"stopping at {wall_clock}"
    elif kill:
        arguments["mode"], said = "kill", "ending active jobs, then stopping"
    elif now:
        arguments["mode"], said = ("now" if now == 1 else "now-now"), "stopping now; active jobs go on"

    def wait(run: str) -> None:
        if max_polls > 0:
            _wait_until_stopped(run, max_polls, interval)

    return tell(
        printer,
        workflows,
        "stop_workflow",
        arguments,
        timeout=comms_timeout,
        done=said,
        already_stopped_is_fine=True,
        afterwards=wait,
    )


def _seconds(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time; UTC where it names no zone."""
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
