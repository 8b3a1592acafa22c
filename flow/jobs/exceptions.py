"""What can go wrong with jobs."""

from __future__ import annotations

from ...exceptions import TidemillError


class JobError(TidemillError):
    """A job could not be handled."""


class JobDirectoryError(JobError):
    """A job's directory could not be made ready."""


class JobSyntaxError(JobError):
    """A job's scripts are not valid bash."""


class NoPlatform(JobError):
    """There is no such platform."""

    def __init__(self, message: str, platform: str) -> None:
        super().__init__(message)
        self.platform = platform
