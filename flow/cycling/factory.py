"""The one place that makes a `Cycling` from the configuration's words."""

from __future__ import annotations

from .cycling import Cycling
from .datetime import DatetimeCycling
from .integer import IntegerCycling


def make_cycling(
    mode: str, *, point_format: str | None = None, expanded_year_digits: int = 0, time_zone: str = "Z"
) -> Cycling:
    """The cycling of a workflow.

    Args:
        mode: ``integer``, ``gregorian``, ``360_day``, ``365_day`` or ``366_day``; ``360day`` and so on are
        accepted.
        point_format: ``[scheduler]cycle point format``, quotes removed; None or empty for the default.
        expanded_year_digits: ``[scheduler]cycle point num expanded year digits``.
        time_zone: ``[scheduler]cycle point time zone``; ``Z`` by default as in Cylc 8.

    Raises `CyclingError` for an unknown mode, `PointError` for a format or zone that cannot be used.
    """
    if mode == "integer":
        return IntegerCycling()
    return DatetimeCycling(
        mode, point_format=point_format, expanded_year_digits=expanded_year_digits, time_zone=time_zone
    )
