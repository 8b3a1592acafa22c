"""Retries, commands, timeouts, restarts: how a run goes on and how it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.flow.engine.commands import CommandError, check

Player = Callable[..., object]

RETRYING = """
[scheduling]
    [[graph]]
        R1 = "a => b"
[runtime]
    [[a]]
        {kind} retry delays = PT10S, PT1M
    [[b]]
"""


def test_a_failed_job_is_retried_after_its_delays(play: Player) -> None:
    """Each try is a submission of its own, later by its delay; only the last failure would count."""
    run = play(RETRYING.format(kind="execution"), {"1/a/01": "fail", "1/a/02": "fail"})
    begun = run.time
    run.run()
    assert run.submitted == ["1/a/01", "1/a/02", "1/a/03", "1/b/01"]
    assert run.time - begun == 70.0
    assert run.stop.exit_code == 0


def test_a_failed_submission_is_retried_without_counting_as_a_try(play: Player) -> None:
    """Submission retries raise the submit number, not the try number."""
    run = play(RETRYING.format(kind="submission"), {"1/a/01": "submit-fail"}).run()
    assert run.submitted == ["1/a/01", "1/a/02", "1/b/01"]
    assert run.jobs["1", "a", 2].try_number == 1


def test_when_retries_are_used_up_the_task_has_failed(play: Player) -> None:
    """The output `failed` comes only after the last try."""
    text = RETRYING.format(kind="execution").replace("a => b", "a:fail => b")
    run = play(text, {"1/a": "fail"}).run()
    assert run.submitted == ["1/a/01", "1/a/02", "1/a/03", "1/b/01"]


def test_a_paused_run_submits_nothing_until_resumed(play: Player) -> None:
    """What was ready stays queued, and goes when the run is resumed."""
    run = play("a => b", start_paused=True).run()
    assert run.submitted == []
    run.command("resume")
    assert run.run().submitted == ["1/a/01", "1/b/01"]


def test_a_clean_stop_waits_for_active_jobs(play: Player) -> None:
    """No new job is submitted, the active one is waited for."""
    run = play("a => b", {"1/a": "succeed"})
    run.command("stop")
    assert run.stop is None
    run.run()
    assert run.submitted == ["1/a/01"]
    assert run.stop.reason == "REQUEST(CLEAN)"


def test_a_stop_now_leaves_active_jobs(play: Player) -> None:
    """The run ends at once."""
    run = play("a => b", {"1/a": "hang"})
    run.command("stop", mode="now")
    assert run.stop.reason == "REQUEST(NOW)"


def test_a_stop_with_kill_ends_jobs_first(play: Player) -> None:
    """Killed jobs fail, are not retried, and then the run stops."""
    run = play("a => b", {"1/a": "hang"}).run()
    run.command("stop", mode="kill")
    run.run()
    assert any("failed/KILL" in line for line in run.log)
    assert run.stop.reason == "REQUEST(KILL)"


def test_a_stop_point_given_while_running_holds_back_what_was_already_released(play: Player) -> None:
    """Tasks beyond it that wait, even queued ones, do not run."""
    text = ZIGZAG.replace("runahead limit = P2", "runahead limit = P4")
    run = play(text)
    run.command("stop", cycle_point="1")
    run.run()
    assert {name.partition("/")[0] for name in run.submitted} == {"1"}
    assert run.stop.reason == "AUTOMATIC"


def test_stopping_after_a_task_waits_for_that_task(play: Player) -> None:
    """The stop comes when the task has finished."""
    run = play("a => b => c")
    run.command("stop", task="1/b")
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01"]


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("halt", {}, "no command 'halt'"),
        ("stop", {"mode": "softly"}, "not a way to stop"),
        ("stop", {"task": "1/nobody"}, "no task 'nobody'"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(play: Player, name: str, arguments: dict, says: str) -> None:
    """It never becomes an event, and says what is wrong."""
    with pytest.raises(CommandError, match=says):
        check(play("a").engine, name, arguments)


def test_a_reference_run_ends_at_a_failure_that_was_not_expected(play: Player) -> None:
    """Expected ones are borne."""
    graph = "a:fail? => b"
    assert play(graph, {"1/a": "fail"}, is_reference_run=True, abort_on_task_failure=True).run().stop.exit_code == 1
    expected = frozenset({"1/a"})
    run = play(graph, {"1/a": "fail"}, abort_on_task_failure=True, expected_task_failures=expected).run()
    assert run.stop.exit_code == 0


def test_inactivity_ends_a_run_only_if_asked_to(play: Player) -> None:
    """The timeout counts from the last change."""
    run = play(
        "a => b",
        {"1/b": "hang"},
        inactivity_timeout_seconds=60.0,
        abort_on_inactivity_timeout=True,
    ).run()
    assert run.stop.exit_code == 1
    assert "inactivity" in run.stop.reason


def test_a_report_of_an_older_job_changes_nothing(play: Player) -> None:
    """What a superseded job says is logged and ignored."""
    from tidemill.flow.engine.events import JobFailed, JobKey

    run = play(RETRYING.format(kind="execution"), {"1/a/01": "fail", "1/a/02": "hang"}).run()
    run.give(JobFailed(run.time, JobKey("1", "a", 1)))
    assert run.engine.find("1", "a").status == "running"
    assert any("not the latest" in line for line in run.log)


def test_simulation_jumps_from_timer_to_timer(play: Player) -> None:
    """No job is submitted; run lengths pass on the virtual clock."""
    run = play("a => b", run_mode="simulation")
    begun = run.time
    run.run()
    assert run.submitted == []
    assert run.time - begun == 20.0
    assert run.stop.reason == "AUTOMATIC"


def test_a_clock_trigger_waits_for_its_time(play: Player) -> None:
    """``@wall_clock`` holds a task until the clock has reached its cycle point plus the offset."""
    text = """
    [scheduler]
        UTC mode = True
        allow implicit tasks = True
    [scheduling]
        initial cycle point = 20200913T1300Z
        final cycle point = 20200913T1500Z
        [[xtriggers]]
            later = wall_clock(offset=PT30M)
        [[graph]]
            PT1H = "@later => a"
    """
    run = play(text)
    begun = run.time
    run.run()
    assert run.submitted == [f"20200913T1{hour}00Z/a/01" for hour in (3, 4, 5)]
    # 2020-09-13T15:30Z
    assert run.time - begun == 1_600_011_000.0 - begun


ZIGZAG = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 5
    runahead limit = P2
    [[queues]]
        [[[default]]]
            limit = 3
    [[graph]]
        R1 = start
        P1 = '''
            start[^] & a[-P1]? => a? => FAM:succeed-all => c
            a:fail? => f
        '''
        P2 = c[-P1] => d
        R/+P1/P1 = a[-P1]? => x
[runtime]
    [[FAM]]
    [[b1, b2, b3]]
        inherit = FAM
    [[a]]
        execution retry delays = 2*PT5S
"""


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crashes=st.lists(st.integers(1, 12), max_size=12))
def test_a_run_restarted_at_any_turn_submits_exactly_what_an_undisturbed_one_does(
    play: Player, crashes: list[int]
) -> None:
    """Whatever was committed is where the run goes on: nothing twice, nothing lost."""
    text = ZIGZAG
    outcomes = {"2/a/01": "fail", "3/a/01": "fail", "3/a/02": "fail"}
    calm = play(text, outcomes).run()
    run = play(text, outcomes)
    for turns in crashes:
        if run.stop is not None:
            break
        try:
            run.run(turns)
        except AssertionError:
            run.restart()
    run.run()
    assert sorted(run.submitted) == sorted(calm.submitted)
    assert run.triggered_off == calm.triggered_off
    assert run.stop.reason == calm.stop.reason


def test_a_task_that_has_not_started_by_its_time_expires(play: Player) -> None:
    """It never runs, and what waits for its expiry does."""
    text = """
    [scheduler]
        UTC mode = True
        allow implicit tasks = True
    [scheduling]
        initial cycle point = 20200912T0000Z
        final cycle point = 20200914T0000Z
        [[special tasks]]
            clock-expire = a(PT12H)
        [[graph]]
            P1D = '''
                a? => b
                a:expired? => c
            '''
    """
    run = play(text).run()
    # It is 2020-09-13T12:26:40Z.
    assert sorted(run.submitted) == [
        "20200912T0000Z/c/01",
        "20200913T0000Z/c/01",
        "20200914T0000Z/a/01",
        "20200914T0000Z/b/01",
    ]


def test_a_job_that_takes_too_long_is_told_of_and_looked_at(play: Player) -> None:
    """A timeout ends nothing."""
    text = """
    [scheduling]
        [[graph]]
            R1 = a
    [runtime]
        [[a]]
            [[[events]]]
                execution timeout = PT1M
    """
    run = play(text, {"1/a": "hang"})
    begun = run.time
    run.run()
    assert run.time - begun == 60.0
    assert any("execution timeout after PT1M" in line for line in run.log)
