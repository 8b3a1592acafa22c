"""Listens to what a scheduler publishes: topics and their bytes, for threads and for asyncio."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import zmq

from ..contact.exceptions import ContactFileError, ContactFileMissing, IdentifierError, WorkflowNotFound
from ..contact.file import read_contact
from ..contact.paths import contact_path, resolve_workflow, service_directory
from .connection import Connection, read_keys
from .exceptions import ClientError, ClientTimeout, WorkflowStopped
from .publisher import SHUTDOWN_TOPIC

if TYPE_CHECKING:
    import asyncio

Message = tuple[str, bytes]


class WorkflowSubscriber:
    """A subscription to a scheduler's topics; ``for topic, payload in subscriber`` or ``async for``.

    Arguments:
        workflow: the id of the run, or of its workflow for the latest run.
        topics: the topics wanted; all by default. The topic ``shutdown`` always comes: it is the last, and
            its payload is the reason.
        host: where it runs; by default as the contact file says.
        port: its publishing port; likewise.
        context: a ZeroMQ context to use; a shared one by default.
        srv_public_key_loc: file with the server's public key; by default that of the run.

    A subscriber that is slower than the scheduler loses messages: ask for the whole again when a checksum
    tells so.

    Raises:
        WorkflowStopped: there is no contact file, and it is needed.
        ClientError: the address or keys are not usable.
    """

    def __init__(
        self,
        workflow: str,
        topics: Iterable[str] = (),
        *,
        host: str | None = None,
        port: int | None = None,
        context: zmq.Context[Any] | None = None,
        srv_public_key_loc: str | os.PathLike[str] | None = None,
    ) -> None:
        try:
            self.workflow = resolve_workflow(workflow)
            if not (host and port):
                contact = read_contact(contact_path(self.workflow))
                host = host or contact.host
                port = port or contact.publish_port
        except ContactFileMissing as error:
            raise WorkflowStopped(f"{workflow} is not running: {error}") from None
        except (ContactFileError, IdentifierError, WorkflowNotFound) as error:
            raise ClientError(str(error)) from None
        if not port:
            raise ClientError(f"The contact file of {self.workflow} names no port to subscribe to")
        self._ended = False
        self._news: asyncio.Event | None = None
        wanted = [topic.encode() for topic in topics]
        self._wanted = frozenset((*wanted, SHUTDOWN_TOPIC.encode())) if wanted else None
        self._connection = Connection(
            context if context is not None else zmq.Context.instance(),
            zmq.SUB,
            host=host,
            port=port,
            keys=read_keys(service_directory(self.workflow), srv_public_key_loc),
            topics=tuple(self._wanted) if self._wanted is not None else (b"",),
        )

    def receive(self, timeout: float | None = None) -> Message | None:
        """The next message, or None if the scheduler has said that it was the last.

        Arguments:
            timeout: seconds to wait; for ever if None.

        Raises:
            ClientTimeout: none came in time.
            ClientError: the scheduler does not know our key.
        """
        sock, monitor = self._connection.socket, self._connection.monitor
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._ended:
            message = self._take()
            if message is not None:
                return message
            left = -1 if deadline is None else max(0, int((deadline - time.monotonic()) * 1000) + 1)
            if not zmq.zmq_poll([(sock, zmq.POLLIN), (monitor, zmq.POLLIN)], left):
                raise ClientTimeout(f"Nothing was published by {self.workflow} in {timeout:g} seconds")
            self._connection.read_events()
        return None

    def __iter__(self) -> Iterator[Message]:
        while (message := self.receive()) is not None:
            yield message

    async def __aiter__(self) -> AsyncIterator[Message]:
        # Not at the top: a blocking subscriber would pay for it at every start.
        import asyncio

        connection = self._connection
        loop = asyncio.get_running_loop()
        news = self._news = asyncio.Event()
        descriptors = (connection.socket.FD, connection.monitor.FD)
        for descriptor in descriptors:
            loop.add_reader(descriptor, news.set)
        try:
            while not self._ended:
                # The descriptors tell of changes only: clear first, then take all there is, then wait.
                news.clear()
                while (message := self._take()) is not None:
                    yield message
                if not self._ended and not connection.socket.closed:
                    connection.read_events()
                    await news.wait()
        finally:
            if not connection.socket.closed:
                for descriptor in descriptors:
                    loop.remove_reader(descriptor)

    def close(self) -> None:
        """End the subscription."""
        self._ended = True
        self._connection.close()
        if self._news is not None:
            self._news.set()

    def __enter__(self) -> WorkflowSubscriber:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_connection"):
            self.close()

    def _take(self) -> Message | None:
        while not self._ended:
            try:
                frames = self._connection.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return None
            # A subscription is to a prefix: "job" brings "jobs" as well, which was not asked for.
            if len(frames) != 2 or (self._wanted is not None and frames[0] not in self._wanted):
                continue
            if frames[0] == SHUTDOWN_TOPIC.encode():
                self._ended = True
            return frames[0].decode("utf-8", "replace"), frames[1]
        return None
