"""Prerequisites: what a task instance still waits for, counted, never searched.

A `Gate` tree is compiled once per dependency. Each live `Prerequisite` holds only the counts that remain, and is
shared by every child of the dependency at one cycle point, so an output costs one decrement however large the family
that waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ..language.definition import All, Dependency, Expression, Leaf, leaves

if TYPE_CHECKING:
    from .proxy import TaskProxy

NATURALLY = "satisfied naturally"
FROM_DATABASE = "satisfied from database"
FORCED = "force satisfied"


class OutputKey(NamedTuple):
    """One output of one task instance."""

    point: int
    task: str
    output: str


class GateTree(Struct, eq=False):
    """A dependency's expression as counting gates: a gate opens when its count reaches zero, and then counts for the
    gate above it. An ``&`` needs all of its terms, an ``|`` needs one."""

    dependency: Dependency
    leaves: tuple[Leaf, ...]
    """Each distinct leaf once, in the order written."""
    needs: tuple[int, ...]
    """What each gate needs at first; gate 0 is the whole expression."""
    above: tuple[int, ...]
    """The gate each gate counts for; -1 for gate 0."""
    leaf_gates: tuple[tuple[int, ...], ...]
    """By leaf: the gates it counts for."""
    terms: tuple[tuple[str, tuple[int, ...]], ...]
    """What counts as one prerequisite to a user: the whole of a condition, else each term of an ``&``; as text, and
    with the leaves in it."""
    reaches_ahead: bool
    """Whether a parent may lie at a later point than the child."""


def compile_gates(dependency: Dependency) -> GateTree:
    """The gate tree of a dependency."""
    distinct = tuple(dict.fromkeys(leaves(dependency.expression)))
    position = {leaf: index for index, leaf in enumerate(distinct)}
    needs: list[int] = []
    above: list[int] = []
    leaf_gates: list[list[int]] = [[] for _ in distinct]

    def add(expression: Expression, upper: int) -> None:
        if isinstance(expression, Leaf):
            leaf_gates[position[expression]].append(upper)
            return
        gate = len(needs)
        needs.append(len(expression.terms) if isinstance(expression, All) else 1)
        above.append(upper)
        for term in expression.terms:
            add(term, gate)

    root = dependency.expression
    add(All((root,)) if isinstance(root, Leaf) else root, -1)
    ahead = any(leaf.offset is not None and (leaf.offset.is_absolute or "+" in leaf.offset.text) for leaf in distinct)
    split = isinstance(root, All) and not dependency.conditional
    terms = root.terms if split and isinstance(root, All) else (root,)
    return GateTree(
        dependency,
        distinct,
        tuple(needs),
        tuple(above),
        tuple(map(tuple, leaf_gates)),
        tuple((_text(term), tuple(dict.fromkeys(position[leaf] for leaf in leaves(term)))) for term in terms),
        ahead,
    )


def _text(expression: Expression) -> str:
    """An expression as text that is the same for equal ones."""
    if isinstance(expression, Leaf):
        offset = f"[{expression.offset.text}]" if expression.offset is not None else ""
        return f"{expression.task}{offset}:{expression.output}"
    sign = "&" if isinstance(expression, All) else "|"
    return f"({sign.join(map(_text, expression.terms))})"


class Prerequisite(Struct, eq=False):
    """One dependency as it stands for the children at one cycle point."""

    tree: GateTree
    point: int
    """The children's point."""
    keys: tuple[OutputKey, ...]
    """What each leaf waits for."""
    counts: list[int]
    how: dict[int, str] = {}
    """By leaf: how it was satisfied."""
    is_met: bool = False
    dependents: dict[TaskProxy, None] = {}
    """The instances that wait for it, in the order they came."""
    flows: frozenset[int] = frozenset()
    """The flows for which every child has been spawned or merged."""
    is_private: bool = False
    """Changed for one instance alone by a user: no sibling may share it."""

    def satisfy(self, leaf: int, how: str) -> bool:
        """Mark a leaf satisfied; True if that made the whole prerequisite met."""
        if leaf in self.how:
            return False
        self.how[leaf] = how
        above, counts = self.tree.above, self.counts
        for start in self.tree.leaf_gates[leaf]:
            gate = start
            while gate >= 0:
                counts[gate] -= 1
                if counts[gate] != 0:
                    break
                gate = above[gate]
            else:
                if not self.is_met:
                    self.is_met = True
                    return True
        return False

    def undo(self, leaf: int) -> bool:
        """Take a leaf back; True if the prerequisite was met and now is not."""
        if self.how.pop(leaf, None) is None:
            return False
        was_met, remaining = self.is_met, list(self.how.items())
        self.counts, self.how, self.is_met = list(self.tree.needs), {}, False
        for index, how in remaining:
            self.satisfy(index, how)
        return was_met and not self.is_met

    def copy(self) -> Prerequisite:
        """The same for one instance alone."""
        return Prerequisite(
            self.tree, self.point, self.keys, list(self.counts), dict(self.how), self.is_met, is_private=True
        )

    def unsatisfied_keys(self) -> list[OutputKey]:
        """The outputs not (yet) seen; some may not be needed."""
        return [key for leaf, key in enumerate(self.keys) if leaf not in self.how]


def prerequisite_at(tree: GateTree, point: int) -> Prerequisite:
    """A fresh prerequisite for the children of a dependency at `point`."""
    keys = tuple(
        OutputKey(point if leaf.offset is None else leaf.offset.parent(point), leaf.task, leaf.output)
        for leaf in tree.leaves
    )
    return Prerequisite(tree, point, keys, list(tree.needs))
