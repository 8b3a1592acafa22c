"""Moving a node from one server to another: taken as a checkpoint has it, added there, then deleted here."""

from __future__ import annotations

from attrs import evolve

from ..flow.suite import nodes
from ..flow.suite.reader import read_definition
from ..flow.suite.states import State
from ..flow.suite.writer import Style, write_definition
from .asking import Asking
from .exceptions import ArgumentError, ServerRefused, as_ecflow_errors
from .settings import port_number

_LIVE = (State.ACTIVE, State.SUBMITTED)


def move(asking: Asking, source: str, destination: str) -> None:
    """Move a node to another server.

    Arguments:
        asking: the server it is on.
        source: its path.
        destination: ``host:port``, where suites go, or ``host:port/suite/family``.

    Raises:
        EcflowError: jobs run in the node, there is no such place, or one of the servers cannot be asked. The node is on
            one of the servers at least, whatever happens.
    """
    where, _, below = destination.partition("/")
    host, separator, port = where.rpartition(":")
    if not separator or not host:
        raise ArgumentError(f"--plug: '{destination}' is neither a path nor host:port[/path]")
    whole = str(asking.user_command("migrate", [])["text"])
    with as_ecflow_errors():
        node = read_definition(whole, "the server's definition").find(source)
    if node is None:
        raise ServerRefused(f"could not find node at path '{source}'")
    live = next((one for one in node.walk() if isinstance(one, nodes.Submittable) and one.state in _LIVE), None)
    if live is not None:
        raise ServerRefused(f"{live.path} is {live.state.word}: {source} cannot be moved now")
    if isinstance(node, nodes.Suite) is not (not below):
        raise ServerRefused(f"{source} cannot stand at {destination}: suites stand at the top, and only they")
    other = Asking(
        evolve(asking.settings, host=host, port=port_number(port)),
        attempts=asking.attempts,
        retry_seconds=asking.retry_seconds,
    )
    try:
        target = f"/{below}/{node.name}" if below else f"/{node.name}"
        if node.name in _children(other, f"/{below}" if below else ""):
            raise ServerRefused(f"there is a node {target} on {where} already")
        attachments = {"definition": _alone(node, below), "file": source}
        other.user_command("replace", [target, source, "false"], attachments=attachments, line=f"--plug={source}")
    finally:
        other.close()
    asking.user_command("delete", ["yes", source], line=f"--plug={source} {destination}")


def _children(asking: Asking, path: str) -> list[str]:
    """The names of the nodes below one on a server; raises `ServerRefused` if there is none."""
    if not path:
        return str(asking.user_command("suites", [])["text"]).split()
    with as_ecflow_errors():
        found = read_definition(str(asking.user_command("migrate", [])["text"]), "the definition there").find(path)
    if found is None:
        raise ServerRefused(f"there is no node {path} on {asking.settings.where}")
    return [child.name for child in found.children]


def _alone(node: nodes.Node, below: str) -> str:
    """A definition that has nothing but the node, at the place it is to have."""
    holder = node.parent
    if isinstance(node, nodes.Suite):
        assert isinstance(holder, nodes.Defs)
        holder.remove_suite(node)
        defs = nodes.Defs()
        defs.add_suite(node)
        return write_definition(defs, Style.MIGRATE)
    assert isinstance(holder, nodes.Node)
    holder.remove_child(node)
    first, *rest = below.strip("/").split("/")
    place: nodes.Node = nodes.Suite(first)
    defs = nodes.Defs()
    defs.add_suite(place)  # type: ignore[arg-type]
    for name in rest:
        family = nodes.Family(name)
        place.add_child(family)
        place = family
    place.add_child(node)
    return write_definition(defs, Style.MIGRATE)
