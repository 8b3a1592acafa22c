"""What can go wrong for who asks as ecFlow's client does."""

from __future__ import annotations

from ..exceptions import TidemillError


class EcflowError(TidemillError, RuntimeError):
    """The request failed. (A RuntimeError, as everything that ecFlow's own client raises.)"""


class ArgumentError(EcflowError):
    """The command line is not one of ecFlow's."""


class ConnectionFailed(EcflowError):
    """The server could not be asked."""


class ServerRefused(EcflowError):
    """The server said no."""
