"""Settings of broadcasts, as written on command lines and in files, and shown to people."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from .exceptions import InputError

Setting = dict[str, Any]
"""One setting, nested by sections: ``{"environment": {"X": "1"}}``."""

_SETTING = re.compile(r"\s*((?:\[[^\[\]]*\]\s*)*)([^=\[\]]+?)\s*(?:=(.*))?\Z", re.DOTALL)
_SECTION = re.compile(r"\[\s*([^\[\]]*?)\s*\]")
_QUOTED = re.compile(r"""(?:"([^"\\]*)"|'([^'\\]*)')\s*(?:#.*)?\Z""", re.DOTALL)


def read_setting(text: str) -> Setting:
    """``[section]item=value`` to a setting; quotes around the whole value are not part of it.

    Raises:
        InputError: it is not of this form, or says no value.
    """
    path, value = _split(text)
    if value is None:
        raise InputError(f"--set={text} requires a value: --set={text}=VALUE")
    value = value.strip()
    quoted = _QUOTED.match(value)
    if quoted is not None:
        value = quoted[1] if quoted[1] is not None else quoted[2]
    return nest(path, value)


def read_cancellation(text: str) -> Setting:
    """``[section]item`` to a setting whose value is None; a value is not looked at."""
    return nest(_split(text)[0], None)


def read_settings_file(name: str) -> list[Setting]:
    """The settings of a file in the workflow language; ``-`` is standard input.

    Raises:
        LanguageError: it cannot be read; the message has file and line.
    """
    # Loaded only here: most broadcasts come without a file, and jobs send many.
    from ..flow.language.preprocess import process
    from ..flow.language.sections import Entry, Section, parse_sections
    from ..flow.language.source import Source, read_source

    directory = os.getcwd()
    if name == "-":
        lines = sys.stdin.read().splitlines()
        source = Source(lines, [("standard input", number) for number in range(1, len(lines) + 1)])
    else:
        source = read_source(os.path.abspath(name), directory)
    tree = parse_sections(process(source, directory, {}, os.environ))

    def walk(section: Section, path: tuple[str, ...]) -> Iterator[Setting]:
        for key, child in section.children.items():
            if isinstance(child, Entry):
                try:
                    yield nest((*path, key.strip()), child.plain())
                except ValueError as error:
                    raise InputError(f"{child.location}: {key}: {error}") from None
            else:
                yield from walk(child, (*path, key))

    return list(walk(tree, ()))


def nest(path: tuple[str, ...], value: str | None) -> Setting:
    """A value below the names of a path."""
    setting: Any = value
    for name in reversed(path):
        setting = {name: setting}
    result: Setting = setting
    return result


def emptied(setting: Setting) -> Setting:
    """The same setting without its value."""
    return {key: emptied(value) if isinstance(value, dict) else None for key, value in setting.items()}


def draw_broadcasts(broadcasts: Mapping[str, Any], *, box: bool) -> str:
    """Broadcasts in force as a tree: cycle point, namespace, section, item with its value."""
    from .tree import walk

    names: dict[str, list[str]] = {}
    values: dict[str, str] = {}

    def add(path: str, below: Mapping[str, Any]) -> None:
        names[path] = []
        for key in sorted(below):
            inner = f"{path}\0{key}"
            names[path].append(inner)
            if isinstance(below[key], Mapping):
                add(inner, below[key])
            else:
                names[inner] = []
                values[inner] = str(below[key])

    lines: list[tuple[str, str]] = []
    for point in sorted(broadcasts):
        add(point, broadcasts[point])
        lines.append((point, ""))
        for prefix, path in walk(point, names.__getitem__, box=box):
            lines.append((f"{prefix}{path.rpartition(chr(0))[2]}", values.get(path, "")))
    width = max((len(left) for left, _ in lines), default=0)
    return "\n".join(f"{left:<{width}}  {right}".rstrip() for left, right in lines)


def _split(text: str) -> tuple[tuple[str, ...], str | None]:
    match = _SETTING.match(text)
    if match is None:
        raise InputError(f"{text}: expected [SECTION]ITEM=VALUE")
    return (*_SECTION.findall(match[1]), match[2]), match[3]
