"""What a node repeats over: the values written, and where it stands."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from attrs import define, field


@define
class RepeatDate:
    """Days from `start` to `end`, `step` days apart; dates are integers ``yyyymmdd``."""

    name: str
    start: int
    end: int
    step: int = 1
    value: int = field()

    @value.default
    def _first_value(self) -> int:
        return self.start

    @property
    def definition(self) -> str:
        return f"repeat date {self.name} {self.start} {self.end} {self.step}"

    @property
    def state_comment(self) -> str:
        return "" if self.value == self.start else str(self.value)


@define
class RepeatInteger:
    """Integers from `start` to `end`, `step` apart; neither sign nor zero is checked (ecFlow behaviour)."""

    name: str
    start: int
    end: int
    step: int = 1
    value: int = field()

    @value.default
    def _first_value(self) -> int:
        return self.start

    @property
    def definition(self) -> str:
        return f"repeat integer {self.name} {self.start} {self.end}{f' {self.step}' if self.step != 1 else ''}"

    @property
    def state_comment(self) -> str:
        return "" if self.value == self.start else str(self.value)


@define
class RepeatDateTime:
    """Instants from `start` to `end`, `step_seconds` apart: seconds since 1970 on a clock without zones."""

    name: str
    start: int
    end: int
    step_seconds: int = 86400
    value: int = field()

    @value.default
    def _first_value(self) -> int:
        return self.start

    @property
    def definition(self) -> str:
        return (
            f"repeat datetime {self.name} {instant_text(self.start)} {instant_text(self.end)} "
            f"{step_text(self.step_seconds)}"
        )

    @property
    def state_comment(self) -> str:
        return "" if self.value == self.start else instant_text(self.value)


@define
class RepeatList:
    """A list of words, and the index of the one it stands at; ``len(items)`` once it is through."""

    name: str
    items: tuple[str, ...]
    index: int = 0

    kind = ""

    @property
    def definition(self) -> str:
        return f"repeat {self.kind} {self.name} {' '.join([_quoted(item) for item in self.items])}"

    @property
    def state_comment(self) -> str:
        return "" if self.index == 0 else str(self.index)


_ENDS_INSIDE = re.compile(r'"\s')


def _quoted(item: str) -> str:
    """In quotes; in those of the other kind if the usual ones would seem to end inside."""
    return f"'{item}'" if _ENDS_INSIDE.search(item) is not None else f'"{item}"'


@define
class RepeatEnumerated(RepeatList):
    """Words; in an expression the word as a number if it is one, else the index."""

    kind = "enumerated"


@define
class RepeatString(RepeatList):
    """Words; in an expression the index."""

    kind = "string"


@define
class RepeatDateList(RepeatList):
    """Dates ``yyyymmdd`` in any order."""

    kind = "datelist"


@define
class RepeatDateTimeList(RepeatList):
    """Instants ``yyyymmddThhmmss`` in any order."""

    kind = "datetimelist"


@define
class RepeatDay:
    """For ever, `step` days apart; it has no end and no name (expressions call it ``day``)."""

    step: int = 1

    @property
    def definition(self) -> str:
        return f"repeat day {self.step}"

    @property
    def state_comment(self) -> str:
        return ""


Repeat = RepeatDate | RepeatInteger | RepeatDateTime | RepeatList | RepeatDay


def instant_text(seconds: int) -> str:
    """Seconds since 1970 as ``YYYYMMDDTHHMMSS``."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y%m%dT%H%M%S")


def parse_instant(text: str) -> int:
    """``YYYYMMDDTHHMMSS`` (or ``YYYYMMDD``) as seconds since 1970; raises ValueError saying what is wrong."""
    form = "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d"
    if len(text) not in (8, 15):
        raise ValueError(f"'{text}' is not an instant: write YYYYMMDDTHHMMSS")
    try:
        moment = datetime.strptime(text, form)
    except ValueError:
        raise ValueError(f"'{text}' is not an instant: write YYYYMMDDTHHMMSS") from None
    return int((moment - _EPOCH).total_seconds())


def step_text(seconds: int) -> str:
    """Seconds as ``HH:MM:SS``, with a sign when negative."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


_EPOCH = datetime(1970, 1, 1)
