"""Requests from asyncio: many at once over one socket, each reply given to the request whose number it
carries.

Loaded by the client only when it is first asked to.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import zmq

from .connection import Connection
from .exceptions import ClientError


class AsynchronousRequests:
    """The requests of one client that are under way.

    Arguments:
        connect: makes a connection.
        look: sees whether the scheduler is there; raises if not. Called in a thread: it reads files.
        timed_out: lets the client's timeout handler have its say; returns the error to raise. Called in a
            thread.
    """

    def __init__(
        self,
        connect: Callable[[int], Connection],
        look: Callable[[], None],
        timed_out: Callable[[str, float, Connection], ClientError],
    ) -> None:
        self._connect = connect
        self._look = look
        self._timed_out = timed_out
        self._channel: _Channel | None = None
        self._retired: list[_Channel] = []

    async def request(
        self, command: str, request: bytes, seconds: float, attachment: bytes | bytearray | memoryview | None = None
    ) -> bytes:
        """Send a request and wait for its reply; raises as the client's `async_request`."""
        loop = asyncio.get_running_loop()
        channel = self._channel
        if channel is None or channel.retired or channel.loop is not loop:
            if channel is not None and channel.loop is not loop:
                self.close()
            self._retired = [old for old in self._retired if not old.connection.socket.closed]
            channel = self._channel = _Channel(loop, self._connect(zmq.DEALER), self._look)
        try:
            return await channel.request(request, seconds, attachment)
        except TimeoutError:
            # The socket is renewed for the next request; others under way on this one may still get their
            # replies.
            self._retired.append(channel)
            channel.retire()
            raise await loop.run_in_executor(None, self._timed_out, command, seconds, channel.connection) from None

    def close(self) -> None:
        """Close the connection; requests under way fail."""
        channels = [*self._retired, *([self._channel] if self._channel is not None else [])]
        self._channel, self._retired = None, []
        for channel in channels:
            channel.fail(ClientError("The client was closed while the request was under way"))


class _Channel:
    """One connection served by one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection, look: Callable[[], None]) -> None:
        self.loop = loop
        self.connection = connection
        self.retired = False
        self._look = look
        self._looking: asyncio.Future[None] | None = None
        self._seen_refusals = 0
        self._ids = itertools.count(1)
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._descriptors = (connection.socket.FD, connection.monitor.FD)
        loop.add_reader(self._descriptors[0], self._drain)
        loop.add_reader(self._descriptors[1], self._drain_events)
        loop.call_soon(self._drain_events)

    async def request(
        self, request: bytes, seconds: float, attachment: bytes | bytearray | memoryview | None = None
    ) -> bytes:
        number = next(self._ids).to_bytes(8, "big")
        future: asyncio.Future[bytes] = self.loop.create_future()
        self._waiting[number] = future
        try:
            try:
                frames = (number, b"", request) if attachment is None else (number, b"", request, attachment)
                self.connection.socket.send_multipart(frames, zmq.NOBLOCK)
            except zmq.Again:
                raise ClientError(f"Too many requests to {self.connection.where} wait to be sent") from None
            # A send may take in the news that the descriptor would have told of.
            self.loop.call_soon(self._drain)
            async with asyncio.timeout(seconds):
                return await future
        finally:
            self._waiting.pop(number, None)
            if self.retired and not self._waiting:
                self._close()

    def retire(self) -> None:
        """Take no further requests; close when the last one under way has ended."""
        self.retired = True
        if not self._waiting:
            self._close()

    def fail(self, error: ClientError) -> None:
        """End every request under way with an error, and close."""
        self.retired = True
        for future in self._waiting.values():
            if not future.done() and not self.loop.is_closed():
                future.set_exception(error)
        self._close()

    def _close(self) -> None:
        if not self.loop.is_closed() and not self.connection.socket.closed:
            for descriptor in self._descriptors:
                self.loop.remove_reader(descriptor)
        self.connection.close()

    def _drain(self) -> None:
        socket = self.connection.socket
        while not socket.closed:
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                return
            future = self._waiting.get(frames[0])
            if future is not None and not future.done():
                future.set_result(frames[-1])

    def _drain_events(self) -> None:
        if self.connection.socket.closed:
            return
        try:
            self.connection.read_events()
        except ClientError as error:
            self.fail(error)
            return
        if self._seen_refusals != self.connection.refused_connections and self._looking is None:
            self._seen_refusals = self.connection.refused_connections
            self._looking = self.loop.run_in_executor(None, self._look)
            self._looking.add_done_callback(self._looked)

    def _looked(self, looking: asyncio.Future[None]) -> None:
        self._looking = None
        if looking.cancelled():
            return
        error = looking.exception()
        if isinstance(error, ClientError):
            self.fail(error)
        else:
            self._drain_events()
