"""What the picture of a suite is made of: families and tasks as those of a workflow, in step with nodes.

A node's name here is its path within the suite, with ``+`` for ``/``: names of families and tasks are unique in a
workflow, those of nodes are not. The suite itself is the family ``root``. Everything is at one cycle point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from attrs import define

from ...proto.field_numbers import PbTaskProxy
from ..suite.attributes import Expression
from ..suite.details import details, expression_details
from ..suite.expression_tree import And, Or, StateTest, sides
from ..suite.expression_tree import Expression as Tree
from ..suite.nodes import Node, Submittable
from ..suite.states import Flag, State
from ..suite.watching import absolute
from . import wire
from .elements import FamilyProxyElement, TaskProxyElement
from .prerequisites import ConditionElement, PrerequisitePart, encode_part

if TYPE_CHECKING:
    from ..suite.engine import SuiteEngine

POINT = "1"
"""The cycle point of everything: what repeats, repeats in place."""
ROOT = "root"
STATES = {
    State.UNKNOWN: "waiting",
    State.COMPLETE: "succeeded",
    State.QUEUED: "waiting",
    State.ABORTED: "failed",
    State.SUBMITTED: "submitted",
    State.ACTIVE: "running",
}
"""The state of the schema for each of ecFlow's; the exact one is in ``extras``."""
NOT_STARTED = frozenset({Flag.JOB_COMMAND_FAILED, Flag.NO_SCRIPT, Flag.EDIT_FAILED})


def state_of(node: Node) -> str:
    """The state of a node in the words of the schema."""
    state = node.state
    if state is State.ABORTED and node.flags and not NOT_STARTED.isdisjoint(node.flags):
        return "submit-failed"
    return STATES[state]


def name_of(node: Node) -> str:
    """The name of a node in the picture of its suite: ``family+task``; ``root`` for the suite."""
    _, _, rest = node.path[1:].partition("/")
    if not rest:
        return ROOT
    return f"+{ROOT}" if rest == ROOT else rest.replace("/", "+")


def path_of(suite: str, name: str) -> str:
    """The path of the node that has a name in the picture of a suite."""
    if name == ROOT:
        return f"/{suite}"
    return f"/{suite}/{name.removeprefix('+').replace('+', '/')}"


@define(eq=False)
class NodeFamilyElement(FamilyProxyElement):
    """A suite or a family."""

    member: Any = None
    is_suspended: bool = False
    names: tuple[str, ...] = ()
    """``root`` first, itself last."""

    @property
    def is_held(self) -> bool:
        """Whether it, or one of its tasks, is suspended."""
        return self.is_suspended or self.is_held_total > 0

    def settle(self) -> None:
        """Derive what follows from the counts; the state is the node's own."""
        FamilyProxyElement.settle(self)
        self.state = state_of(self.member)


@define(eq=False)
class NodeTaskElement(TaskProxyElement):
    """A task or an alias."""

    suite_engine: Any = None
    member: Any = None

    @property
    def extras(self) -> dict[str, Any]:
        """Everything there is to tell of it, see `tidemill.flow.suite.details.details`."""
        return details(self.suite_engine, self.member)


@define(eq=False)
class TriggerElement:
    """The trigger of a node, as a prerequisite; evaluated when it is asked for."""

    engine: SuiteEngine
    node: Node
    expression: Expression

    @property
    def parts(self) -> tuple[PrerequisitePart, ...]:
        """One prerequisite: what is joined by and (or by or), with each part a condition."""
        told = expression_details(self.engine, self.node, self.expression)
        conditions = tuple(
            self._condition(number, part, tree)
            for number, (part, tree) in enumerate(zip(told["parts"], _sides(self.expression), strict=True))
        )
        joint = " & " if told["joiner"] == "and" else " | "
        satisfied = told["holds"] or told["free"]
        return (PrerequisitePart(joint.join(one.expr_alias for one in conditions), conditions, (POINT,), satisfied),)

    def _condition(self, number: int, part: dict[str, Any], tree: Tree) -> ConditionElement:
        message = "satisfied naturally" if part["holds"] else "unsatisfied"
        if isinstance(tree, StateTest):
            word = "suspended" if tree.state is None else tree.state.word
            wanted = word if tree.is_equal else f"not {word}"
            place = f"{POINT}/{_short(absolute(self.node, tree.path), self.node)}"
            return ConditionElement(place, str(number), wanted, part["holds"], message)
        return ConditionElement(part["text"], str(number), "true", part["holds"], message)

    @property
    def data(self) -> bytes:
        """The fields of a task proxy's message that tell of it."""
        return b"".join(wire.message(PbTaskProxy.prerequisites, encode_part(part)) for part in self.parts)


def _sides(expression: Expression) -> list[Tree]:
    tree = cast(Tree, expression.tree)
    return sides(tree) if isinstance(tree, And | Or) else [tree]


def _short(path: str, node: Node) -> str:
    """A node in the picture of the suite, or the whole path of one of another suite."""
    top, _, rest = path[1:].partition("/")
    if top != node.suite.name:
        return path
    return rest.replace("/", "+") or ROOT


def is_retry(node: Submittable) -> bool:
    """Whether a task waits to be tried again."""
    return node.state is State.QUEUED and node.try_number > 0
