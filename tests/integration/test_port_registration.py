"""What keeps a server listed, where what answers is not what it should be."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from tidemill.contact.ports import registration as registration_module
from tidemill.contact.ports.address import VARIABLE
from tidemill.contact.ports.registration import COMMAND_SERVER, Registration
from tidemill.contact.ports.server import PortServer


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until a condition holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_another_program_at_the_address_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server named as port manager that is none costs a warning; the server goes on and asks it no more."""
    monkeypatch.setattr(registration_module, "LONGEST_RETRY_SECONDS", 0.01)
    asked = []

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
        monkeypatch.setenv(VARIABLE, f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        lines: list[str] = []

        def registered() -> Registration:
            return Registration("s", kind=COMMAND_SERVER, log=lambda level, text: lines.append(f"{level} {text}"))

        registration = await asyncio.to_thread(registered)
        assert await asyncio.to_thread(registration.take) is None
        assert "is no port manager: it answered 'HTTP/1.1 400 Bad Request'" in lines[0]
        registration.keep(asyncio.get_running_loop(), {"": server.sockets[0].getsockname()[1]})
        await until(lambda: any("does not list this server" in line for line in lines))
        assert [line.split()[0] for line in asked] == [b"GIMME", b"ADVERTISE"]
        assert len(lines) == 2
        registration.close()


async def test_a_server_is_listed_by_a_port_manager_that_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that started without a port manager is listed once there is one, with the port that it has."""
    monkeypatch.setattr(registration_module, "LONGEST_RETRY_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv(VARIABLE, f"localhost:{port}")
    registration = Registration("mine", kind=COMMAND_SERVER, contact="/a/contact", log=lambda level, text: None)
    with socket.create_server(("127.0.0.1", 0)) as serving:
        own = serving.getsockname()[1]
        assert registration.take() is None
        registration.keep(asyncio.get_running_loop(), {"": own})
        manager = PortServer(port=port, ports=(20_001, 20_010))
        await manager.start()
        await until(lambda: b"mine" in manager.registry.listing(with_details=False))
        assert b"%d mine" % own in manager.registry.listing(with_details=True)
        assert b"contact /a/contact" in manager.registry.listing(with_details=True)
        registration.close()
        await until(lambda: b"mine" not in manager.registry.listing(with_details=False))
        await manager.stop()


async def test_a_port_that_cannot_be_bound_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that asks again for the same purpose gets another port, and the one before is given back."""
    manager = PortServer(port=0, ports=(20_001, 20_010))
    await manager.start()
    monkeypatch.setenv(VARIABLE, f"localhost:{manager.port}")

    def taken() -> tuple[Registration, list[int | None]]:
        registration = Registration("mine", kind=COMMAND_SERVER, log=lambda level, text: None)
        return registration, [registration.take(), registration.take(), registration.take("publish")]

    registration, ports = await asyncio.to_thread(taken)
    listing = manager.registry.listing(with_details=False)
    assert listing == b"OK 2\r\n%d mine root\r\n%d mine:publish root\r\n".replace(b"root", listing.split()[4]) % (
        ports[1],
        ports[2],
    )
    assert ports[0] not in ports[1:]
    registration.close()
    await until(lambda: manager.registry.listing(with_details=False) == b"OK 0\r\n")
    await manager.stop()
