"""The lines of one file, each with what it is: heading, item, text of a long value, comment, template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import frozen

HEADING, ITEM, VALUE, COMMENT, BLANK, TEMPLATE, END = "heading", "item", "value", "comment", "blank", "template", "end"

_HEADING = re.compile(r"\s*(\[+)\s*([^\[\]]*?)\s*(\]+)\s*(?:#.*)?$")
_ITEM = re.compile(r"\s*([\w+\-:.,!/()^$ <>=]*?)\s*=\s*(.*)$")
_BLOCK = re.compile(r"\s*(?:\{%|\{#)")
TRIPLES = ('"""', "'''")


@frozen
class Line:
    """One line as it stands in its file."""

    file: str
    number: int
    text: str
    kind: str
    section: tuple[str, ...]
    """The headings above it, its own included."""
    key: str = ""
    """Of an item, and of the lines of its value."""
    value: str = ""
    """Of an item: what stands on its line."""

    @property
    def indent(self) -> str:
        """The white space it begins with."""
        return self.text[: len(self.text) - len(self.text.lstrip())]

    def is_in(self, *path: str) -> bool:
        """Whether it lies in a section; ``*`` stands for any one name."""
        return len(self.section) >= len(path) and all(
            wanted in ("*", found) for wanted, found in zip(path, self.section, strict=False)
        )


def scan(file: str, texts: Iterable[str]) -> Iterator[Line]:
    """What each line of a file is. A file need not be valid."""
    section: tuple[str, ...] = ()
    closing, key, in_block = "", "", ""
    for number, text in enumerate(texts, 1):
        stripped = text.strip()
        if closing:
            ended = closing in stripped
            kind = END if stripped.startswith(closing) else VALUE
            yield Line(file, number, text, kind, section, key)
            closing = "" if ended else closing
        elif in_block:
            yield Line(file, number, text, TEMPLATE, section)
            in_block = "" if in_block in stripped else in_block
        elif not stripped:
            yield Line(file, number, text, BLANK, section)
        elif _BLOCK.match(text):
            yield Line(file, number, text, TEMPLATE, section)
            end = "%}" if stripped.startswith("{%") else "#}"
            in_block = "" if end in stripped else end
        elif stripped.startswith("#"):
            yield Line(file, number, text, COMMENT, section)
        elif (heading := _HEADING.match(text)) and heading[1].count("[") == heading[3].count("]"):
            section = (*section[: len(heading[1]) - 1], heading[2])
            yield Line(file, number, text, HEADING, section)
        elif item := _ITEM.match(text):
            key, value = item[1].strip(), item[2].strip()
            yield Line(file, number, text, ITEM, section, key, value)
            quotes = next((one for one in TRIPLES if value.startswith(one)), "")
            closing = quotes if quotes and quotes not in value[3:] else ""
        else:
            yield Line(file, number, text, VALUE, section, key)
