"""Trigger and complete expressions: text to a tree, and what a tree names.

The grammar is ecFlow's: `and` binds tighter than `or`, the arithmetic operators all bind alike, from left to right.
Parsing is remembered by text, for large suites say the same thing many times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from attrs import field, frozen

from ...exceptions import TidemillError
from .expression_tree import (
    And,
    Arithmetic,
    Attribute,
    Calendar,
    Comparison,
    EventTest,
    Expression,
    FlagTest,
    Integer,
    Lookup,
    Not,
    Or,
    StateTest,
    Term,
    sides,
)
from .states import STATES

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.]*"
_PATH = rf"(?:(?:/|(?:\.\.?/)+)?{_NAME}(?:/{_NAME})*)"
_EQUAL = r"==|!=|eq\b|ne\b"
_STATE = r"unknown|complete|queued|submitted|active|aborted"

SIMPLE = re.compile(rf"\s*({_PATH})\s*(?:==|eq\b)\s*({_STATE}|suspended)\s*\Z")
"""The commonest expression by far, and the only one that may say ``suspended``."""

_SPACE = re.compile(r"\s*")
_OR = re.compile(r"\s*(?:or|\|\||OR)")
_AND = re.compile(r"\s*(?:and|&&|AND)")
_NOT = re.compile(r"(?:not\s|!|~)\s*")
_OPERATOR = re.compile(r"\s*([-+*/%])\s*")
_COMPARISON = re.compile(r"\s*(==|!=|<=|>=|<|>|(?:eq|ne|le|lt|ge|gt)\b)\s*")
_TERM = re.compile(
    rf"""
    (?P<node>{_PATH})\s*(?P<node_equal>{_EQUAL})\s*(?P<state>{_STATE})\b
    |(?P<event_node>{_PATH})\s*:\s*(?P<event>{_NAME})\s*(?P<event_equal>{_EQUAL})\s*(?P<event_value>set|clear)\b
    |(?P<attribute_node>{_PATH})\s*:\s*(?P<attribute>{_NAME})
    |:(?P<parent_attribute>{_NAME})
    |(?P<flag_node>{_PATH}|/)\s*<flag>\s*(?P<flag>late|zombie|archived)\b
    |cal::(?P<calendar>date_to_julian|julian_to_date)\s*\(\s*
        (?:(?P<calendar_node>{_PATH})\s*:\s*(?P<calendar_attribute>{_NAME})|(?P<calendar_number>\d+))\s*\)
    |(?P<moment>\d{{8}}T\d{{6}})\b
    |(?P<number>\d+)(?![\w.])
    """,
    re.VERBOSE,
)
_GLUED_NUMBER = re.compile(r"(\d+)(?=and|or|AND|OR|eq|ne|l[et]|g[et])")
_WORDS = {"eq": "==", "ne": "!=", "le": "<=", "lt": "<", "ge": ">=", "gt": ">"}

DEEPEST = 100
"""Brackets within brackets that are still read."""


class ExpressionError(TidemillError):
    """The expression makes no sense."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        self.text = text
        self.position = position
        self.reason = reason
        rest = text[position:].strip()
        where = f"at '{rest}'" if rest else "at its end"
        super().__init__(f"cannot parse expression '{text.strip()}': {reason}, {where} (character {position + 1})")


@frozen
class Reference:
    """Something outside that an expression names."""

    path: str
    """As written; empty if `name` is to be looked for up the tree."""
    name: str = ""
    """An attribute; empty if it is the node itself, its state or a flag of it."""
    position: int = field(default=0, eq=False)
    """Where in the text, counted from 0."""
    flag: str = ""

    def __str__(self) -> str:
        if self.flag:
            return f"{self.path}<flag>{self.flag}"
        return f"{self.path}:{self.name}" if self.name else self.path


@lru_cache(maxsize=65536)
def parse_expression(text: str) -> Expression:
    """The tree of an expression (ecFlow 5.9 grammar).

    Raises:
        ExpressionError: it is no expression, or divides by a constant zero.
    """
    simple = SIMPLE.match(text)
    if simple is not None:
        path, state = simple.groups()
        return StateTest(path, True, STATES.get(state), simple.start(1))
    parser = _Parser(text)
    tree = parser.either()
    parser.skip()
    if parser.position < len(text):
        raise parser.error("it should have ended, or gone on with 'and', 'or' or an operator")
    return tree


class _Parser:
    """One text, and how far it has been read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0
        """Of the brackets we are in."""

    def error(self, reason: str) -> ExpressionError:
        """What is wrong here."""
        return ExpressionError(self.text, self.position, reason)

    def skip(self) -> None:
        """Go to the next character that is no space."""
        match = _SPACE.match(self.text, self.position)
        assert match is not None
        self.position = match.end()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what a pattern matches here, if it does."""
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def either(self) -> Expression:
        """Sides of ``or``."""
        tree = self.both()
        while self.take(_OR):
            tree = Or(tree, self.both())
        return tree

    def both(self) -> Expression:
        """Sides of ``and``."""
        tree = self.unit()
        while self.take(_AND):
            tree = And(tree, self.unit())
        return tree

    def unit(self) -> Expression:
        """One condition, perhaps negated."""
        self.skip()
        if self.take(_NOT):
            return Not(self.condition())
        return self.condition()

    def condition(self) -> Expression:
        """A comparison, or what is in brackets."""
        self.skip()
        tree = self.operand()
        if not isinstance(tree, Integer | Attribute | Calendar | Arithmetic | FlagTest):
            return tree
        while match := self.take(_COMPARISON):
            tree = Comparison(_WORDS.get(match[1], match[1]), tree, self.comparand())
        return tree

    def comparand(self) -> Expression:
        """What stands on the right of a comparison."""
        if self.take(_NOT):
            return Not(self.calculation())
        return self.calculation()

    def calculation(self) -> Expression:
        """A number."""
        tree = self.operand()
        if isinstance(tree, Integer | Attribute | Calendar | Arithmetic | FlagTest):
            return tree
        raise self.error("a number or an attribute was expected on the right of the comparison")

    def operand(self) -> Expression:
        """Terms joined by arithmetic, or something that is true or false."""
        tree = self.term()
        while isinstance(tree, Integer | Attribute | Calendar | Arithmetic):
            start = self.position
            match = self.take(_OPERATOR)
            if match is None:
                break
            operator = match[1]
            right = self.term()
            if not isinstance(right, Integer | Attribute | Calendar | Arithmetic):
                raise self.error(f"a number or an attribute was expected after '{operator}'")
            if operator in "/%" and _constant(right) == 0:
                self.position = start
                raise self.error("division by zero" if operator == "/" else "modulo by zero")
            tree = Arithmetic(operator, tree, right)
        return tree

    def term(self) -> Expression:
        """The smallest part, or a whole expression in brackets."""
        text, start = self.text, self.position
        if text.startswith("(", start):
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.error(f"brackets are nested more than {DEEPEST} deep")
            self.position += 1
            tree = self.either()
            self.depth -= 1
            self.skip()
            if not self.text.startswith(")", self.position):
                raise self.error("a closing bracket is missing")
            self.position += 1
            return tree
        match = self.take(_TERM)
        if match is None:
            match = self.take(_GLUED_NUMBER)
            if match is None:
                raise self.unexpected()
            return Integer(int(match[1]), match[1])
        return _leaf(match)

    def unexpected(self) -> ExpressionError:
        """Nothing that can begin a term is here: say what to do about it."""
        rest = self.text[self.position :]
        if not rest.strip():
            return self.error("something is missing")
        if rest.startswith("not("):
            return self.error("'not' needs a space after it")
        if rest[0] in "-+":
            return self.error("a number has no sign here: write 0 - 1 for -1")
        if re.match(_PATH, rest):
            return self.error("a node alone is neither true nor false: compare it with a state, or name an attribute")
        return self.error("unexpected text")


def _leaf(match: re.Match[str]) -> Expression:
    """The tree of one match of a term."""
    found = match.lastgroup
    start = match.start()
    if found == "state":
        return StateTest(match["node"], match["node_equal"] in ("==", "eq"), STATES[match["state"]], start)
    if found == "attribute":
        return Attribute(match["attribute_node"], match["attribute"], start)
    if found == "number":
        return Integer(int(match["number"]), match["number"])
    if found == "event_value":
        attribute = Attribute(match["event_node"], match["event"], start)
        return EventTest(attribute, match["event_equal"] in ("==", "eq"), match["event_value"] == "set")
    if found == "parent_attribute":
        return Attribute("", match["parent_attribute"], start)
    if found == "flag":
        return FlagTest(match["flag_node"], match["flag"], start)
    if found == "moment":
        return Integer(_seconds(match["moment"]), match["moment"])
    argument: Attribute | Integer
    if match["calendar_number"] is not None:
        argument = Integer(int(match["calendar_number"]), match["calendar_number"])
    else:
        argument = Attribute(match["calendar_node"], match["calendar_attribute"], match.start("calendar_node"))
    return Calendar(match["calendar"], argument)


def _seconds(text: str) -> int:
    """A moment YYYYMMDDTHHMMSS in seconds since the epoch, as repeats over moments count; 0 if there is none such."""
    from datetime import UTC, datetime

    try:
        return int(datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0


def _constant(term: Term) -> int | None:
    """The value of a term in which nothing is named; None if something is."""
    if next(references(term), None) is not None:
        return None
    return term.value(_NOTHING)


class _Nothing:
    """A lookup for trees that name nothing."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"a constant asked for {name}")


_NOTHING: Lookup = _Nothing()  # type: ignore[assignment]


def references(tree: Expression) -> Iterator[Reference]:
    """Everything a tree names, in the order it is written."""
    match tree:
        case StateTest():
            yield Reference(tree.path, position=tree.position)
        case Attribute():
            yield Reference(tree.path, tree.name, tree.position)
        case EventTest():
            yield from references(tree.attribute)
        case FlagTest():
            yield Reference(tree.path, position=tree.position, flag=tree.flag)
        case Calendar():
            yield from references(tree.argument)
        case Not():
            yield from references(tree.operand)
        case And() | Or():
            for side in sides(tree):
                yield from references(side)
        case Arithmetic() | Comparison():
            yield from references(tree.left)
            yield from references(tree.right)


def why_false(tree: Expression, lookup: Lookup) -> str:
    """The text of an expression that does not hold, with the values it found (ecFlow's `why`)."""
    return f"expression ({tree.shown(lookup)}) is false"
