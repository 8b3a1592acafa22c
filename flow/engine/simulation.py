"""Simulated jobs: no process, only a run length on the engine's own clock (Cylc's simulation mode)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..language.definition import FAILED, STANDARD_OUTPUTS, SUCCEEDED, TaskDefinition
from .events import JobFailed, JobKey, JobMessage, JobStarted, JobSubmitted, JobSucceeded
from .outputs import required_outputs
from .proxy import TaskProxy

if TYPE_CHECKING:
    from .engine import Engine

_QUOTED_QUOTE = "'\\''"
_USER_SCRIPTS = ("init-script", "env-script", "pre-script", "post-script", "err-script", "exit-script")


def skipped_outputs(engine: Engine, proxy: TaskProxy) -> list[str]:
    """What run mode ``skip`` completes: ``[skip]outputs``, else what must be; success unless failure is named."""
    wanted = list((engine.runtime_of(proxy).get("skip") or {}).get("outputs") or required_outputs(proxy))
    return wanted if FAILED in wanted or SUCCEEDED in wanted else [*wanted, SUCCEEDED]


def run_length_seconds(runtime: Mapping[str, Any]) -> float:
    """How long a task takes when not run for real: its time limit over the speed-up factor, or the default length."""
    simulation = runtime.get("simulation") or {}
    limit = runtime.get("execution time limit")
    speedup = simulation.get("speedup factor")
    if limit and speedup:
        return float(limit) / float(speedup)
    length = simulation.get("default run length")
    return 10.0 if length is None else float(length)


def fails(runtime: Mapping[str, Any], cycle: str, try_number: int) -> bool:
    """Whether a task not run for real is to fail at a cycle point, on this try."""
    simulation = runtime.get("simulation") or {}
    points = simulation.get("fail cycle points") or ()
    if try_number > 1 and simulation.get("fail try 1 only", True):
        return False
    return "all" in points or cycle in points


def dummy_runtime(definition: TaskDefinition, cycle: str, try_number: int) -> dict[str, Any]:
    """Settings of a real job that only passes the time (Cylc's dummy mode): it sleeps, sends the task's custom outputs,
    and fails where a simulated one would. The user's scripts and environment stay out of it."""
    lines = [f"sleep {run_length_seconds(definition.runtime):g}"]
    for label, output in definition.outputs.items():
        if label not in STANDARD_OUTPUTS:
            lines.append(f"cylc message -- '{output.message.replace(chr(39), _QUOTED_QUOTE)}'")
    if fails(definition.runtime, cycle, try_number):
        lines.append("false")
    return {**definition.runtime, **dict.fromkeys(_USER_SCRIPTS, ""), "script": "\n".join(lines), "environment": {}}


class Simulator:
    """Stands in for the jobs room."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._prepared: list[TaskProxy] = []

    def take(self, proxy: TaskProxy) -> None:
        """Start a simulated job in the next turn: that it was prepared is committed, and told, before it starts."""
        if not self._prepared:
            self.engine.timers.add(self.engine.now, self._take_up)
        self._prepared.append(proxy)

    def _take_up(self) -> None:
        prepared, self._prepared = self._prepared, []
        self.engine.agenda.extend(partial(self.submit, proxy) for proxy in prepared)

    def submit(self, proxy: TaskProxy) -> None:
        """Start a simulated job now and end it when its run length is over."""
        engine = self.engine
        if proxy.was_removed:
            return
        key = proxy.job_key
        outcomes = engine.outcomes
        outcomes.submitted(JobSubmitted(engine.now, key, "SIMULATION", "simulation"))
        outcomes.started(JobStarted(engine.now, key))
        self.wait(proxy)

    def skip(self, proxy: TaskProxy) -> None:
        """Complete a task of run mode ``skip`` at once: its ``[skip]outputs``, or those it must complete."""
        engine = self.engine
        key, now = proxy.job_key, engine.now
        wanted = skipped_outputs(engine, proxy)
        engine.outcomes.submitted(JobSubmitted(now, key, "SKIP", "skip", "skip"))
        engine.outcomes.started(JobStarted(now, key))
        for label in wanted:
            output = proxy.definition.outputs.get(label)
            if output is not None and label not in STANDARD_OUTPUTS:
                engine.outcomes.message(JobMessage(now, key, "INFO", output.message))
        if FAILED in wanted:
            engine.outcomes.failed(JobFailed(now, key, "SKIP"))
        else:
            engine.outcomes.succeeded(JobSucceeded(now, key))

    def wait(self, proxy: TaskProxy) -> None:
        """Set the timer that ends a simulated job (again, after a restart)."""
        engine = self.engine
        started = proxy.job.started if proxy.job is not None and proxy.job.started is not None else engine.now
        key = proxy.job_key
        engine.timers.add(
            started + run_length_seconds(proxy.definition.runtime),
            lambda: engine.agenda.append(lambda: self._finish(proxy, key)),
        )

    def _finish(self, proxy: TaskProxy, key: JobKey) -> None:
        if proxy.was_removed or proxy.job_key != key:
            return
        engine = self.engine
        for label, output in proxy.definition.outputs.items():
            if label not in STANDARD_OUTPUTS:
                engine.outcomes.message(JobMessage(engine.now, key, "INFO", output.message))
        if fails(proxy.definition.runtime, proxy.cycle, proxy.try_number):
            engine.outcomes.failed(JobFailed(engine.now, key, "SIMULATION"))
        else:
            engine.outcomes.succeeded(JobSucceeded(engine.now, key))
