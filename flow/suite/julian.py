"""Julian day numbers of dates written YYYYMMDD, as suites count them."""

from __future__ import annotations

from datetime import date

_ORDINAL_TO_JULIAN = 1721425
"""What a Julian day number is more than Python's ordinal of the same date."""


def date_to_julian(number: int) -> int:
    """The Julian day number of a date YYYYMMDD; 0 if there is no such date."""
    try:
        return date(number // 10000, number // 100 % 100, number % 100).toordinal() + _ORDINAL_TO_JULIAN
    except (ValueError, OverflowError):
        return 0


def julian_to_date(julian: int) -> int:
    """The date YYYYMMDD of a Julian day number; 0 if it has no four-digit year."""
    try:
        day = date.fromordinal(julian - _ORDINAL_TO_JULIAN)
    except (ValueError, OverflowError):
        return 0
    return day.year * 10000 + day.month * 100 + day.day
