#!/usr/bin/env python3
"""Observe nature: a station at every grid point of the land, at every third of the ocean."""

import os
import random

import archive

OCEAN = range(20, 40)

error = float(os.environ["OBSERVATION_ERROR"])
dice = random.Random(f"observe {archive.label(archive.point)}")
nature = archive.read(archive.path("nature.json"))
stations = [i for i in range(len(nature)) if i not in OCEAN or i % 3 == 0]
observations = [{"station": i, "value": nature[i] + dice.gauss(0.0, error)} for i in stations]
archive.write(archive.path("observations.json"), {"error": error, "observations": observations})
print(f"{len(observations)} observations with standard error {error}")
