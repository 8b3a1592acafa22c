"""`tidemill list`: the tasks and families of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .definitions import build, load, read_range
from .options import against_source_option, cli_command, initial_point_option, template_options, template_variables
from .printer import Printer
from .tree import walk

if TYPE_CHECKING:
    from ..flow.language.config import WorkflowConfig
    from ..flow.language.definition import WorkflowDefinition


@cli_command(
    epilog="""
  tidemill list ocean                        the tasks of the graph
  tidemill list ocean -t                     the same under their families, as a tree
  tidemill list ocean -m                     with the namespaces each inherits from
  tidemill list ocean -p 20300101,P1D        what runs at the cycle points of a day
"""
)
@click.argument("workflow", metavar="WORKFLOW | PATH")
@click.option("-a", "--all-tasks", is_flag=True, help="Tasks that are not in the graph, too.")
@click.option("-n", "--all-namespaces", is_flag=True, help="Families, too.")
@click.option("-m", "--mro", is_flag=True, help="With the order in which each inherits from others.")
@click.option("-t", "--tree", is_flag=True, help="As a tree of families.")
@click.option("-b", "--box", is_flag=True, help="Draw the tree with box characters.")
@click.option("-w", "--with-titles", is_flag=True, help="With titles.")
@click.option(
    "-p",
    "--points",
    metavar="[START],[STOP]",
    help="Task ids from START to STOP, which may be an interval from START; ',' for the first three points.",
)
@against_source_option
@initial_point_option
@template_options
def command(
    printer: Printer,
    workflow: str,
    all_tasks: bool,
    all_namespaces: bool,
    mro: bool,
    tree: bool,
    box: bool,
    with_titles: bool,
    points: str | None,
    against_source: bool,
    initial_cycle_point: str | None,
    set_values: tuple[str, ...],
    set_list: tuple[str, ...],
    set_file: str | None,
) -> int:
    """Print the tasks of a workflow, or its families, or what runs at some cycle points."""
    _, config = load(workflow, template_variables(set_values, set_list, set_file), against_source=against_source)
    definition = build(config, initial_point=initial_cycle_point)
    if points is not None:
        identifiers = task_identifiers(definition, points)
        printer.result(identifiers, "\n".join(identifiers))
        return 0
    if tree:
        printer.result(_family_tree(definition, "root"), lambda: _tree_text(definition, config, box, with_titles))
        return 0
    names = chosen_names(definition, config, all_tasks=all_tasks, all_namespaces=all_namespaces)
    remarks: dict[str, str] = {}
    if mro:
        remarks = {name: " ".join(definition.family_parents.get(name, (name, "root"))) for name in names}
    elif with_titles:
        remarks = {name: _title(config, name) for name in names}
    data: Any = {name: remarks[name].split() if mro else remarks[name] for name in names} if remarks else names
    printer.result(data, "\n".join(_table([(name, remarks.get(name, "")) for name in names])))
    return 0


def chosen_names(
    definition: WorkflowDefinition, config: WorkflowConfig, *, all_tasks: bool, all_namespaces: bool
) -> list[str]:
    """Task names, sorted: those of the graph, those of ``[runtime]`` too, or every namespace."""
    names = set(definition.tasks)
    if all_tasks or all_namespaces:
        names |= set(config.ancestors)
    if not all_namespaces:
        names -= {ancestor for order in config.ancestors.values() for ancestor in order[1:]} | {"root"}
    return sorted(names)


def task_identifiers(definition: WorkflowDefinition, points: str) -> list[str]:
    """``point/task`` of every task from one point to another, in order of points and names.

    Arguments:
        points: ``[START],[STOP]``; see `read_range`. An open end is the third point of the graph.
    """
    from .graphs import default_stop, points_of

    start, _, stop = points.partition(",")
    first, last = read_range(
        definition.cycling, start.strip() or None, stop.strip() or None, initial=definition.initial_point
    )
    first = max(first, definition.initial_point)
    if last is None:
        last = default_stop(definition.sequences, first)
    found = {
        (point, task.name)
        for task in definition.tasks.values()
        for sequence in task.sequences
        for point in points_of(sequence, first, last)
    }
    return [f"{definition.cycling.format(point)}/{name}" for point, name in sorted(found)]


def _children(definition: WorkflowDefinition, family: str) -> list[str]:
    return sorted(
        name for name, parent in definition.first_parents.items() if parent == family and _in_graph(definition, name)
    )


def _in_graph(definition: WorkflowDefinition, name: str) -> bool:
    return name in definition.tasks or any(
        _in_graph(definition, child) for child, parent in definition.first_parents.items() if parent == name
    )


def _family_tree(definition: WorkflowDefinition, family: str) -> dict[str, Any]:
    return {name: _family_tree(definition, name) for name in _children(definition, family)}


def _tree_text(definition: WorkflowDefinition, config: WorkflowConfig, box: bool, with_titles: bool) -> str:
    entries = [("root", "")]
    for prefix, name in walk("root", lambda family: _children(definition, family), box=box):
        title = _title(config, name) if with_titles and name in definition.tasks else ""
        entries.append((prefix + name, title))
    return "\n".join(_table(entries))


def _title(config: WorkflowConfig, name: str) -> str:
    settings = config.runtime.get(name) or config.runtime.get("root", {})
    return str(settings.get("meta", {}).get("title") or "")


def _table(entries: list[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in entries), default=0)
    return [f"{name:<{width}}  {remark}".rstrip() for name, remark in entries]
