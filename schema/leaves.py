"""Leaves of the schema: fields without arguments that hold plain values, each a Python expression over ``e``, the
element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
        "extras": "e.extras",
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
