"""`tidemill view`: a workflow definition as written, or as it is after some of what happens before it is parsed."""

from __future__ import annotations

import os
from pathlib import Path

import click

from .definitions import find_one
from .options import against_source_option, cli_command, template_options, template_variables
from .printer import Printer


@cli_command(
    json=False,
    epilog="""
  tidemill view ocean             the definition as it is written
  tidemill view -i ocean          with the files it includes in their places
  tidemill view -p ocean          with its templates filled in, too, and continued lines made one
""",
)
@click.argument("workflow", metavar="WORKFLOW | PATH")
@click.option("-i", "--inline", is_flag=True, help="Put included files in their places.")
@click.option("-j", "--jinja2", is_flag=True, help="Fill in templates, too.")
@click.option("-p", "--process", "processed", is_flag=True, help="Make continued lines one, too.")
@click.option("-c", "--cat", "joined", is_flag=True, help="Make continued lines one.")
@against_source_option
@template_options
def command(
    printer: Printer,
    workflow: str,
    inline: bool,
    jinja2: bool,
    processed: bool,
    joined: bool,
    against_source: bool,
    set_values: tuple[str, ...],
    set_list: tuple[str, ...],
    set_file: str | None,
) -> int:
    """Print the definition of a workflow before it is parsed. For what it means, see `tidemill config`."""
    from ..flow.language.config import find_workflow_file
    from ..flow.language.preprocess import fill_in
    from ..flow.language.source import join_continuations, read_source

    found, variables = find_one(
        workflow, template_variables(set_values, set_list, set_file), against_source=against_source
    )
    directory = str(found.directory)
    path, _ = find_workflow_file(directory)
    if not (inline or jinja2 or processed or joined):
        printer.result(None, Path(path).read_text(encoding="utf-8").rstrip("\n"))
        return 0
    source = read_source(path, directory)
    if jinja2 or processed:
        source = fill_in(source, directory, variables, os.environ)
    if joined or processed:
        source = join_continuations(source)
    printer.result(None, source.text.rstrip("\n"))
    return 0
