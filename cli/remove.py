"""`tidemill remove`: take tasks out of the run."""

from __future__ import annotations

from .exceptions import InputError
from .plain import Parser
from .task_commands import act, task_parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = task_parser(
        "remove",
        "Take tasks out of the run, and forget that they ran: they leave the active tasks, their jobs are ended,\n"
        "and what only they made ready is not ready any more.",
        """
  tidemill remove ocean//1/relax              from all flows
  tidemill remove --flow=1 ocean//1/relax     from one flow; the task may remain in others
  tidemill remove 'ocean//*/*:failed'         every active task that has failed
  tidemill remove --plan ocean//1/relax       what that would do
""",
        with_plans=True,
    )
    parser.add_argument(
        "--flow", action="append", default=[], metavar="NUMBER", help="remove from this flow only; may be repeated"
    )
    return parser


def main(argv: list[str]) -> int:
    """Remove tasks."""
    printer, values = make_parser().parse(argv)
    for flow in values.flow:
        if not flow.isdecimal() and flow != "all":
            raise InputError(f"--flow={flow}: expected the number of a flow")
    flows = [] if "all" in values.flow else values.flow
    return act(printer, values, "remove_tasks", verb="removed", flow=flows)
