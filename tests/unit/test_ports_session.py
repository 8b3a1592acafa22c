"""The line protocol: what clients of the original say, and what they are told."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.contact.ports.registry import Registry
from tidemill.contact.ports.server import is_loopback
from tidemill.contact.ports.session import LONGEST_LINE_BYTES, Peer, Session

HERE = Peer("127.0.0.1", is_local=True)
ELSEWHERE = Peer("192.0.2.2", is_local=False)


def registry_of(first: int = 31015, last: int = 31019) -> Registry:
    return Registry(first, last, is_bound=lambda port: False)


def said(session: Session, data: bytes) -> list[str]:
    """What a session replies to some bytes, by reply."""
    session.receive(data)
    replies = []
    while (reply := session.reply()) is not None:
        replies.append(reply.decode(errors="surrogateescape"))
    return replies


def test_ports_are_given_and_listed() -> None:
    """GIMME gives a port, the highest first; LIST tells how many there are and who has which."""
    session = Session(registry_of(), HERE)
    assert said(session, b"LIST\n") == ["OK 0\r\n"]
    assert said(session, b"GIMME svcA alice\n") == ["OK 31019\r\n"]
    assert said(session, b"GIMME svcA alice\r\n") == ["OK 31018\r\n"]
    assert said(session, b"GIMME {my svc} alice\nGIMME svcA bob\n") == ["OK 31017\r\n", "OK 31016\r\n"]
    listing = "OK 4\r\n31017 {my svc} alice\r\n31019 svcA alice\r\n31018 svcA_1 alice\r\n31016 svcA bob\r\n"
    assert said(session, b"LIST\n") == [listing]
    assert said(session, b"LIST extra\n") == [listing]


def test_more_words_are_passed_over_and_missing_ones_are_empty() -> None:
    """As in the original, GIMME alone gets a port for nobody, and words after the user mean nothing."""
    session = Session(registry_of(), HERE)
    assert said(session, b"GIMME\nGIMME a b c d\nLIST\n") == [
        "OK 31019\r\n",
        "OK 31018\r\n",
        "OK 2\r\n31019 {} {}\r\n31018 a b\r\n",
    ]


def test_our_own_clients_tell_and_hear_more() -> None:
    """After DETAILS come details, which LIST DETAILS tells; the reply has the granted name."""
    session = Session(registry_of(), HERE)
    assert said(session, b"GIMME s a DETAILS {pid 7 kind x colour red}\nGIMME s a DETAILS\n") == [
        "OK 31019 s\r\n",
        "OK 31018 s_1\r\n",
    ]
    assert said(session, b"LIST DETAILS\n") == ["OK 2\r\n31019 s a {pid 7 kind x}\r\n31018 s_1 a {}\r\n"]
    assert said(session, b"FREE 31018\nFREE 31018\n") == [
        "OK 31018\r\n",
        "FAIL {port 31018 is not held by this connection}\r\n",
    ]


def test_exhaustion_leaves_the_connection_usable() -> None:
    """When no port is left, that is said, and the connection goes on."""
    session = Session(registry_of(31019, 31019), HERE)
    assert said(session, b"GIMME a b\nGIMME a b\nLIST\n") == [
        "OK 31019\r\n",
        "FAIL {no free ports}\r\n",
        "OK 1\r\n31019 a b\r\n",
    ]
    assert not session.is_over


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"TERMINATE\n", "FAIL {Invalid request TERMINATE}\r\n"),
        (b"gimme x y\n", "FAIL {Invalid request gimme}\r\n"),
        (b"\n", "FAIL {Invalid request }\r\n"),
        (b"GIMME {unbalanced u\n", "FAIL {Invalid request: unmatched open brace in list}\r\n"),
        (b"FREE\n", "FAIL {Invalid request: FREE needs a port}\r\n"),
        (b"ADVERTISE x y z\n", "FAIL {Invalid request: ADVERTISE needs a port}\r\n"),
    ],
)
def test_an_invalid_request_ends_a_connection_that_holds_nothing(line: bytes, reply: str) -> None:
    """What makes no sense is refused and hung up on, as in the original; never answered with silence."""
    session = Session(registry_of(), HERE)
    assert said(session, line + b"LIST\n") == [reply]
    assert session.is_over


def test_an_invalid_request_costs_nobody_his_ports() -> None:
    """A connection that holds ports is told of its mistake and keeps them."""
    session = Session(registry_of(), HERE)
    replies = said(session, b"GIMME a b\nFOO\nGIMME {x\nLIST\n")
    assert replies[1] == "FAIL {Invalid request FOO}\r\n"
    assert replies[3] == "OK 1\r\n31019 a b\r\n"
    assert not session.is_over


def test_only_local_peers_get_ports() -> None:
    """A peer of another host may list, but is refused a port in the original's words, and hung up on."""
    session = Session(registry_of(), ELSEWHERE)
    assert said(session, b"LIST\n") == ["OK 0\r\n"]
    refusal = "FAIL {192.0.2.2 (192.0.2.2) : Only local applications get ports}\r\n"
    assert said(session, b"GIMME a b\nLIST\n") == [refusal]
    assert session.is_over
    for request in (b"ADVERTISE 1 a b\n", b"FREE 31019\n"):
        assert said(Session(registry_of(), ELSEWHERE), request) == [refusal]


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.0.1.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.2", False),
        ("192.0.2.2", False),
        ("fe80::1%eth0", False),
        ("", False),
    ],
)
def test_local_is_loopback(address: str, is_local: bool) -> None:
    """The loopback of IPv4 and IPv6 is local, also IPv4 as an IPv6 socket shows it; nothing else is."""
    assert is_loopback(address) is is_local


def test_the_kernel_is_believed_before_the_client() -> None:
    """Where the kernel tells user and process, what the client says of them counts for nothing."""
    session = Session(registry_of(), Peer("local", is_local=True, user="anna", pid=42))
    said(session, b"GIMME s root DETAILS {pid 1 kind k is_verified True}\nGIMME t root\n")
    assert said(session, b"LIST DETAILS\n") == [
        "OK 2\r\n31019 s anna {pid 42 kind k is_verified True}\r\n31018 t anna {is_verified True pid 42}\r\n"
    ]
    other = Session(session.registry, HERE)
    said(other, b"GIMME u anna DETAILS {is_verified True}\n")
    assert "31017 u anna {}" in said(other, b"LIST DETAILS\n")[0]


def test_a_line_without_end_is_cut_off() -> None:
    """A client that sends a line that does not end is told so and hung up on."""
    session = Session(registry_of(), HERE)
    assert said(session, b"GIMME " + b"x" * LONGEST_LINE_BYTES) == [
        f"FAIL {{Invalid request: longer than {LONGEST_LINE_BYTES} bytes}}\r\n"
    ]
    assert session.is_over


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    """A name that is not UTF-8 is listed in the same bytes."""
    session = Session(registry_of(), HERE)
    session.receive(b"GIMME \xff\xfe a\nLIST\n")
    session.reply()
    assert session.reply() == b"OK 1\r\n31019 \xff\xfe a\r\n"


def test_half_a_character_is_no_fault_of_ours() -> None:
    """An escape that no text can hold is listed as the sign for that."""
    session = Session(registry_of(), HERE)
    assert said(session, b"GIMME \\ud800\\uffffff a\nLIST\n")[1] == "OK 1\r\n31019 \ufffd\uffffff a\r\n"


@given(st.binary(max_size=60), st.lists(st.integers(0, 40), max_size=4))
def test_it_does_not_matter_how_bytes_arrive(data: bytes, cuts: list[int]) -> None:
    """However a stream is cut into packets, the replies are the same; and nothing that is sent is a fault of ours."""
    stream = b"GIMME {a b} c\n" + data + b"\nLIST\n"
    whole = Session(registry_of(), HERE)
    expected = said(whole, stream)
    parts = Session(registry_of(), HERE)
    marks = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    found = [reply for begin, end in pairwise(marks) for reply in said(parts, stream[begin:end])]
    assert (found, parts.is_over) == (expected, whole.is_over)
