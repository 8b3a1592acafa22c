"""Single runtime settings given outside a workflow file: ``[environment]HELLO=Hello``, as a broadcast has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .exceptions import ConfigError
from .items import RUNTIME_SPECIFICATION
from .specification import Item, Specification, display_path

_SETTING = re.compile(r"((?:\s*\[[^\]]+\])*)\s*([^=\[\]]+?)\s*(?:=(.*))?\Z", re.DOTALL)
_SECTION = re.compile(r"\[([^\]]+)\]")
_SECONDS = re.compile(r"\d+(?:\.\d+)?\Z")


def split_setting(text: str) -> tuple[tuple[str, ...], str | None]:
    """``[section]item=value`` as a path and the value's text; no value if there is no ``=``.

    Raises:
        ConfigError: it is not of that form.
    """
    match = _SETTING.match(text.strip())
    if match is None:
        raise ConfigError(f"{text!r} is not a setting", hint="Write it as: [environment]NAME=value, or script=value")
    path = (*(part.strip() for part in _SECTION.findall(match[1])), match[2])
    return path, None if match[3] is None else match[3].strip()


def flatten_settings(settings: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Nested settings as paths and texts."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flatten_settings(value, (*path, name))
        else:
            yield (*path, name), "" if value is None else str(value)


def typed_setting(path: tuple[str, ...], text: str) -> Any:
    """The value of one runtime setting; an interval may also be a plain number of seconds (Cylc 8 behaviour).

    Raises:
        ConfigError: there is no such item, or the text is not a value of it.
    """
    found: Specification | Item | None = RUNTIME_SPECIFICATION
    for part in path:
        found = found.find(part) if isinstance(found, Specification) else None
    if not isinstance(found, Item) or path[-1] == "inherit":
        raise ConfigError(f"{display_path(path[:-1], path[-1])} is not a runtime setting that can be broadcast")
    kind = found.type
    if kind.name.lower().startswith("interval") and not kind.is_list and _SECONDS.match(text):
        return float(text)
    try:
        return kind.convert(text)
    except ValueError as error:
        shown = display_path(path[:-1], path[-1])
        raise ConfigError(f"{shown} = {text}: {error}", hint=f"Accepted: {kind.accepts}.") from error
