#!/usr/bin/env python3
"""Integrate one member of the analysed ensemble five days ahead."""

import sys

import archive
import lorenz96

FIVE_DAYS = 5 * 24 // lorenz96.STEP_HOURS

member = int(sys.argv[1])
start = archive.read(archive.path("analysis.json"))[member - 1]
archive.write(archive.path(f"forecast_m{member:02d}.json"), lorenz96.trajectory(start, FIVE_DAYS))
