"""`tidemill why` with the installed program: on a running workflow, a stopped one, a killed one, one never played."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tidemill.contact.file import read_contact
from tidemill.contact.process import exists
from tidemill.network.client import WorkflowRuntimeClient

Program = Callable[..., subprocess.CompletedProcess[str]]

FLOW = """
[scheduler]
    [[events]]
        stall timeout = PT1H
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 9
    runahead limit = P1
    [[graph]]
        P1 = \"\"\"
            a & b => c => d
            retried
        \"\"\"
[runtime]
    [[a]]
        script = false
    [[b, c, d]]
    [[retried]]
        script = false
        execution retry delays = PT2H
"""


def install(home: Path, text: str = FLOW) -> Path:
    """Put a workflow where it runs."""
    run = home / "cylc-run" / "w"
    run.mkdir(parents=True)
    (run / "flow.cylc").write_text(text)
    return run


def contents(directory: Path) -> dict[str, tuple[str, int]]:
    """Every file below a directory, by its digest and when it was written, and every directory."""
    found = {}
    for path in sorted(directory.rglob("*")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (digest, path.stat().st_mtime_ns)
    return found


def asked(tidemill: Program, *tasks: str) -> list[dict[str, Any]]:
    """What `tidemill why --json` says."""
    answer = tidemill("why", "--json", "w", *(f"//{task}" for task in tasks))
    assert answer.returncode == 0, answer.stderr
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found


def tree(reasons: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Codes and texts of a tree."""
    return [line for one in reasons for line in [(one["code"], one["text"]), *tree(one["children"])]]


def waits_for_a(tidemill: Program) -> bool:
    """Whether everything that was going to happen has."""
    found = asked(tidemill, "1/c", "2/c", "1/retried", "2/retried")
    retries = [one["reasons"][0]["code"] for one in found[2:]]
    return all(("parent-failed" in dict(tree(one["reasons"]))) for one in found[:2]) and retries == ["retry-delay"] * 2


def test_the_same_is_told_of_a_run_that_is_alive_stopped_or_killed(
    home: Path, tidemill: Program, wait_until: Callable[..., None]
) -> None:
    """The explanation is the scheduler's while it runs; afterwards it comes from the record, which is left as it is."""
    run = install(home)
    assert tidemill("play", "w").returncode == 0
    wait_until(lambda: waits_for_a(tidemill), "two cycles to get stuck", 30)
    tasks = ("1/c", "2/d", "1/a", "1/retried", "5/c", "1/b")
    alive = asked(tidemill, *tasks)
    with WorkflowRuntimeClient("w") as client:
        assert tree(client("why", {"task": "1/c"})["reasons"]) == tree(alive[0]["reasons"])
    text = tidemill("why", "w//1/c").stdout
    assert text.startswith("1/c is waiting: 1/a:succeeded is not complete\n")
    assert "✗ 1/a:succeeded is not complete: 1/a failed (ERR)  [prerequisite-unmet, parent-failed]" in text
    assert "force: tidemill set --pre=1/a:succeeded w//1/c\n" in text
    assert "or: tidemill trigger w//1/a\n" in text
    retry = alive[3]["reasons"][0]
    assert (retry["code"], retry["until"] - retry["since"] > 7190) == ("retry-delay", True)
    process = read_contact(run / ".service" / "contact").pid
    assert process is not None
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: not exists(process), "the scheduler to be gone")
    compare(tidemill, run, tasks, alive)
    assert tidemill("play", "w").returncode == 0
    assert tidemill("stop", "--now", "--max-polls=200", "--interval=0.05", "w").returncode == 0
    compare(tidemill, run, tasks, alive)


def compare(tidemill: Program, run: Path, tasks: tuple[str, ...], alive: list[dict[str, Any]]) -> None:
    """A stopped run explains its tasks as it did alive, and nothing is written."""
    before = contents(run)
    stopped = asked(tidemill, *tasks)
    assert contents(run) == before
    for one, other in zip(stopped, alive, strict=True):
        is_over = one["reasons"][0]["code"] in ("incomplete", "finished")
        assert is_over or one["reasons"][0]["code"] == "not-running"
        kept = [line for line in tree(one["reasons"]) if line[0] != "not-running"]
        assert kept == [line for line in tree(other["reasons"]) if line[0] != "stalled"]


def test_before_the_first_play(home: Path, tidemill: Program) -> None:
    """A run that was never played is explained as it would begin."""
    run = install(home)
    before = contents(run)
    answer = tidemill("why", "w//1/c")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "[not-running]" in answer.stdout
    assert "1/a:succeeded is not complete" in answer.stdout
    assert contents(run) == before


def test_what_is_not_known_fails(home: Path, tidemill: Program) -> None:
    """An unknown task or cycle point exits with 1 and a hint; what is not a task at all is an error."""
    install(home)
    answer = tidemill("why", "w//1/retrid", "w//x/a", "w//1/a")
    assert answer.returncode == 1
    assert "did you mean retried?" in answer.stdout
    assert "[unknown-point]" in answer.stdout
    for identifier in ("w", "w//1", "w//1/*"):
        answer = tidemill("why", identifier)
        assert (answer.returncode, answer.stdout) == (1, "")
        assert answer.stderr.startswith("InputError: ")
