"""Job files and scripts of a definition that no server runs: made as a check, or to begin with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ...exceptions import TidemillError
from ...flow.jobs.ecf.preprocess import make_job
from ...flow.jobs.ecf.search import find_script
from ...flow.suite import nodes
from ..exceptions import EcflowError
from .asking import seen, substituted


class JobCreationCtrl:
    """Which jobs `Defs.check_job_creation` makes, and where to."""

    __slots__ = ("_directory", "_error", "_path", "is_verbose")

    def __init__(self) -> None:
        self._directory = ""
        self._path = ""
        self._error = ""
        self.is_verbose = False

    def set_node_path(self, path: str) -> None:
        """Only those below a node."""
        self._path = path

    def get_node_path(self) -> str:
        """Below which node; "" for all."""
        return self._path

    def set_dir_for_job_creation(self, directory: str) -> None:
        """Write them below a directory, rather than where ECF_JOB says."""
        self._directory = directory

    def get_dir_for_job_creation(self) -> str:
        """Below which directory; "" for where ECF_JOB says."""
        return self._directory

    def generate_temp_dir(self) -> None:
        """Write them below a new temporary directory."""
        self._directory = tempfile.mkdtemp(prefix="jobs-")

    def set_verbose(self, on: bool) -> None:
        """Say which jobs are made."""
        self.is_verbose = on

    def get_error_msg(self) -> str:
        """What could not be made."""
        return self._error

    def found(self, problems: str) -> None:
        """Keep what could not be made."""
        self._error = problems


def check_jobs(defs: nodes.Defs, control: JobCreationCtrl, *, verbose: bool, raise_first: bool) -> str:
    """Make job files; what could not be made, one paragraph for each.

    Raises:
        EcflowError: with `raise_first`, the first problem; or there is no such node.
    """
    problems = []
    for task in _tasks(defs, control.get_node_path()):
        variables = seen(task)
        if "ECF_DUMMY_TASK" in variables or "ECF_NO_SCRIPT" in variables:
            continue
        try:
            text = make_job(task.path, find_script(task.path, variables), variables)
            directory = control.get_dir_for_job_creation()
            place = Path(f"{directory}{task.path}.job{task.try_number}" if directory else _value(task, "ECF_JOB"))
            _write_program(place, text)
        except (TidemillError, OSError) as error:
            if raise_first:
                raise EcflowError(str(error)) from None
            problems.append(f"{error}\n")
        else:
            if verbose or control.is_verbose:
                print(f"{task.path}: {place}")
    control.found("".join(problems))
    return control.get_error_msg()


def _tasks(defs: nodes.Defs, path: str) -> Iterator[nodes.Task]:
    top: nodes.Defs | nodes.Node | None = defs.find(path) if path else defs
    if top is None:
        raise EcflowError(f"there is no node {path} to make jobs for")
    return (node for node in top.walk() if isinstance(node, nodes.Task))


def _value(task: nodes.Node, name: str) -> str:
    return substituted(task, f"%{name}:%") if name in seen(task) else ""


def _write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    path.chmod(path.stat().st_mode | 0o111)


# -- scripts to begin with ---------------------------------------------------------------------------------------------

_CLIENT = "%ECF_CLIENT_EXE_PATH:ecflow_client%"
HEAD = f"""\
#!/bin/bash
set -eu
export ECF_HOST=%ECF_HOST% ECF_PORT=%ECF_PORT%
export ECF_NAME=%ECF_NAME% ECF_PASS=%ECF_PASS% ECF_TRYNO=%ECF_TRYNO% ECF_RID=$$

{_CLIENT} --init=$$

# Whatever ends this job before its last line is told to the server.
failed() {{
  set +e
  trap - EXIT
  wait
  {_CLIENT} --abort="$1"
  exit 0
}}
trap 'failed "exit status $?"' EXIT
trap 'failed "caught a signal"' HUP INT QUIT TERM XCPU
"""
TAIL = f"""\
wait
{_CLIENT} --complete
trap - EXIT
"""


def generate_scripts(defs: nodes.Defs) -> None:
    """Write a script for every task without one, and ``head.h`` and ``tail.h`` in ECF_INCLUDE where these are missing.

    Scripts go below ECF_FILES, else ECF_HOME; each tells its events, meters and labels.

    Raises:
        EcflowError: ECF_INCLUDE is not set for a task, or a file cannot be written.
    """
    for task in _tasks(defs, ""):
        variables = seen(task)
        if "ECF_DUMMY_TASK" in variables or "ECF_NO_SCRIPT" in variables:
            continue
        include = _value(task, "ECF_INCLUDE").partition(":")[0]
        if not include:
            raise EcflowError(f"no script can be made for {task.path}: set ECF_INCLUDE, where head.h and tail.h go")
        home = _value(task, "ECF_FILES") or _value(task, "ECF_HOME") or os.curdir
        try:
            _write_missing(Path(include, "head.h"), HEAD)
            _write_missing(Path(include, "tail.h"), TAIL)
            _write_missing(Path(f"{home}{task.path}{variables.get('ECF_EXTN', '.ecf')}"), script_of(task))
        except OSError as error:
            raise EcflowError(f"no script can be made for {task.path}: {error.filename}: {error.strerror}") from None


def script_of(task: nodes.Task) -> str:
    """A script that does nothing but tell what the task is expected to tell."""
    lines = ["%manual", f"{task.name} does nothing yet: put its work in place of the lines that only report.", "%end"]
    lines += ["%include <head.h>", ""]
    lines += [f"{_CLIENT} --event={event.name_or_number}" for event in task.events]
    lines += [f"{_CLIENT} --meter={meter.name} {meter.maximum}" for meter in task.meters]
    lines += [f'{_CLIENT} --label={label.name} "at work"' for label in task.labels]
    lines += [f'echo "{task.name} done"', "", "%include <tail.h>", ""]
    return "\n".join(lines)


def _write_missing(path: Path, text: str) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
