"""The run's own database, ``.service/db``: current state for restart, history, and the journal.

Plain blocking code that belongs to one thread; `record.Record` owns that thread.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from .exceptions import RecordError, describe
from .rows import Batch, JobRow, SavedRun, TaskRow
from .tables import PUBLIC_TABLES, TABLES

SCHEMA_VERSION = 1
APPLICATION_ID = 0x7469_6465
"""Marks the file as ours (``tide``), so that another program's database is never taken over."""
OPEN_TIMEOUT_SECONDS = 5.0
PRUNE_SLICE = 2000
CHECKPOINT_BYTES = 4 << 20
CHUNK = 100

_TASK_UPSERT = (
    f"INSERT INTO tasks({', '.join(TaskRow._fields)}) VALUES ({', '.join('?' * len(TaskRow._fields))}) "
    "ON CONFLICT(identity) DO UPDATE SET " + ", ".join(f"{name} = excluded.{name}" for name in TaskRow._fields[3:])
)
_JOB_UPSERT = (
    f"INSERT INTO jobs({', '.join(JobRow._fields)}) VALUES ({', '.join('?' * len(JobRow._fields))}) "
    "ON CONFLICT(cycle, name, submit_number) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in JobRow._fields[3:])
)
_PARAMETER_UPSERT = "INSERT INTO parameters VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"
ONE_RECEIPT = f"{TABLES['receipts'].select} WHERE id = ?"
LATEST_RECEIPTS = f"{TABLES['receipts'].select} ORDER BY rowid DESC LIMIT ?"
TASK_COLUMNS = ", ".join(TaskRow._fields)
JOB_COLUMNS = ", ".join(JobRow._fields)


class Change(Struct):
    """Part of what was committed, as the public copy takes it: rows of a grown table carry their number."""

    tasks: Sequence[TaskRow] = ()
    jobs: Sequence[JobRow] = ()
    task_events: Sequence[tuple[object, ...]] = ()
    parameters: dict[str, str | None] = {}
    deletions: dict[str, list[tuple[object, ...]]] = {}
    tables: dict[str, list[tuple[object, ...]]] = {}


def task_row(values: Sequence[Any]) -> TaskRow:
    """Return the task that a row of `TASK_COLUMNS` describes."""
    return TaskRow._make((*values[:7], *map(bool, values[7:11]), *values[11:]))


def job_row(values: Sequence[Any]) -> JobRow:
    """Return the job that a row of `JOB_COLUMNS` describes."""
    return JobRow._make((*values[:4], bool(values[4]), *values[5:]))


def check_header(connection: sqlite3.Connection, path: Path) -> bool:
    """Return True if the database is empty, False if it is ours; raise `RecordError` if it is neither."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not objects:
        return True
    if application != APPLICATION_ID:
        raise RecordError(
            f"{path}: this database was made by another program (the run was perhaps begun with another "
            "scheduler); "
            "move the run directory's .service/db away to start the run afresh",
            reason="foreign",
        )
    if version > SCHEMA_VERSION:
        raise RecordError(
            f"{path}: the database has version {version}, this program knows versions up to "
            f"{SCHEMA_VERSION}; "
            "restart the run with the newer program that made it",
            reason="newer",
        )
    return False


def flat(rows: Sequence[TaskRow]) -> list[tuple[object, ...]]:
    """Return tasks as plain tuples of integers for the flags, which SQLite binds at twice the speed of
    bools."""
    return [
        (i, cycle, name, flows, status, submit, tri, 1 if held else 0, 1 if manual else 0, 1 if wait else 0,
         1 if pool else 0, outputs, forced, timers, created, updated)
        for i, cycle, name, flows, status, submit, tri, held, manual, wait, pool, outputs, forced, timers,
        created, updated in rows
    ]  # fmt: skip


class PrivateDatabase:
    """The database of one run, open for writing by this process alone.

    It is held in WAL mode under an exclusive lock: no second scheduler can open it, and no shared memory
    is needed,
    so that it works on network file systems too.
    """

    def __init__(self, path: Path, *, survive_power_cut: bool = False) -> None:
        self.path = path
        self.is_new = False
        self.public_was_complete = False
        self._survive_power_cut = survive_power_cut
        self._connection: sqlite3.Connection
        self._next_row: dict[str, int] = {}
        self._journal_first = self._journal_next = 1

    def open(self) -> None:
        """Open or create the database; raises `RecordError` if it cannot be used."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Only if it is not there: closing a second descriptor drops this process's locks on a file.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            pass
        except OSError as error:
            reason = "full" if error.errno == errno.ENOSPC else "read-only"
            raise RecordError(
                f"{self.path}: cannot be opened for writing: {error.strerror}; check the permissions of "
                "the file and "
                "its folder, and the space on the disk",
                reason=reason,
            ) from error
        connection = sqlite3.connect(self.path, timeout=OPEN_TIMEOUT_SECONDS, isolation_level=None)
        try:
            self._set_up(connection)
        except sqlite3.Error as error:
            connection.close()
            raise describe(error, str(self.path), doing="open the run's database") from error
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self.is_new = check_header(connection, self.path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._survive_power_cut else 'NORMAL'}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("BEGIN IMMEDIATE")
        if self.is_new:
            for statement in schema("private"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        else:
            # Tables that came later are made in the databases of runs begun before; nothing else changed.
            for statement in schema("private"):
                if statement.startswith("CREATE TABLE IF NOT EXISTS"):
                    connection.execute(statement)
        found = connection.execute("SELECT value FROM meta WHERE key = 'public'").fetchone()
        self.public_was_complete = found == ("complete",)
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('public', 'behind')")
        connection.execute("COMMIT")
        connection.execute("PRAGMA busy_timeout = 0")
        first, last = connection.execute("SELECT min(seq), max(seq) FROM journal").fetchone()
        self._journal_first, self._journal_next = first or 1, (last or 0) + 1
        for name, column in (("task_events", "seq"), ("broadcast_events", "rowid")):
            (last,) = connection.execute(f"SELECT max({column}) FROM {name}").fetchone()
            self._next_row[name] = (last or 0) + 1

    def write(self, batches: Sequence[Batch]) -> list[Change]:
        """Commit batches in one transaction, all or nothing; raises the `sqlite3.Error` of a failure."""
        connection = self._connection
        next_row = dict(self._next_row)
        journal_next = self._journal_next
        connection.execute("BEGIN IMMEDIATE")
        try:
            changes = []
            for batch in batches:
                changes.append(self._write_batch(batch, next_row))
                if batch.journal:
                    numbered = [(journal_next + n, *entry) for n, entry in enumerate(batch.journal)]
                    connection.executemany("INSERT INTO journal VALUES (?, ?, ?)", numbered)
                    journal_next += len(numbered)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._next_row = next_row
        self._journal_next = journal_next
        return changes

    def _write_batch(self, batch: Batch, next_row: dict[str, int]) -> Change:
        execute, executemany = self._connection.execute, self._connection.executemany
        shown = {name: keys for name, keys in batch.deletions.items() if TABLES[name].public}
        change = Change(tasks=batch.tasks, jobs=batch.jobs, deletions=shown)
        if batch.tasks:
            executemany(_TASK_UPSERT, flat(batch.tasks))
        if batch.flows_left or batch.caught_up:
            change.tasks = [*batch.tasks, *self._amend(batch)]
        if batch.jobs:
            executemany(_JOB_UPSERT, batch.jobs)
        if batch.task_events:
            events = change.task_events = _number("task_events", batch.task_events, next_row)
            executemany("INSERT INTO task_events VALUES (?, ?, ?, ?, ?, ?, ?)", events)
        if batch.parameters:
            executemany(_PARAMETER_UPSERT, batch.parameters.items())
            change.parameters = dict(batch.parameters)
        for name, keys in batch.deletions.items():
            for key in keys:
                execute(TABLES[name].delete(len(key)), key)
        for name, rows in batch.tables.items():
            table = TABLES[name]
            numbered = rows if table.key else _number(name, rows, next_row)
            executemany(table.upsert, numbered)
            if table.public:
                change.tables[name] = numbered
        return change

    def _amend(self, batch: Batch) -> list[TaskRow]:
        """Change flow numbers of instances that may have left the pool long ago; returns their rows as they are now."""
        executemany = self._connection.executemany
        executemany("UPDATE tasks SET flow_numbers = ? WHERE identity = ?", batch.flows_left)
        executemany("UPDATE tasks SET flow_wait = 0 WHERE identity = ?", [(one,) for one in batch.caught_up])
        identities = {identity for _, identity in batch.flows_left} | set(batch.caught_up)
        sql = f"SELECT {TASK_COLUMNS} FROM tasks WHERE identity = ?"
        rows = (self._connection.execute(sql, (identity,)).fetchone() for identity in sorted(identities))
        return [task_row(row) for row in rows if row is not None]

    def load(self) -> SavedRun | None:
        """Return what a restart begins from; None if nothing was ever recorded."""
        execute = self._connection.execute
        (last,) = execute("SELECT max(identity) FROM tasks").fetchone()
        if last is None and execute("SELECT 1 FROM parameters").fetchone() is None:
            return None
        pool = execute(f"SELECT {TASK_COLUMNS} FROM tasks WHERE in_pool ORDER BY identity")
        columns = ", ".join(f"jobs.{name}" for name in JobRow._fields)
        jobs = execute(
            f"SELECT DISTINCT {columns} FROM tasks CROSS JOIN jobs USING (cycle, name) WHERE tasks.in_pool "
            "ORDER BY tasks.identity, jobs.submit_number"
        )
        return SavedRun(
            pool=[task_row(row) for row in pool],
            jobs=[job_row(row) for row in jobs],
            parameters=dict(execute("SELECT key, value FROM parameters").fetchall()),
            tables={table.name: execute(table.select).fetchall() for table in TABLES.values() if table.loaded},
            next_identity=(last or 0) + 1,
        )

    def history(self, cycle: str) -> list[TaskRow]:
        """Return the task instances of a cycle that left the pool, oldest first."""
        sql = f"SELECT {TASK_COLUMNS} FROM tasks WHERE cycle = ? AND NOT in_pool ORDER BY identity"
        return [task_row(row) for row in self._connection.execute(sql, (cycle,))]

    def past(self) -> list[TaskRow]:
        """Return every task instance that left the pool, oldest first."""
        sql = f"SELECT {TASK_COLUMNS} FROM tasks WHERE NOT in_pool ORDER BY identity"
        return [task_row(row) for row in self._connection.execute(sql)]

    def receipt(self, id: str) -> tuple[Any, ...] | None:
        """Return the row of the command with an id; None if it was never decided on."""
        found: tuple[Any, ...] | None = self._connection.execute(ONE_RECEIPT, (id,)).fetchone()
        return found

    def receipts(self, limit: int) -> list[tuple[Any, ...]]:
        """Return the rows of the latest commands, oldest first."""
        return self._connection.execute(LATEST_RECEIPTS, (limit,)).fetchall()[::-1]

    def chunks(self) -> Iterator[Change]:
        """Yield all the public copy shows, a few hundred rows at a time; other work may come between."""
        execute = self._connection.execute
        yield Change(parameters=dict(execute("SELECT key, value FROM parameters").fetchall()))
        sql = f"SELECT {TASK_COLUMNS} FROM tasks WHERE identity > ? ORDER BY identity LIMIT {CHUNK}"
        last = -(1 << 63)
        while rows := execute(sql, (last,)).fetchall():
            last = rows[-1][0]
            yield Change(tasks=[task_row(row) for row in rows])
        sql = (
            f"SELECT {JOB_COLUMNS} FROM jobs WHERE (cycle, name, submit_number) > (?, ?, ?) "
            f"ORDER BY cycle, name, submit_number LIMIT {CHUNK}"
        )
        key: tuple[object, ...] = ("", "", -1)
        while rows := execute(sql, key).fetchall():
            key = rows[-1][:3]
            yield Change(jobs=[job_row(row) for row in rows])
        last = -1
        while rows := execute(f"SELECT * FROM task_events WHERE seq > ? LIMIT {CHUNK}", (last,)).fetchall():
            last = rows[-1][0]
            yield Change(task_events=rows)
        for name in PUBLIC_TABLES:
            rows = execute(TABLES[name].select).fetchall()
            for start in range(0, len(rows), CHUNK):
                yield Change(tables={name: rows[start : start + CHUNK]})

    def ends(self) -> tuple[int | None, int | None]:
        """Return the largest task identity and task event number."""
        (identity,) = self._connection.execute("SELECT max(identity) FROM tasks").fetchone()
        (event,) = self._connection.execute("SELECT max(seq) FROM task_events").fetchone()
        return identity, event

    def prune_journal(self, *, limit: int, older_than: float | None) -> bool:
        """Delete one slice of the journal's oldest entries if it is over its bounds; tell whether more
        may follow."""
        if self._journal_first >= self._journal_next:
            return False
        end = min(self._journal_first + PRUNE_SLICE, self._journal_next - limit)
        if end <= self._journal_first and older_than is not None:
            end = min(self._journal_first + PRUNE_SLICE, self._journal_next)
            found = self._connection.execute("SELECT time FROM journal WHERE seq = ?", (end - 1,)).fetchone()
            if found is None or found[0] >= older_than:
                return False
        if end <= self._journal_first:
            return False
        self._connection.execute("DELETE FROM journal WHERE seq < ?", (end,))
        self._journal_first = end
        return True

    def tidy(self) -> None:
        """Move a log grown large into the database file, so that it can begin again."""
        try:
            size = os.stat(f"{self.path}-wal").st_size
        except OSError:
            return
        if size > CHECKPOINT_BYTES:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self, *, public_is_complete: bool) -> None:
        """Close the file; whether the public copy is complete is remembered for the next start."""
        try:
            if public_is_complete:
                self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('public', 'complete')")
        finally:
            self._connection.close()


def _number(name: str, rows: Sequence[tuple[object, ...]], next_row: dict[str, int]) -> list[tuple[object, ...]]:
    first = next_row[name]
    next_row[name] = first + len(rows)
    return [(first + n, *row) for n, row in enumerate(rows)]


def schema(name: str) -> list[str]:
    """Return the statements of the schema file ``<name>.sql`` of this room."""
    text = Path(__file__).with_name(f"{name}.sql").read_text(encoding="utf-8")
    return [statement for part in text.split(";\n") if (statement := part.strip())]
