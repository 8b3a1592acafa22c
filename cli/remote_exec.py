"""Commands on several machines at once: their output as it comes, each line with its host if there are several."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from typing import Any

from ..network.commands.connection import AsynchronousConnection, Connection
from ..network.commands.listener import AsynchronousListener
from ..network.exceptions import ClientError
from .main import INTERRUPTED
from .printer import Printer

FAILED = 255
"""The exit status for a host that could not be asked, as ssh has it."""
_BLOCK = 1 << 16


class _Run:
    """One command on one host."""

    def __init__(self, printer: Printer, connection: Connection, *, prefixed: bool) -> None:
        self._printer = printer
        self._connection: AsynchronousConnection = connection.asynchronous
        self.host = f"{connection.hostname}:{connection.port}"
        self._prefix = f"{self.host}: ".encode() if prefixed else b""
        self.job: int | None = None
        self.listener: AsynchronousListener | None = None

    async def start(self, command: str | list[str], keywords: dict[str, Any], connect_seconds: float) -> None:
        """Connect, and start the command."""
        await self._connection.connect(connect_seconds)
        self.listener = await self._connection.exec(
            command, complete=False, merge=False, raise_error=True, timeout=connect_seconds, **keywords
        )
        self.job = self.listener.id

    async def attach(self, job: int, offset: int, connect_seconds: float) -> None:
        """Connect, and take up a job that runs or has ended."""
        await self._connection.connect(connect_seconds)
        self.listener = await self._connection.attach(job, offset=offset)
        self.job = job

    async def follow(self) -> int:
        """Print all it puts out; its exit status."""
        assert self.listener is not None
        assert self.job is not None
        errors = await self._connection.attach(self.job, stream="err")
        await asyncio.gather(self._copy(self.listener, sys.stdout.buffer), self._copy(errors, sys.stderr.buffer))
        code = self.listener.exit_code
        if self.listener.problem:
            self._printer.warn(f"{self.host}: job {self.job} {self.listener.problem}")
        if code is None:
            return FAILED
        return code if code >= 0 else 128 - code

    async def _copy(self, listener: AsynchronousListener, output: Any) -> None:
        rest = b""
        while piece := await listener.read_bytes():
            if self._prefix:
                # Whole lines only: those of several hosts are mixed.
                *lines, rest = (rest + piece).split(b"\n")
                piece = b"".join(b"%b%b\n" % (self._prefix, line) for line in lines)
            output.write(piece)
            output.flush()
        if rest:
            output.write(b"%b%b\n" % (self._prefix, rest))
            output.flush()

    async def forward_input(self) -> None:
        """Send what comes on standard input, until it ends."""
        assert self.listener is not None
        async for piece in _standard_input():
            await self.listener.send_input(piece)
        await self.listener.send_input(b"", end=True)

    async def kill(self) -> None:
        """End it, if it was started."""
        if self.listener is not None:
            with contextlib.suppress(ClientError):
                await self.listener.kill(grace=3.0)

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()


def run(
    printer: Printer,
    connections: list[Connection],
    command: str | list[str],
    *,
    keywords: dict[str, Any],
    connect_seconds: float,
    stdin: bool,
    detach: bool,
) -> int:
    """Run a command on every host; the exit status of the first in order that is not 0, 255 where none was to be had.

    Interrupted, the commands are ended.
    """
    runs = [_Run(printer, connection, prefixed=len(connections) > 1) for connection in connections]
    keywords = {**keywords, "input": stdin or detach}

    async def one(each: _Run) -> int:
        try:
            await each.start(command, keywords, connect_seconds)
        except ClientError as error:
            where = f"{each.host}: " if len(runs) > 1 else ""
            print(f"{where}{type(error).__name__}: {error}", file=sys.stderr)
            return FAILED
        if detach:
            printer.result(
                {"host": each.host, "job": each.job},
                f"{each.host} {each.job}" if len(runs) > 1 else str(each.job),
            )
            return 0
        forwarding = asyncio.get_running_loop().create_task(each.forward_input()) if stdin else None
        try:
            code = await each.follow()
        finally:
            if forwarding is not None:
                forwarding.cancel()
                with contextlib.suppress(asyncio.CancelledError, ClientError):
                    await forwarding
        if code and len(runs) > 1:
            print(f"{each.host}: exit status {code}", file=sys.stderr)
        return code

    async def every() -> int:
        try:
            codes = await asyncio.gather(*(one(each) for each in runs))
        except (asyncio.CancelledError, BrokenPipeError):
            # Interrupted, or nobody reads any more: what was started here is not left behind.
            await asyncio.gather(*(each.kill() for each in runs))
            raise
        finally:
            for each in runs:
                each.close()
        return next((code for code in codes if code), 0)

    try:
        return asyncio.run(every())
    except KeyboardInterrupt:
        return INTERRUPTED


def attach(printer: Printer, connection: Connection, job: int, offset: int, connect_seconds: float) -> int:
    """Print the output of a job until it ends; its exit status."""

    async def one() -> int:
        each = _Run(printer, connection, prefixed=False)
        try:
            await each.attach(job, offset, connect_seconds)
            return await each.follow()
        finally:
            each.close()

    return asyncio.run(one())


async def _standard_input() -> Any:
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue(maxsize=16)

    def read() -> None:
        while True:
            piece = os.read(0, _BLOCK)
            try:
                asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()
            except (RuntimeError, asyncio.CancelledError):
                return  # the command has ended
            if not piece:
                return

    # A read that waits for a person cannot be called off: the thread is left to itself.
    threading.Thread(target=read, name="standard input", daemon=True).start()
    while piece := await pieces.get():
        yield piece
