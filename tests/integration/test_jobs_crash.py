"""kill -9 of a scheduler at any moment: every job that ran is known, none runs twice, none is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.flow.engine.effects import JobSpecification
from tidemill.flow.engine.events import (
    Event,
    JobFailed,
    JobKey,
    JobStarted,
    JobSubmissionFailed,
    JobSubmitted,
    JobSucceeded,
)
from tidemill.flow.jobs.background import BackgroundRunner, job_process_environment
from tidemill.flow.jobs.context import WorkflowContext
from tidemill.flow.jobs.manager import JobManager
from tidemill.flow.language.definition import TaskDefinition

DEADLINE_SECONDS = 60.0
JOBS = 60
SCRIPT = 'echo run >> "$CYLC_WORKFLOW_RUN_DIR/ran/$CYLC_TASK_NAME"; sleep 0.05'


def job_manager(directory: Path, report: Callable[[list[Event]], None]) -> JobManager:
    """The job manager of a scheduler of the run in a directory, jobs' home included."""
    run = directory / "run"
    (run / "ran").mkdir(parents=True, exist_ok=True)
    context = WorkflowContext(
        workflow="tides",
        run_directory=run,
        uuid="8d1f3e70-0000-4000-8000-000000000000",
        host="localhost",
        owner="someone",
        initial_cycle_point="1",
        final_cycle_point=None,
        cycling_mode="integer",
    )
    environment = job_process_environment({**os.environ, "HOME": str(directory)})
    runner = BackgroundRunner(context, environment=environment)
    manager = JobManager(context, report, asyncio.get_running_loop(), runner=runner)
    manager.start()
    return manager


def jobs() -> list[JobSpecification]:
    """What the engine decided to submit, and wrote down, before the crash."""
    found = []
    for number in range(JOBS):
        name = f"t{number}"
        runtime = {"script": SCRIPT}
        definition = TaskDefinition(name, (name, "root"), "root", runtime, (), {}, "succeeded")
        found.append(JobSpecification(JobKey("1", name, 1), definition, runtime, 1, (1,)))
    return found


async def submit_and_wait(directory: Path) -> None:
    """The scheduler that is going to be killed."""
    manager = job_manager(directory, lambda _: None)
    manager.submit(jobs())
    await asyncio.sleep(DEADLINE_SECONDS)


@pytest.mark.parametrize("started", [0, 1, 3, 10, 25, 59])
async def test_every_job_runs_once_over_a_kill(tmp_path: Path, started: int) -> None:
    """A scheduler killed after some jobs were written, the next one recovers all: each runs exactly once."""
    root = tmp_path / "run" / "log" / "job" / "1"
    code = (
        "import asyncio, importlib.util, sys; from pathlib import Path\n"
        "spec = importlib.util.spec_from_file_location('crash', sys.argv[1])\n"
        "crash = importlib.util.module_from_spec(spec); spec.loader.exec_module(crash)\n"
        "asyncio.run(crash.submit_and_wait(Path(sys.argv[2])))\n"
    )
    scheduler = await asyncio.create_subprocess_exec(sys.executable, "-c", code, __file__, str(tmp_path))
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not root.is_dir() or len(os.listdir(root)) < started:
        assert time.monotonic() < deadline
        assert scheduler.returncode is None
        await asyncio.sleep(0)
    scheduler.send_signal(signal.SIGKILL)
    await scheduler.wait()

    events: list[Event] = []
    manager = job_manager(tmp_path, events.extend)
    wanted = jobs()
    try:
        manager.recover(wanted)
        while sum(isinstance(event, JobSucceeded | JobFailed | JobSubmissionFailed) for event in events) < JOBS:
            assert time.monotonic() < deadline, "some job never ended"
            await asyncio.sleep(0.01)
    finally:
        manager.close()
    for job in wanted:
        mine = [type(event) for event in events if getattr(event, "job", None) == job.key]
        assert mine == [JobSubmitted, JobStarted, JobSucceeded]
        ran = (tmp_path / "run" / "ran" / job.key.task).read_text()
        assert Counter(ran.split()) == {"run": 1}
