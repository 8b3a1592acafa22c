"""A copy of this process to try things out in: the whole engine as it is, for the price of a fork, and nothing it does
there has any effect here."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from ..exceptions import TidemillError
from .exceptions import PreviewFailed

TIMEOUT_SECONDS = 60
NICENESS = 5
"""How far a copy stands back for its original."""
CHUNK_BYTES = 1 << 16
_BYTES = b"="
"""What an answer in bytes begins with: no JSON does."""


async def in_a_copy(work: Callable[[], Any], *, timeout_seconds: int = TIMEOUT_SECONDS) -> Any:
    """What a function returns when it is called in a forked copy of this process: bytes, or plain data as JSON allows.

    The copy has only the calling thread, and must not use what other threads hold: sockets, the record, logs. It stands
    back in favour of this process, and is ended by the system after its time.

    Args:
        work: called in the copy.
        timeout_seconds: whole seconds that it may take.

    Raises:
        PreviewFailed: it raised an error, took too long, or there is not enough memory for a copy.
    """
    process, reading = _fork(work, timeout_seconds)
    try:
        data = await _read_all(reading)
    except BaseException:
        os.kill(process, signal.SIGKILL)
        raise
    finally:
        os.close(reading)
        # It has closed its end, so it is about to exit; the thread is for a slow one.
        status = (await asyncio.get_running_loop().run_in_executor(None, os.waitpid, process, 0))[1]
    return _outcome(data, status, timeout_seconds)


def in_a_copy_blocking(work: Callable[[], Any], *, timeout_seconds: int = TIMEOUT_SECONDS) -> Any:
    """The same where there is no event loop to keep going."""
    process, reading = _fork(work, timeout_seconds)
    try:
        chunks = []
        while chunk := os.read(reading, CHUNK_BYTES):
            chunks.append(chunk)
    finally:
        os.close(reading)
        status = os.waitpid(process, 0)[1]
    return _outcome(b"".join(chunks), status, timeout_seconds)


def _fork(work: Callable[[], Any], timeout_seconds: int) -> tuple[int, int]:
    """Start a copy; returns its process id and where its answer is to be read."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        with warnings.catch_warnings():
            # Python warns of forks with threads about: the copy uses nothing that they may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise PreviewFailed(f"No copy of the scheduler could be made: {error.strerror}") from error
    if process == 0:
        _work(work, writing, timeout_seconds)
    os.close(writing)
    return process, reading


def _work(work: Callable[[], Any], writing: int, timeout_seconds: int) -> NoReturn:
    """In the copy: do it, say what came of it, and end without any of the original's last words."""
    try:
        gc.disable()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(timeout_seconds)
        os.nice(NICENESS)
        try:
            value = work()
            data = _BYTES + value if isinstance(value, bytes) else msgspec.json.encode({"value": value}, enc_hook=str)
        except TidemillError as error:
            data = msgspec.json.encode({"refused": str(error)})
        except BaseException:
            data = msgspec.json.encode({"failed": traceback.format_exc()})
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)


async def _read_all(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    chunks: list[bytes] = []
    ended: asyncio.Future[None] = loop.create_future()
    os.set_blocking(descriptor, False)

    def read() -> None:
        try:
            chunk = os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return
        if chunk:
            chunks.append(chunk)
        elif not ended.done():
            loop.remove_reader(descriptor)
            ended.set_result(None)

    loop.add_reader(descriptor, read)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)
    return b"".join(chunks)


def _outcome(data: bytes, status: int, timeout_seconds: int) -> Any:
    if not data:
        number = os.waitstatus_to_exitcode(status)
        raise PreviewFailed(
            f"The plan was not ready after {timeout_seconds} s"
            if number == -signal.SIGALRM
            else f"The copy that worked out the plan ended with {number}"
        )
    if data.startswith(_BYTES):
        return data[len(_BYTES) :]
    answer = msgspec.json.decode(data)
    if "refused" in answer:
        raise PreviewFailed(answer["refused"])
    if "failed" in answer:
        raise PreviewFailed(f"The plan could not be worked out; this is a fault of the program:\n{answer['failed']}")
    return answer["value"]
