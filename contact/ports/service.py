"""What is told of a service that holds a port, and how it is written in a line of the port manager's list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .tcl_list import join_words, split_words

DETAILS = "DETAILS"
"""The word after ``GIMME service user`` and ``LIST`` by which our own clients ask for more than the original's."""


class Service(NamedTuple):
    """A service as the port manager lists it."""

    port: int
    service: str
    """Its name, unique among the user's."""
    user: str
    kind: str = ""
    """`registration.SCHEDULER`, `COMMAND_SERVER` or `PUBLISHER`, or what a program of its own says."""
    workflow: str = ""
    """The id of the run, of a scheduler."""
    pid: int | None = None
    contact: str = ""
    """The path of its contact file."""
    host: str = ""
    """The name to reach it at, where it says so."""
    is_verified: bool = False
    """Whether user and process were told by the kernel rather than by the service."""


TOLD = ("kind", "workflow", "pid", "contact", "host")
"""The details that a service may tell of itself."""


def write_details(details: Mapping[str, object]) -> str:
    """Details as one word of a request or of the list; what is empty is left out."""
    words: list[str] = []
    for name, value in details.items():
        if value not in ("", None, False):
            words += [name, str(value)]
    return join_words([join_words(words)])


def read_details(text: str) -> dict[str, str]:
    """The details of a request or list by name; unknown ones are passed over.

    Raises:
        PortRequestError: it is no list.
    """
    words = split_words(text)
    return {name: value for name, value in _pairs(words) if name in TOLD or name == "is_verified"}


def service_of(words: list[str]) -> Service:
    """The service of one line of the list: ``port service user`` and, where they were asked for, details.

    Raises:
        ValueError, IndexError, PortRequestError: it is no such line.
    """
    port, service, user = int(words[0]), words[1], words[2]
    told = read_details(words[3]) if len(words) > 3 else {}
    pid = told.get("pid", "")
    return Service(
        port,
        service,
        user,
        kind=told.get("kind", ""),
        workflow=told.get("workflow", ""),
        pid=int(pid) if pid.isdecimal() else None,
        contact=told.get("contact", ""),
        host=told.get("host", ""),
        is_verified=told.get("is_verified") == "True",
    )


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    return zip(words[::2], words[1::2], strict=False)
