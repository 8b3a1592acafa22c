"""The interface of a running workflow as a whole: endpoints and what `api` says of them, elements, receipts, roles."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from tidemill.contact.keys import CLIENT_SECRET, add_client_key, read_key_pair
from tidemill.network.client import WorkflowRuntimeClient
from tidemill.network.exceptions import ClientError
from tidemill.proto import data_messages_pb2

Program = Callable[..., subprocess.CompletedProcess[str]]

WORKFLOW = """
[scheduling]
    [[graph]]
        R1 = a => b & c => d
[runtime]
    [[FAM]]
    [[a, d]]
    [[b, c]]
        inherit = FAM
"""

ELEMENTS = {
    "edges": "EDeltas",
    "families": "FDeltas",
    "family_proxies": "FPDeltas",
    "jobs": "JDeltas",
    "tasks": "TDeltas",
    "task_proxies": "TPDeltas",
    "workflow": "WDeltas",
}

MUTATIONS = {
    "broadcast": 'namespaces: ["a"], settings: [{script: "true"}]',
    "extTrigger": 'message: "data", id: "1"',
    "hold": 'tasks: ["1/a"]',
    "kill": 'tasks: ["1/a"]',
    "message": 'taskJob: "1/a/01", messages: [["INFO", "hello"]]',
    "poll": 'tasks: ["1/a"]',
    "release": 'tasks: ["1/a"]',
    "releaseHoldPoint": "",
    "reload": "",
    "resume": "",
    "pause": "",
    "set": 'tasks: ["1/d"], prerequisites: ["1/b"]',
    "setGraphWindowExtent": "nEdgeDistance: 2",
    "setHoldPoint": 'point: "1"',
    "remove": 'tasks: ["1/d"]',
    "setVerbosity": "level: DEBUG",
    "stop": 'cyclePoint: "1"',
    "trigger": 'tasks: ["1/a"]',
}
"""Every mutation, with arguments besides the workflows, in an order in which a paused run stays."""


@pytest.fixture
def run(home: Path, tidemill: Program) -> Iterator[Path]:
    """A paused workflow ``w``."""
    directory = home / "cylc-run" / "w"
    directory.mkdir(parents=True)
    (directory / "flow.cylc").write_text(WORKFLOW)
    assert tidemill("play", "--pause", "w").returncode == 0
    yield directory
    tidemill("stop", "--now", "--now", "--wait", "w")


def mutate(client: WorkflowRuntimeClient, name: str) -> Any:
    """The response of a mutation."""
    extra = f", {MUTATIONS[name]}" if MUTATIONS[name] else ""
    text = f'mutation {{ {name}(workflows: ["w"]{extra}) {{ result }} }}'
    (result,) = client("graphql", {"request_string": text})[name]["result"]
    return result["response"]


def test_api_describes_every_endpoint(run: Path) -> None:
    """`api` lists the endpoints, and tells of each how it is called and, in a sentence, what for."""
    with WorkflowRuntimeClient("w") as client:
        names = client("api")
        wanted = {"api", "ping_workflow", "graphql", "pb_entire_workflow", "pb_data_elements", "why", "receipts"}
        assert wanted <= set(names)
        for name in names:
            signature, blank, first, *_ = client("api", {"endpoint": name}).split("\n")
            assert signature.startswith(f"{name}(")
            assert blank == ""
            assert len(first) > 20
            assert first.rstrip(".:,")
        with pytest.raises(ClientError, match="graphql"):
            client("api", {"endpoint": "grafql"})


def test_elements_of_every_type_and_of_all(run: Path) -> None:
    """Each type comes as its own deltas, all of it added; `all` holds the same; what is no type is an error."""
    with WorkflowRuntimeClient("w") as client:
        whole = data_messages_pb2.PbEntireWorkflow.FromString(client("pb_entire_workflow"))
        everything = data_messages_pb2.AllDeltas.FromString(client("pb_data_elements", {"element_type": "all"}))
        for kind, name in ELEMENTS.items():
            answer = client("pb_data_elements", {"element_type": kind})
            deltas: Any = getattr(data_messages_pb2, name).FromString(answer)
            if kind == "workflow":
                assert deltas.added.id == whole.workflow.id == everything.workflow.added.id
                continue
            ids = _ids(getattr(whole, kind))
            assert _ids(deltas.added) == ids == _ids(getattr(everything, kind).added)
            assert ids or kind == "jobs"
            assert deltas.time >= whole.workflow.last_updated
        with pytest.raises(ClientError, match="nonsense"):
            client("pb_data_elements", {"element_type": "nonsense"})


def _ids(elements: list[Message]) -> set[str]:
    return {element.id for element in elements}  # type: ignore[attr-defined]


def test_every_mutation_has_a_receipt(run: Path, tidemill: Program) -> None:
    """Whatever is changed by GraphQL is on record with what came of it; jobs' messages are no commands."""
    with WorkflowRuntimeClient("w") as client:
        kinds = client(
            "graphql",
            {"request_string": '{ __type(name: "Mutations") { fields { name } } }'},
        )["__type"]["fields"]
        assert {field["name"] for field in kinds} == set(MUTATIONS)
        for name in MUTATIONS:
            mutate(client, name)
        window = client("graphql", {"request_string": "{ workflows { nEdgeDistance } }"})
        assert window == {"workflows": [{"nEdgeDistance": 2}]}
    receipts = json.loads(tidemill("receipts", "--json", "w").stdout)
    assert len(receipts) == len(MUTATIONS) - 1
    by_name = {receipt["name"]: receipt for receipt in receipts}
    assert by_name["set_verbosity"]["result"] == {"level": "DEBUG"}
    assert by_name["set_graph_window_extent"]["result"] == {"extent": 2}
    assert all(receipt["state"] in ("applied", "refused") for receipt in receipts)
    assert {receipt["name"] for receipt in receipts if receipt["state"] == "refused"} <= {"kill_tasks", "poll_tasks"}
    text = tidemill("receipts", "w").stdout
    assert "the log: DEBUG and above" in text
    assert "the window: 2 edges around what is active" in text


def test_what_a_mutation_is_refused_for(run: Path) -> None:
    """Reasons come as responses: what makes no sense is not taken."""
    with WorkflowRuntimeClient("w") as client:
        text = 'mutation { setGraphWindowExtent(workflows: ["w"], nEdgeDistance: -1) { result } }'
        answer = client("graphql", {"request_string": text})["setGraphWindowExtent"]["result"]
        assert answer[0]["response"][0] is False
        assert "0 or more" in answer[0]["response"][1]
        with pytest.raises(ClientError, match="DEBUG, INFO"):
            client("set_verbosity", {"level": "LOUD"})
        assert client("set_verbosity", {"level": "normal"}) is True


def test_a_key_limited_to_reading_changes_nothing(run: Path) -> None:
    """Who may only look may ask everything, and is refused every mutation and every endpoint that controls or stops."""
    service = run / ".service"
    ours, visitors = (service / "client_public_keys" / f"client_{name}.key" for name in ("localhost", "visitor"))
    public = read_key_pair(service / CLIENT_SECRET).public
    ours.unlink()
    add_client_key(service, "visitor", public, role="read")
    with WorkflowRuntimeClient("w") as client:
        assert client("ping_workflow") is True
        assert client("graphql", {"request_string": "{ workflows { name } }"}) == {"workflows": [{"name": "w"}]}
        assert client("why", {"task": "1/d"})["is_known"]
        before = client("pb_entire_workflow")
        for name in MUTATIONS:
            is_taken, reason = mutate(client, name) if name != "broadcast" else _refused_broadcast(client)
            assert (is_taken, "may look" in reason) == (False, True), name
        for endpoint, arguments in (
            ("command", {"name": "pause"}),
            ("pause_workflow", {}),
            ("resume_workflow", {}),
            ("stop_workflow", {}),
            ("set_verbosity", {"level": "DEBUG"}),
            ("put_messages", {"task_job": "1/a/01", "messages": []}),
        ):
            with pytest.raises(ClientError, match="not allowed"):
                client(endpoint, arguments)
        after = client("pb_entire_workflow")
        assert _ids_of(before) == _ids_of(after)
        assert client("receipts") == []
    visitors.unlink()
    add_client_key(service, "localhost", public)


def _refused_broadcast(client: WorkflowRuntimeClient) -> tuple[bool, str]:
    # A broadcast answers with what was set and what was wrong, not with whether it was taken.
    response = mutate(client, "broadcast")
    return bool(response[0]), json.dumps(response[1])


def _ids_of(data: bytes) -> set[str]:
    whole = data_messages_pb2.PbEntireWorkflow.FromString(data)
    return _ids(whole.task_proxies)


def test_why_by_graphql(run: Path) -> None:
    """The query `why` tells what the endpoint tells, for whole and relative IDs."""
    with WorkflowRuntimeClient("w") as client:
        told = client("why", {"task": "1/d"})
        whole = client("graphql", {"request_string": "{ workflows { id } }"})["workflows"][0]["id"]
        for identity in ("1/d", "//1/d", f"{whole}//1/d"):
            answer = client(
                "graphql",
                {"request_string": "query ($id: ID!) { why(id: $id) }", "variables": {"id": identity}},
            )["why"]
            assert {**answer, "now": 0} == {**told, "now": 0}
        assert client("graphql", {"request_string": '{ why(id: "~nobody/other//1/d") }'}) == {"why": None}
