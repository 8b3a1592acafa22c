"""Who holds which port under which name: what the port manager knows, without a socket in sight."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from attrs import define

from ..exceptions import PortRequestError
from .names import Names
from .pool import PortPool, is_bound
from .service import write_details
from .tcl_list import join_words


@define(eq=False)
class Entry:
    """A port that is held."""

    port: int
    name: str
    user: str
    holder: Hashable
    line: str
    """As the list has it: ``port name user``."""
    details: str
    """As the list of details adds it; one word."""


class Registry:
    """The ports held, by number; each belongs to a holder, a connection, and goes when that goes.

    Arguments:
        first, last: the range of ports to give.
        is_bound: whether anything is bound to a port.
    """

    def __init__(self, first: int, last: int, *, is_bound: Callable[[int], bool] = is_bound) -> None:
        self.pool = PortPool(first, last, is_bound=is_bound)
        self._is_bound = is_bound
        self._names = Names()
        self._entries: dict[int, Entry] = {}
        self._by_holder: dict[Hashable, dict[int, Entry]] = {}
        self._lists: dict[bool, bytes] = {}

    def grant(self, holder: Hashable, service: str, user: str, details: Mapping[str, object]) -> Entry:
        """Give a port that nothing is bound to.

        Raises:
            PortRequestError: there is none.
        """
        port = self.pool.take()
        if port is None:
            raise PortRequestError("no free ports")
        return self._enter(port, holder, service, user, details)

    def advertise(self, holder: Hashable, port: int, service: str, user: str, details: Mapping[str, object]) -> Entry:
        """List a service at a port that it has already.

        Raises:
            PortRequestError: another holds the port, or nothing is bound to it.
        """
        if not 0 < port < 65536:
            raise PortRequestError(f"{port} is not a port")
        held = self._entries.get(port)
        if held is not None:
            raise PortRequestError(f"port {port} is held by {held.name} of {held.user}")
        if not self._is_bound(port):
            raise PortRequestError(f"nothing listens at port {port}")
        self.pool.claim(port)
        return self._enter(port, holder, service, user, details)

    def give_back(self, holder: Hashable, port: int) -> None:
        """Take back one port of a holder.

        Raises:
            PortRequestError: it does not hold it.
        """
        if port not in self._by_holder.get(holder, {}):
            raise PortRequestError(f"port {port} is not held by this connection")
        self._leave(port)
        if not self._by_holder[holder]:
            del self._by_holder[holder]

    def drop(self, holder: Hashable) -> None:
        """Take back all ports of a holder."""
        # In their own order, so that they are given again in it.
        for port in self._by_holder.pop(holder, {}):
            self._leave(port)

    def holds(self, holder: Hashable) -> bool:
        """Whether a holder has any port."""
        return holder in self._by_holder

    def listing(self, *, with_details: bool) -> bytes:
        """The reply to ``LIST``: how many, then a line for each, by user and name."""
        reply = self._lists.get(with_details)
        if reply is None:
            entries = sorted(self._entries.values(), key=lambda entry: (entry.user, entry.name))
            lines = [f"{entry.line} {entry.details}" if with_details else entry.line for entry in entries]
            reply = "\r\n".join([f"OK {len(lines)}", *lines, ""]).encode("utf-8", "surrogateescape")
            self._lists[with_details] = reply
        return reply

    def _enter(self, port: int, holder: Hashable, service: str, user: str, details: Mapping[str, object]) -> Entry:
        name = self._names.grant(user, service)
        line = f"{port} {join_words([name, user])}"
        entry = Entry(port, name, user, holder, line, write_details(details))
        self._entries[port] = entry
        self._by_holder.setdefault(holder, {})[port] = entry
        self._lists.clear()
        return entry

    def _leave(self, port: int) -> None:
        entry = self._entries.pop(port)
        self._by_holder.get(entry.holder, {}).pop(port, None)
        self._names.give_back(entry.user, entry.name)
        self.pool.give_back(port)
        self._lists.clear()
