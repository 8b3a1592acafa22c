"""Why a prerequisite is not met: groups counted, outputs one by one, and what has become of the tasks behind them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..language.definition import FAILED, STARTED, SUBMITTED, SUCCEEDED, All, Expression, Leaf, leaves
from . import proxy as states
from .prerequisite import FORCED, OutputKey
from .proxy import flow_text
from .reasons import MET, PERMANENT, SHOWN, TEMPORARY, Reason, and_more, ranked, take_kind
from .standing import NOT_SPAWNED, OTHER_FLOW, Standing, exists_at, past_in_flows, task_of

if TYPE_CHECKING:
    from .engine import Engine
    from .why import Inquiry


class ParentReasons:
    """The reasons behind prerequisites."""

    def __init__(self, engine: Engine, inquiry: Inquiry) -> None:
        self.engine = engine
        self.inquiry = inquiry

    def prerequisite(self, standing: Standing, child: str, since: float | None, depth: int) -> list[Reason]:
        """The lines of one dependency: a line for each term that a user would call a prerequisite."""
        dependency = standing.tree.dependency
        root = dependency.expression
        split = isinstance(root, All) and not dependency.conditional and standing.family(root) is None
        terms = root.terms if split and isinstance(root, All) else (root,)
        location = str(dependency.location) if dependency.location is not None else None
        found = []
        for term in terms:
            reason = self._term(standing, term, child, depth)
            reason.location = location
            _waiting_since(reason, since)
            found.append(reason)
        return found

    def _term(self, standing: Standing, term: Expression, child: str, depth: int) -> Reason:
        if task_of(term) is not None:
            return self._output(standing, term, child, depth)
        assert not isinstance(term, Leaf)
        is_all = isinstance(term, All)
        states_of = [(one, standing.of(one)) for one in term.terms]
        met = sum(one.kind == MET for _, one in states_of)
        total = len(states_of)
        family = standing.family(term)
        kind = standing.of(term).kind
        need = "all are needed" if is_all else "one is enough"
        if family is not None:
            first = next(leaves(term))
            outputs = "|".join(dict.fromkeys(leaf.output for leaf in leaves(term)))
            text = f"{met} of {total} members of {self.inquiry.cycle(standing.key(first).point)}/{family}:{outputs}"
        else:
            text = f"{met} of {total} {'prerequisites that belong together' if is_all else 'alternatives'}"
        reason = Reason("prerequisite-met" if kind == MET else "prerequisite-unmet", text, kind, met=met, total=total)
        if kind == MET:
            return reason
        unmet = [(one, standing_of) for one, standing_of in states_of if standing_of.kind != MET]
        words = Counter(standing_of.word for _, standing_of in unmet)
        rest = ", ".join(f"{count} {word}" for word, count in words.most_common())
        reason.text = f"{text} ({need}); the others: {rest}"
        if all(word == NOT_SPAWNED for word in words) and not met:
            reason.code = "prerequisite-not-evaluated"
        reason.satisfied_by = "the outputs that are missing" if is_all else "any of the outputs"
        reason.force = self.inquiry.trigger(child)
        unmet.sort(key=lambda pair: (pair[1].kind != PERMANENT, pair[1].word == NOT_SPAWNED))
        reason.children = [self._term(standing, one, child, depth) for one, _ in unmet[:SHOWN]]
        and_more(reason, len(unmet) - SHOWN)
        take_kind(reason, is_all=is_all)
        return reason

    def _output(self, standing: Standing, term: Expression, child: str, depth: int) -> Reason:
        """The line of one output, or of several of one task: ``1/a:succeeded``, ``1/a:succeeded|failed``."""
        keys = standing.keys_of(term)
        key = keys[0]
        sign = "&" if isinstance(term, All) else "|"
        name = f"{self.inquiry.id(key.point, key.task)}:{sign.join(dict.fromkeys(one.output for one in keys))}"
        stands = standing.of(term)
        if stands.kind == MET:
            forced = any(standing.how_met(leaf) == FORCED for leaf in leaves(term))
            before = key.point < self.engine.definition.start_point
            how = ", as it was set" if forced else ", as it lies before the start" if before else ""
            return Reason("prerequisite-met", f"{name} is met{how}", MET, self._completed_at(key))
        code = "prerequisite-not-evaluated" if stands.word == NOT_SPAWNED else "prerequisite-unmet"
        reason = Reason(code, f"{name} is not complete", stands.kind, satisfied_by=name)
        reason.force = self.inquiry.set_or_trigger(self.engine.key_text(key), child)
        if stands.word == OTHER_FLOW:
            reason.children = [self._other_flow(key)]
        else:
            reason.children = [self.parent(key.point, key.task, key.output, depth)]
        take_kind(reason, is_all=True)
        return reason

    def _other_flow(self, key: OutputKey) -> Reason:
        proxy = self.engine.pool.get((key.point, key.task))
        flows = [proxy.flows] if proxy is not None else [past.flows for past in self.engine.history.of(*key[:2])]
        where = " and ".join(f"flow {flow_text(one)}" if one else "no flow" for one in flows)
        identity = self.inquiry.id(key.point, key.task)
        text = f"{identity} runs or ran in {where}: what it completes there does not count here"
        left = [past.left_at for past in self.engine.history.of(*key[:2])]
        at = proxy.time_created if proxy is not None else left[-1] if left else None
        by = "its running in a flow that counts"
        return Reason("other-flow", text, PERMANENT, at, satisfied_by=by, force=self.inquiry.trigger(identity))

    def parent(self, point: int, task: str, output: str, depth: int) -> Reason:
        """What has become of a task that should complete an output."""
        engine = self.engine
        identity = self.inquiry.id(point, task)
        proxy = engine.pool.get((point, task))
        force = self.inquiry.trigger(identity)
        again = "running it again"
        if proxy is not None and proxy.status == states.WAITING:
            text = f"{identity} is waiting"
            reason = Reason("parent-waiting", text, since=proxy.time_created, satisfied_by="its running", force=force)
            return self.with_reasons(reason, point, task, depth)
        if proxy is not None and proxy.is_final:
            code = "parent-incomplete" if proxy.status == states.SUCCEEDED else "parent-failed"
            text = f"{identity} {self.inquiry.ended(proxy)}"
            return Reason(code, text, PERMANENT, self.inquiry.finished_at(proxy), satisfied_by=again, force=force)
        if proxy is not None:
            active = self.inquiry.pool.active(proxy)
            text = f"{identity}: {active.text}"
            return Reason("parent-active", text, TEMPORARY, active.since, satisfied_by="its end", force=active.force)
        past = past_in_flows(engine, point, task)
        if past:
            last = past[-1]
            left = last.left_at
            if not last.is_final:
                text = f"{identity} was removed before it ran"
                return Reason("parent-removed", text, PERMANENT, left, satisfied_by="running it", force=force)
            text = f"{identity} {last.status} without completing {output}"
            code = "parent-incomplete" if last.status == states.SUCCEEDED else "parent-failed"
            return Reason(code, text, PERMANENT, left, satisfied_by=again, force=force)
        if not exists_at(engine, task, point):
            text = f"{identity} never runs: the graph or the run has no such point"
            by = "a graph that has it, once reloaded"
            return Reason("parent-impossible", text, PERMANENT, engine.since.began, satisfied_by=by)
        text, by = f"{identity} has not been spawned", "the outputs it waits for"
        reason = Reason("parent-not-spawned", text, since=engine.since.began, satisfied_by=by, force=force)
        return self.with_reasons(reason, point, task, depth)

    def with_reasons(self, reason: Reason, point: int, task: str, depth: int) -> Reason:
        """A parent with what holds it back in turn, unless that was told already or lies too deep."""
        inquiry = self.inquiry
        if (point, task) in inquiry.seen:
            reason.text += " (explained above)"
            reason.kind = inquiry.seen[point, task]
            return reason
        if depth <= 0 or inquiry.budget <= 0:
            return reason
        inquiry.seen[point, task] = TEMPORARY
        inquiry.budget -= 1
        proxy = self.engine.pool.get((point, task))
        if proxy is not None:
            found = inquiry.pool.waiting(proxy, depth - 1)
        else:
            found = []
            for one in inquiry.not_spawned(point, task, depth - 1):
                # That it was not spawned has been said.
                found += one.children if one.code == "not-spawned" else [one]
        reason.children = [one for one in ranked(found) if one.blocks]
        take_kind(reason, is_all=True)
        inquiry.seen[point, task] = reason.kind
        return reason

    def _completed_at(self, key: OutputKey) -> float | None:
        """When an output was completed, where the latest job of an instance in the pool tells."""
        proxy = self.engine.pool.get((key.point, key.task))
        if proxy is None or proxy.job is None or key.output not in proxy.outputs:
            return None
        job = proxy.job
        times = {SUBMITTED: job.submitted, STARTED: job.started, SUCCEEDED: job.finished, FAILED: job.finished}
        return times.get(key.output)


def _waiting_since(reason: Reason, since: float | None) -> None:
    """Since when a child has waited for an output or a group of them: the same for every member."""
    if reason.code.startswith("prerequisite-") and reason.blocks:
        if reason.since is None:
            reason.since = since
        for child in reason.children:
            _waiting_since(child, since)
