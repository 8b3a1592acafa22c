"""Messages of real jobs, by the commands they find on their PATH, to a real server."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.contact.file import ContactFile
from tidemill.contact.keys import create_keys
from tidemill.contact.paths import contact_path, current_user, run_directory, service_directory
from tidemill.flow.engine.effects import JobSpecification
from tidemill.flow.engine.events import Event, JobFailed, JobKey, JobMessage, JobStarted, JobSucceeded
from tidemill.flow.jobs.background import BackgroundRunner, job_process_environment
from tidemill.flow.jobs.context import WorkflowContext
from tidemill.flow.jobs.manager import JobManager
from tidemill.flow.jobs.status import read_status
from tidemill.flow.language.definition import TaskDefinition
from tidemill.network.expose import expose
from tidemill.network.server import WorkflowRuntimeServer

WORKFLOW = "tides/run1"
DEADLINE_SECONDS = 30.0


class Scheduler:
    """What a server needs, around a job manager; keeps what happened in order."""

    def __init__(self, home: Path) -> None:
        self.workflow = WORKFLOW
        self.owner = current_user()
        self.service_directory = service_directory(WORKFLOW)
        self.happened: list[Event | tuple[str, str, str]] = []
        context = WorkflowContext(
            workflow=WORKFLOW,
            run_directory=run_directory(WORKFLOW),
            uuid="8d1f3e70-0000-4000-8000-000000000000",
            host="127.0.0.1",
            owner=self.owner,
            initial_cycle_point="1",
            final_cycle_point=None,
            cycling_mode="integer",
        )
        environment = job_process_environment({**os.environ, "HOME": str(home)})
        runner = BackgroundRunner(context, environment=environment)
        self.manager = JobManager(context, self.happened.extend, asyncio.get_running_loop(), runner=runner)
        self.manager.start()
        self.directory = context.job_root

    def log(self, level: str, text: str) -> None:
        """Nothing is done with the server's log here."""

    async def run(self, script: str) -> JobKey:
        """Run a job with this script to its end."""
        runtime: dict[str, Any] = {"script": script}
        definition = TaskDefinition("foo", ("foo", "root"), "root", runtime, (), {}, "succeeded")
        key = JobKey("1", "foo", 1)
        self.manager.submit([JobSpecification(key, definition, runtime, 1, (1,))])
        await until(lambda: any(isinstance(what, JobSucceeded | JobFailed) for what in self.happened))
        return key

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Severities and texts that arrived over the network."""
        return [(what[1], what[2]) for what in self.happened if isinstance(what, tuple)]


class Server(WorkflowRuntimeServer):
    """Takes messages the way the scheduler does: what jobs told the FIFO comes first."""

    @expose
    def put_messages(self, task_job: str, event_time: str, messages: list[list[str]]) -> str:
        """Take messages of a job."""
        assert isinstance(self.schd, Scheduler)
        self.schd.manager.drain()
        self.schd.happened.extend((task_job, severity, text) for severity, text in messages)
        return "taken"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        await asyncio.sleep(0.005)


@pytest.fixture
async def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scheduler]:
    monkeypatch.setenv("TIDEMILL_RUN_DIR", str(tmp_path / "runs"))
    scheduler = Scheduler(tmp_path)
    create_keys(scheduler.service_directory)
    server = Server(scheduler)
    ports = server.start(asyncio.get_running_loop(), "127.0.0.1", (0, 0))
    contact = ContactFile.of_this_process(
        WORKFLOW,
        "127.0.0.1",
        *ports,
        run_directory=run_directory(WORKFLOW),
        owner=scheduler.owner,
        uuid="8d1f3e70-0000-4000-8000-000000000000",
        version="0",
    )
    contact.write(contact_path(WORKFLOW))
    yield scheduler
    scheduler.manager.close()
    await server.stop("end of test")


async def test_messages_arrive_after_the_start_and_in_order(scheduler: Scheduler) -> None:
    """Every form of `cylc message` is recorded and reaches the scheduler, in order, after the start."""
    key = await scheduler.run(
        """
        cylc message -- "$CYLC_WORKFLOW_ID" "$CYLC_TASK_JOB" "first" "WARNING: second"
        tidemill message "third: with a colon"
        cylc task-message -s critical fourth
        cylc message -p CUSTOM "cheesy peas"
        cylc message -- "${CYLC_WORKFLOW_ID} "${CYLC_TASK_JOB} "file 1 done"
        printf 'one\\nmore\\n\\nDEBUG:two\\n' | cylc message -- "$CYLC_WORKFLOW_ID" "$CYLC_TASK_JOB" -
        """
    )
    expected = [
        ("INFO", "first"),
        ("WARNING", "second"),
        ("third", "with a colon"),
        ("CRITICAL", "fourth"),
        ("CUSTOM", "cheesy peas"),
        ("INFO", "tides/run1 1/foo/01"),
        ("INFO", "file 1 done"),
        ("INFO", "one\nmore"),
        ("DEBUG", "two"),
    ]
    assert scheduler.messages == expected
    kinds = [type(what) for what in scheduler.happened]
    assert kinds.index(JobStarted) < kinds.index(tuple)
    assert kinds[-1] is JobSucceeded
    status = read_status(scheduler.directory / str(key))
    assert [(severity, text) for _, severity, text in status.messages] == expected
    assert "CRITICAL - fourth" in (scheduler.directory / str(key) / "job.err").read_text()
    assert "INFO - first" in (scheduler.directory / str(key) / "job.out").read_text()


async def test_a_message_without_a_scheduler_is_recorded(scheduler: Scheduler) -> None:
    """Where the scheduler cannot be reached, the message is in job.status, and the job goes on."""
    contact_path(WORKFLOW).unlink()
    key = await scheduler.run("cylc message lost; echo code $?")
    assert scheduler.messages == []
    assert isinstance(scheduler.happened[-1], JobSucceeded)
    assert "code 0" in (scheduler.directory / str(key) / "job.out").read_text()
    assert [text for _, _, text in read_status(scheduler.directory / str(key)).messages] == ["lost"]
    assert "not sent to tides/run1" in (scheduler.directory / str(key) / "job.err").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "no message"),
        (["--nonsense", "x"], 2, "no option --nonsense"),
        (["one two: three"], 1, "a colon may follow its first word only"),
        (["-s"], 2, "-s needs a value"),
        (["x"], 1, "which job is this?"),
        (["no/such/run", "1/foo/01", "x"], 1, "not sent to no/such/run"),
    ],
)
async def test_wrong_use_says_what_is_wrong(scheduler: Scheduler, arguments: list[str], code: int, words: str) -> None:
    """Wrong arguments end with a message and a code, never with a traceback."""
    shim = scheduler.service_directory / "bin" / "cylc"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CYLC_")}
    process = await asyncio.create_subprocess_exec(
        str(shim), "message", *arguments, env=environment, stderr=subprocess.PIPE
    )
    _, err = await process.communicate()
    assert process.returncode == code
    assert words in err.decode()
    assert "Traceback" not in err.decode()


async def test_a_message_is_cheap(scheduler: Scheduler) -> None:
    """A message costs less than 100 ms of CPU, shell included (the best of a few, as other work disturbs)."""
    shim = scheduler.service_directory / "bin" / "cylc"
    costs = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = await asyncio.create_subprocess_exec(
            str(shim), "message", "--", WORKFLOW, "1/foo/01", "hello", stdout=subprocess.DEVNULL
        )
        assert await process.wait() == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert len(scheduler.messages) == 5
    print(costs)
    assert min(costs) < 0.1


async def test_a_message_refused_by_a_running_scheduler_still_reaches_it(scheduler: Scheduler) -> None:
    """What cannot be sent over the network arrives by the FIFO, before the end of the job."""
    contact_path(WORKFLOW).unlink()
    await scheduler.run("cylc message 'WARNING:by another way'; cylc message \"$(printf 'x%.0s' {1..600})\"")
    told = [(what.severity, what.text) for what in scheduler.happened if isinstance(what, JobMessage)]
    assert told[0] == ("WARNING", "by another way")
    assert isinstance(scheduler.happened[-1], JobSucceeded)
