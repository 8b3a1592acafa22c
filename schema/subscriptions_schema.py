"""The root of subscriptions, and what a change is made of."""

from __future__ import annotations

from typing import Any

from graphene import ID, Argument, Boolean, Field, Interface, List, ObjectType, String

from .arguments import (
    DEFINITIONS,
    IDS,
    INSTANCES,
    JOBS,
    NODES_EDGES,
    SORT,
    STRIP,
    burst,
    changed,
    followed,
    followed_by_id,
    followed_everywhere,
)
from .types import Edge, Family, FamilyProxy, Job, NodesEdges, Task, TaskProxy, Workflow


def _parts(how: str) -> dict[str, Any]:
    """Fields for what was ``added``, or ``updated``."""
    return {
        "families": changed(List(Family), DEFINITIONS, how=how),
        "familyProxies": changed(List(FamilyProxy), INSTANCES, how=how),
        "jobs": changed(List(Job), JOBS, how=how),
        "tasks": changed(List(Task), DEFINITIONS, how=how),
        "taskProxies": changed(List(TaskProxy), INSTANCES, how=how),
        "edges": changed(List(Edge), JOBS, how=how),
        "workflow": changed(Workflow, how=how),
    }


def _delta(name: str, description: str, how: str) -> Any:
    meta = type("Meta", (), {"description": description, "interfaces": (Delta,)})
    return type(name, (ObjectType,), {"Meta": meta, **_parts(how)})


Delta: Any = type("Delta", (Interface,), {"__doc__": "Elements of every type.", **_parts("added")})
Added = _delta("Added", "What is new.", "added")
Updated = _delta("Updated", "What has changed of what was there.", "updated")


class Pruned(ObjectType):
    """IDs of what is gone."""

    workflow = String()
    families = List(String)
    familyProxies = List(String)
    jobs = List(String)
    tasks = List(String)
    taskProxies = List(String)
    edges = List(String)


class Deltas(ObjectType):
    """What has changed."""

    id = ID()
    shutdown = Boolean()
    added = Field(Added, args=STRIP)
    updated = Field(Updated, args=STRIP)
    pruned = Field(Pruned, args=STRIP)


class Subscriptions(ObjectType):
    """The same as the queries, sent again whenever something changes."""

    deltas = Field(
        Deltas,
        args={
            "workflows": Argument(List(ID)),
            "stripNull": Argument(Boolean, default_value=False),
            **burst(0.0),
        },
    )
    workflows = followed(List(Workflow), IDS, strip=False, store=False, interval_seconds=2.5)
    job = followed_by_id(Job)
    jobs = followed_everywhere(List(Job), JOBS)
    task = followed_by_id(Task)
    tasks = followed_everywhere(List(Task), DEFINITIONS)
    taskProxy = followed_by_id(TaskProxy)
    taskProxies = followed_everywhere(List(TaskProxy), INSTANCES)
    family = followed_by_id(Family)
    families = followed_everywhere(List(Family), DEFINITIONS)
    familyProxy = followed_by_id(FamilyProxy)
    familyProxies = followed_everywhere(List(FamilyProxy), INSTANCES)
    edges = followed_everywhere(List(Edge), SORT)
    nodesEdges = followed_everywhere(NodesEdges, NODES_EDGES)
