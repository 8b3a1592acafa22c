"""Definitions of suites: what is read, what is refused and why, and that nothing is lost on the way through text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.flow.suite.attributes import Event, InLimit, Part
from tidemill.flow.suite.check import CheckError, check_definition
from tidemill.flow.suite.compare import differences
from tidemill.flow.suite.exceptions import DefinitionError
from tidemill.flow.suite.nodes import Defs, Node
from tidemill.flow.suite.reader import read_definition
from tidemill.flow.suite.states import State
from tidemill.flow.suite.writer import Style, write_definition

CONFORMANCE = Path(__file__).resolve().parents[2].parent / "shared" / "conformance" / "ecflow"
IN_TASK = "suite s\nfamily f\ntask t\n"


def node(text: str, path: str) -> Node:
    """A node of a definition."""
    found = read_definition(text).find(path)
    assert found is not None
    return found


def task(lines: str) -> Node:
    """A task with these attributes."""
    return node(IN_TASK + lines, "/s/f/t")


def reread(defs: Defs, style: Style = Style.DEFS) -> list[str]:
    """What a tree loses by being written and read."""
    again = read_definition(write_definition(defs, style))
    return list(differences(defs, again, with_state=style is not Style.DEFS))


def files(kind: str) -> list[Path]:
    """Definitions that others wrote."""
    return sorted((CONFORMANCE / kind).rglob("*.def"))


def refusals(path: Path) -> list[tuple[int, str]]:
    """Line and reason of everything wrong with a file."""
    try:
        findings = check_definition(read_definition(path.read_text(), path.name))
    except DefinitionError as error:
        return [(error.line, error.reason)] if str(error).startswith(f"{path.name}:{error.line}: ") else []
    return [(problem.line, problem.reason) for problem in findings.errors + findings.warnings]


@pytest.mark.skipif(not CONFORMANCE.exists(), reason=f"no shared definitions at {CONFORMANCE}")
def test_good_definitions_of_others() -> None:
    """Every definition that ecFlow takes is taken, and is the same after printing and reading in each style."""
    assert files("good_defs")
    for path in files("good_defs"):
        defs = read_definition(path.read_text(), str(path))
        findings = check_definition(defs)
        assert not findings.errors, path
        for style in Style:
            assert reread(defs, style) == [], (path, style)


@pytest.mark.skipif(not CONFORMANCE.exists(), reason=f"no shared definitions at {CONFORMANCE}")
def test_bad_definitions_of_others() -> None:
    """Every definition that ecFlow refuses or warns of is refused or warned of, naming file and line."""
    assert files("bad_defs")
    for path in files("bad_defs"):
        places = refusals(path)
        assert places, path
        assert all(line and reason for line, reason in places), path


BAD = [
    ("suite", 1, "the name of the suite is missing"),
    ("suite -x", 1, "'-x' is no node name"),
    ("suite s\nsuite t", 2, "unexpected keyword 'suite' in suite /s"),
    ("suite s\nendsuite\nsuite s", 3, "there is a suite named 's' already"),
    ("task t", 1, "unexpected keyword 'task' outside of any suite"),
    ("suite s\nTask t", 2, "unexpected keyword 'Task' in suite /s"),
    ("suite s\nfamily a\nendfamily\ntask a", 4, "/s has a child named 'a' already"),
    ("suite s\nendfamily", 2, "unexpected keyword 'endfamily'"),
    ("suite s\nendtask", 2, "unexpected keyword 'endtask'"),
    ("suite s\nendsuite\nendsuite", 3, "unexpected keyword 'endsuite'"),
    ("suite s\nalias a", 2, "unexpected keyword 'alias'"),
    ("suite s\ntask t\nalias a\ntask u", 4, "unexpected keyword 'task' in alias /s/t/a"),
    ("suite s\nextern /a", 2, "unexpected keyword 'extern'"),
    ("extern # nothing", 1, "extern needs the path"),
    ("suite s; task t; event a; event a", 1, "there is an event a already"),
    (IN_TASK + "endtask\ntrigger 1 == 1\nendfamily\ntime 10:00", 7, "unexpected keyword 'time' in suite /s"),
    *(
        (IN_TASK + lines, 3 + lines.count("\n") + 1, reason)
        for lines, reason in [
            ("edit A", "the value of variable A is missing"),
            ("edit A # x", "there is a comment in its place"),
            ("edit A-B x", "'A-B' is no variable name"),
            ("event", "event needs a name or a number"),
            ("event a-b", "'a-b' is no event name"),
            ("event 1\nevent 1", "there is an event 1 already"),
            ("meter m 0", "meter needs a name, a minimum and a maximum"),
            ("meter m 10 0", "the minimum (10) of meter m is above its maximum (0)"),
            ("meter m 0 10 11", "the colour change (11) of meter m is not within 0..10"),
            ("meter m 0 x", "the maximum is to be a whole number, not 'x'"),
            ("meter m 0 99999999999", "does not fit 32 bits"),
            ("meter m 0 1\nmeter m 0 1", "there is a meter m already"),
            ("label a", "the text of label a is missing"),
            ('label a "', 'the quote (") is not closed'),
            ("limit a", "limit needs a name and a maximum"),
            ("inlimit -n -s a", "inlimit takes -n or -s, not both"),
            ("inlimit /s:a:b", "'a:b' is no limit name"),
            ("inlimit a\ninlimit a", "there is an inlimit a of the same path already"),
            ("queue q # x", "queue needs a name and one step at least"),
            ("generic g\ngeneric g", "there is a generic g already"),
            ("verify suspended:1", "'suspended' is no state"),
            ("verify complete:1\nverify complete:2", "there is a verify complete already"),
            ("defstatus Complete", "'Complete' is no state"),
            ("defstatus queued\ndefstatus queued", "there is a defstatus already"),
            ("late", "late needs one at least"),
            ("late -s 1:00", "'1:00' is no time: write HH:MM"),
            ("late -a 10:00 -a 11:00", "late has -a twice"),
            ("late -s 00:10\nlate -a 10:00", "there is a late already"),
            ("autocancel x", "the number of days is to be a whole number"),
            ("autoarchive 1", "a task has no autoarchive"),
            ("autorestore", "autorestore needs one path"),
            ("time 9:05", "'9:05' is no time"),
            ("time 24:00", "the hour is to be 00 to 23"),
            ("time 10:60", "the minute is to be 00 to 59"),
            ("time 10:00 12:00", "the increment is missing"),
            ("time 12:00 10:00 00:10", "the series starts (12:00) after it finishes (10:00)"),
            ("time 10:00 12:00 00:00", "the increment of a series of times is to be more than 00:00"),
            ("time 10:00 12:00 03:00", "the increment (03:00) is longer than from start to finish"),
            ("cron -w 1,2,1L 10:00", "day 1 of the week is named as every one and as the last"),
            ("cron -w 7 10:00", "'7' is no day of the week"),
            ("cron -d 32 10:00", "'32' is not a day of the month"),
            ("cron -m 0 10:00", "'0' is not a month"),
            ("cron -w 1", "cron needs a time"),
            ("cron 10:00\nrepeat day 1", "there is a cron already"),
            ("repeat day 1\ncron 10:00 12:00 01:00", "there is a repeat already"),
            ("date 31.2.2024", "that month has 29 days"),
            ("date 1.13.*", "the month is to be 1 to 12"),
            ("date 1.1.20", "the year is to be 1400 to 9999"),
            ("date 1/1/2020", "'1/1/2020' is no date: write D.M.Y"),
            ("day Monday", "day is to be one of"),
            ("repeat", "repeat is to be one of"),
            ("repeat month 1", "repeat month is not supported"),
            ("repeat date Y 20200101", "repeat date needs a start and an end"),
            ("repeat date Y 20200101 20200110 0", "the step of repeat date cannot be zero"),
            ("repeat date Y 20200110 20200101", "the start is after the end"),
            ("repeat date Y 20200101 20200110 -1", "the start is before the end"),
            ("repeat date Y 20200230 20200301", "'20200230' is no date of the calendar"),
            ("repeat datetime Y 2020 20200102T000000", "'2020' is not an instant"),
            ("repeat integer I 1 x", "the end is to be a whole number"),
            ("repeat string", "repeat string needs a name"),
            ("repeat string S", "repeat string S has no values"),
            ("repeat day 1 20200101", "an end date is not supported"),
            ("repeat day 1\nrepeat day 1", "there is a repeat already"),
            ("zombie user:::", "needs an action or a lifetime"),
            ("zombie fred:fob::", "'fred' is no zombie type"),
            ("zombie user:fob:bogus:", "'bogus' is no child command"),
            ("zombie user:fob::\nzombie user:fail::", "there is a zombie attribute of type user already"),
            ("trigger", "the expression is missing"),
            ("trigger -a 1 == 1", "the first line of an expression takes neither -a nor -o"),
            ("trigger 1 == 1\ntrigger 1 == 1", "join another line to it with -a or -o"),
            ("trigger 1 = 1", "cannot parse expression '1 = 1'"),
            ("complete 1 / 0 == 1", "division by zero"),
            ("clock real", "unexpected keyword 'clock' in task /s/f/t"),
            ("aviso --name A", "aviso needs --listener"),
            ("mirror --name A --bogus x", "mirror knows"),
        ]
    ),
    ("suite s\nclock virtual", 2, "the clock is to be 'real' or 'hybrid'"),
    ("suite s\nclock real\nclock real", 3, "there is a clock already"),
    ("suite s\nclock real 2.1.2020\nendclock 1.1.2020", 3, "the endclock is to be later"),
    ("suite s\nautocancel 1\nautoarchive 1", 3, "there is an autocancel already"),
    ("suite s\ntrigger 1 == 1", 2, "unexpected keyword 'trigger' in suite /s"),
    ("defs_state BOGUS", 1, "STATE, MIGRATE or NET"),
]


@pytest.mark.parametrize(("text", "line", "reason"), BAD)
def test_a_bad_definition_says_where_and_why(text: str, line: int, reason: str) -> None:
    """The first thing wrong is reported with file, line, the text of the line and the reason."""
    with pytest.raises(DefinitionError) as caught:
        read_definition(text, "my.def")
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"my.def:{line}: ")
    assert text.split("\n")[line - 1].strip() in str(caught.value)


GOOD = [
    ("edit A 'b;c'", "edit A 'b;c'"),
    ("edit A b; edit B c", "edit A 'b'\nedit B 'c'"),
    ("edit A 'x # y' # it's", "edit A 'x # y'"),
    ('edit A "it\'s"', "edit A 'it's'"),
    ("edit A x # y", "edit A 'x'"),
    ("edit A b c", "edit A 'b c'"),
    ("edit A ''\nedit A 'x'", "edit A 'x'"),
    ("event 1 a set", "event 1 a set"),
    ("event a b", "event a"),
    ("event 1 set", "event 1 set"),
    ("event 1 1 set", "event 1 1 set"),
    ("event 01", "event 1"),
    ("meter m -5 +10", "meter m -5 10 10"),
    ('label a "x;y # z"', 'label a "x;y # z"'),
    ("label a x y", 'label a "x y"'),
    ("label a 'x' # y", 'label a "x"'),
    ("limit a -1", "limit a -1"),
    ("inlimit -s /s:a 2", "inlimit -s /s:a 2"),
    ("queue q 'b c' d", "queue q 'b c' d"),
    ("late -c +02:00 -a 20:00 -s 00:15", "late -s +00:15 -a 20:00 -c +02:00"),
    ("cron -m 5 -w 1L,2 -d L,3 10:00", "cron -w 2,1L -d 3,L -m 5 10:00"),
    ("cron -w 0, 1 10:00", "cron -w 0,1 10:00"),
    ("time +10:00 20:00 +01:00 x", "time +10:00 20:00 01:00"),
    ("date 01.02.*", "date 1.2.*"),
    ("repeat integer I 10 1", "repeat integer I 10 1"),
    ("repeat date Y 20200101 20200103", "repeat date Y 20200101 20200103 1"),
    (
        "repeat datetime T 20200101T000000 20200102T000000 12",
        "repeat datetime T 20200101T000000 20200102T000000 12:00:00",
    ),
    ("repeat datetimelist T 20200101T000000", 'repeat datetimelist T "20200101T000000"'),
    ("repeat string S \"a b\" 'c' d", 'repeat string S "a b" "c" "d"'),
    ("repeat file F x", ""),
    ("repeat day 1\ncron 10:00", "repeat day 1\ncron 10:00"),
    ("zombie user:fob", "zombie user:fob::300"),
    ("zombie path::init,abort:10", "zombie path:block:init,abort:60"),
    ("trigger 1 == 1 \\\n  and   2 == 2 # c", "trigger 1 == 1 and 2 == 2"),
    ("defstatus queued", ""),
    ("mirror --name A --remote_path /s --ssl --polling 20", "mirror --name A --remote_path /s --polling 20 --ssl"),
    ("aviso --listener '{ \"a\": 1 }' --name A --auth=x", "aviso --name A --listener '{ \"a\": 1 }' --auth x"),
]


@pytest.mark.parametrize(("text", "printed"), GOOD)
def test_attributes_print_as_ecflow_prints_them(text: str, printed: str) -> None:
    """An attribute, however it was written, is printed in ecFlow's one form."""
    lines = [line.strip() for line in write_definition(read_definition(IN_TASK + text)).split("\n")]
    assert "\n".join(lines[4 : lines.index("endfamily")]) == printed


def test_ends_may_be_left_out_at_the_end() -> None:
    """The last family and suite need no end, a task never does; the printed form has them all but endtask."""
    text = write_definition(read_definition("suite s; family f; task t; family g"))
    assert (
        text
        == "#5.9.2\nsuite s\n  family f\n    task t\n    family g\n    endfamily\n  endfamily\nendsuite\n# enddef\n"
    )


def test_expressions_of_several_lines() -> None:
    """Lines with -a and -o are joined to all that came before, and printed as they were written."""
    trigger = task("trigger 1 == 1\ntrigger -a 1 == 0\ntrigger -o 2 == 2").trigger
    assert trigger is not None
    assert trigger.parts == (Part("1 == 1"), Part("1 == 0", "and"), Part("2 == 2", "or"))
    assert trigger.text == "((1 == 1) AND (1 == 0)) OR (2 == 2)"
    assert trigger.line == 4


def test_names_are_looked_up_from_the_parent() -> None:
    """A bare name is a sibling, .. goes up, an absolute path begins at the top; a suite has no siblings."""
    a = node("suite s\nfamily f\ntask a\ntask b\nendfamily\nendsuite\nsuite u", "/s/f/a")
    assert a.find("b") is a.find("./b") is a.find("/s/f/b") is a.find("../f/b") is not None
    assert a.find("../../s") is a.suite
    assert a.find("f") is None
    assert a.suite.find("u") is None


CHECKED = [
    ("trigger x == complete", "line 6: /s/f/b: trigger 'x == complete': there is no node 'x', looked for from /s/f"),
    ("trigger f == complete", "for the parent of that name write ../f"),
    ("trigger /x == complete", "declare it: extern /x"),
    ("trigger a:nothing", "task /s/f/a has no event, meter, variable, repeat, limit or queue 'nothing'"),
    ("trigger :nothing == 1", "there is no 'nothing' on this node nor on any above it"),
    ("complete a == complete and x == complete", "there is no node 'x'"),
    ("trigger a == complete\ntrigger -o x == active", "there is no node 'x'"),
    ("autorestore a", "that is a task; only suites and families"),
    ("autorestore /x", "there is no node /x"),
    ("trigger x<flag>late", "there is no node 'x'"),
]


@pytest.mark.parametrize(("line", "reason"), CHECKED)
def test_names_that_are_not_there_are_errors(line: str, reason: str) -> None:
    """A name that nothing has is an error that says where it was looked for, and on which line it is written."""
    findings = check_definition(read_definition(f"suite s\nfamily f\ntask a\nevent e\ntask b\n{line}\n"))
    assert len(findings.errors) == 1
    assert reason in str(findings.errors[0])
    with pytest.raises(CheckError, match=r"my\.def:6: "):
        findings.raise_errors("my.def")


@pytest.mark.parametrize(
    "line",
    [
        "trigger a:e and a:m > 3 and a:V == 1 and a:L < 2 and a:q == 0 and a:1",
        "trigger ../f:Y == 20200101 and ../f:Y_DOW == 1 and :FAMILY1 == 0 and :ECF_DATE == 1",
        "trigger a:TASK == 1 and a:ECF_TRYNO == 1",
        "trigger /x/y == complete and /x/y:ev == set",
        "trigger /<flag>late",
        "autorestore ../f",
    ],
)
def test_names_that_are_there(line: str) -> None:
    """Events, meters, variables (also generated ones), limits, queues, repeats and externs can be named."""
    text = (
        "extern /x/y\nextern /x/y:ev\nsuite s\nfamily f\nrepeat date Y 20200101 20200103\ntask a\nevent e\nevent 1\n"
        f"meter m 0 10\nedit V 1\nlimit L 2\nqueue q a b\ntask b\n{line}\n"
    )
    assert check_definition(read_definition(text)).errors == []


def test_an_inlimit_without_a_limit_is_a_warning() -> None:
    """A definition may name limits that are not there (yet); each is reported with its line."""
    findings = check_definition(
        read_definition(IN_TASK + "inlimit none\ninlimit /s:L\ninlimit /x:L\nlimit mine 1\ninlimit mine")
    )
    assert findings.errors == []
    assert [problem.line for problem in findings.warnings] == [4, 5, 6]


CHECKPOINT = """\
#5.9.2
defs_state MIGRATE state>:active flag:message state_change:62 modify_change:7 cal_count:3
extern /x
  edit MINE 'a # b'
  edit ECF_HOME '/home' # server
history /s/t \bMSG:[20:50:25 22.11.2026] --run /s/t :me@host\bMSG:[20:50:26 22.11.2026] --kill /s/t :me@host
suite s # begun:1 state:active dur:00:00:10 flag:message suspended:1
  defstatus complete
  repeat date D 20200101 20200110 1 # 20200105
  limit L 5 # 2 /s/t
  clock hybrid 1.2.2020 +3600
  calendar initTime:2020-Feb-01 01:00:00 suiteTime:2020-Feb-01 01:08:25 duration:00:08:50 \
initLocalTime:2026-Nov-22 20:41:35 lastTime:2026-Nov-22 20:50:00 calendarIncrement:00:01:00
  family f # state:queued
    inlimit -n L # incremented:1
    late -s +00:01 # late
    repeat enumerated E "a" "b" # 1
    verify complete:1 # 3
    queue q a b # 1 active queued
    time 10:00 12:00 00:10 # free nextTimeSlot/10:10
    time +00:10 # isValid:false relativeDuration/00:08:25
    date 1.*.* # free
    day monday # free date:2026-Nov-23
  endfamily
  task t # alias_no:2 passwd:lO.lELZk rid:77 abort<:a reason; # it has>abort try:2 state:aborted dur:00:01:00 \
flag:task_aborted,late rt:00:00:30
    trigger 1 == 1 # free
    edit V 'it's # "x'
    label l "old" # "new # \\n "line""
    event 1 # set
    event e set # clear
    meter m 0 10 10 # 7
    unknown keyword of later days
      alias alias0 # state:queued
        edit X '1'
      alias alias1 # state:complete
      endalias
endsuite
# enddef
"""


def test_a_checkpoint_brings_the_state_back() -> None:
    """Everything a checkpoint says of nodes and attributes is in the tree, and in its next checkpoint."""
    defs = read_definition(CHECKPOINT)
    suite, family, job = (defs.find(path) for path in ("/s", "/s/f", "/s/t"))
    assert suite is not None
    assert family is not None
    assert defs.user_variables == {"MINE": "a # b"}
    assert defs.server_variables == {"ECF_HOME": "/home"}
    assert defs.edit_history["/s/t"][1].endswith("--kill /s/t :me@host")
    assert suite.suspended
    assert suite.calendar.duration_seconds == 530
    assert suite.repeat.value == 20200105
    assert suite.limits[0].paths == {"/s/t"}
    assert family.times[0].series.next_slot == 610
    assert family.queues[0].states == [State.ACTIVE, State.QUEUED]
    assert job.aborted_reason == "a reason; # it has"
    assert (job.password, job.process_id, job.try_number, job.state) == ("lO.lELZk", "77", 2, State.ABORTED)
    assert job.variables == {"V": "it's # \"x"}
    assert job.labels[0].new_value == 'new # \n "line"'
    assert [event.value for event in job.events] == [True, False]
    assert job.trigger.free
    assert [alias.name for alias in job.children] == ["alias0", "alias1"]
    assert reread(defs, Style.MIGRATE) == []
    printed = [line.strip() for line in write_definition(defs, Style.MIGRATE).split("\n")]
    expected = [line.strip() for line in CHECKPOINT.split("\n") if not line.startswith("    unknown")]
    assert sorted(printed) == sorted(expected)


def test_a_plain_definition_has_no_state() -> None:
    """Without the line that says so, what follows # is a comment and nothing else."""
    assert task("event e # set\nmeter m 0 10 # 7").events == [Event(None, "e")]


def test_thousands_of_conditions() -> None:
    """A trigger may have as many conditions as a suite has tasks; brackets without end are refused."""
    count = 3000
    tasks = "".join(f"task t{number}\n" for number in range(count))
    condition = " and ".join(f"t{number} == complete" for number in range(count))
    findings = check_definition(read_definition(f"suite s\n{tasks}task last\ntrigger {condition}\n"))
    assert findings.errors == []
    with pytest.raises(DefinitionError, match="nested more than"):
        task("trigger " + "(" * 5000 + "1 == 1" + ")" * 5000)


def test_a_large_definition_is_read_quickly() -> None:
    """100,000 tasks, each with a trigger, a variable and a label, take a few seconds of CPU at most."""
    lines = ["suite big"]
    for family in range(200):
        lines.append(f"family f{family}")
        for number in range(100):
            lines.append(f"task t{number}\nedit VAR{number} 'value {number}'\nlabel info \"some text {number}\"")
            if number:
                lines.append(f"trigger t{number - 1} == complete")
        lines.append("endfamily")
    text = "\n".join(lines)
    start = time.process_time()
    defs = read_definition(text)
    assert time.process_time() - start < 2.0  # a fifth of the tasks takes about 0.15 s
    start = time.process_time()
    assert not check_definition(defs).errors
    assert time.process_time() - start < 2.0
    start = time.process_time()
    assert len(write_definition(defs)) > len(text)
    assert time.process_time() - start < 2.0


PIECES = """\
suite s|task t|family f|endfamily|endsuite|endtask|alias a|endalias|edit A 'x|edit B|label l "x|label|event 1|meter m 0
limit L|inlimit -n|queue q|repeat date|repeat string S 'a|repeat integer I 1|cron -w|time +|date 1.|day|late -s
zombie user:fob|trigger a ==|trigger -a|complete 1|\\|;|#|'|"|clock real|endclock|defs_state MIGRATE|calendar initTime:
history /s|extern|aviso --name|task t # state:bogus|10:00|20200101|complete|verify complete:|autocancel -1|:1
-s|generic g|é|\x00|\b
""".replace("\n", "|")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(PIECES.split("|")), st.sampled_from([" ", "\n", "\n", ";", ""])), max_size=30)
)
def test_whatever_is_written_is_read_or_refused(pieces: list[tuple[str, str]]) -> None:
    """No text, however broken, ends in anything but an error that names its line, or a tree that can be printed."""
    text = "suite s\ntask t\n" + "".join(piece + separator for piece, separator in pieces)
    try:
        defs = read_definition(text, "x.def")
    except DefinitionError as error:
        refused = error
    else:
        check_definition(defs)
        assert reread(defs) == []
        return
    assert refused.line >= 1


def test_an_inlimit_counts_one_token_unless_said() -> None:
    """An inlimit without a number takes one token."""
    assert task("limit a 2\ninlimit a").inlimits == [InLimit("a")]
