"""What users do to tasks: hold, release, kill, poll, trigger, set, remove. Behaviour as in Cylc 8.5; each says what it
changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..language.definition import EXPIRED, FAILED, STANDARD_OUTPUTS, STARTED, SUBMIT_FAILED, SUBMITTED, SUCCEEDED
from . import proxy as states
from .effects import KillJob, PollJob
from .history import Past
from .outputs import required_outputs
from .prerequisite import FORCED, OutputKey
from .proxy import TaskProxy, flow_text
from .selection import SelectionError, names_a_task, select
from .settable import NothingToSet, output_label, require_outputs, require_prerequisites
from .simulation import skipped_outputs
from .since import HOLD_POINT

if TYPE_CHECKING:
    from .engine import Engine

FINAL_BY_OUTPUT = {
    SUCCEEDED: states.SUCCEEDED,
    FAILED: states.FAILED,
    EXPIRED: states.EXPIRED,
    SUBMIT_FAILED: states.SUBMIT_FAILED,
}
BY_HAND = "(manually completed)"
"""What the record has in place of the message of an output that a user completed."""
EVENT_MESSAGES = {
    SUBMITTED: "job submitted",
    STARTED: "job started",
    SUCCEEDED: "job succeeded",
    FAILED: "job failed",
}
IMPLIED = {
    STARTED: (SUBMITTED,),
    SUCCEEDED: (SUBMITTED, STARTED),
    FAILED: (SUBMITTED, STARTED),
}


class Interventions:
    """Acts on tasks by ID."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.to_hold: set[tuple[int, str]] = set()
        """Instances to hold once they come into the pool."""

    # -- hold and release ----------------------------------------------------------------------------------------------

    def hold(self, tasks: list[str]) -> dict[str, Any]:
        """Keep tasks from being submitted; those not in the pool will be held when they come."""
        chosen = select(self.engine, tasks, inactive=True).require()
        for proxy in chosen.active:
            self._set_held(proxy, True)
        for key in chosen.inactive:
            self._remember_hold(key, True)
        return self._result(chosen.active, chosen.inactive, chosen.unmatched)

    def release(self, tasks: list[str]) -> dict[str, Any]:
        """Let held tasks go."""
        chosen = select(self.engine, tasks, inactive=True).require()
        for proxy in chosen.active:
            self._set_held(proxy, False)
        for key in chosen.inactive:
            self._remember_hold(key, False)
        return self._result(chosen.active, chosen.inactive, chosen.unmatched)

    def set_hold_point(self, point: str) -> dict[str, Any]:
        """Hold everything after a point, now and later."""
        engine = self.engine
        engine.hold_point = engine.definition.cycling.parse(point)
        engine.since.mark(HOLD_POINT)
        text = engine.definition.cycling.format(engine.hold_point)
        engine.changes.parameters["holdcp"] = text
        engine.log("INFO", f"Setting hold cycle point: {text}\nAll tasks after this point will be held.")
        held = [proxy for proxy in list(engine.pool.values()) if proxy.point > engine.hold_point]
        for proxy in held:
            self._set_held(proxy, True)
        return {"point": text, **self._result(held, [], [])}

    def release_hold_point(self) -> dict[str, Any]:
        """Forget the hold point and release every held task."""
        engine = self.engine
        engine.hold_point = None
        engine.changes.parameters["holdcp"] = None
        engine.log("INFO", "Releasing all tasks and removing hold cycle point.")
        released = [proxy for proxy in list(engine.pool.values()) if proxy.is_held]
        for proxy in released:
            self._set_held(proxy, False)
        for key in list(self.to_hold):
            self._remember_hold(key, False)
        return self._result(released, [], [])

    def _set_held(self, proxy: TaskProxy, held: bool) -> None:
        self._remember_hold((proxy.point, proxy.definition.name), False)
        if proxy.is_held is held:
            return
        engine = self.engine
        before = proxy.label()
        proxy.is_held = held
        proxy.held_since = engine.now if held else None
        engine.touch(proxy)
        engine.log("INFO", f"{before} => {proxy.state_text()}")
        if held:
            return
        if proxy.is_queued:
            engine.queues.stir()
        engine.queue_if_ready(proxy)

    def _remember_hold(self, key: tuple[int, str], held: bool) -> None:
        if held == (key in self.to_hold):
            return
        (self.to_hold.add if held else self.to_hold.discard)(key)
        self.engine.changes.held[key] = held
        self.engine.since.hold(f"{self.engine.definition.cycling.format(key[0])}/{key[1]}", held)

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def kill_tasks(self, tasks: list[str]) -> dict[str, Any]:
        """End the jobs of active tasks; they are held too, so that no retry follows."""
        chosen, idle = self._with_jobs(tasks, states.LIVE)
        for proxy in chosen:
            self.engine.kill(proxy)
        return {**self._result(chosen, [], []), "idle": idle}

    def poll_tasks(self, tasks: list[str]) -> dict[str, Any]:
        """Look at the jobs of active tasks."""
        engine = self.engine
        chosen, idle = self._with_jobs(tasks, states.ACTIVE)
        for proxy in chosen:
            if proxy.job is not None and engine.options.run_mode != "simulation":
                waiting = proxy.status == states.SUBMITTED
                engine.effects.append(PollJob(proxy.job_key, proxy.job.job_id, submitted_only=waiting))
        return {**self._result(chosen, [], []), "idle": idle}

    def _with_jobs(self, tasks: list[str], statuses: frozenset[str]) -> tuple[list[TaskProxy], list[str]]:
        """The tasks meant that have a job, and the IDs that mean tasks of the workflow without one just now.

        That a job has ended already is no error: scripts that poll or kill do not know how fast it was. That there is
        no such task is.
        """
        engine = self.engine
        active = select(engine, tasks, inactive=False)
        unknown = [text for text in active.unmatched if not names_a_task(engine, text)]
        if unknown:
            raise SelectionError(f"No tasks match: {', '.join(unknown)}")
        chosen = [proxy for proxy in active.active if proxy.status in statuses]
        idle = [proxy.id for proxy in active.active if proxy.status not in statuses] + active.unmatched
        for text in idle:
            engine.log("WARNING", f"{text} has no active job")
        return chosen, idle

    # -- trigger -------------------------------------------------------------------------------------------------------

    def force_trigger_tasks(
        self,
        tasks: list[str],
        flow: list[str] | None = None,
        flow_wait: bool = False,
        flow_descr: str = "",
    ) -> dict[str, Any]:
        """Run a group of tasks now: prerequisites from within the group are respected, others are forced."""
        engine = self.engine
        chosen = select(engine, tasks, inactive=True).require()
        keys = [(proxy.point, proxy.definition.name) for proxy in chosen.active] + chosen.inactive
        triggered: list[TaskProxy] = []
        skipped: list[str] = []
        default_flows = engine.flows.active()
        for group in self._connected(keys):
            # Groups that have nothing to do with each other begin a new flow each (Cylc 8.5 behaviour).
            flows = engine.flows.meant(flow, description=flow_descr)
            self._trigger_group(group, flows, default_flows, flow_wait, triggered, skipped)
        engine.shutdown.waits_after_restart = False
        return {**self._result(triggered, [], chosen.unmatched), "skipped": skipped}

    def _connected(self, keys: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
        """The tasks in groups that prerequisites connect, each in the order given."""
        members = set(keys)
        neighbours: dict[tuple[int, str], set[tuple[int, str]]] = {key: set() for key in keys}
        for key in keys:
            for parent in self._parents(key):
                other = (parent.point, parent.task)
                if other in members:
                    neighbours[key].add(other)
                    neighbours[other].add(key)
        groups = []
        seen: set[tuple[int, str]] = set()
        for key in keys:
            if key in seen:
                continue
            found, waiting = {key}, [key]
            while waiting:
                new = neighbours[waiting.pop()] - found
                found |= new
                waiting += new
            seen |= found
            groups.append([one for one in keys if one in found] if len(found) > 1 else [key])
        return groups

    def _trigger_group(
        self,
        order: list[tuple[int, str]],
        flows: frozenset[int] | None,
        default_flows: frozenset[int],
        flow_wait: bool,
        triggered: list[TaskProxy],
        skipped: list[str],
    ) -> None:
        engine = self.engine
        group = set(order)
        is_start = {key: not self._has_parent_in(key, group) for key in order}
        # What is to run again must first be as if it had not run, or its successors would not wait for it.
        for key in order:
            proxy = engine.pool.get(key)
            if proxy is None or proxy.is_final:
                wanted = flows if flows is not None else (proxy.flows if proxy is not None else default_flows)
                self._remove_one(key, wanted, proxy, quiet=True)
        for key in order:
            proxy = engine.pool.get(key)
            if proxy is not None and proxy.status in states.LIVE:
                skipped.append(f"{proxy.id} is already {proxy.status}")
                engine.log("WARNING", f"{proxy.label()} ignoring trigger - already active")
                continue
            if proxy is not None and self._has_flow_already(proxy, flows, "trigger"):
                skipped.append(f"{proxy.id} is active in flow {flow_text(proxy.flows)}: not run without a flow")
                continue
            if not is_start[key] and proxy is None and not self._has_parent_outside(key, group):
                continue
            if proxy is None:
                proxy = engine.spawner.spawn(key[1], key[0], default_flows if flows is None else flows, force=True)
                if proxy is None:
                    skipped.append(f"{engine.definition.cycling.format(key[0])}/{key[1]} cannot run")
                    continue
                proxy.flow_wait = flow_wait
            elif flows:
                engine.spawner.merge(proxy, flows)
            self._force_prerequisites(proxy, None if is_start[key] else group)
            triggered.append(proxy)
            if is_start[key]:
                self._run_now(proxy)

    def _has_flow_already(self, proxy: TaskProxy, flows: frozenset[int] | None, what: str) -> bool:
        """Whether something is asked for without a flow of a task that is in one: it is left alone (Cylc 8.5
        behaviour)."""
        if flows is None or flows or not proxy.flows:
            return False
        self.engine.log(
            "WARNING", f"Already active - ignoring no-flow {what}:\n* {proxy.id}: (flows={flow_text(proxy.flows)})"
        )
        return True

    def _has_parent_in(self, key: tuple[int, str], group: set[tuple[int, str]]) -> bool:
        return any((parent.point, parent.task) in group for parent in self._parents(key))

    def _has_parent_outside(self, key: tuple[int, str], group: set[tuple[int, str]]) -> bool:
        start = self.engine.definition.start_point
        return any((parent.point, parent.task) not in group and parent.point >= start for parent in self._parents(key))

    def _parents(self, key: tuple[int, str]) -> Iterable[OutputKey]:
        point, name = key
        for tree in self.engine.graph.nodes[name].trees:
            if tree.dependency.sequence.contains(point):
                for leaf in tree.leaves:
                    parent = point if leaf.offset is None else leaf.offset.parent(point)
                    yield OutputKey(parent, leaf.task, leaf.output)

    def _force_prerequisites(self, proxy: TaskProxy, kept: set[tuple[int, str]] | None) -> list[str]:
        """Satisfy the prerequisites of one instance, and only of it, but for those on parents that are `kept`."""
        engine = self.engine
        forced = []
        for index, prerequisite in enumerate(list(proxy.prerequisites)):
            leaves = [
                leaf
                for leaf, key in enumerate(prerequisite.keys)
                if leaf not in prerequisite.how and not (kept and (key.point, key.task) in kept)
            ]
            if not leaves:
                continue
            own = engine.spawner.make_private(proxy, index)
            proxy.was_forced = True
            for leaf in leaves:
                forced.append(engine.key_text(own.keys[leaf]))
                engine.spawner.satisfy(own, leaf, FORCED)
        return forced

    def _run_now(self, proxy: TaskProxy) -> None:
        """Submit an instance whatever holds it, unless only its queue is full: then it waits there for its turn."""
        engine = self.engine
        was_queued = proxy.is_queued
        proxy.is_manual_submit = True
        proxy.retry_at = None
        proxy.retry_kind = ""
        proxy.execution_retries = proxy.submission_retries = 0
        if proxy.is_held:
            self._set_held(proxy, False)
        self._satisfy_xtriggers(proxy, None)
        engine.external.force(proxy)
        if proxy.is_runahead:
            engine.release_from_runahead(proxy)
        engine.touch(proxy)
        has_room = engine.queues.of(proxy.definition.name).has_room
        if was_queued or has_room:
            if proxy.status == states.WAITING:
                engine.manual.append(proxy)
                engine.changed()
        else:
            engine.queue_if_ready(proxy)

    def _satisfy_xtriggers(self, proxy: TaskProxy, only: str | None) -> None:
        """Take an instance's xtriggers (or the one with a label) as satisfied."""
        waiting = [label for label, satisfied in proxy.xtriggers.items() if not satisfied and only in (None, label)]
        if not waiting:
            return
        proxy.xtriggers.update(dict.fromkeys(waiting, True))
        proxy.was_forced = True
        proxy.xtriggers_unmet -= len(waiting)
        engine = self.engine
        engine.touch(proxy)
        if not proxy.xtriggers_unmet and proxy.is_parentless and engine.xtriggers.is_sequential(proxy):
            engine.spawner.spawn_next_parentless(proxy)

    # -- set -----------------------------------------------------------------------------------------------------------

    def set(
        self,
        tasks: list[str],
        outputs: list[str] | None = None,
        prerequisites: list[str] | None = None,
        flow: list[str] | None = None,
        flow_wait: bool = False,
        flow_descr: str = "",
    ) -> dict[str, Any]:
        """Complete outputs of tasks (the required ones if none is named), or satisfy prerequisites."""
        engine = self.engine
        chosen = select(engine, tasks, inactive=True).require()
        keys = [*((proxy.point, proxy.name) for proxy in chosen.active), *chosen.inactive]
        if outputs:
            require_outputs(engine, keys, outputs)
        elif prerequisites and not any(text == "all" or text.startswith("xtrigger/") for text in prerequisites):
            require_prerequisites(engine, keys, prerequisites, [self._output_key(text) for text in prerequisites])
        flows = engine.flows.meant(flow, description=flow_descr)
        proxies = []
        unknown: list[str] = []
        left_alone: list[str] = []
        done: dict[str, list[str]] = {}
        for proxy in chosen.active:
            if self._has_flow_already(proxy, flows, "set"):
                left_alone.append(f"{proxy.id} is active in flow {flow_text(proxy.flows)}: not set without a flow")
                continue
            if flows:
                engine.spawner.merge(proxy, flows)
            proxies.append(proxy)
        for point, name in chosen.inactive:
            wanted = flows if flows is not None else engine.flows.active()
            # What it waits for matters no more to a task that has run: it does not run again for that.
            spawned = engine.spawner.spawn(name, point, wanted, force=not prerequisites, as_it_ended=not prerequisites)
            if spawned is not None:
                spawned.flow_wait = flow_wait
                proxies.append(spawned)
            elif prerequisites:
                text = f"{engine.definition.cycling.format(point)}/{name}"
                left_alone.append(f"{text} has run already, or cannot run, in flow {flow_text(wanted)}")
        for proxy in proxies:
            if prerequisites:
                done[proxy.id] = self._set_prerequisites(proxy, prerequisites, unknown)
            else:
                done[proxy.id] = self._set_outputs(proxy, outputs or [], unknown)
        engine.shutdown.waits_after_restart = False
        changed = [proxy for proxy in proxies if done[proxy.id] or flows]
        if unknown and not changed and not chosen.inactive and not left_alone:
            raise NothingToSet("; ".join(unknown))
        return {**self._result(changed, [], chosen.unmatched), "skipped": left_alone + unknown, "set": done}

    def _set_outputs(self, proxy: TaskProxy, wanted: list[str], unknown: list[str]) -> list[str]:
        engine = self.engine
        labels: list[str] = []
        for text in wanted or _default_outputs(proxy):
            label = output_label(proxy.definition, text)
            if text == "required":
                labels += required_outputs(proxy)
            elif text == "skip":
                labels += skipped_outputs(engine, proxy)
            elif label is None:
                unknown.append(f"{proxy.id} has no output {text}")
                engine.log("WARNING", f"output {proxy.id}:{text} not found")
            else:
                labels.append(label)
        completed = []
        for label in sorted(labels, key=_output_order):
            for each in (*IMPLIED.get(label, ()), label):
                if each not in proxy.outputs:
                    completed.append(each)
                    engine.log("INFO", f"{proxy.label()} completed output {each}")
                    engine.outcomes.complete(proxy, each, message=None if each == FAILED else BY_HAND)
                    if each == label:
                        message = EVENT_MESSAGES.get(each) or proxy.definition.outputs[each].message
                        engine.outcomes.tell(proxy, each, message)
        final = next((FINAL_BY_OUTPUT[label] for label in labels if label in FINAL_BY_OUTPUT), None)
        if final is not None and proxy.status != final and not proxy.was_removed:
            # A job that is at work goes on: what it has to say later may yet count (Cylc 8.5 behaviour).
            if proxy.status in states.LIVE:
                engine.outcomes.close_job(proxy, engine.now, signal="", run_status=int(final != states.SUCCEEDED))
            proxy.is_queued = proxy.is_runahead = False
            proxy.retry_at = None
            engine.set_status(proxy, final)
        if not proxy.was_removed and proxy.is_final and engine.outcomes.is_complete(proxy):
            engine.remove(proxy, "completed")
        return completed

    def _set_prerequisites(self, proxy: TaskProxy, wanted: list[str], unknown: list[str]) -> list[str]:
        engine = self.engine
        if "all" in wanted:
            forced = self._force_prerequisites(proxy, None)
            forced += [f"xtrigger/{label}" for label, satisfied in proxy.xtriggers.items() if not satisfied]
            self._satisfy_xtriggers(proxy, None)
        else:
            forced = []
            for text in wanted:
                if text.startswith("xtrigger/"):
                    label = text.removeprefix("xtrigger/").partition(":")[0]
                    if label != "all" and label not in proxy.xtriggers:
                        unknown.append(f"{proxy.id} does not wait for {text}")
                        engine.log("WARNING", unknown[-1])
                        continue
                    self._satisfy_xtriggers(proxy, None if label == "all" else label)
                    forced.append(text)
                    continue
                key = self._output_key(text)
                index = next((i for i, one in enumerate(proxy.prerequisites) if key in one.keys), None)
                if index is None:
                    unknown.append(f"{proxy.id} does not depend on {text}")
                    engine.log("WARNING", f"{proxy.label()} does not depend on {text}")
                    continue
                own = engine.spawner.make_private(proxy, index)
                proxy.was_forced = True
                engine.spawner.satisfy(own, own.keys.index(key), FORCED)
                forced.append(engine.key_text(key))
        if proxy.is_runahead and not proxy.unmet:
            engine.runahead.block(proxy)
        engine.queue_if_ready(proxy)
        return forced

    def _output_key(self, text: str) -> OutputKey:
        cycle, _, rest = text.partition("/")
        task, _, output = rest.partition(":")
        return OutputKey(self.engine.definition.cycling.parse(cycle), task, _long(output or SUCCEEDED))

    # -- remove --------------------------------------------------------------------------------------------------------

    def remove_tasks(self, tasks: list[str], flow: list[str] | None = None) -> dict[str, Any]:
        """Take tasks out of flows (all if none is named): out of pool and history, as if they had not run."""
        engine = self.engine
        chosen = select(engine, tasks, inactive=True).require()
        flows = frozenset(int(number) for number in flow or ())
        removed: list[str] = []
        for proxy in chosen.active:
            wanted = flows or proxy.flows
            if wanted & proxy.flows or not proxy.flows:
                removed.append(f"{proxy.id} (flows={flow_text(wanted)})")
                self._remove_one((proxy.point, proxy.definition.name), wanted, proxy)
        for key in chosen.inactive:
            past = engine.history.of(*key)
            wanted = flows or frozenset(number for one in past for number in one.flows)
            if any(one.flows & wanted for one in past):
                removed.append(f"{engine.definition.cycling.format(key[0])}/{key[1]} (flows={flow_text(wanted)})")
                self._remove_one(key, wanted, None)
        if not removed:
            raise SelectionError(f"No task to remove: none of {', '.join(tasks)} is active or has run in these flows")
        engine.log("INFO", f"Removed tasks: {', '.join(removed)}")
        return {"tasks": removed, "unmatched": chosen.unmatched}

    def _remove_one(
        self, key: tuple[int, str], flows: frozenset[int], proxy: TaskProxy | None, *, quiet: bool = False
    ) -> None:
        """Out of the pool and out of history, in some flows; what it satisfied downstream is undone."""
        engine = self.engine
        point, name = key
        outputs = {label for past in engine.history.of(point, name) if past.flows & flows for label in past.outputs}
        if proxy is not None:
            outputs.update(proxy.outputs)
            remaining = proxy.flows - flows
            if remaining:
                proxy.flows = remaining
                engine.touch(proxy)
            else:
                if proxy.status in states.ACTIVE and proxy.job is not None:
                    engine.effects.append(KillJob(proxy.job_key, proxy.job.job_id))
                engine.remove(proxy, "request" if not quiet else "to run again")
        engine.forget(point, name, flows)
        for label in outputs:
            engine.spawner.undo_output(OutputKey(point, name, label), flows)

    def stop_flow(self, number: int) -> dict[str, Any]:
        """Let a flow run out: what is active finishes but spawns nothing, what waits in no other flow is removed."""
        engine = self.engine
        touched = []
        for proxy in list(engine.pool.values()):
            if number not in proxy.flows:
                continue
            touched.append(proxy.id)
            proxy.flows -= {number}
            engine.touch(proxy)
            if not proxy.flows and proxy.status == states.WAITING:
                engine.remove(proxy, "flow stopped")
        if not touched:
            raise SelectionError(f"No active task is in flow {number}")
        return {"flow": number, "tasks": touched}

    def _result(self, active: list[TaskProxy], inactive: list[tuple[int, str]], unmatched: list[str]) -> dict[str, Any]:
        write = self.engine.definition.cycling.format
        for text in unmatched:
            self.engine.log("WARNING", f'No tasks match "{text}"')
        names = [proxy.id for proxy in active] + [f"{write(point)}/{name}" for point, name in inactive]
        return {"tasks": names, "unmatched": unmatched}


def past_of(proxy: TaskProxy, *, is_complete: bool, now: float) -> Past:
    """What is remembered of an instance that leaves the pool now."""
    return Past(
        proxy.flows,
        proxy.status,
        proxy.submit_number,
        frozenset(proxy.outputs),
        is_complete,
        proxy.identity,
        proxy.flow_wait,
        now,
    )


def _default_outputs(proxy: TaskProxy) -> list[str]:
    """What `set` completes if nothing is named: what is required, and success, unless it must fail (Cylc 8.5
    behaviour)."""
    required = list(required_outputs(proxy))
    return required if FAILED in required or SUCCEEDED in required else [*required, SUCCEEDED]


def _output_order(label: str) -> int:
    return STANDARD_OUTPUTS.index(label) if label in STANDARD_OUTPUTS else 3


def _long(output: str) -> str:
    aliases = {
        "succeed": SUCCEEDED,
        "fail": FAILED,
        "start": STARTED,
        "submit": SUBMITTED,
        "submit-fail": SUBMIT_FAILED,
        "expire": EXPIRED,
    }
    return aliases.get(output, output)
