"""`tidemill reload`: take up a changed definition."""

from __future__ import annotations

from .control import tell, to_all, wait_seconds, workflow_names
from .plain import Parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "reload",
        "Let running workflows read their definition anew and go on with it. A definition that is not valid is\n"
        "refused, and the run goes on with the one it has.",
        json=True,
        examples="""
  tidemill reload ocean
""",
    )
    parser.add_argument("workflows", nargs="+", metavar="WORKFLOW", help="a workflow, or a pattern in quotes: 'ocean*'")
    parser.add_argument(
        "-g",
        "--global",
        action="store_true",
        help="accepted for older scripts: the site's configuration is read anew in any case",
    )
    parser.add_reason()
    parser.add_wait()
    # A large definition takes its time to read.
    parser.add_timeout(default_seconds=300)
    return parser


def main(argv: list[str]) -> int:
    """Reload workflows."""
    printer, values = make_parser().parse(argv)
    return tell(
        printer,
        to_all(workflow_names(values.workflows), {}),
        "reload_workflow",
        timeout=values.comms_timeout,
        reason=values.reason,
        wait_seconds=wait_seconds(values),
        say=lambda result: "reloaded",
    )
