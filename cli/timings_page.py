"""The statistics of `tidemill report-timings` as an HTML page, with a box plot for each task."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from .timings import COLUMNS, KINDS

Statistics = Mapping[str, float]
WIDE, HIGH, MARGIN = 360, 18, 6
STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; }
table { border-collapse: collapse; margin: 0 0 2em; }
th, td { padding: 2px 10px; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
svg line { stroke: #357; } svg rect { fill: #bcd; stroke: #357; } svg .mean { fill: #c30; stroke: none; }
"""


def page(run: str, summary: Mapping[tuple[str, str], Mapping[str, Mapping[str, Statistics]]]) -> str:
    """The whole page.

    Arguments:
        run: the workflow.
        summary: as `timings.summarise` makes it.
    """
    parts = [
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Timings of {escape(run)}</title>',
        f"<style>{STYLE}</style>\n<h1>Timings of {escape(run)}</h1>",
        "<p>Seconds. A box reaches from the first to the third quartile, with a line at the median and a dot at the "
        "mean; the whiskers end at the shortest and the longest.</p>",
    ]
    for (host, runner), kinds in summary.items():
        parts.append(f"<h2>{escape(host)}, {escape(runner)}</h2>")
        for kind, meaning in KINDS:
            parts.append(f"<h3>Jobs {escape(meaning)}</h3>\n{_table(kinds[kind])}")
    return "\n".join([*parts, "</html>"])


def _table(tasks: Mapping[str, Statistics]) -> str:
    longest = max((values["max"] for values in tasks.values()), default=0.0)
    heads = "".join(f"<th>{name}</th>" for name in ("task", *COLUMNS, f"0 to {longest:.1f} s"))
    rows = []
    for task, values in tasks.items():
        cells = "".join(f"<td>{values[name]:.{0 if name == 'count' else 1}f}</td>" for name in COLUMNS)
        rows.append(f"<tr><td>{escape(task)}</td>{cells}<td>{box_plot(values, longest)}</td></tr>")
    return f"<table>\n<tr>{heads}</tr>\n" + "\n".join(rows) + "\n</table>"


def box_plot(values: Statistics, longest: float) -> str:
    """One box with its whiskers, as SVG, on a scale from 0 to `longest` seconds."""

    def at(name: str) -> float:
        share = values[name] / longest if longest > 0 else 0.0
        return round(MARGIN + share * (WIDE - 2 * MARGIN), 1)

    low, first, median, third, high, mean = map(at, ("min", "25%", "50%", "75%", "max", "mean"))
    middle = HIGH / 2
    lines = [(low, middle, first, middle), (third, middle, high, middle)]
    lines += [(x, 4, x, HIGH - 4) for x in (low, high)]
    drawn = "".join(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>' for x1, y1, x2, y2 in lines)
    box = f'<rect x="{first}" y="3" width="{round(third - first, 1)}" height="{HIGH - 6}"/>'
    inner = f'<line x1="{median}" y1="3" x2="{median}" y2="{HIGH - 3}"/>'
    dot = f'<circle class="mean" cx="{mean}" cy="{middle}" r="2"/>'
    return f'<svg width="{WIDE}" height="{HIGH}" role="img">{drawn}{box}{inner}{dot}</svg>'
