"""`tidemill graph`: a workflow's dependency graph as text, DOT or a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from .definitions import build, load, read_range
from .exceptions import UsageError
from .graphs import Graph, dot_text, graph_of, namespace_graph, reference_text
from .options import against_source_option, cli_command, initial_point_option, template_options, template_variables
from .printer import Printer

FORMATS = ("text", "dot", "svg")


@cli_command(
    epilog="""
  tidemill graph ./ocean                           edges and nodes of the first three cycle points, as text
  tidemill graph ./ocean 20300101 P1D -o ocean.svg   a drawing of one day
  tidemill graph ./ocean -g ENSEMBLE -o ocean.svg  the same with a family as one node
  tidemill graph ./ocean -n --format dot           the families, for Graphviz
  tidemill graph ./new --diff ./old                what a change does to the graph
"""
)
@click.argument("workflow", metavar="WORKFLOW | PATH")
@click.argument("start", required=False)
@click.argument("stop", required=False)
@click.option(
    "-g",
    "--group",
    "groups",
    multiple=True,
    metavar="FAMILY",
    help="Show a family as one node; '<all>' for all.",
)
@click.option("-c", "--cycles", is_flag=True, help="Frame each cycle point in DOT, as is always done in a drawing.")
@click.option("-t", "--transpose", is_flag=True, help="Let time run downwards instead of to the right.")
@click.option("-n", "--namespaces", is_flag=True, help="Show which namespace inherits from which, instead of tasks.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: by the name given to -o, else text.")
@click.option("-r", "--reference", is_flag=True, help="Sorted text, for comparing: the same as --format text.")
@click.option("-o", "--output", metavar="FILE", help="Write to a file.")
@click.option("--show-suicide", is_flag=True, help="Show suicide triggers.")
@click.option("--diff", "other", metavar="WORKFLOW", help="Show how the graph differs from that of another workflow.")
@against_source_option
@initial_point_option
@template_options
def command(
    printer: Printer,
    workflow: str,
    start: str | None,
    stop: str | None,
    groups: tuple[str, ...],
    cycles: bool,
    transpose: bool,
    namespaces: bool,
    form: str | None,
    reference: bool,
    output: str | None,
    show_suicide: bool,
    other: str | None,
    against_source: bool,
    initial_cycle_point: str | None,
    set_values: tuple[str, ...],
    set_list: tuple[str, ...],
    set_file: str | None,
) -> int:
    """Print or draw the dependencies of a workflow from START (default: the initial cycle point) to STOP.

    STOP may be an interval from START; by default three cycle points are shown.
    """
    form = _form(form, reference=reference or other is not None, output=output)
    variables = template_variables(set_values, set_list, set_file)

    def make(text: str) -> Graph:
        _, config = load(text, variables, against_source=against_source and text == workflow)
        definition = build(config, initial_point=initial_cycle_point)
        if namespaces:
            ancestors = definition.family_parents
            return namespace_graph(ancestors, lambda name: _parents(name, ancestors, config.runtime))
        first, last = read_range(definition.cycling, start, stop, initial=definition.initial_point)
        if unknown := [name for name in groups if name != "<all>" and name not in definition.families]:
            raise UsageError(
                f"--group {unknown[0]}: there is no such family; there is {', '.join(definition.families)}"
            )
        return graph_of(definition, start=first, stop=last, groups=groups, suicide=show_suicide)

    graph = make(workflow)
    if other is not None:
        written = _difference(graph, make(other), workflow, other)
    elif form == "svg":
        from .graph_svg import svg_text

        written = svg_text(graph, title=f"Dependencies of {workflow}", transpose=transpose)
    elif form == "dot":
        written = dot_text(graph, by_cycle=cycles, transpose=transpose)
    else:
        written = reference_text(graph)
    if output is not None and output != "-":
        Path(output).write_text(written, encoding="utf-8")
        printer.info(f"written to {output}")
        written = ""
    data = {
        "nodes": [graph.identifier(node) for node in graph.ordered_nodes()],
        "edges": [[graph.identifier(parent), graph.identifier(child)] for parent, child in graph.ordered_edges()],
    }
    printer.result(data, written)
    return 0


def _form(form: str | None, *, reference: bool, output: str | None) -> str:
    if reference:
        return "text"
    if form is not None:
        return form
    if output is None or output == "-":
        return "text"
    ending = Path(output).suffix.lower()
    known = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".txt": "text", ".ref": "text"}
    if ending not in known:
        raise UsageError(f"-o {output}: a graph can be written as {', '.join(known)}; or say which with --format")
    return known[ending]


def _parents(
    name: str, ancestors: Mapping[str, tuple[str, ...]], runtime: Mapping[str, Mapping[str, object]]
) -> list[str]:
    """The namespaces another inherits from directly."""
    if name == "root":
        return []
    inherit = runtime.get(name, {}).get("inherit")
    named = [str(parent) for parent in inherit] if isinstance(inherit, list | tuple) else []
    return [parent for parent in named if parent in ancestors and parent != "root"] or ["root"]


def _difference(graph: Graph, other: Graph, name: str, other_name: str) -> str:
    import difflib

    return "".join(
        difflib.unified_diff(
            reference_text(other).splitlines(keepends=True),
            reference_text(graph).splitlines(keepends=True),
            other_name,
            name,
        )
    )
