"""The lines of a graph string: comments and white space gone, continued lines joined, origins kept."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from msgspec import Struct

from .exceptions import GraphError
from .source import Location

LineOf = Callable[[int], Location | None]
"""Gives the location of the n-th line (0-based) of a graph string."""

_SIGNED_NUMBER = re.compile(r"\s*([-+])\s*(?=\d)")
_SPACE_IN_NAME = re.compile(r"\w[\-+%@]*\s+[\w\-+%@]")
_WHITE_SPACE = re.compile(r"\s+")
_CONTINUES = ("=>", "&", "|")

NODE_FORMAT = "A node is NAME<PARAMETERS>[OFFSET]:QUALIFIER? in this order (all but the name optional), or @XTRIGGER."


class GraphLine(Struct, frozen=True):
    """One complete line of a graph: everything a chain of arrows needs."""

    text: str
    """Without comments and white space, continuation lines joined."""
    starts: tuple[int, ...]
    """Where in `text` each physical line begins."""
    indices: tuple[int, ...]
    """The physical lines (0-based) it is made of."""

    def index_at(self, position: int) -> int:
        """The physical line that the character at `position` was written on."""
        return self.indices[max(0, bisect_right(self.starts, position) - 1)]


def read_lines(text: str, line_of: LineOf) -> list[GraphLine]:
    """Every complete line of a graph string.

    A line goes on where it ends, or the next one starts, with ``=>``, ``&`` or ``|``; both at the same break
    is an error, and so is a first or last line that hangs in the air (Cylc 8 behaviour). White space means
    nothing, except that a name cannot contain any.

    Raises:
        GraphError: At the line that is wrong.
    """
    lines: list[GraphLine] = []
    pieces: list[str] = []
    indices: list[int] = []
    open_end = False
    for index, raw in enumerate(text.split("\n")):
        piece = _clean(raw, index, line_of)
        if not piece:
            continue
        leads = piece.startswith(_CONTINUES)
        if open_end and leads:
            raise GraphError(
                f"this line starts with {_lead(piece)} and the line before it ends with {_tail(pieces[-1])}",
                location=line_of(index),
                hint="Write the operator once: at the end of a line or at the start of the next.",
            )
        if leads and not pieces:
            raise GraphError(
                f"the graph starts with {_lead(piece)}: {piece}",
                location=line_of(index),
                hint="Something must stand on its left.",
            )
        if pieces and not (open_end or leads):
            lines.append(_join(pieces, indices))
            pieces, indices = [], []
        pieces.append(piece)
        indices.append(index)
        open_end = piece.endswith(_CONTINUES)
    if open_end:
        raise GraphError(
            f"the graph ends with {_tail(pieces[-1])}: {pieces[-1]}",
            location=line_of(indices[-1]),
            hint="Something must stand on its right.",
        )
    if pieces:
        lines.append(_join(pieces, indices))
    return lines


def _clean(raw: str, index: int, line_of: LineOf) -> str:
    """A physical line without comment and white space."""
    written = raw.partition("#")[0].strip()
    if not written or written.isalnum():
        return written
    squeezed = _SIGNED_NUMBER.sub(r"\1", written)
    if found := _SPACE_IN_NAME.search(squeezed):
        shown = squeezed[max(0, found.start() - 20) : found.end() + 20].strip()
        raise GraphError(
            f"white space inside a name, or an operator is missing: {shown}",
            location=line_of(index),
            hint="Join tasks with =>, & or |, or put them on lines of their own.",
        )
    piece = _WHITE_SPACE.sub("", squeezed)
    for doubled, single in (("&&", "&"), ("||", "|")):
        if doubled in piece:
            raise GraphError(
                f"{doubled} is not a graph operator: {piece}",
                location=line_of(index),
                hint=f"Write {single}.",
            )
    return piece


def _join(pieces: list[str], indices: list[int]) -> GraphLine:
    if len(pieces) == 1:
        return GraphLine(pieces[0], (0,), tuple(indices))
    starts: list[int] = []
    length = 0
    for piece in pieces:
        starts.append(length)
        length += len(piece)
    return GraphLine("".join(pieces), tuple(starts), tuple(indices))


def _lead(piece: str) -> str:
    return next(mark for mark in _CONTINUES if piece.startswith(mark))


def _tail(piece: str) -> str:
    return next(mark for mark in _CONTINUES if piece.endswith(mark))
