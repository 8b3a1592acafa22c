"""`tidemill validate`: check a workflow definition."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from .. import __version__
from .definitions import build, load, read
from .options import against_source_option, cli_command, initial_point_option, template_options, template_variables
from .printer import Printer
from .workflows import Definition

if TYPE_CHECKING:
    from ..flow.language.config import WorkflowConfig
    from ..flow.language.definition import WorkflowDefinition
    from ..flow.prepare import PlayOptions


def validate(found: Definition, options: PlayOptions, *, check_circular: bool = False) -> None:
    """Check a workflow as it would be played; raises `LanguageError` where it is not valid."""
    config = read(found, options.template_variables)
    _check(found, config, build(config, initial_point=options.initial_point, check_circular=check_circular))


def _check(found: Definition, config: WorkflowConfig, definition: WorkflowDefinition) -> None:
    """Check what the graph alone does not tell: that functions of external triggers can be called as written."""
    from ..flow.xtriggers.check import check_xtriggers

    check_xtriggers(definition, config, found.directory, environment=os.environ)


@cli_command(
    epilog="""
  tidemill validate ./ocean                        the definition in a directory
  tidemill validate ocean                          an installed workflow, or a source by name
  tidemill validate ./ocean -s 'MEMBERS=10'        with a template variable
"""
)
@click.argument("workflow", metavar="WORKFLOW | PATH")
@click.option(
    "--check-circular", is_flag=True, help="Look for circular dependencies in large graphs, too: may be slow."
)
@click.option("-o", "--output", metavar="FILE", help="Write the definition as it is after its templates are filled in.")
@click.option("-m", "--mode", type=click.Choice(["live", "dummy", "simulation", "skip"]), hidden=True)
@click.option("--profile", is_flag=True, hidden=True)
@against_source_option
@initial_point_option
@template_options
def command(
    printer: Printer,
    workflow: str,
    check_circular: bool,
    output: str | None,
    mode: str | None,
    profile: bool,
    against_source: bool,
    initial_cycle_point: str | None,
    set_values: tuple[str, ...],
    set_list: tuple[str, ...],
    set_file: str | None,
) -> int:
    """Check a workflow definition: its syntax, settings and graph. What is wrong is told by file and line."""
    found, config = load(workflow, template_variables(set_values, set_list, set_file), against_source=against_source)
    if output is not None:
        with open(output, "w", encoding="utf-8") as file:
            file.write(config.processed_text)
    definition = build(config, initial_point=initial_cycle_point, check_circular=check_circular)
    _check(found, config, definition)
    warnings = list(dict.fromkeys([*config.warnings, *definition.warnings]))
    for warning in warnings:
        printer.warn(warning)
    printer.done(
        {"valid": True, "workflow": found.name, "directory": str(found.directory), "warnings": warnings},
        f"Valid for tidemill-{__version__}",
    )
    return 0
