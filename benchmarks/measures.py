"""What is measured, and how: each function runs one scheduler and gives named figures."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import workflows
from peers import BenchmarkError, Peer, Run

SUBMITTED = r"\] => (?:preparing|submitted|running)\b"
SUCCEEDED = r"\] => succeeded\b"
SIMULATE = "--mode=simulation"
Figures = dict[str, float]


@dataclass(frozen=True)
class Sizes:
    """How much each scheduler is given: the slower one gets fewer jobs of the same kind."""

    chain: int
    free: int
    simulated: int = 1000
    many: int = 10_000
    ping_seconds: float = 3.0
    shell_pings: int = 7


FULL = {"Tidemill": Sizes(chain=100, free=300), "Cylc": Sizes(chain=10, free=60)}
QUICK = {
    "Tidemill": Sizes(chain=20, free=60, simulated=200, many=1000, ping_seconds=1, shell_pings=3),
    "Cylc": Sizes(chain=3, free=12, simulated=200, many=1000, ping_seconds=1, shell_pings=2),
}


def first_job(peer: Peer, sizes: Sizes) -> Figures:
    """Time from starting the scheduler to the first job's script, and to the first simulated submission."""
    del sizes
    with Run(peer, "first-job", workflows.free(1)) as run:
        run.finish()
        live = run.stamps()[0]
    with Run(peer, "first-submission", workflows.free(1), (SIMULATE,)) as run:
        (submitted,) = run.log_times((SUBMITTED, 1))
        return {"first job": live, "first simulated submission": submitted - run.started}


def hop(peer: Peer, sizes: Sizes) -> Figures:
    """Time from one job's script to the next one's in a chain of background jobs."""
    with Run(peer, "chain", workflows.chain(sizes.chain), timeout_seconds=600) as run:
        run.finish()
        stamps = run.stamps()
    gaps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    return {"chain hop": statistics.median(gaps)}


def free(peer: Peer, sizes: Sizes) -> Figures:
    """Background jobs a second when nothing holds them back, from the first script to the last success."""
    with Run(peer, "free", workflows.free(sizes.free), timeout_seconds=600) as run:
        (succeeded,) = run.log_times((SUCCEEDED, sizes.free))
        usage = run.finish()
        stamps = run.stamps()
        if len(stamps) != sizes.free:
            raise BenchmarkError(f"{peer.name}: {len(stamps)} of {sizes.free} jobs ran")
    return {
        "free jobs": sizes.free / (succeeded - run.started - stamps[0]),
        "free job CPU": 1000 * usage.cpu_seconds / sizes.free,
    }


def simulate(peer: Peer, sizes: Sizes) -> Figures:
    """Simulated tasks a second, and what a task costs, beyond a run of one task.

    A log written in batches cannot tell first submission from last success, so the time is that from start to
    last success, less the same for one task: reading the workflow is included.
    """
    with Run(peer, "one", workflows.free(1), (SIMULATE,)) as run:
        (succeeded,) = run.log_times((SUCCEEDED, 1))
        seconds_alone = succeeded - run.started
        alone = run.finish()
    with Run(peer, "simulated", workflows.free(sizes.simulated), (SIMULATE,)) as run:
        (succeeded,) = run.log_times((SUCCEEDED, sizes.simulated))
        seconds = succeeded - run.started
        usage = run.finish()
    if seconds <= seconds_alone:
        raise BenchmarkError(f"{peer.name}: {sizes.simulated} tasks are too few to take longer than one")
    more = sizes.simulated - 1
    return {
        "simulated tasks": more / (seconds - seconds_alone),
        "simulated tasks, whole run": sizes.simulated / usage.wall_seconds,
        "simulated task CPU": 1000 * (usage.cpu_seconds - alone.cpu_seconds) / more,
        "simulated task memory": 1024 * (usage.peak_mebibytes - alone.peak_mebibytes) / more,
        "peak memory": usage.peak_mebibytes,
    }


def many(peer: Peer, sizes: Sizes) -> Figures:
    """Time from starting the scheduler to the first submission when very many tasks are ready."""
    with Run(peer, "many", workflows.free(sizes.many), (SIMULATE,)) as run:
        (submitted,) = run.log_times((SUBMITTED, 1))
        return {"first of many": submitted - run.started}


def ping(peer: Peer, sizes: Sizes) -> Figures:
    """Requests a second of one client that keeps its connection, and the whole `ping` command in a shell."""
    with Run(peer, "idle", workflows.free(1), ("--pause",)) as run:
        run.wait_for_answer()
        rate = peer.pings_per_second("idle", sizes.ping_seconds)
        walls = []
        for _ in range(sizes.shell_pings):
            started = time.perf_counter()
            answer = peer.command("ping", "idle")
            walls.append(time.perf_counter() - started)
            if answer.returncode != 0:
                raise BenchmarkError(f"{peer.name}: ping failed: {answer.stderr}")
    return {"pings": rate, "shell ping": statistics.median(walls)}


MEASURES: dict[str, Callable[[Peer, Sizes], Figures]] = {
    "first-job": first_job,
    "hop": hop,
    "free": free,
    "simulate": simulate,
    "many": many,
    "ping": ping,
}

ECHO = Path(__file__).with_name("echo.py")


def echo(python: Path, seconds: float) -> float:
    """Give the round trips a second of a bare encrypted ZeroMQ echo: what no ping here can exceed."""
    answer = subprocess.run(
        [str(python), str(ECHO), str(seconds)],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return float(answer.stdout)
