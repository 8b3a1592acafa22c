"""`tidemill reinstall`: bring a run's files up to date with its source."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..contact.paths import run_root
from .options import cli_command
from .printer import Printer
from .reinstallation import FileChanges, file_changes, reinstall, source_of
from .workflows import find_runs


def agreed(changes: FileChanges, run: str, *, yes: bool) -> bool:
    """Whether the changes may be made: asked only of a person at a terminal, who is shown them first."""
    if yes or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    click.echo("\n".join(changes.lines()))
    return click.confirm(f"Reinstall {run} from {changes.source}?", default=False)


@cli_command(
    epilog="""
  tidemill reinstall ocean             the latest run of ocean
  tidemill reinstall ocean/run2        this one
  tidemill reinstall --dry-run ocean   list what would change
"""
)
@click.argument("workflows", nargs=-1, required=True, metavar="WORKFLOW...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--comms-timeout", type=float, hidden=True)
@click.option("--dry-run", is_flag=True, help="List what would change, and change nothing.")
def command(printer: Printer, workflows: tuple[str, ...], yes: bool, comms_timeout: float | None, dry_run: bool) -> int:
    """Make the files of installed workflows the same as those of their sources again.

    Files that were added, changed or removed in the source are added, changed or removed in the run. What the run
    made itself (log, share, work) is left alone, and whatever the source's .cylcignore names: a pattern a line, such
    as data/ or *.csv. A running workflow goes on as it is until it is reloaded.
    """
    results: list[dict[str, Any]] = []
    lines: list[str] = []
    for run in find_runs(workflows, running=False):
        source = source_of(run)
        changes = file_changes(source, run_root() / run)
        done = bool(changes) and not dry_run and agreed(changes, run, yes=yes)
        if done:
            reinstall(changes)
        results.append(
            {"id": run, "source": str(source), "send": changes.send, "delete": changes.delete, "reinstalled": done}
        )
        lines += changes.lines()
        if done:
            lines.append(f"REINSTALLED {run} from {source}")
        elif not changes:
            lines.append(f"{run} up to date with {source}")
        else:
            lines.append("Nothing was changed." if dry_run else "Reinstall cancelled: nothing was changed.")
    printer.result(results, "\n".join(lines))
    return 0
