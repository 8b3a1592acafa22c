"""Requests and endpoints without sockets: what is read, what is refused, and in what words."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.network.client import decode_reply, new_id
from tidemill.network.envelope import Request, decode_request, encode_error, encode_reply
from tidemill.network.exceptions import ClientError, RequestRefused
from tidemill.network.expose import Endpoints, expose, may_call

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


class Example(Endpoints):
    """Some endpoints."""

    @expose
    def plain(self, number: int, text: str | None = None) -> None:
        """Be plain."""

    @expose(access="read")
    async def several(self, things: list[int], **others: Any) -> None:
        """Take anything else too."""

    def hidden(self) -> None:
        """Be no endpoint."""


class Narrower(Example):
    """Overrides one without exposing it."""

    def plain(self, number: int, text: str | None = None) -> None:
        """Be no endpoint any more."""


@given(st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()))
def test_any_frame_is_a_request_or_refused(frame: bytes) -> None:
    """Whatever comes in a frame, it is read as a request or refused with one message."""
    try:
        assert isinstance(decode_request(frame), Request)
    except RequestRefused as error:
        message = str(error)
        reply = json.loads(encode_error(message))
        assert reply == {"error": {"message": message}}


@given(_json)
def test_what_an_endpoint_returns_is_what_the_client_gets(value: Any) -> None:
    """Data goes through the reply unchanged."""
    assert decode_reply("any", encode_reply(value)) == value


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(["number", "text"]), _json, max_size=4))
def test_arguments_fit_or_are_refused(arguments: dict[str, Any]) -> None:
    """Arguments pass as they are if they fit the signature; otherwise the error shows the signature."""
    fits = (
        set(arguments) <= {"number", "text"}
        and type(arguments.get("number")) is int
        and isinstance(arguments.get("text"), str | None)
    )
    try:
        checked = Example.endpoints["plain"].check(arguments)
    except RequestRefused as error:
        message = str(error)
        assert not fits
        assert "plain(number: int, text: str | None = None)" in message
    else:
        assert fits
        assert checked == arguments


def test_the_table_holds_what_is_exposed() -> None:
    """Exposed methods are endpoints with their access; others, and overrides without the mark, are not."""
    assert list(Example.endpoints) == ["plain", "several"]
    assert Example.endpoints["plain"].access == "control"
    assert Example.endpoints["plain"].once
    assert Example.endpoints["several"].is_async
    assert not Example.endpoints["several"].once
    assert list(Narrower.endpoints) == ["several"]
    assert Example.endpoints["several"].check({"things": [1], "more": "x"}) == {"things": [1], "more": "x"}


def test_what_cannot_be_exposed() -> None:
    """A wrong access, or arguments that cannot come by name, are errors where they are written."""
    with pytest.raises(ValueError, match="not an access"):
        expose(access="everything")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="come by name"):

        class Wrong(Endpoints):
            @expose
            def takes(self, *things: int) -> None:
                """Take by position."""


def test_roles() -> None:
    """Reading allows reading only, control everything, an unknown role nothing."""
    assert [may_call("read", access) for access in ("read", "control", "stop")] == [True, False, False]
    assert all(may_call("control", access) for access in ("read", "control", "stop"))
    assert not may_call("", "read")


@pytest.mark.parametrize("reply", [b"", b"[]", b"{}", b"null", b'{"error": null}', b"\xff", b'{"datum": 1}'])
def test_replies_nobody_understands(reply: bytes) -> None:
    """A reply without data is an error that shows it."""
    with pytest.raises(ClientError, match="is not understood"):
        decode_reply("ping_workflow", reply)


def test_errors_reach_the_caller_in_the_schedulers_words() -> None:
    """The message of an error reply is the client's error; bytes are for the endpoints that return them."""
    with pytest.raises(ClientError, match=r"^no such task$"):
        decode_reply("x", b'{"error": {"message": "no such task"}}')
    with pytest.raises(ClientError, match=r"^old style$"):
        decode_reply("pb_entire_workflow", b'{"error": "old style"}')
    assert decode_reply("pb_entire_workflow", b"\x0a\x00") == b"\x0a\x00"
    assert decode_reply("pb_entire_workflow", b"") == b""


def test_ids_are_uuids() -> None:
    """Each request id is a random UUID of its own."""
    assert uuid.UUID(new_id()).version == 4
    assert len({new_id() for _ in range(1000)}) == 1000
