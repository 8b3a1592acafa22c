"""Where the cycle's files are, and how they are read and written.

The workflow says where through the environment; the cycle point comes from the job.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

POINT_FORMAT = "%Y%m%dT%H%MZ"

point = datetime.strptime(os.environ["CYLC_TASK_CYCLE_POINT"], POINT_FORMAT)
products = Path(os.environ["PRODUCTS"])


def label(time: datetime) -> str:
    """Write a time the way cycle points are written."""
    return time.strftime(POINT_FORMAT)


def path(name: str, *, hours_ago: int = 0) -> Path:
    """Name a file of this cycle, or of the cycle `hours_ago`."""
    return Path(os.environ["CYCLE_DATA"]) / label(point - timedelta(hours=hours_ago)) / name


def read(file: Path) -> Any:
    """Read a file written by `write`."""
    return json.loads(file.read_text())


def write(file: Path, content: Any) -> None:
    """Write a file in one piece: a reader finds the old one or the new one, never half of one."""
    write_text(file, json.dumps(content))


def write_text(file: Path, text: str) -> None:
    """Write text in one piece, making the directory if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(file)
    print(f"wrote {file}")


def members(*, hours_ago: int = 0) -> list[Any]:
    """Read the trajectories of all ensemble members, in the order of their numbers."""
    folder = path("", hours_ago=hours_ago)
    files = sorted(folder.glob("forecast_m*.json"))
    if not files:
        raise SystemExit(f"no ensemble forecasts in {folder}")
    return [read(file) for file in files]
