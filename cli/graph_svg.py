"""A graph as a drawing (SVG) that needs no other program: cycle points as frames, time from left to right."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from .graph_layout import BOX_GAP, TITLE, Layout, Point, lay_out
from .graphs import Graph, Node

CHARACTER = 7.3
"""Width of a character of the labels, in pixels, on the wide side."""
HEIGHT = 30.0
PALETTE = (
    ("#e3edf7", "#4a7fb5"),
    ("#fdebd8", "#cf8a3c"),
    ("#e2f2e5", "#4f9a63"),
    ("#f0e6f6", "#8d63ad"),
    ("#fde7ea", "#c4606f"),
    ("#e0f3f3", "#3f9797"),
    ("#f6f1d7", "#a8932f"),
    ("#ece7e3", "#85705f"),
)
"""Fill and line colours: tasks outside any family have the first, each family its own."""
STYLE = """\
text { font: 13px "DejaVu Sans", "Segoe UI", Helvetica, sans-serif; fill: #22303c; text-anchor: middle; }
.cycle { fill: #fafbfc; stroke: #d3dbe2; }
.title { font-size: 14px; font-weight: bold; fill: #56646f; }
.edge { fill: none; stroke: #7b8a97; stroke-width: 1.4; }
.between { stroke: #b08a4f; }
.suicide { stroke: #c2413b; stroke-dasharray: 5 4; }
.node { stroke-width: 1.3; }
.family { stroke-width: 2.6; }
.ghost { fill: #ffffff; stroke: #a3adb5; stroke-dasharray: 4 3; }
.xtrigger { fill: #ffffff; stroke: #7b8a97; stroke-dasharray: 1.5 2.5; }
"""


def svg_text(graph: Graph, *, title: str, transpose: bool = False, boxes: bool = True) -> str:
    """The graph as an SVG document.

    Arguments:
        title: what it shows, for readers that cannot see it.
        transpose: let time run downwards instead of to the right.
        boxes: frame each cycle point.
    """
    return _Picture(graph, title, transpose=transpose, boxes=boxes and graph.cycling is not None).text()


class _Picture:
    def __init__(self, graph: Graph, title: str, *, transpose: bool, boxes: bool) -> None:
        self.graph = graph
        self.title = title
        self.transpose = transpose
        self.boxes = boxes
        self.layout: Layout = lay_out(graph, self.size)
        families = sorted({group for group in graph.groups.values() if group != "root"} | graph.families - {"root"})
        self.colors = {family: PALETTE[1 + number % (len(PALETTE) - 1)] for number, family in enumerate(families)}

    def size(self, name: str) -> tuple[float, float]:
        """A label's extent along and across the direction of time."""
        width = max(len(name) * CHARACTER + 20.0, 44.0)
        return (HEIGHT, width) if self.transpose else (width, HEIGHT)

    def text(self) -> str:
        wide, high = self.at(Point(self.layout.along, self.layout.across + BOX_GAP / 2))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" '
            f'viewBox="0 0 {wide:.0f} {high:.0f}" role="img">',
            f"<title>{escape(self.title)}</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="6.5" '
            'markerHeight="6.5" orient="auto-start-reverse">'
            '<path d="M0,1 L10,5 L0,9 z" fill="#6b7985"/></marker></defs>',
            f'<rect width="{wide:.0f}" height="{high:.0f}" fill="#ffffff"/>',
        ]
        if self.boxes:
            parts += self.frames()
        parts += [self.edge(*edge) for edge in self.graph.ordered_edges()]
        parts += [self.node(node) for node in self.graph.ordered_nodes()]
        parts.append("</svg>")
        return "\n".join(parts) + "\n"

    def at(self, point: Point) -> tuple[float, float]:
        """Abstract coordinates to those of the page."""
        return (point.across, point.along) if self.transpose else (point.along, point.across)

    def frames(self) -> list[str]:
        parts = []
        near, far = BOX_GAP / 4, self.layout.across + BOX_GAP / 4
        for box in self.layout.boxes:
            left, top = self.at(Point(box.start, near))
            right, bottom = self.at(Point(box.end, far))
            parts.append(
                f'<rect class="cycle" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{bottom - top:.1f}" rx="10"/>'
            )
            text = escape(self.graph.point_text(Node(box.point, "")))
            if self.transpose:
                x, y = left + 12, top + 20
                parts.append(f'<text class="title" x="{x:.1f}" y="{y:.1f}" style="text-anchor: start">{text}</text>')
            else:
                x, y = (left + right) / 2, top + TITLE * 0.72
                parts.append(f'<text class="title" x="{x:.1f}" y="{y:.1f}">{text}</text>')
        return parts

    def edge(self, parent: Node, child: Node) -> str:
        points = [self.at(point) for point in self.layout.paths[parent, child]]
        commands = [f"M{points[0][0]:.1f},{points[0][1]:.1f}"]
        for (x1, y1), (x2, y2) in pairwise(points):
            # Each piece leaves and arrives in the direction of time, so that pieces join smoothly.
            if self.transpose:
                bend = (y2 - y1) / 2
                controls = f"{x1:.1f},{y1 + bend:.1f} {x2:.1f},{y2 - bend:.1f}"
            else:
                bend = (x2 - x1) / 2
                controls = f"{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f}"
            commands.append(f"C{controls} {x2:.1f},{y2:.1f}")
        kind = "edge"
        if (parent, child) in self.graph.suicides:
            kind += " suicide"
        elif parent.point != child.point:
            kind += " between"
        tip = escape(f"{self.graph.identifier(parent)} → {self.graph.identifier(child)}")
        line = " ".join(commands)
        return f'<path class="{kind}" d="{line}" marker-end="url(#head)"><title>{tip}</title></path>'

    def node(self, node: Node) -> str:
        along, across = self.size(node.name)
        wide, high = self.at(Point(along, across))
        x, y = self.at(self.layout.positions[node])
        kind, paint, radius = "node", "", 7.0
        if node.name.startswith("@"):
            kind, radius = "node xtrigger", high / 2
        elif node in self.graph.ghosts:
            kind = "node ghost"
        else:
            family = node.name if node.name in self.graph.families else self.graph.groups.get(node.name, "root")
            fill, line = self.colors.get(family, PALETTE[0])
            paint = f' fill="{fill}" stroke="{line}"'
            if node.name in self.graph.families:
                kind = "node family"
        tip = escape(self.graph.identifier(node))
        return (
            f'<g><title>{tip}</title><rect class="{kind}"{paint} x="{x - wide / 2:.1f}" '
            f'y="{y - high / 2:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="{radius:.0f}"/>'
            f'<text x="{x:.1f}" y="{y + 4.5:.1f}">{escape(node.name)}</text></g>'
        )
