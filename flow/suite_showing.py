"""What others see of a suite server: GraphQL over its suites, one as protobuf, a node, and why it waits.

Nothing is made before someone asks; from then on a question costs what has changed since the last one.
"""

from __future__ import annotations

import asyncio
import gc
import time
import traceback
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .copying import in_a_copy
from .engine.reasons import KINDS
from .exceptions import CommandFailed
from .suite import details
from .suite.nodes import Submittable
from .suite.queries import find

if TYPE_CHECKING:
    from .picture.suite_picture import ServerIdentity, SuitePicture, SuitePictures
    from .suite.engine import SuiteEngine

SLICE_SECONDS = 0.01
COPIES = 2
"""How many copies of the process answer at a time."""
LARGE = 5_000
"""With more nodes than this, what looks at all of them is answered by a copy of the process: jobs are not to wait."""


class SuiteShowing:
    """The public side of one server.

    Arguments:
        engine: gives the engine of the server.
        identity: tells whose suites these are, once that is known.
        log: writes to the server's log.
    """

    def __init__(
        self,
        engine: Callable[[], SuiteEngine],
        identity: Callable[[], ServerIdentity],
        log: Callable[[str, str], None],
    ) -> None:
        self._engine = engine
        self._identity = identity
        self._log = log
        self._pictures: SuitePictures | None = None
        self._making = asyncio.Lock()
        self._copies = asyncio.Semaphore(COPIES)

    async def query(
        self, request_string: str, variables: Mapping[str, Any] | None, *, meta: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The data of a GraphQL query: what each suite answers, one after the other.

        Raises:
            QueryError: it is no valid query.
            CommandFailed: it is a mutation: suites are told by the commands of ecFlow.
        """
        from ..schema.execute import execute, prepare

        asked = prepare(request_string)
        if asked.operation.operation.value == "mutation":
            raise CommandFailed("mutations are not taken here: suites are told what to do by 'tidemill ecflow --...'")
        pictures = await self._up_to_date()
        if pictures.size > LARGE and asked.projection is not None and not asked.is_light:
            told: dict[str, Any] = await self._in_a_copy(partial(_answer, pictures, request_string, variables))
            return told
        found: dict[str, Any] = {}
        turned = time.perf_counter()
        shown = pictures.in_order()
        for picture in shown or [pictures.empty()]:
            resolvers = _Resolvers(self, picture)
            data = await execute(picture, request_string, variables, resolvers=resolvers, meta=meta)
            merge(found, data if shown else _without_workflows(request_string, data))
            if time.perf_counter() - turned > SLICE_SECONDS:
                await asyncio.sleep(0)
                turned = time.perf_counter()
        return found

    async def elements(self, suite: str, element_type: str | None) -> bytes:
        """The picture of a suite: all of it, a ``PbEntireWorkflow``, or everything of one kind as deltas.

        Raises:
            CommandFailed: there is no such suite, or there are several and none was named.
            PictureError: there is no such kind.
        """
        picture = await self._picture_of(suite)
        write = picture.entire if element_type is None else partial(picture.elements, element_type)
        if len(picture.nodes.elements) <= LARGE:
            return write()
        data = await self._in_a_copy(write)
        return data if isinstance(data, bytes) else b64decode(data)

    def why(self, path: str) -> dict[str, Any]:
        """Explain why a node is not running: a ranked tree of reasons."""
        identity = self._identity()
        return explained(self._engine(), path, host=identity.host, port=identity.port)

    def node(self, path: str) -> dict[str, Any]:
        """Everything there is to tell of a node, or (``/``) of the server; raises `QueryError` if there is none."""
        return node_details(self._engine(), path)

    async def _in_a_copy(self, work: Callable[[], Any]) -> Any:
        """Work an answer out in a copy of this process, few at a time."""

        def work_alone() -> Any:
            gc.disable()
            return work()

        async with self._copies:
            return await in_a_copy(work_alone)

    async def _picture_of(self, suite: str) -> SuitePicture:
        pictures = await self._up_to_date()
        names = [picture.suite.name for picture in pictures.in_order() if picture.suite is not None]
        if not suite and len(names) == 1:
            suite = names[0]
        for picture in pictures.in_order():
            if picture.suite is not None and picture.suite.name == suite.strip("/"):
                return picture
        known = f"suites are {', '.join(names)}" if names else "there are none"
        problem = f"there is no suite {suite}" if suite else "name the suite"
        raise CommandFailed(f"{problem}: {known}")

    async def _up_to_date(self) -> SuitePictures:
        """The pictures as the engine has it now."""
        async with self._making:
            pictures = self._pictures
            try:
                if pictures is None or pictures.engine is not self._engine() or not pictures.is_made:
                    pictures = self._pictures = await self._made()
                pictures.catch_up()
            except Exception:
                # What is shown must never end what runs: the next who asks gets pictures made anew.
                self._log("ERR", f"the picture of the suites failed, and will be made anew:\n{traceback.format_exc()}")
                self._pictures = None
                raise
            return pictures

    async def _made(self) -> SuitePictures:
        from .picture.suite_picture import SuitePictures

        pictures = SuitePictures(self._engine(), self._identity())
        turned = time.perf_counter()
        was_collecting = gc.isenabled()
        gc.disable()  # all that is made stays: looking for garbage among it would more than double its time
        try:
            for _ in pictures.make():
                if time.perf_counter() - turned > SLICE_SECONDS:
                    await asyncio.sleep(0)
                    turned = time.perf_counter()
        finally:
            if was_collecting:
                gc.enable()
        return pictures


class _Resolvers:
    """What queries ask beyond the picture."""

    def __init__(self, showing: SuiteShowing, picture: SuitePicture) -> None:
        self._showing = showing
        self._picture = picture

    def why(self, task: str) -> dict[str, Any] | None:
        """Explain a node, by its path or as the picture names it; None for one that this suite does not have."""
        from .picture.suite_elements import POINT, path_of

        suite = self._picture.suite
        if suite is None:
            return None
        path = task if task.startswith("/") else path_of(suite.name, task.removeprefix(f"{POINT}/"))
        if path != f"/{suite.name}" and not path.startswith(f"/{suite.name}/"):
            return None
        found = self._showing.why(path)
        return found if found["is_known"] else None

    async def command(self, name: str, arguments: dict[str, Any]) -> tuple[Any, Any]:
        """No command is taken."""
        return False, f"{name}: suites are told what to do by 'tidemill ecflow --...'"


def explained(engine: SuiteEngine, path: str, *, host: str, port: int) -> dict[str, Any]:
    """Why a node is not running, as plain data, with commands that can be typed as they are."""
    from .suite.why import explain

    found = explain(engine, path if path.startswith("/") else f"/{path}").to_dict()
    place = f"--port={port}" if host == "localhost" else f"--host={host} --port={port}"
    found["summary"] = _one_line(found["summary"])
    _complete(found["reasons"], place)
    return found


def _one_line(text: str) -> str:
    """A text of several lines, such as why a job could not be made, as one."""
    return "; ".join(line.strip() for line in text.splitlines())


def _complete(reasons: list[dict[str, Any]], place: str) -> None:
    # What somebody must act on comes first.
    reasons.sort(key=lambda reason: KINDS.index(reason["kind"]))
    for reason in reasons:
        reason["text"] = _one_line(reason["text"])
        force = reason["force"]
        if force and not force.startswith("tidemill "):
            name, _, rest = force.partition(" ")
            reason["force"] = f"tidemill ecflow {place} --{name}{'=' if rest else ''}{rest}"
        _complete(reason["children"], place)


def node_details(engine: SuiteEngine, path: str) -> dict[str, Any]:
    """Everything there is to tell of a node, or (``/``) of the server.

    Raises:
        QueryError: there is no such node.
    """
    if path in ("", "/"):
        return {**details.server_details(engine), "children": details.children(engine.defs)}
    node = find(engine, path)
    generated = details.generated(engine, node)
    below = {} if isinstance(node, Submittable) and not node.children else {"children": details.children(node)}
    return {**details.details(engine, node), "generated": generated, **below}


def _answer(pictures: SuitePictures, request_string: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """What all suites answer to a query that was compiled."""
    from ..schema.execute import answer_at_once

    found: dict[str, Any] = {}
    for picture in pictures.in_order():
        merge(found, answer_at_once(picture, request_string, variables) or {})
    return found


def merge(found: dict[str, Any], data: Mapping[str, Any]) -> None:
    """Put what another suite answered to what was found: lists are joined, of single things the first counts."""
    for key, value in data.items():
        held = found.get(key)
        if key not in found or held is None:
            found[key] = value
        elif isinstance(held, list) and isinstance(value, list):
            held.extend(value)
        elif isinstance(held, dict) and isinstance(value, dict) and set(held) <= {"nodes", "edges"}:
            merge(held, value)


def _without_workflows(request_string: str, data: dict[str, Any]) -> dict[str, Any]:
    """What a server without suites answers: the empty picture that was asked stands for no workflow."""
    from ..schema.execute import root_fields

    workflows = {key for key, name in root_fields(request_string).items() if name == "workflows"}
    return {key: [] if key in workflows else value for key, value in data.items()}
