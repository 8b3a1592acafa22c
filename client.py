"""Commands on other machines, from Python: ``from tidemill import client``; docs/remote-commands.md has more.

>>> with client.add("localhost", port=9922, enter_connect_timeout=10) as connection:
...     connection.exec("uptime")
"""

from __future__ import annotations

from .network.commands.connection import AsynchronousConnection, Connection
from .network.commands.listener import AsynchronousListener, Listener
from .network.commands.pool import add, close_all, get, pool
from .network.exceptions import ClientError, ClientTimeout, CommandFailed, NotConnected, ServerLost

__all__ = [
    "AsynchronousConnection",
    "AsynchronousListener",
    "ClientError",
    "ClientTimeout",
    "CommandFailed",
    "Connection",
    "Listener",
    "NotConnected",
    "ServerLost",
    "add",
    "close_all",
    "get",
    "pool",
]
