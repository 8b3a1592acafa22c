"""Points, intervals and offsets: against an independent ISO 8601 library, and against what Cylc 8.5.4 was
seen to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metomi.isodatetime.data import CALENDAR
from metomi.isodatetime.parsers import DurationParser, TimePointParser

from tidemill.flow.cycling.calendar import Calendar
from tidemill.flow.cycling.datetime import DatetimeCycling
from tidemill.flow.cycling.exceptions import CyclingError, IntervalError, PointError
from tidemill.flow.cycling.factory import make_cycling
from tidemill.flow.cycling.limits import (
    check_constraints,
    resolve_final_point,
    resolve_initial_point,
)

MODES = ["gregorian", "360_day", "365_day", "366_day"]
NOW = "20200517T1035Z"


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Iterator[str]:
    CALENDAR.set_mode(request.param.replace("_", ""))
    yield request.param
    CALENDAR.set_mode("gregorian")


def test_adding_and_week_dates_agree_with_isodatetime(mode: str) -> None:
    """Intervals move points, and days have week and ordinal dates, as isodatetime has them, in every
    calendar."""
    cycling = DatetimeCycling(mode, point_format="CCYYMMDDThhmmssZ")
    parse, duration = TimePointParser(assumed_time_zone=(0, 0)).parse, DurationParser().parse
    calendar = Calendar(mode)
    first = calendar.day_number(1896, 1, 1)

    @settings(max_examples=120, deadline=None)
    @given(
        day=st.integers(first, first + 60000),
        second=st.integers(0, 86399),
        interval=st.builds(
            "{}P{}Y{}M{}DT{}H{}M{}S".format,
            st.sampled_from(["", "-"]),
            *[st.integers(0, most) for most in (5, 30, 40, 50, 70, 70)],
        ),
    )
    def agrees(day: int, second: int, interval: str) -> None:
        point = day * 86400 + second
        text = cycling.format(point)
        theirs = parse(text)
        assert cycling.parse(text) == point
        moved = theirs + duration(interval)
        expected = "".join(
            f"{int(value):0{width}d}"
            for value, width in [
                (moved.year, 4),
                (moved.month_of_year, 2),
                (moved.day_of_month, 2),
                (moved.hour_of_day, 2),
                (moved.minute_of_hour, 2),
                (moved.second_of_minute, 2),
            ]
        )
        ours = cycling.format(cycling.add(point, cycling.interval(interval)))
        assert ours == f"{expected[:8]}T{expected[8:]}Z"
        week_year, week, weekday = calendar.week_date(day)
        week_text = f"{week_year:04d}W{week:02d}{weekday}"
        assert tuple(theirs.get_week_date()) == (week_year, week, weekday)
        assert cycling.parse(week_text) == day * 86400
        year, ordinal = calendar.ordinal_date(day)
        assert cycling.parse(f"{year:04d}{ordinal:03d}") == day * 86400

    agrees()


@given(mode=st.sampled_from(MODES), day=st.integers(-10_000_000, 10_000_000))
def test_every_day_number_is_one_date(mode: str, day: int) -> None:
    """A day number and its date, ordinal date and week date lead back to each other, far outside four-digit
    years."""
    calendar = Calendar(mode)
    assert calendar.day_number(*calendar.date(day)) == day
    assert calendar.from_ordinal(*calendar.ordinal_date(day)) == day
    assert calendar.from_week(*calendar.week_date(day)) == day


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000W011", "09991230T0000Z"),
        ("2005W065T11-0100", "20050211T1200Z"),
        ("20000229T2000", "20000229T2000Z"),
        ("2014-01-01", "20140101T0000Z"),
        ("2010-02", "20100201T0000Z"),
        ("2010", "20100101T0000Z"),
        ("2020-060", "20200229T0000Z"),
        ("2020-01-20T06:00+05:30", "20200120T0030Z"),
        ("20200120T06.5", "20200120T0630Z"),
    ],
)
def test_every_way_to_write_a_point_is_read(text: str, expected: str) -> None:
    """Basic and extended dates, weeks, ordinals and zones are read to one canonical text."""
    cycling = make_cycling("gregorian")
    assert cycling.format(cycling.parse(text)) == expected


@pytest.mark.parametrize("text", ["20200230", "2020-01-20T0600", "20", "2020T00", "20200120Z", "2021W53", "now"])
def test_a_bad_point_is_refused(text: str) -> None:
    """Text that is no point is refused with the text in the message."""
    with pytest.raises(PointError, match=text):
        make_cycling("gregorian").parse(text)


@pytest.mark.parametrize("text", ["P", "PT", "1D", "P1H", "P1W1D", "P-1D", "PT0.0001S", "p1d", ""])
def test_a_bad_interval_is_refused(text: str) -> None:
    """Text that is no interval is refused."""
    with pytest.raises(IntervalError):
        make_cycling("gregorian").interval(text)


@pytest.mark.parametrize(
    ("point_format", "zone", "digits", "expected"),
    [
        (None, "Z", 0, "20200229T1234Z"),
        (None, "+01", 0, "20200229T1334+01"),
        (None, "-0530", 0, "20200229T0704-0530"),
        (None, "Z", 2, "+0020200229T1234Z"),
        ("%Y%m%dT%H%MZ", "Z", 0, "20200229T1234Z"),
        ("%Y%m%dT%H", "Z", 0, "20200229T12"),
        ("%Y", "Z", 0, "2020"),
        ("CCYY-MM-DD", "Z", 0, "2020-02-29"),
        ("CCYYWwwD", "Z", 0, "2020W096"),
        ("CCYYDDDThhZ", "Z", 0, "2020060T12Z"),
        ("CCYYMMDDThhmm+hhmm", "Z", 0, "20200229T1234+0000"),
        ("CCYYMMDDThhmm+0530", "Z", 0, "20200229T1804+0530"),
    ],
)
def test_points_are_written_in_the_configured_format(
    point_format: str | None, zone: str, digits: int, expected: str
) -> None:
    """The configured format, zone and year digits give the canonical text, and that text reads back to
    itself."""
    cycling = make_cycling("gregorian", point_format=point_format, time_zone=zone, expanded_year_digits=digits)
    point = cycling.parse("20200229T1234Z")
    assert cycling.format(DatetimeCycling().parse("20200229T1234Z")) == expected
    assert cycling.format(point) == expected
    assert cycling.parse(expected) == point


@pytest.mark.parametrize("point_format", ["CCYY:MM", "%Q", "foo-CCYY", "MMDD", "nothing"])
def test_an_unusable_point_format_is_refused(point_format: str) -> None:
    """A format Cylc could not use either is refused by name."""
    with pytest.raises(PointError, match=point_format.replace("%", "")):
        make_cycling("gregorian", point_format=point_format)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "20200517T1035Z"),
        ("next(T00)", "20200518T0000Z"),
        ("next(T00)+P1D", "20200519T0000Z"),
        ("previous(T06;T18)", "20200517T0600Z"),
        ("next(T00; T06; T12)", "20200517T1200Z"),
        ("previous(--01)", "20200101T0000Z"),
        ("next(-W-1)", "20200518T0000Z"),
        ("previous(---01)", "20200501T0000Z"),
        ("next(T-15;T-45)-PT1H", "20200517T0945Z"),
        ("previous(-2006)", "19200601T0000Z"),
        ("T00", "20200518T0000Z"),
        ("-P1D", "20200516T1035Z"),
        ("P1D", "20200518T1035Z"),
        ("next(T06+0530)", "20200518T0030Z"),
    ],
)
def test_initial_point_may_be_counted_from_now(text: str, expected: str) -> None:
    """The initial point may be now, the next or previous of its kind, or an interval away."""
    cycling = make_cycling("gregorian")
    now = cycling.epoch_seconds(cycling.parse(NOW)) + 17.5
    assert cycling.format(resolve_initial_point(cycling, text, now=now)) == expected


@pytest.mark.parametrize("text", ["next(T00,T06)", "next()", "next(T00;)", "next(20200101)", "yesterday"])
def test_a_bad_initial_point_is_refused(text: str) -> None:
    """A search without a truncated point to search for is refused."""
    with pytest.raises(CyclingError):
        resolve_initial_point(make_cycling("gregorian"), text, now=0.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+P5D", "20200120T0000Z"),
        ("P5D", "20200120T0000Z"),
        ("T06+PT6H", "20200115T1200Z"),
        ("20200201T00-P1D+PT6H", "20200131T0600Z"),
        ("+P1M-P1D", "20200214T0000Z"),
        ("^+P1D", "20200116T0000Z"),
        ("01T00", "20200201T0000Z"),
        ("min(T06,T12)", "20200115T0600Z"),
    ],
)
def test_final_point_may_be_counted_from_the_initial_point(text: str, expected: str) -> None:
    """The final point may be offsets from the initial point, or a truncated point after it."""
    cycling = make_cycling("gregorian")
    assert cycling.format(resolve_final_point(cycling, text, initial=cycling.parse("20200115"))) == expected


def test_final_point_before_the_initial_one_is_refused() -> None:
    """A run cannot end before it begins."""
    cycling = make_cycling("integer")
    assert resolve_final_point(cycling, "+P5", initial=5) == 10
    with pytest.raises(PointError, match="before the initial"):
        resolve_final_point(cycling, "4", initial=5)


def test_constraints_are_checked() -> None:
    """A point must agree with one of its constraints."""
    cycling = make_cycling("gregorian")
    point = cycling.parse("20200115")
    check_constraints(cycling, point, ["T06", "T00"], name="initial cycle point")
    check_constraints(cycling, point, ["---15"], name="initial cycle point")
    with pytest.raises(PointError, match="T06"):
        check_constraints(cycling, point, ["T06", "01T00"], name="initial cycle point")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "20200131T0300Z"),
        ("-P1D", "20200130T0300Z"),
        ("+P1D-PT6H", "20200131T2100Z"),
        ("-P1M", "20191231T0300Z"),
        ("T06", "20200131T0600Z"),
        ("T00", "20200201T0000Z"),
        ("T06-P1D", "20200130T0600Z"),
        ("-P1D+T06", "20200130T0600Z"),
        ("^", "20200101T0000Z"),
        ("^+P1D-PT6H", "20200101T1800Z"),
        ("20200116T06+PT6H", "20200116T1200Z"),
        ("01T00", "20200201T0000Z"),
    ],
)
def test_an_offset_leads_to_the_parent(text: str, expected: str) -> None:
    """What stands in a node's brackets leads from a child to its parent."""
    cycling = make_cycling("gregorian")
    offset = cycling.offset(text, cycling.parse("20200101"))
    assert cycling.format(offset.parent(cycling.parse("20200131T03"))) == expected


@settings(max_examples=60, deadline=None)
@given(
    mode=st.sampled_from(MODES),
    text=st.sampled_from(["-P1M", "P1Y", "-P1M-PT12H", "-P14M+P3D", "T06", "-P1D+T06", "01T00", "W-1T00-P1D", "-PT6H"]),
    heading=st.sampled_from(["PT6H", "P1D", "T06", "P1M", "P1M/20201130", "PT12H!T12"]),
    parent_day=st.integers(0, 120),
)
def test_children_are_all_points_with_that_parent(mode: str, text: str, heading: str, parent_day: int) -> None:
    """`children` yields exactly the points of a sequence whose `parent` is the one asked for."""
    cycling = make_cycling(mode)
    initial, final = cycling.parse("20200101"), cycling.parse("20201230")
    sequence = cycling.sequence(heading, initial, final)
    offset = cycling.offset(text, initial)
    everything = []
    point = sequence.first(initial)
    while point is not None:
        everything.append(point)
        point = sequence.next(point)
    parents = {offset.parent(everything[parent_day % len(everything)]), initial + parent_day * 86400}
    for parent in parents:
        wanted = [child for child in everything if offset.parent(child) == parent]
        assert list(offset.children(parent, sequence)) == wanted


def test_integer_offsets() -> None:
    """Integer offsets are steps, numbers or counted from the initial point; the final point cannot be one."""
    cycling = make_cycling("integer")
    sequence = cycling.sequence("P2", 1, 9)
    assert cycling.offset("-P1", 1).parent(5) == 4
    assert list(cycling.offset("-P2", 1).children(3, sequence)) == [5]
    assert list(cycling.offset("^", 1).children(1, sequence)) == [1, 3, 5, 7, 9]
    assert cycling.offset("5", 1).is_absolute
    with pytest.raises(CyclingError):
        cycling.offset("$", 1)


def test_epoch_seconds() -> None:
    """Points are real seconds in the Gregorian calendar, and the same date elsewhere."""
    assert make_cycling("gregorian").epoch_seconds(make_cycling("gregorian").parse("20200101")) == 1577836800.0
    cycling = make_cycling("360_day")
    assert cycling.epoch_seconds(cycling.parse("20200230")) == 1582934400.0
    with pytest.raises(PointError):
        make_cycling("integer").epoch_seconds(1)
