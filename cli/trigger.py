"""`tidemill trigger`: run tasks now."""

from __future__ import annotations

from .plain import Parser
from .task_commands import act, add_flow_options, flow_arguments, task_parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = task_parser(
        "trigger",
        "Run tasks now, also in a paused workflow. Dependencies among the tasks named are respected, all others\n"
        "count as satisfied. Tasks that have run before run again. A task not queued yet is queued first where\n"
        "its queue is full; triggered once more it runs regardless.",
        """
  tidemill trigger ocean//1/relax               run a task
  tidemill trigger ocean //1/relax //1/plot     run a group: relax, and plot after it
  tidemill trigger 'ocean//*:failed'            run all failed tasks again
  tidemill trigger --flow=new ocean//1/relax    run on from there in a new flow
  tidemill trigger --until-done ocean//1/relax  return once its job is submitted
  tidemill trigger --plan ocean//1/relax        what that would do; do it with --apply
""",
        with_flows=True,
        with_plans=True,
    )
    add_flow_options(parser)
    parser.add_argument("--on-resume", action="store_true", help="accepted for older scripts; changes nothing")
    return parser


def main(argv: list[str]) -> int:
    """Trigger tasks."""
    printer, values = make_parser().parse(argv)
    return act(printer, values, "force_trigger_tasks", verb="triggered", **flow_arguments(values))
