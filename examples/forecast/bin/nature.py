#!/usr/bin/env python3
"""Carry the nature run, which stands for the truth, six hours on."""

import archive
import lorenz96

archive.write(archive.path("nature.json"), lorenz96.advance(archive.read(archive.path("nature.json", hours_ago=6))))
