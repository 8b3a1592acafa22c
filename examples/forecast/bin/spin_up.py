#!/usr/bin/env python3
"""Cold start: put the nature run on its attractor, and draw first guesses from its climate."""

from __future__ import annotations

import random
import sys

import archive
import lorenz96

YEAR = 365 * 24 // lorenz96.STEP_HOURS

number_of_members = int(sys.argv[1])
dice = random.Random("spin-up")
state = [lorenz96.FORCING + dice.gauss(0.0, 1.0) for _ in range(lorenz96.GRID_POINTS)]
climate = lorenz96.trajectory(state, YEAR)

archive.write(archive.path("nature.json", hours_ago=6), climate[-1])
seasons = range(YEAR // 4, YEAR - 40)
for member, when in enumerate(dice.sample(seasons, number_of_members), start=1):
    first_guess = climate[when : when + 2]  # "six hours ago" and now
    archive.write(archive.path(f"forecast_m{member:02d}.json", hours_ago=6), first_guess)
