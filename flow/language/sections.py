"""Lines to a tree: sections and items as written, values still text, each with the line it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import dedent

from msgspec import Struct

from .exceptions import ConfigError
from .source import Location, Origin, Source

_HEADING = re.compile(r"(\[+)\s*(.*?)\s*(\]+)\s*(?:#.*)?\Z", re.DOTALL)
_BALANCED = re.compile(r"[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\Z")
_ITEM = re.compile(r"([\w+\-:.,!/()^$\s]*?(?:<[^>]*>)?)\s*=\s*(.*)\Z", re.DOTALL)
_TRIPLES = ('"""', "'''")
_QUOTED = {
    '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"\s*(?:#.*)?\Z', re.DOTALL),
    "'": re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'\s*(?:#.*)?\Z", re.DOTALL),
}

ADDITIVE = {("scheduling", "graph"), ("scheduling", "dependencies")}
"""Sections in which a repeated item adds to the earlier one; elsewhere the last one counts."""


class Entry(Struct, eq=False):
    """One ``key = value`` as written."""

    key: str
    value: str
    """What stands right of the ``=``; for a triple-quoted value the text between the quotes."""
    triple: bool
    index: int
    """Line of the key in the source (0-based)."""
    source: Source
    continued: list[Entry] = []
    """Later items of the same key, where repeats add up."""

    @property
    def location(self) -> Location:
        """Where the key is written."""
        return Location(*self.source.origins[self.index])

    def plain(self) -> str:
        """The value without quotes, trailing comment and common indentation.

        Raises:
            ValueError: Text follows the closing quote, or it is missing.
        """
        if self.triple:
            return dedent(self.value).strip() if "\n" in self.value else self.value.strip()
        value = self.value
        if value[:1] in ("'", '"'):
            match = _QUOTED[value[0]].match(value)
            if match is None:
                raise ValueError("the quotes around it do not match")
            return match[1]
        if "#" in value:
            value = value[: value.index("#")]
        return value.strip()

    def text_and_origins(self) -> tuple[str, list[Origin]]:
        """The plain value with the origin of each of its lines."""
        text = self.plain()
        if not self.triple:
            return text, [self.source.origins[self.index]]
        skipped = 0
        for line in self.value.split("\n"):
            if line.strip():
                break
            skipped += 1
        first = self.index + skipped
        return text, self.source.origins[first : first + text.count("\n") + 1]


class Section(Struct, eq=False):
    """A section: its items and subsections in the order first written."""

    name: str
    index: int
    source: Source
    children: dict[str, Section | Entry] = {}

    @property
    def location(self) -> Location:
        """Where it was first opened."""
        return Location(*self.source.origins[self.index]) if self.index < len(self.source.origins) else Location("", 0)

    def sections(self) -> Iterator[Section]:
        """Its subsections."""
        return (child for child in self.children.values() if isinstance(child, Section))

    def entries(self) -> Iterator[Entry]:
        """Its items."""
        return (child for child in self.children.values() if isinstance(child, Entry))


def parse_sections(source: Source) -> Section:
    """Read the lines of a configuration file into a tree.

    Args:
        source: Lines with includes, templates and continuations resolved.

    Returns:
        The top of the tree, an unnamed section.

    Raises:
        ConfigError: A line that is no heading, item or comment; mismatched brackets; a section too deep; an
            unclosed multi-line value; a name used for both a section and an item.
    """
    root = Section("", 0, source)
    stack: list[Section] = [root]
    additive = False
    lines = source.lines
    count = len(lines)
    index = 0
    while index < count:
        line = lines[index].strip()
        if not line or line[0] == "#":
            index += 1
            continue
        if line[0] == "[":
            depth, name = _heading(line, source, index)
            if depth > len(stack):
                above = "".join(f"[{section.name}]" for section in stack[1:]) or "the top level"
                raise ConfigError(
                    f"section {'[' * depth}{name}{']' * depth} is nested too deep below {above}",
                    location=source.location(index),
                    hint=f"Use at most {len(stack)} bracket{'s' if len(stack) > 1 else ''} here.",
                )
            del stack[depth:]
            stack.append(_open_section(stack[-1], name, source, index))
            additive = depth > 1 and (stack[1].name, stack[2].name) in ADDITIVE
            index += 1
            continue
        match = _ITEM.match(line)
        if match is None or not match[1]:
            raise ConfigError(
                f"not a section, item or comment: {_shorten(line)}",
                location=source.location(index),
                hint="An item is written: name = value.",
            )
        key, value = match[1], match[2]
        triple = value.startswith(_TRIPLES)
        start = index
        if triple:
            value, index = _multiline(value, source, index)
        _add_entry(stack[-1], Entry(key, value, triple, start, source), additive)
        index += 1
    return root


def _heading(line: str, source: Source, index: int) -> tuple[int, str]:
    match = _HEADING.match(line)
    if match is None:
        closed = re.match(r"\[+[^\[\]]*\]+", line)
        reason = "text after a section heading" if closed else "section heading without closing bracket"
        raise ConfigError(f"{reason}: {_shorten(line)}", location=source.location(index))
    if len(match[1]) != len(match[3]):
        raise ConfigError(
            f"brackets do not match: {_shorten(line)}",
            location=source.location(index),
            hint="Open and close a section with the same number of brackets.",
        )
    if not match[2]:
        raise ConfigError("section without a name", location=source.location(index))
    if not _BALANCED.match(match[2]):
        raise ConfigError(f"brackets do not match: {_shorten(line)}", location=source.location(index))
    return len(match[1]), match[2]


def _open_section(parent: Section, name: str, source: Source, index: int) -> Section:
    existing = parent.children.get(name)
    if existing is None:
        existing = parent.children[name] = Section(name, index, source)
    elif isinstance(existing, Entry):
        raise ConfigError(
            f"{name} is opened as a section but was set as an item at {existing.location}",
            location=source.location(index),
        )
    return existing


def _add_entry(section: Section, entry: Entry, additive: bool) -> None:
    existing = section.children.get(entry.key)
    if isinstance(existing, Section):
        raise ConfigError(
            f"{entry.key} is set as an item but was opened as a section at {existing.location}",
            location=entry.location,
        )
    if existing is not None and additive:
        existing.continued.append(entry)
    else:
        section.children[entry.key] = entry


def _multiline(value: str, source: Source, index: int) -> tuple[str, int]:
    """The text of a triple-quoted value and the line it ends on."""
    quotes, rest = value[:3], value[3:]
    end = rest.find(quotes)
    if end >= 0:
        _check_tail(rest[end + 3 :], source, index)
        return rest[:end], index
    collected = [rest]
    lines = source.lines
    for number in range(index + 1, len(lines)):
        line = lines[number]
        end = line.find(quotes)
        if end >= 0:
            _check_tail(line[end + 3 :], source, number)
            collected.append(line[:end])
            return "\n".join(collected), number
        collected.append(line)
    raise ConfigError(
        f"multi-line value is never closed: {_shorten(lines[index].strip())}",
        location=source.location(index),
        hint=f"Close it with {quotes} on a line of its own.",
    )


def _check_tail(tail: str, source: Source, index: int) -> None:
    tail = tail.strip()
    if tail and tail[0] != "#":
        raise ConfigError(
            f"text after the closing quotes: {_shorten(tail)}",
            location=source.location(index),
            hint="Only a comment may follow them.",
        )


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
