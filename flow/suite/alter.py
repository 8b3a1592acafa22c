"""The `alter` command: attributes and flags added, changed, deleted, sorted while suites run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import attribute_text, repeating, time_text
from .attributes import Clock, Expression, Limit, Part
from .check import check_expression
from .exceptions import SuiteError
from .nodes import Defs, Node, Suite
from .placing import add_attribute
from .reader import make_expression
from .states import Flag, State
from .words import check_name, parse_integer

if TYPE_CHECKING:
    from .engine import SuiteEngine

Arguments = list[str]


class AlterError(SuiteError):
    """The attribute cannot be altered so."""


def alter(engine: SuiteEngine, words: list[str]) -> None:
    """Carry out ``alter WORDS``, on each of the paths at their end.

    Raises:
        SuiteError: the words make no sense, a node is not there, or it has no such attribute; nodes before it in the
            words are changed then.
    """
    if len(words) < 3:
        raise AlterError("alter needs what to do (add, change, delete, set_flag, clear_flag, sort), a type and a path")
    operation, kind, rest = words[0], words[1], words[2:]
    action, least = _find(operation, kind)
    arguments, paths = _split(rest, least)
    if not paths:
        raise AlterError(f"alter {operation} {kind}: the path of a node is missing")
    missing = [path for path in paths if path != "/" and engine.defs.find(path) is None]
    if missing:
        raise AlterError(f"could not find node at path {missing[0]}")
    for path in paths:
        holder = engine.defs if path == "/" else engine.defs.find(path)
        assert holder is not None
        try:
            action(engine, holder, arguments)
        except SuiteError as error:
            raise AlterError(f"alter {operation} {kind} failed for {path}: {error}") from None


def _find(operation: str, kind: str) -> tuple[Callable[[SuiteEngine, Any, Arguments], None], int]:
    """What carries it out, and how many words at least come before the paths."""
    if operation in ("set_flag", "clear_flag"):
        flag = next((one for one in Flag if one.value == kind), None)
        if flag is None:
            raise AlterError(f"'{kind}' is no flag: choose from {', '.join(one.value for one in Flag)}")
        return lambda engine, holder, _: _set_flag(engine, holder, flag, is_set=operation == "set_flag"), 0
    if operation == "sort":
        return lambda engine, holder, words: _sort(engine, holder, kind, words), 0
    table = {"add": _ADD, "change": _CHANGE, "delete": _DELETE}.get(operation)
    if table is None:
        raise AlterError(f"'{operation}' is not add, change, delete, set_flag, clear_flag or sort")
    found = table.get(kind)
    if found is None:
        raise AlterError(f"there is no 'alter {operation} {kind}': choose from {', '.join(table)}")
    return found


def _split(words: list[str], least: int) -> tuple[Arguments, list[str]]:
    """The words before the paths, and the paths; a limit may be named by its path and name."""
    end = min(least, len(words))
    while end < len(words) and (not words[end].startswith("/") or ":" in words[end]):
        end += 1
    return words[:end], words[end:]


# -- variables ---------------------------------------------------------------------------------------------------------


def _variables(holder: Node | Defs) -> dict[str, str]:
    return holder.user_variables if isinstance(holder, Defs) else holder.variables


def _add_variable(engine: SuiteEngine, holder: Node | Defs, words: Arguments) -> None:
    _variables(holder)[check_name(words[0], "variable")] = " ".join(words[1:])
    engine.variables_changed(holder)


def _change_variable(engine: SuiteEngine, holder: Node | Defs, words: Arguments) -> None:
    known = _variables(holder)
    if words[0] not in known and not (isinstance(holder, Defs) and words[0] in holder.server_variables):
        raise AlterError(f"there is no user variable '{words[0]}'")
    known[words[0]] = " ".join(words[1:])
    engine.variables_changed(holder)


def _delete_variable(engine: SuiteEngine, holder: Node | Defs, words: Arguments) -> None:
    known = _variables(holder)
    if not words:
        known.clear()
    elif words[0] not in known:
        raise AlterError(f"there is no user variable '{words[0]}'")
    else:
        del known[words[0]]
    engine.variables_changed(holder)


# -- what jobs tell ----------------------------------------------------------------------------------------------------


def _require(node: Node | Defs, kind: str, name: str) -> Any:
    if isinstance(node, Defs):
        raise AlterError("only variables and flags of the server can be altered")
    found = node.find_attribute(kind, name)
    if found is None:
        raise AlterError(f"there is no {kind[:-1]} '{name}'")
    return found


def _change_event(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    event = _require(node, "events", words[0])
    value = words[1] if len(words) > 1 else "set"
    if value not in ("set", "clear"):
        raise AlterError(f"an event is 'set' or 'clear', not '{value}'")
    event.value = value == "set"
    engine.value_changed(node)


def _change_meter(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    meter = _require(node, "meters", words[0])
    value = parse_integer(words[1], "the value of a meter")
    if not meter.minimum <= value <= meter.maximum:
        raise AlterError(f"the value of meter {meter.name} is to be {meter.minimum} to {meter.maximum}, not {value}")
    meter.value = value
    engine.value_changed(node)


def _change_label(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    _require(node, "labels", words[0]).new_value = " ".join(words[1:]).replace("\\n", "\n")
    engine.changes.touch(node)


def _add_label(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    add_attribute(node, attribute_text.parse_label(words[0], '"' + " ".join(words[1:]) + '"'))
    engine.changes.touch(node)


# -- limits ------------------------------------------------------------------------------------------------------------


def _change_limit_max(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    limit: Limit = _require(node, "limits", words[0])
    limit.maximum = parse_integer(words[1], "the maximum of a limit")
    engine.value_changed(node)
    engine.limits.freed(limit)


def _change_limit_value(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    limit: Limit = _require(node, "limits", words[0])
    limit.value = max(parse_integer(words[1], "the value of a limit"), 0)
    if limit.value == 0:
        limit.paths.clear()
    engine.value_changed(node)
    engine.limits.freed(limit)


def _delete_limit(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    chosen = [_require(node, "limits", words[0])] if words else list(node.limits)
    for limit in chosen:
        node.discard("limits", limit)
        engine.limits.dropped(limit)
    engine.value_changed(node)


def _delete_limit_path(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    limit: Limit = _require(node, "limits", words[0])
    if words[1] not in limit.paths:
        raise AlterError(f"{words[1]} has no token of limit '{limit.name}'")
    limit.paths.discard(words[1])
    limit.value = max(limit.value - 1, 0)
    engine.value_changed(node)
    engine.limits.freed(limit)


def _delete_inlimit(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    wanted = words[0] if words else ""
    chosen = [one for one in node.inlimits if wanted in ("", one.name, f"{one.path}:{one.name}")]
    if wanted and not chosen:
        raise AlterError(f"there is no inlimit '{wanted}'")
    for inlimit in chosen:
        found = engine.limits.find(node, inlimit)
        node.discard("inlimits", inlimit)
        if found is not None:
            engine.limits.dropped(found[1])
    engine.changes.touch(node)


def _add_inlimit(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    add_attribute(node, attribute_text.parse_inlimit(words))
    engine.changes.touch(node)


# -- expressions -------------------------------------------------------------------------------------------------------


def _change_expression(kind: str) -> Callable[[SuiteEngine, Node, Arguments], None]:
    def change(engine: SuiteEngine, node: Node, words: Arguments) -> None:
        if isinstance(node, Suite | Defs):
            raise AlterError(f"a suite has no {kind}: put it on a family or task")
        expression: Expression = make_expression((Part(" ".join(words)),))
        problems = check_expression(node, expression, kind)
        if problems:
            raise AlterError(problems[0].reason)
        setattr(node, kind, expression)
        _expressions_changed(engine, node)

    return change


def _delete_expression(kind: str) -> Callable[[SuiteEngine, Node, Arguments], None]:
    def delete(engine: SuiteEngine, node: Node, words: Arguments) -> None:
        setattr(node, kind, None)
        _expressions_changed(engine, node)

    return delete


def _expressions_changed(engine: SuiteEngine, node: Node) -> None:
    engine.watchers.register(node)
    engine.changes.touch(node)
    engine.consider(node, afresh=True)


# -- repeats, times, clocks --------------------------------------------------------------------------------------------


def _change_repeat(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    if node.repeat is None:
        raise AlterError("there is no repeat")
    repeating.change(node.repeat, " ".join(words))
    engine.variables_changed(node)


def _delete_repeat(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    node.repeat = None
    engine.variables_changed(node)


_TIMES: dict[str, Callable[[list[str]], Any]] = {
    "times": time_text.parse_time,
    "todays": time_text.parse_today,
    "dates": time_text.parse_date,
    "days": time_text.parse_day,
    "crons": time_text.parse_cron,
}


def _add_time(kind: str) -> Callable[[SuiteEngine, Node, Arguments], None]:
    def add(engine: SuiteEngine, node: Node, words: Arguments) -> None:
        add_attribute(node, _TIMES[kind](" ".join(words).split()))
        _times_changed(engine, node)

    return add


def _delete_time(kind: str) -> Callable[[SuiteEngine, Node, Arguments], None]:
    def delete(engine: SuiteEngine, node: Node, words: Arguments) -> None:
        chosen = list(getattr(node, kind))
        if words:
            wanted = _TIMES[kind](" ".join(words).split()).definition
            chosen = [one for one in chosen if one.definition == wanted]
            if not chosen:
                raise AlterError(f"there is no '{wanted}'")
        for one in chosen:
            node.discard(kind, one)
        _times_changed(engine, node)

    return delete


def _change_time(kind: str) -> Callable[[SuiteEngine, Node, Arguments], None]:
    def change(engine: SuiteEngine, node: Node, words: Arguments) -> None:
        parts = " ".join(words).split()
        half = len(parts) // 2
        old, new = _TIMES[kind](parts[:half]), _TIMES[kind](parts[half:])
        chosen = [one for one in getattr(node, kind) if one.definition == old.definition]
        if not chosen:
            raise AlterError(f"there is no '{old.definition}'")
        setattr(node, kind, [new if one is chosen[0] else one for one in getattr(node, kind)])
        _times_changed(engine, node)

    return change


def _times_changed(engine: SuiteEngine, node: Node) -> None:
    engine.timekeeper.added(node)
    engine.changes.touch(node)
    engine.consider(node, afresh=True)


def _change_clock(field: str) -> Callable[[SuiteEngine, Node, Arguments], None]:
    def change(engine: SuiteEngine, node: Node, words: Arguments) -> None:
        if not isinstance(node, Suite):
            raise AlterError("only suites have a clock")
        clock = node.clock or Clock()
        text = " ".join(words)
        if field == "type":
            if text not in ("real", "hybrid"):
                raise AlterError(f"a clock is 'real' or 'hybrid', not '{text}'")
            clock.hybrid = text == "hybrid"
        elif field == "gain":
            clock.gain_seconds = parse_integer(text, "the gain of a clock, in seconds,")
            clock.relative = clock.gain_seconds >= 0
        elif field == "date":
            date = time_text.parse_date([text])
            if not (date.day and date.month and date.year):
                raise AlterError("the date of a clock has no *")
            clock.date = (date.day, date.month, date.year)
        else:
            clock.gain_seconds, clock.date = 0, None
        node.clock = clock
        engine.timekeeper.clock_changed(node)
        engine.changes.touch(node)

    return change


def _set_late(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    node.late = time_text.parse_late(" ".join(words).split())
    _aging_changed(engine, node)


def _delete_late(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    node.late = None
    _aging_changed(engine, node)


def _aging_changed(engine: SuiteEngine, node: Node) -> None:
    engine.aging.changed(node)
    engine.changes.touch(node)


def _change_default_state(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    node.default_state, node.default_suspended = attribute_text.parse_default_state(words)
    engine.changes.touch(node)


# -- the rest ----------------------------------------------------------------------------------------------------------


def _add_parsed(parse: Callable[[list[str]], Any]) -> Callable[[SuiteEngine, Node, Arguments], None]:
    def add(engine: SuiteEngine, node: Node, words: Arguments) -> None:
        add_attribute(node, parse(" ".join(words).split()))
        engine.value_changed(node)

    return add


def _delete_named(kind: str) -> Callable[[SuiteEngine, Node, Arguments], None]:
    def delete(engine: SuiteEngine, node: Node, words: Arguments) -> None:
        chosen = [_require(node, kind, words[0])] if words else list(getattr(node, kind))
        for one in chosen:
            node.discard(kind, one)
        engine.value_changed(node)

    return delete


def _delete_zombie(engine: SuiteEngine, node: Node, words: Arguments) -> None:
    chosen = [one for one in node.zombies if not words or one.zombie_type == words[0]]
    if words and not chosen:
        raise AlterError(f"there is no zombie attribute of type '{words[0]}'")
    for one in chosen:
        node.discard("zombies", one)
    engine.changes.touch(node)


def _set_flag(engine: SuiteEngine, holder: Node | Defs, flag: Flag, *, is_set: bool) -> None:
    if isinstance(holder, Defs):
        holder.flags = holder.flags | {flag} if is_set else holder.flags - {flag}
        engine.changes.touch_root()
        for other in engine.watchers.of_state.get("/", ()):
            engine.consider(other)
        return
    if is_set:
        engine.lifecycle.add_flag(holder, flag)
    else:
        engine.lifecycle.clear_flag(holder, flag)
        if holder.state is State.ABORTED:
            engine.consider(holder)


_SORTED = {"event": "events", "meter": "meters", "label": "labels", "limit": "limits"}


def _sort(engine: SuiteEngine, holder: Node | Defs, kind: str, words: Arguments) -> None:
    kinds = [*_SORTED, "variable"] if kind == "all" else [kind]
    if any(one not in _SORTED and one != "variable" for one in kinds):
        raise AlterError(f"'{kind}' cannot be sorted: choose from {', '.join(_SORTED)}, variable, all")
    if isinstance(holder, Defs):
        nodes = list(holder.walk()) if "recursive" in words else []
        holder.user_variables = dict(sorted(holder.user_variables.items()))
    else:
        nodes = list(holder.walk()) if "recursive" in words else [holder]
    for node in nodes:
        for one in kinds:
            if one == "variable":
                node.variables = dict(sorted(node.variables.items()))
            else:
                held = getattr(node, _SORTED[one])
                setattr(node, _SORTED[one], sorted(held, key=_sort_key) or ())
        engine.changes.touch(node)


def _sort_key(attribute: Any) -> str:
    return str(getattr(attribute, "name_or_number", attribute.name))


_Action = tuple[Callable[[Any, Any, list[str]], None], int]
_ADD: dict[str, _Action] = {
    "variable": (_add_variable, 2),
    "time": (_add_time("times"), 1),
    "today": (_add_time("todays"), 1),
    "date": (_add_time("dates"), 1),
    "day": (_add_time("days"), 1),
    "cron": (_add_time("crons"), 1),
    "zombie": (_add_parsed(attribute_text.parse_zombie), 1),
    "late": (_set_late, 1),
    "limit": (_add_parsed(attribute_text.parse_limit), 2),
    "inlimit": (_add_inlimit, 1),
    "label": (_add_label, 2),
    "event": (_add_parsed(attribute_text.parse_event), 1),
    "meter": (_add_parsed(attribute_text.parse_meter), 3),
    "aviso": (lambda engine, node, words: _add_text(engine, node, attribute_text.parse_aviso, words), 1),
    "mirror": (lambda engine, node, words: _add_text(engine, node, attribute_text.parse_mirror, words), 1),
}
_CHANGE: dict[str, _Action] = {
    "variable": (_change_variable, 2),
    "clock_type": (_change_clock("type"), 1),
    "clock_gain": (_change_clock("gain"), 1),
    "clock_date": (_change_clock("date"), 1),
    "clock_sync": (_change_clock("sync"), 0),
    "event": (_change_event, 1),
    "meter": (_change_meter, 2),
    "label": (_change_label, 2),
    "trigger": (_change_expression("trigger"), 1),
    "complete": (_change_expression("complete"), 1),
    "repeat": (_change_repeat, 1),
    "limit_max": (_change_limit_max, 2),
    "limit_value": (_change_limit_value, 2),
    "defstatus": (_change_default_state, 1),
    "late": (_set_late, 1),
    "time": (_change_time("times"), 2),
    "today": (_change_time("todays"), 2),
}
_DELETE: dict[str, _Action] = {
    "variable": (_delete_variable, 0),
    "time": (_delete_time("times"), 0),
    "today": (_delete_time("todays"), 0),
    "date": (_delete_time("dates"), 0),
    "day": (_delete_time("days"), 0),
    "cron": (_delete_time("crons"), 0),
    "event": (_delete_named("events"), 0),
    "meter": (_delete_named("meters"), 0),
    "label": (_delete_named("labels"), 0),
    "queue": (_delete_named("queues"), 0),
    "generic": (_delete_named("generics"), 0),
    "aviso": (_delete_named("avisos"), 0),
    "mirror": (_delete_named("mirrors"), 0),
    "late": (_delete_late, 0),
    "trigger": (_delete_expression("trigger"), 0),
    "complete": (_delete_expression("complete"), 0),
    "repeat": (_delete_repeat, 0),
    "limit": (_delete_limit, 0),
    "inlimit": (_delete_inlimit, 0),
    "limit_path": (_delete_limit_path, 2),
    "zombie": (_delete_zombie, 0),
}


def _add_text(engine: SuiteEngine, node: Node, parse: Callable[[str], Any], words: Arguments) -> None:
    add_attribute(node, parse(" ".join(words)))
    engine.changes.touch(node)
