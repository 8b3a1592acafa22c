"""What can go wrong in calling functions of external triggers."""

from __future__ import annotations

from ...exceptions import TidemillError


class XtriggerError(TidemillError):
    """The function of an external trigger cannot be used."""
