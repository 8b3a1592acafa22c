"""What a node waits for that is a matter of time: the slots, dates and days written, and where they stand."""

from __future__ import annotations

from datetime import date as calendar_date

from attrs import define

from .attributes import clock_text


@define
class TimeSeries:
    """One slot, or slots from `start` to `finish` every `increment`; all in minutes.

    Relative ones count from begin or requeue, the others from midnight of the suite's day.
    """

    start: int
    finish: int | None = None
    increment: int | None = None
    relative: bool = False
    next_slot: int | None = None
    """None until it has moved: then the first slot is next."""
    valid: bool = True
    """False when no slot is left until the node is queued again."""
    relative_seconds: int = 0
    """How long a relative series has run already."""

    @property
    def definition(self) -> str:
        text = f"{'+' if self.relative else ''}{clock_text(self.start)}"
        if self.finish is not None and self.increment is not None:
            text += f" {clock_text(self.finish)} {clock_text(self.increment)}"
        return text

    @property
    def state_words(self) -> list[str]:
        words = []
        if not self.valid:
            words.append("isValid:false")
        if self.next_slot is not None and self.next_slot != self.start:
            words.append(f"nextTimeSlot/{clock_text(self.next_slot)}")
        if self.relative_seconds:
            seconds = self.relative_seconds
            words.append(f"relativeDuration/{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}")
        return words


@define
class Time:
    """A time of day; one already past when the node is queued means tomorrow."""

    series: TimeSeries
    free: bool = False

    keyword = "time"

    @property
    def definition(self) -> str:
        return f"{self.keyword} {self.series.definition}"

    @property
    def state_comment(self) -> str:
        return " ".join([*(["free"] if self.free else []), *self.series.state_words])


@define
class Today(Time):
    """A time of this day; one already past is free at once."""

    keyword = "today"


@define
class Cron(Time):
    """A time of day on some days, for ever: the node is queued again each time it completes."""

    week_days: tuple[int, ...] = ()
    """0 is Sunday."""
    last_week_days: tuple[int, ...] = ()
    """Days of the week, only the last of them in a month (``5L``)."""
    month_days: tuple[int, ...] = ()
    last_day_of_month: bool = False
    months: tuple[int, ...] = ()

    keyword = "cron"

    @property
    def definition(self) -> str:
        words = ["cron"]
        if self.week_days or self.last_week_days:
            days = [str(day) for day in self.week_days] + [f"{day}L" for day in self.last_week_days]
            words.append(f"-w {','.join(days)}")
        if self.month_days or self.last_day_of_month:
            days = [str(day) for day in self.month_days] + (["L"] if self.last_day_of_month else [])
            words.append(f"-d {','.join(days)}")
        if self.months:
            words.append(f"-m {','.join(str(month) for month in self.months)}")
        words.append(self.series.definition)
        return " ".join(words)


@define
class Date:
    """A day of the calendar; 0 for any day, month or year (written ``*``)."""

    day: int
    month: int
    year: int
    free: bool = False

    @property
    def definition(self) -> str:
        return f"date {self.day or '*'}.{self.month or '*'}.{self.year or '*'}"

    @property
    def state_comment(self) -> str:
        return "free" if self.free else ""


DAY_NAMES = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@define
class Day:
    """A day of the week; `date` is the day it stands for since the node was queued, (year, month, day)."""

    day: int
    """0 is Sunday."""
    free: bool = False
    expired: bool = False
    date: tuple[int, int, int] | None = None

    @property
    def definition(self) -> str:
        return f"day {DAY_NAMES[self.day]}"

    @property
    def state_comment(self) -> str:
        words = ["free"] if self.free else []
        if self.expired:
            words.append("expired")
        if self.date is not None:
            year, month, day = self.date
            words.append(f"date:{year}-{MONTH_NAMES[month - 1]}-{day:02}")
        else:
            words.append("date:not-a-date-time")
        return " ".join(words)


def instant_of(year: int, month: int, day: int) -> int:
    """Midnight of a day, in seconds since 1970 on a clock without zones."""
    return (calendar_date(year, month, day).toordinal() - _EPOCH_DAY) * 86400


_EPOCH_DAY = calendar_date(1970, 1, 1).toordinal()


def moment_text(seconds: int) -> str:
    """Seconds since 1970 as a checkpoint writes them: ``2020-Feb-01 12:00:00``."""
    day, rest = divmod(seconds, 86400)
    date = calendar_date.fromordinal(day + _EPOCH_DAY)
    return (
        f"{date.year}-{MONTH_NAMES[date.month - 1]}-{date.day:02} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    )
