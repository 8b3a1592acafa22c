"""``tidemill ecflow``: the program ecflow_client, for people and jobs that know that."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Carry out an ecFlow command line; returns 0 or 1."""
    from ..ecflow.front import main as front

    return front(argv)


def program() -> None:
    """The program ``ecflow_client``."""
    sys.exit(main(sys.argv[1:]))
