"""All graph strings of a workflow, parsed and joined: which tasks exist where, and what waits for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from msgspec import Struct

from ...exceptions import TidemillError
from ..cycling.cycling import Cycling, Offset
from ..cycling.cycling import Sequence as Recurrence
from .config import GraphText, WorkflowConfig
from .definition import All, AnyOf, Dependency, Expression, Leaf, leaves
from .exceptions import GraphError, LanguageError
from .graph import Arrow, Group, OutputTerm, ParsedGraph, Tree, XtriggerTerm, parse_graph, tree_terms
from .graph_nodes import RemoteTask
from .outputs import Optionality
from .source import Location
from .xtriggers import Xtriggers


class TaskGraph(Struct, eq=False):
    """The graph of a workflow, before the runtime settings of its tasks are added."""

    optionality: Optionality
    sequences: dict[str, Recurrence] = {}
    """By recurrence as written."""
    tasks: dict[str, list[Recurrence]] = {}
    """Every task with the recurrences it runs at, in the order the graph first names them. A task named only
    as the target of suicide triggers runs nowhere (Cylc 8.5 behaviour)."""
    locations: dict[str, Location | None] = {}
    """Where each task is first named."""
    dependencies: list[Dependency] = []
    dependencies_of: dict[str, list[Dependency]] = {}
    """By child."""
    xtriggers_of: dict[str, dict[tuple[int, str], tuple[Recurrence, str]]] = {}
    remote_tasks: dict[str, tuple[RemoteTask, Location | None]] = {}
    custom_outputs: dict[tuple[str, str], Location | None] = {}
    warnings: list[str] = []


def read_graphs(
    config: WorkflowConfig,
    *,
    cycling: Cycling,
    initial: int,
    final: int | None,
    families: Mapping[str, Sequence[str]],
    xtriggers: Xtriggers,
) -> TaskGraph:
    """Parse every graph string of a workflow.

    Args:
        config: The configuration.
        cycling: Reads recurrences and offsets.
        initial: Initial cycle point.
        final: Final cycle point, if there is one.
        families: Family names to all their tasks, used or not; families without any are left out.
        xtriggers: Those that the graph may use.

    Raises:
        GraphError: A graph string, recurrence or offset is not valid, or two graphs contradict each other.
    """
    builder = _Builder(config, cycling, initial, final, families, xtriggers)
    for graph_text in config.graphs:
        builder.add(graph_text)
    return builder.finish()


class _Builder:
    def __init__(
        self,
        config: WorkflowConfig,
        cycling: Cycling,
        initial: int,
        final: int | None,
        families: Mapping[str, Sequence[str]],
        xtriggers: Xtriggers,
    ) -> None:
        self.config = config
        self.cycling = cycling
        self.initial = initial
        self.final = final
        self.families = families
        self.xtriggers = xtriggers
        self.graph = TaskGraph(Optionality(compatibility=config.compatibility))
        self.offsets: dict[str, Offset] = {}
        self.expressions: dict[Tree, Expression] = {}
        self.suicide_targets: set[str] = set()

    def add(self, graph_text: GraphText) -> None:
        """Parse one graph string and add what it says."""
        parsed = parse_graph(
            graph_text.text,
            families=self.families,
            parameters=self.config.parameters,
            templates=self.config.parameter_templates,
            line_of=graph_text.line_of,
            optionality=self.graph.optionality,
        )
        sequence = self._sequence(graph_text)
        graph = self.graph
        for task, location in parsed.mentioned.items():
            recurrences = graph.tasks.setdefault(task, [])
            graph.locations.setdefault(task, location)
            if task in parsed.tasks and sequence not in recurrences:
                recurrences.append(sequence)
        for label, location in parsed.xtriggers.items():
            self.xtriggers.require(label, location)
        for arrow in parsed.arrows:
            self._add_arrow(arrow, sequence)
        self.suicide_targets |= parsed.suicide_targets
        self._merge(parsed)

    def _merge(self, parsed: ParsedGraph) -> None:
        for key, location in parsed.custom_outputs.items():
            self.graph.custom_outputs.setdefault(key, location)
        for task, (remote, location) in parsed.remote_tasks.items():
            earlier, _ = self.graph.remote_tasks.setdefault(task, (remote, location))
            if earlier != remote:
                raise GraphError(
                    f"{task} already polls {earlier.workflow}::{earlier.task}",
                    location=location,
                    hint="Give each polling task a name of its own.",
                )

    def _sequence(self, graph_text: GraphText) -> Recurrence:
        text = "".join(graph_text.recurrence.split())
        known = self.graph.sequences.get(text)
        if known is not None:
            return known
        try:
            sequence = self.cycling.sequence(text, self.initial, self.final)
        except LanguageError:
            raise
        except TidemillError as error:
            raise GraphError(f"[scheduling][graph]{text}: {error}", location=graph_text.location) from error
        first = sequence.first(self.initial)
        if first is None or (self.final is not None and first > self.final):
            self.graph.warnings.append(
                f"{graph_text.location}: recurrence {text} has no point between initial and final cycle point"
            )
        self.graph.sequences[text] = sequence
        return sequence

    def _add_arrow(self, arrow: Arrow, sequence: Recurrence) -> None:
        terms: list[Expression] = []
        texts: list[str] = []
        for text, tree in arrow.terms:
            if isinstance(tree, OutputTerm):
                terms.append(self._expression(tree, arrow))
                texts.append(text)
                continue
            labels = [term.label for term in tree_terms(tree) if isinstance(term, XtriggerTerm)]
            if labels:
                self._add_xtriggers(arrow, sequence, labels, text)
                rest = _without_xtriggers(tree)
                if rest is None:
                    continue
                tree, text = rest, _canonical(rest)
            terms.append(self._expression(tree, arrow))
            texts.append(text)
        if not terms:
            return
        expression = terms[0] if len(terms) == 1 else All(tuple(terms))
        self._check_self_edges(expression, arrow)
        graph = self.graph
        dependency = Dependency(
            len(graph.dependencies),
            sequence,
            expression,
            arrow.children,
            arrow.suicide,
            " & ".join(texts),
            arrow.conditional,
            arrow.location,
        )
        graph.dependencies.append(dependency)
        for child in arrow.children:
            graph.dependencies_of.setdefault(child, []).append(dependency)

    def _add_xtriggers(self, arrow: Arrow, sequence: Recurrence, labels: list[str], text: str) -> None:
        if "|" in text and arrow.conditional:
            raise GraphError(
                f"an xtrigger cannot be part of an expression with |: {text}",
                location=arrow.location,
                hint="Let the xtrigger trigger a task of its own, and use that task in the expression.",
            )
        if arrow.suicide:
            # QUIRK of Cylc 8.5: the task waits for the xtrigger as if there were no !.
            self.graph.warnings.append(
                f"{arrow.location}: {text} => !{arrow.children[0]} does not remove the task: it waits for the xtrigger"
            )
        for child in arrow.children:
            used = self.graph.xtriggers_of.setdefault(child, {})
            for label in labels:
                used.setdefault((id(sequence), label), (sequence, label))

    def _expression(self, tree: Tree, arrow: Arrow) -> Expression:
        known = self.expressions.get(tree)
        if known is not None:
            return known
        made: Expression
        if isinstance(tree, OutputTerm):
            made = Leaf(tree.task, tree.output, self._offset(tree.offset, arrow) if tree.offset else None)
        else:
            assert isinstance(tree, Group)
            terms = tuple(self._expression(term, arrow) for term in tree.terms)
            made = All(terms) if tree.operator == "&" else AnyOf(terms)
        self.expressions[tree] = made
        return made

    def _offset(self, text: str, arrow: Arrow) -> Offset:
        offset = self.offsets.get(text)
        if offset is None:
            try:
                offset = self.offsets[text] = self.cycling.offset(text, self.initial)
            except TidemillError as error:
                raise GraphError(
                    f"offset [{text}]: {error}",
                    location=arrow.location,
                    hint="Write an interval such as [-P1], [-PT6H] or [^+P1D], or a cycle point.",
                ) from error
        return offset

    def _check_self_edges(self, expression: Expression, arrow: Arrow) -> None:
        if arrow.suicide:
            return
        children = set(arrow.children)
        for leaf in leaves(expression):
            if leaf.offset is None and leaf.task in children:
                raise GraphError(
                    f"{leaf.task} waits for itself: {leaf.task}:{leaf.output} => {leaf.task}",
                    location=arrow.location,
                    hint=f"To wait for the previous cycle write {leaf.task}[-P1] (or another interval).",
                )

    def finish(self) -> TaskGraph:
        """Check what can only be known with all graphs read."""
        graph = self.graph
        graph.optionality.check()
        for task, recurrences in graph.tasks.items():
            if not recurrences and task not in self.suicide_targets:
                raise GraphError(
                    f"{task} is only used with a cycle point offset: nothing says at which points it runs",
                    location=graph.locations[task],
                    hint=f"Name {task} without an offset in the graph of the recurrence it belongs to.",
                )
        return graph


def _without_xtriggers(tree: Tree) -> Tree | None:
    """An expression made of ``&`` only, its xtriggers left out; None if nothing else is in it."""
    if not isinstance(tree, Group):
        return None if isinstance(tree, XtriggerTerm) else tree
    kept = tuple(rest for term in tree.terms if (rest := _without_xtriggers(term)) is not None)
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else Group(tree.operator, kept)


def _canonical(tree: Tree) -> str:
    if isinstance(tree, Group):
        return "(" + tree.operator.join(_canonical(term) for term in tree.terms) + ")"
    return str(tree)


def check_circular(graph: TaskGraph, cycling: Cycling, initial: int, final: int | None, *, cycles: int = 3) -> None:
    """Look for tasks that wait for each other in a circle, at the first few cycle points.

    Args:
        graph: The graph.
        cycling: Writes points in the message.
        initial: The first point to look at.
        final: The last point to look at, if any.
        cycles: How many points to look at.

    Raises:
        GraphError: A circle was found.
    """
    points = _first_points(graph, initial, final, cycles)
    parents: dict[tuple[str, int], dict[tuple[str, int], Dependency]] = {}
    for dependency in graph.dependencies:
        if dependency.suicide:
            continue
        for point in points:
            if not dependency.sequence.contains(point):
                continue
            above = {
                (leaf.task, point if leaf.offset is None else leaf.offset.parent(point)): dependency
                for leaf in leaves(dependency.expression)
            }
            for child in dependency.children:
                parents.setdefault((child, point), {}).update(above)
    done: set[tuple[str, int]] = set()
    for start in parents:
        if start not in done:
            _visit(start, parents, done, cycling)


def _first_points(graph: TaskGraph, initial: int, final: int | None, cycles: int) -> list[int]:
    points: list[int] = []
    after = initial - 1
    while len(points) < cycles:
        following = [p for sequence in graph.sequences.values() if (p := sequence.next(after)) is not None]
        if not following or (final is not None and min(following) > final):
            break
        after = min(following)
        points.append(after)
    return points


def _visit(
    start: tuple[str, int],
    parents: Mapping[tuple[str, int], Mapping[tuple[str, int], Dependency]],
    done: set[tuple[str, int]],
    cycling: Cycling,
) -> None:
    """Depth-first walk against the arrows; a node met again on its own path closes a circle."""
    path: dict[tuple[str, int], Iterator[tuple[str, int]]] = {start: iter(parents.get(start, ()))}
    while path:
        node, remaining = next(reversed(path.items()))
        for parent in remaining:
            if parent in path:
                _raise_circular(list(path), parent, parents, cycling)
            if parent not in done and parent in parents:
                path[parent] = iter(parents[parent])
                break
        else:
            done.add(node)
            del path[node]


def _raise_circular(
    path: list[tuple[str, int]],
    closing: tuple[str, int],
    parents: Mapping[tuple[str, int], Mapping[tuple[str, int], Dependency]],
    cycling: Cycling,
) -> NoReturn:
    circle = path[path.index(closing) :]
    names = [f"{cycling.format(point)}/{task}" for task, point in [closing, *reversed(circle)]]
    dependency = parents[circle[-1]][closing]
    raise GraphError(
        "tasks wait for each other in a circle: " + " => ".join(names),
        location=dependency.location,
        hint="Remove one of the arrows; this one closes the circle.",
    )


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A suggestion to append to a hint, or an empty string."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else ""
