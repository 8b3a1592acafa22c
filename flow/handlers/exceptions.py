"""What can go wrong in telling the world of an event."""

from __future__ import annotations

from ...exceptions import TidemillError


class TemplateError(TidemillError):
    """The command line of an event handler cannot be made."""


class MailError(TidemillError):
    """Mail could not be sent."""
