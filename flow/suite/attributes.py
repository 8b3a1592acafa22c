"""What a node of a suite can carry besides repeats and times: each class holds what was written and the state it is in.

Every class prints itself: `definition` is the line as written in a `.def` file, `state_comment` what a checkpoint
adds after ``#`` ("" when there is nothing to add). The wording is ecFlow's (5.9), so that either can read the other.
"""

from __future__ import annotations

from attrs import define, field, frozen

from .states import STATE_WORDS, State


@frozen
class Part:
    """One line of a trigger or complete expression; parts after the first are joined to those before."""

    text: str
    joiner: str = ""
    """"", "and" (written ``-a``) or "or" (``-o``)."""


@define(eq=False)
class Expression:
    """The trigger, or the complete expression, of a node; `tree` is what `parse_expression` made of `text`."""

    parts: tuple[Part, ...]
    tree: object
    free: bool = False
    """True when the dependency was released by hand, until the node is queued again."""
    line: int = 0
    """Of the definition it was read from; 0 if it was made otherwise."""

    @property
    def text(self) -> str:
        """The whole expression on one line; parts are joined by ``AND`` and ``OR``."""
        return join_parts(self.parts)

    @property
    def definition(self) -> list[tuple[str, str]]:
        """``(option, text)`` of each line: ``("", "a == complete"), ("-a ", "b == complete")``."""
        return [(PART_OPTIONS[part.joiner], part.text) for part in self.parts]


PART_OPTIONS = {"": "", "and": "-a ", "or": "-o "}


def join_parts(parts: tuple[Part, ...]) -> str:
    """The parts of an expression as one, each combined with all that came before it."""
    if len(parts) == 1:
        return parts[0].text
    text = f"({parts[0].text})"
    for count, part in enumerate(parts[1:], 1):
        text = f"{text} {part.joiner.upper()} ({part.text})"
        if count < len(parts) - 1:
            text = f"({text})"
    return text


@define
class Variable:
    """A user variable, where one is handed about; on a node they are kept as ``variables[name] = value``."""

    name: str
    value: str

    @property
    def definition(self) -> str:
        return f"edit {self.name} '{self.value}'"


@define
class Event:
    """Something a task tells: set or not. It has a number, a name or both."""

    number: int | None
    name: str
    initial: bool = False
    value: bool = field()

    @value.default
    def _first_value(self) -> bool:
        return self.initial

    @property
    def name_or_number(self) -> str:
        """What expressions and commands call it."""
        return self.name or str(self.number)

    @property
    def definition(self) -> str:
        words = ["event"]
        if self.number is not None:
            words.append(str(self.number))
        if self.name or self.initial:
            words.append(self.name_or_number)
        if self.initial:
            words.append("set")
        return " ".join(words)

    @property
    def state_comment(self) -> str:
        if self.value == self.initial:
            return ""
        return "set" if self.value else "clear"


@define
class Meter:
    """A number a task tells, between two bounds."""

    name: str
    minimum: int
    maximum: int
    color_change: int
    value: int = field()

    @value.default
    def _first_value(self) -> int:
        return self.minimum

    @property
    def definition(self) -> str:
        return f"meter {self.name} {self.minimum} {self.maximum} {self.color_change}"

    @property
    def state_comment(self) -> str:
        return "" if self.value == self.minimum else str(self.value)


@define
class Label:
    """A text a task tells; `new_value` is what it told last, `value` what was written."""

    name: str
    value: str
    new_value: str = ""

    @property
    def definition(self) -> str:
        return f'label {self.name} "{_one_line(self.value)}"'

    @property
    def state_comment(self) -> str:
        return f'"{_one_line(self.new_value)}"' if self.new_value else ""


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n") if "\n" in text else text


@define
class Limit:
    """A number of tokens that tasks below any node take while they run."""

    name: str
    maximum: int
    value: int = 0
    """Tokens taken."""
    paths: set[str] = field(factory=set)
    """Who took them: absolute paths."""

    @property
    def definition(self) -> str:
        return f"limit {self.name} {self.maximum}"

    @property
    def state_comment(self) -> str:
        if not self.value and not self.paths:
            return ""
        return " ".join([str(self.value), *sorted(self.paths)])


@define
class InLimit:
    """A node's share in a limit: its tasks take `tokens` each; a family with `this_node_only` takes them once."""

    name: str
    path: str = ""
    """Of the node that holds the limit; "" searches up the tree."""
    tokens: int = 1
    this_node_only: bool = False
    submission_only: bool = False
    incremented: bool = False
    """True while a family that counts once (`this_node_only`) holds its tokens."""
    line: int = field(default=0, eq=False, repr=False)
    """Of the definition it was read from; 0 if it was made otherwise."""

    @property
    def definition(self) -> str:
        option = "-n " if self.this_node_only else "-s " if self.submission_only else ""
        place = f"{self.path}:" if self.path else ""
        tokens = f" {self.tokens}" if self.tokens != 1 else ""
        return f"inlimit {option}{place}{self.name}{tokens}"

    @property
    def state_comment(self) -> str:
        return "incremented:1" if self.incremented else ""


@define
class Queue:
    """Steps that tasks take one after another; each has a state of its own."""

    name: str
    steps: tuple[str, ...]
    index: int = 0
    """Of the next step to give out; ``len(steps)`` when all are out."""
    states: list[State] = field()

    @states.default
    def _all_queued(self) -> list[State]:
        return [State.QUEUED] * len(self.steps)

    @property
    def definition(self) -> str:
        return f"queue {self.name} {' '.join(self.steps)}"

    @property
    def state_comment(self) -> str:
        return " ".join([str(self.index), *(STATE_WORDS[state] for state in self.states)])


@define
class Generic:
    """A named list of words that means nothing to the scheduler."""

    name: str
    values: tuple[str, ...] = ()

    @property
    def definition(self) -> str:
        return " ".join(["generic", self.name, *self.values])


@define
class Verify:
    """How often a node is expected to reach a state, counted for simulations."""

    state: State
    expected: int
    actual: int = 0

    @property
    def definition(self) -> str:
        return f"verify {STATE_WORDS[self.state]}:{self.expected}"

    @property
    def state_comment(self) -> str:
        return str(self.actual)


@define
class ZombieAttribute:
    """What to do with zombies of one type on this node and below, without asking."""

    zombie_type: str
    """user, ecf, path, ecf_pid, ecf_passwd or ecf_pid_passwd."""
    action: str
    """fob, fail, adopt, remove, block, kill, or "" to leave it to the default of the type."""
    children: tuple[str, ...] = ()
    """Child commands it is about (init, event, meter, label, wait, queue, abort, complete); () for all."""
    lifetime_seconds: int = 0

    @property
    def definition(self) -> str:
        return f"zombie {self.zombie_type}:{self.action}:{','.join(self.children)}:{self.lifetime_seconds}"


@define
class Late:
    """When a node is to be marked late; minutes, None where nothing was said."""

    submitted_minutes: int | None = None
    """Longest stay in submitted; always counted from the submission."""
    active_minutes: int | None = None
    """Time of day by which it must be active."""
    complete_minutes: int | None = None
    """Time of day by which, or (`complete_relative`) time since activation after which, it must be complete."""
    complete_relative: bool = False
    is_late: bool = False

    @property
    def definition(self) -> str:
        words = ["late"]
        if self.submitted_minutes is not None:
            words.append(f"-s +{clock_text(self.submitted_minutes)}")
        if self.active_minutes is not None:
            words.append(f"-a {clock_text(self.active_minutes)}")
        if self.complete_minutes is not None:
            words.append(f"-c {'+' if self.complete_relative else ''}{clock_text(self.complete_minutes)}")
        return " ".join(words)

    @property
    def state_comment(self) -> str:
        return "late" if self.is_late else ""


def clock_text(minutes: int) -> str:
    """Minutes since midnight as ``HH:MM``."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


@define
class AutoCancel:
    """When a complete node is deleted: days after, minutes after (`relative`), or at a time of day."""

    days: int | None = None
    minutes: int = 0
    relative: bool = True

    @property
    def when(self) -> str:
        if self.days is not None:
            return str(self.days)
        return f"{'+' if self.relative else ''}{clock_text(self.minutes)}"

    @property
    def definition(self) -> str:
        return f"autocancel {self.when}"


@define
class AutoArchive(AutoCancel):
    """When the children of a complete node (with `idle` also queued or aborted) go to disk."""

    idle: bool = False

    @property
    def definition(self) -> str:
        return f"autoarchive {self.when}{' -i' if self.idle else ''}"


@define
class AutoRestore:
    """Which archived nodes come back when this one completes."""

    paths: tuple[str, ...]
    line: int = field(default=0, eq=False, repr=False)
    """Of the definition it was read from; 0 if it was made otherwise."""

    @property
    def definition(self) -> str:
        return f"autorestore {' '.join(self.paths)}"


@define
class Aviso:
    """A notification from an Aviso server that the task waits for; values may hold ``%VARIABLES%``."""

    name: str
    listener: str
    url: str = ""
    schema: str = ""
    polling: str = ""
    auth: str = ""
    revision: str = ""

    @property
    def definition(self) -> str:
        words = [f"aviso --name {self.name} --listener '{self.listener}'"]
        options = ("url", "schema", "polling", "revision", "auth")
        words.extend(f"--{option} {value}" for option in options if (value := getattr(self, option)))
        return " ".join(words)


@define
class Mirror:
    """A node of another server whose state this one shows; values may hold ``%VARIABLES%``."""

    name: str
    remote_path: str
    remote_host: str = ""
    remote_port: str = ""
    polling: str = ""
    ssl: bool = False
    remote_auth: str = ""

    @property
    def definition(self) -> str:
        words = [f"mirror --name {self.name} --remote_path {self.remote_path}"]
        options = ("remote_host", "remote_port", "polling")
        words.extend(f"--{option} {value}" for option in options if (value := getattr(self, option)))
        if self.ssl:
            words.append("--ssl")
        if self.remote_auth:
            words.append(f"--remote_auth {self.remote_auth}")
        return " ".join(words)


@define
class Clock:
    """The clock of a suite: real or hybrid, perhaps begun on a date of its own, perhaps ahead or behind."""

    hybrid: bool = False
    date: tuple[int, int, int] | None = None
    """Day, month, year it begins on; None for today."""
    gain_seconds: int = 0
    relative: bool = False
    """True when the gain was written with ``+``."""
    stop_with_server: bool = False
    """True when it stands still while the server is halted (``-s``)."""


@define
class CalendarState:
    """Where a suite's clock stands, as a checkpoint tells it; times are seconds since 1970 on a clock without zones."""

    initial_time: int
    """Suite time at begin."""
    suite_time: int
    duration_seconds: int
    """Suite time passed since begin."""
    initial_local_time: int
    """Time of the host at begin."""
    last_time: int
    """Time of the host at the last update."""
    increment_seconds: int = 60
    day_changed: bool = False
    microseconds: int = 0
