"""Where every field of the schema gets its value: one table for both ways of answering.

Leaves are expressions, so that the projection can write them into its code; see `leaves`. Whatever takes arguments, or
leads to other elements, is a function of element, context and arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..contact.identifiers import matches
from .context import Context
from .filters import Arguments, Patterns, in_order, is_workflow, select
from .leaves import LEAVES, LazyGetters

if TYPE_CHECKING:
    from ..flow.picture.elements import EdgeElement, TaskProxyElement
    from ..flow.picture.prerequisites import ConditionElement
    from ..flow.picture.workflow import WorkflowElement

Resolve = Callable[[Any, Context, Arguments], Any]

_GETTERS = {name: LazyGetters(name) for name in LEAVES}


class OutputView(NamedTuple):
    """An output of one instance."""

    label: str
    message: str
    satisfied: bool
    time: float


class EdgesView(NamedTuple):
    """The graph of the window, as far as a query asks for it."""

    workflow: WorkflowElement
    edges: list[EdgeElement]


class NodesEdgesView(NamedTuple):
    """Instances and the edges between them."""

    nodes: list[TaskProxyElement]
    edges: list[EdgeElement]


class PollTaskView(NamedTuple):
    """A task of another workflow that a task here waits for."""

    local_proxy: str
    workflow: str
    remote_proxy: str
    req_state: str
    graph_string: str


# -- lists of elements, filtered and sorted ----------------------------------------------------------------------------


def _patterns(context: Context) -> Patterns:
    identity = context.picture.identity
    return Patterns(identity.owner, identity.workflow)


def _instances(type_name: str, elements: Iterable[Any], context: Context, arguments: Arguments) -> list[Any]:
    depth = "task.depth" if type_name == "TaskProxy" else "family.depth"
    found = select(elements, arguments, identify=_patterns(context).instance, depth=depth)
    return in_order(found, arguments.get("sort"), _GETTERS[type_name])


def _task_proxies(elements: Iterable[Any], context: Context, arguments: Arguments) -> list[Any]:
    return _instances("TaskProxy", elements, context, arguments)


def _family_proxies(elements: Iterable[Any], context: Context, arguments: Arguments) -> list[Any]:
    return _instances("FamilyProxy", elements, context, arguments)


def _jobs(elements: Iterable[Any], context: Context, arguments: Arguments) -> list[Any]:
    found = select(elements, arguments, identify=_patterns(context).job)
    return in_order(found, arguments.get("sort"), _GETTERS["Job"])


def _defined(type_name: str, elements: Iterable[Any], context: Context, arguments: Arguments) -> list[Any]:
    found = select(elements, arguments, identify=_patterns(context).definition)
    return in_order(found, arguments.get("sort"), _GETTERS[type_name])


def _edges(elements: Iterable[Any], context: Context, arguments: Arguments) -> list[Any]:
    # States belong to nodes: an edge is let through by the state of its target.
    own = {key: value for key, value in arguments.items() if key in ("ids", "exids")}
    found = select(elements, own, identify=_patterns(context).edge)
    states, exstates = arguments.get("states"), arguments.get("exstates")
    if states:
        found = [edge for edge in found if edge.target.state in states]
    if exstates:
        found = [edge for edge in found if edge.target.state not in exstates]
    return in_order(found, arguments.get("sort"), _GETTERS["Edge"])


def _all_tasks(context: Context) -> Iterable[Any]:
    definitions = context.picture.definitions
    definitions.complete()
    return definitions.tasks_in_order()


def _all_families(context: Context) -> Iterable[Any]:
    definitions = context.picture.definitions
    definitions.complete()
    return definitions.families_in_order()


def _is_meant(context: Context, arguments: Arguments, wanted: str = "workflows", unwanted: str = "exworkflows") -> bool:
    """Whether the arguments of a query mean this workflow."""
    identity, status = context.picture.identity, context.picture.workflow.status

    def meant(patterns: Any) -> bool:
        return any(
            is_workflow(pattern, owner=identity.owner, name=identity.workflow, status=status)
            for pattern in patterns
            if pattern is not None
        )

    ids, exids = arguments.get(wanted), arguments.get(unwanted)
    return not (ids and not meant(ids)) and not (exids and meant(exids))


def _nodes_edges(context: Context, arguments: Arguments) -> NodesEdgesView:
    """Instances that are meant, and what lies within a distance of them in the window."""
    nodes = dict.fromkeys(_task_proxies(context.picture.task_proxies.elements.values(), context, arguments))
    edges: dict[Any, None] = {}
    front = list(nodes)
    for _ in range(max(0, arguments.get("distance", 1))):
        following: list[Any] = []
        for node in front:
            for edge in node.edges or ():
                edges[edge] = None
                for end in (edge.source, edge.target):
                    if end not in nodes:
                        nodes[end] = None
                        following.append(end)
        front = following
    return NodesEdgesView(list(nodes), in_order(list(edges), arguments.get("sort"), {"id": lambda edge: edge.id}))


# -- fields of the workflow --------------------------------------------------------------------------------------------


def _latest_state_tasks(workflow: WorkflowElement, context: Context, arguments: Arguments) -> Any:
    return workflow.latest_state_tasks(arguments.get("states") or ())


def _broadcasts(workflow: WorkflowElement, context: Context, arguments: Arguments) -> Any:
    ids = [id for id in arguments.get("ids") or () if id is not None]
    if not ids:
        return dict(workflow.broadcasts)
    chains = context.picture.definitions.definition.family_parents
    patterns = [_patterns(context).parse(id) for id in ids]
    wanted: dict[str, dict[str, Any]] = {}
    for point, namespaces in workflow.broadcasts.items():
        for namespace, settings in namespaces.items():
            for pattern in patterns:
                if pattern is None or not (point == "*" or matches(pattern.cycle or "*", point)):
                    continue
                names = [name for name in chains if matches(pattern.task, name)] if pattern.task else None
                if names is None or any(namespace in chains[name] for name in names):
                    wanted.setdefault(point, {})[namespace] = settings
    return wanted


def _polls(view: EdgesView, context: Context, arguments: Arguments) -> list[PollTaskView]:
    views = []
    for name, task in context.picture.definitions.definition.tasks.items():
        poll = task.workflow_state_poll
        if poll is not None:
            workflow, remote, state = poll.get("workflow", ""), poll.get("task", ""), poll.get("status", "")
            views.append(PollTaskView(name, workflow, remote, state, f"{name}<{workflow}::{remote}:{state}>"))
    return views


# -- fields of instances -----------------------------------------------------------------------------------------------


def _outputs(proxy: TaskProxyElement, context: Context, arguments: Arguments) -> list[Any]:
    completed = proxy.outputs or {}
    found = [
        OutputView(label, message, label in completed, completed.get(label, 0.0))
        for label, message in proxy.task.output_messages.items()
    ]
    return _chosen(found, arguments, "Output")


def _xtriggers(which: str) -> Resolve:
    def resolve(proxy: TaskProxyElement, context: Context, arguments: Arguments) -> list[Any]:
        return _chosen(list(getattr(proxy, which)), arguments, "XTrigger")

    return resolve


def _chosen(found: list[Any], arguments: Arguments, type_name: str) -> list[Any]:
    satisfied = arguments.get("satisfied")
    if satisfied is not None:
        found = [one for one in found if one.satisfied is satisfied]
    order = arguments.get("sortOrder")
    if order:
        places = {label: index for index, label in enumerate(order)}
        found = sorted(found, key=lambda one: places.get(one.label, len(places)))
    found = in_order(found, arguments.get("sort"), _GETTERS[type_name])
    limit = arguments.get("limit") or 0
    return found[:limit] if limit > 0 else found


def _prerequisites(proxy: TaskProxyElement, context: Context, arguments: Arguments) -> list[Any]:
    return [part for prerequisite in proxy.prerequisites for part in prerequisite.parts]


def _ancestors(proxy: Any, context: Context, arguments: Arguments) -> list[Any]:
    found = []
    family = proxy.first_parent
    while family is not None:
        found.append(family)
        family = family.first_parent
    return _family_proxies(found, context, arguments)


def _first_parent_proxy(proxy: Any, context: Context, arguments: Arguments) -> Any:
    if proxy.first_parent is None:
        return None
    found = _family_proxies([proxy.first_parent], context, arguments)
    return found[0] if found else None


def _condition_proxy(condition: ConditionElement, context: Context, arguments: Arguments) -> Any:
    picture = context.picture
    return picture.task_proxies.elements.get(f"{picture.identity.id}//{condition.task_id}")


# -- one by its ID -----------------------------------------------------------------------------------------------------


def _by_id(topic: str) -> Resolve:
    def resolve(root: Any, context: Context, arguments: Arguments) -> Any:
        picture = context.picture
        id = arguments["id"]
        elements = getattr(picture, topic).elements
        found = elements.get(id)
        if found is None and not id.startswith("~"):
            # A relative ID is clear enough: there is one workflow here.
            found = elements.get(f"{picture.identity.id}//{id.removeprefix('//')}")
        return found

    return resolve


def _defined_by_id(which: str) -> Resolve:
    def resolve(root: Any, context: Context, arguments: Arguments) -> Any:
        picture = context.picture
        picture.definitions.complete()
        prefix = f"{picture.identity.id}//$namespace|"
        name = arguments["id"].removeprefix(prefix).removeprefix("$namespace|")
        return getattr(picture.definitions, which).get(name)

    return resolve


def _of_this_workflow(resolve: Resolve) -> Resolve:
    def resolve_root(root: Any, context: Context, arguments: Arguments) -> Any:
        return resolve(root, context, arguments) if _is_meant(context, arguments) else []

    return resolve_root


def _workflows(root: Any, context: Context, arguments: Arguments) -> list[Any]:
    return [context.picture.workflow] if _is_meant(context, arguments, "ids", "exids") else []


def _root_nodes_edges(root: Any, context: Context, arguments: Arguments) -> Any:
    return _nodes_edges(context, arguments) if _is_meant(context, arguments) else NodesEdgesView([], [])


_task_proxy_list: Resolve = lambda e, c, a: _task_proxies(c.picture.task_proxies.elements.values(), c, a)  # noqa: E731
_family_proxy_list: Resolve = lambda e, c, a: _family_proxies(  # noqa: E731
    c.picture.family_proxies.elements.values(), c, a
)
_job_list: Resolve = lambda e, c, a: _jobs(c.picture.jobs.elements.values(), c, a)  # noqa: E731
_task_list: Resolve = lambda e, c, a: _defined("Task", _all_tasks(c), c, a)  # noqa: E731
_family_list: Resolve = lambda e, c, a: _defined("Family", _all_families(c), c, a)  # noqa: E731
_edge_list: Resolve = lambda e, c, a: _edges(c.picture.edges.elements.values(), c, a)  # noqa: E731


def _why(root: Any, context: Context, arguments: Arguments) -> Any:
    """Why a task is not running; only the scheduler can tell, not a copy of its picture."""
    identity = f"{context.picture.identity.id}//"
    task = arguments["id"].removeprefix(identity).removeprefix("//")
    if context.resolvers is None or task.startswith("~"):
        return None
    return context.resolvers.why(task)


RESOLVERS: dict[str, dict[str, Resolve]] = {
    "Queries": {
        "workflows": _workflows,
        "job": _by_id("jobs"),
        "jobs": _of_this_workflow(_job_list),
        "task": _defined_by_id("tasks"),
        "tasks": _of_this_workflow(_task_list),
        "taskProxy": _by_id("task_proxies"),
        "taskProxies": _of_this_workflow(_task_proxy_list),
        "family": _defined_by_id("families"),
        "families": _of_this_workflow(_family_list),
        "familyProxy": _by_id("family_proxies"),
        "familyProxies": _of_this_workflow(_family_proxy_list),
        "edges": _of_this_workflow(_edge_list),
        "nodesEdges": _root_nodes_edges,
        "why": _why,
    },
    "Workflow": {
        "tasks": _task_list,
        "families": _family_list,
        "taskProxies": _task_proxy_list,
        "familyProxies": _family_proxy_list,
        "jobs": _job_list,
        "edges": lambda e, c, a: EdgesView(e, _edge_list(e, c, a)),
        "nodesEdges": lambda e, c, a: _nodes_edges(c, a),
        "meta": lambda e, c, a: e.meta,
        "latestStateTasks": _latest_state_tasks,
        "timeZoneInfo": lambda e, c, a: e.time_zone_info,
        "broadcasts": _broadcasts,
        "logRecords": lambda e, c, a: list(e.log_records),
    },
    "Task": {
        "meta": lambda e, c, a: e.meta,
        "runtime": lambda e, c, a: e.runtime,
        "proxies": lambda e, c, a: _task_proxies(e.proxies, c, a),
        "parents": lambda e, c, a: _defined("Family", e.parents, c, a),
        "firstParent": lambda e, c, a: e.first_parent,
    },
    "Family": {
        "meta": lambda e, c, a: e.meta,
        "runtime": lambda e, c, a: e.runtime,
        "proxies": lambda e, c, a: _family_proxies(e.proxies, c, a),
        "parents": lambda e, c, a: _defined("Family", e.parents, c, a),
        "childTasks": lambda e, c, a: _defined(
            "Task", [c.picture.definitions.task(name) for name in e.child_tasks], c, a
        ),
        "childFamilies": lambda e, c, a: _defined(
            "Family", [c.picture.definitions.family(name) for name in e.child_families], c, a
        ),
        "firstParent": lambda e, c, a: e.first_parent,
    },
    "Runtime": {
        "directives": lambda e, c, a: list(e.directives),
        "environment": lambda e, c, a: list(e.environment),
        "outputs": lambda e, c, a: list(e.outputs),
    },
    "TaskProxy": {
        "task": lambda e, c, a: e.task,
        "runtime": lambda e, c, a: e.task.runtime,
        "outputs": _outputs,
        "externalTriggers": _xtriggers("external_triggers"),
        "xtriggers": _xtriggers("xtriggers"),
        "prerequisites": _prerequisites,
        "jobs": lambda e, c, a: _jobs(e.jobs or (), c, a),
        "parents": lambda e, c, a: _family_proxies([e.first_parent], c, a),
        "firstParent": _first_parent_proxy,
        "ancestors": _ancestors,
    },
    "FamilyProxy": {
        "family": lambda e, c, a: e.family,
        "runtime": lambda e, c, a: e.family.runtime,
        "childTasks": lambda e, c, a: _task_proxies(e.child_tasks, c, a),
        "childFamilies": lambda e, c, a: _family_proxies(e.child_families, c, a),
        "firstParent": _first_parent_proxy,
        "ancestors": _ancestors,
    },
    "Job": {
        "taskProxy": lambda e, c, a: e.task_proxy,
        "runtime": lambda e, c, a: e.task_proxy.task.runtime,
    },
    "Edges": {
        "edges": lambda e, c, a: _edges(e.edges, c, a),
        "workflowPollingTasks": _polls,
    },
    "Edge": {
        "sourceNode": lambda e, c, a: e.source,
        "targetNode": lambda e, c, a: e.target,
    },
    "NodesEdges": {"nodes": lambda e, c, a: e.nodes, "edges": lambda e, c, a: e.edges},
    "Prerequisite": {"conditions": lambda e, c, a: list(e.conditions)},
    "Condition": {"taskProxy": _condition_proxy},
}
"""Fields that take arguments or lead to other elements."""
OF_THE_SCHEDULER = frozenset({("Queries", "why")})
"""Fields that the picture cannot answer: what is compiled has nothing else to ask."""
