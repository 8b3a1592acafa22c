"""The picture of a run: what queries read, what snapshots hold, and what subscribers are told.

It follows the engine from turn to turn and touches only what a turn touched. Whatever it shows was committed. The
whole and the deltas are made of the same bytes, written once; a batch of deltas is sealed before anything whole is
handed out, so that a snapshot is exactly the sum of the batches before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...proto.field_numbers import AllDeltas, PbEdges, PbEntireWorkflow, PbWorkflow, WDeltas
from ..engine.engine import Engine, Turn
from . import wire
from .channel import AnyChannel, Channel
from .definitions import Definitions, WorkflowIdentity, meta_of
from .elements import (
    EdgeElement,
    Element,
    FamilyElement,
    FamilyProxyElement,
    JobElement,
    TaskElement,
    TaskProxyElement,
)
from .encode_definitions import FamilyKind, TaskKind
from .encode_instances import EdgeKind, FamilyProxyKind, JobKind, TaskProxyKind
from .exceptions import PictureError
from .instances import Instances
from .workflow import WorkflowElement, time_zone_of

ALL = "all"
WORKFLOW = "workflow"
MANY = 1_000_000_000
LOG_LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL"})
"""Levels of log lines that are shown."""

Message = tuple[str, bytes]
"""Topic and payload."""


class Picture:
    """What a run looks like from outside.

    Args:
        engine: In any state. Its pool is taken in by `prime` in slices, or when someone asks for the whole.
        identity: How the run is named and where it is reached.
        runtime: Settings of every namespace, families included (`WorkflowConfig.runtime`).
        extent: How many arrows from the pool the window reaches.
        clock: Wall-clock time in seconds since the epoch.
    """

    def __init__(
        self,
        engine: Engine,
        identity: WorkflowIdentity,
        *,
        runtime: Mapping[str, Mapping[str, Any]] | None = None,
        extent: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.identity = identity
        self.sequence = 0
        """How many batches of deltas have been made."""
        self.is_open = True
        """Whether the engine stands as it was committed, so that it may be looked at. While it does not, what is asked
        is answered as of the last time that the picture was caught up."""
        self._clock = clock
        self._time = 0.0
        self._sealed: list[Message] = []
        self._entire: bytes | None = None
        """The whole as it was last handed out, until the next batch: many ask for it when a run has begun."""
        self._is_reloaded = True
        self.families: Channel[FamilyElement] = Channel("families", FamilyKind())
        self.family_proxies: Channel[FamilyProxyElement] = Channel("family_proxies", FamilyProxyKind())
        self.jobs: Channel[JobElement] = Channel("jobs", JobKind())
        self.tasks: Channel[TaskElement] = Channel("tasks", TaskKind())
        self.task_proxies: Channel[TaskProxyElement] = Channel("task_proxies", TaskProxyKind())
        self.edges: Channel[EdgeElement] = Channel("edges", EdgeKind(), has_stamps=False)
        self._workflow_sequence = 0
        self._load(engine, runtime or {}, extent)

    @classmethod
    def from_engine(
        cls,
        engine: Engine,
        identity: WorkflowIdentity,
        *,
        runtime: Mapping[str, Mapping[str, Any]] | None = None,
        extent: int = 1,
    ) -> Picture:
        """The picture of an engine in any state."""
        return cls(engine, identity, runtime=runtime, extent=extent)

    def _load(self, engine: Engine, runtime: Mapping[str, Mapping[str, Any]], extent: int) -> None:
        self.engine = engine
        definition = engine.definition
        self.definitions = Definitions(
            definition, self.identity, run_mode=engine.options.run_mode, runtime=runtime, made=self._defined
        )
        leaves, feet = self.definitions.leaves_and_feet()
        self.workflow = WorkflowElement(
            self.identity,
            meta_of(definition.config.get("meta") or {}),
            time_zone_of(self.identity.utc_offset_seconds),
            engine.options.run_mode,
            definition.cycling.mode,
            self.definitions.names,
            self.definitions.tree_depth(),
            leaves,
            feet,
            n_edge_distance=extent,
        )
        self.instances = Instances(self)
        self.instances.begin()

    def _defined(self, element: Element) -> None:
        if isinstance(element, TaskElement):
            self.tasks.add(element)
        elif isinstance(element, FamilyElement):
            self.families.add(element)

    # -- following the run ---------------------------------------------------------------------------------------------

    def update(self, turn: Turn, *, items: int | None = None) -> None:
        """Take in what a turn changed, after it was committed and before the engine goes on.

        Args:
            turn: What `Engine.take` handed over.
            items: At most this many instances now; go on with `prime`, before the engine does. All by default.
                Every slice leaves a picture that `take_deltas` can tell of.
        """
        self.note(turn)
        self.instances.catch_up(MANY if items is None else items)

    def note(self, turn: Turn) -> None:
        """Remember what a turn changed, to be taken in later: an instance that changes often is taken in once."""
        self.instances.take(turn.changes)
        for level, text, _ in turn.log:
            if level in LOG_LEVELS:
                self.workflow.add_log_record(level, text)

    def set_status(self, status: str, status_msg: str) -> None:
        """Say how the run is: ``running``, ``paused``, ``stopping`` or ``stopped``, and in a few words why."""
        self.workflow.status, self.workflow.status_msg = status, status_msg

    def set_broadcasts(self, broadcasts: Mapping[str, Any]) -> None:
        """Show the broadcasts in force: settings by cycle point and namespace."""
        self.workflow.broadcasts = broadcasts

    def set_extent(self, extent: int) -> None:
        """Have the window reach this many arrows from the pool.

        Raises:
            PictureError: It is negative.
        """
        if extent < 0:
            raise PictureError(f"The graph window cannot reach {extent} edges: give 0 or more")
        if extent != self.workflow.n_edge_distance:
            self.workflow.n_edge_distance = extent
            self.instances.set_extent(extent)

    def log(self, level: str, text: str) -> None:
        """Show a line that the scheduler itself logged, if it deserves attention."""
        if level in LOG_LEVELS:
            self.workflow.add_log_record(level, text)

    def prime(self, items: int) -> bool:
        """Make up to this many more elements, first of instances and then of what is defined; True once all are made.

        For idle moments, a slice at a time; whoever asks for the whole has the rest made at once.
        """
        if self.instances.is_behind:
            self.instances.catch_up(items)
            return False
        return self.definitions.prime(items)

    @property
    def is_behind(self) -> bool:
        """Whether changes of instances are left to take in, by `prime`."""
        return self.instances.is_behind

    def catch_up(self) -> None:
        """Take in what is left of the changes of instances, if the picture `is_open`."""
        while self.is_open and self.instances.is_behind:
            self.instances.catch_up(MANY)

    def complete(self) -> None:
        """Make all elements that are left to make."""
        self.catch_up()
        self.definitions.complete()

    def reload(self, engine: Engine, *, runtime: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Start over with another definition; subscribers are sent everything as new."""
        before, instances, tasks = self.workflow, dict(self.task_proxies.elements), self.definitions.tasks
        for channel in self._channels():
            channel.start_over()
        self._is_reloaded = True
        self._load(engine, runtime or {}, before.n_edge_distance)
        self.workflow.reloaded = True
        self.workflow.continue_from(before)
        self.complete()
        self.instances.jobs.inherit(instances)
        for name, task in self.definitions.tasks.items():
            known = tasks.get(name)
            if known is not None and known.elapsed is not None:
                task.elapsed, task.mean_elapsed_time = known.elapsed, known.mean_elapsed_time

    # -- what subscribers are told -------------------------------------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Whether `take_deltas` would return anything, now or after the next call."""
        return (
            bool(self._sealed)
            or (self.is_open and self.instances.has_deferred)
            or self._is_reloaded
            or any(channel.has_news for channel in self._channels())
            or self.workflow.has_changed()
        )

    def take_deltas(self) -> list[Message]:
        """The topics and payloads to publish, in order: all that changed since the last call, as one batch, and one
        more for each time the whole was asked for in between."""
        self._seal()
        messages, self._sealed = self._sealed, []
        return messages

    def tell_all_again(self) -> None:
        """Let the next batch hold everything, in place of what its readers have."""
        self._is_reloaded = True

    def _channels(self) -> tuple[AnyChannel, ...]:
        return (self.families, self.family_proxies, self.jobs, self.tasks, self.task_proxies, self.edges)

    def _tick(self) -> float:
        """Now, and later than ever before: a snapshot and a batch never have the same time."""
        self._time = max(self._clock(), self._time + 1e-6)
        return self._time

    def _seal(self) -> None:
        """Make a batch of what has changed since the last one."""
        if self.is_open:
            self.instances.flush()
        reloaded = self._is_reloaded
        changed = [channel for channel in self._channels() if reloaded or channel.has_news]
        if not changed and not self.workflow.has_changed():
            return
        now = self._tick()
        text = repr(now)
        self._entire = None
        self._is_reloaded = False
        self.sequence += 1
        payloads: list[Message] = []
        lists: list[bytes] = []
        for channel in changed:
            data, references = channel.delta(now, text, reloaded=reloaded)
            payloads.append((channel.topic, data))
            lists.append(_listed(channel.topic, references))
        payloads.append((WORKFLOW, self._workflow_delta(now, text, lists, reloaded=reloaded)))
        self._sealed += payloads
        # What each topic carries is what `all` carries: the same bytes, one after the other.
        parts = [wire.message(_ALL_FIELDS[topic], data) for topic, data in payloads]
        parts.append(wire.integer(AllDeltas.sequence, self.sequence))
        self._sealed.append((ALL, b"".join(parts)))

    def _workflow_delta(self, now: float, text: str, lists: Iterable[bytes], *, reloaded: bool) -> bytes:
        if reloaded:
            self.workflow.tell_all()
        self._workflow_sequence += 1
        data = b"".join([self.workflow.news(now, text), *lists])
        parts = [
            wire.double(WDeltas.time, now),
            wire.message(WDeltas.added if reloaded else WDeltas.updated, data),
            wire.integer(WDeltas.sequence, self._workflow_sequence),
        ]
        if reloaded:
            parts.append(wire.boolean(WDeltas.reloaded, True))
        return b"".join(parts)

    # -- the whole -----------------------------------------------------------------------------------------------------

    def entire(self) -> bytes:
        """The whole picture, a `PbEntireWorkflow`."""
        now = self._settle()
        if self._entire is None:
            parts = [wire.message(PbEntireWorkflow.workflow, self._workflow_whole(now))]
            for channel in self._channels():
                parts += channel.whole(_ENTIRE_FIELDS[channel.topic])
            parts.append(wire.integer(PbEntireWorkflow.sequence, self.sequence))
            self._entire = b"".join(parts)
        return self._entire

    def elements(self, element_type: str) -> bytes:
        """Everything of one kind as the bytes of its deltas, all of it `added`; of every kind for ``all``.

        Raises:
            PictureError: There is no such kind.
        """
        now = self._settle()
        if element_type == ALL:
            parts = [wire.message(_ALL_FIELDS[channel.topic], channel.everything(now)) for channel in self._channels()]
            parts.append(wire.message(AllDeltas.workflow, self._workflow_everything(now)))
            parts.append(wire.integer(AllDeltas.sequence, self.sequence))
            return b"".join(parts)
        if element_type == WORKFLOW:
            return self._workflow_everything(now)
        for channel in self._channels():
            if channel.topic == element_type:
                return channel.everything(now)
        kinds = ", ".join(sorted((ALL, WORKFLOW, *(channel.topic for channel in self._channels()))))
        raise PictureError(f"There are no elements of type {element_type!r}; types are {kinds}")

    def _settle(self) -> float:
        self.complete()
        self._seal()
        return self._tick()

    def _workflow_everything(self, now: float) -> bytes:
        return (
            wire.double(WDeltas.time, now)
            + wire.message(WDeltas.added, self._workflow_whole(now))
            + wire.integer(WDeltas.sequence, self._workflow_sequence)
        )

    def _workflow_whole(self, now: float) -> bytes:
        lists = [_list_of(channel) for channel in self._channels()]
        return b"".join([self.workflow.whole(now), *lists])


_ALL_FIELDS = {
    "families": AllDeltas.families,
    "family_proxies": AllDeltas.family_proxies,
    "jobs": AllDeltas.jobs,
    "tasks": AllDeltas.tasks,
    "task_proxies": AllDeltas.task_proxies,
    "edges": AllDeltas.edges,
    WORKFLOW: AllDeltas.workflow,
}
_ENTIRE_FIELDS = {
    "families": PbEntireWorkflow.families,
    "family_proxies": PbEntireWorkflow.family_proxies,
    "jobs": PbEntireWorkflow.jobs,
    "tasks": PbEntireWorkflow.tasks,
    "task_proxies": PbEntireWorkflow.task_proxies,
    "edges": PbEntireWorkflow.edges,
}
_LIST_FIELDS = {
    "families": PbWorkflow.families,
    "family_proxies": PbWorkflow.family_proxies,
    "jobs": PbWorkflow.jobs,
    "tasks": PbWorkflow.tasks,
    "task_proxies": PbWorkflow.task_proxies,
    "edges": PbEdges.edges,
}
"""Where the workflow's message lists the ids of each kind; those of edges in a message of their own."""


def _listed(topic: str, references: list[bytes]) -> bytes:
    data = wire.references(_LIST_FIELDS[topic], references)
    return wire.message(PbWorkflow.edges, data) if data and topic == "edges" else data


def _list_of(channel: AnyChannel) -> bytes:
    data = channel.listed(_LIST_FIELDS[channel.topic])
    return wire.message(PbWorkflow.edges, data) if data and channel.topic == "edges" else data
