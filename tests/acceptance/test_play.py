"""Playing workflows with the installed program: start, ask, stop, take up again."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidemill.network.client import WorkflowRuntimeClient
from tidemill.network.exceptions import WorkflowStopped

Program = Callable[..., subprocess.CompletedProcess[str]]

WAITING = """
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 3
    [[graph]]
        P1 = "b[-P1] => a => b"
[runtime]
    [[a, b]]
        script = '''
            while [[ ! -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 0.05; done
            echo $CYLC_TASK_JOB >> $CYLC_WORKFLOW_RUN_DIR/ran
        '''
"""


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


def ran(run: Path) -> list[str]:
    """The jobs whose scripts ran, as they said themselves."""
    path = run / "ran"
    return path.read_text().split() if path.exists() else []


def test_a_running_workflow_answers_until_it_is_stopped(
    home: Path, tidemill: Program, wait_until: Callable[..., None]
) -> None:
    """Play detached, ask from Python and from the shell, stop; afterwards the client says that it has stopped."""
    run = install(home, "forecast", WAITING)
    assert tidemill("play", "forecast").returncode == 0
    with WorkflowRuntimeClient("forecast") as client:
        assert client("ping_workflow") is True
    asked = tidemill("client", "forecast", "ping_workflow", "-n")
    assert (asked.returncode, asked.stdout.strip()) == (0, "true")
    again = tidemill("play", "forecast")
    assert again.returncode == 0
    assert "running already" in again.stdout
    (run / "go").touch()
    assert tidemill("stop", "--max-polls=200", "--interval=0.05", "forecast").returncode == 0
    with pytest.raises(WorkflowStopped), WorkflowRuntimeClient("forecast") as client:
        client("ping_workflow")
    assert not (run / ".service" / "contact").exists()
    assert not (run / ".service" / "server.key_secret").exists()
    assert tidemill("stop", "forecast").returncode == 0


def test_a_stopped_run_is_taken_up_where_it_was(home: Path, tidemill: Program, wait_until: Callable[..., None]) -> None:
    """After `stop --now` the job that was running is not run again, and the rest follows."""
    run = install(home, "w", WAITING)
    assert tidemill("play", "w").returncode == 0
    wait_until(lambda: "=> running" in log_of(run), "the first job to run")
    assert tidemill("stop", "--now", "--max-polls=200", "--interval=0.05", "w").returncode == 0
    (run / "go").touch()
    played = tidemill("play", "--no-detach", "w")
    assert played.returncode == 0, played.stderr
    assert sorted(ran(run)) == [f"{cycle}/{task}/01" for cycle in (1, 2, 3) for task in "ab"]
    completed = tidemill("play", "--no-detach", "--pause", "w", "--mode=simulation")
    assert completed.returncode == 1
    assert "cannot be changed" in completed.stderr


def test_pause_and_resume(home: Path, tidemill: Program, wait_until: Callable[..., None]) -> None:
    """A run started paused submits nothing until it is resumed."""
    run = install(home, "w", WAITING)
    (run / "go").touch()
    assert tidemill("play", "--pause", "w").returncode == 0
    wait_until(lambda: "=> waiting(queued)" in log_of(run), "the first task to be queued")
    assert tidemill("ping", "w").returncode == 0
    assert "=> preparing" not in log_of(run)
    assert tidemill("resume", "w").returncode == 0
    wait_until(lambda: "DONE" in log_of(run), "the run to end")
    assert len(ran(run)) == 6


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [("w//1", ["1/a/01", "1/b/01"]), ("w//2/a", ["1/a/01", "1/b/01", "2/a/01"])],
)
def test_stopping_after_a_point_or_a_task(
    home: Path, tidemill: Program, wait_until: Callable[..., None], identifier: str, expected: list[str]
) -> None:
    """The run ends once the cycle point is done, or the task has finished, and not before."""
    run = install(home, "w", WAITING)
    assert tidemill("play", "w").returncode == 0
    stopped = tidemill("stop", identifier)
    assert stopped.returncode == 0, stopped.stderr
    (run / "go").touch()
    wait_until(lambda: "DONE" in log_of(run), "the run to end")
    assert ran(run) == expected


def test_simulation_runs_on_its_own_clock(home: Path, tidemill: Program) -> None:
    """A year of daily cycles is over in seconds, and no job directory is made."""
    run = install(
        home,
        "w",
        """
        [scheduler]
            UTC mode = True
            allow implicit tasks = True
        [scheduling]
            initial cycle point = 20240101T00Z
            final cycle point = 20241231T00Z
            [[graph]]
                P1D = "a[-P1D] => a"
        """,
    )
    played = tidemill("play", "--no-detach", "--mode=simulation", "w")
    assert played.returncode == 0, played.stderr
    assert log_of(run).count("=> succeeded") == 366
    assert list((run / "log" / "job").iterdir()) == []


def test_a_wrong_definition_is_refused_before_anything_starts(home: Path, tidemill: Program) -> None:
    """`play` says where it is wrong, and leaves nothing behind."""
    run = install(home, "w", "[scheduling]\n    [[graph]]\n        R1 = a => => b\n")
    played = tidemill("play", "w")
    assert played.returncode == 1
    assert "flow.cylc:3" in played.stderr
    assert not (run / ".service").exists()


def test_a_failure_to_start_reaches_the_terminal(home: Path, tidemill: Program) -> None:
    """A detached scheduler that cannot start says why, where the user is."""
    run = install(home, "w", WAITING)
    (run / "log").write_text("in the way\n")
    played = tidemill("play", "w")
    assert played.returncode == 1
    assert str(run / "log") in played.stderr


def test_status_of_a_run_is_json_for_programs(home: Path, tidemill: Program) -> None:
    """`scan --json` lists a running workflow with its address."""
    install(home, "w", WAITING)
    assert tidemill("play", "--pause", "w").returncode == 0
    found = json.loads(tidemill("scan", "--json").stdout)
    assert [entry["name"] for entry in found] == ["w"]
    assert tidemill("stop", "--now", "--max-polls=200", "--interval=0.05", "w").returncode == 0


def test_a_reference_test_fails_a_run_that_triggers_otherwise(home: Path, tidemill: Program) -> None:
    """`--reference-log` writes what `--reference-test` compares with."""
    text = "[scheduler]\n allow implicit tasks = True\n[scheduling]\n [[graph]]\n  R1 = a => b\n"
    run = install(home, "w", text)
    assert tidemill("play", "--no-detach", "--mode=simulation", "--reference-log", "w").returncode == 0
    for name, definition, code in (("same", text, 0), ("other", text.replace("a => b", "a => b => c"), 1)):
        copy = install(home, name, definition)
        (copy / "reference.log").write_text((run / "reference.log").read_text())
        played = tidemill("play", "--no-detach", "--mode=simulation", "--reference-test", name)
        assert played.returncode == code, played.stderr


HUNDRED = """
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 20
    runahead limit = P3
    [[graph]]
        P1 = "c[-P1] => a => b1 & b2 & b3 => c"
[runtime]
    [[a, b1, b2, b3, c]]
        script = '''
            echo "$CYLC_TASK_JOB" >> "$CYLC_WORKFLOW_RUN_DIR/ran"
            sleep 0.0$((RANDOM % 9))
        '''
"""


def test_a_scheduler_killed_at_fifty_moments_loses_nothing_and_runs_nothing_twice(home: Path) -> None:
    """`kill -9`, then `play`, again and again: every job ran exactly once."""
    import random
    import sys

    run = install(home, "w", HUNDRED)
    program = str(Path(sys.executable).parent / "tidemill")
    moments = random.Random(2026)
    kills = 0
    while True:
        process = subprocess.Popen(
            [program, "play", "--no-detach", "w"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        # The later the kill, the more has happened; early ones hit the start itself.
        longest = 60.0 if kills >= 50 else moments.uniform(0.1, 0.45)
        try:
            _, errors = process.communicate(timeout=longest)
        except subprocess.TimeoutExpired:
            process.kill()
            _, errors = process.communicate()
            kills += 1
            assert kills <= 51, errors[-3000:]
            if "already ran to completion" not in errors:
                continue
        else:
            assert process.returncode == 0, errors[-3000:]
        break
    counts = Counter(ran(run))
    assert [job for job, times in counts.items() if times > 1] == []
    assert len({job.rpartition("/")[0] for job in counts}) == 100
    assert kills >= 20


ON_A_SMALL_DISK = """
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 3
    [[graph]]
        P1 = "b[-P1] => a => b"
[runtime]
    [[a, b]]
        script = "while [[ ! -e $HOME/go ]]; do sleep 0.05; done"
"""


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """The run root on a file system of its own, of 3 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    disk = home / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3M", "tmpfs", str(disk)], check=False).returncode != 0:
        pytest.skip("no file system can be mounted here")
    (home / "cylc-run").rmdir()
    (home / "cylc-run").symlink_to(disk)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_holds_the_run_up_and_nothing_worse(
    home: Path, small_disk: Path, tidemill: Program, wait_until: Callable[..., None]
) -> None:
    """With the disk full nothing is submitted and a client is still answered; with room again the run goes on."""
    run = install(home, "w", ON_A_SMALL_DISK)
    assert tidemill("play", "w").returncode == 0
    wait_until(lambda: "=> running" in log_of(run), "the first job to run")
    fill(small_disk / "filler")
    (home / "go").touch()
    assert tidemill("ping", "w").returncode == 0
    (small_disk / "filler").unlink()
    wait_until(lambda: "DONE" in log_of(run), "the run to end", timeout_seconds=30)
    assert log_of(run).count("=> succeeded") == 6


def test_a_run_directory_that_cannot_be_written_is_said_to_be_so(
    home: Path, small_disk: Path, tidemill: Program, wait_until: Callable[..., None]
) -> None:
    """`play` refuses with the reason and leaves nothing half done; once it can be written, the run is played."""
    run = install(home, "w", ON_A_SMALL_DISK)
    remount(small_disk, "ro")
    refused = tidemill("play", "w")
    assert refused.returncode == 1
    assert "Read-only file system" in refused.stderr
    remount(small_disk, "rw")
    assert tidemill("play", "w").returncode == 0
    (home / "go").touch()
    wait_until(lambda: "DONE" in log_of(run), "the run to end", timeout_seconds=30)
    assert log_of(run).count("=> succeeded") == 6


def remount(disk: Path, mode: str) -> None:
    """Make a mounted file system read-only, or writable again."""
    subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)


def fill(path: Path) -> None:
    """Write until no byte more fits."""
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
