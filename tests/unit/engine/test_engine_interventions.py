"""What users do to a run: hold, release, trigger, set, remove, kill, flows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tidemill.flow.engine.commands import CommandError, check
from tidemill.flow.engine.flows import FlowError

Player = Callable[..., object]

CYCLES = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 3
    [[graph]]
        P1 = "a[-P1] => a => b => c"
"""


def result(run: object) -> dict:
    """What the last command said."""
    return run.engine.results["test"]


def test_a_held_task_waits_until_it_is_released(play: Player) -> None:
    """In the pool or not yet in it."""
    run = play("a => b => c")
    run.command("hold", tasks=["1/c"])
    assert result(run)["tasks"] == ["1/c"]
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01"]
    assert run.engine.find("1", "c").is_held
    run.restart()
    run.run()
    assert run.engine.find("1", "c").is_held
    run.command("release", tasks=["1/c"])
    run.run()
    assert run.submitted[-1] == "1/c/01"
    assert run.stop.reason == "AUTOMATIC"


def test_a_hold_point_holds_what_comes_after_it(play: Player) -> None:
    """And releasing it releases everything."""
    run = play(CYCLES)
    run.command("set_hold_point", point="1")
    run.run()
    assert {name[0] for name in run.submitted} == {"1"}
    run.command("release_hold_point")
    assert run.run().stop.reason == "AUTOMATIC"
    assert len(run.submitted) == 9


def test_ids_may_be_globs_families_states_and_ends(play: Player) -> None:
    """Each form means what it means to Cylc."""
    text = """
    [scheduling]
        cycling mode = integer
        initial cycle point = 1
        final cycle point = 2
        [[graph]]
            P1 = "FAM"
    [runtime]
        [[FAM]]
        [[m1, m2]]
            inherit = FAM
        [[other]]
    """
    run = play(text, start_paused=True)
    for ids, expected in (
        (["1/FAM"], ["1/m1", "1/m2"]),
        (["*/m1"], ["1/m1", "2/m1"]),
        (["^/m2", "$/m2"], ["1/m2", "2/m2"]),
        (["1"], ["1/m1", "1/m2"]),
        (["*:waiting"], ["1/m1", "1/m2", "2/m1", "2/m2"]),
        (["//2/m?"], ["2/m1", "2/m2"]),
    ):
        run.command("hold", tasks=ids)
        assert sorted(result(run)["tasks"]) == expected, ids
        run.command("release_hold_point")


def test_a_command_that_matches_nothing_is_refused(play: Player) -> None:
    """It names what did not match."""
    run = play("a => b")
    run.command("hold", tasks=["1/nobody", "*:failed"])
    assert result(run)["refused"] == "No tasks match: 1/nobody, *:failed"


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("hold", {}, "missing a required argument"),
        ("hold", {"tasks": "1/a"}, "list of texts"),
        ("hold", {"tasks": ["1/a"], "colour": "red"}, "unexpected keyword"),
        ("set", {"tasks": ["1/a"], "outputs": ["x"], "prerequisites": ["all"]}, "not both"),
        ("force_trigger_tasks", {"tasks": ["1/a"], "flow": ["new", "1"]}, "stand alone"),
        ("force_trigger_tasks", {"tasks": ["1/a"], "flow": ["new"], "flow_wait": True}, "--wait is not compatible"),
        ("remove_tasks", {"tasks": ["1/a"], "flow": ["new"]}, "must be integers"),
    ],
)
def test_bad_arguments_are_refused_before_anything_happens(play: Player, name: str, arguments: dict, says: str) -> None:
    """The command never becomes an event."""
    with pytest.raises((CommandError, FlowError), match=says):
        check(play("a").engine, name, arguments)


def test_a_triggered_task_runs_now_whatever_it_waits_for(play: Player) -> None:
    """What it would have waited for counts as satisfied, and its successors follow."""
    run = play("a => b => c", {"1/a": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/b"])
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01", "1/c/01"]
    assert run.triggered_off["1/b/01"] == ["1/a"]


def test_a_finished_task_triggered_in_its_own_flow_runs_again_and_so_do_its_successors(play: Player) -> None:
    """A group member that has run is forgotten first."""
    run = play("a => b => c => d", {"1/d": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/b", "1/c"])
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01", "1/c/01", "1/d/01", "1/b/02", "1/c/02"]
    assert run.triggered_off["1/c/02"] == ["1/b"]


def test_a_new_flow_runs_the_graph_again(play: Player) -> None:
    """No task runs twice in one flow, and every task runs in the new one."""
    run = play("a => b => c => end", {"1/end": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/a"], flow=["new"], flow_descr="again")
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01", "1/c/01", "1/end/01", "1/a/02", "1/b/02", "1/c/02"]
    assert run.engine.find("1", "end").flows == {1, 2}
    assert any("New flow: 2 (again)" in line for line in run.log)


def test_no_flow_spawns_nothing(play: Player) -> None:
    """``--flow=none`` runs the task alone."""
    run = play("a => b => c", {"1/c": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/a"], flow=["none"])
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01", "1/c/01", "1/a/02"]
    assert any("1/a/02(flows=none)" in line for line in run.log)


def test_a_task_triggered_to_wait_spawns_when_an_active_flow_catches_up(play: Player) -> None:
    """It does not run again, its outputs go on."""
    run = play("a => b => c => d", {"1/a": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/c"], flow_wait=True)
    run.run()
    assert run.submitted == ["1/a/01", "1/c/01"]
    run.restart()
    run.command("set", tasks=["1/a"])
    run.run()
    assert run.submitted == ["1/a/01", "1/c/01", "1/b/01", "1/d/01"]


def test_a_flow_that_is_stopped_runs_out(play: Player) -> None:
    """Its active tasks finish and spawn nothing."""
    run = play("a => b => c", {"1/a": "hang"}).run()
    run.command("stop", flow=1)
    assert result(run)["tasks"] == ["1/a"]
    from tidemill.flow.engine.events import JobKey, JobSucceeded

    run.give(JobSucceeded(run.time, JobKey("1", "a", 1)))
    assert run.submitted == ["1/a/01"]


def test_setting_outputs_completes_a_failed_task(play: Player) -> None:
    """Required outputs if none is named; successors follow, and the task is done with."""
    run = play("a => b", {"1/a": "fail"}, stall_timeout_seconds=None).run()
    run.command("set", tasks=["1/a"])
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01"]
    assert run.stop.reason == "AUTOMATIC"


def test_setting_an_output_of_a_task_that_has_not_come_spawns_its_children(play: Player) -> None:
    """And the task itself need not run."""
    run = play("a => b => c", {"1/a": "hang"}).run()
    run.command("set", tasks=["1/b"], outputs=["succeeded"])
    run.run()
    assert run.submitted == ["1/a/01", "1/c/01"]


def test_setting_prerequisites_counts_for_one_task_only(play: Player) -> None:
    """Its siblings still wait."""
    run = play("a => b & c", {"1/a": "hang"}).run()
    run.command("set", tasks=["1/b"], prerequisites=["1/a"])
    run.run()
    assert run.submitted == ["1/a/01", "1/b/01"]
    run = play("a & x => b & c", {"1/a": "hang"}).run()
    run.command("set", tasks=["1/b"], prerequisites=["all"])
    run.run()
    assert "1/b/01" in run.submitted
    assert "1/c/01" not in run.submitted


def test_a_removed_task_is_as_if_it_had_not_run(play: Player) -> None:
    """What it satisfied is undone, and a task that only it had brought goes too."""
    run = play("a & x => b", {"1/x": "hang"}).run()
    assert run.engine.find("1", "b") is not None
    run.command("remove_tasks", tasks=["1/a"])
    assert run.engine.find("1", "b") is None
    run.restart().run()
    run.command("force_trigger_tasks", tasks=["1/a"])
    run.run()
    assert run.submitted == ["1/a/01", "1/x/01", "1/a/02"]
    assert run.engine.find("1", "b").unmet == 1


def test_removing_an_incomplete_task_ends_the_stall(play: Player) -> None:
    """Nothing is left to wait for."""
    run = play("a => b", {"1/a": "fail"}, stall_timeout_seconds=None).run()
    run.command("remove_tasks", tasks=["*/a:failed"])
    assert run.run().stop.exit_code == 0


def test_a_killed_task_is_held_so_that_no_retry_follows(play: Player) -> None:
    """Until it is released."""
    text = """
    [scheduling]
        [[graph]]
            R1 = a
    [runtime]
        [[a]]
            execution retry delays = PT1S
    """
    run = play(text, {"1/a/01": "hang"}).run()
    run.command("kill_tasks", tasks=["1/a"])
    run.run()
    assert run.submitted == ["1/a/01"]
    run.command("release", tasks=["1/a"])
    assert run.run().submitted == ["1/a/01", "1/a/02"]


def test_trigger_in_a_full_queue_waits_for_room_the_first_time(play: Player) -> None:
    """Triggered again, now that it is queued, it runs."""
    text = """
    [scheduling]
        [[queues]]
            [[[q]]]
                limit = 1
                members = a, b
        [[graph]]
            R1 = a & c => b
    [runtime]
        [[a, b, c]]
    """
    run = play(text, {"1/a": "hang", "1/c": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/b"])
    assert "1/b/01" not in run.submitted
    run.command("force_trigger_tasks", tasks=["1/b"])
    assert run.run().submitted[-1] == "1/b/01"


def test_triggered_tasks_run_while_the_run_is_paused(play: Player) -> None:
    """Only they do."""
    run = play("a => b", start_paused=True).run()
    run.command("force_trigger_tasks", tasks=["1/a"])
    run.run()
    assert run.submitted == ["1/a/01"]


def test_a_broadcast_changes_settings_of_jobs_to_come(play: Player) -> None:
    """From all cycles to one, from root to task; and it survives a restart until it is cleared."""
    run = play("a => b", {"1/a": "hang"}).run()
    run.command("broadcast", settings=["[environment]X=everywhere", {"script": "true"}])
    run.command("broadcast", namespaces=["b"], cycle_points=["1"], settings=["[environment]X=here"])
    run.restart().run()
    proxy = run.engine.spawner.spawn("b", 1, run.engine.flows.active(), force=True)
    runtime = run.engine.runtime_of(proxy)
    assert (runtime["environment"]["X"], runtime["script"]) == ("here", "true")
    run.command("broadcast", mode="clear", namespaces=["b"])
    assert run.engine.runtime_of(proxy)["environment"]["X"] == "everywhere"
    run.command("broadcast", mode="clear")
    assert run.engine.broadcasts.as_dict() == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"settings": ["nonsense=1"]}, "not a runtime setting"),
        ({"settings": ["[environment]X"]}, "has no value"),
        ({"settings": ["execution time limit=soon"]}, "execution time limit"),
        ({"settings": ["script=true"], "namespaces": ["nobody"]}, "No such task or family: nobody"),
        ({"mode": "clear"}, "No broadcast matches"),
    ],
)
def test_a_broadcast_that_makes_no_sense_is_refused(play: Player, arguments: dict, says: str) -> None:
    """And changes nothing."""
    run = play("a")
    run.command("broadcast", **arguments)
    assert says in result(run)["refused"]


def test_a_broadcast_of_retry_delays_counts_for_the_next_failure(play: Player) -> None:
    """Delays are looked up when a job fails."""
    run = play("a", {"1/a/01": "fail"}, start_paused=True)
    run.command("broadcast", namespaces=["a"], settings=["execution retry delays=PT1S"])
    run.command("resume")
    assert run.run().submitted == ["1/a/01", "1/a/02"]


def test_a_reload_keeps_the_pool_and_follows_the_new_graph(
    play: Player, define_workflow: Callable[..., object]
) -> None:
    """What waits, waits for the new prerequisites; what is gone from the definition goes; what is new comes."""
    from tidemill.flow.engine.events import JobKey, JobSucceeded

    head = "[scheduler]\n allow implicit tasks = True\n[scheduling]\n [[graph]]\n  R1 = '''\n{}\n'''\n"
    run = play("a => b => c\na & w => x", {"1/a": "succeed", "1/w": "hang", "1/b": "hang"}).run()
    assert run.engine.find("1", "x").unmet == 1
    run.engine.next_definition = define_workflow(head.format("a => b => d => e\na => x\nfresh"))
    run.command("reload_workflow")
    run.run()
    assert result(run)["orphaned"] == ["1/w"]
    assert sorted(result(run)["added"]) == ["d", "e", "fresh"]
    assert run.submitted[-2:] == ["1/x/01", "1/fresh/01"] or run.submitted[-2:] == ["1/fresh/01", "1/x/01"]
    run.give(JobSucceeded(run.time, JobKey("1", "b", 1)), JobSucceeded(run.time, JobKey("1", "w", 1)))
    run.run()
    assert run.submitted[-2:] == ["1/d/01", "1/e/01"]
    assert run.stop.reason == "AUTOMATIC"


def test_polling_or_killing_what_has_ended_is_no_error(play: Player) -> None:
    """A task the workflow does not have is."""
    run = play("a => b", {"1/b": "hang"}).run()
    run.command("poll_tasks", tasks=["1/a", "*/b"])
    assert (result(run)["tasks"], result(run)["idle"]) == (["1/b"], ["1/a"])
    run.command("kill_tasks", tasks=["1/nobody"])
    assert "refused" in result(run)


def test_groups_that_are_not_connected_begin_a_new_flow_each(play: Player) -> None:
    """Connected ones share it."""
    run = play("a => b => c\nx => y\nend", {"1/end": "hang"}).run()
    run.command("force_trigger_tasks", tasks=["1/a", "1/b", "1/x"], flow=["new"])
    run.run()
    flows = {row[0]: row for row in run.tables["workflow_flows"].values()}
    assert sorted(flows) == [1, 2, 3]
    assert run.submitted.count("1/b/02") == 1


def test_a_skipped_task_completes_without_a_job(play: Player) -> None:
    """Its required outputs, or those it is told to."""
    text = """
    [scheduling]
        [[graph]]
            R1 = '''
                a:x => b
                c:fail? => d
            '''
    [runtime]
        [[a]]
            run mode = skip
            [[[outputs]]]
                x = x is done
        [[c]]
            run mode = skip
            [[[skip]]]
                outputs = failed
        [[b, d]]
    """
    run = play(text).run()
    assert sorted(run.submitted) == ["1/b/01", "1/d/01"]
    assert run.stop.reason == "AUTOMATIC"
