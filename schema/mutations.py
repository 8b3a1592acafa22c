"""Mutations: every one becomes a command, and its answer has the shape Cylc's clients read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLResolveInfo

from ..exceptions import TidemillError
from .context import Context
from .filters import is_workflow

_CAPITAL = re.compile(r"(?=[A-Z])")

STOP_MODES = {"Clean": "clean", "Kill": "kill", "Now": "now", "NowNow": "now-now"}

Answer = dict[str, Any]


def resolver_of(mutation: str) -> Callable[..., Awaitable[Answer]]:
    """What carries a mutation out."""

    async def resolve(root: Any, info: GraphQLResolveInfo, workflows: list[str], **arguments: Any) -> Answer:
        context: Context = info.context
        picture = context.picture
        identity = picture.identity
        meant = any(
            is_workflow(pattern, owner=identity.owner, name=identity.workflow, status=picture.workflow.status)
            for pattern in workflows
            if pattern is not None
        )
        if not meant:
            return {"result": [{"response": [False, f"No matching workflow in ['{identity.id}']"]}]}
        try:
            response = await _carry_out(context, mutation, arguments)
        except TidemillError as error:
            response = (False, str(error))
        return {"result": [{"id": identity.id, "response": list(response)}]}

    return resolve


async def _carry_out(context: Context, mutation: str, arguments: dict[str, Any]) -> tuple[Any, Any]:
    if mutation == "setGraphWindowExtent" and context.resolvers is None:
        extent = arguments["nEdgeDistance"]
        context.picture.set_extent(extent)
        return True, f"Maximum edge distance set to {extent}"
    if context.resolvers is None:
        return False, "Commands are not taken here: only queries are answered"
    given = {snake_case(name): value for name, value in arguments.items() if value is not None}
    if mutation == "stop":
        given = _stop_arguments(given)
    return await context.resolvers.command(snake_case(mutation), given)


def _stop_arguments(given: dict[str, Any]) -> dict[str, Any]:
    """The mode by its name in the engine, the time in seconds since the epoch."""
    if "mode" in given:
        given["mode"] = STOP_MODES[given["mode"]]
    if "clock_time" in given:
        text = str(given["clock_time"])
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise TidemillError(f"Invalid time to stop at: {text}: give it as 2030-01-01T00:00:00Z") from None
        given["clock_time"] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return given


def snake_case(name: str) -> str:
    """``setHoldPoint`` as ``set_hold_point``."""
    return _CAPITAL.sub("_", name).lower()
