#!/usr/bin/env python3
"""Draw the first guess to the observations with a serial ensemble square-root filter.

Whitaker and Hamill (2002), "Ensemble data assimilation without perturbed observations", with the localisation
function of Gaspari and Cohn (1999) and multiplicative inflation.
"""

from __future__ import annotations

import os
from math import sqrt

import archive
import ensemble


def localisation(distance: float, radius: float) -> float:
    """Taper correlations from one at no distance to zero at `radius` (Gaspari and Cohn 1999, eq. 4.10)."""
    r = 2.0 * distance / radius
    if r >= 2.0:
        return 0.0
    if r >= 1.0:
        return r**5 / 12 - r**4 / 2 + 5 * r**3 / 8 + 5 * r**2 / 3 - 5 * r + 4 - 2 / (3 * r)
    return -(r**5) / 4 + r**4 / 2 + 5 * r**3 / 8 - 5 * r**2 / 3 + 1


def assimilate(
    mean: list[float],
    deviations: list[list[float]],
    *,
    station: int,
    value: float,
    error: float,
    radius: float,
) -> None:
    """Update mean and deviations, in place, with one observation."""
    size = len(mean)
    at_station = [deviation[station] for deviation in deviations]
    degrees = len(deviations) - 1
    variance = sum(d * d for d in at_station) / degrees
    total = variance + error * error
    innovation = value - mean[station]
    reduction = 1.0 / (1.0 + sqrt(error * error / total))
    for i in range(size):
        distance = min(abs(i - station), size - abs(i - station))
        weight = localisation(distance, radius)
        if weight == 0.0:
            continue
        covariance = sum(d[i] * s for d, s in zip(deviations, at_station, strict=True)) / degrees
        gain = weight * covariance / total
        mean[i] += gain * innovation
        for deviation, s in zip(deviations, at_station, strict=True):
            deviation[i] -= reduction * gain * s


def main() -> None:
    """Read first guess and observations, write the analysed ensemble."""
    first_guess = [states[1] for states in archive.members(hours_ago=6)]
    report = archive.read(archive.path("observations.json"))
    inflation = float(os.environ["INFLATION"])
    radius = float(os.environ["LOCALISATION_RADIUS"])

    mean = ensemble.mean(first_guess)
    deviations = [[inflation * (x - m) for x, m in zip(member, mean, strict=True)] for member in first_guess]
    for observation in report["observations"]:
        assimilate(mean, deviations, error=report["error"], radius=radius, **observation)
    analysis = [[m + d for m, d in zip(mean, deviation, strict=True)] for deviation in deviations]
    archive.write(archive.path("analysis.json"), analysis)
    before, after = (ensemble.root_mean_square(ensemble.spread(each)) for each in (first_guess, analysis))
    print(f"{len(report['observations'])} observations: spread {before:.2f} -> {after:.2f}")


main()
