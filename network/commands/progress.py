"""A bar on a terminal for a file on its way."""

from __future__ import annotations

import sys
import time
from typing import IO

_INTERVAL_SECONDS = 0.1
_WIDTH = 30


class Bar:
    """Shows how far a file is; nothing at all where nobody looks.

    Arguments:
        name: of the file.
        total: its size in bytes.
        shown: whether to show it; by default if the output is a terminal.
    """

    def __init__(self, name: str, total: int, *, shown: bool | None = None, output: IO[str] | None = None) -> None:
        self._output = output if output is not None else sys.stderr
        self._name = name
        self._total = total
        self._shown = self._output.isatty() if shown is None else shown
        self._began = time.monotonic()
        self._next = 0.0
        self._first: int | None = None

    def show(self, done: int) -> None:
        """So many bytes are there."""
        if not self._shown:
            return
        if self._first is None:
            self._first = done
        now = time.monotonic()
        if now < self._next and done < self._total:
            return
        self._next = now + _INTERVAL_SECONDS
        share = done / self._total if self._total else 1.0
        filled = int(share * _WIDTH)
        rate = (done - self._first) / max(now - self._began, 1e-6) / 1e6
        self._output.write(
            f"\r{self._name} [{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%} "
            f"{done / 1e6:.1f} MB, {rate:.1f} MB/s"
        )
        self._output.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._shown and self._first is not None:
            self._output.write("\n")
            self._output.flush()
            self._first = None
