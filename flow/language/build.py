"""Configuration to definition: the last step of the language, whose product is all the engine needs."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

from ...exceptions import TidemillError
from ..cycling.cycling import Cycling
from .completion import check_completion, derive_completion, graph_outputs
from .config import WorkflowConfig
from .cycle_points import CyclePoints, resolve_points
from .definition import (
    STANDARD_OUTPUTS,
    SUCCEEDED,
    Link,
    OutputDefinition,
    RunaheadLimit,
    TaskDefinition,
    WorkflowDefinition,
    leaves,
)
from .exceptions import ConfigError, GraphError
from .polling import polling_script
from .special_tasks import Members, SpecialTasks, read_queues, read_special_tasks
from .task_graph import TaskGraph, did_you_mean, read_graphs
from .task_graph import check_circular as look_for_circles
from .xtriggers import Xtriggers

CIRCULAR_CHECK_TASKS = 100
"""Up to this many tasks the graph is always checked for circles (Cylc 8 behaviour)."""

_TASK_NAME = re.compile(r"\w[\w\-+%@]*\Z")


def build_definition(
    config: WorkflowConfig,
    *,
    now: float,
    initial_point: str | None = None,
    final_point: str | None = None,
    start_point: str | None = None,
    stop_point: str | None = None,
    start_tasks: Sequence[str] = (),
    hold_after: str | None = None,
    check_circular: bool = False,
) -> WorkflowDefinition:
    """Build the definition of a workflow from its configuration.

    Args:
        config: As from `load_config`.
        now: The current time in seconds since 1970, for points such as ``now`` and ``next(T00)``.
        initial_point: Replaces the configured initial cycle point.
        final_point: Replaces the configured final cycle point.
        start_point: Start of a warm start; the initial point if left out.
        stop_point: Replaces the configured ``stop after cycle point``.
        start_tasks: ``cycle/task`` to start from, instead of a start point.
        hold_after: Replaces the configured ``hold after cycle point``.
        check_circular: Look for circles however many tasks there are.

    Raises:
        LanguageError: The workflow is not valid; the message has file and line.
    """
    with _collector_paused():
        return _build(
            config,
            now=now,
            points_given={
                "initial_point": initial_point,
                "final_point": final_point,
                "start_point": start_point,
                "stop_point": stop_point,
                "start_tasks": start_tasks,
                "hold_after": hold_after,
            },
            check_circular=check_circular,
        )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection meanwhile: everything built is kept, and looking through it doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _build(
    config: WorkflowConfig, *, now: float, points_given: Mapping[str, Any], check_circular: bool
) -> WorkflowDefinition:
    warnings = list(config.warnings)
    if not any(graph.text.strip() for graph in config.graphs):
        raise ConfigError(
            "no graph is defined",
            location=config.where("scheduling"),
            hint="Add [scheduling][graph] with at least one recurrence, for example: R1 = hello",
        )
    points = resolve_points(config, now=now, warnings=warnings, **points_given)
    cycling = points.cycling
    xtriggers = Xtriggers(config, cycling)
    all_families = _families(config)
    graph = read_graphs(
        config,
        cycling=cycling,
        initial=points.initial,
        final=points.final,
        families={name: members for name, members in all_families.items() if members},
        xtriggers=xtriggers,
    )
    warnings += graph.warnings
    _check_names(config, graph)
    if check_circular or len(graph.tasks) <= CIRCULAR_CHECK_TASKS:
        look_for_circles(graph, cycling, points.initial, points.final)
    members = Members(config, all_families, graph.tasks)
    special = read_special_tasks(config, members, is_integer=cycling.mode == "integer", warnings=warnings)
    _add_clock_triggers(config, graph, special, xtriggers)
    tasks = _tasks(config, graph, special)
    families = {name: tuple(task for task in family if task in tasks) for name, family in all_families.items()}
    families["root"] = tuple(tasks)
    return WorkflowDefinition(
        cycling=cycling,
        initial_point=points.initial,
        start_point=points.start,
        final_point=points.final,
        stop_point=points.stop,
        hold_after_point=points.hold_after,
        runahead=_runahead(config, cycling, warnings),
        tasks=tasks,
        families=families,
        family_parents={**config.ancestors, **{name: task.namespaces for name, task in tasks.items()}},
        first_parents={**config.first_parents, **{name: task.first_parent for name, task in tasks.items()}},
        dependencies=tuple(graph.dependencies),
        sequences=tuple(graph.sequences.values()),
        queues=read_queues(config, members, tasks, warnings=warnings),
        xtriggers=xtriggers.definitions,
        config=config.items,
        start_tasks=_start_tasks(points, tasks, families),
        compatibility=config.compatibility,
        warnings=tuple(warnings),
    )


def unused_namespaces(config: WorkflowConfig, definition: WorkflowDefinition) -> list[str]:
    """Names of ``[runtime]`` that are neither families nor in the graph: worth telling, but no error."""
    families = _families(config)
    used = {"root", *families, *definition.tasks}
    return [name for name in config.ancestors if name not in used]


def _families(config: WorkflowConfig) -> dict[str, list[str]]:
    """Every namespace that others inherit from, to its tasks: those below it that are no families."""
    parents = {parent for chain in config.ancestors.values() for parent in chain[1:]}
    families: dict[str, list[str]] = {name: [] for name in config.ancestors if name in parents and name != "root"}
    for name, chain in config.ancestors.items():
        if name in parents or name == "root":
            continue
        for parent in chain[1:]:
            if parent != "root":
                families[parent].append(name)
    return families


def _check_names(config: WorkflowConfig, graph: TaskGraph) -> None:
    """Reserved and implicit names, and undeclared outputs."""
    implicit: list[str] = []
    for task, location in graph.locations.items():
        if task == "root" or task.startswith("_cylc") or not _TASK_NAME.match(task):
            raise GraphError(
                f"{task} cannot be the name of a task",
                location=location,
                hint="The name root and names that start with _cylc are reserved.",
            )
        if task not in config.ancestors:
            implicit.append(task)
    if implicit and not config.items["scheduler"].get("allow implicit tasks"):
        shown = [f"  {task}, at {graph.locations[task]}" for task in implicit[:10]]
        if len(implicit) > 10:
            shown.append(f"  and {len(implicit) - 10} more")
        hint = "Define them, or set [scheduler]allow implicit tasks = True."
        hint += did_you_mean(implicit[0], list(config.ancestors))
        raise GraphError(
            "tasks of the graph are not defined under [runtime]:\n" + "\n".join(shown),
            location=graph.locations[implicit[0]],
            hint=hint,
        )
    for (task, output), location in graph.custom_outputs.items():
        declared = _custom_outputs(config, task)
        if output not in declared:
            known = ", ".join((*STANDARD_OUTPUTS, "finished", *declared))
            raise GraphError(
                f"{task} has no output {output}",
                location=location,
                hint=f"Declare it under [runtime][{task}][outputs]; it has {known}."
                + did_you_mean(output, [*STANDARD_OUTPUTS, *declared]),
            )


def _custom_outputs(config: WorkflowConfig, task: str) -> Mapping[str, str]:
    outputs: Mapping[str, str] = config.implicit_runtime(task).get("outputs") or {}
    return outputs


def _add_clock_triggers(config: WorkflowConfig, graph: TaskGraph, special: SpecialTasks, xtriggers: Xtriggers) -> None:
    """Old-style clock triggers become wall-clock xtriggers at every point of their task."""
    location = config.where("scheduling", "special tasks", "clock-trigger")
    for task, offset in special.clock_trigger.items():
        label = xtriggers.clock_trigger(offset, location)
        used = graph.xtriggers_of.setdefault(task, {})
        for sequence in graph.tasks[task]:
            used.setdefault((id(sequence), label), (sequence, label))


def _tasks(config: WorkflowConfig, graph: TaskGraph, special: SpecialTasks) -> dict[str, TaskDefinition]:
    links = _links(graph)
    defaults = config.runtime_defaults
    merged: dict[int, Mapping[str, Any]] = {}
    known_outputs: dict[Any, tuple[Mapping[str, OutputDefinition], str]] = {}
    tasks: dict[str, TaskDefinition] = {}
    for name, sequences in graph.tasks.items():
        settings = config.implicit_runtime(name)
        runtime = merged.get(id(settings))
        if runtime is None:
            runtime = merged[id(settings)] = _with_defaults(settings, defaults)
        required = graph_outputs(graph.optionality.required(name))
        key = (id(settings), tuple(required.items()))
        if key not in known_outputs:
            known_outputs[key] = _outputs(config, name, settings, required)
        outputs, completion = known_outputs[key]
        poll = _poll(config, name, graph) if name in graph.remote_tasks else None
        if poll is not None:
            runtime = {**runtime, "script": polling_script(poll, runtime.get("workflow state polling") or {})}
        tasks[name] = TaskDefinition(
            name=name,
            namespaces=config.ancestors.get(name, (name, "root")),
            first_parent=config.first_parents.get(name) or "root",
            runtime=runtime,
            sequences=tuple(sequences),
            outputs=outputs,
            completion=completion,
            dependencies=tuple(graph.dependencies_of.get(name, ())),
            links={output: tuple(found) for output, found in links.get(name, {}).items()},
            xtriggers=tuple(graph.xtriggers_of.get(name, {}).values()),
            parameters=config.task_parameters.get(name, {}),
            sequential=name in special.sequential,
            clock_trigger_offset=special.clock_trigger.get(name),
            clock_expire_offset=special.clock_expire.get(name),
            external_trigger=special.external_trigger.get(name),
            workflow_state_poll=poll,
        )
    return tasks


def _poll(config: WorkflowConfig, name: str, graph: TaskGraph) -> dict[str, str]:
    """What a task that polls another workflow waits for; it may not have a script of its own."""
    remote, location = graph.remote_tasks[name]
    if config.implicit_runtime(name).get("script"):
        raise GraphError(
            f"{name} polls {remote.workflow}::{remote.task}, so it cannot have a script",
            location=config.where("runtime", name, "script") or location,
            hint="Remove the script; put the work in a task triggered by this one.",
        )
    message = (config.implicit_runtime(name).get("workflow state polling") or {}).get("message")
    if message and remote.status:
        raise GraphError(
            f"{name} polls {remote.workflow}::{remote.task} both for {remote.status} and for the message {message!r}",
            location=config.where("runtime", name, "workflow state polling", "message") or location,
            hint="Name the status in the graph, or the message under [workflow state polling], not both.",
        )
    return {"workflow": remote.workflow, "task": remote.task, "status": remote.status or SUCCEEDED}


def _outputs(
    config: WorkflowConfig, name: str, settings: Mapping[str, Any], required: dict[str, bool | None]
) -> tuple[dict[str, OutputDefinition], str]:
    """A task's outputs, and when it is complete."""
    messages = {label: label for label in STANDARD_OUTPUTS}
    messages.update(settings.get("outputs") or {})
    if len(set(messages.values())) < len(messages):
        _refuse_shared_message(config, name, messages)
    written = settings.get("completion")
    if written:
        location = config.where("runtime", name, "completion")
        if config.compatibility:
            raise ConfigError(
                f"completion of {name}: not available with suite.rc",
                location=location,
                hint="Rename the file to flow.cylc to use it.",
            )
        required = check_completion(written, task=name, labels=messages, required=required, location=location)
        completion = str(written)
    else:
        completion = derive_completion(required, compatibility=config.compatibility)
    outputs = {label: OutputDefinition(label, message, required.get(label)) for label, message in messages.items()}
    return outputs, completion


def _refuse_shared_message(config: WorkflowConfig, name: str, messages: Mapping[str, str]) -> None:
    """A message of a job completes one output, so no two outputs can wait for the same."""
    first: dict[str, str] = {}
    for label, message in messages.items():
        if message in first:
            raise ConfigError(
                f"outputs {first[message]} and {label} of {name} have the same message: {message}",
                location=config.where("runtime", name, "outputs", label),
                hint="Give each output a message of its own.",
            )
        first[message] = label


def _with_defaults(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Settings completed by defaults, section by section; sections without settings are shared."""
    merged = {**defaults, **settings}
    for name, section in settings.items():
        if isinstance(section, Mapping) and isinstance(default := defaults.get(name), Mapping) and default:
            merged[name] = _with_defaults(section, default)
    return merged


def _links(graph: TaskGraph) -> dict[str, dict[str, list[Link]]]:
    """Dependencies by the outputs they wait for; once for each output and offset."""
    links: dict[str, dict[str, list[Link]]] = {}
    for dependency in graph.dependencies:
        seen: set[tuple[str, str, int]] = set()
        for leaf in leaves(dependency.expression):
            key = (leaf.task, leaf.output, id(leaf.offset))
            if key in seen:
                continue
            seen.add(key)
            links.setdefault(leaf.task, {}).setdefault(leaf.output, []).append(Link(dependency, leaf.offset))
    return links


def _runahead(config: WorkflowConfig, cycling: Cycling, warnings: list[str]) -> RunaheadLimit:
    text = str(config.items["scheduling"].get("runahead limit") or "P4").strip()
    location = config.where("scheduling", "runahead limit")
    if match := re.fullmatch(r"P(\d+)", text):
        return RunaheadLimit(cycles=int(match[1]))
    if text.isdigit() and cycling.mode != "integer":
        at = f"{location}: " if location else ""
        warnings.append(f"{at}runahead limit = {text} means hours; write P{text} for cycles or PT{text}H for hours")
        text = f"PT{text}H"
    elif cycling.mode == "integer":
        raise ConfigError(
            f"invalid runahead limit: {text}",
            location=location,
            hint="Write Pn for n cycles, for example P4.",
        )
    try:
        return RunaheadLimit(interval=cycling.interval(text))
    except TidemillError as error:
        raise ConfigError(
            f"invalid runahead limit: {text}: {error}",
            location=location,
            hint="Write Pn for n cycles, or a duration such as PT12H.",
        ) from error


def _start_tasks(
    points: CyclePoints, tasks: Mapping[str, TaskDefinition], families: Mapping[str, Sequence[str]]
) -> tuple[tuple[int, str], ...]:
    """The start tasks, each known and valid at its point; families and patterns stand for the tasks they mean."""
    chosen: dict[tuple[int, str], None] = {}
    for point, name in points.start_tasks:
        text = f"{points.cycling.format(point)}/{name}"
        meant = [
            task
            for task in tasks
            if fnmatchcase(task, name)
            or any(task in members and fnmatchcase(family, name) for family, members in families.items())
        ]
        if not meant:
            raise ConfigError(
                f"start task {text}: no task {name} in the graph{did_you_mean(name, list(tasks))}",
                hint="Give cycle/task, both as in the graph.",
            )
        valid = [task for task in meant if tasks[task].is_valid_at(point)]
        if not valid:
            raise ConfigError(
                f"start task {text}: {name} does not run at that point",
                hint="Choose a point of its recurrence.",
            )
        chosen.update(dict.fromkeys((point, task) for task in valid))
    return tuple(chosen)
