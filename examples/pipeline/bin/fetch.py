#!/usr/bin/env python3
"""Fetch a day of water levels (metres) from the gauges: made up here, with the troubles the batch has."""

import math
import os
import random

import batch

if batch.number == 2 and os.environ["CYLC_TASK_TRY_NUMBER"] == "1":
    raise SystemExit("the source is busy; try again later")

dice = random.Random(f"levels {batch.number}")
levels: dict[str, batch.Series] = {}
for order, gauge in enumerate(batch.GAUGES):
    peak = 20 + 15 * order + dice.randrange(20)
    height = 0.4 + 0.5 * dice.random()
    levels[gauge] = [
        0.8 + 0.3 * order + height * math.exp(-(((time - peak) / 14) ** 2)) + dice.gauss(0, 0.01)
        for time in range(batch.READINGS_A_BATCH)
    ]
if batch.number == 3:
    for gauge, time in (("tweed", 30), ("tweed", 61), ("yarrow", 12)):
        levels[gauge][time] = 9.99
if batch.number == 4:
    levels["yarrow"][24:72] = [None] * 48
batch.write("readings.csv", levels)
