"""Events of whole runs, played by the real scheduler, with handlers that do things."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

from tidemill.flow.engine.engine import Engine, Turn
from tidemill.flow.prepare import PlayOptions, make_plan
from tidemill.flow.scheduler import Scheduler

Tidemill = Callable[..., "subprocess.CompletedProcess[str]"]

TELL = 'echo %(event)s"|"%(message)s >> told'

EVERYTHING = f"""
[meta]
    title = every event
[scheduler]
    [[events]]
        handlers = {TELL}
        handler events = startup, shutdown, abort, stall, stall timeout, workflow timeout, inactivity timeout
        stall timeout = PT2S
        abort on stall timeout = True
[scheduling]
    [[graph]]
        R1 = "good? & bad? & tired & unfit"
[runtime]
    [[root]]
        [[[events]]]
            handlers = echo %(id)s"|"%(event)s"|"%(message)s"|"%(submit_num)s >> told
            handler events = \\
                submitted, started, succeeded, failed, retry, submission failed, submission retry, warning, custom, mile
    [[good]]
        script = \"\"\"
            cylc__job__wait_cylc_message_started
            cylc message -- "$CYLC_WORKFLOW_ID" "$CYLC_TASK_JOB" "WARNING:careful" "CUSTOM:by the way" "a mile"
        \"\"\"
        [[[outputs]]]
            mile = a mile
    [[bad]]
        script = false
        execution retry delays = PT0S
    [[tired]]
        script = true
    [[unfit]]
        script = "if true"
        submission retry delays = PT0S
"""


def install(home: Path, text: str, name: str = "events") -> Path:
    """A run directory with a workflow."""
    run = home / "cylc-run" / name
    run.mkdir(parents=True)
    (run / "flow.cylc").write_text(text)
    return run


def told(run: Path) -> list[str]:
    """What handlers have written."""
    path = run / "told"
    return path.read_text().splitlines() if path.exists() else []


def log_of(run: Path) -> str:
    """The scheduler's log."""
    return (run / "log" / "scheduler" / "log").read_text()


def test_every_event_of_a_run_reaches_its_handlers(home: Path, tidemill: Tidemill) -> None:
    """Submission, start, messages, outputs, retries, failures, stall and its timeout, start-up and shutdown."""
    run = install(home, EVERYTHING)
    played = tidemill("play", "--no-detach", "events")
    assert played.returncode == 1, played.stderr
    lines = told(run)
    assert lines[0] == "startup|workflow starting"
    assert lines[-1] == 'shutdown|"abort on stall timeout" is set'
    names = {line.rsplit("|", 2 if line.count("|") > 2 else 1)[0] for line in lines}
    assert {
        "1/good|submitted",
        "1/good|started",
        "1/good|warning",
        "1/good|custom",
        "1/good|mile",
        "1/good|succeeded",
        "1/bad|retry",
        "1/bad|failed",
        "1/tired|succeeded",
        "1/unfit|submission retry",
        "1/unfit|submission failed",
        "stall",
        "stall timeout",
    } <= names, lines
    assert "1/good|warning|careful|1" in lines
    assert "1/good|mile|a mile|1" in lines
    assert next(line for line in lines if line.startswith("1/bad|failed")).endswith("|2")
    activity = (run / "log" / "job" / "1" / "bad" / "02" / "job-activity.log").read_text()
    assert "[(('event-handler-00', 'failed'), 2) ret_code] 0" in activity


def test_a_handler_can_call_on_its_own_scheduler(home: Path, tidemill: Tidemill) -> None:
    """`cylc` and `tidemill` are on PATH, the run's `bin` too, and the scheduler answers while handlers run."""
    run = install(
        home,
        """
[scheduling]
    [[graph]]
        R1 = foo
[runtime]
    [[foo]]
        script = true
        [[[events]]]
            succeeded handlers = mine %(workflow)s
""",
    )
    (run / "bin").mkdir()
    script = run / "bin" / "mine"
    script.write_text('#!/bin/sh\ncylc ping "$1" > "$CYLC_WORKFLOW_RUN_DIR/told" && echo "$PWD" >> told\n')
    script.chmod(0o755)
    assert tidemill("play", "--no-detach", "events").returncode == 0
    assert told(run)[-1] == str(run)
    assert len(told(run)) == 2


def test_a_run_ends_when_its_handlers_have(home: Path, tidemill: Tidemill) -> None:
    """A scheduler with nothing else to do waits for handlers, those that are to be tried again included."""
    run = install(
        home,
        """
[scheduling]
    [[graph]]
        R1 = foo
[runtime]
    [[foo]]
        [[[events]]]
            succeeded handlers = "echo tried %(name)s >> told; false"
            handler retry delays = PT0S, PT1S
""",
    )
    assert tidemill("play", "--no-detach", "events").returncode == 0
    assert told(run) == ["tried foo", "tried foo"]
    log = log_of(run)
    assert "1/foo/01 handler:event-handler-00 for task event:succeeded failed" in log
    assert log.index("task event:succeeded failed\n") < log.index("Workflow shutting down - AUTOMATIC")


def test_a_handler_that_could_never_run_is_told_of_at_the_start(home: Path, tidemill: Tidemill) -> None:
    """A bad template of a task is an error in the log before anything runs; the run goes on."""
    run = install(
        home,
        """
[scheduling]
    [[graph]]
        R1 = foo
[runtime]
    [[foo]]
        [[[events]]]
            late handlers = echo %(rubbish)s
""",
    )
    assert tidemill("play", "--no-detach", "events").returncode == 0
    log = log_of(run)
    assert "ERROR - task foo: bad template in [events]late handlers: echo %(rubbish)s" in log


def test_what_was_to_be_tried_later_is_tried_in_the_next_run(
    home: Path, tidemill: Tidemill, wait_until: Callable[..., None]
) -> None:
    """`stop --now` does not wait for a handler's time; playing again takes it up."""
    run = install(
        home,
        """
[scheduling]
    [[graph]]
        R1 = foo
[runtime]
    [[foo]]
        script = false
        [[[events]]]
            failed handlers = "echo %(event)s >> told"
            handler retry delays = PT4S
""",
    )
    assert tidemill("play", "events").returncode == 0
    contact = run / ".service" / "contact"
    wait_until(lambda: "Workflow stalled" in log_of(run), "the failure")
    assert tidemill("stop", "--now", "events").returncode == 0
    wait_until(lambda: not contact.exists(), "the scheduler to stop")
    assert told(run) == []
    assert (run / ".service" / "event-handlers.json").exists()
    assert tidemill("play", "events").returncode == 0
    wait_until(lambda: told(run) == ["failed"], "the handler")
    assert tidemill("stop", "--now", "events").returncode == 0
    wait_until(lambda: not contact.exists(), "the scheduler to stop again")


async def test_a_scheduler_that_fails_runs_its_abort_handlers(home: Path) -> None:
    """An error of the scheduler's own is an event, told of before it ends."""
    run = install(
        home,
        """
[scheduler]
    [[events]]
        abort handlers = echo %(event)s %(message)s >> told
        shutdown handlers = echo %(event)s >> told
[scheduling]
    [[graph]]
        R1 = foo
[runtime]
    [[foo]]
""",
    )
    plan = make_plan("events", run, PlayOptions(), now=time.time())

    def observer(engine: Engine, turn: Turn) -> None:
        raise RuntimeError("the terminal is on fire")

    plan.observer = observer
    assert await Scheduler(plan).run() == 1
    assert told(run) == ["abort the terminal is on fire"]


def test_mail_goes_to_the_sites_server(home: Path, tidemill: Tidemill) -> None:
    """`[scheduler][mail]smtp` of `global.cylc` is where mail goes; that of the end of a run goes too."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Mailbox

    site = home / ".cylc" / "flow"
    site.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (site / "global.cylc").write_text(f"[scheduler]\n[[mail]]\nsmtp = 127.0.0.1:{port}\nto = site@b.org\n")
    install(
        home,
        """
[scheduler]
    [[events]]
        mail events = startup, shutdown
[scheduling]
    [[graph]]
        R1 = foo
[runtime]
    [[foo]]
        [[[mail]]]
            to = task@b.org
        [[[events]]]
            mail events = started, succeeded
""",
    )
    controller = Controller(Mailbox(home / "mail"), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        assert tidemill("play", "--no-detach", "events").returncode == 0
    finally:
        controller.stop()
    mails = [message_from_bytes(path.read_bytes()) for path in (home / "mail" / "new").iterdir()]
    found = {(mail["To"], mail["Subject"]) for mail in mails}
    assert {
        ("site@b.org", "[workflow startup] events"),
        ("site@b.org", "[workflow shutdown] events"),
    } <= found
    assert "".join(mail.get_payload() for mail in mails if mail["To"] == "task@b.org").count("event: ") == 2


SLOW = """
[scheduling]
    [[graph]]
        R1 = foo
[runtime]
    [[foo]]
        script = false
        [[[events]]]
            failed handlers = "echo %(event)s >> told; sleep 60; echo end >> told"
"""


@pytest.mark.parametrize("how", ["--now --now", "signals"])
def test_a_scheduler_told_to_stop_at_once_does_not_wait(
    home: Path, tidemill: Tidemill, wait_until: Callable[..., None], how: str
) -> None:
    """`stop --now --now`, or a second signal, ends handlers that would keep the scheduler."""
    run = install(home, SLOW)
    assert tidemill("play", "events").returncode == 0
    wait_until(lambda: told(run), "the handler")
    contact = run / ".service" / "contact"
    began = time.monotonic()
    if how == "signals":
        entries = dict(line.split("=", 1) for line in contact.read_text().splitlines() if "=" in line)
        process = int(entries["CYLC_WORKFLOW_PID"])
        os.kill(process, signal.SIGTERM)
        wait_until(lambda: "Waiting for event handlers" in log_of(run), "the stop")
        os.kill(process, signal.SIGTERM)
    else:
        assert tidemill("stop", "--now", "--now", "events").returncode == 0
    wait_until(lambda: "DONE" in log_of(run), "the end")
    assert time.monotonic() - began < 20
    wait_until(lambda: not contact.exists(), "the contact file to go")
    assert told(run) == ["failed"]
    activity = (run / "log" / "job" / "1" / "foo" / "01" / "job-activity.log").read_text()
    assert "told to stop at once" in activity
