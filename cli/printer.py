"""Where a command's words go: people, programs or nobody, behind one small interface."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import IO, Any

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


class Printer:
    """Prints for people: results as text on standard output, remarks on standard error."""

    def __init__(
        self,
        *,
        verbosity: int = 0,
        color: str = "auto",
        timestamp: bool = False,
        output: IO[str] | None = None,
        remarks: IO[str] | None = None,
    ) -> None:
        self.verbosity = verbosity
        self.timestamp = timestamp
        self.output = output if output is not None else sys.stdout
        self.remarks = remarks if remarks is not None else sys.stderr
        self.color = color == "always" or (
            color == "auto"
            and self.output.isatty()
            and not os.environ.get("NO_COLOR")
            and os.environ.get("TERM") != "dumb"
        )

    def result(self, data: Any, text: str | Callable[[], str]) -> None:
        """Print what the command was asked for.

        Arguments:
            data: the result as plain data, for programs.
            text: the same for people, or a function that makes it; nothing is printed where it is empty.
        """
        written = text if isinstance(text, str) else text()
        if written:
            self.output.write(written if written.endswith("\n") else written + "\n")

    def done(self, data: Any, text: str) -> None:
        """Say that something was done: like `result`, but not said at all when quiet."""
        self.result(data, text)

    def debug(self, text: str) -> None:
        """A detail, for ``-vv`` and ``--debug``."""
        self._remark("DEBUG", text, least=2)

    def info(self, text: str) -> None:
        """A remark, silenced by ``--quiet``."""
        self._remark("INFO", text, least=0)

    def warn(self, text: str) -> None:
        """Something the user should know though the command goes on."""
        self._remark("WARNING", text, least=-1)

    def style(self, text: str, *names: str) -> str:
        """`text` in colour or bold, where colour is wanted."""
        if not self.color or not names:
            return text
        return f"\033[{';'.join(STYLES[name] for name in names)}m{text}\033[0m"

    def _remark(self, level: str, text: str, *, least: int) -> None:
        if self.verbosity < least:
            return
        stamp = ""
        if self.timestamp:
            import time

            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime())
        print(f"{stamp}{level} - {text}", file=self.remarks, flush=True)


class JsonPrinter(Printer):
    """Prints for programs: the result as one JSON document, remarks still on standard error."""

    def result(self, data: Any, text: str | Callable[[], str]) -> None:
        import json

        json.dump(data, self.output, indent=4, default=str)
        self.output.write("\n")


class QuietPrinter(Printer):
    """Prints only what was asked for: no word on what was done, no remarks below a warning."""

    def done(self, data: Any, text: str) -> None:
        return


def make_printer(
    *, json: bool = False, quiet: int = 0, verbose: int = 0, debug: bool = False, **settings: Any
) -> Printer:
    """The printer that the common options ask for."""
    verbosity = 2 if debug else verbose - quiet
    kind = JsonPrinter if json else QuietPrinter if verbosity < 0 else Printer
    if verbosity > 0:
        import logging

        logging.basicConfig(
            level=logging.DEBUG if verbosity > 1 else logging.INFO,
            format="%(levelname)s - %(message)s",
            force=True,
        )
    return kind(verbosity=verbosity, **settings)
