"""`tidemill play`: start, restart or resume a workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..contact.paths import run_root
from .options import cli_command, template_options
from .playing import options_of, play_workflow
from .printer import Printer, make_printer
from .workflows import find_run

Function = TypeVar("Function", bound=Callable[..., Any])

PLAY_OPTIONS = (
    click.option("--initial-cycle-point", "--icp", metavar="POINT", help="First cycle point (first start only)."),
    click.option("--final-cycle-point", "--fcp", metavar="POINT", help="Last cycle point."),
    click.option(
        "--start-cycle-point",
        "--startcp",
        metavar="POINT",
        help="Start here: what lies before counts as done.",
    ),
    click.option("--stop-cycle-point", "--stopcp", metavar="POINT", help="Stop when this point is done."),
    click.option(
        "-t",
        "--start-task",
        "--starttask",
        multiple=True,
        metavar="CYCLE/TASK",
        help="Start from these tasks. May be repeated.",
    ),
    click.option(
        "--hold-after", "--hold-cycle-point", "--holdcp", metavar="POINT", help="Hold tasks after this point."
    ),
    click.option("--pause", is_flag=True, help="Start paused."),
    click.option("-m", "--mode", metavar="MODE", help="Run mode: live, simulation or dummy."),
    click.option("--abort-if-any-task-fails", is_flag=True, help="Stop, with an error, at the first failure."),
    click.option("--reference-log", is_flag=True, help="Write a reference.log of what triggers what."),
    click.option("--reference-test", is_flag=True, help="Fail unless the run triggers as its reference.log says."),
    click.option(
        "-N",
        "--no-detach",
        "--non-daemon",
        is_flag=True,
        help="Stay in the foreground; the log goes to the terminal.",
    ),
    click.option("--host", metavar="HOST", help="Where to run: this host, so far."),
    click.option(
        "--format",
        "output_format",
        type=click.Choice(["plain", "json"]),
        default="plain",
        help="What to print of a scheduler left running.",
    ),
    # Those of other schedulers' command lines that ask for nothing here: no question is asked, no plug-in is needed.
    click.option("--upgrade", is_flag=True, hidden=True),
    click.option("--downgrade", is_flag=True, hidden=True),
    click.option("--profile", is_flag=True, hidden=True),
    click.option("--main-loop", multiple=True, hidden=True),
    click.option("--comms-timeout", type=float, hidden=True),
)


def play_options(function: Function) -> Function:
    """The options that say how to play."""
    for option in reversed(PLAY_OPTIONS):
        function = option(function)
    return template_options(function)


@cli_command(
    json=False,
    epilog="""
  $ tidemill play forecast                       # start, or take up where it stopped
  $ tidemill play --no-detach forecast           # stay in the foreground
  $ tidemill play --mode=simulation forecast     # no jobs, as fast as it computes
""",
)
@click.argument("workflow")
@play_options
def command(printer: Printer, workflow: str, no_detach: bool, **values: Any) -> int:
    """Start WORKFLOW, take it up where it stopped, or resume it if it is paused."""
    run = find_run(workflow)
    options = options_of(values, debug=printer.verbosity > 1, verbosity=printer.verbosity)
    return play_workflow(
        run,
        run_root() / run,
        options,
        detach=not no_detach,
        terminal_timestamps=True,
        say=teller(printer, run, values["output_format"]),
    )


def teller(printer: Printer, run: str, output_format: str) -> Callable[[str], None]:
    """What tells of a scheduler that was started or resumed, in the format asked for."""
    if output_format == "json":
        printer = make_printer(json=True)
    return lambda text: printer.done({"workflow": run, "message": text}, text)
