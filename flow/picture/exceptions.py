"""Errors of the picture."""

from __future__ import annotations

from ...exceptions import TidemillError


class PictureError(TidemillError):
    """The picture of the run has no such part."""
