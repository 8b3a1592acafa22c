"""What nodes carry besides times, repeats and expressions, by the names and methods of ecFlow's Python module.

Each is a thin cover of the attribute that the tree itself holds: what is found on a node shows its value as it is now.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from ...flow.suite import attribute_text, attributes, times
from ...flow.suite.states import State as CoreState
from ...flow.suite.words import check_name
from ..exceptions import EcflowError, OutOfRange, as_ecflow_errors
from .enums import ChildCmdType, DState, State, ZombieType, ZombieUserActionType

NO_NUMBER = 2_147_483_647
"""The number of an event that has none."""


def checked(name: str, what: str) -> str:
    """A legal name; raises `EcflowError`."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a {what} is to be text, not {name!r}")
    with as_ecflow_errors():
        return check_name(name, what)


def texts(values: Iterable[str], what: str) -> tuple[str, ...]:
    """Words of a list; raises TypeError if one is no text."""
    found = tuple(values)
    for value in found:
        if not isinstance(value, str):
            raise TypeError(f"{what} are to be text, not {value!r}")
    return found


_SHARED: dict[type, tuple[str, ...]] = {
    attributes.Limit: ("paths",),
    attributes.Queue: ("states",),
    times.Time: ("series",),
    times.Today: ("series",),
    times.Cron: ("series",),
}
"""What attributes hold that changes in place: two copies must not share it."""


class Attribute:
    """What all covers of attributes have in common."""

    __slots__ = ("core",)
    core: Any

    @classmethod
    def of(cls, core: Any) -> Self:
        """The cover of an attribute of the tree."""
        cover = cls.__new__(cls)
        cover.core = core
        return cover

    def own(self) -> Any:
        """A copy of what is covered, to be put on a node."""
        made = copy.copy(self.core)
        for name in _SHARED.get(type(made), ()):
            setattr(made, name, copy.copy(getattr(made, name)))
        return made

    def name(self) -> str:
        """Its name."""
        return str(self.core.name)

    def empty(self) -> bool:
        """Whether it stands for one that was not found."""
        return not self.core.name

    def __str__(self) -> str:
        return str(self.core.definition)

    def __repr__(self) -> str:
        return f"<ecflow.{type(self).__name__} {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Attribute) and type(self.core) is type(other.core) and bool(self.core == other.core)

    def __lt__(self, other: Self) -> bool:
        return str(self) < str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __copy__(self) -> Self:
        return type(self).of(self.own())


class Variable(Attribute):
    """``Variable("NAME", "value")``."""

    __slots__ = ()

    def __init__(self, name: str, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"the value of variable {name} is to be text, not {value!r}; Edit takes numbers too")
        self.core = attributes.Variable(checked(name, "variable"), value)

    def value(self) -> str:
        """Its value."""
        return str(self.core.value)

    def __str__(self) -> str:
        return str(self.core.definition).replace("\n", "\\n")


class Edit:
    """Variables: ``Edit({"A": "b"}, C=1)``."""

    __slots__ = ("variables",)

    def __init__(self, variables: Mapping[str, str | int] | None = None, /, **more: str | int) -> None:
        if variables is not None and not isinstance(variables, Mapping):
            raise EcflowError(f"Edit takes a dictionary and keywords, not {variables!r}")
        self.variables = variable_texts({**(variables or {}), **more})

    def __str__(self) -> str:
        return "\n".join(f"edit {name} '{value}'" for name, value in self.variables.items())


def variable_texts(variables: Mapping[str, Any]) -> dict[str, str]:
    """Names and values of variables as text; raises `EcflowError`."""
    found = {}
    for name, value in variables.items():
        if not isinstance(value, str | int):
            raise EcflowError(f"the value of variable {name} is to be text or a whole number, not {value!r}")
        found[checked(name, "variable")] = str(int(value)) if isinstance(value, int) else value
    return found


class Event(Attribute):
    """``Event(1)``, ``Event(1, "name")``, ``Event("name")``, each perhaps with its first value (True: set)."""

    __slots__ = ()

    def __init__(self, which: int | str, *rest: str | bool) -> None:
        name, initial = "", False
        number = int(which) if isinstance(which, int) or which.isdecimal() else None
        if number is None:
            if not which:
                raise EcflowError("an event needs a name or a number")
            name = checked(str(which), "event")
        for value in rest:
            if isinstance(value, bool):
                initial = value
            elif number is not None and not name:
                name = checked(value, "event") if value else ""
            else:
                raise TypeError(f"Event takes a number, a name and whether it is set, not {value!r}")
        self.core = attributes.Event(number, name, initial)

    def number(self) -> int:
        """Its number; 2147483647 if it has none."""
        return NO_NUMBER if self.core.number is None else int(self.core.number)

    def name_or_number(self) -> str:
        """What commands call it."""
        return str(self.core.name_or_number)

    def value(self) -> bool:
        """Whether it is set."""
        return bool(self.core.value)

    def initial_value(self) -> bool:
        """Whether it is set when its node is queued."""
        return bool(self.core.initial)

    def empty(self) -> bool:
        return not self.core.name and self.core.number is None

    def __str__(self) -> str:
        return "event " if self.empty() else str(self.core.definition)


class Meter(Attribute):
    """``Meter("name", minimum, maximum[, colour change])``."""

    __slots__ = ()

    def __init__(self, name: str, min: int, max: int, color_change: int | None = None) -> None:
        change = max if color_change is None else color_change
        if min > max:
            raise OutOfRange(f"the minimum ({min}) of meter {name} is above its maximum ({max})")
        if not min <= change <= max:
            raise OutOfRange(f"the colour change ({change}) of meter {name} is not within {min}..{max}")
        self.core = attributes.Meter(checked(name, "meter"), int(min), int(max), int(change))

    def min(self) -> int:
        """The least value."""
        return int(self.core.minimum)

    def max(self) -> int:
        """The greatest value."""
        return int(self.core.maximum)

    def value(self) -> int:
        """What the job told last."""
        return int(self.core.value)

    def color_change(self) -> int:
        """From where on it is shown in another colour."""
        return int(self.core.color_change)


class Label(Attribute):
    """``Label("name", "text")``."""

    __slots__ = ()

    def __init__(self, name: str, value: str) -> None:
        self.core = attributes.Label(checked(name, "label"), str(value))

    def value(self) -> str:
        """The text written in the definition."""
        return str(self.core.value)

    def new_value(self) -> str:
        """What the job told last."""
        return str(self.core.new_value)


class Limit(Attribute):
    """``Limit("name", maximum)``."""

    __slots__ = ()

    def __init__(self, name: str, maximum: int) -> None:
        if not isinstance(maximum, int):
            raise TypeError(f"the maximum of limit {name} is to be a whole number, not {maximum!r}")
        self.core = attributes.Limit(checked(name, "limit"), maximum)

    def value(self) -> int:
        """Tokens taken."""
        return int(self.core.value)

    def limit(self) -> int:
        """Tokens there are."""
        return int(self.core.maximum)

    def node_paths(self) -> list[str]:
        """Who took tokens."""
        return sorted(self.core.paths)

    def increment(self, tokens: int, path: str) -> None:
        """Have a path take tokens; it takes them once."""
        if path not in self.core.paths:
            self.core.paths.add(path)
            self.core.value += tokens

    def decrement(self, tokens: int, path: str) -> None:
        """Have a path give tokens back."""
        if path in self.core.paths:
            self.core.paths.discard(path)
            self.core.value = max(self.core.value - tokens, 0)


class InLimit(Attribute):
    """``InLimit("limit"[, "/path/of/its/node"[, tokens[, this_node_only[, submission_only]]]])``."""

    __slots__ = ()

    def __init__(
        self,
        limit_name: str = "",
        path_to_node_containing_limit: str = "",
        tokens: int = 1,
        limit_this_node_only: bool = False,
        limit_submission: bool = False,
    ) -> None:
        if limit_this_node_only and limit_submission:
            raise EcflowError(f"inlimit {limit_name} counts this node only (-n) or submission only (-s), not both")
        name = checked(limit_name, "limit") if limit_name else ""
        self.core = attributes.InLimit(
            name,
            path_to_node_containing_limit,
            tokens,
            this_node_only=limit_this_node_only,
            submission_only=limit_submission,
        )

    def path_to_node(self) -> str:
        """Where the limit is; "" for somewhere above."""
        return str(self.core.path)

    def tokens(self) -> int:
        """How many a task takes."""
        return int(self.core.tokens)

    def limit_this_node_only(self) -> bool:
        """Whether a family takes its tokens once, for all below."""
        return bool(self.core.this_node_only)

    def limit_submission(self) -> bool:
        """Whether tokens are given back when the job becomes active."""
        return bool(self.core.submission_only)


class Queue(Attribute):
    """``Queue("name", ["step", ...])``."""

    __slots__ = ()

    def __init__(self, name: str = "", steps: Sequence[str] = ()) -> None:
        if name and not steps:
            raise EcflowError(f"queue {name} has no steps")
        self.core = attributes.Queue(checked(name, "queue") if name else "", texts(steps, f"the steps of queue {name}"))

    def value(self) -> str:
        """The step it stands at."""
        steps, index = self.core.steps, self.core.index
        return str(steps[index]) if index < len(steps) else ""

    def index(self) -> int:
        """The number of the step it stands at."""
        return int(self.core.index)


class Generic(Attribute):
    """``Generic("name", ["word", ...])``."""

    __slots__ = ()

    def __init__(self, name: str = "", values: Sequence[str] = ()) -> None:
        self.core = attributes.Generic(
            checked(name, "generic") if name else "", texts(values, f"the words of generic {name}")
        )

    @property
    def values(self) -> Iterator[str]:
        """Its words."""
        return iter(self.core.values)


class Verify(Attribute):
    """``Verify(State.complete, count)``: how often a state is expected in a simulation."""

    __slots__ = ()

    def __init__(self, state: State, count: int) -> None:
        self.core = attributes.Verify(CoreState(int(state)), int(count))


class Defstatus:
    """``Defstatus("complete")``: the state a node has when it is queued."""

    __slots__ = ("_state",)

    def __init__(self, state: DState | str) -> None:
        if isinstance(state, str):
            if state not in DState.names:
                raise EcflowError(f"'{state}' is no state: {', '.join(DState.names)}")
            state = DState[state]
        elif not isinstance(state, DState):
            raise TypeError(f"Defstatus takes a DState or its name, not {state!r}")
        self._state = state

    def state(self) -> DState:
        """The state."""
        return self._state

    def __str__(self) -> str:
        return self._state.name


class Autorestore(Attribute):
    """``Autorestore(["/path", ...])``: archived nodes that come back when this one completes."""

    __slots__ = ()

    def __init__(self, paths: Sequence[str] = ()) -> None:
        self.core = attributes.AutoRestore(texts(paths, "the paths of autorestore"))

    def nodes_to_restore(self) -> list[str]:
        """The paths."""
        return list(self.core.paths)


class ZombieAttr(Attribute):
    """``ZombieAttr(ZombieType.ecf, [ChildCmdType.init], ZombieUserActionType.fob[, seconds])``."""

    __slots__ = ()

    def __init__(
        self,
        type: ZombieType | None = None,
        child_cmds: Sequence[ChildCmdType] = (),
        action: ZombieUserActionType = ZombieUserActionType.block,
        lifetime: int = 0,
    ) -> None:
        if type is None:
            self.core = attributes.ZombieAttribute("not_set", "block")
            return
        children = ",".join(child.name for child in child_cmds)
        with as_ecflow_errors():
            self.core = attribute_text.parse_zombie([f"{type.name}:{action.name}:{children}:{lifetime or ''}"])

    @property
    def child_cmds(self) -> Iterator[ChildCmdType]:
        """The commands it is about; none for all."""
        return iter([ChildCmdType[name] for name in self.core.children])

    def empty(self) -> bool:
        return bool(self.core.zombie_type == "not_set")

    def zombie_type(self) -> ZombieType:
        """Of which zombies."""
        return ZombieType[self.core.zombie_type]

    def user_action(self) -> ZombieUserActionType:
        """What is done about them."""
        return ZombieUserActionType[self.core.action]

    def zombie_lifetime(self) -> int:
        """Seconds they are remembered."""
        return int(self.core.lifetime_seconds)

    def name(self) -> str:
        return str(self.core.zombie_type)


class AvisoAttr(Attribute):
    """``AvisoAttr("name", listener, url, schema, polling, revision, auth)``."""

    __slots__ = ()

    def __init__(
        self,
        name: str,
        listener: str,
        url: str = "",
        schema: str = "",
        polling: str = "",
        revision: str = "",
        auth: str = "",
    ) -> None:
        listener = listener.strip("'")
        self.core = attributes.Aviso(
            checked(name, "aviso"),
            listener,
            url=url,
            schema=schema,
            polling=str(polling),
            auth=auth,
            revision=str(revision),
        )

    def listener(self) -> str:
        """What it listens to, JSON."""
        return str(self.core.listener)

    def url(self) -> str:
        """Of the Aviso server."""
        return str(self.core.url)

    def schema(self) -> str:
        """Where the schema of notifications is."""
        return str(self.core.schema)

    def polling(self) -> str:
        """Seconds between two looks."""
        return str(self.core.polling)

    def auth(self) -> str:
        """File of credentials."""
        return str(self.core.auth)


class MirrorAttr(Attribute):
    """``MirrorAttr("name", remote_path, remote_host, remote_port, polling, ssl, auth)``."""

    __slots__ = ()

    def __init__(
        self,
        name: str,
        remote_path: str,
        remote_host: str = "",
        remote_port: str = "",
        polling: str = "",
        ssl: bool = False,
        auth: str = "",
    ) -> None:
        self.core = attributes.Mirror(
            checked(name, "mirror"),
            remote_path,
            remote_host=remote_host,
            remote_port=str(remote_port),
            polling=str(polling),
            ssl=ssl,
            remote_auth=auth,
        )

    def remote_path(self) -> str:
        """Path of the node that is shown."""
        return str(self.core.remote_path)

    def remote_host(self) -> str:
        """Host of its server."""
        return str(self.core.remote_host)

    def remote_port(self) -> str:
        """Port of its server."""
        return str(self.core.remote_port)

    def polling(self) -> str:
        """Seconds between two looks."""
        return str(self.core.polling)

    def ssl(self) -> bool:
        """Whether its server is spoken to over TLS."""
        return bool(self.core.ssl)

    def auth(self) -> str:
        """File of credentials."""
        return str(self.core.remote_auth)
