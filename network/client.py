"""The client of a running scheduler: ask an endpoint, get its answer.

    >>> client = WorkflowRuntimeClient("forecast/run1")
    >>> client("ping_workflow")
    True

Imports little more than zmq: jobs and people start a client process for every message.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import zmq

from ..contact.address import find_address
from ..contact.exceptions import ContactFileError, ContactFileMissing, IdentifierError, WorkflowNotFound
from ..contact.file import Liveness, detect_old_contact, read_contact, remove_stale
from ..contact.paths import contact_path, resolve_workflow, service_directory
from .connection import PROMPT_SECONDS, Connection, Keys, read_keys
from .exceptions import ClientError, ClientTimeout, CommandFailed, WorkflowStopped

if TYPE_CHECKING:
    from typing import Self

    from .asynchronous import AsynchronousRequests

DEFAULT_TIMEOUT = 5.0
"""Seconds."""

_LONGEST_TIMEOUT_SECONDS = 7 * 24 * 3600.0
_LOOK_INTERVAL_SECONDS = 0.2

Buffer = bytes | bytearray | memoryview

_WITH_BYTES = b"\0"
_TRUE = b'{"data":true}'
"""What most endpoints that have nothing to tell answer."""
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class WithBytes(NamedTuple):
    """An answer of JSON data with bytes beside it."""

    data: Any
    payload: memoryview


class RequestClient:
    """Sends requests to one server and returns what its endpoints return: what the clients of all servers share.

    A subclass says in `_read_keys` how to be let in, and in `_look` and `_timed_out` what to make of a server that
    does not answer.
    """

    def __init__(
        self, *, host: str, port: int, timeout_seconds: float, context: zmq.Context[Any] | None = None
    ) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout_seconds
        self._connection: Connection | None = None
        self._asynchronous: AsynchronousRequests | None = None
        self._lock = Lock()
        self._context = context
        self.header: dict[str, Any] = {"meta": request_meta()}
        self._plain_header = {"meta": dict(self.header["meta"])}
        members = _to_json(self.header["meta"])[1:-1]
        self._plain_meta = f"{members},".encode() if members else b""

    def __call__(
        self,
        command: str,
        args: Mapping[str, Any] | None = None,
        timeout: float | str | None = None,
        req_meta: Mapping[str, Any] | None = None,
    ) -> Any:
        """The same as `serial_request`."""
        return self.serial_request(command, args, timeout, req_meta)

    def serial_request(
        self,
        command: str,
        args: Mapping[str, Any] | None = None,
        timeout: float | str | None = None,
        req_meta: Mapping[str, Any] | None = None,
        attachment: Buffer | None = None,
    ) -> Any:
        """Ask an endpoint and wait for its answer.

        Arguments:
            command: the endpoint's name.
            args: its arguments by name.
            timeout: seconds, as a number or text; the client's own if not given or 0.
            req_meta: added to the request's ``meta``. An ``id`` in it is the request's own: a command
                repeated with the same id is not carried out twice.
            attachment: bytes that go with the request, for endpoints that take them.

        Returns:
            What the endpoint returned: JSON data, bytes for the ``pb_`` endpoints, or `WithBytes`.

        Raises:
            ClientTimeout: no answer came in time. The command may have been carried out.
            WorkflowStopped: the scheduler is gone.
            ClientError: anything else: the endpoint said no, or the scheduler does not know our key.
        """
        seconds = seconds_of(timeout, self.timeout)
        request = self._encode(command, args, req_meta)
        with self._lock:
            reply = self._exchange(command, request, seconds, attachment)
        return decode_reply(command, reply)

    async def async_request(
        self,
        command: str,
        args: Mapping[str, Any] | None = None,
        timeout: float | str | None = None,
        req_meta: Mapping[str, Any] | None = None,
        attachment: Buffer | None = None,
    ) -> Any:
        """`serial_request` for asyncio; several may be under way at once."""
        seconds = seconds_of(timeout, self.timeout)
        request = self._encode(command, args, req_meta)
        if self._asynchronous is None:
            from .asynchronous import AsynchronousRequests

            self._asynchronous = AsynchronousRequests(self._connect, self._look, self._timed_out)
        return decode_reply(command, await self._asynchronous.request(command, request, seconds, attachment))

    def close(self) -> None:
        """Close the connection. The client may be used again: it will make another."""
        with self._lock:
            self._drop()
        if self._asynchronous is not None:
            self._asynchronous.close()

    stop = close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_connection", None) is not None or getattr(self, "_asynchronous", None) is not None:
            self.close()

    # --- one request ---

    def _encode(self, command: str, args: Mapping[str, Any] | None, req_meta: Mapping[str, Any] | None) -> bytes:
        if not args and not req_meta and self.header == self._plain_header:
            # The shape of nearly every request of a client that asks often: only its name and id change.
            return b'{"command":%b,"args":{},"meta":{%b"id":"%b"}}' % (
                _to_json(command).encode(),
                self._plain_meta,
                new_id().encode(),
            )
        meta = {**self.header.get("meta", {}), "id": new_id(), **(req_meta or {})}
        message = {"command": command, "args": dict(args or {}), **self.header, "meta": meta}
        try:
            return _to_json(message).encode()
        except (TypeError, ValueError) as error:
            raise ClientError(f"The arguments of {command} cannot be written as JSON: {error}") from None

    def _exchange(self, command: str, request: bytes, seconds: float, attachment: Buffer | None = None) -> bytes:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connect(zmq.REQ)
        sock = connection.socket
        deadline = time.monotonic() + seconds
        seen_refusals = 0
        next_look = 0.0
        try:
            if attachment is None:
                sock.send(request, zmq.NOBLOCK)
            else:
                sock.send_multipart((request, attachment), zmq.NOBLOCK)
            if connection.authenticated and seconds > PROMPT_SECONDS:
                # Nearly every reply is prompt: wait for it in one call, which costs less than watching two
                # sockets.
                try:
                    return sock.recv()
                except zmq.Again:
                    pass
            watched = [(sock, zmq.POLLIN), (connection.monitor, zmq.POLLIN)]
            while True:
                now = time.monotonic()
                if now >= deadline:
                    break
                wait = deadline - now
                if seen_refusals != connection.refused_connections:
                    if now >= next_look:
                        seen_refusals = connection.refused_connections
                        next_look = now + _LOOK_INTERVAL_SECONDS
                        self._look()
                    else:
                        wait = min(wait, next_look - now)
                ready = zmq.zmq_poll(watched, int(wait * 1000) + 1)
                if any(found is sock for found, _ in ready):
                    return sock.recv(zmq.NOBLOCK)
                if ready:
                    connection.read_events()
        except zmq.Again:
            self._drop()
            raise ClientError(f"Too many requests to {connection.where} wait to be sent") from None
        except BaseException:
            # Also when interrupted: the reply that is still to come must find no one.
            self._drop()
            raise
        self._drop()
        raise self._timed_out(command, seconds, connection)

    def _connect(self, kind: int) -> Connection:
        context: zmq.Context[Any] = self._context if self._context is not None else zmq.Context.instance()
        return Connection(context, kind, host=self.host, port=self.port, keys=self._read_keys())

    def _read_keys(self) -> Keys:
        """The keys to be let in with, for a new connection; raises `ClientError`."""
        raise NotImplementedError

    def _look(self) -> None:
        """See what became of the server, since nothing listened or the connection broke; raises if it is gone."""

    def _timed_out(self, command: str, seconds: float, connection: Connection) -> ClientError:
        """The error to raise when no answer came in time."""
        return ClientTimeout(f"Timeout: no answer to {command} from {connection.where} in {seconds:g} seconds")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class WorkflowRuntimeClient(RequestClient):
    """Sends requests to a scheduler and returns what its endpoints return.

    Arguments:
        workflow: the id of the run, or of its workflow for the latest run.
        host: where it runs; by default as the environment, then the contact file say.
        port: likewise.
        timeout: seconds to wait for an answer, as a number or text; 5 by default.
        context: a ZeroMQ context to use; a shared one by default.
        srv_public_key_loc: file with the server's public key; by default that of the run.

    With host and port given no contact file is needed, only keys. A client may be used by one thread after
    the other, and by several at once, which then wait for each other.

    Attributes:
        host, port: where the scheduler is looked for.
        timeout_handler: called without arguments when no answer came in time, before `ClientTimeout` is
            raised; what it raises is raised instead. By default it finds out whether the workflow has stopped
            or moved.
        header: what is sent with every request: ``{"meta": {"prog", "host", "comms_method"}}``.

    Raises:
        WorkflowStopped: there is no contact file, and it is needed.
        ClientError: the address, keys or timeout are not usable.
    """

    DEFAULT_TIMEOUT = DEFAULT_TIMEOUT

    def __init__(
        self,
        workflow: str,
        host: str | None = None,
        port: int | str | None = None,
        timeout: float | str | None = None,
        context: zmq.Context[Any] | None = None,
        srv_public_key_loc: str | os.PathLike[str] | None = None,
    ) -> None:
        seconds = seconds_of(timeout, DEFAULT_TIMEOUT)
        try:
            self.workflow = resolve_workflow(workflow)
            address = find_address(self.workflow, host, port)
        except ContactFileMissing as error:
            raise WorkflowStopped(f"{workflow} is not running: {error}") from None
        except (ContactFileError, IdentifierError, WorkflowNotFound) as error:
            raise ClientError(str(error)) from None
        super().__init__(host=address.host, port=address.port, timeout_seconds=seconds, context=context)
        self._needs_contact = address.contact is not None
        self._server_key = srv_public_key_loc
        self._service_directory = address.service_directory or service_directory(self.workflow)
        self._keys = read_keys(self._service_directory, srv_public_key_loc)
        self.timeout_handler: Callable[[], None] | None = self._timeout_handler

    def _read_keys(self) -> Keys:
        # Keys are made anew when a workflow starts: a new connection reads them again if it can.
        if self._connection is None:
            try:
                self._keys = read_keys(self._service_directory, self._server_key)
            except ClientError:
                if not self._needs_contact:
                    raise
                self._look()
                raise
        return self._keys

    # --- when there is no answer ---

    def _timed_out(self, command: str, seconds: float, connection: Connection) -> ClientError:
        """Give the timeout handler its say; the error to raise if it says nothing."""
        if self.timeout_handler is not None:
            self.timeout_handler()
        if connection.authenticated:
            reason = "It is there but did not answer: it may be suspended or very busy, or the request takes long"
        elif connection.refused_connections:
            reason = "Nothing listens there: it may have stopped, or moved"
        else:
            reason = "No connection was made: the network or the host may be down, or the scheduler suspended"
        return ClientTimeout(
            f"Timeout: no answer to {command} from {self.workflow} at {connection.where} "
            f"in {seconds:g} seconds. "
            f"{reason}. Look at the scheduler's log, or wait longer with --comms-timeout"
        )

    def _timeout_handler(self) -> None:
        """The default timeout handler: say so on standard error, then see whether the scheduler is there at
        all."""
        import logging

        logging.getLogger("tidemill").warning("%s %s:%s: no answer in time", self.workflow, self.host, self.port)
        self._look()

    def _look(self) -> None:
        """See what the contact file says of the scheduler.

        Raises:
            WorkflowStopped: it has gone, or its contact file was of a process that is certainly gone, and is
                removed.
            ClientError: it has moved.
        """
        path = contact_path(self.workflow)
        try:
            contact = read_contact(path)
        except ContactFileMissing:
            if self._needs_contact:
                raise WorkflowStopped(f"{self.workflow} is not running") from None
            return
        except ContactFileError:
            return
        if (contact.host, contact.port) != (self.host, self.port):
            if self._needs_contact:
                raise ClientError(
                    f"{self.workflow} is no longer running at {self.host}:{self.port}: "
                    f"it has moved to {contact.host}:{contact.port}"
                )
            return
        try:
            if detect_old_contact(path) is not Liveness.DEAD:
                return
        except ContactFileError:
            return
        removed = remove_stale(path)
        if removed is not None:
            raise WorkflowStopped(
                f"{self.workflow} is not running: its process {removed.pid} on {removed.host} has gone "
                "without saying so. Its contact file has been removed"
            )


def seconds_of(timeout: float | str | None, default: float) -> float:
    """A timeout as a number of seconds, from a number or text; the default for None, empty text and 0."""
    if timeout is None or timeout == "":
        return default
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        seconds = -1.0
    # Not a number compares false with everything.
    if not seconds >= 0:
        raise ClientError(f"{timeout!r} is not a timeout: it is a number of seconds")
    return min(seconds, _LONGEST_TIMEOUT_SECONDS) or default


def new_id() -> str:
    """A random UUID (version 4), without the import of ``uuid``."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def request_meta() -> dict[str, str]:
    """Who asks, for the scheduler's log: program, host, and way of communication."""
    arguments = sys.argv
    program = arguments[1] if len(arguments) > 1 else Path(arguments[0] if arguments else "").name
    return {
        "prog": program,
        "host": socket.gethostname(),
        "comms_method": os.environ.get("CLIENT_COMMS_METH", "zmq"),
    }


def decode_reply(command: str, reply: bytes) -> Any:
    """The data of a reply; raises `ClientError` with the scheduler's message if there is none.

    Replies to ``pb_`` commands are bytes as they are, unless they are an error, which begins as no such
    message does.
    """
    if not reply.startswith(b"{") and command.startswith("pb_"):
        return reply
    if reply == _TRUE:
        return True
    if reply.startswith(_WITH_BYTES):
        end = 5 + int.from_bytes(reply[1:5], "big")
        return WithBytes(json.loads(reply[5:end]), memoryview(reply)[end:])
    try:
        response = json.loads(reply.decode())
    except (ValueError, RecursionError):
        response = None
    if isinstance(response, dict):
        if "data" in response:
            return response["data"]
        error = response.get("error")
        message = error.get("message") if isinstance(error, dict) else error
        if message:
            if isinstance(error, dict) and error.get("kind") == "failed":
                raise CommandFailed(str(message))
            refusal = ClientError(str(message))
            refusal.found_nothing = isinstance(error, dict) and error.get("kind") == "idle"
            raise refusal
    raise ClientError(f"The reply to {command} is not understood: {reply[:200]!r}")
