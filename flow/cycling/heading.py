"""The grammar of recurrence headings that integer and datetime cycling share: commas, exclusions and
slashes."""

from __future__ import annotations

import re

from msgspec import Struct

from .exceptions import RecurrenceError


def split_commas(text: str) -> list[str]:
    """Text cut at the commas outside parentheses, blanks removed: ``T00, min(T06,T12)`` gives two."""
    parts: list[str] = [""]
    depth = 0
    for character in "".join(text.split()):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def split_recurrences(text: str) -> list[str]:
    """The recurrences of one graph heading: ``T00, T12!20200101`` gives two; raises `RecurrenceError`."""
    recurrences = split_commas(text)
    if not all(recurrences):
        raise RecurrenceError(f"the recurrence heading {text!r} has an empty item; remove the stray comma")
    return recurrences


def split_exclusions(text: str) -> tuple[str, list[str]]:
    """A recurrence and its exclusions: ``P1D!(T00,20200101)`` gives ``P1D`` and two; raises
    `RecurrenceError`."""
    recurrence, mark, exclusions = text.partition("!")
    if not mark:
        return recurrence, []
    if "!" in exclusions:
        raise RecurrenceError(f"{text!r} has more than one '!'; write one list: !(first, second)")
    if exclusions.startswith("(") or exclusions.endswith(")"):
        if not (exclusions.startswith("(") and exclusions.endswith(")")):
            raise RecurrenceError(f"the exclusions of {text!r} have a parenthesis without its pair")
        items = split_commas(exclusions[1:-1])
    elif "," in exclusions:
        raise RecurrenceError(f"the exclusions of {text!r} must stand in parentheses: !(first, second)")
    else:
        items = [exclusions]
    if not recurrence or not all(items):
        raise RecurrenceError(f"nothing stands beside a '!' or a comma in {text!r}")
    return recurrence, items


class Heading(Struct, frozen=True):
    """One recurrence taken apart; an empty `start` or `end` stands for the initial or final point."""

    text: str
    repeats: int | None = None
    """``n`` of ``Rn``; None where it goes on for ever."""
    start: str | None = None
    end: str | None = None
    interval: str | None = None
    repeats_written: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether it is one point and nothing else: ``T00``, ``20200101``."""
        return self.interval is None and self.end is None and not self.repeats_written


def parse_heading(text: str) -> Heading:
    """One recurrence, without exclusions, cut at its slashes; raises `RecurrenceError`."""
    first, *rest = text.split("/")
    match = re.fullmatch(r"R(\d*)", first)
    if match is None:
        return _without_repeats(text, [first, *rest])
    if match[1] and match[1].startswith("0"):
        raise RecurrenceError(f"{text!r} repeats {match[1]} times; expected R1 or more, or R alone for no end")
    repeats = int(match[1]) if match[1] else None
    if rest == [""] and repeats == 1:
        rest = []
    if len(rest) == 2 and rest[0] and not rest[0].startswith("P") and not rest[1]:
        rest = rest[:1]
    return _with_repeats(text, repeats, rest)


def _with_repeats(text: str, repeats: int | None, rest: list[str]) -> Heading:
    if not rest and repeats == 1:
        return Heading(text, 1, start="", repeats_written=True)
    if len(rest) == 1 and rest[0]:
        if rest[0].startswith("P"):
            return Heading(text, repeats, end="", interval=rest[0], repeats_written=True)
        return Heading(text, repeats, start=rest[0], repeats_written=True)
    if len(rest) == 2 and rest[1]:
        start, end = rest
        if start.startswith("P") and end.startswith("P"):
            raise _unreadable(text)
        if start.startswith("P"):
            return Heading(text, repeats, end=end, interval=start, repeats_written=True)
        if end.startswith("P"):
            return Heading(text, repeats, start=start, interval=end, repeats_written=True)
        return Heading(text, repeats, start=start or None, end=end, repeats_written=True)
    raise _unreadable(text)


def _without_repeats(text: str, parts: list[str]) -> Heading:
    if len(parts) == 1 and parts[0]:
        if parts[0].startswith("P"):
            return Heading(text, start="", interval=parts[0])
        return Heading(text, start=parts[0])
    if len(parts) == 2 and all(parts):
        start, end = parts
        if start.startswith("P") and not end.startswith("P"):
            return Heading(text, end=end, interval=start)
        if end.startswith("P") and not start.startswith("P"):
            return Heading(text, start=start, interval=end)
    raise _unreadable(text)


def _unreadable(text: str) -> RecurrenceError:
    return RecurrenceError(
        f"cannot read {text!r} as a recurrence; expected a form like R1, R1/START,"
        f" Rn/START/INTERVAL, INTERVAL,"
        " START/INTERVAL or Rn/INTERVAL/END"
    )
