"""Running a definition on a clock of its own: every job reports all it can, and completes, when it is submitted."""

from __future__ import annotations

import time

from ...flow.suite import nodes
from ...flow.suite.effects import SubmitTask
from ...flow.suite.engine import SuiteEngine
from ...flow.suite.events import ChildCommand, Command, Event, ServerStarted, Tick
from ...flow.suite.reader import read_definition
from ...flow.suite.states import State
from ...flow.suite.times import instant_of
from ...flow.suite.writer import Style, write_definition
from ..exceptions import EcflowError

DAY_SECONDS = 86_400
LONGEST_DAYS = 366
CRON_DAYS = 7
"""How long suites with crons, which never complete, are followed."""
MOST_JOBS = 1_000_000
"""More than these in one simulation is a suite that runs in circles."""


def simulate(defs: nodes.Defs) -> str:
    """Run all suites to their end; "" if they complete and every ``verify`` is as expected, else what is not.

    They begin now, or on the date of their clocks, and are followed for a year at most; with crons for a week; up to
    their ``endclock`` where that is said. The definition itself is not changed.
    """
    runner = _Simulation(read_definition(write_definition(defs, Style.MIGRATE), "the definition"))
    runner.run()
    return runner.verdict()


class _Simulation:
    def __init__(self, defs: nodes.Defs) -> None:
        self.now = float(int(time.time()))
        self.begun_at = self.now
        self.engine = SuiteEngine(defs)
        self.defs = defs
        self.jobs = 0

    def run(self) -> None:
        engine = self.engine
        self.handle(ServerStarted(self.now, seed="simulation", utc_offset_seconds=0, state="RUNNING"))
        self.handle(Command(self.now, "begin", {"words": ["--force"]}, "begin", "simulation", ""))
        if engine.result is not None and (refused := getattr(engine.result, "refused", "")):
            raise EcflowError(refused)
        end = self.now + self.days() * DAY_SECONDS
        while self.jobs < MOST_JOBS and not self.is_done():
            wake = engine.next_wake()
            if wake is None or wake > end:
                return
            self.now = max(self.now, wake)
            self.handle(Tick(self.now))

    def handle(self, event: Event) -> None:
        """Take an event, and all that comes of it at once."""
        pending: list[Event] = [event]
        while pending and self.jobs < MOST_JOBS:
            for effect in self.engine.handle(pending.pop(0)):
                if isinstance(effect, SubmitTask):
                    self.jobs += 1
                    pending += self.reports(effect)

    def reports(self, job: SubmitTask) -> list[Event]:
        """All that a job can tell: it begins, sets its events, fills its meters, completes."""
        task = self.defs.find(job.path)
        told: list[tuple[str, list[str]]] = [("init", [])]
        if task is not None:
            told += [("event", [event.name_or_number]) for event in task.events]
            told += [("meter", [meter.name, str(meter.maximum)]) for meter in task.meters]
        told.append(("complete", []))
        return [
            ChildCommand(self.now, name, job.path, job.password, process_id="1", try_number=job.try_number, words=words)
            for name, words in told
        ]

    def days(self) -> float:
        """How long it may take."""
        longest = 0.0
        for suite in self.defs.suites:
            days: float = CRON_DAYS if any(node.crons for node in suite.walk()) else LONGEST_DAYS
            if suite.end_clock is not None and suite.end_clock.date is not None and suite.calendar is not None:
                day, month, year = suite.end_clock.date
                days = (instant_of(year, month, day) + DAY_SECONDS - suite.calendar.suite_time) / DAY_SECONDS
            longest = max(longest, days)
        return longest

    def is_done(self) -> bool:
        return all(suite.state is State.COMPLETE for suite in self.defs.suites)

    def verdict(self) -> str:
        lines = []
        if self.jobs >= MOST_JOBS:
            lines.append(f"given up after {self.jobs} jobs: something runs in circles")
        for suite in self.defs.suites:
            if suite.state is not State.COMPLETE and not any(node.crons for node in suite.walk()):
                lines.append(f"suite {suite.path} has not completed: it is {suite.state.word}")
                waits = [node for node in suite.walk() if not node.children and node.state is not State.COMPLETE]
                lines += [f"  {node.kind} {node.path} is {node.state.word}" for node in waits[:20]]
        for node in self.defs.walk():
            for verify in node.verifies:
                if verify.actual != verify.expected:
                    counted = f"{verify.expected} {verify.state.word}, there were {verify.actual}"
                    lines.append(f"{node.kind} {node.path} was expected to be {counted}")
        if not lines:
            return ""
        self.engine.timekeeper.refresh_states()
        return "\n".join([*lines, write_definition(self.defs, Style.MIGRATE)])
