"""The n-window: the pool and everything within n arrows of it, kept as the pool changes.

Arrows are walked as they are written, not pair by pair: an arrow from a family of 1000 to a family of 1000 is one
object that knows how many of its parents and of its children are how far from the pool. A change costs what it moves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define, field

from ..cycling.cycling import Offset
from ..engine.graph import Graph
from ..engine.prerequisite import GateTree
from ..language.definition import WorkflowDefinition

Key = tuple[int, str]
"""Point and task of an instance, as in the engine's pool."""

MOST_PAIRS = 10_000
"""An arrow between families with more pairs than this is walked, but its edges are not shown one by one."""


@define(eq=False, repr=False)
class Node:
    """A task instance in or near the window."""

    key: Key
    depth: int
    """Distance from the pool in arrows; more than the window's extent if outside."""
    is_active: bool = False
    """Whether it is in the pool."""
    is_shown: bool = False
    """Whether the last change left it in the window."""
    shown_depth: int = -1
    is_expanded: bool = False
    """Whether its neighbours are in the window because of it."""
    is_queued: bool = False
    incoming: dict[Arrow, None] = field(factory=dict)
    """Many, where many depend on one by arrows of their own: so found by hash."""
    outgoing: dict[Arrow, None] = field(factory=dict)
    element: Any = None
    """What the picture shows for it."""

    def __repr__(self) -> str:
        # Nodes and arrows name each other: to show all of one would show the whole window.
        return f"<Node {self.key}>"


@define(eq=False, repr=False)
class Arrow:
    """A dependency at one point of its children, between all its parents and all its children."""

    tree: GateTree
    point: int
    parents: tuple[Key, ...]
    children: tuple[Key, ...]
    parent_levels: list[int]
    """By distance from the pool: how many parents are that far; only those that may pull children into the window."""
    child_levels: list[int]
    has_edges: bool
    loose_parents: frozenset[Key] = frozenset()
    """Parents of an absolute offset, not seen from their first children: they hold none in the window."""
    parent_nodes: list[Node] = field(factory=list)
    child_nodes: list[Node] = field(factory=list)
    has_all_parents: bool = False
    has_all_children: bool = False

    def __repr__(self) -> str:
        return f"<Arrow at {self.point}: {self.parents} => {self.children}>"

    @property
    def is_suicide(self) -> bool:
        """Whether it removes its children."""
        return self.tree.dependency.suicide

    @property
    def is_conditional(self) -> bool:
        """Whether it is one of alternatives."""
        return self.tree.dependency.conditional


@define(eq=False, repr=False)
class Edge:
    """One parent and one child, both in the window."""

    source: Node
    target: Node
    is_suicide: bool
    is_conditional: bool
    reasons: int = 0
    is_shown: bool = False

    def __repr__(self) -> str:
        return f"<Edge {self.source.key} => {self.target.key}>"


@define
class WindowChange:
    """What a change of the pool did to the window."""

    entered: list[Node] = field(factory=list)
    left: list[Node] = field(factory=list)
    moved: list[Node] = field(factory=list)
    """Nodes that stayed, at another distance."""
    edges_added: list[Edge] = field(factory=list)
    edges_removed: list[Edge] = field(factory=list)


class Window:
    """The window around a pool."""

    def __init__(self, definition: WorkflowDefinition, graph: Graph, extent: int) -> None:
        self.extent = extent
        self.nodes: dict[Key, Node] = {}
        self._definition = definition
        self._graph = graph
        self._arrows: dict[tuple[int, int], Arrow] = {}
        self._edges: dict[tuple[Node, Node], Edge] = {}
        self._links: dict[str, tuple[tuple[GateTree, Offset | None], ...]] = {}
        self._queue: deque[Node] = deque()
        self._touched: dict[Node, None] = {}
        self._touched_edges: dict[Edge, None] = {}

    def update(self, entered: Iterable[Key], left: Iterable[Key]) -> WindowChange:
        """Move the window after instances entered and left the pool."""
        for keys, is_active in ((entered, True), (left, False)):
            for key in keys:
                node = self._node(key)
                node.is_active = is_active
                self._enqueue(node)
        self._settle()
        return self._change()

    def active(self) -> Iterator[Key]:
        """Every instance that is in the pool."""
        return (key for key, node in self.nodes.items() if node.is_active)

    # -- distances -----------------------------------------------------------------------------------------------------

    def _node(self, key: Key) -> Node:
        node = self.nodes.get(key)
        if node is None:
            node = self.nodes[key] = Node(key, self.extent + 1)
        return node

    def _enqueue(self, node: Node) -> None:
        if not node.is_queued:
            node.is_queued = True
            self._queue.append(node)

    def _settle(self) -> None:
        queue = self._queue
        while queue:
            node = queue.popleft()
            node.is_queued = False
            depth = self._distance(node)
            self._touched[node] = None
            if depth != node.depth:
                self._set_depth(node, depth)

    def _distance(self, node: Node) -> int:
        if node.is_active:
            return 0
        nearest = self.extent
        for arrow in node.incoming:
            nearest = min(nearest, _lowest(arrow.parent_levels))
        for arrow in node.outgoing:
            nearest = min(nearest, _lowest(arrow.child_levels))
        return nearest + 1

    def _set_depth(self, node: Node, depth: int) -> None:
        before, node.depth = node.depth, depth
        expands = depth < self.extent
        if expands and not node.is_expanded:
            self._expand(node)
        for arrow in tuple(node.incoming):
            self._count(arrow, arrow.child_levels, before, depth, is_child=True)
        for arrow in tuple(node.outgoing):
            if node.key not in arrow.loose_parents:
                self._count(arrow, arrow.parent_levels, before, depth, is_child=False)
        if node.is_expanded and not expands:
            self._fold(node)

    def _count(self, arrow: Arrow, levels: list[int], before: int, after: int, *, is_child: bool) -> None:
        lowest = _lowest(levels)
        if before < self.extent:
            levels[before] -= 1
        if after < self.extent:
            levels[after] += 1
        now = _lowest(levels)
        if now == lowest:
            return
        if now < self.extent:
            self._complete(arrow, parents=is_child)
        for neighbour in arrow.parent_nodes if is_child else arrow.child_nodes:
            self._enqueue(neighbour)

    # -- arrows --------------------------------------------------------------------------------------------------------

    def _expand(self, node: Node) -> None:
        """Find a node's arrows, and count it in; its depth is counted by the caller."""
        node.is_expanded = True
        point, name = node.key
        for arrow in self._arrows_of(name, point, node):
            self._edges_of(node, arrow, +1)

    def _arrows_of(self, name: str, point: int, node: Node) -> Iterator[Arrow]:
        task = self._graph.nodes.get(name)
        if task is None:
            # A reload has left its job running, and nothing else of it.
            return
        for tree in (*task.trees, *task.suicide_trees):
            if tree.dependency.sequence.contains(point):
                arrow = self._arrow(tree, point)
                if arrow not in node.incoming:
                    arrow.child_nodes.append(node)
                    node.incoming[arrow] = None
        for tree, child_point in self._children_of(name, point):
            arrow = self._arrow(tree, child_point)
            if arrow not in node.outgoing:
                arrow.parent_nodes.append(node)
                node.outgoing[arrow] = None
        yield from (*node.incoming, *node.outgoing)

    def _children_of(self, name: str, point: int) -> Iterator[tuple[GateTree, int]]:
        definition = self._definition
        for tree, offset in self._links_of(name):
            sequence = tree.dependency.sequence
            if offset is None:
                if sequence.contains(point):
                    yield tree, point
            elif offset.is_absolute:
                # It has children without end: only the first is a neighbour, as it is the first that is spawned.
                first = sequence.first(definition.start_point)
                if first is not None and offset.parent(point) == point:
                    yield tree, first
            else:
                final = definition.final_point
                for child_point in offset.children(point, sequence):
                    if child_point >= definition.start_point and (final is None or child_point <= final):
                        yield tree, child_point

    def _links_of(self, name: str) -> tuple[tuple[GateTree, Offset | None], ...]:
        links = self._links.get(name)
        if links is None:
            found: dict[tuple[int, str | None], tuple[GateTree, Offset | None]] = {}
            for label in self._definition.tasks[name].outputs:
                for tree, _, offset in self._graph.links(name, label):
                    found[tree.dependency.index, None if offset is None else offset.text] = (tree, offset)
            links = self._links[name] = tuple(found.values())
        return links

    def _arrow(self, tree: GateTree, point: int) -> Arrow:
        key = (tree.dependency.index, point)
        arrow = self._arrows.get(key)
        if arrow is None:
            parents = tuple(dict.fromkeys(self._parents_of(tree, point)))
            children = tuple((point, name) for name in tree.dependency.children)
            arrow = self._arrows[key] = Arrow(
                tree,
                point,
                parents,
                children,
                [0] * self.extent,
                [0] * self.extent,
                has_edges=min(len(parents), len(children)) <= 1 or len(parents) * len(children) <= MOST_PAIRS,
                loose_parents=self._loose_parents(tree, point),
            )
        return arrow

    def _loose_parents(self, tree: GateTree, point: int) -> frozenset[Key]:
        absolute = {
            (leaf.offset.parent(point), leaf.task)
            for leaf in tree.leaves
            if leaf.offset is not None and leaf.offset.is_absolute
        }
        if not absolute or point == tree.dependency.sequence.first(self._definition.start_point):
            return frozenset()
        others = (leaf for leaf in tree.leaves if leaf.offset is None or not leaf.offset.is_absolute)
        near = {(point if leaf.offset is None else leaf.offset.parent(point), leaf.task) for leaf in others}
        return frozenset(absolute - near)

    def _parents_of(self, tree: GateTree, point: int) -> Iterator[Key]:
        definition, nodes = self._definition, self._graph.nodes
        for leaf in tree.leaves:
            parent = point if leaf.offset is None else leaf.offset.parent(point)
            if parent < definition.start_point or leaf.task not in nodes:
                continue
            if parent == point and leaf.task in tree.dependency.children:
                continue
            if nodes[leaf.task].sequence.contains(parent):
                yield parent, leaf.task

    def _complete(self, arrow: Arrow, *, parents: bool) -> None:
        """Give an arrow all the nodes at one of its ends: they come into the window."""
        if parents:
            if not arrow.has_all_parents:
                arrow.has_all_parents = True
                for key in arrow.parents:
                    self._link_parent(arrow, self._node(key))
        elif not arrow.has_all_children:
            arrow.has_all_children = True
            for key in arrow.children:
                node = self._node(key)
                if arrow not in node.incoming:
                    arrow.child_nodes.append(node)
                    node.incoming[arrow] = None

    def _link_parent(self, arrow: Arrow, node: Node) -> None:
        if arrow in node.outgoing:
            return
        arrow.parent_nodes.append(node)
        node.outgoing[arrow] = None
        if node.is_expanded:
            # The parent of an absolute offset knows its first children only; this arrow found it from below.
            self._edges_of(node, arrow, +1)
            if node.key not in arrow.loose_parents:
                self._count(arrow, arrow.parent_levels, self.extent, node.depth, is_child=False)

    def _fold(self, node: Node) -> None:
        """A node holds its neighbours in the window no more."""
        node.is_expanded = False
        for arrow in (*node.incoming, *node.outgoing):
            self._edges_of(node, arrow, -1)
            if _lowest(arrow.parent_levels) == _lowest(arrow.child_levels) == self.extent:
                self._drop(arrow)

    def _drop(self, arrow: Arrow) -> None:
        self._arrows.pop((arrow.tree.dependency.index, arrow.point), None)
        for node in arrow.child_nodes:
            del node.incoming[arrow]
            self._touched[node] = None
        for node in arrow.parent_nodes:
            del node.outgoing[arrow]
            self._touched[node] = None
        arrow.child_nodes, arrow.parent_nodes = [], []

    # -- edges ---------------------------------------------------------------------------------------------------------

    def _edges_of(self, node: Node, arrow: Arrow, step: int) -> None:
        if not arrow.has_edges:
            return
        # A node may be at both ends of different arrows, never of one.
        if arrow in node.incoming:
            for key in arrow.parents:
                self._edge(self._node(key), node, arrow, step)
        else:
            for key in arrow.children:
                self._edge(node, self._node(key), arrow, step)

    def _edge(self, source: Node, target: Node, arrow: Arrow, step: int) -> None:
        edge = self._edges.get((source, target))
        if edge is None:
            edge = Edge(source, target, arrow.is_suicide, arrow.is_conditional)
            self._edges[source, target] = edge
        edge.reasons += step
        self._touched_edges[edge] = None

    # -- what came of it -----------------------------------------------------------------------------------------------

    def _change(self) -> WindowChange:
        change = WindowChange()
        extent = self.extent
        touched, self._touched = self._touched, {}
        for node in touched:
            is_in = node.depth <= extent
            if is_in and not node.is_shown:
                change.entered.append(node)
            elif node.is_shown and not is_in:
                change.left.append(node)
            elif is_in and node.depth != node.shown_depth:
                change.moved.append(node)
            node.is_shown = is_in
            node.shown_depth = node.depth
            if not is_in and not node.incoming and not node.outgoing:
                self.nodes.pop(node.key, None)
        edges, self._touched_edges = self._touched_edges, {}
        for edge in edges:
            if edge.reasons:
                if not edge.is_shown:
                    edge.is_shown = True
                    change.edges_added.append(edge)
            else:
                del self._edges[edge.source, edge.target]
                if edge.is_shown:
                    change.edges_removed.append(edge)
        return change


def _lowest(levels: list[int]) -> int:
    for level, count in enumerate(levels):
        if count:
            return level
    return len(levels)
