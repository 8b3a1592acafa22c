"""The scheduler's side of the workers: started when needed, kept, killed when too slow, replaced when dead."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field

from ..engine.effects import CallXtrigger
from ..engine.events import XtriggerReported
from ..engine.text import duration
from .framing import CHUNK_BYTES, Deframer, write_frame

_PROGRAM = "from tidemill.flow.xtriggers.worker import main; main()"


def start_worker(run_directory: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a worker that leads a session of its own; raises `OSError`."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM, run_directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=dict(environment),
        start_new_session=True,
    )


def end_worker(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and what it started, and collect it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()


@define(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    deframer: Deframer = field(factory=Deframer)
    call: CallXtrigger | None = None
    timer: asyncio.TimerHandle | None = None


class XtriggerWorkers:
    """Calls functions of external triggers; every call is answered by one report.

    Args:
        run_directory: whose ``lib/python`` functions come from.
        environment: variables of the worker processes.
        size: how many calls at a time.
        timeout_seconds: a call that takes longer is killed.
        report: told what came of each call, in the loop's thread.
        log: takes a level and a text.
        clock: seconds since the epoch, for reports.
        loop: the scheduler's.
        patience_seconds: how long an answer that is not satisfied is held back: on a clock that jumps, the next call
            would follow at once.
    """

    def __init__(
        self,
        run_directory: str,
        *,
        environment: Mapping[str, str],
        size: int,
        timeout_seconds: float,
        report: Callable[[XtriggerReported], None],
        log: Callable[[str, str], None],
        clock: Callable[[], float],
        loop: asyncio.AbstractEventLoop,
        patience_seconds: float = 0.0,
    ) -> None:
        self.in_flight = 0
        """Calls not reported yet."""
        self._run_directory = run_directory
        self._environment = environment
        self._size = max(1, size)
        self._timeout_seconds = timeout_seconds
        self._report = report
        self._log = log
        self._clock = clock
        self._loop = loop
        self._patience_seconds = patience_seconds
        self._waiting: deque[CallXtrigger] = deque()
        self._workers: list[_Worker] = []
        self._held_back: set[asyncio.TimerHandle] = set()
        self._is_closed = False

    @property
    def process_ids(self) -> list[int]:
        """Of the workers that are up."""
        return [worker.process.pid for worker in self._workers]

    def call(self, call: CallXtrigger) -> None:
        """Call a function as soon as a worker is free."""
        if self._is_closed:
            return
        self.in_flight += 1
        self._waiting.append(call)
        self._fill()

    def close(self) -> None:
        """End the workers, whatever they are doing; nothing is reported any more."""
        self._is_closed = True
        self._waiting.clear()
        for timer in self._held_back:
            timer.cancel()
        self._held_back.clear()
        for worker in list(self._workers):
            self._dismiss(worker)

    # -- workers -------------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        while self._waiting:
            worker = next((one for one in self._workers if one.call is None), None)
            if worker is None:
                if len(self._workers) >= self._size:
                    return
                worker = self._started()
                if worker is None:
                    return
            self._hand_over(worker, self._waiting.popleft())

    def _started(self) -> _Worker | None:
        try:
            process = start_worker(self._run_directory, self._environment)
        except OSError as error:
            text = f"a process for functions of xtriggers cannot be started: {error.strerror}"
            # Later, not now: the caller must not meet its answer inside its question.
            self._loop.call_soon(self._fail_all, list(self._waiting), text)
            self._waiting.clear()
            return None
        worker = _Worker(process)
        self._workers.append(worker)
        assert process.stdout is not None
        self._loop.add_reader(process.stdout.fileno(), self._readable, worker)
        return worker

    def _fail_all(self, calls: list[CallXtrigger], text: str) -> None:
        for call in calls:
            self._done(XtriggerReported(self._clock(), call.signature, error=text))

    def _hand_over(self, worker: _Worker, call: CallXtrigger) -> None:
        worker.call = call
        worker.timer = self._loop.call_later(self._timeout_seconds, self._timed_out, worker)
        request = {"id": 0, "do": "call", "function": call.function, "args": call.args, "kwargs": dict(call.kwargs)}
        assert worker.process.stdin is not None
        try:
            write_frame(worker.process.stdin.fileno(), request)
        except OSError:
            # It has just died: the end of its answers, which is about to be read, says so.
            return

    def _readable(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        try:
            data = os.read(worker.process.stdout.fileno(), CHUNK_BYTES)
        except OSError:
            data = b""
        if not data:
            call = worker.call
            code = self._dismiss(worker)
            if call is not None:
                how = f"signal {-code}" if code < 0 else f"exit status {code}"
                self._done(XtriggerReported(self._clock(), call.signature, error=f"its process ended: {how}"))
            self._fill()
            return
        for answer in worker.deframer.feed(data):
            self._answered(worker, answer)

    def _answered(self, worker: _Worker, answer: dict[str, Any]) -> None:
        call, worker.call = worker.call, None
        if worker.timer is not None:
            worker.timer.cancel()
            worker.timer = None
        if call is not None:
            if answer["output"]:
                self._log("DEBUG", f"{call.signature} printed:\n{answer['output']}")
            satisfied, error = bool(answer["satisfied"]), str(answer["error"])
            self._done(XtriggerReported(self._clock(), call.signature, satisfied, answer["results"], error))
        self._fill()

    def _timed_out(self, worker: _Worker) -> None:
        call, worker.call = worker.call, None
        worker.timer = None
        self._dismiss(worker)
        if call is not None:
            limit = duration(self._timeout_seconds)
            text = f"killed: it took longer than {limit} (process pool timeout in global.cylc)"
            self._done(XtriggerReported(self._clock(), call.signature, error=text))
        self._fill()

    def _dismiss(self, worker: _Worker) -> int:
        """End a worker; returns its exit code, negative for a signal."""
        if worker.timer is not None:
            worker.timer.cancel()
        if worker in self._workers:
            self._workers.remove(worker)
        process = worker.process
        assert process.stdout is not None
        self._loop.remove_reader(process.stdout.fileno())
        code = process.poll()
        end_worker(process)
        return process.returncode if code is None else code

    # -- answers -------------------------------------------------------------------------------------------------------

    def _done(self, event: XtriggerReported) -> None:
        if event.satisfied or not self._patience_seconds:
            self._deliver(event)
            return

        def deliver() -> None:
            self._held_back.discard(timer)
            self._deliver(event)

        timer = self._loop.call_later(self._patience_seconds, deliver)
        self._held_back.add(timer)

    def _deliver(self, event: XtriggerReported) -> None:
        if not self._is_closed:
            self.in_flight -= 1
            self._report(event)
