"""Errors of queries."""

from __future__ import annotations

from ..exceptions import TidemillError


class QueryError(TidemillError):
    """The query cannot be answered."""


class AnswerTooLarge(QueryError):
    """The answer would cost more than it may."""
