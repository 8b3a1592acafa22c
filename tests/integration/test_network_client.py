"""The client: where it looks for a scheduler, what it says when there is none, and that no reply goes
astray."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from tidemill.contact.file import ContactFile, read_contact
from tidemill.contact.keys import SERVER_PUBLIC, create_keys
from tidemill.contact.paths import contact_path, service_directory
from tidemill.network.client import WorkflowRuntimeClient
from tidemill.network.exceptions import ClientError, ClientTimeout, ServerError, WorkflowStopped

SERVER = """
import asyncio, os, sys
from tidemill.contact.file import ContactFile
from tidemill.contact.keys import create_keys
from tidemill.contact.paths import contact_path, service_directory
from tidemill.network.server import WorkflowRuntimeServer

class Services:
    workflow = sys.argv[1]
    owner = "somebody"
    service_directory = service_directory(workflow)
    def log(self, level, text):
        pass

async def main():
    services = Services()
    create_keys(services.service_directory)
    ports = WorkflowRuntimeServer(services).start(asyncio.get_running_loop(), "127.0.0.1")
    contact = ContactFile.of_this_process(
        services.workflow, "127.0.0.1", *ports, run_directory="", owner="somebody", uuid="u", version="0"
    )
    contact.write(contact_path(services.workflow))
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def process(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A server of the workflow "far" in a process of its own."""
    child = subprocess.Popen([sys.executable, "-c", SERVER, "far"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


class SlowServer(threading.Thread):
    """A REP server that answers each request when told, as a reference server would: with keys, no
    correlation."""

    def __init__(self, workflow: str) -> None:
        super().__init__()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.REP)
        keys = create_keys(service_directory(workflow))
        self.socket.curve_server = True
        self.socket.curve_publickey, self.socket.curve_secretkey = keys
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.socket.rcvtimeo = 100
        self.answer = threading.Event()
        self.ending = False
        self.requests: list[bytes] = []

    def run(self) -> None:
        while not self.ending:
            try:
                request = self.socket.recv()
            except zmq.Again:
                continue
            self.requests.append(request)
            while not self.answer.wait(0.05) and not self.ending:
                pass
            self.socket.send(b'{"data": %d}' % len(self.requests))

    def end(self) -> None:
        self.ending = True
        self.join()
        self.socket.close(linger=0)
        self.context.term()


@pytest.fixture
def slow_server(home: Path) -> Iterator[SlowServer]:
    server = SlowServer("slow")
    server.start()
    yield server
    server.end()


async def test_ping_both_ways(serve) -> None:
    """A client calls, by whichever of its three ways, and gets the endpoint's data and nothing more."""
    await serve()
    with WorkflowRuntimeClient("one") as client:
        assert await asyncio.to_thread(client, "ping_workflow") is True
        assert await asyncio.to_thread(client.serial_request, "echo", {"text": "é"}, "2.5") == ["é", 3, None]
        assert await client.async_request("echo", {"text": "x", "things": ["a"]}, timeout=2) == [
            "x",
            3,
            ["a"],
        ]
        assert await client.async_request("pb_bytes") == b"\x0a\x00\xff raw"
        with pytest.raises(ClientError, match="no such element type"):
            await client.async_request("pb_bytes", {"fail": True})


async def test_documented_attributes(serve) -> None:
    """A client tells its host and port as the contact file has them, and the header of its requests."""
    server = await serve()
    with WorkflowRuntimeClient("one") as client:
        assert (client.host, client.port) == ("127.0.0.1", server.port)
        assert callable(client.timeout_handler)
        assert set(client.header["meta"]) == {"prog", "host", "comms_method"}
        meta = await client.async_request("who", req_meta={"auth_user": "somebody"})
    assert meta["host"] == socket.gethostname()
    assert meta["auth_user"] == "somebody"
    assert meta["role"] == "control"


async def test_host_and_port_need_no_contact_file(serve, tmp_path: Path) -> None:
    """With host and port given, as name or number, only keys are needed, which may lie elsewhere."""
    server = await serve()
    contact_path("one").unlink()
    with WorkflowRuntimeClient("one", "localhost", str(server.port)) as client:
        assert await client.async_request("ping_workflow") is True
    away = tmp_path / "away"
    os.rename(server.schd.service_directory, away)
    with WorkflowRuntimeClient("one", "127.0.0.1", server.port, srv_public_key_loc=away / SERVER_PUBLIC) as client:
        assert client.host == "127.0.0.1"
    with pytest.raises(ClientError, match=r"client.key_secret"):
        WorkflowRuntimeClient("one", "127.0.0.1", server.port)
    os.rename(away, server.schd.service_directory)


async def test_arguments_then_environment_then_contact_file(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host and port come from the arguments, else from the environment, else from the contact file."""
    server = await serve()
    monkeypatch.setenv("CYLC_WORKFLOW_HOST", "from.environment")
    monkeypatch.setenv("CYLC_WORKFLOW_PORT", "1234")
    assert WorkflowRuntimeClient("one").host == "from.environment"
    assert WorkflowRuntimeClient("one").port == 1234
    assert WorkflowRuntimeClient("one", host="argument").host == "argument"
    monkeypatch.setenv("CYLC_WORKFLOW_ID", "another")
    assert WorkflowRuntimeClient("one").port == server.port
    monkeypatch.setenv("CYLC_WORKFLOW_ID", "one")
    monkeypatch.setenv("CYLC_WORKFLOW_PORT", "no port")
    with pytest.raises(ClientError, match="is not a port"):
        WorkflowRuntimeClient("one")


def test_no_contact_file_means_stopped(home: Path) -> None:
    """A workflow without a contact file is said to be stopped; one that cannot be named is an error."""
    with pytest.raises(WorkflowStopped, match="nowhere is not running"):
        WorkflowRuntimeClient("nowhere")
    with pytest.raises(ClientError, match="Invalid workflow name"):
        WorkflowRuntimeClient("no where")


@pytest.mark.parametrize("timeout", ["soon", -1, "nan", "-3"])
def test_a_timeout_is_a_number_of_seconds(home: Path, timeout: float | str) -> None:
    """A timeout that is no number of seconds is refused in one sentence."""
    with pytest.raises(ClientError, match="is not a timeout"):
        WorkflowRuntimeClient("one", "127.0.0.1", 1, timeout=timeout)


def test_a_late_reply_never_answers_a_later_request(slow_server: SlowServer) -> None:
    """After a timeout the next request gets its own answer, though the first one's comes late."""
    with WorkflowRuntimeClient("slow", "127.0.0.1", slow_server.port) as client:
        with pytest.raises(ClientTimeout):
            client("first", timeout=0.3)
        slow_server.answer.set()
        assert client("second") == 2
        assert client("third") == 3


async def test_a_late_reply_never_answers_a_later_asynchronous_request(slow_server: SlowServer) -> None:
    """The same for asyncio, where the reply to another request under way still arrives."""
    with WorkflowRuntimeClient("slow", "127.0.0.1", slow_server.port) as client:
        long = asyncio.create_task(client.async_request("long"))
        await asyncio.sleep(0)
        with pytest.raises(ClientTimeout):
            await client.async_request("first", timeout=0.3)
        slow_server.answer.set()
        assert await client.async_request("second") == 3
        assert await long == 1


def test_the_timeout_handler_has_its_say(slow_server: SlowServer) -> None:
    """The handler is called once before ClientTimeout, and may raise something better."""
    said = []
    with WorkflowRuntimeClient("slow", "127.0.0.1", slow_server.port, timeout="0.2") as client:
        client.timeout_handler = lambda: said.append("called")
        with pytest.raises(ClientTimeout, match=f"127.0.0.1:{slow_server.port} in 0.2 seconds"):
            client("first")
        assert said == ["called"]

        def better() -> None:
            raise WorkflowStopped("better")

        client.timeout_handler = better
        with pytest.raises(WorkflowStopped, match="better"):
            client("second")


async def test_many_requests_at_once(serve) -> None:
    """Fifty requests under way at once each get their own answer."""
    await serve()
    with WorkflowRuntimeClient("one") as client:
        answers = await asyncio.gather(*[client.async_request("echo", {"text": str(n)}) for n in range(50)])
    assert [answer[0] for answer in answers] == [str(n) for n in range(50)]


async def test_clients_of_many_threads(serve) -> None:
    """Eight threads, half with a client of their own and half sharing one, each get their own answers."""
    await serve()
    shared = WorkflowRuntimeClient("one")
    wrong: list[object] = []

    def work(number: int) -> None:
        client = shared if number % 2 else WorkflowRuntimeClient("one")
        for n in range(50):
            text = f"{number}-{n}"
            if client("echo", {"text": text})[0] != text:
                wrong.append(text)
        if client is not shared:
            client.close()

    await asyncio.gather(*[asyncio.to_thread(work, number) for number in range(8)])
    shared.close()
    assert not wrong


async def test_a_client_survives_its_event_loop(serve) -> None:
    """One client used by several event loops, and with a context of zmq.asyncio, works in each."""
    await serve()
    context = zmq.asyncio.Context()
    client = WorkflowRuntimeClient("one", context=context)
    for _ in range(2):
        assert await asyncio.to_thread(lambda: asyncio.run(client.async_request("ping_workflow"))) is True
    assert await asyncio.to_thread(client, "ping_workflow") is True
    client.close()
    context.term()


def test_a_suspended_scheduler_keeps_its_contact_file(process: subprocess.Popen[str]) -> None:
    """When the scheduler is suspended the client times out, says so, and touches nothing."""
    with WorkflowRuntimeClient("far") as client:
        assert client("ping_workflow") is True
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(ClientTimeout, match="did not answer"):
            client("ping_workflow", timeout=0.3)
        assert contact_path("far").exists()
        with (
            WorkflowRuntimeClient("far") as second,
            pytest.raises(ClientTimeout, match="No connection was made"),
        ):
            second("ping_workflow", timeout=0.3)
        assert contact_path("far").exists()
        process.send_signal(signal.SIGCONT)
        assert client("ping_workflow") is True


def test_a_killed_scheduler_is_noticed_and_its_contact_file_removed(process: subprocess.Popen[str]) -> None:
    """When the scheduler's process is gone the client says so at once and removes what it left."""
    with WorkflowRuntimeClient("far", timeout=10) as client:
        assert client("ping_workflow") is True
        process.kill()
        process.wait()
        began = time.monotonic()
        with pytest.raises(WorkflowStopped, match="has gone"):
            client("ping_workflow")
        assert time.monotonic() - began < 2
    assert not contact_path("far").exists()


async def test_a_killed_scheduler_is_noticed_by_asyncio_too(process: subprocess.Popen[str]) -> None:
    """The same for asynchronous requests."""
    with WorkflowRuntimeClient("far", timeout=10) as client:
        assert await client.async_request("ping_workflow") is True
        process.kill()
        process.wait()
        async with asyncio.timeout(2):
            with pytest.raises(WorkflowStopped, match="has gone"):
                await client.async_request("ping_workflow")
    assert not contact_path("far").exists()


def test_a_new_client_of_a_killed_scheduler_does_not_wait(process: subprocess.Popen[str]) -> None:
    """A client that finds a stale contact file gives up at once, not after its timeout."""
    process.kill()
    process.wait()
    began = time.monotonic()
    with WorkflowRuntimeClient("far", timeout=10) as client, pytest.raises(WorkflowStopped):
        client("ping_workflow")
    assert time.monotonic() - began < 2


def test_a_scheduler_that_moved(process: subprocess.Popen[str], home: Path) -> None:
    """When nothing answers and the contact file names another place, the client says where."""
    client = WorkflowRuntimeClient("far")
    path = contact_path("far")
    moved: ContactFile = read_contact(path)._replace(host="elsewhere.example", port=4321)
    moved.write(path, replace=True)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(ClientError, match=r"moved to elsewhere\.example:4321"):
        client("ping_workflow", timeout=0.3)
    client.close()
    assert path.exists()


def test_something_else_listens_there(home: Path) -> None:
    """A port that another program has since taken is said to be no scheduler, well before the timeout."""
    create_keys(service_directory("one"))
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    plain = context.socket(zmq.REP)
    port = plain.bind_to_random_port("tcp://127.0.0.1")
    began = time.monotonic()
    with (
        WorkflowRuntimeClient("one", "127.0.0.1", port) as client,
        pytest.raises(ClientError, match="Authentication"),
    ):
        client("ping_workflow")
    assert time.monotonic() - began < 2
    plain.close()
    context.term()


def test_a_client_process_imports_little() -> None:
    """A client's start loads none of asyncio, attrs, msgspec and graphene."""
    code = (
        "import sys, tidemill.network.client; "
        "print(sorted({'asyncio', 'attr', 'msgspec', 'graphene', 'logging'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_waiting_for_a_scheduler_that_is_still_to_start(serve, wait_until: Callable[..., None], home: Path) -> None:
    """With host and port given and nothing there yet, the client waits until its timeout, and says nothing
    listens."""
    create_keys(service_directory("one"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with (
        WorkflowRuntimeClient("one", "127.0.0.1", port) as client,
        pytest.raises(ClientTimeout, match="Nothing listens"),
    ):
        client("ping_workflow", timeout=0.4)


async def test_a_large_answer_arrives_whole(serve) -> None:
    """Ten megabytes there and back are no different from ten bytes."""
    await serve()
    text = "tide" * 2_500_000
    with WorkflowRuntimeClient("one") as client:
        assert (await client.async_request("echo", {"text": text}, timeout=20))[0] == text


async def test_an_interrupted_request_leaves_no_reply_behind(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a request is cancelled, the next one gets its own answer."""
    server = await serve()
    with WorkflowRuntimeClient("one") as client:
        slow = asyncio.create_task(client.async_request("slow"))
        assert await client.async_request("ping_workflow") is True
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        server.go_on.set()
        assert await client.async_request("echo", {"text": "x"}) == ["x", 3, None]


async def test_a_scheduler_that_stops_while_asked(serve) -> None:
    """A client whose scheduler stops, and takes its contact file away, is told so well before its timeout."""
    server = await serve()
    with WorkflowRuntimeClient("one", timeout=20) as client:
        assert await client.async_request("ping_workflow") is True
        await server.stop("REQUEST(CLEAN)")
        read_contact(contact_path("one")).remove(contact_path("one"))
        async with asyncio.timeout(5):
            with pytest.raises(WorkflowStopped, match="is not running"):
                await client.async_request("ping_workflow")


async def test_a_scheduler_started_again_with_new_keys(serve) -> None:
    """After one refusal a client that lives on reads the new keys and is let in."""
    first = await serve()
    with WorkflowRuntimeClient("one", timeout=10) as client:
        assert await asyncio.to_thread(client, "ping_workflow") is True
        await first.stop("restart")
        contact_path("one").unlink()
        create_keys(first.schd.service_directory)
        for _ in range(50):
            # Of two ports it takes one for requests and one for publishing, by chance.
            again = type(first)(first.schd)
            try:
                again.start(asyncio.get_running_loop(), "127.0.0.1", (client.port, client.port + 1))
            except ServerError:
                pytest.skip("another program has the port that this test needs")
            if again.port == client.port:
                break
            await again.stop("the ports the other way round")
        contact = ContactFile.of_this_process(
            "one",
            "127.0.0.1",
            again.port,
            again.publish_port,
            run_directory="",
            owner="",
            uuid="u",
            version="0",
        )
        contact.write(contact_path("one"))
        with pytest.raises(ClientError, match="Authentication failed"):
            await asyncio.to_thread(client, "ping_workflow")
        assert await asyncio.to_thread(client, "ping_workflow") is True
        await again.stop("end of test")
