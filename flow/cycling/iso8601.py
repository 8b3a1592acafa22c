"""Reading ISO 8601 points: full ones (``20200101T0000Z``, ``2020-W01-1``) and truncated ones (``T06``,
``--0229``).

What comes out is fields; a `Calendar` turns them to day numbers, `truncated` finds where a truncated point
next occurs.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from .calendar import Calendar
from .exceptions import PointError

_TIME_BASIC = r"T(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d))?)?(?P<fraction>[.,]\d+)?)?"
_TIME_EXTENDED = r"T(?:(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)?(?P<fraction>[.,]\d+)?)?"
_ZONE_BASIC = r"(?P<zone>Z|[+-]\d\d(?:\d\d)?)?"
_ZONE_EXTENDED = r"(?P<zone>Z|[+-]\d\d(?::\d\d)?)?"

_DATES_BASIC = (
    r"{year}(?P<month>\d\d)(?P<day>\d\d)",
    r"{year}W(?P<week>\d\d)(?P<weekday>\d)",
    r"{year}(?P<ordinal>\d\d\d)",
)
_DATES_EXTENDED = (
    r"{year}-(?P<month>\d\d)-(?P<day>\d\d)",
    r"{year}-W(?P<week>\d\d)-(?P<weekday>\d)",
    r"{year}-(?P<ordinal>\d\d\d)",
)
_DATES_ALONE = (
    r"{year}",
    r"{year}-(?P<month>\d\d)",
    r"{year}-?W(?P<week>\d\d)",
)

_TRUNCATED_TIME = (
    r"(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d))?)?",
    r"-(?P<minute>\d\d)(?::?(?P<second>\d\d))?",
    r"--(?P<second>\d\d)",
)
_TRUNCATED_DATES = (
    r"--(?P<month>\d\d)(?:-?(?P<day>\d\d))?",
    r"---(?P<day>\d\d)",
    r"-?W-(?P<weekday>\d)",
    r"-W(?P<week>\d\d)(?:-?(?P<weekday>\d))?",
    r"-(?P<ordinal>\d\d\d)",
    r"-(?P<year_of_century>\d\d)(?:-?(?P<month>\d\d))?",
    r"(?P<year_of_century>\d\d)(?P<month>\d\d)(?P<day>\d\d)",
    r"(?P<year_of_century>\d\d)-(?P<month>\d\d)-(?P<day>\d\d)",
    r"(?P<year_of_century>\d\d)-?(?P<ordinal>\d\d\d)",
    r"(?P<year_of_century>\d\d)-?W(?P<week>\d\d)(?:-?(?P<weekday>\d))?",
    r"-(?P<year_of_decade>\d)W(?P<week>\d\d)(?P<weekday>\d)?",
)
_TRUNCATED_DATES_WITH_TIME = (
    *_TRUNCATED_DATES,
    r"(?P<day>\d\d)",
    r"(?P<month>\d\d)(?P<day>\d\d)",
)
"""Before a time the leading dashes may be left out (a Cylc 8 shorthand)."""


class FullPoint(Struct, frozen=True):
    """A point with nothing left open, as calendar day and time of day where it was written."""

    day_number: int
    second_of_day: int
    zone_seconds: int | None
    """Offset from UTC, or None where none was written."""


class TruncatedPoint(Struct, frozen=True):
    """A point that recurs: only some fields are given, the larger ones are open."""

    text: str
    year_of_century: int | None = None
    year_of_decade: int | None = None
    month: int | None = None
    day: int | None = None
    ordinal: int | None = None
    week: int | None = None
    weekday: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    zone_seconds: int | None = None

    @property
    def has_time(self) -> bool:
        """Whether any part of the time of day is given."""
        return self.hour is not None or self.minute is not None or self.second is not None

    @property
    def has_date(self) -> bool:
        """Whether any part of the date below the year is given."""
        return any(field is not None for field in (self.month, self.day, self.ordinal, self.week, self.weekday))

    @property
    def has_year(self) -> bool:
        """Whether the year of the century or of the decade is given."""
        return self.year_of_century is not None or self.year_of_decade is not None

    @property
    def implied_interval(self) -> str:
        """How often it recurs: the unit above its largest field."""
        if self.year_of_century is not None:
            return "P100Y"
        if self.year_of_decade is not None:
            return "P10Y"
        if self.month is not None or self.week is not None or self.ordinal is not None:
            return "P1Y"
        if self.day is not None:
            return "P1M"
        if self.weekday is not None:
            return "P7D"
        if self.hour is not None:
            return "P1D"
        return "PT1H" if self.minute is not None else "PT1M"


def parse_zone(text: str) -> int:
    """Seconds east of UTC for ``Z``, ``+01``, ``-0530`` or ``+05:30``; raises `PointError`."""
    match = re.fullmatch(r"(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>[0-5]\d))?", text)
    if text == "Z":
        return 0
    if match is None:
        raise PointError(f"cannot read {text!r} as a time zone; expected Z, +hh, +hhmm or -hh:mm")
    seconds = int(match["hours"]) * 3600 + int(match["minutes"] or 0) * 60
    return -seconds if match["sign"] == "-" else seconds


def _compile(dates: tuple[str, ...], tail: str) -> list[str]:
    return [date + tail for date in dates]


class PointReader:
    """Reads points as text for one calendar and one number of expanded year digits."""

    __slots__ = ("_calendar", "_full", "_truncated")

    def __init__(self, calendar: Calendar, *, expanded_year_digits: int = 0) -> None:
        self._calendar = calendar
        year = r"(?P<year>\d{4})"
        if expanded_year_digits:
            year = rf"(?P<year>[+-]\d{{{4 + expanded_year_digits}}}|\d{{4}})"
        full = [
            *_compile(_DATES_BASIC, f"(?:{_TIME_BASIC}{_ZONE_BASIC})?"),
            *_compile(_DATES_EXTENDED, f"(?:{_TIME_EXTENDED}{_ZONE_EXTENDED})?"),
            *_DATES_ALONE,
        ]
        self._full = [re.compile(pattern.replace("{year}", year)) for pattern in full]
        zone = r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?"
        truncated = list(_TRUNCATED_DATES)
        for time in _TRUNCATED_TIME:
            truncated.append(f"T{time}{zone}")
            truncated.extend(f"{date}T{time}{zone}" for date in _TRUNCATED_DATES_WITH_TIME)
        self._truncated = [re.compile(pattern) for pattern in truncated]

    def full(self, text: str) -> FullPoint:
        """A full point; raises `PointError` saying what is wrong with it."""
        for pattern in self._full:
            match = pattern.fullmatch(text)
            if match is not None:
                return self._read_full(text, match.groupdict())
        if re.fullmatch(r"\d\d", text):
            raise PointError(f"{text!r} could be an hour or a century; write T{text} for the hour")
        raise PointError(f"cannot read {text!r} as a cycle point; expected the like of 20200131T0600Z or 2020-01-31")

    def _read_full(self, text: str, parts: dict[str, str | None]) -> FullPoint:
        calendar = self._calendar
        year = int(parts["year"] or 0)
        fields = {name: int(value) for name, value in parts.items() if value and value.isdigit() and name != "year"}
        if "week" in fields:
            week, weekday = fields["week"], fields.get("weekday", 1)
            self._within(text, "week", week, calendar.weeks_in_year(year))
            self._within(text, "day of the week", weekday, 7)
            day_number = calendar.from_week(year, week, weekday)
        elif "ordinal" in fields:
            self._within(text, "day of the year", fields["ordinal"], calendar.days_in_year(year))
            day_number = calendar.from_ordinal(year, fields["ordinal"])
        else:
            month, day = fields.get("month", 1), fields.get("day", 1)
            self._within(text, "month", month, 12)
            self._within(text, "day of the month", day, calendar.days_in_month(year, month))
            day_number = calendar.day_number(year, month, day)
        hour, minute, second = (fields.get(name, 0) for name in ("hour", "minute", "second"))
        self._check_time(text, hour, minute, second)
        seconds = hour * 3600 + minute * 60 + second
        fraction = parts.get("fraction")
        if fraction:
            unit = 1 if parts.get("second") else 60 if parts.get("minute") else 3600
            seconds += int(float(fraction.replace(",", ".")) * unit)
        if seconds > 86400:
            raise PointError(f"in {text!r} the time of day is past 24:00")
        zone = parts.get("zone")
        return FullPoint(day_number, seconds, parse_zone(zone) if zone else None)

    def truncated(self, text: str) -> TruncatedPoint:
        """A truncated point; raises `PointError`, also where it can never occur in this calendar."""
        for pattern in self._truncated:
            match = pattern.fullmatch(text)
            if match is not None:
                parts = match.groupdict()
                zone = parts.pop("zone", None)
                point = TruncatedPoint(text, **{name: int(value) for name, value in parts.items() if value})
                self._check_truncated(point)
                return replace(point, zone_seconds=parse_zone(zone)) if zone else point
        raise PointError(f"cannot read {text!r} as a truncated cycle point; expected the like of T06, T-30 or 01T00")

    def is_truncated(self, text: str) -> bool:
        """Whether text has the shape of a truncated point (and not that of a full one)."""
        if any(pattern.fullmatch(text) for pattern in self._full):
            return False
        return any(pattern.fullmatch(text) for pattern in self._truncated)

    def _check_truncated(self, point: TruncatedPoint) -> None:
        calendar = self._calendar
        text = point.text
        longest = 31 if calendar.name != "360_day" else 30
        if point.month is not None:
            self._within(text, "month", point.month, 12)
            longest = calendar.longest_month(point.month)
        for name, value, most in (
            ("day of the month", point.day, longest),
            ("day of the year", point.ordinal, calendar.longest_year()),
            ("week", point.week, max(calendar.weeks_in_year(year) for year in range(2000, 2028))),
            ("day of the week", point.weekday, 7),
        ):
            if value is not None:
                self._within(text, name, value, most)
        if point.hour == 24:
            raise PointError(f"in {text!r} hour 24 cannot recur; write T00")
        self._check_time(text, point.hour or 0, point.minute or 0, point.second or 0)

    @staticmethod
    def _within(text: str, name: str, value: int, most: int) -> None:
        if not 1 <= value <= most:
            raise PointError(f"in {text!r} the {name} is {value}; expected 1 to {most}")

    @staticmethod
    def _check_time(text: str, hour: int, minute: int, second: int) -> None:
        for name, value, most in (("hour", hour, 24), ("minute", minute, 59), ("second", second, 59)):
            if value > most:
                raise PointError(f"in {text!r} the {name} is {value}; expected 0 to {most}")
