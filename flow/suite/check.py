"""Looking up every name that a definition uses: in triggers and complete expressions, inlimits, autorestore.

A name that cannot be found is an error, unless an ``extern`` says it is elsewhere; for an inlimit it is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from .attributes import Expression, InLimit
from .exceptions import SuiteError
from .expressions import Reference, references
from .nodes import Alias, Defs, Node, Suite
from .repeats import RepeatDate, RepeatDateList, RepeatDateTime, RepeatDateTimeList, RepeatDay

_SUITE_NAMES = "SUITE ECF_TIME TIME YYYY MM DD DOW DOY DAY MONTH DATE ECF_DATE ECF_CLOCK ECF_JULIAN"
_TASK_NAMES = "TASK ECF_NAME ECF_SCRIPT ECF_JOB ECF_JOBOUT ECF_TRYNO ECF_RID ECF_PASS"
GENERATED = {
    "suite": frozenset(_SUITE_NAMES.split()),
    "family": frozenset({"FAMILY", "FAMILY1"}),
    "task": frozenset(_TASK_NAMES.split()),
    "alias": frozenset(_TASK_NAMES.split()),
}
"""Names of the generated variables of a node, by its kind (those of its repeat come on top)."""

_DATE_PARTS = ("YYYY", "MM", "DD", "DOW", "JULIAN")
_DATE_TIME_PARTS = ("DATE", "YYYY", "MM", "DD", "DOW", "JULIAN", "TIME", "HOURS", "MINUTES", "SECONDS")


class CheckError(SuiteError):
    """A definition names what is not there."""


@define
class Problem:
    """Something a definition names that is not there."""

    path: str
    """Of the node that names it."""
    reason: str
    line: int = 0
    """Of the definition, where it is known."""

    def __str__(self) -> str:
        return f"line {self.line}: {self.path}: {self.reason}" if self.line else f"{self.path}: {self.reason}"

    def text(self, file: str) -> str:
        """The problem with its place, ``file:line: …``."""
        place = f"{file}:{self.line}: " if file and self.line else f"{file}: " if file else ""
        return f"{place}{self.path}: {self.reason}" if place else str(self)


@define
class Findings:
    """What a check found: a definition with errors is not to be loaded, one with warnings may be."""

    errors: list[Problem] = field(factory=list)
    warnings: list[Problem] = field(factory=list)
    missing: dict[str, None] = field(factory=dict)
    """What would have to be declared as ``extern`` for all to be found: paths, perhaps with ``:NAME``."""

    def raise_errors(self, file: str = "") -> None:
        """Raise `CheckError` naming all errors, if there are any."""
        if self.errors:
            raise CheckError("\n".join(problem.text(file) for problem in self.errors))


def check_definition(defs: Defs, nodes: Iterator[Node] | None = None) -> Findings:
    """Look up all names.

    Args:
        defs: the tree, with its externs.
        nodes: those to check; all of `defs` if not said.
    """
    findings = Findings()
    externs = _Externs(defs)
    named: dict[int, list[Reference]] = {}  # trees are shared by all who write the same text
    for node in defs.walk() if nodes is None else nodes:
        if isinstance(node, Alias):
            continue  # it runs when it is told to, whatever its task waited for
        trigger, complete = node.trigger, node.complete
        if complete is not None:
            _check_expression(node, complete, "complete", named, externs, findings)
        if trigger is not None:
            _check_expression(node, trigger, "trigger", named, externs, findings)
        if node.inlimits:
            for inlimit in node.inlimits:
                reason = _check_inlimit(node, inlimit, externs)
                if reason:
                    findings.warnings.append(Problem(node.path, reason, inlimit.line))
                    findings.missing[f"{inlimit.path}:{inlimit.name}" if inlimit.path else inlimit.name] = None
        if node.autorestore is not None:
            for path in node.autorestore.paths:
                reason = _check_autorestore(node, path, externs)
                if reason:
                    findings.errors.append(Problem(node.path, reason, node.autorestore.line))
    return findings


def check_expression(node: Node, expression: Expression, keyword: str = "trigger") -> list[Problem]:
    """What one expression of a node names that is not there (for `alter`, which changes one)."""
    findings = Findings()
    defs = node.defs
    _check_expression(node, expression, keyword, {}, _Externs(defs if defs is not None else Defs()), findings)
    return findings.errors


def has_name(node: Node | Defs, name: str) -> bool:
    """Whether ``path:name`` means something: an event, meter, variable, repeat, limit or queue of the node."""
    if isinstance(node, Defs):
        return name in node.user_variables or name in node.server_variables
    if name in node.variables:
        return True
    for kind in ("events", "meters", "limits", "queues"):
        if getattr(node, kind) and node.find_attribute(kind, name) is not None:
            return True
    return name in GENERATED[node.kind] or _of_repeat(node, name)


def _of_repeat(node: Node, name: str) -> bool:
    repeat = node.repeat
    if repeat is None:
        return False
    if isinstance(repeat, RepeatDay):
        return name == "day"  # all the name it has (ecFlow behaviour)
    if name == repeat.name:
        return True
    if not name.startswith(repeat.name + "_"):
        return False
    part = name[len(repeat.name) + 1 :]
    if isinstance(repeat, RepeatDate | RepeatDateList):
        return part in _DATE_PARTS
    return isinstance(repeat, RepeatDateTime | RepeatDateTimeList) and part in _DATE_TIME_PARTS


class _Externs:
    """The externs of a tree: which paths and names need not be here."""

    def __init__(self, defs: Defs) -> None:
        self.texts = set(defs.externs)

    def allow(self, path: str, name: str = "") -> bool:
        """Whether a path, or a name on it, was declared; suites' own paths with or without the leading slash."""
        if not self.texts:
            return False
        return (f"{path}:{name}" if name else path) in self.texts


def _check_expression(
    node: Node,
    expression: Expression,
    keyword: str,
    named: dict[int, list[Reference]],
    externs: _Externs,
    findings: Findings,
) -> None:
    tree = expression.tree
    found = named.get(id(tree))
    if found is None:
        found = named[id(tree)] = list(references(tree))  # type: ignore[arg-type]
    for reference in found:
        if reference.name:
            reason = _check_named(node, reference, externs)
        elif reference.path == "/" or node.find(reference.path) is not None or externs.allow(reference.path):
            continue  # the server is always there, so its flags are
        else:
            reason = _not_found(node, reference.path)
        if reason:
            problem = Problem(node.path, f"{keyword} '{expression.text}': {reason}", expression.line)
            findings.errors.append(problem)
            if reference.path:
                findings.missing[f"{reference.path}:{reference.name}" if reference.name else reference.path] = None


def _check_named(node: Node, reference: Reference, externs: _Externs) -> str:
    """Why ``path:name`` means nothing; "" if it means something."""
    path, name = reference.path, reference.name
    if not path:
        place: Node | Defs | None = node
        while isinstance(place, Node):
            if has_name(place, name):
                return ""
            place = place.parent
        return f"there is no '{name}' on this node nor on any above it"
    if externs.allow(path, name):
        return ""
    found = node.find(path)
    if found is None:
        return _not_found(node, path)
    if not has_name(found, name):
        return f"{found.kind} {found.path} has no event, meter, variable, repeat, limit or queue '{name}'"
    return ""


def _not_found(node: Node, path: str) -> str:
    """There is no such node: say where it was looked for."""
    if path.startswith("/"):
        return f"there is no node {path}; if it is on another server or comes later, declare it: extern {path}"
    parent = node.parent
    where = parent.path if isinstance(parent, Node) else "/"
    hint = ""
    if "/" not in path and node.child(path) is not None:
        hint = f"; for the child of that name write {node.name}/{path}"
    elif isinstance(parent, Node) and path == parent.name:
        hint = f"; for the parent of that name write ../{path}"
    return f"there is no node '{path}', looked for from {where}{hint}"


def _check_inlimit(node: Node, inlimit: InLimit, externs: _Externs) -> str:
    """Why an inlimit finds no limit; "" if it finds one."""
    name = inlimit.name
    if not inlimit.path:
        place: Node | Defs | None = node
        while isinstance(place, Node):
            if place.limits and place.find_attribute("limits", name) is not None:
                return ""
            place = place.parent
        if externs.allow(name):
            return ""
        return f"inlimit {name}: there is no limit of that name on this node nor on any above it"
    if externs.allow(inlimit.path, name):
        return ""
    found = node.find(inlimit.path)
    if found is None:
        return f"inlimit {inlimit.path}:{name}: {_not_found(node, inlimit.path)}"
    if found.find_attribute("limits", name) is None:
        return f"inlimit {inlimit.path}:{name}: {found.kind} {found.path} has no limit '{name}'"
    return ""


def _check_autorestore(node: Node, path: str, externs: _Externs) -> str:
    """Why a node cannot be restored; "" if it can."""
    if externs.allow(path):
        return ""
    found = node.find(path)
    if found is None:
        return f"autorestore {path}: {_not_found(node, path)}"
    if not isinstance(found, Suite) and found.kind != "family":
        return f"autorestore {path}: that is a {found.kind}; only suites and families are archived and restored"
    return ""
