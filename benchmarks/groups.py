#!/usr/bin/env python3
"""Measure group triggers: what it costs when a family of N triggers a family of N, and how many links that makes.

Runs alone: ``.venv/bin/python benchmarks/groups.py``. No jobs, no scheduler: the definition and the engine only.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from tidemill.flow.engine.effects import SubmitJob
from tidemill.flow.engine.engine import Engine
from tidemill.flow.engine.events import JobStarted, JobSubmitted, JobSucceeded, Start
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.language.definition import WorkflowDefinition, leaves

WORKFLOW = """\
[task parameters]
    m = 1..{count}
[scheduling]
    [[queues]]
        [[[default]]]
            limit = 0
    [[graph]]
        R1 = FIRST:succeed-all => SECOND
[runtime]
    [[FIRST, SECOND]]
    [[a<m>]]
        inherit = FIRST
    [[b<m>]]
        inherit = SECOND
"""
SLICE_STEPS = 1000
STEEPEST = 1.6
"""How much more a task may cost in the largest group than in the smallest; with N x N links it is ten times more."""


def read(count: int) -> tuple[WorkflowDefinition, float]:
    """The definition of two families of `count` tasks, and the seconds it took to read."""
    with tempfile.TemporaryDirectory(prefix="tidemill-groups-") as directory:
        (Path(directory) / "flow.cylc").write_text(WORKFLOW.format(count=count))
        began = time.perf_counter()
        definition = build_definition(load_config(directory), now=0.0)
        return definition, time.perf_counter() - began


def links(definition: WorkflowDefinition) -> int:
    """How many things are linked in the graph: outputs that arrows wait for, and tasks that wait for arrows."""
    return sum(
        len(set(leaves(dependency.expression))) + len(dependency.children) for dependency in definition.dependencies
    )


def advance(engine: Engine) -> list[SubmitJob]:
    """Work everything off; the jobs to submit."""
    while not engine.advance(SLICE_STEPS):
        pass
    return [effect for effect in engine.take().effects if isinstance(effect, SubmitJob)]


def finish(engine: Engine, jobs: list[SubmitJob]) -> list[SubmitJob]:
    """Let jobs run and succeed, each report a turn of its own; what that submits."""
    submitted = []
    for job in jobs:
        key = job.job.key
        for event in (JobSubmitted(1.0, key, "1"), JobStarted(1.0, key), JobSucceeded(1.0, key)):
            engine.handle(event)
        submitted += advance(engine)
    return submitted


def measure(count: int) -> dict[str, float]:
    """Play two families through; seconds, links and bytes."""
    definition, reading = read(count)
    gc.collect()
    began = time.perf_counter()
    engine = Engine(definition)
    engine.handle(Start(0.0))
    first = advance(engine)
    started = time.perf_counter()
    second = finish(engine, first)
    triggered = time.perf_counter()
    finish(engine, second)
    ended = time.perf_counter()
    if (len(first), len(second), engine.shutdown.is_stopped) != (count, count, True):
        raise SystemExit(f"groups: {len(first)} and {len(second)} tasks ran, not {count} and {count}")
    return {
        "tasks": 2 * count,
        "links": links(definition),
        "pairs": count * count,
        "read_seconds": reading,
        "start_seconds": started - began,
        "trigger_seconds": triggered - started,
        "end_seconds": ended - triggered,
        "microseconds_per_task": 1e6 * (ended - began) / (2 * count),
        "megabytes": memory(definition, count),
    }


def memory(definition: WorkflowDefinition, count: int) -> float:
    """What the engine holds, in MB, with the first family done and the second waiting to run."""
    gc.collect()
    tracemalloc.start()
    try:
        engine = Engine(definition)
        engine.handle(Start(0.0))
        finish(engine, advance(engine))
        return tracemalloc.get_traced_memory()[0] / 1e6
    finally:
        tracemalloc.stop()


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks/groups.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--size", action="append", type=int, metavar="N", help="family sizes (300, 1000 and 3000)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there")
    parser.add_argument("--check", action="store_true", help="exit with 1 if links or cost grow faster than the tasks")
    options = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}")
    print(f"{'family x family':>16} {'tasks':>7} {'links':>7} {'pairs':>10} {'read':>8} {'start':>8} {'trigger':>8} "
          f"{'end':>8} {'per task':>9} {'memory':>9}")  # fmt: skip
    rows = []
    for count in options.size or (300, 1000, 3000):
        row = measure(count)
        rows.append(row)
        print(
            f"{f'{count} x {count}':>16} {row['tasks']:>7} {row['links']:>7} {row['pairs']:>10} "
            f"{row['read_seconds']:>6.2f} s {row['start_seconds']:>6.2f} s {row['trigger_seconds']:>6.2f} s "
            f"{row['end_seconds']:>6.2f} s {row['microseconds_per_task']:>6.0f} us {row['megabytes']:>6.1f} MB",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    costs = [row["microseconds_per_task"] for row in rows]
    is_linear = costs[-1] <= STEEPEST * costs[0] and all(row["links"] == row["tasks"] for row in rows)
    print("links are as many as tasks" if is_linear else "links or cost grow faster than the tasks")
    return 1 if options.check and not is_linear else 0


if __name__ == "__main__":
    sys.exit(main())
