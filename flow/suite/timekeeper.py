"""The clocks of the suites, and the nodes that wait for a time, a date or a day: each is woken once, when that comes.

Slots are left in the attributes as ecFlow leaves them (`free`, the next slot, whether it is one of this day), so that
a checkpoint says where each stands. Kinds are alternatives among themselves and must all be free: times of any kind,
dates, days. While a date or a day holds a node its times do not move.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from attrs import define

from ..engine.timers import Timer
from .calendar import DAY, MINUTE, SuiteClock, date_of, day_number
from .nodes import Node, Suite
from .slots import (
    MINUTES_OF_DAY,
    cron_fits,
    date_fits,
    last_slot,
    next_cron_day,
    next_date,
    next_week_day,
    slot_after,
)
from .states import Flag, ServerState, State
from .times import Cron, Time, Today

if TYPE_CHECKING:
    from .engine import SuiteEngine


@define(eq=False)
class Waiting:
    """How a node waits for its times."""

    base: int
    """The clock of the suite when relative times began to count."""
    day: int
    """The day its slots are of, in days since 1970."""
    timer: Timer | None = None


class Timekeeper:
    """Suite clocks and nodes that wait for them."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self.clocks: dict[Suite, SuiteClock] = {}
        self._waiting: dict[Node, Waiting] = {}
        self._watched: dict[Suite, tuple[bool, Timer | None]] = {}
        """Suites whose generated variables expressions name: whether every minute matters, and when to look next."""

    # -- clocks --------------------------------------------------------------------------------------------------------

    def begin(self, suite: Suite) -> None:
        """Start the clock of a suite."""
        engine = self.engine
        self.clocks[suite] = SuiteClock.begin(suite.clock, engine.now, engine.utc_offset_seconds)
        suite.calendar = self.clocks[suite].state(engine.now)
        if self._stands(suite, engine.defs.server_state):
            self.clocks[suite].halt(engine.now)

    def begun(self, suite: Suite) -> None:
        """A suite was begun, or its clock was moved: what depends on the clock alone starts to be followed."""
        if suite in self._watched:
            self._watch(suite, self._watched[suite][0])

    def clock(self, node: Node) -> SuiteClock | None:
        """The clock of a node's suite; None before it was begun."""
        suite = node.suite
        return self.clocks.get(suite) if isinstance(suite, Suite) else None

    def flow(self, node: Node) -> int:
        """The running time of a node's suite."""
        clock = self.clock(node)
        engine = self.engine
        return int(engine.now) + engine.utc_offset_seconds if clock is None else clock.flow(engine.now)

    def time(self, suite: Suite) -> int:
        """The time of a suite; the host's before it was begun."""
        clock = self.clocks.get(suite)
        engine = self.engine
        return int(engine.now) + engine.utc_offset_seconds if clock is None else clock.time(engine.now)

    def duration(self, node: Node) -> int:
        """Seconds of suite time since begin; 0 before."""
        clock = self.clock(node)
        return 0 if clock is None else clock.duration(self.engine.now)

    def event_time(self, node: Node, flow: int) -> float:
        """When the running time of a node's suite is `flow`."""
        clock = self.clock(node)
        return float(flow - self.engine.utc_offset_seconds) if clock is None else clock.event_time(flow)

    def server_state_changed(self, state: ServerState) -> None:
        """Clocks that stop with the server stand still while it does not run."""
        for suite, clock in self.clocks.items():
            if self._stands(suite, state):
                clock.halt(self.engine.now)
                self.reschedule(suite)
            elif clock.stands_since is not None:
                clock.go_on(self.engine.now)
                self.reschedule(suite)

    def _stands(self, suite: Suite, state: ServerState) -> bool:
        return suite.clock is not None and suite.clock.stop_with_server and state is not ServerState.RUNNING

    def change_offset(self, utc_offset_seconds: int) -> None:
        """The host's clock was put forward or back against UTC: so are those of the suites."""
        engine = self.engine
        shift = utc_offset_seconds - engine.utc_offset_seconds
        engine.utc_offset_seconds = utc_offset_seconds
        for suite, clock in self.clocks.items():
            clock.shift(shift)
            self.reschedule(suite)

    def clock_changed(self, suite: Suite) -> None:
        """A user gave a suite another clock: it starts anew from it (ecFlow behaviour)."""
        if not suite.begun:
            return
        before = self.flow(suite)
        self.begin(suite)
        moved = self.flow(suite) - before
        for node, waiting in self._waiting.items():
            if node.suite is suite:
                waiting.base += moved
        self._requeue_times(suite)

    def sync(self, suite: Suite) -> None:
        """Let a suite's clock follow the host's again."""
        self.clock_changed(suite)

    def _requeue_times(self, suite: Suite) -> None:
        for node in suite.walk():
            if has_times(node):
                if node.state in (State.QUEUED, State.ABORTED):
                    self.queued(node, is_first=False, after_run=False)
                self.engine.consider(node)
        self.begun(suite)

    def reschedule(self, suite: Suite) -> None:
        """The clock of a suite was moved: look again when each node's time comes."""
        for node in list(self._waiting):
            if node.suite is suite:
                self._schedule(node)
        self.begun(suite)

    def refresh_states(self) -> None:
        """Write down where the clocks stand, for a checkpoint."""
        for suite, clock in self.clocks.items():
            suite.calendar = clock.state(self.engine.now)
        for node, waiting in self._waiting.items():
            elapsed = max(self.flow(node) - waiting.base, 0)
            for time in (*node.times, *node.todays, *node.crons):
                if time.series.relative:
                    time.series.relative_seconds = elapsed

    def restore(self, suite: Suite) -> None:
        """Go on with the clock of a suite that was read with its state."""
        if not suite.begun:
            return
        engine = self.engine
        if suite.calendar is None:
            self.begin(suite)
        else:
            self.clocks[suite] = SuiteClock.restore(suite.calendar, suite.clock, engine.utc_offset_seconds)
            if self._stands(suite, engine.defs.server_state):
                self.clocks[suite].halt(engine.now)
        flow = self.flow(suite)
        for node in suite.walk():
            if has_times(node):
                series = [time.series for time in (*node.times, *node.todays, *node.crons) if time.series.relative]
                base = flow - (series[0].relative_seconds if series else 0)
                self._waiting[node] = Waiting(base, flow // DAY)
                if node.state in (State.QUEUED, State.ABORTED):
                    self._schedule(node)

    def snapshot(self) -> dict[str, Any]:
        """What no definition text says, as JSON: by path, since when times count, and on what day."""
        waiting = {node.path: [one.base, one.day] for node, one in self._waiting.items()}
        standing = {suite.name: clock.stands_since for suite, clock in self.clocks.items() if clock.stands_since}
        return {"waiting": waiting, "standing": standing}

    def take_up(self, kept: dict[str, Any]) -> None:
        """Take up what `snapshot` gave, after `restore`."""
        for suite, clock in self.clocks.items():
            clock.stands_since = kept.get("standing", {}).get(suite.name)
        for path, (base, day) in kept.get("waiting", {}).items():
            node = self.engine.defs.find(path)
            if node is not None and has_times(node):
                waiting = self._waiting.setdefault(node, Waiting(base, day))
                waiting.base, waiting.day = base, day
                self._schedule(node)

    # -- nodes that wait -----------------------------------------------------------------------------------------------

    def is_free(self, node: Node) -> bool:
        """Whether no time, date or day holds a node."""
        if (node.dates or node.days) and not self._day_is_free(node):
            return False
        if node.times or node.todays or node.crons:
            return any(time.free for time in (*node.times, *node.todays, *node.crons))
        return True

    def _day_is_free(self, node: Node) -> bool:
        if node.dates and not any(wanted.free for wanted in node.dates):
            return False
        return not node.days or any(day.free for day in node.days)

    def queued(self, node: Node, *, is_first: bool, after_run: bool) -> None:
        """A node is put back: find its next slots.

        Args:
            node: it may well have no times at all.
            is_first: relative times begin to count now, else they go on.
            after_run: a day of the week that it ran on is over for it.
        """
        if not has_times(node):
            return
        flow = self.flow(node)
        minute = flow // MINUTE
        today = date_of(flow)
        waiting = self._waiting.get(node)
        if waiting is None:
            waiting = self._waiting[node] = Waiting(flow, minute // MINUTES_OF_DAY)
        if is_first or any(cron.series.relative and cron.series.finish is None for cron in node.crons):
            waiting.base = flow
        waiting.day = minute // MINUTES_OF_DAY
        for wanted in node.dates:
            # One that ran because of its date alone waits a minute before it runs again that day (ecFlow behaviour).
            wanted.free = date_fits(wanted, today) and (is_first or not after_run)
        for day in node.days:
            found = next_week_day(day.day, today, after=after_run)
            day.date = (found.year, found.month, found.day)
            day.free = found == today
            day.expired = False
        for time in (*node.times, *node.todays, *node.crons):
            self._put_back(time, waiting, flow)
        self._schedule(node)

    def _put_back(self, time: Time, waiting: Waiting, flow: int, *, or_at: bool = False) -> None:
        series = time.series
        time.free = False
        if series.relative:
            elapsed = (flow - waiting.base) // MINUTE
            slot = slot_after(series, elapsed, or_at=or_at or elapsed == 0)
        else:
            now = flow // MINUTE % MINUTES_OF_DAY
            slot = slot_after(series, now, or_at=or_at)
            if isinstance(time, Cron) and not cron_fits(time, date_of(flow)):
                slot = None
            if isinstance(time, Today) and series.finish is None and series.start <= now:
                time.free = True
        series.valid = slot is not None
        series.next_slot = series.start if slot is None else slot

    def has_later(self, node: Node) -> bool:
        """Whether a node that is complete has another time to come, so that it is queued again."""
        if node.crons:
            return True
        clock = self.clock(node)
        if node.dates and clock is not None and not clock.hybrid:
            tomorrow = date_of(self.flow(node)) + timedelta(days=1)
            if any(next_date(wanted, tomorrow) is not None for wanted in node.dates):
                return True
        if not node.times and not node.todays:
            return False
        times = (*node.times, *node.todays)
        if Flag.NO_REQUEUE in node.flags:
            self.engine.lifecycle.clear_flag(node, Flag.NO_REQUEUE)
            if all(time.series.finish is None for time in times):
                return False
        flow = self.flow(node)
        waiting = self._waiting.get(node)
        for time in times:
            if time.series.relative:
                now = (flow - waiting.base) // MINUTE if waiting is not None else 0
            else:
                now = flow // MINUTE % MINUTES_OF_DAY
                if waiting is not None and flow // DAY > waiting.day:
                    continue
            if time.series.finish is None and time.free:
                continue
            if slot_after(time.series, now) is not None:
                return True
        return False

    def complete_by_hybrid(self, nodes: Iterable[Node]) -> None:
        """Of a hybrid clock: what is not of today is complete at once (ecFlow behaviour)."""
        for node in nodes:
            if not (node.dates or node.days or node.crons):
                continue
            clock = self.clock(node)
            if clock is None or not clock.hybrid:
                continue
            today = date_of(clock.time(self.engine.now))
            fits = (
                (not node.dates or any(date_fits(wanted, today) for wanted in node.dates))
                and (not node.days or any(day.day == today.isoweekday() % 7 for day in node.days))
                and (not node.crons or any(cron_fits(cron, today) for cron in node.crons))
            )
            if not fits:
                self.engine.lifecycle.set_all(node, State.COMPLETE, moves_on=False)

    # -- waking --------------------------------------------------------------------------------------------------------

    def _schedule(self, node: Node) -> None:
        waiting = self._waiting[node]
        if waiting.timer is not None:
            waiting.timer.cancel()
            waiting.timer = None
        at = self.next_change(node)
        if at is not None:
            waiting.timer = self.engine.timers.add(self.event_time(node, at), lambda: self._wake(node))

    def next_change(self, node: Node) -> int | None:
        """When (by the running time of its suite) the times of a node next change; None if never."""
        clock, waiting = self.clock(node), self._waiting.get(node)
        if clock is None or waiting is None or clock.stands_since is not None:
            return None
        flow = clock.flow(self.engine.now)
        if clock.hybrid and (node.dates or node.days) and not self._day_is_free(node):
            return None
        found: list[int] = []
        if not self._day_is_free(node):
            for wanted in node.dates:
                day = None if wanted.free else next_date(wanted, date_of(flow))
                if day is not None:
                    found.append(max(_midnight(day), (flow // MINUTE + 1) * MINUTE))
            found += [_midnight(date(*day.date)) for day in node.days if not day.free and day.date is not None]
            return min(found, default=None)
        for time in (*node.times, *node.todays, *node.crons):
            if not time.free:
                at = self._next_of(time, waiting, hybrid=clock.hybrid)
                if at is not None:
                    found.append(at)
        return min(found, default=None)

    def _next_of(self, time: Time, waiting: Waiting, *, hybrid: bool) -> int | None:
        series = time.series
        slot = series.start if series.next_slot is None else series.next_slot
        if series.relative:
            return waiting.base + slot * MINUTE if series.valid else None
        if series.valid:
            return waiting.day * DAY + slot * MINUTE
        if hybrid:
            return None
        tomorrow = waiting.day + 1
        if isinstance(time, Cron):
            day = next_cron_day(time, date_of(tomorrow * DAY))
            return None if day is None else _midnight(day) + series.start * MINUTE
        return tomorrow * DAY + series.start * MINUTE

    def _wake(self, node: Node) -> None:
        """The time of a node has come, or a day it waited for."""
        waiting = self._waiting[node]
        waiting.timer = None
        flow = self.flow(node)
        today = date_of(flow)
        was_held = not self._day_is_free(node)
        for wanted in node.dates:
            wanted.free = wanted.free or date_fits(wanted, today)
        for day in node.days:
            day.free = day.free or (day.date is not None and date(*day.date) <= today)
        if was_held and self._day_is_free(node):
            waiting.day = flow // DAY
            for time in (*node.times, *node.todays, *node.crons):
                if not time.series.relative:
                    self._put_back(time, waiting, flow, or_at=True)
        if self._day_is_free(node):
            clock = self.clock(node)
            for time in (*node.times, *node.todays, *node.crons):
                self._free_if_due(time, waiting, flow, hybrid=clock is not None and clock.hybrid)
            waiting.day = flow // DAY
        self.engine.changes.touch(node)
        self._schedule(node)
        self.engine.consider(node)

    def _free_if_due(self, time: Time, waiting: Waiting, flow: int, *, hybrid: bool) -> None:
        at = None if time.free else self._next_of(time, waiting, hybrid=hybrid)
        if at is not None and at <= flow:
            time.free = True
            time.series.valid = True
        elif not time.free and not time.series.relative and flow // DAY > waiting.day and not hybrid:
            self._put_back(time, waiting, flow, or_at=True)

    def free(self, node: Node, *, times: bool, dates: bool) -> None:
        """Let a node's times, or its dates and days, not hold it until it is put back."""
        if times:
            for time in (*node.times, *node.todays, *node.crons):
                time.free = True
        if dates:
            for wanted in node.dates:
                wanted.free = True
            for day in node.days:
                day.free = True
        self.engine.changes.touch(node)
        if node in self._waiting:
            self._schedule(node)

    def added(self, node: Node) -> None:
        """A time, date or day was added to a node, or taken from it."""
        if has_times(node):
            self.queued(node, is_first=True, after_run=False)
        else:
            self.forget(node)

    def forget(self, node: Node) -> None:
        """A node went."""
        waiting = self._waiting.pop(node, None)
        if waiting is not None and waiting.timer is not None:
            waiting.timer.cancel()
        if isinstance(node, Suite):
            self.clocks.pop(node, None)
            watched = self._watched.pop(node, None)
            if watched is not None and watched[1] is not None:
                watched[1].cancel()

    # -- expressions that name the clock -------------------------------------------------------------------------------

    def watch_clock(self, suite: Suite, *, every_minute: bool) -> None:
        """Expressions name generated variables of a suite that change at midnight, or every minute."""
        known = self._watched.get(suite)
        if known is not None and (known[0] or not every_minute):
            return
        if known is not None and known[1] is not None:
            known[1].cancel()
        self._watch(suite, every_minute)

    def _watch(self, suite: Suite, every_minute: bool) -> None:
        known = self._watched.get(suite)
        if known is not None and known[1] is not None:
            known[1].cancel()
        clock = self.clocks.get(suite)
        timer = None
        if clock is not None and clock.stands_since is None:
            period = MINUTE if every_minute else DAY
            at = (clock.flow(self.engine.now) // period + 1) * period
            timer = self.engine.timers.add(clock.event_time(at), lambda: self._clock_moved(suite))
        self._watched[suite] = (every_minute, timer)

    def _clock_moved(self, suite: Suite) -> None:
        watching = self.engine.watchers.of_clock.get(suite)
        if not watching:
            self._watched.pop(suite, None)
            return
        for node in sorted(watching, key=self.engine.position):
            self.engine.consider(node)
        self._watch(suite, self._watched[suite][0])


def has_times(node: Node) -> bool:
    """Whether a node waits for times at all."""
    return bool(node.times or node.todays or node.crons or node.dates or node.days)


def _midnight(day: date) -> int:
    return day_number(day.year, day.month, day.day) * DAY


__all__ = ["Timekeeper", "Waiting", "has_times", "last_slot"]
