"""`tidemill poll`: look at jobs anew."""

from __future__ import annotations

from .plain import Parser
from .task_commands import act, task_parser


def make_parser() -> Parser:
    """The options of the command."""
    return task_parser(
        "poll",
        "Look at jobs anew: at their status files, and at what their job runner says of them.",
        """
  tidemill poll ocean//1/relax     one job
  tidemill poll 'ocean//*'         every active job
""",
    )


def main(argv: list[str]) -> int:
    """Poll the jobs of tasks."""
    printer, values = make_parser().parse(argv)
    return act(printer, values, "poll_tasks", verb="polled")
