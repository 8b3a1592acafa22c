"""Flow numbers: which are active, which were ever given, and what users mean by ``--flow``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...exceptions import TidemillError
from .text import utc

if TYPE_CHECKING:
    from .engine import Engine

NEW = "new"
NONE = "none"


class FlowError(TidemillError):
    """The flow numbers make no sense."""


class Flows:
    """The flows of a run."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.latest = 0
        """The highest number ever given."""

    def start(self, description: str) -> int:
        """Begin a new flow; returns its number."""
        self.latest += 1
        engine = self.engine
        engine.changes.flows[self.latest] = (engine.now, description)
        engine.log("INFO", f"New flow: {self.latest} ({description}) {utc(engine.now)[:-1]}")
        return self.latest

    def active(self) -> frozenset[int]:
        """Every flow of the pool; the latest if there is none (Cylc 8.5 behaviour)."""
        found: set[int] = set()
        for proxy in self.engine.pool.values():
            found |= proxy.flows
        return frozenset(found) if found else frozenset({max(self.latest, 1)})

    def meant(self, flow: list[str] | None, *, description: str = "") -> frozenset[int] | None:
        """What ``--flow`` means: None if not given, else the numbers; ``new`` begins a flow."""
        words = checked(flow)
        if not words:
            return None
        if words == [NEW]:
            return frozenset({self.start(description or "no description")})
        if words == [NONE]:
            return frozenset()
        numbers = frozenset(map(int, words))
        self.latest = max(self.latest, *numbers)
        return numbers


def checked(flow: list[str] | None, *, wait: bool = False) -> list[str]:
    """The words of ``--flow``, if they make sense; raises `FlowError`."""
    words = [str(word) for word in flow or () if str(word) != "all"]
    if (NEW in words or NONE in words) and len(words) > 1:
        raise FlowError("--flow=new and --flow=none must stand alone")
    if wait and words in ([NEW], [NONE]):
        raise FlowError("--wait is not compatible with --flow=new or --flow=none")
    for word in words:
        if word not in (NEW, NONE) and not (word.isdecimal() and int(word) > 0):
            raise FlowError(f"--flow={word}: a flow is a number, new or none")
    return words
