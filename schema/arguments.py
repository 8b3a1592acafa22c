"""Arguments of the schema's fields: what each kind of element is filtered and sorted by, once for every place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphene import ID, Argument, Boolean, Field, Float, InputObjectType, Int, List, NonNull, String

ArgumentTable = Mapping[str, Any]


class SortArgs(InputObjectType):
    """How to sort: fields by their names here, in order."""

    class Meta:
        container = dict

    keys = List(String, default_value=["id"])
    reverse = Boolean(default_value=False)


def _texts(*names: str) -> ArgumentTable:
    return {name: Argument(List(String), default_value=[]) for name in names}


def _ids(*names: str) -> ArgumentTable:
    return {name: Argument(List(ID), default_value=[]) for name in names}


_WORKFLOWS = _ids("workflows", "exworkflows")
_STATES = _texts("states", "exstates")
_FLAGS = {name: Argument(Boolean) for name in ("isHeld", "isQueued", "isRunahead")}
_DEPTHS = {name: Argument(Int, default_value=-1) for name in ("mindepth", "maxdepth")}
_GRAPH_DEPTH = {"graphDepth": Argument(Int, default_value=-1)}
_DISTANCE = {"distance": Argument(Int, default_value=1)}
_ID = {"id": Argument(NonNull(ID))}
STRIP = {"stripNull": Argument(Boolean)}

SORT: ArgumentTable = {"sort": Argument(SortArgs, default_value=None)}
"""Edges, where all are asked for."""
IDS = _ids("ids", "exids")
"""Workflows."""
DEFINITIONS = {**IDS, **_DEPTHS, **SORT}
"""Tasks and families as defined."""
INSTANCES = {**IDS, **_STATES, **_FLAGS, **_DEPTHS, **_GRAPH_DEPTH, **SORT}
"""Tasks and families at cycle points."""
JOBS = {**IDS, **_STATES, **SORT}
"""Jobs; and edges, where those of an element are asked for."""
NODES_EDGES = {**IDS, **_STATES, **_FLAGS, **_DISTANCE, **_DEPTHS, **SORT}
"""Instances with the edges between them."""


def listed(sort_order: list[str] | None = None) -> ArgumentTable:
    """What outputs and triggers of an instance are chosen by; the order is of their labels."""
    order = {"default_value": sort_order} if sort_order else {}
    return {
        **SORT,
        "sortOrder": Argument(List(String), **order),
        "limit": Argument(Int, default_value=0),
        "satisfied": Argument(Boolean),
    }


def _deltas(*, store: bool, kind: str) -> ArgumentTable:
    return {
        "deltaStore": Argument(Boolean, default_value=store),
        "deltaType": Argument(String, default_value=kind),
    }


def asked(kind: Any, table: ArgumentTable) -> Any:
    """A field of the queries for the elements of every workflow that is meant."""
    return Field(kind, args={**_WORKFLOWS, **table, **STRIP})


def asked_by_id(kind: Any) -> Any:
    """A field of the queries for one element."""
    return Field(kind, args={**STRIP, **_ID})


def reached(kind: Any, table: ArgumentTable | None = None) -> Any:
    """A field that leads from one element to others."""
    return Field(kind, args={**(table or {}), **STRIP, **_deltas(store=False, kind="added")})


def changed(kind: Any, table: ArgumentTable | None = None, *, how: str) -> Any:
    """A field of a change, for elements that were ``added`` or ``updated``."""
    return Field(kind, args={**(table or {}), **STRIP, **_deltas(store=True, kind=how)})


def followed(
    kind: Any, table: ArgumentTable, *, strip: bool = True, store: bool = True, interval_seconds: float = 0.0
) -> Any:
    """A field of the subscriptions."""
    return Field(
        kind,
        args={
            **table,
            "stripNull": Argument(Boolean, default_value=strip),
            **_deltas(store=store, kind="added"),
            **burst(interval_seconds),
        },
    )


def followed_everywhere(kind: Any, table: ArgumentTable) -> Any:
    """A field of the subscriptions for the elements of every workflow that is meant."""
    return followed(kind, {**_WORKFLOWS, **table})


def followed_by_id(kind: Any) -> Any:
    """A field of the subscriptions for one element."""
    return followed(kind, _ID)


def burst(interval_seconds: float) -> ArgumentTable:
    """How a subscription begins, and how long it rests after an answer."""
    return {
        "initialBurst": Argument(Boolean, default_value=True),
        "ignoreInterval": Argument(Float, default_value=interval_seconds),
    }
