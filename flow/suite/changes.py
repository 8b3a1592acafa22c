"""What changed, by number: a client that knows the number it has seen is told what came after, at the cost of that."""

from __future__ import annotations

from typing import TypeVar

from attrs import define, field

from .nodes import Defs, Node

Item = TypeVar("Item")


@define(eq=False)
class Delta:
    """What is new since a number."""

    number: int
    """Up to which this tells."""
    nodes: list[Node]
    """Whose state or attributes changed, oldest change first."""
    structures: list[Node | Defs]
    """Below which nodes came, went or moved: everything below is to be read again."""
    has_root: bool
    """Whether the state of the server or its variables changed."""
    is_complete: bool = True
    """False if the number is from before this engine began: everything is to be read again."""


@define(eq=False)
class ChangeLog:
    """The order in which nodes changed last."""

    defs: Defs
    number: int = 0
    """Of the latest change of any kind."""
    first: int = 0
    """The number at which this log begins."""
    _nodes: dict[Node, int] = field(factory=dict)
    _structures: dict[Node | Defs, int] = field(factory=dict)
    _root: int = 0

    def touch(self, node: Node) -> None:
        """The state or an attribute of a node changed."""
        self.number += 1
        number = self.number
        node.state_change_number = number
        nodes = self._nodes
        if node in nodes:
            del nodes[node]
        nodes[node] = number

    def touch_root(self) -> None:
        """The server's state or variables changed."""
        self.number += 1
        self._root = self.defs.state_change_number = self.number

    def restructure(self, holder: Node | Defs) -> None:
        """Nodes came, went or moved below a node, or attributes were added or taken away."""
        self.number += 1
        holder.modify_change_number = self.defs.modify_change_number = self.number
        self._structures.pop(holder, None)
        self._structures[holder] = self.number

    def forget(self, node: Node) -> None:
        """A node left the tree."""
        self._nodes.pop(node, None)
        self._structures.pop(node, None)

    def since(self, number: int) -> Delta:
        """What changed after a number, in time proportional to that."""
        if number < self.first or number > self.number:
            return Delta(self.number, [], [self.defs], True, is_complete=False)
        nodes = _after(self._nodes, number)
        return Delta(self.number, nodes, _after(self._structures, number), self._root > number)

    def take_up(self) -> None:
        """Go on from the numbers the tree already has, after a restart."""
        highest = max(self.defs.state_change_number, self.defs.modify_change_number)
        for node in self.defs.walk():
            highest = max(highest, node.state_change_number, node.modify_change_number)
        self.number = self.first = max(self.number, highest)


def _after(log: dict[Item, int], number: int) -> list[Item]:
    found = []
    for key in reversed(log):
        if log[key] <= number:
            break
        found.append(key)
    found.reverse()
    return found
