"""Printing and following logs with the real program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PROGRAM = Path(sys.executable).parent / "tidemill"


@pytest.fixture
def log(home: Path) -> Path:
    """The log directory of a run with two scheduler logs and two jobs of a task."""
    directory = home / "cylc-run" / "wf" / "run1" / "log"
    for name in ("scheduler", "config", "install", "job/1/foo/01", "job/1/foo/02"):
        (directory / name).mkdir(parents=True)
    (directory.parent / "flow.cylc").touch()
    (directory.parent.parent / "runN").symlink_to("run1")
    (directory / "scheduler" / "01-start-01.log").write_text("start\n")
    (directory / "scheduler" / "02-restart-02.log").write_text("restart\n")
    (directory / "scheduler" / "log").symlink_to("02-restart-02.log")
    (directory / "config" / "flow-processed.cylc").write_text("processed\n")
    (directory / "config" / "01-start-01.cylc").write_text("raw\n")
    (directory / "install" / "01-install.log").write_text("installed\n")
    for number in ("01", "02"):
        job = directory / "job" / "1" / "foo" / number
        for name in ("job", "job.out", "job.err", "job.status"):
            (job / name).write_text(f"{name} of {number}\n")
    return directory


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["wf"], "restart\n"),
        (["wf", "-r", "1"], "start\n"),
        (["wf", "-f", "scheduler/01-start-01.log"], "start\n"),
        (["wf", "-f", "p"], "processed\n"),
        (["wf", "-f", "c"], "raw\n"),
        (["wf", "-f", "i"], "installed\n"),
        (["wf//1/foo"], "job.out of 02\n"),
        (["wf", "//1/foo", "-f", "e"], "job.err of 02\n"),
        (["wf//1/foo", "-f", "job.status", "-s", "1"], "job.status of 01\n"),
        (["wf//1/foo/01", "-f", "j"], "job of 01\n"),
        (["wf//1/foo", "-m", "l"], "job\njob.err\njob.out\njob.status\n"),
    ],
)
def test_logs_are_found_by_letter_name_and_number(tidemill: Run, log: Path, arguments: list[str], text: str) -> None:
    """Every log is printed by its letter or name; of a task the latest job's unless another is named."""
    answer = tidemill("cat-log", *arguments)
    assert answer.stdout == text, answer.stderr


def test_places_are_printed_for_scripts(tidemill: Run, log: Path) -> None:
    """-m p prints the path, -m d the directory, and --json both with the text."""
    job = log / "job" / "1" / "foo" / "02"
    assert tidemill("cat-log", "wf//1/foo", "-m", "p").stdout == f"{job / 'job.out'}\n"
    assert tidemill("cat-log", "wf//1/foo", "-m", "d").stdout == f"{job}\n"
    assert json.loads(tidemill("cat-log", "wf//1/foo", "--json").stdout) == {
        "path": str(job / "job.out"),
        "text": "job.out of 02\n",
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "workflow not found: nope"),
        (["wf//2/foo"], "2 is not in"),
        (["wf//1/bar"], "there is foo"),
        (["wf//1/foo", "-s", "3"], "there is 01, 02"),
        (["wf//1/foo", "-f", "odd"], "there is: job, job.err"),
        (["wf//1"], "a task is needed"),
        (["wf", "-r", "2"], "holds 2 logs"),
        (["wf", "-f", "../flow.cylc"], "lies outside"),
        (["wf", "-f", "/etc/passwd"], "lies outside"),
        (["wf//*/foo"], "one task at a time"),
    ],
)
def test_a_log_that_is_not_there_is_answered_with_what_is(
    tidemill: Run, log: Path, arguments: list[str], words: str
) -> None:
    """Errors say what there is instead, and no file outside the logs is printed."""
    answer = tidemill("cat-log", *arguments)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_followed_log_shows_what_is_added_and_goes_on_to_the_next(log: Path) -> None:
    """New lines appear as they are written, also after the scheduler has begun its next log file."""
    with subprocess.Popen([PROGRAM, "cat-log", "wf", "-m", "t"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"restart\n"
        with (log / "scheduler" / "02-restart-02.log").open("a") as file:
            file.write("more\n")
        assert process.stdout.readline() == b"more\n"
        (log / "scheduler" / "03-restart-02.log").write_text("next\n")
        (log / "scheduler" / "new").symlink_to("03-restart-02.log")
        os.replace(log / "scheduler" / "new", log / "scheduler" / "log")
        assert process.stdout.readline() == b"next\n"
        # Nobody reads any more, and nothing is written: it ends all the same.
        process.stdout.close()
        assert process.wait(10) == 141
