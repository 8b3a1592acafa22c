"""What a client is told of a change, and how it takes that into its own copy of the tree."""

from __future__ import annotations

from typing import Any

import attrs

from .changes import Delta
from .nodes import Defs, Node, Suite
from .reader import read_definition
from .states import Flag, ServerState, State
from .writer import Style, write_definition, write_node

_KEPT = frozenset({"name", "parent", "children", "_path", "_by_name", "alias_number"})


def delta_message(defs: Defs, delta: Delta) -> dict[str, Any]:
    """A delta as plain data.

    Returns:
        ``state_change_number``, ``modify_change_number``; with ``definition`` (checkpoint form) if everything is to be
        read anew, else ``nodes``: ``{"path", "text"}`` of each that changed, and ``root`` if the server itself did.
    """
    message: dict[str, Any] = {
        "state_change_number": delta.number,
        "modify_change_number": defs.modify_change_number,
        "root": _root(defs),
    }
    if not delta.is_complete or any(isinstance(holder, Defs) for holder in delta.structures):
        message["definition"] = write_definition(defs, Style.MIGRATE)
        return message
    message["trees"] = [
        {"path": holder.path, "text": write_definition(holder.suite, Style.MIGRATE)}
        for holder in {node.suite: node for node in delta.structures if isinstance(node, Node)}.values()
    ]
    message["nodes"] = [{"path": node.path, "text": write_node(node)} for node in delta.nodes]
    return message


def apply_delta(defs: Defs, message: dict[str, Any]) -> tuple[Defs, list[str]]:
    """Take a delta into a copy; returns the tree (another one if it was read anew) and the paths that changed."""
    if "definition" in message:
        defs = read_definition(message["definition"], "the server's definition")
        changed = [node.path for node in defs.walk()]
    else:
        changed = []
        for tree in message["trees"]:
            changed += _replace_suite(defs, tree["text"])
        for entry in message["nodes"]:
            node = defs.find(entry["path"])
            if node is not None:
                _update(node, entry["text"])
                changed.append(node.path)
    root = message["root"]
    defs.state = State(root["state"])
    defs.server_state = ServerState(root["server_state"])
    defs.flags = frozenset(Flag(flag) for flag in root["flags"])
    defs.server_variables = root["server_variables"]
    defs.user_variables = root["user_variables"]
    defs.state_change_number = message["state_change_number"]
    defs.modify_change_number = message["modify_change_number"]
    return defs, changed


def _root(defs: Defs) -> dict[str, Any]:
    return {
        "state": int(defs.state),
        "server_state": defs.server_state.value,
        "flags": sorted(flag.value for flag in defs.flags),
        "server_variables": defs.server_variables,
        "user_variables": defs.user_variables,
    }


def _replace_suite(defs: Defs, text: str) -> list[str]:
    (suite,) = read_definition(text, "a suite of the server").suites
    old = defs.child(suite.name)
    position = None
    if old is not None:
        position = list(defs.suites).index(old)
        defs.remove_suite(old)
    defs.add_suite(suite, position)
    return [node.path for node in suite.walk()]


def _update(node: Node, text: str) -> None:
    """Make a node what the text says, its children apart."""
    read = _read_node(node, text)
    for attribute in attrs.fields(type(node)):
        if attribute.name not in _KEPT:
            setattr(node, attribute.name, getattr(read, attribute.name))


def _read_node(node: Node, text: str) -> Node:
    if isinstance(node, Suite):
        return read_definition(f"defs_state MIGRATE\n{text}\nendsuite\n").suites[0]
    if node.kind == "alias":
        whole = f"defs_state MIGRATE\nsuite s\ntask t\n{text}\nendalias\nendsuite\n"
        return read_definition(whole).suites[0].children[0].children[0]
    end = f"end{node.kind}" if node.kind == "family" else ""
    return read_definition(f"defs_state MIGRATE\nsuite s\n{text}\n{end}\nendsuite\n").suites[0].children[0]
