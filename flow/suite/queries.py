"""What users ask of suites: single values, and the text of the tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import repeating
from .attributes import Part
from .check import check_definition, check_expression
from .exceptions import SuiteError
from .expression_tree import Expression as Tree
from .nodes import Defs, Node
from .reader import make_expression
from .variables import generated_variables
from .writer import Style, write_definition

if TYPE_CHECKING:
    from .engine import SuiteEngine


class QueryError(SuiteError):
    """There is no answer to that."""


def query(engine: SuiteEngine, words: list[str]) -> str:
    """The answer to ``query TYPE PATH[:NAME] [EXPRESSION|next|prev]``, as ecFlow prints it.

    Raises:
        QueryError: there is no such node or attribute, or no such query.
    """
    if len(words) < 2:
        raise QueryError(f"query needs a type ({', '.join(_QUERIES)}) and a path")
    kind, place, rest = words[0], words[1], words[2:]
    ask = _QUERIES.get(kind)
    if ask is None:
        raise QueryError(f"'{kind}' is no query: choose from {', '.join(_QUERIES)}")
    path, _, name = place.partition(":")
    if path == "/":
        if kind not in ("state", "dstate"):
            raise QueryError("the only query for the server is 'state': query state /")
        return engine.defs.state.word
    node = find(engine, path)
    return ask(engine, node, name, rest)


def find(engine: SuiteEngine, path: str) -> Node:
    """The node at an absolute path.

    Raises:
        QueryError: there is none.
    """
    node = engine.defs.find(path) if path.startswith("/") else None
    if node is None:
        hint = "" if path.startswith("/") else ": paths begin with '/'"
        raise QueryError(f"cannot find node at path '{path}'{hint}")
    return node


def _state(engine: SuiteEngine, node: Node, name: str, rest: list[str]) -> str:
    return node.state.word


def _shown_state(engine: SuiteEngine, node: Node, name: str, rest: list[str]) -> str:
    return "suspended" if node.suspended else node.state.word


def _repeat(engine: SuiteEngine, node: Node, name: str, rest: list[str]) -> str:
    if node.repeat is None:
        raise QueryError(f"cannot find repeat on node {node.path}")
    if rest[:1] == ["next"]:
        return repeating.next_value(node.repeat)
    if rest[:1] == ["prev"]:
        return repeating.previous_value(node.repeat)
    return repeating.value_text(node.repeat)


def _attribute(kind: str, show: Callable[[object], str]) -> Callable[[SuiteEngine, Node, str, list[str]], str]:
    def ask(engine: SuiteEngine, node: Node, name: str, rest: list[str]) -> str:
        found = node.find_attribute(kind, name)
        if found is None:
            raise QueryError(f"cannot find {kind[:-1]} {name} on node {node.path}")
        return show(found)

    return ask


def _variable(engine: SuiteEngine, node: Node, name: str, rest: list[str]) -> str:
    found = engine.find_variable(node, name)
    if found is None:
        raise QueryError(f"cannot find a variable, repeat or generated variable {name} on {node.path} or its parents")
    return found


def _trigger(engine: SuiteEngine, node: Node, name: str, rest: list[str]) -> str:
    expression = make_expression((Part(" ".join(rest)),))
    problems = check_expression(node, expression)
    if problems:
        raise QueryError(problems[0].reason)
    tree: Tree = expression.tree  # type: ignore[assignment]
    return "true" if tree.holds(engine.lookup(node)) else "false"


_QUERIES: dict[str, Callable[[SuiteEngine, Node, str, list[str]], str]] = {
    "state": _state,
    "dstate": _shown_state,
    "repeat": _repeat,
    "event": _attribute("events", lambda one: "set" if one.value else "clear"),  # type: ignore[attr-defined]
    "meter": _attribute("meters", lambda one: str(one.value)),  # type: ignore[attr-defined]
    "label": _attribute("labels", lambda one: one.new_value or one.value),  # type: ignore[attr-defined]
    "variable": _variable,
    "trigger": _trigger,
    "limit": _attribute("limits", lambda one: str(one.value)),  # type: ignore[attr-defined]
    "limit_max": _attribute("limits", lambda one: str(one.maximum)),  # type: ignore[attr-defined]
}


def definition_text(engine: SuiteEngine, path: str = "/", style: Style = Style.DEFS) -> str:
    """The text of the tree, or of one node, as ``get``, ``get_state`` and ``migrate`` print it.

    Raises:
        QueryError: there is no such node.
    """
    of: Node | Defs = engine.defs if path in ("", "/") else find(engine, path)
    if style is not Style.DEFS:
        engine.timekeeper.refresh_states()

    def generated(node: Node) -> list[tuple[str, str]]:
        made = generated_variables(node, engine.suite_time) | repeating.variables(node.repeat)
        return list(made.items())

    text = write_definition(of, style, generated=generated)
    if style is Style.DEFS:
        # What went since it was loaded, or was never there, is declared, so that the text loads (ecFlow behaviour).
        missing = check_definition(engine.defs, of.walk() if isinstance(of, Node) else None).missing
        if missing:
            version, _, rest = text.partition("\n")
            text = "\n".join([version, *(f"extern {name}" for name in sorted(missing)), rest])
    return text


def suite_names(engine: SuiteEngine) -> str:
    """The names of the suites on one line."""
    return " ".join(suite.name for suite in engine.defs.suites) or "No suites"


def check(engine: SuiteEngine, paths: list[str]) -> str:
    """What is named in the tree, or below some nodes, that is not there; empty if all is."""
    everything = not paths or paths[0] in ("/", "_all_")
    nodes = None if everything else iter([below for path in paths for below in find(engine, path).walk()])
    findings = check_definition(engine.defs, nodes)
    return "\n".join(str(problem) for problem in (*findings.errors, *findings.warnings))
