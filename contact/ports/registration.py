"""A server's ports from the port manager, and its place in the list, kept as long as the server runs.

One line serves any server of ours: make a `Registration`, hand it to `RequestServer.start`, which takes the ports from
it, keeps the connection, and lets go of it when it stops. Without a port manager it does nothing, and costs nothing:
what writes and reads lines is imported when there is one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..exceptions import PortManagerError, PortManagerLost, PortRequestError
from ..paths import current_user
from .address import QUICK_SECONDS, ManagerAddress, connect_quickly, is_local, manager_address

if TYPE_CHECKING:
    import asyncio
    import socket

    from ..port_manager import PortManager

SCHEDULER = "scheduler"
COMMAND_SERVER = "command-server"
SUITE_SERVER = "suite-server"
PUBLISHER = "publisher"

FIRST_RETRY_SECONDS = 0.25
LONGEST_RETRY_SECONDS = 30.0
"""Between looks for a port manager that has gone, or was not there: each is one connection refused."""


class Registration:
    """The registration of one server with the port manager of this host, if there is one.

    Arguments:
        service: the name to be listed under; another one gets a suffix.
        kind: what it is: `SCHEDULER`, `COMMAND_SERVER`, ...
        workflow: the id of its run, of a scheduler.
        contact: the path of its contact file.
        host: the name to reach it at.
        log: takes a level name and a line of text.

    The port manager is looked for at once: one connection, refused in microseconds if none runs.
    """

    def __init__(
        self,
        service: str,
        *,
        kind: str,
        workflow: str = "",
        contact: str | os.PathLike[str] = "",
        host: str = "",
        log: Callable[[str, str], None],
    ) -> None:
        self.service = service
        self.names: dict[str, str] = {}
        """The name that each purpose was granted."""
        self._details = {"kind": kind, "workflow": workflow, "contact": os.fspath(contact), "host": host}
        self._log = log
        self._leased: dict[str, int] = {}
        self._ports: dict[str, int] = {}
        self._manager: PortManager | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._retry_seconds = LONGEST_RETRY_SECONDS
        self._is_listed = False
        self._buffer = bytearray()
        self._asked: list[str] = []
        """The purposes whose ports were asked to be listed and not answered yet."""
        self._address = self._find()

    # -- before the server runs --------------------------------------------------------------------------------------

    def take(self, purpose: str = "") -> int | None:
        """A port that nothing is bound to; None if the port manager has none, or there is none.

        Arguments:
            purpose: what of the server it is for: nothing for its requests, ``publish`` for its news. Asked again for
                the same purpose, the port given before could not be bound after all: it goes back.
        """
        manager = self._manager
        if manager is None:
            return None
        try:
            refused = self._leased.pop(purpose, None)
            if refused is not None:
                manager.release(refused)
            lease = manager.lease(self._name(purpose), **self._told(purpose))
        except PortManagerLost as error:
            self._log("WARNING", f"{error}; going on without")
            self._manager = None
            self._leased.clear()
            return None
        except PortManagerError as error:
            self._log("WARNING", f"The port manager at {self._where()} gave no port ({error}): choosing one here")
            return None
        self._leased[purpose] = lease.port
        self.names[purpose] = lease.service
        return lease.port

    # -- while it runs -----------------------------------------------------------------------------------------------

    def keep(self, loop: asyncio.AbstractEventLoop, ports: dict[str, int]) -> None:
        """Hold the ports, and be listed with them, until `close`; again whenever the port manager comes back.

        Arguments:
            ports: the port that the server has bound, by purpose, taken here or not.
        """
        if self._address is None:
            return
        self._loop = loop
        self._ports = ports
        manager, self._manager = self._manager, None
        if manager is None:
            self._try_later()
            return
        for purpose, port in self._leased.items():
            if ports.get(purpose) != port:
                try:
                    manager.release(port)
                except PortManagerError:
                    break  # it is gone, which is noticed when it is listened to
        self._is_listed = True
        self._held(manager.detach())
        if others := [purpose for purpose, port in ports.items() if self._leased.get(purpose) != port]:
            self._advertise(others)

    def close(self) -> None:
        """Give the ports back."""
        self._address = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._manager is not None:
            self._manager.close()
            self._manager = None
        self._let_go()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _find(self) -> ManagerAddress | None:
        try:
            address = manager_address()
        except PortManagerError as error:
            self._log("WARNING", f"{error}. Going on without a port manager")
            return None
        if address is None:
            return None
        if not is_local(address.host):
            self._log("WARNING", f"The port manager at {address.host} is of another host, and gives no ports here")
            return None
        connected = self._connect(address)
        if connected is not None:
            from ..port_manager import PortManager

            self._manager = PortManager(address.host, address.port, timeout=QUICK_SECONDS, connected=connected)
        elif address.is_configured:
            self._log("WARNING", f"No port manager answers at {address.host}:{address.port}: going on without")
        return address

    def _connect(self, address: ManagerAddress) -> socket.socket | None:
        try:
            return connect_quickly(address)
        except OSError:
            return None

    def _held(self, connected: socket.socket) -> None:
        assert self._loop is not None
        connected.setblocking(False)
        self._socket = connected
        self._loop.add_reader(connected.fileno(), self._readable)

    def _let_go(self) -> None:
        if self._socket is not None and self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
        self._socket = None
        self._buffer.clear()
        self._asked.clear()

    def _advertise(self, purposes: list[str]) -> None:
        """Ask that ports be listed which the port manager did not give, or has forgotten."""
        from .service import DETAILS, write_details
        from .tcl_list import join_words

        assert self._socket is not None
        lines = []
        for purpose in purposes:
            who = join_words([self.names.get(purpose) or self._name(purpose), current_user()])
            told = write_details({"pid": os.getpid(), **self._told(purpose)})
            lines.append(f"ADVERTISE {self._ports[purpose]} {who} {DETAILS} {told}\n")
        self._asked += purposes
        try:
            # A few hundred bytes: a new connection takes them at once.
            self._socket.sendall("".join(lines).encode("utf-8", "surrogateescape"))
        except OSError:
            self._lost()

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        *lines, rest = bytes(self._buffer + data).split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            if not self._is_held():  # an answer before may have ended it
                return
            self._answered(line.decode("utf-8", "surrogateescape"))

    def _is_held(self) -> bool:
        return self._socket is not None

    def _answered(self, line: str) -> None:
        from .tcl_list import split_words

        purpose = self._asked.pop(0) if self._asked else ""
        try:
            words = split_words(line)
        except PortRequestError:
            words = []
        if len(words) > 2 and words[0] == "OK":
            self._is_listed = True
            self.names[purpose] = words[2]
            self._log("INFO", f"Listed as {words[2]} by the port manager at {self._where()}")
            return
        self._log("WARNING", f"The port manager at {self._where()} does not list this server: {line.strip()[:200]}")
        if words[:1] != ["FAIL"]:
            self.close()  # it is something else, and need not be bothered again

    def _lost(self) -> None:
        if self._is_listed:
            self._log("WARNING", f"The port manager at {self._where()} is gone: going on; listed again once it is back")
            self._retry_seconds = FIRST_RETRY_SECONDS
        # One that hangs up on us at once, again and again, is looked for ever more rarely.
        self._is_listed = False
        self._let_go()
        self._try_later()

    def _try_later(self) -> None:
        assert self._loop is not None
        self._timer = self._loop.call_later(self._retry_seconds, self._try_again)
        self._retry_seconds = min(2 * self._retry_seconds, LONGEST_RETRY_SECONDS)

    def _try_again(self) -> None:
        self._timer = None
        if self._address is None:
            return
        connected = self._connect(self._address)
        if connected is None:
            self._try_later()
            return
        self._held(connected)
        self._advertise(list(self._ports))

    def _name(self, purpose: str) -> str:
        return f"{self.service}:{purpose}" if purpose else self.service

    def _told(self, purpose: str) -> dict[str, str]:
        return {**self._details, "kind": PUBLISHER} if purpose else self._details

    def _where(self) -> str:
        return f"{self._address.host}:{self._address.port}" if self._address is not None else "?"


def any_port() -> int | None:
    """A port for a server that must know its own before it binds it; None if no port manager runs, or it has none.

    It is given back at once and rests behind all others of the range: the server is then listed with it by its
    `Registration`.
    """
    from ..port_manager import running_manager

    try:
        manager = running_manager()
        if manager is None:
            return None
        with manager:
            return manager.get_port("starting")
    except PortManagerError:
        return None
