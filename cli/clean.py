"""`tidemill clean`: delete stopped runs."""

from __future__ import annotations

import sys

import click

from ..contact.identifiers import is_glob, match_names
from .cleaning import clean_run, refuse_running, runs_to_clean
from .exceptions import CleanError, InputError
from .options import cli_command
from .printer import Printer
from .workflows import installed_runs


@cli_command(
    json=True,
    epilog="""
  tidemill clean ocean/run1                  one run
  tidemill clean ocean                       every run of ocean (asks first)
  tidemill clean 'test*' --yes               every run of every workflow that matches
  tidemill clean ocean/run1 --rm log:work    only these directories
  tidemill clean ocean/run1 --rm 'log/job/2030*'
""",
)
@click.argument("workflows", nargs=-1, required=True, metavar="WORKFLOW...")
@click.option(
    "--rm",
    "parts",
    multiple=True,
    metavar="PATH[:PATH...]",
    help="Remove only these paths or globs within the run.",
)
@click.option("--local-only", "--local", is_flag=True, help="Remove files on this host only, which is what is done.")
@click.option("--remote-only", "--remote", is_flag=True, help="Remove nothing on this host; there is no other yet.")
@click.option("--timeout", metavar="DURATION", hidden=True)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before removing several runs.")
def command(
    printer: Printer,
    workflows: tuple[str, ...],
    parts: tuple[str, ...],
    local_only: bool,
    remote_only: bool,
    timeout: str | None,
    yes: bool,
) -> int:
    """Delete the files of stopped runs from this host.

    A running workflow is never touched. Symbolic links are removed and not followed, except where they
    stand for a directory of the run itself. A workflow written directly in the run directory is lost for
    good.
    """
    runs = _expand(workflows)
    for run in runs:
        refuse_running(run)
    if remote_only:
        if local_only:
            raise InputError("--local-only and --remote-only exclude each other")
        printer.result({}, "")
        return 0
    if not yes and set(runs) != {name.rstrip("/") for name in workflows}:
        _confirm(printer, runs)
    paths = [path for part in parts for path in part.split(":") if path]
    removed: dict[str, list[str]] = {}
    for run in runs:
        removed[run] = []
        for path in clean_run(run, parts=paths):
            removed[run].append(str(path))
            printer.info(f"removed {path}")
    printer.result(removed, "")
    return 0


def _expand(workflows: tuple[str, ...]) -> list[str]:
    known = sorted(installed_runs()) if any(map(is_glob, workflows)) else []
    runs: dict[str, None] = {}
    for name in workflows:
        if not is_glob(name):
            if name.startswith((".", "/", "~")) or "//" in name or ".." in name.split("/"):
                raise InputError(f"{name}: a workflow id is needed, as in ocean/run1, not a path or a task")
            runs.update(dict.fromkeys(runs_to_clean(name.rstrip("/"))))
            continue
        matched = [run for run in known if match_names(name, [run]) or match_names(name, [run.rpartition("/")[0]])]
        if not matched:
            raise CleanError(f"no workflow matches {name!r}")
        runs.update(dict.fromkeys(matched))
    return list(runs)


def _confirm(printer: Printer, runs: list[str]) -> None:
    listing = "\n".join(f"  {run}" for run in runs)
    if not sys.stdin.isatty():
        raise CleanError(f"this would remove:\n{listing}\nGive --yes to do so without being asked.")
    printer.remarks.write(f"To be removed:\n{listing}\n")
    if not click.confirm("Remove them?", err=True):
        raise CleanError("nothing was removed")
