"""From the bytes of a job's output to messages: lines of what a process writes, values that a method yields."""

from __future__ import annotations

import io
import json
from struct import Struct
from typing import Any, Protocol

_RECORD = Struct(">cI")


class Decoder(Protocol):
    """Takes bytes as they come, cut anywhere, and gives the messages they complete."""

    def feed(self, data: bytes | memoryview) -> list[Any]:
        """The messages complete with these bytes."""

    def finish(self) -> list[Any]:
        """What is left when no more will come."""


class Lines:
    r"""Lines with their ends (``\n`` only), as text or as bytes.

    Arguments:
        encoding: of the text; None for bytes as they are.
        errors: what becomes of bytes that are no text, as `bytes.decode` has it.
    """

    def __init__(self, encoding: str | None = "utf-8", errors: str = "backslashreplace") -> None:
        self._encoding = encoding
        self._errors = errors
        self._begun: list[bytes] = []
        """The line that is not complete yet, in pieces."""

    def feed(self, data: bytes | memoryview) -> list[Any]:
        data = bytes(data)
        end = data.rfind(b"\n") + 1
        if end == 0:
            self._begun.append(data)
            return []
        whole = b"".join((*self._begun, data[:end]))
        self._begun = [data[end:]] if end < len(data) else []
        if self._encoding is None:
            return io.BytesIO(whole).readlines()
        return io.StringIO(whole.decode(self._encoding, self._errors), newline="\n").readlines()

    def finish(self) -> list[Any]:
        last = b"".join(self._begun)
        self._begun = []
        if not last:
            return []
        return [last if self._encoding is None else last.decode(self._encoding, self._errors)]


class Records:
    """The values that a method yields: JSON data, or bytes."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes | memoryview) -> list[Any]:
        data = self._begun + bytes(data)
        found: list[Any] = []
        at = 0
        while at + _RECORD.size <= len(data):
            kind, length = _RECORD.unpack_from(data, at)
            end = at + _RECORD.size + length
            if end > len(data):
                break
            value = data[at + _RECORD.size : end]
            found.append(value if kind == b"b" else json.loads(value))
            at = end
        self._begun = data[at:]
        return found

    def finish(self) -> list[Any]:
        self._begun = b""
        return []
