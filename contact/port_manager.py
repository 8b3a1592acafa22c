"""The client of the port manager: a port for a service, and who has which.

    >>> manager = PortManager("localhost")
    >>> port = manager.getPort("archive")
    >>> manager.find(beginswith="arch")
    [{'service': 'archive', 'user': 'anna', 'port': 31000}]

The ports are held as long as the connection: until `PortManager.close`, or the end of the process in whatever way.
"""

from __future__ import annotations

import contextlib
import os
import socket
from threading import RLock
from types import TracebackType
from typing import Any, NamedTuple

from .exceptions import PortManagerError, PortManagerLost, PortRequestError
from .paths import current_user
from .ports.address import DEFAULT_PORT, QUICK_SECONDS, connect, connect_quickly, manager_address
from .ports.service import DETAILS, TOLD, Service, service_of, write_details
from .ports.tcl_list import join_words, split_words

TIMEOUT_SECONDS = 5.0

_CRITERIA = ("service", "beginswith", "user")
_LONGEST_LINE_BYTES = 64 * 1024


class PortLease(NamedTuple):
    """A port, and the name it was granted under."""

    port: int
    service: str


class PortManager:
    """A connection to a port manager, which holds the ports it was asked for.

    Arguments:
        host: where it runs.
        port: where it listens.
        timeout: seconds to wait for the connection and for each answer.
        connected: a connection made already, by `ports.address.connect`.

    On the host itself the Unix socket beside the port is used if there is one: then the kernel tells who we are.
    May be used from several threads, which then wait for each other.

    Attributes:
        granted: the ports held, and the name that each was granted under.

    Raises:
        OSError: nobody listens there (`ConnectionRefusedError`), the host is not known (`socket.gaierror`), or the
            connection took too long (`TimeoutError`).
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = DEFAULT_PORT,
        *,
        timeout: float = TIMEOUT_SECONDS,
        connected: socket.socket | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout
        self.granted: dict[int, str] = {}
        self._user = current_user()
        self._buffer = bytearray()
        self._lock = RLock()
        self._lost = ""
        self.socket = connected or connect(host, port, timeout_seconds=timeout)

    # -- ports -------------------------------------------------------------------------------------------------------

    def get_port(self, service: str, **details: object) -> int:
        """A port that is ours until the connection ends; `granted` tells its name.

        Raises what `lease` raises.
        """
        return self.lease(service, **details).port

    def lease(self, service: str, **details: object) -> PortLease:
        """A port, and the name under which it is listed: the one wanted, or with ``_1``, ``_2``, ... if it is taken.

        Arguments:
            service: any text.
            details: what else to tell of it: ``kind``, ``workflow``, ``contact``, ``host``.

        Raises:
            PortManagerError: no port is free, or we are not on its host; the text is the port manager's.
            PortManagerLost: it is gone, and the ports with it.
        """
        return self._granted(service, self._ask(f"GIMME {self._described(service, details)}"))

    def advertise(self, port: int, service: str, **details: object) -> str:
        """List a service under a port that it has already; returns its name.

        Raises:
            PortManagerError: another service holds the port, or nothing is bound to it.
        """
        return self._granted(service, self._ask(f"ADVERTISE {port} {self._described(service, details)}")).service

    def release(self, port: int) -> None:
        """Give one port back.

        Raises:
            PortManagerError: it is not ours.
        """
        self._ask(f"FREE {port}")
        self.granted.pop(port, None)

    # -- services ----------------------------------------------------------------------------------------------------

    def services(self) -> list[Service]:
        """All services, with what they tell of themselves."""
        return [service_of(words) for words in self._list(f"LIST {DETAILS}")]

    def list_ports(self) -> list[dict[str, Any]]:
        """All services: ``{"service", "user", "port"}`` of each, by user and name."""
        return [{"service": name, "user": user, "port": int(port)} for port, name, user, *_ in self._list("LIST")]

    def find(self, **criteria: str) -> list[dict[str, Any]]:
        """The services that match everything asked for, in the shape of `list_ports`.

        Arguments:
            service: the name, suffix and all.
            beginswith: how the name begins.
            user: whose it is.

        Raises:
            RuntimeError: something else was asked for.
        """
        if not criteria.keys() <= set(_CRITERIA):
            raise PortManagerError("Invalid search key(s) supplied to PortManager.find")
        return [
            found
            for found in self.list_ports()
            if criteria.get("service", found["service"]) == found["service"]
            and found["service"].startswith(criteria.get("beginswith", ""))
            and criteria.get("user", found["user"]) == found["user"]
        ]

    getPort = get_port
    listPorts = list_ports

    # -- the connection ----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the connection, and give back every port it holds."""
        self._lost = self._lost or "the connection was closed"
        self.socket.close()
        self.granted.clear()

    def detach(self) -> socket.socket:
        """The connection itself, to be held and read by somebody else; this object is of no use afterwards."""
        self._lost = "the connection was handed over"
        return socket.socket(fileno=self.socket.detach())

    def __enter__(self) -> PortManager:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Letting go of it gives the ports back, as in the original: no reason for a warning.
        if hasattr(self, "socket"):
            self.socket.close()

    def _described(self, service: str, details: dict[str, object]) -> str:
        if unknown := details.keys() - set(TOLD):
            raise TypeError(f"no such detail of a service: {', '.join(sorted(unknown))}")
        told = write_details({"pid": os.getpid(), **details})
        return f"{join_words([service, self._user])} {DETAILS} {told}"

    def _granted(self, service: str, words: list[str]) -> PortLease:
        # The original tells no name, and may list the service under another one from time to time.
        lease = PortLease(int(words[0]), words[1] if len(words) > 1 else service)
        self.granted[lease.port] = lease.service
        return lease

    def _list(self, request: str) -> list[list[str]]:
        """The lines of a list, as words: a port, a name, a user, and perhaps more."""
        with self._lock:
            count = int(self._ask(request)[0])
            lines = self._lines(count) if count else []
        try:
            found = [split_words(line) for line in lines]
        except PortRequestError as error:
            raise PortManagerError(f"{self._where()} sent a list that cannot be read: {error}") from None
        for words in found:
            if len(words) < 3 or not words[0].isdecimal():
                raise PortManagerError(f"{self._where()} sent a list that cannot be read: {join_words(words)[:80]}")
        return found

    def _ask(self, request: str) -> list[str]:
        """Send a request and return the words after ``OK`` of the first line of its reply."""
        with self._lock:
            if self._lost:
                raise PortManagerLost(f"{self._where()} cannot be asked: {self._lost}")
            # Where it has hung up, it may have told why.
            with contextlib.suppress(OSError):
                self.socket.sendall(f"{request}\n".encode("utf-8", "surrogateescape"))
            (line,) = self._lines(1)
        try:
            words = split_words(line)
        except PortRequestError:
            words = []
        if words[:1] == ["FAIL"]:
            raise PortManagerError(" ".join(words[1:]))
        if len(words) < 2 or words[0] != "OK" or not words[1].isdecimal():
            self.close()
            raise PortManagerLost(f"{self._where()} is no port manager: it answered {line[:80]!r}")
        return words[1:]

    def _lines(self, count: int) -> list[str]:
        """The next lines of a reply."""
        buffer, found = self._buffer, self._buffer.count(b"\n")
        while found < count:
            if len(buffer) > _LONGEST_LINE_BYTES * (found + 1):
                raise self._gone("it sent a line that does not end")
            try:
                data = self.socket.recv(1 << 20)
            except TimeoutError:
                raise self._gone(f"it did not answer within {self.timeout:g} s") from None
            except OSError as error:
                raise self._gone(error.strerror or str(error)) from None
            if not data:
                raise self._gone("it closed the connection")
            buffer += data
            found += data.count(b"\n")
        *lines, rest = bytes(buffer).split(b"\n", count)
        self._buffer = bytearray(rest)
        return b"\n".join(lines).decode("utf-8", "surrogateescape").replace("\r\n", "\n").removesuffix("\r").split("\n")

    def _gone(self, reason: str) -> PortManagerLost:
        # An answer that comes too late must not be taken for that to the next request; and a port that it gives is
        # given back.
        held = f"; the ports held are given back: {', '.join(map(str, self.granted))}" if self.granted else ""
        self._lost = reason
        self.close()
        return PortManagerLost(f"{self._where()} is lost: {reason}{held}")

    def _where(self) -> str:
        return f"The port manager at {self.host}:{self.port}"


def running_manager() -> PortManager | None:
    """The port manager of this host if one runs; costs next to nothing if none does.

    One that nobody named is known by the Unix socket beside its port, where there are such: another program may
    have the port.

    Raises:
        PortManagerError: ``TIDEMILL_PORT_MANAGER`` is no address.
    """
    address = manager_address()
    if address is None:
        return None
    try:
        connected = connect_quickly(address)
    except OSError:
        return None
    return PortManager(address.host, address.port, timeout=QUICK_SECONDS, connected=connected)
