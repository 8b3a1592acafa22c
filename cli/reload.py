"""`tidemill reload`: take up a changed definition."""

from __future__ import annotations

from .control import tell, to_all, wait_seconds, workflow_names
from .exceptions import InputError
from .plain import Parser
from .plans import add_plan_options, apply_plans, show_plans


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "reload",
        "Let running workflows read their definition anew and go on with it. A definition that is not valid is\n"
        "refused, and the run goes on with the one it has. With --plan the exit code is 0 if nothing would change,\n"
        "2 if something would, and 1 for an error, such as a definition that is not valid.",
        json=True,
        examples="""
  tidemill reload ocean
  tidemill reload --plan ocean      what differs, and what that would do to the run
""",
    )
    parser.add_argument("ids", nargs="*", metavar="WORKFLOW", help="a workflow, or a pattern in quotes: 'ocean*'")
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
    add_plan_options(parser)
    return parser


def main(argv: list[str]) -> int:
    """Reload workflows."""
    printer, values = make_parser().parse(argv)
    if values.apply is not None:
        requests = apply_plans(values, "reload_workflow")
    elif values.ids:
        requests = to_all(workflow_names(values.ids), {})
    else:
        raise InputError("name the workflow to reload")
    if values.plan:
        return show_plans(printer, requests, "reload_workflow", timeout=values.comms_timeout, tell_changes=True)
    return tell(
        printer,
        requests,
        "reload_workflow",
        timeout=values.comms_timeout,
        reason=values.reason,
        wait_seconds=wait_seconds(values),
        say=lambda result: "reloaded",
    )
