"""Tasks and families as defined to bytes, and what their instances' messages have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache

from ...proto.field_numbers import PbFamily, PbFamilyProxy, PbJob, PbMeta, PbRuntime, PbTask, PbTaskProxy
from . import wire
from .elements import FamilyElement, MetaElement, RuntimeElement, TaskElement
from .kind import append_update, output_entry


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
    return b"".join([output_entry(label, message, False, 0.0) for label, message in messages])


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
        append_update(element, update)
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
        append_update(element, update)
        return wire.length_tag(PbFamily.id) + element.reference + update

    def whole(self, element: FamilyElement, stamp: str) -> list[bytes]:
        """See `Kind`."""
        return [element.static, element.own] if element.own is not None else self.new(element, stamp)
