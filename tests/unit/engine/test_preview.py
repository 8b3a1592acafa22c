"""What commands would do, told from a copy of the engine that is left as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tidemill.flow.copying import in_a_copy, in_a_copy_blocking
from tidemill.flow.engine.commands import COMMANDS
from tidemill.flow.engine.preview import horizon_of, look_ahead, preview, reachable
from tidemill.flow.engine.watched import PlanOutdated, check_unmoved, look, run_facts
from tidemill.flow.exceptions import PreviewFailed
from tidemill.flow.previews import patience

Player = Callable[..., object]

CYCLES = """
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 9
    runahead limit = P2
    [[graph]]
        P1 = '''
            a[-P1] => a => b
            @ready => x
            b & x => c
        '''
    [[xtriggers]]
        ready = echo(succeed=False)
[runtime]
    [[a, b, c, x]]
"""


def planned(run: object, name: str, **arguments: object) -> dict:
    """The plan of a command, made in a copy as a scheduler makes it."""

    def work() -> dict:
        horizon = horizon_of(run.engine, arguments)
        base = in_a_copy_blocking(lambda: look_ahead(run.engine, horizon, may_go_on=patience()))
        told = preview(run.engine, name, arguments, now=run.time)
        if "refused" not in told:
            ahead = look_ahead(run.engine, horizon, may_go_on=patience(), killed=told["killed"])
            told["reachable"] = reachable(base, ahead, told, str(horizon))
        return told

    return in_a_copy_blocking(work)


def test_the_run_itself_is_left_as_it_was(play: Player) -> None:
    """A plan is made in a process of its own: no task, flow or log line of the run changes."""
    run = play(CYCLES, {"1/a": "hang"}).run()
    before = {key: look(run.engine, *key) for key in run.engine.pool}, len(run.log), run.engine.flows.latest
    told = planned(run, "force_trigger_tasks", tasks=["1/b"], flow=["new"])
    assert told["runs"] == ["1/b/01"]
    assert ({key: look(run.engine, *key) for key in run.engine.pool}, len(run.log), run.engine.flows.latest) == before


def test_what_happens_is_what_was_planned(play: Player) -> None:
    """The jobs that a plan says would run are those that do."""
    for name, arguments in (
        ("force_trigger_tasks", {"tasks": ["2/b", "3/c"]}),
        ("set", {"tasks": ["1/a"]}),
        ("set", {"tasks": ["1/c"], "prerequisites": ["1/b"]}),
        ("remove_tasks", {"tasks": ["1/a"]}),
        ("set", {"tasks": ["1/x"], "prerequisites": ["xtrigger/ready"]}),
    ):
        run = play(CYCLES, {"1/a": "hang"}).run()
        told = planned(run, name, **arguments)
        before = len(run.submitted)
        run.command(name, **arguments)
        assert run.submitted[before:] == told["runs"], (name, arguments)
        assert run.engine.results["test"] == told["result"]


def test_what_would_come_to_run_is_looked_for_up_to_the_window(play: Player) -> None:
    """Only what differs between the looks ahead with the command and without it is told."""
    run = play(CYCLES, {"1/a": "fail"}).run()
    told = planned(run, "force_trigger_tasks", tasks=["1/a"])
    assert told["runs"] == ["1/a/02"]
    assert told["reachable"]["up_to"] == "3"
    assert told["reachable"]["new"][:2] == ["2/a", "1/b"]
    assert set(told["reachable"]["new"]) == {"2/a", "1/b", "3/a", "2/b", "3/b", "1/c", "2/c", "3/c"}
    assert told["reachable"]["lost"] == []


def test_a_look_ahead_that_is_cut_short_says_so(play: Player) -> None:
    """Nothing is claimed of what was not seen."""
    run = play(CYCLES, {"1/a": "hang"}).run()
    seen = in_a_copy_blocking(lambda: look_ahead(run.engine, 9, may_go_on=patience(jobs=3)))
    assert seen["is_complete"] is False


def test_held_tasks_are_not_reachable_and_a_pause_is(play: Player) -> None:
    """A pause ends some time by itself, a hold does not."""
    run = play("a => b => c", start_paused=True)
    run.command("hold", tasks=["1/b"])
    seen = in_a_copy_blocking(lambda: look_ahead(run.engine, 1, may_go_on=patience()))
    assert seen == {"tasks": ["1/a"], "is_complete": True}


def test_a_plan_holds_while_what_it_concerns_stands(play: Player) -> None:
    """Other tasks may move; the refusal tells what was and what is."""
    run = play("a => b => c\nother => last", {"1/a": "hang", "1/other": "hang"}).run()
    arguments = {"tasks": ["1/b"]}
    expecting = planned(run, "force_trigger_tasks", **arguments)["expecting"]
    run.command("set", tasks=["1/other"])
    check_unmoved(run.engine, "force_trigger_tasks", arguments, expecting)
    run.command("set", tasks=["1/a"])
    with pytest.raises(PlanOutdated, match=r"1/b: was not active, is now (submitted|running|preparing), job 1"):
        check_unmoved(run.engine, "force_trigger_tasks", arguments, expecting)
    submitted = list(run.submitted)
    run.command("force_trigger_tasks", **arguments, expecting=expecting)
    assert "Nothing was done" in run.engine.results["test"]["refused"]
    assert run.submitted == submitted


def test_a_glob_must_still_mean_the_same_tasks(play: Player) -> None:
    """A plan for every failed task is not one for those that failed since."""
    run = play("a & b", {"1/a": "fail", "1/b": "hang"}).run()
    arguments = {"tasks": ["*:failed"]}
    facts = run_facts(run.engine, "set", arguments)
    assert facts["selected"] == "1/a"
    expecting = {"run": facts, "tasks": {}}
    run.command("kill_tasks", tasks=["1/b"])
    run.run()
    with pytest.raises(PlanOutdated, match="selected: was 1/a, is now 1/a, 1/b"):
        check_unmoved(run.engine, "set", arguments, expecting)


def test_every_command_takes_what_a_plan_rests_on(play: Player) -> None:
    """So that any can be guarded."""
    run = play("a", start_paused=True)
    for name in COMMANDS:
        run.command(name, expecting={"run": {"paused": "no"}})
        assert "paused: was no, is now yes" in run.engine.results["test"]["refused"], name


async def test_a_copy_that_fails_or_takes_too_long_is_an_error() -> None:
    """Neither hangs the caller, nor leaves a process behind."""

    def endless() -> None:
        while True:
            pass

    assert await in_a_copy(lambda: {"a": [1]}) == {"a": [1]}
    assert len(await in_a_copy(lambda: "x" * 1_000_000)) == 1_000_000
    with pytest.raises(PreviewFailed, match="ZeroDivisionError"):
        await in_a_copy(lambda: 1 // 0)
    with pytest.raises(PreviewFailed, match="not ready after 1 s"):
        await in_a_copy(endless, timeout_seconds=1)
