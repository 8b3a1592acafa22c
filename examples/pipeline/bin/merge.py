#!/usr/bin/env python3
"""Summarise the batch's gauges, and add their volumes to the totals of the batch before."""

import json

import batch

SECONDS_A_READING = 15 * 60

earlier = batch.folder.parent / str(batch.number - 1) / "summary.json"
totals = json.loads(earlier.read_text())["total_volume"] if earlier.exists() else {}
summary: dict[str, dict[str, float]] = {"mean": {}, "peak": {}, "missing": {}, "total_volume": {}}
for gauge in batch.GAUGES:
    series = batch.read(f"discharge_{gauge}.csv")[gauge]
    present = [value for value in series if value is not None]
    summary["mean"][gauge] = sum(present) / len(present)
    summary["peak"][gauge] = max(present)
    summary["missing"][gauge] = 1 - len(present) / len(series)
    summary["total_volume"][gauge] = totals.get(gauge, 0.0) + sum(present) * SECONDS_A_READING
(batch.folder / "summary.json").write_text(json.dumps(summary, indent=2))
print(json.dumps(summary, indent=2))
