"""What can go wrong for who asks as ecFlow's client does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import TidemillError


class EcflowError(TidemillError, RuntimeError):
    """The request failed. (A RuntimeError, as everything that ecFlow's own client raises.)"""


class ArgumentError(EcflowError):
    """The command line is not one of ecFlow's."""


class ConnectionFailed(EcflowError):
    """The server could not be asked."""


class ServerRefused(EcflowError):
    """The server said no."""


class OutOfRange(EcflowError, IndexError):
    """A number is outside of what is allowed. (An IndexError too: that is what ecFlow's classes raise.)"""


class NoSuchName(EcflowError, AttributeError):
    """A node has nothing of that name."""


@contextmanager
def as_ecflow_errors() -> Iterator[None]:
    """Errors of suites become `EcflowError`, which is a RuntimeError, with the same text."""
    try:
        yield
    except EcflowError:
        raise
    except TidemillError as error:
        raise EcflowError(str(error)) from None
