"""`tidemill install`: copy a workflow into the run directory."""

from __future__ import annotations

import click

from .installation import install_workflow
from .options import cli_command
from .printer import Printer
from .workflows import find_source, installed_runs


@cli_command(
    epilog="""
  tidemill install ocean                      from ~/cylc-src/ocean, as ocean/run1, run2, ...
  tidemill install ./ocean                    from the directory here
  tidemill install ./ocean --no-run-name      as ocean, without a run number
  tidemill install ./ocean -n test/ocean -r a   as test/ocean/a
"""
)
@click.argument("source", required=False, default=".", metavar="[SOURCE | PATH]")
@click.option("-n", "--workflow-name", metavar="NAME", help="Install under this name; default: the source's.")
@click.option("-r", "--run-name", metavar="NAME", help="Name the run instead of numbering it.")
@click.option("--no-run-name", is_flag=True, help="Install without a run number: the workflow's directory is the run.")
@click.option("--comms-timeout", type=float, hidden=True)
@click.option("--no-ping", is_flag=True, help="Do not mention other runs of the workflow that are running.")
def command(
    printer: Printer,
    source: str,
    workflow_name: str | None,
    run_name: str | None,
    no_run_name: bool,
    comms_timeout: float | None,
    no_ping: bool,
) -> int:
    """Copy a workflow into the run directory (~/cylc-run), ready to run.

    The source is a path (beginning with . / or ~) or a name in the source directories (~/cylc-src); without
    one, the directory you are in. Version control files (.git, .svn and the like) are not copied.
    """
    installed = install_workflow(find_source(source), name=workflow_name, run_name=run_name, numbered=not no_run_name)
    for name in sorted([] if no_ping else _others_running(installed.workflow)):
        printer.info(f"another run of this workflow is active: {name}")
    printer.result(
        {
            "id": installed.workflow,
            "source": str(installed.source),
            "directory": str(installed.directory),
            "files": installed.files,
        },
        f"INSTALLED {installed.workflow} from {installed.source}",
    )
    return 0


def _others_running(workflow: str) -> list[str]:
    parent = workflow.rpartition("/")[0]
    return [run for run in installed_runs(running=True) if parent and run.rpartition("/")[0] == parent]
