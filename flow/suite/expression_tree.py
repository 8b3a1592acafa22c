"""The trees that expressions become: whether they hold, their value, their text with what was found.

Trees are shared by all who write the same text, so they hold no nodes: who evaluates brings a `Lookup`. Arithmetic is
in integers; plus and minus on a repeat over dates count calendar days (ecFlow behaviour).
"""

from __future__ import annotations

from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from types import UnionType
from typing import Final, Protocol

from attrs import field, frozen

from .julian import date_to_julian, julian_to_date
from .states import State

COMPARISONS: Final[dict[str, Callable[[int, int], bool]]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


class Lookup(Protocol):
    """What an expression asks the tree, from the node that has it. Paths are as they are written."""

    def state(self, path: str) -> State:
        """A node's state; unknown if there is no such node."""

    def shown_state(self, path: str) -> str:
        """The same for people: ``suspended`` if it is, ``unresolved`` if there is no such node."""

    def value(self, path: str, name: str) -> int:
        """The value of an attribute of a node; 0 if there is none. With no path: of the nearest one up the tree."""

    def is_date(self, path: str, name: str) -> bool:
        """Whether that attribute is a repeat over dates."""

    def flag(self, path: str, flag: str) -> bool:
        """Whether a flag of a node is set."""


@frozen
class Integer:
    """A number, written out."""

    number: int
    text: str = field(default="", eq=False)

    def value(self, lookup: Lookup) -> int:
        """The number."""
        return self.number

    def holds(self, lookup: Lookup) -> bool:
        """True if it is not zero."""
        return self.number != 0

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        return self.text or str(self.number)


@frozen
class StateTest:
    """A node is, or is not, in a state."""

    path: str
    is_equal: bool
    state: State | None
    """None for ``suspended``, which is not a state: nothing is equal to it (ecFlow behaviour)."""
    position: int = field(default=0, eq=False)

    def holds(self, lookup: Lookup) -> bool:
        """Compare now."""
        return (lookup.state(self.path) is self.state) is self.is_equal

    def value(self, lookup: Lookup) -> int:
        """1 or 0."""
        return int(self.holds(lookup))

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        path = self.path if lookup is None else f"{self.path}({lookup.shown_state(self.path)})"
        word = "suspended" if self.state is None else self.state.word
        return f"{path} {'==' if self.is_equal else '!='} {word}"


@frozen
class Attribute:
    """The value of an attribute of a node, or, without a path, of the nearest one up the tree."""

    path: str
    name: str
    position: int = field(default=0, eq=False)

    def value(self, lookup: Lookup) -> int:
        """Its value as a number."""
        return lookup.value(self.path, self.name)

    def holds(self, lookup: Lookup) -> bool:
        """True if its value is not zero."""
        return lookup.value(self.path, self.name) != 0

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        text = f"{self.path}:{self.name}"
        return text if lookup is None else f"{text}({lookup.value(self.path, self.name)})"


@frozen
class EventTest:
    """An event is, or is not, set (or clear)."""

    attribute: Attribute
    is_equal: bool
    is_set: bool

    def holds(self, lookup: Lookup) -> bool:
        """Compare now: any other attribute is taken for its number, so set means 1 (ecFlow behaviour)."""
        return (self.attribute.value(lookup) == int(self.is_set)) is self.is_equal

    def value(self, lookup: Lookup) -> int:
        """1 or 0."""
        return int(self.holds(lookup))

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        wanted = "set" if self.is_set else "clear"
        text = f"{self.attribute.path}:{self.attribute.name}"
        if lookup is not None:
            text += f"({'set' if self.attribute.value(lookup) else 'clear'})"
        return f"{text} {'==' if self.is_equal else '!='} {wanted}"


@frozen
class FlagTest:
    """A flag of a node is set."""

    path: str
    flag: str
    position: int = field(default=0, eq=False)

    def holds(self, lookup: Lookup) -> bool:
        """Look now."""
        return lookup.flag(self.path, self.flag)

    def value(self, lookup: Lookup) -> int:
        """1 or 0."""
        return int(self.holds(lookup))

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        text = f"{self.path}<flag>{self.flag}"
        return text if lookup is None else f"{text}({int(self.holds(lookup))})"


@frozen
class Calendar:
    """A date YYYYMMDD as a Julian day number, or the other way round."""

    function: str
    argument: Attribute | Integer

    def value(self, lookup: Lookup) -> int:
        """Convert now."""
        convert = date_to_julian if self.function == "date_to_julian" else julian_to_date
        return convert(self.argument.value(lookup))

    def holds(self, lookup: Lookup) -> bool:
        """Always (ecFlow behaviour: only what is compared can be false)."""
        return True

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        return f"cal::{self.function}({self.argument.shown(lookup)})"


@frozen
class Arithmetic:
    """Two numbers, added, subtracted, multiplied, divided, or the rest of that."""

    operator: str
    left: Term
    right: Term

    def value(self, lookup: Lookup) -> int:
        """Calculate now. Division is towards zero, and by zero gives zero."""
        left, right, operator = self.left, self.right.value(lookup), self.operator
        number = left.value(lookup)
        if operator in "+-":
            days = right if operator == "+" else -right
            if type(left) is Attribute and lookup.is_date(left.path, left.name):
                julian = date_to_julian(number)
                return julian_to_date(julian + days) if julian else 0
            return number + days
        if operator == "*":
            return number * right
        if right == 0:
            return 0
        quotient = abs(number) // abs(right) * (1 if (number < 0) is (right < 0) else -1)
        return quotient if operator == "/" else number - quotient * right

    def holds(self, lookup: Lookup) -> bool:
        """Always (ecFlow behaviour: only what is compared can be false)."""
        return True

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        right = self.right.shown(lookup)
        if isinstance(self.right, Arithmetic):
            right = f"({right})"
        return f"{self.left.shown(lookup)} {self.operator} {right}"


@frozen
class Comparison:
    """Two numbers compared."""

    operator: str
    left: Expression
    right: Expression

    def holds(self, lookup: Lookup) -> bool:
        """Compare now."""
        return COMPARISONS[self.operator](self.left.value(lookup), self.right.value(lookup))

    def value(self, lookup: Lookup) -> int:
        """1 or 0."""
        return int(self.holds(lookup))

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        return f"{self.left.shown(lookup)} {self.operator} {self.right.shown(lookup)}"


@frozen
class Not:
    """The opposite."""

    operand: Expression
    text: str = field(default="!", eq=False)

    def holds(self, lookup: Lookup) -> bool:
        """Look now."""
        return not self.operand.holds(lookup)

    def value(self, lookup: Lookup) -> int:
        """1 or 0."""
        return int(not self.operand.holds(lookup))

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        inner = self.operand.shown(lookup)
        return f"! ({inner})" if isinstance(self.operand, And | Or | Not) else f"! {inner}"


@frozen
class And:
    """Both hold."""

    left: Expression
    right: Expression

    def holds(self, lookup: Lookup) -> bool:
        """Look now."""
        if type(self.left) is not And:
            return self.left.holds(lookup) and self.right.holds(lookup)
        return all(side.holds(lookup) for side in sides(self))

    def value(self, lookup: Lookup) -> int:
        """1 or 0."""
        return int(self.holds(lookup))

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        return " and ".join(_bracketed(side, lookup, And | Or) for side in sides(self))


@frozen
class Or:
    """One or both hold."""

    left: Expression
    right: Expression

    def holds(self, lookup: Lookup) -> bool:
        """Look now."""
        if type(self.left) is not Or:
            return self.left.holds(lookup) or self.right.holds(lookup)
        return any(side.holds(lookup) for side in sides(self))

    def value(self, lookup: Lookup) -> int:
        """1 or 0."""
        return int(self.holds(lookup))

    def shown(self, lookup: Lookup | None) -> str:
        """The text; with a lookup, values are added to names."""
        return " or ".join(_bracketed(side, lookup, Or) for side in sides(self))


def sides(tree: And | Or) -> list[Expression]:
    """The sides of ``a and b and c``, first to last: there may be thousands, too many for calls within calls."""
    found: list[Expression] = []
    place: Expression = tree
    while isinstance(place, And | Or) and type(place) is type(tree):
        found.append(place.right)
        place = place.left
    found.append(place)
    found.reverse()
    return found


def _bracketed(tree: Expression, lookup: Lookup | None, kinds: type | UnionType) -> str:
    """The text of a side, in brackets if it is of a kind that would be read otherwise without them."""
    text = tree.shown(lookup)
    return f"({text})" if isinstance(tree, kinds) else text


Term = Integer | Attribute | Calendar | Arithmetic
Expression = Term | StateTest | EventTest | FlagTest | Comparison | Not | And | Or
