"""`tidemill ext-trigger`: report an event that tasks of a running workflow wait for."""

from __future__ import annotations

import sys
import time

from ..network.exceptions import ClientError
from .control import Result, tell, to_all, workflow_names
from .plain import Parser


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "ext-trigger",
        "Report an event to a running workflow: the next task that waits for its message, as listed under\n"
        "[special tasks]external-trigger, waits no more. Each event is used once, also if it comes before the task.\n"
        "Jobs of the same cycle point then find the ID in CYLC_EXT_TRIGGER_ID.",
        json=True,
        examples="\n  tidemill ext-trigger ocean 'new data' /data/in/2030-01-01.nc\n",
    )
    parser.add_argument("workflow", metavar="WORKFLOW")
    parser.add_argument("message", metavar="MESSAGE", help="as in the workflow's definition")
    parser.add_argument("id", metavar="ID", help="what tells this event from others: a file name, a time")
    parser.add_argument(
        "--max-tries", type=int, default=5, metavar="N", help="try so often to reach the workflow (default 5)"
    )
    parser.add_argument(
        "--retry-interval", type=float, default=10.0, metavar="SECONDS", help="time between tries (default 10)"
    )
    parser.add_reason()
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Report an event, again and again if the workflow cannot be reached."""
    printer, values = make_parser().parse(argv)
    arguments = {"message": values.message, "id": values.id}

    def say(result: Result) -> str:
        if not result.get("is_known", True):
            return f"kept, though no task waits for the message {values.message!r}"
        tasks = result.get("tasks") or ()
        return f"used by {', '.join(tasks)}" if tasks else "kept until a task waits for it"

    left = max(values.max_tries, 1)
    while True:
        left -= 1
        try:
            return tell(
                printer,
                to_all(workflow_names([values.workflow]), arguments),
                "ext_trigger",
                timeout=values.comms_timeout,
                reason=values.reason,
                say=say,
            )
        except ClientError as error:
            if not left:
                raise
            print(f"{error}\nTrying again in {values.retry_interval:g} s: {left} left", file=sys.stderr)
            time.sleep(values.retry_interval)
