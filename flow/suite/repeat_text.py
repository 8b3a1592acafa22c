"""Reading a repeat from its words."""

from __future__ import annotations

import re
from collections.abc import Callable

from .exceptions import AttributeTextError
from .repeats import (
    Repeat,
    RepeatDate,
    RepeatDateList,
    RepeatDateTime,
    RepeatDateTimeList,
    RepeatDay,
    RepeatEnumerated,
    RepeatInteger,
    RepeatString,
    parse_instant,
)
from .words import check_name, parse_integer, split_quoted, split_words

_DATE = re.compile(r"\d{8}\Z")
_STEP = re.compile(r"([-+]?)(\d+)(?::(\d{1,2})(?::(\d{1,2}))?)?\Z")


def parse_repeat(text: str) -> Repeat | None:
    """``repeat KIND NAME …``, without the keyword; None for ``repeat file``, which is ignored (ecFlow behaviour)."""
    words = split_words(text)
    kind = words[0] if words else ""
    if kind in ("month", "year"):
        raise AttributeTextError(f"repeat {kind} is not supported")
    if kind == "file" and len(words) > 1:
        return None
    reader = _KINDS.get(kind)
    if reader is None:
        found = f", not '{kind}'" if kind else ""
        raise AttributeTextError(f"repeat is to be one of {', '.join(_KINDS)}{found}")
    if len(words) < 2:
        raise AttributeTextError(f"repeat {kind} needs a {'step' if kind == 'day' else 'name'}")
    if kind == "day":
        return _day(words)
    check_name(words[1], "repeat")
    if kind in ("enumerated", "string", "datelist", "datetimelist"):
        words = split_quoted(text)
    if len(words) < 3:
        raise AttributeTextError(f"repeat {kind} {words[1]} has no values")
    return reader(words[1], words[2:])


def _day(words: list[str]) -> RepeatDay:
    if len(words) > 2:
        raise AttributeTextError("repeat day takes a step only: an end date is not supported")
    return RepeatDay(parse_integer(words[1], "the step"))


def _whole_date(text: str) -> int:
    if _DATE.match(text) is None:
        raise AttributeTextError(f"'{text}' is no date: write YYYYMMDD")
    try:
        parse_instant(text)
    except ValueError:
        raise AttributeTextError(f"'{text}' is no date of the calendar (YYYYMMDD)") from None
    return int(text)


def _instant(text: str) -> int:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise AttributeTextError(str(error)) from None


def _check_direction(kind: str, start: int, end: int, step: int) -> None:
    if step == 0:
        raise AttributeTextError(f"the step of repeat {kind} cannot be zero")
    if step > 0 and start > end:
        raise AttributeTextError("the start is after the end: with a step that is not negative it is to be before")
    if step < 0 and start < end:
        raise AttributeTextError("the start is before the end: with a negative step it is to be after")


def _date(name: str, values: list[str]) -> RepeatDate:
    if len(values) < 2:
        raise AttributeTextError("repeat date needs a start and an end")
    start, end = _whole_date(values[0]), _whole_date(values[1])
    step = parse_integer(values[2], "the step") if len(values) > 2 else 1
    _check_direction("date", start, end, step)
    return RepeatDate(name, start, end, step)


def _datetime(name: str, values: list[str]) -> RepeatDateTime:
    if len(values) < 2:
        raise AttributeTextError("repeat datetime needs a start and an end")
    start, end = _instant(values[0]), _instant(values[1])
    step = parse_step(values[2]) if len(values) > 2 else 86400
    _check_direction("datetime", start, end, step)
    return RepeatDateTime(name, start, end, step)


def parse_step(text: str) -> int:
    """``HH``, ``HH:MM`` or ``HH:MM:SS`` as seconds, with a sign if it is to go backwards."""
    match = _STEP.match(text)
    if match is None or int(match[3] or 0) > 59 or int(match[4] or 0) > 59:
        raise AttributeTextError(f"'{text}' is no step: write H, H:M or H:M:S")
    seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60 + int(match[4] or 0)
    return -seconds if match[1] == "-" else seconds


def _integer(name: str, values: list[str]) -> RepeatInteger:
    if len(values) < 2:
        raise AttributeTextError("repeat integer needs a start and an end")
    start, end = parse_integer(values[0], "the start"), parse_integer(values[1], "the end")
    return RepeatInteger(name, start, end, parse_integer(values[2], "the step") if len(values) > 2 else 1)


def _enumerated(name: str, values: list[str]) -> RepeatEnumerated:
    return RepeatEnumerated(name, tuple(values))


def _string(name: str, values: list[str]) -> RepeatString:
    return RepeatString(name, tuple(values))


def _datelist(name: str, values: list[str]) -> RepeatDateList:
    for value in values:
        _whole_date(value)
    return RepeatDateList(name, tuple(values))


def _datetimelist(name: str, values: list[str]) -> RepeatDateTimeList:
    for value in values:
        _instant(value)
    return RepeatDateTimeList(name, tuple(values))


_KINDS: dict[str, Callable[[str, list[str]], Repeat]] = {
    "date": _date,
    "datelist": _datelist,
    "datetime": _datetime,
    "datetimelist": _datetimelist,
    "integer": _integer,
    "enumerated": _enumerated,
    "string": _string,
    "day": lambda name, values: _day([name, *values]),
}
