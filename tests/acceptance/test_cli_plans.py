"""Plans of commands, as real processes before real schedulers: told, and carried out unless the run has moved."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.flow.record.reader import RunReader

Program = Callable[..., subprocess.CompletedProcess[str]]
Wait = Callable[..., None]

WORKFLOW = """
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 3
    runahead limit = P0
    [[graph]]
        P1 = "a[-P1] => a => b => c"
[runtime]
    [[a]]
        script = "while [[ ! -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 0.05; done"
    [[b, c]]
"""


@pytest.fixture
def run(home: Path, tidemill: Program, wait_until: Wait) -> Path:
    """A workflow that plays, and whose first task waits for a file."""
    directory = home / "cylc-run" / "w"
    directory.mkdir(parents=True)
    (directory / "flow.cylc").write_text(WORKFLOW)
    assert tidemill("play", "w").returncode == 0
    log = directory / "log" / "scheduler" / "log"
    wait_until(lambda: "[1/a/01:submitted] => running" in log.read_text(), "the first job to run")
    return directory


def stop(tidemill: Program) -> None:
    """End the run."""
    done = tidemill("stop", "--kill", "--wait", "w")
    assert done.returncode == 0, done.stderr


def plan_of(tidemill: Program, *arguments: str, code: int = 0) -> dict:
    """The one plan that a command prints."""
    done = tidemill(*arguments, "--plan", "--json")
    assert done.returncode == code, done.stderr
    (plan,) = json.loads(done.stdout)
    return plan


def test_a_plan_tells_what_a_command_would_do_and_does_nothing(run: Path, tidemill: Program) -> None:
    """Of each command that can be planned; record, jobs and journal stay as they were."""
    before = (run / "log/scheduler/log").read_text().count("1/")
    plan = plan_of(tidemill, "trigger", "w//1/c")
    assert plan["outcome"]["runs"] == ["1/c/01"]
    plan = plan_of(tidemill, "set", "w//1/a")
    assert plan["outcome"]["killed"] == [], "its job goes on"
    assert plan["outcome"]["runs"] == ["1/b/01"]
    plan = plan_of(tidemill, "remove", "w//1/a")
    assert plan["outcome"]["removed"] == ["1/a"]
    assert plan["outcome"]["reachable"]["lost"] == ["1/b", "1/c"]
    assert plan["outcome"]["ends"] == "AUTOMATIC"
    assert plan_of(tidemill, "stop", "w")["outcome"]["awaited"] == ["1/a/01"]
    assert plan_of(tidemill, "stop", "--now", "w")["outcome"]["left"] == ["1/a/01"]
    assert plan_of(tidemill, "stop", "--kill", "w")["outcome"]["killed"] == ["1/a/01"]
    assert "would end after cycle point 2" in tidemill("stop", "--plan", "w//2").stdout
    refused = tidemill("trigger", "--plan", "w//1/nobody")
    assert refused.returncode == 1
    assert "No tasks match: 1/nobody" in refused.stderr
    assert (run / "log/scheduler/log").read_text().count("1/") == before
    assert not (run / "log/job/1/c").exists()
    assert json.loads(tidemill("receipts", "--json", "w").stdout) == []
    stop(tidemill)
    with RunReader(run) as reader:
        assert {row.name for row in reader.tasks()} <= {"a"}


def test_a_plan_is_carried_out_once_and_refused_when_the_run_has_moved(
    run: Path, tidemill: Program, wait_until: Wait
) -> None:
    """By the id that was told, and from a file; the refusal names what has moved."""
    plan = plan_of(tidemill, "trigger", "w//1/c")
    other = plan_of(tidemill, "trigger", "--flow=none", "w//2/b")
    file = run.parent / "plan.json"
    file.write_text(json.dumps([other]))
    done = tidemill("trigger", "--apply", plan["id"], "w")
    assert (done.returncode, done.stdout) == (0, "triggered 1/c\n")
    wait_until(lambda: (run / "log/job/1/c/01/job.out").exists(), "the job to run")
    again = tidemill("trigger", "--apply", plan["id"], "w")
    assert again.returncode == 1
    assert "1/c: was not active, is now" in again.stderr
    assert "Nothing was done. Make a new plan." in again.stderr
    # What happened since does not concern the other plan.
    done = tidemill("trigger", "--apply", str(file))
    assert (done.returncode, done.stdout) == (0, "triggered 2/b\n")
    wrong = tidemill("set", "--apply", str(file))
    assert "apply it with tidemill trigger --apply" in wrong.stderr
    assert tidemill("trigger", "--apply", "nosuchplan", "w").returncode == 1
    assert "give --plan or --apply" in tidemill("trigger", "--plan", "--apply", plan["id"], "w").stderr
    stop(tidemill)


def test_the_plan_of_a_reload_is_a_diff_with_an_exit_code(run: Path, tidemill: Program) -> None:
    """0: nothing would change; 2: something would; 1: the definition is not valid."""
    assert "nothing would change" in tidemill("reload", "--plan", "w").stdout
    plan_of(tidemill, "reload", "w", code=0)
    text = WORKFLOW.replace("b => c", "b => d").replace("[[b, c]]", "[[b, d]]\nscript = echo new")
    (run / "flow.cylc").write_text(text)
    told = tidemill("reload", "--plan", "w")
    assert told.returncode == 2
    assert "tasks added: d" in told.stdout
    assert "- [graph] P1: b:succeeded => c" in told.stdout
    assert "+ [b]script = echo new" in told.stdout
    assert "would not come to run any more, up to 1: 1/c" in told.stdout
    plan = plan_of(tidemill, "reload", "w", code=2)
    (run / "flow.cylc").write_text(text + "\n        [[[environment]]]\n            X = 1\n")
    moved = tidemill("reload", "--apply", plan["id"], "w")
    assert moved.returncode == 1
    assert "files of the workflow have changed since the plan was made" in moved.stderr
    (run / "flow.cylc").write_text(text.replace("b => d", "b =>"))
    broken = tidemill("reload", "--plan", "w")
    assert broken.returncode == 1
    assert "flow.cylc" in broken.stderr
    (run / "flow.cylc").write_text(text)
    assert tidemill("reload", "--apply", plan["id"], "w").stdout == "reloaded\n"
    again = tidemill("reload", "--apply", plan["id"], "w")
    assert "definition that runs is not the one" in again.stderr
    stop(tidemill)
