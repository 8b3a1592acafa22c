"""Receipts of commands, and waiting for their effect: real schedulers, killed where it counts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.contact.file import read_contact
from tidemill.contact.paths import contact_path
from tidemill.flow.receipts import Receipt, Receipts
from tidemill.flow.record.record import Record
from tidemill.flow.record.rows import Batch
from tidemill.network.client import WorkflowRuntimeClient
from tidemill.network.exceptions import ClientError

Program = Callable[..., subprocess.CompletedProcess[str]]
Wait = Callable[..., None]
Say = Callable[..., str]

WORKFLOW = """
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 1
    [[queues]]
        [[[one]]]
            limit = 1
            members = a, b
    [[graph]]
        R1 = "a => b => c"
[runtime]
    [[a]]
        script = "while [[ ! -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 0.05; done"
    [[b, c]]
"""


@pytest.fixture
def run(home: Path, tidemill: Program) -> Path:
    """An installed workflow ``w``."""
    directory = home / "cylc-run" / "w"
    directory.mkdir(parents=True)
    (directory / "flow.cylc").write_text(WORKFLOW)
    return directory


@pytest.fixture
def say(tidemill: Program) -> Say:
    """`say("hold", "w//1/a")`: the standard output of a command that must succeed."""

    def ask(*arguments: str) -> str:
        done = tidemill(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return ask


def ask(endpoint: str, arguments: dict[str, Any], **meta: str) -> Any:
    """Ask the scheduler of ``w``."""
    with WorkflowRuntimeClient("w") as client:
        return client(endpoint, arguments, req_meta=meta)


def kill_scheduler(wait_until: Wait) -> None:
    """`kill -9` the scheduler of ``w``."""
    process = read_contact(contact_path("w")).pid
    os.kill(process, signal.SIGKILL)

    def is_gone() -> bool:
        state = subprocess.run(["ps", "-o", "state=", "-p", str(process)], capture_output=True, text=True, check=False)
        return state.stdout.strip() in ("", "Z")

    wait_until(is_gone, "the scheduler to be gone")


def test_a_command_is_applied_once_over_a_crash(run: Path, say: Say, wait_until: Wait) -> None:
    """Sent again after `kill -9` and a restart, a command is not applied again, and answers the same; a refusal too."""
    say("play", "--pause", "w")
    trigger = {"name": "force_trigger_tasks", "arguments": {"tasks": ["1/c"], "flow": ["new"]}, "reason": "test"}
    first = ask("command", trigger, id="mine")
    assert ask("command", trigger, id="mine") == first
    assert first["result"]["tasks"] == ["1/c"]
    assert ask("wait_for", {"id": "mine", "timeout": 20.0})["done"]
    refused = {"name": "hold", "arguments": {"tasks": ["1/nosuch"]}}
    invalid = {"name": "hold", "arguments": {"tasks": ["1/c"], "nonsense": 1}}
    with pytest.raises(ClientError, match="1/nosuch") as no_match:
        ask("command", refused, id="no match")
    with pytest.raises(ClientError, match="nonsense") as not_valid:
        ask("command", invalid, id="not valid")
    ask("command", {"name": "resume"}, id="resume")
    ask("command", {"name": "pause"}, id="pause")
    kill_scheduler(wait_until)
    say("play", "--pause", "w")
    assert ask("command", trigger, id="mine") == first
    with pytest.raises(ClientError) as again:
        ask("command", refused, id="no match")
    assert str(again.value) == str(no_match.value)
    with pytest.raises(ClientError) as again:
        ask("command", invalid, id="not valid")
    assert str(again.value) == str(not_valid.value)
    # Another endpoint leads to the same command, or, with the same id, must not lead to another.
    assert ask("resume_workflow", {}, id="resume") == "resume"
    with pytest.raises(ClientError, match="used for another command, pause"):
        ask("resume_workflow", {}, id="pause")
    say("stop", "--now", "--wait", "w")
    assert sorted(path.name for path in (run / "log/job/1/c").iterdir()) == ["01", "NN"]
    receipts = json.loads(say("receipts", "--json", "w"))
    assert [receipt["id"] for receipt in receipts[:-1]] == ["mine", "no match", "not valid", "resume", "pause"]
    states = [receipt["state"] for receipt in receipts]
    assert states == ["applied", "refused", "refused", "applied", "applied", "applied"]


async def test_one_id_under_way_twice(tmp_path: Path) -> None:
    """A command that comes while the same is under way waits for it, and gets its result."""
    record = Record(tmp_path, log=lambda level, text: None)
    record.open()
    receipts = Receipts()
    applied = 0

    async def send() -> dict[str, Any]:
        nonlocal applied
        async with receipts.once(record, Receipt("x", "resume", {})) as receipt:
            if receipt.state == "received":
                applied += 1
                receipt.applied({"count": applied})
                await record.commit(Batch(tables={"receipts": [receipt.row()]}))
            return receipt.outcome()

    try:
        assert await asyncio.gather(*(send() for _ in range(5))) == [{"count": 1}] * 5
        assert len(await record.receipts(10)) == 1
    finally:
        record.close()


def test_receipts_tell_who_did_what_when_and_why(run: Path, tidemill: Program, say: Say, wait_until: Wait) -> None:
    """From the scheduler while it runs, from the record when stopped or killed: the same lines, the newest last."""
    say("play", "--pause", "w")
    say("hold", "--reason=waiting for data", "w//1/b", "w//1/c")
    assert tidemill("kill", "w//1/nosuch").returncode == 1
    say("resume", "w")
    running = say("receipts", "w").splitlines()
    assert running[0].split() == ["time", "user", "command", "what", "it", "changed", "reason", "state"]
    assert "hold " in running[1]
    assert "  1/b, 1/c  " in running[1]
    assert "  waiting for data  " in running[1]
    assert running[1].endswith("applied")
    assert "1/nosuch" in running[2]
    assert running[2].endswith("refused")
    assert "the workflow" in running[3]
    kill_scheduler(wait_until)
    assert say("receipts", "w").splitlines() == running
    (one,) = json.loads(say("receipts", "--json", "-n1", "w"))
    assert (one["name"], one["result"], one["error"]) == ("resume", {"paused": False, "was_paused": True}, "")
    assert one["time_received"] <= one["time_applied"]
    with sqlite3.connect(run / "log/db") as public:
        tables = {name for (name,) in public.execute("SELECT name FROM sqlite_master")}
    public.close()
    assert "receipts" not in tables


def test_a_stop_by_signal_has_a_receipt(run: Path, say: Say, wait_until: Wait) -> None:
    """Whoever ends a scheduler with a signal leaves that on record."""
    say("play", "--pause", "w")
    os.kill(read_contact(contact_path("w")).pid, signal.SIGTERM)
    wait_until(lambda: "DONE" in (run / "log/scheduler/log").read_text(), "the scheduler to stop")
    wait_until(lambda: "caught SIGTERM" in say("receipts", "w"), "the receipt")


def test_waiting_for_effects(run: Path, tidemill: Program, say: Say, wait_until: Wait) -> None:
    """`--wait` returns once the effect is there: submitted, ended, polled, stopped; else with 1 and what is missing."""
    say("play", "--pause", "w")
    assert say("trigger", "--until-done", "w//1/a") == "triggered 1/a"
    assert (run / "log/job/1/a/01/job").exists()
    wait_until(lambda: "=> running" in (run / "log/scheduler/log").read_text(), "a to run")
    # The queue of a and b is full.
    late = tidemill("trigger", "--until-done", "--wait-timeout=0.3", "w//1/b")
    assert (late.returncode, late.stdout) == (1, "triggered 1/b\n")
    assert "after 0.3 s 1/b is waiting" in late.stderr
    assert "Traceback" not in late.stderr
    assert say("poll", "--wait", "w//1/a") == "polled 1/a"
    for command in ("hold", "release", "set", "remove"):
        say(command, "--until-done", "w//1/c")
    say("hold", "--wait", "w//1/c")
    assert say("reload", "--wait", "w") == "reloaded"
    (killed,) = json.loads(say("kill", "--json", "--wait", "w//1/a"))
    assert killed["ok"]
    assert "1/a/01:running(held)] => failed(held)" in (run / "log/scheduler/log").read_text()
    waits = tidemill("stop", "--wait", "--wait-timeout=0.3", "w//1")
    assert waits.returncode == 1
    assert "the scheduler is still running" in waits.stderr
    assert say("stop", "--now", "--wait", "w") == "stopping now; active jobs go on"
    assert not contact_path("w").exists()


def test_a_run_begun_before_there_were_receipts(run: Path, say: Say, wait_until: Wait) -> None:
    """A record without the table is read as one without commands, and gets the table at the next start."""
    say("play", "--pause", "w")
    kill_scheduler(wait_until)
    with sqlite3.connect(run / ".service/db") as private:
        private.execute("DROP TABLE receipts")
    private.close()
    assert say("receipts", "w") == ""
    say("play", "--pause", "w")
    say("hold", "w//1/c")
    assert "1/c" in say("receipts", "w")
    say("stop", "--now", "--wait", "w")
