"""Reference logs: the record of what triggered what, and the comparison of one run's with another's."""

from __future__ import annotations

import re
from collections import Counter

from msgspec import Struct

MARKS = ("triggered off", "Initial point", "Start point", "Final point", "Start task")
"""A log text that holds one of these belongs in a reference log."""

_TRIGGERED = "-triggered off"
_FLOW = re.compile(r" in flow .*$")


def is_reference_text(text: str) -> bool:
    """Tell whether a log text belongs in a reference log."""
    return any(mark in text for mark in MARKS)


class Comparison(Struct, frozen=True):
    """How a run's triggering compares with its reference."""

    is_equal: bool
    missing: tuple[str, ...] = ()
    """Lines of the reference that the run lacks, sorted."""
    unexpected: tuple[str, ...] = ()
    """Lines of the run that the reference lacks, sorted."""
    is_empty: bool = False
    """True if the reference holds no triggering at all: it then proves nothing."""

    def __str__(self) -> str:
        if self.is_equal:
            return "the run triggered as its reference log says"
        if self.is_empty:
            return "the reference log holds no '-triggered off' line"
        lines = ["the run differs from its reference log:"]
        lines += [f"  missing: {line}" for line in self.missing]
        lines += [f"  unexpected: {line}" for line in self.unexpected]
        return "\n".join(lines)


def compare_reference(reference_text: str, run_text: str) -> Comparison:
    """Compare the triggering of a run with its reference, whatever the order (Cylc 8 behaviour).

    Only ``-triggered off`` lines count, as often as they occur. If the first reference line in sorted
    order names no
    flow, flows are left out of the run's lines.
    """
    reference = _triggered(reference_text)
    run = _triggered(run_text)
    if not reference:
        return Comparison(is_equal=False, unexpected=tuple(run), is_empty=True)
    if "in flow" not in reference[0]:
        run = [_FLOW.sub("", line) for line in run]
    expected, found = Counter(reference), Counter(run)
    return Comparison(
        is_equal=expected == found,
        missing=tuple(sorted((expected - found).elements())),
        unexpected=tuple(sorted((found - expected).elements())),
    )


def _triggered(text: str) -> list[str]:
    return sorted(line.strip() for line in text.splitlines() if _TRIGGERED in line)
