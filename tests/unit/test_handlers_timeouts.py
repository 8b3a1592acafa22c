"""Submission and execution timeouts, and late instances, on the engine's clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.flow.engine.effects import PollJob, TaskEvent
from tidemill.flow.engine.engine import Engine, Turn
from tidemill.flow.engine.events import Start, Tick
from tidemill.flow.engine.proxy import JobTimes, TaskProxy
from tidemill.flow.engine.timeouts import Timeouts
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config

CYCLE = "20200101T0000Z"
POINT_SECONDS = 1_577_836_800.0
TEXT = """
[scheduling]
    initial cycle point = 20200101T00Z
    [[graph]]
        R1 = foo
[runtime]
    [[foo]]
        [[[events]]]
            submission timeout = PT10S
            execution timeout = PT1M
            late offset = PT1H
"""


class Watched:
    """An engine with one instance, and timeouts that watch it."""

    def __init__(self, directory: Path) -> None:
        (directory / "flow.cylc").write_text(TEXT)
        self.engine = Engine(build_definition(load_config(str(directory)), now=POINT_SECONDS))
        self.turn_at(POINT_SECONDS)
        found = self.engine.find(CYCLE, "foo")
        assert found is not None
        self.proxy: TaskProxy = found
        self.timeouts = Timeouts(self.engine)

    def turn_at(self, time: float) -> Turn:
        """What a turn of the engine at a time comes to."""
        self.engine.handle(Start(time) if not self.engine.pool else Tick(time))
        while not self.engine.advance(10):
            pass
        return self.engine.take()

    def told_at(self, time: float) -> set[tuple[str, str]]:
        """The task events of a turn: name and message."""
        return {(event.name, event.message) for event in self.turn_at(time).effects if isinstance(event, TaskEvent)}

    def job(self, status: str, **times: float) -> None:
        """The instance's job has come so far."""
        self.proxy.job = JobTimes(self.proxy.submit_number, 1, job_id="4711", **times)
        self.engine.set_status(self.proxy, status)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """An engine at its start."""
    return Watched(tmp_path)


def test_a_job_that_does_not_begin_in_time_is_told_of_once_and_looked_at(watched: Watched) -> None:
    """The submission timeout counts from submission; it polls the job and ends nothing."""
    began = watched.engine.now
    watched.job("submitted", submitted=began)
    watched.timeouts.job_submitted(watched.proxy)
    assert watched.told_at(began + 9) == set()
    turn = watched.turn_at(began + 10)
    assert TaskEvent("submission timeout", watched.proxy.job_key, "submission timeout after PT10S") in turn.effects
    assert PollJob(watched.proxy.job_key, "4711", submitted_only=True) in turn.effects
    assert any(
        level == "WARNING" and text.endswith("foo/01:submitted] submission timeout after PT10S")
        for level, text, _ in turn.log
    )
    assert ("submission timeout", "submission timeout after PT10S") in {
        (event.name, event.message) for _, event in turn.changes.task_events
    }
    assert watched.proxy.status == "submitted"
    assert watched.told_at(began + 100) == set()


def test_a_job_that_began_is_held_to_the_execution_timeout_alone(watched: Watched) -> None:
    """The execution timeout counts from the start of the job and takes the place of the submission timeout."""
    began = watched.engine.now
    watched.job("submitted", submitted=began)
    watched.timeouts.job_submitted(watched.proxy)
    watched.job("running", submitted=began, started=began + 5)
    watched.timeouts.job_started(watched.proxy)
    assert watched.told_at(began + 64) == set()
    assert watched.told_at(began + 65) == {("execution timeout", "execution timeout after PT1M")}


def test_a_job_that_ended_times_out_no_more(watched: Watched) -> None:
    """The end of a job is the end of its timeout."""
    began = watched.engine.now
    watched.job("running", submitted=began, started=began)
    watched.timeouts.job_started(watched.proxy)
    watched.timeouts.job_ended(watched.proxy)
    assert watched.told_at(began + 100) == set()


def test_a_timeout_goes_on_over_a_restart(watched: Watched) -> None:
    """A job that was running when the scheduler stopped is timed from its own start."""
    began = watched.engine.now
    watched.job("running", submitted=began - 50, started=began - 50)
    watched.timeouts.restore(watched.proxy)
    assert watched.told_at(began + 10) == {("execution timeout", "execution timeout after PT1M")}


def test_an_instance_not_finished_in_time_is_late_once(watched: Watched) -> None:
    """An hour after its cycle point, an instance that is not done is late, whatever it is doing."""
    watched.timeouts.entered(watched.proxy)
    assert watched.told_at(POINT_SECONDS + 3599) == set()
    assert watched.told_at(POINT_SECONDS + 3600) == {("late", "late (late-time=2020-01-01T01:00:00Z)")}
    assert watched.told_at(POINT_SECONDS + 7200) == set()


def test_an_instance_that_is_done_is_not_late(watched: Watched) -> None:
    """A finished instance is watched no more."""
    watched.timeouts.entered(watched.proxy)
    watched.timeouts.finished(watched.proxy)
    watched.job("succeeded")
    assert watched.told_at(POINT_SECONDS + 3600) == set()
