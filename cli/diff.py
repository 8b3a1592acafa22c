"""`tidemill diff`: what differs between two workflows, or a run and its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from .definitions import build, read
from .differences_text import differences_lines
from .exceptions import InputError
from .options import cli_command, initial_point_option, template_options, template_variables
from .printer import Printer
from .workflows import Definition, find_definition

DIFFERENT = 2


@cli_command(
    epilog="""
  tidemill diff ocean                     a run, and the source it was installed from
  tidemill diff ./ocean ./ocean-new       two definitions
  tidemill diff ocean/run1 ocean/run2     two runs
  tidemill diff --exit-code ocean         exit with 2 if they differ
"""
)
@click.argument("first", metavar="WORKFLOW | PATH")
@click.argument("second", required=False, metavar="[WORKFLOW | PATH]")
@click.option("--exit-code", is_flag=True, help="Exit with 2 if they differ, 0 if not.")
@click.option("-n", "--nested", is_flag=True, help="Accepted for older scripts; changes nothing.")
@initial_point_option
@template_options
def command(
    printer: Printer,
    first: str,
    second: str | None,
    exit_code: bool,
    nested: bool,
    initial_cycle_point: str | None,
    set_values: tuple[str, ...],
    set_list: tuple[str, ...],
    set_file: str | None,
) -> int:
    """Tell what differs between two workflow definitions: tasks, arrows of the graph, settings.

    The definitions are compared as they are understood: order, comments, includes and templates do not count, and a
    setting of a family counts for its tasks. Lines with - are the first's, lines with + the second's. With one
    argument, a run is compared with its source, and files are, too: what reinstall would do.
    """
    variables = template_variables(set_values, set_list, set_file)
    before = find_definition(first)
    files: dict[str, Any] | None = None
    if second is None:
        after, files = _source(before)
    else:
        after = find_definition(second)
    found = _differences(before, after, variables, initial_cycle_point)
    differ = any(found.values()) or bool(files and (files["send"] or files["delete"]))
    result = {"first": str(before.directory), "second": str(after.directory), "differ": differ, **found}
    if files is not None:
        result["files"] = files
    printer.result(result, lambda: _text(before, after, found, files))
    return DIFFERENT if exit_code and differ else 0


def _source(run: Definition) -> tuple[Definition, dict[str, Any]]:
    from .reinstallation import file_changes, source_of

    if not run.installed:
        raise InputError(f"{run.directory} is a source: name a second workflow to compare it with")
    source = source_of(run.name)
    changes = file_changes(source, run.directory)
    # The name of the run: its source is to be read as it would be once it is installed there.
    return Definition(source, run.name, installed=True), {"send": changes.send, "delete": changes.delete}


def _differences(
    before: Definition, after: Definition, variables: Mapping[str, Any], initial_point: str | None
) -> dict[str, Any]:
    from ..flow.language.differences import compare
    from ..flow.prepare import saved_template_variables

    definitions = []
    for found in (before, after):
        run = before if before.installed else found
        saved = saved_template_variables(run.directory) if run.installed else {}
        definitions.append(build(read(found, {**saved, **variables}), initial_point=initial_point))
    return compare(definitions[0], definitions[1]).to_dict()


def _text(before: Definition, after: Definition, found: Mapping[str, Any], files: Mapping[str, Any] | None) -> str:
    lines = differences_lines(found)
    if files is not None:
        lines += [f"  send {path}" for path in files["send"]] + [f"  del. {path}" for path in files["delete"]]
    if not lines:
        return f"{before.directory} and {after.directory} do not differ"
    return "\n".join([f"- {before.directory}", f"+ {after.directory}", *lines])
