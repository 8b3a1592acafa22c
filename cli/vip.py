"""`tidemill vip`: validate, install and play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..contact.paths import run_root
from .installation import install_workflow
from .options import cli_command
from .play import play_options, teller
from .playing import options_of, play_workflow
from .printer import Printer
from .validate import validate
from .workflows import find_source


@cli_command(json=False, epilog="\n  $ tidemill vip ./examples/hello\n")
@click.argument("source", required=False, default=".", metavar="[SOURCE | PATH]")
@click.option("-n", "--workflow-name", metavar="NAME", help="Install under this name; default: the source's.")
@click.option("-r", "--run-name", metavar="NAME", help="Name the run instead of numbering it.")
@click.option("--no-run-name", is_flag=True, help="Install without a run number.")
@click.option("--no-ping", is_flag=True, help="Accepted for older scripts.")
@click.option("--check-circular", is_flag=True, help="Look for circular dependencies in large graphs, too.")
@play_options
def command(
    printer: Printer,
    source: str,
    workflow_name: str | None,
    run_name: str | None,
    no_run_name: bool,
    no_ping: bool,
    check_circular: bool,
    no_detach: bool,
    **values: Any,
) -> int:
    """Validate a workflow, install it and play it."""
    definition = find_source(source)
    options = options_of(values, debug=printer.verbosity > 1, verbosity=printer.verbosity)
    validate(definition, options, check_circular=check_circular)
    installed = install_workflow(definition, name=workflow_name, run_name=run_name, numbered=not no_run_name)
    printer.info(f"INSTALLED {installed.workflow} from {installed.source}")
    return play_workflow(
        installed.workflow,
        Path(run_root() / installed.workflow),
        options,
        detach=not no_detach,
        terminal_timestamps=True,
        say=teller(printer, installed.workflow, values["output_format"]),
    )
