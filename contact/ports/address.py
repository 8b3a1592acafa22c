"""Where the port manager of this host is: what the environment says, else the usual port."""

from __future__ import annotations

import os
import socket
import sys
from typing import NamedTuple

from ..exceptions import PortManagerError

VARIABLE = "TIDEMILL_PORT_MANAGER"
DEFAULT_PORT = 30000
DEFAULT_RANGE = (30001, 31000)
QUICK_SECONDS = 0.5
"""How long a port manager may keep those waiting who can do without."""


class ManagerAddress(NamedTuple):
    """A port manager's address."""

    host: str
    port: int
    is_configured: bool = True
    """Whether somebody named it, rather than that it is the usual one."""


def manager_address() -> ManagerAddress | None:
    """The port manager to use: ``TIDEMILL_PORT_MANAGER=host:port``, else ``localhost:30000``.

    None if the variable is set to nothing, which means that none is to be used.

    Raises:
        PortManagerError: the variable is no address.
    """
    given = os.environ.get(VARIABLE)
    if given is None:
        return ManagerAddress("localhost", DEFAULT_PORT, False)
    if not given.strip():
        return None
    try:
        return ManagerAddress(*parse_address(given.strip()))
    except ValueError:
        raise PortManagerError(f"{VARIABLE}={given} is not an address: write HOST:PORT, or HOST alone") from None


def parse_address(text: str, default_port: int = DEFAULT_PORT) -> tuple[str, int]:
    """The host and port of ``host:port``, ``host``, ``:port``, ``[address]:port`` or an IPv6 address alone.

    Raises:
        ValueError: it is none of these.
    """
    host, colon, number = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        return text.strip("[]"), default_port
    if not host.endswith("]") and host.startswith("["):
        return text.strip("[]"), default_port
    port = int(number)
    if not 0 < port < 65536:
        raise ValueError(f"{port} is not a port")
    return host.strip("[]") or "localhost", port


def socket_name(port: int) -> str | None:
    """The name of the Unix socket beside a port manager's port; None where there is none.

    It is an abstract one, which only Linux has: like the port it belongs to whoever has it first, is there as
    long as its process, and leaves no file behind.
    """
    return f"\0tidemill-ports-{port}" if sys.platform == "linux" else None


def is_local(host: str) -> bool:
    """Whether a host is this machine, without asking anybody."""
    return host in ("", "localhost", "::1") or host.startswith("127.") or host == socket.gethostname()


def connect(host: str, port: int, *, timeout_seconds: float, beside_only: bool = False) -> socket.socket:
    """A connection to a port manager: by the Unix socket beside its port where we are on its host, else by TCP.

    Raises:
        OSError: nobody listens there, the host is not known, or it took too long.
    """
    name = socket_name(port) if is_local(host) else None
    if name is not None:
        beside = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            beside.settimeout(timeout_seconds)
            beside.connect(name)
            return beside
        except OSError:
            beside.close()
            if beside_only:
                raise
    found = socket.create_connection((host, port), timeout=timeout_seconds)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


def connect_quickly(address: ManagerAddress) -> socket.socket:
    """A connection to the port manager of this host, which nobody may have to wait for.

    One that nobody named is known by the Unix socket beside its port, where there are such: another program may
    have the port.

    Raises:
        OSError: it does not run.
    """
    beside_only = not address.is_configured
    return connect(address.host, address.port, timeout_seconds=QUICK_SECONDS, beside_only=beside_only)
