"""The clock of a suite: from the time of an event to suite time, and back to when that will be.

Suite time is a number of seconds since 1970 on a clock without zones. A real clock follows the host's, moved by its
gain; with a date of its own it begins at midnight of that, plus the gain. A hybrid clock
keeps the date it began on and only its time of day moves.
"""

from __future__ import annotations

from datetime import date

from attrs import define

from .attributes import CalendarState, Clock
from .julian import date_to_julian
from .times import DAY_NAMES

MINUTE = 60
DAY = 86400
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MONTH_WORDS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970."""
    return date(year, month, day).toordinal() - _EPOCH_ORDINAL


def date_of(suite_time: int) -> date:
    """The date of a suite time."""
    return date.fromordinal(suite_time // DAY + _EPOCH_ORDINAL)


def week_day(suite_time: int) -> int:
    """0 for Sunday, as suites count."""
    return (suite_time // DAY + 4) % 7


@define(eq=False)
class SuiteClock:
    """The running clock of a begun suite."""

    hybrid: bool
    offset_seconds: int
    """Added to the time of an event (UTC) to get the time of this suite."""
    began_at: int
    """Suite time of begin."""
    began_host: int
    """Time of the host at begin, without zone."""
    stands_since: float | None = None
    """Event time since which it stands still, if it does (a clock that stops with the server)."""

    @classmethod
    def begin(cls, clock: Clock | None, now: float, utc_offset_seconds: int) -> SuiteClock:
        """Start the clock of a suite at an event time."""
        host = int(now) + utc_offset_seconds
        start = host
        hybrid = False
        if clock is not None:
            hybrid = clock.hybrid
            if clock.date is not None:
                day, month, year = clock.date
                start = day_number(year, month, day) * DAY
            start += clock.gain_seconds
        return cls(hybrid, start - int(now), start, host)

    @classmethod
    def restore(cls, state: CalendarState, clock: Clock | None, utc_offset_seconds: int) -> SuiteClock:
        """The clock of a suite that was read with its state: it has gone on since, as the host's has."""
        hybrid = clock is not None and clock.hybrid
        offset = state.initial_time - state.initial_local_time + utc_offset_seconds
        return cls(hybrid, offset, state.initial_time, state.initial_local_time)

    def flow(self, now: float) -> int:
        """Suite time as if the date were free to change: what durations and slots are reckoned in."""
        if self.stands_since is not None:
            now = self.stands_since
        return int(now) + self.offset_seconds

    def time(self, now: float) -> int:
        """Suite time; of a hybrid clock always on the day it began."""
        flow = self.flow(now)
        if self.hybrid:
            return self.began_at // DAY * DAY + flow % DAY
        return flow

    def event_time(self, suite_time: int) -> float:
        """When the suite's clock (its `flow`) shows a time."""
        return float(suite_time - self.offset_seconds)

    def duration(self, now: float) -> int:
        """Seconds since begin."""
        return self.flow(now) - self.began_at

    def halt(self, now: float) -> None:
        """Stand still."""
        if self.stands_since is None:
            self.stands_since = now

    def go_on(self, now: float) -> None:
        """Run again, as if the time between had not been."""
        if self.stands_since is not None:
            stood = int(now) - int(self.stands_since)
            self.offset_seconds -= stood
            self.began_host += stood
            self.stands_since = None

    def shift(self, seconds: int) -> None:
        """Move the clock."""
        self.offset_seconds += seconds

    def state(self, now: float) -> CalendarState:
        """Where it stands, for a checkpoint."""
        host = self.began_host + int(self.duration(now))
        return CalendarState(
            initial_time=self.began_at,
            suite_time=self.time(now),
            duration_seconds=self.duration(now),
            initial_local_time=self.began_host,
            last_time=host,
        )


def calendar_variables(suite_time: int) -> dict[str, str]:
    """The generated variables that tell a suite's time (ecFlow behaviour)."""
    day = date_of(suite_time)
    minutes = suite_time % DAY // MINUTE
    hour, minute = divmod(minutes, 60)
    number = week_day(suite_time)
    number_of_year = day.timetuple().tm_yday
    name, month = DAY_NAMES[number], MONTH_WORDS[day.month - 1]
    written = f"{day.year:04}{day.month:02}{day.day:02}"
    return {
        "ECF_DATE": written,
        "YYYY": f"{day.year}",
        "DOW": f"{number}",
        "DOY": f"{number_of_year}",
        "DATE": f"{day.day:02}.{day.month:02}.{day.year}",
        "DAY": name,
        "DD": f"{day.day:02}",
        "MM": f"{day.month:02}",
        "MONTH": month,
        "ECF_CLOCK": f"{name}:{month}:{number}:{number_of_year}",
        "ECF_TIME": f"{hour:02}:{minute:02}",
        "ECF_JULIAN": f"{date_to_julian(int(written))}",
        "TIME": f"{hour:02}{minute:02}",
    }


CALENDAR_NAMES = frozenset(calendar_variables(0))
"""Their names: what changes with the clock alone."""
TIME_NAMES = frozenset({"ECF_TIME", "TIME"})
"""Those that change every minute; the others change at midnight."""
