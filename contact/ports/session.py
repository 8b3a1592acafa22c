"""One connection's side of the line protocol: bytes in, replies out, no socket in sight.

A request is a line, a Tcl list of words; so is each line of a reply, which ends in CR LF. ``LIST`` and
``GIMME service user`` are the original's. Our own clients also say ``LIST DETAILS``,
``GIMME service user DETAILS {...}`` (the original passes over more words, and we over more than these),
``ADVERTISE port service user DETAILS {...}`` and ``FREE port``.
"""

from __future__ import annotations

from typing import NamedTuple

from ..exceptions import PortRequestError
from .registry import Entry, Registry
from .service import DETAILS, read_details
from .tcl_list import quote, split_words

LONGEST_LINE_BYTES = 16 * 1024


class Peer(NamedTuple):
    """Who is at the other end."""

    address: str
    is_local: bool
    """Whether it may hold ports."""
    user: str | None = None
    """Its user, where the kernel tells; None to believe what it says."""
    pid: int | None = None


class Session:
    """What one peer has said and is to be told.

    `receive` bytes, then take a `reply` after the other until there is none; `is_over` tells that the
    connection is to be closed then.
    """

    def __init__(self, registry: Registry, peer: Peer) -> None:
        self.registry = registry
        self.peer = peer
        self.is_over = False
        self._buffer = bytearray()
        self._lines: list[bytes] = []
        """Whole lines not yet answered, the first last."""

    def receive(self, data: bytes) -> None:
        """Take in what came, whole lines or not."""
        if self.is_over:
            return
        buffer = self._buffer
        buffer += data
        if b"\n" in data:
            *lines, rest = bytes(buffer).split(b"\n")
            self._lines = lines[::-1] + self._lines
            self._buffer = bytearray(rest)

    def reply(self) -> bytes | None:
        """The reply to the next request; None if there is none for now."""
        if self.is_over:
            return None
        if not self._lines:
            if len(self._buffer) <= LONGEST_LINE_BYTES:
                return None
            self._lines.append(bytes(self._buffer))
        line = self._lines.pop()
        if len(line) > LONGEST_LINE_BYTES:
            self.is_over = True
            return _failure(f"Invalid request: longer than {LONGEST_LINE_BYTES} bytes")
        text = line.decode("utf-8", "surrogateescape").removesuffix("\r")
        try:
            return self._answer(text)
        except PortRequestError as error:
            return _failure(str(error))

    def end(self) -> None:
        """The connection is gone: all it held is given back."""
        self.is_over = True
        self.registry.drop(self)

    def _answer(self, text: str) -> bytes:
        try:
            words = split_words(text)
        except PortRequestError as error:
            return self._invalid(f"Invalid request: {error}")
        request = words[0] if words else ""
        if request == "LIST":
            return self.registry.listing(with_details=words[1:2] == [DETAILS])
        if request not in ("GIMME", "ADVERTISE", "FREE"):
            return self._invalid(f"Invalid request {request}")
        if not self.peer.is_local:
            self.is_over = True
            address = self.peer.address
            return _failure(f"{address} ({address}) : Only local applications get ports")
        if request == "GIMME":
            return self._gimme(words[1:])
        try:
            port = int(words[1])
        except (IndexError, ValueError):
            return self._invalid(f"Invalid request: {request} needs a port")
        if request == "FREE":
            self.registry.give_back(self, port)
            return b"OK %d\r\n" % port
        return self._advertise(port, words[2:])

    def _gimme(self, words: list[str]) -> bytes:
        service, user, details, is_ours = self._wanted(words)
        entry = self.registry.grant(self, service, user, details)
        return _granted(entry, with_name=is_ours)

    def _advertise(self, port: int, words: list[str]) -> bytes:
        service, user, details, _ = self._wanted(words)
        return _granted(self.registry.advertise(self, port, service, user, details), with_name=True)

    def _wanted(self, words: list[str]) -> tuple[str, str, dict[str, object], bool]:
        """Service, user and details of a request, and whether it is one of our own clients."""
        service = words[0] if words else ""
        user = words[1] if len(words) > 1 else ""
        is_ours = words[2:3] == [DETAILS]
        details: dict[str, object] = {}
        if is_ours:
            details.update(read_details(words[3]) if len(words) > 3 else {})
        peer = self.peer
        details.pop("is_verified", None)
        if peer.user is not None:
            user = peer.user
            details["is_verified"] = True
            # Process 0 is one of another process namespace: what it says itself is of no use here either.
            details["pid"] = peer.pid or ""
        return service, user, details, is_ours

    def _invalid(self, text: str) -> bytes:
        # The original hangs up on every invalid request. Where ports would be lost by it, we do not.
        if not self.registry.holds(self):
            self.is_over = True
        return _failure(text)


def _granted(entry: Entry, *, with_name: bool) -> bytes:
    if not with_name:
        return b"OK %d\r\n" % entry.port
    return f"OK {entry.port} {quote(entry.name)}\r\n".encode("utf-8", "surrogateescape")


def _failure(text: str) -> bytes:
    return f"FAIL {quote(text)}\r\n".encode("utf-8", "surrogateescape")
