"""The types of configuration values: text in, typed value or a plain reason out."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from .definition import XtriggerDefinition


class ValueType(Struct, frozen=True):
    """A kind of value: how to read it and how to tell a person what is accepted."""

    name: str
    accepts: str
    """What may be written, for error messages and documentation."""
    convert: Callable[[str], Any]
    """The plain text (quotes and comment removed) to the value; raises `ValueError` with the reason."""
    is_list: bool = False
    """Lists are given the text as written, since their elements may be quoted."""


def _string(text: str) -> str:
    return text


def _boolean(text: str) -> bool | None:
    if text in ("True", "true"):
        return True
    if text in ("False", "false"):
        return False
    if not text:
        return None
    raise ValueError("it is neither True nor False")


def _integer(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError("it is not a whole number") from None


def _float(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError("it is not a number") from None


_NUMBER = r"(\d+(?:[.,]\d+)?)"
_DURATION = re.compile(
    rf"(?P<sign>[-+])?P(?=.)(?:{_NUMBER}W)?(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?\Z"
)
_UNIT_SECONDS = (7 * 86400, 365 * 86400, 30 * 86400, 86400, 3600, 60, 1)


def parse_interval(text: str) -> float | None:
    """An ISO 8601 duration in seconds; None for an empty text.

    A year counts 365 days and a month 30, as in Cylc 8.

    Raises:
        ValueError: It is not a duration.
    """
    if not text:
        return None
    match = _DURATION.match(text)
    if match is None:
        raise ValueError("it is not an ISO 8601 duration")
    total = sum(
        float(amount.replace(",", ".")) * unit
        for amount, unit in zip(match.groups()[1:], _UNIT_SECONDS, strict=True)
        if amount
    )
    return -total if match["sign"] == "-" else total


_LIST_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*(,|\#.*|\Z)""", re.DOTALL)


def split_list(text: str) -> list[str]:
    """The elements of a comma-separated list, in the notation of Cylc 8.

    If the first element is quoted all quoted ones may hold commas; otherwise every comma separates. A ``#``
    outside quotes starts a comment. Empty elements are dropped; in a multi-line value line ends separate too.

    Raises:
        ValueError: Quotes do not match.
    """
    text = text.strip()
    if text[:1] not in ("'", '"'):
        if "#" in text:
            text = "\n".join(line.partition("#")[0] for line in text.split("\n"))
        pieces = text.replace("\n", ",").split(",") if "\n" in text else text.split(",")
        return [stripped for piece in pieces if (stripped := piece.strip())]
    elements: list[str] = []
    position = 0
    while position < len(text) and text[position] != "#":
        if text[position:].lstrip()[:1] in ("'", '"'):
            match = _LIST_QUOTED.match(text, position)
            if match is None:
                raise ValueError("the quotes in it do not match")
            element = match[1] if match[1] is not None else match[2]
            if element:
                elements.append(element)
            position = len(text) if match[3].startswith("#") else match.end()
        else:
            end = text.find(",", position)
            end = len(text) if end < 0 else end
            element, comment, _ = text[position:end].partition("#")
            if element.strip():
                elements.append(element.strip())
            position = len(text) if comment else end + 1
    return elements


def _string_list(text: str) -> list[str]:
    return split_list(text)


def _spaceless_list(text: str) -> list[str]:
    elements = split_list(text)
    for element in elements:
        if len(element.split()) > 1:
            raise ValueError(f"{element!r} holds a blank; separate the elements with commas")
    return elements


_MULTIPLIED = re.compile(r"(\d+)\s*\*\s*(.+)\Z", re.DOTALL)


def _repeated(text: str, convert: Callable[[str], Any]) -> list[Any]:
    """A list whose elements may be written ``N*element``."""
    values: list[Any] = []
    for element in split_list(text):
        match = _MULTIPLIED.match(element)
        count, single = (int(match[1]), match[2]) if match else (1, element)
        values.extend([convert(single)] * count)
    return values


_RANGE = re.compile(r"([-+]?\d+)\s*\.\.\s*([-+]?\d+)(?:\s*\.\.\s*(\d+))?\Z")


def _int_range(text: str) -> list[int] | None:
    match = _RANGE.match(text)
    if match is None:
        return None
    step = int(match[3]) if match[3] else 1
    if step == 0:
        raise ValueError("the step of a range cannot be 0")
    return list(range(int(match[1]), int(match[2]) + 1, step))


def _integer_list(text: str) -> list[int]:
    values: list[int] = []
    for element in split_list(text):
        numbers = _int_range(element)
        values.extend(_repeated(element, _integer) if numbers is None else numbers)
    return values


def _float_list(text: str) -> list[float]:
    return _repeated(text, _float)


def _interval_list(text: str) -> list[float]:
    return _repeated(text, parse_interval)


_PARAMETER_VALUE = re.compile(r"\w[\w\-+%@]*\Z")
_PARAMETER_NUMBER = re.compile(r"[-+]?\d+\Z")


def _parameter_list(text: str) -> tuple[int | str, ...]:
    numbers: set[int] = set()
    strings: list[str] = []
    ranged = False
    for element in split_list(text):
        expanded = _int_range(element)
        if expanded is not None:
            ranged = True
            numbers.update(expanded)
        elif _PARAMETER_NUMBER.match(element):
            numbers.add(int(element))
            strings.append(element)
        elif _PARAMETER_VALUE.match(element):
            strings.append(element)
        else:
            raise ValueError(f"{element!r} is not a parameter value")
    if all(_PARAMETER_NUMBER.match(element) for element in strings):
        return tuple(sorted(numbers))
    if ranged:
        raise ValueError("it mixes a range of numbers with strings")
    return tuple(dict.fromkeys(strings))


_CYCLE_POINT = re.compile(
    r"""now\Z | (?:next|previous)\(.*\)(?:[-+]P[\w.,]+)*\Z | [-+]?\d+\Z | [-+]?P[\w.,]+\Z (?#offset from now)
      | [-+\dTWCYZ:,.]+(?:[-+]P[\w.,]+)*\Z""",
    re.VERBOSE,
)


def _cycle_point(text: str) -> str | None:
    if not text:
        return None
    squeezed = re.sub(r"\s+", "", text)
    if not _CYCLE_POINT.match(squeezed):
        raise ValueError("it is not a cycle point")
    return squeezed


_OFFSET_PART = r"[-+]\s*P[\dYMWDTHS.,]+"
_POINT_WITH_OFFSETS = re.compile(
    rf"(?:[-+]?\d[-+\dTWZ:,]*|[-\dTWZ:,]+|now|(?:next|previous|min)\(.*\))?\s*(?:{_OFFSET_PART}\s*)*\Z"
)


def _cycle_point_with_offsets(text: str) -> str | None:
    if not text:
        return None
    if not _POINT_WITH_OFFSETS.match(text):
        raise ValueError("it is not a cycle point, with or without offsets")
    return re.sub(r"\s+", "", text)


_POINT_FORMAT = re.compile(r"(?:[CXYMDWhmsZTW+\-\d]|[CY]{2}|hh|mm|ss|WWD)+\Z")
_STRPTIME_FORMAT = re.compile(r"(?:%[YmdHMSjZz]|[TZ\-+\d])+\Z")


def _cycle_point_format(text: str) -> str | None:
    if not text:
        return None
    if ":" in text:
        raise ValueError("a colon cannot be part of it, since cycle points name files")
    pattern = _STRPTIME_FORMAT if "%" in text else _POINT_FORMAT
    if not pattern.match(text):
        raise ValueError("it is not a cycle point format")
    return text


_TIME_ZONE = re.compile(r"Z\Z|[-+]\d{2}(?::?\d{2})?\Z")


def _time_zone(text: str) -> str | None:
    if not text:
        return None
    if not _TIME_ZONE.match(text):
        raise ValueError("it is not a time zone")
    return text


_XTRIGGER = re.compile(r"(?P<function>[\w.]+)\s*\((?P<arguments>.*)\)\s*(?::\s*(?P<interval>\S+))?\Z", re.DOTALL)
_KEYWORD = re.compile(r"([A-Za-z_]\w*)\s*=\s*(.*)\Z", re.DOTALL)


def _xtrigger(text: str) -> XtriggerDefinition | None:
    """A function call; label and the default of `sequential` are filled in by the reader of the section."""
    if not text:
        return None
    match = _XTRIGGER.match(text)
    if match is None:
        raise ValueError("it is not a function call")
    try:
        interval = parse_interval(match["interval"]) if match["interval"] else 10.0
    except ValueError:
        raise ValueError(f"the interval {match['interval']} is not an ISO 8601 duration") from None
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for argument in _split_arguments(match["arguments"]):
        keyword = _KEYWORD.match(argument)
        if keyword is not None:
            kwargs[keyword[1]] = _argument(keyword[2])
        else:
            args.append(_argument(argument))
    return XtriggerDefinition("", match["function"], tuple(args), kwargs, 10.0 if interval is None else interval)


def _split_arguments(text: str) -> list[str]:
    """Split at commas outside quotes."""
    if not text.strip():
        return []
    arguments: list[str] = []
    current: list[str] = []
    quote = ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == ",":
            arguments.append("".join(current).strip())
            current = []
            continue
        current.append(character)
    if quote:
        raise ValueError("the quotes in its arguments do not match")
    arguments.append("".join(current).strip())
    return arguments


def _argument(text: str) -> Any:
    """An argument as the Python literal it looks like (int, float, bool, None), otherwise text."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if value is None or isinstance(value, int | float | bool) else text


def one_of(*choices: str) -> ValueType:
    """A type with a fixed set of values."""

    def convert(text: str) -> str | None:
        if not text:
            return None
        if text not in choices:
            raise ValueError("it is not one of the choices")
        return text

    return ValueType("choice", f"one of: {', '.join(choices)}", convert)


BOOLEAN = ValueType("boolean", "True or False", _boolean)
INTEGER = ValueType("integer", "a whole number such as 5", _integer)
FLOAT = ValueType("number", "a number such as 0.5", _float)
STRING = ValueType("string", "text, with quotes around all of it or none", _string)
STRING_LIST = ValueType("list", 'a comma-separated list such as: foo, "bar, baz"', _string_list, True)
SPACELESS_STRING_LIST = ValueType(
    "list of names",
    "a comma-separated list without blanks in its elements, such as: foo, bar",
    _spaceless_list,
    True,
)
INTEGER_LIST = ValueType(
    "list of integers", "whole numbers, ranges and repeats such as: 1, 5..9, 2*3", _integer_list, True
)
FLOAT_LIST = ValueType("list of numbers", "numbers and repeats such as: 0.5, 2*1.5", _float_list, True)
INTERVAL = ValueType("interval", "an ISO 8601 duration such as PT1M or P1DT12H", parse_interval)
INTERVAL_LIST = ValueType(
    "list of intervals", "ISO 8601 durations and repeats such as: PT10S, 3*PT1M", _interval_list, True
)
CYCLE_POINT = ValueType(
    "cycle point",
    "now, an integer, a date-time such as 20200101T00Z, next(...), or an offset from now",
    _cycle_point,
)
CYCLE_POINT_WITH_OFFSETS = ValueType(
    "cycle point with offsets",
    "a point such as 20200101T00Z, with offsets as in +P1D",
    _cycle_point_with_offsets,
)
CYCLE_POINT_FORMAT = ValueType(
    "cycle point format", "an ISO 8601 format such as CCYYMMDDThhmmZ, or %Y%m%dT%H%MZ", _cycle_point_format
)
TIME_ZONE = ValueType("time zone", "Z, or an offset such as +13, +1300 or -0500", _time_zone)
PARAMETER_LIST = ValueType(
    "parameter values",
    "names such as: cat, dog; or numbers and ranges such as: 1..5, 10..20..5",
    _parameter_list,
    True,
)
XTRIGGER = ValueType("xtrigger", "a function call such as: wall_clock(PT1H) or echo(a, succeed=True):PT10S", _xtrigger)
