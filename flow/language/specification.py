"""What a configuration may hold: items as data, and the functions that validate and complete by them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from .exceptions import ConfigError
from .sections import Entry, Section
from .source import Location
from .values import STRING, ValueType

_PATH = re.compile(r"\[([^\]]*)\]")


class Item(Struct, frozen=True):
    """One item of a configuration file, as a row of the reference.

    A path is written ``[section][subsection]item``; a part in angle brackets, ``<name>``, stands for any.
    A path that ends with a bracket describes a section.
    """

    path: str
    type: ValueType = STRING
    default: Any = None
    meaning: str = ""
    spaces_free: bool = False
    """The name may hold two blanks in a row (graph recurrences)."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The section names and, unless it is a section, the item name."""
        sections = tuple(_PATH.findall(self.path))
        name = self.path.rpartition("]")[2]
        return (*sections, name) if name else sections

    @property
    def is_section(self) -> bool:
        """Whether it describes a section rather than an item."""
        return self.path.endswith("]")


class Specification(Struct, eq=False):
    """A section of the table as a tree: the form that validation walks."""

    name: str
    children: dict[str, Specification | Item] = {}
    wildcard: Specification | Item | None = None
    """What any other name stands for, if anything."""

    def find(self, name: str) -> Specification | Item | None:
        """What a name in this section stands for; None if it may not be there."""
        return self.children.get(name) or self.wildcard

    def section(self, *names: str) -> Specification:
        """A section of the table further down."""
        found: Specification | Item | None = self
        for name in names:
            found = found.find(name) if isinstance(found, Specification) else None
        if not isinstance(found, Specification):
            raise KeyError(names)
        return found


def compile_items(items: Iterable[Item]) -> Specification:
    """The tree of a table."""
    root = Specification("")
    for item in items:
        parts = item.parts
        section = root
        for name in parts if item.is_section else parts[:-1]:
            section = _subsection(section, name)
        if not item.is_section:
            if parts[-1].startswith("<"):
                section.wildcard = item
            else:
                section.children[parts[-1]] = item
    return root


def _subsection(section: Specification, name: str) -> Specification:
    wild = name.startswith("<")
    existing = section.wildcard if wild else section.children.get(name)
    if isinstance(existing, Specification):
        return existing
    created = Specification(name)
    if wild:
        section.wildcard = created
    else:
        section.children[name] = created
    return created


def defaults(specification: Specification) -> dict[str, Any]:
    """Every named item of a section with its default value, sections nested; wildcards add nothing."""
    result: dict[str, Any] = {}
    for name, child in specification.children.items():
        if isinstance(child, Specification):
            result[name] = defaults(child)
        else:
            result[name] = list(child.default) if isinstance(child.default, list) else child.default
    return result


def fill_defaults(values: dict[str, Any], specification: Specification) -> dict[str, Any]:
    """Values with defaults for what is not set, in the order of the table; user-named sections likewise."""
    result: dict[str, Any] = {}
    for name, child in specification.children.items():
        value = values.get(name)
        if isinstance(child, Specification):
            result[name] = fill_defaults(value or {}, child)
        elif value is None:
            result[name] = list(child.default) if isinstance(child.default, list) else child.default
        else:
            result[name] = value
    wildcard = specification.wildcard
    for name, value in values.items():
        if name not in result:
            result[name] = fill_defaults(value, wildcard) if isinstance(wildcard, Specification) else value
    return result


def display_path(path: Iterable[str], name: str | None = None) -> str:
    """The path of an item or section in Cylc's notation: ``[scheduling][graph]R1``."""
    return "".join(f"[{part}]" for part in path) + (name or "")


def validate(section: Section, specification: Specification, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Typed values of a section and everything below it, in file order.

    Args:
        section: The section as parsed.
        specification: What it may hold.
        path: Names of the sections down to and including this one, for messages.

    Raises:
        ConfigError: Unknown name, section for item or item for section, or a value of the wrong type.
    """
    result: dict[str, Any] = {}
    known = specification.children
    wildcard = specification.wildcard
    for name, child in section.children.items():
        found = known.get(name)
        if found is None:
            found = wildcard
        if found is None or ("  " in name and not (isinstance(found, Item) and found.spaces_free)):
            raise unknown_name(child, specification, path)
        if isinstance(child, Section):
            if isinstance(found, Item):
                raise ConfigError(
                    f"{display_path(path, name)} is an item, not a section",
                    location=child.location,
                    hint=f"Write: {name} = value",
                )
            result[name] = validate(child, found, (*path, name))
        elif isinstance(found, Item):
            result[name] = read_value(child, found, path)
        else:
            raise ConfigError(
                f"{display_path((*path, name))} is a section, not an item",
                location=child.location,
                hint=f"Write it as a heading: {'[' * (len(path) + 1)}{name}{']' * (len(path) + 1)}",
            )
    return result


def read_value(entry: Entry, item: Item, path: tuple[str, ...]) -> Any:
    """The typed value of an item.

    Raises:
        ConfigError: With location, item, the value as written, the reason and what is accepted.
    """
    kind = item.type
    try:
        return kind.convert(entry.value if kind.is_list and not entry.triple else entry.plain())
    except ValueError as error:
        written = entry.value.strip()
        written = written if len(written) <= 120 else f"{written[:117]}..."
        raise ConfigError(
            f"{display_path(path, entry.key)} = {written}\n  not a valid {kind.name}: {error}",
            location=entry.location,
            hint=f"Accepted: {kind.accepts}.",
        ) from error


def unknown_name(child: Section | Entry, specification: Specification, path: tuple[str, ...]) -> ConfigError:
    """The error for a name that may not be there, with the nearest one that may."""
    is_section = isinstance(child, Section)
    name = child.name if isinstance(child, Section) else child.key
    shown = display_path((*path, name)) if is_section else display_path(path, name)
    what = "section" if is_section else "item"
    hint = _nearest(name, specification, path)
    if "  " in name:
        what, hint = f"{what} name with two blanks in a row", f"Did you mean {re.sub(r'  +', ' ', name)!r}?"
    else:
        what = f"unknown {what}"
    return ConfigError(f"{what}: {shown}", location=child.location, hint=hint)


def _nearest(name: str, specification: Specification, path: tuple[str, ...]) -> str | None:
    import difflib

    lowered = {known.lower(): known for known in specification.children}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    if not close:
        place = display_path(path) or "the top level"
        listed = ", ".join(specification.children)
        return f"Known in {place}: {listed}." if listed and len(specification.children) <= 12 else None
    known = lowered[close[0]]
    found = specification.children[known]
    return f"Did you mean {known!r}?" if isinstance(found, Item) else f"Did you mean the section [{known}]?"


def walk(specification: Specification) -> Iterator[Item]:
    """Every item of a tree."""
    for child in (*specification.children.values(), specification.wildcard):
        if isinstance(child, Specification):
            yield from walk(child)
        elif child is not None:
            yield child


def where_written(section: Section, path: tuple[str, ...]) -> Location | None:
    """The location of an item or section below a section; None if it is not written there."""
    found: Section | Entry | None = section
    for name in path:
        found = found.children.get(name) if isinstance(found, Section) else None
        if found is None:
            return None
    return found.location if found is not None else None
