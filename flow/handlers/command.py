"""One run of a shell command: its own session, its output kept, ended with all it started if it must be."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

OUTPUT_LIMIT_BYTES = 65536
SHELL = "/bin/sh"


class ShellCommand:
    """Runs a command with ``/bin/sh``; its results are there when `run` has returned.

    Arguments:
        command: the command line.
        directory: where to run it.
        environment: all of its environment.
    """

    def __init__(self, command: str, *, directory: Path, environment: Mapping[str, str]) -> None:
        self.command = command
        self.directory = directory
        self.environment = environment
        self.return_code: int | None = None
        """Exit status, or minus the signal that ended it; None if it could not be started."""
        self.output = ""
        self.error = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = ""

    def run(self) -> None:
        """Run it and wait for its end. What it leaves in the background is left alone."""
        try:
            # Files, not pipes: a child left in the background would hold a pipe open.
            with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
                self._process = subprocess.Popen(
                    [SHELL, "-c", self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=error,
                    cwd=self.directory,
                    env=self.environment,
                    start_new_session=True,
                )
                if self._stopped:  # between being given to a thread and having a process
                    self._kill()
                self.return_code = self._process.wait()
                self.output, self.error = _read(output), _read(error)
        except OSError as failure:
            self.error = f"could not be run: {failure.strerror}: {failure.filename}"
        if self._stopped:
            self.error = f"{self.error}\n{self._stopped}".strip("\n")

    def stop(self, reason: str) -> None:
        """Kill it and what it started; `reason` goes to the end of its error output."""
        self._stopped = reason
        self._kill()

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    text = file.read(OUTPUT_LIMIT_BYTES).decode(errors="replace").rstrip("\n")
    rest = os.fstat(file.fileno()).st_size - OUTPUT_LIMIT_BYTES
    return f"{text}\n... and {rest} bytes more" if rest > 0 else text
