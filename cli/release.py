"""`tidemill release`: let held tasks go."""

from __future__ import annotations

from .control import changed, tell, to_all, wait_seconds, workflow_names
from .plain import Parser
from .task_commands import act, task_parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = task_parser(
        "release",
        "Let held tasks submit jobs again.",
        """
  tidemill release ocean//1/relax        a task
  tidemill release 'ocean//1/*'          every active task of a cycle
  tidemill release ocean --all           every held task, and forget the point of 'hold --after'
""",
    )
    parser.add_argument(
        "--all", action="store_true", help="release all held tasks, and remove the point of 'hold --after'"
    )
    return parser


def main(argv: list[str]) -> int:
    """Release tasks, or all of them."""
    printer, values = make_parser().parse(argv)
    if not values.all:
        return act(printer, values, "release", verb="released")
    names = workflow_names(values.ids, advice="with --all workflows are named")
    return tell(
        printer,
        to_all(names, {}),
        "release_hold_point",
        timeout=values.comms_timeout,
        reason=values.reason,
        wait_seconds=wait_seconds(values),
        say=lambda result: changed("released", result),
    )
