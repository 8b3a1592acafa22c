"""The log of a suite server, in ecFlow's form: ``MSG:[HH:MM:SS D.M.YYYY] text``, written by one thread in batches."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

LEVELS = {"DEBUG": "DBG", "INFO": "MSG", "WARNING": "WAR", "ERROR": "ERR", "CRITICAL": "ERR"}
"""Our levels in ecFlow's words."""
LINES_KEPT = 10_000
"""The latest lines, held for ``--log=get``."""


class SuiteLog:
    """Appends to one file.

    Arguments:
        path: the file; made if it is not there.
        terminal: a stream to write to as well.
        failed: told, once, why the file cannot be written; the lines held meanwhile are lost beyond `LINES_KEPT`.
    """

    def __init__(
        self, path: Path, *, terminal: TextIO | None = None, failed: Callable[[str], None] | None = None
    ) -> None:
        self.path = path
        self.latest: deque[str] = deque(maxlen=LINES_KEPT)
        self._terminal = terminal
        self._failed = failed
        self._has_failed = False
        self._waiting: list[str] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log")

    def add(self, level: str, text: str, when: float | None = None) -> None:
        """Add a line; it is written at the next `flush`.

        Arguments:
            level: MSG, LOG, ERR, WAR, DBG or OTH, or one of ours.
            text: perhaps of several lines.
            when: seconds since the epoch; now by default.
        """
        moment = time.localtime(when)
        stamp = f"{time.strftime('%H:%M:%S', moment)} {moment.tm_mday}.{moment.tm_mon}.{moment.tm_year}"
        line = f"{LEVELS.get(level, level)}:[{stamp}] {text}"
        self.latest.append(line)
        self._waiting.append(line)

    def flush(self) -> Future[None] | None:
        """Have what was added written."""
        if not self._waiting:
            return None
        lines, self._waiting = self._waiting, []
        return self._thread.submit(self._write, lines)

    def switch(self, path: Path) -> None:
        """Go on in another file."""
        self.flush()
        self._thread.submit(lambda: None).result()
        self.path = path

    def clear(self) -> None:
        """Empty the file."""
        self._waiting.clear()
        self.latest.clear()
        self._thread.submit(self._empty).result()

    def close(self) -> None:
        """Write what waits, and end."""
        self.flush()
        self._thread.shutdown(wait=True)

    def _empty(self) -> None:
        self.path.write_text("")

    def _write(self, lines: list[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        try:
            with open(self.path, "a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
            self._has_failed = False
        except OSError as error:
            if not self._has_failed and self._failed is not None:
                self._failed(f"the log {self.path} cannot be written: {error.strerror}")
            self._has_failed = True
        if self._terminal is not None:
            self._terminal.write(text)
            self._terminal.flush()
