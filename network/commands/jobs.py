"""The table of jobs of a command server: what was started, what it has put out, how it ended.

A job has a directory: ``job`` tells what it is, ``out``, ``err`` or ``values`` hold its output, ``end`` how it ended.
They outlive the server; the next one of the same directory reads them, and goes on with the jobs that still run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from ...contact import process as processes
from ..envelope import Attached
from ..exceptions import RequestRefused
from ..growth import FileGrowth
from .exceptions import JobNotStarted, NoSuchJob
from .keeper import END, ERRORS, INPUT, OUTPUT
from .keeping import Keeping

DESCRIPTION = "job"
VALUES = "values"
STREAMS = (OUTPUT, ERRORS, VALUES)
PROCESS = "process"
METHOD = "method"

KEPT_SECONDS = 24 * 3600.0
"""How long a job that has ended stays listed."""
KEPT_JOBS = 1000
"""How many of those that ended do, at most."""
MOST_BYTES = 8 << 20
"""The most output that one answer holds."""
LONGEST_WAIT_SECONDS = 60.0
_INPUT_SECONDS = 30.0
_KEEPER_SECONDS = 2.0
"""In which the keeper is expected to do what it is asked."""
_PRUNE_SECONDS = 600.0


@define(eq=False)
class Job:
    """A command at work, or one that has ended."""

    number: int
    kind: str
    command: Any
    """A text for the shell, or a list of words; the name of a method."""
    directory: Path
    working_directory: str = ""
    client: str = ""
    """The name of the key it was started with."""
    request: str = ""
    """The id of the request that started it: repeated, it starts no other."""
    begun: float = 0.0
    process: int | None = None
    process_start: str | None = None
    boot: str = ""
    ended: float | None = None
    exit_code: int | None = None
    result: Any = None
    problem: str = ""
    waiting: set[asyncio.Future[None]] = field(factory=set)
    method: Any = None
    """What runs a method, for as long as it does."""

    def describe(self) -> dict[str, Any]:
        """What a client is told of it."""
        about: dict[str, Any] = {
            "id": self.number,
            "command": self.command,
            "kind": self.kind,
            "state": "running" if self.ended is None else "ended",
            "begun": self.begun,
            "process": self.process,
            "cwd": self.working_directory,
            "client": self.client,
        }
        if self.ended is not None:
            about.update(ended=self.ended, exit_code=self.exit_code, problem=self.problem)
            if self.kind == METHOD:
                about["result"] = self.result
        return about

    def wake(self) -> None:
        """Let those who wait for output look again."""
        for future in self.waiting:
            if not future.done():
                future.set_result(None)


class JobTable:
    """The jobs of one directory.

    Arguments:
        directory: where they are; made if it is not there.
        log: as `Services.log`.
    """

    def __init__(self, directory: Path, log: Any) -> None:
        self._directory = directory
        self._log = log
        self._jobs: dict[int, Job] = {}
        self._requests: dict[str, int] = {}
        self._boot = processes.boot()
        self._next = 0
        self._next_prune = 0.0
        self._stopping = False
        self._descriptors: set[int] = set()
        self._keeping = Keeping(directory, self._process_ended, self._keeper_lost)

    async def open(self) -> None:
        """Read what an earlier server left, and go on with what still runs.

        Raises:
            OSError: the directory cannot be made or read.
        """
        self._loop = asyncio.get_running_loop()
        self._growth = FileGrowth(self._loop)
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        kept = await self._keeping.find()
        for name in os.listdir(self._directory):
            if name.isdecimal():
                self._take_up(int(name), kept)
        self._next = max(self._jobs, default=-1) + 1
        self._prune()

    async def close(self, *, end_jobs: bool) -> None:
        """Close the table; the jobs go on, or are ended."""
        self._stopping = True
        running = [job for job in self._jobs.values() if job.ended is None]
        for job in running:
            if job.kind == METHOD:
                job.method.cancel()
        if end_jobs:
            await asyncio.gather(*(self.kill(job.number, grace_seconds=2.0) for job in running))
        for job in self._jobs.values():
            job.wake()
        await self._keeping.close(quit=end_jobs)
        for descriptor in self._descriptors:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
        self._descriptors.clear()
        self._growth.close()

    # --- looking ---

    def __len__(self) -> int:
        return sum(job.ended is None for job in self._jobs.values())

    def describe(self) -> list[dict[str, Any]]:
        """Every job there is, by number."""
        return [self._jobs[number].describe() for number in sorted(self._jobs)]

    def get(self, number: int) -> Job:
        """A job; raises `NoSuchJob`."""
        job = self._jobs.get(number)
        if job is None:
            raise NoSuchJob(f"There is no job {number}: it was never started, or ended long ago; 'jobs' lists them")
        return job

    async def read(self, number: int, stream: str, offset: int, wait_seconds: float, max_bytes: int) -> Attached:
        """The output of a job from an offset on.

        The data beside it has the ``offset`` it begins at, and ``end``: whether this is the last there will be; then
        ``job`` too. Waits until there is something.
        """
        job = self.get(number)
        if stream not in STREAMS:
            raise RequestRefused(f"A job has no stream {stream!r}: it is one of {', '.join(STREAMS)}")
        if offset < 0:
            raise RequestRefused(f"{offset} is not an offset")
        path = job.directory / stream
        deadline = self._loop.time() + min(max(wait_seconds, 0.0), LONGEST_WAIT_SECONDS)
        length = min(max(max_bytes, 1), MOST_BYTES)
        while True:
            # In this order: what was written before the end is there when the end is seen.
            ended = job.ended is not None
            data, size = read_piece(path, offset, length)
            if offset > size:
                raise RequestRefused(f"Job {number} has put out {size} bytes: none are at offset {offset}")
            end = ended and offset + len(data) >= size
            left = deadline - self._loop.time()
            if data or end or left <= 0 or self._stopping:
                about: dict[str, Any] = {"offset": offset, "end": end}
                if end:
                    about["job"] = job.describe()
                return Attached(about, data)
            await self._wait(job, left, path, size)

    async def wait_for_end(self, job: Job, seconds: float) -> bool:
        """Whether a job has ended, at the latest after some seconds."""
        deadline = self._loop.time() + seconds
        while job.ended is None and (left := deadline - self._loop.time()) > 0:
            await self._wait(job, left)
        return job.ended is not None

    async def _wait(self, job: Job, seconds: float, path: Path | None = None, size: int = 0) -> None:
        future: asyncio.Future[None] = self._loop.create_future()
        job.waiting.add(future)
        try:
            if path is not None and job.kind == PROCESS:
                await self._growth.wait(path, size, seconds, future)
            else:
                await asyncio.wait((future,), timeout=seconds)
        finally:
            job.waiting.discard(future)

    # --- starting and ending ---

    def find_request(self, request: str) -> Job | None:
        """The job that a request started before."""
        number = self._requests.get(request)
        return self._jobs.get(number) if number is not None else None

    def add(self, kind: str, command: Any, *, client: str, request: str, working_directory: str) -> Job:
        """Make a job's directory and write down what it is.

        Raises:
            JobNotStarted: it cannot be written.
        """
        if time.time() > self._next_prune:
            self._prune()
        number, self._next = self._next, self._next + 1
        directory = self._directory / str(number)
        job = Job(number, kind, command, directory, working_directory, client, request, time.time())
        try:
            os.mkdir(directory, 0o700)
            self._write(job)
        except OSError as error:
            shutil.rmtree(directory, ignore_errors=True)
            raise JobNotStarted(
                f"Cannot write down the job in {directory}: {error.strerror}", errno=error.errno or 0
            ) from None
        self._jobs[number] = job
        if request:
            self._requests[request] = number
        return job

    async def start(
        self,
        job: Job,
        argv: list[str],
        *,
        environment: Mapping[str, str],
        merge: bool,
        input: bool,
        time_limit_seconds: float | None,
    ) -> None:
        """Start the process of a job; raises `JobNotStarted`, and then there is no such job."""
        order = {
            "argv": argv,
            "cwd": job.working_directory,
            "env": dict(environment),
            "directory": str(job.directory),
            "merge": merge,
            "input": input,
            "time_limit": time_limit_seconds,
        }
        try:
            job.process, job.process_start = await self._keeping.start(job.number, order)
        except BaseException:
            self._forget(job)
            raise
        # To ask of a process that has ended by now would be slow.
        if job.process_start is None and job.ended is None:
            job.process_start = processes.start_mark(job.process)
        job.boot = self._boot
        with contextlib.suppress(OSError):
            self._write(job)

    def finish(self, job: Job, *, exit_code: int | None, result: Any = None, problem: str = "") -> None:
        """A method has ended: write it down."""
        end = {"exit_code": exit_code, "ended": time.time(), "result": result, "problem": problem}
        with contextlib.suppress(OSError):
            path = job.directory / END
            temporary = path.with_suffix(".new")
            temporary.write_text(json.dumps(end))
            os.replace(temporary, path)
        self._end(job, end)

    async def kill(self, number: int, which: int = signal.SIGTERM, grace_seconds: float = 5.0) -> bool:
        """End a job with everything in its process group; whether it has ended.

        Arguments:
            which: the signal sent at once.
            grace_seconds: after which SIGKILL follows. What is left of the group when the job itself ends gets it
                then.
        """
        job = self.get(number)
        if job.ended is not None:
            return True
        if job.kind == METHOD:
            job.method.cancel()
            return await self.wait_for_end(job, grace_seconds + _KEEPER_SECONDS)
        # The keeper, as the parent, kills the more surely; but it may have gone just now.
        asked = self._keeping.kill(number, which, grace_seconds)
        if asked and await self.wait_for_end(job, grace_seconds + _KEEPER_SECONDS):
            return True
        for attempt, seconds in ((which, grace_seconds), (signal.SIGKILL, _KEEPER_SECONDS)):
            self.signal(number, attempt)
            if await self.wait_for_end(job, seconds):
                return True
        return False

    def signal(self, number: int, which: int) -> bool:
        """Send a signal to a job's process group; whether it was there to get it."""
        job = self.get(number)
        if job.kind == METHOD:
            raise RequestRefused(f"Job {number} is a method of the server: it takes no signals, but can be killed")
        if job.ended is not None or job.process is None or not self._is_alive(job):
            return False
        try:
            os.killpg(job.process, which)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    async def send_input(self, number: int, data: bytes, *, end: bool = False) -> None:
        """Write to a job's standard input; with `end`, nothing more will come.

        Raises:
            NoSuchJob, RequestRefused: it has ended, takes no input, or has not taken what it was sent before.
        """
        job = self.get(number)
        if job.ended is not None:
            raise RequestRefused(f"Job {number} has ended: it takes no more input")
        if job.kind == METHOD:
            job.method.input(data)
            return
        if data:
            try:
                descriptor = os.open(job.directory / INPUT, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                raise RequestRefused(f"Job {number} takes no input: its standard input is closed") from None
            try:
                await self._write_input(job, descriptor, data)
            finally:
                os.close(descriptor)
        if end:
            self._keeping.end_input(number)
            with contextlib.suppress(OSError):
                os.unlink(job.directory / INPUT)

    async def _write_input(self, job: Job, descriptor: int, data: bytes) -> None:
        left = memoryview(data)
        deadline = self._loop.time() + _INPUT_SECONDS
        while left:
            try:
                left = left[os.write(descriptor, left) :]
            except BlockingIOError:
                writable = asyncio.Event()
                self._loop.add_writer(descriptor, writable.set)
                try:
                    async with asyncio.timeout_at(deadline):
                        await writable.wait()
                except TimeoutError:
                    pass
                finally:
                    self._loop.remove_writer(descriptor)
                if not writable.is_set():
                    sent = len(data) - len(left)
                    raise RequestRefused(
                        f"Job {job.number} does not read its input: it took {sent} of {len(data)} bytes "
                        f"in {_INPUT_SECONDS:g} seconds"
                    ) from None
            except BrokenPipeError:
                raise RequestRefused(f"Job {job.number} has closed its input") from None

    def _process_ended(self, number: int, end: dict[str, Any]) -> None:
        job = self._jobs.get(number)
        if job is not None and job.ended is None:
            self._end(job, end)

    def _end(self, job: Job, end: Mapping[str, Any]) -> None:
        job.exit_code = end.get("exit_code")
        job.ended = end.get("ended") or time.time()
        job.result = end.get("result")
        job.problem = end.get("problem", "")
        if end.get("limit") is not None:
            job.problem = f"ended: its time limit of {end['limit']:g} seconds was over"
        job.method = None
        with contextlib.suppress(OSError):
            os.unlink(job.directory / INPUT)
        job.wake()
        if len(self._jobs) > KEPT_JOBS:
            self._prune()

    def _keeper_lost(self) -> None:
        for job in self._jobs.values():
            if job.ended is None and job.kind == PROCESS and job.process is not None:
                self._watch(job)

    # --- what is on disk ---

    def _write(self, job: Job) -> None:
        about = {
            "kind": job.kind,
            "command": job.command,
            "working_directory": job.working_directory,
            "client": job.client,
            "request": job.request,
            "begun": job.begun,
            "process": job.process,
            "process_start": job.process_start,
            "boot": job.boot,
        }
        path = job.directory / DESCRIPTION
        temporary = f"{path}.new"
        with open(temporary, "w", encoding="ascii") as file:
            file.write(json.dumps(about))
        os.replace(temporary, path)

    def _take_up(self, number: int, kept: Mapping[int, int]) -> None:
        directory = self._directory / str(number)
        try:
            about = json.loads((directory / DESCRIPTION).read_bytes())
            job = Job(number, directory=directory, **about)
        except (OSError, ValueError, TypeError):
            self._log("WARNING", f"{directory} is not understood and passed over")
            self._next = max(self._next, number + 1)
            return
        self._jobs[number] = job
        if job.request:
            self._requests[job.request] = number
        if not self._read_end(job):
            if number in kept:
                job.process = kept[number]
                job.process_start = processes.start_mark(kept[number])
            elif job.kind == PROCESS and self._is_alive(job):
                self._watch(job)
            else:
                self._end(job, {"problem": "lost: the server ended, and nothing tells how the job did"})

    def _read_end(self, job: Job) -> bool:
        try:
            end = json.loads((job.directory / END).read_bytes())
        except (OSError, ValueError):
            return False
        self._end(job, end)
        return True

    def _is_alive(self, job: Job) -> bool:
        process = job.process
        if process is None or job.process_start is None or (job.boot and job.boot != self._boot):
            return False
        return processes.exists(process) and processes.start_mark(process) == job.process_start

    def _watch(self, job: Job) -> None:
        """Learn of the end of a job that has no keeper, from its process alone."""
        try:
            assert job.process is not None
            descriptor = os.pidfd_open(job.process)
        except (OSError, AttributeError):
            self._look(job)
            return
        self._descriptors.add(descriptor)
        self._loop.add_reader(descriptor, self._gone, job, descriptor)

    def _gone(self, job: Job, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        self._descriptors.discard(descriptor)
        os.close(descriptor)
        self._unattended_end(job)

    def _look(self, job: Job) -> None:
        if self._is_alive(job):
            if not self._stopping:
                self._loop.call_later(1.0, self._look, job)
        else:
            self._unattended_end(job)

    def _unattended_end(self, job: Job) -> None:
        if job.ended is None and not self._read_end(job):
            self._end(job, {"problem": "ended: nobody was there to learn how"})

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.number, None)
        if self._requests.get(job.request) == job.number:
            del self._requests[job.request]
        shutil.rmtree(job.directory, ignore_errors=True)

    def _prune(self) -> None:
        """Forget jobs that ended long ago; the newest stays, so that no number is given twice."""
        ended = sorted(
            (job for job in self._jobs.values() if job.ended is not None and job.number != self._next - 1),
            key=lambda job: job.ended or 0.0,
        )
        now = time.time()
        self._next_prune = now + _PRUNE_SECONDS
        too_old = now - KEPT_SECONDS
        too_many = max(0, len(ended) - KEPT_JOBS * 9 // 10) if len(ended) >= KEPT_JOBS else 0
        for position, job in enumerate(ended):
            if position < too_many or (job.ended or 0.0) < too_old:
                self._forget(job)


def read_piece(path: Path, offset: int, length: int) -> tuple[bytes, int]:
    """Up to `length` bytes of a file from an offset on, and its size; of one that is not there none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b"", 0
    try:
        data = os.pread(descriptor, length, offset)
        return data, max(os.fstat(descriptor).st_size, offset + len(data))
    finally:
        os.close(descriptor)
