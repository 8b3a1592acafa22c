"""The connections of this process, by host and port."""

from __future__ import annotations

import os
import threading

from .connection import Connection
from .session import Session

DEFAULT_PORT = 9922

_lock = threading.Lock()
_pool: dict[str, Connection] = {}


def add(
    hostname: str,
    port: int = DEFAULT_PORT,
    *,
    enter_connect: bool = True,
    enter_connect_timeout: float | None = None,
    keys: str | os.PathLike[str] | None = None,
    encoding: str | None = "utf-8",
) -> Connection:
    """A new connection to the command server at a host and port; it is not made yet.

    Arguments:
        hostname, port: where the server is.
        enter_connect: whether ``with`` connects.
        enter_connect_timeout: seconds it has for that; None for as long as it takes.
        keys: the directory with the client's secret key and the server's public one; by default where the server at
            that address has put them.
        encoding: of the text that processes put out; None to get bytes.

    The latest of an address is in the `pool`; those added before stay as they are, each with a connection of its own.
    """
    session = Session(hostname, port, keys=keys, encoding=encoding)
    connection = Connection(session, enter_connect=enter_connect, enter_connect_timeout=enter_connect_timeout)
    with _lock:
        _pool[f"{hostname}:{port}"] = connection
    return connection


def get(hostname: str, port: int = DEFAULT_PORT) -> Connection:
    """The latest connection added for an address, in whichever thread; raises `KeyError`."""
    with _lock:
        return _pool[f"{hostname}:{port}"]


def pool() -> dict[str, Connection]:
    """The latest connection of each address, by ``HOST:PORT``."""
    with _lock:
        return dict(_pool)


def close_all() -> None:
    """Disconnect every connection of the pool, and forget them."""
    with _lock:
        connections = list(_pool.values())
        _pool.clear()
    for connection in connections:
        connection.disconnect()
