"""`tidemill version`: no import beyond the package itself, since scripts ask often."""

from __future__ import annotations

import os
import sys

from .. import __version__
from .exceptions import UsageError

USAGE = """\
Usage: tidemill version [--long] [--json]

  Print the version.

Options:
  --long      Print where it is installed and the Python it runs on, too.
  --json      Print it as JSON.
  -h, --help  Show this message.
"""


def main(argv: list[str]) -> int:
    """Print the version."""
    long = as_json = False
    for argument in argv:
        if argument in ("-h", "--help"):
            print(USAGE, end="")
            return 0
        if argument in ("--long", "-l"):
            long = True
        elif argument == "--json":
            as_json = True
        elif argument not in ("-v", "--verbose", "-q", "--quiet", "--debug") and not argument.startswith(
            ("--color=", "--colour=")
        ):
            raise UsageError(f"version: {argument} is not an option; try 'tidemill version --help'")
    place = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if as_json:
        import json

        python = ".".join(map(str, sys.version_info[:3]))
        print(json.dumps({"version": __version__, "path": place, "python": python}, indent=4))
    elif long:
        print(f"{__version__} ({place}, Python {'.'.join(map(str, sys.version_info[:3]))})")
    else:
        print(__version__)
    return 0
