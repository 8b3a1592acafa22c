"""What has to do with time, by the names and methods of ecFlow's Python module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...flow.suite import attributes, time_text, times
from ..exceptions import EcflowError, OutOfRange, as_ecflow_errors
from .attributes import Attribute
from .enums import Days


class TimeSlot:
    """``TimeSlot(hour, minute)``."""

    __slots__ = ("_hour", "_is_empty", "_minute")

    def __init__(self, hour: int, minute: int) -> None:
        self._hour, self._minute, self._is_empty = int(hour), int(minute), False

    @classmethod
    def of(cls, minutes: int | None) -> TimeSlot:
        """The slot of so many minutes after midnight; None for one that stands for nothing."""
        slot = cls(*divmod(minutes or 0, 60))
        slot._is_empty = minutes is None
        return slot

    @property
    def minutes(self) -> int:
        """Minutes after midnight; raises `OutOfRange` if it is no time of day."""
        if not (0 <= self._hour <= 23 and 0 <= self._minute <= 59):
            raise OutOfRange(f"{self} is no time: hours are 0 to 23, minutes 0 to 59")
        return self._hour * 60 + self._minute

    def hour(self) -> int:
        """The hour."""
        return self._hour

    def minute(self) -> int:
        """The minute."""
        return self._minute

    def empty(self) -> bool:
        """Whether it stands for nothing."""
        return self._is_empty

    def __str__(self) -> str:
        return f"{self._hour:02}:{self._minute:02}"

    def __repr__(self) -> str:
        return f"<ecflow.TimeSlot {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TimeSlot) and (self._hour, self._minute) == (other._hour, other._minute)

    def __hash__(self) -> int:
        return hash((self._hour, self._minute))


class TimeSeries(Attribute):
    """``TimeSeries(slot[, relative])``, ``TimeSeries(hour, minute[, relative])``,
    ``TimeSeries(start, finish, increment[, relative])``."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        self.core = _series(arguments)

    def start(self) -> TimeSlot:
        """The first slot."""
        return TimeSlot.of(self.core.start)

    def finish(self) -> TimeSlot:
        """When it ends; an empty slot if there is one slot only."""
        return TimeSlot.of(self.core.finish)

    def incr(self) -> TimeSlot:
        """From slot to slot; an empty slot if there is one only."""
        return TimeSlot.of(self.core.increment)

    def has_increment(self) -> bool:
        """Whether there are several slots."""
        return self.core.increment is not None

    def relative(self) -> bool:
        """Whether it counts from when the node was queued."""
        return bool(self.core.relative)

    def empty(self) -> bool:
        return False


def _series(arguments: Sequence[Any]) -> times.TimeSeries:
    """A series of what its makers may be given."""
    match tuple(arguments):
        case (TimeSeries() as series,):
            made: times.TimeSeries = series.own()
            return made
        case (str() as text,):
            with as_ecflow_errors():
                return time_text.parse_series(text.split())
        case (TimeSlot() as slot,) | (TimeSlot() as slot, bool()):
            return times.TimeSeries(slot.minutes, relative=len(arguments) > 1 and arguments[1])
        case (int() as hour, int() as minute) | (int() as hour, int() as minute, bool()):
            return times.TimeSeries(TimeSlot(hour, minute).minutes, relative=len(arguments) > 2 and arguments[2])
        case (TimeSlot() as start, TimeSlot() as finish, TimeSlot() as step, *rest) if len(rest) < 2:
            if start.minutes > finish.minutes:
                raise OutOfRange(f"the series starts ({start}) after it finishes ({finish})")
            if not 0 < step.minutes <= finish.minutes - start.minutes:
                raise OutOfRange(
                    f"the increment ({step}) is to be more than 00:00, and to fit between {start}, {finish}"
                )
            return times.TimeSeries(start.minutes, finish.minutes, step.minutes, bool(rest and rest[0]))
    raise TypeError(
        "a time is given as '[+]hh:mm [hh:mm hh:mm]', as hour and minute, as a TimeSlot, or as three of them "
        f"(start, finish, increment), each perhaps with whether it is relative; not {tuple(arguments)!r}"
    )


class Time(Attribute):
    """``Time("10:00")``, ``Time("+00:30 20:00 01:00")``, ``Time(hour, minute[, relative])``,
    ``Time(slot[, relative])``, ``Time(series)``, ``Time(start, finish, increment, relative)``."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        self.core = times.Time(_series(arguments))

    def time_series(self) -> TimeSeries:
        """Its slots."""
        return TimeSeries.of(self.core.series)

    def name(self) -> str:
        return str(self.core.series.definition)

    def empty(self) -> bool:
        return False


class Today(Time):
    """As `Time`, but a time that is past is free at once."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        self.core = times.Today(_series(arguments))


class Cron(Attribute):
    """``Cron("10:00 20:00 01:00", days_of_week=[0], days_of_month=[1], months=[1], last_week_days_of_the_month=[5],
    last_day_of_the_month=True)``; also with a `TimeSeries`."""

    __slots__ = ()

    def __init__(
        self,
        series: str | TimeSeries = "00:00",
        *,
        days_of_week: Sequence[int] = (),
        last_week_days_of_the_month: Sequence[int] = (),
        days_of_month: Sequence[int] = (),
        months: Sequence[int] = (),
        last_day_of_the_month: bool = False,
    ) -> None:
        self.core = times.Cron(_series((series,)))
        self.set_week_days(days_of_week)
        self.set_last_week_days_of_the_month(last_week_days_of_the_month)
        self.set_days_of_month(days_of_month)
        self.set_months(months)
        self.core.last_day_of_month = bool(last_day_of_the_month)

    def set_time_series(self, *arguments: Any) -> None:
        """Say when: the arguments are those of `Time`."""
        self.core.series = _series(arguments)

    def set_week_days(self, days: Sequence[int]) -> None:
        """Days of the week, 0 is Sunday."""
        self.core.week_days = _within(days, 0, 6, "a day of the week (0 is Sunday)")

    def set_last_week_days_of_the_month(self, days: Sequence[int]) -> None:
        """Days of the week, only the last of them in a month."""
        self.core.last_week_days = _within(days, 0, 6, "a day of the week (0 is Sunday)")

    def set_days_of_month(self, days: Sequence[int]) -> None:
        """Days of the month."""
        self.core.month_days = _within(days, 1, 31, "a day of the month")

    def set_months(self, months: Sequence[int]) -> None:
        """Months."""
        self.core.months = _within(months, 1, 12, "a month")

    def set_last_day_of_the_month(self) -> None:
        """The last day of the month too."""
        self.core.last_day_of_month = True

    def time(self) -> TimeSeries:
        """Its slots."""
        return TimeSeries.of(self.core.series)

    @property
    def week_days(self) -> Iterator[int]:
        """Days of the week."""
        return iter(self.core.week_days)

    @property
    def last_week_days_of_the_month(self) -> Iterator[int]:
        """Days of the week, only the last of them in a month."""
        return iter(self.core.last_week_days)

    @property
    def days_of_month(self) -> Iterator[int]:
        """Days of the month."""
        return iter(self.core.month_days)

    @property
    def months(self) -> Iterator[int]:
        """Months."""
        return iter(self.core.months)

    def last_day_of_the_month(self) -> bool:
        """Whether the last day of the month counts."""
        return bool(self.core.last_day_of_month)

    def name(self) -> str:
        return str(self.core.definition).removeprefix("cron ")

    def empty(self) -> bool:
        return False


def _within(values: Sequence[int], lowest: int, highest: int, what: str) -> tuple[int, ...]:
    for value in values:
        if not lowest <= value <= highest:
            raise OutOfRange(f"{value} is not {what}: {lowest} to {highest}")
    return tuple(int(value) for value in values)


class Date(Attribute):
    """``Date(day, month, year)``, 0 for any; ``Date("1.*.2030")``."""

    __slots__ = ()

    def __init__(self, day: int | str, month: int | None = None, year: int | None = None) -> None:
        if isinstance(day, str):
            if day.count(".") != 2:
                raise EcflowError(f"'{day}' is no date: write D.M.Y, with * for any")
            text = day
        elif month is None or year is None:
            raise TypeError("Date takes day, month and year, or a text")
        else:
            text = ".".join(str(value or "*") for value in (day, month, year))
        try:
            with as_ecflow_errors():
                self.core = time_text.parse_date([text])
        except EcflowError as error:
            raise OutOfRange(str(error)) from None

    def day(self) -> int:
        """The day; 0 for any."""
        return int(self.core.day)

    def month(self) -> int:
        """The month; 0 for any."""
        return int(self.core.month)

    def year(self) -> int:
        """The year; 0 for any."""
        return int(self.core.year)

    def name(self) -> str:
        return str(self.core.definition).removeprefix("date ")

    def empty(self) -> bool:
        return False


class Day(Attribute):
    """``Day("monday")``, ``Day(Days.monday)``."""

    __slots__ = ()

    def __init__(self, day: Days | str) -> None:
        with as_ecflow_errors():
            self.core = time_text.parse_day([day.name if isinstance(day, Days) else day])

    def day(self) -> Days:
        """The day of the week."""
        return Days(self.core.day)

    def name(self) -> str:
        return self.day().name

    def empty(self) -> bool:
        return False


class Clock(Attribute):
    """``Clock(is_hybrid)``, ``Clock(day, month, year[, is_hybrid])``."""

    __slots__ = ()

    def __init__(self, *arguments: int) -> None:
        if len(arguments) == 1 and isinstance(arguments[0], bool):
            self.core = attributes.Clock(hybrid=arguments[0])
        elif len(arguments) in (3, 4):
            day, month, year = (int(value) for value in arguments[:3])
            try:
                with as_ecflow_errors():
                    time_text.parse_end_clock([f"{day}.{month}.{year}"])
            except EcflowError as error:
                raise OutOfRange(str(error)) from None
            self.core = attributes.Clock(hybrid=len(arguments) == 4 and bool(arguments[3]), date=(day, month, year))
        else:
            raise TypeError(f"Clock takes whether it is hybrid, or day, month, year and that; not {arguments!r}")

    def set_gain(self, hours: int, minutes: int, positive: bool) -> None:
        """Have it go ahead (`positive`) or behind."""
        self.set_gain_in_seconds(hours * 3600 + minutes * 60, positive)

    def set_gain_in_seconds(self, seconds: int, positive: bool) -> None:
        """Have it go ahead (`positive`) or behind."""
        self.core.gain_seconds, self.core.relative = int(seconds), bool(positive)

    def gain(self) -> int:
        """Seconds it is ahead or behind."""
        return int(self.core.gain_seconds)

    def positive_gain(self) -> bool:
        """Whether that was written with a +."""
        return bool(self.core.relative)

    def day(self) -> int:
        """The day it begins on; 0 for today."""
        return self.core.date[0] if self.core.date else 0

    def month(self) -> int:
        """The month it begins on; 0 for this one."""
        return self.core.date[1] if self.core.date else 0

    def year(self) -> int:
        """The year it begins on; 0 for this one."""
        return self.core.date[2] if self.core.date else 0

    def name(self) -> str:
        return "hybrid" if self.core.hybrid else "real"

    def empty(self) -> bool:
        return False

    def __str__(self) -> str:
        from ...flow.suite.writer import clock_words

        return f"clock {self.name()} {clock_words(self.core)}".rstrip()


class Late(Attribute):
    """``Late(submitted="+00:15", active="20:00", complete="+02:00")``: any of the three."""

    __slots__ = ()

    def __init__(self, *, submitted: str = "", active: str = "", complete: str = "") -> None:
        given = {"-s": submitted, "-a": active, "-c": complete}
        words = [word for option, value in given.items() if value for word in (option, value)]
        with as_ecflow_errors():
            self.core = time_text.parse_late(words) if words else attributes.Late()

    def submitted(self, *slot: Any) -> Any:
        """Longest stay in submitted; given a slot, or hour and minute, that is set."""
        return self._minutes("submitted_minutes", slot)

    def active(self, *slot: Any) -> Any:
        """Time of day by which it must be active; given a slot, or hour and minute, that is set."""
        return self._minutes("active_minutes", slot)

    def complete(self, *slot: Any) -> Any:
        """When it must be complete; given a slot, or hour and minute, and whether it is relative, that is set."""
        if slot:
            self.core.complete_relative = bool(slot[-1])
            slot = slot[:-1]
        return self._minutes("complete_minutes", slot)

    def complete_is_relative(self) -> bool:
        """Whether that counts from activation."""
        return bool(self.core.complete_relative)

    def is_late(self) -> bool:
        """Whether it was late."""
        return bool(self.core.is_late)

    def _minutes(self, name: str, slot: tuple[Any, ...]) -> TimeSlot | None:
        if not slot:
            return TimeSlot.of(getattr(self.core, name))
        setattr(self.core, name, (slot[0] if isinstance(slot[0], TimeSlot) else TimeSlot(*slot)).minutes)
        return None

    def name(self) -> str:
        return "late"

    def empty(self) -> bool:
        return False


class Autocancel(Attribute):
    """``Autocancel(days)``, ``Autocancel(hour, minute, relative)``, ``Autocancel(slot, relative)``."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        self.core = attributes.AutoCancel(*_delay(arguments, "Autocancel"))

    def days(self) -> bool:
        """Whether it is given in days."""
        return self.core.days is not None

    def relative(self) -> bool:
        """Whether it counts from when the node completed."""
        return bool(self.core.relative)

    def time(self) -> TimeSlot:
        """After how long, or at what time."""
        if self.core.days is not None:
            return TimeSlot(self.core.days * 24, 0)
        return TimeSlot.of(self.core.minutes)

    def name(self) -> str:
        return str(self.core.when)

    def empty(self) -> bool:
        return False


class Autoarchive(Autocancel):
    """As `Autocancel`, with whether nodes that are queued or aborted are archived too (`idle`) as the last argument."""

    __slots__ = ()

    def __init__(self, *arguments: Any, idle: bool = False) -> None:
        if len(arguments) in (2, 4) or (len(arguments) == 3 and isinstance(arguments[0], TimeSlot)):
            arguments, idle = arguments[:-1], bool(arguments[-1])
        self.core = attributes.AutoArchive(*_delay(arguments, "Autoarchive"), idle=idle)

    def idle(self) -> bool:
        """Whether nodes that are queued or aborted are archived too."""
        return bool(self.core.idle)


def _delay(arguments: tuple[Any, ...], what: str) -> tuple[int | None, int, bool]:
    """Days, minutes, and whether these are relative."""
    match arguments:
        case (int() as days,):
            return days, 0, True
        case (TimeSlot() as slot, int() as relative):
            return None, slot.minutes, bool(relative)
        case (int() as hour, int() as minute, int() as relative):
            return None, TimeSlot(hour, minute).minutes, bool(relative)
    raise TypeError(f"{what} takes days, or hour, minute and whether they are relative; not {arguments!r}")
