"""Writing points: Cylc's ``cycle point format`` in ISO letters (``CCYYMMDDThhmmZ``) or a subset of
strptime's."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from .calendar import SECONDS_PER_DAY, Calendar
from .exceptions import PointError
from .iso8601 import parse_zone


class Fields(Struct, frozen=True):
    """A point taken apart, in the zone it is written in."""

    calendar: Calendar
    year: int
    month: int
    day: int
    second_of_day: int
    day_number: int


Piece = Callable[[Fields], str]


def _year(width: int) -> Piece:
    def write(fields: Fields) -> str:
        if not 0 <= fields.year < 10**width:
            raise PointError(
                f"the year {fields.year} does not fit in {width} digits; set [scheduler]cycle point"
                f" num expanded year digits"
            )
        return f"{fields.year:0{width}d}"

    return write


def _expanded_year(digits: int) -> Piece:
    def write(fields: Fields) -> str:
        if abs(fields.year) >= 10 ** (4 + digits):
            raise PointError(
                f"the year {fields.year} does not fit in {4 + digits} digits; raise [scheduler]cycle"
                f" point num"
                " expanded year digits"
            )
        return f"{'-' if fields.year < 0 else '+'}{abs(fields.year):0{4 + digits}d}"

    return write


def _ordinal(fields: Fields) -> str:
    return f"{fields.calendar.ordinal_date(fields.day_number)[1]:03d}"


def _week_part(index: int, width: int) -> Piece:
    return lambda fields: f"{fields.calendar.week_date(fields.day_number)[index]:0{width}d}"


_SIMPLE: dict[str, Piece] = {
    "MM": lambda fields: f"{fields.month:02d}",
    "DD": lambda fields: f"{fields.day:02d}",
    "DDD": _ordinal,
    "ww": _week_part(1, 2),
    "D": _week_part(2, 1),
    "hh": lambda fields: f"{fields.second_of_day // 3600:02d}",
    "mm": lambda fields: f"{fields.second_of_day // 60 % 60:02d}",
    "ss": lambda fields: f"{fields.second_of_day % 60:02d}",
}
_STRPTIME = {
    "Y": "CCYY",
    "m": "MM",
    "d": "DD",
    "j": "DDD",
    "H": "hh",
    "M": "mm",
    "S": "ss",
    "F": "CCYY-MM-DD",
}
_TOKEN = re.compile(r"\+XCCYY|±XCCYY|CCYY|DDD|Www(?:-?D)?|MM|DD|hh|mm|ss|[+-]hh(?:mm)?|[+-]\d\d(?:\d\d)?(?!\d)|Z")


class PointFormat:
    """One way to write points: a compiled format, and the zone it is in."""

    __slots__ = ("_calendar", "_pieces", "_plain", "precision_seconds", "text", "zone_seconds")

    def __init__(self, calendar: Calendar, text: str, *, time_zone: str, expanded_year_digits: int = 0) -> None:
        self.text = text
        self._calendar = calendar
        self.zone_seconds = parse_zone(time_zone)
        if ":" in text:
            raise PointError(f"the cycle point format {text!r} has a colon, which cannot stand in directory names")
        self._pieces: list[Piece | str] = []
        self._compile(_from_strptime(text, time_zone), expanded_year_digits)
        if not any(callable(piece) for piece in self._pieces):
            raise PointError(f"the cycle point format {text!r} names no year, month, day or time")
        self._plain = text == "CCYYMMDDThhmmZ"
        self.precision_seconds = self._precision()
        """What the format rounds down to, in its own zone; None for whole weeks, months or years."""

    def _compile(self, text: str, digits: int) -> None:
        position = 0
        week_years = "Www" in text
        for match in _TOKEN.finditer(text):
            token = match.group()
            if token[0] in "+-" and token[1:3].isdigit() and "T" not in text[: match.start()]:
                continue
            self._literal(text[position : match.start()])
            position = match.end()
            if token in _SIMPLE:
                self._pieces.append(_SIMPLE[token])
            elif token == "CCYY":
                self._pieces.append(_week_part(0, 4) if week_years else _year(4))
            elif token.endswith("XCCYY"):
                self._pieces.append(_expanded_year(digits or 2))
            elif token.startswith("Www"):
                self._literal("W")
                self._pieces.append(_SIMPLE["ww"])
                if token.endswith("D"):
                    self._literal("-" if "-" in token else "")
                    self._pieces.append(_SIMPLE["D"])
            elif token == "Z":
                self.zone_seconds = 0
                self._literal("Z")
            elif "hh" in token:
                self._literal(_zone_text(self.zone_seconds, minutes="mm" in token))
            else:
                self.zone_seconds = parse_zone(token)
                self._literal(token)
        self._literal(text[position:])

    def _precision(self) -> int | None:
        for name, seconds in (
            ("ss", 1),
            ("mm", 60),
            ("hh", 3600),
            ("DD", 86400),
            ("DDD", 86400),
            ("D", 86400),
        ):
            if _SIMPLE[name] in self._pieces:
                return seconds
        return None

    def _literal(self, text: str) -> None:
        if text:
            self._pieces.append(text)

    def write(self, point: int) -> str:
        """The text of a point (seconds since 1970 in this calendar, UTC)."""
        day_number, second = divmod(point + self.zone_seconds, SECONDS_PER_DAY)
        year, month, day = self._calendar.date(day_number)
        if self._plain and 0 <= year <= 9999:
            return f"{year:04d}{month:02d}{day:02d}T{second // 3600:02d}{second // 60 % 60:02d}Z"
        fields = Fields(self._calendar, year, month, day, second, day_number)
        return "".join(piece if isinstance(piece, str) else piece(fields) for piece in self._pieces)


def _zone_text(seconds: int, *, minutes: bool) -> str:
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds) // 60, 60)
    return f"{sign}{hours:02d}{rest:02d}" if minutes else f"{sign}{hours:02d}"


def _from_strptime(text: str, time_zone: str) -> str:
    """A strptime format in ISO letters; a format without ``%`` is returned as it is."""
    if "%" not in text:
        return text

    def letter(match: re.Match[str]) -> str:
        code = match.group(1)
        if code == "z":
            return _zone_text(parse_zone(time_zone), minutes=True)
        if code not in _STRPTIME:
            known = " ".join(f"%{name}" for name in [*_STRPTIME, "z"])
            raise PointError(f"the cycle point format {text!r} has %{code}, which is not supported (known: {known})")
        return _STRPTIME[code]

    return re.sub(r"%(.?)", letter, text)
