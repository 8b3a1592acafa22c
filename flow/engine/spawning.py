"""Spawning on demand: an output brings its children into the pool, cycles bring the parentless."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from .history import Past
from .prerequisite import FORCED, NATURALLY, GateTree, OutputKey, Prerequisite, prerequisite_at
from .proxy import FINAL, WAITING, TaskProxy, flow_text

if TYPE_CHECKING:
    from ..language.definition import WorkflowDefinition
    from .engine import Engine


class Spawner:
    """Brings instances into the pool and tells them what has been satisfied (Cylc 8.5's spawn-on-demand)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.prerequisites: dict[tuple[int, int], list[Prerequisite]] = {}
        """By (dependency index, child point): what instances in the pool wait for."""
        self.absolute_outputs: set[OutputKey] = set()
        """Outputs seen that children at any later point wait for."""
        self._absolute_waiting: dict[OutputKey, list[tuple[Prerequisite, int]]] = {}
        self.searches: list[tuple[str, int, frozenset[int]]] = []
        """Looks for a parentless instance that wait for the window: task, point to go on from, flows."""

    def reset(self, definition: WorkflowDefinition) -> None:
        """Forget what the pool waits for: the graph has changed, everything will be attached anew."""
        self.prerequisites.clear()
        self._absolute_waiting.clear()
        self.searches = [search for search in self.searches if search[0] in definition.tasks]
        self.engine.changes.searches = True

    # -- the parentless ------------------------------------------------------------------------------------------------

    def start(self, flows: frozenset[int]) -> None:
        """Spawn the first parentless instance of every task, each as a step of its own."""
        engine = self.engine
        definition = engine.definition
        if definition.start_tasks:
            for point, name in definition.start_tasks:
                engine.agenda.append(partial(self._spawn_start_task, name, point, flows))
            return
        for name in definition.tasks:
            engine.agenda.append(partial(self.spawn_parentless, name, definition.start_point, flows))

    def _spawn_start_task(self, name: str, point: int, flows: frozenset[int]) -> None:
        proxy = self.spawn(name, point, flows)
        if proxy is not None:
            for prerequisite in proxy.prerequisites:
                for leaf in range(len(prerequisite.keys)):
                    self.satisfy(prerequisite, leaf, NATURALLY)

    def spawn_parentless(self, name: str, at_or_after: int, flows: frozenset[int]) -> None:
        """Spawn a task at its first parentless point from a point on, to wait for the runahead limit."""
        point, resume = self.engine.graph.first_parentless(name, at_or_after)
        if point is not None:
            self.spawn(name, point, flows)
        elif resume is not None:
            self.searches.append((name, resume, flows))
            self.engine.changes.searches = True

    def resume_searches(self, limit: int) -> None:
        """Go on looking for parentless points where the window has caught up with the search."""
        reached = [search for search in self.searches if search[1] <= limit]
        if reached:
            self.searches = [search for search in self.searches if search[1] > limit]
            self.engine.changes.searches = True
            for name, point, flows in reached:
                self.spawn_parentless(name, point, flows)

    def spawn_next_parentless(self, proxy: TaskProxy) -> None:
        """Once a parentless instance is released, its successor takes its place at the edge of the window."""
        if proxy.flows:
            self.spawn_parentless(proxy.definition.name, proxy.point + 1, proxy.flows)

    # -- children ------------------------------------------------------------------------------------------------------

    def output_completed(self, proxy: TaskProxy, label: str) -> None:
        """Pass an output on to everything that waits for it."""
        if not proxy.flows or proxy.flow_wait:
            return
        key = OutputKey(proxy.point, proxy.definition.name, label)
        for tree, leaf, offset in self.engine.graph.links(proxy.definition.name, label):
            sequence = tree.dependency.sequence
            if offset is None:
                if sequence.contains(proxy.point):
                    self._satisfy_children(tree, leaf, proxy.point, proxy.flows)
            elif offset.is_absolute:
                if offset.parent(proxy.point) == proxy.point:
                    self._absolute_output(key, tree, leaf, proxy.flows)
            else:
                for child_point in offset.children(proxy.point, sequence):
                    self._satisfy_children(tree, leaf, child_point, proxy.flows)

    def spawn_all_children(self, proxy: TaskProxy) -> None:
        """Bring whatever may come of an instance into the pool before it runs (Cylc 7 behaviour, for ``suite.rc``)."""
        if not proxy.flows or proxy.flow_wait:
            return
        for label in proxy.definition.outputs:
            for tree, _, offset in self.engine.graph.links(proxy.definition.name, label):
                sequence = tree.dependency.sequence
                points: Iterable[int]
                if offset is None:
                    points = (proxy.point,) if sequence.contains(proxy.point) else ()
                elif offset.is_absolute:
                    first = sequence.first(self.engine.definition.start_point)
                    points = (first,) if first is not None and offset.parent(first) == proxy.point else ()
                else:
                    points = offset.children(proxy.point, sequence)
                for point in points:
                    for name in tree.dependency.children:
                        self.spawn(name, point, proxy.flows)

    def _absolute_output(self, key: OutputKey, tree: GateTree, leaf: int, flows: frozenset[int]) -> None:
        if key not in self.absolute_outputs:
            self.absolute_outputs.add(key)
            self.engine.changes.absolute_outputs.append(key)
            for prerequisite, index in self._absolute_waiting.pop(key, []):
                self.satisfy(prerequisite, index, NATURALLY)
        first = tree.dependency.sequence.first(self.engine.definition.start_point)
        if first is not None:
            self._satisfy_children(tree, leaf, first, flows)

    def _satisfy_children(self, tree: GateTree, leaf: int, point: int, flows: frozenset[int]) -> None:
        """Spawn (or merge into) the children of a dependency at a point, then mark the leaf for all of them."""
        dependency = tree.dependency
        shared = self.prerequisites.get((dependency.index, point))
        if not dependency.suicide and not (shared and any(flows <= one.flows for one in shared if not one.is_private)):
            for name in dependency.children:
                existing = self.engine.pool.get((point, name))
                if existing is None:
                    self.spawn(name, point, flows)
                else:
                    self.merge(existing, flows)
            shared = self.prerequisites.get((dependency.index, point))
            if shared and len(shared) == 1:
                shared[0].flows |= flows
        if shared:
            for prerequisite in list(shared):
                self.satisfy(prerequisite, leaf, NATURALLY)

    def merge(self, proxy: TaskProxy, flows: frozenset[int]) -> None:
        """An instance in the pool is met by another flow: it carries both from now on."""
        if flows <= proxy.flows:
            return
        engine = self.engine
        before = proxy.label()
        had_flow = bool(proxy.flows)
        proxy.flows |= flows
        engine.touch(proxy)
        engine.log("INFO", f"{before} merged in flow(s) {flow_text(flows)}")
        if not had_flow or proxy.flow_wait:
            proxy.flow_wait = False
            for label in list(proxy.outputs):
                self.output_completed(proxy, label)
        if proxy.status in FINAL:
            engine.outcomes.reset_to_waiting(proxy)

    def satisfy(self, prerequisite: Prerequisite, leaf: int, how: str) -> None:
        """Mark one leaf of a prerequisite; whoever that makes ready is queued, or removed by a suicide trigger."""
        if leaf in prerequisite.how:
            return
        newly_met = prerequisite.satisfy(leaf, how)
        engine = self.engine
        engine.changes.satisfied[prerequisite] = None
        if not newly_met:
            # One of a family's thousand: nobody it concerns need be looked at.
            return
        is_suicide = prerequisite.tree.dependency.suicide
        for proxy in list(prerequisite.dependents):
            if is_suicide:
                if all(one.is_met for one in proxy.suicides):
                    engine.remove(proxy, "suicide trigger")
            else:
                proxy.unmet -= 1
                if not proxy.unmet:
                    engine.queue_if_ready(proxy)

    # -- one instance --------------------------------------------------------------------------------------------------

    def spawn(
        self, name: str, point: int, flows: frozenset[int], *, force: bool = False, as_it_ended: bool = False
    ) -> TaskProxy | None:
        """Bring a task into the pool at a point, unless its limits or its history forbid it; None if so.

        With `force` history does not count: a user wants it to run (again), or, with `as_it_ended`, to change what it
        has left behind if it has run.
        """
        engine = self.engine
        definition = engine.definition
        if point < definition.start_point or (definition.final_point is not None and point > definition.final_point):
            return None
        existing = engine.pool.get((point, name))
        if existing is not None:
            self.merge(existing, flows)
            return existing
        past = engine.history.of(point, name)
        submit_number = 0
        revived: Past | None = None
        for one in past:
            submit_number = max(submit_number, one.submit_number)
            if as_it_ended and one.is_final and one.flows & flows:
                revived = one
            if one.flows & flows and not force:
                if one.flow_wait and one.is_final:
                    self._catch_up(name, point, one)
                    return None
                if one.is_final and not one.is_complete:
                    revived = one
                elif one.is_final or not one.outputs:
                    # It has run, or was removed before it could: never twice in a flow.
                    return None
        node = engine.graph.nodes[name]
        if not force and self._waits_beyond_stop_point(node.trees, name, point):
            return None
        proxy = TaskProxy(
            engine.next_identity(),
            node.definition,
            point,
            definition.cycling.format(point),
            flows,
            submit_number=submit_number,
            is_parentless=engine.graph.is_parentless(name, point),
            time_created=engine.now,
            time_updated=engine.now,
        )
        if (point, name) in engine.interventions.to_hold:
            engine.interventions.to_hold.discard((point, name))
            engine.changes.held[point, name] = False
            proxy.is_held = True
            proxy.held_since = engine.since.held(proxy.id)
            engine.since.hold(proxy.id, False)
        elif engine.hold_point is not None and point > engine.hold_point:
            proxy.is_held = True
            proxy.held_since = engine.now
        self.attach_prerequisites(proxy)
        if not force and proxy.suicides and all(one.is_met for one in proxy.suicides):
            self.detach_prerequisites(proxy)
            engine.history.add(point, name, Past(flows, WAITING, submit_number, frozenset(), False, left_at=engine.now))
            engine.log("DEBUG", f"{proxy.label()} not spawned: its suicide trigger has fired")
            return None
        if revived is not None:
            proxy.status = revived.status
            proxy.outputs = {label: node.definition.outputs[label].message for label in revived.outputs}
            proxy.is_runahead = False
        engine.xtriggers.attach(proxy)
        engine.external.attach(proxy, satisfied=revived is not None)
        engine.add_to_pool(proxy)
        return proxy

    def _catch_up(self, name: str, point: int, past: Past) -> None:
        """A flow reaches an instance that was triggered to wait for it: it does not run again, its outputs go on."""
        engine = self.engine
        engine.history.no_longer_waits(point, name, past)
        engine.changes.caught_up.append(past.identity)
        definition = engine.graph.nodes[name].definition
        ghost = TaskProxy(past.identity, definition, point, engine.definition.cycling.format(point), past.flows)
        for label in past.outputs:
            self.output_completed(ghost, label)

    def make_private(self, proxy: TaskProxy, index: int) -> Prerequisite:
        """One of an instance's prerequisites as its own, so that a change for it changes nothing for its siblings."""
        shared = proxy.prerequisites[index]
        if shared.is_private:
            return shared
        if len(shared.dependents) == 1:
            shared.is_private = True
            return shared
        own = shared.copy()
        own.dependents[proxy] = None
        del shared.dependents[proxy]
        proxy.prerequisites[index] = own
        self.prerequisites[shared.tree.dependency.index, shared.point].append(own)
        for leaf, one in enumerate(own.tree.leaves):
            if one.offset is not None and one.offset.is_absolute and leaf not in own.how:
                self._absolute_waiting.setdefault(own.keys[leaf], []).append((own, leaf))
        return own

    def undo_output(self, key: OutputKey, flows: frozenset[int]) -> None:
        """An output counts no more in some flows: whoever it satisfied, not by force, waits again, or goes if it was
        all that brought it."""
        engine = self.engine
        self.absolute_outputs.discard(key)
        for tree, _, offset in engine.graph.links(key.task, key.output):
            sequence = tree.dependency.sequence
            if offset is None:
                points = [key.point] if sequence.contains(key.point) else []
            elif offset.is_absolute:
                points = [point for index, point in self.prerequisites if index == tree.dependency.index]
            else:
                points = list(offset.children(key.point, sequence))
            for point in points:
                for prerequisite in list(self.prerequisites.get((tree.dependency.index, point), ())):
                    self._undo(prerequisite, key, flows)

    def _undo(self, prerequisite: Prerequisite, key: OutputKey, flows: frozenset[int]) -> None:
        engine = self.engine
        dependents = [proxy for proxy in prerequisite.dependents if proxy.flows & flows]
        if key not in prerequisite.keys or not dependents:
            return
        leaf = prerequisite.keys.index(key)
        if prerequisite.how.get(leaf) in (None, FORCED):
            return
        reopened = prerequisite.undo(leaf)
        prerequisite.flows -= flows
        for proxy in dependents:
            engine.touch_prerequisites(proxy)
            if reopened and not prerequisite.tree.dependency.suicide:
                proxy.unmet += 1
            if proxy.status != WAITING:
                continue
            if proxy.is_queued and proxy.unmet:
                proxy.is_queued = False
                engine.touch(proxy)
            if not proxy.is_parentless and not any(one.how for one in proxy.prerequisites):
                engine.remove(proxy, "prerequisite task(s) removed")
                engine.forget(proxy.point, proxy.definition.name, proxy.flows)

    def _waits_beyond_stop_point(self, trees: tuple[GateTree, ...], name: str, point: int) -> bool:
        stop = self.engine.runahead.stop_point
        if stop is None or point > stop:
            return False
        for tree in trees:
            if tree.reaches_ahead and tree.dependency.sequence.contains(point):
                for leaf in tree.leaves:
                    if leaf.offset is not None and leaf.offset.parent(point) > stop:
                        cycle = self.engine.definition.cycling.format(point)
                        self.engine.log(
                            "WARNING",
                            f"not spawned {cycle}/{name}: it waits for a task beyond the stop point",
                        )
                        return True
        return False

    def attach_prerequisites(self, proxy: TaskProxy) -> None:
        """Give an instance its prerequisites: shared with its siblings where they are in the same flows."""
        node = self.engine.graph.nodes[proxy.definition.name]
        point = proxy.point
        for tree in node.trees:
            if tree.dependency.sequence.contains(point):
                prerequisite = self._shared(tree, point, proxy.flows)
                prerequisite.dependents[proxy] = None
                proxy.prerequisites.append(prerequisite)
                if not prerequisite.is_met:
                    proxy.unmet += 1
        for tree in node.suicide_trees:
            if tree.dependency.sequence.contains(point):
                prerequisite = self._shared(tree, point, proxy.flows)
                prerequisite.dependents[proxy] = None
                proxy.suicides.append(prerequisite)

    def _shared(self, tree: GateTree, point: int, flows: frozenset[int]) -> Prerequisite:
        key = (tree.dependency.index, point)
        live = self.prerequisites.get(key)
        if live:
            for prerequisite in live:
                if prerequisite.is_private:
                    continue
                if prerequisite.flows == flows or next(iter(prerequisite.dependents)).flows == flows:
                    return prerequisite
        prerequisite = prerequisite_at(tree, point)
        self.prerequisites.setdefault(key, []).append(prerequisite)
        self._satisfy_from_the_past(prerequisite, flows)
        return prerequisite

    def _satisfy_from_the_past(self, prerequisite: Prerequisite, flows: frozenset[int]) -> None:
        """Mark what cannot be waited for: parents before the start, absolute outputs seen, and (for suicide triggers,
        which spawn nothing) outputs completed before the instance came."""
        start = self.engine.definition.start_point
        suicide = prerequisite.tree.dependency.suicide
        for leaf, key in enumerate(prerequisite.keys):
            offset = prerequisite.tree.leaves[leaf].offset
            if key.point < start <= prerequisite.point:
                prerequisite.satisfy(leaf, NATURALLY)
            elif offset is not None and offset.is_absolute:
                if key in self.absolute_outputs:
                    prerequisite.satisfy(leaf, NATURALLY)
                else:
                    self._absolute_waiting.setdefault(key, []).append((prerequisite, leaf))
            elif suicide and self.is_output_complete(key, flows):
                prerequisite.satisfy(leaf, NATURALLY)

    def is_output_complete(self, key: OutputKey, flows: frozenset[int]) -> bool:
        """Whether an output has been completed in any of these flows, in the pool or before."""
        proxy = self.engine.pool.get((key.point, key.task))
        if proxy is not None and key.output in proxy.outputs and proxy.flows & flows:
            return True
        return self.engine.history.has_output(key.point, key.task, key.output, flows)

    def detach_prerequisites(self, proxy: TaskProxy) -> None:
        """An instance leaves: what only it waited for is forgotten."""
        for prerequisite in (*proxy.prerequisites, *proxy.suicides):
            prerequisite.dependents.pop(proxy, None)
            if prerequisite.dependents:
                continue
            key = (prerequisite.tree.dependency.index, prerequisite.point)
            live = self.prerequisites.get(key)
            if live is not None:
                live.remove(prerequisite)
                if not live:
                    del self.prerequisites[key]
            for leaf, one in enumerate(prerequisite.tree.leaves):
                if one.offset is not None and one.offset.is_absolute and leaf not in prerequisite.how:
                    waiting = self._absolute_waiting.get(prerequisite.keys[leaf])
                    if waiting is not None:
                        waiting.remove((prerequisite, leaf))
                        if not waiting:
                            del self._absolute_waiting[prerequisite.keys[leaf]]
