"""Waiting for the effect of a command: killed jobs to have ended, triggered tasks to be submitted, the run to stop.

What most commands change is so once they are applied; these take their time, and every turn may bring them about.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from msgspec import Struct, field

from .engine import proxy as states
from .engine.engine import Engine
from .receipts import Receipt

STILL = {
    "kill_tasks": states.LIVE,
    "force_trigger_tasks": frozenset({states.WAITING, states.PREPARING}),
}
"""By command: the statuses in which its effect on a task is still to come."""
FAILED = {"force_trigger_tasks": frozenset({states.SUBMIT_FAILED, states.EXPIRED})}
"""By command: the statuses in which it never will."""


class _Wait(Struct, eq=False):
    receipt: Receipt
    left: list[str]
    problems: list[str] = []
    over: asyncio.Event = field(default_factory=asyncio.Event)


class EffectWaiting:
    """Who waits for which effect."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._began = time.time()
        self._waits: list[_Wait] = []

    async def wait(self, receipt: Receipt, timeout_seconds: float) -> dict[str, Any]:
        """Return once a command has had its effect, or the time is over.

        Returns:
            ``done``; ``left``: what is still to come; ``problems``: what will not come any more.
        """
        tasks = receipt.result.get("tasks") or []
        left = ["the scheduler"] if self._is_stop(receipt) else list(tasks) if receipt.name in STILL else []
        wait = _Wait(receipt, left)
        self._waits.append(wait)
        try:
            self._look_at(wait)
            async with asyncio.timeout(timeout_seconds):
                await wait.over.wait()
        except TimeoutError:
            pass
        finally:
            self._waits.remove(wait)
        return {"id": receipt.id, "done": not wait.left, "left": self._in_words(wait), "problems": wait.problems}

    def look(self) -> None:
        """A turn has been taken: see who need wait no longer."""
        for wait in self._waits:
            self._look_at(wait)

    def close(self) -> None:
        """The scheduler stops: that was one thing to wait for, and others will not come now."""
        for wait in self._waits:
            self._look_at(wait)
            if self._is_stop(wait.receipt):
                wait.left = []
            wait.over.set()

    def _is_stop(self, receipt: Receipt) -> bool:
        # That a flow is to run out stops nothing by itself; a stop from before a restart has happened.
        return (
            receipt.name == "stop"
            and receipt.arguments.get("flow") is None
            and (receipt.time_applied or 0.0) >= self._began
        )

    def _look_at(self, wait: _Wait) -> None:
        name = wait.receipt.name
        if name in STILL:
            still, failed = STILL[name], FAILED.get(name, frozenset())
            left = []
            for text in wait.left:
                status = self._status(text)
                if status in still:
                    left.append(text)
                elif status in failed:
                    wait.problems.append(f"{text} is {status}")
            wait.left = left
        if not wait.left:
            wait.over.set()

    def _in_words(self, wait: _Wait) -> list[str]:
        return [f"{text} is {self._status(text) or 'still running'}" for text in wait.left]

    def _status(self, text: str) -> str:
        """The status of ``CYCLE/TASK``; nothing if it is not in the pool (any more)."""
        cycle, _, name = text.partition("/")
        if not name:
            return ""
        found = self.engine.find(cycle, name)
        return found.status if found is not None else ""
