"""What holds a node, and what happens once nothing does: the tasks below are submitted.

A node runs if everything above it is free and it is free itself: not archived, suspended or complete, its times have
come, its complete expression is false, its trigger true, and its limits have room (in this order, ecFlow behaviour).
Containers that are free are remembered; what is below is looked at when one becomes free, and a task when something of
its own does.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import blake2b
from typing import TYPE_CHECKING, cast

from . import repeating
from .effects import SubmitTask
from .expression_tree import Expression as Tree
from .lifecycle import CLEARED_BY_SUBMISSION, LIVE
from .nodes import Defs, Node, Submittable, Suite
from .states import Flag, State
from .variables import own_variables, task_variables

if TYPE_CHECKING:
    from .engine import SuiteEngine


class Releasing:
    """Looks at nodes that may be free now."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self._open: set[Node] = set()
        """Containers that were free when last looked at, with all below looked at since."""
        self._scopes: dict[Node, tuple[int, dict[str, str]]] = {}
        self._root_scope: dict[str, str] | None = None

    # -- looking -------------------------------------------------------------------------------------------------------

    def look_at(self, node: Node) -> None:
        """Something changed about a node: release what it held, or hold it."""
        if node in self.engine.children.waiting:
            self.engine.children.look_at(node)
        if not self.engine.is_running() or not self._is_reached(node):
            return
        if isinstance(node, Submittable):
            self._try(node)
        elif not self.is_clear(node):
            self._open.discard(node)
        elif node not in self._open:
            self._enter(node)

    def _is_reached(self, node: Node) -> bool:
        place = node.parent
        while isinstance(place, Node):
            if place not in self._open:
                return False
            node, place = place, place.parent
        return place is not None and isinstance(node, Suite) and node.begun

    def _enter(self, node: Node) -> None:
        """A container is free: look at all below it."""
        self._open.add(node)
        stack = list(reversed(node.children))
        looked_at = self.engine.looked_at
        while stack:
            child = stack.pop()
            looked_at(child)
            if isinstance(child, Submittable):
                self._try(child)
            elif self.is_clear(child):
                self._open.add(child)
                stack.extend(reversed(child.children))
            else:
                self._open.discard(child)

    def close(self, node: Node) -> None:
        """Look at all below a node again once it is found free."""
        self._open.discard(node)

    def is_clear(self, node: Node) -> bool:
        """Whether nothing of a node's own, but limits, holds it. A complete expression that is true completes it."""
        if node.suspended or node.state is State.COMPLETE or Flag.ARCHIVED in node.flags:
            return False
        engine = self.engine
        if not engine.timekeeper.is_free(node):
            return False
        if node.complete is not None and self._completes(node):
            engine.lifecycle.complete_by_rule(node)
            return False
        return self.is_triggered(node)

    def is_triggered(self, node: Node) -> bool:
        """Whether the trigger of a node, if it has one, is true or was freed."""
        trigger = node.trigger
        return trigger is None or trigger.free or cast(Tree, trigger.tree).holds(self.engine.lookup(node))

    def _completes(self, node: Node) -> bool:
        complete = node.complete
        if complete is None or (node.state is not State.QUEUED and node.state is not State.ABORTED):
            return False
        if node.state is State.ABORTED and node.children:
            return False
        return complete.free or cast(Tree, complete.tree).holds(self.engine.lookup(node))

    def _try(self, task: Submittable) -> None:
        """Submit a task if nothing holds it."""
        engine = self.engine
        state = task.state
        if state is not State.QUEUED and not (state is State.ABORTED and engine.lifecycle.may_retry(task)):
            return
        if not self.is_clear(task):
            return
        full = engine.limits.full(task)
        if full is not None:
            engine.limits.wait(task, full[1], full[2].tokens)
            return
        self.submit(task)

    # -- submitting ----------------------------------------------------------------------------------------------------

    def submit(
        self,
        task: Submittable,
        *,
        script: str | None = None,
        user_variables: dict[str, str] | None = None,
        is_preprocessed: bool = False,
    ) -> bool:
        """Submit a task, whatever holds it; False if it is only a dummy (ECF_DUMMY_TASK)."""
        engine = self.engine
        scope = self.scope(task.parent)
        if "ECF_DUMMY_TASK" in scope or "ECF_DUMMY_TASK" in task.variables:
            return False
        if task.state in LIVE:
            engine.limits.release(task)
        engine.submissions += 1
        engine.forget_job(task)
        task.try_number += 1
        task.password = self._password(task)
        task.process_id = task.aborted_reason = ""
        if task.flags and not CLEARED_BY_SUBMISSION.isdisjoint(task.flags):
            task.flags -= CLEARED_BY_SUBMISSION
        engine.limits.take(task)
        variables = self.variables_of(task)
        if task.state is State.SUBMITTED:
            engine.state_changed(task)
        engine.lifecycle.set_state(task, State.SUBMITTED)
        engine.effects.append(
            SubmitTask(
                task.path,
                task.try_number,
                task.password,
                variables,
                script,
                user_variables or {},
                is_preprocessed,
            )
        )
        return True

    def _password(self, task: Submittable) -> str:
        """Eight characters nobody can guess without the seed, the same whenever the journal is played again."""
        engine = self.engine
        text = f"{engine.seed} {engine.submissions} {task.path}"
        return b64encode(blake2b(text.encode(), digest_size=6).digest(), b"./").decode()

    # -- variables -----------------------------------------------------------------------------------------------------

    def variables_of(self, task: Node) -> dict[str, str]:
        """Everything a task sees, as one mapping of its own."""
        scope = self.scope(task.parent)
        if not isinstance(task, Submittable):
            return dict(self.scope(task))
        own = task.variables
        around = {**scope, **own} if own else scope
        found = {**scope, **task_variables(task, around)}
        if task.repeat is not None:
            found.update(repeating.variables(task.repeat))
        if own:
            found.update(own)
        return found

    def scope(self, holder: Node | Defs | None) -> dict[str, str]:
        """What everything below a container sees; not to be changed."""
        if not isinstance(holder, Node):
            root = self._root_scope
            if root is None:
                defs = self.engine.defs
                root = self._root_scope = defs.server_variables | defs.user_variables
            return root
        suite = holder.suite
        minute = self.engine.suite_time(suite) // 60 if isinstance(suite, Suite) else 0
        kept = self._scopes.get(holder)
        if kept is not None and kept[0] == minute:
            return kept[1]
        found = self.scope(holder.parent) | own_variables(holder, self.engine.suite_time)
        self._scopes[holder] = (minute, found)
        return found

    def forget_scopes(self) -> None:
        """A variable changed that others may see."""
        self._scopes.clear()
        self._root_scope = None
