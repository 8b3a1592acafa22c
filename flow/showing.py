"""What others see of a run: its picture, made when first someone looks, published as it changes, asked by query.

Until then it costs nothing; from then on a turn costs what it changed.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..exceptions import TidemillError
from ..network.publisher import WorkflowPublisher
from .engine.engine import Engine, Turn
from .engine.status import status_of
from .plan import RunPlan

if TYPE_CHECKING:
    from ..contact.file import ContactFile
    from .picture.picture import Picture

PUBLISH_SECONDS = 0.01
"""How far apart publications are at least: what changes in between is gathered."""

CommandCaller = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
Explainer = Callable[[str], dict[str, Any]]
MessageTaker = Callable[[str, float | None, list[tuple[str, str]]], Awaitable[None]]

PRIME_SECONDS = 0.01
SLICE_ITEMS = 200
"""How many elements are made between two turns of the loop."""

COMMAND_OF = {
    "kill": "kill_tasks",
    "poll": "poll_tasks",
    "remove": "remove_tasks",
    "trigger": "force_trigger_tasks",
    "reload": "reload_workflow",
}
"""Mutations whose command has another name."""
NOT_OURS = frozenset({"on_resume", "reload_global"})
"""Arguments that Cylc's clients send and that change nothing here."""


class Showing:
    """The public side of one scheduler."""

    def __init__(
        self,
        engine: Engine,
        plan: RunPlan,
        *,
        owner: str,
        publisher: WorkflowPublisher,
        log: Callable[[str, str], None],
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._owner = owner
        self._publisher = publisher
        self._log = log
        self._picture: Picture | None = None
        self._publishing: asyncio.TimerHandle | None = None
        self._published_at = 0.0
        self.contact: ContactFile | None = None

    def picture(self) -> Picture:
        """The picture as of the last committed turn."""
        if self._picture is None:
            from .picture.definitions import WorkflowIdentity
            from .picture.picture import Picture

            contact, plan = self.contact, self._plan
            assert contact is not None
            now = time.localtime()
            identity = WorkflowIdentity(
                self._owner,
                plan.workflow,
                host=contact.host,
                port=contact.port,
                publish_port=contact.publish_port or 0,
                version=contact.cylc_version,
                log_directory=str(plan.run_directory / "log" / "scheduler"),
                job_log_directory=str(plan.run_directory / "log" / "job"),
                utc_offset_seconds=0 if plan.utc_mode else now.tm_gmtoff,
            )
            self._picture = Picture.from_engine(self._engine, identity, runtime=plan.config.runtime)
            self._tell_status()
            self._publish_soon()
            self._prime_soon()
        return self._picture

    async def follow(self, turn: Turn) -> None:
        """Take in a turn, once it is committed and before the engine goes on; in slices, each published whole."""
        picture = self._picture
        if picture is None:
            return
        try:
            if turn.changes.reloaded:
                picture.reload(self._engine, runtime=self._plan.config.runtime)
            else:
                picture.update(turn, items=SLICE_ITEMS)
                while picture.is_behind:
                    self._publish()
                    await asyncio.sleep(0)
                    picture.prime(SLICE_ITEMS)
            if turn.changes.broadcasts:
                picture.set_broadcasts(self._engine.broadcasts.as_dict())
            self._tell_status()
        except Exception:
            # What is shown must never end what runs: the next who asks gets a picture made anew.
            self._log("ERROR", f"The picture of the run failed, and will be made anew:\n{traceback.format_exc()}")
            self._picture = None
            return
        self._publish_soon()

    def someone_subscribed(self) -> None:
        """A subscriber came: from now on there is a picture to publish."""
        self.picture()

    def set_extent(self, extent: int) -> None:
        """Show what is up to this many edges from the pool; published with the next batch."""
        self.picture().set_extent(extent)
        self._publish_soon()

    def close(self) -> None:
        """Publish what is left."""
        if self._publishing is not None:
            self._publishing.cancel()
        self._publish()

    async def query(
        self,
        request_string: str,
        variables: Mapping[str, Any] | None,
        *,
        command: CommandCaller,
        messages: MessageTaker,
        why: Explainer,
        meta: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Execute a GraphQL request; mutations become commands. Raises `QueryError`."""
        from ..schema.execute import execute

        resolvers = RequestResolvers(command, messages, why)
        return await execute(self.picture(), request_string, variables, resolvers=resolvers, meta=meta)

    def query_at_once(self, request_string: str, variables: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The data of a query that waits for nothing; None for other requests. Raises `QueryError`."""
        from ..schema.execute import answer_at_once

        return answer_at_once(self.picture(), request_string, variables)

    def _tell_status(self) -> None:
        assert self._picture is not None
        self._picture.set_status(*status_of(self._engine))

    def _prime_soon(self) -> None:
        """Make the elements of what is defined in idle moments, before someone asks for them all."""
        asyncio.get_running_loop().call_later(PRIME_SECONDS, self._prime)

    def _prime(self) -> None:
        if self._picture is not None and not self._picture.prime(SLICE_ITEMS):
            self._prime_soon()

    def _publish_soon(self) -> None:
        if self._publishing is None:
            # What comes after a pause is told at once.
            loop = asyncio.get_running_loop()
            self._publishing = loop.call_at(self._published_at + PUBLISH_SECONDS, self._publish)

    def _publish(self) -> None:
        self._publishing = None
        self._published_at = asyncio.get_running_loop().time()
        if self._picture is not None and self._picture.has_news:
            self._publisher.publish(*self._picture.take_deltas())


class RequestResolvers:
    """Turns the mutations of one request into commands; the answer is Cylc's: whether it was taken, and its ID."""

    def __init__(self, command: CommandCaller, messages: MessageTaker, why: Explainer) -> None:
        self._command = command
        self._messages = messages
        self._why = why

    def why(self, task: str) -> dict[str, Any]:
        """Explain why a task is not running."""
        return self._why(task)

    async def command(self, name: str, arguments: dict[str, Any]) -> tuple[Any, Any]:
        """Carry out one mutation."""
        arguments = {key: value for key, value in arguments.items() if key not in NOT_OURS}
        try:
            if name == "message":
                return await self._message(arguments)
            if name == "stop" and "flow_num" in arguments:
                arguments["flow"] = arguments.pop("flow_num")
            if name == "broadcast":
                return await self._broadcast(arguments)
            receipt = await self._command(COMMAND_OF.get(name, name), arguments)
        except TidemillError as error:
            return False, str(error)
        if name == "set_graph_window_extent":
            return True, f"Maximum edge distance set to {receipt['result']['extent']}"
        return True, receipt["id"]

    async def _message(self, arguments: dict[str, Any]) -> tuple[Any, Any]:
        when = arguments.get("event_time")
        seconds = datetime.fromisoformat(str(when)).timestamp() if when else None
        pairs = [(str(pair[0]), str(pair[1])) for pair in arguments.get("messages") or ()]
        await self._messages(arguments["task_job"], seconds, pairs)
        return True, "Messages queued"

    async def _broadcast(self, arguments: dict[str, Any]) -> tuple[Any, Any]:
        """Answered by what was changed and what made no sense, as Cylc's client prints them."""
        mode = str(arguments.pop("mode", "set")).rpartition(".")[2].lower()
        try:
            receipt = await self._command("broadcast", {**arguments, "mode": mode})
        except TidemillError as error:
            if mode == "set":
                raise
            return [], {"settings": [str(error)]}
        return [_nested(*setting) for setting in receipt["result"]["settings"]], {}


def _nested(point: str, namespace: str, setting: str) -> list[Any]:
    from .language.settings import split_setting

    path, text = split_setting(setting)
    value: Any = text
    for part in reversed(path):
        value = {part: value}
    return [point, namespace, value]
