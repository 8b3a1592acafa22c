"""The client's half of copying files: several pieces under way at a time, one SHA-256 over all.

An attempt that breaks off leaves what it wrote beside the destination; the next one of the same file goes on there,
once both sides have found that they mean the same bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ..client import Buffer, WithBytes
from ..exceptions import ClientError, ServerLost
from .progress import Bar
from .session import START_SECONDS, Session, this_host
from .steps import Ask

PIECE = 1 << 20
LARGEST_PIECE = 16 << 20
WINDOW = 8
"""Pieces under way at a time."""
_WINDOW_BYTES = 32 << 20
_HASH_SECONDS = 3600.0
"""How long a server may take to read what it has of a large file, or to put it to disk."""
_RETRY_SECONDS = 0.5

Value = TypeVar("Value")


class Transferred(NamedTuple):
    """A file that was copied."""

    path: str
    size: int
    sha256: str
    resumed_at: int
    """How much of it was there from an attempt that broke off."""


async def transfer(
    session: Session,
    source: str,
    destination: str,
    chunk: int | None = None,
    timeout: float | None = None,
    *,
    progress: bool | None = None,
) -> Transferred:
    """Copy a file to the server's host; see `Connection.transfer`."""
    piece = _checked(chunk)
    attempt = partial(_put, session, source, destination, piece, timeout or START_SECONDS, progress)
    return await _persistently(session, attempt)


async def fetch(
    session: Session,
    source: str,
    destination: str,
    chunk: int | None = None,
    timeout: float | None = None,
    *,
    progress: bool | None = None,
) -> Transferred:
    """Copy a file from the server's host; see `Connection.fetch`."""
    piece = _checked(chunk)
    attempt = partial(_get, session, source, destination, piece, timeout or START_SECONDS, progress)
    return await _persistently(session, attempt)


def in_own_loop(session: Session, work: Coroutine[Any, Any, Value]) -> Value:
    """Carry out a coroutine in an event loop of its own: this thread may have one that is running."""
    outcome: list[Value] = []
    errors: list[BaseException] = []
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Value]]] = []

    async def main() -> Value:
        task = asyncio.current_task()
        assert task is not None
        running.append((asyncio.get_running_loop(), task))
        try:
            return await work
        finally:
            session.release_loop()

    def run() -> None:
        try:
            outcome.append(asyncio.run(main()))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="transfer")
    thread.start()
    try:
        thread.join()
    except BaseException:
        # Interrupted: what was written stays for the next attempt.
        for loop, task in running:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if errors:
        raise errors[0]
    return outcome[0]


async def _persistently(session: Session, attempt: Callable[[], Coroutine[Any, Any, Transferred]]) -> Transferred:
    while True:
        try:
            return await attempt()
        except ServerLost:
            # The next attempt goes on where this one was; how long to wait is counted from each break.
            await _until_back(session)


async def _until_back(session: Session) -> None:
    deadline = time.monotonic() + session.patience_seconds
    while True:
        try:
            await session.ask_asynchronously(Ask("heartbeat", {}, 5.0))
            return
        except ClientError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(_RETRY_SECONDS)


async def _put(
    session: Session, source: str, destination: str, piece: int, seconds: float, progress: bool | None
) -> Transferred:
    descriptor = _open_source(source)
    try:
        found = os.fstat(descriptor)
        size = found.st_size
        identity = f"{this_host()}:{found.st_dev}:{found.st_ino}:{size}:{found.st_mtime_ns}"
        begun = await _ask(
            session,
            "put_begin",
            _HASH_SECONDS,
            path=destination,
            size=size,
            mode=stat.S_IMODE(found.st_mode),
            key=hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32],
        )
        token, offset = begun["transfer"], begun["offset"]
        digest = await _in_thread(_digest_of, descriptor, offset)
        if digest.hexdigest() != begun["sha256"]:
            await _ask(session, "put_restart", seconds, transfer=token)
            offset, digest = 0, hashlib.sha256()
        resumed_at = offset
        bar = Bar(os.path.basename(source), size, shown=progress)

        def next_piece(at: int) -> bytes:
            data = os.pread(descriptor, min(piece, size - at), at)
            digest.update(data)
            return data

        try:
            async with _Window(piece) as window:
                while offset < size:
                    data = await _in_thread(next_piece, offset)
                    if not data:
                        break
                    await window.add(_ask(session, "put", seconds, data, transfer=token, offset=offset))
                    offset += len(data)
                    bar.show(offset)
            now = os.fstat(descriptor)
            if offset != size or (now.st_size, now.st_mtime_ns) != (size, found.st_mtime_ns):
                raise ClientError(f"{source} changed while it was sent: nothing was written; send it again")
            bar.show(size)
            done = await _ask(session, "put_end", _HASH_SECONDS, transfer=token, sha256=digest.hexdigest())
        finally:
            bar.end()
    finally:
        os.close(descriptor)
    return Transferred(done["path"], size, done["sha256"], resumed_at)


async def _get(
    session: Session, source: str, destination: str, piece: int, seconds: float, progress: bool | None
) -> Transferred:
    begun = await _ask(session, "get_begin", seconds, path=source)
    token, size = begun["transfer"], begun["size"]
    identity = f"{session.where}:{source}:{size}:{begun['modified']}"
    key = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    target, temporary, descriptor = _open_destination(destination, key, size)
    try:
        offset = os.fstat(descriptor).st_size
        digest = await _in_thread(_digest_of, descriptor, offset)
        if offset:
            theirs = await _ask(session, "get_skip", _HASH_SECONDS, transfer=token, offset=offset)
            if theirs != digest.hexdigest():
                begun = await _ask(session, "get_begin", seconds, path=source)
                token, offset, digest = begun["transfer"], 0, hashlib.sha256()
                os.ftruncate(descriptor, 0)
        resumed_at = offset
        bar = Bar(os.path.basename(source), size, shown=progress)

        def keep(at: int, data: memoryview) -> None:
            try:
                written = 0
                while written < len(data):
                    written += os.pwrite(descriptor, data[written:], at + written)
            except OSError as error:
                # On a full disk what is there of it is only in the way.
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise ClientError(f"{target} cannot be written: {error.strerror or error}") from None
            digest.update(data)

        async def take(at: int, answer: WithBytes) -> None:
            await _in_thread(keep, at, answer.payload)
            bar.show(at + len(answer.payload))

        try:
            async with _Window(piece, take) as window:
                while offset < size:
                    length = min(piece, size - offset)
                    await window.add(
                        _ask(session, "get", seconds, transfer=token, offset=offset, length=length), at=offset
                    )
                    offset += length
            theirs = await _ask(session, "get_end", seconds, transfer=token)
            there = os.fstat(descriptor).st_size
            if theirs != digest.hexdigest() or there != size:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
                raise ClientError(f"{target} was not written: what came is not what was sent ({there} of {size} bytes)")
            bar.show(size)
            await _in_thread(_finish, descriptor, temporary, target, begun["mode"])
        finally:
            bar.end()
    finally:
        os.close(descriptor)
    return Transferred(target, size, theirs, resumed_at)


class _Window:
    """Requests under way: no more than some at a time, their answers taken in order."""

    def __init__(self, piece: int, take: Callable[[int, Any], Coroutine[Any, Any, None]] | None = None) -> None:
        self._most = max(2, min(WINDOW, _WINDOW_BYTES // piece))
        self._take = take
        self._waiting: deque[tuple[int, asyncio.Task[Any]]] = deque()

    async def add(self, request: Coroutine[Any, Any, Any], at: int = 0) -> None:
        """Send a request, after waiting for the oldest answer if too many are awaited."""
        try:
            if len(self._waiting) >= self._most:
                await self._next()
        except BaseException:
            request.close()
            raise
        self._waiting.append((at, asyncio.get_running_loop().create_task(request)))

    async def _next(self) -> None:
        at, task = self._waiting[0]
        answer = await task
        self._waiting.popleft()
        if self._take is not None:
            await self._take(at, answer)

    async def __aenter__(self) -> _Window:
        return self

    async def __aexit__(self, kind: object, *error: object) -> None:
        try:
            while kind is None and self._waiting:
                await self._next()
        finally:
            for _, task in self._waiting:
                task.cancel()
            await asyncio.gather(*(task for _, task in self._waiting), return_exceptions=True)


async def _ask(
    session: Session, command: str, seconds: float, attachment: Buffer | None = None, /, **named: Any
) -> Any:
    meta = {"cwd": session.directory} if session.directory is not None else None
    return await session.ask_asynchronously(Ask(command, named, seconds, meta, attachment))


async def _in_thread(work: Callable[..., Value], *arguments: Any) -> Value:
    return await asyncio.get_running_loop().run_in_executor(None, partial(work, *arguments))


@contextlib.contextmanager
def _local(path: str, doing: str) -> Any:
    try:
        yield
    except OSError as error:
        raise ClientError(f"{path} cannot be {doing}: {error.strerror or error}") from None


def _checked(chunk: int | None) -> int:
    if chunk is None:
        return PIECE
    if not 0 < chunk <= LARGEST_PIECE:
        raise ClientError(f"{chunk} bytes cannot be sent at a time: 1 to {LARGEST_PIECE} can")
    return chunk


def _open_source(source: str) -> int:
    with _local(source, "read"):
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(22, "it is not a file")
    return descriptor


def _open_destination(destination: str, key: str, size: int) -> tuple[str, str, int]:
    with _local(destination, "written"):
        target = os.path.realpath(destination)
        if os.path.isdir(target):
            raise OSError(21, "it is a directory; name the file")
        if os.path.exists(target) and not os.path.isfile(target):
            raise OSError(22, "it is not a file")
        directory, name = os.path.split(target)
        os.makedirs(directory, exist_ok=True)
        temporary = os.path.join(directory, f".{name[:150]}.{key}.part")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(descriptor).st_size > size:
            os.ftruncate(descriptor, 0)
    return target, temporary, descriptor


def _digest_of(descriptor: int, length: int) -> Any:
    digest = hashlib.sha256()
    at = 0
    while data := os.pread(descriptor, min(PIECE, length - at), at):
        digest.update(data)
        at += len(data)
    return digest


def _finish(descriptor: int, temporary: str, target: str, mode: int) -> None:
    with _local(target, "written"):
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
        os.replace(temporary, target)
