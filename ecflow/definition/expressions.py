"""Trigger and complete expressions, by the names and methods of ecFlow's Python module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...flow.suite.attributes import Expression as CoreExpression
from ...flow.suite.attributes import Part
from ...flow.suite.reader import make_expression
from ..exceptions import EcflowError, as_ecflow_errors

_OPERATORS = (" ", "=", "<", ">", "(", "!", "~")


class PartExpression:
    """One line of an expression: ``PartExpression("a == complete")``; with True ANDed to others, with False ORed."""

    __slots__ = ("part",)

    def __init__(self, expression: str, and_type: bool | None = None) -> None:
        if not isinstance(expression, str):
            raise TypeError(f"an expression is to be text, not {expression!r}")
        joiner = "" if and_type is None else "and" if and_type else "or"
        self.part = Part(expression, joiner)

    def get_expression(self) -> str:
        """The text, without what joins it."""
        return self.part.text

    def and_expr(self) -> bool:
        """Whether it is ANDed to those before."""
        return self.part.joiner == "and"

    def or_expr(self) -> bool:
        """Whether it is ORed to those before."""
        return self.part.joiner == "or"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartExpression) and self.part == other.part

    def __hash__(self) -> int:
        return hash(self.part)

    def __repr__(self) -> str:
        return f"<ecflow.PartExpression {joined((self.part,)).strip()}>"


class Expression:
    """A whole expression: ``Expression("a == complete")``, more of it by `add`."""

    __slots__ = ("all",)

    def __init__(self, expression: str | PartExpression) -> None:
        self.all: tuple[Part, ...] = ()
        self.add(expression if isinstance(expression, PartExpression) else PartExpression(expression))

    def add(self, part: PartExpression) -> None:
        """Add a line; the first is joined to nothing, the others are ANDed or ORed."""
        self.all = (*self.all, follow(self.all, part.part))

    def get_expression(self) -> str:
        """The text, its lines joined."""
        return joined(self.all)

    @property
    def parts(self) -> Iterator[PartExpression]:
        """Its lines."""
        return iter([part_of(part) for part in self.all])

    def __str__(self) -> str:
        return self.get_expression()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.all == other.all

    def __hash__(self) -> int:
        return hash(self.all)

    def __repr__(self) -> str:
        return f"<ecflow.{type(self).__name__} {self.get_expression().strip()}>"


class Trigger(Expression):
    """``Trigger("a == complete")``, ``Trigger(["a", "b"])`` (all of them complete), ``Trigger("b == complete", False)``
    (ORed to the trigger the node has)."""

    __slots__ = ()

    def __init__(self, expression: str | PartExpression | Sequence[Any], and_expr: bool | None = None) -> None:
        if isinstance(expression, PartExpression):
            self.all = (expression.part,)
        elif isinstance(expression, str):
            self.all = (PartExpression(expression, and_expr).part,)
        else:
            self.all = (Part(" AND ".join(_is_complete(item) for item in expression)),)


class Complete(Trigger):
    """A complete expression; written as a `Trigger`."""

    __slots__ = ()


def _is_complete(item: Any) -> str:
    """A node, or its path, as an expression that it is complete; an expression is left as it is."""
    if isinstance(item, str):
        return item if any(sign in item for sign in _OPERATORS) or ":" in item else f"{item} == complete"
    parent = item.get_parent()
    return f"{item.get_abs_node_path() if parent is not None else item.name()} == complete"


def part_of(part: Part) -> PartExpression:
    """The cover of a line."""
    return PartExpression(part.text, {"": None, "and": True, "or": False}[part.joiner])


def joined(parts: tuple[Part, ...]) -> str:
    """The text of an expression's lines, as ecFlow shows it."""
    return "".join(f" {part.joiner.upper()} {part.text}" if part.joiner else part.text for part in parts)


def follow(before: tuple[Part, ...], part: Part) -> Part:
    """A line that can come after others; raises `EcflowError`."""
    if before and not part.joiner:
        raise EcflowError(f"'{part.text}' follows other lines of an expression: say whether it is ANDed or ORed")
    if not before and part.joiner:
        raise EcflowError(f"'{part.text}' is the first line of an expression: it is neither ANDed nor ORed")
    return part


def core_expression(parts: tuple[Part, ...]) -> CoreExpression:
    """The expression as the tree holds it; raises `EcflowError` where it makes no sense."""
    with as_ecflow_errors():
        return make_expression(parts)
