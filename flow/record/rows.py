"""The rows of the record, and the batch of changes that one turn of the scheduler hands over.

Rows are named tuples, so that thousands of them reach SQLite without being taken apart. Times are
seconds since the
epoch (UTC).
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct


class TaskRow(NamedTuple):
    """One task instance as it stands."""

    identity: int
    """The engine's own number of the instance: the key. Cycle and name of an identity never change."""
    cycle: str
    name: str
    flow_numbers: str
    """JSON list, sorted: ``[1, 2]``; ``[]`` for no flow."""
    status: str
    submit_number: int
    try_number: int
    is_held: bool
    is_manual_submit: bool
    flow_wait: bool
    in_pool: bool
    """False once it left the pool: history from then on."""
    outputs: str
    """JSON object of completed outputs, ``{label: message}``."""
    forced_prerequisites: str
    """JSON, the engine's own."""
    timers: str
    """JSON, the engine's own: retries, clocks."""
    time_created: float
    time_updated: float


class JobRow(NamedTuple):
    """One submission of one task; None where a thing is not known yet."""

    cycle: str
    name: str
    submit_number: int
    flow_numbers: str
    is_manual_submit: bool
    try_number: int
    time_submit: float | None = None
    time_submit_exit: float | None = None
    submit_status: int | None = None
    time_run: float | None = None
    time_run_exit: float | None = None
    run_signal: str | None = None
    run_status: int | None = None
    platform_name: str | None = None
    job_runner_name: str | None = None
    job_id: str | None = None


class TaskEventRow(NamedTuple):
    """Something that befell a task."""

    name: str
    cycle: str
    time: float
    submit_number: int
    event: str
    message: str


class Batch(Struct):
    """Everything one turn changed. Within a batch, deletions come before upserts."""

    tasks: list[TaskRow] = []
    jobs: list[JobRow] = []
    task_events: list[TaskEventRow] = []
    parameters: dict[str, str | None] = {}
    """Names that begin with ``_`` stay private: they are not shown in ``log/db``."""
    tables: dict[str, list[tuple[object, ...]]] = {}
    """Whole rows to upsert, by the names and columns in `tables.TABLES`."""
    deletions: dict[str, list[tuple[object, ...]]] = {}
    """Keys to delete. A key may be cut short: all rows that begin so go; ``()`` empties the table."""
    flows_left: list[tuple[str, int]] = []
    """Task instances taken out of flows: the flow numbers left (JSON), and the identity. Done after `tasks`."""
    caught_up: list[int] = []
    """Identities of task instances whose ``flow_wait`` is over. Done after `tasks`."""
    journal: list[tuple[float, bytes]] = []
    """Time and JSON of each event handled."""


class SavedRun(Struct, frozen=True):
    """What a restart begins from."""

    pool: list[TaskRow]
    """Task instances in the pool, by identity."""
    jobs: list[JobRow]
    """Every job of those instances."""
    parameters: dict[str, str | None]
    tables: dict[str, list[tuple[object, ...]]]
    next_identity: int
    """One above the largest identity ever recorded."""
