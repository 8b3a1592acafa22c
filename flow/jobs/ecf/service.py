"""What a suite server needs before its first job: the commands that jobs call."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..directory import write_file
from ..exceptions import JobError

CLIENT = "ecflow_client"


def install(service_directory: Path, program: Sequence[str]) -> Path:
    """Write the shims of a server; returns the directory to put first on the PATH of jobs. Raises `JobError`.

    Beside all servers, in ``.ecflow/bin``, goes an ``ecflow_client`` for people, to put on theirs.

    Arguments:
        service_directory: of the server.
        program: how our own program is started.
    """
    bash = shutil.which("bash")
    if bash is None:
        raise JobError("there is no bash on PATH, and ecflow_client inside jobs is a bash script: install it")
    commands = service_directory / "bin"
    text = (Path(__file__).parent.parent / "shims" / f"{CLIENT}.in").read_text()
    text = text.replace("@BASH@", bash).replace("@PROGRAM@", shlex.join(program))
    own = f'#!/bin/sh\nexec {shlex.join(program)} ecflow "$@"\n'
    people = service_directory.parent.parent / "bin"
    tidemill = f'#!/bin/sh\nexec {shlex.join(program)} "$@"\n'
    try:
        commands.mkdir(parents=True, exist_ok=True)
        write_file(commands / CLIENT, text, mode=0o755)
        write_file(commands / "tidemill", tidemill, mode=0o755)
        people.mkdir(exist_ok=True)
        write_file(people / CLIENT, own, mode=0o755)
    except OSError as error:
        raise JobError(f"cannot prepare {commands} for jobs: {error.strerror}: {error.filename}") from error
    return commands
