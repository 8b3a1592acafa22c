"""What nodes repeat over, by the names and methods of ecFlow's Python module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...flow.suite import repeat_text, repeating, repeats
from ..exceptions import EcflowError, as_ecflow_errors
from .attributes import Attribute, checked, texts


def _read(text: str) -> Any:
    with as_ecflow_errors():
        return repeat_text.parse_repeat(text)


class Repeat(Attribute):
    """A repeat as it is found on a node; an empty one where there is none."""

    __slots__ = ()

    def __init__(self) -> None:
        self.core = None

    def empty(self) -> bool:
        return self.core is None

    def name(self) -> str:
        """The name of its variable; ``day`` for `RepeatDay`."""
        if self.core is None:
            return ""
        return "day" if isinstance(self.core, repeats.RepeatDay) else str(self.core.name)

    def start(self) -> int:
        """The first value; of words the first index."""
        return self._edge("start", 0)

    def end(self) -> int:
        """The last value; of words the last index."""
        return self._edge("end", -1)

    def step(self) -> int:
        """From value to value."""
        match self.core:
            case repeats.RepeatDateTime():
                return self.core.step_seconds
            case repeats.RepeatDate() | repeats.RepeatInteger() | repeats.RepeatDay():
                return self.core.step
        return 0 if self.core is None else 1

    def value(self) -> int:
        """The value it stands at; of words the index."""
        if self.core is None:
            return 0
        if isinstance(self.core, repeats.RepeatEnumerated):
            return self.core.index
        return repeating.number(self.core)

    def _edge(self, name: str, place: int) -> int:
        core = self.core
        match core:
            case repeats.RepeatDateList():
                return int(core.items[place])
            case repeats.RepeatDateTimeList():
                return repeats.parse_instant(core.items[place])
            case repeats.RepeatList():
                return 0 if place == 0 else len(core.items) - 1
            case repeats.RepeatDate() | repeats.RepeatInteger() | repeats.RepeatDateTime():
                return int(getattr(core, name))
        return 0

    def __str__(self) -> str:
        return "" if self.core is None else str(self.core.definition)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repeat) and bool(self.core == other.core)

    __hash__ = Attribute.__hash__


class RepeatDate(Repeat):
    """``RepeatDate("YMD", 20300101, 20301231[, step in days])``."""

    __slots__ = ()

    def __init__(self, variable: str, start: int, end: int, delta: int = 1) -> None:
        self.core = _read(f"date {checked(variable, 'repeat')} {int(start)} {int(end)} {int(delta)}")


class RepeatDateTime(Repeat):
    """``RepeatDateTime("T", "20300101T000000", "20300102T000000"[, "06:00:00"])``."""

    __slots__ = ()

    def __init__(self, variable: str, start: str, end: str, delta: str = "24:00:00") -> None:
        self.core = _read(f"datetime {checked(variable, 'repeat')} {start} {end} {delta}")


class RepeatInteger(Repeat):
    """``RepeatInteger("N", first, last[, step])``."""

    __slots__ = ()

    def __init__(self, variable: str, start: int, end: int, delta: int = 1) -> None:
        self.core = _read(f"integer {checked(variable, 'repeat')} {int(start)} {int(end)} {int(delta)}")


class _RepeatWords(Repeat):
    __slots__ = ()
    _kind: type[repeats.RepeatList]

    def __init__(self, variable: str, values: Sequence[str]) -> None:
        if not values:
            raise EcflowError(f"repeat {self._kind.kind} {variable} has no values")
        self.core = self._kind(checked(variable, "repeat"), texts(values, f"the values of repeat {variable}"))


class RepeatEnumerated(_RepeatWords):
    """``RepeatEnumerated("WORD", ["a", "b"])``."""

    __slots__ = ()
    _kind = repeats.RepeatEnumerated


class RepeatString(_RepeatWords):
    """``RepeatString("WORD", ["a", "b"])``."""

    __slots__ = ()
    _kind = repeats.RepeatString


class RepeatDateList(Repeat):
    """``RepeatDateList("YMD", [20300101, 20300105])``."""

    __slots__ = ()

    def __init__(self, variable: str, dates: Sequence[int]) -> None:
        for date in dates:
            if not isinstance(date, int):
                raise TypeError(f"the dates of repeat {variable} are to be whole numbers, not {date!r}")
        self.core = _read(f"datelist {checked(variable, 'repeat')} {' '.join(str(date) for date in dates)}")


class RepeatDateTimeList(Repeat):
    """``RepeatDateTimeList("T", ["20300101T000000", "20300105T120000"])``."""

    __slots__ = ()

    def __init__(self, variable: str, instants: Sequence[str]) -> None:
        words = " ".join(texts(instants, f"the instants of repeat {variable}"))
        self.core = _read(f"datetimelist {checked(variable, 'repeat')} {words}")


class RepeatDay(Repeat):
    """``RepeatDay(step)``: for ever, so many days apart."""

    __slots__ = ()

    def __init__(self, step: int = 1) -> None:
        self.core = repeats.RepeatDay(int(step))
