"""Commands to a suite server, each carried out once: its receipt is written with what it changes, and asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from ..exceptions import TidemillError
from ..network.exceptions import RequestRefused
from .engine.events import Command
from .exceptions import CommandFailed
from .record.suites import Receipt, SuiteRecord, arguments_text
from .suite.effects import CommandResult

LONGEST_RESULT = 10_000
LONGEST_REASON = 2_000


class SuiteReceipts:
    """Sees to it that a command with an id that was decided on changes nothing again.

    Arguments:
        record: where receipts are kept.
        is_stopping: whether the server ends, and decides on nothing any more.
        first_number: of the next receipt.
    """

    def __init__(self, record: SuiteRecord, is_stopping: Callable[[], bool], first_number: int) -> None:
        self._record = record
        self._is_stopping = is_stopping
        self._number = first_number
        self._under_way: dict[str, asyncio.Future[None]] = {}

    def receipt(self, command: Command, *, text: str = "", refused: str = "") -> Receipt:
        """The receipt of a command that was decided on."""
        number, self._number = self._number, self._number + 1
        return Receipt(
            command.id,
            number,
            command.time,
            command.name,
            command.user,
            command.reason[:LONGEST_REASON],
            arguments_text(command),
            "refused" if refused else "applied",
            (refused or text)[:LONGEST_RESULT],
        )

    async def once(self, command: Command, apply: Callable[[], Awaitable[CommandResult | str]]) -> str:
        """Carry a command out unless that was decided before, by this server or an earlier one; what it prints.

        Arguments:
            command: with its id.
            apply: carries it out: the engine's result, which is on record with the receipt; or what was printed by
                something that only the receipt will tell of.

        Raises:
            CommandFailed: the id was used for another command.
            TidemillError: it was refused, now or before, and that is on record; or nothing was decided, since the
                server ends.
        """
        while (other := self._under_way.get(command.id)) is not None:
            await asyncio.wait([other])
        mine = self._under_way[command.id] = asyncio.get_running_loop().create_future()
        try:
            known = await self._record.receipt(command.id)
            if known is not None:
                return _outcome(known, command)
            try:
                result = await apply()
            except TidemillError as error:
                if not self._is_stopping():
                    await self._record.commit([], [self.receipt(command, refused=str(error))])
                raise
            if isinstance(result, str):
                await self._record.commit([], [self.receipt(command, text=result)])
                return result
            if result.refused:
                raise RequestRefused(result.refused)
            return result.text
        finally:
            del self._under_way[command.id]
            mine.set_result(None)


def _outcome(known: Receipt, command: Command) -> str:
    """What a command was answered that comes again."""
    before, now = json.loads(known.arguments), json.loads(arguments_text(command))
    if isinstance(before, list):
        before = {"words": before}
    # What the server itself attached, such as its checkpoint, does not come again.
    attached, given = before.get("attachments", {}), now.get("attachments", {})
    is_same = before["words"] == now["words"] and all(attached.get(name) == text for name, text in given.items())
    if known.name != command.name or not is_same:
        raise CommandFailed(f"the id {command.id} was used for {known.name} before: a command needs an id of its own")
    if known.state == "refused":
        raise RequestRefused(known.result)
    return known.result
