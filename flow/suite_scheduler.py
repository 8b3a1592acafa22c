"""The server of suites: where their engine meets the clock, the record, the jobs and the network.

As in `scheduler`, every turn is the same: drain the inbox, let the engine work it off, commit, then carry the effects
out and answer. Jobs and users are answered only once what they were told is on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
from attrs import define, field

from .. import __version__
from ..contact.file import ContactFile
from ..contact.keys import create_keys, remove_keys
from ..contact.paths import current_user, suite_server_directory
from ..contact.ports.registration import SUITE_SERVER, Registration, any_port
from ..exceptions import TidemillError
from ..network.child_port import ChildPort
from ..network.exceptions import RequestRefused, ServerError
from ..network.suite_server import SuiteRuntimeServer
from .copying import in_a_copy
from .engine.events import Command, Event
from .jobs.background import job_process_environment
from .jobs.context import default_program
from .jobs.ecf.runner import Submission, SuiteJobs
from .jobs.ecf.service import install
from .record.exceptions import RecordError
from .record.suite_log import SuiteLog
from .record.suites import Receipt, Saved, SuiteRecord
from .suite import effects
from .suite.effects import ChildResult, CommandResult, SubmitTask
from .suite.engine import SuiteEngine
from .suite.events import ChildCommand, ServerFlag, ServerStarted, Tick
from .suite.nodes import Submittable
from .suite.restore import restore, snapshot
from .suite.states import Flag, ServerState, State
from .suite.structure import prepare
from .suite_files import archive_path, read_archive, remove_archive, write_archive, write_checkpoint
from .suite_pace import Pace
from .suite_questions import Questions
from .suite_receipts import SuiteReceipts
from .suite_showing import SuiteShowing

if TYPE_CHECKING:
    from .picture.suite_picture import ServerIdentity

SLICE_SECONDS = 0.01
RETRY_COMMIT_SECONDS = (0.2, 1.0, 5.0)
CHECKPOINT_SECONDS = 120
SWITCH_SECONDS = 0.0005
"""How long threads that make jobs or read definitions may keep the one that answers waiting."""
LARGE_DEFINITION = 100_000
"""Characters from which on a definition is read in another thread."""
SNAPSHOT_EVENTS = 20_000
"""Events after which the state itself is recorded, so that a restart has fewer to replay."""


@define(frozen=True)
class SuitePlan:
    """How a server is to run."""

    host: str
    port: int
    """0 for any that is free."""
    home: Path
    """ECF_HOME: scripts, jobs, log and checkpoint unless suites say otherwise."""
    is_halted: bool = False
    """Begin halted, as the original does."""
    minute_seconds: float = 60.0
    """How long a minute of the suites lasts; less is fast motion."""
    variables: Mapping[str, str] = field(factory=dict)
    """Further server variables (ECF_LISTS, ECF_PASSWD, ...)."""
    program: tuple[str, ...] = field(factory=default_program)
    """How jobs start our own program."""
    log_path: Path | None = None
    terminal: TextIO | None = None


@define(eq=False)
class _Waiting:
    """A job that is told to wait."""

    event: ChildCommand
    answered: asyncio.Future[ChildResult]


class SuiteServer:
    """Serves the suites of one host and port."""

    def __init__(self, plan: SuitePlan) -> None:
        self.plan = plan
        self.owner = current_user()
        self.host = plan.host
        self.port = plan.port
        self.engine = SuiteEngine()
        self.inbox: list[Event] = []
        self.pace = Pace(plan.minute_seconds)
        self.started_at = time.time()
        self.requests: dict[str, int] = {}
        """How often each command was asked for."""
        self.checkpoint_seconds = CHECKPOINT_SECONDS
        self.checkpoint_mode = "on_time"
        self._results: dict[int, asyncio.Future[CommandResult | ChildResult]] = {}
        """By the identity of an event: who waits for what came of it."""
        self._waiting: dict[str, list[_Waiting]] = {}
        """Jobs that were told to wait, by the path of their task."""
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopping = False
        self._events_since_snapshot = 0
        self._saving: set[asyncio.Task[None]] = set()
        self._utc_offset_seconds = time.localtime().tm_gmtoff
        self._checkpointed_number = -1
        self._checkpoint_timer: asyncio.TimerHandle | None = None
        self._questions = Questions(self)
        self._showing = SuiteShowing(lambda: self.engine, self._identity, self.log)

    # -- what the network needs to know --------------------------------------------------------------------------------

    @property
    def workflow(self) -> str:
        """What the server is called in messages."""
        return f"the suite server at {self.host}:{self.port}"

    @property
    def directory(self) -> Path:
        """Where its record, keys and contact file are."""
        return suite_server_directory(self.host, self.port)

    @property
    def service_directory(self) -> Path:
        """Where its keys are."""
        return self.directory / ".service"

    # -- the story -----------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Start, serve until a user ends it, and stop; returns the exit code.

        Raises:
            TidemillError: the server could not be started; nothing is left behind.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        if self.port == 0:
            self.port = any_port() or _free_port(self.host)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.service_directory.mkdir(exist_ok=True)
        self.plan.home.mkdir(parents=True, exist_ok=True)
        exit_code = 0
        with self._locked(), self._log_open(), self._record_open() as saved:
            self._restore(saved)
            try:
                async with self._serving(), self._jobs_running():
                    with self._signals_caught():
                        self._begin(saved)
                        await self._turns()
            except TidemillError as error:
                self.log("ERR", str(error))
                raise
            except Exception:
                self.log("ERR", f"the server failed:\n{traceback.format_exc()}")
                exit_code = 1
            self.log("MSG", "Shutdown")
        return exit_code

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Be the only server of this address: another must not get at the keys and the record of one that lives."""
        with open(self.directory / "lock", "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ServerError(
                    f"A suite server runs on {self.host}:{self.port} already: end it (--terminate), "
                    "or choose another port with --port"
                ) from None
            yield

    @contextlib.contextmanager
    def _log_open(self) -> Iterator[None]:
        path = self.plan.log_path or self.plan.home / f"{self.host}.{self.port}.ecf.log"
        self.suite_log = SuiteLog(path, terminal=self.plan.terminal, failed=self._log_failed)
        try:
            yield
        finally:
            self.suite_log.close()

    @contextlib.contextmanager
    def _record_open(self) -> Iterator[Saved]:
        self.record = SuiteRecord(self.directory)
        try:
            yield self.record.open()
        finally:
            self.record.close()

    def _restore(self, saved: Saved) -> None:
        """Be where the last server of this address was."""
        if saved.snapshot is not None:
            kept = msgspec.json.decode(saved.snapshot)
            self.engine = restore(kept["text"], kept["rest"])
        for event in saved.events:
            self.engine.handle(event)
        self._events_since_snapshot = len(saved.events)
        self.pace.begin(self.engine.now)
        self._receipts = SuiteReceipts(self.record, lambda: self._is_stopping, saved.next_number)

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        """Be reachable: keys, sockets, and last the contact file, which is removed first."""
        contact_path = self.service_directory / "contact"
        create_keys(self.service_directory)
        self.server = SuiteRuntimeServer(self)
        self.child_port = ChildPort(self._report, self.log)
        try:
            registration = Registration("suites", kind=SUITE_SERVER, contact=contact_path, host=self.host, log=self.log)
            self.server.start(asyncio.get_running_loop(), self.host, (self.port, self.port), registration=registration)
            await self.child_port.start(self.service_directory / "child", host=self.host, port=self.port)
            contact = ContactFile.of_this_process(
                f".ecflow/{self.directory.name}",
                self.host,
                self.port,
                0,
                run_directory=self.directory,
                owner=self.owner,
                uuid=str(uuid.uuid4()),
                version=__version__,
            )
            contact._replace(publish_port=None).write(contact_path, replace=True)
        except BaseException as error:
            await self.server.stop("failed to start")
            remove_keys(self.service_directory)
            if isinstance(error, OSError):
                raise ServerError(f"Cannot serve on {self.host}:{self.port}: {error}") from error
            raise
        try:
            yield
        finally:
            await self.child_port.stop()
            await self.server.stop("the server ended")
            remove_keys(self.service_directory)
            contact.remove(contact_path)

    @contextlib.asynccontextmanager
    async def _jobs_running(self) -> AsyncIterator[None]:
        shims = install(self.service_directory, self.plan.program)
        environment = job_process_environment(os.environ)
        environment["PATH"] = f"{shims}{os.pathsep}{environment.get('PATH', os.defpath)}"
        environment["TIDEMILL_CHILD"] = str(self.service_directory / "child")
        for name in [name for name in environment if name.startswith("ECF_")]:
            del environment[name]
        self.jobs = SuiteJobs(self.service_directory, environment, self._report_all, asyncio.get_running_loop())
        try:
            yield
        finally:
            self.jobs.close()

    @contextlib.contextmanager
    def _signals_caught(self) -> Iterator[None]:
        """End in good order on a signal: jobs are left to run, and report to the next server."""
        loop = asyncio.get_running_loop()

        def stop(number: signal.Signals) -> None:
            self.log("WAR", f"caught {number.name}: the server ends; jobs go on, start it again to take them up")
            self._is_stopping = True
            self._wake.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _begin(self, saved: Saved) -> None:
        plan = self.plan
        is_new = saved.snapshot is None and not saved.events
        state = ServerState.RUNNING if is_new else self.engine.defs.server_state
        if plan.is_halted:
            state = ServerState.HALTED
        self.post(
            ServerStarted(
                self.pace.now(),
                seed=uuid.uuid4().hex,
                variables=self._variables(),
                utc_offset_seconds=self._utc_offset_seconds,
                state=state.value,
            )
        )
        for task in _unheard(self.engine):
            if not self.jobs.was_started(Submission(task.path, task.try_number, task.password)):
                self.log("LOG", f"the job of {task.path} was not started by the last server: starting it")
                self.jobs.submit([task])
        self._checkpointed_number = self.engine.changes.number
        self._plan_checkpoint()
        self.engine.defs.server_variables.update(self._variables())
        self._questions.load_access()
        self.log("MSG", f"Started at {self.host}:{self.port}, version {__version__}, state {state.value}")

    def _variables(self) -> dict[str, str]:
        plan = self.plan
        stem = f"{self.host}.{self.port}"
        return {
            "ECF_MICRO": "%",
            "ECF_HOME": str(plan.home),
            "ECF_JOB_CMD": "%ECF_JOB% 1> %ECF_JOBOUT% 2>&1",
            "ECF_KILL_CMD": "kill -15 %ECF_RID%",
            "ECF_STATUS_CMD": "ps --pid %ECF_RID% -f > %ECF_JOB%.stat 2>&1",
            "ECF_LOG": str(self.suite_log.path),
            "ECF_CHECK": str(plan.home / f"{stem}.ecf.check"),
            "ECF_CHECKOLD": str(plan.home / f"{stem}.ecf.check.b"),
            "ECF_LISTS": str(plan.home / f"{stem}.ecf.lists"),
            "ECF_PASSWD": str(plan.home / f"{stem}.ecf.passwd"),
            "ECF_CUSTOM_PASSWD": str(plan.home / f"{stem}.ecf.custom_passwd"),
            "ECF_INTERVAL": f"{plan.minute_seconds:g}",
            "ECF_CHECKINTERVAL": str(self.checkpoint_seconds),
            "ECF_CHECKMODE": "CHECK_ON_TIME",
            "ECF_TRIES": "2",
            "ECF_PORT": str(self.port),
            "ECF_HOST": self.host,
            "ECF_PID": str(os.getpid()),
            "ECF_VERSION": "5.9.2",
            **plan.variables,
        }

    # -- turns ---------------------------------------------------------------------------------------------------------

    def log(self, level: str, text: str) -> None:
        """Write a line to the server's log; it is on disk soon."""
        self.suite_log.add(level, text)
        self.suite_log.flush()

    def post(self, event: Event) -> None:
        """Put an event into the inbox."""
        self.inbox.append(event)
        self._wake.set()

    def _report_all(self, events: list[Event]) -> None:
        self.inbox.extend(events)
        self._wake.set()

    async def _turns(self) -> None:
        while not self._is_stopping:
            await self._wake.wait()
            self._wake.clear()
            await self._turn()
            self._set_timer()
        for waiting in [entry for entries in self._waiting.values() for entry in entries]:
            waiting.answered.cancel()
        for future in self._results.values():
            future.cancel()
        for task in self._saving:
            task.cancel()
        await self._checkpoint()

    async def _turn(self) -> None:
        """Drain the inbox, let the engine work it off, commit, then carry the effects out and answer."""
        events, self.inbox = self.inbox, []
        now = self.pace.now()
        wake_at = self.engine.next_wake()
        if wake_at is not None and wake_at <= now:
            events.append(self._tick(now))
        if not events:
            return
        wanted: list[effects.Effect] = []
        answers: list[tuple[Event, CommandResult | ChildResult | None]] = []
        deadline = time.perf_counter() + SLICE_SECONDS
        for event in events:
            wanted += self.engine.handle(event)
            answers.append((event, self.engine.result))
            if time.perf_counter() > deadline:
                await asyncio.sleep(0)
                deadline = time.perf_counter() + SLICE_SECONDS
        for effect in wanted:
            if isinstance(effect, effects.LogLine):
                self.suite_log.add(effect.level, effect.text)
        await self._commit(events, [self._receipt(event, result) for event, result in answers if _is_change(event)])
        self._carry_out(wanted)
        self._answer(answers)
        self.suite_log.flush()

    def _tick(self, now: float) -> Tick:
        offset = time.localtime(now).tm_gmtoff
        if offset == self._utc_offset_seconds:
            return Tick(now)
        self._utc_offset_seconds = offset
        return Tick(now, offset)

    async def _commit(self, events: list[Event], receipts: list[Receipt]) -> None:
        """Commit, however often the disk refuses: nothing is started or answered before."""
        tries = 0
        while True:
            try:
                await self.record.commit(events, receipts)
                break
            except RecordError as error:
                wait = RETRY_COMMIT_SECONDS[min(tries, len(RETRY_COMMIT_SECONDS) - 1)]
                if tries < len(RETRY_COMMIT_SECONDS):
                    self.log("ERR", f"{error}\nnothing is started until it can be written; trying again in {wait:g} s")
                tries += 1
                await asyncio.sleep(wait)
        if tries:
            self.log("WAR", f"the record is written again after {tries} failed tries: going on")
        self._events_since_snapshot += len(events)
        if self._events_since_snapshot >= SNAPSHOT_EVENTS:
            self._events_since_snapshot = 0
            self._in_background(self._save_snapshot())

    def _receipt(self, event: Event, result: CommandResult | ChildResult | None) -> Receipt:
        assert isinstance(event, Command)
        if not isinstance(result, CommandResult):
            return self._receipts.receipt(event)
        return self._receipts.receipt(event, text=result.text, refused=result.refused)

    def _carry_out(self, wanted: list[effects.Effect]) -> None:
        submit: list[SubmitTask] = []
        for effect in wanted:
            match effect:
                case effects.SubmitTask():
                    submit.append(effect)
                case effects.KillTask():
                    self.jobs.kill(effect)
                case effects.StatusTask():
                    self.jobs.status(effect)
                case effects.GenerateJob():
                    self.jobs.generate(effect)
                case effects.WakeChild():
                    self._wake_children(effect.path)
                case effects.ArchiveSubtree():
                    self._in_background(self._archive(effect))
                case effects.RestoreSubtree():
                    self._in_background(self._read_archive(effect))
                case effects.WriteCheckpoint():
                    self._in_background(self._checkpoint())
                case effects.SetCheckpointing():
                    self.checkpoint_mode = effect.mode or self.checkpoint_mode
                    self.checkpoint_seconds = effect.interval_seconds or self.checkpoint_seconds
                    self._plan_checkpoint()
                case effects.StopServer():
                    self._is_stopping = True
        if submit:
            self.jobs.submit(submit)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake_at = self.engine.next_wake()
        if self.inbox:
            self._wake.set()
        elif wake_at is not None:
            delay = self.pace.seconds_until(wake_at)
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake.set)

    def _in_background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    # -- answers -------------------------------------------------------------------------------------------------------

    async def _decided(self, event: Event) -> CommandResult | ChildResult:
        """Put an event into the inbox and wait until what came of it is on disk."""
        if self._is_stopping:
            raise RequestRefused(f"{self.workflow} is ending")
        future: asyncio.Future[CommandResult | ChildResult] = asyncio.get_running_loop().create_future()
        self._results[id(event)] = future
        self.post(event)
        return await future

    def _answer(self, answers: list[tuple[Event, CommandResult | ChildResult | None]]) -> None:
        for event, result in answers:
            future = self._results.pop(id(event), None)
            if future is not None and not future.done() and result is not None:
                future.set_result(result)

    def _wake_children(self, path: str) -> None:
        """Let jobs that wait be looked at again; an empty path means all."""
        paths = [path] if path else list(self._waiting)
        for entry in [entry for each in paths for entry in self._waiting.pop(each, ())]:
            self._in_background(self._ask_again(entry))

    async def _ask_again(self, entry: _Waiting) -> None:
        if entry.answered.done():
            return
        event = msgspec.structs.replace(entry.event, time=self.pace.now())
        try:
            result = await self._decided(event)
        except RequestRefused:
            entry.answered.cancel()
            return
        assert isinstance(result, ChildResult)
        if result.kind == "block":
            self._waiting.setdefault(event.path, []).append(entry)
        elif not entry.answered.done():
            entry.answered.set_result(result)

    # -- what jobs report ----------------------------------------------------------------------------------------------

    async def child_result(self, event: ChildCommand, wait_seconds: float | None) -> ChildResult:
        """What a job is answered; one that has to wait when it need not any longer, or after `wait_seconds`."""
        self._count(event.name)
        result = await self._decided(event)
        assert isinstance(result, ChildResult)
        if result.kind != "block" or wait_seconds == 0:
            return result
        entry = _Waiting(event, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(event.path, []).append(entry)
        try:
            async with asyncio.timeout(wait_seconds):
                return await entry.answered
        except TimeoutError:
            return result
        finally:
            entry.answered.cancel()
            entries = self._waiting.get(event.path, [])
            if entry in entries:
                entries.remove(entry)

    async def _report(self, fields: list[str]) -> str:
        """A line of the child port."""
        name, path, password, process_id, number, *words = fields
        if name == "init":
            words = []
        event = ChildCommand(
            self.pace.now(),
            name,
            path,
            password,
            process_id=process_id,
            try_number=int(number) if number.isdecimal() else 1,
            words=words,
            host=self.host,
        )
        result = await self.child_result(event, None)
        if result.kind == "ok":
            return f"ok {result.value}".rstrip()
        return f"fail {result.detail or result.reason}"

    async def child(
        self,
        name: str,
        path: str,
        password: str,
        *,
        process_id: str,
        try_number: int,
        words: list[str],
        add: dict[str, str],
        remove: list[str],
        host: str,
        wait_seconds: float,
    ) -> dict[str, str]:
        """Take a job's report (see `SuiteServices`)."""
        event = ChildCommand(
            self.pace.now(),
            name,
            path,
            password,
            process_id=process_id,
            try_number=try_number,
            words=words,
            add=add,
            remove=remove,
            host=host,
        )
        result = await self.child_result(event, wait_seconds)
        return {"kind": result.kind, "reason": result.reason, "detail": result.detail, "value": result.value}

    # -- what users ask ------------------------------------------------------------------------------------------------

    async def change(
        self,
        name: str,
        words: list[str],
        attachments: dict[str, str],
        *,
        id: str,
        user: str,
        reason: str,
        host: str = "",
        password: str = "",
    ) -> dict[str, Any]:
        """Carry out a user's command (see `SuiteServices`)."""
        self._count(name)
        who = f"{user or self.owner}@{host or self.host}"
        arguments: dict[str, Any] = {"words": words, "attachments": attachments}
        command = Command(self.pace.now(), name, arguments, id or uuid.uuid4().hex, who, reason)

        async def apply() -> CommandResult | str:
            self._questions.check_access(name, words, user, password, is_change=True)
            if name in self._questions.changes:
                self.log("MSG", f"--{name}{'=' if words else ''}{' '.join(words)} :{who}")
                return await self._questions.change(name, words, user=user, id=command.id, reason=reason)
            if name == "edit_script" and words[1:2] == ["pre_process_file"]:
                return await self._questions.pre_processed(words, attachments)
            completed = {**arguments, "attachments": await self._questions.completed(name, words, attachments)}
            if name == "load":
                await self._prepare(words, completed["attachments"].get("definition", ""))
            result = await self._decided(Command(self.pace.now(), name, completed, command.id, who, reason))
            assert isinstance(result, CommandResult)
            return result

        if self._questions.leaves_no_trace(name, words):
            return {"text": str(await apply())}
        return {"text": await self._receipts.once(command, apply), "receipt": command.id}

    async def _prepare(self, words: list[str], definition: str) -> None:
        """Read a large definition in another thread than the one that answers everybody else.

        The engine takes it from there; when the journal is played again it reads the text itself. What is wrong with
        one is found again by the engine, which tells it.
        """
        if len(definition) > LARGE_DEFINITION:
            file = next((word for word in words if word not in ("force", "check_only", "print", "stats")), "")
            with contextlib.suppress(TidemillError):
                self.engine.prepared[definition] = await asyncio.to_thread(prepare, definition, file)

    async def read(self, name: str, words: list[str], *, user: str, password: str = "") -> dict[str, Any]:
        """Answer a user's question (see `SuiteServices`)."""
        self._count(name)
        self._questions.check_access(name, words, user, password, is_change=False)
        return {"text": await self._questions.read(name, words)}

    def news(self, handle: int, state_change_number: int, modify_change_number: int) -> dict[str, Any]:
        """Whether there is anything new (see `SuiteServices`)."""
        return self._questions.news(handle, state_change_number, modify_change_number)

    def sync(self, handle: int, state_change_number: int, modify_change_number: int) -> dict[str, Any]:
        """What is new (see `SuiteServices`)."""
        return self._questions.sync(handle, state_change_number, modify_change_number)

    async def receipts(self, limit: int) -> list[dict[str, Any]]:
        """The latest receipts, oldest first."""
        return [receipt.to_dict() for receipt in await self.record.receipts(limit)]

    # -- what they are shown -------------------------------------------------------------------------------------------

    def _identity(self) -> ServerIdentity:
        from .picture.suite_picture import ServerIdentity

        path, offset = str(self.suite_log.path), self._utc_offset_seconds
        return ServerIdentity(self.owner, self.host, self.port, self.directory.name, path, offset)

    async def graphql(
        self, request_string: str, variables: dict[str, Any] | None, *, meta: dict[str, Any]
    ) -> dict[str, Any]:
        """The data of a GraphQL query (see `SuiteServices`)."""
        return await self._showing.query(request_string, variables, meta=meta)

    async def picture_elements(self, suite: str, element_type: str | None) -> bytes:
        """The picture of a suite (see `SuiteServices`)."""
        return await self._showing.elements(suite, element_type)

    def why(self, path: str) -> dict[str, Any]:
        """Why a node is not running (see `SuiteServices`)."""
        return self._showing.why(path)

    def node(self, path: str) -> dict[str, Any]:
        """What there is to tell of a node (see `SuiteServices`)."""
        return self._showing.node(path)

    def _count(self, name: str) -> None:
        self.requests[name] = self.requests.get(name, 0) + 1

    # -- what is kept in files -----------------------------------------------------------------------------------------

    async def _save_snapshot(self) -> None:
        """Record the whole state, written by a forked copy, so that nothing waits for it."""
        number = self.record.last_id
        path = self.directory / "snapshot.new"
        try:
            await in_a_copy(partial(_write_snapshot, self.engine, path), timeout_seconds=600)
            await self.record.keep_snapshot(number, path)
        except TidemillError as error:
            self.log("WAR", f"the state could not be recorded as a whole, a restart will take longer: {error}")

    def _plan_checkpoint(self) -> None:
        if self._checkpoint_timer is not None:
            self._checkpoint_timer.cancel()
        loop = asyncio.get_running_loop()
        self._checkpoint_timer = loop.call_later(self.checkpoint_seconds, self._checkpoint_due)

    def _checkpoint_due(self) -> None:
        has_changed = self.engine.changes.number != self._checkpointed_number
        if self.checkpoint_mode != "never" and self.engine.defs.server_state is not ServerState.HALTED and has_changed:
            self._in_background(self._checkpoint())
        self._plan_checkpoint()

    async def _checkpoint(self) -> None:
        """Write the checkpoint that ecFlow can read, beside our own record."""
        self._checkpointed_number = self.engine.changes.number
        variables = self.engine.defs.server_variables
        try:
            await in_a_copy(
                partial(write_checkpoint, self.engine.defs, variables["ECF_CHECK"], variables["ECF_CHECKOLD"]),
                timeout_seconds=600,
            )
        except TidemillError as error:
            self.post(ServerFlag(self.pace.now(), Flag.CHECKPOINT_ERROR.value, True, f"no checkpoint: {error}"))

    async def _archive(self, effect: effects.ArchiveSubtree) -> None:
        try:
            await asyncio.to_thread(write_archive, self._archive_path(effect.path), effect.text)
        except OSError as error:
            self.log("ERR", f"{effect.path} could not be archived to a file, it is in the record only: {error}")

    async def _read_archive(self, effect: effects.RestoreSubtree) -> None:
        path = self._archive_path(effect.path)
        event = await asyncio.to_thread(read_archive, path, effect.path)
        self.post(event)
        if not event.error:
            await asyncio.to_thread(remove_archive, path)

    def _archive_path(self, node: str) -> Path:
        return archive_path(self.plan.home, self.host, self.port, node)

    def _log_failed(self, reason: str) -> None:
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_event_loop_policy().get_event_loop()
            loop.call_soon_threadsafe(self.post, ServerFlag(self.pace.now(), Flag.LOG_ERROR.value, True, reason))


def _is_change(event: Event) -> bool:
    return isinstance(event, Command)


def _unheard(engine: SuiteEngine) -> Iterator[SubmitTask]:
    """Jobs that were to be started and have not reported."""
    for task in engine.defs.walk():
        if isinstance(task, Submittable) and task.state is State.SUBMITTED:
            yield SubmitTask(task.path, task.try_number, task.password, engine.releasing.variables_of(task))


def _write_snapshot(engine: SuiteEngine, path: Path) -> None:
    text, rest = snapshot(engine)
    path.write_bytes(msgspec.json.encode({"text": text, "rest": rest}))


def _free_port(host: str) -> int:
    import socket

    with socket.create_server((host, 0)) as listening:
        return int(listening.getsockname()[1])
