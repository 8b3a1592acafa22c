"""Event handlers as real processes, and mail to a real server."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tidemill.flow.engine.effects import TaskEvent, WorkflowEvent
from tidemill.flow.engine.events import JobKey
from tidemill.flow.handlers.facts import RunFacts, TaskFacts
from tidemill.flow.handlers.handlers import EventHandlers
from tidemill.flow.handlers.settings import HandlerSettings

KEY = JobKey("1", "foo", 1)
DEADLINE_SECONDS = 20.0


class Handled:
    """A run directory, its event handlers, and what they logged."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.job_directory = directory / "log" / "job" / "1" / "foo" / "01"
        self.job_directory.mkdir(parents=True)
        (directory / ".service").mkdir()
        self.lines: list[tuple[str, str]] = []
        self.handlers: EventHandlers

    def open(self, *, run_mode: str = "live", **settings: Any) -> EventHandlers:
        """The handlers of a (new) scheduler."""
        settings.setdefault("environment", {"PATH": os.environ["PATH"], "CYLC_WORKFLOW_ID": "tides"})
        run = RunFacts(
            workflow="tides",
            run_directory=self.directory,
            uuid="u",
            host="localhost",
            port=43001,
            owner="someone",
            run_mode=run_mode,
        )
        self.handlers = EventHandlers(
            run,
            HandlerSettings(**settings),
            log=lambda level, text: self.lines.append((level, text)),
            loop=asyncio.get_running_loop(),
        )
        return self.handlers

    def task_event(self, name: str, message: str = "", key: JobKey = KEY, **runtime: Any) -> None:
        """A task event of a task with these `[events]`; `__` in a name stands for a blank."""
        mail = runtime.pop("mail", {})
        events = {item.replace("__", " "): value for item, value in runtime.items()}
        facts = TaskFacts(key=key, runtime={"events": events, "mail": mail})
        self.handlers.task_event(TaskEvent(name, key, message), facts)

    async def settled(self, *, retries: bool = True) -> None:
        """Everything has been handled."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.handlers.settled(retries=retries)

    @property
    def activity(self) -> str:
        """What the job's activity log says."""
        path = self.job_directory / "job-activity.log"
        return path.read_text() if path.exists() else ""

    def logged(self, level: str) -> list[str]:
        """What was logged at a level."""
        return [text for at, text in self.lines if at == level]


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Handled]:
    """A run directory; what was opened on it is closed."""
    found = Handled(tmp_path / "run")
    yield found
    if hasattr(found, "handlers"):
        found.handlers.stop()
        await found.settled(retries=False)
        found.handlers.close()


async def test_a_task_handler_runs_in_the_run_directory_and_is_recorded_beside_its_job(run: Handled) -> None:
    """A handler sees the run directory and its environment; its result is in the job's activity log."""
    run.open()
    run.task_event("failed", "job failed", failed__handlers=['echo %(id)s %(message)s "$CYLC_WORKFLOW_ID"; pwd'])
    await run.settled()
    tag = "[(('event-handler-00', 'failed'), 1)"
    assert run.activity == (
        f"{tag} cmd] echo 1/foo 'job failed' \"$CYLC_WORKFLOW_ID\"; pwd\n{tag} ret_code] 0\n"
        f"{tag} out]\n1/foo job failed tides\n{run.directory}\n"
    )
    assert not run.logged("ERROR")


async def test_a_handler_that_fails_is_in_the_log_too(run: Handled) -> None:
    """A failure is an error in the scheduler's log, with what the handler said."""
    run.open()
    run.task_event("failed", "oh", failed__handlers=["echo bad >&2; exit 3; echo"])
    await run.settled()
    assert "[(('event-handler-00', 'failed'), 1) ret_code] 3" in run.activity
    assert "[(('event-handler-00', 'failed'), 1) err] bad" in run.logged("ERROR")[0]
    assert run.logged("WARNING") == ["1/foo/01 handler:event-handler-00 for task event:failed failed"]


async def test_the_first_delay_is_before_the_first_try_and_the_last_try_is_the_last(run: Handled) -> None:
    """As many tries as delays, each after its own; then the handler has failed (Cylc 8.5 behaviour)."""
    run.open()
    began = time.monotonic()
    run.task_event("failed", failed__handlers=["date >> tries; false"], handler__retry__delays=[0.3, 0.2])
    assert not run.handlers.is_settled()
    assert run.handlers.is_settled(retries=False)
    await run.settled()
    assert time.monotonic() - began >= 0.5
    assert len((run.directory / "tries").read_text().splitlines()) == 2
    assert len(run.logged("WARNING")) == 1


async def test_a_try_that_succeeds_is_the_last(run: Handled) -> None:
    """No retry follows a success."""
    run.open()
    handler = "test -e once && echo done > twice; touch once; test -e twice; #"
    run.task_event("failed", failed__handlers=[handler], handler__retry__delays=[0.0, 0.05, 0.05, 0.05])
    await run.settled()
    assert run.activity.count("ret_code]") == 2
    assert not run.logged("WARNING")


async def test_events_that_come_again_are_numbered(run: Handled) -> None:
    """Warnings, critical and custom events of a task are told apart in its records."""
    run.open()
    for text in ("one", "two"):
        run.task_event("warning", text, handlers=["echo"], handler__events=["warning"])
    await run.settled()
    assert "[(('event-handler-00', 'warning-1'), 1) out] warning tides 1/foo one" in run.activity
    assert "[(('event-handler-00', 'warning-2'), 1) out] warning tides 1/foo two" in run.activity


async def test_a_bad_template_is_an_error_in_the_log_and_the_others_run(run: Handled) -> None:
    """One handler that cannot be made does not keep the rest from running."""
    run.open(events={"startup handlers": ["echo %(rubbish)s", "echo %(event)s"]})
    run.handlers.workflow_event(WorkflowEvent("startup", "workflow starting"))
    run.task_event("failed", failed__handlers=["echo %(rubbish)s", "echo %(event)s"])
    await run.settled()
    first, second = run.logged("ERROR")
    assert first.startswith("('workflow-event-handler-00', 'startup') bad template: echo %(rubbish)s\nthere is no")
    assert second.startswith("(('event-handler-00', 'failed'), 1) bad template: echo %(rubbish)s\n1/foo/01: there")
    assert "[('workflow-event-handler-01', 'startup') out] startup" in run.logged("INFO")[0]
    assert "[(('event-handler-01', 'failed'), 1) out] failed" in run.activity


async def test_a_failed_handler_of_a_workflow_event_is_named(run: Handled) -> None:
    """The log has the whole record, and a line that names the event."""
    run.open(events={"stall handlers": ["nothing-of-this-name"]})
    run.handlers.workflow_event(WorkflowEvent("stall", "workflow stalled"))
    await run.settled()
    record, line = run.logged("ERROR")
    assert "[('workflow-event-handler-00', 'stall') ret_code] 127" in record
    assert line == "stall EVENT HANDLER FAILED"


async def test_no_more_run_at_once_than_the_pool_holds_and_the_loop_is_never_held_up(run: Handled) -> None:
    """Ten handlers of half a second with a pool of five take a second, in which the loop turns freely."""
    run.open(pool_size=5)
    began = time.monotonic()
    run.task_event("failed", failed__handlers=["echo %(event)s; sleep 0.5"] * 10)
    longest = 0.0
    last = time.monotonic()
    while not run.handlers.is_settled():
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - last)
        last = time.monotonic()
    assert 1.0 <= time.monotonic() - began < 4.0
    assert longest < 0.3
    assert run.activity.count("ret_code] 0") == 10


async def test_a_handler_that_takes_too_long_is_killed_with_all_it_started(run: Handled) -> None:
    """After the pool's timeout a handler is ended; the record says why."""
    run.open(timeout_seconds=0.3)
    run.task_event("failed", failed__handlers=["echo %(event)s; sh -c 'sleep 60; touch late' | cat"])
    await run.settled()
    assert "[(('event-handler-00', 'failed'), 1) ret_code] -9" in run.activity
    assert "killed on timeout (0.3 s)" in run.activity
    assert "out] failed" in run.activity


async def test_a_process_left_in_the_background_does_not_hold_up_its_handler(run: Handled) -> None:
    """A handler is over when its command is, whatever it leaves behind."""
    run.open()
    began = time.monotonic()
    run.task_event("failed", failed__handlers=["sleep 5 & echo %(event)s"])
    await run.settled()
    assert time.monotonic() - began < 4.0
    assert "out] failed" in run.activity


async def test_a_flood_of_output_is_cut(run: Handled) -> None:
    """A record holds the beginning of what a handler says."""
    run.open()
    run.task_event("failed", failed__handlers=["yes %(event)s | head -c 1000000"])
    await run.settled()
    assert len(run.activity) < 100_000
    assert "... and 934464 bytes more" in run.activity


async def test_what_waits_for_its_time_is_left_to_the_next_scheduler(run: Handled) -> None:
    """A handler that was not due when the scheduler stopped runs when the workflow is played again."""
    run.open()
    run.task_event("failed", failed__handlers=["touch %(name)s"], handler__retry__delays=[0.2])
    run.handlers.close()
    kept = json.loads((run.directory / ".service" / "event-handlers.json").read_text())
    assert [entry["command"] for entry in kept] == ["touch foo"]
    assert "left for when the workflow is played again" in run.logged("WARNING")[0]

    run.open().resume()
    assert not (run.directory / ".service" / "event-handlers.json").exists()
    await run.settled()
    assert (run.directory / "foo").exists()


async def test_stopping_at_once_kills_what_runs_and_keeps_what_does_not(run: Handled) -> None:
    """A running handler is ended, and one that had not begun is left to the next scheduler."""
    run.open(pool_size=1)
    run.task_event("failed", failed__handlers=["echo %(name)s > began; sleep 60", "touch %(name)s"])
    await eventually(lambda: (run.directory / "began").exists())
    began = time.monotonic()
    run.handlers.stop()
    await run.settled(retries=False)
    run.handlers.close()
    assert time.monotonic() - began < 10.0
    assert "the scheduler was told to stop at once" in run.activity
    assert "touch foo" in (run.directory / ".service" / "event-handlers.json").read_text()


@pytest.mark.parametrize(("run_mode", "task_mode"), [("simulation", "live"), ("dummy", "live"), ("live", "skip")])
async def test_tasks_that_do_not_run_for_real_have_no_handlers(run: Handled, run_mode: str, task_mode: str) -> None:
    """Handlers of simulated, dummy and skipped tasks are off, unless the workflow says otherwise."""
    run.open(run_mode=run_mode)
    events = {"failed handlers": ["touch %(event)s"]}
    runtime = {"events": events, "run mode": task_mode}
    event = TaskEvent("failed", KEY)
    run.handlers.task_event(event, TaskFacts(key=KEY, runtime=runtime))
    await run.settled()
    assert not (run.directory / "failed").exists()
    section = "skip" if task_mode == "skip" else "simulation"
    on = {**runtime, section: {"disable task event handlers": False}}
    run.handlers.task_event(event, TaskFacts(key=KEY, runtime=on))
    await run.settled()
    assert (run.directory / "failed").exists()


async def test_a_task_without_a_job_has_its_record_in_the_schedulers_log(run: Handled) -> None:
    """An expired task has no job directory; its handlers are recorded all the same."""
    run.open()
    run.task_event("expired", "late", JobKey("1", "never", 0), expired__handlers=["echo %(event)s"])
    await run.settled()
    assert "[(('event-handler-00', 'expired'), 0) out] expired" in run.logged("INFO")[0]
    assert not (run.directory / "log" / "job" / "1" / "never").exists()


# -- mail --------------------------------------------------------------------------------------------------------------


class Mailbox:
    """Takes mail over SMTP; refuses it for anyone whose name begins with ``nobody``."""

    def __init__(self) -> None:
        self.mails: list[tuple[Envelope, Message]] = []
        self.came = threading.Event()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((envelope, message_from_bytes(content)))
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        """What the mails are about."""
        return [str(message["Subject"]) for _, message in self.mails]


@pytest.fixture
def mailbox(free_port: int) -> Iterator[tuple[Mailbox, str]]:
    """A mail server on loopback, and its address."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port)
    controller.start()
    yield box, f"127.0.0.1:{free_port}"
    controller.stop()


@pytest.fixture
def free_port() -> int:
    """A port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_workflow_event_is_mailed_at_once(run: Handled, mailbox: tuple[Mailbox, str]) -> None:
    """Mail about the workflow goes to `[mail]to`, from `[mail]from`, with the footer."""
    box, server = mailbox
    mail = {"to": "a@b.org, c@d.org", "from": "tides@b.org", "footer": "see http://x/%(workflow)s"}
    run.open(events={"mail events": ["stall"]}, mail=mail, mail_server=server)
    run.handlers.workflow_event(WorkflowEvent("stall", "workflow stalled"))
    run.handlers.workflow_event(WorkflowEvent("shutdown", "AUTOMATIC"))
    await run.settled()
    ((envelope, message),) = box.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("tides@b.org", ["a@b.org", "c@d.org"])
    assert message["Subject"] == "[workflow stall] tides"
    body = str(message.get_payload()).replace("\r\n", "\n")
    assert body.startswith("event: stall\nmessage: workflow stalled\nworkflow: tides\n")
    assert body.endswith("see http://x/tides\n")
    assert "[('workflow-event-mail', 'stall') ret_code] 0" in run.logged("INFO")[0]


async def test_task_events_are_gathered_into_one_mail_for_each_receiver(
    run: Handled, mailbox: tuple[Mailbox, str]
) -> None:
    """Events of one interval share a mail; another task's receivers get one of their own."""
    box, server = mailbox
    run.open(mail={"to": "a@b.org", "from": "x@b.org", "task event batch interval": 0.5}, mail_server=server)
    mailed = ["submitted", "started", "failed"]
    for event in ("submitted", "started"):
        run.task_event(event, f"job {event}", mail__events=mailed)
    run.task_event("started", "job started", mail__events=mailed, mail={"to": "c@d.org"})
    run.task_event("succeeded", "job succeeded", mail__events=mailed)
    await eventually(lambda: len(box.mails) >= 2)
    assert sorted(box.subjects) == ["[1/foo/01 started] tides", "[2 task events] tides"]
    began = time.monotonic()
    run.task_event("failed", "job failed", mail__events=mailed)
    await eventually(lambda: len(box.mails) >= 3)
    assert time.monotonic() - began > 0.2
    await run.settled()
    assert run.activity.count("[(('event-mail', 'failed'), 1) ret_code] 0") == 1
    assert run.activity.count("event-mail") == 4


async def test_mail_that_waits_for_its_batch_is_sent_before_the_end(run: Handled, mailbox: tuple[Mailbox, str]) -> None:
    """A scheduler that stops does not keep mail back."""
    box, server = mailbox
    run.open(mail={"to": "a@b.org", "task event batch interval": 300.0, "from": "x@b.org"}, mail_server=server)
    run.task_event("started", mail__events=["started", "failed"])
    await run.settled()
    run.task_event("failed", mail__events=["started", "failed"])
    await run.settled()
    assert box.subjects == ["[1/foo/01 started] tides", "[1/foo/01 failed] tides"]


async def test_mail_that_is_not_taken_is_an_error_in_the_log(run: Handled, mailbox: tuple[Mailbox, str]) -> None:
    """Whom mail did not reach, and why, is in the log and beside the job."""
    _, server = mailbox
    run.open(mail={"to": "nobody@b.org", "from": "x@b.org"}, mail_server=server)
    run.task_event("failed", "job failed", mail__events=["failed"])
    await run.settled()
    (error,) = run.logged("ERROR")
    assert "nobody@b.org: 550 no such person" in error
    assert "1/foo/01 failed" in error
    assert "[(('event-mail', 'failed'), 1) ret_code] 1" in run.activity


async def test_a_mail_server_that_is_not_there_is_an_error_in_the_log(run: Handled, free_port: int) -> None:
    """A run goes on without its mail."""
    run.open(events={"mail events": ["stall"]}, mail_server=f"127.0.0.1:{free_port}")
    run.handlers.workflow_event(WorkflowEvent("stall", "workflow stalled"))
    await run.settled()
    assert f"127.0.0.1:{free_port} did not take mail to someone" in run.logged("ERROR")[0]
