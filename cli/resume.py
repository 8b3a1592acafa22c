"""`tidemill resume`: submit jobs again."""

from __future__ import annotations

import click

from .control import tell, timeout_option
from .options import cli_command
from .printer import Printer


@cli_command(epilog="\n  $ tidemill resume forecast\n")
@click.argument("workflows", nargs=-1, required=True, metavar="WORKFLOW...")
@timeout_option
def command(printer: Printer, workflows: tuple[str, ...], comms_timeout: float | None) -> int:
    """Let paused workflows submit jobs again."""
    return tell(printer, workflows, "resume_workflow", {}, timeout=comms_timeout, done="resumed")
