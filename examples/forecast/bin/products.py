#!/usr/bin/env python3
"""Reduce the ensemble forecast to its mean and spread at every lead time."""

import archive
import ensemble

by_lead = [list(states) for states in zip(*archive.members(), strict=True)]
archive.write(
    archive.path("products.json"),
    {
        "mean": [ensemble.mean(states) for states in by_lead],
        "spread": [ensemble.spread(states) for states in by_lead],
    },
)
