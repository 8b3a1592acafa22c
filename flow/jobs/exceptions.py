"""What can go wrong with jobs."""

from __future__ import annotations

from ...exceptions import TidemillError


class JobError(TidemillError):
    """A job could not be handled."""


class JobDirectoryError(JobError):
    """A job's directory could not be made ready."""


class JobSyntaxError(JobError):
    """A job's scripts are not valid bash."""
