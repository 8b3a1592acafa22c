"""The engine of suites: states, releases, limits, repeats, zombies, commands. Sequences are as of ecFlow 5.9.2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tidemill.flow.suite.effects import KillTask, SubmitTask, WakeChild
from tidemill.flow.suite.events import JobCommandEnded, SubmissionFailed
from tidemill.flow.suite.states import Flag

Make = Callable[..., Any]

CHAIN = """
suite s
  family f
    repeat integer I 1 2
    task a
    task b
      trigger a == complete
    family g
      task c
        trigger ../b == complete
    endfamily
  endfamily
  task d
    trigger f == complete
endsuite
"""


def test_begin_queues_all_and_submits_what_is_free(server: Make) -> None:
    """Begin queues every node from the top down, then submits what nothing holds, in the order of the tree."""
    one = server(CHAIN)
    assert one.log() == [
        *[f"queued: {path}" for path in ("/s", "/s/f", "/s/f/a", "/s/f/b", "/s/f/g", "/s/f/g/c", "/s/d", "/")],
        *[f"submitted: {path}" for path in ("/s/f/a", "/s/f", "/s", "/")],
    ]
    assert one.submitted() == ["/s/f/a"]


def test_a_family_that_completes_moves_its_repeat_and_begins_again(server: Make) -> None:
    """The last complete of a family advances its repeat: all below is queued again; past the end it stays complete."""
    one = server(CHAIN)
    one.run("/s/f/a", "/s/f/b")
    one.log()
    one.run("/s/f/g/c")
    log = one.log()
    assert log[log.index("complete: /s/f/g/c") :] == [
        *[f"complete: {path}" for path in ("/s/f/g/c", "/s/f/g", "/s/f")],
        *[f"queued: {path}" for path in ("/s/f", "/s/f/a", "/s/f/b", "/s/f/g", "/s/f/g/c", "/s", "/")],
        *[f"submitted: {path}" for path in ("/s/f/a", "/s/f", "/s", "/")],
    ]
    one.run("/s/f/a", "/s/f/b", "/s/f/g/c", "/s/d")
    assert one.state("/") == "complete"


def test_an_aborted_task_is_tried_again_while_it_has_tries(server: Make) -> None:
    """A job that aborts is submitted again with the next try number until ECF_TRIES is reached."""
    one = server(CHAIN)
    assert one.child("abort", "/s/f/a", "no disk").kind == "ok"
    assert [effect.try_number for effect in one.effects if isinstance(effect, SubmitTask)] == [1, 2]
    one.child("abort", "/s/f/a", "no disk")
    assert (one.state("/s/f/a"), one.state("/")) == ("aborted", "aborted")
    assert "aborted: /s/f/a try-no: 2 reason: no disk" in one.log()


def test_a_failed_submission_is_not_tried_again(server: Make) -> None:
    """A job that could not be made aborts its task with the flag that says why, and is not tried again."""
    one = server(CHAIN)
    one.tell(SubmissionFailed(one.now, "/s/f/a", 1, "no_script", "no script /home/s/f/a.ecf"))
    assert one.state("/s/f/a") == "aborted"
    assert Flag.NO_SCRIPT in one.node("/s/f/a").flags
    assert one.submitted() == ["/s/f/a"]


def test_a_job_command_that_fails_aborts_only_what_was_not_heard_of(server: Make) -> None:
    """A failing job command aborts a submitted task; an active one is only marked."""
    one = server("suite s\n task a\n task b\nendsuite\n")
    one.child("init", "/s/b", "7")
    for path in ("/s/a", "/s/b"):
        one.tell(JobCommandEnded(one.now, path, 1, 3, "sh: not found"))
    assert (one.state("/s/a"), one.state("/s/b")) == ("aborted", "active")
    assert Flag.JOB_COMMAND_FAILED in one.node("/s/a").flags


def test_default_states_are_taken_at_begin(server: Make) -> None:
    """A family complete by default is so with all below; unknown does not run; aborted runs; suspended waits."""
    one = server("""
suite s
 family f
  defstatus complete
  task a
 endfamily
 task u
  defstatus unknown
 task x
  defstatus aborted
 task w
  defstatus suspended
endsuite
""")
    assert one.submitted() == ["/s/x"]
    wanted = {"/s/f": "complete", "/s/f/a": "complete", "/s/u": "unknown", "/s/x": "submitted", "/s/w": "queued"}
    assert wanted.items() <= one.states().items()
    one.command("resume", "/s/w")
    assert one.submitted() == ["/s/w"]


def test_a_complete_expression_completes_without_running(server: Make) -> None:
    """Once its complete expression holds, and nothing of it runs, a family is complete with all below it, by rule."""
    one = server("""
suite s
 family m
  complete /s/ev:go
  task p
   trigger 1 == 0
  task q
 endfamily
 task ev
  event go
  trigger 0 == 1
endsuite
""")
    one.command("force", "set", "/s/ev:go")
    assert one.state("/s/m") == "submitted"
    one.run("/s/m/q")
    assert (one.state("/s/m"), one.state("/s/m/p")) == ("complete", "complete")
    assert Flag.BY_RULE in one.node("/s/m").flags


def test_a_limit_is_never_exceeded_and_a_freed_token_is_used_at_once(server: Make) -> None:
    """As many tasks run as there are tokens, first in the tree first; each end starts the next."""
    tasks = "\n".join(f"  task t{number}" for number in range(6))
    one = server(f"suite s\n limit L 2\n family f\n  inlimit /s:L\n{tasks}\n endfamily\nendsuite\n")
    limit = one.node("/s").limits[0]
    assert one.submitted() == ["/s/f/t0", "/s/f/t1"]
    one.run("/s/f/t1")
    assert one.submitted() == ["/s/f/t2"]
    assert (limit.value, limit.paths) == (2, {"/s/f/t0", "/s/f/t2"})
    one.command("alter", "change", "limit_max", "L", "4", "/s")
    assert one.submitted() == ["/s/f/t3", "/s/f/t4"]
    one.child("abort", "/s/f/t0")
    assert one.submitted() == ["/s/f/t0"], "a task that is tried again goes before those after it"


def test_a_limit_of_submissions_is_freed_by_init_and_one_of_a_family_by_its_end(server: Make) -> None:
    """With -s tokens come back at init; with -n a family holds them from its first job until it is complete."""
    one = server("""
suite s
 limit S 1
 limit N 1
 task a
  inlimit -s S
 task b
  inlimit -s S
 family f
  inlimit -n N
  task x
  task y
   trigger x == complete
 endfamily
 task z
  inlimit N
endsuite
""")
    assert one.submitted() == ["/s/a", "/s/f/x"]
    one.child("init", "/s/a", "7")
    assert one.submitted() == ["/s/b"]
    one.run("/s/f/x")
    assert one.submitted() == ["/s/f/y"]
    assert one.node("/s").limits[1].paths == {"/s/f"}
    one.run("/s/f/y")
    assert one.submitted() == ["/s/z"]


def test_events_meters_and_variables_release_those_that_name_them(server: Make) -> None:
    """Whatever an expression names, a change of it is seen at once."""
    one = server("""
suite s
 edit V 1
 task a
  event e
  meter m 0 10
  label l "none"
 task b
  trigger a:e
 task c
  trigger a:m ge 5
 task d
  trigger :V == 2
endsuite
""")
    assert one.submitted() == ["/s/a"]
    one.child("init", "/s/a", "7")
    one.child("event", "/s/a", "e")
    one.child("meter", "/s/a", "m", "4")
    one.child("label", "/s/a", "l", "one", "two")
    assert one.submitted() == ["/s/b"]
    one.child("meter", "/s/a", "m", "5")
    one.command("alter", "change", "variable", "V", "2", "/s")
    assert one.submitted() == ["/s/c", "/s/d"]
    assert one.node("/s/a").labels[0].new_value == "one\ntwo"


def test_a_node_that_comes_later_is_seen_by_those_that_named_it(server: Make) -> None:
    """Names are looked up when they matter: a suite loaded later can satisfy a trigger that named it."""
    one = server("extern /t/x\nsuite s\n task a\n  trigger /t/x == complete\nendsuite\n")
    one.command("load", "t.def", attachments={"definition": "suite t\n task x\nendsuite\n"})
    one.command("begin", "t")
    one.run("/t/x")
    assert one.submitted() == ["/t/x", "/s/a"]


def test_variables_are_those_visible_at_submission(server: Make) -> None:
    """A submission carries all that its task sees: own before repeat before generated, near before far."""
    one = server("""
suite s
 edit A far
 edit B far
 repeat date YMD 20240131 20240202
 family f
  edit B near
  task t
   edit C own
 endfamily
endsuite
""")
    variables = next(effect for effect in one.effects if isinstance(effect, SubmitTask)).variables
    wanted = {
        "A": "far",
        "B": "near",
        "C": "own",
        "YMD": "20240131",
        "YMD_MM": "1",
        "TASK": "t",
        "FAMILY": "f",
        "SUITE": "s",
        "ECF_NAME": "/s/f/t",
        "ECF_TRYNO": "1",
        "ECF_JOB": "/home/s/f/t.job1",
        "ECF_JOBOUT": "/home/s/f/t.1",
        "ECF_DATE": "20240101",
        "TIME": "1200",
        "DAY": "monday",
    }
    assert wanted.items() <= variables.items()
    assert len(variables["ECF_PASS"]) == 8


def test_the_same_seed_gives_the_same_passwords_and_no_two_alike(server: Make) -> None:
    """Passwords follow from the seed and are not repeated."""
    text = "suite s\n" + "".join(f" task t{number}\n" for number in range(50)) + "endsuite\n"
    first, second = server(text), server(text)
    passwords = [[task.password for task in one.engine.tasks()] for one in (first, second)]
    assert passwords[0] == passwords[1]
    assert len(set(passwords[0])) == 50


def test_a_requeue_needs_force_while_jobs_run_and_leaves_zombies(server: Make) -> None:
    """Requeue without force does nothing while jobs run, and says so; by force the old job is a zombie of the user."""
    one = server(CHAIN)
    one.child("init", "/s/f/a", "7")
    old = one.node("/s/f/a").password
    assert "was not requeued" in one.command("requeue", "/s").text
    assert one.state("/s/f/a") == "active"
    assert one.command("requeue", "force", "/s").refused == ""
    assert one.state("/s/f/a") == "submitted"
    answer = one.child("complete", "/s/f/a", password=old)
    assert (answer.kind, answer.reason) == ("block", "zombie")
    assert " user " in one.engine.zombies.table()


def test_zombies_are_answered_by_their_kind_and_by_what_users_say(server: Make) -> None:
    """A wrong password blocks init but not labels; fob, fail and adopt do as they say."""
    one = server('suite s\n task a\n  label l ""\nendsuite\n')
    assert one.child("init", "/s/a", "8", password="wrong", process_id="8").reason == "zombie"
    assert one.child("label", "/s/a", "l", "x", password="wrong", process_id="8").kind == "ok"
    assert one.node("/s/a").labels[0].new_value == ""
    assert one.child("init", "/nowhere/a", "9", password="x").reason == "zombie"
    assert [zombie.type for zombie in one.engine.zombies.all] == ["ecf_passwd", "path"]
    assert one.command("zombie_fail", "/nowhere/a").refused == ""
    assert one.child("init", "/nowhere/a", "9", password="x").kind == "fail"
    one.command("zombie_adopt", "/s/a")
    assert any(isinstance(effect, WakeChild) and effect.path == "/s/a" for effect in one.effects)
    assert one.child("init", "/s/a", "8", password="wrong", process_id="8").kind == "ok"
    assert (one.state("/s/a"), one.node("/s/a").password) == ("active", "wrong")
    assert "no zombie of /s/a" in one.command("zombie_fob", "/s/a").refused


def test_zombie_attributes_decide_beforehand_and_zombies_die_of_age(server: Make) -> None:
    """An attribute up the tree sets the action and the lifetime; after that the zombie is forgotten."""
    one = server("suite s\n zombie ecf_passwd:fob:init:120\n task a\nendsuite\n")
    assert one.child("init", "/s/a", "8", password="wrong").kind == "ok"
    assert one.child("complete", "/s/a", password="wrong").kind == "block"
    one.wait(minutes=5)
    assert one.engine.zombies.all == []


def test_the_same_news_told_twice_is_taken_once(server: Make) -> None:
    """A job that repeats init, complete or abort because it missed the answer is answered well."""
    one = server(CHAIN)
    password = one.node("/s/f/a").password
    one.child("init", "/s/f/a", "7")
    assert one.child("init", "/s/f/a", "7").kind == "ok"
    one.child("complete", "/s/f/a")
    before = one.states()
    assert one.child("complete", "/s/f/a", password=password).kind == "ok"
    assert one.states() == before
    assert one.child("init", "/s/f/a", "7", password=password).reason == "zombie"


def test_a_halted_server_takes_no_reports_and_submits_nothing(server: Make) -> None:
    """Halted, child commands are to wait; shut down they are taken, but nothing starts; restart starts what is due."""
    one = server(CHAIN)
    one.command("halt", "yes")
    assert one.child("init", "/s/f/a", "7").reason == "halted"
    one.command("shutdown", "yes")
    one.submitted()
    one.run("/s/f/a")
    assert one.submitted() == []
    one.command("restart")
    assert one.submitted() == ["/s/f/b"]


def test_a_job_that_waits_is_woken_when_its_expression_holds(server: Make) -> None:
    """Wait blocks a job until its expression is true, and then has it told at once."""
    one = server("suite s\n task a\n task b\n  trigger 0 == 1\nendsuite\n")
    one.child("init", "/s/a", "7")
    assert one.child("wait", "/s/a", "b == complete").reason == "waiting"
    assert Flag.TASK_WAITING in one.node("/s/a").flags
    one.effects.clear()
    one.command("force", "complete", "/s/b")
    assert WakeChild("/s/a") in one.effects
    assert one.child("wait", "/s/a", "b == complete").kind == "ok"
    assert one.child("wait", "/s/a", "b = complete").kind == "fail"


def test_a_queue_hands_out_its_steps_once(server: Make) -> None:
    """Active gives the next step, <NULL> after the last; reset goes back to the first that is not complete."""
    one = server("suite s\n queue q A B C\n task a\nendsuite\n")
    one.child("init", "/s/a", "7")
    assert [one.child("queue", "/s/a", "q", "active").value for _ in range(2)] == ["A", "B"]
    one.child("queue", "/s/a", "q", "complete", "A")
    one.child("queue", "/s/a", "q", "aborted", "B")
    assert one.child("queue", "/s/a", "q", "no_of_aborted").value == "1"
    assert one.child("queue", "/s/a", "q", "active").value == "C"
    assert one.child("queue", "/s/a", "q", "active").value == "<NULL>"
    one.child("queue", "/s/a", "q", "reset")
    assert one.child("queue", "/s/a", "q", "active").value == "B"
    assert one.child("queue", "/s/a", "nope", "active").kind == "fail"


def test_force_run_and_free_go_past_what_holds(server: Make) -> None:
    """Force sets states, run submits regardless, free-dep lets a trigger go until the next requeue."""
    one = server(CHAIN)
    one.submitted()
    one.command("run", "/s/d")
    assert one.submitted() == ["/s/d"]
    one.command("free-dep", "trigger", "/s/f/b")
    assert one.submitted() == ["/s/f/b"]
    one.command("force", "complete", "/s/f")
    assert one.state("/s/f") == "submitted", "a container follows its children"
    one.command("force", "complete", "recursive", "full", "/s/f")
    assert one.state("/s/f") == "complete"
    assert "is submitted already" in one.command("run", "/s/d").refused


def test_kill_runs_the_kill_command_and_prevents_another_try(server: Make) -> None:
    """Kill gives the substituted command, needs the process id, and a killed job is not tried again."""
    one = server(CHAIN)
    assert "needs the process id" in one.command("kill", "/s/f/a").refused
    one.child("init", "/s/f/a", "77")
    one.command("kill", "/s")
    assert [effect.command for effect in one.effects if isinstance(effect, KillTask)] == ["kill -15 77"]
    one.child("abort", "/s/f/a", "killed", process_id="77")
    assert one.state("/s/f/a") == "aborted"


def test_deleting_leaves_no_hold_behind(server: Make) -> None:
    """A deleted node gives its tokens back, and counts as unknown for those that name it."""
    one = server("""
suite s
 limit L 1
 task a
  inlimit L
 task b
  inlimit L
 task c
  trigger a == complete or a == unknown
endsuite
""")
    assert one.submitted() == ["/s/a"]
    assert "by force" in one.command("delete", "yes", "/s/a").refused
    one.command("delete", "force", "yes", "/s/a")
    assert one.submitted() == ["/s/b", "/s/c"]


def test_the_tree_can_be_replaced_moved_and_ordered(server: Make) -> None:
    """Replace keeps a node's place and suspension; plug moves; order changes who is submitted first."""
    one = server("suite s\n family f\n  task a\n  task b\n endfamily\n family g\n endfamily\nendsuite\n", begin=False)
    one.command("suspend", "/s/f")
    new = "suite s\n family f\n  task c\n endfamily\nendsuite\n"
    assert one.command("replace", "/s/f", "x.def", attachments={"definition": new}).refused == ""
    assert [child.name for child in one.node("/s").children] == ["f", "g"]
    assert one.node("/s/f").suspended
    one.command("plug", "/s/f/c", "/s/g")
    one.command("order", "/s/g", "top")
    assert [node.path for node in one.engine.defs.walk()] == ["/s", "/s/g", "/s/g/c", "/s/f"]


def test_refusals_name_what_is_wrong(server: Make) -> None:
    """A command that cannot be carried out says which node, and why; nothing is changed."""
    one = server(CHAIN)
    before = one.states()
    for words, reason in (
        (("requeue", "/nope"), "could not find node at path '/nope'"),
        (("alter", "change", "variable", "V", "1", "/s"), "no user variable 'V'"),
        (("alter", "change", "trigger", "nope == complete", "/s/f/b"), "nope"),
        (("alter", "change", "trigger", "syntax error", "/s/f/b"), "cannot parse expression"),
        (("alter", "change", "repeat", "9", "/s/f"), "9 is not a value"),
        (("alter", "frobnicate", "x", "/s"), "frobnicate"),
        (("begin", "nope"), "not loaded"),
        (("nonsense",), "no command 'nonsense'"),
        (("load", "x.def"), "definition is missing"),
    ):
        assert reason in one.command(*words).refused
    again = one.command("load", "x.def", attachments={"definition": CHAIN})
    assert "named 's' already" in again.refused
    assert one.states() == before


def test_changes_are_told_by_number_at_the_cost_of_the_change(server: Make) -> None:
    """Who knows a number is told what came after it, no more; who knows none reads all."""
    one = server(CHAIN)
    number = one.engine.changes.number
    one.child("init", "/s/f/a", "7")
    delta = one.engine.changes.since(number)
    assert {node.path for node in delta.nodes} == {"/s/f/a", "/s/f", "/s"}
    assert (delta.is_complete, delta.structures) == (True, [])
    assert one.engine.changes.since(delta.number).nodes == []
    assert not one.engine.changes.since(delta.number + 1).is_complete
    one.command("delete", "force", "/s/d")
    assert one.engine.changes.since(delta.number).structures == [one.node("/s")]


@pytest.mark.parametrize("path", ["/s", "/s/f"])
def test_an_archived_node_comes_back_as_it_was(server: Make, path: str) -> None:
    """Archive takes what is below a node out of the tree as text; restore puts it back."""
    from tidemill.flow.suite.effects import ArchiveSubtree, RestoreSubtree
    from tidemill.flow.suite.events import SubtreeRead

    one = server(CHAIN)
    before = one.states()
    assert "by force" in one.command("archive", path).refused
    one.command("archive", "force", path)
    kept = next(effect for effect in one.effects if isinstance(effect, ArchiveSubtree))
    assert list(one.node(path).children) == []
    one.command("restore", path)
    assert RestoreSubtree(path) in one.effects
    one.tell(SubtreeRead(one.now, path, kept.text))
    assert one.states() == before
    one.run("/s/f/a")
    assert one.state("/s/f/b") == "submitted"
