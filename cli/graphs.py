"""The dependency graph of a workflow between two points, as nodes and edges, and its two text forms.

The reference form is that of ``cylc graph --reference`` (8.5), line by line, so that graphs can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from attrs import define, field

from ..flow.cycling.cycling import Cycling, Sequence
from ..flow.language.definition import WorkflowDefinition, leaves

DEFAULT_POINTS = 3
"""How many cycle points are drawn if no end is given."""
ALL_FAMILIES = "<all>"


class Node(NamedTuple):
    """A task, family or xtrigger (``@label``) at a cycle point; at none in a graph of namespaces."""

    point: int | None
    name: str


@define
class Graph:
    """Nodes and edges, with what is needed to write them."""

    cycling: Cycling | None
    """None for a graph of namespaces."""
    nodes: set[Node] = field(factory=set)
    edges: set[tuple[Node, Node]] = field(factory=set)
    suicides: set[tuple[Node, Node]] = field(factory=set)
    """Those of the edges that remove their target."""
    families: set[str] = field(factory=set)
    """Names that stand for a family."""
    ghosts: set[Node] = field(factory=set)
    """Parents that the workflow does not have at that point, so that they never run."""
    groups: dict[str, str] = field(factory=dict)
    """Name to the family it is grouped under."""

    def point_text(self, node: Node) -> str:
        """The node's point as text; empty in a graph of namespaces."""
        return "" if node.point is None or self.cycling is None else self.cycling.format(node.point)

    def identifier(self, node: Node) -> str:
        """``point/name``, or the name alone."""
        text = self.point_text(node)
        return f"{text}/{node.name}" if text else node.name

    def label(self, node: Node) -> str:
        """The name, and the point in a second line."""
        text = self.point_text(node)
        return f"{node.name}\\n{text}" if text else node.name

    def sort_key(self, node: Node) -> tuple[object, ...]:
        """Order in the text forms: by point and name; in integer cycling by name and point."""
        if node.point is None:
            return (node.name,)
        if self.cycling is not None and self.cycling.mode == "integer":
            return (node.name, node.point)
        return (node.point, node.name)

    def ordered_nodes(self) -> list[Node]:
        """The nodes in order."""
        return sorted(self.nodes, key=self.sort_key)

    def ordered_edges(self) -> list[tuple[Node, Node]]:
        """The edges in order."""
        return sorted(self.edges, key=lambda edge: (self.sort_key(edge[0]), self.sort_key(edge[1])))


def graph_of(
    definition: WorkflowDefinition,
    *,
    start: int | None = None,
    stop: int | None = None,
    groups: Collection[str] = (),
    suicide: bool = False,
) -> Graph:
    """The graph of a workflow from one point to another.

    Arguments:
        start: first point; the initial point if None.
        stop: last point; the third of the graph if None. Parents that lie later are in, earlier than
        `start` not.
        groups: families to draw as one node each; ``<all>`` for the topmost of every task.
        suicide: whether to draw suicide triggers.
    """
    first = definition.initial_point if start is None else max(start, definition.initial_point)
    if stop is None:
        stop = default_stop(definition.sequences, first)
    graph = Graph(cycling=definition.cycling)
    represent = _grouping(definition, groups, graph)
    for task in definition.tasks.values():
        graph.groups[represent(task.name)] = task.first_parent
        for sequence in task.sequences:
            graph.nodes.update(Node(point, represent(task.name)) for point in points_of(sequence, first, stop))
        for sequence, label in task.xtriggers:
            for point in points_of(sequence, first, stop):
                trigger, child = Node(point, f"@{label}"), Node(point, represent(task.name))
                graph.nodes.update((trigger, child))
                graph.edges.add((trigger, child))
    for dependency in definition.dependencies:
        if dependency.suicide and not suicide:
            continue
        parents = list(leaves(dependency.expression))
        for point in points_of(dependency.sequence, first, stop):
            children = {Node(point, represent(child)) for child in dependency.children}
            for leaf in parents:
                parent_point = point if leaf.offset is None else leaf.offset.parent(point)
                if parent_point < first:
                    continue
                parent = Node(parent_point, represent(leaf.task))
                graph.nodes.add(parent)
                task = definition.tasks[leaf.task]
                if parent_point != point and not task.is_valid_at(parent_point):
                    graph.ghosts.add(parent)
                edges = {(parent, child) for child in children if child != parent}
                # A task that the graph only removes is drawn for its suicide triggers alone.
                graph.nodes |= children
                graph.edges |= edges
                if dependency.suicide:
                    graph.suicides |= edges
    return graph


def namespace_graph(ancestors: Mapping[str, Iterable[str]], parents: Callable[[str], Iterable[str]]) -> Graph:
    """The graph of inheritance: from every namespace to those that inherit from it directly.

    Arguments:
        ancestors: the namespaces, by name.
        parents: gives a namespace's direct parents.
    """
    graph = Graph(cycling=None)
    for name in ancestors:
        graph.nodes.add(Node(None, name))
        for parent in parents(name):
            graph.edges.add((Node(None, parent), Node(None, name)))
            graph.families.add(parent)
    return graph


def points_of(sequence: Sequence, first: int, last: int) -> Iterator[int]:
    """The points of a sequence between two, both included."""
    point = sequence.first(first)
    while point is not None and point <= last:
        yield point
        point = sequence.next(point)


def default_stop(sequences: Iterable[Sequence], first: int, count: int = DEFAULT_POINTS) -> int:
    """The `count`-th point that any of the sequences has from `first` on, or the last there is."""
    last = first - 1
    for _ in range(count):
        following = [point for sequence in sequences if (point := sequence.next(last)) is not None]
        if not following:
            break
        last = min(following)
    return last


def reference_text(graph: Graph) -> str:
    """The graph as sorted lines: edges, ``graph``, nodes, ``stop``."""
    lines = [
        f'edge "{graph.identifier(parent)}" "{graph.identifier(child)}"' for parent, child in graph.ordered_edges()
    ]
    lines.append("graph")
    lines += [f'node "{graph.identifier(node)}" "{graph.label(node)}"' for node in graph.ordered_nodes()]
    lines.append("stop")
    return "\n".join(lines) + "\n"


def dot_text(graph: Graph, *, by_cycle: bool, transpose: bool) -> str:
    """The graph in the DOT language of Graphviz."""
    lines = [
        "digraph {",
        '  graph [fontname="sans" fontsize="25"]',
        '  node [fontname="sans" shape="box" style="rounded"]',
    ]
    if not transpose:
        lines.append('  rankdir="LR"')
    cycles: dict[int | None, list[Node]] = {}
    for node in graph.ordered_nodes():
        cycles.setdefault(node.point, []).append(node)
    boxed = by_cycle and graph.cycling is not None
    for nodes in cycles.values():
        lines.append("")
        if boxed:
            text = graph.point_text(nodes[0])
            lines += [f'  subgraph "cluster_{text}" {{', f'    label="{text}"', '    style="dashed"']
        indent = "    " if boxed else "  "
        lines += [f'{indent}"{graph.identifier(node)}" [label="{graph.label(node)}"]' for node in nodes]
        if boxed:
            lines.append("  }")
    lines.append("")
    for parent, child in graph.ordered_edges():
        style = ' [color="red" style="dashed"]' if (parent, child) in graph.suicides else ""
        lines.append(f'  "{graph.identifier(parent)}" -> "{graph.identifier(child)}"{style}')
    lines.append("}")
    return "\n".join(lines) + "\n"


def _grouping(definition: WorkflowDefinition, groups: Collection[str], graph: Graph) -> Callable[[str], str]:
    """What stands for a task: itself, or the outermost of its first parents that is drawn as one node."""
    everything = ALL_FAMILIES in groups
    found: dict[str, str] = {}

    def represent(name: str) -> str:
        if not groups:
            return name
        if name not in found:
            result = name
            parent = definition.first_parents.get(name)
            while parent is not None and parent != "root":
                if everything or parent in groups:
                    result = parent
                parent = definition.first_parents.get(parent)
            if result != name:
                graph.families.add(result)
            found[name] = result
        return found[name]

    return represent
