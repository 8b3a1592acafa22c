"""The root of queries: what can be asked of a scheduler at once."""

from __future__ import annotations

from graphene import Field, List, ObjectType

from .arguments import DEFINITIONS, IDS, INSTANCES, JOBS, NODES_EDGES, SORT, STRIP, asked, asked_by_id
from .scalars import GenericScalar
from .types import Edge, Family, FamilyProxy, Job, NodesEdges, Task, TaskProxy, Workflow


class Queries(ObjectType):
    """What can be asked of a scheduler. IDs are patterns unless said otherwise."""

    workflows = Field(List(Workflow), args={**STRIP, **IDS})
    job = asked_by_id(Job)
    jobs = asked(List(Job), JOBS)
    task = asked_by_id(Task)
    tasks = asked(List(Task), DEFINITIONS)
    taskProxy = asked_by_id(TaskProxy)
    taskProxies = asked(List(TaskProxy), INSTANCES)
    family = asked_by_id(Family)
    families = asked(List(Family), DEFINITIONS)
    familyProxy = asked_by_id(FamilyProxy)
    familyProxies = asked(List(FamilyProxy), INSTANCES)
    edges = asked(List(Edge), SORT)
    nodesEdges = asked(NodesEdges, NODES_EDGES)
    why = asked_by_id(GenericScalar)
