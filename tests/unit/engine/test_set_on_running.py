"""A user completes outputs of a task whose job is at work."""

from __future__ import annotations

from collections.abc import Callable

from tidemill.flow.engine.events import JobKey, JobSucceeded

Player = Callable[..., object]


def test_the_job_goes_on(play: Player) -> None:
    """What follows runs at once, the job is not ended, and what it says later changes nothing."""
    run = play("a => b", {"1/a": "hang"}).run()
    run.command("set", tasks=["1/a"])
    assert run.pending == [] or "KILL" not in str(run.pending)
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01"]
    assert run.jobs["1", "a", 1].run_status == 0
    run.give(JobSucceeded(run.time, JobKey("1", "a", 1)))
    assert run.stop.reason == "AUTOMATIC"


def test_a_job_may_prove_its_user_wrong(play: Player) -> None:
    """A task that was set failed, and stays because that is not enough, succeeds when its job does."""
    run = play("a => b", {"1/a": "hang"}).run()
    run.command("set", tasks=["1/a"], outputs=["failed"])
    assert run.engine.find("1", "a").status == "failed"
    run.stop = None
    run.give(JobSucceeded(run.time, JobKey("1", "a", 1)))
    run.run()
    assert run.submitted[-1] == "1/b/01"


def test_the_record_tells_outputs_that_a_user_completed(play: Player) -> None:
    """Their message is not the one a job would have sent; the event is the same."""
    run = play("a => b", {"1/a": "hang"}).run()
    run.command("set", tasks=["1/a"])
    (row,) = [row for row in run.rows.values() if row.name == "a"]
    assert '"succeeded":"(manually completed)"' in row.outputs
    assert '"started":"started"' in row.outputs


def test_success_is_set_though_it_is_optional(play: Player) -> None:
    """With no output named, those that are required are completed, and success."""
    run = play("a? => b", {"1/a": "hang"}).run()
    run.command("set", tasks=["1/a"])
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01"]


def test_without_a_flow_a_task_in_one_is_left_alone(play: Player) -> None:
    """Neither set nor trigger touch a task that a flow has brought into the pool already."""
    run = play("a => b\nc & a => d", {"1/a": "hang"}).run()
    run.command("hold", tasks=["1/b"])
    run.command("force_trigger_tasks", tasks=["1/d"], flow=["none"])
    assert "1/d/01" not in run.submitted
    assert "active in flow 1" in run.engine.results["test"]["skipped"][0]
    run.command("set", tasks=["1/d", "1/b"], flow=["none"])
    assert run.engine.find("1", "d").status == "waiting"
    assert any("ignoring no-flow set" in line for line in run.log)
