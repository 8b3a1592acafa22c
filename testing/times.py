"""Times as tests write them: ``2025-01-02T06:00Z``, ``PT2H`` after something, or seconds."""

from __future__ import annotations

from datetime import UTC, datetime

from ..flow.language.values import parse_interval
from .exceptions import WorkflowTestError

Time = str | float
"""An ISO 8601 time or duration, or seconds."""


def seconds_of(duration: Time) -> float:
    """A duration in seconds; raises `WorkflowTestError` if it is none."""
    if isinstance(duration, int | float):
        return float(duration)
    try:
        seconds = parse_interval(duration)
    except ValueError:
        seconds = None
    if seconds is None:
        raise WorkflowTestError(f"{duration!r} is not a duration such as PT1H30M, or a number of seconds")
    return seconds


def moment_of(time: Time, *, start: float) -> float:
    """A time as seconds since the epoch; durations and numbers count from a start.

    Raises:
        WorkflowTestError: it is none.
    """
    if isinstance(time, int | float):
        return start + time
    if time.lstrip("+").startswith("P"):
        return start + seconds_of(time.lstrip("+"))
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise WorkflowTestError(
            f"{time!r} is not a time: write 2025-01-02T06:00Z, or PT2H for two hours after the start"
        ) from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def shown(time: float) -> str:
    """A time for people, UTC."""
    text = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text.removesuffix(':00')}Z"
