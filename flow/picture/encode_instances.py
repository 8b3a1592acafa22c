"""Instances, their families, jobs and edges to bytes: new, as an update, and as part of the whole picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define, field

from ...proto.field_numbers import PbEdge, PbFamilyProxy, PbJob, PbTaskProxy, PbTrigger
from . import wire
from .elements import EdgeElement, FamilyProxyElement, JobElement, TaskProxyElement, XtriggerElement
from .kind import append_update, output_entry


@define(eq=False)
class News:
    """What of a task proxy changed beyond its state."""

    outputs: bool = False
    prerequisites: bool = False
    xtriggers: bool = False
    jobs: list[bytes] = field(factory=list)
    edges: list[bytes] = field(factory=list)


def news_of(element: TaskProxyElement) -> News:
    """What is to be told of an instance beyond its state."""
    if element.news is None:
        element.news = News()
    news: News = element.news
    return news


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
            output_entry(
                label, messages.get(label, label), satisfied=label in completed, time=completed.get(label, 0.0)
            )
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
        append_update(element, update)
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
        append_update(element, state)
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
