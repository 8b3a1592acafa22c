"""Real jobs, from their file to their end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tidemill.flow.engine.effects import JobSpecification, KillJob, PollJob
from tidemill.flow.engine.events import (
    Event,
    JobFailed,
    JobKey,
    JobMessage,
    JobStarted,
    JobSubmissionFailed,
    JobSubmitted,
    JobSucceeded,
)
from tidemill.flow.jobs.background import BackgroundRunner, job_process_environment
from tidemill.flow.jobs.context import WorkflowContext
from tidemill.flow.jobs.manager import JobManager
from tidemill.flow.jobs.status import read_status
from tidemill.flow.language.definition import TaskDefinition

DEADLINE_SECONDS = 30.0
ENDS = (JobSucceeded, JobFailed, JobSubmissionFailed)


class Run:
    """A run directory with a job manager, and the events it reported."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.home.mkdir(exist_ok=True)
        self.context = WorkflowContext(
            workflow="tides/run1",
            run_directory=directory / "cylc-run" / "tides" / "run1",
            uuid="8d1f3e70-0000-4000-8000-000000000000",
            host="localhost",
            owner="someone",
            initial_cycle_point="1",
            final_cycle_point="9",
            cycling_mode="integer",
        )
        self.events: list[Event] = []
        self.managers: list[JobManager] = []
        self.manager = self.open()

    def open(self, **runner: Any) -> JobManager:
        """A (new) scheduler's job manager on this run directory."""
        environment = job_process_environment({**os.environ, "HOME": str(self.home)})
        manager = JobManager(
            self.context,
            self.events.extend,
            asyncio.get_running_loop(),
            runner=BackgroundRunner(self.context, environment=environment, **runner),
        )
        manager.start()
        self.managers.append(manager)
        self.manager = manager
        return manager

    def job(self, task: str = "foo", number: int = 1, **runtime: Any) -> JobSpecification:
        """A job of a task with these settings; `_` in a name stands for `-`, two for a blank."""
        settings = {name.replace("__", " ").replace("_", "-"): value for name, value in runtime.items()}
        definition = TaskDefinition(
            name=task,
            namespaces=(task, "FAM", "root"),
            first_parent="FAM",
            runtime=settings,
            sequences=(),
            outputs={},
            completion="succeeded",
        )
        return JobSpecification(JobKey("1", task, number), definition, settings, number, (1,))

    def directory(self, key: JobKey) -> Path:
        return self.context.job_root / str(key)

    def text(self, key: JobKey, name: str) -> str:
        return (self.directory(key) / name).read_text()

    def of(self, key: JobKey) -> list[Event]:
        return [event for event in self.events if getattr(event, "job", None) == key]

    def ended(self, key: JobKey) -> bool:
        return any(isinstance(event, ENDS) for event in self.of(key))

    async def submit(self, job: JobSpecification) -> list[Event]:
        """Submit a job and wait for its end: the events it had."""
        self.manager.submit([job])
        await until(lambda: self.ended(job.key))
        return self.of(job.key)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        await asyncio.sleep(0.005)


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    run = Run(tmp_path)
    yield run
    for manager in run.managers:
        manager.close()


async def test_a_job_runs_from_begin_to_end(run: Run) -> None:
    """A good job is submitted, starts and succeeds, and leaves the files that Cylc's jobs leave."""
    job = run.job(
        pre_script="echo before",
        script='greeting="hello $NAME"; echo "$greeting"; pwd',
        post_script='echo "after $greeting"',
        environment={"NAME": "world", "WHERE": "~/data", "BOTH": "$NAME and $CYLC_TASK_NAME"},
    )
    events = await run.submit(job)
    assert kinds(events) == ["JobSubmitted", "JobStarted", "JobSucceeded"]
    work = run.context.run_directory / "work" / "1" / "foo"
    out = run.text(job.key, "job.out")
    assert out.startswith("Workflow : tides/run1\nJob : 1/foo/01 (try 1)\nUser@Host: ")
    assert f"before\nhello world\n{work}\nafter hello world\n" in out
    assert "INFO - started" in out
    assert "INFO - succeeded" in out
    assert run.text(job.key, "job.err") == ""
    assert not work.exists()
    assert os.readlink(run.directory(job.key).with_name("NN")) == "01"
    status = read_status(run.directory(job.key))
    submitted = events[0]
    assert isinstance(submitted, JobSubmitted)
    assert (status.runner, status.exit, status.job_id) == ("background", "SUCCEEDED", submitted.job_id)
    assert status.process_id == int(submitted.job_id)
    assert status.start_time is not None
    assert status.exit_time is not None
