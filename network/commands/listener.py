"""A listener: the output of one job, message by message, as it comes.

It reads by offset, so nothing is lost however slow it is, nor when the connection breaks: it goes on where it was.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from ..client import WithBytes
from ..exceptions import ClientError, ClientTimeout, CommandFailed, ServerLost
from .output import Decoder, Lines, Records
from .steps import Ask, Pause, Steps, carry_out, carry_out_asynchronously

if TYPE_CHECKING:
    from .session import Session

_WAIT_SECONDS = 20.0
_ANSWER_SECONDS = 30.0
_PIECE = 1 << 20
_RETRY_SECONDS = 0.2
VALUES = "values"


class Output:
    """What is known of a job's output, and the steps that learn more: what both kinds of listener share.

    Arguments:
        session: the connection it is read over.
        job: its number; None for a command that is none and has ended.
        messages: what is there from the beginning.
    """

    def __init__(
        self,
        session: Session,
        job: int | None,
        *,
        stream: str = "out",
        offset: int = 0,
        max_interval: float | None = None,
        echo_response: bool = False,
        raise_error: bool = False,
        messages: tuple[Any, ...] = (),
        exit_code: int | None = None,
    ) -> None:
        self.session = session
        self.job = job
        self.stream = stream
        self.offset = offset
        self.max_interval = checked_interval(max_interval)
        self.echo_response = echo_response
        self.raise_error = raise_error
        self.messages: deque[Any] = deque()
        self.ended = job is None
        self.exit_code = exit_code
        self.problem = ""
        self.result: Any = None
        self.command: Any = None
        self.decoder: Decoder = Records() if stream == VALUES else Lines(session.encoding)
        self._add(messages)

    def fetch(self) -> Steps[memoryview]:
        """The next bytes of output; none of them at the end.

        Raises:
            ClientTimeout: `max_interval` has passed without any.
            ServerLost: the server is gone, longer than the session has patience.
        """
        began = time.monotonic()
        limit = self.max_interval
        while True:
            passed = time.monotonic() - began
            wait = _WAIT_SECONDS if limit is None else min(_WAIT_SECONDS, max(0.0, limit - passed))
            arguments = {
                "job": self.job,
                "stream": self.stream,
                "offset": self.offset,
                "wait_seconds": wait,
                "max_bytes": _PIECE,
            }
            try:
                answer = yield Ask("read", arguments, wait + (_ANSWER_SECONDS if limit is None else 0.5))
            except ServerLost:
                passed = time.monotonic() - began
                if limit is not None and passed >= limit:
                    raise self._overdue() from None
                if passed >= self.session.patience_seconds:
                    raise
                yield Pause(_RETRY_SECONDS)
                continue
            except ClientTimeout:
                if limit is None:
                    raise
                raise self._overdue() from None
            assert isinstance(answer, WithBytes)
            self.offset += len(answer.payload)
            if answer.data["end"]:
                self._end(answer.data["job"])
            if answer.payload or self.ended:
                return answer.payload
            if limit is not None and time.monotonic() - began >= limit:
                raise self._overdue()

    def take(self) -> Steps[bool]:
        """Fill `messages`; whether there are any.

        Raises:
            CommandFailed: at the end, if errors are to be raised.
        """
        while not self.messages:
            over = self.ended
            if over:
                if self.raise_error and self.exit_code != 0:
                    self.raise_error = False
                    raise self.failure()
                return False
            data = yield from self.fetch()
            self._add(self.decoder.feed(data))
            if self.ended:
                self._add(self.decoder.finish())
                if self.stream == VALUES and self.exit_code == 1 and not self.raise_error:
                    # What a method raised is its last message, as for one that does not stream.
                    self._add((self.failure(),))
        return True

    def failure(self) -> CommandFailed:
        """The error for a job that did not succeed."""
        what = f"Job {self.job} ({_short(self.command)})"
        if self.problem:
            return CommandFailed(f"{what} failed: {self.problem}", self.exit_code)
        if self.exit_code is not None and self.exit_code < 0:
            return CommandFailed(f"{what} was ended by signal {_signal_name(-self.exit_code)}", self.exit_code)
        return CommandFailed(f"{what} failed with exit status {self.exit_code}", self.exit_code)

    def _end(self, about: dict[str, Any]) -> None:
        self.ended = True
        self.exit_code = about["exit_code"]
        self.problem = about.get("problem", "")
        self.result = about.get("result")
        self.command = about["command"]

    def _add(self, messages: tuple[Any, ...] | list[Any]) -> None:
        self.messages.extend(messages)
        if self.echo_response:
            for message in messages:
                print(message.rstrip() if isinstance(message, str) else message, flush=True)

    def _overdue(self) -> ClientTimeout:
        return ClientTimeout(
            f"Timeout: job {self.job} put out nothing in {self.max_interval:g} seconds; it runs on, "
            "and its listener can go on"
        )


class _Listener:
    """What both kinds of listener tell of their job."""

    def __init__(self, output: Output) -> None:
        self._output = output

    @property
    def id(self) -> int | None:
        """The number of the job; None for a command that is none."""
        return self._output.job

    @property
    def done(self) -> bool:
        """Whether the command has ended and every message was taken."""
        return self._output.ended and not self._output.messages

    @property
    def exit_code(self) -> int | None:
        """The exit status, or the negative number of the signal that ended it; None until `done`, or if nobody
        knows."""
        return self._output.exit_code if self.done else None

    @property
    def result(self) -> Any:
        """What a method returned; None until `done`."""
        return self._output.result if self.done else None

    @property
    def problem(self) -> str:
        """What went wrong besides an exit status: a time limit, an error of a method; '' until `done`."""
        return self._output.problem if self.done else ""

    @property
    def max_interval(self) -> float | None:
        """Seconds to wait for a message at most; None for as long as it takes."""
        return self._output.max_interval

    @max_interval.setter
    def max_interval(self, seconds: float | None) -> None:
        self._output.max_interval = checked_interval(seconds)

    @property
    def offset(self) -> int:
        """The bytes of output fetched so far; `attach` with it goes on there."""
        return self._output.offset

    def _job(self) -> int:
        if self._output.job is None:
            raise ClientError("This command was no job: it has ended, and takes neither input nor signals")
        return self._output.job


class Listener(_Listener):
    """Takes the messages of a job, in this thread; `async for` takes them in an event loop."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._lock = threading.Lock()

    def next(self) -> Any:
        """The next message; None if there are no more.

        Raises:
            ClientTimeout: none came within `max_interval`; the job runs on, and one may ask again.
            ServerLost: the server is gone; one may ask again, it may come back.
            CommandFailed: the job failed, and `raise_error` was asked for.
        """
        messages = self._output.messages
        while True:
            try:
                return messages.popleft()
            except IndexError:
                # None, or another thread was quicker.
                if not self._take():
                    return None

    def __iter__(self) -> Iterator[Any]:
        messages = self._output.messages
        while self._take():
            while messages:
                yield messages.popleft()

    def _take(self) -> bool:
        with self._lock:
            return carry_out(self._output.take(), self._output.session.ask)

    def read_bytes(self) -> bytes:
        """The next bytes of output as they come, be it half a line; none at the end. Not to be mixed with messages."""
        if self._output.ended:
            return b""
        return bytes(carry_out(self._output.fetch(), self._output.session.ask))

    def wait(self) -> int | None:
        """Take every message that is left, and return the exit code."""
        for _ in self:
            pass
        return self.exit_code

    def send_input(self, value: str | bytes, *, end: bool = False) -> None:
        """Send a line, its end added unless it has one, or bytes as they are, to the job's standard input.

        Arguments:
            end: nothing more will come.
        """
        carry_out(input_steps(self._job(), value, end), self._output.session.ask)

    def kill(self, grace: float = 5.0) -> bool:
        """End the job with its process group; whether it has ended. SIGKILL follows SIGTERM after `grace` seconds."""
        return bool(carry_out(kill_steps(self._job(), grace), self._output.session.ask))

    def signal(self, signal: int | str) -> bool:
        """Send a signal to the job's process group."""
        return bool(carry_out(signal_steps(self._job(), signal), self._output.session.ask))

    def clear_messages(self) -> None:
        """Take the messages that are left, for as long as they come within `max_interval`."""
        try:
            self.wait()
        except ClientTimeout:
            return

    @property
    def asynchronous(self) -> AsynchronousListener:
        """The same listener for an event loop."""
        return AsynchronousListener(self._output)

    def __aiter__(self) -> AsyncIterator[Any]:
        return aiter(self.asynchronous)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        """The job runs on; its output stays on the server."""


class AsynchronousListener(_Listener):
    """`Listener` for an event loop."""

    async def next(self) -> Any:
        """The next message; None if there are no more. Raises as `Listener.next`."""
        output = self._output
        if await carry_out_asynchronously(output.take(), output.session.ask_asynchronously):
            return output.messages.popleft()
        return None

    async def __aiter__(self) -> AsyncIterator[Any]:
        messages = self._output.messages
        while await carry_out_asynchronously(self._output.take(), self._output.session.ask_asynchronously):
            while messages:
                yield messages.popleft()

    async def read_bytes(self) -> bytes:
        """The next bytes of output as they come; none at the end."""
        if self._output.ended:
            return b""
        return bytes(await carry_out_asynchronously(self._output.fetch(), self._output.session.ask_asynchronously))

    async def wait(self) -> int | None:
        """Take every message that is left, and return the exit code."""
        async for _ in self:
            pass
        return self.exit_code

    async def send_input(self, value: str | bytes, *, end: bool = False) -> None:
        """Send to the job's standard input, as `Listener.send_input`."""
        await carry_out_asynchronously(input_steps(self._job(), value, end), self._output.session.ask_asynchronously)

    async def kill(self, grace: float = 5.0) -> bool:
        """End the job, as `Listener.kill`."""
        steps = kill_steps(self._job(), grace)
        return bool(await carry_out_asynchronously(steps, self._output.session.ask_asynchronously))

    async def signal(self, signal: int | str) -> bool:
        """Send a signal to the job's process group."""
        steps = signal_steps(self._job(), signal)
        return bool(await carry_out_asynchronously(steps, self._output.session.ask_asynchronously))

    async def __aenter__(self) -> AsynchronousListener:
        return self

    async def __aexit__(self, *_: object) -> None:
        """The job runs on; its output stays on the server."""


def input_steps(job: int, value: str | bytes, end: bool) -> Steps[Any]:
    """Send to a job's standard input."""
    if isinstance(value, str):
        if value and not value.endswith("\n"):
            value += "\n"
        value = value.encode("utf-8", "surrogateescape")
    # The server waits half a minute for a job to read.
    return (yield Ask("input", {"job": job, "end": end}, 60.0, None, value))


def kill_steps(job: int, grace: float) -> Steps[Any]:
    """End a job."""
    return (yield Ask("kill", {"job": job, "grace": grace}, grace + 30.0))


def signal_steps(job: int, which: int | str) -> Steps[Any]:
    """Send a signal to a job."""
    return (yield Ask("signal", {"job": job, "signal": which}, _ANSWER_SECONDS))


def checked_interval(seconds: float | None) -> float | None:
    """A `max_interval` as given; raises `ClientError` if it is none."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise ClientError(f"{seconds!r} is not a max_interval: it is a number of seconds, or None")
    return float(seconds)


def _short(command: Any) -> str:
    text = command if isinstance(command, str) else " ".join(map(str, command or ()))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
