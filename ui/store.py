"""A copy of what one scheduler shows: filled from the whole, kept by what is published, checked by numbers and sums.

It has the attributes that the schema reads of the scheduler's own picture, so that the schema answers from it too.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from attrs import define, field

from ..proto import data_messages_pb2 as pb
from .change import KINDS, Change
from .exceptions import OutOfStep
from .views import MESSAGES, VIEWS, IdentityView, View, WorkflowView

CHECK_SECONDS = 2.0
"""How often the sums of a scheduler that numbers what it publishes are compared."""
LOG_RECORDS_KEPT = 10

# Repeated fields whose new value replaces the old one; all others are added to.
_REPLACED: Mapping[str, tuple[str, ...]] = {
    "family_proxies": ("state_totals", "states"),
    "jobs": ("messages",),
    "task_proxies": ("prerequisites",),
}
_REPLACED_OF_WORKFLOW = ("latest_state_tasks", "state_totals", "states")
# Lists of IDs that grow without end, and say nothing that the elements themselves do not say.
_LISTS: Mapping[str, tuple[str, ...]] = {
    "families": ("proxies",),
    "tasks": ("proxies",),
    "task_proxies": ("jobs", "edges"),
    "family_proxies": ("child_tasks", "child_families"),
}
_LISTS_OF_WORKFLOW = ("tasks", "families", "task_proxies", "family_proxies", "jobs")
# By which fields elements refer to others.
_LINKS: Mapping[str, tuple[str, ...]] = {
    "task_proxies": ("task", "first_parent"),
    "family_proxies": ("family", "first_parent"),
    "jobs": ("task_proxy",),
    "edges": ("source", "target"),
}


@define
class Kind:
    """The elements of one kind, by ID."""

    elements: dict[str, Any] = field(factory=dict)
    time: float = 0.0
    """Of the last delta taken in, seconds since the epoch."""


class WorkflowDefinition:
    """What the schema asks of the workflow's definition."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def tasks(self) -> dict[str, Any]:
        """By name: the tasks that wait for tasks of other workflows."""
        return {
            poll.local_proxy: SimpleNamespace(
                workflow_state_poll={"workflow": poll.workflow, "task": poll.remote_proxy, "status": poll.req_state}
            )
            for poll in self._store.workflow.message.edges.workflow_polling_tasks
        }

    @property
    def family_parents(self) -> dict[str, list[str]]:
        """Each namespace with all it inherits from."""
        elements = (*self._store.tasks.elements.values(), *self._store.families.elements.values())
        found = {}
        for one in elements:
            names: dict[str, None] = {one.name: None}
            front = list(one.parents)
            while front:
                parent = front.pop()
                if parent.name not in names:
                    names[parent.name] = None
                    front += parent.parents
            found[one.name] = list(names)
        return found


class Definitions:
    """What is defined, by name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.definition = WorkflowDefinition(store)
        self.tasks = ByName(store, "tasks")
        self.families = ByName(store, "families")

    def task(self, name: str) -> Any:
        """A task by name."""
        return self._store.one("tasks", self._store.definition_id(name))

    def family(self, name: str) -> Any:
        """A family by name."""
        return self._store.one("families", self._store.definition_id(name))

    def complete(self) -> None:
        """Nothing is left to make: all was sent."""

    def tasks_in_order(self) -> list[Any]:
        """All tasks, in the order they are written in the definition."""
        return self._in_order("tasks")

    def families_in_order(self) -> list[Any]:
        """All families, likewise."""
        return self._in_order("families")

    def _in_order(self, kind: str) -> list[Any]:
        elements = getattr(self._store, kind).elements
        ids = (self._store.definition_id(name) for name in self._store.workflow.ns_def_order)
        found = {id: elements[id] for id in ids if id in elements}
        return list({**found, **elements}.values())


class ByName(Mapping[str, Any]):
    """Elements of a kind by name."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        self._elements = getattr(store, kind).elements

    def __getitem__(self, name: str) -> Any:
        return self._elements[self._store.definition_id(name)]

    def __iter__(self) -> Any:
        return (one.name for one in self._elements.values())

    def __len__(self) -> int:
        return len(self._elements)


class Store:
    """What one scheduler shows, as last heard."""

    def __init__(self) -> None:
        self.families = Kind()
        self.family_proxies = Kind()
        self.jobs = Kind()
        self.tasks = Kind()
        self.task_proxies = Kind()
        self.edges = Kind()
        self.workflow = WorkflowView(pb.PbWorkflow())
        self.definitions = Definitions(self)
        self.is_filled = False
        self.sequence = 0
        """Number of the last batch taken in; 0 of schedulers that do not number them."""
        self._workflow_time = 0.0
        self._links: dict[tuple[str, str, str], dict[str, None]] = {}
        self._checked = 0.0

    # -- what the schema asks for --------------------------------------------------------------------------------------

    @property
    def identity(self) -> IdentityView:
        """Who the run is."""
        return self.workflow.identity

    def catch_up(self) -> None:
        """Nothing is left to take in: what was heard was taken in."""

    complete = catch_up

    def kind(self, name: str) -> Kind:
        """The elements of a kind."""
        found: Kind = getattr(self, name)
        return found

    def one(self, kind: str, id: str) -> Any:
        """An element; one that has nothing but its ID if it is not there."""
        found = self.kind(kind).elements.get(id)
        return found if found is not None else VIEWS[kind](self, MESSAGES[kind](id=id))

    def some(self, kind: str, ids: Iterable[str]) -> list[Any]:
        """Those elements of some that are there."""
        elements = self.kind(kind).elements
        return [elements[id] for id in ids if id in elements]

    def linked(self, kind: str, by: str, id: str) -> list[Any]:
        """The elements of a kind whose field refers to an element."""
        return self.some(kind, self._links.get((kind, by, id), ()))

    def definition_id(self, name: str) -> str:
        """The ID of a namespace."""
        return f"{self.workflow.id}//$namespace|{name}"

    # -- what comes in -------------------------------------------------------------------------------------------------

    def load(self, data: bytes) -> Change:
        """Take in the whole, a ``PbEntireWorkflow``.

        Returns:
            All of it as a change, or how it differs from what was held before.
        """
        whole = pb.PbEntireWorkflow.FromString(data)
        before = {
            kind: {id: _stamp(kind, view.message) for id, view in self.kind(kind).elements.items()} for kind in KINDS
        }
        was_filled, was_stopped = self.is_filled, self.workflow.status == "stopped"
        self._links.clear()
        for kind in KINDS:
            self.kind(kind).elements.clear()
            self.kind(kind).time = whole.workflow.last_updated
            for message in getattr(whole, kind):
                self._put(kind, message)
        self._set_workflow(whole.workflow)
        self._workflow_time = whole.workflow.last_updated
        self.sequence, self.is_filled = whole.sequence, True
        if not was_filled or was_stopped:
            change = self.everything()
            for kind in KINDS:
                for id in before[kind]:
                    if id not in self.kind(kind).elements:
                        change.prune(kind, id)
            return change
        change = Change(workflow="updated")
        for kind in KINDS:
            self._compare(kind, before[kind], change)
        return change

    def everything(self) -> Change:
        """All there is as new: what a subscriber is told first."""
        change = Change(workflow="added", is_whole=True)
        for kind in KINDS:
            change.added[kind] = dict.fromkeys(self.kind(kind).elements)
        return change

    def apply(self, payload: bytes) -> Change:
        """Take in a message of the topic ``all``.

        Raises:
            OutOfStep: Something was lost before it: `load` the whole.
        """
        batch = pb.AllDeltas.FromString(payload)
        change = Change()
        if batch.sequence:
            if batch.sequence <= self.sequence:
                return change
            if self.sequence and batch.sequence != self.sequence + 1:
                raise OutOfStep(f"batch {self.sequence + 1} was lost")
            self.sequence = batch.sequence
        checks = self._is_time_to_check(batch.sequence)
        for kind in KINDS:
            if batch.HasField(kind):
                self._apply(kind, getattr(batch, kind), change, checks=checks)
        if batch.HasField("workflow"):
            self._apply_workflow(batch.workflow, change)
        return change

    def stop(self) -> Change:
        """Note that the workflow has stopped."""
        message = self.workflow.message
        message.status, message.status_msg = "stopped", "stopped"
        return Change(workflow="updated", shutdown=True)

    def _is_time_to_check(self, sequence: int) -> bool:
        if not sequence:
            return True
        now = time.monotonic()
        if now - self._checked < CHECK_SECONDS:
            return False
        self._checked = now
        return True

    def _apply(self, name: str, delta: Any, change: Change, *, checks: bool) -> None:
        kind = self.kind(name)
        if delta.reloaded:
            change.is_whole = True
            for id in list(kind.elements):
                self._remove(name, id)
                change.prune(name, id)
            kind.time = 0.0
        if delta.time < kind.time:
            return
        kind.time = delta.time
        for message in delta.added:
            self._put(name, message)
            change.add(name, message.id)
        for message in delta.updated:
            if self._merge(name, message):
                change.update(name, message.id)
        for id in delta.pruned:
            if id in kind.elements:
                self._remove(name, id)
                change.prune(name, id)
        if checks and not delta.reloaded and self.checksum(name) != delta.checksum:
            raise OutOfStep(f"the {name} held are not those of the scheduler")

    def checksum(self, kind: str) -> int:
        """Over what is held of a kind, as Cylc 8 makes it."""
        stamps = sorted(_stamp(kind, view.message) for view in self.kind(kind).elements.values())
        return zlib.adler32("".join(stamps).encode())

    def _apply_workflow(self, delta: Any, change: Change) -> None:
        if delta.reloaded:
            self._workflow_time = 0.0
        if delta.time < self._workflow_time:
            return
        self._workflow_time = delta.time
        if delta.HasField("added"):
            self._set_workflow(delta.added)
            change.workflow = "added"
        if delta.HasField("updated"):
            new, message = delta.updated, self.workflow.message
            for name in _REPLACED_OF_WORKFLOW:
                if new.states_updated or getattr(new, name):
                    message.ClearField(name)
            for name in ("job_log_names", "ns_def_order"):
                if getattr(new, name):
                    message.ClearField(name)
            message.MergeFrom(new)
            self._set_workflow(message)
            change.workflow = change.workflow or "updated"

    def _set_workflow(self, message: Any) -> None:
        for name in _LISTS_OF_WORKFLOW:
            message.ClearField(name)
        del message.edges.edges[:]
        del message.log_records[:-LOG_RECORDS_KEPT]
        self.workflow.message = message

    def _put(self, kind: str, message: Any) -> None:
        for name in _LISTS.get(kind, ()):
            message.ClearField(name)
        elements = self.kind(kind).elements
        known: View | None = elements.get(message.id)
        if known is None:
            elements[message.id] = VIEWS[kind](self, message)
        else:
            self._unlink(kind, known.message)
            known.message = message
        for by in _LINKS.get(kind, ()):
            self._links.setdefault((kind, by, getattr(message, by)), {})[message.id] = None

    def _merge(self, kind: str, message: Any) -> bool:
        known: View | None = self.kind(kind).elements.get(message.id)
        if known is None:
            return False
        for name in _REPLACED.get(kind, ()):
            if getattr(message, name):
                known.message.ClearField(name)
        for name in _LISTS.get(kind, ()):
            message.ClearField(name)
        known.message.MergeFrom(message)
        return True

    def _remove(self, kind: str, id: str) -> None:
        view = self.kind(kind).elements.pop(id)
        self._unlink(kind, view.message)

    def _unlink(self, kind: str, message: Any) -> None:
        for by in _LINKS.get(kind, ()):
            key = (kind, by, getattr(message, by))
            linked = self._links.get(key)
            if linked is not None:
                linked.pop(message.id, None)
                if not linked:
                    del self._links[key]

    def _compare(self, kind: str, before: Mapping[str, str], change: Change) -> None:
        elements = self.kind(kind).elements
        for id in before:
            if id not in elements:
                change.prune(kind, id)
        for id, view in elements.items():
            stamp = before.get(id)
            if stamp is None:
                change.add(kind, id)
            elif stamp != _stamp(kind, view.message):
                change.update(kind, id)


def _stamp(kind: str, message: Any) -> str:
    stamp: str = message.id if kind == "edges" else message.stamp
    return stamp
