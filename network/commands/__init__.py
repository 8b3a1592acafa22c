"""Commands on other machines: a server of them, and its clients.

Importing the package costs next to nothing: what it offers is loaded when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..expose import expose as expose
    from .host import HostServer as HostServer
    from .server import CommandServer as CommandServer

__all__ = ["CommandServer", "HostServer", "expose"]


def __getattr__(name: str) -> object:
    if name == "expose":
        from ..expose import expose

        return expose
    if name == "CommandServer":
        from .server import CommandServer

        return CommandServer
    if name == "HostServer":
        from .host import HostServer

        return HostServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
