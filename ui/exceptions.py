"""What can go wrong in the gateway."""

from __future__ import annotations

from ..exceptions import TidemillError


class GatewayError(TidemillError):
    """The gateway cannot be started."""


class OutOfStep(TidemillError):
    """A message of the scheduler was lost: the whole is needed again."""
