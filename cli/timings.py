"""How long jobs waited and ran, from the record of a run."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

KINDS = (("queue", "waited, from submission to start"), ("run", "ran, from start to end"), ("total", "took in all"))
COLUMNS = ("count", "mean", "std", "min", "25%", "50%", "75%", "max")


class Timing(NamedTuple):
    """One job that succeeded; times in seconds since the epoch."""

    task: str
    cycle: str
    host: str
    runner: str
    submitted: float
    started: float
    succeeded: float

    def seconds(self, kind: str) -> float:
        """How long it waited (``queue``), ran (``run``), or both (``total``)."""
        if kind == "queue":
            return self.started - self.submitted
        return self.succeeded - (self.started if kind == "run" else self.submitted)


def timings_of(rows: Iterable[Any]) -> list[Timing]:
    """The timings of the jobs that succeeded, of `JobRow`s."""
    return [
        Timing(
            row.name,
            row.cycle,
            row.platform_name or "localhost",
            row.job_runner_name or "background",
            row.time_submit,
            row.time_run,
            row.time_run_exit,
        )
        for row in rows
        if row.run_status == 0 and None not in (row.time_submit, row.time_run, row.time_run_exit)
    ]


def summarise(timings: Iterable[Timing]) -> dict[tuple[str, str], dict[str, dict[str, dict[str, float]]]]:
    """Statistics in seconds: by (host, runner), by kind of `KINDS`, by task, by `COLUMNS`."""
    groups: dict[tuple[str, str], dict[str, list[Timing]]] = {}
    for timing in timings:
        groups.setdefault((timing.host, timing.runner), {}).setdefault(timing.task, []).append(timing)
    return {
        place: {
            kind: {task: _statistics([one.seconds(kind) for one in jobs]) for task, jobs in sorted(tasks.items())}
            for kind, _ in KINDS
        }
        for place, tasks in sorted(groups.items())
    }


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows in columns as wide as what is in them."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def summary_text(summary: Mapping[tuple[str, str], Mapping[str, Mapping[str, Mapping[str, float]]]]) -> str:
    """The statistics as tables."""
    parts = []
    for (host, runner), kinds in summary.items():
        parts.append(f"Host: {host}, job runner: {runner}")
        for kind, meaning in KINDS:
            rows = [
                [
                    task,
                    *(f"{values[column]:.0f}" if column == "count" else f"{values[column]:.1f}" for column in COLUMNS),
                ]
                for task, values in kinds[kind].items()
            ]
            parts.append(f"Seconds jobs {meaning}\n{table(('task', *COLUMNS), rows)}")
    return "\n\n".join(parts)


def _statistics(values: list[float]) -> dict[str, float]:
    quarters = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {
        "count": len(values),
        "mean": statistics.fmean(values),
        "std": statistics.stdev(values) if len(values) > 1 else 0.0,
        "min": min(values),
        "25%": quarters[0],
        "50%": quarters[1],
        "75%": quarters[2],
        "max": max(values),
    }
