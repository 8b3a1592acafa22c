"""Tests of workflows as code, used on themselves: virtual clock, fake jobs, commands, restarts, what failures say."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidemill.testing import RunDidNotEnd, WorkflowRun, WorkflowTestError

CHECKOUT = Path(__file__).parents[2]

CHAIN = """
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 3
    runahead limit = P0
    [[graph]]
        P1 = "a[-P1] => a => b => c"
[runtime]
    [[a, b, c]]
"""

DAYS = """
[scheduling]
    initial cycle point = 2025-01-01
    final cycle point = 2025-01-03
    [[xtriggers]]
        ready = echo(succeed=True)
    [[graph]]
        P1D = '''
            @wall_clock & @ready => obs
            obs:file => use
            obs => fc
        '''
[runtime]
    [[use, fc]]
    [[obs]]
        [[[outputs]]]
            file = the file is there
"""


@pytest.fixture
def begin() -> Iterator[Callable[..., WorkflowRun]]:
    """Runs that are closed at the end."""
    runs: list[WorkflowRun] = []

    def make(*arguments: object, **options: object) -> WorkflowRun:
        runs.append(WorkflowRun(*arguments, **options))  # type: ignore[arg-type]
        return runs[-1]

    yield make
    for run in runs:
        run.close()


Begin = Callable[..., WorkflowRun]


def test_a_run_takes_its_time_on_a_clock_of_its_own(begin: Begin) -> None:
    """Jobs take as long as they are told; hours pass in no time."""
    run = begin(CHAIN)
    run.jobs("*/b").takes("PT2H").waits_in_queue("PT30M")
    run.play()
    run.expect.completed()
    run.expect.order("1/a", "1/b", "1/c")
    run.expect.order("1/c", "2/a")
    run.expect.at("1/b", "PT30M10S", what="started")
    run.expect.lasted("PT7H31M")
    run.expect.triggered_off("2/a", "1/a")
    assert len(run.submitted) == 9


def test_the_clock_begins_with_the_cycles_and_clock_triggers_are_real(begin: Begin) -> None:
    """A cycle's clock trigger opens at its time; functions are satisfied at once, or as told."""
    run = begin(DAYS)
    run.xtrigger("echo").satisfied_after("P1DT6H").returns(path="/data")
    run.play()
    run.expect.completed()
    run.expect.at("2025-01-01/obs", "2025-01-02T06:00Z", within="PT1M")
    run.expect.at("2025-01-03/obs", "2025-01-03")
    run = begin(DAYS)
    run.xtrigger("echo").never()
    run.play(until="P4D")
    run.expect.did_not_run("^/obs")


def test_jobs_fail_on_the_tries_they_are_told_to(begin: Begin) -> None:
    """Then they are retried after the delay that the workflow sets."""
    run = begin(CHAIN.replace("[[a, b, c]]", "[[a, b, c]]\nexecution retry delays = PT1H, PT2H"))
    run.jobs("2/b", on_try=(1, 2)).fails(after="PT5M", signal="XCPU")
    run.play()
    run.expect.completed()
    run.expect.submissions("2/b", 3)
    run.expect.event("2/b", "retry")
    assert run.when("2/b", "submitted", number=2) - run.when("2/b", "submitted", number=1) == 3900
    assert run.when("2/b", "submitted", number=3) - run.when("2/b", "submitted", number=2) == 7500


def test_a_run_that_stalls_stops_there_and_goes_on_when_told_to(begin: Begin) -> None:
    """`play` returns at the stall; without help the next ends with the stall timeout."""
    run = begin(CHAIN)
    run.jobs("1/b", on_try=1).fails()
    run.play()
    run.expect.stalled(on=["1/b"])
    run.expect.states({"1/a": "succeeded", "1/b": "failed", "1/c": None})
    run.tell.set("1/b", outputs=["succeeded"])
    run.play()
    run.expect.completed()
    run = begin(CHAIN)
    run.jobs("*/b").fails()
    run.play().play()
    run.expect.ended(exit_code=1, because="stall timeout")
    run.expect.lasted("PT1H", within="PT1M")


def test_messages_are_sent_when_told_and_required_ones_unasked(begin: Begin) -> None:
    """Of a job that is silent an output is missing: its task is incomplete."""
    run = begin(DAYS)
    run.jobs("*/obs").takes("PT1H").sends("file", after="PT10M")
    run.play()
    run.expect.at("2025-01-01/use", "PT10M")
    run.expect.at("2025-01-01/fc", "PT1H")
    run = begin(DAYS)
    run.play()
    run.expect.outputs("2025-01-01/obs", "file", "succeeded")
    run = begin(DAYS)
    run.jobs("2025-01-02/obs").sends_nothing()
    run.play(until="P5D")
    run.expect.stalled(on=["2025-01-02/obs"])
    run.expect.no_outputs("2025-01-02/obs", "file")


def test_a_lost_message_is_found_when_the_job_is_polled(begin: Begin) -> None:
    """By a user, by a timeout, or by a restart."""
    for find in ("poll", "restart", "timeout"):
        text = CHAIN + ("        [[[events]]]\n            execution timeout = PT1H\n" if find == "timeout" else "")
        run = begin(text)
        run.jobs("1/b").loses("succeeded")
        run.play(until="PT30M")
        run.expect.states({"1/b": "running", "1/c": None})
        if find == "poll":
            run.tell.poll("1/b")
        elif find == "restart":
            run.restart()
        run.play()
        run.expect.completed()
        run.expect.submissions("1/b", 1)
        if find == "timeout":
            run.expect.event("1/b", "execution timeout")


def test_a_host_that_is_down_fails_submissions_until_it_is_up(begin: Begin) -> None:
    """They are retried as the workflow sets; other platforms do not mind."""
    run = begin(CHAIN.replace("[[a, b, c]]", "[[a, b, c]]\nsubmission retry delays = 5*PT10M"))
    run.host_down(until="PT25M")
    run.host_down(platform="elsewhere")
    run.play()
    run.expect.completed()
    run.expect.event("1/a", "submission retry")
    run.expect.at("1/a", "PT30M")
    run = begin(CHAIN)
    run.jobs("2/a").fails_to_submit()
    run.play()
    run.expect.states({"2/a": "submit-failed"})
    run.expect.stalled(on=["2/a"])


def test_jobs_go_on_while_the_scheduler_is_down(begin: Begin) -> None:
    """After a restart in the middle nothing is run twice, and what ended meanwhile is found to have."""
    run = begin(CHAIN)
    run.jobs("*/b").takes("PT2H")
    run.play(until="PT1H")
    run.restart(down_for="PT3H")
    run.play()
    run.expect.completed()
    assert len(run.submitted) == len(set(run.submitted)) == 9
    run.expect.at("1/c", "PT4H")


def test_a_restart_and_a_reload_may_bring_another_definition(begin: Begin) -> None:
    """What the graph has from then on is what runs."""
    other = CHAIN.replace("b => c", "b => d").replace("[[a, b, c]]", "[[a, b, d]]")
    run = begin(CHAIN)
    run.play(until=lambda run: run.when("1/a", "succeeded") is not None)
    run.restart(source=other).play()
    run.expect.completed()
    run.expect.ran("1/d", "3/d")
    run = begin(CHAIN)
    run.at("PT15S").reload(other)
    run.play()
    run.expect.completed()
    run.expect.ran("1/d", "3/d")


def test_commands_are_carried_out_at_their_time(begin: Begin) -> None:
    """And one that is refused fails the test."""
    run = begin(CHAIN)
    run.at("PT5S").hold("1/b")
    run.at("PT1H").release("1/b")
    run.at("PT2H").trigger("1/a", flow="new")
    run.at("PT1M").broadcast({"script": "true"}, namespace="c")
    run.jobs("3/c").hangs()
    run.play(until="PT3H")
    run.expect.at("1/b", "PT1H")
    run.expect.submissions("1/a", 2)
    run.tell.kill("3/c")
    run.play()
    run.expect.stalled(on=["3/c"])
    run.tell.stop("now")
    run.play()
    run.expect.ended(exit_code=0, because="NOW")
    with pytest.raises(WorkflowTestError, match="No tasks match: 9/nobody"):
        begin(CHAIN).tell.hold("9/nobody")


def test_families_and_globs_mean_many_jobs_and_later_rules_win(begin: Begin) -> None:
    """A rule for one job after a rule for all changes just that one."""
    text = """
[scheduling]
    [[graph]]
        R1 = "FAM:finish-all => end"
[runtime]
    [[FAM]]
    [[m1, m2, m3]]
        inherit = FAM
    [[end]]
"""
    run = begin(text)
    run.jobs("*/FAM").fails()
    run.jobs("1/m2").succeeds().takes("PT1H")
    run.play()
    run.expect.states({"1/m1": "failed", "1/m2": "succeeded", "1/m3": "failed", "1/end": "succeeded"})
    run.expect.at("1/end", "PT1H")


def test_a_failure_says_what_happened_and_why_a_task_did_not_run(begin: Begin) -> None:
    """A person can act on it without playing the workflow again."""
    run = begin(CHAIN)
    run.jobs("1/b").fails()
    run.play()
    with pytest.raises(AssertionError) as caught:
        run.expect.ran("1/a", "1/c")
    told = str(caught.value)
    assert told.startswith("1/c did not run\nclock: 2025-01-01T00:00:20Z; it is stalled on 1/b")
    assert "why 1/c did not run:\n  - " in told
    assert "2025-01-01T00:00:20Z  1/b/01  failed" in told
    for expectation, says in (
        (lambda: run.expect.completed(), "the run has not completed: it is stalled on 1/b"),
        (lambda: run.expect.order("1/b", "1/a"), "1/a did not run after 1/b"),
        (lambda: run.expect.submitted_in_order("1/b", "1/a"), "1/a was submitted before 1/b"),
        (lambda: run.expect.did_not_run("1/a"), "1/a ran, and should not have"),
        (lambda: run.expect.submissions("1/a", 2), "1/a had 1 jobs, not 2"),
        (lambda: run.expect.states({"1/a": "failed"}), "1/a is succeeded, not failed"),
        (lambda: run.expect.states({"1/a": "fail"}), "'fail' is not a status"),
        (lambda: run.expect.outputs("1/b", "succeeded"), "1/b did not complete succeeded; it completed"),
        (lambda: run.expect.no_outputs("1/b", "failed"), "1/b completed failed, and should not have"),
        (lambda: run.expect.event("1/b", "retry"), "1/b: no 'retry'; there was"),
        (lambda: run.expect.at("1/b", "PT1H"), "1/b: submitted at 2025-01-01T00:00:10Z, not at 2025-01-01T01:00Z"),
        (lambda: run.expect.triggered_off("1/b", "1/c"), r"1/b/01 was triggered off ['1/a'], not ['1/c']"),
        (lambda: run.expect.stalled(on=["1/c"]), "the run stalled on 1/b, not on 1/c"),
        (lambda: run.expect.not_stalled(), "the run stalled at 2025-01-01T00:00:20Z"),
        (lambda: run.expect.ended(), "the run has not ended"),
        (lambda: run.expect.lasted("PT1H"), "the run has taken 20 s, not 3600 s"),
        (lambda: run.expect.logged("nothing of the kind"), "no line of the log has"),
    ):
        with pytest.raises(AssertionError, match=re.escape(says)):
            expectation()


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (lambda run: run.jobs("fc"), "names no task"),
        (lambda run: run.jobs("1/fc"), "There is no task 'fc'"),
        (lambda run: run.jobs("1/a").takes("2 hours"), "is not a duration"),
        (lambda run: run.at("tomorrow"), None),
        (lambda run: run.at("tomorrow").pause(), "is not a time"),
        (lambda run: run.expect.ran("1/fc"), "There is no task 'fc'"),
    ],
)
def test_a_mistake_in_a_test_is_told_as_one(begin: Begin, mistake: Callable[[WorkflowRun], object], says: str) -> None:
    """It is not taken for a fault of the workflow."""
    run = begin(CHAIN)
    if says is None:
        mistake(run)
        return
    with pytest.raises(WorkflowTestError, match=says):
        mistake(run)


def test_a_run_without_an_end_is_an_error_and_not_a_hang(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a time to play up to it is none."""
    monkeypatch.setattr("tidemill.testing.run.TURNS", 200)
    endless = CHAIN.replace("final cycle point = 3", "")
    with pytest.raises(RunDidNotEnd, match="play\\(until="):
        begin(endless).play()
    run = begin(endless).play(until="PT1M")
    run.expect.ran("2/a")


def test_the_examples_run_as_they_should(begin: Begin) -> None:
    """A directory is read as `play` reads it, template and all."""
    for name in ("hello", "forecast", "pipeline"):
        run = begin(CHECKOUT / "examples" / name).play(until="P3D")
        run.expect.completed()
        run.expect.not_stalled()
    with pytest.raises(WorkflowTestError, match=re.escape("There is no flow.cylc in")):
        begin(CHECKOUT / "docs")


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    """With the plugin as pytest finds it when Tidemill is installed; a test that fails has the story beside it."""
    page = (CHECKOUT / "docs" / "testing.md").read_text()
    example = re.search(r"<!-- the tests run this example -->\n```python\n(.*?)```", page, re.DOTALL)
    assert example is not None
    failing = (
        "\n\ndef test_that_fails(workflow_run):\n    run = workflow_run(FORECAST)\n"
        "    run.jobs('*/fc').fails()\n    run.play()\n    run.expect.ran('2025-01-03/fc')\n"
    )
    (tmp_path / "test_forecast.py").write_text(example[1] + failing)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_forecast.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "workflow run 1: what happened" in done.stdout
    assert "20250101T0000Z/fc/02  failed" in done.stdout
