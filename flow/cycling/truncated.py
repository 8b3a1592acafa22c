"""Where a truncated point occurs next, or last: ``T06`` after 15 January 13:47 is 16 January 06:00.

Points here are local seconds: seconds since 1970-01-01T00:00 in the zone of the truncated point.
"""

from __future__ import annotations

from msgspec.structs import replace

from .calendar import SECONDS_PER_DAY, Calendar
from .exceptions import PointError
from .iso8601 import TruncatedPoint

_FURTHEST = 3000
"""Periods to look at before a date is taken for one that never comes."""


def next_keeping_base(calendar: Calendar, truncated: TruncatedPoint, base: int) -> int:
    """The first occurrence at or after `base`, as recurrences count it.

    Fields smaller than the given ones come from `base` (``--02`` on 15 January 13:47 is 15 February
    13:47), except
    within the time of day, where they are zero. Cylc 8.5 behaviour.
    """
    base = _match_time(truncated, base)
    day, second = divmod(base, SECONDS_PER_DAY)
    if not truncated.has_date and not truncated.has_year:
        return base
    hour, minute = second // 3600, second // 60 % 60
    filled = replace(truncated, hour=hour, minute=minute, second=second % 60)
    if truncated.week is not None and truncated.weekday is None:
        filled = replace(filled, weekday=calendar.weekday(day))
    elif truncated.month is not None and truncated.day is None:
        # QUIRK: Cylc reaches the month by adding the length of each month on the way, so 31 January leads
        # to 2 March
        # and misses February.
        year, month, day_of_month = calendar.date(day)
        while month != truncated.month:
            day += calendar.days_in_month(year, month)
            year, month, day_of_month = calendar.date(day)
        base = day * SECONDS_PER_DAY + second
        if not truncated.has_year:
            return base
        filled = replace(filled, day=day_of_month)
    elif not truncated.has_date:
        _, month, day_of_month = calendar.date(day)
        filled = replace(filled, month=month, day=day_of_month)
    return _search(calendar, filled, base, step=1)


def next_from_start(calendar: Calendar, truncated: TruncatedPoint, base: int) -> int:
    """The first occurrence at or after `base`, smaller fields at their lowest: ``--02`` is 1 February
    00:00."""
    return _search(calendar, _fill(truncated), base, step=1)


def previous_from_start(calendar: Calendar, truncated: TruncatedPoint, base: int) -> int:
    """The last occurrence at or before `base`, smaller fields at their lowest."""
    return _search(calendar, _fill(truncated), base, step=-1)


def matches(calendar: Calendar, truncated: TruncatedPoint, base: int) -> bool:
    """Whether every field given agrees with a point (smaller fields are free)."""
    return next_keeping_base(calendar, truncated, base) == base


def _fill(truncated: TruncatedPoint) -> TruncatedPoint:
    filled = truncated
    if truncated.week is not None and truncated.weekday is None:
        filled = replace(filled, weekday=1)
    elif truncated.month is not None and truncated.day is None:
        filled = replace(filled, day=1)
    elif not truncated.has_date and truncated.has_year:
        filled = replace(filled, month=1, day=1)
    if filled.has_date and filled.hour is None:
        filled = replace(filled, hour=0)
    return filled


def _match_time(truncated: TruncatedPoint, base: int) -> int:
    if truncated.hour is not None:
        period = SECONDS_PER_DAY
    elif truncated.minute is not None:
        period = 3600
    elif truncated.second is not None:
        period = 60
    else:
        return base
    return base + (_time(truncated) - base) % period


def _time(truncated: TruncatedPoint) -> int:
    return (truncated.hour or 0) * 3600 + (truncated.minute or 0) * 60 + (truncated.second or 0)


def _search(calendar: Calendar, filled: TruncatedPoint, base: int, *, step: int) -> int:
    """The nearest occurrence in one direction; beside a date, every smaller field is set."""
    if not filled.has_date:
        forward = _match_time(filled, base)
        if step > 0 or forward == base:
            return forward
        return forward - (SECONDS_PER_DAY if filled.hour is not None else 3600 if filled.minute is not None else 60)
    period = _period_of(calendar, filled, base // SECONDS_PER_DAY) - step
    for _ in range(_FURTHEST):
        day = _day_in_period(calendar, filled, period)
        if day is not None:
            point = day * SECONDS_PER_DAY + _time(filled)
            if (point - base) * step >= 0:
                return point
        period += step
    raise PointError(f"{filled.text!r} never occurs")


def _period_of(calendar: Calendar, filled: TruncatedPoint, day: int) -> int:
    if _recurs_yearly(filled):
        if filled.week is not None:
            return calendar.week_date(day)[0]
        return calendar.ordinal_date(day)[0]
    if filled.day is not None:
        year, month, _ = calendar.date(day)
        return year * 12 + month - 1
    return (day - _first_monday(calendar)) // 7


def _recurs_yearly(filled: TruncatedPoint) -> bool:
    return filled.has_year or filled.month is not None or filled.week is not None or filled.ordinal is not None


def _day_in_period(calendar: Calendar, filled: TruncatedPoint, period: int) -> int | None:
    """The day number of the occurrence in one year, month or week; None where that one has none."""
    if not _recurs_yearly(filled):
        if filled.day is not None:
            year, index = divmod(period, 12)
            if filled.day > calendar.days_in_month(year, index + 1):
                return None
            return calendar.day_number(year, index + 1, filled.day)
        return _first_monday(calendar) + 7 * period + (filled.weekday or 1) - 1
    if filled.year_of_century is not None and period % 100 != filled.year_of_century:
        return None
    if filled.year_of_decade is not None and period % 10 != filled.year_of_decade:
        return None
    if filled.week is not None:
        if filled.week > calendar.weeks_in_year(period):
            return None
        return calendar.from_week(period, filled.week, filled.weekday or 1)
    if filled.ordinal is not None:
        return (
            calendar.from_ordinal(period, filled.ordinal) if filled.ordinal <= calendar.days_in_year(period) else None
        )
    month, day = filled.month or 1, filled.day or 1
    return calendar.day_number(period, month, day) if day <= calendar.days_in_month(period, month) else None


def _first_monday(calendar: Calendar) -> int:
    return calendar.from_week(2000, 1, 1)
