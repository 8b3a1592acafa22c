"""The points that bound a run, from the words of the configuration or the command line: initial, final,
stop, hold.

The time now is handed in, as seconds since 1970: this room reads no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .cycling import Cycling
from .datetime import DatetimeCycling
from .exceptions import CyclingError, PointError
from .interval import parse_chain, split_offsets
from .recurrence import evaluate_point
from .truncated import matches, next_from_start, previous_from_start

_SEARCH = re.compile(r"(?P<function>next|previous)\((?P<points>[^()]*)\)(?P<offsets>.*)")


def resolve_initial_point(cycling: Cycling, text: str, *, now: float) -> int:
    """An initial, start or stop point as a person may give it to its integer.

    Beside full points: ``now``; ``next(T00)``, ``previous(T06;T18)``, with offsets after
    (``next(T00)+P1D``); a bare truncated point, which is the next of its kind; a bare interval, counted
    from now (``-P1D``).

    Args:
        now: the present, in seconds since 1970 (UTC).

    Raises `PointError` or `IntervalError`. Cylc 8.5 behaviour.
    """
    body = "".join(text.split())
    if not isinstance(cycling, DatetimeCycling):
        point = cycling.parse(body)
        if point < 0:
            raise PointError(f"the cycle point {text!r} is negative; expected a whole number from 0 on")
        return point
    if body == "now":
        return cycling.from_epoch_seconds(now)
    match = _SEARCH.fullmatch(body)
    if match is not None:
        if "," in match["points"]:
            raise PointError(f"in {text!r} points are separated by semicolons: {match['points'].replace(',', ';')}")
        point = _nearest(cycling, match["points"].split(";"), match["function"], now=now, text=text)
        return _moved(cycling, point, match["offsets"])
    if body.startswith(("P", "-P", "+P")):
        return _moved(cycling, cycling.from_epoch_seconds(now), body)
    base, offsets = split_offsets(body)
    if not cycling.reader.is_truncated(base):
        return cycling.parse(body)
    return _moved(cycling, _nearest(cycling, [base], "next", now=now, text=text), offsets)


def _moved(cycling: DatetimeCycling, point: int, offsets: str) -> int:
    for interval in parse_chain(offsets) if offsets else ():
        point = cycling.add(point, interval)
    return cycling.snap(point)


def _nearest(cycling: DatetimeCycling, points: list[str], function: str, *, now: float, text: str) -> int:
    """The nearest occurrence of any of several truncated points, ahead of now or behind it."""
    base = cycling.from_epoch_seconds(now)
    found = []
    for point in points:
        if not point:
            raise PointError(f"{text!r} has an empty item; expected the like of next(T00) or previous(T06;T18)")
        truncated = cycling.reader.truncated(point)
        zone = cycling.zone_seconds if truncated.zone_seconds is None else truncated.zone_seconds
        search = next_from_start if function == "next" else previous_from_start
        found.append(search(cycling.calendar, truncated, base + zone) - zone)
    return min(found) if function == "next" else max(found)


def resolve_final_point(cycling: Cycling, text: str, *, initial: int) -> int:
    """A final cycle point to its integer: a point with offsets, or offsets from the initial point.

    ``+P5D`` counts from the initial point, ``T06+PT6H`` is the first T06 from there on and six hours,
    ``20200101-P1D`` needs neither. Raises `PointError` or `IntervalError`, also where it lies before the
    initial point. Cylc 8.5 behaviour.
    """
    point = resolve_point_with_offsets(cycling, text, initial=initial)
    if point < initial:
        raise PointError(
            f"the final cycle point {text!r} ({cycling.format(point)}) is before the initial cycle point"
            f" {cycling.format(initial)}"
        )
    return point


def resolve_point_with_offsets(cycling: Cycling, text: str, *, initial: int) -> int:
    """A stop or hold point to its integer: as `resolve_final_point`, but anywhere in time."""
    body = "".join(text.split())
    if not isinstance(cycling, DatetimeCycling):
        if re.fullmatch(r"[+-]?P\d+", body):
            return cycling.add(initial, cycling.interval(body))
        return cycling.parse(body)
    if body.startswith("P"):
        body = "+" + body
    body = body.replace("^", cycling.format(initial))
    point, _ = evaluate_point(cycling, body, context=initial)
    return cycling.snap(point)


def check_constraints(cycling: Cycling, point: int, constraints: Iterable[str], *, name: str) -> None:
    """Raise `PointError` unless a point agrees with one of the constraints, truncated points such as
    ``T00`` or ``01T00``.

    Args:
        name: what the point is, for the message: ``initial cycle point``.
    """
    wanted = ["".join(constraint.split()) for constraint in constraints]
    wanted = [constraint for constraint in wanted if constraint]
    if not wanted:
        return
    if not isinstance(cycling, DatetimeCycling):
        raise CyclingError(f"{name} constraints ({', '.join(wanted)}) need datetime cycling")
    for constraint in wanted:
        if cycling.reader.is_truncated(constraint):
            truncated = cycling.reader.truncated(constraint)
            zone = cycling.zone_seconds if truncated.zone_seconds is None else truncated.zone_seconds
            if matches(cycling.calendar, truncated, point + zone):
                return
        elif cycling.parse(constraint) == point:
            return
    raise PointError(f"the {name} {cycling.format(point)} meets none of its constraints: {', '.join(wanted)}")
