"""Tasks that wait for external events: each event is used once, by the task that has waited longest."""

from __future__ import annotations

from collections.abc import Callable

Player = Callable[..., object]

WORKFLOW = """
[scheduling]
    cycling mode = integer
    final cycle point = 3
    [[special tasks]]
        external-trigger = get("new data")
    [[graph]]
        R1 = before
        P1 = "get[-P1] => get => use"
[runtime]
    [[before, get, use]]
"""


def report(run: object, identity: str, message: str = "new data") -> dict:
    """Report an event; what the scheduler answers."""
    run.command("ext_trigger", message=message, id=identity)
    return run.engine.results["test"]


def test_each_event_lets_one_task_go(play: Player) -> None:
    """A task waits for an event of its own, and its cycle is told the ID of that event."""
    run = play(WORKFLOW).run()
    assert run.submitted == ["1/before/01"]
    assert run.stop is None, "a task that waits for an event is no stall"
    assert report(run, "first")["tasks"] == ["1/get"]
    assert run.engine.broadcasts.as_dict() == {"1": {"root": {"environment": {"CYLC_EXT_TRIGGER_ID": "first"}}}}
    run.run()
    assert run.submitted[1:] == ["1/get/01", "1/use/01"]
    assert run.engine.broadcasts.as_dict() == {}, "it ends with its cycle"


def test_an_event_is_kept_until_a_task_waits_for_it(play: Player) -> None:
    """Events that come early are used one by one, in the order they came, also after a restart."""
    run = play(WORKFLOW)
    for number in ("1", "2", "3", "4"):
        report(run, number)
    assert run.engine.external.events == {"new data": ["2", "3", "4"]}
    run.restart().run()
    assert [name for name in run.submitted if "get" in name] == ["1/get/01", "2/get/01", "3/get/01"]
    assert run.stop.exit_code == 0
    assert run.engine.external.events == {"new data": ["4"]}


def test_what_was_satisfied_stays_so_over_a_restart(play: Player) -> None:
    """A task that used an event, and was held, needs no other."""
    run = play(WORKFLOW)
    run.command("hold", tasks=["1/get"])
    report(run, "first")
    run.restart().run()
    run.command("release", tasks=["1/get"])
    run.run()
    assert "1/get/01" in run.submitted


def test_a_triggered_task_uses_no_event(play: Player) -> None:
    """It runs at once, and the next event is for the next task."""
    run = play(WORKFLOW).run()
    run.command("force_trigger_tasks", tasks=["1/get"])
    run.run()
    assert "1/get/01" in run.submitted
    assert report(run, "second")["tasks"] == ["2/get"]


def test_setting_all_prerequisites_leaves_the_event(play: Player) -> None:
    """As in Cylc 8.5: only a trigger goes without the event."""
    run = play(WORKFLOW).run()
    run.command("set", tasks=["1/get"], prerequisites=["all"])
    run.run()
    assert "1/get/01" not in run.submitted


def test_a_message_that_nobody_waits_for_is_warned_of(play: Player) -> None:
    """It is kept all the same: the answer and the log say that no task knows it."""
    run = play(WORKFLOW)
    assert report(run, "x", "no data")["is_known"] is False
    assert any("No task waits for the external trigger 'no data'" in line for line in run.log)


def test_a_reload_keeps_what_was_satisfied_and_waits_for_a_new_message(
    play: Player, define_workflow: Callable[..., object]
) -> None:
    """A task whose message has changed waits for the new one; the others stay as they were."""
    run = play(WORKFLOW).run()
    run.engine.next_definition = define_workflow(WORKFLOW.replace("new data", "newer data"))
    run.command("reload_workflow")
    assert report(run, "first")["tasks"] == []
    assert report(run, "first", "newer data")["tasks"] == ["1/get"]


def test_why_tells_of_the_event(play: Player) -> None:
    """Whoever asks why the task does not run is told which message it waits for, and how to go without."""
    from tidemill.flow.engine.reasons import walk
    from tidemill.flow.engine.why import explain

    run = play(WORKFLOW).run()
    found = explain(run.engine, "1", "get", workflow="wf", now=run.time)
    (reason,) = [reason for reason in walk(found.reasons) if reason.code == "external-waiting"]
    assert "new data" in reason.text
    assert reason.force == "tidemill trigger wf//1/get"
