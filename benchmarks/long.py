"""A long run: does what a cycle costs, and what a run holds, stay the same for ten thousand cycles?"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from measures import SIMULATE, Figures, Sizes
from peers import BenchmarkError, Peer, Run

CYCLES = 10_000
TASKS = 20
WARM = 500
"""Cycles after which memory is to stay as it is."""
SUCCEEDED = re.compile(rb"INFO - \[(\d+)/\w+/01:running\] => succeeded")

TEXT = """\
[task parameters]
    i = 2..{tasks}
[scheduler]
    UTC mode = True
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = {cycles}
    [[graph]]
        P1 = first[-P1] => first => t<i>
[runtime]
    [[root]]
        [[[simulation]]]
            default run length = PT0S
"""


def long(peer: Peer, sizes: Sizes) -> Figures:
    """Cost of a cycle early and late, and memory after 500 cycles and at the end; by CPU, so noise matters little."""
    if peer.name != "Tidemill":
        return {}
    cycles = CYCLES if sizes.many >= 10_000 else CYCLES // 10
    marks = {WARM * cycles // CYCLES: 0.0, cycles // 4: 0.0, 3 * cycles // 4: 0.0, cycles - 5: 0.0}
    warm, early, late, end = marks
    memory: dict[int, float] = {}
    with Run(peer, "long", TEXT.format(tasks=TASKS, cycles=cycles), (SIMULATE,), timeout_seconds=1200) as run:
        for cycle in _cycles(run):
            for mark in [mark for mark in marks if mark not in memory and cycle >= mark]:
                marks[mark], memory[mark] = _used(run.process.pid)
        run.finish()
    if len(memory) != len(marks):
        raise BenchmarkError("the long run ended early")
    costs = [1000 * (marks[until] - marks[since]) / (until - since) for since, until in ((warm, early), (late, end))]
    return {
        "long early": costs[0],
        "long late": costs[1],
        "long slope": 100 * (costs[1] / costs[0] - 1),
        "long warm memory": memory[warm],
        "long memory": memory[end],
        "long growth": 100 * (memory[end] / memory[warm] - 1),
    }


def _cycles(run: Run) -> Iterator[int]:
    """The highest cycle in which a task has succeeded, as the log says so."""
    highest = 0
    for chunk in run._log_chunks():
        found = max(map(int, SUCCEEDED.findall(chunk)), default=0)
        if found > highest:
            highest = found
            yield highest


def _used(process: int) -> tuple[float, float]:
    """CPU in seconds and memory in MiB of a running process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    ticks = os.sysconf("SC_CLK_TCK")
    return (int(fields[11]) + int(fields[12])) / ticks, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


MEASURES: dict[str, Callable[[Peer, Sizes], Figures]] = {"long": long}

if __name__ == "__main__":
    sys.exit(f"start {Path(__file__).with_name('run')} --set long")
