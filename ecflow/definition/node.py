"""What suites, families, tasks and aliases have in common, by the names and methods of ecFlow's Python module.

Each is a thin cover of a node of the tree that servers run: it holds nothing itself, so any number of covers of one
node are the same to all who use them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, MutableSequence
from typing import TYPE_CHECKING, Any, Self

from ...flow.suite import attributes
from ...flow.suite import nodes as tree
from ...flow.suite.compare import same_tree
from ..exceptions import EcflowError, NoSuchName
from . import adding, asking
from .attributes import (
    Attribute,
    Autorestore,
    Defstatus,
    Event,
    Generic,
    InLimit,
    Label,
    Limit,
    Meter,
    Queue,
    Variable,
    Verify,
    ZombieAttr,
)
from .enums import AttrType, DState, State, ZombieType
from .expressions import Expression, PartExpression, core_expression
from .flags import Flag
from .printing import text_of
from .repeats import Repeat
from .times import Autoarchive, Autocancel, Cron, Date, Day, Late, Time, Today

if TYPE_CHECKING:
    from types import TracebackType

    from .defs import Defs

_SORTED = {"event": "events", "meter": "meters", "label": "labels", "limit": "limits"}
NO_VARIABLE = Variable.of(attributes.Variable("", ""))
NO_EVENT = Event.of(attributes.Event(None, ""))
NO_METER = Meter.of(attributes.Meter("", 0, 0, 0))
NO_LABEL = Label.of(attributes.Label("", ""))
"""What stands for one that was not found."""
COVERS: dict[str, type[Node]] = {}
"""The class that covers nodes of a kind (``"suite"``, ...)."""


def cover(core: tree.Node) -> Any:
    """The cover of a node."""
    return COVERS[core.kind].of(core)


class Node:
    """A suite, family, task or alias; `add_task`, ``Task("t")`` and others make one."""

    __slots__ = ("core",)
    core: Any

    def __init__(self, *_: Any, **__: Any) -> None:
        raise EcflowError(f"a {type(self).__name__} cannot be made by itself: make a Suite, Family or Task")

    @classmethod
    def of(cls, core: tree.Node) -> Self:
        """The cover of a node of a tree."""
        made = cls.__new__(cls)
        made.core = core
        return made

    # -- putting things on it ------------------------------------------------------------------------------------------

    def add(self, *things: Any, **variables: str | int) -> Self:
        """Put things on the node, one after the other: attributes, dictionaries of variables, nodes, lists of these.

        A node whose name is taken, or that stands elsewhere, is passed over (ecFlow behaviour; `add_task` and
        `add_family` raise). Keywords are variables. Returns the node.
        """
        for thing in things:
            if thing is None:
                continue
            if isinstance(thing, list | tuple):
                self.add(*thing)
            elif isinstance(thing, Node):
                self._add_node(thing)
            elif not adding.add_plain(self.core, thing):
                raise EcflowError(f"{thing!r} is nothing that can be added to {self.core.kind} {self.core.path}")
        adding.set_variables(self.core, variables)
        return self

    def __add__(self, thing: Any) -> Self:
        return self.add(thing)

    __iadd__ = __add__

    def __rshift__(self, node: Node) -> Self:
        return self._chain(node, later=True)

    def __lshift__(self, node: Node) -> Self:
        return self._chain(node, later=False)

    def _chain(self, node: Node, *, later: bool) -> Self:
        """Add a child that waits for the last one (`later`), or that the last one waits for."""
        last = self.core.children[-1] if self.core.children else None
        self.add(node)
        if last is not None:
            first, second = (last, node.core) if later else (node.core, last)
            adding.add_expression(second, "trigger", Expression(f"{first.name} == complete").all)
        return self

    def _add_node(self, node: Node) -> None:
        raise EcflowError(f"{self.core.kind} {self.core.path} has no children: only suites and families do")

    def _put(self, kind: Any, arguments: tuple[Any, ...], named: Mapping[str, Any] | None = None) -> Self:
        """Put an attribute on the node: the one given, or one made of what its class takes."""
        is_made = len(arguments) == 1 and isinstance(arguments[0], Attribute)
        adding.add_attribute(self.core, arguments[0] if is_made else kind(*arguments, **(named or {})))
        return self

    def add_variable(self, *arguments: Any) -> Self:
        """Set variables: name and value, a dictionary, or a `Variable`."""
        if len(arguments) == 2:
            name, value = arguments
            if not isinstance(value, str | int):
                raise TypeError(f"the value of variable {name} is to be text or a whole number, not {value!r}")
            adding.set_variables(self.core, {name: value})
            return self
        return self.add(*arguments)

    def add_event(self, *arguments: Any) -> Self:
        """Add an `Event`, or what it is made of."""
        return self._put(Event, arguments)

    def add_meter(self, *arguments: Any) -> Self:
        """Add a `Meter`, or what it is made of."""
        return self._put(Meter, arguments)

    def add_label(self, *arguments: Any) -> Self:
        """Add a `Label`, or what it is made of."""
        return self._put(Label, arguments)

    def add_limit(self, *arguments: Any) -> Self:
        """Add a `Limit`, or what it is made of."""
        return self._put(Limit, arguments)

    def add_inlimit(self, *arguments: Any, **named: Any) -> Self:
        """Add an `InLimit`, or what it is made of."""
        return self._put(InLimit, arguments, named)

    def add_queue(self, *arguments: Any) -> Self:
        """Add a `Queue`, or what it is made of."""
        return self._put(Queue, arguments)

    def add_generic(self, *arguments: Any) -> Self:
        """Add a `Generic`, or what it is made of."""
        return self._put(Generic, arguments)

    def add_time(self, *arguments: Any) -> Self:
        """Add a `Time`, or what it is made of."""
        return self._put(Time, arguments)

    def add_today(self, *arguments: Any) -> Self:
        """Add a `Today`, or what it is made of."""
        return self._put(Today, arguments)

    def add_cron(self, *arguments: Any, **named: Any) -> Self:
        """Add a `Cron`, or what it is made of."""
        return self._put(Cron, arguments, named)

    def add_date(self, *arguments: Any) -> Self:
        """Add a `Date`, or what it is made of."""
        return self._put(Date, arguments)

    def add_day(self, *arguments: Any) -> Self:
        """Add a `Day`, or what it is made of."""
        return self._put(Day, arguments)

    def add_late(self, *arguments: Any, **named: Any) -> Self:
        """Add a `Late`, or what it is made of."""
        return self._put(Late, arguments, named)

    def add_autocancel(self, *arguments: Any) -> Self:
        """Add an `Autocancel`, or what it is made of."""
        return self._put(Autocancel, arguments)

    def add_autoarchive(self, *arguments: Any, **named: Any) -> Self:
        """Add an `Autoarchive`, or what it is made of."""
        return self._put(Autoarchive, arguments, named)

    def add_autorestore(self, *arguments: Any) -> Self:
        """Add an `Autorestore`, or what it is made of."""
        return self._put(Autorestore, arguments)

    def add_repeat(self, repeat: Repeat) -> Self:
        """Add a repeat."""
        return self._put(Repeat, (repeat,))

    def add_verify(self, verify: Verify) -> Self:
        """Add a `Verify`."""
        return self._put(Verify, (verify,))

    def add_zombie(self, zombie: ZombieAttr) -> Self:
        """Add a `ZombieAttr`."""
        return self._put(ZombieAttr, (zombie,))

    def add_aviso(self, aviso: Attribute) -> Self:
        """Add an `AvisoAttr`."""
        return self._put(None, (aviso,))

    def add_mirror(self, mirror: Attribute) -> Self:
        """Add a `MirrorAttr`."""
        return self._put(None, (mirror,))

    def add_defstatus(self, state: DState | Defstatus) -> Self:
        """Say what state the node has when it is queued."""
        adding.set_defstatus(self.core, state.state() if isinstance(state, Defstatus) else state)
        return self

    def add_trigger(self, expression: str | Expression) -> Self:
        """Give the node its trigger."""
        made = expression if isinstance(expression, Expression) else Expression(expression)
        adding.set_expression(self.core, "trigger", made.all)
        return self

    def add_complete(self, expression: str | Expression) -> Self:
        """Give the node its complete expression."""
        made = expression if isinstance(expression, Expression) else Expression(expression)
        adding.set_expression(self.core, "complete", made.all)
        return self

    def add_part_trigger(self, part: str | PartExpression, and_type: bool | None = None) -> Self:
        """Add a line to the trigger; the first is joined to nothing, the others are ANDed (True) or ORed (False)."""
        made = part if isinstance(part, PartExpression) else PartExpression(part, and_type)
        adding.extend_expression(self.core, "trigger", made.part)
        return self

    def add_part_complete(self, part: str | PartExpression, and_type: bool | None = None) -> Self:
        """Add a line to the complete expression, as `add_part_trigger` does."""
        made = part if isinstance(part, PartExpression) else PartExpression(part, and_type)
        adding.extend_expression(self.core, "complete", made.part)
        return self

    def change_trigger(self, expression: str) -> None:
        """Have another trigger; raises `EcflowError` if it makes no sense, and the old one stays."""
        self.core.trigger = core_expression(Expression(expression).all)

    def change_complete(self, expression: str) -> None:
        """Have another complete expression, as `change_trigger` does."""
        self.core.complete = core_expression(Expression(expression).all)

    # -- taking things away --------------------------------------------------------------------------------------------

    def _take(self, kind: str, which: Any, what: str) -> None:
        """Take attributes away: those of a name or like another; all if it is empty. Raises `EcflowError`."""
        held = getattr(self.core, kind)
        text = str(which)
        chosen = [one for one in held if not text or _is_meant(one, text)]
        if text and not chosen:
            raise EcflowError(f"{self.core.kind} {self.core.path} has no {what} '{text}' to delete")
        for one in chosen:
            self.core.discard(kind, one)

    def delete_variable(self, name: str) -> None:
        """Take a variable away; all with an empty name."""
        if not name:
            self.core.variables.clear()
        elif self.core.variables.pop(name, None) is None:
            raise EcflowError(f"{self.core.kind} {self.core.path} has no variable '{name}' of its own to delete")

    def delete_event(self, name: str) -> None:
        """Take an event away, by name or number; all with an empty name."""
        self._take("events", name, "event")

    def delete_meter(self, name: str) -> None:
        """Take a meter away; all with an empty name."""
        self._take("meters", name, "meter")

    def delete_label(self, name: str) -> None:
        """Take a label away; all with an empty name."""
        self._take("labels", name, "label")

    def delete_limit(self, name: str) -> None:
        """Take a limit away; all with an empty name."""
        self._take("limits", name, "limit")

    def delete_inlimit(self, name: str) -> None:
        """Take an inlimit away, ``limit`` or ``/path:limit``; all with an empty name."""
        self._take("inlimits", name, "inlimit")

    def delete_queue(self, name: str) -> None:
        """Take a queue away; all with an empty name."""
        self._take("queues", name, "queue")

    def delete_generic(self, name: str) -> None:
        """Take a generic away; all with an empty name."""
        self._take("generics", name, "generic")

    def delete_time(self, time: str | Time) -> None:
        """Take a time away, given as it is written; all with an empty text."""
        self._take("times", time, "time")

    def delete_today(self, today: str | Today) -> None:
        """Take a today away, given as it is written; all with an empty text."""
        self._take("todays", today, "today")

    def delete_date(self, date: str | Date) -> None:
        """Take a date away, given as it is written; all with an empty text."""
        self._take("dates", date, "date")

    def delete_day(self, day: str | Day) -> None:
        """Take a day away; all with an empty text."""
        self._take("days", day, "day")

    def delete_cron(self, cron: str | Cron) -> None:
        """Take a cron away, given as it is written; all with an empty text."""
        self._take("crons", cron, "cron")

    def delete_zombie(self, which: str | ZombieType) -> None:
        """Take a zombie attribute away, by its type; all with an empty text."""
        self._take("zombies", which, "zombie attribute")

    def delete_aviso(self, name: str) -> None:
        """Take an aviso away; all with an empty name."""
        self._take("avisos", name, "aviso")

    def delete_mirror(self, name: str) -> None:
        """Take a mirror away; all with an empty name."""
        self._take("mirrors", name, "mirror")

    def delete_trigger(self) -> None:
        """Take the trigger away."""
        self.core.trigger = None

    def delete_complete(self) -> None:
        """Take the complete expression away."""
        self.core.complete = None

    def delete_repeat(self) -> None:
        """Take the repeat away."""
        self.core.repeat = None

    def remove(self) -> Self:
        """Take the node out of its tree; returns it."""
        holder = self.core.parent
        if isinstance(holder, tree.Defs):
            holder.remove_suite(self.core)
        elif holder is not None:
            holder.remove_child(self.core)
        return self

    def sort_attributes(self, kind: AttrType | str, recursive: bool = True, no_sort: Any = ()) -> None:
        """Sort attributes by name; ``all`` means every kind.

        Arguments:
            kind: event, meter, label, limit, variable or all.
            recursive: those of nodes below too.
            no_sort: paths of nodes to leave alone.
        """
        chosen = str(kind)
        if chosen not in AttrType.names:
            raise EcflowError(f"'{chosen}' cannot be sorted: {', '.join(AttrType.names)}")
        for node in self.core.walk() if recursive else (self.core,):
            if node.path in no_sort:
                continue
            for word, name in _SORTED.items():
                if chosen in (word, "all"):
                    setattr(node, name, sorted(getattr(node, name), key=_sort_key) or ())
            if chosen in ("variable", "all"):
                node.variables = dict(sorted(node.variables.items(), key=lambda item: item[0].lower()))

    # -- what is on it -------------------------------------------------------------------------------------------------

    def name(self) -> str:
        """Its name."""
        return str(self.core.name)

    def get_abs_node_path(self) -> str:
        """Its path, ``/suite/family/task``."""
        return str(self.core.path)

    @property
    def variables(self) -> Iterator[Variable]:
        """Its own variables."""
        return iter([Variable(name, value) for name, value in self.core.variables.items()])

    @property
    def events(self) -> Iterator[Event]:
        """Its events."""
        return map(Event.of, self.core.events)

    @property
    def meters(self) -> Iterator[Meter]:
        """Its meters."""
        return map(Meter.of, self.core.meters)

    @property
    def labels(self) -> Iterator[Label]:
        """Its labels."""
        return map(Label.of, self.core.labels)

    @property
    def limits(self) -> Iterator[Limit]:
        """Its limits."""
        return map(Limit.of, self.core.limits)

    @property
    def inlimits(self) -> Iterator[InLimit]:
        """Its inlimits."""
        return map(InLimit.of, self.core.inlimits)

    @property
    def queues(self) -> Iterator[Queue]:
        """Its queues."""
        return map(Queue.of, self.core.queues)

    @property
    def generics(self) -> Iterator[Generic]:
        """Its generics."""
        return map(Generic.of, self.core.generics)

    @property
    def times(self) -> Iterator[Time]:
        """Its times."""
        return map(Time.of, self.core.times)

    @property
    def todays(self) -> Iterator[Today]:
        """Its todays."""
        return map(Today.of, self.core.todays)

    @property
    def dates(self) -> Iterator[Date]:
        """Its dates."""
        return map(Date.of, self.core.dates)

    @property
    def days(self) -> Iterator[Day]:
        """Its days."""
        return map(Day.of, self.core.days)

    @property
    def crons(self) -> Iterator[Cron]:
        """Its crons."""
        return map(Cron.of, self.core.crons)

    @property
    def verifies(self) -> Iterator[Verify]:
        """Its verifies."""
        return map(Verify.of, self.core.verifies)

    @property
    def zombies(self) -> Iterator[ZombieAttr]:
        """Its zombie attributes."""
        return map(ZombieAttr.of, self.core.zombies)

    def _found(self, kind: Any, held: str, name: str, nothing: Any) -> Any:
        core = self.core.find_attribute(held, name)
        return nothing if core is None else kind.of(core)

    def find_variable(self, name: str) -> Variable:
        """Its own variable of that name; an empty one if there is none."""
        value = self.core.variables.get(name)
        return NO_VARIABLE if value is None else Variable(name, value)

    def find_gen_variable(self, name: str) -> Variable:
        """What is generated for it by that name; an empty variable if nothing is."""
        value = asking.generated(self.core).get(name)
        return NO_VARIABLE if value is None else Variable(name, value)

    def find_parent_variable(self, name: str) -> Variable:
        """The variable of that name it sees, its own or from above; an empty one if there is none."""
        value = asking.value_seen(self.core, name)
        return NO_VARIABLE if value is None else Variable(name, value)

    def find_parent_variable_sub_value(self, name: str) -> str:
        """The value of a variable it sees, other variables put in; "" if there is none."""
        value = asking.value_seen(self.core, name)
        return "" if value is None else asking.substituted(self.core, value)

    def find_event(self, name: str) -> Event:
        """Its event of that name or number; an empty one if there is none."""
        found: Event = self._found(Event, "events", name, NO_EVENT)
        return found

    def find_meter(self, name: str) -> Meter:
        """Its meter of that name; an empty one if there is none."""
        found: Meter = self._found(Meter, "meters", name, NO_METER)
        return found

    def find_label(self, name: str) -> Label:
        """Its label of that name; an empty one if there is none."""
        found: Label = self._found(Label, "labels", name, NO_LABEL)
        return found

    def find_limit(self, name: str) -> Limit | None:
        """Its limit of that name; None if there is none."""
        found: Limit | None = self._found(Limit, "limits", name, None)
        return found

    def find_queue(self, name: str) -> Queue:
        """Its queue of that name; an empty one if there is none."""
        found: Queue = self._found(Queue, "queues", name, Queue())
        return found

    def find_generic(self, name: str) -> Generic:
        """Its generic of that name; an empty one if there is none."""
        found: Generic = self._found(Generic, "generics", name, Generic())
        return found

    def find_node_up_the_tree(self, name: str) -> Any:
        """The node of that name among itself, its siblings and its ancestors, and theirs; None if there is none."""
        place = self.core
        while isinstance(place, tree.Node):
            if place.name == name:
                return cover(place)
            sibling = place.parent.child(name) if place.parent is not None else None
            if sibling is not None:
                return cover(sibling)
            place = place.parent
        return None

    def __getattr__(self, name: str) -> Any:
        """A child, variable, event, meter, limit or repeat of that name; raises `NoSuchName`."""
        if name.startswith("__") or name == "core":
            raise AttributeError(name)
        core = self.core
        if (child := core.child(name)) is not None:
            return cover(child)
        if name in core.variables:
            return Variable(name, core.variables[name])
        for kind, held in ((Event, "events"), (Meter, "meters"), (Limit, "limits")):
            if (found := core.find_attribute(held, name)) is not None:
                return kind.of(found)
        if (value := asking.generated(core).get(name)) is not None:
            return Variable(name, value)
        raise NoSuchName(f"{core.kind} {core.path} has no method, child, variable, event, meter or limit '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        """What ``family.task += thing`` ends with: the child is what it was. Nothing else can be set."""
        if name == "core":
            object.__setattr__(self, name, value)
        elif not isinstance(value, Node) or value.core is not self.core.child(name):
            raise NoSuchName(f"'{name}' of {self.core.kind} {self.core.path} cannot be set: use add, or +=")

    def get_trigger(self) -> Expression | None:
        """Its trigger."""
        return self._expression("trigger")

    def get_complete(self) -> Expression | None:
        """Its complete expression."""
        return self._expression("complete")

    def _expression(self, kind: str) -> Expression | None:
        held = getattr(self.core, kind)
        if held is None:
            return None
        made = Expression.__new__(Expression)
        made.all = held.parts
        return made

    def evaluate_trigger(self) -> bool:
        """Whether its trigger holds now; False if it has none."""
        return asking.holds(self.core, "trigger")

    def evaluate_complete(self) -> bool:
        """Whether its complete expression holds now; False if it has none."""
        return asking.holds(self.core, "complete")

    def get_repeat(self) -> Repeat:
        """Its repeat; an empty one if there is none."""
        return Repeat.of(self.core.repeat)

    def get_late(self) -> Late | None:
        """Its late."""
        return None if self.core.late is None else Late.of(self.core.late)

    def get_autocancel(self) -> Autocancel | None:
        """Its autocancel."""
        return None if self.core.autocancel is None else Autocancel.of(self.core.autocancel)

    def get_autoarchive(self) -> Autoarchive | None:
        """Its autoarchive."""
        return None if self.core.autoarchive is None else Autoarchive.of(self.core.autoarchive)

    def get_autorestore(self) -> Autorestore | None:
        """Its autorestore."""
        return None if self.core.autorestore is None else Autorestore.of(self.core.autorestore)

    def get_flag(self) -> Flag:
        """Its flags."""
        return Flag(self.core)

    def get_state(self) -> State:
        """Its state."""
        return State(int(self.core.state))

    def get_dstate(self) -> DState:
        """Its state as it is shown: suspended goes before all."""
        return DState.suspended if self.core.suspended else DState(int(self.core.state))

    def get_defstatus(self) -> DState:
        """The state it has when it is queued."""
        if self.core.default_suspended:
            return DState.suspended
        state = self.core.default_state
        return DState.queued if state is None else DState(int(state))

    def is_suspended(self) -> bool:
        """Whether it is suspended."""
        return bool(self.core.suspended)

    def get_state_change_time(self, format: str = "iso_extended") -> str:
        """When its state changed last, as suite time (iso_extended, iso or simple)."""
        return asking.state_change_time(self.core, format)

    def has_time_dependencies(self) -> bool:
        """Whether it, or anything below it, waits for times or days."""
        return asking.has_time_dependencies(self.core)

    def get_generated_variables(self, found: MutableSequence[Variable] | None = None) -> list[Variable]:
        """What is generated for it; appended to `found` if that is given."""
        made = [Variable(name, value) for name, value in asking.generated(self.core).items()]
        if found is not None:
            found.extend(made)
        return made

    def update_generated_variables(self) -> None:
        """Nothing is to be done: they are generated when they are asked for."""

    def get_parent(self) -> Any:
        """The node above; None for a suite, or outside of a tree."""
        parent = self.core.parent
        return cover(parent) if isinstance(parent, tree.Node) else None

    def get_defs(self) -> Defs | None:
        """The tree it stands in."""
        from .defs import Defs

        core = self.core.defs
        return None if core is None else Defs.of(core)

    def get_all_nodes(self) -> list[Any]:
        """It and all below it."""
        return [cover(node) for node in self.core.walk()]

    # -- the server ----------------------------------------------------------------------------------------------------

    def replace_on_server(self, *where: Any, suspend_node_first: bool = True, force: bool = True) -> None:
        """Put the node, as it is here, in place of the one on a server.

        Arguments:
            where: a `Client`, or ``"host:port"``, or host and port; as the environment says if not given.
            suspend_node_first: have it arrive suspended, so that nothing runs before you resume it.
            force: even if jobs run in the one it replaces.
        """
        from ..client import Client

        defs = self.get_defs()
        if defs is None:
            raise EcflowError(f"{self.core.path} stands in no definition: add its suite to a Defs first")
        if suspend_node_first:
            self.core.suspended = True
        client = where[0] if where and isinstance(where[0], Client) else Client(*where)
        client.replace(self.core.path, defs, True, force)

    # -- as a value ----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def __str__(self) -> str:
        return text_of(self.core)

    def __repr__(self) -> str:
        return f"<ecflow.{type(self).__name__} {self.core.path}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and (self.core is other.core or same_tree(self.core, other.core))

    def __lt__(self, other: Node) -> bool:
        return self.name() < other.name()

    def __hash__(self) -> int:
        return hash((self.core.kind, self.core.name))

    def __copy__(self) -> Self:
        return type(self).of(copy.deepcopy(self.core, {id(self.core.parent): None}))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.core.children)

    def __iter__(self) -> Iterator[Any]:
        return map(cover, self.core.children)

    def __contains__(self, name: str) -> bool:
        return self.core.child(name) is not None

    @property
    def nodes(self) -> Iterator[Any]:
        """Its children."""
        return map(cover, self.core.children)


def _sort_key(attribute: Any) -> str:
    return str(getattr(attribute, "name_or_number", attribute.name)).lower()


def _is_meant(attribute: Any, text: str) -> bool:
    """Whether a name or a written form means an attribute."""
    definition: str = attribute.definition
    if text in (definition, definition.partition(" ")[2]):
        return True
    if isinstance(attribute, attributes.Event) and str(attribute.number) == text:
        return True
    if getattr(attribute, "name_or_number", None) == text or getattr(attribute, "zombie_type", None) == text:
        return True
    name = getattr(attribute, "name", None)
    return name is not None and text in (name, f"{getattr(attribute, 'path', '')}:{name}")


def raise_taken(core: tree.Node | tree.Defs, child: tree.Node) -> None:
    """Put a child into a container; raises `EcflowError` if its name is taken or it stands elsewhere."""
    if child.parent is not None:
        raise EcflowError(f"{child.kind} {child.path} stands in another tree already: copy it, or remove it from there")
    if core.child(child.name) is not None:
        raise EcflowError(f"{core.path} has a child named '{child.name}' already")
    # As the reader does it: what the tree's own methods do for a server would cost time in proportion to the siblings.
    held: Any = core.children
    if isinstance(held, list):
        held.append(child)
    elif isinstance(core, tree.Defs):
        core.suites = [child]  # type: ignore[list-item]
    else:
        core.children = [child]
    by_name: Any = core._by_name
    if by_name is None:
        core._by_name = {child.name: child}
    else:
        by_name[child.name] = child
    child.parent = core
    child.forget_paths()
