"""`tidemill cat-log`: print or follow the logs of a scheduler or a job."""

from __future__ import annotations

import shutil
import socket
import sys

import click

from ..contact.identifiers import Identifier
from .exceptions import InputError, UsageError
from .logs import follow, list_files, log_directory, log_file
from .options import cli_command
from .printer import JsonPrinter, Printer
from .workflows import find_job_identifier

MODES = {
    "c": "cat",
    "cat": "cat",
    "t": "tail",
    "tail": "tail",
    "f": "tail",
    "follow": "tail",
    "l": "list",
    "list-dir": "list",
    "p": "path",
    "print": "path",
    "d": "directory",
    "print-dir": "directory",
}


@cli_command(
    epilog="""
  tidemill cat-log ocean                       the scheduler's log
  tidemill cat-log ocean -m t                  the same, followed until Ctrl-C
  tidemill cat-log ocean -r 1                  the scheduler's log before the newest
  tidemill cat-log ocean//1/relax              a job's standard output
  tidemill cat-log ocean//1/relax -f e -s 1    the standard error of its first job
  tidemill cat-log ocean//1/relax -m l         the names of a job's files
  tidemill cat-log ocean//1/relax -m t --remote    followed through the scheduler
"""
)
@click.argument("identifier", nargs=-1, required=True, metavar="WORKFLOW[//CYCLE/TASK]")
@click.option(
    "-f",
    "--file",
    "name",
    metavar="LOG",
    help="A file's name, or a letter. Job: j script, o output (default), e errors, a activity, "
    "s status, x trace. "
    "Workflow: s scheduler (default), c configuration, p processed configuration, "
    "i installation, v version control.",
)
@click.option(
    "-m",
    "--mode",
    type=click.Choice(list(MODES)),
    default="c",
    metavar="MODE",
    help="c print it (default), t follow it, p print its path, d its directory, l list the files there.",
)
@click.option(
    "-s", "-t", "--submit-number", "--try-number", metavar="N", help="Which job of the task; default: latest."
)
@click.option("-r", "--rotation", type=click.IntRange(min=0), default=0, metavar="N", help="An older scheduler log.")
@click.option(
    "--remote",
    is_flag=True,
    help="Ask the running scheduler for the log instead of reading files: no file system need be shared with it.",
)
@click.option("-o", "--force-remote", is_flag=True, help="Accepted for older scripts: job logs are on this host.")
@click.option("--prepend-path", is_flag=True, help="Print the file's host and path first.")
def command(
    printer: Printer,
    identifier: tuple[str, ...],
    name: str | None,
    mode: str,
    submit_number: str | None,
    rotation: int,
    remote: bool,
    force_remote: bool,
    prepend_path: bool,
) -> int:
    """Print or follow a log of a workflow's scheduler, or of a job."""
    found = find_job_identifier(identifier)
    if submit_number is not None and found.task is None:
        raise UsageError(f"--submit-number needs a task: {found}//CYCLE/TASK")
    if submit_number is not None and submit_number != "NN" and not submit_number.isdecimal():
        raise UsageError(f"--submit-number {submit_number}: expected a number or NN")
    what = MODES[mode]
    if remote:
        return _ask_scheduler(printer, found, name, what, submit_number, rotation, prepend_path)
    directory = log_directory(found, submit_number)
    if what == "directory":
        # Cylc 8.5 behaviour: of a workflow's logs the scheduler's are meant, though all are listed.
        directory = directory if found.task is not None else directory / "scheduler"
        printer.result({"directory": str(directory)}, str(directory))
        return 0
    if what == "list":
        files = list_files(directory)
        printer.result({"directory": str(directory), "files": files}, "\n".join(files))
        return 0
    path = log_file(directory, name, of_job=found.task is not None, rotation=rotation)
    if what == "path":
        path = path if found.task is not None else path.parent / path.resolve().name
        printer.result({"path": str(path)}, str(path))
        return 0
    if prepend_path:
        printer.result({"path": str(path)}, f"# {socket.gethostname()}:{path}")
    if isinstance(printer, JsonPrinter):
        if what == "tail":
            raise InputError("a followed log cannot be one JSON document: leave out --json or --mode")
        printer.result({"path": str(path), "text": path.read_text(encoding="utf-8", errors="replace")}, "")
        return 0
    sys.stdout.flush()
    if what == "tail":
        follow(path, _write_now, reader=sys.stdout.fileno())
    with open(path, "rb") as file:
        shutil.copyfileobj(file, sys.stdout.buffer)
    return 0


def _ask_scheduler(
    printer: Printer,
    identifier: Identifier,
    name: str | None,
    what: str,
    submit_number: str | None,
    rotation: int,
    prepend_path: bool,
) -> int:
    from ..network.client import WorkflowRuntimeClient
    from .remote_logs import RemoteLogs

    if what in ("path", "directory"):
        raise UsageError(f"--remote prints and follows logs, and lists them; --mode {what} is of no use there")
    with WorkflowRuntimeClient(str(identifier.workflow)) as client:
        logs = RemoteLogs(client, identifier, submit_number)
        if what == "list":
            files = logs.files()
            printer.result({"host": client.host, "directory": logs.directory, "files": files}, "\n".join(files))
            return 0
        file = logs.file(name, rotation)
        if prepend_path:
            printer.result({"path": file}, f"# {client.host}:{file}")
        if isinstance(printer, JsonPrinter):
            if what == "tail":
                raise InputError("a followed log cannot be one JSON document: leave out --json or --mode")
            text = b"".join(logs.read(file, follow=False)).decode("utf-8", "replace")
            printer.result({"path": file, "text": text}, "")
            return 0
        sys.stdout.flush()
        for piece in logs.read(file, follow=what == "tail"):
            _write_now(piece)
    return 0


def _write_now(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
