"""What `tidemill scan -t rich` says of each workflow: what it is, where it runs, and how far its tasks are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .printer import Printer

MARKS = {"running": "▶", "paused": "‖", "stopping": "◧", "stopped": "■"}
COLORS = {
    "preparing": "dim",
    "submitted": "cyan",
    "submit-failed": "magenta",
    "running": "blue",
    "succeeded": "green",
    "failed": "red",
    "expired": "yellow",
}
"""Of the states that have jobs, or will have."""
LABEL_WIDTH = 15
SUITE_SERVER = "suite server"
"""The kind of an entry that is no workflow."""
Entry = Mapping[str, Any]


def address(entry: Entry) -> str:
    """``host:port process``, with what it is unless a scheduler; nothing more where none is known to run."""
    mark = f" ({entry['kind']})" if "kind" in entry else ""
    if "CYLC_WORKFLOW_HOST" not in entry:
        return mark.strip()
    place = f"{entry['CYLC_WORKFLOW_HOST']}:{entry['CYLC_WORKFLOW_PORT']}"
    return f"{place} {entry.get('CYLC_WORKFLOW_PID', '')}".rstrip() + mark


def rich_text(found: Sequence[Entry], printer: Printer, *, in_words: bool) -> str:
    """All of the workflows, one after the other.

    Arguments:
        in_words: no state is told by its mark or colour alone; so it is where there are no colours, too.
    """
    words = in_words or not printer.color
    lines = []
    if not words and any("stateTotals" in entry for entry in found):
        key = " ".join(printer.style(f"■ {state}", colour) for state, colour in COLORS.items())
        lines += [f"{printer.style('Task states:', 'bold')} {key}", ""]
    for entry in found:
        lines += _lines(entry, printer, in_words=words)
    return "\n".join(lines)


def _lines(entry: Entry, printer: Printer, *, in_words: bool) -> list[str]:
    status = entry.get("status", "unknown")
    name = printer.style(entry["name"], "bold")
    message = entry.get("statusMsg") or status
    heading = f"{name} ({status})" if in_words else f"{printer.style(MARKS.get(status, '?'), 'green', 'bold')} {name}"
    if message != status:
        heading += f": {message}" if in_words else f" ({message})"
    if "kind" in entry:
        heading += f" [{entry['kind']}]"
    lines = [heading]
    if "error" in entry:
        lines.append(f"    {printer.style(entry['error'].splitlines()[0], 'red')}")
    if "CYLC_WORKFLOW_HOST" not in entry:
        return lines
    meta = entry.get("meta") or {}
    totals = entry.get("stateTotals") or {}
    rows = {
        "state totals": _totals(totals, printer, in_words=in_words),
        "title": meta.get("title"),
        "description": meta.get("description"),
        "version": entry.get("TIDEMILL_VERSION") or entry.get("CYLC_VERSION"),
        "host": entry["CYLC_WORKFLOW_HOST"],
        "port": entry["CYLC_WORKFLOW_PORT"],
        "PID": entry.get("CYLC_WORKFLOW_PID"),
    }
    for label, value in rows.items():
        first, *others = str(value or "").strip().splitlines() or [""]
        if first:
            lines.append(f"    {label:<{LABEL_WIDTH}}{first}")
            lines += [f"    {'':<{LABEL_WIDTH}}{other.strip()}" for other in others]
    lines += [_suite(one, printer, in_words=in_words) for one in entry.get("suites", ())]
    return lines


def _suite(suite: Entry, printer: Printer, *, in_words: bool) -> str:
    """A suite of a suite server: its name, its state, and how far its tasks are."""
    totals = _totals(suite["stateTotals"], printer, in_words=in_words)
    return f"    {'suite':<{LABEL_WIDTH}}{suite['name']} ({suite['state']}) {totals}".rstrip()


def _totals(totals: Mapping[str, int], printer: Printer, *, in_words: bool) -> str:
    return " ".join(
        printer.style(f"{state}:{totals[state]}" if in_words else f"{totals[state]} ■", colour)
        for state, colour in COLORS.items()
        if totals.get(state)
    )
