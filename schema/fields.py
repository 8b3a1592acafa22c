"""Where every field of the schema gets its value: one table for both ways of answering.

A leaf is a Python expression over ``e``, the element, so that the projection can write it into its code. Whatever takes
arguments, or leads to other elements, is a function of element, context and arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..contact.identifiers import matches
from .context import Context
from .filters import Arguments, Patterns, in_order, is_workflow, select

if TYPE_CHECKING:
    from ..flow.picture.elements import EdgeElement, TaskProxyElement
    from ..flow.picture.prerequisites import ConditionElement
    from ..flow.picture.workflow import WorkflowElement

Resolve = Callable[[Any, Context, Arguments], Any]

LEAVES: dict[str, dict[str, str]] = {
    "Workflow": {
        "id": "e.id",
        "name": "e.identity.workflow",
        "status": "e.status",
        "statusMsg": "e.status_msg",
        "host": "e.identity.host",
        "port": "e.identity.port",
        "pubPort": "e.identity.publish_port",
        "owner": "e.identity.owner",
        "apiVersion": "e.api_version",
        "cylcVersion": "e.cylc_version",
        "lastUpdated": "e.last_updated",
        "newestActiveCyclePoint": "e.newest_active_cycle_point",
        "oldestActiveCyclePoint": "e.oldest_active_cycle_point",
        "reloaded": "e.reloaded",
        "runMode": "e.run_mode",
        "isHeldTotal": "e.is_held_total",
        "isQueuedTotal": "e.is_queued_total",
        "isRunaheadTotal": "e.is_runahead_total",
        "containsHeld": "e.contains_held",
        "containsRetry": "e.contains_retry",
        "stateTotals": "dict(e.state_totals)",
        "workflowLogDir": "e.identity.log_directory",
        "treeDepth": "e.tree_depth",
        "nsDefOrder": "list(e.ns_def_order)",
        "jobLogNames": "list(e.job_log_names)",
        "states": "e.states",
        "pruned": "False",
        "nEdgeDistance": "e.n_edge_distance",
    },
    "Task": {
        "id": "e.id",
        "name": "e.name",
        "meanElapsedTime": "e.mean_elapsed_time",
        "depth": "e.depth",
        "namespace": "list(e.namespace)",
    },
    "Family": {"id": "e.id", "name": "e.name", "depth": "e.depth"},
    "NodeMeta": {
        "title": "e.title",
        "description": "e.description",
        "URL": "e.url",
        "userDefined": "dict(e.user_defined)",
    },
    "Runtime": {
        "platform": "e.platform",
        "script": "e.script",
        "completion": "e.completion",
        "initScript": "e.init_script",
        "envScript": "e.env_script",
        "errScript": "e.err_script",
        "exitScript": "e.exit_script",
        "preScript": "e.pre_script",
        "postScript": "e.post_script",
        "workSubDir": "e.work_sub_dir",
        "executionPollingIntervals": "e.execution_polling_intervals",
        "executionRetryDelays": "e.execution_retry_delays",
        "executionTimeLimit": "e.execution_time_limit",
        "submissionPollingIntervals": "e.submission_polling_intervals",
        "submissionRetryDelays": "e.submission_retry_delays",
        "runMode": "e.run_mode",
    },
    "RuntimeSetting": {"key": "e[0]", "value": "e[1]"},
    "TaskProxy": {
        "id": "e.id",
        "state": "e.state",
        "name": "e.name",
        "cyclePoint": "e.cycle_point",
        "namespace": "list(e.task.namespace)",
        "isHeld": "e.is_held",
        "isQueued": "e.is_queued",
        "isRunahead": "e.is_runahead",
        "isRetry": "e.is_retry",
        "isWallclock": "e.is_wallclock",
        "isXtriggered": "e.is_xtriggered",
        "flowNums": "e.flow_nums",
        "flowWait": "e.flow_wait",
        "depth": "e.task.depth",
        "graphDepth": "e.graph_depth",
        "jobSubmits": "e.job_submits",
        "extras": "{}",
    },
    "FamilyProxy": {
        "id": "e.id",
        "cyclePoint": "e.cycle_point",
        "name": "e.name",
        "state": "e.state",
        "states": "list(e.states)",
        "stateTotals": "dict(e.state_totals)",
        "isHeld": "e.is_held",
        "isHeldTotal": "e.is_held_total",
        "isQueued": "e.is_queued",
        "isQueuedTotal": "e.is_queued_total",
        "isRunahead": "e.is_runahead",
        "isRunaheadTotal": "e.is_runahead_total",
        "isRetry": "e.is_retry",
        "isWallclock": "e.is_wallclock",
        "isXtriggered": "e.is_xtriggered",
        "depth": "e.family.depth",
        "graphDepth": "e.graph_depth",
    },
    "Job": {
        "id": "e.id",
        "submitNum": "e.submit_num",
        "state": "e.state",
        "name": "e.task_proxy.name",
        "cyclePoint": "e.task_proxy.cycle_point",
        "submittedTime": "e.submitted_time",
        "startedTime": "e.started_time",
        "finishedTime": "e.finished_time",
        "estimatedFinishTime": "e.estimated_finish_time",
        "jobId": "e.job_id",
        "jobRunnerName": "e.job_runner_name",
        "executionTimeLimit": "e.execution_time_limit",
        "platform": "e.platform",
        "jobLogDir": "e.job_log_dir",
        "messages": "list(e.messages)",
    },
    "Edge": {
        "id": "e.id",
        "source": "e.source.id",
        "target": "e.target.id",
        "suicide": "e.suicide",
        "cond": "e.cond",
    },
    "Edges": {"leaves": "list(e.workflow.leaves)", "feet": "list(e.workflow.feet)"},
    "Output": {"label": "e.label", "message": "e.message", "satisfied": "e.satisfied", "time": "e.time"},
    "XTrigger": {
        "id": "e.id",
        "label": "e.label",
        "message": "e.message",
        "satisfied": "e.satisfied",
        "time": "e.time",
    },
    "Prerequisite": {
        "expression": "e.expression",
        "cyclePoints": "list(e.cycle_points)",
        "satisfied": "e.satisfied",
    },
    "Condition": {
        "taskId": "e.task_id",
        "exprAlias": "e.expr_alias",
        "reqState": "e.req_state",
        "satisfied": "e.satisfied",
        "message": "e.message",
    },
    "PollTask": {
        "localProxy": "e.local_proxy",
        "workflow": "e.workflow",
        "remoteProxy": "e.remote_proxy",
        "reqState": "e.req_state",
        "graphString": "e.graph_string",
    },
    "TimeZone": {
        "hours": "e.hours",
        "minutes": "e.minutes",
        "stringBasic": "e.string_basic",
        "stringExtended": "e.string_extended",
    },
    "LogRecord": {"level": "e.level", "message": "e.message"},
}
"""Fields without arguments that hold values of the right type."""


def getter(type_name: str, field: str) -> Callable[[Any], Any]:
    """A function from an element to the value of one of its leaves."""
    return eval(f"lambda e: {LEAVES[type_name][field]}", {})  # type: ignore[no-any-return]


class LazyGetters(Mapping[str, Callable[[Any], Any]]):
    """The leaves of a type by name, each as a function."""

    def __init__(self, type_name: str) -> None:
        self._type_name = type_name
        self._made: dict[str, Callable[[Any], Any]] = {}

    def __getitem__(self, field: str) -> Callable[[Any], Any]:
        made = self._made.get(field)
        if made is None:
            if field not in LEAVES[self._type_name]:
                raise KeyError(field)
            made = self._made[field] = getter(self._type_name, field)
        return made

    def __iter__(self) -> Any:
        return iter(LEAVES[self._type_name])

    def __len__(self) -> int:
        return len(LEAVES[self._type_name])


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

    return context.picture.definitions.tasks.values()


def _all_families(context: Context) -> Iterable[Any]:

    return context.picture.definitions.families.values()


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
