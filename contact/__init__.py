"""How to find a scheduler and be let in; and `PortManager`, which is loaded when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .port_manager import PortManager as PortManager

__all__ = ["PortManager"]


def __getattr__(name: str) -> object:
    if name == "PortManager":
        from .port_manager import PortManager

        return PortManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
