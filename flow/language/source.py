"""The lines of a workflow file and where each was written: includes and continuation lines resolved.

First step of reading a workflow; its `Source` passes through the template and ends in `sections`.
"""

from __future__ import annotations

import os
import re

from msgspec import Struct

from .exceptions import ConfigError

Origin = tuple[str, int]
"""File and 1-based line: the cheap form of a `Location`, one per line read."""

_INCLUDE = re.compile(r"\s*%include\b\s*(.*?)\s*$")


class Location(Struct, frozen=True):
    """Where a value was written."""

    file: str
    """Path as the user knows it: relative to the workflow directory where possible."""
    line: int
    """1-based line in that file."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Source(Struct):
    """Lines of text, without line ends, and the origin of each."""

    lines: list[str]
    origins: list[Origin]

    def location(self, index: int) -> Location:
        """Where a line (0-based) was written."""
        return Location(*self.origins[index])

    @property
    def text(self) -> str:
        """The lines as one string."""
        return "\n".join(self.lines) + "\n" if self.lines else ""


def read_source(path: str, directory: str) -> Source:
    """Read a file with every ``%include`` put in its place.

    Args:
        path: The file to read.
        directory: The workflow directory: included paths and the names in messages are relative to it.

    Raises:
        ConfigError: A file cannot be read, includes itself, or an include line is malformed.
    """
    source = Source([], [])
    _read_into(source, path, directory, (), None)
    return source


def _read_into(
    source: Source, path: str, directory: str, parents: tuple[str, ...], included_at: Location | None
) -> None:
    name = _display_name(path, directory)
    real_path = os.path.realpath(path)
    if real_path in parents:
        raise ConfigError(f"{name} includes itself", location=included_at, hint="Remove one of the %include lines.")
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().split("\n")
    except OSError as error:
        reason = error.strerror or str(error)
        if included_at is None:
            raise ConfigError(f"cannot read {path}: {reason}") from error
        hint = f"Paths of %include are relative to the workflow directory, {directory}."
        raise ConfigError(f"cannot read include file {name}: {reason}", location=included_at, hint=hint) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name} is not UTF-8 text: {error}", location=included_at) from error
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if "%include" in line and (match := _INCLUDE.match(line)):
            location = Location(name, number)
            target = _include_target(match[1], location)
            _read_into(source, os.path.join(directory, target), directory, (*parents, real_path), location)
        else:
            source.lines.append(line.removesuffix("\r"))
            source.origins.append((name, number))


def _include_target(written: str, location: Location) -> str:
    """The path of an include line, its quotes removed."""
    target = written
    if target[:1] in ("'", '"') or target[-1:] in ("'", '"'):
        if len(target) < 2 or target[0] != target[-1]:
            raise ConfigError(f"mismatched quotes: %include {written}", location=location)
        target = target[1:-1]
    if not target:
        raise ConfigError("%include names no file", location=location)
    return os.path.expandvars(target)


def _display_name(path: str, directory: str) -> str:
    relative = os.path.relpath(path, directory)
    return path if relative.startswith("..") else relative


def join_continuations(source: Source) -> Source:
    r"""Glue every line that ends in ``\`` to the next; the whole keeps the origin of its first line.

    Raises:
        ConfigError: White space follows a final ``\`` outside a comment.
    """
    if not any("\\" in line for line in source.lines):
        return source
    joined = Source([], [])
    pending: list[str] = []
    pending_origin: Origin | None = None
    for line, origin in zip(source.lines, source.origins, strict=True):
        stripped = line.rstrip()
        if stripped != line and stripped.endswith("\\") and "#" not in stripped:
            raise ConfigError(
                "white space after the line continuation character \\",
                location=Location(*origin),
                hint="Remove the blanks at the end of the line.",
            )
        if line.endswith("\\"):
            pending.append(line[:-1])
            pending_origin = pending_origin or origin
            continue
        if pending_origin is not None:
            pending.append(line)
            joined.lines.append("".join(pending))
            joined.origins.append(pending_origin)
            pending, pending_origin = [], None
        else:
            joined.lines.append(line)
            joined.origins.append(origin)
    if pending_origin is not None:
        joined.lines.append("".join(pending))
        joined.origins.append(pending_origin)
    return joined
