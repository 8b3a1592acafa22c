"""Which attributes a node takes: one place for the reader, for `alter` and for the Python classes to add them by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .attributes import (
    AutoArchive,
    AutoCancel,
    AutoRestore,
    Aviso,
    Clock,
    Event,
    Expression,
    Generic,
    InLimit,
    Label,
    Late,
    Limit,
    Meter,
    Mirror,
    Queue,
    Variable,
    Verify,
    ZombieAttribute,
)
from .exceptions import TreeError
from .nodes import Node, Suite
from .repeats import (
    Repeat,
    RepeatDate,
    RepeatDateList,
    RepeatDateTime,
    RepeatDateTimeList,
    RepeatDay,
    RepeatEnumerated,
    RepeatInteger,
    RepeatString,
)
from .times import Cron, Date, Day, Time, Today


def add_attribute(node: Node, attribute: object) -> None:
    """Put an attribute on a node; raises `TreeError` where the node cannot take it (another like it, mostly).

    Not for expressions, which come in parts: see `set_trigger` and `set_complete`.
    """
    _ADDERS[type(attribute)](node, attribute)


def set_trigger(node: Node, expression: Expression) -> None:
    """Give a node its trigger; suites have none, and no node has two."""
    if node.kind == "suite":
        raise TreeError("a suite has no trigger: put it on a family or task")
    if node.trigger is not None:
        raise TreeError("there is a trigger already: join another line to it with -a or -o")
    node.trigger = expression


def set_complete(node: Node, expression: Expression) -> None:
    """Give a node its complete expression; suites have none, and no node has two."""
    if node.kind == "suite":
        raise TreeError("a suite has no complete expression: put it on a family or task")
    if node.complete is not None:
        raise TreeError("there is a complete expression already: join another line to it with -a or -o")
    node.complete = expression


def _variable(node: Node, variable: Variable) -> None:
    node.variables[variable.name] = variable.value


def _event(node: Node, event: Event) -> None:
    for held in node.events:
        if held.name == event.name and held.number == event.number:
            raise TreeError(f"there is an event {event.name_or_number} already")
    node.append("events", event)


def _named(kind: str, what: str) -> Callable[[Node, object], None]:
    def add(node: Node, attribute: object) -> None:
        name = attribute.name  # type: ignore[attr-defined]
        for held in getattr(node, kind):
            if held.name == name:
                raise TreeError(f"there is a {what} {name} already")
        node.append(kind, attribute)

    return add


def _not_on_suites(kind: str, what: str) -> Callable[[Node, object], None]:
    add_named = _named(kind, what)

    def add(node: Node, attribute: object) -> None:
        if node.kind == "suite":
            raise TreeError(f"a suite has no {what}: put it on a family or task")
        add_named(node, attribute)

    return add


def _inlimit(node: Node, inlimit: InLimit) -> None:
    for held in node.inlimits:
        if held.name == inlimit.name and held.path == inlimit.path:
            raise TreeError(f"there is an inlimit {inlimit.name} of the same path already")
    node.append("inlimits", inlimit)


def _verify(node: Node, verify: Verify) -> None:
    if any(held.state == verify.state for held in node.verifies):
        raise TreeError(f"there is a verify {verify.state.word} already")
    node.append("verifies", verify)


def _zombie(node: Node, zombie: ZombieAttribute) -> None:
    if any(held.zombie_type == zombie.zombie_type for held in node.zombies):
        raise TreeError(f"there is a zombie attribute of type {zombie.zombie_type} already")
    node.append("zombies", zombie)


def _several(kind: str) -> Callable[[Node, object], None]:
    def add(node: Node, attribute: object) -> None:
        if node.kind == "suite":
            raise TreeError(f"a suite has no {kind[:-1]}: put it on a family or task")
        node.append(kind, attribute)

    return add


def _cron(node: Node, cron: Cron) -> None:
    if node.repeat is not None and cron.series.increment is not None:
        raise TreeError(
            "there is a repeat already: a node cannot loop by a repeat and by a cron with a series of times"
        )
    node.append("crons", cron)


def _repeat(node: Node, repeat: Repeat) -> None:
    if node.repeat is not None:
        raise TreeError("there is a repeat already: a node has one at most")
    if node.crons:
        raise TreeError("there is a cron already: a node cannot loop by a cron and by a repeat")
    node.repeat = repeat


def _single(kind: str) -> Callable[[Node, object], None]:
    def add(node: Node, attribute: object) -> None:
        if getattr(node, kind) is not None:
            raise TreeError(f"there is a {kind} already: a node has one at most")
        setattr(node, kind, attribute)

    return add


def _autocancel(node: Node, autocancel: AutoCancel) -> None:
    if node.autoarchive is not None:
        raise TreeError("there is an autoarchive already: a node has that or autocancel")
    _single("autocancel")(node, autocancel)


def _autoarchive(node: Node, autoarchive: AutoArchive) -> None:
    if node.kind not in ("suite", "family"):
        raise TreeError("only suites and families are archived: a task has no autoarchive")
    if node.autocancel is not None:
        raise TreeError("there is an autocancel already: a node has that or autoarchive")
    _single("autoarchive")(node, autoarchive)


def set_clock(suite: Suite, clock: Clock) -> None:
    """Give a suite its clock; raises `TreeError` if it has one, or if it would end before it begins."""
    if suite.clock is not None:
        raise TreeError("there is a clock already: a suite has one at most")
    _check_end(clock, suite.end_clock)
    suite.clock = clock


def set_end_clock(suite: Suite, clock: Clock) -> None:
    """Say when a suite's clock ends; raises `TreeError` if that was said, or if it would end before it begins."""
    if suite.end_clock is not None:
        raise TreeError("there is an endclock already: a suite has one at most")
    _check_end(suite.clock, clock)
    suite.end_clock = clock


def _check_end(clock: Clock | None, end: Clock | None) -> None:
    if clock is None or end is None:
        return
    if (clock.date is None) != (end.date is None):
        return
    begins = (*reversed(clock.date or ()), clock.gain_seconds)
    ends = (*reversed(end.date or ()), end.gain_seconds)
    if ends <= begins:
        raise TreeError("the endclock is to be later than the clock")


_ADDERS: dict[type, Callable[[Node, Any], None]] = {
    Variable: _variable,
    Event: _event,
    Meter: _named("meters", "meter"),
    Label: _named("labels", "label"),
    Limit: _named("limits", "limit"),
    InLimit: _inlimit,
    Queue: _named("queues", "queue"),
    Generic: _named("generics", "generic"),
    Aviso: _not_on_suites("avisos", "aviso"),
    Mirror: _not_on_suites("mirrors", "mirror"),
    Verify: _verify,
    ZombieAttribute: _zombie,
    Time: _several("times"),
    Today: _several("todays"),
    Date: _several("dates"),
    Day: _several("days"),
    Cron: _cron,
    Late: _single("late"),
    AutoRestore: _single("autorestore"),
    AutoCancel: _autocancel,
    AutoArchive: _autoarchive,
    RepeatDay: _repeat,
    RepeatDate: _repeat,
    RepeatDateTime: _repeat,
    RepeatInteger: _repeat,
    **dict.fromkeys([RepeatEnumerated, RepeatString, RepeatDateList, RepeatDateTimeList], _repeat),
}
