"""What can go wrong in serving commands."""

from __future__ import annotations

from ...exceptions import TidemillError


class JobNotStarted(TidemillError):
    """The command could not be started."""

    def __init__(self, message: str | None = None, *, errno: int = 0) -> None:
        super().__init__(message)
        self.errno = errno


class NoSuchJob(TidemillError):
    """There is no such job."""


class FileError(TidemillError):
    """The file cannot be read or written."""


class TransferError(TidemillError):
    """The file was not transferred."""
