"""`tidemill subscribe`: print what a scheduler publishes, as it changes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from .client import PROTOBUF_MESSAGES
from .control import workflow_names
from .exceptions import InputError
from .plain import Parser
from .workflows import find_run

if TYPE_CHECKING:
    from ..network.subscriber import WorkflowSubscriber

TOPICS = {**PROTOBUF_MESSAGES, "all": "AllDeltas"}
"""What is published, and the message it comes as."""
SHUTDOWN = "shutdown"
LOOK_SECONDS = 10.0
"""How long nothing may come before the scheduler is looked for."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "subscribe",
        "Print what a scheduler publishes, until it stops: what was added, updated and pruned, as JSON. With --json\n"
        "one line each: {topic, deltas}. The last is the topic shutdown with the reason.",
        json=True,
        examples="""
  tidemill subscribe ocean                         changes of the workflow itself
  tidemill subscribe -T task_proxies,jobs ocean    changes of tasks and jobs
  tidemill subscribe -T all --once ocean           one publication of everything
""",
    )
    parser.add_argument("workflow", metavar="WORKFLOW")
    parser.add_argument(
        "-T",
        "--topics",
        default="workflow",
        metavar="TOPIC,...",
        help=f"which: {', '.join(TOPICS)}; default: workflow",
    )
    parser.add_argument("-o", "--once", action="store_true", help="end after the first")
    parser.add_argument(
        "--comms-timeout",
        type=float,
        default=None,
        metavar="SECONDS",
        help="end with an error if nothing is published for so long; default: wait for ever",
    )
    return parser


def main(argv: list[str]) -> int:
    """Print publications until the scheduler stops."""
    printer, values = make_parser().parse(argv)
    topics = [topic.strip() for topic in values.topics.split(",") if topic.strip()]
    if unknown := [topic for topic in topics if topic not in (*TOPICS, SHUTDOWN)]:
        raise InputError(f"--topics: {', '.join(unknown)}: a topic is one of {', '.join((*TOPICS, SHUTDOWN))}")
    if not topics:
        raise InputError("--topics: name at least one")
    run = find_run(workflow_names([values.workflow])[0])
    is_json = bool(getattr(values, "json", False))

    from ..network.subscriber import WorkflowSubscriber

    with WorkflowSubscriber(run, topics) as subscriber:
        printer.info(f"subscribed to {', '.join(topics)} of {run}")
        while (message := _next(subscriber, values.comms_timeout)) is not None:
            topic, payload = message
            told = payload.decode("utf-8", "replace") if topic == SHUTDOWN else decoded(topic, payload)
            if is_json:
                sys.stdout.write(json.dumps({"topic": topic, "deltas": told}) + "\n")
            else:
                sys.stdout.write(f"Received: {topic}\n{json.dumps(told, indent=4)}\n")
            sys.stdout.flush()
            if values.once:
                break
    return 0


def _next(subscriber: WorkflowSubscriber, timeout: float | None) -> tuple[str, bytes] | None:
    """The next message; None after the last.

    Raises:
        ClientTimeout: none came in time.
        WorkflowStopped: the scheduler went without saying so.
    """
    if timeout is not None:
        return subscriber.receive(timeout)
    from ..contact.file import Liveness, detect_old_contact
    from ..contact.paths import contact_path
    from ..network.exceptions import ClientTimeout, WorkflowStopped

    # A scheduler that was killed says no last word: look now and then whether it is still there.
    path = contact_path(subscriber.workflow)
    while True:
        try:
            return subscriber.receive(LOOK_SECONDS)
        except ClientTimeout:
            if not path.exists() or detect_old_contact(path) is Liveness.DEAD:
                raise WorkflowStopped(f"{subscriber.workflow} is not running any more, and did not say why") from None


def decoded(topic: str, payload: bytes) -> dict[str, Any]:
    """What was published, as plain data."""
    from google.protobuf.json_format import MessageToDict

    from ..proto import data_messages_pb2

    message = getattr(data_messages_pb2, TOPICS[topic])()
    message.ParseFromString(payload)
    found: dict[str, Any] = MessageToDict(message)
    return found
