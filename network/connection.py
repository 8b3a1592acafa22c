"""One encrypted connection to a scheduler, and what became of its handshake.

libzmq tells nobody that a key was refused except by the events of a socket's monitor: they are read here,
without ``zmq.utils.monitor``, which costs an import of asyncio.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import zmq

from ..contact.address import endpoint
from ..contact.exceptions import KeyFileError
from ..contact.keys import CLIENT_SECRET, SERVER_PUBLIC, KeyPair, read_key_pair, read_public_key
from .exceptions import ClientError

_EVENT = Struct("=HI")
_NUMBERS = itertools.count()
_EVENTS = (
    zmq.EVENT_CLOSED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
PROMPT_SECONDS = 0.05
"""How long a receive from a request socket that may block does so."""

_RECONNECT_MILLISECONDS = 50
_RECONNECT_AT_MOST_MILLISECONDS = 1000


class Keys(NamedTuple):
    """What a client needs to be let in."""

    own: KeyPair
    server: bytes
    directory: str
    """Where they were found, for messages."""


def read_keys(service_directory: Path, srv_public_key_loc: str | os.PathLike[str] | None = None) -> Keys:
    """The keys of a run's clients.

    Arguments:
        service_directory: the run's, with the client's own keys.
        srv_public_key_loc: another place for the server's public key; the client's own keys are then looked
            for beside it too.

    Raises:
        ClientError: saying which key cannot be read.
    """
    own = service_directory / CLIENT_SECRET
    if srv_public_key_loc is not None and not own.exists():
        own = Path(srv_public_key_loc).parent / CLIENT_SECRET
    try:
        pair = read_key_pair(own)
    except KeyFileError as error:
        raise ClientError(f"Authentication is not possible without the client's secret key: {error}") from None
    try:
        server = read_public_key(srv_public_key_loc or service_directory / SERVER_PUBLIC)
    except KeyFileError as error:
        raise ClientError(f"Authentication is not possible without the server's public key: {error}") from None
    return Keys(pair, server, str(own.parent))


class Connection:
    """A socket connected to one address, with its monitor.

    Arguments:
        context: any kind of ZeroMQ context; a plain socket is made of it.
        kind: the socket's type (``zmq.REQ``, ``zmq.DEALER``, ``zmq.SUB``).
        topics: for subscribers, what to subscribe to.
        heartbeat_seconds: how often to see whether the other end is there; the connection is given up after three
            times that without a sign. Not at all if 0.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        kind: int,
        *,
        host: str,
        port: int,
        keys: Keys,
        topics: tuple[bytes, ...] = (),
        heartbeat_seconds: float = 0.0,
    ) -> None:
        self.where = f"{host}:{port}"
        self.keys = keys
        self.authenticated = False
        self.refused_connections = 0
        """How often nothing listened at the address, or the connection broke: a reason to see if the
        scheduler is there."""
        self.broken_handshakes = 0
        """How often in a row the other end hung up in the handshake: twice is no accident."""
        # A shadow of the caller's context: its sockets are plain ones, even if the context is of zmq.asyncio.
        try:
            self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.shadow(context)
            self.socket = socket = self._context.socket(kind)
            self.monitor = self._context.socket(zmq.PAIR)
        except zmq.ZMQError as error:
            raise ClientError(f"Cannot connect to {self.where}: {error.strerror}") from None
        try:
            socket.linger = 0
            self.monitor.linger = 0
            socket.curve_publickey = keys.own.public
            socket.curve_secretkey = keys.own.secret
            socket.curve_serverkey = keys.server
            socket.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MILLISECONDS)
            socket.setsockopt(zmq.RECONNECT_IVL_MAX, _RECONNECT_AT_MOST_MILLISECONDS)
            socket.setsockopt(zmq.IPV6, ":" in host)
            if kind == zmq.REQ:
                # A late reply to an earlier request is told from the reply to this one.
                socket.setsockopt(zmq.REQ_CORRELATE, 1)
                socket.rcvtimeo = int(PROMPT_SECONDS * 1000)
            if heartbeat_seconds:
                socket.setsockopt(zmq.HEARTBEAT_IVL, int(heartbeat_seconds * 1000))
                socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(heartbeat_seconds * 3000))
            for topic in topics:
                socket.setsockopt(zmq.SUBSCRIBE, topic)
            name = f"inproc://handshake-{os.getpid()}-{next(_NUMBERS)}"
            socket.monitor(name, _EVENTS)
            self.monitor.connect(name)
            socket.connect(endpoint(host, port))
        except zmq.ZMQError as error:
            self.close()
            raise ClientError(f"Cannot connect to {self.where}: {error.strerror}") from None

    def close(self) -> None:
        """Close both sockets; what was not sent is dropped."""
        if not self.socket.closed:
            self.socket.disable_monitor()
            self.socket.close()
        self.monitor.close()

    def read_events(self) -> None:
        """Take in what the monitor has to tell; raises `ClientError` if this client will not be let in."""
        while True:
            try:
                frame = self.monitor.recv(zmq.NOBLOCK)
                self.monitor.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            event, _ = _EVENT.unpack(frame)
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.authenticated = True
                self.broken_handshakes = 0
            elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                raise ClientError(
                    f"Authentication failed: the server at {self.where} refused the key in "
                    f"{self.keys.directory}. "
                    "The key is of another run, or was made anew since: use the keys of the run as it is now"
                )
            elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                raise ClientError(
                    f"Authentication failed: what listens at {self.where} is not a server "
                    "that takes keys. "
                    "Another program may have the port now: see the contact file"
                )
            elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                # The server hangs up if our idea of its public key is wrong; but a server may also stop in a
                # handshake.
                self.broken_handshakes += 1
                if self.broken_handshakes >= 2:
                    raise ClientError(
                        f"Authentication failed: what listens at {self.where} hung up at the handshake. "
                        f"It is not the server whose public key is in {self.keys.directory}: "
                        "another run may have the port now"
                    )
            else:
                self.refused_connections += 1
