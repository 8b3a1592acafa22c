"""Logs of a running scheduler through its client: nothing is read from the run directory by whoever looks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "tidemill"
Run = Callable[..., "subprocess.CompletedProcess[str]"]

WORKFLOW = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    [[graph]]
        R1 = a
[runtime]
    [[a]]
        script = echo first; while [[ ! -e $CYLC_WORKFLOW_SHARE_DIR/go ]]; do sleep 0.05; done; echo last
"""


@pytest.fixture
def elsewhere(
    home: Path, tidemill: Run, tmp_path: Path, wait_until: Callable[..., None]
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A run with a job at work, and the program as on a machine that has nothing of the run but its keys."""
    source = home / "cylc-src" / "wf"
    source.mkdir(parents=True)
    (source / "flow.cylc").write_text(WORKFLOW)
    assert tidemill("install", "wf").returncode == 0
    started = tidemill("play", "wf")
    assert started.returncode == 0, started.stderr
    run = home / "cylc-run" / "wf" / "run1"
    output = run / "log" / "job" / "1" / "a" / "NN" / "job.out"
    wait_until(lambda: output.exists() and "first" in output.read_text(), "the job to begin", 30)
    away = tmp_path / "away" / "cylc-run" / "wf" / "run1"
    shutil.copytree(run / ".service", away / ".service", ignore=shutil.ignore_patterns("db*", "*.fifo"))
    processes = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "TIDEMILL_RUN_DIR": str(tmp_path / "away" / "cylc-run")}
        process = subprocess.Popen(
            [PROGRAM, "cat-log", "--remote", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    (run / "share" / "go").touch()
    tidemill("stop", "--kill", "wf", "--wait")
    for process in processes:
        process.kill()
        process.communicate()


def test_a_jobs_log_is_followed_through_the_scheduler(
    elsewhere: Callable[..., subprocess.Popen[str]], home: Path
) -> None:
    """What the job has written is there at once, what it writes comes as it is written, Ctrl-C ends it."""
    process = elsewhere("wf/run1//1/a", "-m", "t")
    assert process.stdout is not None
    lines = []
    while "first" not in lines:
        lines.append(process.stdout.readline().strip())
    assert "last" not in lines
    (home / "cylc-run" / "wf" / "run1" / "share" / "go").touch()
    while "last" not in lines:
        lines.append(process.stdout.readline().strip())
        assert lines[-1] or process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130


def test_logs_are_printed_and_listed_through_the_scheduler(
    elsewhere: Callable[..., subprocess.Popen[str]],
) -> None:
    """The scheduler's log, a job's files, JSON; what is not there, or lies outside, is an error in one line."""
    out, _ = elsewhere("wf/run1").communicate(timeout=20)
    assert "1/a/01" in out
    out, _ = elsewhere("wf/run1", "-f", "p").communicate(timeout=20)
    assert "[runtime]" in out
    out, _ = elsewhere("wf/run1//1/a", "-m", "l").communicate(timeout=20)
    assert {"job", "job.out", "job.status"} <= set(out.split())
    out, _ = elsewhere("wf/run1//1/a", "-f", "j", "--json").communicate(timeout=20)
    assert json.loads(out)["text"].startswith("#!")
    for wrong, words in (
        (["wf/run1//1/a", "-f", "nothing"], "nothing"),
        (["wf/run1//1/b"], "b"),
        (["wf/run1", "-f", "../.service/client.key_secret"], "not below the log directory"),
        (["wf/run1", "-r", "7"], "no rotation 7"),
    ):
        process = elsewhere(*wrong)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 1
        assert not out
        assert words in err
        assert "Traceback" not in err


def test_following_ends_with_the_scheduler(elsewhere: Callable[..., subprocess.Popen[str]], tidemill: Run) -> None:
    """When the scheduler stops, all it wrote has been printed and the command ends by itself; it delays no stop."""
    process = elsewhere("wf/run1", "-m", "t")
    assert process.stdout is not None
    assert process.stdout.readline()
    stopped = tidemill("stop", "--now", "--now", "wf")
    assert stopped.returncode == 0, stopped.stderr
    process.communicate(timeout=20)
    assert process.returncode == 0
