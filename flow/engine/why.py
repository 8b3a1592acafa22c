"""Why a task is not running: a function of the engine's state that changes nothing, so it serves a stopped run too.

`explain` looks at everything that can hold one task and ranks it; what the task waits for is explained in turn, to a
depth. `why_pool` knows what holds a task in the pool, `why_parents` what prerequisites wait for; this module the rest:
tasks outside the pool and the run as a whole. See docs/why.md for the reason codes.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ...exceptions import TidemillError
from . import proxy as states
from .commands import COMMANDS
from .prerequisite import prerequisite_at
from .proxy import TaskProxy, flow_text
from .reasons import MET, NOTE, PERMANENT, SHOWN, TEMPORARY, Explanation, Reason, ranked
from .since import HOLD_POINT, PAUSED, STOP_POINT
from .standing import Standing, is_complete, past_in_flows
from .why_parents import ParentReasons
from .why_pool import AFTER_STOP, PoolReasons

if TYPE_CHECKING:
    from .engine import Engine

DEPTH = 4
"""How many tasks back an explanation goes."""
BUDGET = 200
"""How many tasks one explanation looks at closely."""
STEPS_BACK = 256
"""How many cycles back the predecessor of a task that nothing spawns is looked for."""

_ENGINE_COMMANDS = {
    "trigger": "force_trigger_tasks",
    "set": "set",
    "release": "release",
    "resume": "resume",
    "play": "resume",
    "poll": "poll_tasks",
}
"""Commands that force something, with what the engine calls them: what it does not know is not offered."""

_REGARDLESS = frozenset({"before-start", "beyond-final", "not-on-recurrence", "finished", "removed", "suicided"})
"""Reasons of tasks that would not run if the workflow were played, resumed or released either."""


def explain(
    engine: Engine,
    cycle: str,
    task: str,
    *,
    workflow: str = "WORKFLOW",
    is_running: bool = True,
    now: float | None = None,
) -> Explanation:
    """Tell why a task is not running.

    Args:
        engine: the run as it stands; nothing in it is changed.
        cycle: a cycle point, or ``^`` or ``$`` for the initial or the final one.
        task: the name of a task.
        workflow: ID of the workflow, for the commands that are suggested.
        is_running: whether a scheduler plays it; False for an engine restored from the record of a stopped run.
        now: the time, in seconds since the epoch; the engine's own by default.
    """
    return Inquiry(engine, workflow, is_running=is_running, now=engine.now if now is None else now).answer(cycle, task)


class Inquiry:
    """One question, and what has been looked at so far to answer it."""

    def __init__(self, engine: Engine, workflow: str, *, is_running: bool, now: float) -> None:
        self.engine = engine
        self.workflow = workflow
        self.is_running = is_running
        self.now = now
        self.seen: dict[tuple[int, str], str] = {}
        """Tasks explained already, and whether what holds them is permanent."""
        self.window: str | None = None
        """The same of what holds the runahead window back; None before it was explained."""
        self.budget = BUDGET
        self.pool = PoolReasons(engine, self)
        self.parents = ParentReasons(engine, self)

    # -- the question --------------------------------------------------------------------------------------------------

    def answer(self, cycle: str, task: str) -> Explanation:
        """The whole explanation of one task."""
        engine = self.engine
        definition = engine.definition
        given = {"^": definition.initial_point, "$": definition.final_point}.get(cycle)
        try:
            point = definition.cycling.parse(cycle) if given is None else given
        except TidemillError as error:
            return self._unknown(f"{cycle}/{task}", "unknown-point", str(error))
        identity = self.id(point, task)
        if task not in definition.tasks:
            return self._unknown(identity, "unknown-task", self._no_such_task(task))
        self.seen[point, task] = TEMPORARY
        proxy = engine.pool.get((point, task))
        reasons = self.pool.of(proxy, DEPTH) if proxy is not None else self._outside(point, task)
        if (proxy is None or proxy.status == states.WAITING) and reasons[0].code not in _REGARDLESS:
            reasons += self._of_the_run()
        reasons = ranked(reasons)
        state = proxy.state_text() if proxy is not None else ""
        return Explanation(identity, state, self._summary(identity, proxy, reasons), True, reasons, self.now)

    def _unknown(self, identity: str, code: str, text: str) -> Explanation:
        by = "a definition that has it, once reloaded" if code == "unknown-task" else "a cycle point of this workflow"
        reason = Reason(code, text, PERMANENT, self.engine.since.began, satisfied_by=by)
        return Explanation(identity, "", f"{identity}: {text}", False, [reason], self.now)

    def _no_such_task(self, task: str) -> str:
        definition = self.engine.definition
        if task in definition.families:
            members = [name for name in definition.families[task] if name in definition.tasks]
            return f"{task} is a family: ask for one of its members, such as {', '.join(members[:SHOWN])}"
        from difflib import get_close_matches

        close = get_close_matches(task, list(definition.tasks), n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        return f"there is no task {task or '(no name given)'} in the workflow{hint}"

    def _summary(self, identity: str, proxy: TaskProxy | None, reasons: list[Reason]) -> str:
        state = "not in the run" if proxy is None else proxy.status
        first = reasons[0]
        if proxy is not None and proxy.status != states.WAITING:
            return f"{identity} is {state}: {first.text}"
        others = sum(reason.blocks for reason in reasons) - 1
        more = f" (and {others} more)" if others > 0 else ""
        return f"{identity} is {state}: {first.text}{more}"

    # -- the run as a whole --------------------------------------------------------------------------------------------

    def _of_the_run(self) -> list[Reason]:
        engine = self.engine
        shutdown = engine.shutdown
        found: list[Reason] = []
        if not self.is_running:
            text = "no scheduler plays the workflow; this is how its record left it"
            force = self.command("play", self.workflow)
            left = engine.since.left
            found.append(Reason("not-running", text, PERMANENT, left, satisfied_by="playing it", force=force))
        elif shutdown.requested is not None or shutdown.is_stopped:
            text = "the run is stopping: it submits nothing more"
            force = self.command("play", self.workflow)
            at = shutdown.requested_at
            found.append(Reason("stopping", text, PERMANENT, at, satisfied_by="playing it again", force=force))
        if engine.is_paused:
            text = "the workflow is paused"
            force = self.command("resume", self.workflow)
            at = engine.since.of(PAUSED)
            found.append(Reason("paused", text, PERMANENT, at, satisfied_by="resuming it", force=force))
        if shutdown.is_stalled:
            text = "the workflow is stalled: nothing in it can go on by itself"
            found.append(Reason("stalled", text, NOTE, shutdown.stalled_at, satisfied_by="what lifts a reason above"))
        return found

    # -- outside the pool ----------------------------------------------------------------------------------------------

    def _outside(self, point: int, task: str) -> list[Reason]:
        """Why a task is not in the pool: it cannot be, was, or is not yet."""
        engine = self.engine
        definition = engine.definition
        began = engine.since.began
        if point < definition.start_point:
            text = f"{self.cycle(point)} lies before the start of the run, {self.cycle(definition.start_point)}"
            return [Reason("before-start", text, PERMANENT, began, satisfied_by="a run that starts earlier")]
        if definition.final_point is not None and point > definition.final_point:
            text = f"{self.cycle(point)} lies after the final cycle point, {self.cycle(definition.final_point)}"
            by = "a later final cycle point in the definition"
            return [Reason("beyond-final", text, PERMANENT, began, satisfied_by=by)]
        if not definition.tasks[task].is_valid_at(point):
            sequence = engine.graph.nodes[task].sequence
            near = [one for one in (sequence.previous(point), sequence.next(point)) if one is not None]
            points = " and ".join(map(self.cycle, near))
            text = f"the graph has no {task} at {self.cycle(point)}" + (f"; the nearest are {points}" if near else "")
            by = "a graph that has it there, once reloaded"
            return [Reason("not-on-recurrence", text, PERMANENT, began, satisfied_by=by)]
        past = past_in_flows(engine, point, task)
        if past:
            return [self._was_there(point, task)]
        return self.not_spawned(point, task, DEPTH)

    def _was_there(self, point: int, task: str) -> Reason:
        last = past_in_flows(self.engine, point, task)[-1]
        identity = self.id(point, task)
        again, force = "running it again", self.trigger(identity)
        left = last.left_at
        flow = "" if last.flows == states.FIRST_FLOW else f" in flow {flow_text(last.flows)}"
        triggers = self._fired_suicides(point, task) if not last.is_complete else []
        if triggers:
            text = f"its suicide trigger fired: {'; '.join(triggers)}"
            return Reason("suicided", text, PERMANENT, left, satisfied_by=again, force=force)
        if last.is_final:
            outputs = ", ".join(sorted(last.outputs)) or "none"
            text = f"job {last.submit_number:02d} {last.status}{flow}; completed outputs: {outputs}"
            if last.is_complete:
                return Reason("finished", text, PERMANENT, left, satisfied_by=again, force=force)
            return Reason("removed", f"{text}; then it was removed", PERMANENT, left, satisfied_by=again, force=force)
        text = f"it was removed before it ran{flow}"
        return Reason("removed", text, PERMANENT, left, satisfied_by="running it", force=force)

    def _fired_suicides(self, point: int, task: str) -> list[str]:
        """The suicide triggers of a task at a point as text, if all of them have fired; else nothing."""
        found = []
        for tree in self.engine.graph.nodes[task].suicide_trees:
            if not tree.dependency.sequence.contains(point):
                continue
            standing = Standing(self.engine, tree, prerequisite_at(tree, point), is_spawned=False)
            if standing.of(tree.dependency.expression).kind != MET:
                return []
            found.append(
                " and ".join(self.engine.key_text(key) for key in standing.keys if is_complete(self.engine, key))
            )
        return found

    def not_spawned(self, point: int, task: str, depth: int) -> list[Reason]:
        """Why a task that may still come is not in the pool."""
        engine = self.engine
        identity = self.id(point, task)
        found: list[Reason] = []
        # What has not come has been awaited since the run began.
        began = engine.since.began
        is_after = engine.hold_point is not None and point > engine.hold_point
        if is_after or (point, task) in engine.interventions.to_hold:
            at = engine.since.of(HOLD_POINT) if is_after else engine.since.held(identity)
            found.append(self.pool.held(identity, point, at))
        if engine.graph.is_parentless(task, point):
            return [*found, self._parentless(point, task, depth)]
        stop = engine.runahead.stop_point
        if stop is not None and point > stop:
            found.append(self.pool.beyond_window(identity, point, began, depth))
        children: list[Reason] = []
        is_late = False
        for tree in engine.graph.nodes[task].trees:
            if tree.dependency.sequence.contains(point):
                prerequisite = prerequisite_at(tree, point)
                standing = Standing(engine, tree, prerequisite, is_spawned=False)
                children += self.parents.prerequisite(standing, identity, began, depth)
                is_late = is_late or standing.has_come
                ahead = max((key.point for key in prerequisite.keys), default=point)
                if stop is not None and point <= stop < ahead:
                    text = f"it waits for a task at {self.cycle(ahead)}, beyond the stop point {self.cycle(stop)}"
                    found.append(
                        Reason(
                            "stop-point",
                            text,
                            PERMANENT,
                            engine.since.of(STOP_POINT),
                            satisfied_by=AFTER_STOP,
                            force=self.trigger(identity),
                        )
                    )
        children = ranked(children)
        text = "it has not been spawned: no output that brings it in is complete"
        if is_late:
            text = "it was not brought in, though some of what it waits for is complete"
        blocking = [child for child in children if child.blocks]
        kind = PERMANENT if all(child.kind == PERMANENT for child in blocking) else TEMPORARY
        by = "the first of the outputs below"
        found.append(Reason("not-spawned", text, kind, began, None, by, self.trigger(identity), children=children))
        return found

    def _parentless(self, point: int, task: str, depth: int) -> Reason:
        """Nothing but the passing of cycles brings it in: look at its predecessor, else at the window."""
        engine = self.engine
        identity = self.id(point, task)
        began = engine.since.began
        by_hand = "running it"
        if engine.definition.start_tasks and not engine.pool:
            text = "it has no parents, and the run was started at other tasks"
            force = self.trigger(identity)
            return Reason("not-spawned", text, PERMANENT, began, satisfied_by=by_hand, force=force)
        limit = engine.runahead.limit
        if limit is None or point > limit:
            return self.pool.beyond_window(identity, point, began, depth)
        sequence = engine.graph.nodes[task].sequence
        before = sequence.previous(point)
        for _ in range(STEPS_BACK):
            if before is None or (before, task) in engine.pool:
                break
            before = sequence.previous(before)
        predecessor = engine.pool.get((before, task)) if before is not None else None
        force = self.trigger(identity)
        if predecessor is not None and predecessor.status == states.WAITING:
            text = f"it comes after {predecessor.id}, and that waits"
            by = f"{predecessor.id} being let go"
            reason = Reason("not-spawned", text, since=predecessor.time_created, satisfied_by=by, force=force)
            return self.parents.with_reasons(reason, predecessor.point, task, depth)
        text = "nothing brings it in: it has no parents, and no earlier instance of it leads here"
        return Reason("not-spawned", text, PERMANENT, began, satisfied_by=by_hand, force=force)

    # -- small things --------------------------------------------------------------------------------------------------

    def ended(self, proxy: TaskProxy) -> str:
        """How an instance finished, in words."""
        signal = proxy.job.signal if proxy.job is not None and proxy.status == states.FAILED else ""
        return f"{proxy.status}{f' ({signal})' if signal else ''}"

    def finished_at(self, proxy: TaskProxy) -> float | None:
        """When the latest job of an instance ended."""
        job = proxy.job
        if job is None:
            return proxy.time_updated
        return next((one for one in (job.finished, job.submitted) if one is not None), proxy.time_updated)

    def cycle(self, point: int) -> str:
        """A point as text."""
        return self.engine.definition.cycling.format(point)

    def id(self, point: int, task: str) -> str:
        """``CYCLE/TASK``."""
        return f"{self.cycle(point)}/{task}"

    def target(self, identity: str) -> str:
        """The whole ID of a task, as commands take it."""
        return f"{self.workflow}//{identity}"

    def command(self, name: str, *arguments: str) -> str | None:
        """A command line, if the engine knows the command."""
        if _ENGINE_COMMANDS[name] not in COMMANDS:
            return None
        return shlex.join(["tidemill", name, *arguments])

    def trigger(self, identity: str) -> str | None:
        """The command that runs a task now."""
        return self.command("trigger", self.target(identity))

    def set_or_trigger(self, prerequisite: str, identity: str) -> str | None:
        """The command that sets a prerequisite of a task, else the one that runs it."""
        return self.command("set", f"--pre={prerequisite}", self.target(identity)) or self.trigger(identity)
