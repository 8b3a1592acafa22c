"""Whom the gateway follows and who listens: every change is handed to every listener, and nobody waits for anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from ..contact.scan import RUNNING, scan
from ..schema.subscriptions import Subscription
from .change import Change
from .follower import Follower

SCAN_SECONDS = 5.0
"""How often new runs are looked for, where all are followed."""


class Hub:
    """The followed workflows.

    Args:
        workflow: The one run to follow; all that run if None.
    """

    def __init__(self, workflow: str | None = None) -> None:
        self.followers: dict[str, Follower] = {}
        self._only = workflow
        self._listeners: set[Listener] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to follow."""
        if self._only is not None:
            self._follow(self._only)
        else:
            self._begin(self._scan())

    async def stop(self) -> None:
        """Follow no longer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tell(self, follower: Follower, change: Change) -> None:
        """Hand a change to whoever listens."""
        for listener in self._listeners:
            listener.hear(follower, change)

    def listen(self, listener: Listener) -> None:
        """Have a listener hear of every change from now on."""
        self._listeners.add(listener)

    def leave(self, listener: Listener) -> None:
        """Have a listener hear no more."""
        self._listeners.discard(listener)

    def filled(self) -> list[Follower]:
        """Those of whom there is something to show."""
        return [follower for follower in self.followers.values() if follower.store.is_filled]

    def _begin(self, work: Any) -> None:
        self._tasks.add(asyncio.create_task(work))

    def _follow(self, workflow: str) -> None:
        follower = self.followers[workflow] = Follower(workflow, self.tell)
        self._begin(follower.run())

    async def _scan(self) -> None:
        while True:
            with suppress(OSError):
                # In a thread: the run root may be on a slow disk.
                for found in await asyncio.to_thread(lambda: list(scan(states=(RUNNING,)))):
                    if found.workflow not in self.followers:
                        self._follow(found.workflow)
            await asyncio.sleep(SCAN_SECONDS)


class Listener:
    """One subscription: gathers what changed until its subscriber has taken the last answer.

    What is not yet sent is put together by ID, so it never is more than there is to tell of the workflow at all.
    """

    def __init__(self, hub: Hub, subscription: Subscription) -> None:
        self._hub = hub
        self._subscription = subscription
        self._pending: dict[Follower, Change] = {}
        self._news = asyncio.Event()
        self._last: Any = None

    def hear(self, follower: Follower, change: Change) -> None:
        """Take note of a change; never waits."""
        pending = self._pending.get(follower)
        if pending is None:
            pending = self._pending[follower] = Change()
        if not pending.take(change):
            self._pending[follower] = follower.store.everything()
        self._news.set()

    def __enter__(self) -> Listener:
        self._hub.listen(self)
        if self._subscription.initial_burst:
            for follower in self._hub.filled():
                self._pending[follower] = follower.store.everything()
                self._news.set()
        return self

    def __exit__(self, *_: object) -> None:
        self._hub.leave(self)

    async def wait(self) -> None:
        """Until there may be something to tell."""
        await self._news.wait()

    async def answers(self) -> AsyncIterator[dict[str, Any]]:
        """What there is to tell now; made from what is held now, so call it when it can be sent.

        Raises:
            QueryError: The subscription cannot be answered.
        """
        self._news.clear()
        pending, self._pending = self._pending, {}
        if self._subscription.is_delta:
            for follower, change in pending.items():
                data = await self._subscription.answer(follower.store, change)
                if data is not None:
                    yield data
            return
        whole = await self._whole(pending)
        if whole is not None and whole != self._last:
            self._last = whole
            yield whole

    async def _whole(self, pending: dict[Follower, Change]) -> dict[str, Any] | None:
        """The same query again, answered of every workflow."""
        parts = []
        for follower in self._hub.filled():
            part = await self._subscription.answer(follower.store, pending.get(follower) or Change())
            if part is not None:
                parts.append(part)
        return merged(parts)


def merged(parts: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The answers of several workflows to one query as one: lists joined, of single elements the one there is."""
    if len(parts) <= 1:
        return parts[0] if parts else None
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            known = whole.get(key)
            if isinstance(known, list) and isinstance(value, list):
                whole[key] = known + value
            elif isinstance(known, dict) and isinstance(value, dict):
                whole[key] = merged([known, value])
            elif known is None:
                whole[key] = value
    return whole
