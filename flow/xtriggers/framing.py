"""How the scheduler and its workers talk: JSON texts, each after its length in four bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

HEAD_BYTES = 4
CHUNK_BYTES = 65536


def frame(message: dict[str, Any]) -> bytes:
    """One message as bytes; raises `TypeError` or `ValueError` for what JSON cannot hold."""
    body = json.dumps(message).encode()
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def write_frame(descriptor: int, message: dict[str, Any]) -> None:
    """Write one message to a pipe, all of it; raises `OSError` if nobody reads."""
    rest = memoryview(frame(message))
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class Deframer:
    """Puts messages together from bytes as they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Every message that `data` completes."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= HEAD_BYTES:
            end = HEAD_BYTES + int.from_bytes(buffer[:HEAD_BYTES], "big")
            if len(buffer) < end:
                return
            body = bytes(buffer[HEAD_BYTES:end])
            del buffer[:end]
            yield json.loads(body)
