"""Suite servers by name and on disk: ``HOST:PORT`` on a command line, ``HOST:PORT//suite/family/task`` for a node, and
the directories of this user's servers with who of them runs.

Regular expressions and plain tuples only: commands that jobs call look here first whether a server is meant.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .exceptions import ContactFileError, ContactFileMissing, IdentifierError
from .file import ContactFile, Liveness, liveness, read_contact
from .paths import CONTACT, SERVICE, SUITE_SERVERS, current_user, run_root, suite_server_directory
from .scan import RUNNING, STOPPED

_SERVER = re.compile(r"(?:~(?P<user>[^/:\s]+)/)?(?P<host>[A-Za-z0-9_][A-Za-z0-9_.\-]*):(?P<port>\d{1,5})/?")
_NODE = re.compile(r"(?:/?[A-Za-z0-9_][A-Za-z0-9_.]*)(?:/[A-Za-z0-9_][A-Za-z0-9_.]*)*")


class ServerName(NamedTuple):
    """The address of a suite server, as a command line names it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def directory(self) -> Path:
        """Where its contact file, keys and record are."""
        return suite_server_directory(self.host, self.port)

    @property
    def contact_path(self) -> Path:
        """Its contact file, whether it exists or not."""
        return self.directory / SERVICE / CONTACT

    @property
    def is_alive(self) -> bool:
        """Whether there is a contact file of a process that is not known to be gone."""
        return found_server(self.directory, self).state == RUNNING


class FoundServer(NamedTuple):
    """A suite server's directory, found on disk."""

    name: ServerName
    directory: Path
    state: str
    """``running`` if there is a contact file of a process not known to be gone, else ``stopped``."""
    contact: ContactFile | None = None
    """Its contact file if it is running."""
    problem: str = ""
    """What is wrong with its contact file, if there is one that cannot be read."""


def is_suite_server(text: str) -> bool:
    """Whether an argument names a suite server or a node of one, rather than a workflow.

    A workflow may be followed by a colon, too (``wf:running``), but never by a number.
    """
    return _SERVER.fullmatch(text.partition("//")[0]) is not None


def parse_server(text: str) -> ServerName:
    """The server that ``HOST:PORT`` names.

    Raises:
        IdentifierError: it is not that, or names a node, or a server of another user.
    """
    left, _, node = text.partition("//")
    if node:
        raise IdentifierError(f"{text}: a suite server is needed here, not a node of one: write {left}")
    return _server(left, text)


def parse_nodes(texts: Sequence[str]) -> tuple[ServerName, list[str]]:
    """The server and the nodes that arguments name: ``HOST:PORT//s/f/t ...``, or ``HOST:PORT //s/f/t //s/f/u``.

    Returns:
        The one server, and absolute paths of nodes, ``/`` for the server itself.

    Raises:
        IdentifierError: they name several servers, or one that is none, or something else.
    """
    server: ServerName | None = None
    nodes: list[str] = []
    for text in texts:
        left, separator, right = text.partition("//")
        if left:
            named = _server(left, text)
            if server is not None and named != server:
                raise IdentifierError(f"one suite server at a time, not {server} and {named}")
            server = named
        elif server is None:
            raise IdentifierError(f"{text} says no suite server: name it first, as in: HOST:PORT {text}")
        if separator and right:
            if not _NODE.fullmatch(right.rstrip("/")):
                raise IdentifierError(f"Invalid node: {text}: expected HOST:PORT//suite/family/task")
            nodes.append(f"/{right.strip('/')}")
        elif len(texts) == 1:
            nodes.append("/")
    if server is None:
        raise IdentifierError("name a suite server: HOST:PORT")
    return server, nodes or ["/"]


def scan_suite_servers(
    root: Path | str | None = None, *, states: tuple[str, ...] = (RUNNING, STOPPED)
) -> Iterator[FoundServer]:
    """The suite servers of this user, by name; what cannot be read is passed over.

    Arguments:
        root: the run root by default.
        states: which to yield.
    """
    top = (Path(root) if root is not None else run_root()) / SUITE_SERVERS
    try:
        names = sorted(os.listdir(top))
    except OSError:
        return
    for name in names:
        host, _, port = name.rpartition(".")
        if not host or not port.isdecimal() or not (top / name).is_dir():
            continue
        found = found_server(top / name, ServerName(host, int(port)))
        if found.state in states:
            yield found


def found_server(directory: Path, name: ServerName) -> FoundServer:
    """What a server's directory tells of it."""
    path = directory / SERVICE / CONTACT
    try:
        contact = read_contact(path)
        if liveness(contact, os.stat(path).st_mtime) is not Liveness.DEAD:
            return FoundServer(name, directory, RUNNING, contact)
    except (ContactFileMissing, FileNotFoundError):
        pass
    except (ContactFileError, OSError) as error:
        return FoundServer(name, directory, STOPPED, None, str(error))
    return FoundServer(name, directory, STOPPED)


def _server(left: str, text: str) -> ServerName:
    match = _SERVER.fullmatch(left)
    if match is None:
        raise IdentifierError(f"{text} names no suite server: write HOST:PORT, or HOST:PORT//suite/family/task")
    user = match["user"]
    if user is not None and user != current_user():
        raise IdentifierError(f"{text}: suite servers of another user ({user}) cannot be found through files")
    port = int(match["port"])
    if not 0 < port < 65536:
        raise IdentifierError(f"{text}: a port is a number from 1 to 65535")
    return ServerName(match["host"], port)
