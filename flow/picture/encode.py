"""Elements to bytes: each kind of element as it is when new, as an update, and as part of the whole picture.

An update holds what changed and nothing that a reader would append twice; an element's `own` bytes are what was
published of it, one after the other, until they are long enough to be worth writing anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from attrs import define, field

from ...proto.field_numbers import (
    PbEdge,
    PbFamily,
    PbFamilyProxy,
    PbJob,
    PbMeta,
    PbOutput,
    PbRuntime,
    PbTask,
    PbTaskProxy,
    PbTrigger,
)
from . import wire
from .elements import (
    EdgeElement,
    Element,
    FamilyElement,
    FamilyProxyElement,
    JobElement,
    MetaElement,
    RuntimeElement,
    TaskElement,
    TaskProxyElement,
    XtriggerElement,
)

LONGEST_OWN = 2000
"""When the published bytes of an element have grown to this, they are written anew."""

E_contra = TypeVar("E_contra", bound=Element, contravariant=True)


class Kind(Protocol[E_contra]):
    """How elements of one kind are written."""

    def new(self, element: E_contra, stamp: str) -> list[bytes]:
        """The message of an element, in pieces, with a new stamp; remembered in the element."""

    def update(self, element: E_contra, stamp: str) -> bytes:
        """The message of what changed, with a new stamp; the element's own bytes take it in."""

    def whole(self, element: E_contra, stamp: str) -> list[bytes]:
        """The message of an element as it was published, in pieces."""


@define(eq=False)
class News:
    """What of a task proxy changed beyond its state."""

    outputs: bool = False
    prerequisites: bool = False
    xtriggers: bool = False
    jobs: list[bytes] = field(factory=list)
    edges: list[bytes] = field(factory=list)


# -- definitions -------------------------------------------------------------------------------------------------------


def encode_meta(meta: MetaElement) -> bytes:
    """A `PbMeta`."""
    return (
        wire.text(PbMeta.title, meta.title)
        + wire.text(PbMeta.description, meta.description)
        + wire.text(PbMeta.URL, meta.url)
        + wire.text(PbMeta.user_defined, json.dumps(dict(meta.user_defined)))
    )


def encode_runtime(runtime: RuntimeElement) -> bytes:
    """A `PbRuntime`."""
    return b"".join(
        [
            wire.text(PbRuntime.platform, runtime.platform),
            wire.text(PbRuntime.script, runtime.script),
            wire.text(PbRuntime.init_script, runtime.init_script),
            wire.text(PbRuntime.env_script, runtime.env_script),
            wire.text(PbRuntime.err_script, runtime.err_script),
            wire.text(PbRuntime.exit_script, runtime.exit_script),
            wire.text(PbRuntime.pre_script, runtime.pre_script),
            wire.text(PbRuntime.post_script, runtime.post_script),
            wire.text(PbRuntime.work_sub_dir, runtime.work_sub_dir),
            wire.text(PbRuntime.execution_polling_intervals, runtime.execution_polling_intervals),
            wire.text(PbRuntime.execution_retry_delays, runtime.execution_retry_delays),
            wire.text(PbRuntime.execution_time_limit, runtime.execution_time_limit),
            wire.text(PbRuntime.submission_polling_intervals, runtime.submission_polling_intervals),
            wire.text(PbRuntime.submission_retry_delays, runtime.submission_retry_delays),
            wire.text(PbRuntime.directives, json_settings(runtime.directives)),
            wire.text(PbRuntime.environment, json_settings(runtime.environment)),
            wire.text(PbRuntime.outputs, json_settings(runtime.outputs)),
            wire.text(PbRuntime.completion, runtime.completion),
            wire.text(PbRuntime.run_mode, runtime.run_mode),
        ]
    )


def json_settings(settings: Iterable[tuple[str, str]]) -> str:
    """Settings as Cylc's clients read them: a list of ``{"key": ..., "value": ...}``."""
    return json.dumps([{"key": key, "value": value} for key, value in settings])


class RuntimeBytes:
    """The settings of a namespace as a field of each message that has them; shared by all with the same settings."""

    def __init__(self, runtime: RuntimeElement) -> None:
        data = encode_runtime(runtime)
        self.of_task = wire.message(PbTask.runtime, data)
        self.of_family = wire.message(PbFamily.runtime, data)
        self.of_task_proxy = wire.message(PbTaskProxy.runtime, data)
        self.of_family_proxy = wire.message(PbFamilyProxy.runtime, data)
        self.of_job = wire.message(PbJob.runtime, data)


def write_task(task: TaskElement, runtime: RuntimeBytes) -> None:
    """Write what of a task never changes, and what its proxies and their jobs share."""
    static = b"".join(
        [
            wire.length_tag(PbTask.id) + task.reference,
            wire.text(PbTask.name, task.name),
            wire.integer(PbTask.depth, task.depth),
            wire.texts(PbTask.namespace, task.namespace),
            wire.references(PbTask.parents, [parent.reference for parent in task.parents]),
            wire.length_tag(PbTask.first_parent) + task.first_parent.reference,
        ]
    )
    task.static_pieces = (static, _meta_field(task.meta), runtime.of_task)
    shared = b"".join(
        [
            wire.length_tag(PbTaskProxy.task) + task.reference,
            wire.text(PbTaskProxy.name, task.name),
            wire.integer(PbTaskProxy.depth, task.depth),
            wire.texts(PbTaskProxy.namespace, task.namespace),
        ]
    )
    task.shared_pieces = (shared, runtime.of_task_proxy, _outputs(tuple(task.output_messages.items())))
    task.job_pieces = (wire.text(PbJob.name, task.name), runtime.of_job)


@lru_cache(maxsize=1024)
def _outputs(messages: tuple[tuple[str, str], ...]) -> bytes:
    """Outputs as they are before any is completed."""
    return b"".join([_output(label, message, False, 0.0) for label, message in messages])


@lru_cache(maxsize=1024)
def _meta_field(meta: MetaElement) -> bytes:
    return wire.message(PbTask.meta, encode_meta(meta))


def write_family(family: FamilyElement, runtime: RuntimeBytes, prefix: str) -> None:
    """Write what of a family never changes, and what its proxies share."""
    parts = [
        wire.length_tag(PbFamily.id) + family.reference,
        wire.text(PbFamily.name, family.name),
        wire.message(PbFamily.meta, encode_meta(family.meta)),
        wire.integer(PbFamily.depth, family.depth),
        wire.references(PbFamily.parents, [parent.reference for parent in family.parents]),
        wire.texts(PbFamily.child_tasks, [prefix + name for name in family.child_tasks]),
        wire.texts(PbFamily.child_families, [prefix + name for name in family.child_families]),
        runtime.of_family,
    ]
    if family.first_parent is not None:
        parts.append(wire.length_tag(PbFamily.first_parent) + family.first_parent.reference)
    family.static = b"".join(parts)
    family.shared = b"".join(
        [
            wire.length_tag(PbFamilyProxy.family) + family.reference,
            wire.text(PbFamilyProxy.name, family.name),
            wire.integer(PbFamilyProxy.depth, family.depth),
            runtime.of_family_proxy,
        ]
    )


@lru_cache(maxsize=8192)
def _output(label: str, message: str, satisfied: bool, time: float) -> bytes:
    return wire.entry(
        PbTaskProxy.outputs,
        label,
        wire.message(
            2,
            wire.text(PbOutput.label, label)
            + wire.text(PbOutput.message, message)
            + wire.boolean(PbOutput.satisfied, satisfied)
            + wire.double(PbOutput.time, time),
        ),
    )


def _appended(element: Element, update: bytes) -> None:
    """Keep an update with what was published before, or let all of it be written anew when it is next asked for."""
    own = element.own
    if own is not None:
        element.own = own + update if len(own) < LONGEST_OWN else None


class TaskKind:
    """`PbTask`."""

    def new(self, element: TaskElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        element.new_proxies.clear()
        element.own = (
            wire.text(PbTask.stamp, stamp)
            + wire.single(PbTask.mean_elapsed_time, element.mean_elapsed_time)
            + wire.references(PbTask.proxies, [proxy.reference for proxy in element.proxies])
        )
        return [*element.static_pieces, element.own]

    def update(self, element: TaskElement, stamp: str) -> bytes:
        """See `Kind`."""
        update = (
            wire.text(PbTask.stamp, stamp)
            + wire.single(PbTask.mean_elapsed_time, element.mean_elapsed_time)
            + wire.references(PbTask.proxies, element.new_proxies)
        )
        element.new_proxies.clear()
        _appended(element, update)
        return wire.length_tag(PbTask.id) + element.reference + update

    def whole(self, element: TaskElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        own = element.own
        return [*element.static_pieces, own] if own is not None else self.new(element, stamp)


class FamilyKind:
    """`PbFamily`."""

    def new(self, element: FamilyElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        element.new_proxies.clear()
        element.own = wire.text(PbFamily.stamp, stamp) + wire.references(
            PbFamily.proxies, [proxy.reference for proxy in element.proxies]
        )
        return [element.static, element.own]

    def update(self, element: FamilyElement, stamp: str) -> bytes:
        """See `Kind`."""
        update = wire.text(PbFamily.stamp, stamp) + wire.references(PbFamily.proxies, element.new_proxies)
        element.new_proxies.clear()
        _appended(element, update)
        return wire.length_tag(PbFamily.id) + element.reference + update

    def whole(self, element: FamilyElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        return [element.static, element.own] if element.own is not None else self.new(element, stamp)


# -- instances ---------------------------------------------------------------------------------------------------------

_states: dict[tuple[Any, ...], bytes] = {}


def _state(element: TaskProxyElement) -> bytes:
    """What changes most, in full each time: few combinations occur, so each is written once."""
    key = (
        element.state,
        element.is_held,
        element.is_queued,
        element.is_runahead,
        element.is_retry,
        element.is_wallclock,
        element.is_xtriggered,
        element.flow_nums,
        element.flow_wait,
        element.job_submits,
        element.graph_depth,
    )
    data = _states.get(key)
    if data is None:
        if len(_states) > 10_000:
            _states.clear()
        data = _states[key] = b"".join(
            [
                wire.text(PbTaskProxy.state, element.state),
                wire.boolean(PbTaskProxy.is_held, element.is_held),
                wire.boolean(PbTaskProxy.is_queued, element.is_queued),
                wire.boolean(PbTaskProxy.is_runahead, element.is_runahead),
                wire.boolean(PbTaskProxy.is_retry, element.is_retry),
                wire.boolean(PbTaskProxy.is_wallclock, element.is_wallclock),
                wire.boolean(PbTaskProxy.is_xtriggered, element.is_xtriggered),
                wire.text(PbTaskProxy.flow_nums, element.flow_nums),
                wire.boolean(PbTaskProxy.flow_wait, element.flow_wait),
                wire.integer(PbTaskProxy.job_submits, element.job_submits),
                wire.integer(PbTaskProxy.graph_depth, element.graph_depth),
            ]
        )
    return data


def _completed(element: TaskProxyElement, *, all_of_them: bool) -> bytes:
    """The outputs, the completed ones only unless some may have been taken back."""
    messages, completed = element.task.output_messages, element.outputs or {}
    labels: Iterable[str] = messages if all_of_them else completed
    return b"".join(
        [
            _output(label, messages.get(label, label), satisfied=label in completed, time=completed.get(label, 0.0))
            for label in labels
        ]
    )


def _xtriggers(number: int, xtriggers: tuple[XtriggerElement, ...]) -> bytes:
    return b"".join(
        [
            wire.entry(
                number,
                one.id,
                wire.message(
                    2,
                    wire.text(PbTrigger.id, one.id)
                    + wire.text(PbTrigger.label, one.label)
                    + wire.text(PbTrigger.message, one.message)
                    + wire.boolean(PbTrigger.satisfied, one.satisfied)
                    + wire.double(PbTrigger.time, one.time),
                ),
            )
            for one in xtriggers
        ]
    )


class TaskProxyKind:
    """`PbTaskProxy`."""

    def new(self, element: TaskProxyElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        element.news = None
        parts = [
            wire.text(PbTaskProxy.stamp, stamp),
            wire.length_tag(PbTaskProxy.id),
            element.reference,
            _state(element),
        ]
        if element.outputs:
            parts.append(_completed(element, all_of_them=False))
        if element.jobs:
            parts.append(wire.references(PbTaskProxy.jobs, [job.reference for job in element.jobs]))
        if element.edges:
            parts.append(wire.references(PbTaskProxy.edges, [edge.reference for edge in element.edges]))
        if element.xtriggers:
            parts.append(_xtriggers(PbTaskProxy.xtriggers, element.xtriggers))
        if element.external_triggers:
            parts.append(_xtriggers(PbTaskProxy.external_triggers, element.external_triggers))
        element.own = b"".join(parts)
        return self._pieces(element)

    def update(self, element: TaskProxyElement, stamp: str) -> bytes:
        """See `Kind`."""
        parts = [wire.text(PbTaskProxy.stamp, stamp), _state(element)]
        news: News | None = element.news
        prerequisites = b""
        if news is not None:
            element.news = None
            if news.outputs:
                parts.append(_completed(element, all_of_them=True))
            if news.xtriggers:
                parts.append(_xtriggers(PbTaskProxy.xtriggers, element.xtriggers))
                parts.append(_xtriggers(PbTaskProxy.external_triggers, element.external_triggers))
            if news.jobs:
                parts.append(wire.references(PbTaskProxy.jobs, news.jobs))
            if news.edges:
                parts.append(wire.references(PbTaskProxy.edges, news.edges))
            if news.prerequisites:
                prerequisites = b"".join([one.data for one in element.prerequisites])
        update = b"".join(parts)
        _appended(element, update)
        return b"".join([wire.length_tag(PbTaskProxy.id), element.reference, update, prerequisites])

    def whole(self, element: TaskProxyElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        return self._pieces(element) if element.own is not None else self.new(element, stamp)

    def _pieces(self, element: TaskProxyElement) -> list[bytes]:
        # What was completed overrides what the task's bytes say of outputs, so those come first.
        assert element.own is not None
        pieces = [*element.task.shared_pieces, element.first_parent.ancestry, element.own]
        if element.prerequisites:
            pieces += [prerequisite.data for prerequisite in element.prerequisites]
        return pieces


class FamilyProxyKind:
    """`PbFamilyProxy`."""

    def new(self, element: FamilyProxyElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        element.new_children.clear()
        element.children = None
        self._write(element, stamp)
        return self.whole(element, stamp)

    def update(self, element: FamilyProxyElement, stamp: str) -> bytes:
        """See `Kind`."""
        element.children = None
        new = b"".join([wire.length_tag(number) + one for number, one in element.new_children])
        element.new_children.clear()
        state = self._write(element, stamp)
        return wire.length_tag(PbFamilyProxy.id) + element.reference + state + new

    def whole(self, element: FamilyProxyElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        if element.own is None:
            self._write(element, stamp)
        assert element.own is not None
        if element.children is None:
            element.children = wire.references(
                PbFamilyProxy.child_tasks, [child.reference for child in element.child_tasks]
            ) + wire.references(PbFamilyProxy.child_families, [child.reference for child in element.child_families])
        return [element.family.shared, element.own, element.children]

    def _write(self, element: FamilyProxyElement, stamp: str) -> bytes:
        state = b"".join(
            [
                wire.text(PbFamilyProxy.stamp, stamp),
                wire.text(PbFamilyProxy.state, element.state),
                wire.texts(PbFamilyProxy.states, element.states),
                *[
                    wire.entry(PbFamilyProxy.state_totals, state, wire.integer(2, total))
                    for state, total in element.state_totals.items()
                ],
                wire.boolean(PbFamilyProxy.is_held, element.is_held),
                wire.integer(PbFamilyProxy.is_held_total, element.is_held_total),
                wire.boolean(PbFamilyProxy.is_queued, element.is_queued),
                wire.integer(PbFamilyProxy.is_queued_total, element.is_queued_total),
                wire.boolean(PbFamilyProxy.is_runahead, element.is_runahead),
                wire.integer(PbFamilyProxy.is_runahead_total, element.is_runahead_total),
                wire.boolean(PbFamilyProxy.is_retry, element.is_retry),
                wire.boolean(PbFamilyProxy.is_wallclock, element.is_wallclock),
                wire.boolean(PbFamilyProxy.is_xtriggered, element.is_xtriggered),
                wire.integer(PbFamilyProxy.graph_depth, element.graph_depth),
            ]
        )
        static = [wire.length_tag(PbFamilyProxy.id), element.reference]
        static.append(wire.text(PbFamilyProxy.cycle_point, element.cycle_point))
        parent = element.first_parent
        if parent is not None:
            static.append(wire.length_tag(PbFamilyProxy.first_parent) + parent.reference)
        while parent is not None:
            static.append(wire.length_tag(PbFamilyProxy.ancestors) + parent.reference)
            parent = parent.first_parent
        element.own = b"".join([*static, state])
        return state


def write_ancestry(element: FamilyProxyElement) -> None:
    """Write what a family's proxy at a point gives to the messages of its tasks."""
    parts = [
        wire.text(PbTaskProxy.cycle_point, element.cycle_point),
        wire.length_tag(PbTaskProxy.first_parent) + element.reference,
    ]
    family: FamilyProxyElement | None = element
    while family is not None:
        parts.append(wire.length_tag(PbTaskProxy.ancestors) + family.reference)
        family = family.first_parent
    element.ancestry = b"".join(parts)


class JobKind:
    """`PbJob`."""

    def new(self, element: JobElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        proxy = element.task_proxy
        element.own = b"".join(
            [
                wire.length_tag(PbJob.id),
                element.reference,
                wire.integer(PbJob.submit_num, element.submit_num),
                wire.length_tag(PbJob.task_proxy),
                proxy.reference,
                wire.common(PbJob.cycle_point, proxy.cycle_point),
                wire.single(PbJob.execution_time_limit, element.execution_time_limit),
                wire.text(PbJob.job_log_dir, element.job_log_dir),
                self._state(element, stamp),
            ]
        )
        return [*proxy.task.job_pieces, element.own, self._messages(element)]

    def update(self, element: JobElement, stamp: str) -> bytes:
        """See `Kind`."""
        state = self._state(element, stamp)
        _appended(element, state)
        return wire.length_tag(PbJob.id) + element.reference + state + self._messages(element)

    def whole(self, element: JobElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        if element.own is None:
            return self.new(element, stamp)
        return [*element.task_proxy.task.job_pieces, element.own, self._messages(element)]

    def _messages(self, element: JobElement) -> bytes:
        # A reader clears the old ones first: they must not be appended to what was published.
        return wire.texts(PbJob.messages, element.messages)

    def _state(self, element: JobElement, stamp: str) -> bytes:
        return b"".join(
            [
                wire.text(PbJob.stamp, stamp),
                wire.common(PbJob.state, element.state),
                wire.common(PbJob.submitted_time, element.submitted_time),
                wire.common(PbJob.started_time, element.started_time),
                wire.common(PbJob.finished_time, element.finished_time),
                wire.common(PbJob.estimated_finish_time, element.estimated_finish_time),
                wire.text(PbJob.job_id, element.job_id),
                wire.common(PbJob.job_runner_name, element.job_runner_name),
                wire.common(PbJob.platform, element.platform),
            ]
        )


class EdgeKind:
    """`PbEdge`; edges have no stamp and never change."""

    def new(self, element: EdgeElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        element.own = b"".join(
            [
                wire.length_tag(PbEdge.id),
                element.reference,
                wire.length_tag(PbEdge.source),
                element.source.reference,
                wire.length_tag(PbEdge.target),
                element.target.reference,
                wire.boolean(PbEdge.suicide, element.suicide),
                wire.boolean(PbEdge.cond, element.cond),
            ]
        )
        return [element.own]

    def update(self, element: EdgeElement, stamp: str) -> bytes:
        """See `Kind`."""
        return b"".join(self.new(element, stamp))

    def whole(self, element: EdgeElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        return [element.own] if element.own is not None else self.new(element, stamp)
