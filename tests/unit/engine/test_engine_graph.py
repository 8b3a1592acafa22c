"""What triggers what: prerequisites, outputs, families, optional outputs, suicide, offsets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Player = Callable[..., object]

INTEGER = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = {final}
    runahead limit = {runahead}
    [[graph]]
{graph}
"""


def integer(graph: str, *, final: int = 3, runahead: str = "P4") -> str:
    """An integer-cycling workflow."""
    lines = "\n".join(f"        {line.strip()}" for line in graph.strip().splitlines())
    return INTEGER.format(final=final, runahead=runahead, graph=lines)


def test_a_chain_runs_in_order_and_the_run_ends_by_itself(play: Player) -> None:
    """Each task is triggered off the one before, and an empty pool shuts the run down."""
    run = play("a => b => c").run()
    assert run.submitted == ["1/a/01", "1/b/01", "1/c/01"]
    assert run.triggered_off["1/c/01"] == ["1/b"]
    assert (run.stop.reason, run.stop.exit_code) == ("AUTOMATIC", 0)


def test_an_and_waits_for_all_an_or_for_one(play: Player) -> None:
    """``a & b`` needs both; ``a | b`` runs its child once, off whatever was satisfied by then."""
    run = play("a & b => both\na | b => either").run()
    assert run.submitted.index("1/both/01") > run.submitted.index("1/b/01")
    assert run.triggered_off["1/both/01"] == ["1/a", "1/b"]
    assert run.submitted.count("1/either/01") == 1


def test_conditions_nest(play: Player) -> None:
    """``(a & b) | c`` is met by c alone."""
    run = play("(a? & b?) | c => d", {"1/a": "fail", "1/b": "fail"}).run()
    assert run.triggered_off["1/d/01"] == ["1/c"]


def test_a_failure_branch_runs_instead_of_the_success_branch(play: Player) -> None:
    """``a:fail?`` triggers recovery; the branch not taken never comes into being."""
    run = play("a? => good\na:fail? => bad\ngood | bad => after", {"1/a": "fail"}).run()
    assert run.submitted == ["1/a/01", "1/bad/01", "1/after/01"]
    assert run.stop.exit_code == 0


def test_a_required_output_not_completed_stalls_the_run(play: Player) -> None:
    """A task that failed without leave stays, the run stalls, and the stall timeout ends it with an error."""
    run = play("a => b", {"1/a": "fail"}, stall_timeout_seconds=5.0).run()
    assert any("Workflow stalled" in line for line in run.log)
    assert any("did not complete the required outputs" in line for line in run.log)
    assert run.stop.exit_code == 1


def test_a_partly_satisfied_task_stalls_the_run(play: Player) -> None:
    """A task of whose parents one never ran is named with what it waits for."""
    run = play("a & b? => c\nb:fail? => d", {"1/b": "fail"}, stall_timeout_seconds=1.0).run()
    assert any("1/c is waiting on ['1/b:succeeded']" in line for line in run.log)
    assert run.stop.exit_code == 1


def test_custom_outputs_trigger_as_soon_as_they_are_sent(play: Player) -> None:
    """A message that is an output's text completes it; repeating it changes nothing."""
    text = """
    [scheduling]
        [[graph]]
            R1 = "a:x => b"
    [runtime]
        [[a]]
            [[[outputs]]]
                x = the x is ready
        [[b]]
    """
    run = play(text, {"1/a": "message:the x is ready,message:the x is ready"}).run()
    assert run.submitted == ["1/a/01", "1/b/01"]
    assert run.triggered_off["1/b/01"] == ["1/a"]


def test_a_task_triggered_by_two_outputs_of_one_task_lists_it_twice(play: Player) -> None:
    """The list of dependencies has a task once per satisfied output (Cylc 8.5 behaviour)."""
    run = play("a:start & a => b").run()
    assert run.triggered_off["1/b/01"] == ["1/a", "1/a"]


def test_a_dependency_that_several_recurrences_repeat_is_listed_once(play: Player) -> None:
    """Not so a condition in which its task occurs too."""
    run = play(integer("P1 = 'a => d'\nP2 = 'a => d'\nR1 = 'a | c => d'", final=1)).run()
    assert run.triggered_off["1/d/01"] in (["1/a", "1/a"], ["1/a", "1/a", "1/c"])


def test_family_triggers_count_their_members(play: Player) -> None:
    """``FAM:succeed-all`` waits for every member and ``FAM:fail-any`` for one failure."""
    text = """
    [scheduling]
        [[graph]]
            R1 = '''
                FAM:succeed-all? => all
                FAM:fail-any? => some
            '''
    [runtime]
        [[FAM]]
        [[m1, m2, m3]]
            inherit = FAM
        [[all, some]]
    """
    assert "1/all/01" in play(text).run().submitted
    run = play(text, {"1/m2": "fail"}, stall_timeout_seconds=0.0).run()
    assert "1/some/01" in run.submitted
    assert "1/all/01" not in run.submitted


def test_one_family_triggers_another_through_one_shared_prerequisite(play: Player) -> None:
    """Members of the second family share one prerequisite, and all run."""
    text = """
    [scheduling]
        [[graph]]
            R1 = "A:succeed-all => B"
    [runtime]
        [[A, B]]
        [[a1, a2, a3]]
            inherit = A
        [[b1, b2, b3]]
            inherit = B
    """
    run = play(text)
    run.run()
    assert sorted(run.submitted[3:]) == ["1/b1/01", "1/b2/01", "1/b3/01"]
    assert run.triggered_off["1/b2/01"] == ["1/a1", "1/a2", "1/a3"]


def test_a_suicide_trigger_removes_a_waiting_task(play: Player) -> None:
    """``x:fail? => !b`` takes b out of the pool, and b is not spawned again in that flow."""
    run = play("a & x? => b\nx:fail? => !b", {"1/x": "fail"}).run()
    assert "1/b/01" not in run.submitted
    assert run.stop.reason == "AUTOMATIC"


def test_a_suicide_trigger_that_fires_first_prevents_the_task(play: Player) -> None:
    """Fired before its task ever came, it still counts."""
    run = play("a => b => c\na => !c").run()
    assert run.submitted == ["1/a/01", "1/b/01"]


def test_dependencies_on_points_before_the_first_count_as_satisfied(play: Player) -> None:
    """``foo[-P1] => foo`` starts at the first point, and names the point before in its list."""
    run = play(integer("P1 = 'foo[-P1] => foo'")).run()
    assert run.submitted == ["1/foo/01", "2/foo/01", "3/foo/01"]
    assert run.triggered_off["1/foo/01"] == ["0/foo"]


def test_absolute_triggers_hold_for_every_later_cycle(play: Player) -> None:
    """``start[^] => foo`` lets every foo run once start is done, and none before."""
    run = play(integer("R1 = start\nP1 = 'start[^] => foo'")).run()
    assert run.submitted[0] == "1/start/01"
    assert sorted(run.submitted[1:]) == ["1/foo/01", "2/foo/01", "3/foo/01"]
    assert run.triggered_off["3/foo/01"] == ["1/start"]


def test_future_triggers_reach_ahead(play: Player) -> None:
    """``a[+P1] => b`` waits for a later cycle, and the window makes room for it."""
    run = play(integer("P1 = 'a[+P1] => b'\nR/+P1/P1 = a", final=3, runahead="P0"))
    run.run()
    assert run.triggered_off["1/b/01"] == ["2/a"]
    assert run.triggered_off["2/b/01"] == ["3/a"]


def test_a_sequential_task_waits_for_its_previous_instance(play: Player) -> None:
    """A special task of that type never overlaps itself."""
    text = integer("P1 = foo").replace(
        "[scheduling]", "[scheduling]\n    [[special tasks]]\n        sequential = foo\n"
    )
    text = text.replace("    cycling mode", "  cycling mode", 1)
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if "special tasks" in line)
    special = lines[start : start + 2]
    del lines[start : start + 2]
    text = "\n".join(lines + special)
    run = play(text)
    assert run.submitted == ["1/foo/01"]
    run.run()
    assert run.submitted == ["1/foo/01", "2/foo/01", "3/foo/01"]


@pytest.mark.parametrize(("runahead", "expected"), [("P0", 1), ("P1", 2), ("P4", 5)])
def test_the_runahead_limit_bounds_active_cycles(play: Player, runahead: str, expected: int) -> None:
    """``Pn`` lets n cycles run beyond the oldest active one."""
    run = play(integer("P1 = foo", final=20, runahead=runahead), {f"{n}/foo": "hang" for n in range(1, 21)})
    run.run()
    assert len(run.submitted) == expected


def test_a_queue_limits_what_is_active(play: Player) -> None:
    """Never more members active than the limit, and all run in the order they were queued."""
    text = """
    [task parameters]
        n = 1..7
    [scheduling]
        [[queues]]
            [[[q]]]
                limit = 2
                members = t<n>
        [[graph]]
            R1 = t<n>
    [runtime]
        [[t<n>]]
    """
    run = play(text)
    assert len(run.submitted) == 2
    run.run()
    assert run.submitted == [f"1/t_n{n}/01" for n in range(1, 8)]


def test_a_stop_point_ends_the_run_and_is_forgotten(play: Player) -> None:
    """Nothing after the stop point runs; a restart goes on beyond it."""
    run = play(integer("P1 = 'foo[-P1] => foo'", final=5), points={"stop_point": "2"}).run()
    assert run.submitted == ["1/foo/01", "2/foo/01"]
    assert run.stop.reason == "AUTOMATIC"
    assert run.parameters["stopcp"] is None


def test_a_warm_start_takes_what_lies_before_as_done(play: Player) -> None:
    """Tasks before the start point do not run, and count as satisfied."""
    run = play(integer("P1 = 'foo[-P1] => foo => bar'", final=4), points={"start_point": "3"}).run()
    assert sorted(run.submitted) == ["3/bar/01", "3/foo/01", "4/bar/01", "4/foo/01"]
    assert run.triggered_off["3/foo/01"] == ["2/foo"]


def test_absolute_triggers_on_later_points_widen_the_window_too(play: Player) -> None:
    """``b[3] => d`` at point 1 lets point 3 run, or nothing would ever satisfy it."""
    graph = "P1 = 'b & c'\nP2 = 'b[3] & c[^+P2] => d'\nR1/4 = e\nP1 = 'e[4] => f'"
    run = play(integer(graph, final=6, runahead="P1")).run()
    assert run.stop.reason == "AUTOMATIC"
    assert {"1/d/01", "1/f/01", "6/f/01"} <= set(run.submitted)
