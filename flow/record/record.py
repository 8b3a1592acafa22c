"""The record of a run: one thread that commits what each turn changed, then brings the public copy up to
date.

The scheduler awaits `Record.commit` before it carries effects out; the loop itself never touches a disk.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from .clock import TimeText
from .exceptions import RecordError, describe, is_invalid
from .private import PrivateDatabase
from .public import PublicCopy
from .rows import Batch, SavedRun, TaskRow
from .tables import TABLES

PRIVATE_PATH = ".service/db"
PUBLIC_PATH = "log/db"
IDLE_SECONDS = 0.05
JOURNAL_LIMIT = 200_000
GROUP_LIMIT = 256
"""Batches in one transaction at most."""
TIDY_COMMITS = 500
"""Transactions after which the size of the write-ahead log is looked at even if there is no idle moment."""

_T = TypeVar("_T")


class _Answer(Struct):
    """Where the outcome of a request goes: a future of a loop, or one a thread waits for."""

    future: asyncio.Future[Any] | Future[Any]
    loop: asyncio.AbstractEventLoop | None


class _Request(Struct):
    """A batch to commit, or a function to call on the record's thread (both None: the end)."""

    answer: _Answer | None = None
    batch: Batch | None = None
    call: Callable[[], Any] | None = None


class Record:
    """The databases of one run: private for restart, public for users.

    Args:
        run_directory: the run's directory; ``.service/db`` and ``log/db`` are made in it.
        log: called with a level name and a text; on the event loop's thread once a commit was awaited, on the
            record's own before that and while closing.
        utc: whether the public copy shows times in UTC rather than the machine's time zone.
        survive_power_cut: wait for the disk at each commit. Without it nothing committed is lost when
        the process
            dies, but a power cut or kernel crash may take the last moments' commits (never half of one).
        journal_limit: entries of the journal to keep.
        journal_max_age_seconds: if given, older entries of the journal are dropped too.
    """

    def __init__(
        self,
        run_directory: str | os.PathLike[str],
        *,
        log: Callable[[str, str], None],
        utc: bool = True,
        survive_power_cut: bool = False,
        journal_limit: int = JOURNAL_LIMIT,
        journal_max_age_seconds: float | None = None,
    ) -> None:
        directory = Path(run_directory)
        self._log = log
        self._private = PrivateDatabase(directory / PRIVATE_PATH, survive_power_cut=survive_power_cut)
        self._public = PublicCopy(directory / PUBLIC_PATH, self._private, tell=self._tell, time_text=TimeText(utc=utc))
        self._journal_limit = journal_limit
        self._journal_max_age_seconds = journal_max_age_seconds
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._kept: list[_Request] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pruning = False
        self._commits = 0

    # -- what the scheduler calls --------------------------------------------------------------------------

    def open(self) -> None:
        """Open or create the private database; raises `RecordError` if it is unusable or another process
        has it."""
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, args=(opened,), name="record", daemon=True)
        self._thread.start()
        try:
            opened.result()
        except BaseException:
            self._thread.join()
            self._thread = None
            raise

    def load(self) -> SavedRun | None:
        """Return what a restart begins from, None if the run is new; for use before the loop starts."""
        return self._call(self._private.load)

    async def commit(self, batch: Batch) -> None:
        """Return once `batch` and all before it are committed; batches that wait together share one
        transaction.

        Raises:
            RecordError: nothing of the batch was written. If the error says ``kept``, the record holds
            the batch and
                writes it first with the next commit or `retry`: do not pass it again.
        """
        self._check(batch)
        loop = self._loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._requests.put(_Request(_Answer(future, loop), batch))
        await future

    async def retry(self) -> None:
        """Try again to write the batches kept by failed commits; raises `RecordError` like `commit`."""
        await self.commit(Batch())

    def commit_now(self, batch: Batch) -> None:
        """Commit and wait, blocking the caller: for start and shutdown. Raises `RecordError` like
        `commit`."""
        self._check(batch)
        future: Future[None] = Future()
        self._requests.put(_Request(_Answer(future, None), batch))
        future.result()

    def history(self, cycle: str) -> list[TaskRow]:
        """Return the task instances of `cycle` that left the pool, oldest first; blocks for the read."""
        return self._call(lambda: self._private.history(cycle))

    def past(self) -> list[TaskRow]:
        """Return every task instance that left the pool, oldest first; for use before the loop starts."""
        return self._call(self._private.past)

    async def read_history(self, cycle: str) -> list[TaskRow]:
        """Return the same as `history` without blocking the loop."""
        return await self._read(lambda: self._private.history(cycle))

    async def receipt(self, id: str) -> tuple[Any, ...] | None:
        """Return the row of the command with an id; None if it was never decided on."""
        return await self._read(lambda: self._private.receipt(id))

    async def receipts(self, limit: int) -> list[tuple[Any, ...]]:
        """Return the rows of the latest commands, oldest first."""
        return await self._read(lambda: self._private.receipts(limit))

    @property
    def kept(self) -> int:
        """How many batches of failed commits wait to be written."""
        return len(self._kept)

    def close(self) -> None:
        """Write all that waits, complete the public copy and close the files.

        Raises:
            RecordError: batches kept by failed commits could not be written at the last try either.
        """
        if self._thread is None:
            return
        self._loop = None
        self._requests.put(_Request())
        self._thread.join()
        self._thread = None
        if self._kept:
            raise RecordError(
                f"{self._private.path}: the changes of the last {len(self._kept)} failed commits are lost; "
                "the run restarts from what was recorded before them"
            )

    # -- the thread ----------------------------------------------------------------------------------------

    def _check(self, batch: Batch) -> None:
        if self._thread is None:
            raise RecordError(f"{self._private.path}: the record is closed", reason="closed")
        for name in (*batch.tables, *batch.deletions):
            if name not in TABLES:
                raise RecordError(f"{self._private.path}: there is no table {name!r} in the record", reason="invalid")

    def _call(self, function: Callable[[], _T]) -> _T:
        self._check(Batch())
        future: Future[_T] = Future()
        self._requests.put(_Request(_Answer(future, None), call=function))
        return future.result()

    async def _read(self, function: Callable[[], _T]) -> _T:
        self._check(Batch())
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        self._requests.put(_Request(_Answer(future, loop), call=function))
        return await future

    def _tell(self, level: str, text: str) -> None:
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._log, level, text)
                return
            except RuntimeError:  # the loop is closed
                self._loop = None
        self._log(level, text)

    def _work(self, opened: Future[None]) -> None:
        try:
            self._private.open()
            self._public.open()
        except BaseException as error:
            opened.set_exception(error)
            return
        opened.set_result(None)
        while self._serve():
            pass
        if self._kept:
            self._commit([])
        complete = False
        try:
            complete = self._public.close()
        except (sqlite3.Error, OSError) as error:
            self._tell("ERROR", f"log/db: could not be completed: {error}")
        try:
            self._private.close(public_is_complete=complete)
        except sqlite3.Error as error:
            self._tell("ERROR", str(describe(error, str(self._private.path), doing="close the run's database")))

    def _serve(self) -> bool:
        """Handle what has come in, or a slice of idle work; return False when the record is to close."""
        waits = [s for s in (self._public.due_seconds(), IDLE_SECONDS if self._pruning else None) if s is not None]
        try:
            request = self._requests.get(timeout=min(waits, default=None))
        except queue.Empty:
            self._idle()
            return True
        group: list[_Request] = []
        while True:
            if request.batch is not None:
                group.append(request)
            else:
                self._commit(group)
                group = []
                if request.call is None:
                    return False
                self._answer_call(request)
            if len(group) >= GROUP_LIMIT:
                break
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                break
        self._commit(group)
        if self._public.due_seconds() == 0:  # a stream of commits must not starve the copy
            self._public.step()
        return True

    def _idle(self) -> None:
        if self._public.due_seconds() == 0:
            self._public.step()
            return
        age = self._journal_max_age_seconds
        older_than = None if age is None else time.time() - age
        try:
            self._pruning = self._private.prune_journal(limit=self._journal_limit, older_than=older_than)
        except sqlite3.Error as error:
            self._pruning = False
            self._tell("WARNING", str(describe(error, str(self._private.path), doing="prune the journal")))
        if not self._pruning:
            self._tidy()

    def _tidy(self) -> None:
        try:
            self._private.tidy()
        except sqlite3.Error as error:
            self._tell("WARNING", str(describe(error, str(self._private.path), doing="tidy the run's database")))

    def _commit(self, requests: Sequence[_Request]) -> None:
        everything = [*self._kept, *requests]
        if not everything:
            return
        self._kept = []
        try:
            changes = self._private.write([request.batch for request in everything if request.batch is not None])
        except Exception as error:
            self._commit_failed(everything, error)
            return
        self._answer(requests, None)
        self._public.add(changes)
        self._pruning = True
        self._commits += 1
        if self._commits % TIDY_COMMITS == 0:
            self._tidy()

    def _commit_failed(self, requests: list[_Request], error: Exception) -> None:
        invalid = is_invalid(error)
        if invalid and len(requests) > 1:  # find the one at fault; the others are sound
            for request in requests:
                self._commit([request])
            return
        failure = describe(error, str(self._private.path), doing="record what happened", kept=not invalid)
        failure.__cause__ = error
        if not invalid:
            self._kept = [_Request(batch=request.batch) for request in requests if request.batch != Batch()]
        elif requests[0].answer is None:  # kept by an earlier failure: nobody waits to hear of it
            self._tell("ERROR", str(failure))
        self._answer(requests, failure)

    def _answer_call(self, request: _Request) -> None:
        assert request.call is not None
        assert request.answer is not None
        try:
            value = request.call()
        except sqlite3.Error as error:
            self._answer([request], describe(error, str(self._private.path), doing="read the run's record"))
        except Exception as error:
            self._answer([request], error)
        else:
            self._answer([request], None, value)

    def _answer(self, requests: Sequence[_Request], error: Exception | None, value: object = None) -> None:
        loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[Any]]] = {}
        for answer in (request.answer for request in requests):
            if answer is None:
                continue
            if isinstance(answer.future, Future):
                answer.future.set_result(value) if error is None else answer.future.set_exception(error)
            elif answer.loop is not None:
                loops.setdefault(answer.loop, []).append(answer.future)
        for loop, futures in loops.items():
            try:
                loop.call_soon_threadsafe(_resolve, futures, error, value)
            except RuntimeError:  # the loop is closed: nobody waits any more
                continue


def _resolve(futures: list[asyncio.Future[Any]], error: Exception | None, value: object) -> None:
    for future in futures:
        if future.done():  # its waiter was cancelled
            continue
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
