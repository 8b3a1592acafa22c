"""What a command would do, found by doing it: for a copy of an engine, which is used up by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..language.definition import WorkflowDefinition
from . import proxy as states
from .effects import CallXtrigger, KillJob, StopScheduler
from .engine import Engine, Turn
from .events import Command, JobKey, Tick
from .foresight import foresee
from .outcomes import SKIPPED
from .proxy import TaskProxy
from .reloading import check_reload
from .watched import look, look_at, run_facts

SLICE_STEPS = 1000
COMMAND_ID = "preview"


def preview(
    engine: Engine, name: str, arguments: Mapping[str, Any], *, now: float, definition: WorkflowDefinition | None = None
) -> dict[str, Any]:
    """Carry out a command on a copy of a run, and tell what came of it at once.

    Args:
        engine: a copy that nobody needs afterwards, but `look_ahead` may be asked of it.
        name: of the command, as `commands.check` accepts it.
        arguments: of the command.
        now: seconds since the epoch.
        definition: what a reload puts in place.

    Returns:
        ``result`` (what the command would answer) or ``refused``; ``expecting``: what the plan rests on; and lists of
        ``CYCLE/TASK`` or ``CYCLE/TASK/NN``: ``runs``, ``killed``, ``orphaned``, ``left`` (jobs that go on without a
        scheduler), ``awaited`` (jobs the scheduler waits for), ``removed``, ``finished``; ``entered``: task and state
        of what comes into the pool; ``changed``: task, before and after of what stays; ``calls``: functions of external
        triggers; ``says``: warnings; ``ends``: how the run ends, if it does at once.
    """
    if definition is not None:
        check_reload(engine.definition, definition)
    _settle(engine, Tick(now))
    engine.take()
    facts = run_facts(engine, name, arguments)
    before = {(proxy.point, proxy.name): look_at(engine, proxy) for proxy in engine.pool.values()}
    engine.next_definition = definition
    history = {key: look(engine, *key) for key in _named(engine, facts)}
    _settle(engine, Command(engine.now, name, dict(arguments), COMMAND_ID))
    turn = engine.take()
    result = engine.results.pop(COMMAND_ID, {})
    if "refused" in result:
        return {"refused": result["refused"]}
    return _told(engine, turn, result, name, facts, before, history)


def _told(
    engine: Engine,
    turn: Turn,
    result: dict[str, Any],
    name: str,
    facts: dict[str, str],
    before: Mapping[tuple[int, str], str],
    history: Mapping[tuple[int, str], str],
) -> dict[str, Any]:
    killed = list(dict.fromkeys(effect.key for effect in turn.effects if isinstance(effect, KillJob)))
    submitted = [proxy for proxy in turn.changes.jobs if _was_submitted(proxy, engine.now)]
    orphaned = [
        proxy.job_key
        for proxy in turn.changes.proxies
        if proxy.was_removed and proxy.status in states.LIVE and proxy.job_key not in killed
    ]
    orphaned += [
        proxy.job_key for text in result.get("orphaned", ()) if (proxy := engine.find(*text.split("/", 1))) is not None
    ]
    entered: list[dict[str, str]] = []
    removed: list[str] = []
    finished: list[str] = []
    changed: list[dict[str, str]] = []
    expecting: dict[str, str] = {}
    for proxy in _touched(turn):
        key = (proxy.point, proxy.name)
        was = before.get(key) or history.get(key, "")
        is_new = engine.pool.get(key) is proxy and key not in before
        if is_new:
            entered.append({"task": proxy.id, "state": look_at(engine, proxy)})
            was = was or look_before_spawn(engine, proxy)
        elif proxy.was_removed and key in before and key not in engine.pool:
            (finished if proxy.is_final else removed).append(proxy.id)
        elif not proxy.was_removed and (after := look_at(engine, proxy)) != was:
            changed.append({"task": proxy.id, "before": was, "after": after})
        if was:
            expecting[proxy.id] = was
    for key, text in history.items():
        expecting.setdefault(f"{engine.definition.cycling.format(key[0])}/{key[1]}", text)
    if name == "reload_workflow":
        # That the definition of a task changes concerns nobody who watches its state.
        gone = {*removed, *(text for text in result.get("orphaned", ()))}
        expecting = {text: was for text, was in expecting.items() if text in gone}
        changed = []
    live = [proxy.job_key for proxy in engine.pool.values() if proxy.status in states.LIVE]
    stopping = engine.shutdown.requested if name == "stop" else None
    ends = next((effect.reason for effect in turn.effects if isinstance(effect, StopScheduler)), None)
    return {
        "result": result,
        "expecting": {"run": facts, "tasks": expecting},
        "runs": [str(proxy.job_key) for proxy in submitted],
        "killed": _texts(killed),
        "orphaned": _texts(orphaned),
        "left": _texts(live) if stopping and ends else [],
        "awaited": _texts(key for key in live if key not in killed) if stopping and not ends else [],
        "calls": sorted({effect.function for effect in turn.effects if isinstance(effect, CallXtrigger)}),
        "entered": entered,
        "removed": removed,
        "finished": finished,
        "changed": changed,
        "ends": ends,
        "says": [
            text
            for level, text, _ in turn.log
            # Jobs of tasks that are removed are listed by what becomes of them.
            if level in ("WARNING", "ERROR", "CRITICAL") and "removed while its job is active" not in text
        ],
    }


def look_before_spawn(engine: Engine, proxy: TaskProxy) -> str:
    """How an instance stood that a command brought into the pool: in the past, if at all."""
    past = [one for one in engine.history.of(proxy.point, proxy.name) if one.flows]
    if not past:
        return "not active"
    del engine.pool[proxy.point, proxy.name]
    try:
        return look(engine, proxy.point, proxy.name)
    finally:
        engine.pool[proxy.point, proxy.name] = proxy


def horizon_of(engine: Engine, arguments: Mapping[str, Any]) -> int:
    """How far it is worth looking ahead: the runahead limit, or the last cycle that a command names."""
    points = [engine.definition.start_point]
    if engine.runahead.limit is not None:
        points.append(engine.runahead.limit)
    if arguments.get("tasks"):
        points += [point for point, _ in _named(engine, run_facts(engine, "", arguments))]
    return max(points)


def look_ahead(
    engine: Engine, horizon: int, *, may_go_on: Callable[[int], bool], killed: Iterable[str] = ()
) -> dict[str, Any]:
    """The tasks that would come to run up to a cycle point if all went well, and whether that is all of them."""
    ended = []
    for text in killed:
        cycle, task, number = text.split("/")
        ended.append(JobKey(cycle, task, int(number)))
    seen = foresee(engine, horizon, may_go_on=may_go_on, ended=ended)
    return {"tasks": list(seen.tasks), "is_complete": seen.is_complete}


def reachable(
    baseline: Mapping[str, Any], ahead: Mapping[str, Any], told: Mapping[str, Any], cycle: str
) -> dict[str, Any]:
    """The difference between two looks ahead: what only the command would let run, and what it would keep from it.

    Args:
        baseline: `look_ahead` without the command.
        ahead: with it.
        told: what `preview` told: the jobs that the command itself runs are not news.
        cycle: of the horizon, as text.
    """
    runs = {text.rpartition("/")[0] for text in told["runs"]}
    before, after = dict.fromkeys(baseline["tasks"]), dict.fromkeys(ahead["tasks"])
    return {
        "up_to": cycle,
        "is_complete": baseline["is_complete"] and ahead["is_complete"],
        "new": [task for task in after if task not in before and task not in runs],
        "lost": [task for task in before if task not in after and task not in runs],
    }


def _settle(engine: Engine, event: Tick | Command) -> None:
    engine.handle(event)
    while not engine.advance(SLICE_STEPS):
        pass


def _named(engine: Engine, facts: Mapping[str, str]) -> list[tuple[int, str]]:
    named = []
    for text in facts.get("selected", "").split(", "):
        cycle, _, name = text.partition("/")
        if name in engine.definition.tasks:
            named.append((engine.definition.cycling.parse(cycle), name))
    return named


def _touched(turn: Turn) -> list[TaskProxy]:
    return list({**turn.changes.proxies, **turn.changes.with_prerequisites()})


def _was_submitted(proxy: TaskProxy, now: float) -> bool:
    job = proxy.job
    return job is not None and job.prepared == now and (job.finished is None or job.platform == SKIPPED)


def _texts(keys: Iterable[JobKey]) -> list[str]:
    return list(dict.fromkeys(map(str, keys)))
