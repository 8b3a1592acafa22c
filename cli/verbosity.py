"""`tidemill verbosity`: how much a scheduler logs."""

from __future__ import annotations

import sys

from ..exceptions import TidemillError
from .control import workflow_names
from .exceptions import InputError
from .plain import Parser
from .workflows import find_runs

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
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Set the level."""
    from ..network.client import WorkflowRuntimeClient

    printer, values = make_parser().parse(argv)
    level = values.level.upper()
    level = "INFO" if level == "NORMAL" else level
    if level not in LEVELS:
        raise InputError(f"{values.level} is not a level of the log: give one of {', '.join(LEVELS)}")
    runs = find_runs(workflow_names(values.workflows), running=True)
    results = []
    for run in runs:
        try:
            with WorkflowRuntimeClient(run, timeout=values.comms_timeout) as client:
                client("set_verbosity", {"level": level})
            results.append({"workflow": run, "ok": True, "level": level})
        except TidemillError as error:
            if len(runs) == 1:
                raise
            results.append({"workflow": run, "ok": False, "error": str(error)})
            print(f"{run}: {type(error).__name__}: {error}", file=sys.stderr)
    done = [str(result["workflow"]) for result in results if result["ok"]]
    printer.done(results, f"logging {level} and above: {', '.join(done)}" if done else "")
    return 0 if len(done) == len(runs) else 1
