"""Plans of commands: what each would do to a run, worked out in a copy of it, and what that rests on."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..exceptions import TidemillError
from .copying import in_a_copy, in_a_copy_blocking
from .engine import commands
from .engine.preview import horizon_of, look_ahead, preview, reachable
from .engine.reloading import check_reload
from .engine.watched import PlanOutdated
from .exceptions import CommandFailed
from .language.config import WorkflowConfig
from .language.definition import WorkflowDefinition
from .language.differences import compare
from .prepare import reread

if TYPE_CHECKING:
    from .plan import RunPlan
    from .scheduler import Scheduler

PLANNED = ("force_trigger_tasks", "set", "remove_tasks", "stop", "reload_workflow")
"""Commands that can be planned."""
LOOK_AHEAD_JOBS = 50_000
LOOK_AHEAD_SECONDS = 10.0
PLANS_KEPT = 50


class Previews:
    """The plans that were made of one run, the latest of them by id."""

    def __init__(self, run: Scheduler) -> None:
        self._run = run
        self._plans: dict[str, dict[str, Any]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def make(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Work out what a command would do; nothing is changed, and the run goes on meanwhile.

        Returns:
            ``id``, ``workflow``, ``command``, ``arguments``, ``made``; ``expecting``: what it rests on; and ``outcome``
            as `engine.preview.preview` and `engine.preview.reachable` tell it, for a reload with ``differences``.

        Raises:
            CommandFailed: the command would be refused.
            PreviewFailed: it could not be worked out.
        """
        if name not in PLANNED:
            raise CommandFailed(f"{name} cannot be planned; these can: {', '.join(PLANNED)}")
        commands.check(self._run.engine, name, arguments)
        run_plan = self._run.plan
        config, definition = None, None
        if name == "reload_workflow":
            config, definition = await self._reread(run_plan)
        async with self._one_at_a_time:
            now = self._run.time()
            plan: dict[str, Any] = await in_a_copy(partial(self._plan, name, arguments, now, config, definition))
        self._plans.pop(plan["id"], None)
        self._plans[plan["id"]] = plan
        while len(self._plans) > PLANS_KEPT:
            del self._plans[next(iter(self._plans))]
        return plan

    def known(self, id: str) -> dict[str, Any]:
        """A plan made before; raises `CommandFailed` if there is none of that id."""
        plan = self._plans.get(id)
        if plan is None:
            raise CommandFailed(
                f"There is no plan {id[:100]!r} in this run of {self._run.workflow}: the scheduler keeps the latest "
                f"{PLANS_KEPT} until it stops. Make it again, or keep it in a file: --plan --json > FILE, --apply FILE"
            )
        return plan

    async def _reread(self, run_plan: RunPlan) -> tuple[WorkflowConfig, WorkflowDefinition]:
        try:
            found = await asyncio.get_running_loop().run_in_executor(None, reread, run_plan)
            check_reload(self._run.engine.definition, found[1])
        except TidemillError as error:
            raise CommandFailed(f"A reload would fail: {error}") from None
        return found

    def _plan(
        self,
        name: str,
        arguments: dict[str, Any],
        now: float,
        config: WorkflowConfig | None,
        definition: WorkflowDefinition | None,
    ) -> dict[str, Any]:
        """In the copy: the whole plan."""
        outcome = self._work_out(name, arguments, now, definition)
        expecting = {**outcome.pop("expecting"), "uuid": self._run.plan.uuid}
        if config is not None:
            expecting["definition"] = [digest(self._run.plan.config), digest(config)]
        plan = {
            "workflow": self._run.workflow,
            "command": name,
            "arguments": {key: value for key, value in arguments.items() if value is not None},
            "expecting": expecting,
            "outcome": outcome,
        }
        made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        return {"id": _fingerprint(plan), "made": made, **plan}

    def _work_out(
        self, name: str, arguments: dict[str, Any], now: float, definition: WorkflowDefinition | None
    ) -> dict[str, Any]:
        """In the copy: do it, look ahead, and beside that look ahead without it."""
        engine = self._run.engine
        old = engine.definition
        horizon = horizon_of(engine, arguments)
        told: dict[str, Any] = {}
        looks = name != "stop" or not _stops_at_once(arguments)
        baseline = in_a_copy_blocking(partial(look_ahead, engine, horizon, may_go_on=patience())) if looks else {}
        told = preview(engine, name, arguments, now=now, definition=definition)
        if "refused" in told:
            raise CommandFailed(told["refused"])
        if looks:
            ahead = look_ahead(engine, horizon, may_go_on=patience(), killed=told["killed"])
            told["reachable"] = reachable(baseline, ahead, told, old.cycling.format(horizon))
        if definition is not None:
            told["differences"] = compare(old, definition).to_dict()
        return told


def patience(seconds: float = LOOK_AHEAD_SECONDS, jobs: int = LOOK_AHEAD_JOBS) -> Callable[[int], bool]:
    """Whether to look further ahead: for so many jobs, and so many seconds from now."""
    deadline = time.monotonic() + seconds
    return lambda seen: seen < jobs and time.monotonic() < deadline


def check_same_run(run_plan: RunPlan, expecting: Mapping[str, Any] | None) -> None:
    """Refuse a plan that was made of another run; raises `PlanOutdated`."""
    if expecting and expecting.get("uuid", run_plan.uuid) != run_plan.uuid:
        raise PlanOutdated(
            f"The plan was made of another run, not of {run_plan.workflow} as it was installed last. Nothing was done"
        )


def check_same_definition(old: WorkflowConfig, new: WorkflowConfig, expecting: Mapping[str, Any]) -> None:
    """Refuse the plan of a reload that goes from another definition, or to another; raises `PlanOutdated`."""
    found = [digest(old), digest(new)]
    if expecting.get("definition", found) != found:
        if found[:1] != list(expecting["definition"])[:1]:
            moved = "The definition that runs is not the one the plan was made on"
        else:
            moved = "The files of the workflow have changed since the plan was made"
        raise PlanOutdated(f"{moved}. Nothing was done. Make a new plan.")


def digest(config: WorkflowConfig) -> str:
    """What tells one text of a definition from another, templates filled in."""
    return hashlib.sha256(config.processed_text.encode()).hexdigest()[:16]


def _fingerprint(plan: Mapping[str, Any]) -> str:
    """The same for plans of the same command that rest on the same state."""
    rests_on = {key: plan[key] for key in ("workflow", "command", "arguments", "expecting")}
    return hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()[:12]


def _stops_at_once(arguments: Mapping[str, Any]) -> bool:
    later = ("cycle_point", "clock_time", "task", "flow")
    return all(arguments.get(key) is None for key in later)
