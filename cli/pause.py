"""`tidemill pause`: submit nothing more."""

from __future__ import annotations

import click

from .control import tell, timeout_option
from .options import cli_command
from .printer import Printer


@cli_command(epilog="\n  $ tidemill pause forecast\n")
@click.argument("workflows", nargs=-1, required=True, metavar="WORKFLOW...")
@timeout_option
def command(printer: Printer, workflows: tuple[str, ...], comms_timeout: float | None) -> int:
    """Submit no more jobs of running workflows until they are resumed. Active jobs go on."""
    return tell(printer, workflows, "pause_workflow", {}, timeout=comms_timeout, done="paused")
