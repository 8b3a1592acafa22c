"""What jobs report and what follows: states, outputs, retries, completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..language.definition import (
    FAILED,
    STARTED,
    SUBMIT_FAILED,
    SUBMITTED,
    SUCCEEDED,
)
from . import proxy as states
from .effects import TaskEvent
from .events import (
    Event,
    JobFailed,
    JobKey,
    JobMessage,
    JobStarted,
    JobSubmissionFailed,
    JobSubmitted,
    JobSucceeded,
)
from .outputs import required_outputs
from .proxy import TaskProxy
from .text import duration, utc

if TYPE_CHECKING:
    from .engine import Engine

KILLED = "KILL"
"""The signal of jobs that were ended on request, or by force."""
SKIPPED = "skip"
"""The platform of tasks that run mode ``skip`` completes without a job."""
SEVERITY_LEVELS = {
    "INFO": "INFO",
    "NORMAL": "INFO",
    "CUSTOM": "INFO",
    "WARNING": "WARNING",
    "ERROR": "ERROR",
    "CRITICAL": "CRITICAL",
    "DEBUG": "DEBUG",
}


class Outcomes:
    """Turns job reports into state changes. A report about any but the latest job of an instance is only logged."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    # -- reports -------------------------------------------------------------------------------------------------------

    def submitted(self, event: JobSubmitted) -> None:
        """A job runner took the job."""
        proxy = self._find(event.job, "submitted")
        if proxy is None or (SUBMITTED in proxy.outputs and proxy.job is not None and proxy.job.job_id):
            return
        job = proxy.job
        assert job is not None
        job.job_id, job.runner, job.platform = event.job_id, event.runner, event.platform
        job.submitted, job.submit_status = event.time, 0
        engine = self.engine
        engine.job_changed(proxy)
        if engine.options.debug:
            engine.log("DEBUG", f"{proxy.label()} (internal)submitted")
        engine.log("INFO", f"{proxy.label()} submitted to {event.platform}:{event.runner}[{event.job_id}]")
        if proxy.status == states.PREPARING:
            engine.set_status(proxy, states.SUBMITTED)
        engine.timeouts.job_submitted(proxy)
        self.complete(proxy, SUBMITTED)
        self.tell(proxy, SUBMITTED, "job submitted")
        if engine.shutdown.is_killing:
            engine.kill(proxy)

    def submission_failed(self, event: JobSubmissionFailed) -> None:
        """A job could not be submitted, or vanished before it began."""
        proxy = self._find(event.job, "submission failed")
        if proxy is None or proxy.status not in (states.PREPARING, states.SUBMITTED):
            return
        engine = self.engine
        job = proxy.job
        assert job is not None
        if job.submitted is None:
            job.submitted = event.time
        job.submit_status = 1
        engine.job_changed(proxy)
        engine.timeouts.job_ended(proxy)
        if event.reason:
            engine.log("ERROR", f"{proxy.label()} {event.reason}" + (f"\n{event.log}" if event.log else ""))
        engine.log("ERROR", f"{proxy.label()} submission failed")
        if event.platform:
            job.platform, job.runner = event.platform, ""
        delays = engine.runtime_of(proxy).get("submission retry delays") or ()
        if proxy.submission_retries < len(delays) and not event.is_final and not engine.shutdown.is_killing:
            delay = float(delays[proxy.submission_retries])
            proxy.submission_retries += 1
            self._retry(proxy, "submission", delay, "submission retry")
            self.tell(proxy, "critical", "submission failed")
            return
        engine.set_status(proxy, states.SUBMIT_FAILED)
        self.complete(proxy, SUBMIT_FAILED)
        self.tell(proxy, "submission failed", "job submission failed")
        self.tell(proxy, "critical", "submission failed")
        self.finish(proxy)

    def started(self, event: JobStarted) -> None:
        """A job began to run."""
        proxy = self._find(event.job, STARTED)
        if proxy is None or proxy.status not in (states.PREPARING, states.SUBMITTED):
            return
        engine = self.engine
        job = proxy.job
        assert job is not None
        job.started = event.time
        engine.job_changed(proxy)
        if engine.options.debug:
            engine.log("DEBUG", f"{proxy.label()} (received)started")
        self._imply(proxy, SUBMITTED)
        proxy.submission_retries = 0
        engine.set_status(proxy, states.RUNNING)
        engine.timeouts.job_started(proxy)
        self.complete(proxy, STARTED)
        self.tell(proxy, STARTED, "job started")

    def succeeded(self, event: JobSucceeded) -> None:
        """A job finished well."""
        proxy = self._find(event.job, SUCCEEDED)
        # One that was taken for failed, or set so by a user, may still succeed (Cylc 8.5 behaviour).
        if proxy is None or (proxy.status not in states.LIVE and proxy.status != states.FAILED):
            return
        engine = self.engine
        self.close_job(proxy, event.time, signal="", run_status=0)
        if engine.options.debug:
            engine.log("DEBUG", f"{proxy.label()} (received)succeeded")
        self._imply(proxy, SUBMITTED, STARTED)
        engine.set_status(proxy, states.SUCCEEDED)
        self.complete(proxy, SUCCEEDED)
        self.tell(proxy, SUCCEEDED, "job succeeded")
        self.finish(proxy)

    def failed(self, event: JobFailed) -> None:
        """A job ended in failure."""
        proxy = self._find(event.job, FAILED)
        if proxy is None or proxy.status not in states.LIVE:
            return
        engine = self.engine
        abort = f'"{event.message}"' if event.message else ""
        self.close_job(proxy, event.time, signal=abort or event.signal, run_status=1)
        what = f"aborted/{abort}" if abort else f"failed/{event.signal}"
        engine.log("ERROR", f"{proxy.label()} {what}")
        self._imply(proxy, SUBMITTED, STARTED)
        if abort:
            self.note(proxy, "aborted", what)
        elif event.signal == KILLED:
            what = FAILED
        else:
            self.note(proxy, "signaled", event.signal)
        delays = engine.runtime_of(proxy).get("execution retry delays") or ()
        if proxy.execution_retries < len(delays):
            delay = float(delays[proxy.execution_retries])
            proxy.execution_retries += 1
            proxy.try_number += 1
            self._retry(proxy, "execution", delay, "retry")
            self.tell(proxy, "critical", what)
            return
        engine.set_status(proxy, states.FAILED)
        self.complete(proxy, FAILED)
        self.tell(proxy, FAILED, abort or "job failed")
        self.tell(proxy, "critical", what)
        self.finish(proxy, failed=True)

    def message(self, event: JobMessage) -> None:
        """A job sent a message: a standard one, one of its outputs, or text."""
        text = event.text
        if text == STARTED:
            self.started(JobStarted(event.time, event.job))
        elif text == SUCCEEDED:
            self.succeeded(JobSucceeded(event.time, event.job))
        elif text == FAILED or text.startswith(f"{FAILED}/"):
            self.failed(JobFailed(event.time, event.job, text.partition("/")[2] or "ERR"))
        elif text.startswith("aborted/"):
            self.failed(JobFailed(event.time, event.job, "EXIT", text.partition("/")[2].strip('"')))
        else:
            self._custom_message(event)

    def _custom_message(self, event: JobMessage) -> None:
        proxy = self._find(event.job, event.text)
        if proxy is None:
            return
        engine = self.engine
        label = next(
            (output.label for output in proxy.definition.outputs.values() if output.message == event.text), None
        )
        if label is not None and label in proxy.outputs:
            return
        level = SEVERITY_LEVELS.get(event.severity.upper(), "INFO")
        engine.log(level, f"{proxy.label()} (received){event.text}")
        if label is not None:
            engine.log("INFO", f"{proxy.label()} completed output {label}")
            self.complete(proxy, label)
            self.tell(proxy, label, event.text)
        else:
            if engine.options.debug:
                engine.log("DEBUG", f"{proxy.label()} unhandled: {event.text}")
            self.note(proxy, f"message {event.severity.lower()}", event.text)
        if event.severity.lower() in ("warning", "critical", "custom"):
            self.tell(proxy, event.severity.lower(), event.text)

    # -- consequences --------------------------------------------------------------------------------------------------

    def complete(self, proxy: TaskProxy, label: str, *, message: str | None = None) -> None:
        """Mark an output completed and pass it on, once; `message` is for the record, in place of the output's own."""
        if label in proxy.outputs:
            return
        proxy.outputs[label] = message or proxy.definition.outputs[label].message
        engine = self.engine
        engine.touch(proxy)
        engine.spawner.output_completed(proxy, label)

    def _imply(self, proxy: TaskProxy, *labels: str) -> None:
        for label in labels:
            if label not in proxy.outputs:
                self.engine.log("INFO", f"{proxy.label()} setting implied output: {label}")
                self.complete(proxy, label)

    def is_complete(self, proxy: TaskProxy) -> bool:
        """Whether a finished instance did what it must."""
        return self.engine.completion(proxy.definition)(proxy.outputs.keys())

    def finish(self, proxy: TaskProxy, *, failed: bool = False) -> None:
        """An instance has reached a final status: it goes if it is complete, else it stays and says why."""
        engine = self.engine
        if proxy.was_removed:
            return
        proxy.is_manual_submit = False
        engine.shutdown.task_finished(proxy, failed=failed)
        if self.is_complete(proxy):
            if not (engine.definition.compatibility and proxy.status in states.ENDED_BADLY):
                engine.remove(proxy, "completed")
        else:
            engine.log(
                "WARNING",
                f"{proxy.label()} did not complete the required outputs:\n{self.missing_outputs(proxy)}",
            )

    def missing_outputs(self, proxy: TaskProxy) -> str:
        """The required outputs of an instance, done or not, a line each."""
        required = required_outputs(proxy)
        return (
            "\n".join(f"{'✓' if label in proxy.outputs else '⨯'} ┆  {label}" for label in required)
            or f"⨯ ┆  {proxy.definition.completion}"
        )

    def _retry(self, proxy: TaskProxy, kind: str, delay: float, event_name: str) -> None:
        engine = self.engine
        failed = "job failed" if kind == "execution" else "job submission failed"
        after = utc(engine.now + delay)
        self.tell(proxy, event_name, f"{failed}, retrying in {duration(delay)} (after {after})")
        engine.set_status(proxy, states.WAITING)
        proxy.retry_at = engine.now + delay
        proxy.retry_kind = kind
        proxy.is_manual_submit = False
        word = "retrying" if kind == "execution" else "submission retrying"
        engine.log("WARNING", f"{proxy.label()} - {word} in {duration(delay)} (after {after})")
        self.wait_for_retry(proxy)

    def wait_for_retry(self, proxy: TaskProxy) -> None:
        """Set the timer of a pending retry."""
        assert proxy.retry_at is not None
        due = proxy.retry_at
        self.engine.timers.add(due, lambda: self._retry_due(proxy, due))

    def _retry_due(self, proxy: TaskProxy, due: float) -> None:
        if proxy.was_removed or proxy.retry_at != due:
            return
        engine = self.engine
        prefix = "_cylc_retry" if proxy.retry_kind == "execution" else "_cylc_submit_retry"
        label = f"{prefix}_{proxy.cycle}_{proxy.definition.name}"
        engine.log("INFO", f"xtrigger succeeded: {label} = wall_clock(trigger_time={due})")
        proxy.retry_at = None
        proxy.retry_kind = ""
        engine.touch(proxy)
        engine.queue_if_ready(proxy)

    def reset_to_waiting(self, proxy: TaskProxy) -> None:
        """A finished but incomplete instance met by another flow runs again."""
        engine = self.engine
        proxy.outputs = {}
        proxy.execution_retries = proxy.submission_retries = 0
        engine.set_status(proxy, states.WAITING)
        engine.queue_if_ready(proxy)

    # -- small things --------------------------------------------------------------------------------------------------

    def close_job(self, proxy: TaskProxy, time: float, *, signal: str, run_status: int) -> None:
        """Note how the latest job of an instance ended."""
        job = proxy.job
        assert job is not None
        if job.started is None:
            job.started = time
        job.finished, job.signal, job.run_status = time, signal, run_status
        self.engine.job_changed(proxy)
        self.engine.timeouts.job_ended(proxy)

    def _find(self, key: JobKey, what: str) -> TaskProxy | None:
        engine = self.engine
        proxy = engine.find(key.cycle, key.task)
        if proxy is None or proxy.job is None:
            engine.log("WARNING", f"[{key}] ({what}) ignored: no such task is active")
            return None
        if proxy.submit_number != key.submit_number or proxy.job.submit_number != key.submit_number:
            engine.log("WARNING", f"{proxy.label()} ({what}) ignored: from job {key.submit_number:02d}, not the latest")
            return None
        if proxy.status == states.WAITING:
            # Retrying: what the job that failed has to say comes too late.
            engine.log("WARNING", f"{proxy.label()} ({what}) ignored: the job has ended")
            return None
        return proxy

    def tell(self, proxy: TaskProxy, name: str, message: str) -> None:
        """Let a task event be known: to handlers, and to the record."""
        engine = self.engine
        if self._is_hushed(proxy):
            return
        event = TaskEvent(name, proxy.job_key, message)
        engine.effects.append(event)
        engine.changes.task_events.append((engine.now, event))

    def note(self, proxy: TaskProxy, name: str, message: str) -> None:
        """Write down in the record what befell a task, though no handler is told of it."""
        if not self._is_hushed(proxy):
            event = TaskEvent(name, proxy.job_key, message)
            self.engine.changes.task_events.append((self.engine.now, event))

    def _is_hushed(self, proxy: TaskProxy) -> bool:
        """Whether nothing is to be told of what befalls a task: by default where no job is run for it."""
        if self.engine.options.run_mode == "simulation":
            settings = proxy.definition.runtime.get("simulation")
        elif proxy.job is not None and proxy.job.platform == SKIPPED:
            settings = proxy.definition.runtime.get("skip")
        else:
            return False
        return bool((settings or {}).get("disable task event handlers", True))


HANDLERS: dict[type[Event], Any] = {
    JobSubmitted: Outcomes.submitted,
    JobSubmissionFailed: Outcomes.submission_failed,
    JobStarted: Outcomes.started,
    JobSucceeded: Outcomes.succeeded,
    JobFailed: Outcomes.failed,
    JobMessage: Outcomes.message,
}
