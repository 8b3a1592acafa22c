"""The ports to be handed out, and the test that nothing is bound to one."""

from __future__ import annotations

import errno
import socket
import sys
from collections import deque
from collections.abc import Callable

_IN_USE = (errno.EADDRINUSE, errno.EACCES)


def is_bound(port: int) -> bool:
    """Whether anything on this machine has a TCP port, listening or not, under any address.

    A port whose last connections the system has not done with (``TIME_WAIT``) counts too: not every program
    could bind it.
    """
    if sys.platform == "linux":
        # There an IPv6 socket that takes IPv4 too collides with every other, so that one try will do.
        tries = ((socket.AF_INET6, "::", 0), (socket.AF_INET, "0.0.0.0", 0))
    else:
        tries = ((socket.AF_INET, "0.0.0.0", 0), (socket.AF_INET6, "::", 1))
    for family, address, without_ipv4 in tries:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, without_ipv4)
                probe.bind((address, port))
        except OSError as error:
            if error.errno in _IN_USE:
                return True
            continue  # no IPv6 here, or it is switched off
        if sys.platform == "linux":
            return False
    return False


class PortPool:
    """A range of ports; the highest is given first, and one that comes back rests behind all others.

    So an address that a client still remembers leads to another service as late as can be.

    Arguments:
        first, last: the range.
        is_bound: the test that a port must not pass to be given.
    """

    def __init__(self, first: int, last: int, *, is_bound: Callable[[int], bool] = is_bound) -> None:
        self.first, self.last = min(first, last), max(first, last)
        self._is_bound = is_bound
        self._waiting = deque(range(self.last, self.first - 1, -1))
        self._is_waiting = set(self._waiting)

    def take(self) -> int | None:
        """A port that nothing is bound to; None if there is none."""
        waiting = self._waiting
        for _ in range(len(waiting)):
            port = waiting.popleft()
            if self._is_bound(port):
                waiting.append(port)
                continue
            self._is_waiting.discard(port)
            return port
        return None

    def claim(self, port: int) -> None:
        """Give out this port no more: somebody has it already."""
        if port in self._is_waiting:
            self._is_waiting.discard(port)
            self._waiting.remove(port)

    def give_back(self, port: int) -> None:
        """Take back a port; one that is not of the range is forgotten."""
        if self.first <= port <= self.last and port not in self._is_waiting:
            self._is_waiting.add(port)
            self._waiting.append(port)
