"""Suite servers on a command line and on disk: HOST:PORT, nodes of them, and which of them run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.contact.exceptions import IdentifierError
from tidemill.contact.file import ContactFile
from tidemill.contact.paths import suite_server_directory
from tidemill.contact.suite_servers import (
    ServerName,
    is_suite_server,
    parse_nodes,
    parse_server,
    scan_suite_servers,
)


@pytest.mark.parametrize("text", ["localhost:3141", "host.example.org:1", "localhost:3141//s/f/t", "~me/h:3141"])
def test_a_number_behind_a_colon_means_a_suite_server(text: str) -> None:
    """No workflow is written like that."""
    assert is_suite_server(text)


@pytest.mark.parametrize(
    "text", ["ocean", "ocean:running", "ocean//1/a:failed", "ocean/run1", "//1/a", "a/b:12", ":12"]
)
def test_workflows_are_no_suite_servers(text: str) -> None:
    """Selectors are words."""
    assert not is_suite_server(text)


def test_nodes_are_named_with_or_without_their_server_before_each() -> None:
    """As with tasks of workflows, the server may be said once."""
    server = ServerName("localhost", 3141)
    assert parse_nodes(["localhost:3141//s/f", "localhost:3141//s/g/"]) == (server, ["/s/f", "/s/g"])
    assert parse_nodes(["localhost:3141", "//s/f", "//s"]) == (server, ["/s/f", "/s"])
    assert parse_nodes(["localhost:3141"]) == (server, ["/"])


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["//s/t"], "says no suite server"),
        (["a:1//s", "b:1//s"], "one suite server at a time"),
        (["a:1//s/../t"], "expected HOST:PORT//suite/family/task"),
        (["a:99999//s"], "from 1 to 65535"),
        (["~nobody-here/a:1//s"], "another user"),
        (["ocean//1/a"], "names no suite server"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_how_to_write_it(texts: list[str], problem: str) -> None:
    """The message shows the form."""
    with pytest.raises(IdentifierError, match=problem):
        parse_nodes(texts)


def test_a_node_is_refused_where_a_server_is_needed() -> None:
    """The message says what to write instead."""
    with pytest.raises(IdentifierError, match=r"write a:1$"):
        parse_server("a:1//s")


@given(st.text(max_size=30))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """There is no other error."""
    is_suite_server(text)
    try:
        server, nodes = parse_nodes([text])
    except IdentifierError:
        return
    assert 0 < server.port < 65536
    assert all(path.startswith("/") for path in nodes)


def contact_of(port: int, **changes: object) -> ContactFile:
    """The contact file of a server that this process is."""
    made = ContactFile.of_this_process(
        f".ecflow/localhost.{port}", "localhost", port, 1, run_directory="/r", owner="me", uuid="u", version="1"
    )
    return made._replace(publish_port=None, **changes)  # type: ignore[arg-type]


def write(directory: Path, contact: ContactFile) -> None:
    """Put a contact file where a server has it."""
    (directory / ".service").mkdir(parents=True)
    contact.write(directory / ".service" / "contact")


def test_a_server_whose_process_is_gone_is_not_running(home: Path) -> None:
    """Its contact file alone makes no server; neither does one that cannot be read."""
    write(suite_server_directory("localhost", 3141), contact_of(3141))
    gone = os.fork()
    if gone == 0:
        os._exit(0)
    os.waitpid(gone, 0)
    write(suite_server_directory("localhost", 3142), contact_of(3142, pid=gone))
    broken = suite_server_directory("localhost", 3143) / ".service"
    broken.mkdir(parents=True)
    (broken / "contact").write_text("what?\n")
    suite_server_directory("far.example.org", 3144).mkdir(parents=True)
    found = {str(server.name): server for server in scan_suite_servers()}
    assert {name: server.state for name, server in found.items()} == {
        "localhost:3141": "running",
        "localhost:3142": "stopped",
        "localhost:3143": "stopped",
        "far.example.org:3144": "stopped",
    }
    assert "not a contact file" in found["localhost:3143"].problem
    assert ServerName("localhost", 3141).is_alive
    assert ServerName("127.0.0.1", 3141).is_alive
    assert not ServerName("localhost", 3142).is_alive
