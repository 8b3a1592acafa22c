#!/usr/bin/env python3
"""Turn the levels of one gauge (metres) into discharge (cubic metres a second) by its rating curve."""

import sys

import batch

# discharge = factor * (level - zero) ** exponent
RATING_CURVES = {"teviot": (24.0, 0.21, 1.6), "tweed": (31.0, 0.35, 1.7), "yarrow": (12.0, 0.30, 1.5)}

gauge = sys.argv[1]
factor, zero, exponent = RATING_CURVES[gauge]
levels = batch.read("readings.csv")[gauge]
discharge: batch.Series = [None if level is None else factor * max(0.0, level - zero) ** exponent for level in levels]
batch.write(f"discharge_{gauge}.csv", {gauge: discharge})
