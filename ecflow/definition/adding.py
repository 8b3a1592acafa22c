"""Putting things on nodes: what ``add``, ``+`` and ``+=`` take, and what becomes of it in the tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...flow.suite import nodes, placing
from ...flow.suite.attributes import Expression as CoreExpression
from ...flow.suite.attributes import Part
from ...flow.suite.states import State as CoreState
from ..exceptions import EcflowError, as_ecflow_errors
from .attributes import Attribute, Defstatus, Edit, Variable, variable_texts
from .enums import DState
from .expressions import Complete, Expression, PartExpression, Trigger, core_expression, follow
from .repeats import Repeat
from .times import Clock


def add_attribute(core: nodes.Node, cover: Attribute) -> None:
    """Put a copy of an attribute on a node; raises `EcflowError` where it cannot stand."""
    if isinstance(cover, Repeat) and cover.core is None:
        raise EcflowError(f"an empty repeat cannot be put on {core.path}")
    try:
        with as_ecflow_errors():
            placing.add_attribute(core, cover.own())
    except EcflowError as error:
        raise EcflowError(f"'{cover}' cannot be added to {core.kind} {core.path}: {error}") from None


def set_variables(core: nodes.Node | nodes.Defs, variables: Mapping[str, Any]) -> None:
    """Set variables of a node, or of users on the server."""
    held = core.user_variables if isinstance(core, nodes.Defs) else core.variables
    held.update(variable_texts(variables))


def set_defstatus(core: nodes.Node, state: DState) -> None:
    """Say what state a node has when it is queued."""
    core.default_suspended = state is DState.suspended
    core.default_state = None if state in (DState.suspended, DState.queued) else CoreState(int(state))


def add_clock(core: nodes.Node, clock: Clock, *, is_end: bool = False) -> None:
    """Give a suite its clock, or the end of it."""
    if not isinstance(core, nodes.Suite):
        raise EcflowError(f"{core.path} is a {core.kind}: only suites have a clock")
    made = clock.own()
    if is_end:
        made.hybrid = False  # an endclock is of no kind
    with as_ecflow_errors():
        (placing.set_end_clock if is_end else placing.set_clock)(core, made)


def set_expression(core: nodes.Node, kind: str, parts: tuple[Part, ...]) -> None:
    """Give a node its trigger or complete expression (`kind`); raises `EcflowError` if it has one."""
    expression = core_expression(parts)
    setter = placing.set_trigger if kind == "trigger" else placing.set_complete
    try:
        with as_ecflow_errors():
            setter(core, expression)
    except EcflowError as error:
        raise EcflowError(f"'{expression.text}' cannot be the {kind} of {core.path}: {error}") from None


def extend_expression(core: nodes.Node, kind: str, part: Part) -> None:
    """Add a line to the trigger or complete expression of a node."""
    held: CoreExpression | None = getattr(core, kind)
    before = held.parts if held is not None else ()
    parts = (*before, follow(before, part))
    if held is None:
        set_expression(core, kind, parts)
    else:
        setattr(core, kind, core_expression(parts))


def add_expression(core: nodes.Node, kind: str, parts: tuple[Part, ...]) -> None:
    """Add to the trigger or complete expression of a node: what says nothing else is ANDed to what is there."""
    for part in parts:
        is_bare = not part.joiner and getattr(core, kind) is not None
        extend_expression(core, kind, Part(part.text, "and") if is_bare else part)


def add_plain(core: nodes.Node, thing: Any) -> bool:
    """Put a thing that is no node on a node; False if it is none of these."""
    match thing:
        case Variable():
            core.variables[thing.core.name] = thing.core.value
        case Edit():
            core.variables.update(thing.variables)
        case Mapping():
            set_variables(core, thing)
        case Complete():
            add_expression(core, "complete", thing.all)
        case Trigger() | Expression():
            add_expression(core, "trigger", thing.all)
        case PartExpression():
            extend_expression(core, "trigger", thing.part)
        case Defstatus():
            set_defstatus(core, thing.state())
        case Clock():
            add_clock(core, thing)
        case Attribute():
            add_attribute(core, thing)
        case _:
            return False
    return True
