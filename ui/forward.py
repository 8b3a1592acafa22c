"""Answers queries and mutations by asking the schedulers they are for; errors come back as GraphQL has them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from ..exceptions import TidemillError
from ..network.exceptions import ClientTimeout, WorkflowStopped
from ..schema.exceptions import QueryError
from ..schema.execute import operation_of
from .follower import Follower
from .hub import Hub, merged

REQUEST_SECONDS = 20.0

_PLACE = re.compile(r"(?P<message>.*) \(line (?P<line>\d+), column (?P<column>\d+)\)$")


def errors_of(text: str) -> list[dict[str, Any]]:
    """An error text of the schema or a scheduler as GraphQL errors: one for each line, with its location."""
    errors: list[dict[str, Any]] = []
    for line in text.splitlines() or ["the request failed"]:
        found = _PLACE.match(line)
        if found is None:
            errors.append({"message": line})
        else:
            place = {"line": int(found["line"]), "column": int(found["column"])}
            errors.append({"message": found["message"], "locations": [place]})
    return errors


async def answer(hub: Hub, request_string: str, variables: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
    """Answer a query or a mutation.

    Returns:
        The HTTP status, and the answer: ``data``, ``errors`` or both.
    """
    try:
        operation = operation_of(request_string)
    except QueryError as error:
        return 400, {"errors": errors_of(str(error))}
    if operation == "subscription":
        return 400, {"errors": [{"message": "Subscriptions are served over a websocket (graphql-transport-ws)"}]}
    followers = [follower for follower in hub.followers.values() if follower.client is not None]
    if not followers:
        names = ", ".join(hub.followers) or "no workflow"
        return 503, {"errors": [{"message": f"Nobody to ask: {names} is not running; start it with tidemill play"}]}
    answers = await asyncio.gather(*[_ask(one, request_string, variables) for one in followers])
    parts = [data for _, data, _ in answers if data is not None]
    errors = [error for _, _, found in answers for error in found]
    if operation == "mutation":
        parts = _without_refusals(parts)
    whole: dict[str, Any] = {"data": merged(parts)}
    if errors:
        whole["errors"] = errors
    return (200 if parts else max(status for status, _, _ in answers)), whole


async def _ask(
    follower: Follower, request_string: str, variables: Mapping[str, Any] | None
) -> tuple[int, dict[str, Any] | None, list[dict[str, Any]]]:
    client = follower.client
    assert client is not None
    arguments = {"request_string": request_string, "variables": dict(variables or {})}
    try:
        data = await client.async_request("graphql", arguments, REQUEST_SECONDS, {"prog": "gateway"})
    except ClientTimeout as error:
        return 504, None, errors_of(str(error))
    except WorkflowStopped as error:
        return 503, None, errors_of(str(error))
    except TidemillError as error:
        return 200, None, errors_of(str(error))
    return 200, data, []


def _without_refusals(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the answers of workflows that were not meant, unless nobody was."""

    def meant(part: dict[str, Any]) -> bool:
        results = [value.get("result") for value in part.values() if isinstance(value, dict)]
        return any("id" in one for result in results if isinstance(result, list) for one in result)

    return [part for part in parts if meant(part)] or parts[:1]
