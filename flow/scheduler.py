"""The scheduler: the one place where the engine meets the clock, the record, the jobs and the network.

Every turn is the same: drain the inbox, let the engine work it off, commit, then carry the effects out.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..contact.file import ContactFile
from ..contact.keys import create_keys, remove_keys
from ..contact.paths import current_user
from ..contact.ports.registration import SCHEDULER, Registration
from ..exceptions import TidemillError
from ..network.server import WorkflowRuntimeServer
from .engine.effects import (
    CallXtrigger,
    KillJob,
    PollJob,
    RecoverJob,
    StopScheduler,
    SubmitJob,
    TaskEvent,
    WorkflowEvent,
)
from .engine.engine import Engine, Turn
from .engine.events import Command, Event, Start, Tick
from .engine.restore import restore
from .engine.shutdown import NOW, NOW_NOW
from .exceptions import CommandUndecided
from .handlers.check import bad_templates
from .handlers.facts import RunFacts, facts_of
from .handlers.handlers import EventHandlers
from .handlers.settings import HandlerSettings, handler_environment
from .handlers.settings import handler_settings as settings_of_handlers
from .jobs.background import job_process_environment
from .jobs.context import WorkflowContext
from .jobs.manager import JobManager
from .plan import RunPlan
from .prepare import template_variable_rows, worker_environment
from .receipts import Receipts
from .record.engine_rows import batch_of, inheritance_rows, is_empty, recall_from, saved_state
from .record.exceptions import RecordError
from .record.log import LogRecord, SchedulerLog, write_configuration
from .record.record import Record
from .record.reference import compare_reference
from .record.rows import Batch
from .requests import Requests
from .showing import Showing
from .waiting import EffectWaiting

if TYPE_CHECKING:
    from .xtriggers.pool import XtriggerWorkers

SLICE_SECONDS = 0.01
"""How long the engine may work before the loop gets its turn."""
SLICE_STEPS = 25
SIMULATION_PATIENCE_SECONDS = 0.1
"""How long a simulation, whose clock jumps, pauses before it asks an external trigger again."""
RETRY_COMMIT_SECONDS = (0.2, 1.0, 5.0)
"""Waits between tries to commit when the disk refuses; the last repeats."""


class Scheduler:
    """Plays one workflow."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.workflow = plan.workflow
        self.owner = current_user()
        self.service_directory: Path = plan.run_directory / ".service"
        self.engine = Engine(plan.definition, options=plan.options)
        self.contact: ContactFile
        self.exit_code = 0
        self.inbox: list[Event] = []
        self._answers: dict[int, asyncio.Future[None]] = {}
        """By the identity of an event: who waits for it to be committed."""
        self.receipts = Receipts()
        self.waiting = EffectWaiting(self.engine)
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping: StopScheduler | None = None
        self.handlers: EventHandlers | None = None
        self.has_closed = False
        """Whether the last turn has been taken: nothing more can be asked for."""
        self._xtriggers: XtriggerWorkers | None = None
        self._is_virtual = plan.options.run_mode == "simulation"

    # -- the story -----------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Start, serve, run to the end and stop; returns the exit code of ``play --no-detach``.

        Raises:
            TidemillError: the run could not be started; nothing is left behind.
        """
        with self._log_open(), self._record_open():
            try:
                async with self._serving(), self._jobs_running():
                    with self._signals_caught():
                        self._begin()
                        await self._turns()
                        await self._shut_down()
            except TidemillError as error:
                self.log("CRITICAL", str(error))
                await self._aborted(error)
                raise
            except Exception as error:
                self.log("CRITICAL", f"The scheduler failed:\n{traceback.format_exc()}")
                self.exit_code = 1
                await self._aborted(error)
            finally:
                if self.handlers is not None:
                    self.handlers.close()
            self._judge_reference()
            self.log("INFO", "DONE")
        return self.exit_code

    @contextlib.contextmanager
    def _log_open(self) -> Iterator[None]:
        plan = self.plan
        self.scheduler_log = SchedulerLog(
            plan.run_directory,
            kind="restart" if plan.is_restart else "start",
            run_number=plan.run_number,
            level=plan.log_level,
            utc=plan.utc_mode,
            terminal=plan.terminal,
            terminal_timestamps=plan.terminal_timestamps,
            reference=plan.reference_log,
            maximum_bytes=plan.log_maximum_bytes,
            files_kept=plan.log_files_kept,
        )
        try:
            yield
        finally:
            self.scheduler_log.close()

    @contextlib.contextmanager
    def _record_open(self) -> Iterator[None]:
        self.record = Record(self.plan.run_directory, log=self.log, utc=self.plan.utc_mode)
        self.record.open()
        try:
            yield
        finally:
            self._close_record()

    def _close_record(self) -> None:
        """Write what is left and let go of the database; once."""
        try:
            self.record.close()
        except RecordError as error:
            self.log("CRITICAL", str(error))
            self.exit_code = 1

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        """Be reachable: keys, sockets, and last the contact file, which is removed first."""
        plan = self.plan
        create_keys(self.service_directory)
        self.server = WorkflowRuntimeServer(Requests(self))
        path = self.service_directory / "contact"
        try:
            registration = Registration(
                self.workflow, kind=SCHEDULER, workflow=self.workflow, contact=path, host=plan.host, log=self.log
            )
            port, publish_port = self.server.start(
                asyncio.get_running_loop(), plan.host, plan.ports, registration=registration
            )
            self.contact = ContactFile.of_this_process(
                self.workflow,
                plan.host,
                port,
                publish_port,
                run_directory=plan.run_directory,
                owner=self.owner,
                uuid=plan.uuid,
                version=__version__,
            )
            self.contact.write(path)
            assert self.server.publisher is not None
            self.showing = Showing(self.engine, plan, owner=self.owner, publisher=self.server.publisher, log=self.log)
            self.showing.contact = self.contact
        except BaseException:
            await self.server.stop("failed to start")
            remove_keys(self.service_directory)
            if hasattr(self, "contact"):
                self.contact.remove(path)
            raise
        try:
            yield
        finally:
            self.showing.close()
            reason = self._stopping.reason if self._stopping is not None else "failed"
            await self.server.stop(reason)
            # Whoever waits for the contact file to go may play the workflow again at once: the record must be free.
            self._close_record()
            remove_keys(self.service_directory)
            self.contact.remove(path)

    @contextlib.asynccontextmanager
    async def _jobs_running(self) -> AsyncIterator[None]:
        self.jobs = JobManager(self.job_context(), self.report, asyncio.get_running_loop())
        self.jobs.start()
        try:
            yield
        finally:
            if self._xtriggers is not None:
                self._xtriggers.close()
            self.jobs.close()

    def _xtrigger_workers(self) -> XtriggerWorkers:
        """The workers that call functions; made for the first call."""
        if self._xtriggers is not None:
            return self._xtriggers
        from .xtriggers.pool import XtriggerWorkers

        site = self.plan.site.section("scheduler")
        self._xtriggers = XtriggerWorkers(
            str(self.plan.run_directory),
            environment=worker_environment(self.plan),
            size=int(site["process pool size"]),
            timeout_seconds=float(site["process pool timeout"]),
            report=self.post,
            log=self.log,
            clock=self.time,
            loop=asyncio.get_running_loop(),
            patience_seconds=SIMULATION_PATIENCE_SECONDS if self._is_virtual else 0.0,
        )
        return self._xtriggers

    def _calls_in_flight(self) -> bool:
        return self._xtriggers is not None and bool(self._xtriggers.in_flight)

    @contextlib.contextmanager
    def _signals_caught(self) -> Iterator[None]:
        """Stop in good order on a signal: jobs are left to run, the record is complete."""
        loop = asyncio.get_running_loop()
        caught = (signal.SIGINT, signal.SIGTERM)

        def stop(number: signal.Signals) -> None:
            if self._stopping is not None and self.handlers is not None:
                self.log("WARNING", f"Caught {number.name} while stopping: event handlers are killed")
                self.handlers.stop()
                return
            self.log("WARNING", f"Caught {number.name}: stopping; jobs go on, play again to take them up")
            identity = f"signal-{number.name}-{uuid.uuid4()}"
            self.post(Command(self.time(), "stop", {"mode": "now"}, identity, self.owner, f"caught {number.name}"))

        for number in caught:
            loop.add_signal_handler(number, stop, number)
        previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            yield
        finally:
            signal.signal(signal.SIGHUP, previous)
            for number in caught:
                loop.remove_signal_handler(number)

    # -- beginning -----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        plan = self.plan
        self._write_header()
        write_configuration(
            plan.run_directory,
            plan.config.processed_text,
            kind="restart" if plan.is_restart else "start",
            run_number=plan.run_number,
            processed=plan.config.processed_text,
        )
        for warning in plan.definition.warnings:
            self.log("WARNING", warning)
        if plan.is_restart:
            saved = self.record.load()
            if saved is None:
                raise RecordError(f"{plan.run_directory}/.service/db holds no run to restart")
            self.log("INFO", "LOADING task proxies")
            restore(self.engine, saved_state(saved, self.record.past()), now=self.time())
        else:
            self.post(Start(self.time()))
        self.engine.history.recall = recall_from(self.engine, self.record.history)
        tables = {
            "workflow_template_vars": template_variable_rows(plan.parameters),
            "inheritance": inheritance_rows(plan.definition),
        }
        self.record.commit_now(Batch(parameters=plan.parameters, tables=tables))
        self.handlers = self._event_handlers()
        for problem in bad_templates(plan.definition, self.handlers.run):
            self.log("ERROR", problem)
        self.handlers.resume()
        self.handlers.workflow_event(WorkflowEvent("startup", "workflow starting"))
        self._wake.set()
        if plan.started is not None:
            plan.started(f"{self.contact.host}:{self.contact.port}")

    def _write_header(self) -> None:
        plan, definition, now = self.plan, self.plan.definition, self.time()
        write = definition.cycling.format
        run = f"Run: (re)start number={plan.run_number}, log rollover=1"
        lines = [
            f"Workflow: {self.workflow}",
            f"Scheduler: url=tcp://{self.contact.host}:{self.contact.port} pid={self.contact.pid}",
            f"Workflow publisher: url=tcp://{self.contact.host}:{self.contact.publish_port}",
            run,
            f"Tidemill version: {__version__}",
            f"Run mode: {plan.options.run_mode}",
            f"Initial point: {write(definition.initial_point)}",
        ]
        if definition.start_point != definition.initial_point:
            lines.append(f"Start point: {write(definition.start_point)}")
        final = definition.final_point
        lines.append(f"Final point: {None if final is None else write(final)}")
        self.scheduler_log.header([LogRecord("INFO", line, now) for line in lines])
        if definition.start_tasks:
            names = [f"{write(point)}/{name}" for point, name in definition.start_tasks]
            self.log("INFO", f"Start task: {names}")
        elif not plan.is_restart:
            kind = "Cold" if definition.start_point == definition.initial_point else "Warm"
            self.log("INFO", f"{kind} start from {write(definition.start_point)}")

    def job_context(self) -> WorkflowContext:
        plan, definition = self.plan, self.plan.definition
        write = definition.cycling.format
        final = definition.final_point
        return WorkflowContext(
            workflow=self.workflow,
            run_directory=plan.run_directory,
            uuid=plan.uuid,
            host=self.contact.host,
            owner=self.owner,
            initial_cycle_point=write(definition.initial_point),
            final_cycle_point=None if final is None else write(final),
            cycling_mode=definition.cycling.mode,
            utc_mode=plan.utc_mode,
            verbose=plan.verbose,
            debug=plan.options.debug,
            global_init_script=plan.global_init_script,
        )

    def _event_handlers(self) -> EventHandlers:
        plan = self.plan
        run = RunFacts(
            workflow=self.workflow,
            run_directory=plan.run_directory,
            uuid=plan.uuid,
            host=self.contact.host,
            port=self.contact.port,
            owner=self.owner,
            meta=plan.definition.config.get("meta") or {},
            run_mode=plan.options.run_mode,
        )
        handlers = EventHandlers(run, self.handler_settings(), log=self.log, loop=asyncio.get_running_loop())
        handlers.on_idle = self._wake.set
        return handlers

    def handler_settings(self) -> HandlerSettings:
        plan = self.plan
        environment = handler_environment(
            job_process_environment(os.environ),
            plan.definition,
            workflow=self.workflow,
            name=self.job_context().workflow_name,
            run_directory=plan.run_directory,
            uuid=plan.uuid,
            host=self.contact.host,
            owner=self.owner,
            utc_mode=plan.utc_mode,
            debug=plan.options.debug,
        )
        return settings_of_handlers(plan.definition, plan.site, environment)

    # -- turns ---------------------------------------------------------------------------------------------------------

    def time(self) -> float:
        """Now, in seconds since the epoch: the clock's time, or the simulation's own."""
        if self._is_virtual and self.engine.now:
            return self.engine.now
        return time.time()

    def log(self, level: str, text: str) -> None:
        """Write a line to the scheduler's log; it is on disk soon after the current turn."""
        self.scheduler_log.add(level, text, time.time())
        self.scheduler_log.flush()

    def post(self, event: Event) -> None:
        """Put an event into the inbox."""
        self.inbox.append(event)
        self._wake.set()

    def report(self, events: list[Event]) -> None:
        """Put what jobs report into the inbox."""
        self.inbox.extend(events)
        self._wake.set()

    async def _turns(self) -> None:
        while not self._is_over():
            await self._wake.wait()
            self._wake.clear()
            self.server.is_at_work = True
            self.showing.begin_turn()
            await self._turn()
            self.showing.end_turn()
            self.server.is_at_work = False
            self._set_timer()

    def _is_over(self) -> bool:
        """Whether the run has ended and its event handlers too; requests are answered while they run."""
        if self._stopping is None or self.handlers is None:
            return self._stopping is not None
        requested = self.engine.shutdown.requested
        if requested == NOW_NOW or self._is_virtual:
            return True
        self.handlers.send_mail()
        # What is to be tried again later is left to the next run if the scheduler is to stop soon.
        retries = requested != NOW and not self._stopping.exit_code
        return self.handlers.is_settled(retries=retries)

    async def _turn(self) -> None:
        """Drain the inbox, let the engine work it off in slices, commit, then carry the effects out."""
        self.jobs.drain()
        events, self.inbox = self.inbox, []
        wake_at = self.engine.next_wake()
        now = self.time()
        if self._is_virtual and not events and wake_at is not None and not self._calls_in_flight():
            events.append(Tick(max(wake_at, now)))
        elif wake_at is not None and wake_at <= now:
            events.append(Tick(now))
        for event in events:
            self.engine.handle(event)
        turn = await self._worked_off(events)
        if self._stopping is not None and not self.engine.shutdown.is_stopped:
            # A command gave the run more to do while its last event handlers were running.
            self._stopping = None
        self._carry_out(turn)
        self.waiting.look()
        await self.showing.follow(turn)
        self._answer(events)
        await self._tell(turn)
        if self._stopping is not None and self._stopping in turn.effects and not self._is_over():
            self.log("INFO", "Waiting for event handlers to end before shutting down")
        if self.plan.observer is not None:
            self.plan.observer(self.engine, turn)

    async def _worked_off(self, events: list[Event]) -> Turn:
        """What the engine makes of the events it was given, committed."""
        # Not a wait for something: the loop's turn between two slices.
        while not self._advance_slice():  # noqa: ASYNC110
            await asyncio.sleep(0)
        turn = self.engine.take()
        for level, text, when in turn.log:
            self.scheduler_log.add(level, text, when)
        self.scheduler_log.flush()
        batch = batch_of(self.engine, turn, events)
        if receipts := self.receipts.decided(events, self.engine.results):
            batch.tables["receipts"] = receipts
        if not is_empty(batch):
            await self._commit(batch)
        return turn

    def _advance_slice(self) -> bool:
        deadline = time.perf_counter() + SLICE_SECONDS
        while time.perf_counter() < deadline:
            if self.engine.advance(SLICE_STEPS):
                return True
        return False

    async def _commit(self, batch: Batch) -> None:
        """Commit, however often the disk refuses: nothing goes on before, and nothing is lost."""
        tries = 0
        try:
            await self.record.commit(batch)
            return
        except RecordError as error:
            failure = error
        while True:
            wait = RETRY_COMMIT_SECONDS[min(tries, len(RETRY_COMMIT_SECONDS) - 1)]
            if tries < len(RETRY_COMMIT_SECONDS):
                self.log(
                    "CRITICAL",
                    f"{failure}\nNothing is submitted until it can be written; trying again in {wait:g} s",
                )
            tries += 1
            await asyncio.sleep(wait)
            if any(isinstance(event, Command) and event.name == "stop" for event in self.inbox):
                raise failure
            try:
                await self.record.retry()
                self.log("WARNING", f"The record is written again after {tries} failed tries: going on")
                return
            except RecordError as error:
                failure = error

    def _carry_out(self, turn: Turn) -> None:
        submit, recover, poll, kill = [], [], [], []
        for effect in turn.effects:
            if isinstance(effect, SubmitJob):
                submit.append(effect.job)
            elif isinstance(effect, PollJob):
                poll.append(effect)
            elif isinstance(effect, KillJob):
                kill.append(effect)
            elif isinstance(effect, RecoverJob):
                recover.append(effect.job)
            elif isinstance(effect, CallXtrigger):
                self._xtrigger_workers().call(effect)
            elif isinstance(effect, StopScheduler):
                self._stopping = effect
        if recover:
            self.jobs.recover(recover)
        if poll:
            self.jobs.poll(poll)
        if kill:
            self.jobs.kill(kill)
        if submit:
            self.jobs.submit(submit)

    async def _tell(self, turn: Turn) -> None:
        """Hand events to their handlers, with what is known of the tasks they are about; in slices, as there may be
        thousands."""
        handlers = self.handlers
        if handlers is None or not any(isinstance(effect, WorkflowEvent | TaskEvent) for effect in turn.effects):
            return
        engine = self.engine
        deadline = time.perf_counter() + SLICE_SECONDS
        # Instances that finished in this turn are in the pool no more, but among its changes.
        known = {(proxy.cycle, proxy.name, proxy.submit_number): proxy for proxy in turn.changes.proxies}
        for event in turn.effects:
            if time.perf_counter() > deadline:
                await asyncio.sleep(0)
                deadline = time.perf_counter() + SLICE_SECONDS
            if isinstance(event, WorkflowEvent):
                handlers.workflow_event(event)
            elif isinstance(event, TaskEvent):
                key = event.key
                proxy = known.get(key) or engine.find(key.cycle, key.task)
                if proxy is not None:
                    runtime = engine.runtime_of(proxy)
                elif key.task in engine.definition.tasks:
                    runtime = engine.definition.tasks[key.task].runtime
                else:
                    continue
                if handlers.concerns(event.name, runtime):
                    handlers.task_event(event, facts_of(event, proxy, runtime))

    def _set_timer(self) -> None:
        """Wake at the engine's next time; a simulation need not wait for it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake_at = self.engine.next_wake()
        if self.inbox or (wake_at is not None and self._is_virtual and not self._calls_in_flight()):
            self._wake.set()
        elif wake_at is not None and not self._is_virtual:
            delay = max(0.0, wake_at - time.time())
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake.set)

    # -- what users ask for --------------------------------------------------------------------------------------------

    async def committed(self, event: Event) -> None:
        """Put an event into the inbox and wait until what it changed is on disk."""
        if self.has_closed:
            raise CommandUndecided(f"{self.workflow} is stopping")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers[id(event)] = future
        self.post(event)
        await future

    def _answer(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Command) and not self.receipts.is_refused(event.id):
                self.log("INFO", f'Command "{event.name}" actioned. ID={event.id}')
            future = self._answers.pop(id(event), None)
            if future is not None and not future.done():
                future.set_result(None)

    # -- the end -------------------------------------------------------------------------------------------------------

    async def _shut_down(self) -> None:
        """Stop submitting, and record what jobs have told up to now."""
        stopping = self._stopping
        assert stopping is not None
        self.exit_code = stopping.exit_code
        self.log("ERROR" if stopping.exit_code else "INFO", f"Workflow shutting down - {stopping.reason}")
        if self._timer is not None:
            self._timer.cancel()
        if self._xtriggers is not None:
            self._xtriggers.close()
        self.jobs.close()
        self.has_closed = True
        self.showing.begin_turn()
        events, self.inbox = self.inbox, []
        for event in events:
            if not isinstance(event, Command):
                self.engine.handle(event)
        turn = await self._worked_off(events)
        for future in self._answers.values():
            if not future.done():
                future.set_exception(CommandUndecided(f"{self.workflow} is stopping: {stopping.reason}"))
        self.waiting.close()
        handlers = self.handlers
        if handlers is None:
            return
        if self.engine.shutdown.requested == NOW_NOW:
            handlers.stop()
        else:
            await self._tell(turn)
            handlers.workflow_event(WorkflowEvent("shutdown", stopping.reason))
        await handlers.settled(retries=False)

    async def _aborted(self, error: Exception) -> None:
        """The scheduler failed: say so, and let no handler be cut off."""
        if self.handlers is not None:
            self.handlers.workflow_event(WorkflowEvent("abort", str(error) or type(error).__name__))
            await self.handlers.settled(retries=False)

    def _judge_reference(self) -> None:
        """After a reference test, compare what ran with what should have."""
        plan = self.plan
        if plan.reference_to_match is None or plan.reference_log is None or self.exit_code:
            return
        self.scheduler_log.flush(wait=True)
        comparison = compare_reference(plan.reference_to_match.read_text(), plan.reference_log.read_text())
        if comparison.is_equal:
            self.log("INFO", "WORKFLOW REFERENCE TEST PASSED")
        else:
            self.log("ERROR", f"WORKFLOW REFERENCE TEST FAILED\n{comparison}")
            self.exit_code = 1
