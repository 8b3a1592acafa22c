"""The workflow's own element: its state, its counts, its latest tasks and log lines, and how they are written."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

from ...contact.file import CYLC_VERSION
from ...proto.field_numbers import PbEdges, PbLogRecord, PbTaskProxyRefs, PbTimeZone, PbWorkflow
from ..engine.proxy import STATUSES
from . import wire
from .definitions import WorkflowIdentity
from .elements import LogRecordElement, MetaElement, TaskProxyElement, TimeZoneElement
from .encode_definitions import encode_meta

API_VERSION = 5
"""Of the network interface, as Cylc 8 counts."""
LATEST_KEPT = 5
LOG_RECORDS_KEPT = 10
JOB_LOG_NAMES = ("job", "job.out", "job.err", "job-activity.log", "job.status", "job.xtrace")


def _latest() -> dict[str, deque[str]]:
    return {state: deque(maxlen=LATEST_KEPT) for state in STATUSES}


@define(eq=False)
class WorkflowElement:
    """The run as a whole."""

    identity: WorkflowIdentity
    meta: MetaElement
    time_zone_info: TimeZoneElement
    run_mode: str
    cycling_mode: str
    ns_def_order: tuple[str, ...]
    tree_depth: int = 0
    leaves: tuple[str, ...] = ()
    """Every task of the graph."""
    feet: tuple[str, ...] = ()
    """What is left of the graph with every family collapsed."""
    status: str = "running"
    status_msg: str = "running"
    last_updated: float = 0.0
    newest_active_cycle_point: str = ""
    oldest_active_cycle_point: str = ""
    reloaded: bool = False
    n_edge_distance: int = 1
    broadcasts: Mapping[str, Any] = field(factory=dict)
    state_totals: dict[str, int] = field(factory=lambda: dict.fromkeys(STATUSES, 0))
    is_held_total: int = 0
    is_queued_total: int = 0
    is_runahead_total: int = 0
    retry_total: int = 0
    latest: dict[str, deque[str]] = field(factory=_latest)
    log_records: deque[LogRecordElement] = field(factory=lambda: deque(maxlen=LOG_RECORDS_KEPT))
    new_log_records: list[LogRecordElement] = field(factory=list)
    _told: dict[str, bytes] = field(factory=dict)
    _lasting: dict[str, bytes] = field(factory=dict)

    @property
    def id(self) -> str:
        """``~owner/workflow``."""
        return self.identity.id

    @property
    def api_version(self) -> int:
        """Of the network interface."""
        return API_VERSION

    @property
    def cylc_version(self) -> str:
        """The version of Cylc whose clients understand us."""
        return CYLC_VERSION

    @property
    def job_log_names(self) -> tuple[str, ...]:
        """Files in a job's log directory."""
        return JOB_LOG_NAMES

    @property
    def states(self) -> list[str]:
        """Every state that a task of the window is in."""
        return [state for state, total in self.state_totals.items() if total]

    @property
    def contains_held(self) -> bool:
        """Whether a task is held."""
        return self.is_held_total > 0

    @property
    def contains_retry(self) -> bool:
        """Whether a task waits to be tried again."""
        return self.retry_total > 0

    def latest_state_tasks(self, states: Iterable[str] = STATUSES) -> dict[str, list[str]]:
        """The tasks that came into each state last, latest first, as ``CYCLE/TASK``."""
        return {state: list(self.latest[state]) for state in states if state in self.latest}

    def count(self, member: TaskProxyElement, step: int) -> None:
        """Count a task in (1) or out (-1)."""
        self.state_totals[member.state] += step
        if member.is_held:
            self.is_held_total += step
        if member.is_queued:
            self.is_queued_total += step
        if member.is_runahead:
            self.is_runahead_total += step
        if member.is_retry:
            self.retry_total += step

    def saw(self, state: str, task: str) -> None:
        """A task came into a state."""
        latest = self.latest[state]
        if task in latest:
            latest.remove(task)
        latest.appendleft(task)

    def add_log_record(self, level: str, message: str) -> None:
        """Keep a line of the log."""
        record = LogRecordElement(level, message)
        self.log_records.append(record)
        self.new_log_records.append(record)

    def continue_from(self, before: WorkflowElement) -> None:
        """Take over from the element of the definition before a reload what is not of the definition."""
        self.status, self.status_msg = before.status, before.status_msg
        self.broadcasts = before.broadcasts
        self.latest, self.log_records = before.latest, before.log_records

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def news(self, time: float, time_text: str) -> bytes:
        """What changed since the last call: an update, or the whole the first time."""
        self.last_updated = time
        parts = [
            wire.text(PbWorkflow.stamp, f"{self.id}@{time_text}"),
            wire.text(PbWorkflow.id, self.id),
            wire.double(PbWorkflow.last_updated, time),
        ]
        for name, data in self._groups().items():
            if self._told.get(name) != data:
                self._told[name] = data
                parts.append(data)
        parts += [_log_record(record) for record in self.new_log_records[-LOG_RECORDS_KEPT:]]
        self.new_log_records.clear()
        return b"".join(parts)

    def whole(self, time: float) -> bytes:
        """All of it but the lists of ids, as it was last told."""
        return b"".join(
            [
                wire.text(PbWorkflow.stamp, f"{self.id}@{self.last_updated!r}"),
                wire.text(PbWorkflow.id, self.id),
                wire.double(PbWorkflow.last_updated, time),
                *self._told.values(),
                *[_log_record(record) for record in self.log_records],
            ]
        )

    def has_changed(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.new_log_records) or self._told != self._groups()

    def tell_all(self) -> None:
        """Have the next news be the whole."""
        self._told = {}
        self.new_log_records = list(self.log_records)

    def _groups(self) -> dict[str, bytes]:
        """What is told together when any of it changes."""
        if not self._lasting:
            self._lasting = self._lasting_groups()
        return {
            **self._lasting,
            "status": wire.text(PbWorkflow.status, self.status) + wire.text(PbWorkflow.status_msg, self.status_msg),
            "points": wire.text(PbWorkflow.newest_active_cycle_point, self.newest_active_cycle_point)
            + wire.text(PbWorkflow.oldest_active_cycle_point, self.oldest_active_cycle_point),
            "reloaded": wire.boolean(PbWorkflow.reloaded, self.reloaded),
            "extent": wire.integer(PbWorkflow.n_edge_distance, self.n_edge_distance),
            "broadcasts": wire.text(PbWorkflow.broadcasts, json.dumps(self.broadcasts)),
            "states": b"".join(
                [
                    wire.texts(PbWorkflow.states, self.states),
                    wire.boolean(PbWorkflow.states_updated, True),
                    *[
                        wire.entry(PbWorkflow.state_totals, state, wire.integer(2, total))
                        for state, total in self.state_totals.items()
                    ],
                    # Readers clear all of this together: so it is told together.
                    *[
                        wire.entry(
                            PbWorkflow.latest_state_tasks,
                            state,
                            wire.message(2, wire.texts(PbTaskProxyRefs.task_proxies, tasks)),
                        )
                        for state, tasks in self.latest.items()
                    ],
                ]
            ),
            "totals": wire.integer(PbWorkflow.is_held_total, self.is_held_total)
            + wire.integer(PbWorkflow.is_queued_total, self.is_queued_total)
            + wire.integer(PbWorkflow.is_runahead_total, self.is_runahead_total)
            + wire.boolean(PbWorkflow.contains_held, self.contains_held)
            + wire.boolean(PbWorkflow.contains_retry, self.contains_retry),
        }

    def _lasting_groups(self) -> dict[str, bytes]:
        """What never changes while a definition is loaded; written once, for it may name every task."""
        identity = self.identity
        zone = self.time_zone_info
        identity_data = b"".join(
            [
                wire.text(PbWorkflow.name, identity.workflow),
                wire.text(PbWorkflow.host, identity.host),
                wire.integer(PbWorkflow.port, identity.port),
                wire.integer(PbWorkflow.pub_port, identity.publish_port),
                wire.text(PbWorkflow.owner, identity.owner),
                wire.integer(PbWorkflow.api_version, API_VERSION),
                wire.text(PbWorkflow.cylc_version, CYLC_VERSION),
                wire.text(PbWorkflow.workflow_log_dir, identity.log_directory),
                wire.message(PbWorkflow.meta, encode_meta(self.meta)),
                wire.message(
                    PbWorkflow.time_zone_info,
                    wire.integer(PbTimeZone.hours, zone.hours)
                    + wire.integer(PbTimeZone.minutes, zone.minutes)
                    + wire.text(PbTimeZone.string_basic, zone.string_basic)
                    + wire.text(PbTimeZone.string_extended, zone.string_extended),
                ),
                wire.text(PbWorkflow.run_mode, self.run_mode),
                wire.text(PbWorkflow.cycling_mode, self.cycling_mode),
                wire.boolean(PbWorkflow.pruned, False),
            ]
        )
        names = (
            wire.texts(PbWorkflow.job_log_names, JOB_LOG_NAMES)
            + wire.texts(PbWorkflow.ns_def_order, self.ns_def_order)
            + wire.integer(PbWorkflow.tree_depth, self.tree_depth)
            + wire.message(PbWorkflow.edges, self._graph())
        )
        return {"identity": identity_data, "names": names}

    def _graph(self) -> bytes:
        return (
            wire.text(PbEdges.id, f"{self.id}//$edge|edges")
            + wire.texts(PbEdges.leaves, self.leaves)
            + wire.texts(PbEdges.feet, self.feet)
        )


def _log_record(record: LogRecordElement) -> bytes:
    return wire.message(
        PbWorkflow.log_records,
        wire.text(PbLogRecord.level, record.level) + wire.text(PbLogRecord.message, record.message),
    )


def time_zone_of(utc_offset_seconds: int) -> TimeZoneElement:
    """A time zone from its offset."""
    minutes = utc_offset_seconds // 60
    if not minutes:
        return TimeZoneElement(0, 0, "Z", "Z")
    sign = 1 if minutes > 0 else -1
    hours, rest = divmod(abs(minutes), 60)
    mark = "+" if sign > 0 else "-"
    return TimeZoneElement(sign * hours, sign * rest, f"{mark}{hours:02d}{rest:02d}", f"{mark}{hours:02d}:{rest:02d}")
