"""Why a task in the pool is not running: what holds a waiting one, how far the job of another is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..language.definition import XtriggerDefinition
from . import proxy as states
from .outputs import required_outputs
from .proxy import TaskProxy
from .reasons import MET, NOTE, PERMANENT, SHOWN, TEMPORARY, Reason, and_more
from .since import STOP_POINT
from .standing import Standing
from .text import duration, utc
from .xtriggers import WALL_CLOCK

if TYPE_CHECKING:
    from .engine import Engine
    from .why import Inquiry


AFTER_STOP = "playing the workflow again once it has stopped there"


class PoolReasons:
    """The reasons of instances in the pool."""

    def __init__(self, engine: Engine, inquiry: Inquiry) -> None:
        self.engine = engine
        self.inquiry = inquiry

    def of(self, proxy: TaskProxy, depth: int) -> list[Reason]:
        """What there is to say of an instance; `depth` is how many tasks back its parents are explained."""
        if proxy.status == states.WAITING:
            return self.waiting(proxy, depth)
        if proxy.is_final:
            return [self.incomplete(proxy)]
        return [self.active(proxy)]

    def active(self, proxy: TaskProxy) -> Reason:
        """How far the job of an instance at work is."""
        job = proxy.job
        number = f"job {proxy.submit_number:02d}"
        # A message that was lost is made up for by looking at the job.
        look = self.inquiry.command("poll", self.inquiry.target(proxy.id))

        def moment(at: float | None) -> float:
            return at if at is not None else proxy.time_updated

        if proxy.status == states.RUNNING:
            since = moment(job.started if job is not None else None)
            return Reason("running", f"{number} is running", NOTE, since, satisfied_by="its end", force=look)
        if proxy.status == states.PREPARING or job is None:
            since = moment(job.prepared if job is not None else None)
            text, by = f"{number} is being made and handed to its platform", "the platform taking it"
            return Reason("preparing", text, since=since, satisfied_by=by)
        text = f"{number} is with {job.platform} ({job.runner} {job.job_id}) and has not started"
        by = f"{job.platform} starting it"
        return Reason("platform", text, since=moment(job.submitted), satisfied_by=by, force=look)

    def incomplete(self, proxy: TaskProxy) -> Reason:
        """What an instance that has finished, and stays, left undone."""
        missing = [label for label in required_outputs(proxy) if label not in proxy.outputs]
        children = [
            Reason(
                "output-missing",
                f"{proxy.id}:{label} was not completed",
                PERMANENT,
                self.inquiry.finished_at(proxy),
                satisfied_by="running it again",
                force=self.inquiry.command("set", f"--out={label}", self.inquiry.target(proxy.id)),
            )
            for label in missing
        ]
        wanted = "" if missing else f"; it needs {proxy.definition.completion}"
        return Reason(
            "incomplete",
            f"job {proxy.submit_number:02d} {self.inquiry.ended(proxy)}, and required outputs are missing{wanted}",
            PERMANENT,
            self.inquiry.finished_at(proxy),
            satisfied_by="running it again",
            force=self.inquiry.trigger(proxy.id),
            children=children,
        )

    def waiting(self, proxy: TaskProxy, depth: int) -> list[Reason]:
        """Everything that holds a waiting instance, and what is met already."""
        found: list[Reason] = []
        if proxy.is_held:
            found.append(self.held(proxy.id, proxy.point, proxy.held_since or proxy.time_updated))
        if proxy.is_runahead:
            found.append(self.beyond_window(proxy.id, proxy.point, proxy.time_created, depth))
        for prerequisite in proxy.prerequisites:
            standing = Standing(self.engine, prerequisite.tree, prerequisite, is_spawned=True)
            found += self.inquiry.parents.prerequisite(standing, proxy.id, proxy.time_created, depth)
        found += self._xtriggers(proxy)
        if proxy.external_unmet:
            found.append(self._external(proxy))
        if proxy.retry_at is not None:
            found.append(self._retry(proxy))
        if proxy.is_queued:
            found.append(self._queue(proxy))
        if not any(reason.blocks for reason in found):
            text, by = "nothing holds it: it is about to be submitted", "the scheduler, at once"
            found.append(Reason("ready", text, NOTE, proxy.time_updated, satisfied_by=by))
        return found

    def held(self, identity: str, point: int, since: float | None) -> Reason:
        """The line of a task that is held, or will be when it comes."""
        limit = self.engine.hold_point
        beyond = f", as everything after {self.inquiry.cycle(limit)}" if limit is not None and point > limit else ""
        force = self.inquiry.command("release", self.inquiry.target(identity))
        return Reason("held", f"it is held{beyond}", PERMANENT, since, satisfied_by="releasing it", force=force)

    def _xtriggers(self, proxy: TaskProxy) -> list[Reason]:
        engine = self.engine
        found = []
        for label, satisfied in proxy.xtriggers.items():
            definition = engine.definition.xtriggers.get(label)
            if satisfied or definition is None:
                found.append(Reason("xtrigger-met", f"@{label} is satisfied", MET))
                continue
            force = self.inquiry.set_or_trigger(f"xtrigger/{label}", proxy.id)
            if definition.function == WALL_CLOCK:
                due = engine.xtriggers.due_time(definition, proxy.point)
                text = f"@{label} waits for the clock"
                by = "the clock"
                found.append(Reason("clock-waiting", text, TEMPORARY, proxy.time_created, due, by, force))
                continue
            found.append(self._function(proxy, label, definition, force))
        return found

    def _external(self, proxy: TaskProxy) -> Reason:
        """The line of a message from outside that has not come."""
        message = proxy.definition.external_trigger
        text = f"it waits for the external event {message!r}"
        by = "tidemill ext-trigger"
        force = self.inquiry.trigger(proxy.id)
        return Reason("external-waiting", text, TEMPORARY, proxy.time_created, satisfied_by=by, force=force)

    def _function(self, proxy: TaskProxy, label: str, definition: XtriggerDefinition, force: str | None) -> Reason:
        """The line of a trigger that is a function: what is called, how often, and what came of it."""
        xtriggers = self.engine.xtriggers
        signature = xtriggers.resolve(definition, proxy)[0]
        call = xtriggers.call_of(signature)
        text = f"@{label} = {signature} is not satisfied"
        by = f"{definition.function}, asked every {duration(definition.interval_seconds)}"
        if proxy.is_runahead:
            text += "; it is not asked before the task is within the runahead window"
        elif call is not None and self.inquiry.is_running:
            by += f", next at {utc(call.called_at + call.interval_seconds)}"
        if call is not None and call.last_error:
            text += f"; the last call failed: {call.last_error.splitlines()[-1]}"
        return Reason("xtrigger-waiting", text, TEMPORARY, proxy.time_created, None, by, force)

    def _retry(self, proxy: TaskProxy) -> Reason:
        job = proxy.job
        if proxy.retry_kind == "submission":
            platform = job.platform if job is not None else "its platform"
            number, since = proxy.submission_retries, self.inquiry.finished_at(proxy)
            text = f"job {proxy.submit_number:02d} could not be submitted to {platform}; retry {number} follows"
        else:
            number, since = proxy.execution_retries, self.inquiry.finished_at(proxy)
            text = f"job {proxy.submit_number:02d} failed; retry {number} follows"
        return Reason(
            "retry-delay", text, TEMPORARY, since, proxy.retry_at, "the clock", self.inquiry.trigger(proxy.id)
        )

    def _queue(self, proxy: TaskProxy) -> Reason:
        queue = self.engine.queues.of(proxy.definition.name)
        waiting = [one for one in queue.waiting if one.is_queued and not one.was_removed]
        place = waiting.index(proxy) + 1 if proxy in waiting else len(waiting)
        limit, name = queue.definition.limit, queue.definition.name
        reason = Reason("queued", "", since=proxy.time_updated, met=place, total=len(waiting))
        reason.force = self.inquiry.trigger(proxy.id)
        if queue.has_room:
            reason.text = f"it is number {place} of {len(waiting)} in queue {name}, which has room"
            reason.satisfied_by = "its turn"
            return reason
        taken = f"{queue.active} of {limit} places are taken"
        reason.text = f"it is number {place} of {len(waiting)} in queue {name}: {taken}"
        reason.satisfied_by = "the end of a task of the queue"
        queues = self.engine.queues
        members = [
            one
            for one in self.engine.pool.values()
            if one.status in states.LIVE and queues.of(one.definition.name) is queue
        ]
        for one in members[:SHOWN]:
            active = self.active(one)
            reason.children.append(_member(one, active))
        and_more(reason, len(members) - SHOWN)
        return reason

    def beyond_window(self, identity: str, point: int, since: float | None, depth: int) -> Reason:
        """Why the window has not reached a point: the stop point, or whatever is at the window's base."""
        engine = self.engine
        stop, limit = engine.runahead.stop_point, engine.runahead.limit
        force = self.inquiry.trigger(identity)
        if stop is not None and point > stop:
            text = f"it lies beyond the stop point {self.inquiry.cycle(stop)}"
            moments = [at for at in (since, engine.since.of(STOP_POINT)) if at is not None]
            at = max(moments, default=None)
            return Reason("stop-point", text, PERMANENT, at, satisfied_by=AFTER_STOP, force=force)
        text = "the run has not begun"
        if limit is not None and point <= limit:
            text = f"the runahead window has just reached it: {self.inquiry.cycle(limit)} is its end"
            return Reason("runahead", text, since=since, satisfied_by="the scheduler, at once", force=force)
        if limit is not None:
            text = f"it is beyond the runahead window, which ends at {self.inquiry.cycle(limit)}"
        reason = Reason("runahead", text, since=since, satisfied_by="the oldest active cycle finishing", force=force)
        base = min((key[0] for key in engine.pool), default=None)
        if base is None or limit is None:
            return reason
        if self.inquiry.window is not None:
            reason.text += " (explained above)"
            reason.kind = self.inquiry.window
            return reason
        self.inquiry.window = TEMPORARY
        holders = [proxy for key, proxy in engine.pool.items() if key[0] == base]
        holders.sort(key=lambda proxy: (not proxy.is_final, not proxy.is_held))
        for proxy in holders[:SHOWN]:
            held = self.inquiry.parents.parent(base, proxy.definition.name, "", depth)
            reason.children.append(
                Reason(
                    "window-holder",
                    f"{held.text}, and holds the window at {self.inquiry.cycle(base)}",
                    held.kind,
                    held.since,
                    held.until,
                    held.satisfied_by,
                    held.force,
                    children=held.children,
                )
            )
        and_more(reason, len(holders) - SHOWN)
        if any(child.kind == PERMANENT for child in reason.children):
            self.inquiry.window = reason.kind = PERMANENT
        return reason


def _member(proxy: TaskProxy, active: Reason) -> Reason:
    text = f"{proxy.id}: {active.text}"
    return Reason("queue-member", text, NOTE, active.since, satisfied_by=active.satisfied_by, force=active.force)
