"""What every Jinja2 workflow template can call: the filters and globals that come with the language."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .exceptions import LanguageError
from .values import parse_interval

_UNIT_SECONDS = {
    "s": 1,
    "second": 1,
    "seconds": 1,
    "m": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
    "w": 604800,
    "week": 604800,
    "weeks": 604800,
}


class UserError(LanguageError):
    """Raised by a template itself, with ``raise`` or ``assert``."""


def pad(value: Any, length: int, fillchar: str = " ") -> str:
    """A value as text, filled up on the left: ``{{ 5 | pad(3, "0") }}`` is 005."""
    return str(value).rjust(int(length), str(fillchar))


def strftime(point: Any, template: str, parse_format: str | None = None) -> str:
    """A date-time written another way: ``{{ "20200101T06Z" | strftime("%H") }}`` is 06.

    Args:
        point: An ISO 8601 date-time, or text in `parse_format`; without a time zone it is UTC.
        template: As for `datetime.strftime`.
        parse_format: As for `datetime.strptime`.
    """
    text = str(point)
    moment = datetime.strptime(text, parse_format) if parse_format else parse_point(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if "%s" in template:
        template = template.replace("%s", str(int(moment.timestamp())))
    return moment.strftime(template)


def parse_point(text: str) -> datetime:
    """An ISO 8601 date-time, basic or extended, cut short at the year or month if wanted.

    Raises:
        ValueError: It is not one.
    """
    squeezed = text.strip()
    if squeezed.isdigit() and len(squeezed) in (4, 6):
        squeezed = f"{squeezed[:4]}-{squeezed[4:] or '01'}-01"
    elif len(squeezed) == 7 and squeezed[4] == "-" and squeezed[5:].isdigit():
        squeezed += "-01"
    elif squeezed[:7].isdigit() and len(squeezed.partition("T")[0]) == 7:
        day = datetime.strptime(squeezed[:7], "%Y%j").strftime("%Y%m%d")
        squeezed = day + squeezed[7:]
    try:
        return datetime.fromisoformat(squeezed)
    except ValueError:
        raise ValueError(f"not an ISO 8601 date-time: {text}") from None


def duration_as(duration: Any, units: str) -> float:
    """An ISO 8601 duration as a number: ``{{ "PT90M" | duration_as("h") }}`` is 1.5.

    Args:
        duration: Such as ``PT90M``.
        units: ``s``, ``m``, ``h``, ``d`` or ``w``, or the word in full.
    """
    seconds = parse_interval(str(duration))
    if seconds is None:
        raise ValueError("the duration is empty")
    unit = _UNIT_SECONDS.get(str(units).lower())
    if unit is None:
        raise ValueError(f"no such unit of time: {units}; use s, m, h, d or w")
    return seconds / unit


def raise_error(message: Any) -> str:
    """Fail with a message of the author's: ``{{ raise("no such model") }}``."""
    raise UserError(str(message))


def assert_true(condition: Any, message: Any) -> str:
    """Fail with a message unless a condition holds: ``{{ assert(N > 0, "N must be positive") }}``."""
    if not condition:
        raise UserError(str(message))
    return ""


FILTERS: dict[str, Any] = {"pad": pad, "strftime": strftime, "duration_as": duration_as}
GLOBALS: dict[str, Any] = {"raise": raise_error, "assert": assert_true}
