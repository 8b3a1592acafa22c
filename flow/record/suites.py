"""The record of a suite server: a journal of every event, and snapshots to replay it from.

A batch is committed on a thread of its own before its effects are carried out. Restart is the newest snapshot and the
events after it; as the engine is deterministic, that gives the state that was. Snapshots are written by a forked copy
of the server, so a large tree never holds it up.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..engine.events import Command, Event
from ..suite import events as suite_events
from .exceptions import RecordError, describe

DATABASE = "suites.db"
SCHEMA = """
CREATE TABLE IF NOT EXISTS journal(id INTEGER PRIMARY KEY, time REAL NOT NULL, event BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS snapshot(journal_id INTEGER PRIMARY KEY, time REAL NOT NULL, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS receipts(
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, time REAL NOT NULL, name TEXT NOT NULL, user TEXT NOT NULL,
    reason TEXT NOT NULL, arguments TEXT NOT NULL, state TEXT NOT NULL, result TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS receipts_by_number ON receipts(number);
"""
SNAPSHOTS_KEPT = 2

EventOfSuites = (
    suite_events.ServerStarted
    | suite_events.Tick
    | suite_events.ChildCommand
    | suite_events.SubmissionFailed
    | suite_events.JobCommandEnded
    | suite_events.KillCommandFailed
    | suite_events.StatusCommandFailed
    | suite_events.SubtreeRead
    | suite_events.ServerFlag
    | Command
)
_decode = msgspec.json.Decoder(EventOfSuites).decode
_encode = msgspec.json.Encoder().encode


class Receipt(NamedTuple):
    """What became of one command."""

    id: str
    number: int
    time: float
    name: str
    user: str
    reason: str
    arguments: str
    """JSON."""
    state: str
    """applied or refused."""
    result: str
    """What it printed, or why it was refused."""

    def to_dict(self) -> dict[str, Any]:
        """As receipts of workflows are told."""
        arguments = json.loads(self.arguments)
        is_applied = self.state == "applied"
        return {
            "id": self.id,
            "time_received": self.time,
            "time_applied": self.time if is_applied else None,
            "name": self.name,
            "arguments": {"words": arguments} if isinstance(arguments, list) else arguments,
            "user": self.user,
            "reason": self.reason,
            "state": self.state,
            "result": {"text": self.result} if is_applied else {},
            "error": None if is_applied else self.result,
        }


class Saved(NamedTuple):
    """What a server goes on from."""

    snapshot: bytes | None
    """As the engine wrote it; None if all there is, is the journal."""
    events: list[Event]
    """What happened since, in order."""
    next_number: int


class SuiteRecord:
    """The database of one server.

    Arguments:
        directory: the server's; ``suites.db`` is made in it.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / DATABASE
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._database: sqlite3.Connection | None = None
        self.last_id = 0
        """Of the journal."""

    def open(self) -> Saved:
        """Open or create it, and read what is there. Raises `RecordError` if it is unusable."""
        return self._thread.submit(self._open).result()

    async def commit(self, events: Sequence[Event], receipts: Sequence[Receipt] = ()) -> None:
        """Return once the events are on disk, all or none. Raises `RecordError`: none is."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, list(events), list(receipts))

    async def keep_snapshot(self, journal_id: int, path: Path) -> None:
        """Take the state after an entry of the journal from a file, which is removed; raises `RecordError`."""

        def keep() -> None:
            assert self._database is not None
            try:
                save_snapshot(self._database, journal_id, time.time(), path.read_bytes())
                path.unlink(missing_ok=True)
            except sqlite3.Error as error:
                raise describe(error, str(self.path), doing="record the state") from error
            except OSError as error:
                raise RecordError(f"{path}: {error.strerror}") from error

        await asyncio.get_running_loop().run_in_executor(self._thread, keep)

    async def receipt(self, id: str) -> Receipt | None:
        """What became of the command with that id; None if it was never decided on."""
        rows = await self._query("SELECT * FROM receipts WHERE id = ?", id)
        return Receipt(*rows[0]) if rows else None

    async def receipts(self, limit: int) -> list[Receipt]:
        """The latest ones, oldest first."""
        rows = await self._query("SELECT * FROM receipts ORDER BY number DESC LIMIT ?", limit)
        return [Receipt(*row) for row in reversed(rows)]

    def close(self) -> None:
        """Let go of the database."""
        if self._database is not None:
            self._thread.submit(self._database.close).result()
            self._database = None
        self._thread.shutdown()

    async def _query(self, text: str, *values: Any) -> list[Any]:
        def ask() -> list[Any]:
            assert self._database is not None
            return self._database.execute(text, values).fetchall()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, ask)
        except sqlite3.Error as error:
            raise describe(error, str(self.path), doing="read the record of suites") from error

    # -- on the thread -------------------------------------------------------------------------------------------------

    def _open(self) -> Saved:
        try:
            self._database = open_database(self.path)
            saved = load(self._database)
            row = self._database.execute("SELECT max(id) FROM journal").fetchone()
            snapshot = self._database.execute("SELECT max(journal_id) FROM snapshot").fetchone()
        except sqlite3.Error as error:
            raise describe(error, str(self.path), doing="open the record of suites") from error
        except (msgspec.MsgspecError, ValueError) as error:
            raise RecordError(f"{self.path}: an entry of the journal cannot be read: {error}") from error
        self.last_id = max(row[0] or 0, snapshot[0] or 0)
        return saved

    def _commit(self, events: list[Event], receipts: list[Receipt]) -> None:
        database = self._database
        assert database is not None
        rows = [(self.last_id + count, event.time, _encode(event)) for count, event in enumerate(events, 1)]
        try:
            with database:
                database.execute("BEGIN IMMEDIATE")
                database.executemany("INSERT INTO journal VALUES (?, ?, ?)", rows)
                database.executemany("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", receipts)
        except sqlite3.Error as error:
            raise describe(error, str(self.path), doing="record what happened") from error
        self.last_id += len(rows)


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database of a server, made if it is not there; raises `sqlite3.Error`."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.executescript(SCHEMA)
    return database


def load(database: sqlite3.Connection, *, up_to: int | None = None) -> Saved:
    """The newest snapshot and the events after it; raises `sqlite3.Error` or ``ValueError``.

    Arguments:
        database: open.
        up_to: the last entry of the journal to take; all by default.
    """
    row = database.execute("SELECT journal_id, state FROM snapshot ORDER BY journal_id DESC LIMIT 1").fetchone()
    first, state = (row[0], bytes(row[1])) if row else (0, None)
    rows = database.execute(
        "SELECT event FROM journal WHERE id > ? AND id <= ? ORDER BY id", (first, up_to if up_to is not None else 2**62)
    )
    events: list[Event] = [_decode(event) for (event,) in rows]
    number = database.execute("SELECT max(number) FROM receipts").fetchone()[0] or 0
    return Saved(state, events, number + 1)


def save_snapshot(database: sqlite3.Connection, journal_id: int, when: float, state: bytes) -> None:
    """Keep a snapshot, and drop what is older than the one before it; raises `sqlite3.Error`."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", (journal_id, when, state))
        kept = database.execute(
            "SELECT journal_id FROM snapshot ORDER BY journal_id DESC LIMIT 1 OFFSET ?", (SNAPSHOTS_KEPT - 1,)
        ).fetchone()
        if kept is not None:
            database.execute("DELETE FROM snapshot WHERE journal_id < ?", kept)
            database.execute("DELETE FROM journal WHERE id <= ?", kept)


def receipts_in(path: Path, limit: int) -> list[Receipt]:
    """The latest receipts in a copy of a server's database, oldest first; raises `RecordError`."""
    try:
        with contextlib.closing(open_database(path)) as database:
            rows = database.execute("SELECT * FROM receipts ORDER BY number DESC LIMIT ?", (limit,)).fetchall()
    except sqlite3.Error as error:
        raise describe(error, str(path), doing="read the record of suites") from error
    return [Receipt(*row) for row in reversed(rows)]


def saved_in(path: Path) -> Saved:
    """What a copy of a server's database goes on from; raises `RecordError`."""
    try:
        with contextlib.closing(open_database(path)) as database:
            return load(database)
    except sqlite3.Error as error:
        raise describe(error, str(path), doing="read the record of suites") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise RecordError(f"{path}: an entry of the journal cannot be read: {error}") from error


def arguments_text(command: Command) -> str:
    """The arguments of a command for its receipt, as JSON: long words are cut, of attached texts only the size and a
    checksum are kept."""
    words = [str(word) for word in command.arguments.get("words", ())]
    told: dict[str, Any] = {"words": [word if len(word) <= 200 else f"{word[:200]}..." for word in words]}
    attachments = command.arguments.get("attachments") or {}
    if attachments:
        told["attachments"] = {name: _sized(str(text)) for name, text in attachments.items()}
    return json.dumps(told)


def _sized(text: str) -> str:
    if len(text) <= 200 and "\n" not in text:
        return text
    data = text.encode("utf-8", "surrogateescape")
    return f"{len(data)} bytes, blake2b {blake2b(data, digest_size=8).hexdigest()}"
