"""Reading what has to do with time from its words: time, cron, date, late, autocancel, autoarchive, clock, …"""

from __future__ import annotations

import re
from calendar import monthrange

from .attributes import AutoArchive, AutoCancel, Clock, Late
from .exceptions import AttributeTextError
from .times import DAY_NAMES, Cron, Date, Day, Time, TimeSeries, Today
from .words import parse_integer

_SLOT = re.compile(r"(\d\d):(\d\d)\Z")
_FIELD = re.compile(r"\d{1,2}\Z|\*\Z")
_WEEK_DAY = re.compile(r"(\d)(L?)\Z")


def parse_minutes(text: str) -> int:
    """``HH:MM`` as minutes; two digits each, below 24:00."""
    match = _SLOT.match(text)
    if match is None:
        raise AttributeTextError(f"'{text}' is no time: write HH:MM, with two digits each")
    hours, minutes = int(match[1]), int(match[2])
    if hours > 23:
        raise AttributeTextError(f"'{text}' is no time: the hour is to be 00 to 23")
    if minutes > 59:
        raise AttributeTextError(f"'{text}' is no time: the minute is to be 00 to 59")
    return hours * 60 + minutes


def parse_relative_minutes(text: str) -> tuple[int, bool]:
    """``[+]HH:MM``: minutes, and whether there was a ``+``."""
    return (parse_minutes(text[1:]), True) if text.startswith("+") else (parse_minutes(text), False)


def parse_series(words: list[str]) -> TimeSeries:
    """``[+]HH:MM`` or ``[+]HH:MM HH:MM HH:MM`` (start, finish, increment); words after these are ignored."""
    if not words:
        raise AttributeTextError("the time is missing: write [+]HH:MM, or start, finish and increment")
    start, relative = parse_relative_minutes(words[0])
    if len(words) == 1:
        return TimeSeries(start, relative=relative)
    if len(words) == 2:
        raise AttributeTextError("a series of times needs start, finish and increment: the increment is missing")
    finish, _ = parse_relative_minutes(words[1])
    increment, _ = parse_relative_minutes(words[2])
    if start > finish:
        raise AttributeTextError(f"the series starts ({words[0]}) after it finishes ({words[1]})")
    if increment == 0:
        raise AttributeTextError("the increment of a series of times is to be more than 00:00")
    if increment > finish - start:
        raise AttributeTextError(f"the increment ({words[2]}) is longer than from start to finish")
    return TimeSeries(start, finish, increment, relative)


def parse_time(words: list[str]) -> Time:
    """``time [+]HH:MM [HH:MM HH:MM]``, without the keyword."""
    return Time(parse_series(words))


def parse_today(words: list[str]) -> Today:
    """``today [+]HH:MM [HH:MM HH:MM]``, without the keyword."""
    return Today(parse_series(words))


def parse_cron(words: list[str]) -> Cron:
    """``cron [-w D,..] [-d N,..] [-m N,..] [+]HH:MM [HH:MM HH:MM]``, without the keyword.

    Of an option written twice the last counts (ecFlow behaviour).
    """
    cron = Cron(TimeSeries(0))
    index = 0
    while index < len(words) and words[index].startswith("-"):
        option = words[index]
        index += 1
        values = ""
        while index < len(words) and ":" not in words[index] and not words[index].startswith(("-", "+")):
            values += "," + words[index]
            index += 1
        items = [item for item in values.split(",") if item]
        if not items:
            raise AttributeTextError(f"the values of {option} are missing")
        if option == "-w":
            days = [_week_day(item) for item in items]
            cron.week_days = tuple(day for day, last in days if not last)
            cron.last_week_days = tuple(day for day, last in days if last)
            for day in set(cron.week_days) & set(cron.last_week_days):
                raise AttributeTextError(
                    f"day {day} of the week is named as every one and as the last of a month ({day}L)"
                )
        elif option == "-d":
            cron.last_day_of_month = "L" in items
            cron.month_days = tuple(_ranged(item, 1, 31, "a day of the month") for item in items if item != "L")
        elif option == "-m":
            cron.months = tuple(_ranged(item, 1, 12, "a month") for item in items)
        else:
            raise AttributeTextError(f"cron knows -w, -d and -m, not '{option}'")
    if index == len(words):
        raise AttributeTextError("cron needs a time: [+]HH:MM, or start, finish and increment")
    cron.series = parse_series(words[index:])
    return cron


def _week_day(text: str) -> tuple[int, bool]:
    match = _WEEK_DAY.match(text)
    if match is None or int(match[1]) > 6:
        raise AttributeTextError(
            f"'{text}' is no day of the week: 0 (Sunday) to 6, or 5L for the last Friday of a month"
        )
    return int(match[1]), bool(match[2])


def _ranged(text: str, lowest: int, highest: int, what: str) -> int:
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise AttributeTextError(f"'{text}' is not {what}: {lowest} to {highest}")
    return int(text)


def parse_date(words: list[str]) -> Date:
    """``date D.M.Y``, without the keyword; ``*`` for any."""
    if not words:
        raise AttributeTextError("the date is missing: write D.M.Y, with * for any")
    return Date(*_date_fields(words[0], "*"))


def _date_fields(text: str, any_value: str = "") -> tuple[int, int, int]:
    fields = text.split(".")
    if len(fields) != 3:
        raise AttributeTextError(f"'{text}' is no date: write D.M.Y")
    for name, value in zip(("day", "month", "year"), fields, strict=True):
        if not (value.isdecimal() or (value == any_value and value)):
            raise AttributeTextError(f"'{text}' is no date: the {name} is to be a number{' or *' if any_value else ''}")
    day, month, year = (0 if value == "*" else int(value) for value in fields)
    if fields[0] != "*" and not 1 <= day <= 31:
        raise AttributeTextError(f"'{text}' is no date: the day is to be 1 to 31")
    if fields[1] != "*" and not 1 <= month <= 12:
        raise AttributeTextError(f"'{text}' is no date: the month is to be 1 to 12")
    if (year or not any_value) and not 1400 <= year <= 9999:
        raise AttributeTextError(f"'{text}' is no date: the year is to be 1400 to 9999")
    if day and month and year and day > monthrange(year, month)[1]:
        raise AttributeTextError(f"'{text}' is no date: that month has {monthrange(year, month)[1]} days")
    return day, month, year


def parse_day(words: list[str]) -> Day:
    """``day monday``, without the keyword."""
    if not words or words[0] not in DAY_NAMES:
        found = f", not '{words[0]}'" if words else ""
        raise AttributeTextError(f"day is to be one of {', '.join(DAY_NAMES)}{found}")
    return Day(DAY_NAMES.index(words[0]))


def parse_late(words: list[str]) -> Late:
    """``late [-s [+]HH:MM] [-a HH:MM] [-c [+]HH:MM]``, without the keyword: any order, each once, one at least."""
    if len(words) < 2:
        raise AttributeTextError("late needs one at least of -s [+]HH:MM, -a HH:MM and -c [+]HH:MM")
    late = Late()
    for option, value in zip(words[::2], [*words[1::2], ""], strict=False):
        if option not in ("-s", "-a", "-c"):
            raise AttributeTextError(f"late knows -s, -a and -c, not '{option}'")
        minutes, relative = parse_relative_minutes(value)
        name = {"-s": "submitted_minutes", "-a": "active_minutes", "-c": "complete_minutes"}[option]
        if getattr(late, name) is not None:
            raise AttributeTextError(f"late has {option} twice")
        setattr(late, name, minutes)
        if option == "-c":
            late.complete_relative = relative
    return late


def _parse_delay(words: list[str], keyword: str) -> tuple[int | None, int, bool]:
    """``[+]HH:MM`` or days: days, minutes, relative."""
    if not words:
        raise AttributeTextError(f"{keyword} needs a time, [+]HH:MM, or a number of days")
    if ":" in words[0]:
        return (None, *parse_relative_minutes(words[0]))
    days = parse_integer(words[0], "the number of days")
    if days < 0:
        raise AttributeTextError("the number of days cannot be negative")
    return days, 0, True


def parse_autocancel(words: list[str]) -> AutoCancel:
    """``autocancel [+]HH:MM`` or ``autocancel DAYS``, without the keyword."""
    return AutoCancel(*_parse_delay(words, "autocancel"))


def parse_autoarchive(words: list[str]) -> AutoArchive:
    """``autoarchive [+]HH:MM|DAYS [-i]``, without the keyword."""
    return AutoArchive(*_parse_delay(words, "autoarchive"), idle=words[1:2] == ["-i"])


def parse_clock(words: list[str]) -> Clock:
    """``clock real|hybrid [D.M.Y] [[+|-]SECONDS or [+]HH:MM] [-s]``, without the keyword."""
    if not words or words[0] not in ("real", "hybrid"):
        raise AttributeTextError("the clock is to be 'real' or 'hybrid'")
    clock = parse_end_clock(words[1:]) if len(words) > 1 else Clock()
    clock.hybrid = words[0] == "hybrid"
    return clock


def parse_end_clock(words: list[str]) -> Clock:
    """``endclock [D.M.Y] [[+|-]SECONDS or [+]HH:MM]``, without the keyword."""
    if not words:
        raise AttributeTextError("endclock needs a date, D.M.Y, or a gain")
    clock = Clock()
    rest = list(words)
    if rest[-1] == "-s":
        clock.stop_with_server = True
        rest.pop()
    if rest and "." in rest[0]:
        clock.date = _date_fields(rest.pop(0))
    if rest:
        text = rest[0]
        if ":" in text:
            minutes, clock.relative = parse_relative_minutes(text)
            clock.gain_seconds = minutes * 60
        else:
            clock.gain_seconds = parse_integer(text, "the gain of the clock, in seconds,")
            clock.relative = text.startswith("+")
        if not clock.gain_seconds:
            clock.relative = False
    return clock
