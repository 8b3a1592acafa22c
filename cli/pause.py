"""`tidemill pause`: submit nothing more."""

from __future__ import annotations

from .control import tell, to_all, wait_seconds, workflow_names
from .plain import Parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "pause",
        "Submit no more jobs of running workflows until they are resumed. Active jobs go on.",
        json=True,
        examples="\n  tidemill pause ocean\n",
    )
    parser.add_argument("workflows", nargs="+", metavar="WORKFLOW", help="a workflow, or a pattern in quotes: 'ocean*'")
    parser.add_reason()
    parser.add_wait()
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Pause workflows."""
    printer, values = make_parser().parse(argv)
    return tell(
        printer,
        to_all(workflow_names(values.workflows), {}),
        "pause",
        timeout=values.comms_timeout,
        reason=values.reason,
        wait_seconds=wait_seconds(values),
        say=lambda result: "paused",
    )
