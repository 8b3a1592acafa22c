#!/usr/bin/env python3
"""Replace spikes, and gaps of up to an hour, by interpolation; longer gaps stay gaps."""

import batch

LONGEST_GAP = 4

repaired = batch.read("readings.csv")
for gauge, levels in repaired.items():
    for time in batch.spikes(levels):
        levels[time] = None
    time = 0
    while time < len(levels):
        end = time
        while end < len(levels) and levels[end] is None:
            end += 1
        gap = end - time
        if 0 < gap <= LONGEST_GAP and time > 0 and end < len(levels):
            before, after = levels[time - 1], levels[end]
            assert before is not None
            assert after is not None
            for step in range(gap):
                levels[time + step] = before + (after - before) * (step + 1) / (gap + 1)
            print(f"{gauge}: {gap} interpolated at {time}")
        elif gap:
            print(f"{gauge}: a gap of {gap} at {time} is too long to fill")
        time = end + 1
batch.write("readings.csv", repaired)
