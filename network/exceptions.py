"""What can go wrong between a client and a scheduler."""

from __future__ import annotations

from ..exceptions import TidemillError


class ClientError(TidemillError):
    """The request failed.

    Attributes:
        found_nothing: it was a command that made sense, but there was nothing it could do.
    """

    found_nothing = False


class ClientTimeout(ClientError):
    """The scheduler did not answer in time."""


class WorkflowStopped(ClientError):
    """The workflow is not running."""


class RequestRefused(TidemillError):
    """The request is not one this scheduler can answer."""


class ServerError(TidemillError):
    """The server cannot be started."""


class ServerLost(ClientError):
    """The connection to the server broke, or nothing listens there."""


class NotAuthorised(ClientError):
    """Something listens there, but there are no keys to be let in with."""


class NotConnected(ClientError, ConnectionError):
    """There is no connection to the server."""


class CommandFailed(ClientError):
    """The command was carried out, and failed.

    Attributes:
        exit_code: its exit status; the negative number of a signal that ended it; None if nobody knows.
    """

    def __init__(self, message: str | None = None, exit_code: int | None = 1) -> None:
        super().__init__(message if message is not None else "The command was carried out, and failed.")
        self.exit_code = exit_code
