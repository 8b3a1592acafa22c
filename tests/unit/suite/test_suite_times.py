"""Clocks, times, dates, days, crons, late, autocancel. Facts are of ecFlow 5.9.2, its time scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tidemill.flow.suite.states import Flag, State

Make = Callable[..., Any]

MORNING = """
suite s
 clock real 1.1.2024 +10:00
 family t
  task t1
   time 10:05
  task t2
   time 09:00
  task t3
   today 09:00
  task t4
   time 10:03 10:07 00:02
  task t5
   time +00:03
  task t6
   date 2.1.2024
  task t7
   day monday
  task t8
   day tuesday
  task t9
   cron 10:04
  task t10
   time 08:00 09:00 00:30
  task t12
   time 10:00
  task t13
   date 1.1.2024
   time 10:05
 endfamily
endsuite
"""


def test_times_release_when_the_clock_of_the_suite_reaches_them(server: Make) -> None:
    """Each time is free at its minute: today also if past, time not before tomorrow; relative ones count from begin."""
    one = server(MORNING)
    assert one.submitted() == ["/s/t/t3", "/s/t/t7"]
    one.wait(minutes=3)
    assert one.submitted() == ["/s/t/t4", "/s/t/t5"]
    one.wait(minutes=1)
    assert one.submitted() == ["/s/t/t9"]
    one.wait(minutes=1)
    assert one.submitted() == ["/s/t/t1", "/s/t/t13"]
    one.run("/s/t/t1", "/s/t/t5", "/s/t/t9")
    assert [one.state(f"/s/t/{name}") for name in ("t1", "t5", "t9")] == ["complete", "complete", "queued"]
    one.wait(minutes=1, hours=13)
    assert one.submitted() == []
    one.wait(hours=1)
    assert one.submitted() == ["/s/t/t6", "/s/t/t8"]
    one.wait(hours=8)
    assert one.submitted() == ["/s/t/t10"]
    one.wait(hours=1.9)
    assert one.submitted() == ["/s/t/t2", "/s/t/t12"]


def test_a_series_goes_slot_by_slot_and_skips_what_a_long_job_missed(server: Make) -> None:
    """After each complete the next slot to come is waited for; after the last the task stays complete."""
    one = server(MORNING)
    one.wait(minutes=3)
    one.submitted()
    one.wait(minutes=3.5)
    one.run("/s/t/t4")
    assert one.state("/s/t/t4") == "queued"
    one.wait(minutes=0.5)
    assert "/s/t/t4" in one.submitted()
    one.run("/s/t/t4")
    assert one.state("/s/t/t4") == "complete"


def test_a_held_day_lets_no_time_pass(server: Make) -> None:
    """A time on a node whose date has not come is not free when its minute passes, but on that date."""
    one = server("suite s\n clock real 31.12.2023 +23:50\n task a\n  date 1.1.2024\n  time 23:55\nendsuite\n")
    one.wait(hours=1)
    assert one.submitted() == []
    one.wait(hours=22)
    assert one.submitted() == []
    one.wait(hours=1.1)
    assert one.submitted() == ["/s/a"]


@pytest.mark.parametrize(
    ("attribute", "hours"),
    [
        ("cron -w 3 12:30", 48.5),
        ("cron -d 5 12:30", 96.5),
        ("cron -d L 12:30", 30 * 24 + 0.5),
        ("cron -m 2 12:30", 31 * 24 + 0.5),
        ("cron -w 5L 12:30", 25 * 24 + 0.5),
        ("day wednesday", 36),
        ("date 29.2.*", 59 * 24 - 12),
        ("date *.3.2024", 60 * 24 - 12),
    ],
)
def test_days_are_found_ahead(server: Make, attribute: str, hours: float) -> None:
    """From Monday 1 January 2024, noon: the engine asks to be woken once, at the very time."""
    one = server(f"suite s\n task a\n  {attribute}\nendsuite\n")
    assert one.engine.next_wake() == one.now + hours * 3600
    one.wait(hours=hours)
    assert one.submitted() == ["/s/a"]


def test_a_repeat_waits_for_the_next_day(server: Make) -> None:
    """A time below a repeat runs once a day; a day of the week that was used is not used again."""
    one = server("""
suite s
 repeat integer I 1 9
 family f
  repeat integer J 1 9
  task x
   time 12:30
 endfamily
 family g
  repeat integer J 1 9
  task y
   day monday
 endfamily
endsuite
""")
    assert one.submitted() == ["/s/g/y"]
    one.run("/s/g/y")
    for _ in range(3):
        one.wait(hours=23.9)
        assert one.submitted() == ["/s/f/x"]
        one.run("/s/f/x")
        assert one.state("/s/f") == "queued"
    one.wait(hours=24 * 7)
    assert "/s/g/y" in one.submitted()


def test_a_hybrid_clock_completes_what_is_not_of_today(server: Make) -> None:
    """With a hybrid clock nodes of another date or day are complete at once, and the date stays."""
    one = server("""
suite s
 clock hybrid
 task a
  date 2.1.2024
 task b
  day monday
 task c
  day tuesday
 task d
  trigger :DD == 2
endsuite
""")
    assert one.states() == {
        "/s": "submitted",
        "/s/a": "complete",
        "/s/b": "submitted",
        "/s/c": "complete",
        "/s/d": "queued",
    }
    one.wait(hours=36)
    assert one.state("/s/d") == "queued"


def test_expressions_that_name_the_clock_are_looked_at_when_it_moves(server: Make) -> None:
    """A trigger on a generated variable of the suite is true once the clock makes it so."""
    one = server("suite s\n task a\n  trigger :TIME >= 1230\n task b\n  trigger /s:DD == 2\nendsuite\n")
    one.wait(minutes=29)
    assert one.submitted() == []
    one.wait(minutes=1)
    assert one.submitted() == ["/s/a"]
    one.wait(hours=12)
    assert one.submitted() == ["/s/b"]


def test_late_marks_and_autocancel_deletes(server: Make) -> None:
    """Late sets a flag that expressions can name; a complete family is deleted after its delay, if still complete."""
    one = server("""
suite s
 family f
  late -s +00:02
  task a
 endfamily
 task b
  trigger f/a<flag>late
 task c
  late -a 11:00
  trigger 0 == 1
 task d
  late -c +00:05
 family g
  autocancel +00:10
  task x
 endfamily
endsuite
""")
    assert Flag.LATE in one.node("/s/c").flags
    one.child("init", "/s/d", "7")
    one.submitted()
    one.wait(minutes=2)
    assert one.submitted() == ["/s/b"]
    one.wait(minutes=3)
    assert Flag.LATE in one.node("/s/d").flags
    one.run("/s/g/x")
    one.wait(minutes=9)
    one.command("requeue", "/s/g")
    one.wait(minutes=9)
    one.run("/s/g/x")
    one.wait(minutes=9)
    assert one.engine.defs.find("/s/g") is not None
    one.wait(minutes=1)
    assert one.engine.defs.find("/s/g") is None


def test_free_dep_and_alter_let_times_go(server: Make) -> None:
    """Free-dep frees times or dates until the next requeue; alter adds, changes and deletes them at once."""
    one = server("suite s\n task a\n  time 15:00\n task b\n  date 1.1.2030\n task c\n  time 15:00\n task d\nendsuite\n")
    one.submitted()
    one.command("free-dep", "time", "/s/a")
    one.command("free-dep", "date", "/s/b")
    one.command("alter", "delete", "time", "15:00", "/s/c")
    assert one.submitted() == ["/s/a", "/s/b", "/s/c"]
    one.run("/s/a")
    assert one.state("/s/a") == "complete"
    one.command("alter", "add", "time", "12:10", "/s/d")
    one.run("/s/d")
    assert one.state("/s/d") == "queued"
    one.wait(minutes=10)
    assert one.submitted() == ["/s/d"]


def test_a_clock_that_stops_with_the_server_stands_still(server: Make) -> None:
    """With -s suite time does not pass while the server does not run."""
    one = server("suite s\n clock real -s\n task a\n  time 12:30\nendsuite\n")
    one.command("halt", "yes")
    one.wait(hours=5)
    one.command("restart")
    one.wait(minutes=29)
    assert one.submitted() == []
    one.wait(minutes=1)
    assert one.submitted() == ["/s/a"]


def test_summer_time_moves_the_suites_with_the_host(server: Make) -> None:
    """When the clock of the host is put forward by an hour, a time of day comes an hour earlier."""
    from tidemill.flow.suite.events import Tick

    one = server("suite s\n task a\n  time 15:00\nendsuite\n")
    one.tell(Tick(one.now, utc_offset_seconds=3600))
    one.wait(hours=2)
    assert one.submitted() == ["/s/a"]


def test_why_names_the_next_time(server: Make) -> None:
    """Why says what is waited for and when that comes."""
    from tidemill.flow.suite.why import explain, why_lines

    one = server(MORNING)
    lines = why_lines(one.engine, "/s/t/t1")
    assert lines[-1] == "TASK /s/t/t1(queued) is time dependent ( next run time is 10:05, current suite time is 10:00 )"
    reason = explain(one.engine, "/s/t/t1").reasons[0]
    assert (reason.code, reason.until) == ("clock-waiting", one.now + 300)
    assert one.node("/s/t/t1").state is State.QUEUED
