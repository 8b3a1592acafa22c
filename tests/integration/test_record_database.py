"""The record of a run, with real SQLite files, real locks and real full disks."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidemill.flow.record.exceptions import RecordError
from tidemill.flow.record.reader import RunReader
from tidemill.flow.record.record import Record
from tidemill.flow.record.rows import Batch, JobRow, TaskEventRow, TaskRow

T = 1_795_000_000.0  # 2026-11-18T12:26:40Z


def task(identity: int, status: str = "waiting", **changes: object) -> TaskRow:
    row = TaskRow(
        identity=identity,
        cycle=str(1 + identity // 10),
        name=f"task_{identity % 10}",
        flow_numbers="[1]",
        status=status,
        submit_number=1,
        try_number=1,
        is_held=False,
        is_manual_submit=False,
        flow_wait=False,
        in_pool=True,
        outputs="{}",
        forced_prerequisites="[]",
        timers="{}",
        time_created=T,
        time_updated=T,
    )
    return row._replace(**changes)  # type: ignore[arg-type]


class Run:
    """A run directory with its record and what the record said."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.said: list[str] = []
        self.records: list[Record] = []

    def record(self, **options: object) -> Record:
        record = Record(
            self.directory,
            log=lambda level, text: self.said.append(f"{level} {text}"),
            **options,  # type: ignore[arg-type]
        )
        record.open()
        self.records.append(record)
        return record

    def public(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(f"file:{self.directory}/log/db?mode=ro", uri=True)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    for record in run.records:
        record.close()


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


async def test_restart_finds_what_was_committed(run: Run) -> None:
    """A reopened record gives back the pool, its jobs, the parameters and the tables, and keeps history
    apart."""
    record = run.record()
    assert record.load() is None
    job = JobRow("1", "task_1", 1, "[1]", False, 1, time_submit=T, platform_name="localhost", job_id="42")
    await record.commit(
        Batch(
            tasks=[task(1), task(2)],
            jobs=[job, JobRow("1", "task_2", 1, "[1]", False, 1)],
            parameters={"uuid_str": "abc", "stop_task": None, "_secret": "x"},
            tables={"broadcast_states": [("*", "root", "script", "true"), ("1", "root", "script", "false")]},
        )
    )
    await record.commit(
        Batch(
            tasks=[task(1, "running", is_held=True), task(2, "succeeded", in_pool=False)],
            deletions={"broadcast_states": [("1",)]},
        )
    )
    record.close()

    record = run.record()
    saved = record.load()
    assert saved is not None
    assert saved.pool == [task(1, "running", is_held=True)]
    assert saved.pool[0].is_held is True
    assert saved.jobs == [job]
    assert saved.parameters == {"uuid_str": "abc", "stop_task": None, "_secret": "x"}
    assert saved.tables["broadcast_states"] == [("*", "root", "script", "true")]
    assert saved.next_identity == 3
    assert record.history("1") == [task(2, "succeeded", in_pool=False)]
    assert await record.read_history("2") == []
    assert run.said == []


async def test_public_copy_is_what_cylc_documents(run: Run) -> None:
    """The public copy shows states, outputs, jobs, events and parameters with Cylc's names, soon after a
    commit."""
    record = run.record()
    outputs = json.dumps({"submitted": "submitted", "x": "the x is here"})
    await record.commit(
        Batch(
            tasks=[task(1, "running", outputs=outputs), task(2)],
            jobs=[JobRow("1", "task_1", 1, "[1]", True, 1, time_submit=T, submit_status=0)],
            task_events=[TaskEventRow("task_1", "1", T, 1, "started", "")],
            parameters={"cylc_version": "8.5", "_hidden": "1"},
            tables={"broadcast_events": [("t", "+", "*", "root", "script", "true")]},
        )
    )
    path = run.directory / "log/db"
    await until(lambda: path.exists() and len(run.public("SELECT * FROM task_states")) == 2)
    stamp = "2026-11-18T11:06:40Z"
    assert run.public("SELECT * FROM task_states WHERE status = 'running'") == [
        ("task_1", "1", "[1]", stamp, stamp, 1, "running", 0, 0)
    ]
    assert run.public("SELECT outputs FROM task_outputs WHERE name = 'task_1'") == [(outputs,)]
    assert run.public("SELECT * FROM task_pool ORDER BY name")[1] == ("1", "task_2", "[1]", "waiting", 0)
    assert run.public("SELECT time_submit, is_manual_submit FROM task_jobs") == [(stamp, 1)]
    assert run.public("SELECT * FROM task_events") == [("task_1", "1", stamp, 1, "started", "")]
    assert run.public("SELECT * FROM workflow_params") == [("cylc_version", "8.5")]
    assert run.public("PRAGMA journal_mode") == [("delete",)]

    await record.commit(Batch(tasks=[task(1, "succeeded", flow_numbers="[1, 2]", in_pool=False)]))
    record.close()
    rows = run.public("SELECT flow_nums, status FROM task_states WHERE name = 'task_1'")
    assert rows == [("[1, 2]", "succeeded")]
    assert run.public("SELECT count(*) FROM task_outputs WHERE name = 'task_1'") == [(1,)]
    assert run.public("SELECT name FROM task_pool") == [("task_2",)]


async def test_waiting_batches_share_a_transaction(run: Run) -> None:
    """Commits that wait together are all confirmed, in order, the last state winning."""
    record = run.record()
    await asyncio.gather(*(record.commit(Batch(tasks=[task(1, f"status {n}")])) for n in range(200)))
    saved = record.load()
    assert saved is not None
    assert saved.pool == [task(1, "status 199")]


async def test_one_invalid_batch_fails_alone(run: Run) -> None:
    """A value SQLite cannot store fails its own batch, wholly, and none of those it shared a transaction
    with."""
    record = run.record()
    bad = Batch(tasks=[task(1), task(2, timers=object())])
    results = await asyncio.gather(
        record.commit(Batch(tasks=[task(3)])),
        record.commit(bad),
        record.commit(Batch(tasks=[task(4)])),
        return_exceptions=True,
    )
    assert results[0] is None
    assert results[2] is None
    assert isinstance(results[1], RecordError)
    assert results[1].reason == "invalid"
    assert not results[1].kept
    with pytest.raises(RecordError, match="no table 'nonsense'"):
        await record.commit(Batch(tables={"nonsense": [()]}))
    saved = record.load()
    assert saved is not None
    assert [row.identity for row in saved.pool] == [3, 4]


async def test_full_disk_keeps_the_batch(run: Run) -> None:
    """When the disk takes no more, commit fails, nothing is half-written, and retry writes what was kept."""
    record = run.record()
    await record.commit(Batch(tasks=[task(1)]))
    await until((run.directory / "log/db").exists)
    used = (run.directory / ".service/db-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (used + 20_000, hard))
    try:
        with pytest.raises(RecordError) as caught:
            await record.commit(Batch(tasks=[task(n, "x" * 500) for n in range(1, 400)]))
        assert caught.value.kept
        assert caught.value.reason in ("full", "input-output")
        assert record.kept == 1
        saved = record.load()
        assert saved is not None
        assert saved.pool == [task(1)]
        with pytest.raises(RecordError):
            await record.retry()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await record.commit(Batch(tasks=[task(1, "last")]))
    assert record.kept == 0
    saved = record.load()
    assert saved is not None
    assert len(saved.pool) == 399
    assert saved.pool[0] == task(1, "last")
    record.close()
    assert run.public("SELECT count(*) FROM task_states") == [(399,)]


async def test_close_says_what_is_lost(run: Run) -> None:
    """Closing while the disk still refuses says that changes are lost, and what was confirmed stays."""
    record = run.record(survive_power_cut=True)
    await record.commit(Batch(tasks=[task(1)]))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((run.directory / ".service/db-wal").stat().st_size, hard))
    try:
        with pytest.raises(RecordError):
            await record.commit(Batch(tasks=[task(2)]))
        with pytest.raises(RecordError, match="changes of the last 1 failed commits are lost"):
            record.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    saved = run.record().load()
    assert saved is not None
    assert saved.pool == [task(1)]


LOCKER = """
import fcntl, sys
handle = open(sys.argv[1])
fcntl.lockf(handle, fcntl.LOCK_SH)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def locked(run: Run) -> Iterator[Callable[[], None]]:
    processes: list[subprocess.Popen[str]] = []

    def lock() -> None:
        command = [sys.executable, "-c", LOCKER, str(run.directory / "log/db")]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"

    yield lock
    for process in processes:
        process.communicate()


async def test_locked_public_copy_is_replaced(run: Run, locked: Callable[[], None]) -> None:
    """A public copy that another process keeps locked delays no commit and is replaced within seconds."""
    record = run.record()
    await record.commit(Batch(tasks=[task(1)], parameters={"icp": "1"}))
    await until(
        lambda: len(run.public("SELECT * FROM task_states")) == 1 if (run.directory / "log/db").exists() else False
    )
    locked()
    begun = time.monotonic()
    for n in range(2, 50):
        row = TaskEventRow("task", "1", T, 1, "started", "")
        await record.commit(Batch(tasks=[task(n)], task_events=[row]))
    assert time.monotonic() - begun < 2.0
    await until(lambda: any("WARNING log/db: recovered from lock" in text for text in run.said), seconds=15)
    await until(lambda: len(run.public("SELECT * FROM task_states")) == 49)
    assert run.public("SELECT count(*) FROM task_events") == [(48,)]
    assert run.public("SELECT value FROM workflow_params") == [("1",)]
    assert time.monotonic() - begun < 10


async def test_close_completes_a_locked_copy(run: Run, locked: Callable[[], None]) -> None:
    """Closing while the public copy is locked replaces it, so that it is complete afterwards."""
    record = run.record()
    await record.commit(Batch(tasks=[task(1)]))
    await until((run.directory / "log/db").exists)
    locked()
    await record.commit(Batch(tasks=[task(2)]))
    record.close()
    assert run.public("SELECT count(*) FROM task_states") == [(2,)]


@pytest.mark.parametrize("damage", ["removed", "garbage", "removed while running"])
async def test_damaged_public_copy_is_rebuilt(run: Run, damage: str) -> None:
    """A public copy that is gone or is no database is made again from the private one, whole."""
    record = run.record()
    jobs = [JobRow(str(n), "a", 1, "[1]", False, 1, time_run=T) for n in range(700)]
    events = [TaskEventRow("a", str(n), T, 1, "started", "") for n in range(700)]
    await record.commit(
        Batch(
            tasks=[task(n, in_pool=n > 900) for n in range(1000)],
            jobs=jobs,
            task_events=events,
            tables={"inheritance": [(f"n{n}", "[]") for n in range(700)], "workflow_flows": [(1, "t", "d")]},
            parameters={"icp": "1"},
        )
    )
    path = run.directory / "log/db"
    if damage == "removed while running":
        await until(path.exists)
    else:
        record.close()
    tables = (
        "task_states",
        "task_outputs",
        "task_pool",
        "task_jobs",
        "task_events",
        "inheritance",
        "workflow_flows",
    )
    path.unlink()
    if damage == "garbage":
        path.write_text("this is no database\n" * 1000)
    if damage != "removed while running":
        record = run.record()
    await record.commit(Batch(parameters={"fcp": "2"}))
    await until(lambda: any("recovered from" in text for text in run.said))
    counts = [run.public(f"SELECT count(*) FROM {table}")[0][0] for table in tables]
    assert counts == [1000, 1000, 99, 700, 700, 700, 1]
    record.close()
    assert run.public("SELECT * FROM workflow_params ORDER BY key") == [("fcp", "2"), ("icp", "1")]


async def test_clean_restart_keeps_the_public_copy(run: Run) -> None:
    """After a clean close the public copy is taken up as it is, and its events go on being numbered."""
    event = TaskEventRow("a", "1", T, 1, "started", "")
    for _ in range(3):
        record = run.record()
        await record.commit(Batch(tasks=[task(1)], task_events=[event]))
        record.close()
    assert run.said == []
    assert run.public("SELECT count(*) FROM task_events") == [(3,)]


def test_unusable_run_directory_is_named(tmp_path: Path) -> None:
    """A record that cannot be made says which file and that it may not be written."""
    (tmp_path / "run").write_text("a file is in the way")
    with pytest.raises(RecordError, match=r"run/\.service/db: cannot be opened for writing") as caught:
        Record(tmp_path / "run", log=print).open()
    assert caught.value.reason == "read-only"


def test_second_scheduler_is_refused(run: Run) -> None:
    """Another process cannot open the record of a run whose scheduler lives."""
    run.record()
    code = (
        "import sys; from tidemill.flow.record.record import Record; from tidemill.flow.record import "
        "private\n"
        "private.OPEN_TIMEOUT_SECONDS = 0.1\n"
        "try: Record(sys.argv[1], log=print).open()\n"
        "except Exception as error: print(type(error).__name__, error.reason)"
    )
    command = [sys.executable, "-c", code, str(run.directory)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "RecordError in use\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"garbage" * 1000, "corrupt"), ("CREATE TABLE workflow_params(key, value)", "foreign"), (99, "newer")],
)
def test_unusable_private_database_is_named(run: Run, content: bytes | str | int, reason: str) -> None:
    """A damaged, foreign or newer private database is refused with the file's name and what to do."""
    path = run.directory / ".service/db"
    path.parent.mkdir()
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        if isinstance(content, int):
            run.record().close()
        connection = sqlite3.connect(path)
        connection.execute(content if isinstance(content, str) else f"PRAGMA user_version = {content}")
        connection.close()
    with pytest.raises(RecordError, match=r"\.service/db: .*;|\.service/db: .*: ") as caught:
        run.record()
    assert caught.value.reason == reason


def test_journal_is_bounded(run: Run) -> None:
    """The journal keeps the newest entries, as many as it is told, and numbers them for good."""
    record = run.record(journal_limit=100)
    for start in range(0, 5000, 500):
        record.commit_now(Batch(journal=[(T + n, b"%d" % n) for n in range(start, start + 500)]))
    deadline = time.monotonic() + 10
    while record._call(lambda: record._private.prune_journal(limit=100, older_than=None)):
        assert time.monotonic() < deadline
    record.close()
    with RunReader(run.directory) as reader:
        entries = list(reader.journal())
    assert [entry[2] for entry in entries] == [b"%d" % n for n in range(4900, 5000)]
    assert entries[0][0] == 4901


def test_old_journal_entries_go(run: Run) -> None:
    """Entries of the journal older than the age it is given are dropped when the record is idle."""
    record = run.record(journal_max_age_seconds=3600.0)
    now = time.time()
    record.commit_now(Batch(journal=[(now - 9999, b"old")] * 2000))
    record.commit_now(Batch(journal=[(now, b"new")] * 10))
    deadline = time.monotonic() + 10
    while record._private._journal_first == 1:
        assert time.monotonic() < deadline
        os.sched_yield()
    record.close()
    with RunReader(run.directory) as reader:
        assert {entry[2] for entry in reader.journal()} == {b"new"}


@pytest.mark.parametrize("running", [False, True])
def test_reader_reads_stopped_and_running_runs(run: Run, running: bool) -> None:
    """The reader lists tasks, outputs, jobs, events and parameters, from the public copy while the run
    is alive."""
    record = run.record()
    job = JobRow("1", "task_1", 1, "[1]", False, 1, time_submit=T, run_status=0, job_id="7")
    event = TaskEventRow("task_1", "1", T, 1, "started", "")
    rows = [task(1, "running", outputs='{"x": "the x"}'), task(12, "succeeded", in_pool=False)]
    record.commit_now(Batch(tasks=rows, jobs=[job], task_events=[event], parameters={"icp": "1"}))
    record.close()
    if running:
        record = run.record()
        with RunReader(run.directory) as reader:
            assert not reader.is_private
            assert [row.status for row in reader.tasks("1")] == ["running"]
            assert list(reader.jobs()) == [job]
        return
    with RunReader(run.directory) as reader:
        assert reader.is_private
        assert list(reader.tasks()) == rows
        assert list(reader.tasks("2", "task_*")) == rows[1:]
        assert reader.outputs("1", "task_1") == {"x": "the x"}
        assert list(reader.jobs()) == [job]
        assert list(reader.task_events("1")) == [event]
        assert reader.parameters() == {"icp": "1"}
    (run.directory / ".service/db").unlink()
    with RunReader(run.directory) as reader:
        assert not reader.is_private
        public = [row._replace(try_number=1) for row in reader.tasks()]
        assert public == rows
        assert list(reader.jobs()) == [job]
        assert list(reader.task_events()) == [event]


def test_reader_says_when_there_is_nothing(tmp_path: Path) -> None:
    """Reading where no run ever was names the folder."""
    with pytest.raises(RecordError, match="there is no record of a run here"):
        RunReader(tmp_path)


async def test_closed_record_refuses(run: Run) -> None:
    """A closed record takes no more batches, and closing twice is harmless."""
    record = run.record()
    record.close()
    record.close()
    with pytest.raises(RecordError, match="closed"):
        await record.commit(Batch())
