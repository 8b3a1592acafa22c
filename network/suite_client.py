"""The client of a suite server: found by host and port, let in by the keys in the server's directory."""

from __future__ import annotations

import socket
from typing import Any

import zmq

from ..contact.paths import suite_server_directory
from .client import RequestClient
from .connection import Connection, Keys, read_keys
from .exceptions import ClientError, ClientTimeout, NotAuthorised, ServerLost


class SuiteClient(RequestClient):
    """Sends requests to the suite server at an address; its errors say what is the matter.

    Arguments:
        host: where it runs.
        port: likewise.
        timeout_seconds: to wait for an answer.
        context: a ZeroMQ context to use; a shared one by default.

    Raises (when asked something):
        ServerLost: the host is unknown, or nothing listens there.
        ClientTimeout: no answer came in time.
        NotAuthorised: there are no keys to be let in with.
        ClientError: the server said no.
    """

    def __init__(
        self, host: str, port: int, *, timeout_seconds: float = 60.0, context: zmq.Context[Any] | None = None
    ) -> None:
        super().__init__(host=host, port=port, timeout_seconds=timeout_seconds, context=context)

    def _read_keys(self) -> Keys:
        try:
            return read_keys(suite_server_directory(self.host, self.port) / ".service")
        except ClientError as error:
            self._look()
            raise NotAuthorised(
                f"something listens on {self.host}:{self.port}, but not authorised: {error}. "
                "The keys belong to the user that runs the server"
            ) from None

    def _look(self) -> None:
        """Find out why there is no connection."""
        if not 0 < self.port < 65_536:
            raise ServerLost(f"{self.port} is no port: ports are 1 to 65535")
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ServerLost(f"unknown host {self.host}: {reason}") from None
        reason = "nothing listens there"
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as trial:
                trial.settimeout(2.0)
                try:
                    trial.connect(address)
                    return
                except OSError as error:
                    reason = error.strerror or "no answer in 2 seconds"
        raise ServerLost(f"{self.host}:{self.port}: {reason[:1].lower()}{reason[1:]}")

    def _timed_out(self, command: str, seconds: float, connection: Connection) -> ClientError:
        self._look()
        if connection.authenticated:
            return ClientTimeout(f"timed out: {connection.where} did not answer in {seconds:g} seconds")
        return ClientTimeout(
            f"timed out: what listens on {connection.where} did not answer as a Tidemill server in {seconds:g} seconds"
        )
