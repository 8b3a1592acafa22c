"""What can be asked of a tree that no server runs: variables as a node sees them, expressions, times of changes."""

from __future__ import annotations

import time

from ...flow.suite import nodes, repeating
from ...flow.suite.engine import SuiteEngine
from ...flow.suite.expression_tree import Expression as Tree
from ...flow.suite.times import moment_text
from ...flow.suite.variables import find_variable, generated_variables, substitute, visible
from ...flow.suite.watching import NodeLookup
from ..exceptions import EcflowError, as_ecflow_errors

_FORMS = ("iso_extended", "iso", "simple")
NO_TIME = "not-a-date-time"


def suite_time(suite: nodes.Suite) -> int:
    """The time of a suite as it was known last; the host's if it has not begun."""
    return suite.calendar.suite_time if suite.calendar is not None else int(time.time()) + time.localtime().tm_gmtoff


def generated(node: nodes.Node) -> dict[str, str]:
    """What is generated for a node."""
    return generated_variables(node, suite_time) | repeating.variables(node.repeat)


def seen(node: nodes.Node) -> dict[str, str]:
    """All variables that a node sees."""
    return visible(node, suite_time)


def value_seen(node: nodes.Node, name: str) -> str | None:
    """The value of a variable as a node sees it."""
    return find_variable(node, name, suite_time)


def substituted(node: nodes.Node, text: str) -> str:
    """A text with the variables put in that a node sees; raises `EcflowError`."""
    with as_ecflow_errors():
        return substitute(text, seen(node))


def holds(node: nodes.Node, kind: str) -> bool:
    """Whether the trigger or complete expression of a node holds; False if it has none."""
    expression = getattr(node, kind)
    if expression is None:
        return False
    tree: Tree = expression.tree
    return tree.holds(NodeLookup(_engine_about(node), node))


def _engine_about(node: nodes.Node) -> SuiteEngine:
    """An engine to look values up with; it has no tree of its own, and runs nothing."""
    engine = SuiteEngine()
    engine.now = time.time()
    engine.utc_offset_seconds = time.localtime().tm_gmtoff
    if node.defs is not None:
        engine.defs = node.defs
    return engine


def state_change_time(node: nodes.Node, form: str) -> str:
    """When the state of a node changed last, as suite time; raises `EcflowError` for a form there is not."""
    if form not in _FORMS:
        raise EcflowError(f"'{form}' is no form of a time: {', '.join(_FORMS)}")
    suite = node.suite
    calendar = suite.calendar if isinstance(suite, nodes.Suite) else None
    if calendar is None:
        return NO_TIME
    moment = calendar.initial_time + node.state_changed_seconds
    if form == "simple":
        return moment_text(moment)
    shape = "%Y-%m-%dT%H:%M:%S" if form == "iso_extended" else "%Y%m%dT%H%M%S"
    return time.strftime(shape, time.gmtime(moment))


def has_time_dependencies(node: nodes.Node | nodes.Defs) -> bool:
    """Whether a node, or anything below it, waits for times or days."""
    return any(one.times or one.todays or one.dates or one.days or one.crons for one in node.walk())
