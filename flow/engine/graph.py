"""The definition's graph as the engine walks it: from an output to what waits for it, and the other way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from ..cycling.cycling import Offset, Sequence
from ..language.definition import (
    SUCCEEDED,
    Dependency,
    Leaf,
    TaskDefinition,
    WorkflowDefinition,
)
from .prerequisite import GateTree, compile_gates


class ChildLink(NamedTuple):
    """A dependency as seen from an output it waits for."""

    tree: GateTree
    leaf: int
    offset: Offset | None


class UnionSequence(Struct, frozen=True, eq=False):
    """Every point of several recurrences."""

    sequences: tuple[Sequence, ...]
    text: str = ""

    def contains(self, point: int) -> bool:
        """Whether any of them has the point."""
        return any(sequence.contains(point) for sequence in self.sequences)

    def first(self, at_or_after: int) -> int | None:
        """The earliest point at or after."""
        return min((p for s in self.sequences if (p := s.first(at_or_after)) is not None), default=None)

    def next(self, after: int) -> int | None:
        """The earliest point after."""
        return min((p for s in self.sequences if (p := s.next(after)) is not None), default=None)

    def previous(self, before: int) -> int | None:
        """The latest point before."""
        return max((p for s in self.sequences if (p := s.previous(before)) is not None), default=None)


class AfterFirst(UnionSequence, frozen=True, eq=False):
    """Every point of several recurrences but the first."""

    def contains(self, point: int) -> bool:
        """Whether it is a point of any, and not the first."""
        return UnionSequence.contains(self, point) and self.previous(point) is not None


class PreviousInstance(Struct, frozen=True, eq=False):
    """The offset of a sequential task to its own previous instance."""

    sequence: UnionSequence
    text: str = "previous"
    is_absolute: bool = False

    def parent(self, child_point: int) -> int:
        """The previous point of the task; only asked where there is one."""
        previous = self.sequence.previous(child_point)
        assert previous is not None
        return previous

    def children(self, parent_point: int, sequence: Sequence) -> Iterator[int]:
        """The next point of the task."""
        following = sequence.next(parent_point)
        if following is not None:
            yield following


class TaskNode(Struct, frozen=True, eq=False):
    """A task and everything the engine asks about it more than once."""

    definition: TaskDefinition
    sequence: Sequence
    """Every point of the task."""
    trees: tuple[GateTree, ...]
    suicide_trees: tuple[GateTree, ...]
    bound_trees: tuple[GateTree, ...]
    """Trees with a leaf that is not absolute: where one applies, the task has parents."""


class Graph:
    """The compiled graph of a workflow."""

    def __init__(self, definition: WorkflowDefinition) -> None:
        self.start_point = definition.start_point
        self.nodes: dict[str, TaskNode] = {}
        self._links: dict[tuple[str, str], list[ChildLink]] = {}
        trees: dict[str, list[GateTree]] = {name: [] for name in definition.tasks}
        for dependency in definition.dependencies:
            self._add(compile_gates(dependency), trees)
        for index, task in enumerate(definition.tasks.values()):
            if len(task.sequences) == 1:
                sequence = task.sequences[0]
            else:
                sequence = UnionSequence(task.sequences)
            if task.sequential:
                union = UnionSequence(task.sequences)
                dependency = Dependency(
                    index=len(definition.dependencies) + index,
                    sequence=AfterFirst(task.sequences),
                    expression=Leaf(task.name, SUCCEEDED, PreviousInstance(union)),
                    children=(task.name,),
                    text=f"{task.name}[previous]:succeeded",
                )
                self._add(compile_gates(dependency), trees)
            own = trees[task.name]
            self.nodes[task.name] = TaskNode(
                task,
                sequence,
                tuple(tree for tree in own if not tree.dependency.suicide),
                tuple(tree for tree in own if tree.dependency.suicide),
                tuple(tree for tree in own if not tree.dependency.suicide and _is_bound(tree)),
            )

    def reach(self) -> tuple[int, frozenset[int]]:
        """How far from a cycle point the graph looks for what has run: a distance both ways, with room to spare, and
        the points that it looks at from everywhere."""
        distance = 0
        fixed: set[int] = set()
        for node in self.nodes.values():
            first = node.sequence.first(self.start_point)
            if first is None:
                continue
            following = node.sequence.next(first)
            if following is not None:
                distance = max(distance, following - first)
            for tree in (*node.trees, *node.suicide_trees):
                for leaf in tree.leaves:
                    if leaf.offset is None or isinstance(leaf.offset, PreviousInstance):
                        continue
                    if leaf.offset.is_absolute:
                        fixed.add(leaf.offset.parent(first))
                    else:
                        distance = max(distance, abs(first - leaf.offset.parent(first)))
        return 3 * distance, frozenset(fixed)

    def _add(self, tree: GateTree, trees: dict[str, list[GateTree]]) -> None:
        for child in tree.dependency.children:
            trees[child].append(tree)
        for index, leaf in enumerate(tree.leaves):
            self._links.setdefault((leaf.task, leaf.output), []).append(ChildLink(tree, index, leaf.offset))

    def links(self, task: str, output: str) -> list[ChildLink]:
        """The dependencies that wait for an output of a task."""
        return self._links.get((task, output), [])

    def is_parentless(self, name: str, point: int) -> bool:
        """Whether nothing spawns a task at a point but the passing of cycles: no parents there, or none but absolute
        ones or ones before the start (Cylc 8.5 behaviour)."""
        for tree in self.nodes[name].bound_trees:
            if not tree.dependency.sequence.contains(point):
                continue
            for leaf in tree.leaves:
                if leaf.offset is None:
                    return False
                if not leaf.offset.is_absolute and leaf.offset.parent(point) >= self.start_point:
                    return False
        return True

    def first_parentless(self, name: str, at_or_after: int, *, steps: int = 64) -> tuple[int | None, int | None]:
        """The first parentless point of a task at or after a point.

        Returns (point, None) when found, (None, None) when there is none, and (None, resume) when `steps` points were
        looked at in vain: look again from `resume` once the window gets there.
        """
        node = self.nodes[name]
        point = node.sequence.first(at_or_after)
        if not node.bound_trees:
            return point, None
        for _ in range(steps):
            if point is None:
                return None, None
            if self.is_parentless(name, point):
                return point, None
            point = node.sequence.next(point)
        return None, point


def _is_bound(tree: GateTree) -> bool:
    return any(leaf.offset is None or not leaf.offset.is_absolute for leaf in tree.leaves)
