"""What a plan rests on: how the tasks and the run it concerns stand, as texts that people read and programs compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...exceptions import TidemillError
from . import proxy as states
from .proxy import FIRST_FLOW, TaskProxy, flow_text
from .selection import SelectionError, select

if TYPE_CHECKING:
    from .engine import Engine

NAMES_SHOWN = 3
SHOWN_MOVED = 10


class PlanOutdated(TidemillError):
    """The run has moved since the plan was made."""


def look(engine: Engine, point: int, name: str) -> str:
    """How a task stands: ``running, job 2``, ``waiting, waits for 1/a:succeeded``, ``not active, succeeded``."""
    proxy = engine.pool.get((point, name))
    if proxy is not None:
        return look_at(engine, proxy)
    past = [one for one in engine.history.of(point, name) if one.flows]
    if not past:
        return "not active"
    return "not active, " + "; ".join(f"{one.status if one.is_final else 'removed'}{_flows(one.flows)}" for one in past)


def look_at(engine: Engine, proxy: TaskProxy) -> str:
    """The same of an instance in the pool."""
    parts = [f"{proxy.state_text()}{_flows(proxy.flows)}"]
    if proxy.submit_number:
        parts.append(f"job {proxy.submit_number}")
    if proxy.unmet and proxy.status == states.WAITING:
        keys = [
            key
            for prerequisite in proxy.prerequisites
            if not prerequisite.is_met
            for key in prerequisite.unsatisfied_keys()
        ]
        if len(keys) <= NAMES_SHOWN:
            parts.append(f"waits for {', '.join(map(engine.key_text, keys))}")
        else:
            parts.append(f"waits for {len(keys)} outputs")
    if proxy.xtriggers_unmet:
        waiting = [label for label, satisfied in proxy.xtriggers.items() if not satisfied]
        parts.append(f"waits for {', '.join('@' + label for label in waiting)}")
    if proxy.retry_at is not None:
        parts.append("waits to try again")
    return ", ".join(parts)


def _flows(flows: frozenset[int]) -> str:
    return "" if flows == FIRST_FLOW else f" (flows={flow_text(flows)})"


def run_facts(engine: Engine, name: str, arguments: Mapping[str, Any]) -> dict[str, str]:
    """What of the run as a whole a command rests on: what its IDs select, the active flows, what is active."""
    facts = {
        "paused": "yes" if engine.is_paused else "no",
        "stopping": engine.shutdown.requested or "no",
    }
    if tasks := arguments.get("tasks"):
        facts["selected"] = _selected(engine, tasks)
    if name in ("force_trigger_tasks", "set"):
        facts["active flows"] = flow_text(engine.flows.active())
    if name == "stop":
        facts["active jobs"] = ", ".join(
            str(proxy.job_key) for proxy in engine.pool.values() if proxy.status in states.LIVE
        )
    return facts


def _selected(engine: Engine, tasks: list[str]) -> str:
    try:
        chosen = select(engine, tasks, inactive=True)
    except SelectionError as error:
        return str(error)
    write = engine.definition.cycling.format
    return ", ".join(
        sorted([proxy.id for proxy in chosen.active] + [f"{write(point)}/{name}" for point, name in chosen.inactive])
    )


def check_unmoved(engine: Engine, name: str, arguments: Mapping[str, Any], expecting: Mapping[str, Any]) -> None:
    """Refuse a command whose plan was made on another state; raises `PlanOutdated` that says what has moved.

    Args:
        expecting: of the plan: ``run`` (`run_facts`) and ``tasks`` (`look` by ``CYCLE/TASK``).
    """
    moved = []
    facts = run_facts(engine, name, arguments)
    for what, expected in dict(expecting.get("run") or {}).items():
        found = facts.get(what, "")
        if found != expected:
            moved.append(f"{what}: was {expected or 'none'}, is now {found or 'none'}")
    for text, expected in dict(expecting.get("tasks") or {}).items():
        cycle, _, task = str(text).partition("/")
        found = look(engine, engine.definition.cycling.parse(cycle), task)
        if found != expected:
            moved.append(f"{text}: was {expected}, is now {found}")
    if moved:
        more = [f"and {len(moved) - SHOWN_MOVED} more"] if len(moved) > SHOWN_MOVED else []
        raise PlanOutdated(
            "\n  ".join(["The run has moved since the plan was made:", *moved[:SHOWN_MOVED], *more])
            + "\nNothing was done. Make a new plan."
        )
