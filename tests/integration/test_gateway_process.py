"""The gateway as people run it: a process, a real scheduler behind it, HTTP and websockets before it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Program = Callable[..., subprocess.CompletedProcess[str]]
PROTOCOL = "graphql-transport-ws"
DEADLINE_SECONDS = 20.0

FLOW = """
[scheduling]
    cycling mode = integer
    final cycle point = 2
    [[graph]]
        P1 = b[-P1] => a => b
[runtime]
    [[a, b]]
        script = while [[ ! -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 0.05; done
"""
MANY = """
[task parameters]
    n = 1..400
[scheduling]
    [[graph]]
        R1 = t<n>
[runtime]
    [[t<n>]]
"""


class Gateway:
    """A running gateway, and ways to ask it."""

    def __init__(self, process: subprocess.Popen[str], link: str) -> None:
        self.process = process
        self.base, _, self.token = link.partition("/?token=")
        self.session = ""

    def post(
        self, path: str, body: Any, *, bearer: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        given = {"Content-Type": "application/json", **(headers or {})}
        if bearer is not None:
            given["Authorization"] = f"Bearer {bearer}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, headers=given)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def log_in(self) -> Gateway:
        """Trade the token for a session."""
        self.session = self.post("/session", {}, bearer=self.token)[1]["session"]
        return self

    def graphql(self, query: str, **variables: Any) -> tuple[int, Any]:
        """Ask with the session."""
        return self.post("/graphql", {"query": query, "variables": variables}, bearer=self.session)

    def connect(self, *, session: bool = True, protocol: str = PROTOCOL, **options: Any) -> connect:
        """A websocket."""
        headers = {"Authorization": f"Bearer {self.session}"} if session else {}
        return connect(
            self.base.replace("http", "ws") + "/graphql",
            subprotocols=[protocol],  # type: ignore[list-item]
            additional_headers=headers,
            max_size=None,
            **options,
        )


@pytest.fixture
def gateway(home: Path) -> Iterator[Callable[..., Gateway]]:
    """`gateway("id")`: start `tidemill gateway id`; it must end well when it is told to."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Gateway:
        process = subprocess.Popen(
            ["tidemill", "gateway", *arguments], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        if not link:
            pytest.fail(process.communicate(timeout=DEADLINE_SECONDS)[1])
        return Gateway(process, link)

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        _, remarks = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == 0, remarks
        assert remarks == ""


@pytest.fixture
def play(home: Path, tidemill: Program) -> Iterator[Callable[..., Path]]:
    """`play("id", FLOW)`: write a workflow and start it; all are stopped at the end."""
    played: list[str] = []

    def start(name: str, text: str, *options: str) -> Path:
        run = home / "cylc-run" / name
        if not run.exists():
            run.mkdir(parents=True)
            (run / "flow.cylc").write_text(text)
        answer = tidemill("play", name, *options)
        assert answer.returncode == 0, answer.stderr
        played.append(name)
        return run

    yield start
    for name in set(played):
        if (home / "cylc-run" / name / ".service" / "contact").exists():
            stop(tidemill, home, name)


def stop(tidemill: Program, home: Path, name: str) -> None:
    """Stop a workflow, and wait until it is gone."""
    tidemill("stop", "--now", "--now", name)
    contact = home / "cylc-run" / name / ".service" / "contact"
    deadline = time.monotonic() + DEADLINE_SECONDS
    while contact.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def receive(websocket: ClientConnection) -> Any:
    """The next message."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        return json.loads(await websocket.recv())


async def begin(websocket: ClientConnection, payload: Any = None) -> None:
    """The protocol's greeting."""
    await websocket.send(json.dumps({"type": "connection_init", "payload": payload}))
    assert (await receive(websocket))["type"] == "connection_ack"


async def subscribe(websocket: ClientConnection, id: str, query: str) -> None:
    """Start an operation."""
    await websocket.send(json.dumps({"type": "subscribe", "id": id, "payload": {"query": query}}))


async def code_of(websocket: ClientConnection) -> int:
    """The code the server closes with."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            await receive(websocket)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


def test_only_who_holds_a_token_or_session_is_let_in(play: Any, gateway: Any) -> None:
    """Nothing is answered without a session; the link of the start buys one, once, as a cookie or for a header."""
    play("demo", FLOW, "--pause")
    served = gateway("demo")
    assert served.base.startswith("http://127.0.0.1:")
    assert served.post("/graphql", {"query": "{workflows{id}}"})[0] == 401
    assert served.post("/graphql", {"query": "{workflows{id}}"}, bearer=served.token)[0] == 401
    assert served.post("/session", {}, bearer="guess")[0] == 401

    with closing(HTTPConnection(urlsplit(served.base).netloc, timeout=DEADLINE_SECONDS)) as browser:
        browser.request("GET", "/")
        assert browser.getresponse().status == 401
    with closing(HTTPConnection(urlsplit(served.base).netloc, timeout=DEADLINE_SECONDS)) as browser:
        browser.request("GET", f"/?token={served.token}")
        response = browser.getresponse()
        response.read()
        assert (response.status, response.headers["Location"]) == (303, "/")
        cookie = response.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        # Used once is used up.
        browser.request("GET", f"/?token={served.token}")
        response = browser.getresponse()
        response.read()
        assert response.status == 401
        headers = {"Cookie": cookie.partition(";")[0]}
        browser.request("GET", "/", headers=headers)
        response = browser.getresponse()
        response.read()
        assert response.status == 200
    # Of a page of another server, whose browser sends the cookie all the same, nothing is taken.
    asked = {"query": "{workflows{id}}"}
    assert served.post("/graphql", asked, headers=headers)[0] == 200
    assert served.post("/graphql", asked, headers={**headers, "Origin": served.base})[0] == 200
    assert served.post("/graphql", asked, headers={**headers, "Origin": "http://127.0.0.1:1"})[0] == 401
    # Who is in can let another browser in.
    status, answer = served.post("/token", {}, headers=headers)
    assert status == 200
    assert served.post("/session", {}, bearer=answer["url"].partition("=")[2])[0] == 200


def test_queries_and_mutations_reach_the_scheduler_and_errors_have_places(
    play: Any, gateway: Any, home: Path, tidemill: Program
) -> None:
    """POST /graphql answers as the scheduler does; what is wrong comes back as GraphQL errors with locations."""
    play("demo", FLOW, "--pause")
    served = gateway("demo").log_in()
    status, answer = served.graphql("query($ids:[ID]){workflows(ids:$ids){id status}}", ids=["demo"])
    assert status == 200
    assert answer["data"]["workflows"][0]["status"] == "paused"
    status, answer = served.graphql('mutation{resume(workflows:["demo"]){result}}')
    assert status == 200
    assert answer["data"]["resume"]["result"][0]["response"][0] is True

    status, answer = served.graphql("{workflows{\n  nope\n}}")
    assert status == 400
    assert answer["errors"][0]["locations"] == [{"line": 2, "column": 3}]
    assert "nope" in answer["errors"][0]["message"]
    status, answer = served.graphql("query($x:Int!){taskProxies(graphDepth:$x){id}}")
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 7}]
    status, answer = served.graphql("subscription{deltas{id}}")
    assert status == 400
    assert "websocket" in answer["errors"][0]["message"]
    assert served.post("/graphql", b"{", bearer=served.session)[0] == 400
    assert served.post("/graphql", [], bearer=served.session)[0] == 400
    assert served.post("/graphql", b"{}", bearer=served.session, headers={"Content-Type": "text/plain"})[0] == 415
    assert served.post("/graphql", b" " * (2 << 20), bearer=served.session)[0] == 413

    stop(tidemill, home, "demo")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while served.graphql("{workflows{id}}")[0] != 503:
        assert time.monotonic() < deadline


async def test_the_protocol_is_kept_and_breaches_end_with_its_codes(play: Any, gateway: Any) -> None:
    """graphql-transport-ws: greeting, pings, errors, and a close code for each thing a client must not do."""
    play("demo", FLOW, "--pause")
    served = gateway("demo").log_in()
    # The one who never greets is waited for while the others are tried.
    async with served.connect() as silent:
        async with served.connect() as one:
            await begin(one)
            await one.send(json.dumps({"type": "ping", "payload": {"a": 1}}))
            assert await receive(one) == {"type": "pong", "payload": {"a": 1}}
            await subscribe(one, "q", "{workflows{status}}")
            assert (await receive(one))["payload"] == {"data": {"workflows": [{"status": "paused"}]}}
            assert await receive(one) == {"type": "complete", "id": "q"}
            await subscribe(one, "q", "subscription{deltas{nope}}")
            wrong = await receive(one)
            assert (wrong["type"], wrong["id"]) == ("error", "q")
            assert wrong["payload"][0]["locations"] == [{"line": 1, "column": 21}]
            await subscribe(one, "s", 'subscription{taskProxies(sort:{keys:["nope"]}){id}}')
            assert "Cannot sort" in (await receive(one))["payload"][0]["message"]
            await subscribe(one, "s", "subscription{workflows{status}}")
            assert (await receive(one))["type"] == "next"
            await one.send(json.dumps({"type": "complete", "id": "s"}))
            await subscribe(one, "s", "subscription{workflows{status}}")
            assert (await receive(one))["type"] == "next"
            await subscribe(one, "s", "subscription{workflows{status}}")
            assert await code_of(one) == 4409
        async with served.connect() as one:
            await begin(one)
            await one.send(json.dumps({"type": "connection_init"}))
            assert await code_of(one) == 4429
        for message in ("no json", "[]", '{"type": "nonsense"}', '{"type": "complete"}', b"bytes"):
            async with served.connect() as one:
                await begin(one)
                await one.send(message)
                assert await code_of(one) == 4400
        async with served.connect() as one:
            await subscribe(one, "s", "subscription{deltas{id}}")
            assert await code_of(one) == 4401
        async with served.connect(session=False) as one:
            await one.send(json.dumps({"type": "connection_init"}))
            assert await code_of(one) == 4401
        async with served.connect(session=False) as one:
            await begin(one, {"token": served.session})
        async with served.connect(protocol="graphql-ws") as one:
            assert await code_of(one) == 4406
        assert await code_of(silent) == 4408


DELTAS = (
    "subscription{deltas(stripNull:true){id shutdown "
    "added{workflow{status reloaded} taskProxies{id state} jobs{id state}} "
    "updated{workflow{status} taskProxies{id state} jobs{id state}} pruned{taskProxies jobs}}}"
)


class Shown:
    """What a page would show: deltas taken in as they come."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.reloads = 0
        self.has_stopped = False

    def take(self, message: Any) -> None:
        """A `next` message."""
        deltas = message["payload"]["data"]["deltas"]
        added, updated = deltas.get("added", {}), deltas.get("updated", {})
        if added.get("workflow", {}).get("reloaded"):
            self.states.clear()
            self.reloads += 1
        for part in (added, updated):
            for one in part.get("taskProxies", []) + part.get("jobs", []):
                self.states[one["id"]] = one["state"]
        for ids in deltas.get("pruned", {}).values():
            for id in ids:
                self.states.pop(id, None)
        self.has_stopped = deltas["shutdown"]


async def test_deltas_follow_a_run_to_its_end_and_into_the_next(
    play: Any, gateway: Any, home: Path, tidemill: Program
) -> None:
    """A burst of everything, then what changes as it changes, the stop, and the workflow anew when it comes back."""
    run = play("demo", FLOW, "--pause")
    served = gateway("demo").log_in()
    shown = Shown()
    async with served.connect() as websocket:
        await begin(websocket)
        await subscribe(websocket, "d", DELTAS)
        shown.take(await receive(websocket))
        assert shown.reloads == 1
        first = {id.partition("//")[2]: state for id, state in shown.states.items()}
        assert first["1/a"] == "waiting"

        served.graphql('mutation{resume(workflows:["demo"]){result}}')
        while "running" not in shown.states.values():
            shown.take(await receive(websocket))
        (run / "go").touch()
        while not shown.has_stopped:
            shown.take(await receive(websocket))
        assert shown.reloads == 1

        (run / "go").unlink()
        await asyncio.to_thread(tidemill, "clean", "-y", "demo")
        play("demo", FLOW)
        while "running" not in shown.states.values():
            shown.take(await receive(websocket))
        assert shown.reloads == 2
        assert not shown.has_stopped
        data = (await asyncio.to_thread(served.graphql, "{taskProxies{id state}}"))[1]["data"]
        assert {one["id"] for one in data["taskProxies"]} == {id for id in shown.states if id.count("/") == 4}


def held(deltas: Any, known: dict[str, bool]) -> dict[str, bool]:
    """Which tasks are held, after another change."""
    for part in ("added", "updated"):
        known |= {one["id"]: one["isHeld"] for one in deltas.get(part, {}).get("taskProxies", [])}
    return known


async def test_a_reader_who_does_not_read_delays_nobody_and_misses_nothing(play: Any, gateway: Any) -> None:
    """While one client lets everything pile up, another is told at once; the first ends up with the same picture."""
    play("many", MANY, "--pause")
    served = gateway("many").log_in()
    fields = "taskProxies{id isHeld name ancestors{id name state} runtime{script} outputs{label message} task{name}}"
    query = "subscription{deltas(stripNull:true){added{" + fields + "} updated{" + fields + "}}}"
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    address = urlsplit(served.base)
    narrow.connect((address.hostname, address.port))
    async with served.connect(max_queue=1, close_timeout=1, sock=narrow) as slow, served.connect() as quick:
        await begin(slow)
        await begin(quick)
        for number in range(10):
            await subscribe(slow, str(number), query)
        await subscribe(quick, "d", query)
        shown = held((await receive(quick))["payload"]["data"]["deltas"], {})
        assert set(shown.values()) == {False}
        longest = 0.0
        for turn in range(7):
            verb = "release" if turn % 2 else "hold"
            began = time.monotonic()
            await asyncio.to_thread(served.graphql, f'mutation{{{verb}(workflows:["many"],tasks:["*"]){{result}}}}')
            while set(shown.values()) != {verb == "hold"}:
                held((await receive(quick))["payload"]["data"]["deltas"], shown)
            longest = max(longest, time.monotonic() - began)
        assert longest < 5
        late: dict[str, dict[str, bool]] = {str(number): {} for number in range(10)}
        messages = 0
        while any(one != shown for one in late.values()):
            message = await receive(slow)
            held(message["payload"]["data"]["deltas"], late[message["id"]])
            messages += 1
        # What was not read was put together, not queued.
        assert messages < 10 * 7


async def test_without_a_workflow_all_that_run_are_served(play: Any, gateway: Any) -> None:
    """One gateway for several workflows: queries are answered for all, a mutation for whom it is meant."""
    play("one", FLOW, "--pause")
    play("two", FLOW, "--pause")
    served = gateway().log_in()
    async with served.connect() as websocket:
        await begin(websocket)
        await subscribe(websocket, "d", "subscription{deltas{id added{workflow{id}}}}")
        ids = {(await receive(websocket))["payload"]["data"]["deltas"]["id"].rpartition("/")[2] for _ in range(2)}
        assert ids == {"one", "two"}
        answer = served.graphql("{workflows{name}}")[1]
        assert {one["name"] for one in answer["data"]["workflows"]} == {"one", "two"}
        answer = served.graphql('mutation{resume(workflows:["one"]){result}}')[1]
        (result,) = answer["data"]["resume"]["result"]
        assert result["id"].endswith("/one")
        await subscribe(websocket, "w", "subscription{workflows(ignoreInterval:0){name status}}")
        while True:
            message = await receive(websocket)
            if message["id"] == "w":
                found = {one["name"]: one["status"] for one in message["payload"]["data"]["workflows"]}
                if found == {"one": "running", "two": "paused"}:
                    break


def test_what_cannot_be_served_is_said_plainly(home: Path, tidemill: Program, play: Any) -> None:
    """A workflow that is not there or does not run, and a port that is taken, are errors of one line."""
    answer = tidemill("gateway", "absent")
    assert answer.returncode == 1
    assert "workflow not found: absent" in answer.stderr
    run = home / "cylc-run" / "idle"
    run.mkdir()
    (run / "flow.cylc").write_text(FLOW)
    answer = tidemill("gateway", "idle")
    assert answer.returncode == 1
    assert "WorkflowStopped: idle is not running" in answer.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = tidemill("gateway", "--port", str(taken.getsockname()[1]))
        assert answer.returncode == 1
        assert "Cannot listen at 127.0.0.1" in answer.stderr
