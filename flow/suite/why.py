"""Why a node does not run: the lines ecFlow's `why` prints, and the same as an explanation with what would lift it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..engine.reasons import NOTE, PERMANENT, TEMPORARY, Explanation, Reason
from .calendar import MINUTE, date_of
from .expression_tree import Expression as Tree
from .expressions import references
from .nodes import Defs, Node, Submittable, Suite
from .slots import MINUTES_OF_DAY
from .states import Flag, ServerState, State
from .times import DAY_NAMES, Time
from .watching import absolute

if TYPE_CHECKING:
    from .engine import SuiteEngine

DEPTH = 3
"""How many nodes back an explanation goes."""
WAITS = (State.QUEUED, State.ABORTED)


def why_lines(engine: SuiteEngine, path: str = "/") -> list[str]:
    """One line for everything that holds a node, those above it and those below it (ecFlow's ``why``)."""
    lines: list[str] = []
    defs = engine.defs
    if defs.server_state is not ServerState.RUNNING:
        lines.append(f"The server is {defs.server_state.value}")
    if path in ("", "/"):
        if defs.state not in WAITS:
            lines.append(f"The definition state({defs.state.word}) is not queued or aborted.")
        for suite in defs.suites:
            _below(engine, suite, lines)
        return lines
    node = defs.find(path)
    if node is None:
        return [f"could not find node at path '{path}'"]
    above: list[Node] = []
    place = node.parent
    while isinstance(place, Node):
        above.append(place)
        place = place.parent
    for holder in reversed(above):
        lines += _own_lines(engine, holder)
    _below(engine, node, lines)
    return lines


def _below(engine: SuiteEngine, top: Node, lines: list[str]) -> None:
    """The lines of a node and of what it lets be looked at."""
    stack = [top]
    while stack:
        node = stack.pop()
        lines += _own_lines(engine, node)
        if node.state in WAITS and not node.suspended and not isinstance(node, Submittable):
            stack.extend(reversed(node.children))


def _own_lines(engine: SuiteEngine, node: Node) -> list[str]:
    kind = node.kind.upper()
    if isinstance(node, Suite) and not node.begun:
        return [f"{kind}:{node.path} has not begun"]
    if node.suspended:
        return [f"{kind}:{node.path} is suspended"]
    if node.state not in WAITS:
        return [f"{kind}:{node.path} ({node.state.word}) is not queued or aborted"]
    lines = []
    if Flag.ARCHIVED in node.flags:
        lines.append(f"{kind}:{node.path} is archived")
    if isinstance(node, Submittable) and node.state is State.ABORTED and not engine.lifecycle.may_retry(node):
        lines.append(f"{kind}:{node.path} is aborted, and is not tried again")
    title = f"{kind} {node.path}({node.state.word})"
    lines += [f"{title} {text}" for text in time_texts(engine, node)]
    trigger = node.trigger
    if trigger is not None and not engine.releasing.is_triggered(node):
        text = cast(Tree, trigger.tree).shown(engine.lookup(node))
        lines.append(f"{title} expression ({text}) is false")
    full = engine.limits.full(node)
    if full is not None:
        lines.append(f"{title} limit {full[1].name} of {full[0].path} is full ({full[1].value}/{full[1].maximum})")
    return lines


def time_texts(engine: SuiteEngine, node: Node) -> list[str]:
    """What times, dates and days hold a node, in words; nothing if none does."""
    keeper = engine.timekeeper
    if keeper.is_free(node):
        return []
    flow = keeper.flow(node)
    now = date_of(flow)
    at = keeper.next_change(node)
    texts = []
    if node.dates and not any(one.free for one in node.dates):
        when = "" if at is None else f" next run on {date_of(at):%Y-%b-%d}"
        texts.append(f"is date dependent ({when} the current date is {now.day}/{now.month}/{now.year} )")
    if node.days and not any(one.free for one in node.days):
        names = ", ".join(DAY_NAMES[one.day] for one in node.days)
        when = "" if at is None else f" {date_of(at):%Y-%b-%d}"
        texts.append(
            f"is day dependent ( next run on {names}{when} the current day is {DAY_NAMES[now.isoweekday() % 7]} )"
        )
    if texts:
        return texts
    times: tuple[Time, ...] = (*node.times, *node.todays, *node.crons)
    if times and not any(one.free for one in times):
        clock = f"{flow // MINUTE % MINUTES_OF_DAY // 60:02}:{flow // MINUTE % 60:02}"
        if at is None:
            return [f"is time dependent ( no time of it is left today, current suite time is {clock} )"]
        moment = f"{at // MINUTE % MINUTES_OF_DAY // 60:02}:{at // MINUTE % 60:02}"
        day = "" if date_of(at) == now else f" {date_of(at):%Y-%b-%d}"
        texts.append(f"is time dependent ( next run time is {moment}{day}, current suite time is {clock} )")
    return texts


def explain(engine: SuiteEngine, path: str, depth: int = DEPTH) -> Explanation:
    """Tell why a node is not running: what holds it, what lifts that, and the command that goes past it.

    Nothing of the engine is changed.
    """
    node = engine.defs.find(path)
    if node is None:
        text = f"there is no node {path}"
        return Explanation(path, "", text, False, [Reason("unknown-task", text, PERMANENT)], engine.now)
    reasons = _reasons(engine, node, depth)
    state = "suspended" if node.suspended else node.state.word
    blocking = [reason for reason in reasons if reason.blocks]
    first = blocking[0] if blocking else reasons[0]
    more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
    return Explanation(path, state, f"{path} is {state}: {first.text}{more}", True, reasons, engine.now)


def _reasons(engine: SuiteEngine, node: Node, depth: int) -> list[Reason]:
    if not node.suspended and node.state in (State.ACTIVE, State.SUBMITTED):
        code = "running" if node.state is State.ACTIVE else "preparing"
        return [Reason(code, f"it is {node.state.word}", NOTE)]
    if node.state is State.COMPLETE:
        how = "a complete expression made it so" if Flag.BY_RULE in node.flags else "it has run, or was made so"
        return [Reason("finished", f"it is complete: {how}", PERMANENT, force=f"requeue {node.path}")]
    found: list[Reason] = []
    defs = engine.defs
    if defs.server_state is not ServerState.RUNNING:
        text = f"the server is {defs.server_state.value}"
        found.append(Reason("not-running", text, PERMANENT, satisfied_by="restarting it", force="restart"))
    above: list[Node] = []
    place: Node | Defs | None = node
    while isinstance(place, Node):
        above.append(place)
        place = place.parent
    for holder in reversed(above):
        found += _own_reasons(engine, holder, node, depth)
    return found or [Reason("ready", "nothing holds it back", NOTE)]


def _own_reasons(engine: SuiteEngine, holder: Node, node: Node, depth: int) -> list[Reason]:
    """What of one node holds it and all below it."""
    who = "it" if holder is node else holder.path
    found = []
    if isinstance(holder, Suite) and not holder.begun:
        found.append(Reason("not-running", f"{who} has not begun", PERMANENT, force=f"begin {holder.name}"))
    if holder.suspended:
        found.append(Reason("held", f"{who} is suspended", PERMANENT, force=f"resume {holder.path}"))
    if Flag.ARCHIVED in holder.flags:
        found.append(Reason("removed", f"{who} is archived", PERMANENT, force=f"restore {holder.path}"))
    if holder is not node and holder.state is State.COMPLETE:
        found.append(Reason("finished", f"{who} is complete", PERMANENT, force=f"requeue {holder.path}"))
    if isinstance(holder, Submittable) and holder.state is State.ABORTED and not engine.lifecycle.may_retry(holder):
        reason = f": {holder.aborted_reason}" if holder.aborted_reason else ""
        text = f"it aborted in try {holder.try_number}, and is not tried again{reason}"
        found.append(Reason("incomplete", text, PERMANENT, force=f"requeue {holder.path}"))
    if holder.state is State.UNKNOWN and not holder.children:
        text = f"{who} is unknown: it was not queued"
        found.append(Reason("not-spawned", text, PERMANENT, force=f"requeue {holder.path}"))
    for text in time_texts(engine, holder):
        at = engine.timekeeper.next_change(holder)
        until = None if at is None else engine.timekeeper.event_time(holder, at)
        kind = PERMANENT if until is None else TEMPORARY
        force = f"free-dep all {holder.path}"
        found.append(Reason("clock-waiting", f"{who} {text}", kind, until=until, force=force))
    if holder.trigger is not None and not engine.releasing.is_triggered(holder):
        found.append(_trigger_reason(engine, holder, who, depth))
    if holder is node and isinstance(node, Submittable):
        full = engine.limits.full(node)
        if full is not None:
            place, limit, inlimit = full
            filled = f"{limit.value} of {limit.maximum}, it needs {inlimit.tokens}"
            text = f"limit {limit.name} of {place.path} is full: {filled}"
            takers = [Reason("queue-member", f"{path} has tokens of it", NOTE) for path in sorted(limit.paths)[:8]]
            force = f"run {node.path}"
            by = "one of those below ending"
            counted = {"met": limit.value, "total": limit.maximum, "satisfied_by": by, "force": force}
            found.append(Reason("queued", text, TEMPORARY, children=takers, **counted))  # type: ignore[arg-type]
    return found


def _trigger_reason(engine: SuiteEngine, holder: Node, who: str, depth: int) -> Reason:
    assert holder.trigger is not None
    tree = cast(Tree, holder.trigger.tree)
    text = f"the trigger of {who} is false: {tree.shown(engine.lookup(holder))}"
    children = []
    for reference in references(tree):
        if not reference.path or reference.flag:
            continue
        named = engine.defs.find(absolute(holder, reference.path))
        if named is None:
            missing = f"there is no node {absolute(holder, reference.path)}: it counts as unknown"
            children.append(Reason("parent-impossible", missing, PERMANENT))
        elif depth > 0 and not reference.name and named.state in WAITS:
            inner = _reasons(engine, named, depth - 1)
            code = "parent-failed" if named.state is State.ABORTED else "parent-waiting"
            children.append(Reason(code, f"{named.path} is {named.state.word}", TEMPORARY, children=inner))
    force = f"free-dep trigger {holder.path}"
    return Reason("prerequisite-unmet", text, TEMPORARY, force=force, children=children)
