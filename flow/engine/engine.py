"""The engine: one workflow as a state machine. Events go in, effects come out, nothing else happens here.

`handle` takes an event, `advance` works off what it set going in slices as small as the caller likes, and `take` hands
over the effects, the log lines and the changes once the agenda is empty. Only then is the state one to commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from msgspec import Struct, field

from ...exceptions import TidemillError
from ..language.completion import compile_completion
from ..language.definition import TaskDefinition, WorkflowDefinition
from . import proxy as states
from .broadcasts import Broadcasts
from .changes import Changes
from .commands import COMMANDS
from .effects import Effect, JobSpecification, KillJob, SubmitJob
from .events import Command, Event, Start, XtriggerReported
from .expiry import Expiry
from .external import ExternalTriggers
from .flows import Flows
from .graph import Graph
from .history import History
from .interventions import Interventions, past_of
from .options import EngineOptions
from .outcomes import HANDLERS, Outcomes
from .prerequisite import OutputKey, Prerequisite
from .proxy import FIRST_FLOW, JobTimes, TaskProxy, flow_text
from .queues import Queues
from .runahead import RunaheadWindow
from .shutdown import Shutdown
from .simulation import Simulator, dummy_runtime
from .since import PAUSED, STOP_POINT, Since
from .spawning import Spawner
from .timeouts import Timeouts
from .timers import Timers
from .xtriggers import Xtriggers

LogLine = tuple[str, str, float]
"""Level, text, time."""


RELEASE_SLICE = 100
"""How many instances leave the queues in one step."""


def _nothing() -> None:
    """A step that only asks to be followed by another look round."""


class Turn(Struct, eq=False):
    """What came of a batch of events."""

    effects: list[Effect] = []
    log: list[LogLine] = []
    changes: Changes = field(default_factory=Changes)


class Engine:
    """A workflow run as it stands."""

    def __init__(self, definition: WorkflowDefinition, *, options: EngineOptions | None = None) -> None:
        self.definition = definition
        self.options = options or EngineOptions()
        self.now = 0.0
        self.pool: dict[tuple[int, str], TaskProxy] = {}
        self.live = 0
        """How many instances are preparing, submitted or running."""
        self.is_paused = False
        self.graph = Graph(definition)
        self.history = History()
        self.queues = Queues(definition.queues)
        self.runahead = RunaheadWindow(definition)
        self.timers = Timers()
        self.agenda: deque[Callable[[], None]] = deque()
        """Steps still to take before the state is whole again."""
        self.effects: list[Effect] = []
        self.changes = Changes()
        self.results: dict[str, dict[str, Any]] = {}
        """By command id: what a command changed, until it is fetched."""
        self._log: list[LogLine] = []
        self._identity = 0
        self._completions: dict[str, Callable[[Collection[str]], bool]] = {}
        self._changed = False
        self._triggered_off_last: tuple[tuple[tuple[Prerequisite, int, int | None], ...], tuple[str, ...]] = (), ()
        """What the latest submission rested on, and the ``CYCLE/TASK`` behind it."""
        self._oldest: int | None = None
        """The oldest point for which broadcasts have been looked through."""
        self._may_forget = False
        self._reach: tuple[Graph, int, frozenset[int]] | None = None
        self.since = Since(self)
        self.hold_point = definition.hold_after_point
        """Instances after this point are held when they come."""
        self.manual: deque[TaskProxy] = deque()
        """Triggered by a user: submitted next, paused or not."""
        self.flows = Flows(self)
        self.spawner = Spawner(self)
        self.xtriggers = Xtriggers(self)
        self.external = ExternalTriggers(self)
        self.outcomes = Outcomes(self)
        self.timeouts = Timeouts(self)
        self.expiry = Expiry(self)
        self.shutdown = Shutdown(self)
        self.simulator = Simulator(self)
        self.interventions = Interventions(self)
        self.next_definition: WorkflowDefinition | None = None
        """What the next ``reload_workflow`` command puts in place."""
        self.broadcasts = Broadcasts(self)

    # -- the interface -------------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> None:
        """Take one event: change state at once, and put larger consequences on the agenda."""
        self.now = max(self.now, event.time)
        if self._may_forget:
            self._may_forget = False
            self._forget_old()
        handler = HANDLERS.get(type(event))
        if handler is not None:
            handler(self.outcomes, event)
        elif isinstance(event, Command):
            self._command(event)
        elif isinstance(event, XtriggerReported):
            self.xtriggers.reported(event)
        elif isinstance(event, Start):
            self._start()
        for action in self.timers.due(self.now):
            action()
            self._changed = True

    def advance(self, steps: int) -> bool:
        """Take up to `steps` steps of the agenda; True once it is empty and the state is whole."""
        agenda = self.agenda
        while steps > 0:
            if not agenda and not self._settle():
                return True
            while agenda and steps > 0:
                agenda.popleft()()
                steps -= 1
        return False

    def take(self) -> Turn:
        """Hand over what has come about since the last call."""
        self.since.save()
        turn = Turn(self.effects, self._log, self.changes)
        self.effects, self._log, self.changes = [], [], Changes()
        return turn

    def next_wake(self) -> float | None:
        """When the engine next has something to do by itself; seconds since the epoch."""
        return self.timers.next_time()

    def _forget_old(self) -> None:
        """Let go of what ran so long ago that nothing in the graph can ask for it; all of it has been committed."""
        if self._oldest is None or self.history.recall is None:
            return
        if self._reach is None or self._reach[0] is not self.graph:
            self._reach = (self.graph, *self.graph.reach())
        _, distance, fixed = self._reach
        self.history.forget_before(self._oldest - distance, first_point=self.definition.start_point, but=fixed)

    def _command(self, event: Command) -> None:
        try:
            self.results[event.id] = COMMANDS[event.name](self, **event.arguments) or {}
        except TidemillError as error:
            self.log("WARNING", f'Command "{event.name}" refused. ID={event.id}\n{error}')
            self.results[event.id] = {"refused": str(error)}
        self.shutdown.something_changed()
        self.shutdown.reopen()
        self._changed = True

    # -- turning over --------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.since.begin()
        self.is_paused = self.options.start_paused
        if self.is_paused:
            self.since.mark(PAUSED)
        start = self.definition.cycling.format(self.definition.start_point)
        self.flows.start(f"original flow from {start}")
        self.shutdown.start_timers()
        self.runahead.update()
        self.spawner.start(FIRST_FLOW)
        self._changed = True

    def _settle(self) -> bool:
        """With the agenda empty: move the window, release the queues, see if all is over; True if that gave work."""
        if self.runahead.update():
            limit = self.runahead.limit
            assert limit is not None
            if self.options.debug:
                self.log("DEBUG", f"Runahead limit: {self.definition.cycling.format(limit)}")
            self.spawner.resume_searches(limit)
        base = self.runahead.base()
        if base is not None and base != self._oldest and not self.is_paused:
            self._oldest = base
            self.broadcasts.expire_before(base)
            self._may_forget = True
        for proxy in self.runahead.released():
            self.agenda.append(partial(self.release_from_runahead, proxy))
        if self.agenda:
            return True
        while self.manual and self.shutdown.requested is None and not self.shutdown.is_stopped:
            proxy = self.manual.popleft()
            if proxy.status == states.WAITING and not proxy.was_removed:
                self.prepare(proxy)
        may_release = not self.is_paused and self.shutdown.requested is None and not self.shutdown.is_stopped
        if may_release and self._release_queues():
            return True
        if self._changed:
            self._changed = False
            self.shutdown.check()
        return bool(self.agenda)

    def _release_queues(self) -> bool:
        """Prepare a slice of what the queues let go; True if there may be more."""
        for _ in range(RELEASE_SLICE):
            proxy = self.queues.next_ready()
            if proxy is None:
                return bool(self.agenda)
            self.prepare(proxy)
        self.agenda.append(_nothing)
        return True

    def log(self, level: str, text: str) -> None:
        """Say something in the run's log."""
        self._log.append((level, text, self.now))

    def changed(self) -> None:
        """Note that something has: the run may not be stalled, or over, any more."""
        self._changed = True

    def touch(self, proxy: TaskProxy) -> None:
        """Note that an instance has changed."""
        proxy.time_updated = self.now
        self.changes.proxies[proxy] = None

    def touch_prerequisites(self, proxy: TaskProxy) -> None:
        """Note that a prerequisite of an instance has changed."""
        self.changes.prerequisites[proxy] = None

    def job_changed(self, proxy: TaskProxy) -> None:
        """Note that the latest job of an instance has changed."""
        self.changes.jobs[proxy] = None

    # -- the pool ------------------------------------------------------------------------------------------------------

    def next_identity(self) -> int:
        """A number for a new instance."""
        self._identity += 1
        return self._identity

    def reserve_identity(self, identity: int) -> None:
        """Never give this number, or one below it, to a new instance."""
        self._identity = max(self._identity, identity)

    def resume_after_restore(self) -> None:
        """Look round at the next `advance`, though nothing has happened yet."""
        self._changed = True
        self.agenda.append(_nothing)

    def find(self, cycle: str, task: str) -> TaskProxy | None:
        """An instance in the pool, by the text of its point."""
        return self.pool.get((self.definition.cycling.parse(cycle), task))

    def key_text(self, key: OutputKey) -> str:
        """``CYCLE/TASK:OUTPUT``."""
        return f"{self.definition.cycling.format(key.point)}/{key.task}:{key.output}"

    def completion(self, definition: TaskDefinition) -> Callable[[Collection[str]], bool]:
        """The compiled completion condition of a task."""
        compiled = self._completions.get(definition.completion)
        if compiled is None:
            compiled = self._completions[definition.completion] = compile_completion(definition.completion)
        return compiled

    def add_to_pool(self, proxy: TaskProxy) -> None:
        """Take an instance into the pool; it runs once the window, its prerequisites and its queue allow."""
        self.pool[(proxy.point, proxy.definition.name)] = proxy
        self.runahead.entered(proxy, self.future_offset(proxy))
        self.touch(proxy)
        self._changed = True
        if self.options.debug:
            self.log("DEBUG", f"{proxy.label()} added to the n=0 window")
        if not proxy.is_runahead:
            return
        limit = self.runahead.limit
        if limit is not None and proxy.point <= limit:
            self.agenda.append(partial(self.release_from_runahead, proxy))
        else:
            self.runahead.block(proxy)

    def future_offset(self, proxy: TaskProxy) -> int:
        """How far ahead of an instance its furthest parent lies; 0 if none does."""
        furthest = 0
        for prerequisite in proxy.prerequisites:
            if prerequisite.tree.reaches_ahead:
                furthest = max(furthest, *(key.point - proxy.point for key in prerequisite.keys))
        return furthest

    def release_from_runahead(self, proxy: TaskProxy) -> None:
        """The window has reached an instance: it may run, and if it is parentless its successor is spawned."""
        if proxy.was_removed or not proxy.is_runahead:
            return
        before = proxy.label()
        proxy.is_runahead = False
        self.touch(proxy)
        self.log("INFO", f"{before} => {proxy.state_text()}")
        self.timeouts.entered(proxy)
        if proxy.external_unmet:
            self.external.watch(proxy)
        if self.expiry.watch(proxy):
            if proxy.is_parentless:
                self.spawner.spawn_next_parentless(proxy)
            return
        if proxy.xtriggers_unmet:
            if proxy.is_parentless and not self.xtriggers.is_sequential(proxy):
                self.spawner.spawn_next_parentless(proxy)
            self.xtriggers.commence(proxy)
            return
        if proxy.is_parentless:
            self.spawner.spawn_next_parentless(proxy)
        self.queue_if_ready(proxy)

    def queue_if_ready(self, proxy: TaskProxy) -> None:
        """Queue an instance if nothing holds it back any more."""
        if (
            proxy.status != states.WAITING
            or proxy.unmet
            or proxy.is_queued
            or proxy.is_runahead
            or proxy.is_held
            or proxy.xtriggers_unmet
            or proxy.external_unmet
            or proxy.retry_at is not None
            or proxy.was_removed
        ):
            return
        before = proxy.label()
        proxy.is_queued = True
        self.touch(proxy)
        self.log("INFO", f"{before} => {proxy.state_text()}")
        self.queues.push(proxy)
        self._changed = True

    def prepare(self, proxy: TaskProxy) -> None:
        """Submit an instance's next job."""
        before = proxy.label()
        proxy.is_queued = False
        self.log("INFO", f"{before} => {proxy.state_text()}")
        if self.definition.compatibility:
            self.spawner.spawn_all_children(proxy)
        self.set_status(proxy, states.PREPARING)
        proxy.submit_number += 1
        if proxy.job is not None and proxy in self.changes.jobs:
            self.changes.superseded.append((proxy, proxy.job))
        proxy.job = JobTimes(
            proxy.submit_number, proxy.try_number, prepared=self.now, is_manual_submit=proxy.is_manual_submit
        )
        proxy.dependencies = self._triggered_off(proxy)
        self.job_changed(proxy)
        if self.options.is_reference_run or self.options.debug:
            # Only then: of a family that waits for a family these lines alone would be a million names.
            self.log(
                "INFO" if self.options.is_reference_run else "DEBUG",
                f"{proxy.id} -triggered off {list(proxy.dependencies)} in flow {flow_text(proxy.flows)}",
            )
        if self.options.run_mode == "simulation":
            self.simulator.take(proxy)
        elif self.runtime_of(proxy).get("run mode") == "skip":
            self.agenda.append(partial(self.simulator.skip, proxy))
        else:
            self.effects.append(SubmitJob(self.job_specification(proxy)))

    def runtime_of(self, proxy: TaskProxy) -> Mapping[str, Any]:
        """An instance's settings as they are now, broadcasts applied."""
        return self.broadcasts.apply(proxy, proxy.definition.runtime)

    def job_specification(self, proxy: TaskProxy) -> JobSpecification:
        """What the jobs room needs for the latest job of an instance."""
        runtime = self.runtime_of(proxy)
        if self.options.run_mode == "dummy":
            runtime = dummy_runtime(proxy.definition, proxy.cycle, proxy.try_number)
        return JobSpecification(
            key=proxy.job_key,
            definition=proxy.definition,
            runtime=runtime,
            try_number=proxy.try_number,
            flow_numbers=tuple(sorted(proxy.flows)),
            dependencies=proxy.dependencies,
        )

    def _triggered_off(self, proxy: TaskProxy) -> tuple[str, ...]:
        """Everything satisfied, a prerequisite that several recurrences repeat only once (Cylc 8.5 behaviour).

        Siblings that share all their prerequisites share the answer, too: they are submitted one after the other.
        """
        # What is satisfied anew stands last: so many, and the last, tell one state of a prerequisite from another.
        state = tuple((one, len(one.how), next(reversed(one.how), None)) for one in proxy.prerequisites)
        if state != self._triggered_off_last[0]:
            self._triggered_off_last = state, self._satisfied_parents(proxy)
        return self._triggered_off_last[1]

    def _satisfied_parents(self, proxy: TaskProxy) -> tuple[str, ...]:
        write = self.definition.cycling.format
        seen: set[str] = set()
        found = []
        for prerequisite in proxy.prerequisites:
            for text, indexes in prerequisite.tree.terms:
                if text in seen:
                    continue
                seen.add(text)
                for leaf in indexes:
                    if leaf in prerequisite.how:
                        key = prerequisite.keys[leaf]
                        found.append(f"{write(key.point)}/{key.task}")
        return tuple(sorted(found))

    def set_status(self, proxy: TaskProxy, status: str) -> None:
        """Change an instance's status, and all that counts it."""
        before = proxy.label()
        was_live, is_live = proxy.status in states.LIVE, status in states.LIVE
        if was_live is not is_live:
            if is_live:
                self.live += 1
                self.queues.became_active(proxy)
            else:
                self.live -= 1
                self.queues.became_inactive(proxy)
        proxy.status = status
        if self.definition.compatibility:
            self.runahead.count_failure(proxy, status in states.ENDED_BADLY)
        self.touch(proxy)
        self._changed = True
        self.shutdown.something_changed()
        self.log("INFO", f"{before} => {proxy.state_text()}")

    def remove(self, proxy: TaskProxy, reason: str) -> None:
        """Let an instance leave the pool, and remember it."""
        if proxy.was_removed:
            return
        if proxy.status in states.LIVE:
            self.log("WARNING", f"{proxy.label()} removed while its job is active: the job is orphaned")
            self.live -= 1
            self.queues.became_inactive(proxy)
        proxy.was_removed = True
        del self.pool[(proxy.point, proxy.definition.name)]
        self.runahead.count_failure(proxy, False)
        self.runahead.left(proxy, self.future_offset(proxy))
        self.spawner.detach_prerequisites(proxy)
        self.xtriggers.forget(proxy)
        if proxy.external_unmet:
            self.external.forget(proxy)
        self.timeouts.job_ended(proxy)
        self.timeouts.finished(proxy)
        self.expiry.forget(proxy)
        is_complete = proxy.is_final and self.outcomes.is_complete(proxy)
        self.history.add(proxy.point, proxy.definition.name, past_of(proxy, is_complete=is_complete, now=self.now))
        self.touch(proxy)
        self._changed = True
        if self.options.debug:
            self.log("DEBUG", f"{proxy.label()} removed from the n=0 window: {reason}")
        elif reason != "completed":
            self.log("INFO", f"{proxy.label()} removed: {reason}")

    def forget(self, point: int, name: str, flows: frozenset[int]) -> None:
        """Take a task out of the history of some flows, as if it had not been there."""
        for identity, left in self.history.erase(point, name, flows):
            self.changes.flows_left[identity] = left

    # -- interventions -------------------------------------------------------------------------------------------------

    def kill(self, proxy: TaskProxy) -> None:
        """End an instance's job; it is held too, so that no retry follows (Cylc 8.5 behaviour)."""
        if proxy.job is None or proxy.status not in states.LIVE:
            return
        if not proxy.is_held:
            proxy.is_held = True
            proxy.held_since = self.now
            self.touch(proxy)
        if self.options.run_mode == "simulation":
            return
        self.effects.append(KillJob(proxy.job_key, proxy.job.job_id))

    def set_paused(self, paused: bool) -> None:
        """Stop or restart releasing tasks from queues."""
        if self.is_paused == paused:
            return
        self.is_paused = paused
        self.since.mark(PAUSED)
        self.changes.parameters["is_paused"] = "1" if paused else "0"
        self.log("INFO", "Pausing the workflow" if paused else "RESUMING the workflow now")
        if not paused:
            self.queues.stir()

    def set_stop_point(self, point: int | None) -> None:
        """Change the point after which nothing runs; None for the end of the graph."""
        self.runahead.stop_point = point
        self.since.mark(STOP_POINT)
        self.runahead.invalidate()
        text = None if point is None else self.definition.cycling.format(point)
        self.changes.parameters["stopcp"] = text
        if point is None:
            return
        for proxy in list(self.pool.values()):
            if proxy.status == states.WAITING and proxy.point > point and not proxy.is_runahead:
                before = proxy.label()
                proxy.is_runahead = True
                proxy.is_queued = False
                self.touch(proxy)
                self.log("INFO", f"{before} => {proxy.state_text()}")
                self.runahead.block(proxy)
