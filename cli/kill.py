"""`tidemill kill`: end jobs."""

from __future__ import annotations

from .plain import Parser
from .task_commands import act, task_parser


def make_parser() -> Parser:
    """The options of the command."""
    return task_parser(
        "kill",
        "End submitted and running jobs. Their tasks fail and are held, so that no retry follows until released.",
        """
  tidemill kill ocean//1/relax         one job
  tidemill kill ocean //1/a //1/b      several
  tidemill kill 'ocean//*:running'     every running job
  tidemill kill --wait ocean//1/relax  and return once it has ended
""",
    )


def main(argv: list[str]) -> int:
    """Kill the jobs of tasks."""
    printer, values = make_parser().parse(argv)
    return act(printer, values, "kill_tasks", verb="killed")
