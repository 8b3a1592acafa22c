#!/usr/bin/env python3
"""Say whether the readings are clean: exit code 0 if they are, 1 if any is missing or stands out."""

import batch

troubles = []
for gauge, levels in batch.read("readings.csv").items():
    troubles += [f"{gauge}: no reading at {time}" for time, level in enumerate(levels) if level is None]
    troubles += [f"{gauge}: spike at {time}, {levels[time]} m" for time in batch.spikes(levels)]
print("\n".join(troubles) or "clean")
raise SystemExit(1 if troubles else 0)
