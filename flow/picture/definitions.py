"""The picture of what is defined: tasks and families with their settings, made when first needed or in slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import define

from ..engine.text import duration
from ..language.definition import STANDARD_OUTPUTS, TaskDefinition, WorkflowDefinition
from . import wire
from .elements import Element, FamilyElement, MetaElement, RuntimeElement, TaskElement
from .encode_definitions import RuntimeBytes, write_family, write_task

NO_SETTINGS: Mapping[str, Any] = {}


@define
class WorkflowIdentity:
    """Who a run is, as the picture names it."""

    owner: str
    workflow: str
    """Workflow ID, run name included."""
    host: str = ""
    port: int = 0
    publish_port: int = 0
    version: str = ""
    log_directory: str = ""
    """Where the scheduler's log is."""
    job_log_directory: str = ""
    """Above ``CYCLE/TASK/NN``."""
    utc_offset_seconds: int = 0
    """Of the time zone that times are written in."""

    @property
    def id(self) -> str:
        """``~owner/workflow``."""
        return f"~{self.owner}/{self.workflow}"


class Definitions:
    """Task and family elements by name."""

    def __init__(
        self,
        definition: WorkflowDefinition,
        identity: WorkflowIdentity,
        *,
        run_mode: str,
        runtime: Mapping[str, Mapping[str, Any]],
        made: Callable[[Element], None],
    ) -> None:
        self.definition = definition
        self.tasks: dict[str, TaskElement] = {}
        self.families: dict[str, FamilyElement] = {}
        self.orphans: dict[str, TaskDefinition] = {}
        """Tasks that a reload left running, though the definition has them no more."""
        self.names = tuple(definition.family_parents)
        """Every namespace, in the order written."""
        self._prefix = f"{identity.id}//$namespace|"
        self._run_mode = run_mode
        self._runtime = runtime
        self._made = made
        self._runtimes: dict[tuple[int, str], tuple[RuntimeElement, RuntimeBytes]] = {}
        self._equal_runtimes: dict[RuntimeElement, tuple[RuntimeElement, RuntimeBytes]] = {}
        self._metas: dict[int, MetaElement] = {}
        self._equal_metas: dict[MetaElement, MetaElement] = {}
        self._direct_parents: dict[tuple[str, ...], tuple[FamilyElement, ...]] = {}
        self._children: dict[str, tuple[list[str], list[str]]] = {}
        for name, parent in definition.first_parents.items():
            if parent is None:
                continue
            if name in definition.tasks:
                self._children.setdefault(parent, ([], []))[0].append(name)
            elif name in definition.families:
                self._children.setdefault(parent, ([], []))[1].append(name)
        self._rest = self._all()

    def _all(self) -> Iterator[None]:
        for name in self.definition.families:
            self.family(name)
            yield
        for name in self.definition.tasks:
            self.task(name)
            yield

    def prime(self, items: int) -> bool:
        """Make up to this many more elements; True once all are made."""
        return any(next(self._rest, self) is self for _ in range(items))

    def complete(self) -> None:
        """Make all that is left."""
        for _ in self._rest:
            pass

    def tasks_in_order(self) -> list[TaskElement]:
        """All tasks that are made, as the graph first names them; those a reload left behind last."""
        names = dict.fromkeys((*self.definition.tasks, *self.tasks))
        return [self.tasks[name] for name in names if name in self.tasks]

    def families_in_order(self) -> list[FamilyElement]:
        """All families that are made, as they are written."""
        return [self.families[name] for name in self.names if name in self.families]

    def children(self, family: str) -> tuple[list[str], list[str]]:
        """Names of the tasks and of the families grouped under a family."""
        return self._children.get(family, ([], []))

    def tree_depth(self) -> int:
        """How many families deep the deepest task lies."""
        tasks = self.definition.tasks.values()
        return max((self.family(name).depth + 1 for name in {task.first_parent for task in tasks}), default=0)

    def leaves_and_feet(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The tasks of the graph, and the graph with every family below root collapsed; both sorted."""
        first_parents = self.definition.first_parents
        feet: dict[str, None] = {}
        for name in self.definition.tasks:
            top = name
            parent = first_parents.get(top)
            while parent is not None and parent != "root":
                top, parent = parent, first_parents.get(parent)
            feet[top] = None
        return tuple(sorted(self.definition.tasks)), tuple(sorted(feet))

    def task(self, name: str) -> TaskElement:
        """A task as defined."""
        element = self.tasks.get(name)
        if element is None:
            element = self.tasks[name] = self._task(name)
            self._made(element)
        return element

    def family(self, name: str) -> FamilyElement:
        """A family as defined."""
        element = self.families.get(name)
        if element is None:
            element = self._family(name)
            self.families[name] = element
            self._made(element)
        return element

    def _task(self, name: str) -> TaskElement:
        definition = self.definition.tasks.get(name) or self.orphans[name]
        known = definition.first_parent in self.definition.families
        first_parent = self.family(definition.first_parent if known else "root")
        runtime, runtime_data = self._settings(definition.runtime, definition.completion)
        id = f"{self._prefix}{name}"
        element = TaskElement(
            id,
            wire.reference(id),
            name,
            self._meta(definition.runtime),
            runtime,
            first_parent.depth + 1,
            tuple(reversed(definition.namespaces)),
            self._parents(name),
            first_parent,
            _output_messages(definition.outputs),
        )
        write_task(element, runtime_data)
        return element

    def _family(self, name: str) -> FamilyElement:
        first = self.definition.first_parents.get(name)
        first_parent = self.family(first) if first is not None else None
        runtime, runtime_data = self._settings(self._runtime.get(name, NO_SETTINGS), "")
        id = f"{self._prefix}{name}"
        element = FamilyElement(
            id,
            wire.reference(id),
            name,
            self._meta(self._runtime.get(name, NO_SETTINGS)),
            runtime,
            0 if first_parent is None else first_parent.depth + 1,
            self._parents(name),
            first_parent,
            *self.children(name),
        )
        write_family(element, runtime_data, self._prefix)
        return element

    def _parents(self, name: str) -> tuple[FamilyElement, ...]:
        """What a namespace inherits from at first hand: its ancestors that none of its other ancestors has."""
        chains = self.definition.family_parents
        ancestors = chains.get(name, ())[1:]
        parents = self._direct_parents.get(ancestors)
        if parents is None:
            further = {one for ancestor in ancestors for one in chains.get(ancestor, ())[1:]}
            parents = tuple(self.family(one) for one in ancestors if one not in further)
            self._direct_parents[ancestors] = parents
        return parents

    def _meta(self, runtime: Mapping[str, Any]) -> MetaElement:
        settings = runtime.get("meta") or NO_SETTINGS
        meta = self._metas.get(id(settings))
        if meta is None:
            meta = meta_of(settings)
            # Most namespaces have equal ones: they share one.
            meta = self._metas[id(settings)] = self._equal_metas.setdefault(meta, meta)
        return meta

    def _settings(self, runtime: Mapping[str, Any], completion: str) -> tuple[RuntimeElement, RuntimeBytes]:
        key = (id(runtime), completion)
        known = self._runtimes.get(key)
        if known is None:
            element = runtime_of(runtime, completion, self._run_mode)
            known = self._equal_runtimes.get(element)
            if known is None:
                known = self._equal_runtimes[element] = (element, RuntimeBytes(element))
            self._runtimes[key] = known
        return known


def meta_of(settings: Mapping[str, Any]) -> MetaElement:
    """A ``[meta]`` section as the picture has it."""
    return MetaElement(
        str(settings.get("title") or ""),
        str(settings.get("description") or ""),
        str(settings.get("URL") or ""),
        tuple((key, str(value)) for key, value in settings.items() if key not in ("title", "description", "URL")),
    )


def runtime_of(settings: Mapping[str, Any], completion: str, run_mode: str) -> RuntimeElement:
    """A namespace's settings as the picture has them: durations as ISO 8601, lists joined by commas."""

    def text(name: str) -> str:
        value = settings.get(name)
        return "" if value is None else str(value)

    def seconds(name: str) -> str:
        value = settings.get(name)
        if value is None:
            return ""
        if isinstance(value, (int, float)):
            return duration(float(value))
        return ", ".join(duration(float(one)) for one in value)

    def section(name: str) -> tuple[tuple[str, str], ...]:
        return tuple((key, str(value)) for key, value in (settings.get(name) or NO_SETTINGS).items())

    own_mode = settings.get("run mode")
    return RuntimeElement(
        platform=text("platform"),
        script=text("script"),
        init_script=text("init-script"),
        env_script=text("env-script"),
        err_script=text("err-script"),
        exit_script=text("exit-script"),
        pre_script=text("pre-script"),
        post_script=text("post-script"),
        work_sub_dir=text("work sub-directory"),
        execution_polling_intervals=seconds("execution polling intervals"),
        execution_retry_delays=seconds("execution retry delays"),
        execution_time_limit=seconds("execution time limit"),
        submission_polling_intervals=seconds("submission polling intervals"),
        submission_retry_delays=seconds("submission retry delays"),
        directives=section("directives"),
        environment=section("environment"),
        outputs=section("outputs"),
        completion=completion,
        run_mode=(own_mode if run_mode == "live" and own_mode else run_mode).capitalize(),
    )


def _output_messages(outputs: Mapping[str, Any]) -> dict[str, str]:
    ordered = [label for label in STANDARD_OUTPUTS if label in outputs]
    ordered += [label for label in outputs if label not in STANDARD_OUTPUTS]
    return {label: outputs[label].message for label in ordered}
