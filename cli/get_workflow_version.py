"""`tidemill get-workflow-version`: which version a running workflow runs on."""

from __future__ import annotations

from ..contact.file import read_contact
from ..contact.paths import contact_path
from .control import workflow_names
from .plain import Parser
from .workflows import find_runs


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "get-workflow-version",
        "Print the version that running workflows run on, as their contact files say.",
        json=True,
        examples="\n  tidemill get-workflow-version ocean\n",
    )
    parser.add_argument("workflows", nargs="+", metavar="WORKFLOW", help="a workflow, or a pattern in quotes: 'ocean*'")
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Print the versions."""
    printer, values = make_parser().parse(argv)
    runs = find_runs(workflow_names(values.workflows), running=True)
    versions = {}
    for run in runs:
        contact = read_contact(contact_path(run))
        versions[run] = contact.tidemill_version or contact.cylc_version
    lines = [f"{run}: {version}" if len(runs) > 1 else version for run, version in versions.items()]
    printer.result(versions, "\n".join(lines))
    return 0
