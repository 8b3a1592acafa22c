"""A worker: a process that stays up and calls functions of external triggers, one after the other, as it is told.

Requests come on standard input, answers go out on standard output, both as frames; whatever a function prints is
caught and sent along. When the scheduler is gone the worker ends, and everything a function started with it.
"""

from __future__ import annotations

import fcntl
import os
import queue
import signal
import sys
import tempfile
import threading
from typing import IO, Any

from .framing import CHUNK_BYTES, Deframer, write_frame
from .functions import Functions, explain, use_library

OUTPUT_BYTES = 20_000
"""How much of what a function prints is told."""


def main() -> None:
    """Serve until the other end closes."""
    requests = os.dup(0)
    answers = os.dup(1)
    functions = Functions(sys.argv[1])
    use_library(functions)
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    with tempfile.TemporaryFile() as printed:
        _redirect(printed)
        threading.Thread(target=_read, args=(requests, waiting), daemon=True).start()
        while True:
            answer = _answer(functions, waiting.get(), printed)
            try:
                write_frame(answers, answer)
            except OSError:
                _end()


def _redirect(printed: IO[bytes]) -> None:
    """Let functions read nothing, and print where it can be looked up."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # Whoever prints, also a process that a function started, does so at the end, wherever that is after a cut.
    fcntl.fcntl(printed.fileno(), fcntl.F_SETFL, fcntl.fcntl(printed.fileno(), fcntl.F_GETFL) | os.O_APPEND)
    os.dup2(printed.fileno(), 1)
    os.dup2(printed.fileno(), 2)


def _read(requests: int, waiting: queue.SimpleQueue[dict[str, Any]]) -> None:
    deframer = Deframer()
    while data := os.read(requests, CHUNK_BYTES):
        for request in deframer.feed(data):
            waiting.put(request)
    _end()


def _end() -> None:
    """End with everything that a function started; the group is ours, or was given to us by a terminal."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _answer(functions: Functions, request: dict[str, Any], printed: IO[bytes]) -> dict[str, Any]:
    os.ftruncate(printed.fileno(), 0)
    answer: dict[str, Any] = {"id": request["id"], "satisfied": False, "results": {}, "error": ""}
    name, args, kwargs = request["function"], request["args"], request["kwargs"]
    try:
        if request["do"] == "check":
            functions.check(name, args, kwargs)
        else:
            answer["satisfied"], results = functions.call(name, args, kwargs)
            answer["results"] = {key: _plain(value) for key, value in results.items()}
    except BaseException as error:
        # SystemExit too: a function that means to end the process has failed, no more.
        answer["satisfied"] = False
        answer["error"] = explain(error) or type(error).__name__
    sys.stdout.flush()
    sys.stderr.flush()
    answer["output"] = os.pread(printed.fileno(), OUTPUT_BYTES, 0).decode(errors="replace").rstrip()
    return answer


def _plain(value: Any) -> Any:
    """A result as JSON has it; anything else as its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return str(value)
