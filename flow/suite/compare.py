"""Whether two trees say the same: what a round trip through text has to keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import fields

from .attributes import Expression
from .nodes import Defs, Node

_LINKS = frozenset({"parent", "children", "suites", "_path", "_by_name"})
_NOT_IN_TEXT = frozenset({"saved_style", "state_change_number", "modify_change_number"})
_STATE_WORDS = (
    "state suspended flags begun calendar password process_id try_number aborted_reason alias_number "
    "state_changed_seconds run_time_seconds server_variables user_variables server_state calendar_updates edit_history"
)
_STATE = frozenset(_STATE_WORDS.split())


def same_tree(first: Defs | Node, second: Defs | Node, *, with_state: bool = True) -> bool:
    """Whether two trees, or two nodes with all below them, are equal; without state only what was defined counts."""
    return next(differences(first, second, with_state=with_state), None) is None


def differences(first: Defs | Node, second: Defs | Node, *, with_state: bool = True) -> Iterator[str]:
    """What differs between two trees, one sentence for each thing, in the order of the first.

    Args:
        first: a tree or node.
        second: another.
        with_state: whether states and values count; if not, aliases (which are not defined but made) do not either.
    """
    if type(first) is not type(second):
        yield f"{first.path}: a {type(first).__name__} here, a {type(second).__name__} there"
        return
    for attribute in fields(type(first)):
        name = attribute.name
        if name in _LINKS or name in _NOT_IN_TEXT or (not with_state and name in _STATE):
            continue
        one, other = getattr(first, name), getattr(second, name)
        if name == "externs":
            one, other = sorted(one), sorted(other)
        if _plain(one, with_state) != _plain(other, with_state):
            yield f"{first.path}: {name} is {one!r} here, {other!r} there"
    if not with_state and isinstance(first, Node) and first.kind == "task":
        return
    ours, theirs = first.children, second.children
    if [child.name for child in ours] != [child.name for child in theirs]:
        yield f"{first.path}: children {[node.name for node in ours]} here, {[node.name for node in theirs]} there"
        return
    for one, other in zip(ours, theirs, strict=True):
        yield from differences(one, other, with_state=with_state)


def _plain(value: Any, with_state: bool) -> Any:
    """A value that can be compared; sequences are alike whether they are lists or the shared empty tuple."""
    if isinstance(value, Expression):
        return (value.parts, with_state and value.free)
    if isinstance(value, list | tuple):
        return [_plain(item, with_state) for item in value]
    if not with_state and hasattr(value, "definition"):
        return value.definition
    return value
