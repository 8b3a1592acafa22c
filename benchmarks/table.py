"""The figures side by side, with the ratio of each and the least that is accepted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure: what it is called, its unit, and the ratio Tidemill : Cylc that must be reached."""

    title: str
    unit: str
    decimals: int = 3
    at_most: float | None = None
    at_least: float | None = None
    most: float | None = None
    """What Tidemill's own figure may be at most, whatever Cylc's is."""
    least: float | None = None

    @property
    def target(self) -> str:
        """Say the target as people say it."""
        if self.most is not None:
            return f"<= {self.most:g}"
        if self.least is not None:
            return f">= {self.least:g}"
        if self.at_most is not None:
            return f"<= 1/{1 / self.at_most:g}"
        return f">= {self.at_least:g}x" if self.at_least is not None else ""

    def is_met(self, value: float | None, ratio: float | None) -> bool | None:
        """Tell whether the target is met by Tidemill's figure or by the ratio; None if it cannot be told."""
        if self.most is not None or self.least is not None:
            if value is None:
                return None
            return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)
        return None if ratio is None else self.meets(ratio)

    def meets(self, ratio: float) -> bool:
        """Tell whether a ratio reaches the target; without one, every ratio does."""
        if self.at_most is not None:
            return ratio <= self.at_most
        return self.at_least is None or ratio >= self.at_least


ROWS = {
    "first job": Row("time to first job, live", "s", at_most=1 / 3),
    "first simulated submission": Row("time to first submission, simulated", "s"),
    "chain hop": Row("chain of live jobs, a hop", "s", 4, at_most=1 / 50),
    "free jobs": Row("free live jobs", "jobs/s", 2, at_least=30),
    "free job CPU": Row("  CPU of the scheduler, a job", "ms", 2),
    "simulated tasks": Row("simulated tasks", "tasks/s", 1, at_least=20),
    "simulated tasks, whole run": Row("  the whole run, start-up included", "tasks/s", 1),
    "simulated task CPU": Row("  CPU, a task", "ms", 3),
    "simulated task memory": Row("  peak memory, a task", "KiB", 1),
    "peak memory": Row("  peak memory", "MiB", 1),
    "first of many": Row("first submission of many ready", "s", at_most=1 / 10),
    "pings": Row("pings, one client", "1/s", 1, at_least=1000),
    "shell ping": Row("ping in a shell", "s", at_most=1 / 4),
    "plain pings, one": Row("requests of a plain client", "1/s", 1, at_least=1000),
    "echo share, one": Row("  of a bare encrypted echo", "%", 1, least=60),
    "plain pings, eight": Row("requests of eight plain clients", "1/s", 1),
    "echo share, eight": Row("  of a bare encrypted echo", "%", 1, least=50),
    "query of 1000": Row("states and ids of 1000 tasks", "s", 4, at_most=1 / 50),
    "query of 10,000": Row("five fields of 10,000 tasks", "s", 4, most=0.03),
    "whole of 10,000": Row("the whole picture of 10,000 tasks", "s", 4, at_most=1 / 20),
    "delta latency": Row("from a command to its delta", "s", 4, most=0.02),
    "memory of the picture": Row("memory of the picture, a task", "KiB", 2, most=5.8),
    "slowed by clients": Row("a simulation slows by clients", "%", 1, most=20),
    "long early": Row("a cycle of 20 tasks, early in 10,000 cycles", "ms", 3),
    "long late": Row("  late", "ms", 3),
    "long slope": Row("  dearer", "%", 1, most=10),
    "long warm memory": Row("memory after 500 cycles", "MiB", 1),
    "long memory": Row("  after 10,000", "MiB", 1),
    "long growth": Row("  grown", "%", 1, most=10),
    "quiet client": Row("99th percentile of a quiet client", "s", 4, most=0.05),
}


def ratio_text(ratio: float) -> str:
    """Write a ratio the way its target is written."""
    return f"{float(f'{ratio:.3g}'):g}x" if ratio >= 1 else f"1/{1 / ratio:.3g}" if ratio > 0 else "0"


def ratio_of(name: str, figures: dict[str, dict[str, float]]) -> float | None:
    """Give Tidemill : Cylc for one figure, if both are there."""
    ours, theirs = figures.get("Tidemill", {}).get(name), figures.get("Cylc", {}).get(name)
    return None if ours is None or theirs is None or theirs == 0 else ours / theirs


def render(figures: dict[str, dict[str, float]]) -> str:
    """Write the table of medians, a peer a column."""
    lines = [("", "unit", "Tidemill", "Cylc", "ratio", "target", "")]
    for name, row in ROWS.items():
        values = [figures.get(peer, {}).get(name) for peer in ("Tidemill", "Cylc")]
        if values == [None, None]:
            continue
        ratio = ratio_of(name, figures)
        met = row.is_met(values[0], ratio)
        verdict = "" if met is None or not row.target else "met" if met else "MISSED"
        cells = ["-" if value is None else f"{value:.{row.decimals}f}" for value in values]
        shown = "-" if ratio is None else ratio_text(ratio)
        lines.append((row.title, row.unit, cells[0], cells[1], shown, row.target, verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(7)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 1, 6) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def missed(figures: dict[str, dict[str, float]]) -> list[str]:
    """List the figures that do not reach their targets."""
    names = []
    for name, row in ROWS.items():
        if row.is_met(figures.get("Tidemill", {}).get(name), ratio_of(name, figures)) is False:
            names.append(row.title.strip())
    return names
