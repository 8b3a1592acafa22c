"""How repeats move (first, next, last), their value as text and as a number, and the variables they bring."""

from __future__ import annotations

from .exceptions import SuiteError
from .julian import date_to_julian, julian_to_date
from .repeats import (
    Repeat,
    RepeatDate,
    RepeatDateList,
    RepeatDateTime,
    RepeatDateTimeList,
    RepeatDay,
    RepeatEnumerated,
    RepeatInteger,
    RepeatList,
    instant_text,
    parse_instant,
)


def is_valid(repeat: Repeat) -> bool:
    """Whether it stands at a value of its own, not past its end."""
    match repeat:
        case RepeatDate() | RepeatInteger():
            return repeat.start <= repeat.value <= repeat.end if repeat.step > 0 else repeat.value >= repeat.end
        case RepeatDateTime():
            forward = repeat.step_seconds > 0
            return repeat.value <= repeat.end if forward else repeat.value >= repeat.end
        case RepeatList():
            return 0 <= repeat.index < len(repeat.items)
    return True


def reset(repeat: Repeat) -> None:
    """Go back to the start."""
    match repeat:
        case RepeatDate() | RepeatInteger() | RepeatDateTime():
            repeat.value = repeat.start
        case RepeatList():
            repeat.index = 0


def advance(repeat: Repeat) -> bool:
    """Go on to the next value; False once there is none (it then stands past its end)."""
    match repeat:
        case RepeatDate():
            repeat.value = _shifted(repeat.value, repeat.step)
        case RepeatInteger():
            repeat.value += repeat.step
        case RepeatDateTime():
            repeat.value += repeat.step_seconds
        case RepeatList():
            repeat.index += 1
    return is_valid(repeat)


def set_last(repeat: Repeat) -> None:
    """Go to the last value."""
    match repeat:
        case RepeatDate():
            days = date_to_julian(repeat.end) - date_to_julian(repeat.start)
            repeat.value = _shifted(
                repeat.start, days - days % repeat.step if repeat.step > 0 else days + -days % -repeat.step
            )
        case RepeatInteger():
            repeat.value = repeat.end
        case RepeatDateTime():
            repeat.value = repeat.end
        case RepeatList():
            repeat.index = len(repeat.items) - 1


def next_value(repeat: Repeat) -> str:
    """The value after this one, as text; this one if it is the last."""
    return _neighbour(repeat, 1)


def previous_value(repeat: Repeat) -> str:
    """The value before this one, as text; this one if it is the first."""
    return _neighbour(repeat, -1)


def _neighbour(repeat: Repeat, direction: int) -> str:
    match repeat:
        case RepeatDate():
            other = _shifted(repeat.value, direction * repeat.step)
            low, high = sorted((repeat.start, repeat.end))
            return str(other if low <= other <= high else repeat.value)
        case RepeatInteger():
            other = repeat.value + direction * repeat.step
            low, high = sorted((repeat.start, repeat.end))
            return str(other if low <= other <= high else repeat.value)
        case RepeatDateTime():
            other = repeat.value + direction * repeat.step_seconds
            low, high = sorted((repeat.start, repeat.end))
            return instant_text(other if low <= other <= high else repeat.value)
        case RepeatList():
            index = min(max(repeat.index + direction, 0), len(repeat.items) - 1)
            return repeat.items[index]
    return value_text(repeat)


def value_text(repeat: Repeat) -> str:
    """The value as its variable has it. Past its end a repeat shows its last value (ecFlow behaviour)."""
    match repeat:
        case RepeatDate():
            last = repeat.end
            return str(min(repeat.value, last) if repeat.step > 0 else max(repeat.value, last))
        case RepeatInteger():
            last = repeat.end
            return str(min(repeat.value, last) if repeat.step > 0 else max(repeat.value, last))
        case RepeatDateTime():
            return instant_text(repeat.value)
        case RepeatList():
            return repeat.items[min(max(repeat.index, 0), len(repeat.items) - 1)] if repeat.items else ""
    return str(repeat.step) if isinstance(repeat, RepeatDay) else ""


def number(repeat: Repeat) -> int:
    """The value in an expression: a number if it is one, else its index (ecFlow behaviour)."""
    match repeat:
        case RepeatDate() | RepeatInteger() | RepeatDateTime():
            return repeat.value
        case RepeatEnumerated() | RepeatDateList():
            text = value_text(repeat)
            try:
                return int(text)
            except ValueError:
                return repeat.index
        case RepeatDateTimeList():
            return parse_instant(value_text(repeat))
        case RepeatList():
            return repeat.index
    return repeat.step if isinstance(repeat, RepeatDay) else 0


def is_dates(repeat: Repeat | None) -> bool:
    """Whether plus and minus on it count calendar days."""
    return isinstance(repeat, RepeatDate | RepeatDateList)


def change(repeat: Repeat, text: str) -> None:
    """Set the value; it must be one of the repeat's own (ecFlow behaviour).

    Raises:
        SuiteError: it is not.
    """
    match repeat:
        case RepeatDate():
            if not _is_integer(text) or not date_to_julian(int(text)):
                raise SuiteError(f"'{text}' is not a date: write YYYYMMDD")
            low, high = sorted((repeat.start, repeat.end))
            days = date_to_julian(int(text)) - date_to_julian(repeat.start)
            if not low <= int(text) <= high or days % abs(repeat.step):
                raise SuiteError(f"{text} is not a value of '{repeat.definition}'")
            repeat.value = int(text)
        case RepeatInteger():
            if not _is_integer(text):
                raise SuiteError(f"'{text}' is not an integer")
            low, high = sorted((repeat.start, repeat.end))
            if not low <= int(text) <= high or (repeat.step and (int(text) - repeat.start) % abs(repeat.step)):
                raise SuiteError(f"{text} is not a value of '{repeat.definition}'")
            repeat.value = int(text)
        case RepeatDateTime():
            try:
                value = parse_instant(text)
            except ValueError as error:
                raise SuiteError(str(error)) from None
            low, high = sorted((repeat.start, repeat.end))
            if not low <= value <= high or (value - repeat.start) % abs(repeat.step_seconds):
                raise SuiteError(f"{text} is not a value of '{repeat.definition}'")
            repeat.value = value
        case RepeatList():
            if text in repeat.items:
                repeat.index = repeat.items.index(text)
            elif _is_integer(text) and 0 <= int(text) < len(repeat.items):
                repeat.index = int(text)
            else:
                raise SuiteError(f"'{text}' is neither a value nor an index of '{repeat.definition}'")
        case _:
            raise SuiteError("repeat day has no value to change")


def variables(repeat: Repeat | None) -> dict[str, str]:
    """What a repeat brings: its value under its name, and the parts of a date."""
    if repeat is None or isinstance(repeat, RepeatDay):
        return {}
    name, text = repeat.name, value_text(repeat)
    found = {name: text}
    if is_dates(repeat):
        found |= _date_parts(name, text)
    elif isinstance(repeat, RepeatDateTime | RepeatDateTimeList):
        day, _, clock = text.partition("T")
        julian = date_to_julian(int(day)) if day.isdecimal() else 0
        found |= {f"{name}_DATE": day, **_date_parts(name, day), f"{name}_JULIAN": str(julian)}
        found |= {
            f"{name}_TIME": clock,
            f"{name}_HOURS": clock[:2],
            f"{name}_MINUTES": clock[2:4],
            f"{name}_SECONDS": clock[4:6],
        }
    return found


def _date_parts(name: str, text: str) -> dict[str, str]:
    julian = date_to_julian(int(text)) if text.isdecimal() else 0
    if not julian:
        return {}
    return {
        f"{name}_YYYY": text[:4],
        f"{name}_MM": str(int(text[4:6])),
        f"{name}_DD": str(int(text[6:8])),
        f"{name}_DOW": str((julian + 1) % 7),
        f"{name}_JULIAN": str(julian),
    }


def _shifted(day: int, days: int) -> int:
    return julian_to_date(date_to_julian(day) + days)


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True
