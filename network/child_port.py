"""The child port of a suite server: where jobs on this host report, one line for each report and one for its answer.

A client that speaks CurveZMQ costs a job the start of an interpreter; this line costs it a shell. The port is of the
loopback address only, and every line begins with a token that only files of the owner hold; the password of the job
comes on top.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

HOST = "127.0.0.1"
SEPARATOR = "\x1f"
LONGEST_LINE_BYTES = 1_000_000

Report = Callable[[list[str]], Awaitable[str]]
"""Given the fields of a report (command, path, password, process id, try number, words ...), its answer: ``ok``, or
``fail`` and the reason. It may take as long as the job has to wait."""


class ChildPort:
    """Listens to the jobs of one server."""

    def __init__(self, report: Report, log: Callable[[str, str], None]) -> None:
        self._report = report
        self._log = log
        self._token = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, address_file: Path, *, host: str, port: int) -> None:
        """Listen, and write where to the file that jobs read: ``HOST:PORT:SERVER_HOST:SERVER_PORT:TOKEN``.

        Arguments:
            address_file: readable by the owner only, replaced whole.
            host: the server's, as jobs know it in ECF_HOST.
            port: the server's, as jobs know it in ECF_PORT.

        Raises:
            OSError: no port is to be had, or the file cannot be written.
        """
        self._server = await asyncio.start_server(self._connected, HOST, 0, limit=LONGEST_LINE_BYTES, backlog=1024)
        own = self._server.sockets[0].getsockname()[1]
        _write_private(address_file, f"{HOST}:{own}:{host}:{port}:{self._token}\n")

    async def stop(self) -> None:
        """Hang up on all: jobs that wait for an answer ask again later."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        if self._server is not None:
            await self._server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(60):
                line = await reader.readuntil(b"\n")
            token, *fields = line.decode("utf-8", errors="surrogateescape").rstrip("\n").split(SEPARATOR)
            if not hmac.compare_digest(token.encode(errors="replace"), self._token.encode()) or len(fields) < 5:
                self._log("WAR", "refused a report to the child port: it did not come from a job of this server")
                writer.write(b"fail this is not a report of a job of this server\n")
            else:
                answer = await self._report(fields)
                text = " ".join(answer.split("\n"))
                writer.write(text.encode("utf-8", errors="surrogateescape") + b"\n")
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
