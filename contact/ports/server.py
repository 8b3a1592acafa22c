"""The port manager's process: one event loop that serves the line protocol on TCP and on a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import pwd
import resource
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from ..exceptions import PortManagerNotStarted
from .address import DEFAULT_PORT, DEFAULT_RANGE, socket_name
from .registry import Registry
from .session import Peer, Session

_LOOPBACK = ("127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")
_BACKLOG = 1024
_OPEN_FILES = 65536
_SLICE_REPLIES = 100
_REMOTE_CONNECTIONS = 200
"""How many connections from other hosts may be open at once; the rest is hung up on."""
_CREDENTIALS = struct.Struct("3i")


class PortServer:
    """Serves a registry of ports.

    Arguments:
        host: the address to listen at; loopback (IPv4, and IPv6 where there is one) if empty, everywhere if ``*``.
        port: to listen at; 0 for any free one.
        ports: first and last of the range to give.
    """

    def __init__(self, *, host: str = "", port: int = DEFAULT_PORT, ports: tuple[int, int] = DEFAULT_RANGE) -> None:
        self.host = host
        self.port = port
        self.registry = Registry(*ports)
        self.addresses: list[str] = []
        """Where it listens, once started."""
        self.remote_connections = 0
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            PortManagerNotStarted: an address cannot be had; says which and what to do.
        """
        loop = asyncio.get_running_loop()
        for listening in self._tcp_sockets():
            listening.setblocking(False)
            self._servers.append(await loop.create_server(lambda: _Connection(self), sock=listening, backlog=_BACKLOG))
        name = socket_name(self.port)
        if name is None:
            return
        beside = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            beside.bind(name)
        except OSError as error:
            beside.close()
            await self.stop()
            raise PortManagerNotStarted(
                f"The Unix socket @{name[1:]} beside port {self.port} is taken ({error.strerror}): another port "
                "manager of that port runs on this host, at another address"
            ) from None
        beside.setblocking(False)
        self._servers.append(await loop.create_unix_server(lambda: _Connection(self), sock=beside, backlog=_BACKLOG))

    async def stop(self) -> None:
        """Stop listening. Connections end with the process, and what they held with them."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    def _tcp_sockets(self) -> list[socket.socket]:
        if self.host in ("", "localhost"):
            wanted: tuple[str, ...] = _LOOPBACK
        elif self.host == "*":
            wanted = _EVERYWHERE
        else:
            wanted = (self.host,)
        listening: list[socket.socket] = []
        for address in wanted:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                bound = socket.create_server((address, self.port), family=family, backlog=_BACKLOG)
            except OSError as error:
                if listening:
                    continue  # no IPv6 here
                raise PortManagerNotStarted(
                    f"Cannot listen at {address}:{self.port}: {os.strerror(error.errno) if error.errno else error}; "
                    f"'tidemill ports list {address}:{self.port}' tells if a port manager has it, "
                    "--listen and --host choose another address"
                ) from None
            listening.append(bound)
            self.port = bound.getsockname()[1]
            self.addresses.append(f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}")
        return listening


async def serve(server: PortServer, *, started: Callable[[PortServer], None]) -> None:
    """Serve until interrupted or terminated.

    Arguments:
        started: called once requests are answered.

    Raises:
        PortManagerNotStarted: it cannot listen.
    """
    _raise_file_limit()
    with _signals_caught() as interrupted:
        await server.start()
        try:
            started(server)
            await interrupted.wait()
        finally:
            await server.stop()


class _Connection(asyncio.Protocol):
    """One peer: feeds its session, and reads no faster than it takes replies."""

    def __init__(self, server: PortServer) -> None:
        self._server = server
        self._is_full = False
        self._is_working = False
        self._is_remote = False
        self._has_ended = False
        self._session: Session | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = _peer_of(transport)
        self._is_remote = not peer.is_local
        if self._is_remote:
            self._server.remote_connections += 1
            if self._server.remote_connections > _REMOTE_CONNECTIONS:
                transport.abort()
                return
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._session = Session(self._server.registry, peer)

    def data_received(self, data: bytes) -> None:
        if self._session is not None:
            self._session.receive(data)
            self._work()

    def eof_received(self) -> bool:
        self._has_ended = True
        # What was asked before is answered first.
        return self._is_working or self._is_full

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_remote:
            self._server.remote_connections -= 1
        if self._session is not None:
            self._session.end()
            self._session = None

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._work()

    def _work(self) -> None:
        """Answer some requests; the rest in a later turn, so that no flood keeps the others waiting."""
        self._is_working = False
        session, transport = self._session, self._transport
        if session is None or transport.is_closing():
            return
        for _ in range(_SLICE_REPLIES):
            if self._is_full:
                # Reading goes on when the peer has taken what it asked for.
                transport.pause_reading()
                return
            reply = session.reply()
            if reply is None:
                if self._has_ended:
                    transport.close()
                else:
                    transport.resume_reading()
                return
            transport.write(reply)
            if session.is_over:
                transport.close()
                return
        transport.pause_reading()
        self._is_working = True
        asyncio.get_running_loop().call_soon(self._work)


def _peer_of(transport: asyncio.Transport) -> Peer:
    connected: Any = transport.get_extra_info("socket")
    if connected.family == socket.AF_UNIX:
        pid, uid, _ = _CREDENTIALS.unpack(
            connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        return Peer("local", is_local=True, user=_user_name(uid), pid=pid)
    address = str((transport.get_extra_info("peername") or ("",))[0])
    return Peer(address, is_local=is_loopback(address))


def is_loopback(address: str) -> bool:
    """Whether a peer's address is of the loopback, also as an IPv6 socket writes an IPv4 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


@lru_cache(maxsize=1024)
def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _raise_file_limit() -> None:
    """Each holder is an open file: a thousand of them is what many systems allow at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def _signals_caught() -> Iterator[asyncio.Event]:
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in caught:
        loop.add_signal_handler(number, interrupted.set)
    try:
        yield interrupted
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
