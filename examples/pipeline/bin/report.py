#!/usr/bin/env python3
"""Write what became of every batch."""

import json
import os
from pathlib import Path

import batch

lines = [f"{'batch':<8}{'published':<11}" + "".join(f"{gauge + ' peak':>14}" for gauge in batch.GAUGES)]
for number in range(1, batch.number + 1):
    folder = batch.folder.parent / str(number)
    peaks = json.loads((folder / "summary.json").read_text())["peak"]
    published = "yes" if (folder / "published.csv").exists() else "no"
    lines.append(f"{number:<8}{published:<11}" + "".join(f"{peaks[gauge]:14.2f}" for gauge in batch.GAUGES))
report = "\n".join(lines) + "\n"
Path(os.environ["CYLC_WORKFLOW_SHARE_DIR"], "report.txt").write_text(report)
print(report, end="")
