"""Runs what takes its time - handlers, mail - on threads of its own, so many at once, none longer than allowed.

The event loop only ever hands work over and is told when it is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol


class Work(Protocol):
    """Something to be done off the loop."""

    def run(self) -> None:
        """Do it; called on a thread. Must not raise: what went wrong is for `done` to tell."""

    def stop(self, reason: str) -> None:
        """Make `run` return soon; called on the loop while it runs."""

    def done(self) -> None:
        """It has been done; called on the loop."""


class WorkerPool:
    """Does pieces of work in the order they come, at most `size` at a time.

    Arguments:
        size: how many at a time.
        timeout_seconds: after this a piece is stopped.
        loop: the loop that hands over the work.
    """

    def __init__(self, size: int, timeout_seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self.size = max(1, size)
        self.timeout_seconds = timeout_seconds
        self._loop = loop
        self._waiting: deque[Work] = deque()
        self._running: dict[Work, asyncio.TimerHandle] = {}
        self.idle: Callable[[], None] | None = None
        """Called whenever the last piece is done."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done or waits to be."""
        return not self._waiting and not self._running

    def add(self, work: Work) -> None:
        """Do it as soon as there is room."""
        self._waiting.append(work)
        self._fill()

    def stop(self, reason: str) -> list[Work]:
        """Stop what runs; returns what never began."""
        dropped = list(self._waiting)
        self._waiting.clear()
        for work in self._running:
            work.stop(reason)
        return dropped

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self.size:
            work = self._waiting.popleft()
            self._running[work] = self._loop.call_later(self.timeout_seconds, self._too_long, work)
            # A daemon: a scheduler that must end at once is not held up by a handler that does not.
            threading.Thread(target=self._run, args=(work,), name="event-handler", daemon=True).start()

    def _run(self, work: Work) -> None:
        try:
            work.run()
        finally:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits for it any more
                self._loop.call_soon_threadsafe(self._ended, work)

    def _too_long(self, work: Work) -> None:
        work.stop(f"killed on timeout ({self.timeout_seconds:g} s)")

    def _ended(self, work: Work) -> None:
        self._running.pop(work).cancel()
        try:
            work.done()
        finally:
            self._fill()
            if self.is_idle and self.idle is not None:
                self.idle()
