"""A changed source: what differs, reinstalling it, and taking it up in a run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.cli.ignored import Ignored

Program = Callable[..., subprocess.CompletedProcess[str]]
Wait = Callable[..., None]

FLOW = """#!jinja2
[scheduling]
    [[graph]]
        R1 = a => b
[runtime]
    [[a]]
        script = "while [[ ! -e $CYLC_WORKFLOW_SHARE_DIR/go ]]; do sleep 0.05; done"
    [[b]]
        script = echo {{ WORD }}
"""


@pytest.fixture
def source(home: Path, tidemill: Program) -> Path:
    """An installed workflow's source."""
    directory = home / "cylc-src" / "w"
    (directory / "bin").mkdir(parents=True)
    (directory / "flow.cylc").write_text(FLOW)
    (directory / "bin" / "old").write_text("#!/bin/sh\n")
    (directory / "bin" / "tool").write_text("#!/bin/sh\necho 1\n")
    (directory / "etc").mkdir()
    (directory / "etc" / "x.csv").write_text("1")
    (directory / ".cylcignore").write_text("*.csv\n# a comment\n/data/\n")
    assert tidemill("install", "w").returncode == 0
    return directory


def test_what_is_ignored_is_not_installed(source: Path, home: Path) -> None:
    """Names, globs, paths and directories, as an rsync exclude file has them."""
    run = home / "cylc-run" / "w" / "run1"
    assert sorted(path.name for path in run.rglob("*") if path.is_file()) == [
        ".cylcignore",
        "01-install.log",
        "flow.cylc",
        "old",
        "tool",
    ]
    (source / ".cylcignore").write_text("data\n*.csv\n/top\nsub/x?\nonly/\n")
    ignored = Ignored.of(source)
    for path, expected in (
        ("data", True),
        ("a/data/deep", True),
        ("data2", False),
        ("a/b.csv", True),
        ("top", True),
        ("a/top", False),
        ("a/sub/x1", True),
        ("a/sub/x12", False),
        ("only", False),
        ("only/x", True),
    ):
        assert ignored.matches(path, is_directory=False) is expected, path


def test_reinstall_makes_a_run_the_same_as_its_source_again(source: Path, home: Path, tidemill: Program) -> None:
    """Added, changed and removed files; what the run made itself, and what is ignored, stays."""
    run = home / "cylc-run" / "w" / "run1"
    for kept in ("share/result", "work/x", "log/scheduler/log", "data/big", "etc/y.csv"):
        (run / kept).parent.mkdir(parents=True, exist_ok=True)
        (run / kept).write_text("kept")
    (source / "bin" / "old").unlink()
    (source / "bin" / "new").write_text("new")
    (source / "bin" / "tool").chmod(0o755)
    (source / "link").symlink_to("bin/new")
    (run / "stray").mkdir()
    (run / "stray" / "file").write_text("x")
    dry = tidemill("reinstall", "--dry-run", "w")
    listed = {"send bin/new", "send bin/tool", "send link", "del. stray", "del. bin/old"}
    assert set(dry.stdout.splitlines()[:-1]) == listed
    assert (run / "bin" / "old").exists()
    done = tidemill("reinstall", "w")
    assert done.stdout.splitlines()[-1] == f"REINSTALLED w/run1 from {source}"
    assert (run / "bin" / "new").read_text() == "new"
    assert (run / "bin" / "tool").stat().st_mode & 0o777 == 0o755
    assert (run / "link").is_symlink()
    assert not (run / "bin" / "old").exists()
    assert not (run / "stray").exists()
    for kept in ("share/result", "work/x", "log/scheduler/log", "data/big", "etc/y.csv"):
        assert (run / kept).read_text() == "kept"
    assert "send bin/new" in (run / "log" / "install" / "02-reinstall.log").read_text()
    assert tidemill("reinstall", "w").stdout == f"w/run1 up to date with {source}\n"
    (found,) = json.loads(tidemill("reinstall", "--json", "w").stdout)
    assert (found["send"], found["delete"], found["reinstalled"]) == ([], [], False)


def test_reinstall_needs_a_source(home: Path, tidemill: Program) -> None:
    """A run that was put in place by hand, or whose source is gone, is refused with a reason."""
    (home / "cylc-run" / "byhand").mkdir()
    (home / "cylc-run" / "byhand" / "flow.cylc").write_text(FLOW)
    done = tidemill("reinstall", "byhand")
    assert done.returncode == 1
    assert "was not installed with 'install'" in done.stderr


def test_diff_tells_what_differs_between_a_run_and_its_source_or_two_workflows(
    source: Path, home: Path, tidemill: Program
) -> None:
    """Tasks, arrows, settings and files; with --exit-code a pipeline can ask."""
    word = "-sWORD='hello'"
    assert tidemill("diff", word, "--exit-code", "w").returncode == 0
    assert "do not differ" in tidemill("diff", word, "w").stdout
    (source / "flow.cylc").write_text(
        FLOW.replace("a => b", "a => c").replace("[[b]]", "[[c]]").replace("do sleep 0.05", "do sleep 1")
    )
    done = tidemill("diff", word, "--exit-code", "w")
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"- {home}/cylc-run/w/run1", f"+ {source}"]
    for line in (
        "  tasks added: c",
        "  tasks removed: b",
        "  - [graph] R1: a:succeeded => b",
        "  + [graph] R1: a:succeeded => c",
        "  - [a]script = while [[ ! -e $CYLC_WORKFLOW_SHARE_DIR/go ]]; do sleep 0.05; done",
        "  send flow.cylc",
    ):
        assert line in lines
    found = json.loads(tidemill("diff", word, "--json", "w/run1", str(source)).stdout)
    assert (found["differ"], found["tasks_added"], found["tasks_removed"]) == (True, ["c"], ["b"])
    assert tidemill("diff", word, str(source)).returncode == 1


def test_vr_takes_a_changed_source_up(source: Path, home: Path, tidemill: Program, wait_until: Wait) -> None:
    """A running workflow is reloaded, a stopped one played; an invalid source changes nothing."""
    run = home / "cylc-run" / "w" / "run1"
    assert tidemill("play", "-sWORD='hello'", "w").returncode == 0
    log = run / "log" / "scheduler" / "log"
    wait_until(lambda: "=> running" in log.read_text(), "the first job to run")
    assert "up to date" in tidemill("vr", "w").stdout
    assert "a reload keeps the template variables" in tidemill("vr", "-sWORD='bye'", "w").stderr
    (source / "flow.cylc").write_text(FLOW.replace("a => b", "a =>"))
    bad = tidemill("vr", "w")
    assert bad.returncode == 1
    assert "flow.cylc:4" in bad.stderr
    assert (run / "flow.cylc").read_text() == FLOW
    (source / "flow.cylc").write_text(FLOW.replace("echo {{", "echo twice {{"))
    done = tidemill("vr", "w")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"REINSTALLED w/run1 from {source}", "reloaded w/run1"]
    assert tidemill("stop", "--now", "--wait", "w").returncode == 0
    (source / "flow.cylc").write_text(FLOW.replace("echo {{", "echo thrice {{"))
    done = tidemill("validate-reinstall", "w")
    assert done.returncode == 0, done.stderr
    assert "Restarted w/run1" in done.stdout
    (run / "share").mkdir(exist_ok=True)
    (run / "share" / "go").touch()
    wait_until(lambda: "DONE" in log.read_text(), "the run to end")
    assert "thrice hello" in (run / "log/job/1/b/01/job.out").read_text()
