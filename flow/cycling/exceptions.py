"""What can be wrong with a cycle point, an interval or a recurrence, as errors a person can act on."""

from __future__ import annotations

from ...exceptions import TidemillError


class CyclingError(TidemillError):
    """Cycle points of this workflow cannot be counted as written."""


class PointError(CyclingError):
    """A cycle point cannot be read."""


class IntervalError(CyclingError):
    """An interval or offset cannot be read."""


class RecurrenceError(CyclingError):
    """A recurrence cannot be read, or can never yield a point."""
