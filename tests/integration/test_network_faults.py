"""What clients and strangers do wrong, over real sockets: the server answers the others, and says what it refused."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tidemill.network.client import WorkflowRuntimeClient
from tidemill.network.subscriber import WorkflowSubscriber

FRAMES = 100_000

CONNECT = """
import json, os, random, resource, signal, sys, zmq, zmq.auth

def connect(kind=zmq.DEALER):
    service, port = sys.argv[1], sys.argv[2]
    sock = zmq.Context.instance().socket(kind)
    sock.linger, sock.rcvtimeo, sock.sndtimeo = 0, 20_000, 20_000
    sock.curve_serverkey, _ = zmq.auth.load_certificate(service + "/server.key")
    sock.curve_publickey, sock.curve_secretkey = zmq.auth.load_certificate(service + "/client.key_secret")
    sock.connect("tcp://127.0.0.1:" + port)
    return sock
"""

FUZZ = """
sock, chance, total = connect(), random.Random(int(sys.argv[4])), int(sys.argv[3])
ping = b'{"command": "ping_workflow", "args": {}, "meta": {"prog": "p", "host": "h"}}'
valid = [
    ping,
    b'{"command": "echo", "args": {"text": "x", "number": 3, "things": ["a"]}}',
    b'{"command": "api", "args": {"endpoint": "api"}}',
    b'{"command": "why", "args": {"task": "1/a"}}',
    b'{"command": "pb_data_elements", "args": {"element_type": "all"}}',
    b'{"command": "graphql", "args": {"request_string": "{workflows{id}}", "variables": {"a": [1]}}}',
]
words = [b'"', b"{", b"}", b"[", b"]", b":", b"null", b"1e999", b"-", b"\\\\u0000", b"\\\\ud800", b"\\xff\\xfe",
         b"\\x00", b"true", b"__class__", b"meta", b"args", b"[" * 500, b'{"a":' * 200, b"9" * 400]

def hostile():
    kind = chance.random()
    if kind < 0.2:
        return [b"", chance.randbytes(chance.randrange(200))]
    frame = chance.choice(valid)
    if kind < 0.4:
        return [b"", frame[: chance.randrange(len(frame))]]
    at = chance.randrange(len(frame))
    if kind < 0.6:
        return [b"", frame[:at] + chance.randbytes(1) + frame[at + 1 :]]
    if kind < 0.9:
        return [b"", frame[:at] + chance.choice(words) + frame[at:]]
    if kind < 0.95:
        return [chance.randbytes(chance.randrange(20)) for _ in range(chance.randrange(1, 6))]
    return [b"", frame * 2]

kinds = {}
sent = received = 0
while received < total:
    while sent < total and sent - received < 500:
        sock.send_multipart(hostile())
        sent += 1
    reply = sock.recv_multipart()[-1]
    received += 1
    if reply != b'{"data":true}':
        answer = json.loads(reply)
        (kind,) = answer
        assert kind in ("data", "error"), reply
        assert kind == "data" or list(answer["error"]) == ["message"], reply
        assert b"Traceback" not in reply, reply
        kinds[kind] = kinds.get(kind, 0) + 1
print(json.dumps(kinds))
"""

CROWD = """
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
crowd = []
for _ in range(int(sys.argv[3])):
    sock = connect(zmq.REQ)
    sock.send(b'{"command": "ping_workflow", "args": {}}')
    assert sock.recv() == b'{"data":true}'
    crowd.append(sock)
print("idle", flush=True)
sys.stdin.read()
os._exit(0)
"""

KILLED = """
sock = connect(zmq.REQ)
sock.send(b'{"command": "ping_workflow", "args": {}}')
assert sock.recv() == b'{"data":true}'
sock.send(b'{"command": "slow", "args": {}}')
print("sent", flush=True)
signal.pause()
"""


def start(server: Any, script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a client in a process of its own."""
    directory: Path = server.schd.service_directory
    return subprocess.Popen(
        [sys.executable, "-c", CONNECT + script, str(directory), str(server.port), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a client to end well; give its output."""
    output, errors = await asyncio.to_thread(process.communicate, timeout=120)
    assert process.returncode == 0, errors
    return output


async def ping_until(done: asyncio.Future[Any]) -> int:
    """Be the quiet client beside it all: every ping must be answered."""
    pings = 0
    with WorkflowRuntimeClient("one") as client:
        while not done.done() or not pings:
            assert await client.async_request("ping_workflow") is True
            pings += 1
            await asyncio.sleep(0.01)
    return pings


async def test_a_hundred_thousand_hostile_frames(serve) -> None:
    """Each of 100,000 broken, cut, wrong and random requests gets one answer without a traceback, no endpoint fails
    unforeseen, and a quiet client is answered throughout."""
    server = await serve()
    fuzzers = [start(server, FUZZ, FRAMES // 2, seed) for seed in (1, 2)]
    done = asyncio.ensure_future(asyncio.gather(*map(finish, fuzzers)))
    pings = await ping_until(done)
    counts = [json.loads(output) for output in await done]
    assert pings > 1
    assert all(count["error"] > FRAMES // 10 for count in counts)
    unforeseen = [
        text for level, text in server.schd.lines if level in ("ERROR", "CRITICAL") and "Services" not in text
    ]
    assert unforeseen == []


async def test_strangers_who_speak_no_zeromq(serve) -> None:
    """Noise, half greetings, greetings followed by noise and frames of impossible size, on both ports: the next who
    asks is answered."""
    server = await serve()
    chance = random.Random(3)
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01CURVE" + bytes(15) + b"\x00" + bytes(31)
    null = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
    openings = (
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        greeting[:20],
        greeting,
        greeting + b"\x06\xff" + b"\xff" * 7,
        greeting + b"\x04\xc8\x05HELLO" + bytes(194),
        null + b"\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ",
    )

    def intrude() -> None:
        for number in range(300):
            port = server.port if number % 3 else server.publish_port
            with socket.create_connection(("127.0.0.1", port), timeout=5) as stranger:
                try:
                    stranger.sendall(openings[number % len(openings)] + chance.randbytes(chance.randrange(3000)))
                except (BrokenPipeError, ConnectionResetError):
                    continue

    done = asyncio.ensure_future(asyncio.to_thread(intrude))
    assert await ping_until(done) > 0
    await done


async def test_a_frame_too_large_costs_its_sender_the_connection_only(serve) -> None:
    """More than 64 MiB in one request is not taken in; others are answered meanwhile and afterwards."""
    server = await serve()
    huge = """
sock = connect(zmq.REQ)
sock.rcvtimeo = 1500
sock.send(b"[" * (65 * 1024 * 1024))
try:
    sock.recv()
except zmq.Again:
    print("no answer")
"""
    done = asyncio.ensure_future(finish(start(server, huge)))
    assert await ping_until(done) > 1
    assert await done == "no answer\n"


async def test_five_hundred_idle_clients(serve) -> None:
    """With five hundred clients connected and let in, who ask nothing more, another is answered."""
    server = await serve()
    crowd = start(server, CROWD, 500)
    assert crowd.stdout is not None
    try:
        assert await asyncio.to_thread(crowd.stdout.readline) == "idle\n"
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        assert await ping_until(done) == 1
    finally:
        await asyncio.to_thread(crowd.communicate, timeout=30)


async def test_a_client_killed_between_sending_and_receiving(serve) -> None:
    """The reply to a client that is gone is dropped without a word, and others are answered."""
    server = await serve()
    client = start(server, KILLED)
    assert client.stdout is not None
    assert await asyncio.to_thread(client.stdout.readline) == "sent\n"
    client.send_signal(signal.SIGKILL)
    await asyncio.to_thread(client.communicate)
    server.go_on.set()
    with WorkflowRuntimeClient("one") as other:
        assert await other.async_request("slow") == "slow"
        assert await other.async_request("ping_workflow") is True
    assert [text for level, text in server.schd.lines if level != "INFO"] == []


async def test_a_subscriber_that_never_reads_while_others_do(serve) -> None:
    """One who subscribes and never reads loses the newest messages; another receives every one."""
    server = await serve()
    received: list[bytes] = []
    with WorkflowSubscriber("one") as idle, WorkflowSubscriber("one") as other:
        idle._connection.socket.rcvhwm = 10

        async def listen() -> None:
            async for topic, payload in other:
                if topic == "all":
                    received.append(payload)

        listening = asyncio.create_task(listen())
        while not received:
            server.publisher.publish(("all", b"first"))
            await asyncio.sleep(0.01)
        for number in range(3000):
            server.publisher.publish(("all", b"%d" % number + b"x" * 1000))
            if not number % 50:
                await asyncio.sleep(0.001)
        await server.stop("end")
        await listening
    last = [int(payload.partition(b"x")[0]) for payload in received if payload != b"first"]
    assert last == list(range(3000))
