"""Who waits for what: an expression is registered under everything it names, so a change finds those it can affect.

Names are kept as absolute paths, whether there is such a node or not: nodes may come, go and come again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from . import repeating
from .calendar import CALENDAR_NAMES, TIME_NAMES
from .expression_tree import Expression as Tree
from .expressions import Reference, references
from .nodes import Defs, Node, Suite
from .states import Flag, State
from .variables import own_variable

if TYPE_CHECKING:
    from .engine import SuiteEngine

FLAGS = {"late": Flag.LATE, "zombie": Flag.ZOMBIE, "archived": Flag.ARCHIVED}


class NodeLookup:
    """What the names in an expression of one node mean now."""

    __slots__ = ("engine", "node")

    def __init__(self, engine: SuiteEngine, node: Node) -> None:
        self.engine = engine
        self.node = node

    def state(self, path: str) -> State:
        """A node's state; unknown if there is no such node."""
        node = self.node.find(path)
        return State.UNKNOWN if node is None else node.state

    def shown_state(self, path: str) -> str:
        """A node's state for people."""
        node = self.node.find(path)
        if node is None:
            return "?"
        return "suspended" if node.suspended else node.state.word

    def value(self, path: str, name: str) -> int:
        """An attribute's value; 0 if there is none."""
        if path:
            node = self.node.find(path)
            found = None if node is None else self.engine.attribute_number(node, name)
            return found or 0
        place: Node | Defs | None = self.node
        while isinstance(place, Node):
            found = self.engine.attribute_number(place, name)
            if found is not None:
                return found
            place = place.parent
        return 0

    def is_date(self, path: str, name: str) -> bool:
        """Whether it is a repeat over dates."""
        if path:
            node = self.node.find(path)
            return node is not None and _repeats_dates(node, name)
        place: Node | Defs | None = self.node
        while isinstance(place, Node):
            if self.engine.attribute_number(place, name) is not None:
                return _repeats_dates(place, name)
            place = place.parent
        return False

    def flag(self, path: str, flag: str) -> bool:
        """Whether a flag is set, on a node or, with ``/``, on the root."""
        if path == "/":
            return FLAGS[flag] in self.engine.defs.flags
        node = self.node.find(path)
        return node is not None and FLAGS[flag] in node.flags


def _repeats_dates(node: Node, name: str) -> bool:
    repeat = node.repeat
    return repeating.is_dates(repeat) and getattr(repeat, "name", None) == name


def attribute_number(engine: SuiteEngine, node: Node, name: str) -> int | None:
    """What ``node:name`` is worth in an expression; None if the node has nothing of that name.

    Looked for in this order: event, meter, user variable, repeat, generated variable, limit, queue (ecFlow behaviour).
    """
    for event in node.events:
        if event.name == name:
            return int(event.value)
    if node.events and name.isdecimal():
        for event in node.events:
            if event.number == int(name):
                return int(event.value)
    for meter in node.meters:
        if meter.name == name:
            return meter.value
    text = node.variables.get(name)
    if text is not None:
        return _integer(text)
    if node.repeat is not None and getattr(node.repeat, "name", None) == name:
        return repeating.number(node.repeat)
    text = own_variable(node, name, engine.suite_time)
    if text is not None:
        return _integer(text)
    for limit in node.limits:
        if limit.name == name:
            return limit.value
    for queue in node.queues:
        if queue.name == name:
            return queue.index
    return None


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def trees(node: Node) -> Iterator[Tree]:
    """The expressions of a node."""
    if node.trigger is not None:
        yield cast(Tree, node.trigger.tree)
    if node.complete is not None:
        yield cast(Tree, node.complete.tree)


def absolute(node: Node, path: str) -> str:
    """The absolute path of what a node calls `path`, whether it is there or not."""
    if path.startswith("/"):
        return path
    parent = node.parent
    if "/" not in path:
        return f"{parent.path}/{path}" if isinstance(parent, Node) else f"/{path}"
    words: list[str] = parent.path.split("/")[1:] if isinstance(parent, Node) else []
    for word in path.split("/"):
        if word == "..":
            if words:
                words.pop()
        elif word not in ("", "."):
            words.append(word)
    return "/" + "/".join(words)


class Watchers:
    """Nodes with expressions, by what these name."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self.of_state: dict[str, list[Node]] = {}
        """By the path of the node whose state or flags they name."""
        self.of_value: dict[str, list[Node]] = {}
        """By the path of the node of which they name an attribute."""
        self.of_clock: dict[Suite, set[Node]] = {}
        """Those that name a generated variable which changes with the suite's clock."""
        self._keys: dict[Node, list[tuple[dict[str, list[Node]], str]]] = {}
        self._references: dict[int, tuple[Tree, tuple[Reference, ...]]] = {}
        """What trees name, by their identity: many nodes share one tree."""

    def register_tree(self, top: Node | Defs) -> None:
        """Register the expressions of a node and of all below it."""
        for node in top.walk():
            if node.trigger is not None or node.complete is not None:
                self.register(node)

    def register(self, node: Node) -> None:
        """Register the expressions of a node anew."""
        if node in self._keys:
            self.forget(node)
        keys: list[tuple[dict[str, list[Node]], str]] = []
        waited = self.engine.children.waiting.get(node)
        for tree in (*trees(node), waited) if waited is not None else trees(node):
            known = self._references.get(id(tree))
            if known is None:
                known = self._references[id(tree)] = (tree, tuple(references(tree)))
            for reference in known[1]:
                self._add(node, reference, keys)
        for table, key in keys:
            table.setdefault(key, []).append(node)
        self._keys[node] = keys

    def _add(self, node: Node, reference: Reference, keys: list[tuple[dict[str, list[Node]], str]]) -> None:
        if reference.name in CALENDAR_NAMES:
            self._watch_clock(node, reference)
        if not reference.name:
            keys.append((self.of_state, absolute(node, reference.path)))
        elif reference.path:
            keys.append((self.of_value, absolute(node, reference.path)))
        else:
            place: Node | Defs | None = node
            while isinstance(place, Node):
                keys.append((self.of_value, place.path))
                place = place.parent

    def _watch_clock(self, node: Node, reference: Reference) -> None:
        place = node.find(reference.path) if reference.path else node
        if place is not None and isinstance(place.suite, Suite):
            self.of_clock.setdefault(place.suite, set()).add(node)
            self.engine.timekeeper.watch_clock(place.suite, every_minute=reference.name in TIME_NAMES)

    def forget(self, node: Node) -> None:
        """A node, or its expressions, went."""
        for table, key in self._keys.pop(node, ()):
            held = table.get(key)
            if held is not None:
                held[:] = [other for other in held if other is not node]
                if not held:
                    del table[key]
        for watching in self.of_clock.values():
            watching.discard(node)
