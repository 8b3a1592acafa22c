"""What can go wrong on the command line before any other room is asked."""

from __future__ import annotations

from ..exceptions import TidemillError


class UsageError(TidemillError):
    """The command line does not make sense."""


class InputError(TidemillError):
    """An argument names something that is not there, or not as it must be."""


class InstallError(TidemillError):
    """The workflow cannot be installed there."""


class CleanError(TidemillError):
    """The run cannot be removed."""


class EffectMissed(TidemillError):
    """A command was applied, but what it was to bring about did not come, or not in time."""


class StateNotReached(TidemillError):
    """No task came to be in the state that was waited for."""
