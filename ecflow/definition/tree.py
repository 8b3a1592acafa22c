"""Suites, families, tasks and aliases: what makes each of them more than a node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from ...flow.suite import nodes as tree
from . import adding
from .attributes import checked
from .node import COVERS, Node, cover, raise_taken
from .times import Clock


class NodeContainer(Node):
    """A suite or family."""

    __slots__ = ()

    def _add_node(self, node: Node) -> None:
        core = node.core
        if isinstance(core, tree.Suite) or core.parent is not None or self.core.child(core.name) is not None:
            return  # passed over, as ecFlow does
        raise_taken(self.core, core)

    def add_family(self, family: Family | str) -> Family:
        """Add a family, or make one of that name; returns it. Raises `EcflowError` if the name is taken."""
        made = family if isinstance(family, Family) else Family(family)
        raise_taken(self.core, made.core)
        return made

    def add_task(self, task: Task | str) -> Task:
        """Add a task, or make one of that name; returns it. Raises `EcflowError` if the name is taken."""
        made = task if isinstance(task, Task) else Task(task)
        raise_taken(self.core, made.core)
        return made

    def find_node(self, name: str) -> Any:
        """The child of that name; None if there is none."""
        child = self.core.child(name)
        return None if child is None else cover(child)

    def find_family(self, name: str) -> Family | None:
        """The family of that name among the children."""
        found = self.find_node(name)
        return found if isinstance(found, Family) else None

    def find_task(self, name: str) -> Task | None:
        """The task of that name among the children."""
        found = self.find_node(name)
        return found if isinstance(found, Task) else None


class Suite(NodeContainer):
    """``Suite("name", things to add, ..., VARIABLE="value")``."""

    __slots__ = ()

    def __init__(self, name: str, /, *things: Any, **variables: str | int) -> None:
        self.core = tree.Suite(checked(name, "suite"))
        self.add(*things, **variables)

    def add_clock(self, clock: Clock) -> Self:
        """Give it a clock."""
        adding.add_clock(self.core, clock)
        return self

    def add_end_clock(self, clock: Clock) -> Self:
        """Say when its clock ends."""
        adding.add_clock(self.core, clock, is_end=True)
        return self

    def get_clock(self) -> Clock | None:
        """Its clock."""
        return None if self.core.clock is None else Clock.of(self.core.clock)

    def get_end_clock(self) -> Clock | None:
        """When its clock ends."""
        return None if self.core.end_clock is None else Clock.of(self.core.end_clock)

    def begun(self) -> bool:
        """Whether it was begun."""
        return bool(self.core.begun)


class Family(NodeContainer):
    """``Family("name", things to add, ..., VARIABLE="value")``."""

    __slots__ = ()

    def __init__(self, name: str, /, *things: Any, **variables: str | int) -> None:
        self.core = tree.Family(checked(name, "family"))
        self.add(*things, **variables)


class Submittable(Node):
    """A task or alias."""

    __slots__ = ()

    def get_jobs_password(self) -> str:
        """The password of its job."""
        return str(self.core.password)

    def get_process_or_remote_id(self) -> str:
        """The id its job told."""
        return str(self.core.process_id)

    def get_try_no(self) -> str:
        """The number of its try, as text."""
        return str(self.core.try_number)

    def get_int_try_no(self) -> int:
        """The number of its try."""
        return int(self.core.try_number)

    def get_aborted_reason(self) -> str:
        """Why it aborted."""
        return str(self.core.aborted_reason)


class Task(Submittable):
    """``Task("name", things to add, ..., VARIABLE="value")``."""

    __slots__ = ()

    def __init__(self, name: str, /, *things: Any, **variables: str | int) -> None:
        self.core = tree.Task(checked(name, "task"))
        self.add(*things, **variables)

    @property
    def aliases(self) -> Iterator[Alias]:
        """Its aliases."""
        return map(cover, self.core.children)


class Alias(Submittable):
    """A copy of a task, made by a server for one edit of its script."""

    __slots__ = ()


COVERS.update({"suite": Suite, "family": Family, "task": Task, "alias": Alias})
