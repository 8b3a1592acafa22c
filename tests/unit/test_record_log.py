"""The scheduler's log, its reference logs, and times as text."""

from __future__ import annotations

import io
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.flow.record.clock import TimeText, parse_time
from tidemill.flow.record.exceptions import RecordError
from tidemill.flow.record.log import LogRecord, SchedulerLog, write_configuration
from tidemill.flow.record.reference import compare_reference

T = 1_795_313_838.7  # 2026-11-22T02:17:18Z


@pytest.fixture
def timezone() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "IST-5:30"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_lines_are_written_as_cylc_writes_them(tmp_path: Path) -> None:
    """Each record is one line of time, level and text; further lines are indented; `log` leads to the
    file."""
    log = SchedulerLog(tmp_path)
    log.add("INFO", "[1/foo/01:running] => succeeded", T)
    log.add("DEBUG", "not shown", T)
    log.add("WARNING", "one\ntwo\nthree", T + 1)
    log.flush(wait=True)
    expected = (
        "2026-11-22T02:17:18Z INFO - [1/foo/01:running] => succeeded\n"
        "2026-11-22T02:17:19Z WARNING - one\n    two\n    three\n"
    )
    link = tmp_path / "log/scheduler/log"
    assert link.read_text() == expected
    assert os.readlink(link) == "01-start-01.log"
    log.close()


def test_files_are_numbered_by_what_began_them(tmp_path: Path) -> None:
    """Each start, reload and restart begins the next file, named for itself and the number of the run."""
    log = SchedulerLog(tmp_path)
    log.add("INFO", "before", T)
    log.begin("reload")
    log.add("INFO", "after", T)
    log.close()
    SchedulerLog(tmp_path, kind="restart", run_number=2).close()
    folder = tmp_path / "log/scheduler"
    assert sorted(os.listdir(folder)) == ["01-start-01.log", "02-reload-01.log", "03-restart-02.log", "log"]
    assert "before" in (folder / "01-start-01.log").read_text()
    assert "after" in (folder / "02-reload-01.log").read_text()
    assert os.readlink(folder / "log") == "03-restart-02.log"


def test_large_files_roll_over(tmp_path: Path) -> None:
    """A file that reaches its size is followed by the next, which repeats the header; the oldest are
    removed."""
    log = SchedulerLog(tmp_path, maximum_bytes=1000, files_kept=3)
    log.header([LogRecord("INFO", "Workflow: w", T)])
    for n in range(100):
        log.add("INFO", f"line {n} {'x' * 50}", T)
        log.flush()
    log.close()
    folder = tmp_path / "log/scheduler"
    files = sorted(name for name in os.listdir(folder) if name != "log")
    assert len(files) == 3
    assert files[-1] == os.readlink(folder / "log")
    assert int(files[-1][:2]) > 5
    text = "".join((folder / name).read_text() for name in files)
    assert text.count("Workflow: w") == 3
    assert "line 99" in text
    assert all((folder / name).stat().st_size < 1100 for name in files)


@pytest.mark.parametrize("stamped", [False, True])
def test_terminal_shows_times_when_asked(tmp_path: Path, stamped: bool) -> None:
    """The terminal gets the same lines, with or without their time."""
    terminal = io.StringIO()
    log = SchedulerLog(tmp_path, terminal=terminal, terminal_timestamps=stamped)
    log.add("ERROR", "no", T)
    log.close()
    assert terminal.getvalue() == ("2026-11-22T02:17:18Z " if stamped else "") + "ERROR - no\n"


def test_reference_log_holds_texts_only(tmp_path: Path) -> None:
    """A reference log holds the texts of what triggered what and of the cycle points, at any level."""
    reference = tmp_path / "reftest.log"
    log = SchedulerLog(tmp_path, reference=reference)
    for text in ("Run mode: live", "Initial point: 1", "Final point: 2", "Start task: 1/a", "Start point: 1"):
        log.add("INFO", text, T)
    log.add("DEBUG", "1/a -triggered off [] in flow 1", T)
    log.close()
    assert reference.read_text() == (
        "Initial point: 1\nFinal point: 2\nStart task: 1/a\nStart point: 1\n1/a -triggered off [] in flow 1\n"
    )


def test_full_disk_loses_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Records that could not be written are written once the disk takes them again, each once."""
    log = SchedulerLog(tmp_path)
    log.add("INFO", "first", T)
    log.flush(wait=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, hard))
    try:
        log.add("INFO", "second " + "x" * 100, T)
        log.flush(wait=True)
        log.add("INFO", "third " + "x" * 100, T)
        log.flush(wait=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.add("INFO", "fourth", T)
    log.close()
    lines = log.path.read_text().splitlines()
    assert [line.split()[3] for line in lines] == ["first", "second", "third", "fourth"]
    assert capsys.readouterr().err.count("the log cannot be written") == 1


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    """A log that cannot be begun says which path failed."""
    (tmp_path / "log").write_text("in the way")
    with pytest.raises(RecordError, match=r"log.*cannot be written"):
        SchedulerLog(tmp_path)


def test_configuration_is_kept(tmp_path: Path) -> None:
    """The configuration of each start and reload is kept under the next number."""
    first = write_configuration(tmp_path, "[a]", kind="start", run_number=1, processed="{}")
    second = write_configuration(tmp_path, "[b]", kind="reload", run_number=1)
    assert (first.name, second.name) == ("01-start-01.cylc", "02-reload-01.cylc")
    assert (tmp_path / "log/config/flow-processed.cylc").read_text() == "{}"


def test_comparison_ignores_order_but_counts() -> None:
    """Runs are equal when the same tasks triggered off the same, as often, in whatever order."""
    reference = "Initial point: 1\n1/b -triggered off ['1/a']\n1/a -triggered off []\n1/a -triggered off []\n"
    run = "1/a -triggered off [] in flow 1\n1/a -triggered off [] in flow 2\n1/b -triggered off ['1/a'] in flow 1\n"
    assert compare_reference(reference, run).is_equal
    once = compare_reference(reference, run.replace("1/a -triggered off [] in flow 2\n", ""))
    assert not once.is_equal
    assert once.missing == ("1/a -triggered off []",)
    assert "missing: 1/a -triggered off []" in str(once)


def test_comparison_heeds_flows_where_the_reference_names_them() -> None:
    """Flows count when the reference's first line in sorted order names one."""
    reference = "1/a -triggered off [] in flow 1\n"
    result = compare_reference(reference, "1/a -triggered off [] in flow 2\n")
    assert result.missing == ("1/a -triggered off [] in flow 1",)
    assert result.unexpected == ("1/a -triggered off [] in flow 2",)


def test_empty_reference_proves_nothing() -> None:
    """A reference without triggering never matches."""
    assert not compare_reference("Initial point: 1\n", "").is_equal


@given(st.lists(st.sampled_from(["1/a", "1/b", "2/a"])), st.randoms())
def test_shuffled_run_is_equal(tasks: list[str], random: object) -> None:
    """Any order of the same triggering compares equal, and one more line does not."""
    lines = [f"{task} -triggered off [] in flow 1" for task in tasks] or ["x -triggered off [] in flow 1"]
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert compare_reference("\n".join(lines), "\n".join(shuffled)).is_equal
    assert not compare_reference("\n".join(lines), "\n".join([*shuffled, lines[0]])).is_equal


@given(st.integers(0, 4_000_000_000))
def test_times_read_back(second: int) -> None:
    """A time written in UTC or in the local zone reads back as the same second."""
    assert parse_time(TimeText()(second + 0.5)) == second
    assert parse_time(TimeText(utc=False)(second)) == second


@pytest.mark.usefixtures("timezone")
def test_local_times_carry_their_offset() -> None:
    """Outside UTC mode times are local and say by how much."""
    text = TimeText(utc=False)(T)
    assert text == "2026-11-22T07:47:18+05:30"
    assert parse_time(text) == int(T)
