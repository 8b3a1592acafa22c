"""Read the record of a run that is stopped (or, through its public copy, of one that is running) without
changing it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from .clock import parse_time
from .exceptions import RecordError, describe, is_busy
from .private import JOB_COLUMNS, LATEST_RECEIPTS, TASK_COLUMNS, check_header, job_row, task_row
from .record import PRIVATE_PATH, PUBLIC_PATH
from .rows import JobRow, SavedRun, TaskEventRow, TaskRow
from .tables import TABLES

_PUBLIC_TASKS = """
SELECT s.rowid, s.cycle, s.name, s.flow_nums, s.status, s.submit_num, 0, coalesce(p.is_held, 0),
s.is_manual_submit,
    s.flow_wait, p.cycle IS NOT NULL, coalesce(o.outputs, '{}'), '[]', '{}', s.time_created, s.time_updated
FROM task_states s LEFT JOIN task_outputs o USING (cycle, name, flow_nums)
    LEFT JOIN task_pool p USING (cycle, name, flow_nums)
"""


class RunReader:
    """The record of one run, opened read-only; use it in a ``with`` statement.

    The private database is read if it can be (the run is stopped); else the public copy, which may be
    half a second
    behind and has no journal, try numbers, timers or private parameters.

    Args:
        run_directory: the run's directory.

    Raises:
        RecordError: there is no record, or none that can be read.
    """

    def __init__(self, run_directory: str | os.PathLike[str]) -> None:
        directory = Path(run_directory)
        self._connection, self.path = _open(directory)
        self.is_private = self.path == directory / PRIVATE_PATH

    def __enter__(self) -> RunReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def tasks(self, cycle: str = "*", name: str = "*") -> Iterator[TaskRow]:
        """Yield task instances, oldest first; `cycle` and `name` may hold ``*``, ``?`` and ``[...]``."""
        if self.is_private:
            sql = f"SELECT {TASK_COLUMNS} FROM tasks WHERE cycle GLOB ? AND name GLOB ? ORDER BY identity"
            yield from map(task_row, self._rows(sql, cycle, name))
            return
        sql = f"{_PUBLIC_TASKS} WHERE s.cycle GLOB ? AND s.name GLOB ? ORDER BY s.rowid"
        for row in self._rows(sql, cycle, name):
            created, updated = (parse_time(text) or 0.0 for text in row[14:16])
            yield task_row((*row[:14], created, updated))

    def outputs(self, cycle: str, name: str) -> dict[str, str]:
        """Return the completed outputs of one task, ``{label: message}``, over all its instances."""
        found: dict[str, str] = {}
        for row in self.tasks(cycle, name):
            outputs = msgspec.json.decode(row.outputs)
            # Runs made before Cylc 8.3 list messages only.
            found.update(outputs if isinstance(outputs, dict) else {text: text for text in outputs})
        return found

    def jobs(self, cycle: str = "*", name: str = "*") -> Iterator[JobRow]:
        """Yield jobs by cycle, name and submit number; patterns as for `tasks`."""
        if self.is_private:
            sql = f"SELECT {JOB_COLUMNS} FROM jobs WHERE cycle GLOB ? AND name GLOB ? ORDER BY 1, 2, 3"
            yield from map(job_row, self._rows(sql, cycle, name))
            return
        sql = "SELECT * FROM task_jobs WHERE cycle GLOB ? AND name GLOB ? ORDER BY 1, 2, 3"
        for row in self._rows(sql, cycle, name):
            times = [parse_time(text) for text in (*row[6:8], *row[9:11])]
            yield job_row((*row[:6], *times[:2], row[8], *times[2:], *row[11:]))

    def task_events(self, cycle: str = "*", name: str = "*") -> Iterator[TaskEventRow]:
        """Yield what befell tasks, in order; patterns as for `tasks`."""
        number = "submit_number" if self.is_private else "submit_num"
        sql = (
            f"SELECT name, cycle, time, {number}, event, message FROM task_events "
            "WHERE cycle GLOB ? AND name GLOB ? ORDER BY rowid"
        )
        for row in self._rows(sql, cycle, name):
            moment = row[2] if self.is_private else parse_time(row[2]) or 0.0
            yield TaskEventRow._make((*row[:2], moment, *row[3:]))

    def parameters(self) -> dict[str, str | None]:
        """Return the run's parameters: its UUID, cycle point limits, restart count and so on."""
        table = "parameters" if self.is_private else "workflow_params"
        return dict(self._rows(f"SELECT key, value FROM {table}"))

    def template_variables(self) -> dict[str, str]:
        """Return the template variables the run was started with, as Python literals."""
        return dict(self._rows("SELECT key, value FROM workflow_template_vars"))

    def saved(self) -> SavedRun:
        """Return what a restart would begin from, out of the private database."""
        everything = list(self.tasks())
        loaded = [table for table in TABLES.values() if table.loaded]
        return SavedRun(
            pool=[row for row in everything if row.in_pool],
            jobs=list(self.jobs()),
            parameters=self.parameters(),
            tables={table.name: list(self._rows(table.select)) for table in loaded},
            next_identity=max((row.identity for row in everything), default=0) + 1,
        )

    def journal(self, *, after: int = 0) -> Iterator[tuple[int, float, bytes]]:
        """Yield (number, time, JSON of the event) of the journal's entries numbered above `after`."""
        if self.is_private:
            sql = "SELECT seq, time, event FROM journal WHERE seq > ? ORDER BY seq"
            yield from self._rows(sql, after)

    def receipts(self, limit: int) -> list[tuple[Any, ...]]:
        """Return the rows of the latest commands, oldest first; the public copy has none."""
        # Runs begun before there were receipts have no such table.
        has_table = "SELECT 1 FROM sqlite_master WHERE name = 'receipts'"
        if not self.is_private or not list(self._rows(has_table)):
            return []
        return list(self._rows(LATEST_RECEIPTS, limit))[::-1]

    def _rows(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(sql, values)
        except sqlite3.Error as error:
            raise describe(error, str(self.path), doing="read the run's record") from error


def _open(directory: Path) -> tuple[sqlite3.Connection, Path]:
    failure: sqlite3.Error | None = None
    for path in (directory / PRIVATE_PATH, directory / PUBLIC_PATH):
        if not path.exists():
            continue
        for uri in _uris(path):
            connection = sqlite3.connect(uri, uri=True, timeout=0.0 if path.parent.name == ".service" else 5.0)
            try:
                empty = _is_unusable(connection, path)
            except sqlite3.Error as error:
                connection.close()
                failure = error
                if is_busy(error):  # a scheduler has it: its public copy tells
                    break
                continue
            except RecordError as error:
                connection.close()
                if error.reason != "foreign":
                    raise
                break
            if empty:
                connection.close()
                break
            return connection, path
    if failure is not None:
        raise describe(failure, str(directory), doing="read the run's record") from failure
    raise RecordError(
        f"{directory}: there is no record of a run here ({PRIVATE_PATH}, {PUBLIC_PATH}); check the "
        "workflow's name, "
        "or whether it was ever started",
        reason="missing",
    )


def _uris(path: Path) -> Iterator[str]:
    uri = path.resolve().as_uri()
    yield f"{uri}?mode=ro"
    # Where nothing may be created beside the file, SQLite reads it only if told that nobody else writes.
    wal = Path(f"{path}-wal")
    if not wal.exists() or wal.stat().st_size == 0:
        yield f"{uri}?mode=ro&immutable=1"


def _is_unusable(connection: sqlite3.Connection, path: Path) -> bool:
    if path.parent.name == ".service":
        return check_header(connection, path)
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'task_states'").fetchone()
    return found is None
