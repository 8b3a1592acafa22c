"""What `why` tells of a task, over everything that can hold it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tidemill.flow.engine.events import XtriggerReported
from tidemill.flow.engine.reasons import CODES, KINDS, Explanation, Reason, walk
from tidemill.flow.engine.why import explain

Player = Callable[..., Any]


def cycling(graph: str, *, rest: str = "", scheduling: str = "", mode: str = "integer", points: str = "1 5") -> str:
    """A workflow that cycles."""
    first, last = points.split()
    return f"""
[scheduler]
    allow implicit tasks = True
    UTC mode = True
[scheduling]
    {"cycling mode = integer" if mode == "integer" else ""}
    initial cycle point = {first}
    final cycle point = {last}
    {scheduling}
    [[graph]]
        P1{"" if mode == "integer" else "D"} = '''
{graph}
'''
{rest}
"""


def ask(run: Any, task: str, **options: Any) -> Explanation:
    """Explain a task of a run, and check what holds for every explanation."""
    cycle, _, name = task.partition("/")
    before = snapshot(run.engine)
    found = explain(run.engine, cycle, name, workflow="w", **options)
    assert snapshot(run.engine) == before
    json.dumps(found.to_dict())
    assert found.reasons
    for reason in walk(found.reasons):
        assert reason.code in CODES
        assert reason.kind in KINDS
        assert reason.text
    order = [KINDS.index(reason.kind) for reason in found.reasons]
    assert order == sorted(order)
    return found


def snapshot(engine: Any) -> object:
    """What an explanation might disturb."""
    proxies = [
        (key, proxy.state_text(), dict(proxy.outputs), proxy.unmet, proxy.time_updated, proxy.is_held, proxy.retry_at)
        for key, proxy in engine.pool.items()
    ]
    prerequisites = {
        key: [(one.is_met, dict(one.how), list(one.counts), len(one.dependents)) for one in live]
        for key, live in engine.spawner.prerequisites.items()
    }
    changes = copy.copy(engine.changes)
    return proxies, prerequisites, bool(changes), len(engine.agenda), engine.runahead.limit, len(engine.effects)


def codes(found: Explanation | Reason) -> list[str]:
    """The codes of the lines directly below."""
    return [reason.code for reason in (found.reasons if isinstance(found, Explanation) else found.children)]


def test_a_parent_that_failed_comes_first(play: Player) -> None:
    """What will not resolve by itself is listed before what will, with the command that goes past it."""
    run = play("a & b & c => d", {"1/a": "hang", "1/b": "fail"}).run()
    found = ask(run, "1/d")
    assert found.state == "waiting"
    assert codes(found) == ["prerequisite-unmet", "prerequisite-unmet", "prerequisite-met"]
    failed, running, met = found.reasons
    assert failed.text == "1/b:succeeded is not complete"
    assert failed.kind == "permanent"
    assert failed.force == "tidemill set --pre=1/b:succeeded w//1/d"
    assert codes(failed) == ["parent-failed"]
    assert failed.children[0].text == "1/b failed (ERR)"
    assert failed.children[0].since is not None
    assert failed.children[0].force == "tidemill trigger w//1/b"
    assert running.kind == "temporary"
    assert codes(running) == ["parent-active"]
    assert met.text == "1/c:succeeded is met"
    assert failed.location is not None
    assert failed.location.endswith("flow.cylc:6")
    assert found.summary == "1/d is waiting: 1/b:succeeded is not complete (and 1 more)"


def test_a_failed_task_says_which_outputs_are_missing(play: Player) -> None:
    """A finished task that is incomplete names its missing outputs and how to set each."""
    run = play("a => b", {"1/a": "fail"}).run()
    found = ask(run, "1/a")
    assert codes(found) == ["incomplete"]
    assert found.reasons[0].kind == "permanent"
    assert codes(found.reasons[0]) == ["output-missing"]
    assert found.reasons[0].children[0].force == "tidemill set --out=succeeded w//1/a"


def test_what_has_not_been_spawned_is_traced_to_its_root(play: Player) -> None:
    """For a task that nothing brought in yet, parents are explained in turn, down to the one that failed."""
    run = play("a => b => c => d", {"1/a": "fail"}, stall_timeout_seconds=None).run()
    found = ask(run, "1/d")
    assert found.state == ""
    assert codes(found) == ["not-spawned", "stalled"]
    assert found.reasons[0].kind == "permanent"
    path = [reason.code for reason in walk(found.reasons[:1])]
    assert path == [
        "not-spawned",
        "prerequisite-not-evaluated",
        "parent-not-spawned",
        "prerequisite-not-evaluated",
        "parent-not-spawned",
        "prerequisite-unmet",
        "parent-failed",
    ]


def test_a_long_chain_is_explained_to_a_bounded_depth(play: Player) -> None:
    """However long the chain of parents, an explanation ends."""
    chain = " => ".join(f"t{number}" for number in range(50))
    run = play(chain, {"1/t0": "hang"}).run()
    assert len(list(walk(ask(run, "1/t49").reasons))) < 30


GROUP = """
[scheduling]
    [[graph]]
        R1 = '''
            FAM:succeed-all? => all
            FAM:finish-all => finished
            (FAM:succeed-all? & other) | last => mixed
        '''
[runtime]
    [[root]]
    [[FAM]]
{members}
    [[all, finished, other, last, mixed]]
"""


def group(count: int) -> str:
    """A family of some size, waited for in several ways."""
    members = "".join(f"    [[m{number}]]\n        inherit = FAM\n" for number in range(count))
    return GROUP.replace("{members}", members)


def test_a_family_is_counted(play: Player) -> None:
    """A group of members is one line: how many are met, what the others do, and those that matter most by name."""
    outcomes = {"1/m3": "hang", "1/m7": "fail", "1/m9": "hang", "1/other": "hang", "1/last": "hang"}
    run = play(group(40), outcomes).run()
    found = ask(run, "1/all")
    (reason,) = found.reasons
    assert reason.text == "37 of 40 members of 1/FAM:succeeded (all are needed); the others: 2 running, 1 failed"
    assert (reason.met, reason.total, reason.kind) == (37, 40, "permanent")
    assert reason.children[0].text == "1/m7:succeeded is not complete"
    assert reason.children[0].kind == "permanent"
    assert len(reason.children) == 3
    finished = ask(run, "1/finished").reasons[0]
    assert finished.text == "38 of 40 members of 1/FAM:succeeded|failed (all are needed); the others: 2 running"
    assert finished.kind == "temporary"
    assert finished.children[0].text == "1/m3:succeeded|failed is not complete"


def test_alternatives_wait_as_long_as_one_may_come(play: Player) -> None:
    """Of alternatives one is enough: the line is permanent only if all of them are."""
    graph = "(a? & s) | b? => c\n(a? & s) | d? => e"
    run = play(graph, {"1/a": "fail", "1/b": "hang", "1/d": "fail"}, stall_timeout_seconds=None).run()
    waiting = ask(run, "1/c").reasons[0]
    assert (waiting.code, waiting.kind) == ("prerequisite-unmet", "temporary")
    assert waiting.text == "0 of 2 alternatives (one is enough); the others: 1 failed, 1 running"
    assert [child.kind for child in waiting.children] == ["permanent", "temporary"]
    stuck = ask(run, "1/e").reasons[0]
    assert (stuck.code, stuck.kind) == ("prerequisite-unmet", "permanent")


def test_members_beyond_a_few_are_only_counted(play: Player) -> None:
    """A thousand members that wait do not make a thousand lines, and are explained in 5 ms."""
    outcomes = {f"1/m{number}": "hang" for number in range(1, 1000)}
    run = play(group(1000), outcomes).run()
    found = ask(run, "1/all")
    assert found.reasons[0].met == 1
    assert found.reasons[0].children[-1].text == "and 991 more"
    assert len(list(walk(found.reasons))) < 30
    best = min(timed(lambda: explain(run.engine, "1", "all")) for _ in range(20))
    assert best < 0.005 * SLACK
    best = min(timed(lambda: explain(run.engine, "1", "mixed")) for _ in range(20))
    assert best < 0.005 * SLACK


SLACK = 4
"""Machines under test are busy: this catches a change of order, not of speed."""


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def test_holding_pausing_and_stopping_are_told_with_their_remedies(play: Player) -> None:
    """Hold, pause and a requested stop each have a line of their own, all of them at once if need be."""
    run = play("a => b", {"1/a": "hang"}, start_paused=True).run()
    assert codes(ask(run, "1/a")) == ["paused", "queued"]
    run.command("hold", tasks=["1/a", "1/b"])
    found = ask(run, "1/a")
    assert codes(found) == ["held", "paused", "queued"]
    assert [reason.force for reason in found.reasons[:2]] == ["tidemill release w//1/a", "tidemill resume w"]
    assert codes(ask(run, "1/b"))[:2] == ["held", "paused"]
    assert "not-spawned" in codes(ask(run, "1/b"))
    run.command("release", tasks=["1/a", "1/b"])
    run.command("resume")
    run.run()
    run.command("stop", mode="clean")
    assert codes(ask(run, "1/b"))[0] == "stopping"


def test_the_state_of_a_job_is_told(play: Player) -> None:
    """A task at work says how far its job is, and since when."""
    run = play("a", {"1/a": "hang"})
    assert codes(ask(run, "1/a")) == ["preparing"]
    run.give(run.pending.pop(0))
    found = ask(run, "1/a")
    assert codes(found) == ["platform"]
    assert found.reasons[0].since == run.time
    assert "localhost" in found.reasons[0].text
    run.run()
    found = ask(run, "1/a")
    assert codes(found) == ["running"]
    assert found.reasons[0].since == run.time
    assert found.summary == "1/a is running: job 01 is running"


def test_a_retry_tells_when_it_is_due(play: Player) -> None:
    """A task between two tries says when the next one is due."""
    rest = "[runtime]\n [[a]]\n  execution retry delays = PT1H\n [[s]]\n  submission retry delays = PT2H\n"
    run = play(cycling("a\ns", rest=rest, points="1 1"), {"1/a": "fail", "1/s": "submit-fail"})
    while run.pending:
        run.give(run.pending.pop(0))
    (retry,) = ask(run, "1/a").reasons
    assert (retry.code, retry.until, retry.since) == ("retry-delay", run.time + 3600, run.time)
    assert retry.force == "tidemill trigger w//1/a"
    (retry,) = ask(run, "1/s").reasons
    assert (retry.code, retry.until) == ("retry-delay", run.time + 7200)
    assert "could not be submitted to localhost" in retry.text


def test_the_place_in_a_queue_is_told(play: Player) -> None:
    """A queued task knows its place, and who has the places before it."""
    scheduling = "[[queues]]\n  [[[default]]]\n   limit = 2"
    run = play(cycling("a\nb\nc\nd", scheduling=scheduling, points="1 1"), dict.fromkeys(("1/a", "1/b"), "hang")).run()
    found = ask(run, "1/d")
    (queued,) = found.reasons
    assert queued.code == "queued"
    assert queued.text == "it is number 2 of 2 in queue default: 2 of 2 places are taken"
    assert (queued.met, queued.total) == (2, 2)
    assert codes(queued) == ["queue-member", "queue-member"]
    assert queued.children[0].text == "1/a: job 01 is running"


def test_the_window_names_the_task_that_holds_it_back(play: Player) -> None:
    """Beyond the runahead window a task is told where it ends, and which task keeps it there."""
    text = cycling("a => b", scheduling="runahead limit = P1", points="1 9")
    run = play(text, {"1/b": "fail"}, stall_timeout_seconds=None).run()
    found = ask(run, "3/a")
    assert codes(found) == ["runahead", "stalled"]
    window = found.reasons[0]
    assert window.text == "it is beyond the runahead window, which ends at 2"
    assert window.kind == "permanent"
    assert window.children[0].text == "1/b failed (ERR), and holds the window at 1"
    assert window.children[0].force == "tidemill trigger w//1/b"
    assert codes(ask(run, "7/a")) == ["runahead", "stalled"]
    assert codes(ask(run, "7/b"))[0] == "not-spawned"
    assert "runahead" in [reason.code for reason in walk(ask(run, "7/b").reasons)]


def test_the_stop_point_is_told(play: Player) -> None:
    """Beyond the stop point nothing runs, and that is why."""
    run = play(cycling("a"), {"1/a": "hang"}, points={"stop_point": "2"}).run()
    assert codes(ask(run, "3/a")) == ["stop-point"]
    assert ask(run, "3/a").reasons[0].kind == "permanent"


def test_what_waits_beyond_the_stop_point_is_told(play: Player) -> None:
    """A task that needs one from beyond the stop point is never brought in, and is told so."""
    run = play(cycling("a[+P1] & a => b\na"), {"1/a": "hang"}, points={"stop_point": "2"}).run()
    found = ask(run, "2/b")
    assert codes(found)[0] == "stop-point"
    assert found.reasons[0].text == "it waits for a task at 3, beyond the stop point 2"


def test_parents_before_the_start_are_not_taken_for_done(play: Player) -> None:
    """At the first point, parents of earlier cycles count as met, and nothing was missed by it."""
    run = play(cycling("a[-P1] & x & h => a\nh => x"), {"1/h": "hang"}).run()
    found = ask(run, "1/a")
    assert found.reasons[0].code == "not-spawned"
    assert found.reasons[0].text == "it has not been spawned: no output that brings it in is complete"
    assert "1/a" not in run.submitted
    assert "0/a:succeeded is met, as it lies before the start" in [one.text for one in walk(found.reasons)]


def test_a_clock_trigger_tells_when_it_is_due(play: Player) -> None:
    """A task that waits for the clock says until when."""
    text = cycling(
        "@late => a",
        scheduling="[[xtriggers]]\n  late = wall_clock(PT6H, sequential=True)",
        mode="",
        points="2030 2031",
    )
    run = play(text)
    (clock,) = ask(run, "20300101T0000Z/a").reasons
    assert clock.code == "clock-waiting"
    assert clock.until == 1_893_456_000 + 6 * 3600
    assert clock.force == "tidemill set --pre=xtrigger/late w//20300101T0000Z/a"
    found = ask(run, "20300102T0000Z/a")
    assert codes(found) == ["not-spawned"]
    assert [reason.code for reason in walk(found.reasons)][-1] == "clock-waiting"


def test_what_has_run_is_told_so(play: Player) -> None:
    """A task that is done, was removed or killed itself off is not running for that reason."""
    graph = "a => b?\nb:fail? => !c\na & hang => c\na & c => f"
    run = play(graph, {"1/hang": "hang", "1/b": "fail"}).run()
    found = ask(run, "1/a")
    assert codes(found) == ["finished"]
    assert "succeeded" in found.reasons[0].text
    assert codes(ask(run, "1/c"))[0] == "suicided"
    assert "1/b:failed" in ask(run, "1/c").reasons[0].text
    found = ask(run, "1/f")
    assert found.reasons[0].kind == "permanent"
    assert "parent-removed" in [reason.code for reason in walk(found.reasons)]


def test_a_task_removed_by_a_user_is_told_so(play: Player) -> None:
    """Removed is not the same as done, nor as never spawned."""
    run = play("a & hang => b => c", {"1/hang": "hang"}).run()
    run.command("remove_tasks", tasks=["1/b"])
    assert codes(ask(run, "1/b"))[0] == "not-spawned"


def test_a_task_that_left_the_run_otherwise_is_told_so(play: Player) -> None:
    """A task that left the pool undone is told to be removed; one that may fail and did is done."""
    run = play("a & h => b => c\nx? => y\nx:fail? => !x", {"1/h": "hang", "1/x": "fail"}).run()
    run.engine.remove(run.engine.find("1", "b"), "no longer wanted")
    run.give()
    assert codes(ask(run, "1/b")) == ["removed"]
    assert codes(ask(run, "1/x")) == ["finished"]
    assert "parent-removed" in [one.code for one in walk(ask(run, "1/c").reasons)]


def test_a_parent_that_cannot_help_is_told(play: Player) -> None:
    """A parent that ended without the output, or is never there, will not do its part."""
    text = cycling("a:x? & h => b\n+P9/a => z", rest="[runtime]\n [[a]]\n  [[[outputs]]]\n   x = xx\n", points="1 1")
    text = text.replace("+P9/a => z", "a[+P9] & h => z")
    run = play(text, {"1/h": "hang", "1/h/01": "hang"}).run()
    found = ask(run, "1/b")
    assert found.reasons[0].kind == "permanent" or found.reasons[0].code == "not-spawned"
    assert "parent-incomplete" in [one.code for one in walk(found.reasons)]
    assert "parent-impossible" in [one.code for one in walk(ask(run, "1/z").reasons)]


def test_a_function_tells_what_it_was_asked_and_when_it_is_asked_again(play: Player) -> None:
    """An external trigger shows its call, the trouble it had, and its next call; a satisfied one is met."""
    scheduling = "[[xtriggers]]\n  there = look(%(point)s):PT30S\n  here = see(1)"
    text = cycling("@there & @here => a", scheduling=scheduling, points="1 1")
    run = play(text)
    for event in (
        XtriggerReported(run.time, "look(1)", False, {}, "Traceback\nOSError: no such disk"),
        XtriggerReported(run.time, "see(1)", True, {}),
    ):
        run.give(event)
    waiting, met = ask(run, "1/a").reasons
    assert waiting.text == "@there = look(1) is not satisfied; the last call failed: OSError: no such disk"
    assert waiting.satisfied_by == "look, asked every PT30S, next at 2020-09-13T12:27:10Z"
    assert (waiting.code, waiting.force) == ("xtrigger-waiting", "tidemill set --pre=xtrigger/there w//1/a")
    assert (met.code, met.text) == ("xtrigger-met", "@here is satisfied")


def test_points_and_names_that_are_not_there(play: Player) -> None:
    """What the workflow has not got is told apart: wrong name, wrong point, off its recurrence, before, beyond."""
    text = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 3
    final cycle point = 9
    [[graph]]
        P1 = forecast
        P3 = archive
[runtime]
    [[ALL]]
    [[forecast, archive]]
        inherit = ALL
"""
    run = play(text, {"3/forecast": "hang"}).run()
    unknown = ask(run, "3/forcast")
    assert (codes(unknown), unknown.is_known) == (["unknown-task"], False)
    assert "did you mean forecast?" in unknown.summary
    assert "is a family" in ask(run, "3/ALL").summary
    assert (codes(ask(run, "june/forecast")), ask(run, "june/forecast").is_known) == (["unknown-point"], False)
    assert codes(ask(run, "1/forecast")) == ["before-start"]
    assert codes(ask(run, "12/forecast")) == ["beyond-final"]
    off = ask(run, "7/archive")
    assert codes(off) == ["not-on-recurrence"]
    assert off.is_known
    assert off.reasons[0].text == "the graph has no archive at 7; the nearest are 6 and 9"
    assert ask(run, "^/forecast").id == "3/forecast"
    assert ask(run, "$/forecast").id == "9/forecast"
    assert codes(ask(run, "3/")) == ["unknown-task"]


def test_what_runs_in_no_flow_does_not_count(play: Player) -> None:
    """An output completed outside the flow of a task does not count for it, and the line says so."""
    run = play("x => a\na:start => b\na => d\nc => b & d", {"1/x": "hang", "1/a": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/a"], flow=["none"])
    run.run()
    for task in ("1/b", "1/d"):
        reason = ask(run, task).reasons[0]
        assert (reason.code, reason.kind) == ("prerequisite-unmet", "permanent")
        assert codes(reason) == ["other-flow"]
        assert "in no flow" in reason.children[0].text


def test_a_restarted_run_explains_the_same(play: Player) -> None:
    """From its record, a run gives the same explanation as while it was alive, but for who plays it."""
    run = play("a & b => c => d", {"1/a": "fail", "1/b": "hang"}).run()
    before = [(reason.code, reason.text) for reason in walk(ask(run, "1/c").reasons)]
    run.restart()
    run.run()
    after = [(reason.code, reason.text) for reason in walk(ask(run, "1/c").reasons)]
    assert after == before
    stopped = ask(run, "1/c", is_running=False)
    assert codes(stopped)[0] == "not-running"
    assert stopped.reasons[0].force == "tidemill play w"


def test_nothing_holds_a_task_that_is_about_to_run(play: Player) -> None:
    """A task that waits for nothing is told to be ready, not blocked by what is not there."""
    run = play("a", {"1/a": "hang"}, start_paused=True)
    proxy = run.engine.find("1", "a")
    proxy.is_queued = False
    run.engine.is_paused = False
    assert codes(ask(run, "1/a")) == ["ready"]


def test_every_code_is_documented() -> None:
    """The page lists every reason code with its meaning, and no other."""
    page = (Path(__file__).parents[3] / "docs" / "why.md").read_text().partition("## Codes")[2]
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (.+?) \|$", page, re.MULTILINE))
    assert listed == dict(CODES)


@pytest.mark.parametrize("graph", ["a => b => c", "a:start => b\nb & a => c", "a & b => c\na => !b"])
@pytest.mark.parametrize("outcome", ["succeed", "fail", "submit-fail", "hang"])
def test_every_state_on_the_way_can_be_explained(play: Player, graph: str, outcome: str) -> None:
    """At every turn of a run every task has an explanation, and asking changes nothing."""
    rest = "[runtime]\n [[root]]\n  execution retry delays = PT1M\n"
    run = play(cycling(graph, rest=rest, points="1 3"), {"2/a": outcome, "2/a/01": outcome})
    for _ in range(60):
        for cycle in (1, 2, 3):
            for task in "abc":
                ask(run, f"{cycle}/{task}")
        if run.stop is not None:
            return
        if run.pending:
            run.give(run.pending.pop(0))
        else:
            break
