"""The copy of the record for users and other tools, ``log/db``: written lazily, replaced whole when it
cannot be.

Plain blocking code in slices of a few milliseconds, driven by the thread of `record.Record`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from .clock import TimeText
from .exceptions import is_busy
from .private import CHUNK, Change, PrivateDatabase, schema
from .rows import JobRow, TaskRow
from .tables import PUBLIC_TABLES, TABLES

QUIET_SECONDS = 0.05
LATEST_SECONDS = 0.5
RETRY_SECONDS = 0.5
TRIES = 8
"""A file that stays locked is replaced after this many tries: about four seconds."""
CLOSING_TRIES = 3
REBUILD_RETRY_SECONDS = 30.0
SLICE = 100
"""Rows of each kind in one transaction: about two milliseconds, which is what a commit may have to wait."""
CHANGES_SLICE = 10
PENDING_LIMIT = 200_000
"""Rows that may wait in memory; beyond it the copy is rebuilt from the private database instead."""

_STATE = (
    "INSERT OR REPLACE INTO task_states(rowid, name, cycle, flow_nums, time_created, time_updated, "
    "submit_num, "
    "status, flow_wait, is_manual_submit) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_OUTPUTS = "INSERT OR REPLACE INTO task_outputs(rowid, cycle, name, flow_nums, outputs) VALUES (?, ?, ?, ?, ?)"
_POOL = "INSERT OR REPLACE INTO task_pool(rowid, cycle, name, flow_nums, status, is_held) VALUES (?, ?, ?, ?, ?, ?)"
_JOB = f"INSERT OR REPLACE INTO task_jobs VALUES ({', '.join('?' * 16)})"
_EVENT = (
    "INSERT OR REPLACE INTO task_events(rowid, name, cycle, time, submit_num, event, message) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PARAMETER = "INSERT OR REPLACE INTO workflow_params VALUES (?, ?)"


class PublicCopy:
    """The public database of one run.

    Args:
        path: the file, ``log/db``.
        private: where everything in it comes from.
        tell: called with a level name and a text for the log.
        time_text: how times are written.
    """

    def __init__(
        self, path: Path, private: PrivateDatabase, *, tell: Callable[[str, str], None], time_text: TimeText
    ) -> None:
        self.path = path
        self._private = private
        self._tell = tell
        self._text = time_text
        self._connection: sqlite3.Connection | None = None
        self._rebuild: Iterator[None] | None = None
        self._must_rebuild = ""
        self._tries = 0
        self._due: float | None = None
        self._latest = 0.0
        self._clear()

    def _clear(self) -> None:
        self._tasks: dict[int, TaskRow] = {}
        self._jobs: dict[tuple[str, str, int], JobRow] = {}
        self._events: list[tuple[object, ...]] = []
        self._parameters: dict[str, str | None] = {}
        self._changes: list[Change] = []

    def open(self) -> None:
        """Take up the file left by an earlier run of the scheduler, or begin a new one."""
        if self._private.is_new:
            self._must_rebuild = "new"
        elif not self.path.exists():
            self._must_rebuild = "a missing file"
        elif not self._private.public_was_complete:
            self._must_rebuild = "an unclean shutdown"
        elif problem := self._mismatch():
            self._must_rebuild = problem
        if self._must_rebuild:
            self._due = time.monotonic()

    def _mismatch(self) -> str:
        try:
            connection = self._connect()
            for name in ("workflow_params", "task_pool", "task_outputs", "task_jobs", *PUBLIC_TABLES):
                connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()
            (identity,) = connection.execute("SELECT max(rowid) FROM task_states").fetchone()
            (event,) = connection.execute("SELECT max(rowid) FROM task_events").fetchone()
        except sqlite3.Error as error:
            self._disconnect()
            return "" if is_busy(error) else f"an unusable file ({error})"
        return "" if (identity, event) == self._private.ends() else "a file that does not match the run"

    def add(self, changes: list[Change]) -> None:
        """Take over what was committed to the private database; it is written later."""
        if self._must_rebuild and self._rebuild is None:
            return
        for change in changes:
            if change.tasks:
                self._tasks.update([(row.identity, row) for row in change.tasks])
            if change.jobs:
                self._jobs.update([(row[:3], row) for row in change.jobs])
            self._events += change.task_events
            self._parameters.update(change.parameters)
            if change.deletions or change.tables:
                self._changes.extend(_split(change))
        now = time.monotonic()
        if self._tries or self._rebuild is not None:
            pass  # the time of the next try stands
        elif self._due is None:
            self._latest = now + LATEST_SECONDS
            self._due = now + QUIET_SECONDS
        else:
            self._due = min(now + QUIET_SECONDS, self._latest)
        waiting = len(self._tasks) + len(self._jobs) + len(self._events) + len(self._changes)
        if waiting > PENDING_LIMIT and self._rebuild is None:
            self._start_over("too many rows waiting")

    def due_seconds(self) -> float | None:
        """Return in how many seconds `step` wants to be called; None if there is nothing to do."""
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def step(self) -> None:
        """Do a few milliseconds of what there is to do."""
        if self._must_rebuild:
            self._step_rebuild()
            return
        try:
            self._write_slice(self._connect())
        except Exception as error:
            if not is_busy(error):
                self._start_over(f"an unusable file ({error})")
            elif (tries := self._tries + 1) >= TRIES:
                self._start_over("lock")
            else:
                self._tries = tries
                self._due = time.monotonic() + RETRY_SECONDS
        else:
            self._tries = 0
            if not self._is_pending():
                self._due = None

    def close(self) -> bool:
        """Write what is pending, replacing a file that stays locked; return whether the copy is complete."""
        tries = 0
        rebuilt = False
        while self._due is not None:
            self.step()
            if self._must_rebuild and self._rebuild is None and self._due is not None:
                if rebuilt:
                    break
                rebuilt = True  # a rebuild that had failed is tried once more
            elif self._tries and not self._must_rebuild:
                tries += 1
                if tries >= CLOSING_TRIES:
                    self._start_over("lock")
                else:
                    time.sleep(0.1)
        self._disconnect()
        return not self._must_rebuild

    def _is_pending(self) -> bool:
        return bool(self._tasks or self._jobs or self._events or self._parameters or self._changes)

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self.path.exists():
                raise sqlite3.OperationalError("the file is gone")
            self._connection = _connect(self.path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _start_over(self, reason: str) -> None:
        self._disconnect()
        self._clear()
        self._tries = 0
        self._must_rebuild = reason
        self._due = time.monotonic()

    def _step_rebuild(self) -> None:
        if self._rebuild is None:
            self._rebuild = self._build(self._must_rebuild)
        try:
            next(self._rebuild)
            return
        except StopIteration:
            pass
        except Exception as error:
            wait = f"trying again every {REBUILD_RETRY_SECONDS:.0f} s"
            self._tell("ERROR", f"log/db: could not be rebuilt: {error}: {wait}")
            self._rebuild = None
            self._clear()
            self._due = time.monotonic() + REBUILD_RETRY_SECONDS
            return
        reason, self._must_rebuild, self._rebuild, self._due = self._must_rebuild, "", None, None
        if reason == "lock":
            reason = "lock: it stayed locked by another process, which keeps the old file"
        if reason != "new":
            self._tell("WARNING", f"log/db: recovered from {reason}")

    def _build(self, reason: str) -> Iterator[None]:
        """Write a new file beside the old one and put it in its place, a slice at a time."""
        beside = self.path.with_name(f"{self.path.name}.new")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for path in (beside, Path(f"{beside}-journal")):
            path.unlink(missing_ok=True)
        self._clear()  # all of it is in the private database
        connection = _connect(beside)
        try:
            connection.execute("BEGIN")
            for statement in schema("public"):
                connection.execute(statement)
            connection.execute("COMMIT")
            for change in self._private.chunks():
                self._apply(connection, change)
                if reason != "new":
                    yield
            while self._is_pending():
                self._write_slice(connection)
                yield
        finally:
            connection.close()
        self._disconnect()
        # A journal left by a crash belongs to the old file; beside the new one it would destroy it.
        Path(f"{self.path}-journal").unlink(missing_ok=True)
        beside.replace(self.path)

    def _write_slice(self, connection: sqlite3.Connection) -> None:
        tasks = list(islice(self._tasks.items(), SLICE))
        jobs = list(islice(self._jobs.items(), SLICE))
        events = self._events[: 2 * SLICE]
        changes = self._changes[:CHANGES_SLICE]
        rows = Change(
            tasks=[row for _, row in tasks],
            jobs=[row for _, row in jobs],
            task_events=events,
            parameters=self._parameters,
        )
        self._apply(connection, rows, *changes)
        for identity, _ in tasks:
            del self._tasks[identity]
        for key, _ in jobs:
            del self._jobs[key]
        del self._events[: len(events)]
        self._parameters = {}
        del self._changes[: len(changes)]

    def _apply(self, connection: sqlite3.Connection, *changes: Change) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                self._apply_rows(connection, change)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise

    def _apply_rows(self, connection: sqlite3.Connection, change: Change) -> None:
        executemany, text, optional = connection.executemany, self._text, self._optional
        if change.tasks:
            rows = change.tasks
            states = [
                (row[0], row[2], row[1], row[3], text(row.time_created), text(row.time_updated), row[5],
                 row[4], 1 if row.flow_wait else 0, 1 if row.is_manual_submit else 0)
                for row in rows
            ]  # fmt: skip
            executemany(_STATE, states)
            executemany(_OUTPUTS, [(*row[:4], row.outputs) for row in rows])
            executemany("DELETE FROM task_pool WHERE rowid = ?", [row[:1] for row in rows if not row.in_pool])
            pool = [(*row[:5], 1 if row.is_held else 0) for row in rows if row.in_pool]
            executemany(_POOL, pool)
        if change.jobs:
            jobs = [
                (*row[:4], 1 if row[4] else 0, row[5], optional(row[6]), optional(row[7]), row[8],
                 optional(row[9]), optional(row[10]), *row[11:])
                for row in change.jobs
            ]  # fmt: skip
            executemany(_JOB, jobs)
        if change.task_events:
            events = [(*row[:3], optional(row[3]), *row[4:]) for row in change.task_events]
            executemany(_EVENT, events)
        shown = [item for item in change.parameters.items() if not item[0].startswith("_")]
        executemany(_PARAMETER, shown)
        for name, keys in change.deletions.items():
            for key in keys:
                connection.execute(TABLES[name].delete(len(key)), key)
        for name, values in change.tables.items():
            executemany(TABLES[name].upsert, values)

    def _optional(self, value: object) -> str | None:
        return self._text(value) if isinstance(value, int | float) else None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    # Users' tools expect one plain file; all of it can be made again, so it need not wait for the disk.
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _split(change: Change) -> Iterator[Change]:
    """Cut the long parts of a change into slices, in order."""
    if change.deletions:
        yield Change(deletions=change.deletions)
    for name, rows in change.tables.items():
        for start in range(0, len(rows), CHUNK):
            yield Change(tables={name: rows[start : start + CHUNK]})
