"""`@expose`: which methods of a server may be called from outside, by whom, and with what arguments.

The table is built when the class is made; nothing outside it can be called, whatever attributes the server
has.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, TypeVar, overload

import msgspec
from msgspec import Struct

from ..contact.keys import ROLE_CONTROL, ROLE_READ
from .exceptions import RequestRefused

Access = Literal["read", "control", "stop"]

_ALLOWED: Mapping[str, frozenset[str]] = {
    ROLE_READ: frozenset({"read"}),
    ROLE_CONTROL: frozenset({"read", "control", "stop"}),
}

_MARK = "__exposed__"
_Method = TypeVar("_Method", bound=Callable[..., Any])


class Exposure(Struct, frozen=True):
    """What `@expose` says of a method."""

    access: Access = "control"
    once: bool = True
    """A request repeated with the same id gets the first one's reply instead of being carried out again."""


@overload
def expose(method: _Method, /) -> _Method: ...


@overload
def expose(*, access: Access = "control", once: bool | None = None) -> Callable[[_Method], _Method]: ...


def expose(method: Callable[..., Any] | None = None, /, *, access: Access = "control", once: bool | None = None) -> Any:
    """Let a method be called over the network; bare, or as ``@expose(access="read")``.

    The method's parameters and their types are what a request's arguments are checked against. A parameter
    ``meta`` is not one of them: it is given the request's ``meta`` with the caller's ``role`` and ``key``
    added. Nor is a parameter ``attachment``: it is given the bytes that came with the request in a frame of their
    own, and must have a default for requests without.

    Arguments:
        access: ``read`` for every client; ``control`` and ``stop`` for clients whose key is not limited to
            reading.
        once: whether a repeated request id is answered from memory; by default for all but ``read``.
    """
    if access not in ("read", "control", "stop"):
        raise ValueError(f"{access!r} is not an access of an endpoint: it is read, control or stop")
    exposure = Exposure(access, once if once is not None else access != "read")

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, _MARK, exposure)
        return function

    return mark if method is None else mark(method)


def may_call(role: str, access: str) -> bool:
    """Whether a client of a role may use endpoints of an access."""
    return access in _ALLOWED.get(role, ())


class Endpoint(Struct, frozen=True):
    """One method that may be called from outside."""

    name: str
    access: Access
    once: bool
    is_async: bool
    takes_meta: bool
    takes_attachment: bool
    takes_any: bool
    """It has ``**kwargs``: arguments beyond its own are handed on."""
    signature: str
    """Its arguments as a person would write them."""
    documentation: str
    names: tuple[str, ...]
    required: bool
    """Whether it has an argument without a default."""
    checker: type[msgspec.Struct]

    def check(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments to call it with; raises `RequestRefused` for unknown, missing or wrongly typed
        ones."""
        if not arguments and not self.required:
            return {}
        known = arguments
        others: dict[str, Any] = {}
        if self.takes_any:
            known = {name: value for name, value in arguments.items() if name in self.names}
            others = {name: value for name, value in arguments.items() if name not in self.names}
        try:
            checked = msgspec.convert(known, self.checker)
        except msgspec.ValidationError as error:
            raise RequestRefused(f"{self.name}: {_plain(str(error))}. It is called as {self.signature}") from None
        return {**others, **{name: getattr(checked, name) for name in known}}


class Endpoints:
    """A class whose exposed methods are its endpoints."""

    endpoints: ClassVar[dict[str, Endpoint]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.endpoints = collect(cls)


def collect(cls: type) -> dict[str, Endpoint]:
    """The endpoints of a class, sorted by name. A method that is overridden without `@expose` is not one any
    more."""
    found: dict[str, Endpoint] = {}
    for name in sorted(dir(cls)):
        method = inspect.getattr_static(cls, name)
        exposure = getattr(method, _MARK, None)
        if isinstance(exposure, Exposure) and callable(method):
            found[name] = _endpoint(name, method, exposure)
    return found


def unknown_command(name: str, endpoints: Mapping[str, Endpoint]) -> RequestRefused:
    """The error for a command that is no endpoint, with the ones it may have meant."""
    import difflib

    close = difflib.get_close_matches(name[:100], endpoints, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "the endpoint 'api' lists them"
    return RequestRefused(f"No method by the name {name[:100]!r}: {hint}")


def _endpoint(name: str, method: Callable[..., Any], exposure: Exposure) -> Endpoint:
    signature = inspect.signature(method)
    try:
        hints = typing.get_type_hints(method)
    except NameError as error:
        raise TypeError(f"The types of endpoint {name} cannot be read when its class is made: {error}") from error
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    written = []
    takes_any = takes_meta = takes_attachment = False
    for parameter in list(signature.parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_any = True
            written.append(f"**{parameter.name}")
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise TypeError(f"Endpoint {name}: arguments come by name, so {parameter} is of no use")
        elif parameter.name == "meta":
            takes_meta = True
        elif parameter.name == "attachment":
            takes_attachment = True
        else:
            kind = hints.get(parameter.name, Any)
            if parameter.default is parameter.empty:
                fields.append((parameter.name, kind))
            else:
                # The value is never used: what is not given is left to the method's own default.
                fields.append((parameter.name, kind, None))
            written.append(str(parameter.replace(annotation=kind)))
    return Endpoint(
        name=name,
        access=exposure.access,
        once=exposure.once,
        is_async=inspect.iscoroutinefunction(method),
        takes_meta=takes_meta,
        takes_attachment=takes_attachment,
        takes_any=takes_any,
        signature=f"{name}({', '.join(written)})",
        documentation=inspect.getdoc(method) or "",
        names=tuple(field[0] for field in fields),
        required=any(len(field) == 2 for field in fields),
        checker=msgspec.defstruct(f"{name}_arguments", fields, kw_only=True, forbid_unknown_fields=True),
    )


def _plain(text: str) -> str:
    # msgspec speaks of objects and fields, and points with JSON paths; callers know arguments.
    for words, plainer in (
        ("Object missing required field", "missing argument"),
        ("Object contains unknown field", "unknown argument"),
        ("`", "'"),
        (" - at '$.", " for '"),
        (" - at '$", " for '"),
    ):
        text = text.replace(words, plainer)
    return text[:1].lower() + text[1:]
