"""``stripNull``: leaves null, ``[]`` and ``{}`` out of an answer, from the field that asks for it downwards (Cylc 8.5
behaviour)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

Plan = dict[str, tuple[bool, "Plan"]]
"""By response key: whether it is left out when empty, and the same for what is below it."""


def strip_plan(document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Plan | None:
    """What to leave out of the answer to an operation; None for nothing."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    plan: Plan = {}
    _collect(plan, operation.selection_set, False, fragments, variables)
    return plan if _asks(plan) else None


def _asks(plan: Plan) -> bool:
    return any(strips or _asks(below) for strips, below in plan.values())


def _collect(
    plan: Plan,
    selections: SelectionSetNode,
    strips: bool,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> None:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            key = node.alias.value if node.alias else node.name.value
            asked = _argument(node, variables)
            here = strips if asked is None else asked
            _, below = plan.setdefault(key, (here, {}))
            plan[key] = (here, below)
            if node.selection_set is not None:
                _collect(below, node.selection_set, here, fragments, variables)
        elif isinstance(node, FragmentSpreadNode):
            fragment = fragments.get(node.name.value)
            if fragment is not None:
                _collect(plan, fragment.selection_set, strips, fragments, variables)
        else:
            _collect(plan, node.selection_set, strips, fragments, variables)  # type: ignore[attr-defined]


def _argument(node: FieldNode, variables: Mapping[str, Any]) -> bool | None:
    for argument in node.arguments:
        if argument.name.value == "stripNull":
            if isinstance(argument.value, VariableNode):
                value = variables.get(argument.value.name.value)
                return None if value is None else bool(value)
            if isinstance(argument.value, BooleanValueNode):
                return argument.value.value
    return None


def strip(data: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """An answer without what the plan leaves out."""
    stripped: dict[str, Any] = {}
    for key, value in data.items():
        strips, below = plan.get(key, (False, {}))
        if strips and (value is None or value == [] or value == {}):
            continue
        if below:
            if isinstance(value, list):
                value = [strip(one, below) if isinstance(one, dict) else one for one in value]
            elif isinstance(value, dict):
                value = strip(value, below)
        stripped[key] = value
    return stripped
