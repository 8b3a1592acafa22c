"""`tidemill resume`: submit jobs again."""

from __future__ import annotations

from .control import tell, to_all, wait_seconds, workflow_names
from .plain import Parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "resume",
        "Let paused workflows submit jobs again.",
        json=True,
        examples="\n  tidemill resume ocean\n",
    )
    parser.add_argument("workflows", nargs="+", metavar="WORKFLOW", help="a workflow, or a pattern in quotes: 'ocean*'")
    parser.add_reason()
    parser.add_wait()
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Resume workflows."""
    printer, values = make_parser().parse(argv)
    return tell(
        printer,
        to_all(workflow_names(values.workflows), {}),
        "resume",
        timeout=values.comms_timeout,
        reason=values.reason,
        wait_seconds=wait_seconds(values),
        say=lambda result: "resumed",
    )
