"""From the tree to its text: as a definition, with its state for people, or with its state for a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from .attributes import CalendarState, Clock, Expression
from .nodes import Alias, Defs, Family, Node, Submittable, Suite, Task
from .states import STATE_WORDS, Flag, ServerState, State
from .times import moment_text

FORMAT_VERSION = "5.9.2"
"""The ecFlow version whose text this is: the first line of every definition says it."""


class Style(Enum):
    """What is printed: the definition alone, with all state and what it leads to, or what a checkpoint needs."""

    DEFS = "DEFS"
    STATE = "STATE"
    MIGRATE = "MIGRATE"


def write_definition(
    of: Defs | Node,
    style: Style = Style.DEFS,
    *,
    generated: Callable[[Node], Iterable[tuple[str, str]]] | None = None,
) -> str:
    """The text of a tree, or of one node with all below it, as ecFlow prints it.

    Args:
        of: what to print.
        style: how much of it.
        generated: in style STATE, tells the generated variables of a node; they are printed as comments.
    """
    writer = _Writer(style, generated if style is Style.STATE else None)
    if isinstance(of, Defs):
        writer.whole(of)
    else:
        writer.part(of)
    writer.lines.append("")
    return "\n".join(writer.lines)


def write_node(node: Node, style: Style = Style.MIGRATE) -> str:
    """The text of one node, without what is below it."""
    writer = _Writer(style, None)
    writer.is_alone = True
    writer.node(node, "")
    return "\n".join(writer.lines)


_AFTER_VARIABLES = ("limits", "inlimits", "labels", "meters", "events", "times", "todays", "dates", "days", "crons")
_LAST = ("zombies", "verifies", "queues", "generics", "avisos", "mirrors")
_SINGLE = ("autocancel", "autoarchive", "autorestore")
_LOOKS_ENDED = re.compile(r"'\s+#")


class _Writer:
    """One text being written."""

    def __init__(self, style: Style, generated: Callable[[Node], Iterable[tuple[str, str]]] | None) -> None:
        self.lines: list[str] = []
        self.with_state = style is not Style.DEFS
        self.is_alone = False
        """Whether children are left out."""
        self.style = style
        self.generated = generated

    def whole(self, defs: Defs) -> None:
        lines = self.lines
        lines.append(f"#{FORMAT_VERSION}")
        if self.with_state:
            lines.append(self.defs_state(defs))
        lines.extend(f"extern {extern}" for extern in sorted(defs.externs))
        if self.with_state:
            lines.extend(f"  edit {name} '{_flat(value)}'" for name, value in defs.user_variables.items())
            lines.extend(f"  edit {name} '{_flat(value)}' # server" for name, value in defs.server_variables.items())
        if self.style is Style.MIGRATE:
            lines.extend(_history(path, entries) for path, entries in defs.edit_history.items() if entries)
        if self.style is Style.STATE:
            lines.append(f"# server state: {defs.server_state.value}")
        for suite in defs.suites:
            self.node(suite, "")
        lines.append("# enddef")

    def part(self, node: Node) -> None:
        if isinstance(node, Suite):
            self.lines.append(f"defs_state {self.style.value}" if self.with_state else f"#{FORMAT_VERSION}")
            self.node(node, "")
            if not self.with_state:
                self.lines.append("# enddef")
        else:
            self.node(node, "  ")

    def defs_state(self, defs: Defs) -> str:
        words = [f"defs_state {self.style.value}"]
        if defs.state:
            words.append(f"state>:{STATE_WORDS[defs.state]}")
        if defs.flags:
            words.append(f"flag:{flags_text(defs.flags)}")
        if defs.state_change_number:
            words.append(f"state_change:{defs.state_change_number}")
        if defs.modify_change_number:
            words.append(f"modify_change:{defs.modify_change_number}")
        if defs.server_state is not ServerState.RUNNING:
            words.append(f"server_state:{defs.server_state.value}")
        words.append(f"cal_count:{defs.calendar_updates}")
        return " ".join(words)

    def node(self, node: Node, indent: str) -> None:
        lines, with_state = self.lines, self.with_state
        line = f"{indent}{node.kind} {node.name}"
        if with_state:
            line += _node_state(node)
        lines.append(line)
        inner = indent + "  "
        if node.default_suspended:
            lines.append(f"{inner}defstatus suspended")
        elif node.default_state is not None and node.default_state is not State.QUEUED:
            lines.append(f"{inner}defstatus {STATE_WORDS[node.default_state]}")
        if node.late is not None:
            self.attribute(node.late, inner)
        if node.complete is not None:
            self.expression("complete", node.complete, inner)
        if node.trigger is not None:
            self.expression("trigger", node.trigger, inner)
        if node.repeat is not None:
            self.attribute(node.repeat, inner)
        for name, value in node.variables.items():
            lines.append(f"{inner}edit {name} {self.value(value)}")
        if self.generated is not None:
            lines.extend(f"{inner}# edit {name} '{_flat(value)}'" for name, value in self.generated(node))
        self.attributes(node, inner)
        if isinstance(node, Suite):
            self.clocks(node, inner)
        self.children(node, indent)

    def attributes(self, node: Node, inner: str) -> None:
        """The sequences, in ecFlow's order; most nodes have none."""
        for kind in _AFTER_VARIABLES:
            for attribute in getattr(node, kind):
                self.attribute(attribute, inner)
        for kind in _SINGLE:
            held = getattr(node, kind)
            if held is not None:
                self.attribute(held, inner)
        for kind in _LAST:
            for attribute in getattr(node, kind):
                self.attribute(attribute, inner)

    def attribute(self, attribute: Any, inner: str) -> None:
        line = inner + attribute.definition
        if self.with_state and (comment := getattr(attribute, "state_comment", "")):
            line += f" # {comment}"
        self.lines.append(line)

    def value(self, value: str) -> str:
        """A variable's value in quotes; with those of the other kind where the usual ones would seem to end it."""
        value = _flat(value)
        if not self.with_state and "#" in value and _LOOKS_ENDED.search(value) is not None:
            return f'"{value}"'
        return f"'{value}'"

    def expression(self, keyword: str, expression: Expression, inner: str) -> None:
        free = " # free" if self.with_state and expression.free else ""
        for option, text in expression.definition:
            self.lines.append(f"{inner}{keyword} {option}{text}{free}")
            free = ""

    def clocks(self, suite: Suite, inner: str) -> None:
        if suite.clock is not None:
            kind = "hybrid" if suite.clock.hybrid else "real"
            self.lines.append(f"{inner}clock {kind} {clock_words(suite.clock)}".rstrip())
        if suite.end_clock is not None:
            self.lines.append(f"{inner}endclock {clock_words(suite.end_clock) or '0'}")
        if self.with_state and suite.calendar is not None:
            self.lines.append(f"{inner}calendar {calendar_words(suite.calendar)}")

    def children(self, node: Node, indent: str) -> None:
        if self.is_alone:
            return
        if isinstance(node, Task):
            if self.with_state and node.children:
                for alias in node.children:
                    self.node(alias, indent + "    ")
                self.lines.append(f"{indent}    endalias")
            return
        inner = indent + "  "
        for child in node.children:
            self.node(child, inner)
        if isinstance(node, Family | Suite):
            self.lines.append(f"{indent}end{node.kind}")


def _flat(value: str) -> str:
    return value.replace("\n", "\\n") if "\n" in value else value


def _history(path: str, entries: list[str]) -> str:
    return f"history {path} " + "".join(f"\b{_flat(entry)}" for entry in entries)


def flags_text(flags: frozenset[Flag]) -> str:
    """Flags as a checkpoint writes them: their words, in a fixed order."""
    return ",".join(flag.value for flag in Flag if flag in flags)


def _node_state(node: Node) -> str:
    """The state of a node behind ``#``; "" if there is nothing to tell."""
    words: list[str] = []
    if isinstance(node, Suite):
        if node.begun:
            words.append("begun:1")
    elif isinstance(node, Submittable):
        if isinstance(node, Task) and node.alias_number:
            words.append(f"alias_no:{node.alias_number}")
        if node.password:
            words.append(f"passwd:{node.password}")
        if node.process_id:
            words.append(f"rid:{node.process_id}")
        if node.aborted_reason:
            words.append(f"abort<:{_flat(node.aborted_reason)}>abort")
        if node.try_number:
            words.append(f"try:{node.try_number}")
    if node.state or isinstance(node, Alias):  # an alias is queued unless it says otherwise
        words.append(f"state:{STATE_WORDS[node.state]}")
    if node.state_changed_seconds:
        words.append(f"dur:{duration_text(node.state_changed_seconds)}")
    if node.flags:
        words.append(f"flag:{flags_text(node.flags)}")
    if node.suspended:
        words.append("suspended:1")
    if node.run_time_seconds:
        words.append(f"rt:{duration_text(node.run_time_seconds)}")
    return f" # {' '.join(words)}" if words else ""


def duration_text(seconds: int) -> str:
    """Seconds as ``HH:MM:SS``."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def clock_words(clock: Clock) -> str:
    """What follows ``clock real`` or ``endclock``: date, gain in seconds, ``-s``."""
    words = []
    if clock.date is not None:
        words.append("{}.{}.{}".format(*clock.date))
    if clock.gain_seconds:
        words.append(f"{'+' if clock.relative and clock.gain_seconds > 0 else ''}{clock.gain_seconds}")
    if clock.stop_with_server:
        if clock.date is not None and not clock.gain_seconds:
            words.append("0")
        words.append("-s")
    return " ".join(words)


def calendar_words(calendar: CalendarState) -> str:
    """What follows ``calendar`` in a checkpoint."""
    words = [
        f"initTime:{moment_text(calendar.initial_time)}",
        f"suiteTime:{moment_text(calendar.suite_time)}",
        f"duration:{duration_text(calendar.duration_seconds)}",
        f"initLocalTime:{moment_text(calendar.initial_local_time)}",
        f"lastTime:{moment_text(calendar.last_time)}",
    ]
    words.append(f"calendarIncrement:{duration_text(calendar.increment_seconds)}")
    if calendar.day_changed:
        words.append("dayChanged:1")
    return " ".join(words)
