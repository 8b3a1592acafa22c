"""Errors of suites: their text, their tree."""

from __future__ import annotations

from ...exceptions import TidemillError


class SuiteError(TidemillError):
    """A suite cannot be what was asked."""


class TreeError(SuiteError):
    """A node cannot stand where it was to be put."""


class DefinitionError(SuiteError):
    """A definition cannot be read."""

    def __init__(self, reason: str, *, file: str = "", line: int = 0, text: str = "") -> None:
        self.reason = reason
        self.file = file
        self.line = line
        self.text = text
        place = f"{file or 'definition'}:{line}: " if line else f"{file}: " if file else ""
        shown = f"\n  {text.strip()}" if text.strip() else ""
        super().__init__(f"{place}{reason}{shown}")


class AttributeTextError(SuiteError):
    """The text of an attribute makes no sense."""
