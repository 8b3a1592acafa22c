"""A workflow played by the engine alone: a virtual clock, and jobs that do what the test says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field

from tidemill.flow.engine.effects import KillJob, PollJob, RecoverJob, StopScheduler, SubmitJob
from tidemill.flow.engine.engine import Engine, Turn
from tidemill.flow.engine.events import (
    Command,
    Event,
    JobFailed,
    JobKey,
    JobMessage,
    JobStarted,
    JobSubmissionFailed,
    JobSubmitted,
    JobSucceeded,
    Start,
    Tick,
)
from tidemill.flow.engine.options import EngineOptions
from tidemill.flow.engine.restore import restore
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.language.definition import WorkflowDefinition
from tidemill.flow.record.engine_rows import batch_of, saved_state
from tidemill.flow.record.rows import JobRow, SavedRun, TaskRow

START = 1_600_000_000.0


@define(eq=False)
class Play:
    """One run: what was submitted, in what order, and how it ended."""

    definition: WorkflowDefinition
    options: EngineOptions
    outcomes: dict[str, str]
    """By ``CYCLE/TASK`` or ``CYCLE/TASK/NN``: ``succeed`` (default), ``fail``, ``submit-fail``, ``hang`` or
    ``message:TEXT`` (then succeed); several joined by ``,``."""
    engine: Engine = field(init=False)
    submitted: list[str] = field(factory=list)
    triggered_off: dict[str, list[str]] = field(factory=dict)
    log: list[str] = field(factory=list)
    stop: StopScheduler | None = None
    time: float = START
    pending: list[Event] = field(factory=list)
    rows: dict[int, TaskRow] = field(factory=dict)
    jobs: dict[tuple[str, str, int], JobRow] = field(factory=dict)
    parameters: dict[str, str | None] = field(factory=dict)
    tables: dict[str, dict[tuple[object, ...], tuple[object, ...]]] = field(factory=dict)
    peak: dict[str, int] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.engine = Engine(self.definition, options=self.options)

    def start(self) -> Play:
        """Begin the run."""
        self.give(Start(self.time))
        return self

    def give(self, *events: Event) -> None:
        """One turn of the scheduler, without the scheduler."""
        for event in events:
            self.engine.handle(event)
        while not self.engine.advance(7):
            pass
        self._take(self.engine.take(), events)

    def command(self, name: str, **arguments: object) -> None:
        """What a user asks for."""
        self.give(Command(self.time, name, arguments, "test"))

    def run(self, turns: int = 10_000) -> Play:
        """Let time pass until the run ends, or nothing is left to happen."""
        for _ in range(turns):
            if self.stop is not None:
                return self
            if self.pending:
                self.give(self.pending.pop(0))
                continue
            wake = self.engine.next_wake()
            if wake is None:
                return self
            self.time = max(self.time, wake)
            self.give(Tick(self.time))
        raise AssertionError(f"the run did not end in {turns} turns")

    def restart(self, definition: WorkflowDefinition | None = None) -> Play:
        """Go on with a new engine from what was committed, as after a crash: what jobs had to tell is told again."""
        saved = SavedRun(
            pool=[row for row in self.rows.values() if row.in_pool],
            jobs=list(self.jobs.values()),
            parameters=dict(self.parameters),
            tables={name: list(rows.values()) for name, rows in self.tables.items()},
            next_identity=max(self.rows, default=0) + 1,
        )
        history = [row for row in self.rows.values() if not row.in_pool]
        self.pending = []
        self.engine = Engine(definition or self.definition, options=self.options)
        restore(self.engine, saved_state(saved, history), now=self.time)
        self.give()
        return self

    def _take(self, turn: Turn, events: tuple[Event, ...]) -> None:
        batch = batch_of(self.engine, turn, events)
        self.rows.update({row.identity: row for row in batch.tasks})
        self.jobs.update({(row.cycle, row.name, row.submit_number): row for row in batch.jobs})
        self.parameters.update(batch.parameters)
        for name, rows in batch.tables.items():
            self.tables.setdefault(name, {}).update({row: row for row in rows})
        for flows, identity in batch.flows_left:
            self.rows[identity] = self.rows[identity]._replace(flow_numbers=flows)
        for identity in batch.caught_up:
            self.rows[identity] = self.rows[identity]._replace(flow_wait=False)
        for name, keys in batch.deletions.items():
            for key in keys:
                self.tables.get(name, {}).pop(key, None)
        self.log += [f"{level} {text}" for level, text, _ in turn.log]
        for effect in turn.effects:
            if isinstance(effect, SubmitJob):
                self._submit(effect.job.key, list(effect.job.dependencies))
            elif isinstance(effect, RecoverJob):
                self._recover(effect.job.key, list(effect.job.dependencies))
            elif isinstance(effect, PollJob):
                self.pending += self._end(effect.key)
            elif isinstance(effect, KillJob):
                self.pending.append(JobFailed(self.time, effect.key, "KILL"))
            elif isinstance(effect, StopScheduler):
                self.stop = effect
        for proxy in self.engine.pool.values():
            if proxy.status in ("preparing", "submitted", "running"):
                name = proxy.definition.name
                live = sum(
                    1
                    for other in self.engine.pool.values()
                    if other.status in ("preparing", "submitted", "running") and other.definition.name == name
                )
                self.peak[name] = max(self.peak.get(name, 0), live)

    def _recover(self, key: JobKey, dependencies: list[str]) -> None:
        if f"{key}" in self.triggered_off:
            self.pending += [JobSubmitted(self.time, key, "1"), *self._end(key)]
        else:
            self._submit(key, dependencies)

    def _submit(self, key: JobKey, dependencies: list[str]) -> None:
        self.submitted.append(str(key))
        self.triggered_off[str(key)] = dependencies
        if "submit-fail" in self._outcome(key):
            self.pending.append(JobSubmissionFailed(self.time, key, "no such runner"))
        else:
            self.pending += [JobSubmitted(self.time, key, "1"), *self._end(key)]

    def _outcome(self, key: JobKey) -> list[str]:
        text = self.outcomes.get(str(key)) or self.outcomes.get(f"{key.cycle}/{key.task}") or "succeed"
        return text.split(",")

    def _end(self, key: JobKey) -> list[Event]:
        events: list[Event] = [JobStarted(self.time, key)]
        events += [
            JobMessage(self.time, key, "INFO", word.partition(":")[2])
            for word in self._outcome(key)
            if word.startswith("message:")
        ]
        if "fail" in self._outcome(key):
            events.append(JobFailed(self.time, key))
        elif "hang" not in self._outcome(key):
            events.append(JobSucceeded(self.time, key))
        return events


Player = Callable[..., Play]


@pytest.fixture
def define_workflow(tmp_path: Path) -> Callable[[str], WorkflowDefinition]:
    """Make a definition of a ``flow.cylc`` (or ``suite.rc``)."""

    def build(text: str, file_name: str = "flow.cylc", **points: object) -> WorkflowDefinition:
        directory = tmp_path / file_name.partition(".")[0]
        directory.mkdir(exist_ok=True)
        (directory / file_name).write_text(text)
        return build_definition(load_config(str(directory)), now=START, **points)  # type: ignore[arg-type]

    return build


@pytest.fixture
def play(define_workflow: Callable[..., WorkflowDefinition]) -> Player:
    """Start a run of a graph (or a whole ``flow.cylc``)."""

    def begin(
        text: str,
        outcomes: dict[str, str] | None = None,
        *,
        points: dict[str, object] | None = None,
        file_name: str = "flow.cylc",
        **options: object,
    ) -> Play:
        if "[scheduling]" not in text:
            text = f"[scheduler]\n allow implicit tasks = True\n[scheduling]\n [[graph]]\n  R1 = '''\n{text}\n'''\n"
        definition = define_workflow(text, file_name, **(points or {}))
        return Play(definition, EngineOptions(**options), outcomes or {}).start()  # type: ignore[arg-type]

    return begin
