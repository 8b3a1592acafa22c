"""A client's own copy of a server's suites, kept up by asking for what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .asking import Asking
from .exceptions import as_ecflow_errors

if TYPE_CHECKING:
    from .definition import Defs

NOTHING_YET = -1
"""The number of changes that a copy has which there is not."""


class Mirror:
    """The copy of one client."""

    __slots__ = ("_asking", "_suites", "changed", "defs")

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._suites: list[str] | None = None
        """Those the client is interested in; None for all."""
        self.defs: Defs | None = None
        self.changed: Sequence[str] = ()
        """Paths of the nodes that changed with the last `sync`."""

    def forget(self) -> None:
        """Have nothing; the next `sync` gets all."""
        self.defs, self.changed, self._suites = None, (), None

    def _numbers(self) -> tuple[int, int]:
        if self.defs is None:
            return NOTHING_YET, NOTHING_YET
        core = self.defs.core
        return core.state_change_number, core.modify_change_number

    def has_news(self, handle: int) -> bool:
        """Whether the server has anything this has not."""
        return bool(self._asking.numbers("news", *self._numbers(), handle)["news"])

    def sync(self, handle: int) -> None:
        """Take in what changed since the last time."""
        message = self._asking.numbers("sync", *self._numbers(), handle)
        wanted = message.get("suites")
        if wanted != self._suites and self.defs is not None:
            # Suites came into the handle, or left it: what came is not among what changed.
            message = self._asking.numbers("sync", NOTHING_YET, NOTHING_YET, handle)
            wanted = message.get("suites")
        self._suites = wanted
        self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        # Only who wants a copy waits for what makes one.
        from ..flow.suite import nodes
        from ..flow.suite.deltas import apply_delta
        from .definition import Defs

        wanted = self._suites
        if wanted is not None and "trees" in message:
            message["trees"] = [tree for tree in message["trees"] if tree["path"].split("/")[1] in wanted]
        held = self.defs.core if self.defs is not None else nodes.Defs()
        with as_ecflow_errors():
            core, changed = apply_delta(held, message)
        if wanted is not None:
            for suite in [suite for suite in core.suites if suite.name not in wanted]:
                core.remove_suite(suite)
            changed = [path for path in changed if path.split("/")[1] in wanted]
        self.changed = changed
        if self.defs is None or self.defs.core is not core:
            self.defs = Defs.of(core)
