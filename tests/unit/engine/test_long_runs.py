"""Runs of any number of cycles: what is long past leaves the memory, and is recalled when someone asks."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tidemill.flow.engine.timers import SWEEP, Timers
from tidemill.flow.record.engine_rows import recall_from
from tidemill.flow.record.rows import TaskRow

Player = Callable[..., object]

CYCLES = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    final cycle point = 60
    runahead limit = P1
    [[graph]]
        R1 = install
        P1 = "install[^] => a \\
            & b"
        +P2/P1 = "a[-P2] => a => c"
[runtime]
"""


def remember(run: object) -> list[str]:
    """Let a run recall from the rows it has committed; returns the cycles that it asks for."""
    asked: list[str] = []

    def history(cycle: str) -> list[TaskRow]:
        asked.append(cycle)
        return [row for _, row in sorted(run.rows.items()) if row.cycle == cycle and not row.in_pool]

    run.engine.history.recall = recall_from(run.engine, history)
    return asked


def test_old_cycles_leave_the_memory(play: Player) -> None:
    """Only cycles that the graph can still ask for are kept, and the run asks for no other."""
    run = play(CYCLES)
    asked = remember(run)
    run.run()
    assert run.stop.exit_code == 0
    assert len(run.submitted) == 60 * 2 + 58 + 1
    assert len(run.engine.history) < 15
    assert asked == []


def test_a_forgotten_task_does_not_run_twice_in_a_flow(play: Player) -> None:
    """A user who runs an old task again goes on with its submit number, and what followed it does not run again."""
    run = play(CYCLES)
    asked = remember(run)
    run.command("hold", tasks=["60/b"])
    run.run()
    before = len(run.submitted)
    run.command("force_trigger_tasks", tasks=["3/a"])
    run.run()
    assert run.submitted[before:] == ["3/a/02"]
    assert "3" in asked


def test_an_old_task_can_be_removed_from_its_flow(play: Player) -> None:
    """It is found in the record, and its row there tells that it is in no flow any more."""
    run = play(CYCLES)
    remember(run)
    run.command("hold", tasks=["60/b"])
    run.run()
    run.command("remove_tasks", tasks=["5/b"])
    rows = [row for row in run.rows.values() if (row.cycle, row.name) == ("5", "b")]
    assert [row.flow_numbers for row in rows] == ["[]"]


def test_without_a_record_nothing_is_forgotten(play: Player) -> None:
    """There would be nothing to recall it from."""
    run = play(CYCLES).run()
    assert len(run.engine.history) == 60


@given(st.lists(st.tuples(st.floats(0, 1e9), st.booleans()), max_size=60))
def test_cancelled_timers_never_act_and_the_others_all_do(timers: list[tuple[float, bool]]) -> None:
    """In the order of their times, however many were cancelled."""
    heap = Timers()
    done: list[float] = []
    made = [(heap.add(at, lambda at=at: done.append(at)), is_cancelled) for at, is_cancelled in timers]
    for timer, is_cancelled in made:
        if is_cancelled:
            timer.cancel()
    for action in heap.due(1e9):
        action()
    assert done == sorted(at for at, is_cancelled in timers if not is_cancelled)


def test_cancelled_timers_are_thrown_out() -> None:
    """A million timeouts that never came about take no memory until they would have been due."""
    heap = Timers()
    heap.add(5.0, list)
    for number in range(20 * SWEEP):
        heap.add(1e9 + number, list).cancel()
    assert len(heap) < 3 * SWEEP
    assert heap.next_time() == 5.0
