"""What can go wrong between a client and a scheduler."""

from __future__ import annotations

from ..exceptions import TidemillError


class ClientError(TidemillError):
    """The request failed."""


class ClientTimeout(ClientError):
    """The scheduler did not answer in time."""


class WorkflowStopped(ClientError):
    """The workflow is not running."""


class RequestRefused(TidemillError):
    """The request is not one this scheduler can answer."""


class ServerError(TidemillError):
    """The server cannot be started."""
