"""Find out from its directory and its process what became of a job: for polls, restarts, and ends without a
word."""

from __future__ import annotations

import time
from pathlib import Path

from msgspec import Struct

from ..engine.events import (
    Event,
    JobFailed,
    JobKey,
    JobMessage,
    JobStarted,
    JobSubmissionFailed,
    JobSucceeded,
)
from .context import WorkflowContext
from .directory import (
    JOB_FILE,
    SCHEDULER_CLAIM,
    claim_for_scheduler,
    job_directory,
    log_activity,
    read_claim,
    written_token,
)
from .process import find_job, runs_job, session_of
from .status import SUCCEEDED, JobStatus, append_status, format_time, process_number, read_status

CLAIM_WRITING_SECONDS = 1.0
LOG_TAIL_BYTES = 2000


class Examination(Struct):
    """What is known of a job."""

    key: JobKey
    directory: Path
    status: JobStatus
    token: str | None
    """Of the job file in the directory; None if this run wrote none."""
    claim: str | None
    process_id: int | None
    """The process to watch: the session's leader if it lives, else the job's shell; None if the job is not
    alive."""
    events: list[Event] = []

    @property
    def began(self) -> bool:
        """Whether the job took the right to run."""
        return bool(self.claim) and self.claim != SCHEDULER_CLAIM


def examine(context: WorkflowContext, key: JobKey, job_id: str = "") -> Examination:
    """Look at a job's directory and process. Changes nothing."""
    directory = job_directory(context.job_root, key)
    job_file = directory / JOB_FILE
    token = written_token(directory, context.uuid)
    claim = read_claim(directory, token) if token is not None else None
    status = read_status(directory)
    process_id = None
    named = process_number(job_id or status.job_id)
    for number in (named, status.process_id or 0, process_number(claim)):
        if runs_job(number, job_file):
            process_id = number
            break
    if process_id is None:
        # It may have written more, and even have begun, before it was found dead.
        status = read_status(directory)
        claim = read_claim(directory, token) if token is not None else None
    examination = Examination(key, directory, status, token, claim, process_id)
    examination.events = _events(examination)
    return examination


def _events(examination: Examination) -> list[Event]:
    """What job.status tells, in the order it happened."""
    key, status = examination.key, examination.status
    now = time.time()
    events: list[Event] = []
    if status.start_time is not None:
        events.append(JobStarted(status.start_time, key))
    for moment, severity, text in status.messages:
        events.append(JobMessage(moment if moment is not None else now, key, severity, text))
    if status.exit is not None:
        end = status.exit_time if status.exit_time is not None else now
        if status.exit == SUCCEEDED:
            events.append(JobSucceeded(end, key))
        else:
            abort = status.abort_text
            signal = "EXIT" if abort is not None else status.exit
            events.append(JobFailed(end, key, signal, abort or ""))
    return events


def conclude(examination: Examination, ending: str = "", signal: str = "EXIT") -> None:
    """Settle a job whose process is gone and that did not say how it ended: adds the event and writes it
    down.

    `ending` says how the process ended, as far as known; `signal` is the name for `JobFailed`.
    """
    status, key, directory = examination.status, examination.key, examination.directory
    if status.exit is not None or examination.process_id is not None:
        return
    now = time.time()
    try:
        if examination.token is not None and examination.claim is None:
            claim_for_scheduler(directory, examination.token)
        append_status(directory, CYLC_JOB_RUNNER_EXIT_POLLED=format_time(now))
    except OSError:
        pass
    moment = format_time(now)
    log_activity(directory, f"[jobs-poll ret_code] 0\n[jobs-poll out] {moment}|{key}|gone without a word {ending}")
    if status.start_time is not None:
        examination.events.append(JobFailed(now, key, signal))
        return
    reason = "the job ended before it began"
    if ending:
        reason += f" ({ending})"
    examination.events.append(JobSubmissionFailed(now, key, f"{reason}: see {directory}", last_words(directory)))


def last_words(directory: Path) -> str:
    """The end of ``job.err``."""
    try:
        with open(directory / "job.err", "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""


def take_back(context: WorkflowContext, key: JobKey) -> Examination | None:
    """Make sure a job that was perhaps started can no longer begin, or find that it began.

    Returns None if it never began and never will (it may be submitted anew), else what is known of it. Raises
    OSError.
    """
    directory = job_directory(context.job_root, key)
    token = written_token(directory, context.uuid)
    if token is None:
        return None
    if claim_for_scheduler(directory, token) or read_claim(directory, token) == SCHEDULER_CLAIM:
        return None
    deadline = time.monotonic() + CLAIM_WRITING_SECONDS
    while not read_claim(directory, token) and time.monotonic() < deadline:
        time.sleep(0.01)
    examination = examine(context, key)
    if not examination.claim:
        # It died while it wrote its claim, before anything of the user's ran; or it was stopped right there.
        process_id = find_job(directory / JOB_FILE)
        if process_id is None:
            return None
        examination.process_id = process_id
    if not examination.status.job_id and examination.process_id is not None:
        examination.status.job_id = str(session_of(examination.process_id) or examination.process_id)
    if examination.process_id is None:
        conclude(examination)
    return examination
