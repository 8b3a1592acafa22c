"""What can be wrong with a workflow's text; every message says where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ...exceptions import TidemillError

if TYPE_CHECKING:
    from .source import Location


class LanguageError(TidemillError):
    """The workflow definition is not valid."""

    def __init__(self, reason: str | None = None, *, location: Location | None = None, hint: str | None = None) -> None:
        """Build the message ``<file>:<line>: <reason>``, with the hint on a line of its own.

        Args:
            reason: What is wrong, in words for the author of the workflow; the class's sentence if left out.
            location: Where it is written, if known.
            hint: What to do about it.
        """
        self.reason = reason if reason is not None else (type(self).__doc__ or "").strip()
        self.location = location
        self.hint = hint
        message = self.reason if location is None else f"{location}: {self.reason}"
        if hint:
            message = f"{message}\n  {hint}"
        super().__init__(message)

    def at(self, location: Location | None) -> Self:
        """The same error with a location, for callers that know it when the raiser did not."""
        if self.location is not None or location is None:
            return self
        return type(self)(self.reason, location=location, hint=self.hint)


class ConfigError(LanguageError):
    """A section, item or value of the configuration is not valid."""


class TemplateError(LanguageError):
    """The Jinja2 template of the workflow could not be rendered."""


class GraphError(LanguageError):
    """A graph string or its recurrence is not valid."""


class InheritanceError(LanguageError):
    """The inheritance of the runtime namespaces is not valid."""
