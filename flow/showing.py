"""What others see of a run: its picture, made when first someone looks, published as it changes, asked by query.

Until then it costs nothing; from then on a turn costs what it changed, and of a simulation no more than a share.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from ..exceptions import TidemillError
from ..network.publisher import WorkflowPublisher
from .copying import in_a_copy
from .engine.engine import Engine, Turn
from .engine.status import status_of
from .exceptions import CommandFailed, CommandUndecided
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
SLICE_ITEMS = 100
"""How many elements are made between two turns of the loop."""
SHARE = 0.15
"""Of the time of a simulation, what its picture may take."""
PATIENCE_SECONDS = 1.0
"""How long whoever asks a simulation first may have to wait beyond the turn that is taken."""
LONGEST_PAUSE_SECONDS = 10.0
"""Between two rounds of a simulation that is looked at."""
LOADING_SECONDS = 0.15
INSTANCE_SECONDS = 0.0002
"""About what a first look costs: loading what it takes, and making the elements of an instance."""
COPIES = 1
"""How many large queries are answered at a time, each by a copy of this process."""
COPIES_WANTED = 20
"""With so many waiting for their turn, another is refused."""
ANSWER_SECONDS = 10
"""How long a copy may live: its answer may take a fifth of that, and has to be written."""

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

JOINING_SECONDS = 30.0
"""How long after it took the whole picture a subscriber may take to be connected."""


class Showing:
    """The public side of one scheduler.

    The picture follows a run from turn to turn. A simulation, which computes without a pause, it follows in rounds
    instead: what changes meanwhile is only noted, and a round is taken at the end of a turn once somebody wants to look
    and the last round was long enough ago. What is asked between rounds is answered as of the last.

    Args:
        engine: of the run.
        plan: of the run.
        owner: whose it is.
        publisher: where changes are published.
        log: told a level and a text for the scheduler's log.
    """

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
        self._is_whole = False
        """Whether the picture shows all of a committed state."""
        self._is_at_work = False
        """Whether a turn is taken: outside of `follow` the engine may hold what is not committed."""
        self._is_simulation = plan.options.run_mode == "simulation"
        self._began_at = time.perf_counter()
        self._next_round_at: float | None = None
        self._round_seconds = 0.0
        self._is_subscribed = False
        self._is_closed = False
        self._has_schema = False
        self._waiting: list[asyncio.Future[None]] = []
        """Who waits for a whole picture."""
        self._idle: asyncio.TimerHandle | None = None
        self._publishing: asyncio.TimerHandle | None = None
        self._published_at = 0.0
        self._whole_at: float | None = None
        """When somebody took the whole picture last, and no subscriber has come since."""
        self._copies = asyncio.Semaphore(COPIES)
        self._copies_wanted = 0
        self.contact: ContactFile | None = None

    # -- the picture ---------------------------------------------------------------------------------------------------

    def begin_turn(self) -> None:
        """The engine is given work: until `follow` it may not be looked at."""
        self._is_at_work = True
        if self._picture is not None:
            self._picture.is_open = False

    def end_turn(self) -> None:
        """The engine rests, all is committed: what was only noted is taken in, in idle moments."""
        self._is_at_work = False
        if self._picture is not None:
            self._picture.is_open = True
        self._idle_soon()

    async def follow(self, turn: Turn) -> None:
        """Take in a turn, once it is committed and before the engine goes on; in slices, each published whole."""
        picture = self._picture
        try:
            if picture is None:
                if not self._is_wanted() or not self._is_time():
                    return
                picture = self._make()
            elif turn.changes.reloaded:
                picture.is_open = True
                picture.reload(self._engine, runtime=self._plan.config.runtime)
            else:
                picture.note(turn)
            if turn.changes.broadcasts:
                picture.set_broadcasts(self._engine.broadcasts.as_dict())
            self._tell_status(picture)
            if not self._is_simulation or (self._is_wanted() and self._is_time()):
                picture.is_open = True
                while not self._slice(picture):
                    self._publish()
                    await asyncio.sleep(0)
            self._publish_soon()
        except Exception:
            self._failed()
        finally:
            if self._picture is not None:
                self._picture.is_open = False

    def ready(self) -> Picture | None:
        """The picture, if there is one that can be looked at now."""
        picture = self._picture
        if picture is None or not self._is_whole:
            return None
        # What is noted is soon taken in: in idle moments, or if a simulation at work was not looked at for long.
        if picture.instances.is_behind and (not self._is_at_work or self._is_time()):
            return None
        return picture

    async def look(self) -> Picture:
        """The picture as it stood when a turn was committed, made or caught up first if it must be.

        Raises:
            CommandUndecided: The run has ended.
        """
        while (picture := self.ready()) is None:
            if self._is_closed:
                raise CommandUndecided(f"{self._plan.workflow} is stopping")
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            self._idle_soon()
            await future
        return picture

    def _make(self) -> Picture:
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
        self._picture = picture = Picture.from_engine(self._engine, identity, runtime=plan.config.runtime)
        self._is_whole = False
        self._tell_status(picture)
        return picture

    def _is_wanted(self) -> bool:
        return self._is_subscribed or bool(self._waiting)

    def _is_time(self) -> bool:
        """Whether a simulation at work can spare the time for a round now."""
        if not self._is_simulation:
            return True
        now = time.perf_counter()
        if self._next_round_at is None:
            # The first: as soon as the run has gone on long enough for what it will cost, or has been waited for.
            cost = LOADING_SECONDS + INSTANCE_SECONDS * len(self._engine.pool)
            self._next_round_at = min(self._began_at + cost / SHARE, now + PATIENCE_SECONDS)
        return now >= self._next_round_at

    def _slice(self, picture: Picture) -> bool:
        """Take in some of what changed; True once nothing is left."""
        began = time.perf_counter()
        self._is_whole = False
        picture.instances.catch_up(SLICE_ITEMS)
        now = time.perf_counter()
        self._round_seconds += now - began
        if picture.instances.is_behind:
            return False
        self._next_round_at = now + min(self._round_seconds * (1 / SHARE - 1), LONGEST_PAUSE_SECONDS)
        self._round_seconds = 0.0
        self._is_whole = True
        self._wake()
        return True

    def _idle_soon(self, delay_seconds: float = 0.0) -> None:
        if self._idle is None and not self._is_closed:
            self._idle = asyncio.get_running_loop().call_later(delay_seconds, self._in_idle_moment)

    def _in_idle_moment(self) -> None:
        """Between turns: take in a slice of what changed, then of what is defined, before someone asks for it all."""
        self._idle = None
        if self._is_at_work:
            return
        try:
            picture = self._picture
            if picture is None:
                if not self._is_wanted():
                    return
                picture = self._make()
            if picture.instances.is_behind or not self._is_whole:
                self._slice(picture)
                self._publish()
                self._idle_soon()
            elif not picture.prime(SLICE_ITEMS):
                self._publish_soon()
                self._idle_soon(PRIME_SECONDS)
        except Exception:
            self._failed()

    def _failed(self) -> None:
        # What is shown must never end what runs: the next who asks gets a picture made anew.
        self._log("ERROR", f"The picture of the run failed, and will be made anew:\n{traceback.format_exc()}")
        self._picture, self._is_whole = None, False
        self._wake(CommandUndecided("The picture of the run failed; the scheduler's log says more. Ask again"))

    def _wake(self, error: Exception | None = None) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    def someone_subscribed(self) -> None:
        """A subscriber came: from now on there is a picture to publish."""
        self._is_subscribed = True
        whole_at, self._whole_at = self._whole_at, None
        picture = self._picture
        if picture is not None and whole_at is not None and whole_at < self._published_at < whole_at + JOINING_SECONDS:
            # One that took the whole, and is connected only now, has missed what was told in between.
            picture.tell_all_again()
            self._publish_soon()
        self._idle_soon()

    async def set_extent(self, extent: int) -> None:
        """Show what is up to this many edges from the pool; published with the next batch."""
        (await self.look()).set_extent(extent)
        self._publish_soon()

    def close(self) -> None:
        """Publish what is left, if someone listens; who still waits is told that the run has ended."""
        self._is_closed = True
        for timer in (self._publishing, self._idle):
            if timer is not None:
                timer.cancel()
        picture = self._picture
        if picture is not None and self._is_subscribed:
            picture.is_open = not self._is_at_work
            picture.catch_up()
            self._publish()
        self._wake()

    def _tell_status(self, picture: Picture) -> None:
        picture.set_status(*status_of(self._engine))

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

    # -- what is asked -------------------------------------------------------------------------------------------------

    async def entire(self) -> bytes:
        """Everything there is to see, a ``PbEntireWorkflow``."""
        picture = await self._complete()
        self._whole_at = asyncio.get_running_loop().time()
        self._publish_soon()  # what it has that was not told yet
        return picture.entire()

    async def elements(self, element_type: str) -> bytes:
        """Everything of one kind, as deltas; raises `PictureError` for an unknown kind."""
        picture = await self._complete()
        self._whole_at = asyncio.get_running_loop().time()
        self._publish_soon()
        return picture.elements(element_type)

    async def _complete(self) -> Picture:
        picture = await self.look()
        while not picture.definitions.prime(SLICE_ITEMS):
            self._publish()
            await asyncio.sleep(0)
            picture = await self.look()
        return picture

    async def query(
        self,
        request_string: str,
        variables: Mapping[str, Any] | None,
        *,
        command: CommandCaller,
        messages: MessageTaker,
        why: Explainer,
        meta: Mapping[str, Any],
    ) -> Any:
        """Execute a GraphQL request; mutations become commands. Raises `QueryError`.

        Whatever a query asks, it does not hold up the run: one that is long is read in a thread, and one with a large
        answer is answered by a copy of this process.
        """
        resolvers = RequestResolvers(command, messages, why)
        if "mutation" not in request_string:
            # A simulation at work does not load the schema before it has the time.
            await self.look()
        loop = asyncio.get_running_loop()
        kind = await loop.run_in_executor(None, _kind_of_request, request_string)
        self._has_schema = True
        if kind == "query":
            return await self._answer(request_string, variables, resolvers, meta)
        from ..schema.execute import execute

        picture = self._picture or self._make()
        return await execute(picture, request_string, variables, resolvers=resolvers, meta=meta)

    async def _answer(
        self,
        request_string: str,
        variables: Mapping[str, Any] | None,
        resolvers: RequestResolvers,
        meta: Mapping[str, Any],
    ) -> Any:
        """The data of a query; as JSON already if it was large."""
        from ..schema.execute import answer_at_once, answer_in_full

        picture = await self.look()
        data = answer_at_once(picture, request_string, variables)
        if data is not None:
            return data
        if self._copies_wanted >= COPIES_WANTED:
            raise CommandFailed("The scheduler is busy with other large queries: try again later")
        self._copies_wanted += 1
        try:
            async with self._copies:
                picture = await self.look()
                answer = partial(answer_in_full, picture, request_string, variables, resolvers=resolvers, meta=meta)
                return msgspec.Raw(await in_a_copy(answer, timeout_seconds=ANSWER_SECONDS))
        finally:
            self._copies_wanted -= 1

    def query_at_once(self, request_string: str, variables: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The data of a query that waits for nothing and is soon answered; None for others. Raises `QueryError`."""
        if not self._has_schema or (picture := self.ready()) is None:
            return None
        from ..schema.execute import answer_at_once

        return answer_at_once(picture, request_string, variables)


def _kind_of_request(request_string: str) -> str:
    """``query``, ``mutation`` or ``subscription``; loads the schema, and reads the request."""
    from ..schema.execute import operation_of

    return operation_of(request_string)


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
