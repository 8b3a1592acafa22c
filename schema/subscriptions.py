"""Answers subscriptions: what of a change a subscriber asked for, in the words of the schema.

The one door for whoever serves them: `prepare_subscription` once, then `Subscription.answer` for every change. A change
names elements by ID; they are shown as they are now, whole, so that changes may be put together and none is lost by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Protocol

from attrs import define
from graphql import FieldNode, GraphQLObjectType, OperationType
from graphql.execution.values import get_argument_values, get_variable_values

from . import fields
from .context import Context
from .exceptions import QueryError
from .execute import PreparedQuery, execute_generally, prepare
from .fields import Resolve
from .filters import Arguments
from .projection import NotCompilable, Projection, _Compiler
from .schema import schema
from .strip import strip, strip_plan

KINDS = ("families", "family_proxies", "jobs", "tasks", "task_proxies", "edges")


class Change(Protocol):
    """What changed in one workflow: IDs by kind of element."""

    @property
    def added(self) -> Mapping[str, Collection[str]]:
        """What is new."""

    @property
    def updated(self) -> Mapping[str, Collection[str]]:
        """What is no longer what it was."""

    @property
    def pruned(self) -> Mapping[str, Collection[str]]:
        """What is gone."""

    @property
    def workflow(self) -> str:
        """``added``, ``updated`` or nothing: what became of the workflow's own element."""

    @property
    def is_whole(self) -> bool:
        """Whether subscribers are to forget what they had."""

    @property
    def shutdown(self) -> bool:
        """Whether the workflow has stopped."""


@define
class ChangeContext(Context):
    """One change's."""

    change: Any = None


@define
class Subscription:
    """A subscription that was parsed and found valid.

    Attributes:
        field: Which one: ``deltas``, ``taskProxies``, ...
        ignore_interval_seconds: How long it wants to hear nothing after an answer.
        initial_burst: Whether it wants to begin with all there is.
        is_delta: Whether it is told of changes rather than of the whole again.
    """

    field: str
    ignore_interval_seconds: float
    initial_burst: bool
    is_delta: bool
    _query: PreparedQuery
    _projection: Projection | None
    _variables: dict[str, Any]
    _values: dict[str, Any]
    _key: str
    _strips: bool
    _strips_deltas: bool

    async def answer(self, picture: Any, change: Change) -> dict[str, Any] | None:
        """The data to send for a change; None if nothing of it was asked for.

        Args:
            picture: What the run looks like: a `Picture`, or anything with its attributes.
            change: What changed since the last answer.

        Raises:
            QueryError: It cannot be answered: an ID that makes no sense, a field that cannot be sorted by.
        """
        context = ChangeContext(picture, change=change)
        if self._projection is not None:
            data = self._projection(context, self._values)
        else:
            data = await execute_generally(self._query, context, self._variables)
        value = data.get(self._key)
        is_last = change.shutdown and self.field == "deltas"
        if value is None or (self.is_delta and not (change.is_whole or is_last or _has_content(self.field, value))):
            return None
        plan = strip_plan(self._query.document, self._query.operation, self._values)
        if self._strips:
            plan = _strip_everything(plan, data)
        if plan is None or not value:
            return {self._key: value}
        answer: Any = strip(data, plan).get(self._key, value)
        if self.field == "deltas" and self._strips_deltas:
            # Parts of which nothing was asked for.
            answer = {key: part for key, part in answer.items() if part != {}}
        return {self._key: answer}


def prepare_subscription(request_string: str, variables: Mapping[str, Any] | None) -> Subscription:
    """Parse and validate a subscription.

    Raises:
        QueryError: It is not valid, or asks for more than one thing.
    """
    query = prepare(request_string)
    operation = query.operation
    if operation.operation is not OperationType.SUBSCRIPTION:
        raise QueryError("The request is no subscription")
    made = _schema()
    values = get_variable_values(made, operation.variable_definitions or (), dict(variables or {}))
    if isinstance(values, list):
        raise QueryError("\n".join(error.message for error in values))
    nodes = operation.selection_set.selections
    if len(nodes) != 1 or not isinstance(nodes[0], FieldNode):
        raise QueryError("A subscription asks for exactly one field, such as deltas or taskProxies")
    node = nodes[0]
    root = made.subscription_type
    assert root is not None
    name = node.name.value
    arguments = get_argument_values(root.fields[name], node, values)
    compiler = _Compiler(query.document)
    try:
        projection: Projection | None = compiler.finish(
            compiler.selection(root, [operation.selection_set], "e"),
            has_variables=bool(operation.variable_definitions),
        )
    except NotCompilable:
        projection = None
    return Subscription(
        field=name,
        ignore_interval_seconds=max(0.0, float(arguments.get("ignoreInterval") or 0.0)),
        initial_burst=bool(arguments.get("initialBurst", True)),
        is_delta=name == "deltas" or bool(arguments.get("deltaStore")),
        query=query,
        projection=projection,
        variables=dict(variables or {}),
        values=values,
        key=node.alias.value if node.alias else name,
        strips=name != "deltas" and bool(arguments.get("stripNull")),
        strips_deltas=name == "deltas" and bool(arguments.get("stripNull")),
    )


def _has_content(field: str, value: Any) -> bool:
    """Whether an answer tells of anything."""
    if field == "nodesEdges":
        return any(value.values())
    if field != "deltas":
        return bool(value)
    parts = [part for part in value.values() if part is None or isinstance(part, dict)]
    # Who asks for nothing but the ID wants to hear that something changed.
    if not parts:
        return True
    return any(
        content not in (None, [], {}) for part in parts if part for key, content in part.items() if key != "__typename"
    )


def _strip_everything(plan: Any, value: Any) -> Any:
    """A plan that strips wherever the query does not say otherwise."""
    plan = dict(plan or {})
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            for key, below in one.items():
                strips, known = plan.get(key, (True, {}))
                if isinstance(below, (dict, list)):
                    known = _strip_everything(known, below)
                plan[key] = (strips, known)
    return plan


# -- where the fields get their values ---------------------------------------------------------------------------------


class Part(NamedTuple):
    """What was added, or what was updated."""

    kind: str
    change: Any


class WorkflowAnew:
    """A workflow's element for subscribers who are to forget what they had."""

    def __init__(self, workflow: Any) -> None:
        self._workflow = workflow
        self.reloaded = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._workflow, name)


class DeltasView(NamedTuple):
    """One change."""

    id: str
    change: Any


def _deltas(root: Any, context: Any, arguments: Arguments) -> Any:
    if not fields._is_meant(context, arguments):
        return None
    return DeltasView(context.picture.workflow.id, context.change)


def _part(kind: str) -> Resolve:
    def resolve(view: DeltasView, context: Context, arguments: Arguments) -> Any:
        change = view.change
        if any(getattr(change, kind).values()) or change.workflow == kind:
            return Part(kind, change)
        return None

    return resolve


def _pruned(view: DeltasView, context: Context, arguments: Arguments) -> Any:
    return view.change if any(view.change.pruned.values()) else None


def _elements(context: Context, topic: str, ids: Collection[str]) -> list[Any]:
    known = getattr(context.picture, topic).elements
    return [known[id] for id in ids if id in known]


def _select(topic: str) -> Any:
    """What filters and sorts elements of a kind."""
    return {
        "families": lambda elements, c, a: fields._defined("Family", elements, c, a),
        "tasks": lambda elements, c, a: fields._defined("Task", elements, c, a),
        "family_proxies": fields._family_proxies,
        "task_proxies": fields._task_proxies,
        "jobs": fields._jobs,
        "edges": fields._edges,
    }[topic]


def _of_part(topic: str) -> Resolve:
    select = _select(topic)

    def resolve(part: Part, context: Context, arguments: Arguments) -> Any:
        ids = getattr(part.change, part.kind).get(topic, ())
        return select(_elements(context, topic, ids), context, arguments) if ids else []

    return resolve


def _workflow_of_part(part: Part, context: Context, arguments: Arguments) -> Any:
    if part.change.workflow != part.kind:
        return None
    workflow = context.picture.workflow
    return WorkflowAnew(workflow) if part.change.is_whole else workflow


def _changed(context: Any, arguments: Arguments, topic: str) -> Collection[str] | None:
    """IDs of a kind that a subscription is to be told of; None for all there are."""
    if not arguments.get("deltaStore"):
        return None
    wanted = arguments.get("deltaType") or "added"
    if wanted not in ("added", "updated", "pruned"):
        raise QueryError(f"There is no deltaType {wanted!r}: give added or updated")
    found: Collection[str] = getattr(context.change, wanted).get(topic, ())
    return found


def _nodes(topic: str) -> Resolve:
    select = _select(topic)

    def resolve(root: Any, context: Context, arguments: Arguments) -> Any:
        if not fields._is_meant(context, arguments):
            return []
        ids = _changed(context, arguments, topic)
        known = getattr(context.picture, topic).elements
        return select(known.values() if ids is None else _elements(context, topic, ids), context, arguments)

    return resolve


def _node(query: str, topic: str) -> Resolve:
    def resolve(root: Any, context: Context, arguments: Arguments) -> Any:
        found = fields.RESOLVERS["Queries"][query](root, context, arguments)
        ids = _changed(context, arguments, topic)
        return found if found is not None and (ids is None or found.id in ids) else None

    return resolve


def _workflows(root: Any, context: Any, arguments: Arguments) -> Any:
    found = fields._workflows(root, context, arguments)
    if arguments.get("deltaStore") and context.change.workflow != (arguments.get("deltaType") or "added"):
        return []
    return [WorkflowAnew(one) for one in found] if context.change.is_whole else found


def _nodes_edges(root: Any, context: Context, arguments: Arguments) -> Any:
    found = fields._root_nodes_edges(root, context, arguments)
    nodes, edges = (_changed(context, arguments, topic) for topic in ("task_proxies", "edges"))
    if nodes is None or edges is None:
        return found
    return fields.NodesEdgesView(
        [node for node in found.nodes if node.id in nodes], [edge for edge in found.edges if edge.id in edges]
    )


def _pruned_ids(topic: str) -> Resolve:
    return lambda change, context, arguments: list(change.pruned.get(topic, ()))


_CAMEL = {"family_proxies": "familyProxies", "task_proxies": "taskProxies"}
_PART: dict[str, Resolve] = {
    **{_CAMEL.get(topic, topic): _of_part(topic) for topic in KINDS},
    "workflow": _workflow_of_part,
}

RESOLVERS: dict[str, dict[str, Resolve]] = {
    "Subscriptions": {
        "deltas": _deltas,
        "workflows": _workflows,
        "job": _node("job", "jobs"),
        "task": _node("task", "tasks"),
        "taskProxy": _node("taskProxy", "task_proxies"),
        "family": _node("family", "families"),
        "familyProxy": _node("familyProxy", "family_proxies"),
        **{_CAMEL.get(topic, topic): _nodes(topic) for topic in KINDS},
        "nodesEdges": _nodes_edges,
    },
    "Deltas": {
        "id": lambda view, context, arguments: view.id,
        "shutdown": lambda view, context, arguments: view.change.shutdown,
        "added": _part("added"),
        "updated": _part("updated"),
        "pruned": _pruned,
    },
    "Added": _PART,
    "Updated": _PART,
    "Pruned": {
        "workflow": lambda change, context, arguments: None,
        **{_CAMEL.get(topic, topic): _pruned_ids(topic) for topic in KINDS},
    },
}
"""Fields of subscriptions."""

# The projection looks here for every field it compiles.
fields.RESOLVERS.update(RESOLVERS)


def _schema() -> Any:
    """The schema, in which subscriptions have their values too."""
    made = schema()
    for type_name, resolvers in RESOLVERS.items():
        kind = made.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)
        for name, resolve in resolvers.items():
            kind.fields[name].resolve = _through(resolve)
    return made


def _through(resolve: Resolve) -> Any:
    return lambda element, info, **arguments: resolve(element, info.context, arguments)
