"""A ``suite.rc`` runs as Cylc 7 would have run it."""

from __future__ import annotations

from collections.abc import Callable

Player = Callable[..., object]

HEAD = """
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = {final}
    max active cycle points = 2
    [[dependencies]]
        [[[P1]]]
            graph = '''
{graph}
'''
"""


def suite(play: Player, graph: str, outcomes: dict[str, str] | None = None, *, final: int = 1) -> object:
    """Play a graph at every point, as a suite.rc, to its end; a stall ends it at once."""
    text = HEAD.format(graph=graph, final=final)
    return play(text, outcomes, file_name="suite.rc", stall_timeout_seconds=0.0).run()


def test_children_that_can_never_run_stall_the_suite(play: Player) -> None:
    """Children of every output come before their parent runs: one whose turn never comes is missed at the end."""
    run = suite(play, "a => b\na:fail => c")
    assert run.submitted == ["1/a/01", "1/b/01"]
    assert run.stop.exit_code == 1
    assert run.engine.find("1", "c").status == "waiting"


def test_suicide_triggers_clear_the_way(play: Player) -> None:
    """What a suicide trigger takes away is not missed, though its parent ran before."""
    run = suite(play, "a => b\na:fail => c\nb => !c\nc => !b")
    assert run.submitted == ["1/a/01", "1/b/01"]
    assert run.stop.exit_code == 0


def test_a_failure_that_the_graph_provides_for_ends_well(play: Player) -> None:
    """The failed task stays to be seen, and stops nothing."""
    run = suite(play, "a:fail => r\na => b\nr => !b", {"1/a": "fail"})
    assert run.submitted == ["1/a/01", "1/r/01"]
    assert run.stop.exit_code == 0
    assert run.engine.find("1", "a").status == "failed"


def test_failed_tasks_do_not_hold_the_window_back(play: Player) -> None:
    """Cycles in which everything has failed count no more for the runahead limit."""
    run = suite(play, "a[-P1]:fail | a[-P1] => a", {f"{point}/a": "fail" for point in range(1, 9)}, final=8)
    assert [name for name in run.submitted if name.startswith("8/")] == ["8/a/01"]
    assert run.stop.exit_code == 0


def test_a_failure_that_nothing_provides_for_stalls(play: Player) -> None:
    """Success is required, whatever the graph says of other outputs."""
    run = suite(play, "a[-P1]:finish => a", {"1/a": "fail"}, final=2)
    assert run.submitted == ["1/a/01", "2/a/01"]
    assert run.stop.exit_code == 1


def test_a_restart_finds_the_failed_tasks_in_their_place(play: Player) -> None:
    """They are taken up with the pool, and the suite that was complete waits for its user."""
    run = suite(play, "a:fail => r", {"1/a": "fail"})
    run.stop = None
    run.restart()
    assert run.engine.find("1", "a").status == "failed"
    assert run.engine.shutdown.waits_after_restart
