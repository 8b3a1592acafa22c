"""``.cylcignore``: what of a source is not installed, and what of a run a reinstallation leaves alone."""

from __future__ import annotations

import re
from fnmatch import translate
from pathlib import Path

from attrs import frozen

FILE = ".cylcignore"


@frozen
class _Pattern:
    expression: re.Pattern[str]
    directories_only: bool


@frozen
class Ignored:
    """The patterns of one source, read as rsync reads them (Cylc's installer uses it).

    A name or glob means entries of that name anywhere; one with a ``/`` in it a path, from the top if it begins so; one
    that ends with ``/`` directories only.
    """

    patterns: tuple[_Pattern, ...] = ()

    @classmethod
    def of(cls, source: Path) -> Ignored:
        """The patterns of a directory; none if it has no such file."""
        try:
            lines = (source / FILE).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return cls()
        texts = (line.strip() for line in lines)
        return cls(tuple(_pattern(text) for text in texts if text and not text.startswith(("#", ";"))))

    def matches(self, path: str, *, is_directory: bool) -> bool:
        """Whether a path within the source, or anything it lies in, is named."""
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            part = "/".join(parts[:length])
            inner = is_directory or length < len(parts)
            if any(one.expression.fullmatch(part) and (inner or not one.directories_only) for one in self.patterns):
                return True
        return False


def _pattern(text: str) -> _Pattern:
    body = text.rstrip("/")
    anchored = body.startswith("/")
    body = body.lstrip("/")
    # A star of rsync does not cross a slash, two do.
    parts = [
        translate(part).removeprefix("(?s:").removesuffix(r")\Z").replace(".*", "[^/]*") if part != "**" else ".*"
        for part in body.split("/")
    ]
    start = "" if anchored else r"(?:.*/)?"
    return _Pattern(re.compile(start + "/".join(parts), re.DOTALL), text.endswith("/"))
