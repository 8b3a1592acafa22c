"""What IDs mean to the commands that act on tasks, and what can be set of a task, as in Cylc 8.5."""

from __future__ import annotations

from collections.abc import Callable

Player = Callable[..., object]

CYCLES = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 3
    [[graph]]
        P1 = "a[-P1] => a => FAM"
[runtime]
    [[FAM]]
    [[m1, m2]]
        inherit = FAM
"""


def hold(run: object, *ids: str) -> list[str]:
    run.command("hold", tasks=list(ids))
    told = run.engine.results["test"]
    return told.get("tasks", [told.get("refused")])


def test_globs_and_bare_cycles_mean_active_tasks_only(play: Player) -> None:
    """What is named in full, by its own name or its family's, may be yet to come."""
    run = play(CYCLES, start_paused=True)
    assert hold(run, "1/*") == ["1/a"]
    assert hold(run, "1") == ["1/a"]
    assert hold(run, "2") == ["No tasks match: 2"]
    assert hold(run, "2/m?") == ["No tasks match: 2/m?"]
    assert hold(run, "2/FA*") == ["No tasks match: 2/FA*"]
    assert hold(run, "2/FAM") == ["2/m1", "2/m2"]
    assert hold(run, "3/m1") == ["3/m1"]


def test_a_glob_does_not_make_finished_tasks_run_again(play: Player) -> None:
    """Triggering all that is active leaves the history of what has left the pool as it is."""
    run = play("a => b => c => d")
    run.command("force_trigger_tasks", tasks=["1/d"])
    run.command("force_trigger_tasks", tasks=["1/*"])
    run.run()
    assert sorted(run.submitted) == ["1/a/01", "1/b/01", "1/c/01", "1/d/01"]


def test_outputs_of_skip_mode_can_be_set(play: Player) -> None:
    """They are those of [skip]outputs, else the required ones; success comes with them unless failure is named."""
    text = """
    [scheduling]
        [[graph]]
            R1 = \"""
                a => b & f? & g?
                b:x => c
                f:fail? => d
                g:y? => e
            \"""
    [runtime]
        [[a, c, d, e]]
        [[b]]
            [[[outputs]]]
                x = x is there
        [[f]]
            [[[skip]]]
                outputs = failed
        [[g]]
            [[[outputs]]]
                y = y is there
            [[[skip]]]
                outputs = y
    """
    run = play(text, start_paused=True)
    for name in ("b", "f", "g"):
        run.command("set", tasks=[f"1/{name}"], outputs=["skip"])
    run.command("resume")
    run.run()
    assert run.stop.reason == "AUTOMATIC"
    assert sorted(run.submitted) == ["1/a/01", "1/c/01", "1/d/01", "1/e/01"]


def test_prerequisites_of_tasks_that_have_run_do_not_make_them_run_again(play: Player) -> None:
    """Of a task yet to come they do; a task of another flow is another matter."""
    run = play("a => b => c => d", start_paused=True)
    run.command("force_trigger_tasks", tasks=["1/b"])
    run.run()
    run.command("set", tasks=["1/b"], prerequisites=["all"])
    assert run.engine.results["test"]["tasks"] == []
    run.command("set", tasks=["1/b"], prerequisites=["1/a"])
    run.command("set", tasks=["1/d"], prerequisites=["1/c"])
    run.command("resume")
    run.run()
    assert sorted(run.submitted) == ["1/a/01", "1/b/01", "1/c/01", "1/d/01"]
    assert run.stop.reason == "AUTOMATIC"


def test_outputs_of_tasks_that_have_run_do_not_make_them_run_again(play: Player) -> None:
    """What was not completed is, and its children run; the task stays finished, and the workflow ends."""
    text = """
    [scheduling]
        [[graph]]
            R1 = \"""
                a => b => c
                b:x? => d
            \"""
    [runtime]
        [[a, c, d]]
        [[b]]
            [[[outputs]]]
                x = x is there
    """
    run = play(text)
    run.command("hold", tasks=["1/c"])
    run.run()
    run.command("set", tasks=["1/a"], outputs=["started"])
    run.command("set", tasks=["1/a"])
    run.command("set", tasks=["1/b"], outputs=["x"])
    run.command("release", tasks=["1/c"])
    run.run()
    assert sorted(run.submitted) == ["1/a/01", "1/b/01", "1/c/01", "1/d/01"]
    assert run.stop.reason == "AUTOMATIC"
