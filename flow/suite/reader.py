"""From the text of a definition to the tree: `.def` files, and checkpoints with the state behind ``#`` on each line.

A definition is read line by line, in one pass: a table says for each keyword what is to be done, expressions are parsed
once for each text. The keywords, and where they may stand, are ecFlow's (5.9, with the additions up to 5.17).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

from . import attribute_text, time_text
from .attributes import AutoRestore, Expression, InLimit, Part
from .exceptions import AttributeTextError, DefinitionError, TreeError
from .expression_tree import And, Or
from .expression_tree import Expression as Tree
from .expressions import ExpressionError, parse_expression
from .nodes import Alias, Defs, Family, Node, Suite, Task
from .placing import add_attribute, set_clock, set_complete, set_end_clock, set_trigger
from .repeat_text import parse_repeat
from .state_text import read_attribute_state, read_calendar, read_defs_state, read_node_state
from .states import State
from .words import NAME, split_statements, split_words


def read_definition(text: str, file: str = "") -> Defs:
    """The tree that a definition or checkpoint describes.

    Names in expressions are not looked up here: see `check.check_definition`.

    Args:
        text: the whole definition.
        file: where it comes from, for messages.

    Raises:
        DefinitionError: the first thing wrong in it, with its line.
    """
    was_collecting = gc.isenabled()
    gc.disable()  # nothing here becomes garbage: looking for it would double the time a large tree takes
    try:
        return _Reader(text, file).read()
    finally:
        if was_collecting:
            gc.enable()


def make_expression(parts: tuple[Part, ...], free: bool = False) -> Expression:
    """An expression of its lines, each parsed and combined with all before it; raises `ExpressionError`."""
    tree: Tree = parse_expression(parts[0].text)
    for part in parts[1:]:
        tree = (Or if part.joiner == "or" else And)(tree, parse_expression(part.text))
    return Expression(parts, tree, free)


_JOINERS = {"-a": "and", "-o": "or"}
_Handler = Callable[[list[str], str], None]


class _Reader:
    """One text being read: where we are in it, and on which node."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines: Iterator[tuple[int, str]] = enumerate(text.split("\n"), 1)
        self.line_number = 0
        self.defs = Defs()
        self.node: Node | None = None
        """What attributes go to."""
        self.container: Node | None = None
        """What families and tasks go to."""
        self.with_state = False
        self.with_default_state: Node | None = None
        """The last node with a ``defstatus``: it cannot have another."""
        self.known_externs: set[str] = set()
        self.expressions: dict[str, tuple[str, str, Tree, bool]] = {}
        self.handlers: dict[str, _Handler] = {
            "task": self.task,
            "edit": self.edit,
            "trigger": self.trigger,
            "label": self.label,
            "endtask": self.end_task,
            "family": self.family,
            "endfamily": self.end_family,
            "suite": self.suite,
            "endsuite": self.end_suite,
            "alias": self.alias,
            "endalias": self.end_alias,
            "complete": self.complete,
            "repeat": self.repeat,
            "defstatus": self.defstatus,
            "clock": self.clock,
            "endclock": self.end_clock,
            "calendar": self.calendar,
            "extern": self.extern,
            "defs_state": self.defs_state,
            "history": self.history,
        }
        for keyword, parse in _WORD_ATTRIBUTES.items():
            self.handlers[keyword] = self.attribute_handler(parse, keyword)
        for keyword, parse_text in _TEXT_ATTRIBUTES.items():
            self.handlers[keyword] = self.text_attribute_handler(parse_text, keyword)

    def read(self) -> Defs:
        """Read all lines."""
        handlers = self.handlers
        line = ""
        try:
            for self.line_number, line in self.lines:  # noqa: B020 (the loop binds an attribute, not self)
                parts = line.split(None, 2)
                if not parts:
                    continue
                handler = handlers.get(parts[0])
                if handler is None or ";" in line:
                    self.uncommon(parts, line)
                else:
                    handler(parts, line)
        except (AttributeTextError, TreeError, ExpressionError, ValueError) as error:
            raise self.error(str(error), line) from None
        except RecursionError:
            raise self.error("this expression is too long: split it into several lines with -a and -o", line) from None
        return self.defs

    def error(self, reason: str, line: str) -> DefinitionError:
        """What is wrong with the line being read."""
        if self.node is not None and "unexpected" not in reason:
            reason = f"{reason} (on {self.node.kind} {self.node.path})"
        return DefinitionError(reason, file=self.file, line=self.line_number, text=line)

    def uncommon(self, parts: list[str], line: str) -> None:
        """A comment, several statements on a line, or a word that means nothing."""
        if parts[0][0] == "#":
            return
        if ";" in line and not self.with_state:  # a checkpoint has one statement on each line
            statements = split_statements(line)
            if len(statements) != 1 or statements[0] != line:
                for statement in statements:
                    words = statement.split(None, 2)
                    if words[0][0] != "#":
                        self.handler(words[0])(words, statement)
                return
        self.handler(parts[0])(parts, line)

    def handler(self, keyword: str) -> _Handler:
        handler = self.handlers.get(keyword)
        if handler is not None:
            return handler
        if self.with_state:
            return lambda parts, line: None  # of a newer server: read what can be read (ecFlow behaviour)
        raise self.unexpected(keyword)

    def unexpected(self, keyword: str) -> TreeError:
        """A keyword that cannot stand here."""
        node = self.node
        where = "outside of any suite" if node is None else f"in {node.kind} {node.path}"
        return TreeError(f"unexpected keyword '{keyword}' {where}")

    # Nodes

    def comment(self, line: str) -> str:
        """What follows the first ``#``; only of interest where there is state."""
        return line.partition("#")[2] if self.with_state else ""

    def node_name(self, parts: list[str]) -> str:
        if len(parts) < 2 or parts[1][0] == "#":
            raise TreeError(f"the name of the {parts[0]} is missing")
        name = parts[1]
        if NAME.match(name) is None:
            raise TreeError(
                f"'{name}' is no node name: letters, digits, '_' and '.' are allowed, and it cannot begin with '.'"
            )
        return name

    def place(self, node: Node, container: Node, keyword: str) -> None:
        """Hang a new node below another."""
        by_name = container._by_name
        if by_name is None:
            container._by_name = {node.name: node}
            container.children = [node]
            return
        if node.name in by_name:
            raise TreeError(
                f"{container.path} has a child named '{node.name}' already: this {keyword} needs another name"
            )
        by_name[node.name] = node
        container.children.append(node)  # type: ignore[attr-defined]

    def suite(self, parts: list[str], line: str) -> None:
        if self.node is not None:
            raise self.unexpected("suite")
        suite = Suite(self.node_name(parts), self.defs)
        if self.defs.child(suite.name) is not None:
            raise TreeError(f"there is a suite named '{suite.name}' already")
        if not self.defs.suites:
            self.defs.suites = []
        self.defs.suites.append(suite)  # type: ignore[attr-defined]
        self.defs._by_name[suite.name] = suite  # type: ignore[index]
        if self.with_state and len(parts) > 2:
            read_node_state(suite, self.comment(line))
        self.node = self.container = suite

    def family(self, parts: list[str], line: str) -> None:
        container = self.container
        if container is None or type(self.node) is Alias:
            raise self.unexpected("family")
        family = Family(self.node_name(parts), container)
        self.place(family, container, "family")
        if self.with_state and len(parts) > 2:
            read_node_state(family, self.comment(line))
        self.node = self.container = family

    def task(self, parts: list[str], line: str) -> None:
        container = self.container
        if container is None or type(self.node) is Alias:
            raise self.unexpected("task")
        name = parts[1] if len(parts) > 1 else ""
        if NAME.match(name) is None:
            name = self.node_name(parts)
        task = Task(name, container)
        self.place(task, container, "task")
        if self.with_state and len(parts) > 2:
            read_node_state(task, self.comment(line))
        self.node = task

    def alias(self, parts: list[str], line: str) -> None:
        node = self.node
        if isinstance(node, Alias):
            node = node.parent  # type: ignore[assignment]
        if not isinstance(node, Task):
            raise self.unexpected("alias")
        alias = Alias(self.node_name(parts), node, State.QUEUED)
        self.place(alias, node, "alias")
        if self.with_state and len(parts) > 2:
            read_node_state(alias, self.comment(line))
        self.node = alias

    def end_alias(self, parts: list[str], line: str) -> None:
        if not isinstance(self.node, Alias):
            raise self.unexpected("endalias")
        self.node = self.node.parent  # type: ignore[assignment]

    def end_task(self, parts: list[str], line: str) -> None:
        if not isinstance(self.node, Task):
            raise self.unexpected("endtask")
        self.node = self.container

    def end_family(self, parts: list[str], line: str) -> None:
        container = self.container
        if not isinstance(container, Family) or isinstance(self.node, Alias):
            raise self.unexpected("endfamily")
        self.node = self.container = container.parent  # type: ignore[assignment]

    def end_suite(self, parts: list[str], line: str) -> None:
        if self.node is None or isinstance(self.node, Alias):
            raise self.unexpected("endsuite")
        self.node = self.container = None

    # Attributes

    def target(self, keyword: str) -> Node:
        """The node an attribute goes to."""
        if self.node is None:
            raise self.unexpected(keyword)
        return self.node

    def edit(self, parts: list[str], line: str) -> None:
        node = self.node
        if node is not None and len(parts) == 3:
            name, text = parts[1], parts[2]
            quote = text[0]
            if (quote == "'" or quote == '"') and text.find(quote, 1) == len(text) - 1 and NAME.match(name) is not None:
                node.variables[name] = text[1:-1]  # by far the commonest form
                return
        text = parts[2].rstrip() if len(parts) == 3 else ""
        name = parts[1] if len(parts) > 1 else ""
        of_server = node is None and text.endswith("# server")
        if of_server:
            text = text[:-8].rstrip()
        variable = attribute_text.parse_variable(name, text, last_quote=self.with_state)
        if node is not None:
            node.variables[variable.name] = variable.value
        elif of_server:
            self.defs.server_variables[variable.name] = variable.value
        else:
            self.defs.user_variables[variable.name] = variable.value

    def label(self, parts: list[str], line: str) -> None:
        text = parts[2].rstrip() if len(parts) == 3 else ""
        name = parts[1] if len(parts) > 1 else ""
        add_attribute(self.target("label"), attribute_text.parse_label(name, text, with_state=self.with_state))

    def trigger(self, parts: list[str], line: str) -> None:
        node = self.target("trigger")
        if node.kind == "suite":
            raise self.unexpected("trigger")
        found = self.expressions.get(line) or self.expression(line)
        joiner, text, tree, free = found
        if joiner:
            self.join(node.trigger, found)
        else:
            set_trigger(node, Expression((Part(text),), tree, free, self.line_number))

    def complete(self, parts: list[str], line: str) -> None:
        node = self.target("complete")
        if node.kind == "suite":
            raise self.unexpected("complete")
        found = self.expressions.get(line) or self.expression(line)
        joiner, text, tree, free = found
        if joiner:
            self.join(node.complete, found)
        else:
            set_complete(node, Expression((Part(text),), tree, free, self.line_number))

    def join(self, expression: Expression | None, found: tuple[str, str, Tree, bool]) -> None:
        """Add a line with ``-a`` or ``-o``."""
        joiner, text, tree, free = found
        if expression is None:
            raise TreeError("the first line of an expression takes neither -a nor -o")
        expression.parts = (*expression.parts, Part(text, joiner))
        expression.tree = (Or if joiner == "or" else And)(expression.tree, tree)  # type: ignore[arg-type]
        expression.free = expression.free or free

    def expression(self, line: str) -> tuple[str, str, Tree, bool]:
        """Joiner, text, tree and freedom of a trigger or complete line, which may be continued on those below."""
        whole = line
        while whole.rstrip().endswith("\\"):
            self.line_number, line = next(self.lines, (self.line_number, ""))
            whole = whole.rstrip()[:-1] + " " + line
        words = split_words(whole)[1:]
        joiner = _JOINERS.get(words[0], "") if words else ""
        text = " ".join(words[1:] if joiner else words)
        if not text:
            raise AttributeTextError("the expression is missing")
        comment = whole.partition("#")[2] if self.with_state else ""
        found = (joiner, text, parse_expression(text), "free" in comment.split())
        if whole is line:
            self.expressions[line] = found
        return found

    def attribute_handler(self, parse: Callable[[list[str]], object], keyword: str) -> _Handler:
        def handle(parts: list[str], line: str) -> None:
            node = self.target(keyword)
            if keyword in _NOT_ON_SUITES and node.kind == "suite":
                raise self.unexpected(keyword)
            if "#" in line:
                attribute = parse(split_words(line)[1:])
                if self.with_state:
                    read_attribute_state(attribute, self.comment(line))
            else:
                attribute = parse(line.split()[1:])
            if type(attribute) is InLimit or type(attribute) is AutoRestore:
                attribute.line = self.line_number
            add_attribute(node, attribute)

        return handle

    def text_attribute_handler(self, parse: Callable[[str], object], keyword: str) -> _Handler:
        def handle(parts: list[str], line: str) -> None:
            node = self.target(keyword)
            if node.kind == "suite":
                raise self.unexpected(keyword)
            add_attribute(node, parse(line.split(None, 1)[1] if len(parts) > 1 else ""))

        return handle

    def repeat(self, parts: list[str], line: str) -> None:
        node = self.target("repeat")
        repeat = parse_repeat(line.split(None, 1)[1] if len(parts) > 1 else "")
        if repeat is None:
            return
        if self.with_state and "#" in line:
            read_attribute_state(repeat, line.rpartition("#")[2])
        add_attribute(node, repeat)

    def defstatus(self, parts: list[str], line: str) -> None:
        node = self.target("defstatus")
        if node is self.with_default_state:
            raise TreeError("there is a defstatus already: a node has one at most")
        self.with_default_state = node
        state, node.default_suspended = attribute_text.parse_default_state(split_words(line)[1:])
        node.default_state = None if state is State.QUEUED else state

    def clock(self, parts: list[str], line: str) -> None:
        if not isinstance(self.node, Suite):
            raise self.unexpected("clock")
        set_clock(self.node, time_text.parse_clock(split_words(line)[1:]))

    def end_clock(self, parts: list[str], line: str) -> None:
        if not isinstance(self.node, Suite):
            raise self.unexpected("endclock")
        set_end_clock(self.node, time_text.parse_end_clock(split_words(line)[1:]))

    def calendar(self, parts: list[str], line: str) -> None:
        if not isinstance(self.node, Suite):
            raise self.unexpected("calendar")
        if self.with_state:
            self.node.calendar = read_calendar(line.split(None, 1)[1] if len(parts) > 1 else "")

    # Outside of suites

    def extern(self, parts: list[str], line: str) -> None:
        if self.node is not None:
            raise self.unexpected("extern")
        if len(parts) < 2 or parts[1][0] == "#":
            raise AttributeTextError("extern needs the path of a node, perhaps with :NAME")
        if parts[1] not in self.known_externs:
            self.known_externs.add(parts[1])
            self.defs.externs.append(parts[1])

    def defs_state(self, parts: list[str], line: str) -> None:
        if self.node is not None:
            raise self.unexpected("defs_state")
        read_defs_state(self.defs, line.split()[1:])
        self.with_state = True

    def history(self, parts: list[str], line: str) -> None:
        if self.node is not None or not self.with_state:
            raise self.unexpected("history")
        if len(parts) == 3:
            self.defs.edit_history[parts[1]] = [entry for entry in parts[2].rstrip("\r").split("\b") if entry]


_NOT_ON_SUITES = frozenset({"time", "today", "date", "day"})
_WORD_ATTRIBUTES: dict[str, Callable[[list[str]], object]] = {
    "event": attribute_text.parse_event,
    "meter": attribute_text.parse_meter,
    "limit": attribute_text.parse_limit,
    "inlimit": attribute_text.parse_inlimit,
    "queue": attribute_text.parse_queue,
    "generic": attribute_text.parse_generic,
    "verify": attribute_text.parse_verify,
    "zombie": attribute_text.parse_zombie,
    "autorestore": attribute_text.parse_autorestore,
    "late": time_text.parse_late,
    "autocancel": time_text.parse_autocancel,
    "autoarchive": time_text.parse_autoarchive,
    "time": time_text.parse_time,
    "today": time_text.parse_today,
    "cron": time_text.parse_cron,
    "date": time_text.parse_date,
    "day": time_text.parse_day,
}
_TEXT_ATTRIBUTES: dict[str, Callable[[str], object]] = {
    "aviso": attribute_text.parse_aviso,
    "mirror": attribute_text.parse_mirror,
}
