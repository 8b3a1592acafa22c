"""`tidemill set`: complete outputs of tasks, or satisfy their prerequisites."""

from __future__ import annotations

from .exceptions import InputError
from .plain import Parser
from .task_commands import act, add_flow_options, flow_arguments, split_commas, task_parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = task_parser(
        "set",
        "Complete outputs of tasks, as if their jobs had reported them, or satisfy prerequisites. Without options\n"
        "the required outputs are completed. An output is named as in the graph; succeeded and failed imply\n"
        "started, and that submitted.",
        """
  tidemill set ocean//3/relax                    complete what is required of it
  tidemill set --out=succeeded ocean//3/relax    complete one output, and what it implies
  tidemill set --pre=3/relax:file ocean//3/plot  satisfy one prerequisite
  tidemill set --pre=all ocean//3/plot           satisfy all of them
  tidemill set --pre=xtrigger/clock ocean//3/in  satisfy an xtrigger
""",
        with_flows=True,
        with_plans=True,
    )
    parser.add_argument(
        "-o",
        "--out",
        "--output",
        action="append",
        default=[],
        metavar="OUTPUT[,...]",
        help="complete these outputs; also 'required', and 'skip' for those of [skip]outputs",
    )
    parser.add_argument(
        "-p",
        "--pre",
        "--prerequisite",
        action="append",
        default=[],
        metavar="PREREQUISITE[,...]",
        help="satisfy these: CYCLE/TASK[:OUTPUT], 'all', xtrigger/NAME or xtrigger/all",
    )
    add_flow_options(parser)
    return parser


def main(argv: list[str]) -> int:
    """Set outputs or prerequisites of tasks."""
    printer, values = make_parser().parse(argv)
    outputs, prerequisites = split_commas(values.out), split_commas(values.pre)
    if outputs and prerequisites:
        raise InputError("give --out or --pre, not both")
    if "all" in prerequisites and len(prerequisites) > 1:
        raise InputError("--pre=all must stand alone")
    return act(
        printer,
        values,
        "set",
        verb="set",
        outputs=outputs,
        prerequisites=prerequisites,
        **flow_arguments(values),
    )
