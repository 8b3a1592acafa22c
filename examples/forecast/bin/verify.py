#!/usr/bin/env python3
"""Verify what every earlier cycle forecast for this time, and this cycle's analysis, against nature."""

import archive
import ensemble
import lorenz96

nature = archive.read(archive.path("nature.json"))
report = archive.read(archive.path("observations.json"))
analysis = archive.read(archive.path("analysis.json"))

scores = [
    {
        "lead_hours": 0,
        "error": ensemble.error(ensemble.mean(analysis), nature),
        "spread": ensemble.root_mean_square(ensemble.spread(analysis)),
    }
]
lead_hours = lorenz96.STEP_HOURS
while (file := archive.path("products.json", hours_ago=lead_hours)).exists():
    forecast = archive.read(file)
    step = lead_hours // lorenz96.STEP_HOURS
    if step >= len(forecast["mean"]):
        break
    scores.append(
        {
            "lead_hours": lead_hours,
            "error": ensemble.error(forecast["mean"][step], nature),
            "spread": ensemble.root_mean_square(forecast["spread"][step]),
        }
    )
    lead_hours += lorenz96.STEP_HOURS

archive.write(archive.path("scores.json"), {"observation_error": report["error"], "scores": scores})
print("lead (h)  error  spread")
for score in scores:
    print(f"{score['lead_hours']:8d}  {score['error']:5.2f}  {score['spread']:6.2f}")
