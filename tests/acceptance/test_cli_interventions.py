"""Commands that intervene in a run, as real processes against real schedulers and jobs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.flow.record.reader import RunReader

Program = Callable[..., subprocess.CompletedProcess[str]]
Wait = Callable[..., None]

HEAD = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 1
    [[graph]]
        R1 = """

CHAIN = HEAD + '"a => b => c"\n'

WAITING = (
    HEAD
    + """"a => b"
[runtime]
    [[a]]
        script = "while [[ ! -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 0.05; done"
"""
)


def install(home: Path, name: str, text: str) -> Path:
    """Put a workflow where it runs."""
    run = home / "cylc-run" / name
    run.mkdir(parents=True)
    (run / "flow.cylc").write_text(text)
    return run


def log_of(run: Path) -> str:
    """The scheduler's newest log."""
    path = run / "log" / "scheduler" / "log"
    return path.read_text() if path.exists() else ""


def output_of(run: Path, job: str, *, file: str = "job.out") -> str:
    """What a job printed."""
    path = run / "log" / "job" / job / file
    return path.read_text() if path.exists() else ""


@pytest.fixture
def say(tidemill: Program) -> Callable[..., str]:
    """`say("hold", "w//1/a")`: the standard output of a command that must succeed."""

    def run(*arguments: str) -> str:
        done = tidemill(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def stop(tidemill: Program) -> Callable[[str], None]:
    """`stop("w")`: stop a workflow and wait until it has."""

    def run(workflow: str) -> None:
        done = tidemill("stop", "--kill", "--max-polls=400", "--interval=0.05", workflow)
        assert done.returncode == 0, done.stderr

    return run


Say = Callable[..., str]
Stop = Callable[[str], None]


def test_held_tasks_wait_until_released(home: Path, say: Say, wait_until: Wait) -> None:
    """A task held before it exists does not run; released it does, and the run ends."""
    run = install(home, "w", CHAIN)
    say("play", "--pause", "w")
    assert say("hold", "w", "//1/b", "c.1") == "held 1/b, 1/c"
    assert say("resume", "w") == "resumed"
    wait_until(lambda: "1/a/01" in log_of(run) and "=> succeeded" in log_of(run), "a to succeed")
    wait_until(lambda: "1/b" in log_of(run).partition("=> succeeded")[2], "b to come")
    assert not (run / "log" / "job" / "1" / "b").exists()
    assert say("release", "w//1/b") == "released 1/b"
    wait_until(lambda: (run / "log/job/1/b/01/job.out").exists(), "b to run")
    assert "1/c" in say("release", "--all", "w")
    wait_until(lambda: "DONE" in log_of(run), "the run to end")


def test_hold_after_a_point(home: Path, say: Say, wait_until: Wait, stop: Stop) -> None:
    """`hold --after` lets earlier cycles go and holds later ones."""
    run = install(home, "w", CHAIN.replace("final cycle point = 1", "final cycle point = 3").replace("R1 =", "P1 ="))
    say("play", "--pause", "w")
    assert say("hold", "--after=1", "w").startswith("holding all tasks after 1")
    say("resume", "w")
    wait_until(lambda: "succeeded" in output_of(run, "1/c/01"), "the first cycle to end")
    assert not (run / "log" / "job" / "2").exists()
    stop("w")


def test_what_matches_nothing_is_said_and_fails(home: Path, tidemill: Program, say: Say, stop: Stop) -> None:
    """Exit code 1 and the ID where nothing matches; a warning where only some do."""
    install(home, "w", CHAIN)
    say("play", "--pause", "w")
    for command in ("hold", "release", "trigger", "set", "remove", "kill", "poll"):
        done = tidemill(command, "w//1/nosuch")
        assert (done.returncode, done.stdout) == (1, "")
        assert "1/nosuch" in done.stderr
        assert "Traceback" not in done.stderr
    some = tidemill("hold", "w//1/nosuch", "w//1/a")
    assert (some.returncode, some.stdout) == (0, "held 1/a\n")
    assert some.stderr == "WARNING - no task matches 1/nosuch\n"
    for arguments in (["hold", "w"], ["trigger", "w//1/a/01"], ["hold", "w//1/a", "--after=1"], ["broadcast", "w"]):
        done = tidemill(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr
    stop("w")


def test_a_receipt_and_a_reason_are_kept(home: Path, say: Say, wait_until: Wait, stop: Stop) -> None:
    """`--json` prints the receipt of each workflow; `--reason` is in the journal of the run."""
    run = install(home, "w", CHAIN)
    say("play", "--pause", "w")
    (receipt,) = json.loads(say("hold", "--json", "--reason=waiting for data", "w//1/a"))
    assert receipt["workflow"] == "w"
    assert (receipt["name"], receipt["state"], receipt["result"]["tasks"]) == ("hold", "applied", ["1/a"])
    stop("w")

    def journalled() -> list[str]:
        # The scheduler lets go of its record a moment after it can be reached no more.
        with RunReader(run) as reader:
            events = [json.loads(event) for _, _, event in reader.journal()]
        return [event["id"] for event in events if event.get("reason") == "waiting for data"]

    wait_until(lambda: journalled() == [receipt["id"]], "the command in the journal")


def test_several_workflows_get_a_request_each(home: Path, tidemill: Program, say: Say, stop: Stop) -> None:
    """With several, lines begin with the workflow; one that refuses is told, the others are done, and 1 returned."""
    install(home, "one", CHAIN)
    install(home, "two", CHAIN.replace("=> c", "=> d"))
    say("play", "--pause", "one")
    say("play", "--pause", "two")
    assert say("hold", "*//1/a").splitlines() == ["one: held 1/a", "two: held 1/a"]
    done = tidemill("hold", "*//1/c")
    assert (done.returncode, done.stdout) == (1, "one: held 1/c\n")
    assert done.stderr.startswith("two: ClientError: ")
    assert "1/c" in done.stderr
    assert say("pause", "*").splitlines() == ["one: paused", "two: paused"]
    stop("*")


def test_trigger_runs_a_task_now(home: Path, say: Say, wait_until: Wait, stop: Stop) -> None:
    """A task far down the graph of a paused workflow runs when triggered, in a new flow if asked."""
    run = install(home, "w", CHAIN)
    say("play", "--pause", "w")
    assert say("trigger", "w//1/c") == "triggered 1/c"
    wait_until(lambda: "succeeded" in output_of(run, "1/c/01"), "c to run")
    assert say("trigger", "--flow=new", "--meta=again", "--on-resume", "w//1/b") == "triggered 1/b"
    wait_until(lambda: "1/b/01(flows=2)" in log_of(run), "b to run in flow 2")
    stop("w")


def test_a_job_may_intervene_in_its_own_workflow(home: Path, tidemill: Program) -> None:
    """Jobs wait for states with `cylc workflow-state` and mend the run with `cylc set`."""
    run = install(
        home,
        "w",
        HEAD
        + '''"""
            bad:start => mend
            bad => after
            other => last
        """
[runtime]
    [[bad]]
        script = false
    [[other]]
        script = false
    [[mend]]
        script = """
            for task in bad other; do
                cylc workflow-state "${CYLC_WORKFLOW_ID}//${CYLC_TASK_CYCLE_POINT}/${task}:failed" \\
                    --max-polls=100 --interval=0.1
            done
            cylc workflow-state "$CYLC_WORKFLOW_ID//$CYLC_TASK_CYCLE_POINT/bad:started" --triggers --max-polls=1
            cylc set -o succeeded "$CYLC_WORKFLOW_ID//$CYLC_TASK_CYCLE_POINT/bad"
            cylc set "$CYLC_WORKFLOW_ID//$CYLC_TASK_CYCLE_POINT/other"
        """
''',
    )
    played = tidemill("play", "--no-detach", "w")
    assert played.returncode == 0, played.stderr
    assert output_of(run, "1/mend/01").count("Command queued") == 2, output_of(run, "1/mend/01", file="job.err")
    assert "1/bad:failed" in output_of(run, "1/mend/01")
    for task in ("after", "last"):
        assert "succeeded" in output_of(run, f"1/{task}/01")


def test_prerequisites_are_satisfied_by_hand(home: Path, say: Say, wait_until: Wait, stop: Stop) -> None:
    """`set --pre` makes a task run whose parents have not."""
    run = install(home, "w", WAITING.replace('"a => b"', '"""a & a2 => b\n a2 => x"""'))
    say("play", "w")
    wait_until(lambda: "=> running" in log_of(run), "a to run")
    assert say("set", "--pre=1/a:succeeded,1/a2", "w//1/b") == "set 1/b"
    wait_until(lambda: "succeeded" in output_of(run, "1/b/01"), "b to run")
    stop("w")


def test_broadcasts_reach_jobs_and_are_shown_and_undone(
    home: Path, tidemill: Program, say: Say, wait_until: Wait, stop: Stop
) -> None:
    """From options, a file and standard input; shown as tree, JSON and Python; cancelled one by one or all."""
    run = install(home, "w", WAITING.replace('"a => b"', '"a => b"\n[runtime]\n    [[FAM]]\n    [[b]]\n inherit = FAM'))
    (home / "settings").write_text(
        'script = printenv FROM_FILE ONE\n[environment]\n    FROM_FILE = """\nfoo\nbar\n"""\n'
    )
    say("play", "w")
    assert say("broadcast", "-s", "[environment]ONE=1", "-n", "b", "-p", "1", "w").splitlines() == [
        "Broadcast set:",
        "+ [1/b] [environment]ONE=1",
    ]
    say("bcast", "-n", "FAM", "-F", "settings", "w")
    shown = json.loads(say("broadcast", "--display", "--format=json", "w"))
    assert shown["1"] == {"b": {"environment": {"ONE": "1"}}}
    assert shown["*"]["FAM"]["environment"] == {"FROM_FILE": "foo\nbar"}
    assert ast.literal_eval(say("broadcast", "-d", "-r", "w")) == shown
    assert "`-environment" in say("broadcast", "-d", "w")
    assert json.loads(say("broadcast", "-k", "1/b", "--format=json", "w")) == shown
    assert say("broadcast", "-k", "1/a", "-d", "w") == ""
    (run / "go").touch()
    wait_until(lambda: "succeeded" in output_of(run, "1/b/01"), "b to run")
    assert "foo\nbar\n1\n" in output_of(run, "1/b/01")
    wait_until(lambda: "DONE" in log_of(run), "the run to end")


def test_broadcasts_are_undone(home: Path, tidemill: Program, say: Say, stop: Stop) -> None:
    """By item, by file, by target and before a point; where none is in force the exit code is 1."""
    install(home, "w", CHAIN)
    (home / "settings").write_text("[environment]\n    X = 1\n")
    say("play", "--pause", "w")
    say("broadcast", "-s", "[environment]X=1", "-s", "[environment]Y=2", "-s", "script=true", "w")
    say("broadcast", "-p", "1", "-n", "a", "-s", "[environment]Z=3", "w")
    assert say("broadcast", "-c", "[environment]Y", "w").splitlines()[1:] == ["- [*/root] [environment]Y=2"]
    assert say("broadcast", "-G", "settings", "w").splitlines()[1:] == ["- [*/root] [environment]X=1"]
    assert say("broadcast", "-e", "2", "w").splitlines()[1:] == ["- [1/a] [environment]Z=3"]
    assert say("broadcast", "-C", "w").splitlines()[1:] == ["- [*/root] script=true"]
    assert tidemill("broadcast", "-C", "w").returncode == 1
    for wrong in (["-s", "[nosuch]x=1"], ["-s", "[environment]X"], ["-s", "script=x", "-n", "nosuch"], ["-F", "none"]):
        done = tidemill("broadcast", *wrong, "w")
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr
    piped = subprocess.run(
        [str(Path(sys.executable).parent / "tidemill"), "broadcast", "-n", "b", "-F", "-", "w"],
        input="script = echo hi\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert piped.stdout.splitlines()[1:] == ["+ [*/b] script=echo hi"]
    stop("w")


def test_jobs_are_polled_and_killed(home: Path, tidemill: Program, say: Say, wait_until: Wait, stop: Stop) -> None:
    """A running job can be looked at and ended; its task has failed and is held."""
    run = install(home, "w", WAITING)
    say("play", "w")
    wait_until(lambda: "=> running" in log_of(run), "a to run")
    assert say("poll", "w//*") == "polled 1/a"
    assert say("kill", "w//1:running") == "killed 1/a"
    wait_until(lambda: "=> failed" in log_of(run), "a to fail")
    again = tidemill("kill", "w//1/a")
    assert (again.returncode, again.stdout) == (0, "nothing killed\n")
    assert again.stderr == "INFO - 1/a has no job just now\n"
    assert say("remove", "w//*/*:failed").startswith("removed 1/a")
    wait_until(lambda: "DONE" in log_of(run), "the run to end, with nothing left")


def test_a_flow_can_be_stopped(home: Path, tidemill: Program, say: Say, wait_until: Wait) -> None:
    """`stop --flow` lets the only flow run out, which ends the run."""
    run = install(home, "w", WAITING)
    say("play", "w")
    wait_until(lambda: "=> running" in log_of(run), "a to run")
    assert tidemill("stop", "--flow=7", "w").returncode == 1
    assert tidemill("stop", "--flow=1", "--now", "w").returncode == 1
    assert say("stop", "--flow=1", "w") == "flow 1 runs out"
    (run / "go").touch()
    wait_until(lambda: "DONE" in log_of(run), "the run to end")
    assert not (run / "log" / "job" / "1" / "b").exists()


def test_a_changed_definition_is_taken_up(
    home: Path, tidemill: Program, say: Say, wait_until: Wait, stop: Stop
) -> None:
    """`reload` reads the files anew; what is not valid is refused, and the run goes on as it was."""
    run = install(home, "w", WAITING)
    say("play", "w")
    (run / "flow.cylc").write_text(WAITING.replace("a => b", "a => => b"))
    refused = tidemill("reload", "w")
    assert refused.returncode == 1
    assert "flow.cylc:" in refused.stderr
    (run / "flow.cylc").write_text(f"{WAITING}    [[b]]\n        script = echo changed\n")
    assert say("reload", "-g", "w") == "reloaded"
    (run / "go").touch()
    wait_until(lambda: "DONE" in log_of(run), "the run to end")
    assert "changed" in output_of(run, "1/b/01")


def test_how_much_is_logged_and_by_which_version(home: Path, tidemill: Program, say: Say, stop: Stop) -> None:
    """`verbosity` changes the level of the log while running; `get-workflow-version` tells what runs."""
    run = install(home, "w", CHAIN)
    say("play", "--pause", "w")
    assert say("verbosity", "warning", "w") == "logging WARNING and above: w"
    before = log_of(run)
    say("hold", "w//1/a")
    assert log_of(run) == before
    assert tidemill("verbosity", "LOUD", "w").returncode == 1
    assert say("get-workflow-version", "w") == say("version")
    stop("w")


def test_a_finished_run_tells_its_states_and_timings(home: Path, tidemill: Program, say: Say) -> None:
    """`workflow-state` and `report-timings` read the record when no scheduler runs."""
    install(
        home,
        "w",
        HEAD.replace("cycling mode = integer", "")
        .replace("point = 1", "point = 2030-01-01T00Z", 1)
        .replace("final cycle point = 1", "final cycle point = 20300102T00Z")
        .replace("R1 =", "P1D =")
        + '"a:x => b"\n[runtime]\n    [[a]]\n        script = cylc message "x is there"\n'
        + "        [[[outputs]]]\n            x = x is there\n",
    )
    assert tidemill("play", "--no-detach", "w").returncode == 0
    assert say("workflow-state", "w//20300101T0000Z/b") == "20300101T0000Z/b:succeeded"
    assert say("workflow-state", "w//2030-01-01T00Z/b:succeeded") == "20300101T0000Z/b:succeeded"
    assert say("workflow-state", "w//20300101T00Z/b", "--offset", "P1D") == "20300102T0000Z/b:succeeded"
    assert say("workflow-state", "w//20300102T0000Z/b", "-s", "-PT24H") == "20300101T0000Z/b:succeeded"
    assert "'x': 'x is there'" in say("workflow-state", "w//20300101T0000Z/a:x", "--triggers")
    assert "'x': 'x is there'" in say("workflow-state", "w//*/a:x is there", "--messages")
    assert len(say("workflow-state", "w//*/*:succeeded").splitlines()) == 4
    assert json.loads(say("workflow-state", "--json", "w//20300101T0000Z/b"))[0]["state"] == "succeeded"
    for arguments in (["w//*/b:failed"], ["w//*/b:running"], ["w//*/b:x"], ["w//*/b", "--offset=P1D"], ["none"]):
        done = tidemill("workflow-state", "--max-polls=2", "--interval=0.01", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Traceback" not in done.stderr
    assert len(say("report-timings", "--raw", "w").splitlines()) == 5
    assert "Host: localhost, job runner: background" in say("report-timings", "w")
    assert json.loads(say("report-timings", "--json", "w"))[0]["task"] == "a"
