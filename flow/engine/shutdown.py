"""When a run ends: on request, by itself, on a stall, on a timeout, on a failure that was not expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import proxy as states
from .effects import StopScheduler, WorkflowEvent
from .proxy import TaskProxy
from .text import duration
from .timers import Timer

if TYPE_CHECKING:
    from .engine import Engine

CLEAN = "REQUEST(CLEAN)"
KILL = "REQUEST(KILL)"
NOW = "REQUEST(NOW)"
NOW_NOW = "REQUEST(NOW-NOW)"
AUTOMATIC = "AUTOMATIC"
ON_TASK_FAILURE = "AUTOMATIC(ON-TASK-FAILURE)"

KILL_INTERVAL_SECONDS = 10.0


class Shutdown:
    """Watches for the end of the run. Looks at the whole pool only when nothing in it is live."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.requested: str | None = None
        """The stop mode that was asked for."""
        self.requested_at: float | None = None
        """When it was asked for, or the run began to end by itself."""
        self.is_stopped = False
        self.is_stalled = False
        self.stalled_at: float | None = None
        self.waits_after_restart = False
        """A run that was complete when restarted waits a while for someone to trigger something."""
        self.stop_task: str | None = engine.options.stop_task
        self._stall_timer: Timer | None = None
        self._last_change = 0.0
        self._reason = ""

    @property
    def is_killing(self) -> bool:
        """Whether jobs are to be ended rather than waited for."""
        return self.requested == KILL

    # -- requests ------------------------------------------------------------------------------------------------------

    def request(self, mode: str) -> None:
        """Stop in a mode; a later request replaces an earlier one."""
        self.requested = mode
        self.requested_at = self.engine.now
        if mode == KILL:
            self._kill_active()

    def _kill_active(self) -> None:
        engine = self.engine
        if self.requested != KILL or self.is_stopped:
            return
        for proxy in list(engine.pool.values()):
            if proxy.status in states.ACTIVE:
                engine.kill(proxy)
        if engine.live:
            engine.timers.add(engine.now + KILL_INTERVAL_SECONDS, self._kill_active)

    def stop_at_clock(self, at: float) -> None:
        """Stop cleanly when the clock reaches a time (seconds since the epoch)."""

        def reached() -> None:
            self.engine.log("INFO", "Wall clock stop time reached")
            self.request(CLEAN)

        self.engine.timers.add(at, reached)

    def task_finished(self, proxy: TaskProxy, *, failed: bool) -> None:
        """An instance finished: it may be the one to stop after, or a failure that ends the run."""
        engine = self.engine
        options = engine.options
        if failed and options.abort_on_task_failure and proxy.id not in options.expected_task_failures:
            self.stop(ON_TASK_FAILURE, exit_code=1)
        if self.stop_task == proxy.id:
            engine.log("INFO", f"Stop task {proxy.id} finished")
            self.stop_task = None
            engine.changes.parameters["stop_task"] = None
            self.request(CLEAN)

    def stop(self, reason: str, *, exit_code: int = 0) -> None:
        """End the run now."""
        if self.is_stopped:
            return
        self.is_stopped = True
        if self.requested_at is None:
            self.requested_at = self.engine.now
        self._reason = reason
        if self.engine.is_paused:
            # A run that was stopped in good order is not paused when played again (Cylc 8.5 behaviour).
            self.engine.changes.parameters["is_paused"] = "0"
        self.engine.effects.append(StopScheduler(reason, exit_code))

    def reopen(self) -> None:
        """A user gave the run more to do while the last event handlers of its automatic end were at work."""
        if self.is_stopped and self._reason == AUTOMATIC:
            self.is_stopped = False
            self.requested_at = None

    # -- after every change --------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Whether the run is over or stuck, now that the agenda is empty."""
        engine = self.engine
        if self.is_stopped:
            return
        if self.requested is not None:
            if self.requested in (NOW, NOW_NOW) or not engine.live:
                self.stop(self.requested)
            return
        if engine.live or engine.is_paused or self.is_stalled or self.waits_after_restart:
            return
        incomplete: list[TaskProxy] = []
        unsatisfied: list[TaskProxy] = []
        beyond_stop = False
        for proxy in engine.pool.values():
            if proxy.is_final:
                # With suite.rc what has failed stays, also where the graph sees to it.
                if not (engine.definition.compatibility and engine.outcomes.is_complete(proxy)):
                    incomplete.append(proxy)
            elif proxy.is_runahead:
                beyond_stop = True
            elif proxy.unmet:
                unsatisfied.append(proxy)
            else:
                return
        if incomplete or unsatisfied:
            self._stall(incomplete, unsatisfied)
        else:
            if beyond_stop and engine.runahead.stop_point is not None:
                # The stop point has done its work: a restart goes on beyond it (Cylc 8.5 behaviour).
                engine.set_stop_point(None)
            self.stop(AUTOMATIC)

    def _stall(self, incomplete: list[TaskProxy], unsatisfied: list[TaskProxy]) -> None:
        engine = self.engine
        self.is_stalled = True
        self.stalled_at = engine.now
        if incomplete:
            lines = []
            for proxy in incomplete:
                lines.append(f"  * {proxy.id} did not complete the required outputs:")
                lines.extend(f"    {line}" for line in engine.outcomes.missing_outputs(proxy).splitlines())
            engine.log("ERROR", "Incomplete tasks:\n" + "\n".join(lines))
        if unsatisfied:
            lines = []
            for proxy in unsatisfied:
                waits = [
                    engine.key_text(key)
                    for prerequisite in proxy.prerequisites
                    if not prerequisite.is_met
                    for key in prerequisite.unsatisfied_keys()
                ]
                lines.append(f"  * {proxy.id} is waiting on {waits}")
            engine.log("WARNING", "Partially satisfied prerequisites:\n" + "\n".join(lines))
        engine.log("CRITICAL", "Workflow stalled")
        engine.effects.append(WorkflowEvent("stall", "workflow stalled"))
        timeout = engine.options.stall_timeout_seconds
        if timeout is not None:
            engine.log("WARNING", f"{duration(timeout)} stall timer starts NOW")
            self._stall_timer = engine.timers.add(engine.now + timeout, self._stall_timed_out)

    def _stall_timed_out(self) -> None:
        options = self.engine.options
        self._timed_out("stall", options.stall_timeout_seconds, abort=options.abort_on_stall_timeout)

    def something_changed(self) -> None:
        """A task changed state or a command was given: no stall, and the inactivity timer starts anew."""
        if self.is_stalled:
            self.is_stalled = False
            if self._stall_timer is not None:
                self._stall_timer.cancel()
                self._stall_timer = None
            self.engine.log("INFO", "stall timer stopped")
        self._last_change = self.engine.now

    def _watch_inactivity(self) -> None:
        """One timer, set again for the time that is left, however often something changes."""
        engine = self.engine
        options = engine.options
        timeout = options.inactivity_timeout_seconds
        if timeout is None:
            return
        due = self._last_change + timeout
        if due <= engine.now:
            self._timed_out("inactivity", timeout, abort=options.abort_on_inactivity_timeout)
            due = engine.now + timeout
        engine.timers.add(due, self._watch_inactivity)

    def start_timers(self) -> None:
        """Start what counts from the beginning of the run."""
        engine = self.engine
        options = engine.options
        if options.workflow_timeout_seconds is not None:
            engine.timers.add(
                engine.now + options.workflow_timeout_seconds,
                lambda: self._timed_out(
                    "workflow", options.workflow_timeout_seconds, abort=options.abort_on_workflow_timeout
                ),
            )
        if options.stop_clock_seconds is not None:
            self.stop_at_clock(options.stop_clock_seconds)
        self.something_changed()
        self._watch_inactivity()

    def wait_after_restart(self) -> None:
        """The run was complete already: give its user time to trigger something before it shuts down again."""
        engine = self.engine
        engine.log(
            "WARNING",
            "This workflow already ran to completion.\nTo make it continue, trigger new tasks before the timeout.",
        )
        timeout = engine.options.restart_timeout_seconds
        if timeout is None:
            return
        self.waits_after_restart = True
        engine.log("WARNING", f"{duration(timeout)} restart timer starts NOW")

        def over() -> None:
            if self.waits_after_restart:
                self.waits_after_restart = False
                self._timed_out("restart", timeout, abort=False)

        engine.timers.add(engine.now + timeout, over)

    def _timed_out(self, name: str, seconds: float | None, *, abort: bool) -> None:
        engine = self.engine
        engine.log("WARNING", f"{name} timer timed out after {duration(seconds or 0)}")
        engine.effects.append(WorkflowEvent(f"{name} timeout", f"{name} timeout"))
        if abort:
            engine.log("ERROR", f'Workflow shutting down - "abort on {name} timeout" is set')
            self.stop(f'"abort on {name} timeout" is set', exit_code=1)
