"""Learn at once that a process ended, child or not, by its pidfd; by looking now and then where there are
none."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Struct

from .process import runs_job

Key = TypeVar("Key", bound=Hashable)

LOOK_INTERVAL_SECONDS = 1.0


class Ending(Struct, frozen=True):
    """How a process ended, as far as its parent can know."""

    signal: str = "EXIT"
    """Name of the signal that ended it, without SIG; ``EXIT`` if it ended by itself or nobody knows."""
    text: str = ""
    """For people: ``exit status 126``, ``signal KILL``."""
    code: int | None = None
    """The exit status, minus the number of the signal for one that was killed; None if nobody knows."""


class _Watched(Struct, Generic[Key], frozen=True):
    key: Key
    process_id: int
    job_file: Path
    descriptor: int | None


class ProcessWatch(Generic[Key]):
    """Watches one process for each job; calls `ended` once, in the loop's thread, when it is gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: Callable[[Key, Ending], None]) -> None:
        self._loop = loop
        self._ended = ended
        self._watched: dict[Key, _Watched[Key]] = {}
        self._without_descriptor = 0
        self._timer: asyncio.TimerHandle | None = None

    def __contains__(self, key: Key) -> bool:
        return key in self._watched

    def watch(self, key: Key, process_id: int, job_file: Path, descriptor: int | None) -> None:
        """Watch a process, known to be the job's; takes over `descriptor`, its pidfd (None: there is
        none)."""
        self.forget(key)
        watched = _Watched(key, process_id, job_file, descriptor)
        self._watched[key] = watched
        if descriptor is not None:
            self._loop.add_reader(descriptor, self._is_readable, watched)
        else:
            self._without_descriptor += 1
            self._look_later()

    def forget(self, key: Key) -> None:
        """Stop watching the process of a job, if it was."""
        watched = self._watched.pop(key, None)
        if watched is None:
            return
        if watched.descriptor is not None:
            self._loop.remove_reader(watched.descriptor)
            os.close(watched.descriptor)
        else:
            self._without_descriptor -= 1

    def close(self) -> None:
        """Stop watching everything."""
        for key in list(self._watched):
            self.forget(key)
        if self._timer is not None:
            self._timer.cancel()

    def _is_readable(self, watched: _Watched[Key]) -> None:
        self.forget(watched.key)
        self._ended(watched.key, reap(watched.process_id) or Ending())

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(LOOK_INTERVAL_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        for watched in [entry for entry in self._watched.values() if entry.descriptor is None]:
            ending = reap(watched.process_id)
            if ending is not None or not runs_job(watched.process_id, watched.job_file):
                self.forget(watched.key)
                self._ended(watched.key, ending or Ending())
        if self._without_descriptor:
            self._look_later()


def reap(process_id: int) -> Ending | None:
    """Collect a child that ended; None if it is not a child, or alive."""
    try:
        reaped, status = os.waitpid(process_id, os.WNOHANG)
    except ChildProcessError:
        return None
    if reaped == 0:
        return None
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return Ending("EXIT", f"exit status {code}", code)
    try:
        name = signal.Signals(-code).name.removeprefix("SIG")
    except ValueError:
        name = str(-code)
    return Ending(name, f"signal {name}", code)
