"""Times of day and days of the calendar, as suites wait for them: which slot is next, which day fits."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from .times import Cron, Date, TimeSeries

MINUTES_OF_DAY = 1440
HORIZON_DAYS = 366 * 9
"""How far ahead a date is looked for: 29 February may be eight years away."""


def slot_after(series: TimeSeries, minute: int, *, or_at: bool = False) -> int | None:
    """The first slot after a minute (`or_at`: or at it), counted as the series counts; None if there is none."""
    at_least = minute if or_at else minute + 1
    start, finish, increment = series.start, series.finish, series.increment
    if start >= at_least:
        return start
    if finish is None or not increment:
        return None
    steps = -(-(at_least - start) // increment)
    slot = start + steps * increment
    return slot if slot <= finish else None


def last_slot(series: TimeSeries) -> int:
    """The last slot of all."""
    if series.finish is None or not series.increment:
        return series.start
    return series.start + (series.finish - series.start) // series.increment * series.increment


def date_fits(wanted: Date, day: date) -> bool:
    """Whether a date, with 0 for any, is a day."""
    return wanted.day in (0, day.day) and wanted.month in (0, day.month) and wanted.year in (0, day.year)


def next_date(wanted: Date, day: date) -> date | None:
    """The first day that fits, from `day` on; None if it never comes."""
    if wanted.day and wanted.month and wanted.year:
        try:
            fixed = date(wanted.year, wanted.month, wanted.day)
        except ValueError:
            return None
        return fixed if fixed >= day else None
    if wanted.year and wanted.year > day.year:
        day = date(wanted.year, 1, 1)
    for ahead in range(HORIZON_DAYS):
        found = day + timedelta(days=ahead)
        if date_fits(wanted, found):
            return found
        if wanted.year and found.year > wanted.year:
            return None
    return None


def next_week_day(week_day: int, day: date, *, after: bool = False) -> date:
    """The first such day of the week (0 is Sunday) from `day` on, or after it."""
    ahead = (week_day - day.isoweekday()) % 7
    return day + timedelta(days=ahead or (7 if after else 0))


def cron_fits(cron: Cron, day: date) -> bool:
    """Whether a cron runs on a day: days of the week and of the month are alternatives of their own kind."""
    if cron.months and day.month not in cron.months:
        return False
    days_in_month = monthrange(day.year, day.month)[1]
    week_day = day.isoweekday() % 7
    if cron.week_days or cron.last_week_days:
        is_last = day.day + 7 > days_in_month
        if week_day not in cron.week_days and not (is_last and week_day in cron.last_week_days):
            return False
    if cron.month_days or cron.last_day_of_month:
        return day.day in cron.month_days or (cron.last_day_of_month and day.day == days_in_month)
    return True


def next_cron_day(cron: Cron, day: date) -> date | None:
    """The first day a cron runs on, from `day` on; None if it never does."""
    for ahead in range(HORIZON_DAYS):
        found = day + timedelta(days=ahead)
        if cron_fits(cron, found):
            return found
    return None
