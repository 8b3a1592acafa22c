"""A server: answers requests on one socket and publishes on another, in the event loop of what it serves.

Requests are drained from the socket's descriptor in bounded slices, so that no flood delays scheduling; what
an endpoint cannot answer at once it answers from a task of its own, while others are served.
"""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import struct
import traceback
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import zmq
from zmq import backend as zmq_backend

from ..contact.address import endpoint as endpoint_of
from ..contact.exceptions import KeyFileError
from ..contact.keys import SERVER_SECRET, read_key_pair
from ..exceptions import TidemillError
from .allowance import SLICE_SECONDS, Allowance
from .authentication import Authenticator, RateLimitedLog
from .envelope import Request, decode_request, encode_error, encode_reply, request_of
from .exceptions import RequestRefused, ServerError
from .expose import Endpoint, Endpoints, may_call, unknown_command
from .memory import Reply, ReplyMemory
from .publisher import WorkflowPublisher

if TYPE_CHECKING:
    from ..contact.ports.registration import Registration

DEFAULT_PORTS = (43001, 43101)

_SLICE_MESSAGES = 100
_IN_FLIGHT = 1000
_LINGER_MILLISECONDS = 1000
_LONGEST_ID = 200
_GRACE_SECONDS = 5.0
_TRIES_OF_GIVEN_PORTS = 3
_LARGEST_REQUEST = 64 * 1024 * 1024
_WORTH_SHARING = 256 * 1024
"""Bytes; a longer reply is not copied but lent to the library, which costs a message to get it back."""
# Plain numbers: combining the library's flags would cost a microsecond each time.
_NO_WAIT = int(zmq.NOBLOCK)
_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_EVENTS = int(zmq.EVENTS)
# The library's own send without what its Python layer adds for other kinds of messages: three a reply.
_send_frame: Callable[..., Any] = zmq_backend.Socket.send
_READABLE = int(zmq.POLLIN)
_MONITORED = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


class Services(Protocol):
    """What a server needs of what it serves."""

    @property
    def workflow(self) -> str:
        """The id of the run."""

    @property
    def owner(self) -> str:
        """Who runs it."""

    @property
    def service_directory(self) -> Path:
        """Where its keys are."""

    def log(self, level: str, text: str) -> None:
        """Write a line to the scheduler's log; `level` is a standard level name."""


class Caller(NamedTuple):
    """Who sent a request, as its key tells."""

    key: str
    role: str


_WITHIN = Caller("", "control")


class RequestServer(Endpoints):
    """Answers requests for the endpoints of a subclass, and publishes if the class says so."""

    publishes: ClassVar[bool] = True
    """Whether there is a second socket, to publish on."""

    def __init__(self, schd: Services) -> None:
        self.schd = schd
        self.host = ""
        self.port = 0
        self.publish_port = 0
        self.publisher: WorkflowPublisher | None = None
        self._memory = ReplyMemory()
        self.is_at_work = False
        """Set by whoever is served while it has work that requests must not hold up."""
        self._allowance = Allowance()
        self._tasks: set[asyncio.Task[bytes]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._drain_due = False
        self._registration: Registration | None = None

    # --- life ---

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        host: str,
        ports: tuple[int, int] = DEFAULT_PORTS,
        *,
        registration: Registration | None = None,
    ) -> tuple[int, int]:
        """Bind both sockets and begin to answer; returns the ports for requests and for publishing (0: none).

        Arguments:
            loop: the loop everything runs in.
            host: name or address to be reached at, as the contact file will say; nothing else is listened on.
            ports: first and last port of the range to choose from; (0, 0) for any the system has.
            registration: with a port manager, whose ports come first; kept until the server stops, even if it
                does not start.

        Raises:
            ServerError: the keys cannot be read, the host is not of this machine, or no port is free.
        """
        self._registration = registration
        try:
            keys = read_key_pair(self.schd.service_directory / SERVER_SECRET)
        except KeyFileError as error:
            raise ServerError(f"Cannot start the server of {self.schd.workflow}: {error}") from error
        address = self._address_of(host)
        self._loop = loop
        self._failures = RateLimitedLog(self.schd.log, loop.time)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._authenticator = Authenticator(self._context, self.schd.service_directory, self.schd.log)
        self._authenticator.start(loop)
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, _LINGER_MILLISECONDS)
        self._socket.setsockopt(zmq.MAXMSGSIZE, _LARGEST_REQUEST)
        self._socket.curve_server = True
        self._socket.curve_publickey = keys.public
        self._socket.curve_secretkey = keys.secret
        self._monitor = self._context.socket(zmq.PAIR)
        self._monitor.linger = 0
        self._socket.monitor("inproc://handshakes", _MONITORED)
        self._monitor.connect("inproc://handshakes")
        listeners = [self._socket]
        if self.publishes:
            self.publisher = WorkflowPublisher(self._context, keys)
            listeners.append(self.publisher.socket)
        try:
            for listening in listeners:
                listening.setsockopt(zmq.IPV6, ":" in address)
                # A peer whose machine vanished is noticed, and its memory freed.
                listening.setsockopt(zmq.TCP_KEEPALIVE, 1)
                listening.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 120)
            self.port = self._bind(self._socket, address, ports, "")
            bound = {"": self.port}
            if self.publisher is not None:
                self.publish_port = bound["publish"] = self._bind(self.publisher.socket, address, ports, "publish")
        except ServerError:
            self._close()
            self._context.destroy(linger=0)
            raise
        self.host = host
        if registration is not None:
            registration.keep(loop, bound)
        loop.add_reader(self._socket.FD, self._drain)
        loop.add_reader(self._monitor.FD, self._drain_monitor)
        if self.publisher is not None:
            loop.add_reader(self.publisher.socket.FD, self._drain_subscriptions)
        # The descriptors tell of changes from now on; what is there already we look for ourselves.
        self._wake()
        self._drain_monitor()
        return self.port, self.publish_port

    async def stop(self, reason: str) -> None:
        """Answer what has been asked, tell subscribers the reason, close.

        Takes at most about six seconds: five for endpoints at work, one for peers slow to take their last
        message. May not be awaited by an endpoint, which would wait for itself: start a task for it.
        """
        loop = self._loop
        if loop is None or self._stopping:
            return
        deadline = loop.time() + 0.5
        more = self._drain_slice()
        while more and loop.time() < deadline:
            await asyncio.sleep(0)
            more = self._drain_slice()
        self._stopping = True
        waiting = self._tasks - {asyncio.current_task()}
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=_GRACE_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)
        # The replies of finished tasks are sent by their callbacks, which have been queued but may not have
        # run.
        await asyncio.sleep(0)
        self._close(reason)
        await loop.run_in_executor(None, self._context.term)
        self._loop = None

    def _close(self, reason: str | None = None) -> None:
        assert self._loop is not None
        self._stopping = True
        self._loop.remove_reader(self._socket.FD)
        self._loop.remove_reader(self._monitor.FD)
        if self.publisher is not None:
            self._loop.remove_reader(self.publisher.socket.FD)
            if reason is not None:
                self.publisher.stop(reason)
            else:
                self.publisher.socket.close()
        self._socket.disable_monitor()
        self._monitor.close()
        self._socket.close()
        if self._registration is not None:
            self._registration.close()
        self._authenticator.stop()

    def _address_of(self, host: str) -> str:
        try:
            # As bytes it does not load what non-ASCII names need.
            found = socket.getaddrinfo(host.encode() if host.isascii() else host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ServerError(f"Cannot listen as {host}: no address is known for that name ({error})") from None
        # Clients of ZeroMQ look for IPv4 first, so that is where they must find us, if there is one.
        address = str(min(found, key=lambda entry: entry[0] is not socket.AF_INET)[4][0])
        loopback = address.startswith("127.") or address == "::1"
        if loopback and host != "localhost" and host != address:
            self.schd.log(
                "WARNING",
                f"{host} is {address} on this machine, which no other can reach: "
                "jobs and clients elsewhere cannot call back",
            )
        return address

    def _ports(self, ports: tuple[int, int], purpose: str) -> Iterator[int]:
        """The ports to try: a few that the port manager gives, then those of the range in any order."""
        first, last = ports
        # A port that was named is meant: the port manager is only told of it.
        if self._registration is not None and not 0 < first == last:
            for _ in range(_TRIES_OF_GIVEN_PORTS):
                given = self._registration.take(purpose)
                if given is None:
                    break
                yield given
        choice = list(range(first, last + 1))
        random.shuffle(choice)
        yield from choice

    def _bind(self, listening: zmq.Socket[bytes], address: str, ports: tuple[int, int], purpose: str) -> int:
        first, last = ports
        for port in self._ports(ports, purpose):
            try:
                listening.bind(endpoint_of(address, port))
            except zmq.ZMQError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    continue
                raise ServerError(f"Cannot listen on {address}:{port}: {error.strerror}") from None
            bound = listening.getsockopt(zmq.LAST_ENDPOINT)
            assert isinstance(bound, bytes)
            return int(bound.rpartition(b":")[2])
        raise ServerError(
            f"Cannot listen on {address}: every port from {first} to {last} is in use; stop what uses them, "
            "or widen the range of ports in the configuration"
        )

    # --- requests ---

    def _wake(self, pause_seconds: float = 0.0) -> None:
        # The descriptor speaks up only when news come in; after our own sends and at the end of a slice we
        # look ourselves.
        if not self._drain_due and self._loop is not None:
            self._drain_due = True
            if pause_seconds:
                self._loop.call_later(pause_seconds, self._drain_again)
            else:
                self._loop.call_soon(self._drain_again)

    def _drain_again(self) -> None:
        self._drain_due = False
        self._drain()

    def _drain(self) -> None:
        if self._stopping:
            return
        pause = self._allowance.begin(is_at_work=self.is_at_work)
        if pause:
            self._wake(pause)
            return
        more = self._drain_slice()
        self._allowance.end()
        if more:
            self._wake()

    def _drain_slice(self) -> bool:
        """Serve a bounded number of requests; True if there may be more."""
        assert self._loop is not None
        clock = self._loop.time
        deadline = clock() + SLICE_SECONDS
        receive = self._socket.recv
        waiting: Callable[[int], Any] = self._socket.getsockopt
        roles = self._authenticator.role_of
        for _ in range(_SLICE_MESSAGES):
            # Asking first costs less than the error that an empty socket raises.
            if not waiting(_EVENTS) & _READABLE:
                return False
            try:
                frame = receive(_NO_WAIT, False)
            except zmq.Again:
                return False
            except zmq.ZMQError as error:
                self._failures("ERROR", f"Receiving requests: {error}")
                return False
            envelope = [frame]
            body = b""
            attachment = None
            while frame.more:
                frame = receive(_NO_WAIT, False)
                envelope.append(frame)
            key = str(frame.get(b"User-Id"))
            if len(envelope) > 3:
                attachment = _take_attachment(envelope)
            if len(envelope) > 1:
                body = envelope.pop().bytes
            reply = self._answer(body, Caller(key, roles(key)), attachment)
            if type(reply) is bytes:
                self._send(envelope, reply)
            else:
                self._send_later(envelope, reply)  # type: ignore[arg-type]
            if clock() > deadline:
                return True
        return True

    def _send(self, envelope: list[Any], reply: bytes) -> None:
        send, to = _send_frame, self._socket
        try:
            for part in envelope:
                send(to, part, _MORE, False)
            if len(reply) < _WORTH_SHARING:
                send(to, reply, _NO_WAIT)
            else:
                to.send(reply, _NO_WAIT, copy=False)
        except zmq.ZMQError as error:
            self._failures("WARNING", f"A reply could not be sent: {error}")

    def _send_later(self, envelope: list[Any], task: asyncio.Task[bytes]) -> None:
        def send(done: asyncio.Task[bytes]) -> None:
            if self._socket.closed:
                return
            if done.cancelled():
                self._send(envelope, encode_error("The scheduler is stopping: the request was not finished"))
            else:
                self._send(envelope, done.result())
            self._wake()

        task.add_done_callback(send)

    def _answer(self, message: bytes, caller: Caller, attachment: memoryview | None = None) -> Reply:
        try:
            return self._call(decode_request(message), caller, attachment)
        except RequestRefused as error:
            return encode_error(str(error))

    def _call(self, request: Request, caller: Caller, attachment: memoryview | None = None) -> Reply:
        endpoint = self.endpoints.get(request.command)
        if endpoint is None:
            raise unknown_command(request.command, self.endpoints)
        if not may_call(caller.role, endpoint.access):
            raise RequestRefused(
                f"{endpoint.name} is not allowed: the key {caller.key!r} "
                f"is for {caller.role or 'nothing any more'} only"
            )
        meta = request.meta or {}
        key = None
        if endpoint.once and "id" in meta:
            key = (caller.key, str(meta["id"]))
            if len(key[1]) > _LONGEST_ID:
                raise RequestRefused(f"The id of a request is at most {_LONGEST_ID} characters long")
            known = self._memory.find(key, endpoint.name)
            if known is not None:
                return known
        arguments = endpoint.check(request.args)
        if attachment is not None:
            if not endpoint.takes_attachment:
                raise RequestRefused(f"{endpoint.name} takes no bytes beside its arguments: {endpoint.signature}")
            arguments["attachment"] = attachment
        if endpoint.takes_meta:
            arguments["meta"] = {**meta, "key": caller.key, "role": caller.role}
        if endpoint.access != "read":
            self._log_command(endpoint, meta)
        reply = self._run(endpoint, arguments, meta, caller)
        if key is not None:
            self._memory.keep(key, endpoint.name, reply)
        return reply

    def _run(self, endpoint: Endpoint, arguments: dict[str, Any], meta: dict[str, Any], caller: Caller) -> Reply:
        """The reply of an endpoint; `meta` and `caller` are for subclasses that answer some in another way."""
        if endpoint.is_async and len(self._tasks) >= _IN_FLIGHT:
            raise RequestRefused(f"{endpoint.name}: the scheduler is busy with {_IN_FLIGHT} requests: try again later")
        try:
            result = getattr(self, endpoint.name)(**arguments)
        except Exception as error:
            return self._failed(endpoint, error)
        if not endpoint.is_async:
            return self._encode(result)
        assert self._loop is not None
        task = self._loop.create_task(self._finish(endpoint, result))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _finish(self, endpoint: Endpoint, work: Coroutine[Any, Any, Any]) -> bytes:
        try:
            return self._encode(await work)
        except Exception as error:
            return self._failed(endpoint, error)

    def _encode(self, result: Any) -> bytes:
        """The reply with what an endpoint returned."""
        return encode_reply(result)

    def _failed(self, endpoint: Endpoint, error: Exception) -> bytes:
        if isinstance(error, TidemillError):
            return encode_error(str(error), getattr(error, "kind", None))
        self.schd.log("ERROR", f"Endpoint {endpoint.name} failed:\n{''.join(traceback.format_exception(error))}")
        return encode_error(
            f"{endpoint.name} failed in the scheduler: {type(error).__name__}: {error}; its log says more"
        )

    def _log_command(self, endpoint: Endpoint, meta: dict[str, Any]) -> None:
        user = str(meta.get("auth_user", self.schd.owner))[:100]
        prog, host = str(meta.get("prog", "?"))[:100], str(meta.get("host", "?"))[:100]
        self.schd.log("INFO", f"Command {endpoint.name!r} received from {user!r} ({prog!r} on {host!r})")

    def _drain_subscriptions(self) -> None:
        if self.publisher is not None and self.publisher.subscriptions():
            self.subscribed()

    def subscribed(self) -> None:
        """Someone has subscribed; for servers that publish only then."""

    def _drain_monitor(self) -> None:
        while not self._monitor.closed:
            try:
                frames = self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                return
            (event,) = struct.unpack("=H", frames[0][:2])
            if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                self._failures(
                    "WARNING",
                    "Authentication failed: refused a client that has no key, "
                    "or takes this for another run's scheduler",
                )
            elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                self._failures(
                    "INFO",
                    "Authentication not finished: a client hung up; it has no key, or is no client at all",
                )

    # --- for callers within the process ---

    def receiver(self, message: bytes | str | dict[str, Any]) -> Any:
        """Answer one request at once, with a key for control.

        Arguments:
            message: the request's bytes or text, which is answered in bytes; or a mapping, which is answered
                by a mapping (or by bytes where the endpoint returns bytes).

        Endpoints that take time (``async def``) cannot be answered so: that is an error reply.
        """
        try:
            if isinstance(message, dict):
                request = request_of(message)
            else:
                request = decode_request(message.encode() if isinstance(message, str) else message)
            found = self.endpoints.get(request.command)
            if found is not None and found.is_async:
                raise RequestRefused(f"{found.name} takes time: it is answered over the network only")
            reply = self._call(request, _WITHIN)
        except RequestRefused as error:
            reply = encode_error(str(error))
        assert isinstance(reply, bytes)
        if isinstance(message, dict) and reply.startswith(b"{"):
            import json

            return json.loads(reply)
        return reply


def _take_attachment(frames: list[Any]) -> memoryview | None:
    """Take the frame behind a request's from the end of a message: its addresses, an empty frame, the request, and
    perhaps that one.

    Without an empty frame the last one is the request.
    """
    for number in range(1, len(frames) - 2):
        if len(frames[number]) == 0:
            if number == len(frames) - 3:
                return memoryview(frames.pop().buffer)
            return None
    return None
