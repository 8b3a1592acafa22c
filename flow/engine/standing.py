"""One prerequisite as `why` sees it: which leaves are met, and what has become of the tasks behind the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ..cycling.cycling import Offset
from ..language.definition import All, AnyOf, Expression, Leaf, leaves
from . import proxy as states
from .history import Past
from .prerequisite import GateTree, OutputKey, Prerequisite
from .reasons import MET, PERMANENT, TEMPORARY

if TYPE_CHECKING:
    from .engine import Engine

NOT_SPAWNED = "not spawned"
OTHER_FLOW = "in another flow"


class LeafStanding(NamedTuple):
    """How one output stands."""

    kind: str
    """`MET`, `TEMPORARY` (it may come) or `PERMANENT` (it will not by itself)."""
    word: str
    """What the task behind it is doing: a status, ``not spawned``, ``finished``, ``removed``, ..."""


_MET = LeafStanding(MET, "met")


def _order(*kinds: str) -> Callable[[LeafStanding], int]:
    rank = {kind: number for number, kind in enumerate(kinds)}
    return lambda standing: rank[standing.kind]


_ALL_ORDER = _order(PERMANENT, TEMPORARY, MET)
_ANY_ORDER = _order(MET, TEMPORARY, PERMANENT)


def is_complete(engine: Engine, key: OutputKey) -> bool:
    """Whether an output has been completed in any flow."""
    proxy = engine.pool.get((key.point, key.task))
    if proxy is not None and key.output in proxy.outputs:
        return True
    return any(key.output in past.outputs for past in past_in_flows(engine, key.point, key.task))


def past_in_flows(engine: Engine, point: int, task: str) -> list[Past]:
    """The past instances of a task at a point that belong to a flow: one taken out of all its flows may run again."""
    return [past for past in engine.history.of(point, task) if past.flows]


def exists_at(engine: Engine, task: str, point: int) -> bool:
    """Whether the run can have a task at a point."""
    definition = engine.definition
    if point < definition.start_point or (definition.final_point is not None and point > definition.final_point):
        return False
    return task in definition.tasks and definition.tasks[task].is_valid_at(point)


class Standing:
    """A dependency of one task instance, looked at leaf by leaf, each once."""

    def __init__(self, engine: Engine, tree: GateTree, prerequisite: Prerequisite, *, is_spawned: bool) -> None:
        self.engine = engine
        self.tree = tree
        self.keys = prerequisite.keys
        self.is_spawned = is_spawned
        """Whether the prerequisite is a live one; if not, whatever is complete counts as met."""
        self.how: Mapping[int, str] = prerequisite.how
        self.has_come = False
        """Whether an output was seen complete, though the instance has not been spawned."""
        self._position = {leaf: index for index, leaf in enumerate(tree.leaves)}
        self._standings: list[LeafStanding | None] = [None] * len(self.keys)
        self._groups: dict[int, LeafStanding] = {}
        self._families: dict[int, str | None] = {}

    def key(self, leaf: Leaf) -> OutputKey:
        """The output a leaf means."""
        return self.keys[self._position[leaf]]

    def keys_of(self, expression: Expression) -> list[OutputKey]:
        """The outputs an expression names."""
        return [self.key(leaf) for leaf in leaves(expression)]

    def how_met(self, leaf: Leaf) -> str:
        """How a leaf was satisfied."""
        return self.how.get(self._position[leaf], "")

    def of(self, expression: Expression) -> LeafStanding:
        """How an expression stands; for more than a leaf, the word is that of the task that matters most."""
        if isinstance(expression, Leaf):
            index = self._position[expression]
            found = self._standings[index]
            if found is None:
                found = self._standings[index] = _MET if index in self.how else self._unmet(self.keys[index])
            return found
        group = self._groups.get(id(expression))
        if group is None:
            worst_first = _ALL_ORDER if isinstance(expression, All) else _ANY_ORDER
            group = min(map(self.of, expression.terms), key=worst_first)
            self._groups[id(expression)] = group
        return group

    def family(self, group: All | AnyOf) -> str | None:
        """The family whose members a group's terms are, each once and at one point; None if there is none."""
        if id(group) not in self._families:
            self._families[id(group)] = _family_of(self.engine, group)
        return self._families[id(group)]

    def _unmet(self, key: OutputKey) -> LeafStanding:
        engine = self.engine
        proxy = engine.pool.get((key.point, key.task))
        if proxy is not None:
            if key.output in proxy.outputs or not proxy.flows:
                return self._complete() if proxy.flows else _standing(PERMANENT, OTHER_FLOW)
            if proxy.status in states.FINAL:
                return _standing(PERMANENT, proxy.status)
            if proxy.is_held and proxy.status == states.WAITING:
                return _standing(PERMANENT, "held")
            return _standing(TEMPORARY, proxy.status)
        if not self.is_spawned and key.point < engine.definition.start_point:
            return _MET
        past = past_in_flows(engine, key.point, key.task)
        if past:
            if any(key.output in one.outputs for one in past):
                return self._complete()
            return _standing(PERMANENT, past[-1].status if past[-1].is_final else "removed")
        if not exists_at(engine, key.task, key.point):
            return _standing(PERMANENT, "never there")
        return _standing(TEMPORARY, NOT_SPAWNED)

    def _complete(self) -> LeafStanding:
        """An output is complete and did not satisfy the prerequisite: of a live one it is another flow's."""
        if self.is_spawned:
            return _standing(PERMANENT, OTHER_FLOW)
        self.has_come = True
        return _MET


@cache
def _standing(kind: str, word: str) -> LeafStanding:
    return LeafStanding(kind, word)


def task_of(expression: Expression) -> tuple[str, Offset | None] | None:
    """The one instance that an expression is about (``a``, or ``a:succeeded | a:failed``).

    Returns its name, and where it lies as seen from the child; None if the expression is about several.
    """
    if isinstance(expression, Leaf):
        return expression.task, expression.offset
    first, *others = expression.terms
    found = task_of(first)
    return found if all(task_of(term) == found for term in others) else None


def _family_of(engine: Engine, group: All | AnyOf) -> str | None:
    names: set[str] = set()
    offsets: list[Offset | None] = []
    for term in group.terms:
        found = task_of(term)
        if found is None:
            return None
        name, offset = found
        if offset not in offsets[:1]:
            if offsets:
                return None
            offsets.append(offset)
        names.add(name)
    if len(names) != len(group.terms) or len(names) < 2:
        return None
    for family, members in engine.definition.families.items():
        if len(members) == len(names) and names == set(members):
            return family
    return None
