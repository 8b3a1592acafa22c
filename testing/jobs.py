"""Fake jobs: what tests say of them, and the world they run in, with its own truth beside what the scheduler hears."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from attrs import define, field

from ..flow.engine.effects import CallXtrigger, JobSpecification
from ..flow.engine.events import (
    Event,
    JobFailed,
    JobKey,
    JobMessage,
    JobStarted,
    JobSubmissionFailed,
    JobSubmitted,
    JobSucceeded,
    XtriggerReported,
)
from ..flow.engine.simulation import run_length_seconds
from ..flow.language.completion import compile_completion
from ..flow.language.definition import (
    FAILED,
    STANDARD_OUTPUTS,
    STARTED,
    SUBMITTED,
    SUCCEEDED,
    OutputDefinition,
    TaskDefinition,
)
from .times import Time, seconds_of

RUNNER = "fake"


@define(eq=False)
class JobRule:
    """What some jobs do. Every method returns the rule, so that they can be chained; later rules win over earlier."""

    cycle: str
    """A pattern of canonical cycle points."""
    task: str
    """A pattern of task names."""
    tries: frozenset[int] | None = None
    """Which tries of a task it is about; None for all."""
    duration_seconds: float | None = None
    queue_seconds: float | None = None
    ending: str | None = None
    """``succeeds``, ``fails``, ``fails to submit`` or ``hangs``; None where the rule does not say."""
    signal: str = "ERR"
    messages: list[tuple[float | None, str, str]] = field(factory=list)
    """Seconds after the start (None: at the end), severity, text or label of an output."""
    lost: set[str] = field(factory=set)
    is_silent: bool = False

    def takes(self, duration: Time) -> JobRule:
        """Run for so long; without it the length that simulation mode would give it (``PT10S`` unless set)."""
        self.duration_seconds = seconds_of(duration)
        return self

    def waits_in_queue(self, duration: Time) -> JobRule:
        """Start so long after the submission, as in a batch system; at once without it."""
        self.queue_seconds = seconds_of(duration)
        return self

    def succeeds(self) -> JobRule:
        """End well, whatever an earlier rule says."""
        self.ending = "succeeds"
        return self

    def fails(self, *, after: Time | None = None, signal: str = "ERR") -> JobRule:
        """End in failure, after its duration or sooner; ``signal`` is what its trap caught."""
        self.ending, self.signal = "fails", signal
        if after is not None:
            self.duration_seconds = seconds_of(after)
        return self

    def fails_to_submit(self) -> JobRule:
        """Never get as far as a job."""
        self.ending = "fails to submit"
        return self

    def hangs(self) -> JobRule:
        """Start, and never end until it is killed."""
        self.ending = "hangs"
        return self

    def sends(self, message: str, *, after: Time | None = None, severity: str = "INFO") -> JobRule:
        """Send a message: text, or the label of an output, so long after the start, or at its end."""
        self.messages.append((None if after is None else seconds_of(after), severity, message))
        return self

    def sends_nothing(self) -> JobRule:
        """Send only what it is told to: without it a job that succeeds sends every custom output it must complete."""
        self.is_silent = True
        return self

    def loses(self, *messages: str) -> JobRule:
        """Let messages never reach the scheduler: ``started``, ``succeeded``, ``failed``, a text or an output's label.

        What is lost is found when the job is next polled: on a timeout, by a user, or after a restart.
        """
        self.lost.update(messages)
        return self

    def applies_to(self, job: JobSpecification) -> bool:
        """Whether it is about a job."""
        if self.tries is not None and job.try_number not in self.tries:
            return False
        return fnmatchcase(job.key.cycle, self.cycle) and (
            fnmatchcase(job.key.task, self.task)
            or any(fnmatchcase(family, self.task) for family in job.definition.namespaces[1:-1])
        )


@define(eq=False)
class XtriggerRule:
    """What a function of an external trigger returns. Satisfied at once, with no results, where no rule says more."""

    function: str
    satisfied_after_seconds: float | None = 0.0
    """Since the run began; None for never."""
    results: dict[str, object] = field(factory=dict)

    def never(self) -> XtriggerRule:
        """Never be satisfied."""
        self.satisfied_after_seconds = None
        return self

    def satisfied_after(self, duration: Time) -> XtriggerRule:
        """Be satisfied so long after the run began."""
        self.satisfied_after_seconds = seconds_of(duration)
        return self

    def returns(self, **results: object) -> XtriggerRule:
        """Give these results, which tasks find in their environment."""
        self.results = results
        return self


@define(eq=False)
class FakeJob:
    """One job as it really is, whatever the scheduler knows of it."""

    key: JobKey
    platform: str
    story: list[tuple[float, str, str, str]]
    """When, what (``submitted``, ``started``, ``message``, ``succeeded``, ``failed``), severity or signal, text."""
    heard: set[int] = field(factory=set)
    number: int = 0


@define(eq=False)
class World:
    """Everything outside the scheduler: jobs, hosts, external triggers, on one virtual clock."""

    output_of: Callable[[JobKey, str], str]
    """The message of a task's output, by its label; other texts as they are."""
    rules: list[JobRule] = field(factory=list)
    xtriggers: list[XtriggerRule] = field(factory=list)
    outages: list[tuple[str, float, float]] = field(factory=list)
    """Platform pattern, from, until."""
    jobs: dict[JobKey, FakeJob] = field(factory=dict)
    start: float = 0.0
    _heap: list[tuple[float, int, FakeJob, int]] = field(factory=list)
    _count: int = 0
    _now_events: list[Event] = field(factory=list)

    # -- what the scheduler asks for -----------------------------------------------------------------------------------

    def submit(self, job: JobSpecification, now: float) -> None:
        """Take a job."""
        rules = [rule for rule in self.rules if rule.applies_to(job)]
        platform = str(job.runtime.get("platform") or "localhost")
        if any(fnmatchcase(platform, name) and since <= now < until for name, since, until in self.outages):
            self._now_events.append(JobSubmissionFailed(now, job.key, f"the host of platform {platform} is down"))
            return
        ending = next((rule.ending for rule in reversed(rules) if rule.ending is not None), "succeeds")
        if ending == "fails to submit":
            self._now_events.append(JobSubmissionFailed(now, job.key, "the test lets it fail"))
            return
        self._count += 1
        fake = FakeJob(job.key, platform, self._story(job, rules, ending, now), number=self._count)
        self.jobs[job.key] = fake
        lost = {self.output_of(job.key, text) for rule in rules for text in rule.lost}
        for index, (when, what, _, text) in enumerate(fake.story):
            if what not in lost and (what != "message" or text not in lost):
                self._count += 1
                heapq.heappush(self._heap, (when, self._count, fake, index))

    def _story(
        self, job: JobSpecification, rules: list[JobRule], ending: str, now: float
    ) -> list[tuple[float, str, str, str]]:
        queue = next((rule.queue_seconds for rule in reversed(rules) if rule.queue_seconds is not None), 0.0)
        length = next((rule.duration_seconds for rule in reversed(rules) if rule.duration_seconds is not None), None)
        if length is None:
            length = run_length_seconds(job.runtime)
        began = now + queue
        end = began + length
        messages = [
            (end if after is None else began + after, severity, self.output_of(job.key, text))
            for rule in rules
            for after, severity, text in rule.messages
        ]
        if ending == "succeeds" and not any(rule.is_silent for rule in rules):
            sent = {text for _, _, text in messages}
            messages += [
                (end, "INFO", output.message)
                for output in _needed_outputs(job.definition, sent)
                if output.message not in sent
            ]
        story = [(now, SUBMITTED, "", ""), (began, STARTED, "", "")]
        story += [(when, "message", severity, text) for when, severity, text in messages]
        story.sort(key=lambda one: one[0])
        if ending != "hangs":
            story = [one for one in story if one[0] <= end]
            signal = next((rule.signal for rule in reversed(rules) if rule.ending == "fails"), "ERR")
            story.append((end, FAILED, signal, "") if ending == "fails" else (end, SUCCEEDED, "", ""))
        return story

    def poll(self, key: JobKey, now: float) -> None:
        """Tell all there is to tell of a job, and has not been told."""
        fake = self.jobs.get(key)
        if fake is None:
            self._now_events.append(JobSubmissionFailed(now, key, "there is no such job"))
            return
        for index, one in enumerate(fake.story):
            if index not in fake.heard and one[0] <= now:
                fake.heard.add(index)
                self._now_events.append(self._event(fake, one, now))

    def kill(self, key: JobKey, now: float) -> None:
        """End a job; that much is always heard."""
        fake = self.jobs.get(key)
        if fake is None or any(one[0] <= now and one[1] in (SUCCEEDED, FAILED) for one in fake.story):
            return
        fake.story = [one for one in fake.story if one[0] <= now]
        fake.story.append((now, FAILED, "KILL", ""))
        fake.heard.add(len(fake.story) - 1)
        self._now_events.append(JobFailed(now, key, "KILL"))

    def recover(self, job: JobSpecification, now: float) -> None:
        """A restart asks what became of a job that it had decided on."""
        if job.key in self.jobs:
            self.poll(job.key, now)
        else:
            self.submit(job, now)

    def call(self, call: CallXtrigger, now: float) -> None:
        """Answer for a function of an external trigger."""
        rule = next((one for one in reversed(self.xtriggers) if fnmatchcase(call.function, one.function)), None)
        after = 0.0 if rule is None else rule.satisfied_after_seconds
        satisfied = after is not None and now >= self.start + after
        results = dict(rule.results) if rule is not None and satisfied else {}
        self._now_events.append(XtriggerReported(now, call.signature, satisfied=satisfied, results=results))

    # -- what happens --------------------------------------------------------------------------------------------------

    def next_time(self, now: float) -> float | None:
        """When something next happens by itself."""
        if self._now_events:
            return now
        return self._heap[0][0] if self._heap else None

    def happen(self, now: float) -> Iterator[Event]:
        """What the scheduler hears by now, in order, each once."""
        events, self._now_events = self._now_events, []
        yield from events
        while self._heap and self._heap[0][0] <= now:
            when, _, fake, index = heapq.heappop(self._heap)
            if index < len(fake.story) and index not in fake.heard:
                fake.heard.add(index)
                yield self._event(fake, fake.story[index], when)

    def go_unheard(self, until: float) -> None:
        """Nobody listens until a time: what happens is not heard, as if every message were lost."""
        self._now_events = []
        while self._heap and self._heap[0][0] <= until:
            heapq.heappop(self._heap)

    def _event(self, fake: FakeJob, one: tuple[float, str, str, str], now: float) -> Event:
        _, what, word, text = one
        key = fake.key
        if what == SUBMITTED:
            return JobSubmitted(now, key, str(fake.number), RUNNER, fake.platform)
        if what == STARTED:
            return JobStarted(now, key)
        if what == SUCCEEDED:
            return JobSucceeded(now, key)
        if what == FAILED:
            return JobFailed(now, key, word)
        return JobMessage(now, key, word, text)


def _needed_outputs(task: TaskDefinition, sent: set[str]) -> list[OutputDefinition]:
    """The custom outputs without which a task that succeeds is not complete, besides those it sends."""
    custom = [output for label, output in task.outputs.items() if label not in STANDARD_OUTPUTS]
    if not custom:
        return []
    is_complete = compile_completion(task.completion)
    done = {SUBMITTED, STARTED, SUCCEEDED, *(output.label for output in custom if output.message in sent)}
    if is_complete(done):
        return []
    everything = {SUBMITTED, STARTED, SUCCEEDED, *(output.label for output in custom)}
    needed = [output for output in custom if not is_complete(everything - {output.label})]
    return needed if is_complete(done.union(output.label for output in needed)) else custom
