"""Log files of a run read over the network, piece by piece: by name and offset, waiting for more."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

from .envelope import Attached
from .exceptions import RequestRefused
from .growth import FileGrowth

LARGEST_PIECE = 4 << 20
LONGEST_WAIT_SECONDS = 30.0


class LogReader:
    """Reads what is below one directory, and nothing else.

    Arguments:
        directory: of the run's logs.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        loop = asyncio.get_running_loop()
        self._growth = FileGrowth(loop)
        self._closing: asyncio.Future[None] = loop.create_future()

    def close(self) -> None:
        """Let those who wait for more have what there is."""
        if not self._closing.done():
            self._closing.set_result(None)
        self._growth.close()

    def list(self, directory: str) -> list[str]:
        """The names in a directory, sorted; those of directories and links to them end with a slash."""
        path = self._inside(directory)
        try:
            names = os.listdir(path)
        except OSError as error:
            raise RequestRefused(f"There are no logs in {directory or 'the log directory'}: {error.strerror}") from None
        return sorted(f"{name}/" if os.path.isdir(path / name) else name for name in names)

    async def read(self, file: str, real: str | None, offset: int, wait_seconds: float, max_bytes: int) -> Attached:
        """A piece of a file, and where it is from.

        Arguments:
            file: its name, maybe that of a link that will point elsewhere one day.
            real: the file that was read before, if it is to be read on; otherwise the one the name means now.

        The data beside the piece has ``real``; ``current``, what the name means now; ``offset``; and ``size``.
        """
        path = self._inside(real if real is not None else file)
        if offset < 0:
            raise RequestRefused(f"{offset} is not an offset")
        length = min(max(max_bytes, 1), LARGEST_PIECE)
        deadline = asyncio.get_running_loop().time() + min(max(wait_seconds, 0.0), LONGEST_WAIT_SECONDS)
        while True:
            data, size = _piece(path, offset, length)
            current = self._inside(file)
            left = deadline - asyncio.get_running_loop().time()
            if data or size < offset or current != path or left <= 0 or self._closing.done():
                about: dict[str, Any] = {
                    "real": self._name(path),
                    "current": self._name(current),
                    "offset": offset,
                    "size": size,
                }
                return Attached(about, data)
            # A link that is changed tells nobody: it is looked at now and then.
            await self._growth.wait(path, size, min(left, 1.0), self._closing)

    def _name(self, path: Path) -> str:
        for top, prefix in self._tops():
            if path.is_relative_to(top):
                return prefix + str(path.relative_to(top))
        return str(path)

    def _inside(self, name: str) -> Path:
        if "\0" in name:
            raise RequestRefused(f"{name!r} is not the name of a log")
        path = Path(os.path.realpath(os.path.join(self._directory, name)))
        if not any(path.is_relative_to(top) for top, _ in self._tops()):
            raise RequestRefused(f"{name} is not below the log directory")
        return path

    def _tops(self) -> tuple[tuple[str, str], ...]:
        # The logs of jobs may be a link to another disk.
        jobs = os.path.join(self._directory, "job")
        return (os.path.realpath(jobs), "job/"), (os.path.realpath(self._directory), "")


def _piece(path: Path, offset: int, length: int) -> tuple[bytes, int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RequestRefused(f"The log {path} cannot be read: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise RequestRefused(f"{path} is not a log file")
        return os.pread(descriptor, length, offset), found.st_size
    finally:
        os.close(descriptor)
