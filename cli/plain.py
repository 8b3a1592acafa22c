"""Arguments of the commands called so often that importing click would cost more than their work."""

from __future__ import annotations

import argparse
from typing import NoReturn

from .abbreviations import expand
from .exceptions import UsageError
from .printer import Printer, make_printer

DEFAULT_WAIT_SECONDS = 600.0


class Parser(argparse.ArgumentParser):
    """A parser with the options common to all commands, whose errors are raised."""

    def __init__(self, command: str, description: str, *, json: bool = False, examples: str = "") -> None:
        super().__init__(
            prog=f"tidemill {command}",
            description=description,
            epilog="Examples:\n" + examples.strip("\n") if examples else None,
            allow_abbrev=False,
            # Not as wide as the terminal of the moment: the reference page is made from it, too.
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=100),
        )
        self.json = json

    def parse(self, argv: list[str]) -> tuple[Printer, argparse.Namespace]:
        """Read the arguments: a printer from the common options, and all of them."""
        common = self.add_argument_group("common options")
        if self.json:
            common.add_argument("--json", action="store_true", help="print the result as JSON")
        common.add_argument("-v", "--verbose", action="count", default=0, help="say more; twice for details")
        common.add_argument("-q", "--quiet", action="count", default=0, help="say less")
        common.add_argument("--debug", action="store_true", help="say everything; show the traceback of an error")
        common.add_argument("--color", "--colour", choices=("never", "auto", "always"), default="auto")
        common.add_argument("--timestamp", action=argparse.BooleanOptionalAction, default=False)
        values = self.parse_intermixed_args(self._with_values_joined(expand(argv, self._option_string_actions)))
        printer = make_printer(
            json=self.json and values.json,
            quiet=values.quiet,
            verbose=values.verbose,
            debug=values.debug,
            color=values.color,
            timestamp=values.timestamp,
        )
        return printer, values

    def _with_values_joined(self, argv: list[str]) -> list[str]:
        """The arguments with an option and a value that begins with ``-`` (``--offset -P1D``) made one.

        argparse takes such a value for an option, where other parsers, and the people used to them, do not.
        """
        joined: list[str] = []
        words = iter(argv)
        for word in words:
            action = self._option_string_actions.get(word)
            if action is None or action.nargs is not None:
                joined.append(word)
                if word == "--":
                    break
                continue
            value = next(words, None)
            if value is None:
                joined.append(word)
            elif value.startswith("-") and len(value) > 1 and value not in self._option_string_actions:
                joined.append(f"{word}={value}" if word.startswith("--") else f"{word}{value}")
            else:
                joined += [word, value]
        return [*joined, *words]

    def add_timeout(self, *, default_seconds: float | None = None) -> None:
        """``--comms-timeout``; the client's own default unless the command needs longer."""
        self.add_argument(
            "--comms-timeout",
            type=_positive,
            default=default_seconds,
            metavar="SECONDS",
            help=f"how long to wait for an answer (default {default_seconds or 5:g})",
        )

    def add_reason(self) -> None:
        """``--reason``."""
        self.add_argument("--reason", default="", metavar="TEXT", help="why, for the record of the run")

    def add_wait(self, *, name_is_taken: bool = False) -> None:
        """``--until-done``, which is ``--wait`` too where that means nothing else, and ``--wait-timeout``."""
        names = ("--until-done",) if name_is_taken else ("--wait", "--until-done")
        self.add_argument(
            *names,
            dest="until_done",
            action="store_true",
            help="return once the command has had its effect; exit with 1 if it has not in time",
        )
        self.add_argument(
            "--wait-timeout",
            type=_positive,
            default=DEFAULT_WAIT_SECONDS,
            metavar="SECONDS",
            help=f"how long to wait for the effect (default {DEFAULT_WAIT_SECONDS:g})",
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError(
            f"{message}\n{self.format_usage().replace('usage', 'Usage').strip()}\nTry '{self.prog} --help'."
        )


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a time to wait")
    return value
