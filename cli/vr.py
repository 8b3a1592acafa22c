"""`tidemill vr`: validate, reinstall, and reload or restart."""

from __future__ import annotations

from typing import Any

import click
from msgspec.structs import replace

from ..contact.file import Liveness, detect_old_contact
from ..contact.paths import contact_path, run_root
from ..flow.prepare import saved_template_variables
from .exceptions import InputError
from .options import cli_command
from .play import play_options, teller
from .playing import options_of, play_workflow
from .printer import Printer
from .reinstall import agreed
from .reinstallation import file_changes, reinstall, source_of
from .validate import validate
from .workflows import Definition, find_run


@cli_command(
    json=False,
    epilog="""
  $ tidemill vr ocean                # running: reload; stopped: take it up again
  $ tidemill vr --yes ocean/run2
""",
)
@click.argument("workflow", metavar="WORKFLOW")
@click.option("--yes", is_flag=True, help="Do not ask before files are changed.")
@click.option("-g", "--global", "reread_global", is_flag=True, help="Accepted for older scripts.")
@click.option("--check-circular", is_flag=True, help="Look for circular dependencies in large graphs, too.")
@play_options
def command(
    printer: Printer,
    workflow: str,
    yes: bool,
    reread_global: bool,
    check_circular: bool,
    no_detach: bool,
    **values: Any,
) -> int:
    """Take changes of a workflow's source up: validate the source, reinstall it, and reload it if it is running, else
    play it.

    The source is validated with the template variables that the run was started with. If it is not valid nothing is
    changed. A running workflow whose files have not changed is left alone.
    """
    run = find_run(workflow)
    directory = run_root() / run
    source = source_of(run)
    options = options_of(values, debug=printer.verbosity > 1, verbosity=printer.verbosity)
    is_running = _is_running(run)
    if is_running and options.template_variables:
        raise InputError(
            f"{run} is running: a reload keeps the template variables it was started with; stop it first, or leave -s, "
            "-z and --set-file out"
        )
    variables = {**saved_template_variables(directory), **options.template_variables}
    validate(
        Definition(source, run, installed=True),
        replace(options, template_variables=variables),
        check_circular=check_circular,
    )
    changes = file_changes(source, directory)
    if changes:
        if not agreed(changes, run, yes=yes):
            printer.result(None, "Reinstall cancelled: nothing was changed.")
            return 0
        reinstall(changes)
        printer.done(None, f"REINSTALLED {run} from {source}")
    if is_running:
        return _reload(printer, run) if changes else _nothing_to_do(printer, run, source)
    return play_workflow(
        run,
        directory,
        options,
        detach=not no_detach,
        terminal_timestamps=True,
        say=teller(printer, run, values["output_format"]),
    )


def _is_running(run: str) -> bool:
    path = contact_path(run)
    return path.exists() and detect_old_contact(path) is not Liveness.DEAD


def _nothing_to_do(printer: Printer, run: str, source: object) -> int:
    printer.done(None, f"{run} is up to date with {source}: not reloaded")
    return 0


def _reload(printer: Printer, run: str) -> int:
    from .control import tell

    return tell(
        printer,
        {run: {}},
        "reload_workflow",
        timeout=300.0,
        reason="validate-reinstall",
        say=lambda result: f"reloaded {run}",
    )
