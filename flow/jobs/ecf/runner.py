"""Carries out what the engine of suites wants of jobs: job files are made, ECF_JOB_CMD and other commands run.

The loop's thread only keeps the books; files are written and processes started in a few worker threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from attrs import define

from ...engine.events import Event
from ...suite.effects import GenerateJob, KillTask, StatusTask, SubmitTask
from ...suite.events import JobCommandEnded, KillCommandFailed, StatusCommandFailed, SubmissionFailed
from ...suite.exceptions import SuiteError
from ...suite.variables import substitute
from ..background import open_process, spawn_command
from ..directory import write_file
from ..exceptions import JobError
from ..watch import Ending, ProcessWatch
from .exceptions import JobCommandError, ScriptError
from .preprocess import make_job
from .search import Script, find_script

SUBMIT_BATCH = 4
COMMAND_TIMEOUT_SECONDS = 60
REASON_BYTES = 2000
JOB_COMMAND = "%ECF_JOB% 1> %ECF_JOBOUT% 2>&1"

Report = Callable[[list[Event]], None]


class Submission(NamedTuple):
    """One submission of one task."""

    path: str
    try_number: int
    password: str


@define
class _Started:
    """A command that runs."""

    process_id: int
    descriptor: int | None
    output: int | None
    """What it says itself, apart from the job's output: an open, unnamed file."""


class SuiteJobs:
    """Makes, starts, kills and asks after the jobs of one server.

    Every method is called in the loop's thread and returns at once; what becomes of jobs comes through `report`, in the
    same thread. Nothing raises for the sake of one job.

    Arguments:
        service_directory: where ``started``, the list of what was started, is kept.
        environment: of the processes; the shims come first on its PATH.
        report: takes events.
        loop: everything is called in its thread.
    """

    def __init__(
        self,
        service_directory: Path,
        environment: Mapping[str, str],
        report: Report,
        loop: asyncio.AbstractEventLoop,
        *,
        threads: int = 2,
    ) -> None:
        self._environment = environment
        self._report = report
        self._loop = loop
        self._submitting = ThreadPoolExecutor(threads, thread_name_prefix="tidemill-submit")
        self._commanding = ThreadPoolExecutor(4, thread_name_prefix="tidemill-command")
        self._watch: ProcessWatch[Submission] = ProcessWatch(loop, self._command_ended)
        self._spawning = threading.Lock()
        """Held while a job file is open for writing, and while a process is started: one that came between would have
        the file open too, for the moment before it runs its own program, and the job could not be run ("Text file
        busy")."""
        self._running: dict[Submission, _Started] = {}
        self._journal = StartedJournal(service_directory / "started")
        self._is_closed = False

    # -- in the loop's thread ------------------------------------------------------------------------------------------

    def submit(self, tasks: Sequence[SubmitTask]) -> None:
        """Make and start jobs; those that fail are answered by `SubmissionFailed`."""
        for first in range(0, len(tasks), SUBMIT_BATCH):
            self._in_thread(self._submitting, self._submit, list(tasks[first : first + SUBMIT_BATCH]))

    def generate(self, task: GenerateJob) -> None:
        """Make a job file and leave it at that; a failure is answered by `SubmissionFailed`."""
        self._in_thread(self._submitting, self._generate, task)

    def kill(self, task: KillTask) -> None:
        """Run a task's ECF_KILL_CMD."""
        self._in_thread(self._commanding, self._command, task.path, task.command, KillCommandFailed)

    def status(self, task: StatusTask) -> None:
        """Run a task's ECF_STATUS_CMD."""
        self._in_thread(self._commanding, self._command, task.path, task.command, StatusCommandFailed)

    def was_started(self, submission: Submission) -> bool:
        """Whether an earlier server is known to have started this."""
        return submission in self._journal.earlier

    def close(self) -> None:
        """Stop watching, once the submissions under way are done. Jobs live on."""
        if self._is_closed:
            return
        for pool in (self._submitting, self._commanding):
            pool.shutdown(wait=True, cancel_futures=True)
        self._is_closed = True
        self._watch.close()
        for started in self._running.values():
            if started.output is not None:
                os.close(started.output)
        self._running.clear()
        self._journal.close()

    def _in_thread(self, pool: ThreadPoolExecutor, function: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the pool is shut down: the server ends
            pool.submit(function, *arguments)

    def _tell(self, events: list[Event]) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._report, events)

    def _was_started(self, submission: Submission, job_file: Path, started: _Started) -> None:
        if self._is_closed:
            return
        self._running[submission] = started
        self._watch.watch(submission, started.process_id, job_file, started.descriptor)

    def _command_ended(self, submission: Submission, ending: Ending) -> None:
        started = self._running.pop(submission, None)
        reason = ending.text
        if started is not None and started.output is not None:
            with contextlib.suppress(OSError):
                said = os.pread(started.output, REASON_BYTES, 0).decode(errors="replace").strip()
                reason = f"{reason}: {said}" if said else reason
            os.close(started.output)
        event = JobCommandEnded(
            time.time(),
            submission.path,
            submission.try_number,
            ending.code or 0,
            reason,
            submission.password,
        )
        self._report([event])

    # -- in worker threads ---------------------------------------------------------------------------------------------

    def _submit(self, tasks: list[SubmitTask]) -> None:
        for task in tasks:
            submission = Submission(task.path, task.try_number, task.password)
            try:
                job_file, started = self._start(task, submission)
            except (ScriptError, SuiteError, JobError, OSError) as error:
                self._tell([_failure(task, error)])
                continue
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._was_started, submission, job_file, started)

    def _start(self, task: SubmitTask, submission: Submission) -> tuple[Path, _Started]:
        variables = ChainMap(dict(task.user_variables), dict(task.variables))
        if variables.get("ECF_NO_SCRIPT"):
            job_file = Path(substitute(variables.get("ECF_JOB", ""), variables))
        else:
            job_file = self._write(task, variables)
        output = Path(substitute(variables["ECF_JOBOUT"], variables))
        command = substitute(variables.get("ECF_JOB_CMD") or JOB_COMMAND, variables)
        output.parent.mkdir(parents=True, exist_ok=True)
        environment = {
            **self._environment,
            "ECF_NAME": task.path,
            "ECF_PASS": task.password,
            "ECF_TRYNO": str(task.try_number),
            "ECF_HOST": variables.get("ECF_HOST", ""),
            "ECF_PORT": variables.get("ECF_PORT", ""),
        }
        said = open_unnamed()
        try:
            with self._spawning:
                process_id = spawn_command(["/bin/sh", "-c", command], environment, said)
        except OSError as error:
            if said is not None:
                os.close(said)
            raise JobCommandError(f"{task.path}: {command} cannot be run: {error.strerror}") from error
        # After, not before: should the server die in between, the job is started again, and as both have the password
        # only one gets past its init.
        self._journal.add(submission)
        return job_file, _Started(process_id, open_process(process_id), said)

    def _generate(self, task: GenerateJob) -> None:
        try:
            self._write(task, task.variables)
        except (ScriptError, SuiteError, JobError, OSError) as error:
            self._tell([_failure(task, error)])

    def _write(self, task: SubmitTask | GenerateJob, variables: Mapping[str, str]) -> Path:
        if isinstance(task, SubmitTask) and task.script is not None:
            text = task.script
            if not task.is_preprocessed:
                text = make_job(task.path, Script(text, f"the edited script of {task.path}"), variables)
        else:
            text = make_job(task.path, find_script(task.path, variables), variables)
        job_file = Path(substitute(variables["ECF_JOB"], variables))
        job_file.parent.mkdir(parents=True, exist_ok=True)
        with self._spawning:
            write_file(job_file, text, mode=0o755)
        return job_file

    def _command(self, path: str, command: str, failure: type[KillCommandFailed] | type[StatusCommandFailed]) -> None:
        try:
            with self._spawning:
                process = subprocess.Popen(
                    ["/bin/sh", "-c", command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=dict(self._environment),
                )
            with process:
                try:
                    told, complained = process.communicate(timeout=COMMAND_TIMEOUT_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
        except subprocess.TimeoutExpired:
            reason = f"took more than {COMMAND_TIMEOUT_SECONDS} s"
        except OSError as error:
            reason = str(error)
        else:
            if process.returncode == 0:
                return
            said = (complained or told)[:REASON_BYTES].decode(errors="replace").strip()
            reason = f"ended with status {process.returncode}" + (f": {said}" if said else "")
        self._tell([failure(time.time(), path, f"{command}: {reason}")])


class StartedJournal:
    """The list of what was started, so that a server that was killed knows which of its decisions it carried out."""

    def __init__(self, path: Path) -> None:
        self.earlier: frozenset[Submission] = frozenset(_read_started(path))
        """What servers before this one started, as far as it may still matter."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        for submission in self.earlier:
            self.add(submission)

    def add(self, submission: Submission) -> None:
        """Note that a job is being started; one write, from any thread."""
        os.write(self._descriptor, f"{submission.path}\t{submission.try_number}\t{submission.password}\n".encode())

    def close(self) -> None:
        """No more will be added."""
        os.close(self._descriptor)


def _read_started(path: Path) -> list[Submission]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return []
    latest: dict[str, Submission] = {}
    for line in lines:
        words = line.split("\t")
        if len(words) == 3 and words[1].isdecimal():
            latest[words[0]] = Submission(words[0], int(words[1]), words[2])
    return list(latest.values())


def open_unnamed() -> int | None:
    """A file without a name, gone when it is closed; None where there are none to be had."""
    if not hasattr(os, "memfd_create"):
        return None
    with contextlib.suppress(OSError):
        return os.memfd_create("job-command", os.MFD_CLOEXEC)
    return None


def _failure(task: SubmitTask | GenerateJob, error: Exception) -> SubmissionFailed:
    flag = error.flag if isinstance(error, ScriptError) else ScriptError.flag
    reason = str(error)
    if isinstance(error, OSError):
        reason = f"{task.path}: {error.strerror}: {error.filename}"
    return SubmissionFailed(time.time(), task.path, task.try_number, flag.value, reason)
