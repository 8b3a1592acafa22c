"""Prerequisites as they stand, taken from the engine: one snapshot for all who share a prerequisite."""

from __future__ import annotations

from weakref import WeakValueDictionary

from ..engine.engine import Engine
from ..engine.prerequisite import FROM_DATABASE, NATURALLY, OutputKey, Prerequisite, prerequisite_at
from .prerequisites import PrerequisiteElement


class PrerequisiteSnapshots:
    """Snapshots that are in use; each is made once for as long as nothing changes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._snapshots: WeakValueDictionary[Prerequisite, PrerequisiteElement] = WeakValueDictionary()
        self._unspawned: WeakValueDictionary[tuple[int, int], PrerequisiteElement] = WeakValueDictionary()

    def of(self, prerequisite: Prerequisite) -> PrerequisiteElement:
        """A prerequisite as it stands."""
        known = self._snapshots.get(prerequisite)
        if known is None or not known.still_shows(prerequisite.how, prerequisite.is_met):
            tree = prerequisite.tree
            known = PrerequisiteElement(
                tree.dependency,
                tree.leaves,
                prerequisite.keys,
                dict(prerequisite.how),
                self.engine.definition.cycling.format,
                prerequisite.is_met,
            )
            self._snapshots[prerequisite] = known
        return known

    def at(self, point: int, name: str) -> tuple[PrerequisiteElement, ...]:
        """What an instance that is not in the pool waits for, or waited for."""
        return tuple(
            [
                self._of_unspawned(tree.dependency.index, prerequisite_at(tree, point))
                for tree in self.engine.graph.nodes[name].trees
                if tree.dependency.sequence.contains(point)
            ]
        )

    def _of_unspawned(self, index: int, prerequisite: Prerequisite) -> PrerequisiteElement:
        start = self.engine.definition.start_point
        for leaf, key in enumerate(prerequisite.keys):
            if key.point < start <= prerequisite.point:
                prerequisite.satisfy(leaf, NATURALLY)
            elif self._is_complete(key):
                prerequisite.satisfy(leaf, FROM_DATABASE)
        known = self._unspawned.get((index, prerequisite.point))
        if known is None or not known.still_shows(prerequisite.how, prerequisite.is_met):
            known = self.of(prerequisite)
            self._unspawned[index, prerequisite.point] = known
        return known

    def _is_complete(self, key: OutputKey) -> bool:
        proxy = self.engine.pool.get((key.point, key.task))
        if proxy is not None and key.output in proxy.outputs:
            return True
        return any(key.output in past.outputs for past in self.engine.history.of(key.point, key.task))
