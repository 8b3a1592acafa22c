"""A long run: does what a cycle costs, and what a run holds, stay the same for ten thousand cycles?"""

from __future__ import annotations

import itertools
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
"""Cycles after which memory is to stay as it is, and from one look to the next."""
WINDOWS = 6
"""Of so many looks at the beginning, and at the end, the cheapest counts: a busy moment is not the run's."""
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
    step = WARM * cycles // CYCLES
    samples: list[tuple[int, float, float]] = []
    with Run(peer, "long", TEXT.format(tasks=TASKS, cycles=cycles), (SIMULATE,), timeout_seconds=1200) as run:
        for cycle in _cycles(run):
            if cycle >= step * (len(samples) + 1):
                samples.append((cycle, *_used(run.process.pid)))
        run.finish()
    if len(samples) < WINDOWS * 2 + 1:
        raise BenchmarkError("the long run ended early")
    costs = [1000 * (later[1] - one[1]) / (later[0] - one[0]) for one, later in itertools.pairwise(samples)]
    early, late = min(costs[:WINDOWS]), min(costs[-WINDOWS:])
    warm, end = samples[0][2], samples[-1][2]
    return {
        "long early": early,
        "long late": late,
        "long slope": 100 * (late / early - 1),
        "long warm memory": warm,
        "long memory": end,
        "long growth": 100 * (end / warm - 1),
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
