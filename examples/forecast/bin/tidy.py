#!/usr/bin/env python3
"""Remove the members' trajectories of the cycle before: averaged then, analysed now, needed no more."""

import archive

for file in archive.path("", hours_ago=6).glob("forecast_m*.json"):
    file.unlink()
    print(f"removed {file}")
