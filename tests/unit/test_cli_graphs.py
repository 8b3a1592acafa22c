"""The layout of drawn graphs and the text of configurations, for any input."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.cli.config_text import duration_text
from tidemill.cli.graph_layout import lay_out
from tidemill.cli.graphs import Graph, Node, reference_text
from tidemill.flow.language.values import parse_interval


class Years:
    """Cycle points that read as they are."""

    mode = "gregorian"

    def format(self, point: int) -> str:
        return str(point)


NODES = st.builds(Node, st.integers(2000, 2003), st.sampled_from("abcdefgh"))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs of a few cycle points, with edges any way, in circles too."""
    edges = {edge for edge in draw(st.sets(st.tuples(NODES, NODES), max_size=25)) if edge[0] != edge[1]}
    nodes = draw(st.sets(NODES, min_size=1)) | {node for edge in edges for node in edge}
    return Graph(cycling=Years(), nodes=nodes, edges=edges)  # type: ignore[arg-type]


def size(name: str) -> tuple[float, float]:
    return 40.0 + ord(name) % 5 * 20.0, 30.0


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_nodes_are_drawn_apart_and_inside(graph: Graph) -> None:
    """Whatever the graph, no two nodes touch, each lies in its cycle's frame, and every edge has its path."""
    layout = lay_out(graph, size)
    assert set(layout.positions) == graph.nodes
    assert set(layout.paths) == graph.edges
    frames = {box.point: box for box in layout.boxes}
    placed = list(layout.positions.items())
    for number, (node, (along, across)) in enumerate(placed):
        wide, high = size(node.name)
        assert frames[node.point].start < along - wide / 2
        assert along + wide / 2 < frames[node.point].end
        assert across - high / 2 > 0
        assert across + high / 2 < layout.across
        for other, (other_along, other_across) in placed[:number]:
            apart_along = abs(along - other_along) >= (wide + size(other.name)[0]) / 2
            assert apart_along or abs(across - other_across) >= high - 1e-6


@given(graphs())
def test_a_layout_is_the_same_every_time(graph: Graph) -> None:
    """The order in which nodes and edges are met does not show in the drawing."""
    again = Graph(cycling=graph.cycling)
    for node in sorted(graph.nodes, reverse=True):
        again.nodes.add(node)
    for edge in sorted(graph.edges, reverse=True):
        again.edges.add(edge)
    assert lay_out(again, size) == lay_out(graph, size)
    assert reference_text(again) == reference_text(graph)


def test_a_task_keeps_its_row_in_every_cycle() -> None:
    """The same task is drawn at the same height in every cycle point, so that cycles can be compared."""
    graph = Graph(cycling=Years())  # type: ignore[arg-type]
    for year in (2000, 2001, 2002):
        graph.nodes |= {Node(year, name) for name in "abc"}
        graph.edges |= {(Node(year, "a"), Node(year, "b")), (Node(year, "a"), Node(year, "c"))}
        if year < 2002:
            graph.edges.add((Node(year, "c"), Node(year + 1, "a")))
    positions = lay_out(graph, size).positions
    for name in "abc":
        assert len({positions[Node(year, name)].across for year in (2000, 2001, 2002)}) == 1


@given(st.integers(-(10**7), 10**7))
def test_durations_are_read_back(seconds: int) -> None:
    """An interval is printed as text that means the same number of seconds."""
    assert parse_interval(duration_text(seconds)) == seconds
