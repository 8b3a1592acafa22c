"""A plain client of either scheduler: the same sockets, keys and requests for both, and none of their code.

    client.py RUN_DIRECTORY rate SECONDS REQUEST        requests a second, one after the other
    client.py RUN_DIRECTORY each COUNT REQUEST          the median seconds of one request, and its bytes
    client.py RUN_DIRECTORY deltas COUNT                the median seconds from a command to the delta that tells of it
    client.py RUN_DIRECTORY hammer REQUEST...           all requests in turn, until the scheduler is gone
    client.py RUN_DIRECTORY pace SECONDS GAP            pings with pauses: the 50th and 99th percentile, and the longest

A request is ``{"command": ..., "args": ...}``. Each prints one line of JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import zmq
import zmq.auth

PATIENCE_MILLISECONDS = 60_000
PING = {"command": "ping_workflow", "args": {}}
HOLD = """mutation ($w: [WorkflowID]!, $t: [NamespaceIDGlob]!) { %s(workflows: $w, tasks: $t) { result } }"""


class Run:
    """A running scheduler, found by its contact file."""

    def __init__(self, directory: Path) -> None:
        service = directory / ".service"
        lines = (service / "contact").read_text().splitlines()
        self.contact = dict(line.split("=", 1) for line in lines if "=" in line)
        self._server, _ = zmq.auth.load_certificate(service / "server.key")
        self._keys = zmq.auth.load_certificate(service / "client.key_secret")

    def connect(self, kind: int, port: str) -> zmq.Socket[bytes]:
        """Give a socket connected to one of its ports."""
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        socket.linger = 0
        socket.rcvtimeo = PATIENCE_MILLISECONDS
        socket.curve_serverkey = self._server
        socket.curve_publickey, socket.curve_secretkey = self._keys  # type: ignore[assignment]
        if kind == zmq.SUB:
            socket.subscribe(b"task_proxies")
        socket.connect(f"tcp://{self.contact['CYLC_WORKFLOW_HOST']}:{self.contact[port]}")
        return socket

    def requests(self) -> zmq.Socket[bytes]:
        """Give a socket for requests."""
        return self.connect(zmq.REQ, "CYLC_WORKFLOW_PORT")


def encode(request: dict[str, Any]) -> bytes:
    """Write a request with the `meta` that clients send."""
    meta = {"prog": "benchmark", "host": "localhost", "comms_method": "zmq"}
    return json.dumps({**request, "meta": meta}).encode()


def ask(socket: zmq.Socket[bytes], request: bytes) -> bytes:
    """Send a request and give the reply, which must be none that says something went wrong."""
    socket.send(request)
    reply = socket.recv()
    if reply.startswith((b'{"error"', b'{"cylc_version": "8.5.4", "error"')):
        raise SystemExit(f"the scheduler refused {request[:200]!r}: {reply[:500]!r}")
    return reply


def rate(run: Run, seconds: float, request: dict[str, Any]) -> float:
    """Ask for so long, one request after the other; give requests a second."""
    socket, message = run.requests(), encode(request)
    ask(socket, message)
    count, started = 0, time.perf_counter()
    while (now := time.perf_counter()) < started + seconds or count < 5:
        ask(socket, message)
        count += 1
    return count / (now - started)


def each(run: Run, count: int, request: dict[str, Any]) -> dict[str, float]:
    """Ask so many times after a first; give the median seconds and the size of a reply."""
    socket, message = run.requests(), encode(request)
    size, times = len(ask(socket, message)), []
    for _ in range(count):
        started = time.perf_counter()
        ask(socket, message)
        times.append(time.perf_counter() - started)
    return {"seconds": statistics.median(times), "bytes": size}


def deltas(run: Run, count: int) -> float:
    """Hold and release a task; give the median seconds from sending a command to the delta on the task."""
    socket, listener = run.requests(), run.connect(zmq.SUB, "CYLC_WORKFLOW_PUBLISH_PORT")
    whole = encode({"command": "pb_entire_workflow", "args": {}})
    times = []
    for number in range(count + 1):
        ask(socket, whole)
        time.sleep(0.2)
        while listener.poll(1500 if number == 0 else 0):
            listener.recv_multipart()
        variables = {"w": [run.contact["CYLC_WORKFLOW_ID"]], "t": ["1/*1"]}
        arguments = {"request_string": HOLD % ("release" if number % 2 else "hold"), "variables": variables}
        started = time.perf_counter()
        ask(socket, encode({"command": "graphql", "args": arguments}))
        listener.recv_multipart()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def hammer(run: Run, requests: list[dict[str, Any]]) -> int:
    """Ask all of them in turn, again and again, until no answer comes; give how many were answered."""
    socket, messages = run.requests(), [encode(request) for request in requests]
    socket.rcvtimeo = 3000
    answered = 0
    while True:
        try:
            socket.send(messages[answered % len(messages)])
            socket.recv()
        except zmq.Again:
            return answered
        answered += 1


def pace(run: Run, seconds: float, gap: float) -> list[float]:
    """Ping with pauses; give the 50th and the 99th percentile of the answers' seconds, and the longest."""
    socket, message = run.requests(), encode(PING)
    ask(socket, message)
    times, started = [], time.perf_counter()
    while time.perf_counter() < started + seconds:
        sent = time.perf_counter()
        ask(socket, message)
        times.append(time.perf_counter() - sent)
        time.sleep(gap)
    times.sort()
    return [times[len(times) // 2], times[int(0.99 * len(times))], times[-1]]


def main() -> None:
    """Do what the command line says."""
    run, what, rest = Run(Path(sys.argv[1])), sys.argv[2], sys.argv[3:]
    answer: Any
    if what == "rate":
        answer = rate(run, float(rest[0]), json.loads(rest[1]))
    elif what == "each":
        answer = each(run, int(rest[0]), json.loads(rest[1]))
    elif what == "deltas":
        answer = deltas(run, int(rest[0]))
    elif what == "hammer":
        answer = hammer(run, [json.loads(request) for request in rest])
    elif what == "pace":
        answer = pace(run, float(rest[0]), float(rest[1]))
    else:
        raise SystemExit(f"client.py: no such measure: {what}")
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
