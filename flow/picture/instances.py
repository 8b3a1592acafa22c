"""Task instances, their families, jobs and edges: kept in step with the engine, one change at a time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ...proto.field_numbers import PbFamilyProxy
from ..engine.changes import Changes
from ..engine.history import Past
from ..engine.proxy import JobTimes, TaskProxy
from . import wire
from .elements import EdgeElement, FamilyProxyElement, TaskProxyElement, XtriggerElement
from .encode_instances import news_of, write_ancestry
from .jobs import SILENT_OUTPUTS, Jobs
from .snapshots import PrerequisiteSnapshots
from .window import Edge, Key, Node, Window, WindowChange

if TYPE_CHECKING:
    from .picture import Picture

LARGE_PREREQUISITE = 50
"""An instance that waits for more outputs than this is not told anew for each of them."""
DEFERRED_CONDITIONS = 5_000
"""How many conditions of such instances go into one batch at most."""

T = TypeVar("T")
_flow_texts: dict[frozenset[int], str] = {}


class Instances:
    """What the picture shows of the window."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.engine = picture.engine
        self.definitions = picture.definitions
        self.workflow = picture.workflow
        self._id = picture.identity.id
        self.jobs = Jobs(picture)
        self._families: dict[tuple[str, str], FamilyProxyElement] = {}
        self._moved_families: dict[FamilyProxyElement, None] = {}
        self._points: dict[int, int] = {}
        self._present: dict[TaskProxy, None] = {}
        self._gone: dict[TaskProxy, None] = {}
        self._jobs: dict[TaskProxy, JobTimes | None] = {}
        """Instances whose job changed, with the latest job that is known of."""
        self._superseded: dict[TaskProxy, list[JobTimes]] = {}
        """Their jobs before that, if any changed since the instance was last taken in."""
        self._prerequisites: dict[TaskProxy, None] = {}
        self._deferred: dict[TaskProxy, None] = {}
        self._snapshots = PrerequisiteSnapshots(self.engine)
        self.window = self._new_window()

    def _new_window(self) -> Window:
        return Window(self.engine.definition, self.engine.graph, self.workflow.n_edge_distance)

    def begin(self) -> None:
        """Have all of the engine's pool taken in by `catch_up`."""
        self._present = dict.fromkeys(self.engine.pool.values())
        tasks = self.engine.definition.tasks
        for proxy in self._present:
            if proxy.definition.name not in tasks:
                self.definitions.orphans[proxy.definition.name] = proxy.definition
        self._jobs = {proxy: proxy.job for proxy in self._present}

    # -- changes -------------------------------------------------------------------------------------------------------

    def take(self, changes: Changes) -> None:
        """Note what a turn of the engine changed, for `catch_up` to take in."""
        for proxy in changes.proxies:
            if proxy.was_removed:
                self._present.pop(proxy, None)
                self._gone[proxy] = None
            else:
                self._present[proxy] = None
        for key, held in changes.held.items():
            self._hold(key, held)
        for proxy, times in changes.superseded:
            self._superseded.setdefault(proxy, []).append(times)
        for proxy in changes.jobs:
            before, self._jobs[proxy] = self._jobs.get(proxy), proxy.job
            if before is not None and before is not proxy.job and before not in self._superseded.get(proxy, ()):
                self._superseded.setdefault(proxy, []).append(before)
        self._prerequisites.update(changes.prerequisites)
        for prerequisite in changes.satisfied:
            self._prerequisites.update(prerequisite.dependents)

    @property
    def is_behind(self) -> bool:
        """Whether there are changes that have not been taken in."""
        return bool(self._present or self._gone or self._jobs or self._prerequisites)

    def catch_up(self, items: int) -> bool:
        """Take in up to this many changed instances; True once there are no more.

        Those that are in the pool come first: what leaves then finds its neighbours where they are.
        """
        present = _some(self._present, items)
        if present:
            self._enter(self.window.update(self._entered(present), ()))
            for proxy in present:
                if proxy in self._jobs:
                    del self._jobs[proxy]
                    self._update_job(proxy)
                self._prerequisites.pop(proxy, None)
                self._update_proxy(proxy)
        items -= len(present)
        for proxy in _some(self._prerequisites, items):
            items -= 1
            self._update_prerequisites(proxy)
        gone = _some(self._gone, items)
        if gone:
            for proxy in gone:
                if proxy in self._jobs:
                    del self._jobs[proxy]
                    self._update_job(proxy)
                self._update_proxy(proxy)
            change = self.window.update((), self._left(gone))
            self._enter(change)
            self._leave(change)
        items -= len(gone)
        for proxy in _some(self._jobs, items):
            self._update_job(proxy)
        self._settle()
        return not self.is_behind

    def _entered(self, proxies: Iterable[TaskProxy]) -> list[Key]:
        """Keys of those that are in the pool and were not."""
        pool, nodes = self.engine.pool, self.window.nodes
        entered: dict[Key, None] = {}
        for proxy in proxies:
            key = (proxy.point, proxy.definition.name)
            node = nodes.get(key)
            if key in pool and (node is None or not node.is_active) and key not in entered:
                entered[key] = None
                self._count_point(proxy.point, +1)
        return list(entered)

    def _left(self, proxies: Iterable[TaskProxy]) -> list[Key]:
        """Keys of those that were in the pool and are not."""
        pool, nodes = self.engine.pool, self.window.nodes
        left: dict[Key, None] = {}
        for proxy in proxies:
            key = (proxy.point, proxy.definition.name)
            node = nodes.get(key)
            if key not in pool and node is not None and node.is_active and key not in left:
                left[key] = None
                self._count_point(proxy.point, -1)
        return list(left)

    def set_extent(self, extent: int) -> None:
        """Look at the whole pool again with a window of another size."""
        while not self.catch_up(1_000_000):
            pass
        before = {node.key: node for node in self.window.nodes.values() if node.is_shown}
        self.window = self._new_window()
        change = self.window.update(self.engine.pool, ())
        arrived = []
        for node in change.entered:
            known = before.pop(node.key, None)
            if known is None:
                arrived.append(node)
                continue
            node.element = known.element
            node.element.node = node
            change.moved.append(node)
        old_edges = self.picture.edges.elements
        kept = {self._edge_id(edge) for edge in change.edges_added}
        for id in [id for id in old_edges if id not in kept]:
            self._prune_edge(old_edges[id])
        change.edges_added = [edge for edge in change.edges_added if self._edge_id(edge) not in old_edges]
        change.entered = arrived
        change.left = list(before.values())
        self._enter(change)
        self._leave(change)
        self._settle()

    def _enter(self, change: WindowChange) -> None:
        for node in change.entered:
            self._create(node)
        for node in change.moved:
            element = node.element
            self._count(element, -1)
            element.graph_depth = node.depth
            self._count(element, +1)
            self.picture.task_proxies.touch(element)
        for edge in change.edges_added:
            self._create_edge(edge)

    def _leave(self, change: WindowChange) -> None:
        for edge in change.edges_removed:
            element = self.picture.edges.elements.get(self._edge_id(edge))
            if element is not None:
                self._prune_edge(element)
        for node in change.left:
            self._prune(node.element)
            node.element = None

    def _settle(self) -> None:
        """Derive what follows from the counts that changed."""
        families, self._moved_families = self._moved_families, {}
        channel = self.picture.family_proxies
        for family in families:
            if (family.cycle_point, family.name) in self._families:
                family.settle()
                channel.touch(family)
        workflow, write = self.workflow, self.engine.definition.cycling.format
        points = self._points
        workflow.oldest_active_cycle_point = write(min(points)) if points else ""
        workflow.newest_active_cycle_point = write(max(points)) if points else ""

    def _count_point(self, point: int, step: int) -> None:
        count = self._points.get(point, 0) + step
        if count:
            self._points[point] = count
        else:
            del self._points[point]

    # -- instances -----------------------------------------------------------------------------------------------------

    def _create(self, node: Node) -> None:
        point, name = node.key
        picture = self.picture
        cycle = self.engine.definition.cycling.format(point)
        task = self.definitions.task(name)
        family = self._family(cycle, task.first_parent.name)
        id = f"{self._id}//{cycle}/{name}"
        element = TaskProxyElement(id, wire.reference(id), name, cycle, node, task, family, graph_depth=node.depth)
        node.element = element
        proxy = self.engine.pool.get(node.key)
        if proxy is None:
            past = self.engine.history.of(point, name)
            if past:
                self._show_past(element, past[-1])
            element.is_held = node.key in self.engine.interventions.to_hold
            element.prerequisites = self._snapshots.at(point, name)
        else:
            self._take_state(element, proxy)
        self.workflow.saw(element.state, f"{cycle}/{name}")
        is_new = picture.task_proxies.is_news_of(id)
        picture.task_proxies.add(element)
        family.child_tasks[element] = None
        task.proxies[element] = None
        if is_new:
            if not picture.family_proxies.is_new(family):
                family.new_children.append((PbFamilyProxy.child_tasks, element.reference))
            if picture.tasks.touch(task):
                task.new_proxies.append(element.reference)
        self._count(element, +1)

    def _show_past(self, element: TaskProxyElement, past: Past) -> None:
        element.state = past.status
        element.flow_nums = flow_numbers(past.flows)
        element.job_submits = past.submit_number
        element.outputs = dict.fromkeys(past.outputs, 0.0)

    def _prune(self, element: TaskProxyElement) -> None:
        picture = self.picture
        for edge in list(element.edges or ()):
            self._prune_edge(edge)
        for job in element.jobs or ():
            picture.jobs.prune(job)
        self._count(element, -1)
        picture.task_proxies.prune(element)
        task = element.task
        del task.proxies[element]
        _forget(task.new_proxies, element.reference)
        task.rewrite()
        family: FamilyProxyElement | None = element.first_parent
        assert family is not None
        del family.child_tasks[element]
        _forget(family.new_children, (PbFamilyProxy.child_tasks, element.reference))
        family.children = None
        while family is not None and not family.child_tasks and not family.child_families:
            picture.family_proxies.prune(family)
            del self._families[family.cycle_point, family.name]
            del family.family.proxies[family]
            _forget(family.family.new_proxies, family.reference)
            family.family.rewrite()
            parent = family.first_parent
            if parent is not None:
                del parent.child_families[family]
                _forget(parent.new_children, (PbFamilyProxy.child_families, family.reference))
                parent.children = None
            family = parent

    def _count(self, element: TaskProxyElement, step: int) -> None:
        self.workflow.count(element, step)
        family: FamilyProxyElement | None = element.first_parent
        while family is not None:
            family.count(element, step)
            self._moved_families[family] = None
            family = family.first_parent

    def _family(self, cycle: str, name: str) -> FamilyProxyElement:
        element = self._families.get((cycle, name))
        if element is not None:
            return element
        family = self.definitions.family(name)
        parent = None if family.first_parent is None else self._family(cycle, family.first_parent.name)
        id = f"{self._id}//{cycle}/{name}"
        element = FamilyProxyElement(id, wire.reference(id), name, cycle, family, parent)
        write_ancestry(element)
        self._families[cycle, name] = element
        picture = self.picture
        is_new = picture.family_proxies.is_news_of(id)
        picture.family_proxies.add(element)
        family.proxies[element] = None
        if is_new and picture.families.touch(family):
            family.new_proxies.append(element.reference)
        if parent is not None:
            parent.child_families[element] = None
            if is_new and not picture.family_proxies.is_new(parent):
                parent.new_children.append((PbFamilyProxy.child_families, element.reference))
        return element

    def _hold(self, key: Key, held: bool) -> None:
        """An instance that is not in the pool is to be held when it comes, or no longer."""
        node = self.window.nodes.get(key)
        if node is not None and node.element is not None and key not in self.engine.pool:
            element: TaskProxyElement = node.element
            self._count(element, -1)
            element.is_held = held
            self._count(element, +1)
            self.picture.task_proxies.touch(element)

    # -- the state of an instance --------------------------------------------------------------------------------------

    def _element_of(self, proxy: TaskProxy) -> TaskProxyElement | None:
        """What shows an instance, unless another has taken its place since."""
        key = (proxy.point, proxy.definition.name)
        node = self.window.nodes.get(key)
        if node is None or node.element is None or self.engine.pool.get(key, proxy) is not proxy:
            return None
        element: TaskProxyElement = node.element
        return element

    def _update_proxy(self, proxy: TaskProxy) -> None:
        element = self._element_of(proxy)
        if element is None:
            return
        self._deferred.pop(proxy, None)
        self._count(element, -1)
        before = element.state
        self._take_state(element, proxy)
        if element.state != before:
            self.workflow.saw(element.state, proxy.id)
        self._count(element, +1)
        self.picture.task_proxies.touch(element)

    def _take_state(self, element: TaskProxyElement, proxy: TaskProxy) -> None:
        is_in = not proxy.was_removed
        element.state = proxy.status
        element.is_held = proxy.is_held and is_in
        element.is_queued = proxy.is_queued and is_in
        element.is_runahead = proxy.is_runahead and is_in
        element.is_retry = proxy.retry_at is not None and is_in
        element.flow_nums = flow_numbers(proxy.flows)
        element.flow_wait = proxy.flow_wait
        element.job_submits = proxy.submit_number
        if proxy.outputs or element.outputs:
            self._take_outputs(element, proxy)
        if proxy.xtriggers or element.xtriggers:
            self._take_xtriggers(element, proxy)
        if proxy.definition.external_trigger is not None:
            self._take_external_trigger(element, proxy)
        self._take_prerequisites(element, proxy)

    def _take_outputs(self, element: TaskProxyElement, proxy: TaskProxy) -> None:
        known = element.outputs or {}
        if known.keys() == proxy.outputs.keys():
            return
        now = proxy.time_updated
        element.outputs = {label: known.get(label, now) for label in proxy.outputs}
        news_of(element).outputs = True
        if element.jobs:
            job = element.jobs[-1]
            said = [
                message
                for label, message in proxy.outputs.items()
                if label not in known and label not in SILENT_OUTPUTS
            ]
            if said:
                job.messages = (*job.messages, *said)
                self.picture.jobs.touch(job)

    def _take_xtriggers(self, element: TaskProxyElement, proxy: TaskProxy) -> None:
        waits_for_clock = waits_for_other = False
        shown = []
        for label, satisfied in proxy.xtriggers.items():
            definition = self.engine.definition.xtriggers.get(label)
            if definition is None:
                continue
            is_clock = definition.function == "wall_clock"
            if not satisfied:
                waits_for_clock |= is_clock
                waits_for_other |= not is_clock
            if is_clock:
                due = self.engine.xtriggers.due_time(definition, proxy.point)
                signature = f"wall_clock(trigger_time={int(due) if due == int(due) else due})"
            else:
                signature = self.engine.xtriggers.resolve(definition, proxy)[0]
            shown.append(XtriggerElement(signature, label, "", satisfied, 0.0))
        element.is_wallclock = waits_for_clock and not proxy.was_removed
        element.is_xtriggered = waits_for_other and not proxy.was_removed
        if [one.satisfied for one in shown] != [one.satisfied for one in element.xtriggers]:
            element.xtriggers = tuple(shown)
            news_of(element).xtriggers = True

    def _take_external_trigger(self, element: TaskProxyElement, proxy: TaskProxy) -> None:
        message = proxy.definition.external_trigger or ""
        shown = XtriggerElement(message, "", message, not proxy.external_unmet, 0.0)
        if [one.satisfied for one in element.external_triggers] != [shown.satisfied]:
            element.external_triggers = (shown,)
            news_of(element).xtriggers = True

    # -- prerequisites -------------------------------------------------------------------------------------------------

    def _update_prerequisites(self, proxy: TaskProxy) -> None:
        element = self._element_of(proxy)
        if element is None:
            return
        if proxy.unmet and sum(len(one.keys) for one in proxy.prerequisites) > LARGE_PREREQUISITE:
            self._deferred[proxy] = None
            return
        self._take_prerequisites(element, proxy)
        if element.news is not None:
            self.picture.task_proxies.touch(element)

    def _take_prerequisites(self, element: TaskProxyElement, proxy: TaskProxy) -> None:
        shown = tuple([self._snapshots.of(one) for one in proxy.prerequisites])
        if shown != element.prerequisites:
            element.prerequisites = shown
            news_of(element).prerequisites = True

    @property
    def has_deferred(self) -> bool:
        """Whether there are prerequisites that subscribers will be told of later."""
        return bool(self._deferred)

    def flush(self) -> None:
        """Take in some of the prerequisites that were put off."""
        conditions = 0
        while self._deferred and conditions < DEFERRED_CONDITIONS:
            proxy, _ = self._deferred.popitem()
            conditions += sum(len(one.keys) for one in proxy.prerequisites)
            element = self._element_of(proxy)
            if element is not None and not proxy.was_removed:
                self._take_prerequisites(element, proxy)
                if element.news is not None:
                    self.picture.task_proxies.touch(element)

    def _update_job(self, proxy: TaskProxy) -> None:
        element = self._element_of(proxy)
        superseded = self._superseded.pop(proxy, ())
        if element is not None:
            for times in superseded:
                self.jobs.update(proxy, element, times)
            self.jobs.update(proxy, element, proxy.job)

    # -- edges ---------------------------------------------------------------------------------------------------------

    def _edge_id(self, edge: Edge) -> str:
        write = self.engine.definition.cycling.format
        (source_point, source), (target_point, target) = edge.source.key, edge.target.key
        return f"{self._id}//$edge|{write(source_point)}/{source}|{write(target_point)}/{target}"

    def _create_edge(self, edge: Edge) -> None:
        picture = self.picture
        id = self._edge_id(edge)
        source, target = edge.source.element, edge.target.element
        element = EdgeElement(id, wire.reference(id), source, target, edge.is_suicide, edge.is_conditional)
        is_new = picture.edges.is_news_of(id)
        picture.edges.add(element)
        for end in (source, target):
            if end.edges is None:
                end.edges = {}
            end.edges[element] = None
            if is_new and picture.task_proxies.touch(end):
                news_of(end).edges.append(element.reference)

    def _prune_edge(self, element: EdgeElement) -> None:
        self.picture.edges.prune(element)
        for end in (element.source, element.target):
            if end.edges is not None:
                end.edges.pop(element, None)
                if end.news is not None:
                    _forget(end.news.edges, element.reference)
                end.rewrite()


def _forget(news: list[T], one: T) -> None:
    """What is gone again before anyone heard of it is not told."""
    if one in news:
        news.remove(one)


def flow_numbers(flows: frozenset[int]) -> str:
    """Flow numbers as the JSON text of a list."""
    text = _flow_texts.get(flows)
    if text is None:
        text = _flow_texts[flows] = f"[{', '.join(map(str, sorted(flows)))}]"
    return text


def _some(waiting: dict[TaskProxy, Any], items: int) -> list[TaskProxy]:
    """Take up to this many out of what waits, first come first."""
    if items >= len(waiting):
        taken = list(waiting)
        waiting.clear()
        return taken
    taken = list(islice(waiting, max(items, 0)))
    for proxy in taken:
        del waiting[proxy]
    return taken
