"""Integer cycling: points are plain numbers, intervals ``P3``; with the phases Cylc 8.5 gives its
sequences."""

from __future__ import annotations

import re

from .cycling import Offset, Sequence
from .exceptions import CyclingError, IntervalError, PointError, RecurrenceError
from .heading import Heading, parse_heading, split_exclusions, split_recurrences
from .progression import ExactProgression
from .sequence import JoinedSequence, RecurringSequence

_POINT = re.compile(r"[+-]?\d+")
_INTERVAL = re.compile(r"(?P<sign>[+-]?)P(?P<count>\d+)")


class IntegerCycling:
    """Reads, writes and counts integer cycle points."""

    __slots__ = ()

    mode = "integer"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def parse(self, text: str) -> int:
        """A point as text to its integer; raises `PointError`."""
        if _POINT.fullmatch(text.strip()) is None:
            raise PointError(f"cannot read {text!r} as an integer cycle point; expected a whole number")
        return int(text)

    def format(self, point: int) -> str:
        """A point's canonical text."""
        return str(point)

    def interval(self, text: str) -> int:
        """An interval as text (``P2``, ``-P1``); raises `IntervalError`."""
        match = _INTERVAL.fullmatch(text.strip())
        if match is None:
            raise IntervalError(f"cannot read {text!r} as an integer interval; expected the like of P2 or -P1")
        count = int(match["count"])
        return -count if match["sign"] == "-" else count

    def add(self, point: int, interval: int) -> int:
        """A point moved by an interval."""
        return point + interval

    def sequence(self, text: str, initial: int, final: int | None, *, bounded: bool = True) -> Sequence:
        """A recurrence heading; several with commas between give their points together.

        With `bounded` false points beyond the final point are kept where Cylc's own sequence has them
        (``R1/15``).
        Raises `RecurrenceError`.
        """
        sequences = [
            self._parse_one(one, initial=initial, final=final, bounded=bounded) for one in split_recurrences(text)
        ]
        return sequences[0] if len(sequences) == 1 else JoinedSequence(text, sequences)

    def offset(self, text: str, initial: int) -> Offset:
        """What stands in the brackets of a graph node; raises `IntervalError` or `PointError`."""
        from .offset import parse_integer_offset

        return parse_integer_offset(self, text, initial=initial)

    def epoch_seconds(self, point: int) -> float:
        """Raises `PointError`: an integer point is no moment in time."""
        raise PointError(
            f"the integer cycle point {point} has no wall-clock time; clock triggers need datetime cycling"
        )

    def _parse_one(self, text: str, *, initial: int, final: int | None, bounded: bool) -> RecurringSequence:
        if "$" in text and final is None:
            raise RecurrenceError(f"{text!r} names the final cycle point ($), but none is set")
        resolved = text.replace("^", str(initial)).replace("$", str(final))
        try:
            recurrence, exclusions = split_exclusions(resolved)
            progression = self._progression(parse_heading(recurrence), initial=initial, final=final)
            # Exclusions are counted from the recurrence's own start and end (Cylc 8.5 behaviour).
            end = progression.stop if progression.stop is not None else final
            points = frozenset(int(item) for item in exclusions if _POINT.fullmatch(item))
            sequences = [
                self._progression(parse_heading(item), initial=progression.start, final=end)
                for item in exclusions
                if not _POINT.fullmatch(item)
            ]
        except RecurrenceError:
            raise
        except CyclingError as error:
            raise RecurrenceError(f"in the recurrence {text!r}: {error}") from None
        sequence = RecurringSequence(
            text,
            progression,
            lower=initial,
            upper=final if bounded else None,
            excluded_points=points,
            excluded_sequences=sequences,
        )
        sequence.refuse_if_swallowed()
        return sequence

    def _point(self, text: str, *, context: int | None) -> int:
        """A point of a heading: a number, an offset from the context, or nothing for the context itself."""
        if text and not _INTERVAL.fullmatch(text):
            return self.parse(text)
        if context is None:
            raise PointError(f"{text or 'the end'!r} is counted from the final cycle point, but none is set")
        return context + (self.interval(text) if text else 0)

    def _progression(self, heading: Heading, *, initial: int, final: int | None) -> ExactProgression:
        if heading.interval is None:
            return self._once(heading, initial=initial, final=final)
        step = self.interval(heading.interval)
        if step <= 0:
            raise RecurrenceError(f"the interval of {heading.text!r} must be P1 or more")
        repeats = heading.repeats
        stop: int | None
        if heading.end is None:
            start = self._point(heading.start or "", context=initial)
            stop = None if repeats is None else start + (repeats - 1) * step
        else:
            stop = self._point(heading.end, context=final)
            if repeats is not None:
                start = stop - (repeats - 1) * step
            elif final is None:
                raise PointError(f"{heading.text!r} is counted back from the final cycle point, but none is set")
            else:
                # QUIRK: the phase is that of the final point, even where the heading ends elsewhere.
                start = initial - (final - initial) % step
        return _fit(start, step, stop, initial=initial, final=final)

    def _once(self, heading: Heading, *, initial: int, final: int | None) -> ExactProgression:
        if heading.end is not None and heading.start is not None:
            raise RecurrenceError(
                f"{heading.text!r} asks for evenly spaced points, which integer cycling does not have;"
                " write Rn/START/INTERVAL"
            )
        endless_end = heading.end is not None and heading.repeats is None
        if heading.repeats not in (None, 1) or not heading.repeats_written or endless_end:
            raise RecurrenceError(f"{heading.text!r} is one point without an interval; write R1/POINT")
        if heading.end is not None:
            point = self._point(heading.end, context=final)
        else:
            point = self._point(heading.start or "", context=initial)
        return ExactProgression(point, 1, point)


def _fit(start: int, step: int, stop: int | None, *, initial: int, final: int | None) -> ExactProgression:
    """A progression moved into the bounds as Cylc 8.5 does it.

    QUIRKS, which workflows may lean on: a start before the initial point moves to the initial point *plus*
    the
    remainder, losing its phase (``2/P3`` from 3 is 4, 7, 10); an endless row then stops where the unmoved
    one would;
    a counted row that reaches past the final point stops short of it.
    """
    unmoved = start
    if start < initial:
        start = initial + (initial - start) % step
    if final is not None:
        if stop is None:
            stop = final - (final - unmoved) % step
        elif stop > final:
            stop = final - step + (final - start) % step
    return ExactProgression(start, step, stop)
