"""Ensemble statistics: mean, spread, and distance from the truth."""

from __future__ import annotations

from math import sqrt


def mean(members: list[list[float]]) -> list[float]:
    """Average the members at every grid point."""
    return [sum(values) / len(members) for values in zip(*members, strict=True)]


def spread(members: list[list[float]]) -> list[float]:
    """Give the standard deviation of the members at every grid point."""
    centre = mean(members)
    return [
        sqrt(sum((x - c) ** 2 for x in values) / (len(members) - 1))
        for values, c in zip(zip(*members, strict=True), centre, strict=True)
    ]


def root_mean_square(values: list[float]) -> float:
    """Give the root of the mean square."""
    return sqrt(sum(value * value for value in values) / len(values))


def error(estimate: list[float], truth: list[float]) -> float:
    """Give the root-mean-square error of an estimate."""
    return root_mean_square([a - b for a, b in zip(estimate, truth, strict=True)])
