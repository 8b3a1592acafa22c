"""A bare CURVE echo over loopback: one REP in its own process, REQs in theirs; prints round trips a second.

echo.py SECONDS [CLIENTS]
"""

from __future__ import annotations

import sys
import time
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection

import zmq

MESSAGE = b'{"command": "ping_workflow", "args": {}, "meta": {"prog": "ping", "host": "localhost"}}'


def serve(ready: Connection, public: bytes, secret: bytes) -> None:
    """Answer every message with itself, until the process is ended."""
    socket = zmq.Context().socket(zmq.REP)
    socket.curve_server, socket.curve_publickey, socket.curve_secretkey = True, public, secret
    ready.send(socket.bind_to_random_port("tcp://127.0.0.1"))
    while True:
        socket.send(socket.recv())


def ask(results: Connection, port: int, public: bytes, seconds: float) -> None:
    """Send messages one after the other for so long; give round trips a second."""
    socket = zmq.Context().socket(zmq.REQ)
    socket.linger = 0
    socket.curve_serverkey = public
    socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
    socket.connect(f"tcp://127.0.0.1:{port}")
    socket.send(MESSAGE)
    socket.recv()
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        socket.send(MESSAGE)
        socket.recv()
        count += 1
    results.send(count / (time.perf_counter() - started))


def main() -> None:
    """Measure for the number of seconds given, with the number of clients given."""
    seconds, clients = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    public, secret = zmq.curve_keypair()
    here, there = Pipe()
    server = Process(target=serve, args=(there, public, secret), daemon=True)
    server.start()
    port = here.recv()
    pipes = [Pipe() for _ in range(clients)]
    for _, end in pipes:
        Process(target=ask, args=(end, port, public, seconds), daemon=True).start()
    print(sum(end.recv() for end, _ in pipes))
    server.terminate()


if __name__ == "__main__":
    main()
