"""What the messages of a store look like to the schema: attributes named as those of the scheduler's own picture.

A view is made once for an element and stays; its message is replaced when the element changes. Links between elements
are looked up when asked for, so that they hold whatever came first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..proto import data_messages_pb2 as pb

if TYPE_CHECKING:
    from .store import Store

STATUSES = ("waiting", "expired", "preparing", "submit-failed", "submitted", "running", "failed", "succeeded")
STANDARD_OUTPUTS = ("expired", "submitted", "submit-failed", "started", "succeeded", "failed")
_NAMESPACE = "$namespace|"


class View:
    """An element: what its message has, unless a view says otherwise."""

    __slots__ = ("id", "message", "store")

    def __init__(self, store: Store, message: Any) -> None:
        self.store = store
        self.message = message
        self.id: str = message.id

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)

    @property
    def name(self) -> str:
        """As its message has it, or its ID, of elements that are referred to but not there."""
        return self.message.name or self.id.rpartition(_NAMESPACE)[2].rpartition("/")[2]


class MetaView(NamedTuple):
    """``[meta]``."""

    title: str
    description: str
    url: str
    user_defined: dict[str, Any]


def _meta(message: Any) -> MetaView:
    return MetaView(message.title, message.description, message.URL, _json(message.user_defined))


def _totals(totals: Mapping[str, int]) -> dict[str, int]:
    """Counts in the order of states; a map on the wire has none."""
    return {state: totals[state] for state in STATUSES if state in totals}


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


class RuntimeView:
    """The settings of a namespace."""

    __slots__ = ("message",)

    def __init__(self, message: Any) -> None:
        self.message = message

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)

    @property
    def run_mode(self) -> str | None:
        """How it runs; nothing where the message does not say, for the schema has no name for that."""
        return self.message.run_mode or None

    @property
    def directives(self) -> list[tuple[str, Any]]:
        """Names and values."""
        return _pairs(self.message.directives)

    @property
    def environment(self) -> list[tuple[str, Any]]:
        """Names and values."""
        return _pairs(self.message.environment)

    @property
    def outputs(self) -> list[tuple[str, Any]]:
        """Labels and messages."""
        return _pairs(self.message.outputs)


def _pairs(text: str) -> list[tuple[str, Any]]:
    found = json.loads(text) if text else {}
    # Cylc writes an object, or a list of objects with a key and a value.
    if isinstance(found, dict):
        return list(found.items())
    return [(one.get("key", ""), one.get("value", "")) for one in found]


class DefinitionView(View):
    """A task or family as defined."""

    __slots__ = ()

    @property
    def meta(self) -> MetaView:
        """``[meta]``."""
        return _meta(self.message.meta)

    @property
    def runtime(self) -> RuntimeView:
        """Its settings."""
        return RuntimeView(self.message.runtime)

    @property
    def parents(self) -> list[Any]:
        """The families it inherits from."""
        return self.store.some("families", self.message.parents)

    @property
    def first_parent(self) -> Any:
        """The family it is grouped under."""
        return self.store.families.elements.get(self.message.first_parent)


class TaskView(DefinitionView):
    """A task as defined."""

    __slots__ = ()

    @property
    def proxies(self) -> list[Any]:
        """Its instances."""
        return self.store.linked("task_proxies", "task", self.id)

    @property
    def output_messages(self) -> dict[str, str]:
        """Label to message, in the order people list them."""
        for proxy in self.proxies:
            outputs = proxy.message.outputs
            labels = [label for label in STANDARD_OUTPUTS if label in outputs]
            labels += sorted(label for label in outputs if label not in STANDARD_OUTPUTS)
            return {label: outputs[label].message for label in labels}
        return {}


class FamilyView(DefinitionView):
    """A family as defined."""

    __slots__ = ()

    @property
    def proxies(self) -> list[Any]:
        """It at cycle points."""
        return self.store.linked("family_proxies", "family", self.id)

    @property
    def child_tasks(self) -> list[str]:
        """Names of the tasks grouped under it."""
        return [id.rpartition(_NAMESPACE)[2] for id in self.message.child_tasks]

    @property
    def child_families(self) -> list[str]:
        """Names of the families grouped under it."""
        return [id.rpartition(_NAMESPACE)[2] for id in self.message.child_families]


class ConditionView(NamedTuple):
    """One output that is waited for."""

    task_id: str
    expr_alias: str
    req_state: str
    satisfied: bool
    message: str


class PrerequisiteView(NamedTuple):
    """One prerequisite."""

    expression: str
    conditions: tuple[ConditionView, ...]
    cycle_points: tuple[str, ...]
    satisfied: bool

    @property
    def parts(self) -> tuple[PrerequisiteView, ...]:
        """Itself: it was taken apart before it was sent."""
        return (self,)


class TaskProxyView(View):
    """A task at a cycle point."""

    __slots__ = ()

    @property
    def task(self) -> Any:
        """What it is an instance of."""
        return self.store.one("tasks", self.message.task)

    @property
    def extras(self) -> dict[str, Any]:
        """What only other kinds of runs have: nothing."""
        return {}

    @property
    def first_parent(self) -> Any:
        """Its family at its point."""
        return self.store.one("family_proxies", self.message.first_parent)

    @property
    def jobs(self) -> list[Any]:
        """Its jobs, the first first."""
        return sorted(self.store.linked("jobs", "task_proxy", self.id), key=lambda job: job.message.submit_num)

    @property
    def edges(self) -> list[Any]:
        """The arrows from and to it."""
        store = self.store
        found = store.linked("edges", "source", self.id) + store.linked("edges", "target", self.id)
        return list(dict.fromkeys(found))

    @property
    def outputs(self) -> dict[str, float]:
        """Completed outputs: label to when."""
        return {label: output.time for label, output in self.message.outputs.items() if output.satisfied}

    @property
    def prerequisites(self) -> list[PrerequisiteView]:
        """What it waits for."""
        return [
            PrerequisiteView(
                one.expression,
                tuple(
                    ConditionView(
                        condition.task_proxy,
                        condition.expr_alias,
                        condition.req_state,
                        condition.satisfied,
                        condition.message,
                    )
                    for condition in one.conditions
                ),
                tuple(one.cycle_points),
                one.satisfied,
            )
            for one in self.message.prerequisites
        ]

    @property
    def xtriggers(self) -> list[Any]:
        """External triggers it waits for."""
        return list(self.message.xtriggers.values())

    @property
    def external_triggers(self) -> list[Any]:
        """Events that it waits to be told of."""
        return list(self.message.external_triggers.values())


class FamilyProxyView(View):
    """A family at a cycle point."""

    __slots__ = ()

    @property
    def family(self) -> Any:
        """What it is an instance of."""
        return self.store.one("families", self.message.family)

    @property
    def state_totals(self) -> dict[str, int]:
        """How many of its tasks are in each state."""
        return _totals(self.message.state_totals)

    @property
    def first_parent(self) -> Any:
        """The family it is grouped under, at its point."""
        return self.store.family_proxies.elements.get(self.message.first_parent)

    @property
    def child_tasks(self) -> list[Any]:
        """The task instances grouped under it."""
        return self.store.linked("task_proxies", "first_parent", self.id)

    @property
    def child_families(self) -> list[Any]:
        """The families grouped under it, at its point."""
        return self.store.linked("family_proxies", "first_parent", self.id)


class JobView(View):
    """A job."""

    __slots__ = ()

    @property
    def task_proxy(self) -> Any:
        """The instance whose job it is."""
        return self.store.one("task_proxies", self.message.task_proxy)


class EdgeView(View):
    """An arrow between two instances."""

    __slots__ = ()

    @property
    def source(self) -> Any:
        """Where it comes from."""
        return self.store.one("task_proxies", self.message.source)

    @property
    def target(self) -> Any:
        """Where it leads to."""
        return self.store.one("task_proxies", self.message.target)


class IdentityView(NamedTuple):
    """Who a run is."""

    id: str
    owner: str
    workflow: str
    host: str
    port: int
    publish_port: int
    log_directory: str


class WorkflowView:
    """The run as a whole."""

    __slots__ = ("message",)

    def __init__(self, message: Any) -> None:
        self.message = message

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)

    @property
    def identity(self) -> IdentityView:
        """Who it is."""
        one = self.message
        return IdentityView(one.id, one.owner, one.name, one.host, one.port, one.pub_port, one.workflow_log_dir)

    @property
    def states(self) -> list[str]:
        """Every state that a task of the window is in."""
        return list(self.message.states)

    @property
    def state_totals(self) -> dict[str, int]:
        """How many of its tasks are in each state."""
        return _totals(self.message.state_totals)

    @property
    def meta(self) -> MetaView:
        """``[meta]``."""
        return _meta(self.message.meta)

    @property
    def broadcasts(self) -> dict[str, Any]:
        """The broadcasts in force."""
        return _json(self.message.broadcasts)

    @property
    def leaves(self) -> list[str]:
        """Every task of the graph."""
        return list(self.message.edges.leaves)

    @property
    def feet(self) -> list[str]:
        """What is left of the graph with every family collapsed."""
        return list(self.message.edges.feet)

    def latest_state_tasks(self, states: Iterable[str] = ()) -> dict[str, list[str]]:
        """The tasks that came into each state last, latest first."""
        latest = self.message.latest_state_tasks
        return {state: list(latest[state].task_proxies) for state in states if state in latest}


VIEWS: dict[str, type[View]] = {
    "families": FamilyView,
    "family_proxies": FamilyProxyView,
    "jobs": JobView,
    "tasks": TaskView,
    "task_proxies": TaskProxyView,
    "edges": EdgeView,
}
MESSAGES: dict[str, Any] = {
    "families": pb.PbFamily,
    "family_proxies": pb.PbFamilyProxy,
    "jobs": pb.PbJob,
    "tasks": pb.PbTask,
    "task_proxies": pb.PbTaskProxy,
    "edges": pb.PbEdge,
}
