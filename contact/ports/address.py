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
