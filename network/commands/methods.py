"""Methods that stream: a generator at work is a job, what it yields its output, what it returns its result.

Each yielded value is a record of the job's output: its kind in a byte (``j`` for JSON, ``b`` for bytes), its length
in four (big-endian), and itself.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import traceback
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from struct import Struct
from typing import Any

import msgspec

from ...exceptions import TidemillError
from .jobs import VALUES, Job, JobTable

RECORD = Struct(">cI")
_TURN_SECONDS = 0.005

_encode = msgspec.json.Encoder().encode


class MethodJob:
    """Runs a generator and writes what it yields to the job's output.

    The value of each ``yield`` is the oldest input not yet seen that clients have sent to the job, or None.

    Arguments:
        generator: one that does not await runs in a thread of its own, any other in the loop.
        log: as `Services.log`.
    """

    def __init__(
        self,
        table: JobTable,
        job: Job,
        generator: Generator[Any, Any, Any] | AsyncGenerator[Any, Any],
        log: Callable[[str, str], None],
    ) -> None:
        self._table = table
        self._job = job
        self._generator = generator
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._inputs: deque[str] = deque()
        self._cancelled = False
        self._wake_due = False
        self._task: asyncio.Task[None] | None = None
        # Unbuffered: each value is there for readers at once.
        self._output = open(job.directory / VALUES, "ab", buffering=0)  # noqa: SIM115 - closed when the method ends
        job.method = self

    def start(self) -> None:
        """Begin."""
        if isinstance(self._generator, Generator):
            threading.Thread(target=self._drive, name=f"job {self._job.number}", daemon=True).start()
        else:
            self._task = self._loop.create_task(self._iterate(self._generator))

    def cancel(self) -> None:
        """End it: at its next ``yield``, or where it awaits."""
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()

    def input(self, data: bytes) -> None:
        """Keep an input for the next ``yield``."""
        self._inputs.append(data.decode("utf-8", "backslashreplace").removesuffix("\n"))

    def _drive(self) -> None:
        generator = self._generator
        assert isinstance(generator, Generator)
        outcome: dict[str, Any]
        try:
            value = next(generator)
            while True:
                self._write(value)
                if not self._wake_due:
                    self._wake_due = True
                    self._loop.call_soon_threadsafe(self._wake)
                if self._cancelled:
                    generator.close()
                    outcome = _KILLED
                    break
                value = generator.send(self._inputs.popleft() if self._inputs else None)
        except StopIteration as stop:
            outcome = {"exit_code": 0, "result": stop.value}
        except Exception as error:
            outcome = self._failed(error)
        # A loop that is closed has no readers either.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._finish, outcome)

    async def _iterate(self, generator: AsyncGenerator[Any, Any]) -> None:
        outcome: dict[str, Any]
        try:
            turn = self._loop.time()
            value = await anext(generator)
            while True:
                self._write(value)
                self._job.wake()
                if self._loop.time() - turn > _TURN_SECONDS:
                    await asyncio.sleep(0)
                    turn = self._loop.time()
                value = await generator.asend(self._inputs.popleft() if self._inputs else None)
        except StopAsyncIteration:
            outcome = {"exit_code": 0}
        except asyncio.CancelledError:
            outcome = _KILLED
        except Exception as error:
            outcome = self._failed(error)
        await generator.aclose()
        self._finish(outcome)

    def _write(self, value: Any) -> None:
        kind, data = (b"b", bytes(value)) if isinstance(value, bytes | bytearray) else (b"j", _encode(value))
        self._output.write(RECORD.pack(kind, len(data)) + data)

    def _wake(self) -> None:
        self._wake_due = False
        self._job.wake()

    def _failed(self, error: Exception) -> dict[str, Any]:
        if isinstance(error, TidemillError):
            return {"exit_code": 1, "problem": str(error)}
        self._log(
            "ERROR",
            f"Command {self._job.command} (job {self._job.number}) failed:\n"
            f"{''.join(traceback.format_exception(error))}",
        )
        return {"exit_code": 1, "problem": f"{type(error).__name__}: {error}"}

    def _finish(self, outcome: dict[str, Any]) -> None:
        self._output.close()
        try:
            _encode(outcome.get("result"))
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            outcome = {"exit_code": 1, "problem": f"what it returned cannot be written as JSON: {error}"}
        self._table.finish(self._job, **outcome)


_KILLED = {"exit_code": -signal.SIGTERM, "problem": "killed"}
