"""The definition classes of `tidemill.ecflow`: what they print, return and refuse.

The tables are facts seen of ecFlow 5.9.2's own Python module; spaces at the ends of lines apart.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tidemill.ecflow as ecflow
from tidemill.ecflow import (
    Alias,
    Autoarchive,
    Autocancel,
    Autorestore,
    AvisoAttr,
    ChildCmdType,
    Clock,
    Complete,
    Cron,
    Date,
    Day,
    Days,
    Defs,
    Defstatus,
    DState,
    Edit,
    Event,
    Expression,
    Family,
    Flag,
    FlagType,
    Generic,
    InLimit,
    JobCreationCtrl,
    Label,
    Late,
    Limit,
    Meter,
    MirrorAttr,
    Node,
    PartExpression,
    PrintStyle,
    Queue,
    RepeatDate,
    RepeatDateList,
    RepeatDateTime,
    RepeatDateTimeList,
    RepeatDay,
    RepeatEnumerated,
    RepeatInteger,
    RepeatString,
    SState,
    State,
    Style,
    Suite,
    Task,
    Time,
    TimeSeries,
    TimeSlot,
    Today,
    Trigger,
    UrlCmd,
    Variable,
    VariableList,
    Verify,
    WhyCmd,
    Zombie,
    ZombieAttr,
    ZombieType,
    ZombieUserActionType,
)

slot = TimeSlot
PRINTED: list[tuple[Any, str]] = [
    (Variable("a", "x y"), "edit a 'x y'"),
    (Variable("a", "x'y"), "edit a 'x'y'"),
    (Variable("a", "x\ny"), "edit a 'x\\ny'"),
    (Event(1), "event 1"),
    (Event("1"), "event 1"),
    (Event(1, "x"), "event 1 x"),
    (Event(1, "x", True), "event 1 x set"),
    (Event("x", True), "event x set"),
    (Meter("m", 0, 10), "meter m 0 10 10"),
    (Meter("m", 0, 10, 5), "meter m 0 10 5"),
    (Label("l", "v\nw"), 'label l "v\\nw"'),
    (Limit("l", -3), "limit l -3"),
    (InLimit("l"), "inlimit l"),
    (InLimit("l", "/s", 2), "inlimit /s:l 2"),
    (InLimit("l", "/s", 2, True), "inlimit -n /s:l 2"),
    (InLimit("l", "/s", 2, False, True), "inlimit -s /s:l 2"),
    (Queue("q", ["a", "a"]), "queue q a a"),
    (Generic("g", []), "generic g"),
    (Verify(State.complete, 3), "verify complete:3"),
    (Defstatus("suspended"), "suspended"),
    (RepeatDate("d", 20200101, 20200110, 2), "repeat date d 20200101 20200110 2"),
    (RepeatDate("d", 20200110, 20200101, -1), "repeat date d 20200110 20200101 -1"),
    (RepeatDateList("d", [20200101, 20190101]), 'repeat datelist d "20200101" "20190101"'),
    (RepeatInteger("d", 10, 1), "repeat integer d 10 1"),
    (RepeatInteger("d", 1, 10, 2), "repeat integer d 1 10 2"),
    (RepeatEnumerated("d", ["a b", "b"]), 'repeat enumerated d "a b" "b"'),
    (RepeatString("d", ["a", "b"]), 'repeat string d "a" "b"'),
    (RepeatDay(), "repeat day 1"),
    (slot(1, 2), "01:02"),
    (TimeSeries(1, 2, True), "+01:02"),
    (TimeSeries(slot(1, 2), slot(3, 2), slot(0, 30), True), "+01:02 03:02 00:30"),
    (Time("10:00 20:00 01:00"), "time 10:00 20:00 01:00"),
    (Time(10, 0, True), "time +10:00"),
    (Time(slot(1, 2), slot(2, 2), slot(0, 2), False), "time 01:02 02:02 00:02"),
    (Today(10, 1), "today 10:01"),
    (Cron(), "cron 00:00"),
    (Cron("+00:00 20:00 01:00"), "cron +00:00 20:00 01:00"),
    (Cron("10:00", days_of_week=[0, 1], days_of_month=[1, 2], months=[3]), "cron -w 0,1 -d 1,2 -m 3 10:00"),
    (Cron("10:00", last_week_days_of_the_month=[5], last_day_of_the_month=True), "cron -w 5L -d L 10:00"),
    (Date("1.*.*"), "date 1.*.*"),
    (Date(0, 0, 0), "date *.*.*"),
    (Day(Days.monday), "day monday"),
    (Clock(True), "clock hybrid"),
    (Clock(1, 2, 2020), "clock real 1.2.2020"),
    (Late(submitted="00:10"), "late -s +00:10"),
    (Late(submitted="+00:10", active="20:00", complete="+02:00"), "late -s +00:10 -a 20:00 -c +02:00"),
    (Autocancel(3), "autocancel 3"),
    (Autocancel(1, 10, True), "autocancel +01:10"),
    (Autocancel(slot(1, 2), False), "autocancel 01:02"),
    (Autoarchive(3, True), "autoarchive 3 -i"),
    (Autoarchive(1, 10, True, False), "autoarchive +01:10"),
    (Autoarchive(slot(1, 2), True, True), "autoarchive +01:02 -i"),
    (Autorestore(["/s/f"]), "autorestore /s/f"),
    (
        ZombieAttr(ZombieType.ecf, [ChildCmdType.init, ChildCmdType.event], ZombieUserActionType.fob, 300),
        "zombie ecf:fob:init,event:300",
    ),
    (ZombieAttr(ZombieType.ecf, [], ZombieUserActionType.remove, 30), "zombie ecf:remove::60"),
    (ZombieAttr(ZombieType.user, [], ZombieUserActionType.adopt), "zombie user:adopt::300"),
    (Trigger("a == complete", True), " AND a == complete"),
    (Trigger(["a", "b"]), "a == complete AND b == complete"),
    (Trigger([Task("x"), Task("y")]), "x == complete AND y == complete"),
    (Suite("s"), "suite s\nendsuite\n"),
    (Family("f", Task("t")), "  family f\n    task t\n  endfamily\n"),
    (Task("t", Edit(A="b"), B=1), "  task t\n    edit A 'b'\n    edit B '1'\n"),
    (Task("t", Edit(A=1), Edit(A=2)), "  task t\n    edit A '2'\n"),
    (Task("t", Trigger("1==1"), Trigger("2==2")), "  task t\n    trigger 1==1\n    trigger -a 2==2\n"),
    (Task("t", Defstatus("complete"), Defstatus("queued")), "  task t\n"),
    (Task("t", Day("monday"), Date("1.2.2020")), "  task t\n    date 1.2.2020\n    day monday\n"),
    (Suite("f") >> Task("a") >> Task("b"), "suite f\n  task a\n  task b\n    trigger a == complete\nendsuite\n"),
    (Suite("f") << Task("a") << Task("b"), "suite f\n  task a\n    trigger b == complete\n  task b\nendsuite\n"),
    (Family("f", Task("a", A=1), Task("a", B=1)), "  family f\n    task a\n      edit A '1'\n  endfamily\n"),
    (Family("f", None, [Task("a"), Task("b")]), "  family f\n    task a\n    task b\n  endfamily\n"),
    (Defs(), "#5.9.2\n# enddef\n"),
    (Defs(Suite("s"), A="1"), "#5.9.2\nsuite s\nendsuite\n# enddef\n"),
    (Suite("s", Cron("10:00")), "suite s\n  cron 10:00\nendsuite\n"),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "text"), PRINTED, ids=[text.strip()[:40] for _, text in PRINTED])
def test_prints_as_ecflow_does(thing: Any, text: str) -> None:
    """What is built prints as ecFlow's own module prints it."""
    assert str(thing) == text


VALUES: list[tuple[Any, Any]] = [
    (Event("x").number(), 2147483647),
    (Event(1).name_or_number(), "1"),
    (Event("x", True).value(), True),
    (Meter("m", 5, 10).value(), 5),
    (Queue("q", ["a", "b"]).value(), "a"),
    (Label("l", "v").new_value(), ""),
    (RepeatEnumerated("d", ["a", "b"]).start(), 0),
    (RepeatEnumerated("d", ["a", "b"]).end(), 1),
    (RepeatDate("d", 20200101, 20200110).step(), 1),
    (RepeatDateList("d", [20200101, 20190101]).end(), 20190101),
    (str(TimeSeries(slot(1, 2)).finish()), "00:00"),
    (TimeSeries(slot(1, 2)).has_increment(), False),
    (TimeSeries(slot(1, 2)).incr().empty(), True),
    (str(Autocancel(3).time()), "72:00"),
    (Autocancel(3).days(), True),
    (str(Late(submitted="+00:10").active()), "00:00"),
    (Late(complete="+02:00").complete_is_relative(), True),
    (Day("monday").day(), Days.monday),
    (Task("t").get_abs_node_path(), "/t"),
    (Task("t").get_parent(), None),
    (Task("t").get_defstatus(), DState.queued),
    (Task("t").get_state(), State.unknown),
    (Task("t").get_try_no(), "0"),
    (Task("t").get_trigger(), None),
    (Task("t").get_repeat().empty(), True),
    (Task("t").find_event("x").empty(), True),
    (Task("t").find_limit("x"), None),
    (str(Task("t").find_variable("x")), "edit  ''"),
    (Task("t").evaluate_trigger(), False),
    (Task("t", Trigger("1 == 1")).evaluate_trigger(), True),
    (Task("t", A="%B%", B="c").find_parent_variable_sub_value("A"), "c"),
    (Task("t").find_parent_variable_sub_value("A"), ""),
    (len(Family("f", Task("a"), Family("b"))), 2),
    ("a" in Family("f", Task("a")), True),
    (Family("f", Task("a")) == Family("f", Task("a")), True),
    (Task("a") == Task("a", A="1"), False),
    (Task("a") < Task("b"), True),
    (str(Family("f", Task("a", X="1")).a.X), "edit X '1'"),
    (str(Task("a", RepeatInteger("r", 1, 2)).r), "edit r '1'"),
    (str(Defs(Suite("s"), X="1").X), "edit X '1'"),
    (Defs().get_server_state(), SState.RUNNING),
    (Defs().check(), ""),
    (Defs(Suite("s")).find_abs_node("/x"), None),
    (Defs(Suite("s", Task("t"))).find_node_path("task", "t"), "/s/t"),
    (Defs(Suite("s", Task("t"))).find_node_path("family", "t"), ""),
    (Suite("s", Task("t")).find_family("t"), None),
    (str(State.complete), "complete"),
    (int(State.active), 5),
    (State.complete == DState.complete, True),
    (ZombieType.names["ecf_pid_passwd"], 4),
    (ZombieUserActionType.values[2].name, "adopt"),
    (Flag.type_to_string(FlagType.late), "late"),
    (PartExpression("a == complete", False).or_expr(), True),
    (PartExpression("a == complete").and_expr(), False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_answers_as_ecflow_does(value: Any, expected: Any) -> None:
    """What is asked of things answers as ecFlow's own module does."""
    assert value == expected


REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: Variable("a b", "b"), RuntimeError, "a b"),
    (lambda: Variable("a", 1), TypeError, "text"),
    (lambda: Edit("a"), RuntimeError, "dictionary"),
    (lambda: Event(""), RuntimeError, "name or a number"),
    (lambda: Meter("m", 0, 10, 20), IndexError, "colour change"),
    (lambda: Meter("m", 10, 0), IndexError, "above its maximum"),
    (lambda: Label("", "v"), RuntimeError, "label name"),
    (lambda: Limit("l", "3"), TypeError, "whole number"),
    (lambda: InLimit("l", "/s", 2, True, True), RuntimeError, "not both"),
    (lambda: Queue("q", []), RuntimeError, "no steps"),
    (lambda: Queue("q", [1]), TypeError, "text"),
    (lambda: Defstatus("x"), RuntimeError, "no state"),
    (lambda: Defstatus(State.complete), TypeError, "DState"),
    (lambda: RepeatDate("d", 20200110, 20200101), RuntimeError, "after the end"),
    (lambda: RepeatDate("d", 2020, 20200101, -1), RuntimeError, "2020"),
    (lambda: RepeatDateList("d", []), RuntimeError, "no values"),
    (lambda: RepeatEnumerated("d", []), RuntimeError, "no values"),
    (lambda: RepeatEnumerated("d", [1]), TypeError, "text"),
    (lambda: TimeSeries(slot(4, 2), slot(3, 2), slot(0, 30)), IndexError, "after it finishes"),
    (lambda: Time("9:00"), RuntimeError, "two digits"),
    (lambda: Cron("10:00", days_of_week=[7]), IndexError, "Sunday"),
    (lambda: Date(31, 2, 2020), IndexError, "29 days"),
    (lambda: Date("x"), RuntimeError, "D.M.Y"),
    (lambda: Day("Monday"), RuntimeError, "monday"),
    (lambda: Clock(32, 2, 2020, False), IndexError, "1 to 31"),
    (lambda: Task(""), RuntimeError, "task name"),
    (lambda: Node("x"), RuntimeError, "cannot be made"),
    (lambda: Alias("x"), RuntimeError, "cannot be made"),
    (lambda: Task("t", Event(1), Event(1)), RuntimeError, "/t"),
    (lambda: Task("t", Task("u")), RuntimeError, "no children"),
    (lambda: Task("t").add("x"), RuntimeError, "'x'"),
    (lambda: Suite("s", Trigger("a == complete")), RuntimeError, "suite has no trigger"),
    (lambda: Suite("s", Time("10:00")), RuntimeError, "suite has no time"),
    (lambda: Suite("s", Clock(True), Clock(True)), RuntimeError, "clock already"),
    (lambda: Task("t").add_trigger("a == complete").add_trigger("b == complete"), RuntimeError, "already"),
    (lambda: Task("t").add_part_trigger("a == complete", True), RuntimeError, "first line"),
    (lambda: Task("t", Trigger("a ==")), RuntimeError, "a =="),
    (lambda: Task("t").change_trigger("b=="), RuntimeError, "b=="),
    (lambda: Expression(PartExpression("a == complete", True)), RuntimeError, "first line"),
    (lambda: Task("t").delete_variable("x"), RuntimeError, "no variable 'x'"),
    (lambda: Task("t").delete_time("10:00"), RuntimeError, "no time"),
    (lambda: Task("t").sort_attributes("bogus"), RuntimeError, "bogus"),
    (lambda: Task("t").bogus, RuntimeError, "bogus"),
    (lambda: Defs().zzz, RuntimeError, "zzz"),
    (lambda: Defs(Suite("s"), Suite("s")), RuntimeError, "'s'"),
    (lambda: Defs(Task("t")), RuntimeError, "Task"),
    (lambda: Defs("nofile.def"), RuntimeError, "nofile.def"),
    (lambda: Family("f", Task("a")).add_task("a"), RuntimeError, "'a'"),
    (lambda: Task("t", Cron("10:00 20:00 01:00"), RepeatInteger("r", 1, 2)), RuntimeError, "cron"),
    (lambda: WhyCmd(Defs(), "/x"), RuntimeError, "/x"),
    (lambda: UrlCmd(Defs(), "/x"), RuntimeError, "/x"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "words"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_refuses_as_ecflow_does(make: Callable[[], Any], kind: type[Exception], words: str) -> None:
    """What ecFlow's own module refuses is refused with the same kind of error, and says what is wrong."""
    with pytest.raises(kind, match=None) as caught:
        make()
    assert words in str(caught.value)


def everything() -> Defs:
    """A definition with every attribute there is."""
    with Defs() as defs, Suite("s", Clock(1, 2, 2030, True), HOME="/x") as suite:
        suite += [Limit("jobs", 3), RepeatDate("YMD", 20300101, 20300110), Autocancel(5)]
        suite.add_end_clock(Clock(1, 3, 2030, True))
        with suite.add_family("f") as family:
            family += [InLimit("jobs", "/s"), Late(active="20:00"), Autoarchive(2, True), Complete("f2 == complete")]
            task = family.add_task("t")
            task += [Event(1, "one"), Meter("m", 0, 10), Label("l", "x"), Queue("q", ["a", "b"]), Generic("g", ["w"])]
            task += [Time("10:00"), Today("11:00"), Date(1, 0, 0), Day("friday"), Verify(State.complete, 1)]
            task += [ZombieAttr(ZombieType.path, [], ZombieUserActionType.fail), Defstatus("suspended")]
            family.add_task("u").add_trigger("t:m > 5").add_part_trigger("t == complete", False).add_cron("12:00")
            family.add_task("v").add_aviso(AvisoAttr("a", '{ "event": "mars" }', url="http://x"))
            family.add_task("w").add_mirror(MirrorAttr("m", "/r/t", "host", "3141"))
        suite.add_family("f2").add_autorestore(["/s/f"]).add_task("x").add_repeat(
            RepeatDateTime("T", "20300101T000000", "20300102T000000", "06:00:00")
        )
        suite.f2.add_task("y").add_repeat(RepeatDateTimeList("T", ["20300101T000000"]))
        defs += suite
        return defs


def test_comes_back_from_a_file_as_it_was(tmp_path: Path) -> None:
    """A definition saved, as a definition or as a checkpoint, and read again is equal and passes its check."""
    defs = everything()
    for style in (Style.DEFS, Style.MIGRATE):
        path = str(tmp_path / f"{style}.def")
        defs.save_as_defs(path, style)
        assert Defs(path) == defs
        assert Defs(path).check() == ""
    defs.save_as_checkpt(str(tmp_path / "check"))
    again = Defs()
    again.restore_from_checkpt(str(tmp_path / "check"))
    assert again == defs


def test_what_is_found_on_a_node_is_live() -> None:
    """Covers hold nothing: a change by one is seen through every other, and copies are apart."""
    defs = everything()
    task = defs.s.f.t
    task += Edit(NEW="1")
    assert defs.find_abs_node("/s/f/t").find_variable("NEW").value() == "1"
    assert [str(event) for event in task.events] == ["event 1 one"]
    assert task.get_parent().name() == "f"
    assert task.get_defs() == defs
    assert task.find_node_up_the_tree("f").get_abs_node_path() == "/s/f"
    apart = copy.copy(defs.s)
    apart.f.t.remove()
    assert "t" in defs.s.f
    assert "t" not in apart.f
    assert [node.get_abs_node_path() for node in defs.s.f.get_all_nodes()][:2] == ["/s/f", "/s/f/t"]
    defs.s.f.t += Edit(MORE="2")
    defs.s += Edit(MORE="3")
    assert (task.MORE.value(), defs.s.find_variable("MORE").value()) == ("2", "3")
    with pytest.raises(RuntimeError, match="cannot be set"):
        defs.s.f.t = Task("other")
    task.delete_event("1")
    task.delete_label("")
    task.delete_zombie(ZombieType.path)
    task.delete_time("10:00")
    assert not [*task.events, *task.labels, *task.zombies, *task.times]


def test_a_node_stands_in_one_tree() -> None:
    """add_task refuses a task that stands elsewhere; ``+=`` passes it over, as ecFlow does."""
    task, one, other = Task("t"), Family("f"), Family("g")
    one += task
    other += task
    assert len(other) == 0
    with pytest.raises(RuntimeError, match="stands in another tree"):
        other.add_task(task)


def test_generated_variables_are_there() -> None:
    """A node tells what is generated for it, without a server."""
    defs = Defs(Suite("s", Family("f", Task("t"))))
    found = VariableList()
    defs.s.f.t.get_generated_variables(found)
    texts = [str(variable) for variable in found]
    assert texts == [
        "edit TASK 't'",
        "edit ECF_JOB './s/f/t.job0'",
        "edit ECF_SCRIPT './s/f/t.ecf'",
        "edit ECF_JOBOUT './s/f/t.0'",
        "edit ECF_TRYNO '0'",
        "edit ECF_RID ''",
        "edit ECF_NAME '/s/f/t'",
        "edit ECF_PASS ''",
    ]
    assert str(defs.s.f.t.find_parent_variable("ECF_HOME")) == "edit ECF_HOME '.'"
    assert defs.s.f.t.get_state_change_time() == "not-a-date-time"


def test_check_tells_what_is_not_there() -> None:
    """check names node, expression and what is missing; an extern, or auto_add_externs, allows it."""
    defs = Defs(Suite("s", Task("t", Trigger("/o/x:e and u == complete"), InLimit("none"))))
    said = defs.check()
    assert said.splitlines()[0].startswith("Error: /s/t: trigger")
    assert "Warning: /s/t: inlimit none" in said
    defs.auto_add_externs(True)
    assert list(defs.externs) == ["/o/x:e", "u"]
    assert "Error" not in defs.check()


def test_bad_file_names_its_line(tmp_path: Path) -> None:
    """A file that is no definition, or names what is not there, is refused with file and line."""
    path = tmp_path / "bad.def"
    path.write_text("suite s\n tisk x\nendsuite\n")
    with pytest.raises(RuntimeError, match=r"bad\.def:2: .*tisk"):
        Defs(str(path))
    path.write_text("suite s\n task x\n  trigger y == complete\nendsuite\n")
    with pytest.raises(RuntimeError, match=r"bad\.def:3: .*'y'"):
        Defs(str(path))


def test_simulation_runs_suites_to_their_end() -> None:
    """simulate completes what can complete, whatever times and repeats it has, and counts what verify expects."""
    suite = Suite("s", RepeatInteger("r", 1, 3), Task("t", Event("e"), Verify(State.complete, 3)))
    suite += [Task("u", Trigger("t:e"), Time("10:00")), Task("v", Trigger("u == complete"), Verify(State.complete, 3))]
    assert Defs(suite).simulate() == ""
    suite.t.delete_trigger()
    suite.v.change_trigger("u == aborted")
    said = Defs(copy.copy(suite)).simulate()
    assert "/s has not completed" in said
    assert "/s/v was expected to be 3 complete, there were 0" in said
    assert suite.get_state() == State.unknown


def test_jobs_and_scripts_can_be_made_without_a_server(tmp_path: Path) -> None:
    """generate_scripts writes what is missing, check_job_creation makes jobs of it, or says what is wrong."""
    defs = Defs(Suite("s", Task("t", Event("e"), Meter("m", 0, 10))))
    assert "there is no script" in defs.check_job_creation()
    with pytest.raises(RuntimeError, match="there is no script"):
        defs.check_job_creation(throw_on_error=True)
    with pytest.raises(RuntimeError, match="ECF_INCLUDE"):
        defs.generate_scripts()
    defs.s.add_variable({"ECF_HOME": str(tmp_path), "ECF_INCLUDE": str(tmp_path / "include")})
    defs.generate_scripts()
    control = JobCreationCtrl()
    control.set_dir_for_job_creation(str(tmp_path / "jobs"))
    assert defs.check_job_creation(control) == ""
    assert control.get_error_msg() == ""
    job = (tmp_path / "jobs" / "s" / "t.job0").read_text()
    assert "--init=$$" in job
    assert "--event=e" in job
    assert "--meter=m 10" in job


def test_flags_and_defaults_are_seen() -> None:
    """Flags are set and cleared on the node itself, and printed by their names."""
    task = Task("t")
    task.get_flag().set(FlagType.late)
    task.get_flag().set(FlagType.message)
    assert str(task.get_flag()) == "late,message"
    task.get_flag().clear(FlagType.late)
    assert not task.get_flag().is_set(FlagType.late)
    assert task.get_flag().is_set(FlagType.message)
    alone = Flag()
    alone.set(FlagType.jobcmd_failed)
    assert str(alone) == "jobcmd_failed"
    assert Zombie().empty()


def test_print_style_is_for_all() -> None:
    """PrintStyle chooses what str prints, until it is set back."""
    defs = Defs(Suite("s", Task("t")))
    plain = str(defs)
    PrintStyle.set_style(Style.MIGRATE)
    try:
        assert str(defs).startswith("#5.9.2\ndefs_state MIGRATE")
        assert str(defs.s) == "suite s\n  task t\nendsuite\n"
    finally:
        PrintStyle.set_style(Style.NOTHING)
    assert str(defs) == plain


def test_the_module_lists_and_loads_lazily() -> None:
    """Every name of the module is there, and one that is not is an AttributeError."""
    for name in ecflow.__all__:
        assert getattr(ecflow, name) is not None
    with pytest.raises(AttributeError, match="Nothing"):
        _ = ecflow.Nothing
