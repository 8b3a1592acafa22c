"""What the network asks of a run: commands with their receipts, messages of jobs, and everything that is only read."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exceptions import TidemillError
from .engine import commands
from .engine.events import Command, JobKey, JobMessage, Tick
from .engine.reloading import check_reload
from .engine.watched import check_unmoved
from .exceptions import CommandFailed, CommandUndecided, NothingDone
from .prepare import reread
from .receipts import APPLIED, RECEIVED, REFUSED, VALIDATED, Receipt
from .record.exceptions import RecordError
from .record.log import write_configuration
from .record.rows import Batch

if TYPE_CHECKING:
    from .previews import Previews
    from .scheduler import Scheduler


class Requests:
    """One run as its server sees it. Whatever changes the run becomes an event in the scheduler's inbox."""

    def __init__(self, run: Scheduler) -> None:
        self._run = run
        self._reloading = asyncio.Lock()
        self._previews: Previews | None = None
        self.workflow = run.workflow
        self.owner = run.owner
        self.service_directory: Path = run.service_directory

    def log(self, level: str, text: str) -> None:
        """Write a line to the scheduler's log."""
        self._run.log(level, text)

    # -- commands ------------------------------------------------------------------------------------------------------

    async def command(
        self, name: str, arguments: dict[str, Any], *, id: str, user: str = "", reason: str = ""
    ) -> dict[str, Any]:
        """Carry out a user's command; returns what it changed, once that and its receipt are on disk.

        A command with the id of one that was decided on before, in this run or before a restart, changes nothing: it
        gets the same result, or refusal.

        Raises:
            CommandError: the command or its arguments make no sense for this run.
            NothingDone: it matched nothing, or what it was to take up is not valid.
            CommandFailed: its id was used for another command, or it was refused before.
            CommandUndecided: the scheduler is stopping; nothing was done.
        """
        async with self._run.receipts.once(self._run.record, Receipt(id, name, arguments, user, reason)) as receipt:
            if receipt.state == RECEIVED:
                try:
                    commands.check(self._run.engine, name, arguments)
                    if expecting := arguments.get("expecting"):
                        from .previews import check_same_run

                        check_same_run(self._run.plan, expecting)
                except TidemillError as error:
                    await self._refused(receipt, error)
                    raise
                try:
                    await self._apply(receipt)
                except CommandUndecided:
                    raise
                except TidemillError as error:
                    await self._refused(receipt, error)
                    raise NothingDone(str(error)) from error
                if receipt.state == REFUSED:
                    raise NothingDone(receipt.error)
            return receipt.outcome()

    async def _apply(self, receipt: Receipt) -> None:
        name, arguments = receipt.name, receipt.arguments
        if name == "reload_workflow":
            # What its plan rests on must hold before the files are taken up, not after.
            command = Command(self._run.time(), name, {}, receipt.id, receipt.user, receipt.reason)
            await self._reload(command, receipt)
            return
        command = Command(self._run.time(), name, arguments, receipt.id, receipt.user, receipt.reason)
        receipt.state = VALIDATED
        # What a plan rests on is in the receipt; here it would be pages.
        shown = ", ".join(
            f"{key}={'a plan' if key == 'expecting' else value}"
            for key, value in arguments.items()
            if value is not None
        )
        self.log("INFO", f'Command "{name}" received. ID={receipt.id}\n{name}({shown})')
        await self._run.committed(command)
        if receipt.state == APPLIED:
            await self._carry_out(receipt)

    async def _carry_out(self, receipt: Receipt) -> None:
        """What commands change beside the engine."""
        if receipt.name == "set_verbosity":
            self._run.scheduler_log.set_level(receipt.result["level"])
        elif receipt.name == "set_graph_window_extent":
            await self._run.showing.set_extent(receipt.result["extent"])

    async def _refused(self, receipt: Receipt, error: TidemillError) -> None:
        """Record that a command was refused before the engine saw it."""
        receipt.refused(str(error))
        try:
            await self._run.record.commit(Batch(tables={"receipts": [receipt.row()]}))
        except RecordError as failure:  # if it can be written later, it will be with the next commit
            self.log("WARNING", f'Command "{receipt.name}" refused. ID={receipt.id}\n{error}\n{failure}')

    async def _reload(self, command: Command, receipt: Receipt) -> None:
        """Read the definition again, in a thread; if it is not valid the old one stays."""
        # Reloads asked for at once are made one after the other: each reads the files as they are then.
        async with self._reloading:
            self.log("INFO", f'Command "{command.name}" received. ID={command.id}\nReloading the workflow definition.')
            loop = asyncio.get_running_loop()
            try:
                config, definition = await loop.run_in_executor(None, reread, self._run.plan)
                if expecting := receipt.arguments.get("expecting"):
                    from .previews import check_same_definition

                    check_same_definition(self._run.plan.config, config, expecting)
                    check_unmoved(self._run.engine, command.name, {}, expecting)
                check_reload(self._run.engine.definition, definition)
            except TidemillError as error:
                self.log("ERROR", f"Reload failed: the definition in use stays.\n{error}")
                raise CommandFailed(f"Reload failed, the definition in use stays: {error}") from None
            self._run.scheduler_log.begin("reload")
            self._run.plan.config, self._run.plan.definition = config, definition
            write_configuration(
                self._run.plan.run_directory,
                config.processed_text,
                kind="reload",
                run_number=self._run.plan.run_number,
                processed=config.processed_text,
            )
            for warning in definition.warnings:
                self.log("WARNING", warning)
            self._run.jobs.use(self._run.job_context())
            if self._run.handlers is not None:
                self._run.handlers.use(definition.config.get("meta") or {}, self._run.handler_settings())
            self._run.engine.next_definition = definition
            receipt.state = VALIDATED
            await self._run.committed(command)

    async def plan(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What a command would do, worked out in a copy of the run; see `Previews.make`."""
        return await self._plans().make(name, arguments)

    def known_plan(self, id: str) -> dict[str, Any]:
        """A plan made before, by its id; raises `CommandFailed` if there is none."""
        return self._plans().known(id)

    def _plans(self) -> Previews:
        """What was planned of the run; made for the first plan."""
        if self._previews is None:
            from .previews import Previews

            self._previews = Previews(self._run)
        return self._previews

    async def receipts(self, limit: int) -> list[dict[str, Any]]:
        """The receipts of the latest commands, oldest first, those under way last."""
        decided = [Receipt.of_row(row).to_dict() for row in await self._run.record.receipts(limit)]
        known = {receipt["id"] for receipt in decided}
        under_way = [one.to_dict() for one in self._run.receipts.under_way.values() if one.id not in known]
        return [*decided, *under_way][-limit:]

    async def wait_for(self, id: str, timeout_seconds: float) -> dict[str, Any]:
        """Wait until an applied command has had its effect: ``done``, or what is ``left`` when the time is over.

        Raises:
            CommandFailed: there is no such command, or it was refused.
        """
        row = await self._run.record.receipt(id)
        if row is None:
            raise CommandFailed(f"No command with the id {id[:100]!r} has been decided on")
        receipt = Receipt.of_row(row)
        receipt.outcome()
        if self._run.has_closed:
            raise CommandUndecided(f"{self.workflow} is stopping")
        if receipt.name == "poll_tasks":
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self._run.jobs.looked()
                    # What was found is in the inbox now, before this.
                    await self._run.committed(Tick(self._run.time()))
            except TimeoutError:
                return {"id": id, "done": False, "left": ["jobs are still being looked at"], "problems": []}
        return await self._run.waiting.wait(receipt, timeout_seconds)

    def why(self, task: str) -> dict[str, Any]:
        """Explain why a task (``CYCLE/TASK``) is not running."""
        from .engine.why import explain

        cycle, _, name = task.removeprefix("//").partition("/")
        return explain(self._run.engine, cycle, name, workflow=self.workflow, now=self._run.time()).to_dict()

    async def entire_picture(self) -> bytes:
        """Everything there is to see of the run, a ``PbEntireWorkflow``."""
        return await self._run.showing.entire()

    async def picture_elements(self, element_type: str) -> bytes:
        """Everything of one kind, as deltas; raises `PictureError` for an unknown kind."""
        return await self._run.showing.elements(element_type)

    async def graphql(self, request_string: str, variables: dict[str, Any] | None, *, meta: dict[str, Any]) -> Any:
        """The data of a GraphQL request, perhaps as JSON already; its mutations are commands of whoever sent it."""
        user = str(meta.get("auth_user", self.owner))

        asked = meta.get("id")
        numbers = itertools.count(1)

        def check_role(name: str) -> None:
            if meta.get("role", "control") != "control":
                raise CommandFailed(f"{name}: this key may look, not change anything")

        async def messages(task_job: str, event_time: float | None, pairs: list[tuple[str, str]]) -> None:
            check_role("message")
            await self.put_messages(task_job, event_time, pairs)

        async def command(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            check_role(name)
            # A request may hold several mutations, carried out in order: each has an id of its own.
            number = next(numbers)
            identity = str(uuid.uuid4()) if asked is None else f"{asked}" if number == 1 else f"{asked}/{number}"
            result = await self.command(name, arguments, id=identity, user=user)
            return {"id": identity, "result": result}

        return await self._run.showing.query(
            request_string, variables, command=command, messages=messages, why=self.why, meta=meta
        )

    def graphql_at_once(self, request_string: str, variables: dict[str, Any] | None) -> dict[str, Any] | None:
        """The data of a GraphQL query that waits for nothing; None for mutations and what else takes its time."""
        return self._run.showing.query_at_once(request_string, variables)

    def subscribed(self) -> None:
        """Someone has subscribed to what is published."""
        self._run.showing.someone_subscribed()

    def broadcasts(self, task: str | None = None) -> dict[str, Any]:
        """The broadcasts in force: by cycle point (or ``*``) and namespace, nested settings as texts.

        Args:
            task: only those that apply to this ``CYCLE/TASK``; raises `CommandFailed` if there is no such task.
        """
        found = self._run.engine.broadcasts.as_dict()
        if task is None:
            return found
        cycle, _, name = task.removeprefix("//").partition("/")
        definition = self._run.plan.definition
        if name not in definition.tasks:
            raise CommandFailed(f"There is no task {name!r} in the workflow: {task} should be CYCLE/TASK")
        point = definition.cycling.format(definition.cycling.parse(cycle))
        names = definition.tasks[name].namespaces
        applying = {
            at: {name: settings for name, settings in found[at].items() if name in names}
            for at in ("*", point)
            if at in found
        }
        return {at: settings for at, settings in applying.items() if settings}

    async def put_messages(self, task_job: str, event_time: float | None, messages: list[tuple[str, str]]) -> None:
        """Take messages of a job; returns once they are committed. Raises `CommandFailed` for a bad job ID."""
        cycle, _, rest = task_job.partition("/")
        task, _, number = rest.rpartition("/")
        if not task or not number.isdecimal():
            raise CommandFailed(f"{task_job!r} is not the ID of a job: CYCLE/TASK/NN")
        self._run.jobs.drain()
        key = JobKey(cycle, task, int(number))
        when = self._run.time() if event_time is None else event_time
        events = [JobMessage(when, key, severity, text) for severity, text in messages]
        if events:
            self._run.inbox.extend(events[:-1])
            await self._run.committed(events[-1])
