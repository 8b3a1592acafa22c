"""How the engine writes times and durations in the log."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(seconds: float) -> str:
    """A time as ``2026-11-22T02:17:18Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: float) -> str:
    """A duration in seconds as ISO 8601: ``PT1H30M``, ``P1DT2H``, ``PT0S``."""
    whole = int(seconds)
    fraction = seconds - whole
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    second_text = f"{rest + fraction:g}S" if rest or fraction else ""
    time = f"{f'{hours}H' if hours else ''}{f'{minutes}M' if minutes else ''}{second_text}"
    date = f"{days}D" if days else ""
    if not date and not time:
        return "PT0S"
    return f"P{date}{f'T{time}' if time else ''}"
