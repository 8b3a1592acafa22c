"""Requests in, replies out: one frame of JSON each way. The server's half; the client's is in `client`.

A request may carry bytes in a second frame. A reply may be JSON and bytes in one: a zero byte, the length of the JSON
in four bytes (big-endian), the JSON, the bytes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from .exceptions import RequestRefused


class Request(msgspec.Struct, gc=False):
    """``{"command": ..., "args": {...}, "meta": {...}?}``; other keys are ignored."""

    command: str
    args: dict[str, Any]
    meta: dict[str, Any] | None = None


_decoder = msgspec.json.Decoder(Request)
_encoder = msgspec.json.Encoder()

_WITH_BYTES = b"\0"
"""How a reply begins that is JSON and bytes: as no JSON and no protobuf message does."""

ANSWER_TRUE = b'{"data":true}'


class Attached(NamedTuple):
    """What an endpoint returns that answers JSON data and bytes beside it."""

    data: Any
    payload: bytes


def decode_request(message: bytes) -> Request:
    """Read a request; raises `RequestRefused` with one sentence on what is wrong with it."""
    try:
        return _decoder.decode(message)
    except msgspec.ValidationError as error:
        raise RequestRefused(_what_is_wrong(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestRefused(f"The request is not JSON in UTF-8: {error}") from None
    except RecursionError:
        raise RequestRefused("The request is not accepted: it is nested too deeply") from None


def request_of(message: Any) -> Request:
    """A request from a mapping, as a caller within the process may have it; raises `RequestRefused`."""
    try:
        return msgspec.convert(message, Request)
    except msgspec.ValidationError as error:
        raise RequestRefused(_what_is_wrong(str(error))) from None


def encode_reply(result: Any) -> bytes:
    """The reply with a result: bytes go as they are, `Attached` as both, everything else as ``{"data": ...}``."""
    if result is True:
        return ANSWER_TRUE
    if isinstance(result, bytes):
        return result
    try:
        if isinstance(result, Attached):
            return _with_bytes(result)
        return _encoder.encode({"data": result})
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        return encode_error(f"The answer cannot be written as JSON: {error}")


def _with_bytes(answer: Attached) -> bytes:
    header = _encoder.encode(answer.data)
    return b"".join((_WITH_BYTES, len(header).to_bytes(4, "big"), header, answer.payload))


def encode_error(message: str, kind: str | None = None) -> bytes:
    """The reply that something went wrong: ``{"error": {"message": ...}}``.

    Arguments:
        message: what, for a person.
        kind: ``failed`` for a command that was carried out and did not succeed; ``idle`` for one that made sense but
            found nothing to do; nothing for one that was refused.
    """
    error = {"message": message} if kind is None else {"message": message, "kind": kind}
    try:
        return _encoder.encode({"error": error})
    except UnicodeEncodeError:
        error["message"] = message.encode("utf-8", "replace").decode()
        return _encoder.encode({"error": error})


def _what_is_wrong(text: str) -> str:
    if "missing required field" in text:
        name = text.partition("`")[2].partition("`")[0]
        return f'The request lacks the field {name!r}; it must be {{"command": "...", "args": {{...}}}}'
    return f'The request must be {{"command": "...", "args": {{...}}}}: {text.replace("`", "")}'
