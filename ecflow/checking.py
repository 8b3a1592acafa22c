"""Reading and checking a definition file without a server."""

from __future__ import annotations

import sys
from collections import Counter

from ..flow.suite.check import check_definition
from ..flow.suite.nodes import Defs
from ..flow.suite.reader import read_definition
from ..flow.suite.writer import Style, write_definition
from .asking import attachments_of
from .exceptions import as_ecflow_errors

_SEQUENCES = (
    "events meters labels limits inlimits times todays dates days crons queues generics verifies zombies avisos mirrors"
)
_SINGLES = "trigger complete repeat late autocancel autoarchive autorestore"


def check_file(path: str, *, is_printed: bool = False, is_counted: bool = False) -> Defs:
    """Read a definition or checkpoint, and look up the names in it; warnings go to standard error.

    Arguments:
        path: of the file.
        is_printed: print it.
        is_counted: print how much of everything it has.

    Raises:
        EcflowError: it cannot be read, makes no sense, or names what is not there; with file and line.
    """
    with as_ecflow_errors():
        text = attachments_of("load", [path])["definition"]
        defs = read_definition(text, path)
        findings = check_definition(defs)
        findings.raise_errors(path)
    for warning in findings.warnings:
        print(f"warning: {warning.text(path)}", file=sys.stderr)
    if is_printed:
        print(write_definition(defs, Style.MIGRATE if defs.saved_style else Style.DEFS), end="")
    if is_counted:
        for name, number in count(defs).items():
            print(f"{name:<12} {number}")
    return defs


def count(defs: Defs) -> dict[str, int]:
    """How many nodes of each kind there are, and how many attributes of those that occur."""
    kinds = dict.fromkeys(("suites", "families", "tasks"), 0)
    counts: Counter[str] = Counter(kinds)
    plural = {"suite": "suites", "family": "families", "task": "tasks", "alias": "aliases"}
    for node in defs.walk():
        counts[plural[node.kind]] += 1
        counts["variables"] += len(node.variables)
        for kind in _SEQUENCES.split():
            counts[kind] += len(getattr(node, kind))
        for kind in _SINGLES.split():
            counts[kind] += getattr(node, kind) is not None
    return {name: number for name, number in counts.items() if number or name in kinds}
