"""Follows one scheduler: asks for the whole, hears what changes, asks anew when something was lost or it came back."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from ..exceptions import TidemillError
from ..network.client import WorkflowRuntimeClient
from ..network.exceptions import ClientTimeout
from ..network.publisher import SHUTDOWN_TOPIC
from ..network.subscriber import WorkflowSubscriber
from ..proto import data_messages_pb2 as pb
from .change import Change
from .exceptions import OutOfStep
from .store import Store

IDLE_SECONDS = 1.0
"""After so long a silence it is made sure that the last batch was heard."""
LATE_SECONDS = 0.5
"""How long what was published may take to arrive."""
PING_SECONDS = 10.0
"""After so long a silence the scheduler is asked whether it is there."""
AGAIN_SECONDS = 1.0
"""How often a workflow that is gone is looked for."""
BOOTSTRAP_SECONDS = 60.0
MOST_WAITING = 2000
"""With more batches waiting than this the whole is cheaper."""

log = logging.getLogger("tidemill")


class Follower:
    """One workflow, followed until it is cancelled.

    Args:
        workflow: The run's ID.
        tell: Called with every change once it is in the store.
    """

    def __init__(self, workflow: str, tell: Callable[[Follower, Change], None]) -> None:
        self.workflow = workflow
        self.store = Store()
        self.filled = asyncio.Event()
        """Set once there is something to show."""
        self.client: WorkflowRuntimeClient | None = None
        self._tell = tell
        self._batches: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._lost = False

    async def run(self) -> None:
        """Follow for ever: a workflow that stops may come back."""
        while True:
            try:
                await self._follow()
            except ClientTimeout as error:
                # It is busy or suspended: what is held is still the best there is to show.
                log.warning("%s", error)
            except TidemillError as error:
                log.info("%s: %s", self.workflow, error)
                self._stopped()
            else:
                self._stopped()
            await asyncio.sleep(AGAIN_SECONDS)

    def _stopped(self) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None
        if self.store.is_filled and self.store.workflow.status != "stopped":
            self._tell(self, self.store.stop())

    async def _follow(self) -> None:
        """Follow one run of the scheduler to its end."""
        with WorkflowSubscriber(self.workflow, ["all"]) as subscriber:
            self.client = WorkflowRuntimeClient(self.workflow)
            self._batches.clear()
            self._ended = self._lost = False
            listening = asyncio.create_task(self._listen(subscriber))
            try:
                await self._load()
                await self._take_in()
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                self.client.close()
                self.client = None

    async def _listen(self, subscriber: WorkflowSubscriber) -> None:
        try:
            async for topic, payload in subscriber:
                if topic == SHUTDOWN_TOPIC:
                    break
                if len(self._batches) >= MOST_WAITING:
                    self._batches.clear()
                    self._lost = True
                self._batches.append(payload)
                self._news.set()
        finally:
            self._ended = True
            self._news.set()

    async def _load(self) -> None:
        assert self.client is not None
        whole = await self.client.async_request("pb_entire_workflow", timeout=BOOTSTRAP_SECONDS)
        change = self.store.load(whole)
        self.filled.set()
        if not change.is_empty:
            self._tell(self, change)

    async def _take_in(self) -> None:
        sure = False
        quiet_seconds = 0.0
        while True:
            self._news.clear()
            change = Change()
            while self._batches:
                sure, quiet_seconds = False, 0.0
                try:
                    change.take(self.store.apply(self._batches.popleft()))
                except OutOfStep as error:
                    log.info("%s: %s: asking for the whole", self.workflow, error)
                    self._lost = True
                # Others are served between batches.
                await asyncio.sleep(0)
            if not change.is_empty:
                self._tell(self, change)
            if self._lost:
                self._lost = False
                await self._load()
            if self._ended and not self._batches:
                return
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                quiet_seconds += IDLE_SECONDS
                if not sure:
                    sure = await self._is_up_to_date()
                elif quiet_seconds >= PING_SECONDS:
                    quiet_seconds = 0.0
                    assert self.client is not None
                    await self.client.async_request("ping_workflow")

    async def _is_up_to_date(self) -> bool:
        """Whether the last batch there was has been heard; else the whole is asked for at the next turn."""
        assert self.client is not None
        data = await self.client.async_request("pb_data_elements", {"element_type": "workflow"})
        if self._batches:
            return False
        # Every batch tells of the workflow, so its deltas are numbered as the batches are.
        if pb.WDeltas.FromString(data).sequence == self.store.sequence:
            return True
        # It may be on its way; if not, it was lost.
        try:
            async with asyncio.timeout(LATE_SECONDS):
                await self._news.wait()
        except TimeoutError:
            await self._load()
        return False
