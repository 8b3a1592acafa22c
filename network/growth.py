"""Learn at once that a file grew: inotify where there is one, looking now and then everywhere."""

from __future__ import annotations

import asyncio
import functools
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOOK_SECONDS = 1.0
"""What inotify does not tell, as on a network file system written to elsewhere, is seen this much later."""
LOOK_OFTEN_SECONDS = 0.05
"""The same where there is no inotify."""

_IN_MODIFY = 0x2
_EVENT = struct.Struct("iIII")


class FileGrowth:
    """Tells who waits that a file may have grown; costs nothing while nobody waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._descriptor: int | None = None
        self._watchers: dict[int, set[asyncio.Future[None]]] = {}

    async def wait(self, path: Path, size: int, seconds: float, *also: asyncio.Future[None]) -> None:
        """Return when a file is larger or smaller than `size` bytes, one of `also` is done, or the time is over.

        A file that is not there has no bytes.
        """
        if _size(path) != size or any(future.done() for future in also):
            return
        grown: asyncio.Future[None] = self._loop.create_future()
        watch = self._watch(path, grown)
        deadline = self._loop.time() + seconds
        interval = LOOK_OFTEN_SECONDS if watch is None else LOOK_SECONDS
        try:
            # What came between the reader's look and ours.
            while _size(path) == size:
                left = deadline - self._loop.time()
                if left <= 0:
                    return
                done, _ = await asyncio.wait(
                    (grown, *also), timeout=min(left, interval), return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    return
        finally:
            self._unwatch(watch, grown)

    def close(self) -> None:
        """Watch nothing any more."""
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
        self._watchers.clear()

    def _watch(self, path: Path, future: asyncio.Future[None]) -> int | None:
        library = _library()
        if library is None:
            return None
        if self._descriptor is None:
            descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            if descriptor < 0:
                return None
            self._descriptor = descriptor
            self._loop.add_reader(descriptor, self._drain)
        watch: int = library.inotify_add_watch(self._descriptor, os.fsencode(path), _IN_MODIFY)
        if watch < 0:
            return None
        self._watchers.setdefault(watch, set()).add(future)
        return watch

    def _unwatch(self, watch: int | None, future: asyncio.Future[None]) -> None:
        watchers = self._watchers.get(watch) if watch is not None else None
        if watchers is None:
            return
        watchers.discard(future)
        library = _library()
        if not watchers and self._descriptor is not None and library is not None:
            del self._watchers[watch]  # type: ignore[arg-type]
            library.inotify_rm_watch(self._descriptor, watch)

    def _drain(self) -> None:
        assert self._descriptor is not None
        try:
            events = os.read(self._descriptor, 65536)
        except OSError:
            return
        at = 0
        while at < len(events):
            watch, _, _, length = _EVENT.unpack_from(events, at)
            at += _EVENT.size + length
            for future in self._watchers.get(watch, ()):
                if not future.done():
                    future.set_result(None)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


@functools.cache
def _library() -> Any:
    """The C library, if it has inotify."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        check: Callable[..., Any] = library.inotify_init1
    except (OSError, AttributeError):
        return None
    del check
    return library
