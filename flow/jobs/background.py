"""The background runner: a job is a process of this host, in a session of its own, and outlives the
scheduler."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..engine.effects import JobSpecification
from .context import WorkflowContext
from .directory import JOB_FILE, job_directory, log_activity, make_fresh, write_file
from .exceptions import JobError
from .platforms import check_platform
from .process import HAS_PIDFD
from .script import DEFAULT_WORK_SUB_DIRECTORY, time_limit_seconds, write_job_file
from .status import append_status, format_time
from .syntax import SyntaxChecker

RUNNER = "background"
RESERVED_DESCRIPTORS = 256

# Python ignores the first two, who starts a daemon others; an ignored signal stays ignored in children.
DEFAULT_SIGNALS = (
    signal.SIGPIPE,
    signal.SIGXFSZ,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGTERM,
    signal.SIGXCPU,
)

# What a scheduler's own surroundings must not tell a job: it may itself run inside a job of another workflow.
CLUTTER_PREFIXES = ("CYLC_TASK_", "CYLC_WORKFLOW_", "CYLC_SUITE_", "CYLC_JOB_", "ISODATETIME")
CLUTTER = frozenset(
    {
        "CYLC_CYCLING_MODE",
        "CYLC_DEBUG",
        "CYLC_UTC",
        "CYLC_VERBOSE",
        "BASH_ENV",
        "COLUMNS",
        "LINES",
        "OLDPWD",
        "PWD",
        "SHLVL",
        "_",
    }
)


class StartedJob(Struct):
    """A process that was just made for a job."""

    process_id: int
    process_descriptor: int | None
    """A pidfd, to be closed by whoever watches it; None where there are none to be had."""
    time: float
    token: str


class BackgroundRunner:
    """Writes jobs and starts them; called from worker threads."""

    def __init__(self, context: WorkflowContext, *, environment: Mapping[str, str] | None = None) -> None:
        self.context = context
        self.bash = shutil.which("bash")
        self.timeout_program = shutil.which("timeout") or shutil.which("gtimeout")
        self.environment = job_process_environment(os.environ) if environment is None else environment
        self._syntax = SyntaxChecker(self.bash or "bash")

    def start(self, job: JobSpecification) -> StartedJob:
        """Make the job's directory, write its file and start it; raises `JobError` or OSError if it did not
        start."""
        directory = job_directory(self.context.job_root, job.key)
        make_fresh(directory)
        try:
            started = self._start(job, directory)
        except (JobError, OSError) as error:
            moment = format_time(time.time())
            log_activity(directory, f"[jobs-submit ret_code] 1\n[jobs-submit err] {error}\n{moment} [STDERR] {error}")
            raise
        moment = format_time(started.time)
        process_id = started.process_id
        # It runs, whatever can be written down of it: its claim and its own lines tell a later scheduler.
        with contextlib.suppress(OSError):
            append_status(
                directory,
                CYLC_JOB_RUNNER_NAME=RUNNER,
                CYLC_JOB_ID=str(process_id),
                CYLC_JOB_RUNNER_SUBMIT_TIME=moment,
            )
        log_activity(
            directory,
            f"[jobs-submit ret_code] 0\n[jobs-submit out] {moment}|{job.key}|0|{process_id}\n"
            f"{moment} [STDOUT] {process_id}",
        )
        return started

    def _start(self, job: JobSpecification, directory: Path) -> StartedJob:
        if self.bash is None:
            raise JobError("there is no bash on PATH, and jobs are bash scripts: install it")
        check_platform(job.runtime, self.environment)
        token = secrets.token_hex(8)
        job_file = write_job_file(self.context, job, token)
        path = directory / JOB_FILE
        write_file(path, job_file.text, mode=0o755)
        self._syntax.check(job_file, path)
        self._make_working_directories(job)
        command = [self.bash, "-l", str(path), "noreinvoke"]
        limit = time_limit_seconds(job.runtime)
        if limit is not None:
            if self.timeout_program is None:
                text = "there is no program 'timeout' on PATH to keep the execution time limit"
                raise JobError(f"{text}: install coreutils")
            command = [self.timeout_program, "--signal=XCPU", f"{limit:g}", *command]
        process_id = spawn(command, self.environment, directory)
        return StartedJob(process_id, open_process(process_id), time.time(), token)

    def _make_working_directories(self, job: JobSpecification) -> None:
        """Spare the job the cost of starting mkdir where the names are known; it makes the others itself."""
        run = self.context.run_directory
        cycle, task = job.key.cycle, job.key.task
        os.makedirs(run / "share" / "cycle" / cycle, exist_ok=True)
        work = job.runtime.get("work sub-directory") or DEFAULT_WORK_SUB_DIRECTORY
        if work == DEFAULT_WORK_SUB_DIRECTORY:
            os.makedirs(run / "work" / cycle / task, exist_ok=True)


def spawn(command: list[str], environment: Mapping[str, str], directory: Path) -> int:
    """Start a process in a session of its own, its output in ``job.out`` and ``job.err``; raises OSError."""
    create = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    outputs = [
        (os.POSIX_SPAWN_OPEN, 1, str(directory / "job.out"), create, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, str(directory / "job.err"), create, 0o644),
    ]
    return _spawn(command, environment, outputs)


def spawn_command(command: list[str], environment: Mapping[str, str], output: int | None) -> int:
    """Start a process in a session of its own, all it says going to a descriptor (None: nowhere); raises OSError."""
    if output is None:
        outputs: list[tuple[Any, ...]] = [
            (os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)
        ]
    else:
        outputs = [(os.POSIX_SPAWN_DUP2, output, number) for number in (1, 2)]
    return _spawn(command, environment, outputs)


def _spawn(command: list[str], environment: Mapping[str, str], outputs: Sequence[tuple[Any, ...]]) -> int:
    return os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), *outputs],
        setsid=True,
        setsigmask=[],
        setsigdef=[
            signal.SIGPIPE,
            signal.SIGXFSZ,
            signal.SIGINT,
            signal.SIGQUIT,
            signal.SIGHUP,
            signal.SIGTERM,
        ],
    )


def open_process(process_id: int) -> int | None:
    """A pidfd for a process; None if it is gone, or there are none to be had.

    The last descriptors allowed are left for files and sockets: such a job is looked at now and then.
    """
    if not HAS_PIDFD:
        return None
    try:
        descriptor = os.pidfd_open(process_id)
    except OSError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit != resource.RLIM_INFINITY and descriptor > limit - RESERVED_DESCRIPTORS:
        os.close(descriptor)
        return None
    return descriptor


def job_process_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The scheduler's environment without what is about itself."""
    return {
        name: value
        for name, value in environment.items()
        if name not in CLUTTER and not name.startswith(CLUTTER_PREFIXES)
    }
