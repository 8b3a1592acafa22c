"""The server's half of copying files: pieces in order, one SHA-256 over all, and nothing half-written in its place.

A file that comes is written beside its destination under a temporary name, and takes its place once it is whole, has
been found right, and is on disk. What came of one that broke off stays a while, to be gone on with.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from attrs import define, field

from .exceptions import TransferError

LARGEST_PIECE = 16 << 20
ABANDONED_SECONDS = 600.0
"""After so long without a word a transfer is closed; the next attempt goes on with its file."""
LEFT_SECONDS = 24 * 3600.0
"""How long a file that broke off is left for the next attempt."""
MOST_TRANSFERS = 200
_BLOCK = 1 << 20

Value = TypeVar("Value")


@define(eq=False)
class Transfer:
    """A file on its way, to this host or from it."""

    path: str
    """The destination, or the source."""
    temporary: str
    """Where it is written; empty for one that leaves."""
    descriptor: int
    size: int
    mode: int = 0
    offset: int = 0
    modified: int = 0
    digest: Any = field(factory=hashlib.sha256)
    order: asyncio.Lock = field(factory=asyncio.Lock)
    used: float = field(factory=time.monotonic)


class Transfers:
    """The transfers under way on a server."""

    def __init__(self) -> None:
        self._transfers: dict[str, Transfer] = {}

    def close(self) -> None:
        """Close every file."""
        for token in list(self._transfers):
            self._drop(token)

    # --- to this host ---

    async def begin_put(self, path: str, *, size: int, mode: int, key: str) -> dict[str, Any]:
        """Open the temporary file of a destination; how much of it is there from an earlier attempt, and its SHA-256.

        Arguments:
            key: tells this version of the source from others: only an attempt of the same is gone on with.
        """
        transfer = await _in_thread(partial(_open_put, path, size, mode, key))
        return self._keep(transfer)

    async def restart_put(self, token: str) -> None:
        """Forget what came before: it is of another file."""
        transfer = self._find(token)
        async with transfer.order:
            with _told(transfer):
                os.ftruncate(transfer.descriptor, 0)
            transfer.offset = 0
            transfer.digest = hashlib.sha256()

    async def put(self, token: str, offset: int, data: memoryview | bytes) -> int:
        """Write the next piece; the offset reached."""
        transfer = self._find(token)
        # Pieces are asked for in the order they were sent, and a lock is given in the order it was asked for.
        async with transfer.order:
            if offset != transfer.offset:
                raise TransferError(f"{transfer.path}: a piece at {offset} came, not at {transfer.offset}")
            if offset + len(data) > transfer.size:
                raise TransferError(f"{transfer.path}: more came than its {transfer.size} bytes")
            try:
                await _in_thread(partial(_write, transfer, data))
            except TransferError:
                # On a full disk what is there of it is only in the way.
                self._drop(token)
                with contextlib.suppress(OSError):
                    os.unlink(transfer.temporary)
                raise
            return transfer.offset

    async def end_put(self, token: str, sha256: str) -> dict[str, Any]:
        """Check the file, put it to disk and in its place."""
        transfer = self._find(token)
        async with transfer.order:
            found = transfer.digest.hexdigest()
            if transfer.offset != transfer.size or found != sha256:
                self._drop(token)
                with contextlib.suppress(OSError):
                    os.unlink(transfer.temporary)
                raise TransferError(
                    f"{transfer.path} was not written: what came is not what was sent "
                    f"({transfer.offset} of {transfer.size} bytes, SHA-256 {found[:12]}... for {sha256[:12]}...)"
                )
            try:
                await _in_thread(partial(_finish_put, transfer))
            finally:
                self._drop(token)
        return {"path": transfer.path, "size": transfer.size, "sha256": found}

    # --- from this host ---

    async def begin_get(self, path: str) -> dict[str, Any]:
        """Open a file to be fetched."""
        transfer = await _in_thread(partial(_open_get, path))
        return {**self._keep(transfer), "size": transfer.size, "mode": transfer.mode, "modified": transfer.modified}

    async def skip(self, token: str, offset: int) -> str:
        """Pass over what the client has; its SHA-256 as it is here."""
        transfer = self._find(token)
        async with transfer.order:
            await _in_thread(partial(_skip, transfer, offset))
            found: str = transfer.digest.hexdigest()
        return found

    async def get(self, token: str, offset: int, length: int) -> bytes:
        """The next piece."""
        transfer = self._find(token)
        async with transfer.order:
            if offset != transfer.offset:
                raise TransferError(f"{transfer.path}: a piece at {offset} was asked for, not at {transfer.offset}")
            return await _in_thread(partial(_read, transfer, min(length, LARGEST_PIECE)))

    async def end_get(self, token: str) -> str:
        """The SHA-256 of what was read; raises if the file changed meanwhile."""
        transfer = self._find(token)
        async with transfer.order:
            self._drop(token, close=False)
            now = os.fstat(transfer.descriptor)
            os.close(transfer.descriptor)
            if (now.st_size, now.st_mtime_ns) != (transfer.size, transfer.modified):
                raise TransferError(f"{transfer.path} changed while it was read: fetch it again")
            found: str = transfer.digest.hexdigest()
        return found

    # --- the table ---

    def _keep(self, transfer: Transfer) -> dict[str, Any]:
        now = time.monotonic()
        for token, other in list(self._transfers.items()):
            if now - other.used > ABANDONED_SECONDS and not other.order.locked():
                self._drop(token)
        if len(self._transfers) >= MOST_TRANSFERS:
            os.close(transfer.descriptor)
            raise TransferError(f"{MOST_TRANSFERS} transfers are under way: try again later")
        token = secrets.token_hex(8)
        self._transfers[token] = transfer
        return {"transfer": token, "offset": transfer.offset, "sha256": transfer.digest.hexdigest()}

    def _find(self, token: str) -> Transfer:
        transfer = self._transfers.get(token)
        if transfer is None:
            raise TransferError("This transfer is not known (any more): begin it again")
        transfer.used = time.monotonic()
        return transfer

    def _drop(self, token: str, *, close: bool = True) -> None:
        transfer = self._transfers.pop(token, None)
        if transfer is not None and close:
            os.close(transfer.descriptor)


async def _in_thread(work: Callable[[], Value]) -> Value:
    return await asyncio.get_running_loop().run_in_executor(None, work)


@contextlib.contextmanager
def _told(transfer: Transfer) -> Any:
    try:
        yield
    except OSError as error:
        doing = "written" if transfer.temporary else "read"
        raise TransferError(f"{transfer.path} cannot be {doing}: {error.strerror or error}") from None


def _open_put(path: str, size: int, mode: int, key: str) -> Transfer:
    transfer = Transfer(path, "?", -1, size, mode & 0o7777)
    with _told(transfer):
        if os.path.isdir(path):
            raise IsADirectoryError(21, "it is a directory; name the file")
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(22, "it is not a file")
        # Through a link, as any program writes.
        target = os.path.realpath(path)
        directory, name = os.path.split(target)
        os.makedirs(directory, exist_ok=True)
        if os.path.exists(target) and not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        transfer.path = target
        stem = f".{name[:150]}."
        transfer.temporary = os.path.join(directory, f"{stem}{key[:32]}.part")
        _remove_left(directory, stem, but=transfer.temporary)
        transfer.descriptor = os.open(transfer.temporary, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            there = os.fstat(transfer.descriptor).st_size
            if there > size:
                os.ftruncate(transfer.descriptor, 0)
            else:
                _skip(transfer, there)
        except BaseException:
            os.close(transfer.descriptor)
            raise
    return transfer


def _remove_left(directory: str, stem: str, *, but: str) -> None:
    long_ago = time.time() - LEFT_SECONDS
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.startswith(stem) and entry.name.endswith(".part") and entry.path != but:
                with contextlib.suppress(OSError):
                    if entry.stat().st_mtime < long_ago:
                        os.unlink(entry.path)


def _open_get(path: str) -> Transfer:
    transfer = Transfer(path, "", -1, 0)
    with _told(transfer):
        # Not to wait for a writer, if it should be a FIFO.
        transfer.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        found = os.fstat(transfer.descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(transfer.descriptor)
            raise OSError(22, "it is a directory" if stat.S_ISDIR(found.st_mode) else "it is not a file")
    transfer.size, transfer.modified = found.st_size, found.st_mtime_ns
    transfer.mode = stat.S_IMODE(found.st_mode)
    return transfer


def _skip(transfer: Transfer, offset: int) -> None:
    with _told(transfer):
        while transfer.offset < offset:
            data = os.pread(transfer.descriptor, min(_BLOCK, offset - transfer.offset), transfer.offset)
            if not data:
                raise OSError(5, f"it ends at {transfer.offset} bytes")
            transfer.digest.update(data)
            transfer.offset += len(data)


def _write(transfer: Transfer, data: memoryview | bytes) -> None:
    left = memoryview(data)
    with _told(transfer):
        while left:
            written = os.pwrite(transfer.descriptor, left, transfer.offset)
            transfer.digest.update(left[:written])
            transfer.offset += written
            left = left[written:]


def _read(transfer: Transfer, length: int) -> bytes:
    with _told(transfer):
        data = os.pread(transfer.descriptor, min(length, transfer.size - transfer.offset), transfer.offset)
    transfer.digest.update(data)
    transfer.offset += len(data)
    return data


def _finish_put(transfer: Transfer) -> None:
    with _told(transfer):
        os.fchmod(transfer.descriptor, transfer.mode)
        os.fsync(transfer.descriptor)
        os.replace(transfer.temporary, transfer.path)
        directory = os.open(os.path.dirname(transfer.path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(directory)
        finally:
            os.close(directory)
