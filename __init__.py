"""Tidemill: a workflow scheduler for cycling work.

Importing the package costs next to nothing: what it offers is loaded when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .network.client import WorkflowRuntimeClient as WorkflowRuntimeClient

__all__ = ["WorkflowRuntimeClient", "__version__"]


def __getattr__(name: str) -> object:
    if name == "WorkflowRuntimeClient":
        from .network.client import WorkflowRuntimeClient

        return WorkflowRuntimeClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
