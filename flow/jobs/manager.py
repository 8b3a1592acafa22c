"""Carries out what the engine wants of jobs, and turns what becomes of them into events.

The loop's thread only keeps the books; files are written and processes started in a few worker threads. News
of a job comes by its line in the FIFO, and from the end of its process, whichever is first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from msgspec import Struct

from ...exceptions import TidemillError
from ..engine.effects import JobSpecification, KillJob, PollJob
from ..engine.events import (
    Event,
    JobFailed,
    JobKey,
    JobMessage,
    JobStarted,
    JobSubmissionFailed,
    JobSubmitted,
    JobSucceeded,
)
from . import service
from .background import RUNNER, BackgroundRunner, StartedJob, open_process
from .context import WorkflowContext
from .directory import JOB_FILE, claim_for_scheduler, job_directory, log_activity
from .examine import Examination, conclude, examine, take_back
from .exceptions import NoPlatform
from .fifo import READ_BYTES, JobFifo, Line
from .process import kill_jobs, runs_job
from .status import append_status, format_time
from .watch import Ending, ProcessWatch

LOG = logging.getLogger(__name__)

SUBMIT_BATCH = 8
POLL_BATCH = 50
ENDED_KEPT = 5000
RETRY_SECONDS = 5.0
KILLED = "KILL"

T = TypeVar("T")
Report = Callable[[list[Event]], None]


class _Job(Struct, eq=False):
    """A job on the books: from the moment it is to be submitted until it has ended and its process is
    gone."""

    key: JobKey
    job_id: str = ""
    token: str | None = None
    is_submitted: bool = False
    has_started: bool = False
    has_ended: bool = False
    """Its start, its end has been reported."""
    messages_seen: int = 0
    """How many messages of job.status have been reported."""
    kill_wanted: bool = False
    waiting_lines: list[Line] = []
    """What it told before its submission was reported."""


class JobManager:
    """Submits, recovers, polls and kills the jobs of one run.

    Every method is called in the loop's thread and returns at once; answers come through `report`, in
    batches, in the same thread. Nothing raises for the sake of one job: a job that cannot be submitted is a
    `JobSubmissionFailed`.
    """

    def __init__(
        self,
        context: WorkflowContext,
        report: Report,
        loop: asyncio.AbstractEventLoop,
        *,
        threads: int = 2,
        runner: BackgroundRunner | None = None,
    ) -> None:
        self._context = context
        self._report = report
        self._loop = loop
        self._runner = runner if runner is not None else BackgroundRunner(context)
        self._submitting = ThreadPoolExecutor(threads, thread_name_prefix="tidemill-submit")
        # Apart, so that no kill waits behind a thousand submissions.
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="tidemill-jobs")
        self._jobs: dict[JobKey, _Job] = {}
        self._ended: dict[JobKey, None] = {}
        """Jobs that ended lately, oldest first."""
        self._results: deque[Callable[[list[Event]], None]] = deque()
        self._is_woken = False
        self._is_closed = False
        self._fifo: JobFifo | None = None
        self._watch: ProcessWatch[JobKey] = ProcessWatch(loop, self._process_ended)

    def start(self) -> None:
        """Make the run directory ready and listen to jobs; raises `JobError`."""
        service.install(self._context)
        self._fifo = JobFifo(self._context.fifo)
        self._loop.add_reader(self._fifo.descriptor, self._fifo_is_readable)

    def use(self, context: WorkflowContext) -> None:
        """Write jobs from now on for a changed workflow (its final cycle point, say)."""
        self._context = self._runner.context = context

    def close(self) -> None:
        """Stop listening, once the submissions under way are done. Jobs live on."""
        if self._is_closed:
            return
        for pool in (self._submitting, self._looking):
            pool.shutdown(wait=True, cancel_futures=True)
        self.drain()
        self._is_closed = True
        if self._fifo is not None:
            self._loop.remove_reader(self._fifo.descriptor)
            self._fifo.close()
        self._watch.close()

    @property
    def is_busy(self) -> bool:
        """Whether some job's submission has not been answered yet."""
        return any(not job.is_submitted for job in self._jobs.values())

    def submit(self, jobs: Sequence[JobSpecification]) -> None:
        """Write and start jobs; each is answered by `JobSubmitted` or `JobSubmissionFailed`."""
        self._in_batches(jobs, self._submit_batch)

    def recover(self, jobs: Sequence[JobSpecification]) -> None:
        """Find out whether jobs that an earlier scheduler decided to submit ever began; submit those that did
        not."""
        self._in_batches(jobs, self._recover_batch)

    def poll(self, polls: Sequence[PollJob]) -> None:
        """Look at jobs: what has not been reported yet is, and those alive are watched from now on."""
        for poll in polls:
            if poll.key not in self._jobs:
                has_started = not poll.submitted_only
                job = _Job(poll.key, poll.job_id, is_submitted=True, has_started=has_started)
                self._jobs[poll.key] = job
        chosen = [poll for poll in polls if self._jobs[poll.key].is_submitted]
        for start in range(0, len(chosen), POLL_BATCH):
            self._work(self._poll_batch, chosen[start : start + POLL_BATCH])

    def kill(self, kills: Sequence[KillJob]) -> None:
        """End jobs and all they started; answered by `JobFailed`, or `JobSubmissionFailed` if they had not
        begun."""
        ready = []
        for kill in kills:
            job = self._jobs.get(kill.key)
            if job is None:
                self._jobs[kill.key] = _Job(kill.key, kill.job_id, is_submitted=True)
            elif not job.is_submitted:
                job.kill_wanted = True
                continue
            ready.append(kill)
        if ready:
            self._work(self._kill_batch, ready)

    async def looked(self) -> None:
        """Return once every poll and kill asked for up to now has been made, and what they found reported."""
        with contextlib.suppress(RuntimeError):  # closing
            # One thread does it all, one after the other.
            last = asyncio.wrap_future(self._looking.submit(_nothing))
            await asyncio.wait([last])
        self.drain()

    def drain(self) -> None:
        """Report all that jobs have told up to now.

        To be called before a network message is handled: a job says that it started before it says anything
        else.
        """
        self._collect(None)

    # In the loop's thread: news in, events out.

    def _in_batches(self, jobs: Sequence[JobSpecification], work: Callable[[Sequence[JobSpecification]], None]) -> None:
        for job in jobs:
            self._jobs[job.key] = _Job(job.key)
            self._ended.pop(job.key, None)
            self._watch.forget(job.key)
        for start in range(0, len(jobs), SUBMIT_BATCH):
            self._submitting.submit(work, jobs[start : start + SUBMIT_BATCH])

    def _work(self, work: Callable[[Sequence[T]], None], items: Sequence[T]) -> None:
        # While closing, what is found out now is found out again by the next scheduler.
        with contextlib.suppress(RuntimeError):
            self._looking.submit(work, items)

    def _fifo_is_readable(self) -> None:
        self._collect(READ_BYTES)

    def _wake(self) -> None:
        self._is_woken = False
        self._collect(0)

    def _collect(self, limit_bytes: int | None) -> None:
        """Take what the workers have done, then what the jobs have told, and report it."""
        if self._is_closed:
            return
        events: list[Event] = []
        while self._results:
            self._results.popleft()(events)
        if self._fifo is not None and limit_bytes != 0:
            for line in self._fifo.read(limit_bytes):
                self._told(line, events)
        if events:
            self._report(events)

    def _told(self, line: Line, events: list[Event]) -> None:
        """A job's line: news of a job on the books, or of one of a former scheduler that has not been polled
        yet."""
        job = self._jobs.get(line.key)
        if line.kind == "message":
            self._told_message(line, events)
            return
        if job is not None:
            if job.token is not None and job.token != line.token:
                return  # A straggler of another run that used the same directory.
            if not job.is_submitted:
                job.waiting_lines.append(line)
                return
            if job.has_ended:
                return
        moment = event_time(line.time)
        match line.kind:
            case "started":
                # A look at the job may have been quicker than its own line.
                if job.has_started if job is not None else line.key in self._ended:
                    return
                if job is not None:
                    job.has_started = True
                events.append(JobStarted(moment, line.key))
            case "succeeded":
                self._end(line.key, JobSucceeded(moment, line.key), events)
            case "failed":
                self._end(line.key, JobFailed(moment, line.key, line.detail or "ERR"), events)
            case "aborted":
                # Its text may be long: it is in job.status.
                self.poll([PollJob(line.key, job.job_id if job is not None else "", submitted_only=True)])
            case _:
                pass

    def _told_message(self, line: Line, events: list[Event]) -> None:
        """A message that its job could not send over the network; a long one is in job.status only."""
        job = self._jobs.get(line.key)
        if job is not None and not job.is_submitted:
            job.waiting_lines.append(line)
            return
        severity, _, text = line.detail.partition(":")
        if text:
            events.append(JobMessage(event_time(line.time), line.key, severity, text))
        else:
            self.poll([PollJob(line.key, job.job_id if job is not None else "", submitted_only=True)])

    def _end(self, key: JobKey, event: Event, events: list[Event]) -> None:
        """Report the end of a job, once; it stays on the books while its process is watched."""
        job = self._jobs.get(key)
        if job is None:
            # Off the books: one that has ended lately may still have its own line about it in the FIFO.
            if key in self._ended:
                return
        elif job.has_ended:
            return
        else:
            job.has_ended = True
            if key not in self._watch:
                del self._jobs[key]
        self._ended[key] = None
        if len(self._ended) > ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
        events.append(event)

    def _process_ended(self, key: JobKey, ending: Ending) -> None:
        """The process of a job is gone: mostly it has told its end, else find out."""
        self._collect(None)
        job = self._jobs.get(key)
        if job is None:
            return
        if job.has_ended:
            del self._jobs[key]
        else:
            self._work(self._conclude_batch, [(key, job.job_id, ending)])

    def _submitted(self, key: JobKey, started: StartedJob, events: list[Event]) -> None:
        job = self._jobs[key]
        job.job_id = str(started.process_id)
        job.token = started.token
        job.is_submitted = True
        job_file = job_directory(self._context.job_root, key) / JOB_FILE
        self._watch.watch(key, started.process_id, job_file, started.process_descriptor)
        events.append(JobSubmitted(started.time, key, job.job_id, RUNNER))
        self._catch_up(job, events)

    def _catch_up(self, job: _Job, events: list[Event]) -> None:
        """Do what had to wait until the submission was reported."""
        lines, job.waiting_lines = job.waiting_lines, []
        for line in lines:
            self._told(line, events)
        if job.kill_wanted:
            job.kill_wanted = False
            self._work(self._kill_batch, [KillJob(job.key, job.job_id)])

    def _not_submitted(self, key: JobKey, reason: str, events: list[Event], platform: str = "") -> None:
        """`platform`: the one that was asked for, if there is none of that name."""
        self._jobs.pop(key, None)
        events.append(JobSubmissionFailed(time.time(), key, reason, reason, is_final=bool(platform), platform=platform))

    def _recovered(self, examination: Examination, descriptor: int | None, events: list[Event]) -> None:
        """A job that a former scheduler started, and nobody heard of."""
        key, status = examination.key, examination.status
        job = self._jobs[key]
        job.job_id = status.job_id or examination.claim or ""
        job.token = examination.token
        job.is_submitted = True
        job.waiting_lines.clear()
        moment = status.submit_time or status.start_time or time.time()
        events.append(JobSubmitted(moment, key, job.job_id, RUNNER))
        self._examined(examination, descriptor, events)
        self._catch_up(job, events)

    def _examined(self, examination: Examination, descriptor: int | None, events: list[Event]) -> None:
        """What a look at a job has shown."""
        key = examination.key
        job = self._jobs.get(key)
        process_id = examination.process_id
        if job is not None and job.token is None:
            job.token = examination.token
        if process_id is not None and job is not None and key not in self._watch:
            self._watch.watch(key, process_id, examination.directory / JOB_FILE, descriptor)
        elif descriptor is not None:
            os.close(descriptor)
        if job is None:
            return  # Its end has been reported meanwhile.
        messages = 0
        for event in examination.events:
            match event:
                case JobSubmissionFailed() if job.has_started:
                    # Its files are gone, but it was heard to start.
                    self._end(key, JobFailed(event.time, key, "EXIT"), events)
                case JobSucceeded() | JobFailed() | JobSubmissionFailed():
                    self._end(key, event, events)
                case _ if job.has_ended:
                    pass
                case JobStarted():
                    if not job.has_started:
                        job.has_started = True
                        events.append(event)
                case _:
                    messages += 1
                    if messages > job.messages_seen:
                        job.messages_seen = messages
                        events.append(event)

    # In worker threads: each ends by putting what is to be done with its findings into the results.

    def _put(self, result: Callable[[list[Event]], None]) -> None:
        self._results.append(result)
        if not self._is_woken:
            self._is_woken = True
            # A closed loop has nobody left to be told.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def _submit_batch(self, jobs: Sequence[JobSpecification]) -> None:
        for job in jobs:
            self._submit_one(job)

    def _submit_one(self, job: JobSpecification) -> None:
        key = job.key
        try:
            started = self._runner.start(job)
        except Exception as error:
            reason = submission_problem(key, error)
            platform = error.platform if isinstance(error, NoPlatform) else ""
            self._put(lambda events: self._not_submitted(key, reason, events, platform))
        else:
            self._put(lambda events: self._submitted(key, started, events))

    def _recover_batch(self, jobs: Sequence[JobSpecification]) -> None:
        for job in jobs:
            self._recover_one(job)

    def _recover_one(self, job: JobSpecification) -> None:
        key = job.key
        try:
            examination = take_back(self._context, key)
        except Exception as error:
            # Whether it began cannot be known, so it must not be started again.
            reason = f"cannot find out whether {key} began before the scheduler stopped: {describe(error)}"
            self._put(lambda events: self._not_submitted(key, reason, events))
            return
        if examination is None:
            self._submit_one(job)
            return
        found = examination
        descriptor = self._descriptor(found)
        self._put(lambda events: self._recovered(found, descriptor, events))

    def _poll_batch(self, polls: Sequence[PollJob]) -> None:
        for poll in polls:
            self._look(poll.key, poll.job_id, Ending())

    def _conclude_batch(self, ended: Sequence[tuple[JobKey, str, Ending]]) -> None:
        for key, job_id, ending in ended:
            self._look(key, job_id, ending)

    def _look(self, key: JobKey, job_id: str, ending: Ending) -> None:
        try:
            examination = examine(self._context, key, job_id)
            descriptor = self._descriptor(examination)
            conclude(examination, ending.text, ending.signal)
        except Exception:
            LOG.exception("cannot find out how job %s is: trying again", key)
            again = (self._work, self._conclude_batch, [(key, job_id, ending)])
            self._put(lambda _: self._later(*again))
            return
        self._put(lambda events: self._examined(examination, descriptor, events))

    def _later(self, work: Callable[..., None], *arguments: Any) -> None:
        self._loop.call_later(RETRY_SECONDS, work, *arguments)

    def _descriptor(self, examination: Examination) -> int | None:
        """A pidfd of a job found alive; notices if it ended while it was opened."""
        process_id = examination.process_id
        if process_id is None:
            return None
        descriptor = open_process(process_id)
        if not runs_job(process_id, examination.directory / JOB_FILE):
            if descriptor is not None:
                os.close(descriptor)
            again = examine(self._context, examination.key)
            examination.status, examination.events = again.status, again.events
            examination.process_id = None
            return None
        return descriptor

    def _kill_batch(self, kills: Sequence[KillJob]) -> None:
        try:
            alive = []
            for kill in kills:
                examination = examine(self._context, kill.key, kill.job_id)
                if examination.token is not None:
                    # One that has not begun must not, should it slip through.
                    with contextlib.suppress(OSError):
                        claim_for_scheduler(examination.directory, examination.token)
                if examination.process_id is not None:
                    alive.append(examination)
                else:
                    self._look(kill.key, kill.job_id, Ending())
            kill_jobs(examination.process_id for examination in alive if examination.process_id is not None)
            for examination in alive:
                self._killed(examination)
        except Exception:
            LOG.exception("cannot kill jobs: %s", ", ".join(str(kill.key) for kill in kills))

    def _killed(self, examination: Examination) -> None:
        key, directory = examination.key, examination.directory
        moment = format_time(time.time())
        log_activity(directory, f"[jobs-kill ret_code] 0\n[jobs-kill out] {moment}|{key}|0")
        now = examine(self._context, key)
        if now.status.exit is None and now.status.start_time is not None:
            try:
                append_status(directory, CYLC_JOB_EXIT=KILLED, CYLC_JOB_EXIT_TIME=moment)
            except OSError as error:
                LOG.warning("cannot write down in %s that job %s was killed: %s", directory, key, error)
        conclude(now, "killed", KILLED)
        if not any(isinstance(event, JobSucceeded | JobFailed | JobSubmissionFailed) for event in now.events):
            now.events.append(JobFailed(time.time(), key, KILLED))
        now.process_id = None
        self._put(lambda events: self._examined(now, None, events))


def event_time(told: float | None) -> float:
    """The time of an event a job told: files have whole seconds, and what is told now happened now."""
    now = time.time()
    return told if told is not None and not 0 <= now - told < 2 else now


def describe(error: Exception) -> str:
    """An error as one reason for a person."""
    if isinstance(error, TidemillError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}"


def submission_problem(key: JobKey, error: Exception) -> str:
    """Why a job could not be submitted."""
    if not isinstance(error, TidemillError | OSError):
        LOG.error("job %s could not be submitted", key, exc_info=error)
    return describe(error)


def _nothing() -> None:
    """The last in a queue, for who waits for all before it."""
