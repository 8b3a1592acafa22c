"""What a workflow is, once read: the product of the language and the whole input of the engine.

Everything here is immutable after building, holds points as integers, and knows nothing of how it was written
beyond what an error message or a log line needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from ..cycling.cycling import Cycling, Offset, Sequence
from .source import Location

SUCCEEDED = "succeeded"
FAILED = "failed"
STARTED = "started"
SUBMITTED = "submitted"
SUBMIT_FAILED = "submit-failed"
EXPIRED = "expired"

STANDARD_OUTPUTS: tuple[str, ...] = (EXPIRED, SUBMITTED, SUBMIT_FAILED, STARTED, SUCCEEDED, FAILED)
"""Labels every task has; the message of each is the label itself."""


class Leaf(Struct, frozen=True):
    """One task output that a prerequisite waits for: ``foo[-P1D]:failed`` seen from its child."""

    task: str
    output: str
    """Output label, in its long form (``succeeded``, or a custom label)."""
    offset: Offset | None = None
    """Where the parent lies as seen from the child; None for the same cycle point."""


class All(Struct, frozen=True):
    """Met when every term is met."""

    terms: tuple[Expression, ...]


class AnyOf(Struct, frozen=True):
    """Met when one term is met."""

    terms: tuple[Expression, ...]


Expression = Leaf | All | AnyOf


def leaves(expression: Expression) -> Iterator[Leaf]:
    """Every leaf of an expression, left to right, repeated if written twice."""
    if isinstance(expression, Leaf):
        yield expression
    else:
        for term in expression.terms:
            yield from leaves(term)


class Dependency(Struct, eq=False):
    """One arrow of the graph: at every point of `sequence`, `children` wait for `expression`.

    A family on the right of an arrow is one dependency with all members as children, so a prerequisite can be
    shared by them: a family of 1000 triggering a family of 1000 costs 2000 links.
    """

    index: int
    """Position in `WorkflowDefinition.dependencies`; stable within one load of the definition only."""
    sequence: Sequence
    expression: Expression
    children: tuple[str, ...]
    suicide: bool = False
    text: str = ""
    """The left-hand side in canonical text (``a:succeeded & b[-P1]:failed``), for people and for `show`."""
    conditional: bool = False
    """Written with ``|`` or parentheses: one prerequisite whatever is inside. If False, every top-level term
    of the expression is a prerequisite of its own to the user, and equal ones count once."""
    location: Location | None = None
    """Where it is written."""


class Link(Struct, eq=False):
    """A dependency seen from one of the outputs it waits for."""

    dependency: Dependency
    offset: Offset | None


class OutputDefinition(Struct, frozen=True):
    """An output a task can complete."""

    label: str
    message: str
    required: bool | None = None
    """True: required by the graph; False: marked optional; None: the graph says nothing."""


class XtriggerDefinition(Struct, eq=False):
    """A named external trigger: a function call, its arguments as written, and how often to make it."""

    label: str
    function: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    interval_seconds: float = 10.0
    sequential: bool = False


class TaskDefinition(Struct, eq=False):
    """A task as the graph and the runtime section define it."""

    name: str
    namespaces: tuple[str, ...]
    """The task itself first, then its ancestors in resolution order, ``root`` last."""
    first_parent: str
    """The family it is grouped under."""
    runtime: Mapping[str, Any]
    """Merged ``[runtime]`` settings with defaults, keyed as in `language.items`; sections are nested."""
    sequences: tuple[Sequence, ...]
    """Where it is valid: at any point of any of these."""
    outputs: Mapping[str, OutputDefinition]
    """By label: the standard outputs and the custom ones."""
    completion: str
    """Boolean expression in Python syntax over output names with ``-`` written ``_``."""
    dependencies: tuple[Dependency, ...] = ()
    """The arrows that point at it (suicide triggers too)."""
    links: Mapping[str, tuple[Link, ...]] = {}
    """By output label: the dependencies that wait for that output."""
    xtriggers: tuple[tuple[Sequence, str], ...] = ()
    """Labels of the xtriggers it waits for, with where."""
    parameters: Mapping[str, Any] = {}
    """Task parameter values, for ``CYLC_TASK_PARAM_*``."""
    sequential: bool = False
    """Special task type: waits for its own previous instance."""
    clock_trigger_offset: str | None = None
    clock_expire_offset: str | None = None
    external_trigger: str | None = None
    workflow_state_poll: Mapping[str, str] | None = None
    """For ``task<workflow::task:qualifier>`` nodes: workflow, task, status."""

    def is_valid_at(self, point: int) -> bool:
        """Whether the graph has this task at a point."""
        return any(sequence.contains(point) for sequence in self.sequences)


class QueueDefinition(Struct, eq=False):
    """An internal queue: at most `limit` of its members active at once; 0 is no limit."""

    name: str
    limit: int
    members: frozenset[str]


class RunaheadLimit(Struct, frozen=True):
    """How far ahead of the oldest active point tasks may run."""

    cycles: int | None = None
    """``Pn``: n more points than the first; None when a duration is given."""
    interval: Any = None
    """An `Interval` of the workflow's cycling; None when a count is given."""


class WorkflowDefinition(Struct, eq=False):
    """A whole workflow, ready for the engine."""

    cycling: Cycling
    initial_point: int
    start_point: int
    final_point: int | None
    stop_point: int | None
    hold_after_point: int | None
    runahead: RunaheadLimit
    tasks: Mapping[str, TaskDefinition]
    """In the order the definition first names them."""
    families: Mapping[str, tuple[str, ...]]
    """Family name to all member tasks, however deep, in definition order; ``root`` holds every task."""
    family_parents: Mapping[str, tuple[str, ...]]
    """Every namespace (task or family) to its resolution order, itself first, ``root`` last."""
    first_parents: Mapping[str, str | None]
    """Every namespace to the family it is grouped under; None for root."""
    dependencies: tuple[Dependency, ...]
    sequences: tuple[Sequence, ...]
    """Every recurrence of the graph, for the runahead window."""
    queues: tuple[QueueDefinition, ...]
    """The ``default`` queue first; a task is a member of exactly one."""
    xtriggers: Mapping[str, XtriggerDefinition]
    config: Mapping[str, Any]
    """The validated configuration, nested as written, typed; see `language.items`."""
    start_tasks: tuple[tuple[int, str], ...] = ()
    """``--start-task``: (point, task name) pairs; empty for a start at a point."""
    compatibility: bool = False
    """Read from ``suite.rc``: Cylc 7 behaviour."""
    warnings: tuple[str, ...] = ()
