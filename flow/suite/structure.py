"""How the tree itself changes: suites loaded, nodes replaced, deleted, moved, put in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .check import check_definition
from .exceptions import SuiteError
from .lifecycle import LIVE
from .nodes import Alias, Defs, Family, Node, Submittable, Suite, Task
from .reader import read_definition
from .states import State

if TYPE_CHECKING:
    from .engine import SuiteEngine

ORDERS = ("top", "bottom", "alpha", "order", "up", "down", "runtime")


class StructureError(SuiteError):
    """The tree cannot be changed so."""


def load(engine: SuiteEngine, text: str, *, file: str = "", force: bool = False) -> list[str]:
    """Add the suites of a definition; with `force`, in place of those of the same name.

    Raises:
        SuiteError: the text is no definition, names what is not there, or a suite is there already.
    """
    new = engine.prepared.pop(text, None) or prepare(text, file)
    taken = [suite.name for suite in new.suites if engine.defs.child(suite.name) is not None]
    if taken and not force:
        raise StructureError(f"there is a suite named '{taken[0]}' already: use force to put the new one in its place")
    for extern in new.externs:
        if extern not in engine.defs.externs:
            engine.defs.externs.append(extern)
    names = []
    for suite in list(new.suites):
        names.append(suite.name)
        old = engine.defs.child(suite.name)
        new.remove_suite(suite)
        if old is None:
            engine.defs.add_suite(suite)
            engine.structure_changed(engine.defs)
            taken_in(engine, suite)
        else:
            _put_in_place(engine, old, suite)
    engine.lifecycle.refresh(engine.defs)
    return names


def prepare(text: str, file: str) -> Defs:
    """Read and check a definition for `load`; nothing of the engine is needed, so it may be done in another thread.

    Raises:
        SuiteError: something in it is wrong.
    """
    new = read_definition(text, file)
    if "\ndefs_state " not in text[:200]:  # what was printed with its state may name what went since (ecFlow behaviour)
        _require_sound(new, file)
    return new


def _require_sound(defs: Defs, file: str) -> None:
    errors = check_definition(defs).errors
    if errors:
        raise StructureError("\n".join(problem.text(file) for problem in errors))


def taken_in(engine: SuiteEngine, node: Node) -> None:
    """A node came into the tree, perhaps with state: go on from that."""
    engine.node_added(node)
    if isinstance(node, Suite) and node.begun:
        engine.timekeeper.restore(node)
        engine.aging.restore(node, engine.now)
    suite = node.suite
    if isinstance(suite, Suite) and suite.begun:
        engine.consider(node, afresh=True)


def _put_in_place(engine: SuiteEngine, old: Node, new: Node) -> None:
    """Put one node where another is; it stays suspended if that was."""
    holder = old.parent
    if holder is None:
        raise StructureError(f"{old.name} is not in the tree")
    position = list(holder.children).index(old)
    was_suspended = old.suspended
    suite = old.suite
    was_begun = isinstance(suite, Suite) and suite.begun and not isinstance(old, Suite)
    remove(engine, old, refresh=False)
    _add(holder, new, position)
    new.suspended = new.suspended or was_suspended
    engine.structure_changed(holder)
    taken_in(engine, new)
    if was_begun:
        engine.lifecycle.requeue(new)
    engine.lifecycle.refresh(holder)


def _add(holder: Node | Defs, node: Node, position: int | None = None) -> None:
    if isinstance(holder, Defs):
        if not isinstance(node, Suite):
            raise StructureError(f"{node.name} is no suite: only suites stand at the top")
        holder.add_suite(node, position)
    elif isinstance(node, Suite):
        raise StructureError(f"{node.name} is a suite: it stands at the top, not below {holder.path}")
    else:
        holder.add_child(node, position)


def remove(engine: SuiteEngine, node: Node, *, refresh: bool = True) -> None:
    """Take a node and all below it out of the tree."""
    holder = node.parent
    if holder is None:
        return
    path = node.path
    for below in node.walk():
        if isinstance(below, Submittable):
            engine.limits.release(below)
            if below.state in LIVE:
                engine.zombies.orphaned(below)
        engine.limits.release_container(below)
    engine.node_removed(node, path)
    if isinstance(holder, Defs):
        assert isinstance(node, Suite)
        holder.remove_suite(node)
    else:
        holder.remove_child(node)
    engine.structure_changed(holder)
    if refresh:
        engine.lifecycle.refresh(holder)
        if isinstance(holder, Node):
            engine.consider(holder, afresh=True)


def live_tasks(node: Node | Defs) -> list[Submittable]:
    """The tasks below a node whose jobs are submitted or active."""
    return [below for below in node.walk() if isinstance(below, Submittable) and below.state in LIVE]


def delete(engine: SuiteEngine, node: Node, *, force: bool) -> None:
    """Delete a node; not while jobs run in it, unless by force.

    Raises:
        StructureError: jobs run in it.
    """
    live = [] if force else live_tasks(node)
    if live:
        raise StructureError(f"{live[0].path} is {live[0].state.word}: delete {node.path} by force, or wait")
    remove(engine, node)


def replace(engine: SuiteEngine, path: str, text: str, *, file: str, create_parents: bool, force: bool) -> None:
    """Put a node of a definition in place of the node at the same path, or add it there.

    Raises:
        SuiteError: the definition lacks it, its parents are not in the tree, or jobs run in the one it replaces.
    """
    new_defs = read_definition(text, file)
    _require_sound(new_defs, file)
    new = new_defs.find(path)
    if new is None:
        raise StructureError(f"the definition has no node {path}")
    old = engine.defs.find(path)
    if old is not None:
        live = [] if force else live_tasks(old)
        if live:
            raise StructureError(f"{live[0].path} is {live[0].state.word}: replace {path} by force, or wait")
        _detach(new_defs, new)
        _put_in_place(engine, old, new)
        return
    holder = _holder_for(engine, new, create_parents=create_parents)
    _detach(new_defs, new)
    _add(holder, new)
    engine.structure_changed(holder)
    taken_in(engine, new)
    suite = new.suite
    if isinstance(suite, Suite) and suite.begun and suite is not new:
        engine.lifecycle.requeue(new)
    engine.lifecycle.refresh(holder)


def _detach(defs: Defs, node: Node) -> None:
    holder = node.parent
    if isinstance(holder, Node):
        holder.remove_child(node)
    else:
        assert isinstance(node, Suite)
        defs.remove_suite(node)


def _holder_for(engine: SuiteEngine, new: Node, *, create_parents: bool) -> Node | Defs:
    """Where a node is to be added; parents that are missing are made as the definition has them, empty."""
    above: list[Node] = []
    place = new.parent
    while isinstance(place, Node):
        above.append(place)
        place = place.parent
    holder: Node | Defs = engine.defs
    for model in reversed(above):
        found = holder.child(model.name)
        if found is None:
            if not create_parents:
                raise StructureError(f"there is no node {model.path} to add {new.path} to: use 'parent' to make it")
            found = Suite(model.name) if isinstance(model, Suite) else Family(model.name)
            found.variables = dict(model.variables)
            _add(holder, found)
            engine.structure_changed(holder)
            engine.node_added(found)
        holder = found
    if isinstance(holder, Submittable):
        raise StructureError(f"{holder.path} is a task: nothing can be added to it")
    return holder


def plug(engine: SuiteEngine, source: Node, target: Node | Defs) -> None:
    """Move a node below another.

    Raises:
        SuiteError: jobs run in it, or it cannot stand there.
    """
    if live := live_tasks(source):
        raise StructureError(f"{live[0].path} is {live[0].state.word}: {source.path} cannot be moved now")
    if isinstance(target, Submittable):
        raise StructureError(f"{target.path} is a task: nothing can be put below it")
    if isinstance(target, Defs) is not isinstance(source, Suite):
        raise StructureError(f"{source.path} cannot stand below {target.path}: suites stand at the top, and only they")
    if target.child(source.name) is not None:
        raise StructureError(f"{target.path} has a child named '{source.name}' already")
    place: Node | Defs | None = target
    while isinstance(place, Node):
        if place is source:
            raise StructureError(f"{target.path} is within {source.path}")
        place = place.parent
    remove(engine, source)
    _add(target, source)
    engine.structure_changed(target)
    taken_in(engine, source)
    engine.lifecycle.refresh(target)


def order(engine: SuiteEngine, node: Node, how: str) -> None:
    """Move a node among its siblings (top, bottom, up, down), or sort these (alpha, order, runtime).

    Raises:
        StructureError: there is no such order.
    """
    holder = node.parent
    if holder is None or how not in ORDERS:
        raise StructureError(f"'{how}' is no order: choose from {', '.join(ORDERS)}")
    siblings: list[Node] = list(holder.children)
    position = siblings.index(node)
    if how in ("top", "bottom", "up", "down"):
        siblings.pop(position)
        last = len(siblings)
        wanted = {"top": 0, "bottom": last, "up": max(position - 1, 0), "down": min(position + 1, last)}[how]
        siblings.insert(wanted, node)
    elif how == "runtime":
        siblings.sort(key=lambda one: one.state_changed_seconds, reverse=True)
    else:
        siblings.sort(key=lambda one: one.name.lower(), reverse=how == "order")
    arrange(holder, siblings)
    engine.structure_changed(holder)


def arrange(holder: Node | Defs, children: Sequence[Node]) -> None:
    """Put the children of a container in another order."""
    if isinstance(holder, Defs):
        holder.suites = children  # type: ignore[assignment]
    else:
        holder.children = children


def add_alias(engine: SuiteEngine, task: Task) -> Alias:
    """Make an alias of a task, for one edit of its script."""
    alias = Alias(f"alias{task.alias_number}", state=State.QUEUED)
    task.alias_number += 1
    alias.variables = dict(task.variables)
    task.add_child(alias)
    engine.structure_changed(task)
    return alias
