"""`tidemill play`: start, restart or resume a workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..contact.paths import run_root
from .options import cli_command, template_options
from .playing import options_of, play_workflow
from .printer import Printer
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
    click.option("-N", "--no-detach", is_flag=True, help="Stay in the foreground; the log goes to the terminal."),
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
        say=lambda text: printer.done({"workflow": run, "message": text}, text),
    )
