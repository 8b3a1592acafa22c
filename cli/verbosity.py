"""`tidemill verbosity`: how much a scheduler logs."""

from __future__ import annotations

from .control import tell, to_all, workflow_names
from .exceptions import InputError
from .plain import Parser

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "verbosity",
        "Set the least severity that running schedulers log, until they stop.",
        json=True,
        examples="\n  tidemill verbosity DEBUG ocean\n",
    )
    parser.add_argument("level", metavar="LEVEL", help=f"{', '.join(LEVELS)}; NORMAL is INFO")
    parser.add_argument("workflows", nargs="+", metavar="WORKFLOW", help="a workflow, or a pattern in quotes: 'ocean*'")
    parser.add_reason()
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Set the level."""
    printer, values = make_parser().parse(argv)
    level = values.level.upper()
    level = "INFO" if level == "NORMAL" else level
    if level not in LEVELS:
        raise InputError(f"{values.level} is not a level of the log: give one of {', '.join(LEVELS)}")
    requests = to_all(workflow_names(values.workflows), {"level": level})
    # With several, each line begins with the workflow's name.
    name = f": {next(iter(requests))}" if len(requests) == 1 else ""
    return tell(
        printer,
        requests,
        "set_verbosity",
        timeout=values.comms_timeout,
        reason=values.reason,
        say=lambda result: f"logging {result['level']} and above{name}",
    )
