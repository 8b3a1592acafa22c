"""ISO 8601 intervals: reading ``P1M``, ``-PT6H``, ``PT1.5H``, ``P2W`` and chains such as ``+P1M-PT12H``."""

from __future__ import annotations

import re

from msgspec import Struct

from .exceptions import IntervalError

_DESIGNATED = re.compile(
    r"P(?=\d|T\d)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+(?:[.,]\d+)?)H)?(?:(?P<minutes>\d+(?:[.,]\d+)?)M)?(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?"
)
_WEEKS = re.compile(r"P(?P<weeks>\d+)W")
_DATE_LIKE = re.compile(
    r"P(?P<years>\d{4})(?P<dash>-?)(?P<months>\d\d)(?P=dash)(?P<days>\d\d)"
    r"(?:T(?P<hours>\d\d)(?P<colon>:?)(?P<minutes>\d\d)(?P=colon)(?P<seconds>\d\d))?"
)
_CHAIN = re.compile(r"(?:[+-]?P[0-9YMWDTHS.,]+)(?:[+-]P[0-9YMWDTHS.,]+)*")
_LINK = re.compile(r"[+-]?P[0-9YMWDTHS.,]+")


class Interval(Struct, frozen=True):
    """A span of time: an exact part, then whole months, then whole years, applied in that order (as Cylc
    8.5 does)."""

    years: int
    months: int
    seconds: int
    """The exact part: weeks, days, hours, minutes and seconds."""
    text: str

    @property
    def is_exact(self) -> bool:
        """Whether it is the same number of seconds wherever it starts."""
        return not self.years and not self.months

    @property
    def is_zero(self) -> bool:
        """Whether it moves nothing."""
        return not (self.years or self.months or self.seconds)

    def __neg__(self) -> Interval:
        text = self.text[1:] if self.text.startswith("-") else "-" + self.text
        return Interval(-self.years, -self.months, -self.seconds, text)

    def __str__(self) -> str:
        return self.text


def parse_interval(text: str) -> Interval:
    """One interval, perhaps negative: ``P1D``, ``-PT6H``, ``+P2W``.

    Raises `IntervalError`; fractions are allowed on hours, minutes and seconds where whole seconds result.
    """
    body = text.strip()
    sign = -1 if body.startswith("-") else 1
    body = body[1:] if body[:1] in ("-", "+") else body
    match = _DESIGNATED.fullmatch(body) or _WEEKS.fullmatch(body) or _DATE_LIKE.fullmatch(body)
    if match is None or body.endswith("T"):
        raise IntervalError(f"cannot read {text!r} as an interval; expected the like of P1D, PT6H, -P1M or P2W")
    parts = match.groupdict()
    exact = 0.0
    for name, unit in (("weeks", 604800), ("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1)):
        value = parts.get(name)
        if value:
            exact += float(value.replace(",", ".")) * unit if not value.isdigit() else int(value) * unit
    if abs(exact - round(exact)) > 1e-6:
        raise IntervalError(f"the interval {text!r} is not a whole number of seconds")
    years = sign * int(parts.get("years") or 0)
    months = sign * int(parts.get("months") or 0)
    return Interval(years, months, sign * round(exact), ("-" if sign < 0 else "") + body)


def parse_chain(text: str) -> tuple[Interval, ...]:
    """A chain of intervals applied left to right: ``+P1M-P1D`` gives two; raises `IntervalError`."""
    body = "".join(text.split())
    if _CHAIN.fullmatch(body) is None:
        return (parse_interval(body),)
    return tuple(parse_interval(link) for link in _LINK.findall(body))


def split_offsets(text: str) -> tuple[str, str]:
    """What stands before a trailing chain of signed intervals, and that chain: ``T06+P1D`` to ``T06``,
    ``+P1D``."""
    match = re.search(r"(?:[+-]P[0-9YMWDTHS.,]*)+$", text)
    if match is None:
        return text, ""
    return text[: match.start()], match.group()


def split_leading_chain(text: str) -> tuple[str, str]:
    """The chain of intervals text begins with, perhaps none, and the rest: ``-P1D+T06`` to ``-P1D``,
    ``+T06``."""
    match = _CHAIN.match(text)
    return (match.group(), text[match.end() :]) if match else ("", text)
