"""The one base class of every error Tidemill raises on purpose."""

from __future__ import annotations


class TidemillError(Exception):
    """Tidemill could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message if message is not None else (type(self).__doc__ or "").strip())
