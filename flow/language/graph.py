"""Graph strings to arrows: what each task waits for, which tasks exist, which outputs are required.

Pure text work: offsets stay text here, cycling comes in with `build`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field

from .definition import SUBMITTED
from .exceptions import GraphError, LanguageError
from .graph_lines import GraphLine, LineOf, read_lines
from .graph_nodes import Element, ElementError, Node, Operation, RemoteTask, Syntax, parse_element
from .outputs import FAMILY_QUALIFIERS, FINISHED, STANDARD, Optionality, long_output
from .parameters import complete_templates, expand_graph_line
from .source import Location


class OutputTerm(Struct, frozen=True):
    """An output that a left-hand side waits for."""

    task: str
    output: str
    offset: str = ""

    def __str__(self) -> str:
        return f"{self.task}[{self.offset}]:{self.output}" if self.offset else f"{self.task}:{self.output}"


class XtriggerTerm(Struct, frozen=True):
    """An xtrigger that a left-hand side waits for."""

    label: str

    def __str__(self) -> str:
        return f"@{self.label}"


class Group(Struct, frozen=True):
    """Terms joined by ``&`` or ``|``."""

    operator: str
    terms: tuple[Tree, ...]


Tree = OutputTerm | XtriggerTerm | Group


def tree_terms(tree: Tree) -> Iterator[OutputTerm | XtriggerTerm]:
    """Every output and xtrigger of an expression, left to right."""
    if isinstance(tree, Group):
        for term in tree.terms:
            yield from tree_terms(term)
    else:
        yield tree


class Arrow(Struct, eq=False):
    """One ``left => right``: the children wait for all terms."""

    terms: tuple[tuple[str, Tree], ...]
    """Canonical text and expression of each prerequisite; several if plain nodes were joined by ``&``."""
    children: tuple[str, ...]
    suicide: bool
    conditional: bool
    """Written with ``|`` or parentheses: one prerequisite whatever is inside."""
    location: Location | None

    @property
    def text(self) -> str:
        """The left-hand side in canonical text."""
        return " & ".join(text for text, _ in self.terms)


class ParsedGraph(Struct, eq=False):
    """What one graph string says."""

    tasks: dict[str, Location | None] = {}
    """The tasks that exist at each point of the recurrence, in order, and where each is first named."""
    mentioned: dict[str, Location | None] = {}
    """Every task named, also those seen only with an offset or as the target of a suicide trigger."""
    suicide_targets: set[str] = field(default_factory=set)
    """Tasks that stand behind a ``!``."""
    arrows: list[Arrow] = []
    xtriggers: dict[str, Location | None] = {}
    """Labels of the xtriggers used."""
    remote_tasks: dict[str, tuple[RemoteTask, Location | None]] = {}
    """Tasks that poll another workflow."""
    optionality: Optionality = field(default_factory=Optionality)
    custom_outputs: dict[tuple[str, str], Location | None] = {}
    """(task, label) of every output used that is not a standard one."""

    @property
    def triggers(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """By task: canonical text of each prerequisite and its terms, with ``!`` for a suicide trigger."""
        found: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in self.tasks}
        for arrow in self.arrows:
            mark = "!" if arrow.suicide else ""
            for text, tree in arrow.terms:
                names = tuple(f"{mark}{term}" for term in dict.fromkeys(tree_terms(tree)))
                for child in arrow.children:
                    found.setdefault(child, {})[text] = names
        return found

    @property
    def outputs(self) -> dict[str, bool]:
        """``task:output`` to True where it is required, False where it is optional."""
        return {
            f"{task}:{output}": not usage.optional
            for task, outputs in self.optionality.usages.items()
            for output, usage in outputs.items()
        }


def parse_graph(
    text: str,
    *,
    families: Mapping[str, Sequence[str]],
    parameters: Mapping[str, tuple[int | str, ...]] | None = None,
    templates: Mapping[str, str] | None = None,
    line_of: LineOf | None = None,
    optionality: Optionality | None = None,
) -> ParsedGraph:
    """Read a graph string.

    Args:
        text: The graph as written, comments inside.
        families: Family names to their member tasks; families without members are left out.
        parameters: Task parameter values by name.
        templates: Templates of the parameters; defaults are filled in.
        line_of: Location of the n-th line (0-based) of the text, for messages.
        optionality: Collects required and optional outputs over all graphs of a workflow; the caller then
            calls its `check`. Without it the text is checked alone.

    Raises:
        GraphError: The text is not a valid graph; the location is that of the offending line.
    """
    parameters = parameters or {}
    parser = _Parser(families, line_of or (lambda index: None), optionality or Optionality())
    completed = complete_templates(parameters, templates or {})
    for line in read_lines(text, parser.line_of):
        if "<" not in line.text:
            parser.read_chain(line.text, line)
            continue
        try:
            expanded = expand_graph_line(line.text, parameters=parameters, templates=completed)
        except LanguageError as error:
            raise GraphError(
                error.reason, location=parser.line_of(line.index_at(line.text.index("<"))), hint=error.hint
            ) from error
        for chain in expanded:
            parser.read_chain(chain, line)
    parser.finish()
    if optionality is None:
        parser.graph.optionality.check()
    return parser.graph


class _Children:
    """The tasks that one prerequisite already triggers: single ones, and groups that prerequisites share."""

    __slots__ = ("groups", "singles")

    def __init__(self) -> None:
        self.singles: set[str] = set()
        self.groups: list[frozenset[str]] = []

    def add(self, children: frozenset[str]) -> None:
        if len(children) == 1:
            self.singles.update(children)
        else:
            self.groups.append(children)

    def overlap(self, children: frozenset[str]) -> set[str]:
        found = self.singles & children if self.singles else set()
        for group in self.groups:
            found = found | (group & children)
        return found


class _Parser:
    """Collects the arrows of one graph string."""

    def __init__(self, families: Mapping[str, Sequence[str]], line_of: LineOf, optionality: Optionality) -> None:
        self.families = families
        self.line_of = line_of
        self.graph = ParsedGraph(optionality=optionality)
        self.elements: dict[str, Element] = {}
        self.resolved: dict[str, tuple[str, Tree]] = {}
        self.noted: set[tuple[str, bool]] = set()
        self.triggered: dict[tuple[str, bool], _Children] = {}
        self.left_nodes: set[tuple[str, str, str]] = set()
        self.right_offsets: list[tuple[Node, Location | None]] = []

    def read_chain(self, text: str, line: GraphLine) -> None:
        """Read one line, parameters expanded: parts joined by ``=>``."""
        expanded = text != line.text
        position = 0
        left: Element | None = None
        parts = text.split("=>")
        for number, part in enumerate(parts):
            location = self.line_of(line.index_at(0 if expanded else position))
            is_last = number + 1 == len(parts)
            try:
                element = self.elements.get(part)
                if element is None:
                    element = self.elements[part] = parse_element(part)
                self._read_element(element, left, is_last, location)
            except ElementError as error:
                where = location if expanded else self.line_of(line.index_at(position + error.position))
                raise GraphError(error.reason, location=where, hint=error.hint) from error
            left = element
            position += len(part) + len("=>")

    def finish(self) -> None:
        """Raise `GraphError` for an offset on a right-hand side that is on no left-hand side."""
        for node, location in self.right_offsets:
            if _key(node) not in self.left_nodes:
                raise GraphError(
                    f"{node.text} has a cycle point offset but stands only on the right of an arrow",
                    location=location,
                    hint="An arrow triggers a task at its own cycle point: move the offset to the left.",
                )

    def _read_element(self, element: Element, left: Element | None, is_last: bool, location: Location | None) -> None:
        if left is not None and element.has_or:
            raise ElementError(
                f"| is not allowed on the right of an arrow: {element.text}",
                element.text.index("|"),
                "A task cannot be told to trigger one thing or another; write an arrow for each.",
            )
        for node in element.nodes:
            if node.suicide and not is_last:
                raise ElementError(
                    f"{node.text} stands on the left of an arrow",
                    element.text.index(node.text),
                    "A suicide trigger !name belongs on the right.",
                )
            if node.is_xtrigger and left is not None:
                raise ElementError(
                    f"{node.text} stands on the right of an arrow",
                    element.text.index(node.text),
                    "An xtrigger can only trigger, not be triggered: put it on the left.",
                )
            self._note(node, location)
            if not is_last and not node.is_xtrigger:
                self._require_family_qualifier(node)
                self.left_nodes.add(_key(node))
            if node.offset and left is not None:
                self.right_offsets.append((node, location))
        if left is not None:
            self._add_arrows(left, element, location)

    def _note(self, node: Node, location: Location | None) -> None:
        """Record that the tasks of a node exist and what the node says of their outputs."""
        key = (node.text, node.suicide)
        if key in self.noted:
            return
        self.noted.add(key)
        graph = self.graph
        if node.is_xtrigger:
            graph.xtriggers.setdefault(node.name, location)
            return
        members = self.families.get(node.name)
        output = self._output(node, members)
        family = node.name if members is not None else None
        for task in members if members is not None else (node.name,):
            graph.mentioned.setdefault(task, location)
            if node.suicide:
                graph.suicide_targets.add(task)
            if not node.offset and not node.suicide:
                graph.tasks.setdefault(task, location)
            if not node.suicide:
                graph.optionality.add(task, output, node.optional, family=family, location=location)
        if members is None and output not in _KNOWN_OUTPUTS and not node.suicide:
            graph.custom_outputs.setdefault((node.name, output), location)
        if node.remote is not None:
            earlier = graph.remote_tasks.setdefault(node.name, (node.remote, location))
            if earlier[0] != node.remote:
                raise GraphError(
                    f"{node.name} already polls {earlier[0].workflow}::{earlier[0].task}",
                    location=location,
                    hint="Give each polling task a name of its own.",
                )

    def _output(self, node: Node, members: Sequence[str] | None) -> str:
        """The output a node stands for; of every member for a family."""
        if members is None:
            if node.qualifier in FAMILY_QUALIFIERS:
                raise ElementError(
                    f"{node.text}: {node.name} is not a family",
                    hint=f"The qualifier :{node.qualifier} is for families with at least one member.",
                )
            return long_output(node.qualifier)
        if not node.qualifier or node.suicide:
            return long_output("")
        if node.qualifier not in FAMILY_QUALIFIERS:
            raise ElementError(
                f"{node.text}: :{node.qualifier} is not a family qualifier",
                hint="Families take " + ", ".join(f":{name}" for name in FAMILY_QUALIFIERS) + ".",
            )
        return FAMILY_QUALIFIERS[node.qualifier][0]

    def _require_family_qualifier(self, node: Node) -> None:
        if node.name in self.families and not node.qualifier:
            raise ElementError(
                f"family {node.name} triggers something but does not say when",
                hint=f"Write for example {node.name}:succeed-all or {node.name}:finish-any.",
            )

    def _add_arrows(self, left: Element, right: Element, location: Location | None) -> None:
        terms = self._terms(left)
        for suicide in (False, True):
            children: dict[str, None] = {}
            for node in right.nodes:
                if node.suicide is suicide and not node.offset:
                    children.update(dict.fromkeys(self.families.get(node.name, (node.name,))))
            if children:
                self._add_arrow(terms, tuple(children), suicide, left.is_conditional, location)

    def _add_arrow(
        self,
        terms: tuple[tuple[str, Tree], ...],
        children: tuple[str, ...],
        suicide: bool,
        conditional: bool,
        location: Location | None,
    ) -> None:
        """Add an arrow; what an earlier arrow already says of the same child is left out."""
        group = frozenset(children)
        repeated: dict[str, set[str]] = {}
        for text, _ in terms:
            opposite = self.triggered.get((text, not suicide))
            if opposite is not None and (both := opposite.overlap(group)):
                child = min(both)
                raise GraphError(
                    f"{text} cannot trigger both {child} and !{child}",
                    location=location,
                    hint="Remove one of the two arrows.",
                )
            already = self.triggered.get((text, suicide))
            if already is None:
                already = self.triggered[(text, suicide)] = _Children()
            elif overlap := already.overlap(group):
                repeated[text] = overlap
            already.add(group)
        if not repeated:
            self.graph.arrows.append(Arrow(terms, children, suicide, conditional, location))
            return
        shares: dict[tuple[tuple[str, Tree], ...], list[str]] = {}
        for child in children:
            new = tuple(term for term in terms if child not in repeated.get(term[0], ()))
            if new:
                shares.setdefault(new, []).append(child)
        for new, share in shares.items():
            self.graph.arrows.append(Arrow(new, tuple(share), suicide, conditional, location))

    def _terms(self, element: Element) -> tuple[tuple[str, Tree], ...]:
        """The prerequisites of a left-hand side."""
        if not element.is_conditional:
            return tuple(dict(self._resolve(node) for node in element.nodes).items())
        text = "".join(token if isinstance(token, str) else self._resolve(token)[0] for token in element.tokens)
        return ((text, self._tree(element.syntax)),)

    def _tree(self, syntax: Syntax) -> Tree:
        if isinstance(syntax, Operation):
            return Group(syntax.operator, tuple(self._tree(term) for term in syntax.terms))
        return self._resolve(syntax)[1]

    def _resolve(self, node: Node) -> tuple[str, Tree]:
        """Canonical text and expression of a node on the left of an arrow."""
        known = self.resolved.get(node.text)
        if known is None:
            known = self.resolved[node.text] = self._resolve_anew(node)
        return known

    def _resolve_anew(self, node: Node) -> tuple[str, Tree]:
        if node.is_xtrigger:
            xtrigger = XtriggerTerm(node.name)
            return str(xtrigger), xtrigger
        members = self.families.get(node.name)
        output = self._output(node, members)
        if members is None:
            return _task_tree(node.name, output, node.offset)
        extent = FAMILY_QUALIFIERS[node.qualifier][1]
        if node.qualifier == "submit-fail-any":
            # Cylc 8.5 behaviour: this qualifier waits for a member's submission. Workflows may lean on it.
            output = SUBMITTED
        operator = "&" if extent == "all" else "|"
        parts = [_task_tree(member, output, node.offset) for member in members]
        text = "(" + operator.join(part for part, _ in parts) + ")"
        return text, (parts[0][1] if len(parts) == 1 else Group(operator, tuple(tree for _, tree in parts)))


def _key(node: Node) -> tuple[str, str, str]:
    return node.name, node.offset, long_output(node.qualifier)


def _task_tree(task: str, output: str, offset: str) -> tuple[str, Tree]:
    if output != FINISHED:
        term = OutputTerm(task, output, offset)
        return str(term), term
    succeeded, failed = OutputTerm(task, "succeeded", offset), OutputTerm(task, "failed", offset)
    return f"({succeeded}|{failed})", Group("|", (succeeded, failed))


_KNOWN_OUTPUTS = STANDARD | {FINISHED}
