"""From bytes cut anywhere to lines and values, and the small readers of the remote command line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.cli.exceptions import UsageError
from tidemill.cli.remote import _address
from tidemill.contact.paths import commands_directory
from tidemill.network.client import WithBytes, decode_reply
from tidemill.network.commands.methods import RECORD
from tidemill.network.commands.output import Lines, Records
from tidemill.network.commands.session import Heartbeat
from tidemill.network.envelope import Attached, encode_error, encode_reply
from tidemill.network.exceptions import ClientError, CommandFailed

pieces = st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\x07", b"\n")), max_size=12)


def feed(decoder: Lines | Records, data: list[bytes]) -> list[object]:
    found: list[object] = []
    for piece in data:
        found += decoder.feed(piece)
    return found + decoder.finish()


@given(pieces)
def test_lines_are_the_same_however_the_bytes_are_cut(data: list[bytes]) -> None:
    """Lines of bytes put together are the bytes; each ends with a line feed but perhaps the last, and none is empty."""
    lines = feed(Lines(None), data)
    assert b"".join(lines) == b"".join(data)  # type: ignore[arg-type]
    assert lines == feed(Lines(None), [b"".join(data)])
    assert all(line.count(b"\n") == line.endswith(b"\n") and line for line in lines)  # type: ignore[attr-defined]
    assert all(line.endswith(b"\n") for line in lines[:-1])  # type: ignore[attr-defined]


@given(st.lists(st.text(max_size=20), max_size=6), st.integers(1, 7))
def test_text_is_decoded_whole_however_it_is_cut(texts: list[str], size: int) -> None:
    r"""Characters of several bytes, returns and other separators come through; only \n ends a line."""
    whole = "".join(f"{text}\n" for text in texts)
    data = whole.encode("utf-8", "surrogatepass") if whole.isprintable() else whole.encode("utf-8", "replace")
    lines = feed(Lines(), [data[at : at + size] for at in range(0, len(data), size)])
    assert "".join(lines) == data.decode("utf-8", "backslashreplace")  # type: ignore[arg-type]
    assert len(lines) == data.count(b"\n")


def test_bytes_that_are_no_text_are_shown() -> None:
    """What is not UTF-8 is written out, and is never an error."""
    assert feed(Lines(), [b"a\xff\xfe\n\xc3"]) == ["a\\xff\\xfe\n", "\\xc3"]


values = st.one_of(
    st.binary(max_size=30),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10).filter(str.isprintable),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
)


@given(st.lists(values, max_size=8), st.integers(1, 9))
def test_values_are_the_same_however_the_bytes_are_cut(given_values: list[object], size: int) -> None:
    """What a method yields, bytes among it, is what the listener gives."""
    data = b""
    for value in given_values:
        kind, text = (b"b", value) if isinstance(value, bytes) else (b"j", json.dumps(value).encode())
        data += RECORD.pack(kind, len(text)) + text
    assert feed(Records(), [data[at : at + size] for at in range(0, len(data), size)]) == given_values


@given(st.binary(max_size=50))
def test_a_reply_may_carry_bytes_that_look_like_anything(payload: bytes) -> None:
    """JSON and bytes in one reply are told apart whatever the bytes are."""
    answer = decode_reply("any", encode_reply(Attached({"offset": 3}, payload)))
    assert isinstance(answer, WithBytes)
    assert (answer.data, bytes(answer.payload)) == ({"offset": 3}, payload)


def test_a_failed_command_is_told_from_a_refused_one() -> None:
    """Both are errors of the client; only the first may be taken for a result."""
    with pytest.raises(CommandFailed, match="no such file"):
        decode_reply("any", encode_error("no such file", "failed"))
    with pytest.raises(ClientError, match="not allowed") as caught:
        decode_reply("any", encode_error("not allowed"))
    assert not isinstance(caught.value, CommandFailed)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("node1", ("node1", 9922)),
        ("node1:99", ("node1", 99)),
        ("10.0.0.1:99", ("10.0.0.1", 99)),
        ("[::1]:99", ("::1", 99)),
        ("[::1]", ("::1", 9922)),
        ("::1", ("::1", 9922)),
    ],
)
def test_hosts_are_written_with_or_without_a_port(text: str, address: tuple[str, int]) -> None:
    """Names and addresses of both kinds."""
    assert _address(text) == address


@pytest.mark.parametrize("text", ["", ":", ":99", "node1:", "node1:x", "node1:0", "node1:65536"])
def test_what_is_no_host_is_refused(text: str) -> None:
    """And says what was expected."""
    with pytest.raises(UsageError, match="expected HOST or HOST:PORT"):
        _address(text)


def test_the_loopback_has_one_directory_by_all_its_names() -> None:
    """A server started as localhost is found as 127.0.0.1."""
    assert commands_directory("localhost", 1) == commands_directory("127.0.0.1", 1) == commands_directory("::1", 1)
    assert commands_directory("node1", 1) != commands_directory("node2", 1) != commands_directory("node2", 2)


def test_a_heartbeat_is_true_or_false_and_more() -> None:
    """It can be used as a truth value, and has the lag if there was an answer."""
    assert not Heartbeat(None)
    assert Heartbeat(None) == False  # noqa: E712 - as a caller may write it
    pulse = Heartbeat({"lag": 0.25, "worst_lag": 0.5, "jobs": 2})
    assert pulse == True  # noqa: E712
    assert (pulse.lag_seconds, pulse.worst_lag_seconds, pulse.jobs) == (0.25, 0.5, 2)
    assert "0.25" in repr(pulse)
