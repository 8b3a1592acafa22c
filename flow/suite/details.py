"""Everything there is to tell of one node, as plain data: what ``show`` prints and what queries have as ``extras``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from . import repeating
from .attributes import Expression
from .expression_tree import And, Or, sides
from .expression_tree import Expression as Tree
from .nodes import Defs, Node, Submittable, Suite
from .variables import generated_variables
from .writer import flags_text

if TYPE_CHECKING:
    from .engine import SuiteEngine

_WRITTEN = ("times", "todays", "dates", "days", "crons", "inlimits", "zombies", "verifies", "avisos", "mirrors")


def details(engine: SuiteEngine, node: Node) -> dict[str, Any]:
    """What a node is and has; attributes only if it has any.

    Returns:
        ``path``, ``kind``, ``state`` and ``dstate`` (which is ``suspended`` if it is), ``flags``; of tasks and aliases
        ``try_number``, ``process_id`` and ``aborted_reason``; of suites ``begun`` and ``time`` (of its clock); and
        ``trigger``, ``complete``, ``events``, ``meters``, ``labels``, ``limits``, ``queues``, ``repeat``,
        ``variables``, and lines as written of ``times``, ``inlimits``, ``late``, ...
    """
    found: dict[str, Any] = {
        "path": node.path,
        "kind": node.kind,
        "state": node.state.word,
        "dstate": "suspended" if node.suspended else node.state.word,
        "flags": flags_text(node.flags).split(",") if node.flags else [],
    }
    if isinstance(node, Submittable):
        found |= {
            "try_number": node.try_number,
            "process_id": node.process_id,
            "aborted_reason": node.aborted_reason,
        }
    elif isinstance(node, Suite):
        from .repeats import instant_text

        found |= {"begun": node.begun, "time": instant_text(engine.suite_time(node)) if node.begun else None}
    if node.default_suspended or node.default_state is not None:
        default = node.default_state
        found["defstatus"] = "suspended" if node.default_suspended or default is None else default.word
    for name, expression in (("trigger", node.trigger), ("complete", node.complete)):
        if expression is not None:
            found[name] = expression_details(engine, node, expression)
    found |= {name: value for name, value in _attributes(node).items() if value}
    return found


def _attributes(node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {
        "events": {event.name_or_number: event.value for event in node.events},
        "meters": {one.name: {"value": one.value, "min": one.minimum, "max": one.maximum} for one in node.meters},
        "labels": {label.name: label.new_value or label.value for label in node.labels},
        "limits": {
            one.name: {"value": one.value, "max": one.maximum, "paths": sorted(one.paths)} for one in node.limits
        },
        "queues": {
            one.name: {"index": one.index, "steps": dict(zip(one.steps, [s.word for s in one.states], strict=False))}
            for one in node.queues
        },
        "generics": {one.name: list(one.values) for one in node.generics},
        "variables": dict(node.variables),
    }
    if node.repeat is not None:
        found["repeat"] = {
            "name": getattr(node.repeat, "name", "") or "day",
            "value": repeating.value_text(node.repeat),
            "definition": node.repeat.definition,
        }
    for kind in _WRITTEN:
        found[kind] = [_line(one) for one in getattr(node, kind)]
    for kind in ("late", "autocancel", "autoarchive", "autorestore"):
        held = getattr(node, kind)
        found[kind] = _line(held) if held is not None else ""
    return found


def _line(attribute: Any) -> str:
    comment = getattr(attribute, "state_comment", "")
    return f"{attribute.definition} # {comment}" if comment else str(attribute.definition)


def expression_details(engine: SuiteEngine, node: Node, expression: Expression) -> dict[str, Any]:
    """An expression part by part: ``text``, whether it ``holds``, whether it was made ``free``, and its ``parts``, each
    with ``text``, ``shown`` (with values) and ``holds``; the parts are joined by ``joiner``, and or or."""
    tree = cast(Tree, expression.tree)
    lookup = engine.lookup(node)
    joiner = "or" if isinstance(tree, Or) else "and"
    parts = sides(tree) if isinstance(tree, And | Or) else [tree]
    return {
        "text": expression.text,
        "holds": tree.holds(lookup),
        "free": expression.free,
        "joiner": joiner,
        "parts": [
            {"text": part.shown(None), "shown": part.shown(lookup), "holds": part.holds(lookup)} for part in parts
        ],
    }


def server_details(engine: SuiteEngine) -> dict[str, Any]:
    """What a server is and has: ``state``, ``server_state``, ``flags``, ``variables`` and its ``suites``, each with
    ``name``, ``state``, ``begun`` and ``suspended``."""
    defs = engine.defs
    return {
        "path": "/",
        "kind": "server",
        "state": defs.state.word,
        "server_state": defs.server_state.value.lower(),
        "flags": flags_text(defs.flags).split(",") if defs.flags else [],
        "variables": {**defs.server_variables, **defs.user_variables},
        "suites": [
            {"name": one.name, "state": one.state.word, "begun": one.begun, "suspended": one.suspended}
            for one in defs.suites
        ],
    }


def generated(engine: SuiteEngine, node: Node) -> dict[str, str]:
    """The variables that a node has of itself."""
    return {**generated_variables(node, engine.suite_time), **repeating.variables(node.repeat)}


def children(node: Node | Defs) -> list[dict[str, Any]]:
    """The nodes directly below: ``path``, ``kind``, ``state`` and whether ``suspended``."""
    return [
        {"path": one.path, "kind": one.kind, "state": one.state.word, "suspended": one.suspended}
        for one in node.children
    ]
