"""Datetime cycling: points are seconds since 1970-01-01T00:00Z counted in the workflow's calendar."""

from __future__ import annotations

from .calendar import SECONDS_PER_DAY, Calendar
from .cycling import Offset, Sequence
from .exceptions import PointError
from .interval import Interval, parse_interval
from .iso8601 import FullPoint, PointReader, TruncatedPoint
from .point_format import PointFormat
from .recurrence import parse_recurrence
from .truncated import next_keeping_base

_CACHE_SIZE = 4096


class DatetimeCycling:
    """Reads, writes and counts ISO 8601 cycle points in one calendar, one format and one time zone.

    Args:
        mode: ``gregorian``, ``360_day``, ``365_day`` or ``366_day`` (also ``360day`` and so on).
        point_format: ``CCYYMMDDThhmmZ`` style, or a strptime subset; by default ``CCYYMMDDThhmm`` and the
        zone.
        expanded_year_digits: digits beyond four in years, which then carry a sign.
        time_zone: ``Z``, ``+01``, ``-0530``: the zone of points written without one, and of the default
        format.

    Raises `CyclingError` for a mode and `PointError` for a format or zone that cannot be used.
    """

    __slots__ = ("_formatted", "_parsed", "calendar", "mode", "point_format", "reader", "zone_seconds")

    def __init__(
        self,
        mode: str = "gregorian",
        *,
        point_format: str | None = None,
        expanded_year_digits: int = 0,
        time_zone: str = "Z",
    ) -> None:
        self.calendar = Calendar(mode)
        self.mode = self.calendar.name
        self.reader = PointReader(self.calendar, expanded_year_digits=expanded_year_digits)
        if not point_format:
            point_format = ("+X" if expanded_year_digits else "") + "CCYYMMDDThhmm" + time_zone
        self.point_format = PointFormat(
            self.calendar, point_format, time_zone=time_zone, expanded_year_digits=expanded_year_digits
        )
        self.zone_seconds = self.point_format.zone_seconds
        self._parsed: dict[str, int] = {}
        self._formatted: dict[int, str] = {}
        self._check_format()

    def _check_format(self) -> None:
        sample = self.calendar.day_number(2000, 1, 3) * SECONDS_PER_DAY
        text = self.point_format.write(sample)
        try:
            if abs(self.from_full(self.reader.full(text)) - sample) < 366 * SECONDS_PER_DAY:
                return
        except PointError:
            pass
        raise PointError(
            f"the cycle point format {self.point_format.text!r} writes 2000-01-03 as {text!r}, which does not"
            " read back as an ISO 8601 point"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.mode} {self.point_format.text}>"

    def parse(self, text: str) -> int:
        """A full point as text to its integer, cut to what the point format can write; raises
        `PointError`."""
        point = self._parsed.get(text)
        if point is None:
            point = self.snap(self.from_full(self.reader.full(text.strip())))
            if len(self._parsed) >= _CACHE_SIZE:
                self._parsed.clear()
            self._parsed[text] = point
        return point

    def format(self, point: int) -> str:
        """A point's canonical text; raises `PointError` for a year the format cannot write."""
        text = self._formatted.get(point)
        if text is None:
            text = self.point_format.write(point)
            if len(self._formatted) >= _CACHE_SIZE:
                self._formatted.clear()
            self._formatted[point] = text
        return text

    def snap(self, point: int) -> int:
        """A point cut to what the point format can write."""
        precision = self.point_format.precision_seconds
        if precision is None:
            return self.from_full(self.reader.full(self.format(point)))
        return point - (point + self.zone_seconds) % precision

    def from_full(self, full: FullPoint) -> int:
        """A point from its fields; without a zone of its own it is in the workflow's."""
        zone = self.zone_seconds if full.zone_seconds is None else full.zone_seconds
        return full.day_number * SECONDS_PER_DAY + full.second_of_day - zone

    def interval(self, text: str) -> Interval:
        """An interval as text (``PT6H``, ``-P1M``, ``P2W``); raises `IntervalError`."""
        return parse_interval(text)

    def add(self, point: int, interval: Interval, *, zone_seconds: int | None = None) -> int:
        """A point moved by an interval: its exact part first, then months, then years.

        Months and years are counted in the workflow's time zone, or in another one given in seconds east of
        UTC.
        """
        point += interval.seconds
        if interval.is_exact:
            return point
        zone = self.zone_seconds if zone_seconds is None else zone_seconds
        day_number, second = divmod(point + zone, SECONDS_PER_DAY)
        year, month, day = self.calendar.date(day_number)
        if interval.months:
            year, month, day = self.calendar.add_months(year, month, day, months=interval.months)
        if interval.years:
            year, month, day = self.calendar.add_years(year, month, day, years=interval.years)
        return self.calendar.day_number(year, month, day) * SECONDS_PER_DAY + second - zone

    def next_match(self, truncated: TruncatedPoint, base: int) -> int:
        """The first point at or after `base` that a truncated point names, as recurrences count it."""
        zone = self.zone_seconds if truncated.zone_seconds is None else truncated.zone_seconds
        return next_keeping_base(self.calendar, truncated, base + zone) - zone

    def sequence(self, text: str, initial: int, final: int | None, *, bounded: bool = True) -> Sequence:
        """A recurrence heading; several with commas between give their points together.

        With `bounded` false the final point only serves where the heading names it, and does not end the
        sequence.
        Raises `RecurrenceError`, also where exclusions leave an endless recurrence without points.
        """
        return parse_recurrence(self, text, initial=initial, final=final, bounded=bounded)

    def offset(self, text: str, initial: int) -> Offset:
        """What stands in the brackets of a graph node; raises `IntervalError` or `PointError`."""
        from .offset import parse_datetime_offset

        return parse_datetime_offset(self, text, initial=initial)

    def epoch_seconds(self, point: int) -> float:
        """A point as seconds since 1970 (UTC).

        In other calendars than the Gregorian one this is the moment with the same date and time of day, the
        day cut to
        the Gregorian month's end (30 February becomes the 28th or 29th).
        """
        if self.mode == "gregorian":
            return float(point)
        day_number, second = divmod(point, SECONDS_PER_DAY)
        year, month, day = self.calendar.date(day_number)
        day = min(day, _GREGORIAN.days_in_month(year, month))
        return float(_GREGORIAN.day_number(year, month, day) * SECONDS_PER_DAY + second)

    def from_epoch_seconds(self, seconds: float) -> int:
        """The point of a moment of real time, cut to what the point format can write."""
        whole = int(seconds // 1)
        if self.mode != "gregorian":
            day_number, second = divmod(whole, SECONDS_PER_DAY)
            year, month, day = _GREGORIAN.date(day_number)
            day = min(day, self.calendar.days_in_month(year, month))
            whole = self.calendar.day_number(year, month, day) * SECONDS_PER_DAY + second
        return self.snap(whole)


_GREGORIAN = Calendar("gregorian")
