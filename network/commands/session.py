"""What one connection to a command server is made of, for threads and for event loops alike."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import zmq

from ...contact.paths import commands_directory
from ..client import Buffer, RequestClient, WithBytes, new_id
from ..connection import Connection, Keys, read_keys
from ..exceptions import ClientError, ClientTimeout, CommandFailed, NotConnected, ServerLost
from .listener import Output, checked_interval
from .steps import Ask, Pause, Steps

FOREVER_SECONDS = 7 * 24 * 3600.0
START_SECONDS = 30.0
"""How long a job may take to be started unless the caller says."""
PULSE_SECONDS = 5.0
_ATTEMPT_SECONDS = 5.0
_RETRY_SECONDS = 0.1
_REFUSALS = 4
_NONE: dict[str, Any] = {}


class Heartbeat(int):
    """Whether the server answers; true or false, and more: how late its loop was."""

    lag_seconds: float | None = None
    """How late the loop that does the work was just now."""
    worst_lag_seconds: float | None = None
    """The same at worst in the last minute."""
    jobs: int | None = None
    """How many jobs run."""

    def __new__(cls, answer: Mapping[str, Any] | None) -> Heartbeat:
        self = super().__new__(cls, answer is not None)
        if answer is not None:
            self.lag_seconds = answer["lag"]
            self.worst_lag_seconds = answer["worst_lag"]
            self.jobs = answer["jobs"]
        return self

    def __repr__(self) -> str:
        if not self:
            return "Heartbeat(False)"
        return f"Heartbeat(True, lag_seconds={self.lag_seconds:.6f}, worst_lag_seconds={self.worst_lag_seconds:.6f})"


class CommandShape(NamedTuple):
    """What the server tells of one of its commands."""

    name: str
    arguments: tuple[str, ...]
    signature: str
    documentation: str
    starts_job: bool
    listed: bool
    hidden: bool


class Session:
    """One connection: where it goes, what commands are there, and the sockets that carry requests.

    Arguments:
        host, port: of the server.
        keys: the directory with the client's secret and the server's public key; by default the server's own.
        encoding: of the text that processes put out; None for bytes.
    """

    def __init__(
        self, host: str, port: int, *, keys: str | os.PathLike[str] | None = None, encoding: str | None = "utf-8"
    ) -> None:
        self.host = host
        self.port = port
        self.encoding = encoding
        self.patience_seconds = 10.0
        """How long a listener waits for a server that is gone to come back."""
        self.commands: dict[str, CommandShape] | None = None
        """By name; None while there is no connection."""
        self.directory: str | None = None
        """The directory commands begin in, once it was changed."""
        self._keys = Path(keys) if keys is not None else commands_directory(host, port)
        self._idle: list[_Requests] = []
        self._generation = 0
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Requests] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    @property
    def where(self) -> str:
        """Where it goes, for people."""
        return f"{self.host}:{self.port}"

    # --- requests ---

    def ask(self, step: Ask) -> Any:
        """Send a request and return its answer; each thread that asks at a time has a socket of its own."""
        if self.commands is None:
            raise self._not_connected()
        return self.ask_anyhow(step)

    def ask_anyhow(self, step: Ask) -> Any:
        """The same without a connection, which is made."""
        generation = self._generation
        try:
            client = self._idle.pop()
        except IndexError:
            client = _Requests(self.host, self.port, self._keys)
        try:
            return client.serial_request(step.command, step.arguments, step.seconds, step.meta, step.attachment)
        finally:
            if generation == self._generation:
                self._idle.append(client)
            else:
                client.close()

    async def ask_asynchronously(self, step: Ask) -> Any:
        """The same in an event loop, where many requests share a socket."""
        if self.commands is None:
            raise self._not_connected()
        return await self.ask_anyhow_asynchronously(step)

    async def ask_anyhow_asynchronously(self, step: Ask) -> Any:
        """The same without a connection, which is made."""
        loop = asyncio.get_running_loop()
        client = self._loops.get(loop)
        if client is None:
            client = self._loops[loop] = _Requests(self.host, self.port, self._keys)
        return await client.async_request(step.command, step.arguments, step.seconds, step.meta, step.attachment)

    def release_loop(self) -> None:
        """Close what serves the running event loop; it is made again when it is needed."""
        client = self._loops.pop(asyncio.get_running_loop(), None)
        if client is not None:
            client.close()

    def disconnect(self) -> None:
        """Close what can be closed; requests under way in other threads end by themselves."""
        with self._lock:
            self._generation += 1
            self.commands = None
            idle, self._idle = self._idle, []
            try:
                here = asyncio.get_running_loop()
            except RuntimeError:
                here = None
            loops = dict(self._loops)
            self._loops.clear()
        for client in idle:
            client.close()
        for loop, client in loops.items():
            if loop is here or not loop.is_running():
                client.close()
            else:
                # A socket is closed by the thread that uses it.
                loop.call_soon_threadsafe(client.close)

    def _not_connected(self) -> NotConnected:
        return NotConnected(f"There is no connection to {self.where}: call connect() first")

    # --- steps ---

    def connect(self, timeout: float | None) -> Steps[None]:
        """Find the server and learn its commands.

        Raises:
            NotConnected: it did not answer in time, or does not let us in.
        """
        deadline = time.monotonic() + (timeout or FOREVER_SECONDS)
        while True:
            left = max(deadline - time.monotonic(), 0.01)
            try:
                found = yield Ask("commands", {}, min(left, _ATTEMPT_SECONDS))
                break
            except (ServerLost, ClientTimeout, _NoKeys) as error:
                reason = str(error)
            except ClientError as error:
                raise NotConnected(f"Cannot connect to {self.where}: {error}") from None
            if time.monotonic() + _RETRY_SECONDS > deadline:
                raise NotConnected(f"Server not responding at {self.where} in {timeout:g} seconds. {reason}")
            yield Pause(_RETRY_SECONDS)
        self.commands = {
            about["name"]: CommandShape(*(about[field] for field in CommandShape._fields)) for about in found
        }

    def heartbeat(self, timeout: float | None) -> Steps[Heartbeat]:
        """Ask the loop that does the work."""
        if self.commands is None:
            return Heartbeat(None)
        try:
            return Heartbeat((yield Ask("heartbeat", {}, timeout or PULSE_SECONDS)))
        except ClientError:
            return Heartbeat(None)

    def plain(self, name: str, positional: tuple[Any, ...]) -> list[Any] | None:
        """What `command` makes of a call that starts no job, in this thread; None for one that must be made there."""
        about = self.commands.get(name) if self.commands is not None else None
        if about is None or about.starts_job or name == "cd":
            return None
        arguments, attachment = _arguments(about, positional, {}) if positional else (_NONE, None)
        meta = {"cwd": self.directory} if self.directory is not None else None
        try:
            answer = self.ask(Ask(name, arguments, FOREVER_SECONDS, meta, attachment))
        except CommandFailed as error:
            return [error]
        return list(_messages(about, answer))

    def command(
        self,
        name: str,
        positional: tuple[Any, ...],
        named: dict[str, Any],
        *,
        timeout: float | None = None,
        echo_response: bool = False,
        max_interval: float | None = None,
        raise_error: bool = False,
    ) -> Steps[Output]:
        """Send a command; what it puts out comes in the `Output`."""
        if self.commands is None:
            raise self._not_connected()
        about = self.commands[name]
        arguments, attachment = _arguments(about, positional, named)
        meta: dict[str, Any] | None = {"cwd": self.directory} if self.directory is not None else None
        interval = checked_interval(max_interval)
        output_settings: dict[str, Any] = {"echo_response": echo_response, "max_interval": interval}
        try:
            if about.starts_job:
                answer = yield from self._start(name, arguments, meta, attachment, timeout)
                return Output(self, answer["job"], stream=answer["stream"], raise_error=raise_error, **output_settings)
            answer = yield Ask(name, arguments, interval or timeout or FOREVER_SECONDS, meta, attachment)
        except CommandFailed as error:
            if raise_error:
                raise
            return Output(self, None, messages=(error,), exit_code=1, **output_settings)
        if name == "cd" and "cwd" in self.commands:
            self.directory = answer
        output = Output(self, None, messages=_messages(about, answer), exit_code=0, **output_settings)
        output.result = answer if not isinstance(answer, WithBytes) else None
        return output

    def _start(
        self,
        name: str,
        arguments: dict[str, Any],
        meta: dict[str, Any] | None,
        attachment: Buffer | None,
        timeout: float | None,
    ) -> Steps[dict[str, Any]]:
        """Start a job once, though it may have to be asked for more than once."""
        meta = {**(meta or {}), "id": new_id()}
        began = time.monotonic()
        while True:
            try:
                answer: dict[str, Any] = yield Ask(name, arguments, timeout or START_SECONDS, meta, attachment)
                return answer
            except ServerLost:
                if time.monotonic() - began > min(self.patience_seconds, timeout or START_SECONDS):
                    raise
                yield Pause(_RETRY_SECONDS)

    def attach(self, job: int, stream: str | None, offset: int, **settings: Any) -> Steps[Output]:
        """The output of a job that was started before, by whomever."""
        if self.commands is None:
            raise self._not_connected()
        about = yield Ask("job", {"job": job}, START_SECONDS)
        if stream is None:
            stream = "out" if about["kind"] == "process" else "values"
        return Output(self, job, stream=stream, offset=offset, **settings)


class _NoKeys(ClientError):
    """There are no keys to be let in with."""


class _Requests(RequestClient):
    """Requests to a command server. A connection that breaks is an error at once: who asked knows whether to repeat."""

    def __init__(self, host: str, port: int, keys: Path) -> None:
        super().__init__(host=host, port=port, timeout_seconds=START_SECONDS)
        self._directory = keys

    def _connect(self, kind: int) -> Connection:
        self._latest = Connection(
            zmq.Context.instance(),
            kind,
            host=self.host,
            port=self.port,
            keys=self._read_keys(),
            heartbeat_seconds=PULSE_SECONDS,
        )
        return self._latest

    def _read_keys(self) -> Keys:
        try:
            return read_keys(self._directory)
        except ClientError as error:
            raise _NoKeys(
                f"{error}. A server makes its keys when it is first started; on another machine they are to be put "
                "there, or named"
            ) from None

    def _look(self) -> None:
        # One handshake that broke may mean another server, and the next tells; or that this one has just ended.
        if self._latest.broken_handshakes > 0 and self._latest.refused_connections < _REFUSALS:
            return
        raise ServerLost(
            f"The connection to {self.host}:{self.port} broke, or nothing listens there. A command that was under way "
            "may have been carried out"
        )

    def _timed_out(self, command: str, seconds: float, connection: Connection) -> ClientError:
        state = "It is there, but busy or stopped" if connection.authenticated else "No connection could be made"
        return ClientTimeout(f"Timeout: no answer to {command} from {connection.where} in {seconds:g} seconds. {state}")


def _arguments(
    about: CommandShape, positional: tuple[Any, ...], named: dict[str, Any]
) -> tuple[dict[str, Any], Buffer | None]:
    """The arguments of a command by name, and the one that is bytes, which travels by itself."""
    arguments = named
    if positional:
        if len(positional) > len(about.arguments):
            raise ClientError(f"{about.name} takes {len(about.arguments)} arguments: {about.signature}")
        arguments = dict(zip(about.arguments, positional, strict=False))
        twice = arguments.keys() & named.keys()
        if twice:
            raise ClientError(f"{about.name}: {', '.join(sorted(twice))} given twice: {about.signature}")
        arguments.update(named)
    attachment = None
    for name, value in list(arguments.items()):
        if isinstance(value, bytes | bytearray | memoryview):
            if attachment is not None:
                raise ClientError(f"{about.name}: only one argument can be bytes")
            attachment = value
            arguments = {key: other for key, other in arguments.items() if key != name}
    return arguments, attachment


def _messages(about: CommandShape, answer: Any) -> tuple[Any, ...]:
    if answer is None:
        return ()
    if isinstance(answer, WithBytes):
        data = bytes(answer.payload)
        size = answer.data["pieces"] if answer.data else len(data) or 1
        return tuple(data[at : at + size] for at in range(0, len(data), size)) or (() if answer.data else (b"",))
    if about.listed:
        return tuple(answer)
    return (answer,)


def this_host() -> str:
    """The name of this machine."""
    return socket.gethostname()
