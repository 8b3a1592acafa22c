"""The parts of a graph line between arrows: nodes joined by ``&``, ``|`` and parentheses, as a tree."""

from __future__ import annotations

import re

from msgspec import Struct

from .graph_lines import NODE_FORMAT

MAXIMUM_DEPTH = 100
"""Parentheses nested deeper than this are refused."""

_NODE = re.compile(
    r"""
    @(?P<xtrigger>\w+)
    | (?P<suicide>!)?
      (?P<name>\w[\w\-+%@]*)
      (?:<(?P<workflow>[\w/+\-.@~]+)::(?P<remote_task>\w[\w\-+%@]*)(?::(?P<remote_status>[\w\-]+))?>)?
      (?:\[(?P<offset>[^\[\]]+)\])?
      (?::(?P<qualifier>[\w\-]+))?
      (?P<optional>\?)?
    """,
    re.VERBOSE,
)


class ElementError(Exception):
    """Part of a graph line is malformed: the reason, where in that part, and what to do."""

    def __init__(self, reason: str, position: int = 0, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.hint = hint


class RemoteTask(Struct, frozen=True):
    """A task of another workflow: what stands in ``x<workflow::task:status>``."""

    workflow: str
    task: str
    status: str | None


class Node(Struct, frozen=True):
    """One node as written."""

    text: str
    name: str
    """Task or family name, or the label of an xtrigger."""
    is_xtrigger: bool = False
    suicide: bool = False
    offset: str = ""
    qualifier: str = ""
    optional: bool = False
    remote: RemoteTask | None = None


class Operation(Struct, frozen=True):
    """Terms joined by one operator, ``&`` or ``|``."""

    operator: str
    terms: tuple[Syntax, ...]


Syntax = Node | Operation


class Element(Struct, eq=False):
    """What stands between two arrows."""

    text: str
    tokens: tuple[str | Node, ...]
    syntax: Syntax
    nodes: tuple[Node, ...]
    has_or: bool
    is_conditional: bool
    """Has ``|`` or parentheses: as a left-hand side it is one prerequisite, not one for each term."""


def parse_element(text: str) -> Element:
    """Read the part of a line between two arrows; ``&`` binds tighter than ``|``.

    Raises:
        ElementError: It is not a proper expression of nodes.
    """
    tokens, positions = _tokens(text)
    if len(tokens) == 1 and isinstance(tokens[0], Node):
        return Element(text, (tokens[0],), tokens[0], (tokens[0],), False, False)
    reader = _Reader(text, tokens, positions)
    syntax = reader.any_of(0)
    if reader.index < len(tokens):
        raise ElementError(f"mismatched parentheses: {text}", reader.position, "Every ( needs its ).")
    nodes = tuple(token for token in tokens if isinstance(token, Node))
    has_or = "|" in text
    return Element(text, tuple(tokens), syntax, nodes, has_or, has_or or "(" in text)


def _tokens(text: str) -> tuple[list[str | Node], list[int]]:
    tokens: list[str | Node] = []
    positions: list[int] = []
    position = 0
    after_node = False
    while position < len(text):
        character = text[position]
        positions.append(position)
        if character in "&|()":
            tokens.append(character)
            position += 1
            after_node = False
            continue
        match = _NODE.match(text, position)
        if match is None or after_node:
            raise ElementError(f"not a graph node: {text[position:]}", position, NODE_FORMAT)
        tokens.append(_node(match))
        position = match.end()
        after_node = True
    return tokens, positions


def _node(match: re.Match[str]) -> Node:
    if match["xtrigger"] is not None:
        return Node(match[0], match["xtrigger"], is_xtrigger=True)
    remote = None
    if match["workflow"] is not None:
        remote = RemoteTask(match["workflow"], match["remote_task"], match["remote_status"])
    return Node(
        match[0],
        match["name"],
        suicide=match["suicide"] is not None,
        offset=match["offset"] or "",
        qualifier=match["qualifier"] or "",
        optional=match["optional"] is not None,
        remote=remote,
    )


class _Reader:
    """Reads tokens into a syntax tree."""

    def __init__(self, text: str, tokens: list[str | Node], positions: list[int]) -> None:
        self.text = text
        self.tokens = tokens
        self.positions = positions
        self.index = 0

    @property
    def position(self) -> int:
        return self.positions[self.index] if self.index < len(self.positions) else max(0, len(self.text) - 1)

    def accept(self, token: str) -> bool:
        if self.index < len(self.tokens) and self.tokens[self.index] == token:
            self.index += 1
            return True
        return False

    def any_of(self, depth: int) -> Syntax:
        terms = [self.all_of(depth)]
        while self.accept("|"):
            terms.append(self.all_of(depth))
        return terms[0] if len(terms) == 1 else Operation("|", tuple(terms))

    def all_of(self, depth: int) -> Syntax:
        terms = [self.node(depth)]
        while self.accept("&"):
            terms.append(self.node(depth))
        return terms[0] if len(terms) == 1 else Operation("&", tuple(terms))

    def node(self, depth: int) -> Syntax:
        if self.index >= len(self.tokens):
            raise ElementError(f"a task name is missing: {self.text or 'nothing stands here'}", self.position)
        position = self.position
        token = self.tokens[self.index]
        if isinstance(token, Node):
            self.index += 1
            return token
        if token != "(":
            raise ElementError(f"a task name is missing before {token}: {self.text}", position)
        if depth >= MAXIMUM_DEPTH:
            raise ElementError(f"more than {MAXIMUM_DEPTH} nested parentheses", position)
        self.index += 1
        inner = self.any_of(depth + 1)
        if not self.accept(")"):
            raise ElementError(f"mismatched parentheses: {self.text}", position, "Every ( needs its ).")
        return inner
