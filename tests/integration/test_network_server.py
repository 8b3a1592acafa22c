"""The server over real sockets: what it answers, whom it lets in, and what cannot bring it down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from tidemill.contact.keys import CLIENT_SECRET, SERVER_PUBLIC, add_client_key, read_key_pair, read_public_key
from tidemill.contact.keys import create_keys as make_keys
from tidemill.network.client import WorkflowRuntimeClient
from tidemill.network.exceptions import ClientError, ServerError
from tidemill.network.server import WorkflowRuntimeServer


@contextlib.contextmanager
def raw_client(server: Any, kind: int = zmq.REQ, keys: bool = True) -> Iterator[zmq.Socket[bytes]]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    sock = context.socket(kind)
    sock.linger = 0
    sock.rcvtimeo = 5000
    if keys:
        directory = server.schd.service_directory
        pair = read_key_pair(directory / CLIENT_SECRET)
        sock.curve_publickey, sock.curve_secretkey = pair
        sock.curve_serverkey = read_public_key(directory / SERVER_PUBLIC)
    sock.connect(f"tcp://127.0.0.1:{server.port}")
    try:
        yield sock
    finally:
        sock.close()
        context.term()


def ask(server: Any, *messages: bytes) -> list[bytes]:
    """Send frames one after the other with a plain REQ socket; the replies."""
    with raw_client(server) as sock:
        replies = []
        for message in messages:
            sock.send(message)
            replies.append(sock.recv())
        return replies


async def test_the_envelope_is_the_documented_one(serve) -> None:
    """A bare command and args, without meta, gets a bare data object."""
    server = await serve()
    (reply,) = await asyncio.to_thread(ask, server, b'{"command": "ping_workflow", "args": {}}')
    assert json.loads(reply) == {"data": True}


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"nonsense", "not JSON"),
        (b"[1, 2]", "must be"),
        (b"null", "must be"),
        (b'"ping_workflow"', "must be"),
        (b'{"command": 5, "args": {}}', "must be"),
        (b'{"command": "ping_workflow"}', "lacks the field 'args'"),
        (b'{"args": {}}', "lacks the field 'command'"),
        (b'{"command": "ping_workflow", "args": null}', "must be"),
        (b'{"command": "ping_workflow", "args": []}', "must be"),
        (b'{"command": "ping_workflow", "args": {}, "meta": 3}', "must be"),
        (b'{"command": "\xff\xfe", "args": {}}', "not JSON in UTF-8"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"command": "echo", "args": {"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "request"),
        (b'{"command": "nothing_like_it", "args": {}}', "No method by the name 'nothing_like_it'"),
        (b'{"command": "ping_workflo", "args": {}}', "did you mean ping_workflow"),
        (b'{"command": "not_exposed", "args": {}}', "No method"),
        (b'{"command": "plain_attribute", "args": {}}', "No method"),
        (b'{"command": "__class__", "args": {}}', "No method"),
        (b'{"command": "stop", "args": {"reason": "x"}}', "No method"),
        (b'{"command": "echo", "args": {}}', "missing argument 'text'"),
        (b'{"command": "echo", "args": {"text": "x", "bad": 1}}', "unknown argument 'bad'"),
        (b'{"command": "echo", "args": {"text": "x", "number": "3"}}', "for 'number'"),
        (b'{"command": "echo", "args": {"text": 5}}', "echo(text: "),
        (b'{"command": "ping_workflow", "args": {"x": 1}}', "unknown argument 'x'"),
        (b'{"command": "broken", "args": {}}', "one over nothing"),
        (b'{"command": "not_json", "args": {}}', "cannot be written as JSON"),
        (b'{"command": "api", "args": {"endpoint": "zzz"}}', "No method by the name 'zzz'"),
        (b'{"command": "pb_bytes", "args": {"fail": true}}', "no such element type"),
    ],
)
async def test_a_bad_request_gets_one_clear_error(serve, frame: bytes, words: str) -> None:
    """Whatever is wrong with a request, the reply is one error message, and the next request is answered."""
    server = await serve()
    reply, ping = await asyncio.to_thread(ask, server, frame, b'{"command": "ping_workflow", "args": {}}')
    answer = json.loads(reply)
    assert list(answer) == ["error"]
    assert list(answer["error"]) == ["message"]
    assert words in answer["error"]["message"]
    assert "Traceback" not in answer["error"]["message"]
    assert json.loads(ping) == {"data": True}


async def test_other_keys_of_a_request_are_ignored(serve) -> None:
    """Requests of older and newer clients, with more keys, are answered."""
    server = await serve()
    (reply,) = await asyncio.to_thread(
        ask, server, b'{"command": "ping_workflow", "args": {}, "user": "x", "more": [1]}'
    )
    assert json.loads(reply) == {"data": True}


async def test_bytes_go_raw(serve) -> None:
    """An endpoint that returns bytes has them sent as they are."""
    server = await serve()
    (reply,) = await asyncio.to_thread(ask, server, b'{"command": "pb_bytes", "args": {}}')
    assert reply == b"\x0a\x00\xff raw"


async def test_garbage_does_not_stop_the_server(serve) -> None:
    """Two hundred frames of noise, from every kind of socket, and then a ping is answered."""
    server = await serve()
    noise = random.Random(4)

    def throw() -> None:
        with raw_client(server, zmq.DEALER) as sock:
            for _ in range(200):
                frames = [noise.randbytes(noise.randrange(60)) for _ in range(noise.randrange(1, 5))]
                sock.send_multipart(frames)
            sock.send_multipart([b"", b'{"command": "ping_workflow", "args": {}}'])
            while sock.recv_multipart()[-1] != b'{"data":true}':
                pass
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.sendall(noise.randbytes(4000))
        with WorkflowRuntimeClient("one") as client:
            assert client("ping_workflow") is True

    await asyncio.to_thread(throw)


async def test_many_idle_connections_do_not_matter(serve) -> None:
    """With five hundred connections that say nothing, a ping is answered at once."""
    server = await serve()

    def crowd() -> float:
        with contextlib.ExitStack() as stack:
            for _ in range(500):
                stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            client = stack.enter_context(contextlib.closing(WorkflowRuntimeClient("one")))
            began = time.monotonic()
            assert client("ping_workflow") is True
            return time.monotonic() - began

    assert await asyncio.to_thread(crowd) < 2


async def test_a_slow_endpoint_holds_up_nobody(serve) -> None:
    """While an asynchronous endpoint works, pings are answered; then it answers too."""
    server = await serve()
    with WorkflowRuntimeClient("one") as client:
        slow = asyncio.create_task(client.async_request("slow"))
        for _ in range(20):
            assert await client.async_request("ping_workflow") is True
        assert not slow.done()
        server.go_on.set()
        assert await slow == "slow"


async def test_a_flood_does_not_hold_up_the_loop(serve) -> None:
    """While a client asks as fast as it can, the scheduler's loop takes a turn at least every few hundred
    requests."""
    server = await serve()
    total = 6000

    def flood() -> None:
        with raw_client(server, zmq.DEALER) as sock:
            for _ in range(total // 600):
                for _ in range(600):
                    sock.send_multipart([b"", b'{"command": "ping_workflow", "args": {}}'])
                for _ in range(600):
                    sock.recv_multipart()

    flooding = asyncio.create_task(asyncio.to_thread(flood))
    turns = 0
    while not flooding.done():
        await asyncio.sleep(0)
        turns += 1
    await flooding
    assert turns > total / 300


async def test_a_command_sent_twice_is_applied_once(serve) -> None:
    """A control request with an id seen before gets the first reply; one without an id, or another, is
    carried out."""
    server = await serve()
    with WorkflowRuntimeClient("one") as client:
        assert await client.async_request("count", req_meta={"id": "a"}) == 1
        assert await client.async_request("count", req_meta={"id": "a"}) == 1
        assert await client.async_request("count", req_meta={"id": "b"}) == 2
        assert await client.async_request("count") == 3
        with pytest.raises(ClientError, match="was used for count before"):
            await client.async_request("halt", req_meta={"id": "a"})
    assert server.counted == 3


async def test_a_command_repeated_while_it_works_waits_for_the_same_reply(serve) -> None:
    """Two requests with one id, the second before the first is answered: applied once, both answered."""
    server = await serve()
    with WorkflowRuntimeClient("one") as client:
        both = [asyncio.create_task(client.async_request("count_slowly", req_meta={"id": "x"})) for _ in range(2)]
        assert await client.async_request("ping_workflow") is True
        server.go_on.set()
        assert await asyncio.gather(*both) == [1, 1]
    assert server.counted == 1


async def test_an_unknown_key_is_refused_by_name(serve, wait_until: Callable[..., None], tmp_path) -> None:
    """A client with a key of another run is told so within a second, and the server's log says so."""
    server = await serve()
    others = tmp_path / "others"
    make_keys(others)
    secret = server.schd.service_directory / CLIENT_SECRET
    secret.write_bytes((others / CLIENT_SECRET).read_bytes())

    def ping() -> float:
        began = time.monotonic()
        with (
            WorkflowRuntimeClient("one") as client,
            pytest.raises(ClientError, match="Authentication failed"),
        ):
            client("ping_workflow")
        return time.monotonic() - began

    assert await asyncio.to_thread(ping) < 1
    assert server.schd.logged("Authentication failed")
    with WorkflowRuntimeClient("one") as client, pytest.raises(ClientError, match="Authentication failed"):
        await client.async_request("ping_workflow")


async def test_the_key_of_another_server_is_refused_by_name(serve, tmp_path) -> None:
    """A client that expects another server is told so within a second, not by a timeout."""
    server = await serve()
    others = tmp_path / "others"
    make_keys(others)

    def ping() -> float:
        began = time.monotonic()
        wrong = WorkflowRuntimeClient("one", srv_public_key_loc=others / SERVER_PUBLIC)
        with wrong as client, pytest.raises(ClientError, match="Authentication failed"):
            client("ping_workflow")
        return time.monotonic() - began

    assert await asyncio.to_thread(ping) < 1
    for _ in range(100):
        if server.schd.logged("Authentication failed"):
            break
        await asyncio.sleep(0.01)
    assert server.schd.logged("Authentication failed")


async def test_a_client_without_a_key_is_refused(serve) -> None:
    """A plain, unencrypted socket gets no answer, and the server goes on."""
    server = await serve()

    def plain() -> None:
        with raw_client(server, keys=False) as sock:
            sock.rcvtimeo = 300
            sock.send(b'{"command": "ping_workflow", "args": {}}')
            with pytest.raises(zmq.Again):
                sock.recv()
        with WorkflowRuntimeClient("one") as client:
            assert client("ping_workflow") is True

    await asyncio.to_thread(plain)
    assert server.schd.logged("Authentication")


async def test_a_key_limited_to_reading_reads_only(serve) -> None:
    """A key whose file says the role read may ping, but not control or stop; the scheduler tells it so."""
    server = await serve()
    directory = server.schd.service_directory
    public = read_key_pair(directory / CLIENT_SECRET).public
    (directory / "client_public_keys" / "client_localhost.key").unlink()
    add_client_key(directory, "visitor", public, role="read")
    with WorkflowRuntimeClient("one") as client:
        assert await client.async_request("ping_workflow") is True
        meta = await client.async_request("who", req_meta={"role": "control", "key": "forged"})
        assert (meta["key"], meta["role"]) == ("visitor", "read")
        for command in ("count", "halt"):
            with pytest.raises(ClientError, match=f"{command} is not allowed"):
                await client.async_request(command)
    assert server.counted == 0


async def test_a_key_added_or_removed_while_running_counts_at_once(serve) -> None:
    """A client's key is good as soon as its file is there, and no longer once it is gone."""
    server = await serve()
    directory = server.schd.service_directory
    public = read_key_pair(directory / CLIENT_SECRET).public
    with WorkflowRuntimeClient("one") as client:
        assert await client.async_request("ping_workflow") is True
    (directory / "client_public_keys" / "client_localhost.key").unlink()
    with WorkflowRuntimeClient("one") as client, pytest.raises(ClientError, match="Authentication failed"):
        await client.async_request("ping_workflow")
    add_client_key(directory, "elsewhere", public)
    with WorkflowRuntimeClient("one") as client:
        assert await client.async_request("ping_workflow") is True


async def test_it_listens_on_the_advertised_address_only(serve) -> None:
    """A server told loopback is not to be found on any other address of the machine."""
    server = await serve()
    for port in (server.port, server.publish_port):
        with socket.socket() as probe:
            # Only if nothing listens on all addresses is this one free.
            probe.bind(("127.0.0.2", port))


async def test_a_taken_port_is_said_and_another_of_the_range_taken(serve, home) -> None:
    """A range that is used up is an error that names it; a range with one free port is used."""
    server = await serve()
    second = type(server)(server.schd)
    with pytest.raises(ServerError, match="every port from"):
        second.start(asyncio.get_running_loop(), "127.0.0.1", (server.port, server.port))
    with pytest.raises(ServerError, match="no address is known"):
        second.start(asyncio.get_running_loop(), "no.such.host.invalid", (0, 0))


async def test_stop_answers_what_was_asked_and_closes(serve) -> None:
    """A request at work when the server stops is answered; afterwards nothing listens."""
    server = await serve()
    with WorkflowRuntimeClient("one") as client:
        slow = asyncio.create_task(client.async_request("slow"))
        assert await client.async_request("ping_workflow") is True
        stopping = asyncio.create_task(server.stop("REQUEST(NOW)"))
        await asyncio.sleep(0)
        server.go_on.set()
        assert await slow == "slow"
        await stopping
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
        pass
    await server.stop("twice does no harm")


async def test_receiver_answers_without_a_socket(serve) -> None:
    """Within the process a request is answered in the form it was made in."""
    server = await serve()
    assert server.receiver(b'{"command": "ping_workflow", "args": {}}') == b'{"data":true}'
    assert server.receiver('{"command": "ping_workflow", "args": {}}') == b'{"data":true}'
    assert server.receiver({"command": "echo", "args": {"text": "x"}}) == {"data": ["x", 3, None]}
    assert server.receiver({"command": "pb_bytes", "args": {}}) == b"\x0a\x00\xff raw"
    assert "lacks the field 'args'" in server.receiver({"command": "echo"})["error"]["message"]
    assert "takes time" in server.receiver({"command": "slow", "args": {}})["error"]["message"]


async def test_api_lists_and_describes(serve) -> None:
    """The endpoint api lists what may be called, and describes one of them."""
    await serve()
    with WorkflowRuntimeClient("one") as client:
        names = await client.async_request("api")
        assert {"api", "ping_workflow", "echo"} <= set(names)
        assert not {"receiver", "stop", "start", "not_exposed"} & set(names)
        text = await client.async_request("api", {"endpoint": "echo"})
    assert text.startswith("echo(text: str, number: int = 3")
    assert "Give back" in text


async def test_control_is_logged_with_who_asked(serve) -> None:
    """A command for control leaves a line with the program and host it came from."""
    server = await serve()
    with WorkflowRuntimeClient("one") as client:
        client.header["meta"]["prog"] = "hold\nforged line"
        await client.async_request("count")
        await client.async_request("ping_workflow")
    lines = [text for _, text in server.schd.lines if text.startswith("Command")]
    assert len(lines) == 1
    assert socket.gethostname() in lines[0]
    assert "\n" not in lines[0]


def test_the_server_class_lists_its_own_endpoints() -> None:
    """The table of the class itself holds the documented endpoints."""
    assert {"api", "ping_workflow"} <= set(WorkflowRuntimeServer.endpoints)
