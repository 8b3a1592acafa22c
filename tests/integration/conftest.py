"""Real servers, with real keys and contact files: of a scheduler in the test's own loop, of commands in a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill import client
from tidemill.contact.file import ContactFile
from tidemill.contact.keys import create_keys
from tidemill.contact.paths import contact_path, current_user, run_directory, service_directory
from tidemill.exceptions import TidemillError
from tidemill.network.expose import expose
from tidemill.network.server import WorkflowRuntimeServer


class Services:
    """What a server needs of a scheduler; remembers its log."""

    def __init__(self, workflow: str) -> None:
        self.workflow = workflow
        self.owner = current_user()
        self.service_directory: Path = service_directory(workflow)
        self.lines: list[tuple[str, str]] = []

    def log(self, level: str, text: str) -> None:
        self.lines.append((level, text))

    def subscribed(self) -> None:
        """Nothing more is to be published because of it."""

    def logged(self, words: str) -> bool:
        return any(words in text for _, text in self.lines)


class EndpointsForTests(WorkflowRuntimeServer):
    """A server with an endpoint of every kind."""

    plain_attribute = "not for the network"

    def __init__(self, schd: Services) -> None:
        super().__init__(schd)
        self.counted = 0
        self.go_on = asyncio.Event()

    def not_exposed(self) -> str:
        return "not for the network"

    @expose(access="read")
    async def slow(self) -> str:
        """Answer when the test says so."""
        await self.go_on.wait()
        return "slow"

    @expose(access="read")
    def echo(self, text: str, number: int = 3, things: list[str] | None = None) -> object:
        """Give back what it was given."""
        return [text, number, things]

    @expose
    def count(self) -> int:
        """Count the calls."""
        self.counted += 1
        return self.counted

    @expose
    async def count_slowly(self) -> int:
        """Count the calls, and answer when the test says so."""
        self.counted += 1
        await self.go_on.wait()
        return self.counted

    @expose(access="stop")
    def halt(self) -> str:
        """Pretend to stop."""
        return "stopping"

    @expose(access="read")
    def pb_bytes(self, fail: bool = False) -> bytes:
        """Answer raw bytes."""
        if fail:
            raise TidemillError("no such element type")
        return b"\x0a\x00\xff raw"

    @expose(access="read")
    def broken(self) -> None:
        """Fail in a way nobody foresaw."""
        raise ZeroDivisionError("one over nothing")

    @expose(access="read")
    def not_json(self) -> object:
        """Return what JSON cannot hold."""
        return object()

    @expose(access="read")
    def who(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Tell what is known of the caller."""
        return meta


Serve = Callable[..., Awaitable[EndpointsForTests]]


@pytest.fixture
async def serve(home: Path) -> AsyncIterator[Serve]:
    """`await serve("one")`: a server of it, with a contact file; its log is `server.schd.lines`."""
    started: list[EndpointsForTests] = []

    async def start(workflow: str = "one") -> EndpointsForTests:
        services = Services(workflow)
        create_keys(services.service_directory)
        server = EndpointsForTests(services)
        port, publish_port = server.start(asyncio.get_running_loop(), "127.0.0.1")
        started.append(server)
        contact = ContactFile.of_this_process(
            workflow,
            "127.0.0.1",
            port,
            publish_port,
            run_directory=run_directory(workflow),
            owner=services.owner,
            uuid="6e4e6c5c-0000-4000-8000-000000000000",
            version="0",
        )
        contact.write(contact_path(workflow))
        return server

    yield start
    for server in started:
        server.go_on.set()
        await server.stop("end of test")


class Served:
    """A command server in a process of its own."""

    def __init__(self, home: Path, port: int = 0, *arguments: str, module: str = "") -> None:
        self.home = home
        self.errors = home / f"server-{time.monotonic_ns()}.err"
        with open(self.errors, "w") as errors:
            self.process = subprocess.Popen(
                [
                    Path(sys.executable).parent / "tidemill",
                    "serve-commands",
                    *arguments,
                    "--json",
                    "--port",
                    str(port),
                    *([module] if module else []),
                ],
                cwd=home,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            assert line, self.errors.read_text()
            text += line
        self.port: int = json.loads(text)["port"]
        self.directory = Path(json.loads(text)["directory"])

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


ServeCommands = Callable[..., Served]


@pytest.fixture
def serve_commands(home: Path) -> Iterator[ServeCommands]:
    """`serve_commands()`: a command server; its jobs and it are ended after the test."""
    started: list[Served] = []

    def start(port: int = 0, *arguments: str, module: str = "") -> Served:
        served = Served(home, port, *arguments, module=module)
        started.append(served)
        return served

    yield start
    client.close_all()
    for served in started:
        served.end()
    for about in home.glob("cylc-run/.commands/*/jobs/*/job"):
        process = json.loads(about.read_text())["process"]
        if process and not (about.parent / "end").exists():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
