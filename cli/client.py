"""`tidemill client`: call an endpoint of a running scheduler, for scripts."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from ..contact.suite_servers import is_suite_server, parse_server
from .exceptions import InputError
from .plain import Parser
from .suites import client_of
from .workflows import find_run

if TYPE_CHECKING:
    from ..network.client import RequestClient

PROTOBUF_MESSAGES = {
    "edges": "EDeltas",
    "families": "FDeltas",
    "family_proxies": "FPDeltas",
    "jobs": "JDeltas",
    "tasks": "TDeltas",
    "task_proxies": "TPDeltas",
    "workflow": "WDeltas",
}
"""By ``element_type`` of ``pb_data_elements``: the message its answer holds."""


def main(argv: list[str]) -> int:
    """Print the answer of an endpoint as JSON."""
    parser = Parser("client", "Call an endpoint of a running scheduler; its answer is printed as JSON.")
    parser.add_argument("workflow", metavar="WORKFLOW", help="or a suite server: HOST:PORT")
    parser.add_argument("method", metavar="METHOD", help="the endpoint: 'api' lists them")
    parser.add_argument(
        "-n",
        "--no-input",
        action="store_true",
        help="no arguments; otherwise they are read from standard input, as one JSON object",
    )
    parser.add_timeout()
    _, values = parser.parse(argv)
    arguments = {} if values.no_input else read_arguments(sys.stdin.read())

    if is_suite_server(values.workflow):
        client: RequestClient = client_of(parse_server(values.workflow), values.comms_timeout)
    else:
        from ..network.client import WorkflowRuntimeClient

        client = WorkflowRuntimeClient(find_run(values.workflow), timeout=values.comms_timeout)
    with client:
        answer = client(values.method, arguments)
    if isinstance(answer, bytes):
        answer = decode_protobuf(answer, arguments.get("element_type"))
    json.dump(answer, sys.stdout, indent=4)
    sys.stdout.write("\n")
    return 0


def read_arguments(text: str) -> dict[str, Any]:
    """The keyword arguments of a call, from one JSON object.

    Raises:
        InputError: it is not one.
    """
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as error:
        advice = "give -n where the endpoint needs no arguments"
        what = f"line {error.lineno}: {error.msg}" if text.strip() else "it is empty"
        raise InputError(f"standard input is not a JSON object ({what}); {advice}") from error
    if not isinstance(arguments, dict):
        raise InputError(f"standard input must be one JSON object of arguments, not {text.strip()[:40]}")
    return arguments


def decode_protobuf(data: bytes, element_type: str | None) -> dict[str, Any]:
    """The answer of a protobuf endpoint as plain data."""
    from google.protobuf.json_format import MessageToDict

    from ..proto import data_messages_pb2

    name = PROTOBUF_MESSAGES.get(element_type or "", "PbEntireWorkflow")
    message = getattr(data_messages_pb2, name)()
    message.ParseFromString(data)
    found: dict[str, Any] = MessageToDict(message)
    return found
