"""Nodes of a suite as families, tasks and jobs: made once, then kept in step with what the engine says has changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...contact.identifiers import format_job
from ...proto.field_numbers import PbFamilyProxy
from ..engine.proxy import FAILED, FINAL, RUNNING, SUBMITTED, SUCCEEDED
from ..engine.text import utc
from ..suite.nodes import Node, Submittable
from ..suite.states import State
from . import wire
from .definitions import meta_of, runtime_of
from .elements import FamilyElement, FamilyProxyElement, JobElement, TaskElement
from .encode_definitions import RuntimeBytes, write_family, write_task
from .encode_instances import news_of, write_ancestry
from .suite_elements import (
    POINT,
    NodeFamilyElement,
    NodeTaskElement,
    TriggerElement,
    is_retry,
    name_of,
    path_of,
    state_of,
)

if TYPE_CHECKING:
    from .suite_picture import SuitePicture

STANDARD = {"submitted": "submitted", "started": "started", "succeeded": "succeeded", "failed": "failed"}
COMPLETED = {
    State.SUBMITTED: ("submitted",),
    State.ACTIVE: ("submitted", "started"),
    State.COMPLETE: ("submitted", "started", "succeeded"),
    State.ABORTED: ("submitted", "started", "failed"),
}
"""Outputs that a task which has run has by its state; its events are outputs, too."""
_META = meta_of({})
_RUNTIME = runtime_of({}, "", "live")


class SuiteDefinitions:
    """Families and tasks of a suite as queries for what is defined find them; all are made with the nodes."""

    def __init__(self) -> None:
        self.definition = self
        self.tasks: dict[str, TaskElement] = {}
        self.families: dict[str, FamilyElement] = {}
        self.family_parents: dict[str, tuple[str, ...]] = {}
        self.names: tuple[str, ...] = ()

    def complete(self) -> None:
        """All are made already."""

    def prime(self, items: int) -> bool:
        """All are made already."""
        return True

    def tasks_in_order(self) -> list[TaskElement]:
        """All tasks, in the order they came."""
        return list(self.tasks.values())

    def families_in_order(self) -> list[FamilyElement]:
        """All families, in the order they came."""
        return list(self.families.values())

    def task(self, name: str) -> TaskElement:
        """A task by its name."""
        return self.tasks[name]

    def family(self, name: str) -> FamilyElement:
        """A family by its name."""
        return self.families[name]


class SuiteInstances:
    """What the picture shows of the nodes of one suite."""

    def __init__(self, picture: SuitePicture, definitions: SuiteDefinitions) -> None:
        self.picture = picture
        self.definitions = definitions
        self.elements: dict[Node, NodeFamilyElement | NodeTaskElement] = {}
        self._children: dict[Node, dict[Node, None]] = {}
        """By container: the nodes below it that are shown."""
        self._moved: dict[FamilyProxyElement, None] = {}
        self._unwritten: dict[FamilyElement | TaskElement | FamilyProxyElement, None] = {}
        """Whose bytes are still to be made, for who asks for protobuf."""
        self.moved_paths: list[str] = []
        """Of nodes that came or went since this was last emptied: triggers may name them."""
        self._runtime_bytes = RuntimeBytes(_RUNTIME)
        self._prefix = f"{picture.identity.id}//$namespace|"

    # -- as `Picture` uses it ------------------------------------------------------------------------------------------

    is_behind = False
    has_deferred = False

    def catch_up(self, items: int) -> bool:
        """Changes are taken in by `SuitePictures`."""
        return True

    def set_extent(self, extent: int) -> None:
        """A suite is shown whole."""

    def flush(self) -> None:
        """Write what is asked for as bytes now."""
        unwritten, self._unwritten = self._unwritten, {}
        for element in unwritten:
            if isinstance(element, TaskElement):
                write_task(element, self._runtime_bytes)
            elif isinstance(element, FamilyElement):
                write_family(element, self._runtime_bytes, self._prefix)
            else:
                write_ancestry(element)

    # -- nodes that come and go ----------------------------------------------------------------------------------------

    def add(self, node: Node) -> None:
        """Show a node, and none below it; one whose parent is not shown is passed over."""
        parent: NodeFamilyElement | None = None
        if isinstance(node.parent, Node):
            above = self.elements.get(node.parent)
            if above is None:
                return
            # An alias stands beside its task.
            parent = above if isinstance(above, NodeFamilyElement) else _family_of(above)
            self._children.setdefault(node.parent, {})[node] = None
        self.moved_paths.append(node.path)
        if isinstance(node, Submittable):
            assert parent is not None
            self._add_task(node, parent)
        else:
            self._add_family(node, parent)

    def remove(self, node: Node) -> None:
        """Show a node and all below it no longer."""
        for child in list(self._children.get(node, ())):
            self.remove(child)
        self._children.pop(node, None)
        if isinstance(node.parent, Node) and node in self._children.get(node.parent, ()):
            del self._children[node.parent][node]
        element = self.elements.pop(node, None)
        if element is None:
            return
        self.moved_paths.append(path_of(self.picture.suite_name, element.name))
        if isinstance(element, NodeTaskElement):
            self._remove_task(element)
        else:
            self._remove_family(element)

    def lose(self, holder: Node) -> None:
        """Nodes may have come, gone or moved below one: remove those that are not there any more."""
        present = set(holder.children)
        shown = self._children.get(holder, {})
        for child in [child for child in shown if child not in present]:
            self.remove(child)
            shown.pop(child, None)

    def gain(self, holder: Node) -> None:
        """The same: show those that are new, and all below them."""
        for child in holder.children:
            if child not in self._children.get(holder, ()):
                for node in child.walk():
                    self.add(node)
        element = self.elements.get(holder)
        if element is not None:
            self.show(holder)

    def _add_family(self, node: Node, parent: NodeFamilyElement | None) -> None:
        picture = self.picture
        name = name_of(node)
        id = f"{self._prefix}{name}"
        above = None if parent is None else parent.family
        depth = 0 if above is None else above.depth + 1
        parents = () if above is None else (above,)
        family = FamilyElement(id, wire.reference(id), name, _META, _RUNTIME, depth, parents, above, [], [])
        self.definitions.families[name] = family
        picture.families.add(family)
        id = f"{picture.identity.id}//{POINT}/{name}"
        names = (name,) if parent is None else (*parent.names, name)
        element = NodeFamilyElement(
            id, wire.reference(id), name, POINT, family, parent, member=node, is_suspended=node.suspended, names=names
        )
        family.proxies[element] = None
        self.elements[node] = element
        picture.family_proxies.add(element)
        self._unwritten[family] = self._unwritten[element] = None
        if parent is not None and above is not None:
            above.child_families.append(name)
            self._changed_definition(above)
            parent.child_families[element] = None
            self._new_child(parent, PbFamilyProxy.child_families, element.reference)
        self._moved[element] = None

    def _add_task(self, node: Submittable, parent: NodeFamilyElement) -> None:
        picture = self.picture
        name = name_of(node)
        above = parent.family
        id = f"{self._prefix}{name}"
        task = TaskElement(
            id,
            wire.reference(id),
            name,
            _META,
            _RUNTIME,
            above.depth + 1,
            (*parent.names, name),
            (above,),
            above,
            _messages(node),
        )
        self.definitions.tasks[name] = task
        picture.tasks.add(task)
        id = f"{picture.identity.id}//{POINT}/{name}"
        element = NodeTaskElement(
            id,
            wire.reference(id),
            name,
            POINT,
            None,  # type: ignore[arg-type]  # there is no window: a suite is shown whole
            task,
            parent,
            flow_nums="[1]",
            suite_engine=picture.suite_engine,
            member=node,
        )
        task.proxies[element] = None
        self.elements[node] = element
        self._unwritten[task] = None
        above.child_tasks.append(name)
        self._changed_definition(above)
        parent.child_tasks[element] = None
        self._new_child(parent, PbFamilyProxy.child_tasks, element.reference)
        picture.task_proxies.add(element)
        self._take_state(element, node)
        self._count(element, +1)

    def _new_child(self, parent: NodeFamilyElement, number: int, reference: bytes) -> None:
        parent.children = None
        if not self.picture.family_proxies.is_new(parent):
            parent.new_children.append((number, reference))

    def _changed_definition(self, family: FamilyElement) -> None:
        self._unwritten[family] = None
        self.picture.families.touch(family)
        family.rewrite()

    def _remove_task(self, element: NodeTaskElement) -> None:
        picture, task = self.picture, element.task
        for job in element.jobs or ():
            picture.jobs.prune(job)
        self._count(element, -1)
        picture.task_proxies.prune(element)
        parent = element.first_parent
        parent.child_tasks.pop(element, None)
        self._left(parent)
        if self.definitions.tasks.get(task.name) is task:
            del self.definitions.tasks[task.name]
        picture.tasks.prune(task)
        self._unwritten.pop(task, None)
        _drop(parent.family.child_tasks, task.name)
        self._changed_definition(parent.family)

    def _remove_family(self, element: NodeFamilyElement) -> None:
        picture, family = self.picture, element.family
        picture.family_proxies.prune(element)
        self._moved.pop(element, None)
        if self.definitions.families.get(family.name) is family:
            del self.definitions.families[family.name]
        picture.families.prune(family)
        self._unwritten.pop(family, None)
        self._unwritten.pop(element, None)
        parent = element.first_parent
        if parent is not None:
            parent.child_families.pop(element, None)
            self._left(parent)
            _drop(parent.family.child_families, family.name)
            if self.definitions.families.get(parent.family.name) is parent.family:
                self._changed_definition(parent.family)

    def _left(self, parent: FamilyProxyElement) -> None:
        parent.children = None
        parent.rewrite()

    # -- nodes that change ---------------------------------------------------------------------------------------------

    def show(self, node: Node) -> None:
        """Take in what has changed of a node."""
        element = self.elements.get(node)
        if isinstance(element, NodeFamilyElement):
            element.is_suspended = node.suspended
            self._moved[element] = None
        elif element is not None:
            assert isinstance(node, Submittable)
            before = element.state
            self._count(element, -1)
            self._take_state(element, node)
            self._count(element, +1)
            if element.state != before:
                self.picture.workflow.saw(element.state, f"{POINT}/{element.name}")
            self.picture.task_proxies.touch(element)

    def waits(self, node: Node) -> None:
        """Something that the trigger of a node names has changed."""
        element = self.elements.get(node)
        if isinstance(element, NodeTaskElement) and self.picture.task_proxies.touch(element):
            news_of(element).prerequisites = True

    def settle(self) -> None:
        """Derive what follows for families from what has changed below them."""
        moved, self._moved = self._moved, {}
        for family in moved:
            family.settle()
            self.picture.family_proxies.touch(family)

    def _take_state(self, element: NodeTaskElement, node: Submittable) -> None:
        element.state = state_of(node)
        element.is_held = node.suspended
        element.is_retry = is_retry(node)
        element.is_wallclock = node.state is State.QUEUED and bool(node.times or node.todays or node.crons)
        element.job_submits = node.try_number
        outputs = dict.fromkeys(COMPLETED.get(node.state, ()), 0.0) if node.try_number else {}
        for event in node.events:
            if event.value:
                outputs[event.name_or_number] = 0.0
            else:
                outputs.pop(event.name_or_number, None)
        if node.events or element.task.output_messages is not STANDARD:
            self._show_events(element, node)
        news = news_of(element) if self.picture.task_proxies.touch(element) else None
        if outputs != (element.outputs or {}):
            element.outputs = outputs
            if news is not None:
                news.outputs = True
        trigger = node.trigger
        if trigger is None:
            element.prerequisites = ()
        elif not element.prerequisites or element.prerequisites[0].expression is not trigger:  # type: ignore[attr-defined]
            element.prerequisites = (TriggerElement(element.suite_engine, node, trigger),)  # type: ignore[assignment]
        if news is not None:
            news.prerequisites = trigger is not None
        if node.try_number or element.jobs:
            self._show_job(element, node)

    def _show_events(self, element: NodeTaskElement, node: Submittable) -> None:
        """Events are outputs: users may have added some, or taken some away."""
        task, messages = element.task, _messages(node)
        if messages != task.output_messages:
            task.output_messages = messages
            self._unwritten[task] = None
            task.rewrite()
            element.rewrite()
            self.picture.tasks.touch(task)

    def _count(self, element: NodeTaskElement, step: int) -> None:
        self.picture.workflow.count(element, step)
        family: FamilyProxyElement | None = element.first_parent
        while family is not None:
            family.count(element, step)
            self._moved[family] = None
            family = family.first_parent

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def _show_job(self, element: NodeTaskElement, node: Submittable) -> None:
        """Show the job of the latest try; those of a run that was put back are gone."""
        number = node.try_number
        state = _job_state(node)
        latest = element.jobs[-1] if element.jobs else None
        is_anew = latest is not None and latest.submit_num == number and latest.state in FINAL and state not in FINAL
        if is_anew or latest is None or latest.submit_num > number:
            self._forget_jobs(element)
            latest = None
        if not number:
            return
        if latest is None or latest.submit_num < number:
            if latest is not None and latest.state not in FINAL:
                # There is another try: this one failed since it was looked at.
                latest.state, latest.finished_time = FAILED, self._changed_at(node)
                self.picture.jobs.touch(latest)
            latest = self._new_job(element, number)
        else:
            self.picture.jobs.touch(latest)
        if latest.state != state:
            latest.state = state
            at = self._changed_at(node)
            if state == SUBMITTED:
                latest.submitted_time = at
            elif state == RUNNING:
                latest.started_time = at
            else:
                latest.finished_time = at
        latest.job_id = node.process_id
        latest.messages = (node.aborted_reason,) if node.aborted_reason else ()

    def _new_job(self, element: NodeTaskElement, number: int) -> JobElement:
        id = f"{element.id}/{format_job(number)}"
        job = JobElement(id, wire.reference(id), number, element, job_runner_name="ecflow")
        self.picture.jobs.add(job)
        element.jobs = [*(element.jobs or ()), job]
        if self.picture.task_proxies.touch(element):
            news_of(element).jobs.append(job.reference)
        return job

    def _forget_jobs(self, element: NodeTaskElement) -> None:
        if element.jobs:
            for job in element.jobs:
                self.picture.jobs.prune(job)
            element.jobs = None
            element.rewrite()

    def _changed_at(self, node: Node) -> str:
        """When the state of a node changed last, by the clock of its suite."""
        engine = self.picture.suite_engine
        ago = max(engine.suite_duration(node) - node.state_changed_seconds, 0)
        return utc(int(engine.now - ago))


def _job_state(node: Submittable) -> str:
    state = node.state
    if state is State.SUBMITTED:
        return SUBMITTED
    if state is State.ACTIVE:
        return RUNNING
    if state is State.COMPLETE:
        return SUCCEEDED
    if state is State.ABORTED:
        return state_of(node)
    # Queued again after a try, or forced to be unknown: nothing came of it.
    return FAILED


def _messages(node: Submittable) -> dict[str, str]:
    if not node.events:
        return STANDARD
    return {**STANDARD, **{one.name_or_number: one.name_or_number for one in node.events}}


def _family_of(task: NodeTaskElement) -> NodeFamilyElement:
    assert isinstance(task.first_parent, NodeFamilyElement)
    return task.first_parent


def _drop(names: list[str], name: str) -> None:
    if name in names:
        names.remove(name)


def add_all(instances: SuiteInstances, nodes: Iterable[Node]) -> None:
    """Show nodes, parents first."""
    for node in nodes:
        instances.add(node)
    instances.settle()
