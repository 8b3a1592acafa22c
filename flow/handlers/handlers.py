"""`EventHandlers`: tells the world what happens in a run, by commands and by mail, and writes down what came of it.

The scheduler hands over events after they are committed; everything slow happens on threads of the pool.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ..engine.effects import TaskEvent, WorkflowEvent
from ..engine.text import duration, utc
from . import pending
from .activity import activity_log, add_line, report
from .command import ShellCommand
from .exceptions import TemplateError
from .facts import RunFacts, TaskFacts, run_values, task_values
from .mail import MailWork, TaskNote, addresses, run_mail, task_mail
from .pending import TaskHandler
from .pool import WorkerPool
from .settings import HandlerSettings
from .templates import command_line, handlers_for

Log = Callable[[str, str], None]
REPEATED_EVENTS = frozenset({"warning", "critical", "custom"})
"""Events that may come several times from one task: their records are numbered."""
STOPPED = "killed: the scheduler was told to stop at once"


class EventHandlers:
    """Runs the handlers of a run and sends its mail.

    Arguments:
        run: what handlers are told of the run.
        settings: which handlers, how many at once, for how long.
        log: told a level and a text for the scheduler's log.
        loop: the scheduler's loop; every method is called on it.
    """

    def __init__(self, run: RunFacts, settings: HandlerSettings, *, log: Log, loop: asyncio.AbstractEventLoop) -> None:
        self.run = run
        self.settings = settings
        self.log = log
        self.on_idle: Callable[[], None] | None = None
        """Called whenever nothing runs any more; something may still wait for its time."""
        self._loop = loop
        self._pool = WorkerPool(settings.pool_size, settings.timeout_seconds, loop)
        self._pool.idle = self._is_idle
        self._is_stopped = False
        self._delayed: dict[TaskHandler, asyncio.TimerHandle | None] = {}
        """What waits for its time; without a timer, for the next scheduler."""
        self._counts: dict[tuple[str, str], dict[str, int]] = {}
        """By task instance: how often each of the `REPEATED_EVENTS` took place."""
        self._notes: dict[tuple[str, str], list[TaskNote]] = {}
        """By sender and receivers: what the next mail will tell."""
        self._mail_timer: asyncio.TimerHandle | None = None
        self._mailed = float("-inf")
        self._idle_waiters: list[asyncio.Future[None]] = []

    def use(self, meta: Mapping[str, str], settings: HandlerSettings) -> None:
        """From now on, what a reloaded definition says; the size of the pool stays."""
        self.run = replace(self.run, meta=meta)
        self.settings = settings

    # -- events --------------------------------------------------------------------------------------------------------

    def workflow_event(self, event: WorkflowEvent) -> None:
        """Run the handlers of a workflow event and send its mail."""
        if self._is_stopped:
            return
        events = self.settings.events
        values = run_values(self.run, event.name, event.message)
        for index, handler in enumerate(handlers_for(events, event.name)):
            identity = f"('workflow-event-handler-{index:02d}', '{event.name}')"
            try:
                command = command_line(handler, values, (event.name, self.run.workflow, event.message))
            except TemplateError as error:
                self.log("ERROR", f"{identity} bad template: {handler}\n{error}")
                continue
            self._pool.add(_RunHandler(self, identity, command, event.name))
        if event.name in (events.get("mail events") or ()):
            sender, receivers = addresses(self.run, self.settings.mail)
            mail = run_mail(self.run, sender, receivers, event.name, event.message, self._footer)
            self._pool.add(_SendRunMail(self, mail, event.name))

    @staticmethod
    def concerns(event: str, runtime: Mapping[str, Any]) -> bool:
        """Whether a task with these settings has anyone to tell of an event; a quick look before facts are gathered."""
        events = runtime.get("events")
        return bool(
            events
            and (
                events.get(f"{event} handlers")
                or event in (events.get("handler events") or ())
                or event in (events.get("mail events") or ())
            )
        )

    def task_event(self, event: TaskEvent, facts: TaskFacts) -> None:
        """Run the handlers of a task event and put it into the next mail."""
        if self._is_disabled(facts):
            return
        events = facts.runtime.get("events") or {}
        handlers = handlers_for(events, event.name)
        is_mailed = event.name in (events.get("mail events") or ())
        if not handlers and not is_mailed:
            return
        numbered = self._numbered(event)
        if handlers:
            self._run_task_handlers(handlers, event, numbered, facts)
        if is_mailed and not self._is_stopped:
            addressed = addresses(self.run, facts.runtime.get("mail") or {}, self.settings.mail)
            note = TaskNote(event.key, event.name, numbered, event.message)
            self._notes.setdefault(addressed, []).append(note)
            self._set_mail_timer()

    def _is_disabled(self, facts: TaskFacts) -> bool:
        if self.run.run_mode in ("simulation", "dummy"):
            section = "simulation"
        elif facts.runtime.get("run mode") == "skip":
            section = "skip"
        else:
            return False
        return bool((facts.runtime.get(section) or {}).get("disable task event handlers", True))

    def _numbered(self, event: TaskEvent) -> str:
        instance = (event.key.cycle, event.key.task)
        if event.name == "succeeded":
            self._counts.pop(instance, None)
        if event.name not in REPEATED_EVENTS:
            return event.name
        counts = self._counts.setdefault(instance, {})
        counts[event.name] = counts.get(event.name, 0) + 1
        return f"{event.name}-{counts[event.name]}"

    def _run_task_handlers(self, handlers: list[str], event: TaskEvent, numbered: str, facts: TaskFacts) -> None:
        key = event.key
        values = task_values(self.run, event, facts)
        plain = (event.name, self.run.workflow, f"{key.cycle}/{key.task}", event.message)
        delays = [float(delay) for delay in (facts.runtime.get("events") or {}).get("handler retry delays") or ()]
        for index, handler in enumerate(handlers):
            task_handler = TaskHandler(
                cycle=key.cycle,
                task=key.task,
                submit_number=key.submit_number,
                index=index,
                event=numbered,
                command=handler,
                delays=delays,
            )
            try:
                task_handler.command = command_line(handler, values, plain)
            except TemplateError as error:
                self.log("ERROR", f"{task_handler.identity} bad template: {handler}\n{key}: {error}")
                continue
            self._schedule(task_handler)

    # -- task handlers, with their delays ------------------------------------------------------------------------------

    def _schedule(self, handler: TaskHandler) -> None:
        """Run a handler after the delay of its next try."""
        delay = handler.delays[handler.tried] if handler.tried < len(handler.delays) else 0.0
        handler.due = time.time() + delay
        if delay <= 0 and not self._is_stopped:
            self._pool.add(_RunTaskHandler(self, handler))
            return
        after = f"{duration(delay)} (after {utc(handler.due)})"
        how = "failed, retrying in" if handler.tried else "will run after"
        self.log("DEBUG", f"{handler.label} {how} {after}")
        self._wait_for(handler)

    def _wait_for(self, handler: TaskHandler) -> None:
        if self._is_stopped:
            self._delayed[handler] = None
            return
        delay = max(0.0, handler.due - time.time())
        self._delayed[handler] = self._loop.call_later(delay, self._due, handler)

    def _due(self, handler: TaskHandler) -> None:
        self._delayed.pop(handler, None)
        self._pool.add(_RunTaskHandler(self, handler))

    def _failed(self, handler: TaskHandler) -> None:
        handler.tried += 1
        if handler.tried < len(handler.delays):
            self._schedule(handler)
        else:
            self.log("WARNING", f"{handler.label} failed")

    def resume(self) -> None:
        """Take up the handlers that the last scheduler of this run had still to run."""
        for handler in pending.load(self.run.run_directory / ".service"):
            self.log("INFO", f"{handler.label} taken up from the last run")
            self._wait_for(handler)

    # -- mail ----------------------------------------------------------------------------------------------------------

    @property
    def _footer(self) -> str:
        return str(self.settings.mail.get("footer") or "")

    def _set_mail_timer(self) -> None:
        if self._mail_timer is None:
            wait = max(0.0, self._mailed + self.settings.batch_seconds - self._loop.time())
            self._mail_timer = self._loop.call_later(wait, self.send_mail)

    def send_mail(self) -> None:
        """One mail to each who is to know, of all task events since the last; not waiting for the batch to be full."""
        if self._mail_timer is not None:
            self._mail_timer.cancel()
            self._mail_timer = None
        if not self._notes:
            return
        self._mailed = self._loop.time()
        for (sender, receivers), notes in self._notes.items():
            mail = task_mail(self.run, sender, receivers, notes, self._footer)
            self._pool.add(_SendTaskMail(self, mail, notes))
        self._notes = {}

    # -- the end -------------------------------------------------------------------------------------------------------

    def is_settled(self, *, retries: bool = True) -> bool:
        """Whether nothing is left to do; without `retries`, handlers that wait for their time do not count."""
        return self._pool.is_idle and not self._notes and not (retries and self._delayed)

    async def settled(self, *, retries: bool = True) -> None:
        """Send the mail that is waiting, and wait until `is_settled`."""
        self.send_mail()
        while not self.is_settled(retries=retries):
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._idle_waiters.append(waiter)
            await waiter
            self.send_mail()

    def stop(self) -> None:
        """Kill what runs, begin and send nothing more; task handlers that have not begun are left to the next
        scheduler."""
        self._is_stopped = True
        self._notes.clear()
        self._cancel_timers()
        for work in self._pool.stop(STOPPED):
            if isinstance(work, _RunTaskHandler):
                self._wait_for(work.handler)
            elif isinstance(work, _RunHandler | _SendRunMail):
                self.log("WARNING", f"{work.identity} not run: the scheduler was told to stop at once")

    def close(self) -> None:
        """Leave what still waits for its time to the next scheduler of this run."""
        self._cancel_timers()
        left, self._delayed = list(self._delayed), {}
        try:
            pending.save(self.run.run_directory / ".service", left)
        except OSError as error:
            names = "\n".join(handler.label for handler in left)
            self.log("ERROR", f"Event handlers are lost, as they could not be kept: {error}\n{names}")
            return
        for handler in left:
            self.log("WARNING", f"{handler.label} not run: it is left for when the workflow is played again")

    def _cancel_timers(self) -> None:
        for timer in (*self._delayed.values(), self._mail_timer):
            if timer is not None:
                timer.cancel()

    def _is_idle(self) -> None:
        waiters, self._idle_waiters = self._idle_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self.on_idle is not None:
            self.on_idle()


class _RunHandler(ShellCommand):
    """A run of a handler of a workflow event."""

    def __init__(self, owner: EventHandlers, identity: str, command: str, event: str) -> None:
        super().__init__(command, directory=owner.run.run_directory, environment=owner.settings.environment)
        self.owner = owner
        self.identity = identity
        self.event = event

    @property
    def report(self) -> str:
        """What is written down of it."""
        return report(
            self.identity,
            command=self.command,
            return_code=self.return_code,
            output=self.output,
            error=self.error,
        )

    def done(self) -> None:
        """Write down what came of it."""
        if self.return_code == 0:
            self.owner.log("INFO", self.report)
            return
        self.owner.log("ERROR", self.report)
        self.owner.log("ERROR", f"{self.event} EVENT HANDLER FAILED")


class _RunTaskHandler(_RunHandler):
    """A run of a handler of a task event."""

    def __init__(self, owner: EventHandlers, handler: TaskHandler) -> None:
        super().__init__(owner, handler.identity, handler.command, handler.event)
        self.handler = handler
        self._is_on_disk = False

    def run(self) -> None:
        """Run it, and write down what came of it beside the job."""
        super().run()
        path = activity_log(self.owner.run.run_directory, self.handler.key)
        self._is_on_disk = add_line(path, self.report)

    def done(self) -> None:
        """Tell of a failure, and try again where that is wanted."""
        if self.return_code == 0:
            self.owner.log("DEBUG" if self._is_on_disk else "INFO", self.report)
            return
        self.owner.log("ERROR", self.report)
        self.owner._failed(self.handler)


class _SendRunMail(MailWork):
    """Mail about a workflow event."""

    def __init__(self, owner: EventHandlers, mail: Any, event: str) -> None:
        super().__init__(mail, owner.settings.mail_server)
        self.owner = owner
        self.identity = f"('workflow-event-mail', '{event}')"

    @property
    def _command(self) -> str:
        mail = self.mail
        return f"mail -s '{mail.subject}' -r {mail.sender} {mail.receivers} (smtp={self.server})"

    def done(self) -> None:
        """Write down what came of it."""
        code = 1 if self.error else 0
        text = report(self.identity, command=self._command, return_code=code, error=self.error)
        self.owner.log("ERROR" if self.error else "INFO", text)


class _SendTaskMail(_SendRunMail):
    """Mail about task events."""

    def __init__(self, owner: EventHandlers, mail: Any, notes: list[TaskNote]) -> None:
        super().__init__(owner, mail, notes[0].numbered_event)
        self.notes = notes

    def run(self) -> None:
        """Send it, and write down what came of it beside every job it tells of."""
        super().run()
        code = 1 if self.error else 0
        for note in self.notes:
            identity = f"(('event-mail', '{note.numbered_event}'), {note.key.submit_number})"
            path = activity_log(self.owner.run.run_directory, note.key)
            add_line(path, report(identity, command=None, return_code=code, error=self.error))

    def done(self) -> None:
        """Tell of a failure."""
        if not self.error:
            self.owner.log("DEBUG", f"{self._command}: sent")
            return
        jobs = "\n".join(f"{note.key} {note.event}" for note in self.notes)
        self.owner.log("ERROR", f"{self._command}: {self.error}\nNot told:\n{jobs}")
