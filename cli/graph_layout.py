"""Where everything goes in a drawing of a graph: a layered layout, the same rows in every cycle point.

All cycle points share one template, made from the edges of all of them: a task has its layer (how many
steps after the first tasks of its cycle) and its row. Dependencies between cycles run in lanes that leave a
cycle behind its last layer and enter the next before its first; lanes take part in ordering as nodes do, so
that edges go round nodes, not through them. (Layering, dummy nodes and ordering by barycentre as in
Sugiyama, Tagawa and Toda 1981.)

Coordinates are abstract: `along` runs with time, `across` at a right angle to it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from attrs import define, field

from .graphs import Graph, Node

LANE_ACROSS = 14.0
GAP_ACROSS = 14.0
GAP_ALONG = 56.0
EMPTY_LAYER_ALONG = 10.0
BOX_PADDING = 22.0
BOX_GAP = 44.0
TITLE = 34.0
SWEEPS = 24
LINKS_SWEPT = 200_000
"""Links looked at while ordering: large graphs get fewer sweeps, so that time grows with their size only."""


class Slot(NamedTuple):
    """A vertex of the template: a task, or a piece of a lane."""

    kind: str
    """``task``; ``inner`` within a cycle; ``exit``, ``through`` or ``entry`` of an edge between cycles."""
    name: str
    """The task; of a lane, the task it comes from."""
    to: str
    """Where an ``inner`` edge goes to; empty otherwise."""
    layer: int


class Point(NamedTuple):
    along: float
    across: float


@define
class Box:
    """The frame of one cycle point."""

    point: int | None
    start: float
    end: float


@define
class Layout:
    """A drawing's geometry."""

    positions: dict[Node, Point] = field(factory=dict)
    """Centres."""
    paths: dict[tuple[Node, Node], list[Point]] = field(factory=dict)
    """The points an edge passes, from the end of one node to the beginning of the other."""
    boxes: list[Box] = field(factory=list)
    along: float = 0.0
    across: float = 0.0


Size = Callable[[str], tuple[float, float]]


def lay_out(graph: Graph, size: Size) -> Layout:
    """Compute where nodes, edges and cycle points of a graph go.

    Arguments:
        graph: any; edges that make a circle are drawn backwards.
        size: a name's extent along and across.
    """
    columns: list[int | None] = sorted({node.point for node in graph.nodes}, key=lambda point: point or 0)
    return _Drawing(graph, columns, size).draw()


class _Drawing:
    def __init__(self, graph: Graph, columns: list[int | None], size: Size) -> None:
        self.graph = graph
        self.columns = columns
        self.column_of = {point: number for number, point in enumerate(columns)}
        self.size = size
        self.names = list(dict.fromkeys(node.name for node in graph.ordered_nodes()))
        self.inner = sorted({(a.name, b.name) for a, b in graph.edges if a.point == b.point})
        self.outer = sorted((a, b) for a, b in graph.edges if a.point != b.point)
        self.layer = _layers(self.names, self.inner)
        self.depth = max(self.layer.values(), default=0) + 1
        self.links: list[tuple[Slot, Slot]] = []
        self.wraps: list[tuple[Slot, Slot]] = []
        self.slots: dict[Slot, None] = {self.task(name): None for name in self.names}

    def task(self, name: str) -> Slot:
        return Slot("task", name, "", self.layer[name])

    def draw(self) -> Layout:
        chains = {pair: self._inner_chain(*pair) for pair in self.inner}
        for chain in chains.values():
            self._link(chain)
        outer = {edge: self._outer_chain(*edge) for edge in self.outer}
        across = _place(self._ordered_layers(), self.links + self.wraps, self._extent_across)
        layout = Layout()
        starts = self._columns_along(layout)
        lowest = min((value - self._extent_across(slot) / 2 for slot, value in across.items()), default=0.0)
        shift = BOX_PADDING + TITLE - lowest
        highest = max((value + self._extent_across(slot) / 2 for slot, value in across.items()), default=0.0)
        layout.across = highest + shift + BOX_PADDING

        def centre(column: int, slot: Slot) -> Point:
            begin, end = starts[column][slot.layer]
            return Point((begin + end) / 2, across[slot] + shift)

        for node in self.graph.nodes:
            column = self.column_of[node.point]
            begin, end = starts[column][self.layer[node.name]]
            layout.positions[node] = Point((begin + end) / 2, across[self.task(node.name)] + shift)
        for a, b in self.graph.edges:
            if a.point == b.point:
                middle = [centre(self.column_of[a.point], slot) for slot in chains[a.name, b.name][1:-1]]
            else:
                middle = [centre(column, slot) for column, slot in outer[a, b]]
            layout.paths[a, b] = self._path(layout, a, b, middle)
        return layout

    def _path(self, layout: Layout, a: Node, b: Node, middle: list[Point]) -> list[Point]:
        begin, end = layout.positions[a], layout.positions[b]
        half_a, half_b = self.size(a.name)[0] / 2, self.size(b.name)[0] / 2
        if end.along >= begin.along:
            return [Point(begin.along + half_a, begin.across), *middle, Point(end.along - half_b, end.across)]
        return [Point(begin.along - half_a, begin.across), *middle, Point(end.along + half_b, end.across)]

    def _inner_chain(self, a: str, b: str) -> list[Slot]:
        """The template's vertices of an edge within a cycle, lanes for the layers between."""
        low, high = self.layer[a], self.layer[b]
        step = 1 if high >= low else -1
        between = [Slot("inner", a, b, layer) for layer in range(low + step, high, step)]
        return [self.task(a), *between, self.task(b)]

    def _outer_chain(self, a: Node, b: Node) -> list[tuple[int, Slot]]:
        """The lanes of an edge between cycles, each with its column."""
        from_column, to_column = self.column_of[a.point], self.column_of[b.point]
        backwards = to_column < from_column
        if backwards:
            # Waiting for a later cycle: the same lanes, the other way.
            found = self._lanes(b, a, to_column, from_column)
            return list(reversed(found))
        return self._lanes(a, b, from_column, to_column)

    def _lanes(self, a: Node, b: Node, low: int, high: int) -> list[tuple[int, Slot]]:
        leaving = [Slot("exit", a.name, "", layer) for layer in range(self.layer[a.name] + 1, self.depth)]
        self._link([self.task(a.name), *leaving])
        found = [(low, slot) for slot in leaving]
        last = leaving[-1] if leaving else self.task(a.name)
        for column in range(low + 1, high):
            through = [Slot("through", a.name, "", layer) for layer in range(self.depth)]
            self._link(through)
            self._wrap(last, through[0])
            last = through[-1]
            found += [(column, slot) for slot in through]
        entering = [Slot("entry", a.name, "", layer) for layer in range(self.layer[b.name])]
        self._link([*entering, self.task(b.name)])
        self._wrap(last, entering[0] if entering else self.task(b.name))
        return found + [(high, slot) for slot in entering]

    def _link(self, chain: list[Slot]) -> None:
        self.slots.update(dict.fromkeys(chain))
        self.links += pairwise(chain)

    def _wrap(self, a: Slot, b: Slot) -> None:
        self.wraps.append((a, b))

    def _ordered_layers(self) -> list[list[Slot]]:
        layers: list[list[Slot]] = [[] for _ in range(self.depth)]
        for slot in self.slots:
            layers[slot.layer].append(slot)
        neighbours = _neighbours(self.links + self.wraps)
        return _order(layers, neighbours)

    def _extent_across(self, slot: Slot) -> float:
        return self.size(slot.name)[1] if slot.kind == "task" else LANE_ACROSS

    def _columns_along(self, layout: Layout) -> list[list[tuple[float, float]]]:
        """Where each layer of each column begins and ends; layers without nodes are narrow."""
        present: dict[int, set[int]] = {}
        for node in self.graph.nodes:
            present.setdefault(self.column_of[node.point], set()).add(self.layer[node.name])
        widths = [0.0] * self.depth
        for name in self.names:
            widths[self.layer[name]] = max(widths[self.layer[name]], self.size(name)[0])
        starts = []
        position = BOX_GAP / 2
        for column, point in enumerate(self.columns):
            begin = position
            position += BOX_PADDING
            layers = []
            for layer in range(self.depth):
                extent = widths[layer] if layer in present[column] else EMPTY_LAYER_ALONG
                layers.append((position, position + extent))
                position += extent
                if layer < self.depth - 1:
                    # Lanes need less room to bend where a layer has no nodes.
                    empty = layer not in present[column] or layer + 1 not in present[column]
                    position += GAP_ALONG / 2 if empty else GAP_ALONG
            position += BOX_PADDING
            starts.append(layers)
            layout.boxes.append(Box(point, begin, position))
            position += BOX_GAP
        layout.along = position - BOX_GAP / 2
        return starts


def _layers(names: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """Each name's layer: the longest way to it, where edges that close a circle do not count."""
    children: dict[str, list[str]] = {name: [] for name in names}
    parents = dict.fromkeys(names, 0)
    for a, b in edges:
        children[a].append(b)
        parents[b] += 1
    layer = dict.fromkeys(names, 0)
    waiting = dict(parents)
    ready = [name for name in names if not waiting[name]]
    left = dict.fromkeys(names)
    while left:
        if not ready:
            # A circle: begin it at the name with the fewest parents not yet placed.
            ready = [min(left, key=lambda name: waiting[name])]
        name = ready.pop()
        if name not in left:
            continue
        del left[name]
        for child in children[name]:
            if child in left:
                layer[child] = max(layer[child], layer[name] + 1)
                waiting[child] -= 1
                if waiting[child] == 0:
                    ready.append(child)
    # Tasks without parents stand right before their first child, not all at the far left.
    for name in sorted(names, key=lambda name: layer[name], reverse=True):
        if not parents[name] and children[name]:
            layer[name] = max(layer[name], min(layer[child] for child in children[name]) - 1)
    return layer


def _neighbours(links: list[tuple[Slot, Slot]]) -> dict[Slot, list[Slot]]:
    found: dict[Slot, dict[Slot, None]] = {}
    for a, b in links:
        if a != b:
            found.setdefault(a, {})[b] = None
            found.setdefault(b, {})[a] = None
    return {slot: list(others) for slot, others in found.items()}


def _order(layers: list[list[Slot]], neighbours: dict[Slot, list[Slot]]) -> list[list[Slot]]:
    """Order every layer by the mean place of each vertex's neighbours; the best order found is kept."""
    best, fewest = [list(layer) for layer in layers], None
    for sweep in range(_sweeps(neighbours)):
        place = {slot: number / max(len(layer), 1) for layer in layers for number, slot in enumerate(layer)}
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            means = {
                slot: sum(place[other] for other in neighbours[slot]) / len(neighbours[slot])
                if neighbours.get(slot)
                else place[slot]
                for slot in layer
            }
            layer.sort(key=means.__getitem__)
            for number, slot in enumerate(layer):
                place[slot] = number / max(len(layer), 1)
        crossings = _crossings(layers, neighbours)
        if fewest is None or crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
        if not crossings:
            break
    return best


def _sweeps(neighbours: dict[Slot, list[Slot]]) -> int:
    links = sum(map(len, neighbours.values())) // 2
    return max(2, min(SWEEPS, LINKS_SWEPT // max(links, 1)))


def _crossings(layers: list[list[Slot]], neighbours: dict[Slot, list[Slot]]) -> int:
    """How many edges between adjacent layers cross."""
    total = 0
    for upper, lower in pairwise(layers):
        place = {slot: number for number, slot in enumerate(lower)}
        ends = [
            end
            for slot in upper
            for end in sorted(place[other] for other in neighbours.get(slot, ()) if other in place)
        ]
        seen: list[int] = []
        for end in ends:
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total


def _place(
    layers: list[list[Slot]], links: list[tuple[Slot, Slot]], extent: Callable[[Slot], float]
) -> dict[Slot, float]:
    """A coordinate for every vertex, in its layer's order, as near to its neighbours as others allow."""
    neighbours = _neighbours(links)
    across: dict[Slot, float] = {}
    for layer in layers:
        position = 0.0
        for slot in layer:
            position += extent(slot) / 2
            across[slot] = position
            position += extent(slot) / 2 + GAP_ACROSS
        middle = (position - GAP_ACROSS) / 2
        for slot in layer:
            across[slot] -= middle
    pulls = {
        slot: [(other, _pull(slot, other)) for other in neighbours.get(slot, ())] for layer in layers for slot in layer
    }
    weights = {slot: sum(pull for _, pull in pulls[slot]) or 1.0 for slot in across}
    for sweep in range(2 * _sweeps(neighbours)):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = {
                slot: sum(across[other] * pull for other, pull in pulls[slot]) / weights[slot]
                if pulls[slot]
                else across[slot]
                for slot in layer
            }
            across.update(_spread(layer, wanted, weights, extent))
    return across


def _pull(a: Slot, b: Slot) -> float:
    """How strongly two neighbours want to be in line: lanes the most, so that long edges run straight."""
    lanes = (a.kind != "task") + (b.kind != "task")
    return (1.0, 1.5, 10.0)[lanes]


def _spread(
    layer: list[Slot], wanted: dict[Slot, float], weights: dict[Slot, float], extent: Callable[[Slot], float]
) -> dict[Slot, float]:
    """Positions in order and far enough apart, with the least weighted squared distance from those wanted."""
    # Pool adjacent violators, on positions less the room all before need.
    offsets: list[float] = []
    room = 0.0
    for number, slot in enumerate(layer):
        if number:
            room += (extent(layer[number - 1]) + extent(slot)) / 2 + GAP_ACROSS
        offsets.append(room)
    pools: list[tuple[float, float, int]] = []
    for slot, offset in zip(layer, offsets, strict=True):
        mean, weight, count = wanted[slot] - offset, weights[slot], 1
        while pools and pools[-1][0] > mean:
            other, other_weight, size = pools.pop()
            mean = (mean * weight + other * other_weight) / (weight + other_weight)
            weight, count = weight + other_weight, count + size
        pools.append((mean, weight, count))
    values = [mean for mean, _, count in pools for _ in range(count)]
    return {slot: value + offset for slot, value, offset in zip(layer, values, offsets, strict=True)}
