"""A bare CURVE echo over loopback: one REP in its own process, one REQ here; prints round trips a second."""

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


def main() -> None:
    """Measure for the number of seconds given."""
    seconds = float(sys.argv[1])
    server_public, server_secret = zmq.curve_keypair()
    here, there = Pipe()
    server = Process(target=serve, args=(there, server_public, server_secret), daemon=True)
    server.start()
    socket = zmq.Context().socket(zmq.REQ)
    socket.linger = 0
    socket.curve_serverkey = server_public
    socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
    socket.connect(f"tcp://127.0.0.1:{here.recv()}")
    socket.send(MESSAGE)
    socket.recv()
    count, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        socket.send(MESSAGE)
        socket.recv()
        count += 1
    print(count / (time.perf_counter() - started))
    server.terminate()


if __name__ == "__main__":
    main()
