"""What task instances wait for, as the picture shows it: one object for all instances that share a prerequisite."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, field, frozen

from ...proto.field_numbers import PbCondition, PbPrerequisite, PbTaskProxy
from ..engine.prerequisite import OutputKey
from ..language.definition import All, Dependency, Expression, Leaf, leaves
from . import wire

UNSATISFIED = "unsatisfied"


@frozen(eq=False)
class ConditionElement:
    """One output that is waited for."""

    task_id: str
    """``CYCLE/TASK``."""
    expr_alias: str
    req_state: str
    satisfied: bool
    message: str


@frozen(eq=False)
class PrerequisitePart:
    """One prerequisite as people see it."""

    expression: str
    """With conditions by their aliases: ``0 & (1 | 2)``."""
    conditions: tuple[ConditionElement, ...]
    cycle_points: tuple[str, ...]
    satisfied: bool


@define(eq=False)
class PrerequisiteElement:
    """A dependency as it stood for the children at one point, who share this object; it never changes."""

    dependency: Dependency
    leaves: tuple[Leaf, ...]
    keys: Sequence[OutputKey]
    how: dict[int, str]
    """By leaf: how it was satisfied."""
    write_point: Callable[[int], str]
    satisfied: bool = False
    _parts: tuple[PrerequisitePart, ...] | None = field(default=None, init=False)
    _data: bytes | None = field(default=None, init=False)

    def still_shows(self, how: dict[int, str], satisfied: bool) -> bool:
        """Whether nothing has been satisfied or taken back since this was taken.

        What is satisfied anew stands last, so the last tells whether as many are still the same.
        """
        if len(how) != len(self.how) or satisfied != self.satisfied:
            return False
        return not how or next(reversed(how.items())) == next(reversed(self.how.items()))

    @property
    def parts(self) -> tuple[PrerequisitePart, ...]:
        """As people see it: where nothing is conditional, one prerequisite for each term."""
        if self._parts is None:
            expression = self.dependency.expression
            if isinstance(expression, All) and not self.dependency.conditional:
                terms: tuple[Expression, ...] = expression.terms
            else:
                terms = (expression,)
            positions = {leaf: index for index, leaf in enumerate(self.leaves)}
            self._parts = tuple(self._part(term, positions) for term in terms)
        return self._parts

    def _part(self, expression: Expression, positions: dict[Leaf, int]) -> PrerequisitePart:
        distinct = list(dict.fromkeys(leaves(expression)))
        conditions = []
        points: dict[str, None] = {}
        for alias, leaf in enumerate(distinct):
            position = positions[leaf]
            key = self.keys[position]
            cycle = self.write_point(key.point)
            points[cycle] = None
            how = self.how.get(position)
            conditions.append(
                ConditionElement(f"{cycle}/{key.task}", str(alias), key.output, how is not None, how or UNSATISFIED)
            )
        satisfied = _is_met(expression, positions, self.how)
        aliases = {leaf: str(alias) for alias, leaf in enumerate(distinct)}
        return PrerequisitePart(_write(expression, aliases), tuple(conditions), tuple(points), satisfied)

    @property
    def data(self) -> bytes:
        """The fields of a task proxy's message that tell of it."""
        if self._data is None:
            self._data = b"".join(wire.message(PbTaskProxy.prerequisites, encode_part(part)) for part in self.parts)
        return self._data


def encode_part(part: PrerequisitePart) -> bytes:
    """A `PbPrerequisite`."""
    conditions = b"".join(
        wire.message(
            PbPrerequisite.conditions,
            wire.text(PbCondition.task_proxy, condition.task_id)
            + wire.text(PbCondition.expr_alias, condition.expr_alias)
            + wire.text(PbCondition.req_state, condition.req_state)
            + wire.boolean(PbCondition.satisfied, condition.satisfied)
            + wire.text(PbCondition.message, condition.message),
        )
        for condition in part.conditions
    )
    return (
        wire.text(PbPrerequisite.expression, part.expression)
        + conditions
        + wire.texts(PbPrerequisite.cycle_points, part.cycle_points)
        + wire.boolean(PbPrerequisite.satisfied, part.satisfied)
    )


def _is_met(expression: Expression, positions: dict[Leaf, int], how: dict[int, str]) -> bool:
    if isinstance(expression, Leaf):
        return positions[expression] in how
    verdicts = (_is_met(term, positions, how) for term in expression.terms)
    return all(verdicts) if isinstance(expression, All) else any(verdicts)


def _write(expression: Expression, aliases: dict[Leaf, str], *, is_inner: bool = False) -> str:
    if isinstance(expression, Leaf):
        return aliases[expression]
    joint = " & " if isinstance(expression, All) else " | "
    text = joint.join(_write(term, aliases, is_inner=True) for term in expression.terms)
    return f"({text})" if is_inner and len(expression.terms) > 1 else text
