"""Since when the run as a whole is as it is: begun, paused, held, bounded. `why` tells; nothing else depends on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import Engine

PARAMETER = "_since"
"""The run parameter that holds the moments, for a restart and for a look at a stopped run."""

PAUSED = "paused"
STOP_POINT = "stop point"
HOLD_POINT = "hold point"


class Since:
    """Moments in seconds since the epoch. What the definition says holds since the run began."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._began: float | None = None
        self._moments: dict[str, float] = {}
        self._holds: dict[str, float] = {}
        """By ``CYCLE/TASK``: when a task that is not in the pool was held."""
        self._is_new = False
        self.left: float | None = None
        """When the scheduler that played it last was last at work; None while one plays it."""

    @property
    def began(self) -> float | None:
        """When the run was first played; None before."""
        return self._began

    def begin(self) -> None:
        """The run begins now."""
        self._began = self._engine.now
        self._is_new = True

    def mark(self, what: str) -> None:
        """Something is so from now on: `PAUSED`, `STOP_POINT` or `HOLD_POINT`."""
        self._moments[what] = self._engine.now
        self._is_new = True

    def of(self, what: str) -> float | None:
        """Since when it is so."""
        return self._moments.get(what, self._began)

    def hold(self, task: str, held: bool) -> None:
        """A task that is not in the pool (``CYCLE/TASK``) is held from now on, or not any more."""
        if held:
            self._holds[task] = self._engine.now
        else:
            self._holds.pop(task, None)
        self._is_new = True

    def held(self, task: str) -> float | None:
        """Since when a task that is not in the pool is held."""
        return self._holds.get(task, self._began)

    def restore(self, text: str | None, *, oldest: float | None) -> None:
        """Take up what the record holds.

        Args:
            text: the parameter `PARAMETER`; None in the record of a version that kept no moments.
            oldest: when the oldest instance came into the run, which is then the best there is.
        """
        data = json.loads(text or "{}")
        self._began = data.get("began", oldest)
        self._moments = data.get("moments", {})
        self._holds = data.get("holds", {})

    def save(self) -> None:
        """Have the record take over what is new."""
        if not self._is_new:
            return
        self._is_new = False
        data = {"began": self._began, "moments": self._moments, "holds": self._holds}
        self._engine.changes.parameters[PARAMETER] = json.dumps(data)
