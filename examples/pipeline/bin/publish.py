#!/usr/bin/env python3
"""Publish the batch's summary, unless too much of it is missing: then refuse, with the reason in a file."""

import json
import sys

import batch

MOST_MISSING = 0.1

summary = json.loads((batch.folder / "summary.json").read_text())
for gauge, missing in summary["missing"].items():
    if missing > MOST_MISSING:
        reason = f"{missing:.0%} of the readings of {gauge} are missing"
        (batch.folder / "refused.txt").write_text(reason + "\n")
        sys.exit(reason)
lines = ["gauge,mean,peak"]
lines += [f"{gauge},{summary['mean'][gauge]:.2f},{summary['peak'][gauge]:.2f}" for gauge in batch.GAUGES]
(batch.folder / "published.csv").write_text("\n".join(lines) + "\n")
