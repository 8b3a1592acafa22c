"""Waiting for what happens elsewhere: messages from outside, and tasks of another workflow, with real jobs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]
Wait = Callable[..., None]

EVENTS = """
[scheduling]
    cycling mode = integer
    final cycle point = 2
    [[special tasks]]
        external-trigger = fetch("new data")
    [[graph]]
        P1 = fetch => use
[runtime]
    [[fetch]]
        script = echo "file: $CYLC_EXT_TRIGGER_ID"
    [[use]]
        script = '''
            echo "file: $CYLC_EXT_TRIGGER_ID"
            if ((CYLC_TASK_CYCLE_POINT == 1)); then cylc ext-trigger "$CYLC_WORKFLOW_ID" 'new data' two; fi
        '''
"""

UPSTREAM = """
[scheduling]
    cycling mode = integer
    [[graph]]
        R1 = "make => check"
[runtime]
    [[make]]
        script = cylc message -- "the file is there"
        [[[outputs]]]
            file = the file is there
    [[check]]
"""

DOWNSTREAM = """
[scheduler]
    [[events]]
        stall timeout = PT0S
[scheduling]
    cycling mode = integer
    [[graph]]
        R1 = '''
            done<upstream::check> & file<upstream::make> => use
            bad<upstream::check:fail> => never
        '''
[runtime]
    [[root]]
        [[[workflow state polling]]]
            interval = PT1S
            max-polls = 1
    [[file]]
        [[[workflow state polling]]]
            message = the file is there
    [[done, bad, use, never]]
"""


def install(home: Path, name: str, text: str) -> Path:
    """Put a workflow where it runs."""
    run = home / "cylc-run" / name
    run.mkdir(parents=True)
    (run / "flow.cylc").write_text(text)
    return run


def output_of(run: Path, job: str) -> str:
    """What a job printed."""
    path = run / "log" / "job" / job / "job.out"
    return path.read_text() if path.exists() else ""


def test_messages_from_a_shell_and_from_a_job_let_tasks_go(home: Path, tidemill: Program, wait_until: Wait) -> None:
    """The ID of each event is in the environment of the jobs of its cycle, and the run ends when all were used."""
    run = install(home, "obs", EVENTS)
    assert tidemill("play", "obs").returncode == 0
    answer = tidemill("ext-trigger", "--json", "obs", "new data", "one")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)[0]["result"]["tasks"] == ["1/fetch"]
    wait_until(lambda: not (run / ".service" / "contact").exists(), "the run to end")
    assert [output_of(run, f"{job}/01").count("file: one") for job in ("1/fetch", "1/use")] == [1, 1]
    assert [output_of(run, f"{job}/01").count("file: two") for job in ("2/fetch", "2/use")] == [1, 1]


def test_an_event_for_a_workflow_that_does_not_run_is_tried_again(home: Path, tidemill: Program) -> None:
    """As often as was asked for; then the error says that it does not run."""
    install(home, "obs", EVENTS)
    answer = tidemill("ext-trigger", "--max-tries=2", "--retry-interval=0", "obs", "new data", "one")
    assert answer.returncode == 1
    assert answer.stderr.count("obs is not running") == 2
    assert "Trying again" in answer.stderr


def test_tasks_wait_for_another_workflow(home: Path, tidemill: Program) -> None:
    """A status or a message that is there lets them succeed; one that never comes makes them fail."""
    install(home, "upstream", UPSTREAM)
    assert tidemill("play", "--no-detach", "upstream").returncode == 0
    run = install(home, "downstream", DOWNSTREAM)
    assert tidemill("play", "--no-detach", "downstream").returncode == 1, "bad fails, so the run stalls"
    log = (run / "log" / "scheduler" / "log").read_text()
    for task in ("done", "file", "use"):
        assert f"[1/{task}/01:running] => succeeded" in log
    assert "[1/bad/01:running] => failed" in log
    assert "1/check:succeeded" in output_of(run, "1/done/01")


@pytest.mark.parametrize("status", ["x", "started"])
def test_a_status_and_a_message_contradict_each_other(home: Path, tidemill: Program, status: str) -> None:
    """Both at once are refused, with file and line."""
    text = DOWNSTREAM.replace("file<upstream::make>", f"file<upstream::make:{status}>")
    install(home, "downstream", text)
    answer = tidemill("validate", "downstream")
    assert answer.returncode == 1
    assert "flow.cylc:19" in answer.stderr
    assert "the file is there" in answer.stderr
