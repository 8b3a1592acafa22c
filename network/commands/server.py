"""A server of commands: methods marked `@expose`, called by many clients at once.

A method that yields streams: each call is a job, whose output can be read as it comes, by any client and later again.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import inspect
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, frozen

from ... import __version__
from ...contact.exceptions import ContactFileError, KeyFileError
from ...contact.file import ContactFile
from ...contact.keys import SERVER_SECRET, create_keys
from ...contact.paths import CONTACT, commands_directory, current_user
from ...contact.ports.registration import COMMAND_SERVER, Registration, any_port
from ...exceptions import TidemillError
from ..envelope import Attached, encode_error, encode_reply
from ..exceptions import RequestRefused, ServerError
from ..expose import Endpoint, collect, expose
from ..memory import Reply
from ..request_server import Caller, RequestServer
from .jobs import METHOD, JobTable
from .methods import MethodJob

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 9922
JOBS = "jobs"
_LOCK = "lock"
_SHAPE = "__shape__"
_MEASURE_SECONDS = 0.5
_ATTEMPTS = 20


@frozen
class Shape:
    """What clients must know of a command beyond its arguments."""

    starts_job: bool = False
    """It answers with the number of a job, whose output is the command's."""
    listed: bool = False
    """It answers with a list, each entry of which is an output."""
    hidden: bool = False
    """It is for clients to use by themselves, not for people."""


def shape(**what: bool) -> Callable[[Any], Any]:
    """Mark an exposed method with a `Shape`."""

    def mark(function: Any) -> Any:
        setattr(function, _SHAPE, Shape(**what))
        return function

    return mark


@define
class Place:
    """What a command server needs of its surroundings: the services of `RequestServer`."""

    workflow: str = "a command server"
    owner: str = ""
    service_directory: Path = Path()
    verbose: bool = False

    def log(self, level: str, text: str) -> None:
        """Write a line to standard error."""
        if self.verbose or level not in ("DEBUG", "INFO"):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            print(f"{stamp} {level} - {text}", file=sys.stderr, flush=True)


class CommandServer(RequestServer):
    """Serves the commands of a subclass, and those about jobs.

    A method that yields, or a coroutine that does, streams: it runs as a job. A plain method is answered by what it
    returns, and holds up all others while it works: a longer one is written ``async def``, or yields.
    """

    publishes = False
    shapes: ClassVar[dict[str, Shape]] = {}
    _methods: ClassVar[frozenset[str]] = frozenset()

    def __init__(self) -> None:
        self.place = Place(owner=current_user())
        super().__init__(self.place)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.shapes, cls._methods = _shapes(cls)

    # --- life ---

    def run(
        self,
        host: str = DEFAULT_HOST,
        port: int = DEFAULT_PORT,
        *,
        started: Callable[[str, int], None] | None = None,
        verbose: bool = False,
    ) -> None:
        """Serve until asked to stop, by `close_server` or a signal.

        Arguments:
            host: name or address of this machine to listen at; no other is listened on.
            port: 0 for any that is free.
            started: called with both once clients can come.
            verbose: log every command.

        Raises:
            ServerError: it cannot be started; says why.

        SIGINT and SIGTERM leave the processes of jobs running: the next server at this address goes on with them.
        """
        self.place.verbose = verbose
        asyncio.run(self._serve(host, port, started))

    async def _serve(self, host: str, port: int, started: Callable[[str, int], None] | None) -> None:
        await self.open(host, port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.ask_to_stop)
        try:
            if started is not None:
                started(self.host, self.port)
            await self.wait_closed()
        finally:
            await self.close()

    async def open(self, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> None:
        """Begin to serve, in the running loop; as `run`, which does it all."""
        self._closing = asyncio.Event()
        self._end_jobs = False
        for attempt in range(_ATTEMPTS):
            number = port or any_port() or _free_port(host)
            try:
                await self._open(host, number)
                return
            except ServerError:
                if port or attempt == _ATTEMPTS - 1:
                    raise

    async def _open(self, host: str, port: int) -> None:
        directory = commands_directory(host, port)
        self.place.workflow = f"the command server at {host}:{port}"
        self.place.service_directory = directory
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as undo:
            try:
                os.makedirs(directory, mode=0o700, exist_ok=True)
                self._lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                undo.callback(os.close, self._lock)
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ServerError(f"Another command server is at {host}:{port}: its files are in {directory}") from None
            except OSError as error:
                raise ServerError(f"Cannot use {directory}: {error.strerror}") from error
            if not (directory / SERVER_SECRET).exists():
                try:
                    create_keys(directory)
                except KeyFileError as error:
                    raise ServerError(f"Cannot make the keys of {self.place.workflow}: {error}") from error
            registration = Registration(
                "commands", kind=COMMAND_SERVER, contact=directory / CONTACT, host=host, log=self.place.log
            )
            self.start(loop, host, (port, port), registration=registration)
            self.jobs_table = JobTable(directory / JOBS, self.place.log)
            try:
                await self.jobs_table.open()
                self._contact = ContactFile.of_this_process(
                    f".commands/{directory.name}",
                    host,
                    self.port,
                    0,
                    run_directory=directory,
                    owner=self.place.owner,
                    uuid="",
                    version=__version__,
                )._replace(publish_port=None)
                self._contact.write(directory / CONTACT, replace=True)
            except (OSError, ContactFileError) as error:
                await self.stop("not started")
                raise ServerError(f"Cannot write in {directory}: {error}") from error
            undo.pop_all()
        self._worst_lag = [0.0, 0.0]
        self._measure_due = loop.time()
        self._measures = 0
        self._measure()

    def ask_to_stop(self, *, end_jobs: bool = False) -> None:
        """Let `wait_closed` return."""
        self._end_jobs = self._end_jobs or end_jobs
        self._closing.set()

    async def wait_closed(self) -> None:
        """Return once the server was asked to stop."""
        await self._closing.wait()

    async def close(self) -> None:
        """Stop serving. The processes of jobs go on, unless it was `close_server` that asked."""
        self._timer.cancel()
        await self.jobs_table.close(end_jobs=self._end_jobs)
        await self.stop("closed")
        self._contact.remove(self.place.service_directory / CONTACT)
        os.close(self._lock)

    # --- what every command server can do ---

    @shape(hidden=True)
    @expose(access="read")
    def commands(self) -> list[dict[str, Any]]:
        """List the commands: their names, arguments, and what clients must know of them."""
        found = []
        for name, endpoint in self.endpoints.items():
            about = self.shapes.get(name) or Shape()
            found.append(
                {
                    "name": name,
                    "access": endpoint.access,
                    "arguments": endpoint.names,
                    "signature": endpoint.signature,
                    "documentation": endpoint.documentation,
                    "starts_job": about.starts_job,
                    "listed": about.listed,
                    "hidden": about.hidden,
                }
            )
        return found

    @shape(hidden=True)
    @expose(access="read")
    def heartbeat(self) -> dict[str, Any]:
        """Tell that the loop that does the work does it, and how late it was: seconds, now and at worst in a minute."""
        assert self._loop is not None
        late = max(0.0, self._loop.time() - self._measure_due)
        return {"lag": max(late, self._lag), "worst_lag": max(late, *self._worst_lag), "jobs": len(self.jobs_table)}

    @shape(listed=True)
    @expose(access="read")
    def jobs(self) -> list[dict[str, Any]]:
        """List the jobs: those that run, and for a day those that have ended, with their exit status."""
        return self.jobs_table.describe()

    @shape(hidden=True)
    @expose(access="read")
    def job(self, job: int) -> dict[str, Any]:
        """Tell about one job."""
        return self.jobs_table.get(job).describe()

    @shape(hidden=True)
    @expose(access="read")
    async def read(
        self, job: int, stream: str = "out", offset: int = 0, wait_seconds: float = 0.0, max_bytes: int = 1 << 20
    ) -> Attached:
        """Return output of a job as bytes, with where it begins and whether it is the last.

        Arguments:
            stream: ``out``, ``err`` (if it is not merged into ``out``), or ``values`` of a method.
            offset: in bytes.
            wait_seconds: how long to wait for output if there is none yet; 60 at most.
            max_bytes: of output in one answer; 8 MiB at most.
        """
        return await self.jobs_table.read(job, stream, offset, wait_seconds, max_bytes)

    @expose(access="read")
    def is_alive(self, job: int) -> bool:
        """Tell whether a job is running."""
        return self.jobs_table.get(job).ended is None

    @expose
    async def kill(self, job: int, grace: float = 5.0) -> bool:
        """End a job with its whole process group, and tell whether it has ended.

        Arguments:
            grace: seconds between SIGTERM and SIGKILL.
        """
        return await self.jobs_table.kill(job, grace_seconds=min(max(grace, 0.0), 3600.0))

    @expose
    def signal(self, job: int, signal: int | str) -> bool:
        """Send a signal to a job's whole process group; whether it was there to get it.

        Arguments:
            signal: its number, or its name with or without SIG.
        """
        return self.jobs_table.signal(job, _signal_number(signal))

    @shape(hidden=True)
    @expose
    async def input(self, job: int, text: str = "", end: bool = False, attachment: memoryview | bytes = b"") -> bool:
        """Write to a job's standard input: a text, or the bytes that come along.

        Arguments:
            end: nothing more will come.
        """
        await self.jobs_table.send_input(job, text.encode() or bytes(attachment), end=end)
        return True

    @expose
    async def send_input(self, job: int, value: str) -> bool:
        """Send a line to a job's standard input; its line end is added unless it has one."""
        data = value.encode("utf-8", "surrogateescape")
        await self.jobs_table.send_input(job, data if data.endswith(b"\n") else data + b"\n")
        return True

    @expose(access="stop")
    def close_server(self) -> bool:
        """End every job, and stop the server."""
        assert self._loop is not None
        # The answer goes first.
        self._loop.call_later(0.05, lambda: self.ask_to_stop(end_jobs=True))
        return True

    # --- how it answers ---

    def _run(self, endpoint: Endpoint, arguments: dict[str, Any], meta: dict[str, Any], caller: Caller) -> Reply:
        if endpoint.name in self._methods:
            return self._begin(endpoint, arguments, str(meta.get("id", "")), caller)
        return super()._run(endpoint, arguments, meta, caller)

    def _begin(self, endpoint: Endpoint, arguments: dict[str, Any], request: str, caller: Caller) -> bytes:
        before = self.jobs_table.find_request(request) if request else None
        if before is not None:
            return encode_reply({"job": before.number, "stream": "values"})
        try:
            generator = getattr(self, endpoint.name)(**arguments)
            job = self.jobs_table.add(
                METHOD, endpoint.name, client=caller.key, request=request, working_directory=os.getcwd()
            )
            MethodJob(self.jobs_table, job, generator, self.place.log).start()
        except Exception as error:
            return self._failed(endpoint, error)
        return encode_reply({"job": job.number, "stream": "values"})

    def _encode(self, result: Any) -> bytes:
        # Bytes may begin as JSON does: here they are always told from it.
        return encode_reply(Attached(None, result) if isinstance(result, bytes) else result)

    def _failed(self, endpoint: Endpoint, error: Exception) -> bytes:
        if isinstance(error, RequestRefused):
            return encode_error(str(error))
        if isinstance(error, TidemillError):
            return encode_error(str(error), "failed")
        super()._failed(endpoint, error)
        return encode_error(f"{type(error).__name__}: {error}", "failed")

    def _log_command(self, endpoint: Endpoint, meta: dict[str, Any]) -> None:
        about = self.shapes.get(endpoint.name)
        if self.place.verbose and not (about and about.hidden):
            super()._log_command(endpoint, meta)

    # --- its pulse ---

    def _measure(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        self._lag = max(0.0, now - self._measure_due)
        self._measures += 1
        if self._measures % 60 == 0:
            self._worst_lag = [self._worst_lag[1], 0.0]
        self._worst_lag[1] = max(self._worst_lag[1], self._lag)
        self._measure_due = now + _MEASURE_SECONDS
        self._timer = self._loop.call_at(self._measure_due, self._measure)


def _shapes(cls: type[CommandServer]) -> tuple[dict[str, Shape], frozenset[str]]:
    found = {}
    methods = set()
    for name in cls.endpoints:
        method = getattr(cls, name)
        about = getattr(method, _SHAPE, None)
        if inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
            about = Shape(starts_job=True)
            methods.add(name)
        if about is not None:
            found[name] = about
    return found, frozenset(methods)


def _free_port(host: str) -> int:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
            return int(probe.getsockname()[1])
    except (OSError, UnicodeError) as error:
        raise ServerError(f"Cannot listen as {host}: {error}") from None


def _signal_number(given: int | str) -> int:
    try:
        if isinstance(given, str) and not given.isdecimal():
            return signal.Signals[f"SIG{given.upper().removeprefix('SIG')}"]
        return signal.Signals(int(given))
    except (KeyError, ValueError):
        raise RequestRefused(f"{given!r} is not a signal of this system") from None


CommandServer.endpoints = collect(CommandServer)
CommandServer.shapes, CommandServer._methods = _shapes(CommandServer)
