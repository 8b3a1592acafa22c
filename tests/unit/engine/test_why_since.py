"""Every reason says since when it holds, what satisfies it and, where there is one, the command that forces it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tidemill.flow.engine.events import XtriggerReported
from tidemill.flow.engine.reasons import CODES, MET, Explanation, Reason, walk
from tidemill.flow.engine.why import explain

Player = Callable[..., Any]

NOT_TO_FORCE = frozenset(
    {
        *("unknown-task", "unknown-point", "before-start", "beyond-final", "not-on-recurrence", "parent-impossible"),
        "preparing",
    }
)
"""Reasons that no command of a user lifts or goes past."""


def cycling(graph: str, *, rest: str = "", scheduling: str = "", points: str = "1 9") -> str:
    """A workflow that cycles by numbers."""
    first, last = points.split()
    return f"""
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = {first}
    final cycle point = {last}
    {scheduling}
    [[graph]]
        P1 = '''
{graph}
'''
        P2 = archive
{rest}
"""


def scenarios(play: Player) -> Iterator[tuple[Any, dict[str, Any], list[str]]]:
    """Runs at some moment, options of the question, and the tasks to ask about; together they show every reason."""
    outcomes = {"1/a": "hang", "1/f": "fail", "1/h": "hang", "1/q1": "hang", "1/q2": "hang", "1/r": "fail"}
    rest = """
[runtime]
    [[r]]
        execution retry delays = PT1H
    [[o]]
        [[[outputs]]]
            x = xx
"""
    scheduling = """
    runahead limit = P1
    [[queues]]
        [[[q]]]
            limit = 1
            members = q1, q2
    [[xtriggers]]
        there = look(%(point)s):PT30S
        here = see(1)
    [[special tasks]]
        external-trigger = e("data has come")
"""
    graph = """
a & f => b => c
o:x? & h => d => dd
h => w => ww
q1
q2
r
@there & @here => x
e
"""
    run = play(cycling(graph, rest=rest, scheduling=scheduling), outcomes, stall_timeout_seconds=None)
    yield run, {}, ["1/a", "1/q1"]  # preparing
    run.give(run.pending.pop(0))
    run.time += 1.0
    yield run, {}, [f"1/{name}" for name in ("a", "f", "h", "q1", "q2", "r", "o")]
    while run.pending:
        run.give(run.pending.pop(0))
    run.give(XtriggerReported(run.time, "see(1)", True, {}))
    tasks = [*"abcdfhorwxe", "dd", "ww", "q1", "q2", "archive"]
    names = [f"{cycle}/{name}" for cycle in range(1, 10) for name in tasks]
    strange = ["0/a", "10/a", "2/archive", "june/a", "1/nosuch"]
    yield run, {}, [*names, *strange]
    run.time += 10.0
    run.command("pause")
    run.command("hold", tasks=["1/x", "4/c"])
    run.command("force_trigger_tasks", tasks=["5/f"], flow=["none"])
    yield run, {}, names
    run.restart()
    yield run, {"is_running": False}, names
    run.command("resume")
    run.command("stop", mode="clean", cycle_point="2")
    yield run, {}, names
    run.command("stop", mode="clean")
    yield run, {}, names

    run = play("a => b?\nb:fail? => !c\na & hang => c\na & c => f", {"1/hang": "hang", "1/b": "fail"}).run()
    yield run, {}, [f"1/{name}" for name in "abcf"]
    run = play("a => b => c", {"1/a": "fail"}, stall_timeout_seconds=None).run()
    yield run, {}, ["1/a", "1/b", "1/c"]
    run = play("a & h => b => c", {"1/h": "hang"}).run()
    run.engine.remove(run.engine.find("1", "b"), "no longer wanted")
    run.give()
    yield run, {}, ["1/b", "1/c"]
    run = play("x => a\na:start => b\na => d\nc => b & d", {"1/x": "hang", "1/a": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/a"], flow=["none"])
    yield run.run(), {}, ["1/b", "1/d"]
    family = cycling(
        "M:succeed-all => all", rest=f"[runtime]\n [[M]]\n [[{', '.join(f'm{n}' for n in range(20))}]]\n  inherit = M"
    )
    yield play(family, {f"1/m{n}": "hang" for n in range(1, 20)}).run(), {}, ["1/all"]
    yield play(cycling("a[+P9] & h => z\na"), {"1/h": "hang"}).run(), {}, ["1/z"]
    clock = cycling("@late => a", scheduling="[[xtriggers]]\n  late = wall_clock(PT6H)")
    clock = clock.replace("cycling mode = integer\n", "").replace("point = 1", "point = 2030").replace("= 9", "= 2031")
    run = play(clock.replace("P1 = ", "P1Y = ").replace("P2 = archive", ""))
    yield run, {}, ["20300101T0000Z/a", "20310101T0000Z/a"]
    run = play("a", {"1/a": "hang"}, start_paused=True)
    run.engine.find("1", "a").is_queued = False
    run.engine.is_paused = False
    yield run, {}, ["1/a"]


def explanations(play: Player) -> Iterator[tuple[Any, Explanation]]:
    """What is told of every task in every scenario."""
    for run, options, tasks in scenarios(play):
        for task in tasks:
            cycle, _, name = task.partition("/")
            if not options.get("is_running", True):
                run.engine.since.left = run.time
            yield run, explain(run.engine, cycle, name, workflow="w", now=run.time, **options)


def test_every_code_comes_up(play: Player) -> None:
    """The scenarios of this file show each of the documented reasons, and none that is not."""
    seen = {reason.code for _, found in explanations(play) for reason in walk(found.reasons)}
    assert seen == set(CODES)


def test_every_reason_says_since_when_and_what_helps(play: Player) -> None:
    """Whatever is not met yet has a moment since which it holds, what satisfies it, and a command to force it."""
    for run, found in explanations(play):
        for reason in walk(found.reasons):
            told = f"{found.id}: {reason.code}: {reason.text}"
            if reason.kind == MET or reason.code == "more":
                continue
            assert reason.since is not None, told
            assert reason.since <= run.time, told
            assert reason.satisfied_by, told
            if reason.blocks and reason.code not in NOT_TO_FORCE:
                assert reason.force, told
                assert reason.force.startswith("tidemill "), told


def only(found: Explanation, code: str) -> Reason:
    """The line of a code."""
    (reason,) = [one for one in found.reasons if one.code == code]
    return reason


@pytest.mark.parametrize("restarted", [False, True])
def test_pausing_and_holding_have_their_moments(play: Player, restarted: bool) -> None:
    """Since when a run is paused and a task held is told to the second, also after a restart."""
    run = play(cycling("a => b => c", scheduling="runahead limit = P1"), {"1/a": "hang"}).run()
    began = run.time
    run.time += 100.0
    run.command("hold", tasks=["1/b"])
    run.time += 100.0
    run.command("pause")
    run.time += 100.0
    run.command("set_hold_point", point="2")
    if restarted:
        run.time += 1000.0
        run.restart()
        run.command("pause")
    held = explain(run.engine, "1", "b")
    assert only(held, "held").since == began + 100.0
    assert only(held, "paused").since == began + 200.0
    assert only(held, "not-spawned").since == began
    if not restarted:  # the point itself is kept by who restarts an engine
        assert only(explain(run.engine, "9", "b"), "held").since == began + 300.0


def test_what_is_past_has_its_moment(play: Player) -> None:
    """Since when a task is done is when it left the run, before a restart and after."""
    run = play("a => b", {"1/b": "hang"}).run()
    done = run.time
    run.time += 500.0
    run.give()
    assert only(explain(run.engine, "1", "a"), "finished").since == done
    run.restart()
    assert only(explain(run.engine, "1", "a"), "finished").since == done


def test_a_record_without_moments_gives_the_next_best(play: Player) -> None:
    """A run begun by a version that kept no moments is told since its oldest task came."""
    run = play("a => b => c", {"1/a": "hang"}).run()
    began = run.time
    del run.parameters["_since"]
    run.time += 50.0
    run.restart()
    assert only(explain(run.engine, "1", "c"), "not-spawned").since == began


def test_a_long_list_of_holds_is_written_once(play: Player) -> None:
    """Holding many tasks to come writes their moments once, not once for each."""
    run = play(cycling("a => b", points="1 500"), {"1/a": "hang"}).run()
    run.command("hold", tasks=[f"{cycle}/b" for cycle in range(1, 501)])
    assert run.engine.since.held("400/b") == run.time
    assert not run.engine.changes.parameters
