"""Installing and cleaning workflows with the real program."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def source(home: Path) -> Path:
    """A workflow source with what should be copied, and what should not."""
    directory = home / "ocean"
    for name in ("bin", ".git/objects", "app/x/.svn", "log", "share"):
        (directory / name).mkdir(parents=True)
    (directory / "flow.cylc").write_text("[scheduling]\n    [[graph]]\n        R1 = a\n")
    (directory / "bin" / "run.sh").write_text("#!/bin/sh\n")
    (directory / "bin" / "run.sh").chmod(0o755)
    (directory / "app" / "x" / "input.nml").write_text("&x /\n")
    (directory / "log" / "old").touch()
    (directory / "latest").symlink_to("app/x")
    return directory


def test_installing_copies_the_source_into_numbered_runs(tidemill: Run, home: Path, source: Path) -> None:
    """Each installation is a new run; modes and links are kept, version control and old logs left behind."""
    for number in (1, 2):
        answer = tidemill("install", "./ocean")
        assert answer.stdout == f"INSTALLED ocean/run{number} from {source}\n", answer.stderr
    base = home / "cylc-run" / "ocean"
    run = base / "run2"
    found = {str(path.relative_to(run)) for path in run.rglob("*") if not path.is_dir() or path.is_symlink()}
    assert found == {"flow.cylc", "bin/run.sh", "app/x/input.nml", "latest", "log/install/01-install.log"}
    assert os.access(run / "bin" / "run.sh", os.X_OK)
    assert os.readlink(run / "latest") == "app/x"
    assert os.readlink(base / "runN") == "run2"
    assert (base / "_cylc-install" / "source").resolve() == source
    assert "INSTALLED ocean/run2" in (run / "log" / "install" / "01-install.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "run"),
    [
        (["--no-run-name"], "ocean"),
        (["--run-name", "spring"], "ocean/spring"),
        (["-n", "test/sea", "-r", "a"], "test/sea/a"),
        (["--workflow-name=sea"], "sea/run1"),
    ],
)
def test_names_are_chosen(tidemill: Run, home: Path, source: Path, arguments: list[str], run: str) -> None:
    """The workflow and the run take the names given."""
    answer = tidemill("install", "./ocean", "--json", *arguments)
    assert json.loads(answer.stdout)["id"] == run
    assert (home / "cylc-run" / run / "flow.cylc").is_file()
    assert not (home / "cylc-run" / "ocean" / "runN").is_symlink()


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (["--no-run-name"], ["--no-run-name"], "exists already"),
        (["--no-run-name"], [], "is a run: another cannot be installed inside it"),
        (["--no-run-name"], ["-n", "ocean/deep"], "is a run: another cannot be installed inside it"),
        ([], ["-n", "ocean/run1/deep"], "reserved"),
        ([], ["-r", "mine"], "holds numbered runs"),
        (["-r", "mine"], [], "holds named runs (mine)"),
        (["-r", "mine"], ["-r", "mine"], "exists already"),
        (["-n", "a/b"], ["-n", "a"], "is a folder of workflows"),
        (["-n", "a"], ["-n", "a/b"], "holds the runs of a workflow"),
        ([], ["-n", "1x"], "cannot start with '1'"),
        ([], ["-n", "log"], "reserved"),
        ([], ["-r", "run7"], "reserved"),
    ],
)
def test_a_run_is_never_put_where_it_does_not_belong(
    tidemill: Run, home: Path, source: Path, first: list[str], second: list[str], message: str
) -> None:
    """What would nest runs, mix kinds of runs or use a reserved name is refused, and changes nothing."""
    assert tidemill("install", "./ocean", *first).returncode == 0
    before = sorted(home.rglob("*"))
    answer = tidemill("install", "./ocean", *second)
    assert answer.returncode == 1
    assert answer.stderr.startswith("InstallError: ")
    assert message in answer.stderr
    assert sorted(home.rglob("*")) == before


def test_runs_of_one_workflow_come_from_one_source(tidemill: Run, home: Path, source: Path) -> None:
    """Another source under the same name is refused, since its runs would not be comparable."""
    assert tidemill("install", "./ocean").returncode == 0
    other = home / "other"
    other.mkdir()
    (other / "flow.cylc").touch()
    answer = tidemill("install", "./other", "-n", "ocean")
    assert answer.returncode == 1
    assert f"were installed from {source}" in answer.stderr


def test_cleaning_removes_a_run_and_keeps_the_others(tidemill: Run, home: Path, source: Path) -> None:
    """After the latest run is removed, runN is the latest of those left; with the last run all is gone."""
    base = home / "cylc-run" / "ocean"
    for _ in range(3):
        tidemill("install", "./ocean")
    assert tidemill("clean", "ocean/run3").returncode == 0
    assert sorted(os.listdir(base)) == ["_cylc-install", "run1", "run2", "runN"]
    assert os.readlink(base / "runN") == "run2"
    refused = tidemill("clean", "ocean")
    assert refused.returncode == 1
    assert "ocean/run1" in refused.stderr
    assert "--yes" in refused.stderr
    assert tidemill("clean", "ocean", "--yes").returncode == 0
    assert not base.exists()
    assert (source / "flow.cylc").is_file()


def test_cleaning_follows_no_link_out_of_the_run(tidemill: Run, home: Path, source: Path) -> None:
    """Links to other places are removed, their targets kept, save those that stand for parts of the run."""
    tidemill("install", "./ocean", "--no-run-name")
    run = home / "cylc-run" / "ocean"
    precious = home / "precious"
    own = home / "disk" / "cylc-run" / "ocean" / "work"
    for directory in (precious, own):
        directory.mkdir(parents=True)
        (directory / "data").touch()
    (run / "link").symlink_to(precious)
    (run / "share").rmdir()
    (run / "share").symlink_to(precious)
    (run / "work").symlink_to(own)
    answer = tidemill("clean", "ocean")
    assert answer.returncode == 0, answer.stderr
    assert not run.exists()
    assert (precious / "data").exists()
    assert not own.exists()


def test_parts_of_a_run_are_removed_by_pattern(tidemill: Run, home: Path, source: Path) -> None:
    """--rm removes what matches within the run and nothing else."""
    tidemill("install", "./ocean")
    run = home / "cylc-run" / "ocean" / "run1"
    for name in ("log/job/2030", "log/job/2031", "work/2030"):
        (run / name).mkdir(parents=True)
    (run / "out.csv").touch()
    (home / "precious").mkdir()
    (home / "precious" / "x.csv").touch()
    (run / "link").symlink_to(home / "precious")
    answer = tidemill("clean", "ocean/run1", "--rm", "work:log/job/2030", "--rm", "*.csv")
    assert answer.returncode == 0, answer.stderr
    assert (run / "log" / "job" / "2031").is_dir()
    assert not (run / "work").exists()
    assert not (run / "log" / "job" / "2030").exists()
    assert not (run / "out.csv").exists()
    for wrong in ("../run1", "/etc", "nothing*", "link/x.csv", "."):
        refused = tidemill("clean", "ocean/run1", "--rm", wrong)
        assert refused.returncode == 1, wrong
        assert refused.stderr.startswith("CleanError: "), refused.stderr
    assert (home / "precious" / "x.csv").exists()


@pytest.mark.parametrize("wrong", ["", ".", "nope", "../precious", "a/../..", "/", "runN", "ocean//1", "nope*"])
def test_what_is_not_a_run_is_not_cleaned(tidemill: Run, home: Path, wrong: str) -> None:
    """Only names of runs are taken, and one that matches nothing is an error."""
    kept = [home / "precious", home / "cylc-run" / "kept" / "run1" / ".service"]
    for directory in kept:
        directory.mkdir(parents=True)
    answer = tidemill("clean", wrong, "--yes")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert all(directory.is_dir() for directory in kept)


def test_a_running_workflow_is_not_cleaned(tidemill: Run, home: Path, source: Path) -> None:
    """A contact file of a live process protects the run; that of a process that is gone does not."""
    tidemill("install", "./ocean", "--no-run-name")
    service = home / "cylc-run" / "ocean" / ".service"
    service.mkdir()
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        (service / "contact").write_text(
            "CYLC_API=5\nCYLC_VERSION=8.5.4\nCYLC_WORKFLOW_HOST=127.0.0.1\nCYLC_WORKFLOW_ID=ocean\n"
            f"CYLC_WORKFLOW_PORT=43001\nCYLC_WORKFLOW_PUBLISH_PORT=43002\nCYLC_WORKFLOW_PID={sleeper.pid}\n"
            "CYLC_WORKFLOW_COMMAND=sleep 60\n"
        )
        answer = tidemill("clean", "ocean")
        assert answer.returncode == 1
        assert "ocean is running (127.0.0.1:43001" in answer.stderr
        assert "tidemill stop ocean" in answer.stderr
    finally:
        sleeper.kill()
        sleeper.wait()
    assert tidemill("clean", "ocean").returncode == 0
    assert not service.exists()
