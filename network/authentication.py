"""Who is let in: ZeroMQ's authentication protocol (ZAP, RFC 27), answered from the event loop.

libzmq asks once per connection, over an in-process socket, whether a CURVE key is accepted; it refuses
everything until the question can be answered, so this must be set up before any socket of the same context is
bound.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import zmq
import zmq.utils.z85

from ..contact.keys import CLIENT_PUBLIC_DIRECTORY, ClientKey, read_client_keys

Log = Callable[[str, str], None]

_ENDPOINT = "inproc://zeromq.zap.01"
_VERSION = b"1.0"
_REFUSED = (b"400", b"the key is not one of this run")
_LOG_INTERVAL_SECONDS = 10.0


class RateLimitedLog:
    """A log that tells the first of many like lines at once, and the others as a count."""

    def __init__(self, log: Log, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._next = 0.0
        self._unsaid = 0

    def __call__(self, level: str, text: str) -> None:
        now = self._clock()
        if now < self._next:
            self._unsaid += 1
            return
        if self._unsaid:
            text += f" (and {self._unsaid} more since the last such line)"
        self._unsaid = 0
        self._next = now + _LOG_INTERVAL_SECONDS
        self._log(level, text)


class Authenticator:
    """Accepts the keys in ``client_public_keys``, refuses and logs all others.

    The directory is read again when it has changed, so a key added while the server runs is good at once, and
    a key removed lets nobody else in and has no role any more.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], service_directory: Path, log: Log) -> None:
        self._directory = service_directory
        self._context = context
        self._plain_log = log
        self._keys: dict[bytes, ClientKey] = {}
        self._roles: dict[str, str] = {}
        self._stamp: tuple[int, ...] = ()
        self._socket: zmq.Socket[bytes] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to answer; before any socket that needs it is bound."""
        self._loop = loop
        self._log = RateLimitedLog(self._plain_log, loop.time)
        self._socket = self._context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(_ENDPOINT)
        self.reload()
        loop.add_reader(self._socket.FD, self._drain)
        self._drain()

    def stop(self) -> None:
        """Answer no more; connections that exist are not touched."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.FD)
            self._socket.close()
            self._socket = None

    def role_of(self, user_id: str) -> str:
        """The role of a connection by the name ZeroMQ's metadata gives it (``User-Id``)."""
        return self._roles.get(user_id, "")

    def reload(self) -> None:
        """Read the accepted keys again."""
        self._stamp = self._directory_stamp()
        self._keys, problems = read_client_keys(self._directory)
        self._roles = {key.name: key.role for key in self._keys.values()}
        for problem in problems:
            self._plain_log("WARNING", f"A client key is ignored: {problem}")

    def _directory_stamp(self) -> tuple[int, ...]:
        try:
            found = os.stat(self._directory / CLIENT_PUBLIC_DIRECTORY)
        except OSError:
            return ()
        return (found.st_mtime_ns, found.st_ino)

    def _drain(self) -> None:
        # The descriptor is signalled on the edge: only an empty socket re-arms it, so go on until there is
        # none.
        socket = self._socket
        while socket is not None and not socket.closed:
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            except zmq.ZMQError as error:
                self._log("ERROR", f"Authentication: {error}")
                return
            socket.send_multipart(self._answer(frames), zmq.NOBLOCK)

    def _answer(self, frames: list[bytes]) -> list[bytes]:
        request_id = frames[1] if len(frames) > 1 else b""
        key = None
        address = frames[3].decode("ascii", "replace") if len(frames) > 3 else "?"
        if len(frames) == 7 and frames[0] == _VERSION and frames[5] == b"CURVE" and len(frames[6]) == 32:
            public = zmq.utils.z85.encode(frames[6])
            if self._stamp != self._directory_stamp():
                self.reload()
            key = self._keys.get(public)
        if key is None:
            self._log(
                "WARNING",
                f"Authentication failed: refused a client at {address}: its key is not in {self._directory}",
            )
            return [_VERSION, request_id, *_REFUSED, b"", b""]
        return [_VERSION, request_id, b"200", b"OK", key.name.encode(), b""]
