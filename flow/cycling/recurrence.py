"""Datetime recurrence headings to sequences: where a recurrence starts, steps and ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .exceptions import CyclingError, IntervalError, PointError, RecurrenceError
from .heading import Heading, parse_heading, split_commas, split_exclusions, split_recurrences
from .interval import Interval, parse_chain, split_offsets
from .iso8601 import FullPoint
from .progression import CalendarProgression, ExactProgression, Progression
from .sequence import JoinedSequence, RecurringSequence

if TYPE_CHECKING:
    from .cycling import Sequence
    from .datetime import DatetimeCycling

_FURTHEST_BACK = 1_000_000
_FAR = 1 << 62


def evaluate_point(cycling: DatetimeCycling, text: str, *, context: int | None) -> tuple[int, str | None]:
    """A point expression: a point, full or truncated, ``min(...)`` or nothing (the context), and offsets
    after it.

    Returns the point and the interval it implies when it stands alone. Raises `PointError` or
    `IntervalError`.
    """
    base, offsets = split_offsets(text)
    implied: str | None = None
    if not base:
        point = _context(context, text)
    elif base.startswith("min(") and base.endswith(")"):
        candidates = [evaluate_point(cycling, item, context=context) for item in split_commas(base[4:-1])]
        point, implied = min(candidates, key=lambda candidate: candidate[0])
    elif cycling.reader.is_truncated(base):
        truncated = cycling.reader.truncated(base)
        point = cycling.next_match(truncated, _context(context, text))
        implied = truncated.implied_interval
    else:
        point = cycling.from_full(cycling.reader.full(base))
    if offsets:
        for interval in parse_chain(offsets):
            point = cycling.add(point, interval)
    return point, implied


def _context(context: int | None, text: str) -> int:
    if context is None:
        raise PointError(f"{text or 'the end'!r} is counted from the final cycle point, but none is set")
    return context


def parse_recurrence(
    cycling: DatetimeCycling, text: str, *, initial: int, final: int | None, bounded: bool = True
) -> Sequence:
    """A graph heading, perhaps several recurrences with commas; see `Cycling.sequence`."""
    recurrences = split_recurrences(text)
    sequences = [_parse_one(cycling, one, initial=initial, final=final, bounded=bounded) for one in recurrences]
    return sequences[0] if len(sequences) == 1 else JoinedSequence(text, sequences)


def _parse_one(
    cycling: DatetimeCycling, text: str, *, initial: int, final: int | None, bounded: bool
) -> RecurringSequence:
    try:
        return _build(cycling, text, initial=initial, final=final, bounded=bounded)
    except RecurrenceError:
        raise
    except CyclingError as error:
        raise RecurrenceError(f"in the recurrence {text!r}: {error}") from None


def _build(cycling: DatetimeCycling, text: str, *, initial: int, final: int | None, bounded: bool) -> RecurringSequence:
    if "$" in text and final is None:
        raise RecurrenceError(f"{text!r} names the final cycle point ($), but none is set")
    resolved = text.replace("^", cycling.format(initial))
    if final is not None:
        resolved = resolved.replace("$", cycling.format(final))
    recurrence, exclusions = split_exclusions(resolved)
    progression = build_progression(cycling, parse_heading(recurrence), initial=initial, final=final)
    # Exclusions are counted from the recurrence's own start and end, not the workflow's (Cylc 8.5 behaviour).
    end = final if progression.is_endless else progression.last(_FAR)
    points: set[int] = set()
    sequences: list[Progression] = []
    for item in exclusions:
        point = _excluded_point(cycling, item)
        if point is not None:
            points.add(point)
            continue
        heading = parse_heading(item)
        if heading.is_alone and heading.start is not None and split_offsets(heading.start)[1]:
            raise RecurrenceError(f"{item!r} cannot be excluded: it is neither a full point nor a recurrence")
        sequences.append(build_progression(cycling, heading, initial=progression.start, final=end))
    sequence = RecurringSequence(
        text,
        progression,
        lower=initial,
        upper=final if bounded else None,
        excluded_points=frozenset(points),
        excluded_sequences=sequences,
    )
    sequence.refuse_if_swallowed()
    return sequence


def _excluded_point(cycling: DatetimeCycling, item: str) -> int | None:
    """The point an exclusion names, or None where it is a recurrence."""
    base, _ = split_offsets(item)
    if "/" in item or not re.match(r"[+-]?\d{4}", base) or cycling.reader.is_truncated(base):
        return None
    return evaluate_point(cycling, item, context=None)[0]


def build_progression(cycling: DatetimeCycling, heading: Heading, *, initial: int, final: int | None) -> Progression:
    """The points of a recurrence without its exclusions and bounds; raises `CyclingError`."""
    if heading.interval is None:
        return _without_interval(cycling, heading, initial=initial, final=final)
    interval = cycling.interval(heading.interval)
    if interval.is_zero and heading.repeats not in (None, 1):
        raise RecurrenceError(f"{heading.text!r} repeats a zero interval; write R1")
    if heading.end is not None:
        return _ending_at(cycling, heading, interval, initial=initial, final=final)
    start, _ = evaluate_point(cycling, heading.start or "", context=initial)
    return _stepping(cycling, heading, start, interval)


def _without_interval(cycling: DatetimeCycling, heading: Heading, *, initial: int, final: int | None) -> Progression:
    if heading.end is None:
        start, implied = evaluate_point(cycling, heading.start or "", context=initial)
        if heading.repeats == 1:
            return _once(cycling, start)
        if implied is None:
            raise RecurrenceError(f"{heading.text!r} is one point without an interval; write R1/{heading.start}")
        return _stepping(cycling, heading, start, cycling.interval(implied))
    end, _ = evaluate_point(cycling, heading.end, context=final)
    if heading.start is None:
        if heading.repeats == 1:
            return _once(cycling, end)
        raise RecurrenceError(f"{heading.text!r} has an end but no interval; write R1//{heading.end} for once there")
    start, _ = evaluate_point(cycling, heading.start, context=initial)
    if heading.repeats == 1:
        return _once(cycling, start)
    if end == start:
        return _once(cycling, start)
    if end < start:
        raise RecurrenceError(f"in {heading.text!r} the end {heading.end!r} is before the start {heading.start!r}")
    return _stepping(cycling, heading, start, Interval(0, 0, end - start, "the span between its points"))


def _once(cycling: DatetimeCycling, point: int) -> Progression:
    point = cycling.snap(point)
    return ExactProgression(point, 1, point)


def _stepping(
    cycling: DatetimeCycling, heading: Heading, start: int, interval: Interval, *, stop: int | None = None
) -> Progression:
    """From `start` on by an interval, as often as the heading says."""
    start = cycling.snap(start)
    repeats = heading.repeats
    if interval.is_zero or repeats == 1:
        return _once(cycling, start)
    following = cycling.add(start, interval)
    if cycling.snap(following) != following:
        raise RecurrenceError(
            f"{heading.text!r} steps by {interval.text}, which is finer than the cycle point format"
            f" {cycling.point_format.text!r}; choose a finer format"
        )
    if interval.is_exact:
        if repeats is not None:
            stop = start + (repeats - 1) * interval.seconds
        return ExactProgression(start, interval.seconds, stop)
    return CalendarProgression(start, lambda point: cycling.add(point, interval), stop=stop, count=repeats)


def _ending_at(
    cycling: DatetimeCycling, heading: Heading, interval: Interval, *, initial: int, final: int | None
) -> Progression:
    """The last n points up to an end, or all from the initial point up to it.

    Months are counted back from the end to find the start, and from there forward again (Cylc 8.5
    behaviour), so a day
    lost on the way back stays lost.
    """
    text = heading.end or ""
    end, _ = evaluate_point(cycling, text, context=final)
    if interval.is_zero:
        return _once(cycling, end)
    if interval.is_exact:
        if heading.repeats is not None:
            steps = heading.repeats - 1
        else:
            steps = max(0, -((initial - end) // interval.seconds))
        start = end - steps * interval.seconds
        return _stepping(cycling, heading, start, interval, stop=end)
    zone = _zone_of(cycling, text)
    start = end
    remaining = _FURTHEST_BACK if heading.repeats is None else heading.repeats - 1
    while remaining > 0 and (heading.repeats is not None or start > initial):
        start = cycling.add(start, -interval, zone_seconds=zone)
        remaining -= 1
    return _stepping(cycling, heading, start, interval, stop=end)


def _zone_of(cycling: DatetimeCycling, text: str) -> int | None:
    """The zone a full point is written in: months are counted back in it. None for the workflow's own."""
    base, _ = split_offsets(text)
    try:
        point: FullPoint = cycling.reader.full(base)
    except (PointError, IntervalError):
        return None
    return point.zone_seconds
