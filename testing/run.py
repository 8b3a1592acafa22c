"""A run of a workflow in a test: the real engine, a clock that jumps, and jobs that do as they are told."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ..flow.engine.commands import check
from ..flow.engine.effects import (
    CallXtrigger,
    KillJob,
    PollJob,
    RecoverJob,
    StopScheduler,
    SubmitJob,
    TaskEvent,
    WorkflowEvent,
)
from ..flow.engine.engine import Engine, Turn
from ..flow.engine.events import Command, Event, JobKey, Start, Tick
from ..flow.engine.reloading import check_reload
from ..flow.engine.restore import restore
from ..flow.language.definition import WorkflowDefinition
from ..flow.plan import RunPlan
from ..flow.prepare import PlayOptions, make_plan
from ..flow.record.engine_rows import batch_of
from .exceptions import RunDidNotEnd, WorkflowTestError
from .expectations import Expectations
from .jobs import JobRule, World, XtriggerRule
from .memory import MemoryRecord
from .times import Time, moment_of, seconds_of, shown
from .told import Told

DEFAULT_CLOCK = "2025-01-01T00:00Z"
TURNS = 500_000
SLICE_STEPS = 1000
COMMAND_ID = "test"


@frozen
class Happening:
    """Something that befell the run."""

    time: float
    what: str
    """``submitted``, ``started``, ``succeeded``, ``retry``, an output's label, ``stall``, ``command``, ..."""
    job: str = ""
    """``CYCLE/TASK/NN``; empty where it is about the run."""
    text: str = ""

    def __str__(self) -> str:
        words = (shown(self.time), self.job, self.what, f"({self.text})" if self.text else "")
        return "  ".join(word for word in words if word)


class WorkflowRun:
    """One run of one workflow.

    Args:
        source: a directory with a ``flow.cylc``, that file, or its text.
        clock: when the run begins; at its initial cycle point (integer cycling: at the start of 2025) unless given.
        template_variables: values for the template, typed.
        play_options: what `play` would be asked for: ``initial_point``, ``final_point``, ``start_point``,
            ``stop_point``, ``start_tasks``, ``paused``, ...

    Raises:
        LanguageError, CyclingError, PlayError: the workflow is not valid, as `play` would say.
    """

    def __init__(
        self,
        source: str | Path,
        *,
        clock: Time | None = None,
        template_variables: Mapping[str, Any] | None = None,
        **play_options: Any,
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="tidemill-test-")
        self._play_options = PlayOptions(template_variables=dict(template_variables or {}), **play_options)
        self.now = moment_of(clock if clock is not None else DEFAULT_CLOCK, start=0.0)
        """The virtual time, in seconds since the epoch."""
        try:
            self.directory = self._place(source)
            plan = self._read()
        except BaseException:
            self.close()
            raise
        self.definition: WorkflowDefinition = plan.definition
        if clock is None and self.definition.cycling.mode != "integer":
            self.now = self.definition.cycling.epoch_seconds(self.definition.start_point)
        self.start = self.now
        self.engine = Engine(self.definition, options=plan.options)
        self.world = World(self._message, start=self.now)
        self.record = MemoryRecord()
        self.history: list[Happening] = []
        """All that happened, in order."""
        self.log: list[str] = []
        """The lines of the scheduler's log: level and text."""
        self.submitted: list[str] = []
        """``CYCLE/TASK/NN`` in the order of submission."""
        self.triggered_off: dict[str, list[str]] = {}
        """By job: the ``CYCLE/TASK`` it was triggered off."""
        self.stalls: list[float] = []
        self.ended: StopScheduler | None = None
        self.result: dict[str, Any] = {}
        """What the last command answered."""
        self.tell = Told(self._command)
        """Commands that are carried out now."""
        self.expect = Expectations(self)
        """What is to be true of the run; each raises an `AssertionError` that tells what happened instead."""
        self._planned: list[tuple[float, int, str, dict[str, Any]]] = []
        self._has_begun = False

    # -- what the test says of the world -------------------------------------------------------------------------------

    def jobs(self, pattern: str, *, on_try: int | tuple[int, ...] | None = None) -> JobRule:
        """A rule for the jobs that a pattern means: ``CYCLE/TASK``, each with globs; ``TASK`` may be a family.

        Args:
            pattern: ``20250102T0000Z/fc``, ``2025-01-02/fc``, ``*/fc``, ``*/*``.
            on_try: only for this try (or these) of a task.
        """
        cycle, separator, task = pattern.partition("/")
        if not separator:
            raise WorkflowTestError(f"{pattern!r} names no task: write CYCLE/TASK, or */TASK for every cycle")
        if not any(sign in pattern for sign in "*?["):
            self._check_task(pattern)
        tries = frozenset((on_try,) if isinstance(on_try, int) else on_try) if on_try is not None else None
        rule = JobRule(self._cycle(cycle), task, tries)
        self.world.rules.append(rule)
        return rule

    def host_down(self, *, since: Time = 0.0, until: Time = float("inf"), platform: str = "*") -> None:
        """Let every submission to a platform fail from one time to another (times, or durations after the start)."""
        self.world.outages.append((platform, moment_of(since, start=self.start), moment_of(until, start=self.start)))

    def xtrigger(self, function: str) -> XtriggerRule:
        """A rule for a function of external triggers; the clock trigger is real, on the virtual clock."""
        rule = XtriggerRule(function)
        self.world.xtriggers.append(rule)
        return rule

    def at(self, time: Time) -> Told:
        """Commands that are carried out at a time (or so long after the start), as the run is played."""

        def give(name: str, arguments: dict[str, Any]) -> None:
            self._planned.append((moment_of(time, start=self.start), len(self._planned), name, arguments))
            self._planned.sort(key=lambda one: one[:2])

        return Told(give)

    # -- playing -------------------------------------------------------------------------------------------------------

    def play(self, until: Time | Callable[[WorkflowRun], object] | None = None) -> WorkflowRun:
        """Let time pass: to the end of the run, a stall, or until there is nothing left to wait for.

        Args:
            until: a time (or duration after the start) to play up to, or a condition; stalls do not end it then, but
                what they lead to does.

        Raises:
            RunDidNotEnd: it has no end: give `until`, or the workflow a final cycle point.
        """
        limit = None if until is None or callable(until) else moment_of(until, start=self.start)
        if not self._has_begun:
            self._has_begun = True
            self.give(Start(self.now))
        stalls = len(self.stalls)
        for _ in range(TURNS):
            if self.ended is not None or (callable(until) and until(self)):
                return self
            if until is None and len(self.stalls) > stalls:
                return self
            due = self._next_time()
            if due is None or (limit is not None and due > limit):
                if limit is not None:
                    self.now = max(self.now, limit)
                return self
            self.now = max(self.now, due)
            self._turn()
        raise RunDidNotEnd(
            f"The run did not end in {TURNS} turns; the clock shows {shown(self.now)}. Give play(until=...), or the "
            "workflow a final cycle point"
        )

    def restart(self, *, down_for: Time = 0.0, source: str | None = None) -> WorkflowRun:
        """Let the scheduler crash, and play the workflow again from what it had committed.

        Args:
            down_for: how long nobody listens; jobs go on, and what they send is lost.
            source: another text of the definition to go on with.
        """
        self.now += seconds_of(down_for)
        self.world.go_unheard(self.now)
        if source is not None:
            self._write(source)
        plan = self._read()
        self.definition = plan.definition
        self.engine = Engine(plan.definition, options=plan.options)
        self.ended = None
        self._note("restart")
        restore(self.engine, self.record.saved(), now=self.now)
        self.give()
        return self

    def give(self, *events: Event) -> None:
        """One turn of the scheduler: events in, and what the engine wants done is done."""
        for event in events:
            self.engine.handle(event)
        while not self.engine.advance(SLICE_STEPS):
            pass
        turn = self.engine.take()
        self.record.commit(batch_of(self.engine, turn, ()))
        self.log += [f"{level} {text}" for level, text, _ in turn.log]
        self._carry_out(turn)

    def close(self) -> None:
        """Remove the files of a workflow that was given as text."""
        self._scratch.cleanup()

    def _turn(self) -> None:
        while self._planned and self._planned[0][0] <= self.now:
            _, _, name, arguments = self._planned.pop(0)
            self._command(name, arguments)
        events = list(self.world.happen(self.now))
        wake = self.engine.next_wake()
        if wake is not None and wake <= self.now:
            events.append(Tick(self.now))
        if events:
            self.give(*events)

    def _next_time(self) -> float | None:
        times = [self.world.next_time(self.now), self.engine.next_wake()]
        if self._planned:
            times.append(self._planned[0][0])
        return min((time for time in times if time is not None), default=None)

    def _carry_out(self, turn: Turn) -> None:
        for effect in turn.effects:
            if isinstance(effect, SubmitJob):
                self.submitted.append(str(effect.job.key))
                self.triggered_off[str(effect.job.key)] = list(effect.job.dependencies)
                self._note("prepared", effect.job.key)
                self.world.submit(effect.job, self.now)
            elif isinstance(effect, RecoverJob):
                self.world.recover(effect.job, self.now)
            elif isinstance(effect, PollJob):
                self.world.poll(effect.key, self.now)
            elif isinstance(effect, KillJob):
                self.world.kill(effect.key, self.now)
            elif isinstance(effect, CallXtrigger):
                self.world.call(effect, self.now)
            elif isinstance(effect, TaskEvent):
                self._note(effect.name, effect.key, "" if effect.message == f"job {effect.name}" else effect.message)
            elif isinstance(effect, WorkflowEvent):
                self._note(effect.name)
                if effect.name == "stall":
                    self.stalls.append(self.now)
            else:
                self.ended = effect
                self._note("stop", text=effect.reason)

    def _note(self, what: str, job: JobKey | None = None, text: str = "") -> None:
        self.history.append(Happening(self.now, what, "" if job is None else str(job), text))

    # -- commands ------------------------------------------------------------------------------------------------------

    def _command(self, name: str, arguments: dict[str, Any]) -> None:
        if not self._has_begun:
            self.play(until=0.0)
        if name == "reload_workflow":
            arguments = self._prepare_reload(**arguments)
        check(self.engine, name, arguments)
        told = {key: value for key, value in arguments.items() if value}
        self._note("command", text=f"{name} {told}" if told else name)
        self.give(Command(self.now, name, arguments, COMMAND_ID))
        self.result = self.engine.results.pop(COMMAND_ID)
        if "refused" in self.result:
            raise WorkflowTestError(f"{name} was refused at {shown(self.now)}: {self.result['refused']}")

    def _prepare_reload(self, source: str | None = None) -> dict[str, Any]:
        if source is not None:
            self._write(source)
        definition = self._read().definition
        check_reload(self.definition, definition)
        self.definition = self.engine.next_definition = definition
        return {}

    # -- what there is to see ------------------------------------------------------------------------------------------

    def id(self, text: str) -> str:
        """The canonical ``CYCLE/TASK`` of one as written: ``2025-01-02/fc`` is ``20250102T0000Z/fc``."""
        self._check_task(text)
        cycle, _, task = text.partition("/")
        return f"{self._cycle(cycle)}/{task}"

    def state(self, task: str) -> str | None:
        """The status of a ``CYCLE/TASK``, in the pool or of its latest past; None if it never came into the run."""
        cycle, _, name = self.id(task).partition("/")
        proxy = self.engine.find(cycle, name)
        if proxy is not None:
            return proxy.status
        rows = self.record.instances(cycle, name)
        return rows[-1].status if rows else None

    def outputs(self, task: str) -> list[str]:
        """The outputs that a ``CYCLE/TASK`` completed, in order."""
        cycle, _, name = self.id(task).partition("/")
        return list(self.record.outputs(cycle, name))

    def submissions(self, task: str) -> int:
        """How many jobs a ``CYCLE/TASK`` had."""
        prefix = f"{self.id(task)}/"
        return sum(job.startswith(prefix) for job in self.submitted)

    def when(self, task: str, what: str = "submitted", *, number: int = 0) -> float | None:
        """When something befell a ``CYCLE/TASK``, in seconds since the epoch; None if it did not.

        Args:
            task: ``CYCLE/TASK``.
            what: ``submitted``, ``started``, ``succeeded``, ``failed``, ``retry``, an output, ...
            number: of the job; 0 for the first it befell.
        """
        prefix = f"{self.id(task)}/"
        for one in self.history:
            if one.what == what and one.job.startswith(prefix) and number in (0, int(one.job.rpartition("/")[2])):
                return one.time
        return None

    def timeline(self, *tasks: str, lines: int = 40) -> str:
        """What happened, a line each; only to some tasks if any are named. The last lines of a long one."""
        prefixes = tuple(f"{self.id(task)}/" for task in tasks)
        found = [
            one for one in self.history if one.what != "prepared" and (not prefixes or one.job.startswith(prefixes))
        ]
        left_out = [f"... {len(found) - lines} earlier lines"] if len(found) > lines else []
        return "\n".join([*left_out, *map(str, found[-lines:])]) or "nothing happened"

    # -- the definition ------------------------------------------------------------------------------------------------

    def _place(self, source: str | Path) -> Path:
        if isinstance(source, str) and "\n" in source:
            self.directory = Path(self._scratch.name) / "workflow"
            self.directory.mkdir()
            self._write(source)
            return self.directory
        path = Path(source).absolute()
        directory = path.parent if path.is_file() else path
        if not any((directory / name).is_file() for name in ("flow.cylc", "suite.rc")):
            raise WorkflowTestError(f"There is no flow.cylc in {directory}")
        return directory

    def _write(self, text: str) -> None:
        if not self.directory.is_relative_to(self._scratch.name):
            raise WorkflowTestError(f"{self.directory} is a source: a test does not write there. Copy it first")
        (self.directory / "flow.cylc").write_text(text, encoding="utf-8")

    def _read(self) -> RunPlan:
        nowhere = Path(self._scratch.name) / "no-record"
        return make_plan("test", self.directory, self._play_options, now=self.now, record_directory=nowhere)

    def _cycle(self, text: str) -> str:
        if any(sign in text for sign in "*?["):
            return text
        definition = self.definition
        if text in ("^", "$"):
            point = definition.initial_point if text == "^" else definition.final_point
            if point is None:
                raise WorkflowTestError("$ means the final cycle point, and this workflow has none")
            return definition.cycling.format(point)
        return definition.cycling.format(definition.cycling.parse(text))

    def _check_task(self, text: str) -> None:
        name = text.partition("/")[2]
        if name not in self.definition.tasks and name not in self.definition.families:
            raise WorkflowTestError(
                f"There is no task {name!r} in the workflow: {text!r} should be CYCLE/TASK, with one of "
                f"{', '.join(self.definition.tasks)}"
            )

    def _message(self, key: JobKey, text: str) -> str:
        output = self.definition.tasks[key.task].outputs.get(text)
        return text if output is None else output.message
