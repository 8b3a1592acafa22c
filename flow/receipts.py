"""Receipts: what became of each command. While it is under way they are here, then in the record for good.

A command is known by the id its client made. It is looked up in the record before anything is done, and its receipt is
written in the transaction of its effect, so that it is applied once however often it is sent, restarts included.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

from msgspec import Struct, field

from .engine.events import Command, Event
from .exceptions import CommandFailed
from .record.record import Record

RECEIVED = "received"
VALIDATED = "validated"
APPLIED = "applied"
REFUSED = "refused"

REASON_LIMIT = 2000
"""Characters of a reason that are kept."""


class Receipt(Struct, eq=False):
    """One command: who asked for what, when and why, and what came of it. Times are seconds since the epoch."""

    id: str
    name: str
    arguments: dict[str, Any]
    user: str = ""
    reason: str = ""
    time_received: float = field(default_factory=time.time)
    state: str = RECEIVED
    result: dict[str, Any] = {}
    """What it changed."""
    error: str = ""
    """Why it was refused."""
    time_applied: float | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def applied(self, result: dict[str, Any]) -> None:
        """It was carried out."""
        self.state, self.result, self.time_applied = APPLIED, result, time.time()

    def refused(self, error: str) -> None:
        """It was not."""
        self.state, self.error = REFUSED, error

    def outcome(self) -> dict[str, Any]:
        """What it changed; raises `CommandFailed` if it was refused."""
        if self.state == REFUSED:
            raise CommandFailed(self.error)
        return self.result

    def is_same_command(self, other: Receipt) -> bool:
        """Whether both ask for the same."""
        return self.name == other.name and _json(self.arguments) == _json(other.arguments)

    def row(self) -> tuple[object, ...]:
        """The row of the table ``receipts``."""
        result = {"refused": self.error} if self.state == REFUSED else self.result
        return (
            self.id,
            self.time_received,
            self.name,
            _json(self.arguments),
            self.user,
            self.reason[:REASON_LIMIT],
            self.state,
            _json(result),
            self.time_applied,
        )

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> Receipt:
        """The receipt that a row of the table ``receipts`` is."""
        id, received, name, arguments, user, reason, state, result, applied = row
        told = json.loads(result)
        return cls(
            id,
            name,
            json.loads(arguments),
            user,
            reason,
            received,
            state,
            told if state == APPLIED else {},
            str(told.get("refused", "")),
            applied,
        )

    def to_dict(self) -> dict[str, Any]:
        """As programs get it."""
        return {
            "id": self.id,
            "time_received": self.time_received,
            "name": self.name,
            "arguments": {key: value for key, value in self.arguments.items() if value is not None},
            "user": self.user,
            "reason": self.reason,
            "state": self.state,
            "result": self.result,
            "error": self.error,
            "time_applied": self.time_applied,
        }


class Receipts:
    """The receipts of one run."""

    def __init__(self) -> None:
        self.under_way: dict[str, Receipt] = {}
        """By id, in the order they came."""

    @contextlib.asynccontextmanager
    async def once(self, record: Record, receipt: Receipt) -> AsyncIterator[Receipt]:
        """Gives the receipt of the same command sent before, decided on; else `receipt` itself, now under way.

        Raises:
            CommandFailed: its id was used for another command.
        """
        while (first := self.under_way.get(receipt.id)) is not None:
            await first.over.wait()
        self.under_way[receipt.id] = receipt
        try:
            row = await record.receipt(receipt.id)
            if row is None:
                yield receipt
                return
            known = Receipt.of_row(row)
            if not known.is_same_command(receipt):
                raise CommandFailed(
                    f"The id {receipt.id[:100]!r} was used for another command, {known.name}: use a new one"
                )
            yield known
        finally:
            del self.under_way[receipt.id]
            receipt.over.set()

    def decided(self, events: Iterable[Event], results: dict[str, dict[str, Any]]) -> list[tuple[object, ...]]:
        """The rows of the commands among events that the engine has dealt with, out of its results by id."""
        rows = []
        for event in events:
            if not isinstance(event, Command) or (result := results.pop(event.id, None)) is None:
                continue
            receipt = self.under_way.get(event.id)
            if receipt is None:  # the scheduler's own, on a signal
                receipt = Receipt(event.id, event.name, event.arguments, event.user, event.reason)
            if "refused" in result:
                receipt.refused(result["refused"])
            else:
                receipt.applied(result)
            rows.append(receipt.row())
        return rows

    def is_refused(self, id: str) -> bool:
        """Whether a command under way was refused."""
        receipt = self.under_way.get(id)
        return receipt is not None and receipt.state == REFUSED


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
