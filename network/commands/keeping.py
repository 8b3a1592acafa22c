"""The server's end of the conversation with the keeper of its jobs (`keeper`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .exceptions import JobNotStarted
from .keeper import SOCKET

_ANSWER_SECONDS = 30.0
_SCRIPT = Path(__file__).with_name("keeper.py")


class Keeping:
    """Asks the keeper of a directory to start jobs, and hears how they end.

    Arguments:
        directory: where the keeper's socket is.
        ended: called with a job's id and the record of its end.
        lost: called when the keeper is gone.
    """

    def __init__(self, directory: Path, ended: Callable[[int, dict[str, Any]], None], lost: Callable[[], None]) -> None:
        self._directory = directory
        self._ended = ended
        self._lost = lost
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._starting: dict[int, asyncio.Future[tuple[int, str | None]]] = {}
        self._connecting = asyncio.Lock()

    async def find(self) -> dict[int, int]:
        """Take up the conversation with a keeper left by an earlier server; its jobs, with their processes."""
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.setblocking(False)
        try:
            with _short_name(self._directory) as name:
                await asyncio.get_running_loop().sock_connect(client, name)
        except OSError:
            client.close()
            return {}
        return await self._greeted(client) or {}

    async def start(self, number: int, order: dict[str, Any]) -> tuple[int, str | None]:
        """Start a job; its process id and, where the system tells, its start mark (`contact.process`).

        Raises:
            JobNotStarted: saying why.
        """
        async with self._connecting:
            if self._writer is None:
                await self._begin()
        assert self._writer is not None
        future: asyncio.Future[tuple[int, str | None]] = asyncio.get_running_loop().create_future()
        self._starting[number] = future
        try:
            self._say({"do": "start", "job": number, **order})
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await future
        except TimeoutError:
            raise JobNotStarted(f"The keeper of jobs in {self._directory} does not answer") from None
        finally:
            self._starting.pop(number, None)

    def kill(self, number: int, which: int, grace_seconds: float) -> bool:
        """Send a signal to a job's process group, and SIGKILL to what is left when it ends or the time is over."""
        return self._say({"do": "kill", "job": number, "signal": which, "grace": grace_seconds})

    def end_input(self, number: int) -> None:
        """Let go of a job's standard input."""
        self._say({"do": "end input", "job": number})

    async def close(self, *, quit: bool) -> None:
        """End the conversation; with `quit` there is nothing left to keep."""
        if quit:
            self._say({"do": "quit"})
        if self._listening is not None:
            listening, self._listening = self._listening, None
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None

    async def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            # A session of its own: what ends the server must not end it.
            process = subprocess.Popen(  # noqa: ASYNC220 - it is not waited for
                [sys.executable, "-I", "-S", str(_SCRIPT), str(self._directory), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise JobNotStarted(f"Cannot start the keeper of jobs: {error.strerror}") from error
        finally:
            theirs.close()
        ours.setblocking(False)
        greeting = await self._greeted(ours)
        _KEEPERS[:] = [keeper for keeper in _KEEPERS if keeper.poll() is None] + [process]
        if greeting is None:
            raise JobNotStarted(f"The keeper of jobs in {self._directory} ended at once")

    async def _greeted(self, client: socket.socket) -> dict[int, int] | None:
        reader, writer = await asyncio.open_unix_connection(sock=client, limit=1 << 24)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                line = await reader.readline()
        except (OSError, TimeoutError):
            line = b""
        if not line:
            writer.close()
            return None
        self._writer = writer
        self._listening = asyncio.get_running_loop().create_task(self._listen(reader))
        return {int(number): process for number, process in json.loads(line)["running"].items()}

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._hear(json.loads(line))
        except OSError:
            pass
        if self._writer is not None:
            self._writer.close()
        self._writer = self._listening = None
        for future in self._starting.values():
            if not future.done():
                future.set_exception(JobNotStarted("The keeper of jobs has ended"))
        self._lost()

    def _hear(self, news: dict[str, Any]) -> None:
        if "end" in news:
            self._ended(news.pop("end"), news)
            return
        future = self._starting.get(news.get("started", news.get("refused", -1)))
        if future is None or future.done():
            return
        if "started" in news:
            future.set_result((news["process"], news["mark"]))
        else:
            future.set_exception(JobNotStarted(f"Cannot start the command: {news['text']}", errno=news["number"]))

    def _say(self, order: dict[str, Any]) -> bool:
        if self._writer is None:
            return False
        self._writer.write(json.dumps(order).encode() + b"\n")
        return True


_KEEPERS: list[subprocess.Popen[bytes]] = []
"""Those that this process started: it is their parent, and reaps them when it starts another."""


@contextlib.contextmanager
def _short_name(directory: Path) -> Iterator[str]:
    """A name of the socket short enough for the system."""
    if not os.path.isdir("/proc/self/fd"):
        yield str(directory / SOCKET)
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
