"""Where a run lives on disk: the run root, a workflow's run directory, and the hidden directory for contact
and keys."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from .exceptions import WorkflowNotFound
from .identifiers import validate_workflow_name

RUN_ROOT_VARIABLE = "TIDEMILL_RUN_DIR"
SERVICE = ".service"
CONTACT = "contact"
LATEST_RUN = "runN"
COMMANDS = ".commands"
SUITE_SERVERS = ".ecflow"


def current_user() -> str:
    """The name of the user this process runs as: of the system, not of the environment."""
    user_number = os.getuid()
    try:
        return pwd.getpwuid(user_number).pw_name
    except KeyError:
        return os.environ.get("USER") or str(user_number)


def run_root() -> Path:
    """The directory that holds every run: ``$TIDEMILL_RUN_DIR`` if set, else ``~/cylc-run``."""
    configured = os.environ.get(RUN_ROOT_VARIABLE)
    return Path(os.path.expanduser(configured or "~/cylc-run")).absolute()


def run_directory(workflow: str) -> Path:
    """The run directory of a workflow, whether it exists or not.

    Inside a job of the same workflow and user, ``CYLC_WORKFLOW_RUN_DIR`` is believed, since the run root may
    be elsewhere on that host (Cylc 8.5 behaviour).
    """
    environment = os.environ
    given = environment.get("CYLC_WORKFLOW_RUN_DIR")
    if (
        given
        and environment.get("CYLC_WORKFLOW_ID") == workflow
        and environment.get("CYLC_WORKFLOW_OWNER") == current_user()
    ):
        return Path(given)
    return run_root() / workflow


def service_directory(workflow: str) -> Path:
    """The directory of a run's contact file, keys and private database."""
    return run_directory(workflow) / SERVICE


def contact_path(workflow: str) -> Path:
    """The contact file of a run, whether it exists or not."""
    return run_directory(workflow) / SERVICE / CONTACT


def commands_directory(host: str, port: int) -> Path:
    """The directory of the command server at an address: its contact file, keys and jobs.

    Every name of the loopback interface is ``localhost`` here.
    """
    name = "localhost" if host in ("127.0.0.1", "::1") else host
    return run_root() / COMMANDS / f"{name}.{port}"


def suite_server_directory(host: str, port: int) -> Path:
    """The directory of the suite server at an address: its contact file and keys (in ``.service``) and its record.

    Every name of the loopback interface is ``localhost`` here, as is this machine's own name.
    """
    names = ("127.0.0.1", "::1", "", os.uname().nodename)
    return run_root() / SUITE_SERVERS / f"{'localhost' if host in names else host}.{port}"


def resolve_workflow(workflow: str) -> str:
    """The id of the run a user means: ``wf`` is ``wf/run3`` if that is its latest numbered run.

    Arguments:
        workflow: an id without selector, with or without ``~user/``; ``wf/runN`` names the latest run too.

    Raises:
        IdentifierError: it is not a valid id.
        WorkflowNotFound: it belongs to another user, or ``runN`` points nowhere.

    A directory that is itself a run is never left for a numbered run inside it. An id that does not exist is
    returned as it is: whoever needs the directory says so.
    """
    name = workflow
    if name.startswith("~"):
        user, _, name = name[1:].partition("/")
        if user != current_user():
            raise WorkflowNotFound(f"{workflow}: workflows of another user ({user}) cannot be found through files")
    name = name.rstrip("/")
    parent, _, last = name.rpartition("/")
    if parent and last == LATEST_RUN:
        validate_workflow_name(parent)
        return _latest_run(parent, required=True)
    validate_workflow_name(name, allow_run_number=True)
    directory = run_directory(name)
    if is_run(directory):
        return name
    return _latest_run(name, required=False)


def is_run(directory: Path | str) -> bool:
    """Whether a directory is the run directory of a workflow, rather than a folder of runs."""
    return any(os.path.lexists(os.path.join(directory, mark)) for mark in (SERVICE, "flow.cylc", "suite.rc"))


def _latest_run(name: str, *, required: bool) -> str:
    link = run_root() / name / LATEST_RUN
    try:
        target = os.readlink(link)
    except OSError:
        if required:
            raise WorkflowNotFound(f"{name}/{LATEST_RUN}: no numbered run in {run_root() / name}") from None
        return name
    if not link.is_dir():
        raise WorkflowNotFound(f"{link} points to {target}, which is not there")
    return f"{name}/{os.path.basename(target.rstrip('/'))}"
