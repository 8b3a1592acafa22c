"""What is to be true of a run. Each expectation that does not hold raises an `AssertionError` that a person can act on:
what was expected, what is so, what happened when, and why a task did not run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from ..flow.engine import proxy as states
from .times import Time, moment_of, seconds_of, shown

if TYPE_CHECKING:
    from .run import WorkflowRun

REASONS_SHOWN = 4
__tracebackhide__ = True  # of a test that fails, pytest is to show the test, not this module


class Expectations:
    """What is to be true of one run, now. Tasks are ``CYCLE/TASK``."""

    def __init__(self, run: WorkflowRun) -> None:
        self._run = run

    # -- what ran ------------------------------------------------------------------------------------------------------

    def ran(self, *tasks: str) -> None:
        """Each of these tasks had a job, or was skipped as one."""
        missing = [task for task in tasks if self._run.when(task) is None]
        if missing:
            self._fail(f"{_and(missing)} did not run", missing)

    def did_not_run(self, *tasks: str) -> None:
        """None of these tasks had a job."""
        found = [task for task in tasks if self._run.when(task) is not None or self._run.submissions(task)]
        if found:
            self._fail(f"{_and(found)} ran, and should not have", found)

    def submissions(self, task: str, count: int) -> None:
        """A task had so many jobs."""
        found = self._run.submissions(task)
        if found != count:
            self._fail(f"{task} had {found} jobs, not {count}", [task])

    def order(self, *tasks: str) -> None:
        """These tasks ran, each after the one before had finished: the first job of each counts."""
        self.ran(*tasks)
        run = self._run
        for before, after in pairwise(tasks):
            ended = self._position(before, ("succeeded", "failed", "submission failed"))
            began = self._position(after, ("prepared", "submitted"))
            if ended is None or began is None or ended > began:
                end = "has not ended" if ended is None else f"ended at {shown(run.history[ended].time)}"
                start = "" if began is None else f", {after} was submitted at {shown(run.history[began].time)}"
                self._fail(f"{after} did not run after {before}: {before} {end}{start}", [before, after])

    def submitted_in_order(self, *tasks: str) -> None:
        """These tasks ran, and their first jobs were submitted in this order, whatever ended when."""
        self.ran(*tasks)
        positions = [self._position(task, ("prepared", "submitted")) for task in tasks]
        for index in range(len(tasks) - 1):
            before, after = positions[index], positions[index + 1]
            if before is not None and after is not None and before > after:
                self._fail(f"{tasks[index + 1]} was submitted before {tasks[index]}", tasks[index : index + 2])

    def triggered_off(self, task: str, *parents: str) -> None:
        """The first job of a task was triggered off just these tasks."""
        run = self._run
        job = next((job for job in run.submitted if job.startswith(f"{run.id(task)}/")), None)
        if job is None:
            self._fail(f"{task} did not run", [task])
            return
        expected, found = sorted(map(run.id, parents)), run.triggered_off[job]
        if expected != found:
            self._fail(f"{job} was triggered off {found}, not {expected}", [task, *parents])

    # -- how it stands -------------------------------------------------------------------------------------------------

    def states(self, expected: Mapping[str, str | None] | None = None, **by_task: str) -> None:
        """Tasks have these statuses; None for one that never came into the run."""
        wrong = []
        for task, state in {**(expected or {}), **by_task}.items():
            if state is not None and state not in states.STATUSES:
                self._fail(f"{state!r} is not a status: it is one of {', '.join(states.STATUSES)}", [])
            found = self._run.state(task)
            if found != state:
                wrong.append((task, f"{task} is {found or 'not in the run'}, not {state or 'outside it'}"))
        if wrong:
            self._fail("; ".join(text for _, text in wrong), [task for task, _ in wrong])

    def outputs(self, task: str, *labels: str) -> None:
        """A task completed these outputs, among others."""
        found = self._run.outputs(task)
        missing = [label for label in labels if label not in found]
        if missing:
            self._fail(f"{task} did not complete {_and(missing)}; it completed {_and(found) or 'nothing'}", [task])

    def no_outputs(self, task: str, *labels: str) -> None:
        """A task completed none of these outputs."""
        found = [label for label in labels if label in self._run.outputs(task)]
        if found:
            self._fail(f"{task} completed {_and(found)}, and should not have", [task])

    # -- how it goes ---------------------------------------------------------------------------------------------------

    def completed(self) -> None:
        """The run has ended by itself, with nothing left to do."""
        ended = self._run.ended
        if ended is None or ended.reason != "AUTOMATIC" or ended.exit_code:
            self._fail(f"the run has not completed: {self._condition()}", self._unfinished())

    def ended(self, *, exit_code: int | None = None, because: str = "") -> None:
        """The run has ended, with this exit code, for a reason with these words."""
        ended = self._run.ended
        if ended is None:
            self._fail(f"the run has not ended: {self._condition()}", self._unfinished())
        elif exit_code not in (None, ended.exit_code) or because not in ended.reason:
            self._fail(f"the run ended with {ended.exit_code}: {ended.reason}", [])

    def stalled(self, *, on: Iterable[str] = ()) -> None:
        """The run is stalled, or was when it ended; `on`: tasks that are incomplete, or wait in vain."""
        if not self._run.stalls:
            self._fail(f"the run has not stalled: {self._condition()}", [])
        stuck = self._unfinished()
        missing = [task for task in on if self._run.id(task) not in stuck]
        if missing:
            self._fail(f"the run stalled on {_and(stuck) or 'nothing'}, not on {_and(missing)}", missing)

    def not_stalled(self) -> None:
        """The run never stalled."""
        if self._run.stalls:
            self._fail(f"the run stalled at {shown(self._run.stalls[0])}", self._unfinished())

    def event(self, task: str, what: str) -> None:
        """Something befell a task: ``retry``, ``submission retry``, ``expired``, ``late``, an output's label, ..."""
        if self._run.when(task, what) is None:
            found = list(
                dict.fromkeys(one.what for one in self._run.history if one.job.startswith(f"{self._id(task)}/"))
            )
            self._fail(f"{task}: no {what!r}; there was {_and(found) or 'nothing'}", [task])

    def at(self, task: str, time: Time, *, what: str = "submitted", within: Time = 0.0) -> None:
        """Something first befell a task at a time (or so long after the start), give or take."""
        self.event(task, what)
        found, expected = self._run.when(task, what), moment_of(time, start=self._run.start)
        if found is not None and abs(found - expected) > seconds_of(within):
            self._fail(f"{task}: {what} at {shown(found)}, not at {shown(expected)}", [task])

    def lasted(self, duration: Time, *, within: Time = 0.0) -> None:
        """The run has taken so long by its own clock, give or take."""
        found, expected = self._run.now - self._run.start, seconds_of(duration)
        if abs(found - expected) > seconds_of(within):
            self._fail(f"the run has taken {found:g} s, not {expected:g} s", [])

    def logged(self, text: str) -> None:
        """A line of the scheduler's log has these words."""
        if not any(text in line for line in self._run.log):
            self._fail(f"no line of the log has {text!r}", [])

    # -- telling -------------------------------------------------------------------------------------------------------

    def _fail(self, problem: str, tasks: Iterable[str]) -> None:
        run = self._run
        known = list(dict.fromkeys(map(run.id, tasks)))
        parts = [problem, f"clock: {shown(run.now)}; {self._condition()}"]
        parts += [
            f"why {task} did not run:\n" + "\n".join(f"  - {reason}" for reason in reasons)
            for task in known
            if run.when(task) is None and (reasons := self._why(task))
        ]
        parts.append("what happened:\n" + _indented(run.timeline()))
        raise AssertionError("\n".join(parts))

    def _condition(self) -> str:
        run = self._run
        if run.ended is not None:
            return f"it ended with {run.ended.exit_code}: {run.ended.reason}"
        if run.engine.shutdown.is_stalled:
            return f"it is stalled on {_and(self._unfinished()) or 'nothing'}"
        if run.engine.is_paused:
            return "it is paused"
        live = [proxy.id for proxy in run.engine.pool.values() if proxy.status in states.LIVE]
        return f"at work: {_and(live)}" if live else f"waiting: {_and(self._unfinished()) or 'nothing'}"

    def _unfinished(self) -> list[str]:
        return [proxy.id for proxy in self._run.engine.pool.values() if not proxy.is_runahead]

    def _why(self, task: str) -> list[str]:
        from ..flow.engine.why import explain

        cycle, _, name = task.partition("/")
        explanation = explain(self._run.engine, cycle, name)
        return [reason.text for reason in explanation.reasons if reason.blocks][:REASONS_SHOWN]

    def _id(self, task: str) -> str:
        return self._run.id(task)

    def _position(self, task: str, whats: tuple[str, ...]) -> int | None:
        prefix = f"{self._id(task)}/"
        for index, one in enumerate(self._run.history):
            if one.what in whats and one.job.startswith(prefix):
                return index
        return None


def _and(words: Iterable[str]) -> str:
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
