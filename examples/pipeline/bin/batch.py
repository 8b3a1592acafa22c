"""The tables of a batch: one column a gauge, one row a time, an empty field where a reading is missing."""

from __future__ import annotations

import csv
import os
from pathlib import Path

GAUGES = ("teviot", "tweed", "yarrow")
READINGS_A_BATCH = 96  # a day of quarter hours

folder = Path(os.environ["BATCH"])
number = int(os.environ["CYLC_TASK_CYCLE_POINT"])

Series = list[float | None]


def read(name: str) -> dict[str, Series]:
    """Read a table of this batch as one series a column."""
    with (folder / name).open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {column: [float(row[column]) if row[column] else None for row in rows] for column in rows[0]}


def write(name: str, table: dict[str, Series]) -> None:
    """Write a table in one piece."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}"
    with draft.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(table)
        for values in zip(*table.values(), strict=True):
            writer.writerow(["" if value is None else f"{value:.3f}" for value in values])
    draft.replace(folder / name)
    print(f"wrote {folder / name}")


def is_spike(before: float, value: float, after: float) -> bool:
    """Tell whether a level stands out by half a metre from both its neighbours, in the same direction."""
    return min(abs(value - before), abs(value - after)) > 0.5 and (value > before) == (value > after)


def spikes(series: Series) -> list[int]:
    """List where a series has spikes."""
    found = []
    for index in range(1, len(series) - 1):
        before, value, after = series[index - 1 : index + 2]
        if before is None or value is None or after is None:
            continue
        if is_spike(before, value, after):
            found.append(index)
    return found
