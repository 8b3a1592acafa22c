"""`tidemill hold`: keep tasks from submitting jobs."""

from __future__ import annotations

from .control import changed, tell, to_all, wait_seconds, workflow_names
from .plain import Parser
from .task_commands import act, task_parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = task_parser(
        "hold",
        "Keep tasks from submitting jobs until they are released. Tasks that are not active yet are held when\n"
        "they become so. To hold up everything: tidemill pause.",
        """
  tidemill hold ocean//1/relax               a task, active or not
  tidemill hold ocean //1/relax //2/relax    several
  tidemill hold 'ocean//*/*:failed'          every active task that has failed
  tidemill hold ocean --after=3              everything after a cycle point, now and later
""",
    )
    parser.add_argument(
        "--after", metavar="POINT", help="hold all tasks after this cycle point; the IDs are then workflows only"
    )
    return parser


def main(argv: list[str]) -> int:
    """Hold tasks, or all after a cycle point."""
    printer, values = make_parser().parse(argv)
    if values.after is None:
        return act(printer, values, "hold", verb="held")
    names = workflow_names(values.ids, advice="with --after workflows are named")
    return tell(
        printer,
        to_all(names, {"point": values.after}),
        "set_hold_point",
        timeout=values.comms_timeout,
        reason=values.reason,
        wait_seconds=wait_seconds(values),
        say=lambda result: (
            f"holding all tasks after {result.get('point', values.after)}"
            + (f"; {changed('held', result)}" if result.get("tasks") else "")
        ),
    )
