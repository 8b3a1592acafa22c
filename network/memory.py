"""Remembers the replies to commands by request id, so that a command sent twice is carried out once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from .envelope import encode_error
from .exceptions import RequestRefused

REMEMBERED = 1000
"""How many of the latest commands are remembered."""
LARGEST_REPLY = 64 * 1024
"""Bytes; a longer reply is not kept, only that the command was carried out."""

Reply = bytes | asyncio.Task[bytes]
Key = tuple[str, str]
"""Who asked (the name of its key), and the id it gave the request."""


class ReplyMemory:
    """The latest replies; a reply still being worked on is kept as its task, so a repeat waits for the same
    one."""

    def __init__(self) -> None:
        self._replies: OrderedDict[Key, tuple[str, Reply]] = OrderedDict()

    def find(self, key: Key, command: str) -> Reply | None:
        """The reply given before, if any; raises `RequestRefused` if the id was used for another command."""
        found = self._replies.get(key)
        if found is None:
            return None
        if found[0] != command:
            raise RequestRefused(f"The request id {key[1][:100]!r} was used for {found[0]} before: use a new one")
        return found[1]

    def keep(self, key: Key, command: str, reply: Reply) -> None:
        """Remember a reply, and forget the oldest if there are too many."""
        if isinstance(reply, asyncio.Task):
            reply.add_done_callback(lambda task: self._settle(key, command, task))
        elif len(reply) > LARGEST_REPLY:
            reply = encode_error(f"{command} was carried out before; its reply was too long to be kept")
        self._replies[key] = (command, reply)
        if len(self._replies) > REMEMBERED:
            self._replies.popitem(last=False)

    def _settle(self, key: Key, command: str, task: asyncio.Task[bytes]) -> None:
        if key in self._replies and not task.cancelled() and task.exception() is None:
            self.keep(key, command, task.result())
