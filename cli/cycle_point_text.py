"""Cycle points as people write them: read, moved, and written again in the same form, or into a file name."""

from __future__ import annotations

import re

from attrs import evolve, frozen

from ..flow.cycling.calendar import SECONDS_PER_DAY
from ..flow.cycling.datetime import DatetimeCycling
from ..flow.cycling.exceptions import PointError
from ..flow.cycling.iso8601 import PointReader, parse_zone

_FORMS = (
    (r"(?P<year>{year})", "CCYY"),
    (r"(?P<year>{year})-\d\d", "CCYY-MM"),
    (r"(?P<year>{year})\d{{4}}", "CCYYMMDD"),
    (r"(?P<year>{year})-\d\d-\d\d", "CCYY-MM-DD"),
    (r"(?P<year>{year})\d{{3}}", "CCYYDDD"),
    (r"(?P<year>{year})-\d{{3}}", "CCYY-DDD"),
    (r"(?P<year>{year})W\d\d", "CCYYWww"),
    (r"(?P<year>{year})-W\d\d", "CCYY-Www"),
    (r"(?P<year>{year})W\d{{3}}", "CCYYWwwD"),
    (r"(?P<year>{year})-W\d\d-\d", "CCYY-Www-D"),
)
_TIME = re.compile(r"T\d\d(?P<minute>:?\d\d)?(?P<second>:?\d\d)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?")
_DATE_LETTERS = re.compile(r"CCYY|Www-D|WwwD|Www|DDD|MM|DD")
_TIME_LETTERS = re.compile(r"hh|mm|ss")
_PERCENT = re.compile(r"%([YmdHMSjF%])")


@frozen
class PointText:
    """A cycle point and the form it was written in."""

    point: int
    """Seconds since 1970 in its calendar, UTC."""
    form: str
    """In ISO letters, without the zone: ``CCYYMMDDThhmm``."""
    zone: str
    """As written; empty if none was."""
    cycling: DatetimeCycling
    year_digits: int
    """Digits of the year, more than four where it is expanded."""

    @property
    def text(self) -> str:
        """The point in its form."""
        return fill_template(self.form, self) + self.zone

    def moved(self, interval: str) -> PointText:
        """The point an interval later; raises `IntervalError`."""
        cycling = self.cycling
        moved = cycling.add(self.point, cycling.interval(interval), zone_seconds=_seconds(self.zone))
        return evolve(self, point=moved)

    def in_zone(self, zone: str) -> PointText:
        """The same moment written in another time zone; raises `PointError`."""
        parse_zone(zone)
        return evolve(self, zone=zone)


def read_point_text(text: str, *, mode: str, expanded_year_digits: int = 0) -> PointText:
    """Read a cycle point and remember its form; without a time zone it is in UTC.

    Args:
        text: a full ISO 8601 point: ``20300101T06Z``, ``2030-01``.
        mode: the calendar: ``gregorian``, ``360_day`` ...; that of integer cycling is the Gregorian one here.
        expanded_year_digits: digits of years beyond four, which then carry a sign.

    Raises:
        PointError: it cannot be read.
    """
    cycling = DatetimeCycling("gregorian" if mode == "integer" else mode)
    full = PointReader(cycling.calendar, expanded_year_digits=expanded_year_digits).full(text)
    point = full.day_number * SECONDS_PER_DAY + full.second_of_day - (full.zone_seconds or 0)
    date, _, _ = text.partition("T")
    year = rf"[+-]\d{{{4 + expanded_year_digits}}}" if date[:1] in "+-" else r"\d{4}"
    form = next((form for pattern, form in _FORMS if re.fullmatch(pattern.format(year=year), date)), None)
    time = _TIME.fullmatch(text[len(date) :])
    if form is None or (time is None and "T" in text):
        raise PointError(f"{text!r} cannot be written in the same form: leave out fractions")
    zone = ""
    if time is not None:
        form += "Thh"
        for name, letters in (("minute", "mm"), ("second", "ss")):
            if time[name]:
                form += (":" if time[name].startswith(":") else "") + letters
        zone = time["zone"] or ""
    digits = 4 + expanded_year_digits if date[:1] in "+-" else 4
    return PointText(point, form, zone, cycling, digits)


def fill_template(template: str, read: PointText) -> str:
    """Put a cycle point into a text: ISO letters (``CCYY-MM-DDThh``), or strftime's where there is a ``%``.

    Letters of times count only after a ``T`` that begins one (Cylc 8.5 behaviour): the ``mm`` of ``common-CCYY``
    stays.
    """
    days, second = divmod(read.point + _seconds(read.zone), SECONDS_PER_DAY)
    calendar = read.cycling.calendar
    year, month, day = calendar.date(days)
    week_year, week, weekday = calendar.week_date(days)
    expanded = read.year_digits > 4
    letters = {
        "MM": f"{month:02d}",
        "DD": f"{day:02d}",
        "DDD": f"{calendar.ordinal_date(days)[1]:03d}",
        "Www": f"W{week:02d}",
        "WwwD": f"W{week:02d}{weekday}",
        "Www-D": f"W{week:02d}-{weekday}",
        "hh": f"{second // 3600:02d}",
        "mm": f"{second // 60 % 60:02d}",
        "ss": f"{second % 60:02d}",
    }

    def written_year(number: int) -> str:
        return f"{number:+0{read.year_digits + 1}d}" if expanded else f"{number:04d}"

    letters["CCYY"] = written_year(week_year if "CCYYWww" in template or "CCYY-Www" in template else year)
    if "%" in template:
        percent = {
            "Y": written_year(year),
            "m": letters["MM"],
            "d": letters["DD"],
            "H": letters["hh"],
            "M": letters["mm"],
            "S": letters["ss"],
            "j": letters["DDD"],
            "F": f"{written_year(year)}-{letters['MM']}-{letters['DD']}",
            "%": "%",
        }
        return _PERCENT.sub(lambda match: percent[match[1]], template)
    date, begin, time = template.partition("Thh")
    written = _DATE_LETTERS.sub(lambda match: letters[match[0]], date)
    return written + _TIME_LETTERS.sub(lambda match: letters[match[0]], begin + time)


def _seconds(zone: str) -> int:
    return parse_zone(zone) if zone else 0
