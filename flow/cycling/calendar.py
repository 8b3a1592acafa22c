"""Pure calendar arithmetic: dates to day numbers and back, in the four calendars Cylc knows.

Day 0 is 1970-01-01 in every calendar, and 2000-01-03 is a Monday in every calendar (that anchors ISO weeks).
"""

from __future__ import annotations

from .exceptions import CyclingError

_COMMON = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LEAP = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EVEN = (30,) * 12
SECONDS_PER_DAY = 86400

MODE_NAMES = {
    "gregorian": "gregorian",
    "360day": "360_day",
    "360_day": "360_day",
    "365day": "365_day",
    "365_day": "365_day",
    "366day": "366_day",
    "366_day": "366_day",
}
"""Every accepted spelling of a datetime cycling mode to its canonical one."""


def _starts(months: tuple[int, ...]) -> tuple[int, ...]:
    starts = [0]
    for days in months:
        starts.append(starts[-1] + days)
    return tuple(starts)


class Calendar:
    """One calendar: how long its months and years are, and which weekday a day is."""

    __slots__ = ("_common_starts", "_leap_starts", "_monday", "name")

    def __init__(self, name: str) -> None:
        canonical = MODE_NAMES.get(name)
        if canonical is None:
            known = ", ".join(sorted(set(MODE_NAMES.values())))
            raise CyclingError(f"no such cycling mode: {name!r} (known: integer, {known})")
        self.name = canonical
        common, leap = {
            "gregorian": (_COMMON, _LEAP),
            "360_day": (_EVEN, _EVEN),
            "365_day": (_COMMON, _COMMON),
            "366_day": (_LEAP, _LEAP),
        }[canonical]
        self._common_starts = _starts(common)
        self._leap_starts = _starts(leap)
        self._monday = self.day_number(2000, 1, 3) % 7

    def _starts_of(self, year: int) -> tuple[int, ...]:
        if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
            return self._leap_starts
        return self._common_starts

    def days_in_year(self, year: int) -> int:
        """Days of a year."""
        return self._starts_of(year)[12]

    def days_in_month(self, year: int, month: int) -> int:
        """Days of a month (1 to 12)."""
        starts = self._starts_of(year)
        return starts[month] - starts[month - 1]

    def longest_month(self, month: int) -> int:
        """The most days a month ever has."""
        return self._leap_starts[month] - self._leap_starts[month - 1]

    def longest_year(self) -> int:
        """The most days a year ever has."""
        return self._leap_starts[12]

    def _year_start(self, year: int) -> int:
        if self.name == "gregorian":
            before = year - 1
            return 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477
        return self._common_starts[12] * (year - 1970)

    def day_number(self, year: int, month: int, day: int) -> int:
        """The day number of an existing date; `check` first where the date comes from a person."""
        return self._year_start(year) + self._starts_of(year)[month - 1] + day - 1

    def date(self, day_number: int) -> tuple[int, int, int]:
        """Year, month and day of a day number."""
        year, ordinal = self.ordinal_date(day_number)
        starts = self._starts_of(year)
        ordinal -= 1
        month = min(12, ordinal // 28 + 1)
        while starts[month - 1] > ordinal:
            month -= 1
        return year, month, ordinal - starts[month - 1] + 1

    def ordinal_date(self, day_number: int) -> tuple[int, int]:
        """Year and day of the year (from 1) of a day number."""
        if self.name == "gregorian":
            year = 1970 + day_number * 400 // 146097
        else:
            year = 1970 + day_number // self._common_starts[12]
        start = self._year_start(year)
        while day_number < start:
            year -= 1
            start = self._year_start(year)
        while day_number >= start + self.days_in_year(year):
            start += self.days_in_year(year)
            year += 1
        return year, day_number - start + 1

    def from_ordinal(self, year: int, ordinal: int) -> int:
        """The day number of a day of the year (from 1)."""
        return self._year_start(year) + ordinal - 1

    def weekday(self, day_number: int) -> int:
        """1 for Monday to 7 for Sunday."""
        return (day_number - self._monday) % 7 + 1

    def _week_year_start(self, year: int) -> int:
        fourth = self._year_start(year) + 3
        return fourth - self.weekday(fourth) + 1

    def weeks_in_year(self, year: int) -> int:
        """52 or 53 (51 to 52 in the 360-day calendar): the weeks of an ISO week year."""
        return (self._week_year_start(year + 1) - self._week_year_start(year)) // 7

    def from_week(self, year: int, week: int, weekday: int) -> int:
        """The day number of an ISO week date."""
        return self._week_year_start(year) + 7 * (week - 1) + weekday - 1

    def week_date(self, day_number: int) -> tuple[int, int, int]:
        """ISO week year, week and weekday of a day number."""
        year = self.ordinal_date(day_number)[0] + 1
        while day_number < self._week_year_start(year):
            year -= 1
        return year, (day_number - self._week_year_start(year)) // 7 + 1, self.weekday(day_number)

    def add_months(self, year: int, month: int, day: int, *, months: int) -> tuple[int, int, int]:
        """A date moved by months, one month at a time, the day cut to each month's end on the way.

        So 31 January and two months is 29 or 28 March, as Cylc 8.5 has it: the day is lost in February.
        """
        if day <= 28:
            year, index = divmod(year * 12 + month - 1 + months, 12)
            return year, index + 1, day
        step = 1 if months > 0 else -1
        for _ in range(abs(months)):
            month += step
            if month == 0 or month == 13:
                year += step
                month = 12 if month == 0 else 1
            day = min(day, self.days_in_month(year, month))
        return year, month, day

    def add_years(self, year: int, month: int, day: int, *, years: int) -> tuple[int, int, int]:
        """A date moved by years at once, the day cut to the month's end."""
        year += years
        return year, month, min(day, self.days_in_month(year, month))
