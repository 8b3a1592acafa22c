"""What happens when something takes too long: submission and execution timeouts, and instances that are late."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from . import proxy as states
from .effects import PollJob, TaskEvent
from .proxy import TaskProxy
from .text import duration, utc
from .timers import Timer

if TYPE_CHECKING:
    from .engine import Engine


class Timeouts:
    """Watches jobs and instances against the clock. A timeout only tells of itself and has the job looked at: it ends
    nothing (Cylc 8.5 behaviour).

    Settings are looked up, with the broadcasts in force, when a job is submitted and when it starts.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._timers: dict[TaskProxy, Timer] = {}
        self._late: dict[TaskProxy, Timer] = {}
        self.known_late: set[tuple[str, str]] = set()
        """(cycle, task) of instances that are known to be late: that is told once, over restarts too."""

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def job_submitted(self, proxy: TaskProxy) -> None:
        """A job was submitted: it should begin within the submission timeout."""
        job = proxy.job
        since = None if job is None else job.submitted
        self._watch(proxy, "submission timeout", since)

    def job_started(self, proxy: TaskProxy) -> None:
        """A job began: it should end within the execution timeout, which replaces the submission timeout."""
        job = proxy.job
        since = None if job is None else job.started
        self._watch(proxy, "execution timeout", since)

    def job_ended(self, proxy: TaskProxy) -> None:
        """A job ended, or will never begin, or its instance was removed: it is no longer watched."""
        timer = self._timers.pop(proxy, None)
        if timer is not None:
            timer.cancel()

    def restore(self, proxy: TaskProxy) -> None:
        """Watch a job that was alive when the scheduler stopped; a timeout that passed meanwhile is told of now."""
        if proxy.status == states.SUBMITTED:
            self.job_submitted(proxy)
        elif proxy.status == states.RUNNING:
            self.job_started(proxy)

    def _watch(self, proxy: TaskProxy, item: str, since: float | None) -> None:
        self.job_ended(proxy)
        seconds = self._setting(proxy, item)
        if seconds is None:
            return
        began = self.engine.now if since is None else since
        self._timers[proxy] = self.engine.timers.add(began + seconds, partial(self._timed_out, proxy, item, seconds))

    def _timed_out(self, proxy: TaskProxy, item: str, seconds: float) -> None:
        self._timers.pop(proxy, None)
        expected = states.SUBMITTED if item == "submission timeout" else states.RUNNING
        if proxy.was_removed or proxy.status != expected:
            return
        self._tell(proxy, item, f"{item} after {duration(seconds)}")
        if proxy.job is not None and proxy.job.job_id and self.engine.options.run_mode != "simulation":
            is_submitted = expected == states.SUBMITTED
            self.engine.effects.append(PollJob(proxy.job_key, proxy.job.job_id, submitted_only=is_submitted))

    # -- instances -----------------------------------------------------------------------------------------------------

    def entered(self, proxy: TaskProxy) -> None:
        """An instance is in the pool: it should be finished by its ``late offset`` after its cycle point.

        Integer cycle points are no times: there is no late there.
        """
        engine = self.engine
        offset = self._setting(proxy, "late offset")
        if offset is None or engine.definition.cycling.mode == "integer" or proxy in self._late:
            return
        if (proxy.cycle, proxy.definition.name) in self.known_late:
            return
        late_time = engine.definition.cycling.epoch_seconds(proxy.point) + offset
        self._late[proxy] = engine.timers.add(late_time, partial(self._is_late, proxy, late_time))

    def finished(self, proxy: TaskProxy) -> None:
        """An instance finished or left the pool: it cannot be late any more."""
        timer = self._late.pop(proxy, None)
        if timer is not None:
            timer.cancel()
        if self.known_late:
            self.known_late.discard((proxy.cycle, proxy.definition.name))

    def _is_late(self, proxy: TaskProxy, late_time: float) -> None:
        self._late.pop(proxy, None)
        if not proxy.was_removed and not proxy.is_final:
            self.known_late.add((proxy.cycle, proxy.definition.name))
            self.engine.changes.late.append((proxy.cycle, proxy.definition.name))
            self._tell(proxy, "late", f"late (late-time={utc(late_time)})")

    # -- small things --------------------------------------------------------------------------------------------------

    def _setting(self, proxy: TaskProxy, item: str) -> float | None:
        value = (self.engine.runtime_of(proxy).get("events") or {}).get(item)
        return None if value is None else float(value)

    def _tell(self, proxy: TaskProxy, name: str, message: str) -> None:
        engine = self.engine
        engine.log("WARNING", f"{proxy.label()} {message}")
        event = TaskEvent(name, proxy.job_key, message)
        engine.effects.append(event)
        engine.changes.task_events.append((engine.now, event))
