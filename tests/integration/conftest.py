"""A real server in the test's own loop, with real keys and a contact file, for tests of the network room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

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
