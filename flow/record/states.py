"""States and outputs of tasks as the public copy of a run's record tells, ``log/db``: ours or Cylc 8's.

Jobs look here for tasks of other workflows, again and again, so it imports nothing but sqlite3. The file is opened
for each look, since a scheduler may replace it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from .exceptions import describe, is_busy

DATABASE = "log/db"
BUSY_SECONDS = 5.0

_STATES = """
SELECT s.cycle, s.name, s.flow_nums, s.status, coalesce(o.outputs, '{}')
FROM task_states s LEFT JOIN task_outputs o USING (cycle, name, flow_nums)
WHERE s.cycle GLOB ? AND s.name GLOB ?
ORDER BY s.rowid
"""


class TaskState(NamedTuple):
    """What is known of one task instance."""

    cycle: str
    task: str
    flows: tuple[int, ...]
    """Ascending; none for a task that flows nowhere."""
    status: str
    outputs: dict[str, str]
    """The completed ones: label to message."""


def read_states(
    run_directory: str | os.PathLike[str], cycle: str = "*", task: str = "*", *, flow: int | None = None
) -> list[TaskState]:
    """The task instances recorded now, oldest first; none while there is no record.

    Args:
        run_directory: of the run; it need not be there yet.
        cycle: a cycle point as the run writes it; ``*`` stands for any letters.
        task: likewise.
        flow: only those in this flow.

    Raises:
        RecordError: the record cannot be read.
    """
    found = []
    for point, name, flow_text, status, outputs in _rows(run_directory, _STATES, _only_stars(cycle), _only_stars(task)):
        flows = tuple(sorted(json.loads(flow_text))) if flow_text else ()
        if flow is None or flow in flows:
            found.append(TaskState(point, name, flows, status, _outputs(outputs)))
    return found


def read_point(run_directory: str | os.PathLike[str], cycle: str, *, offset: str | None = None) -> str:
    """A cycle point in the run's own form, moved by an interval.

    Calendars are not recorded: intervals with months or years are counted in the Gregorian one.

    Args:
        cycle: a cycle point in any form, which is returned as it is if it cannot be told from the record.
        offset: an ISO 8601 duration, or ``P2`` in integer cycling; negative ones go back.

    Raises:
        PointError, IntervalError: they are not valid for the run's cycling.
        RecordError: the record cannot be read.
    """
    if offset is None and _rows(run_directory, "SELECT 1 FROM task_states WHERE cycle = ? LIMIT 1", cycle):
        return cycle
    parameters: dict[str, str | None] = dict(_rows(run_directory, "SELECT key, value FROM workflow_params"))
    initial = parameters.get("icp") or ""
    if not initial:
        return cycle
    # Loaded only here: most points come as the run writes them.
    from ..cycling.factory import make_cycling

    point_format = parameters.get("cycle_point_format") or None
    if point_format is None and "T" not in initial:
        cycling = make_cycling("integer")
    else:
        zone = parameters.get("cycle_point_tz") or _zone(initial)
        cycling = make_cycling("gregorian", point_format=point_format, time_zone=zone)
    point = cycling.parse(cycle)
    if offset is not None:
        point = cycling.add(point, cycling.interval(offset))
    return cycling.format(point)


def _zone(point: str) -> str:
    """The time zone a point is written in; UTC where it does not say."""
    time = point.partition("T")[2]
    for sign in "+-":
        if sign in time:
            return sign + time.partition(sign)[2]
    return "Z"


def _rows(run_directory: str | os.PathLike[str], sql: str, *values: str) -> list[Any]:
    path = Path(run_directory) / DATABASE
    if not path.exists():
        return []
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
            return connection.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        # Just made and not filled yet, or being written for longer than we wait: as good as not there.
        if is_busy(error) or "no such table" in str(error):
            return []
        raise describe(error, str(path), doing="read the states of its tasks") from error


def _only_stars(pattern: str) -> str:
    """A pattern in which only ``*`` is special, for SQLite's GLOB."""
    return "".join(f"[{letter}]" if letter in "?[" else letter for letter in pattern)


def _outputs(text: str) -> dict[str, str]:
    # Runs made before Cylc 8.3 list messages only.
    found = json.loads(text)
    return found if isinstance(found, dict) else {message: message for message in found}
