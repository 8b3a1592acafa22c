"""Subtrees that are put away on disk and brought back: the tree keeps the node, the file keeps what is below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .effects import ArchiveSubtree, RestoreSubtree
from .events import SubtreeRead
from .exceptions import SuiteError
from .lifecycle import LIVE
from .nodes import Node, Submittable, Suite
from .states import Flag
from .writer import FORMAT_VERSION, Style, write_definition

if TYPE_CHECKING:
    from .engine import SuiteEngine


class ArchiveError(SuiteError):
    """The node cannot be archived or restored."""


class Archives:
    """Puts subtrees away and brings them back."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self.requeue_when_read: set[str] = set()
        """Nodes that were queued again while their children were away: these are to be queued too when they come."""

    def archive(self, node: Node, *, force: bool = False) -> None:
        """Put all below a suite or family away.

        Raises:
            ArchiveError: it is a task, is archived already, or jobs run below it and `force` was not given.
        """
        if isinstance(node, Submittable):
            raise ArchiveError(f"{node.path} is a task: only suites and families can be archived")
        if Flag.ARCHIVED in node.flags or not node.children:
            raise ArchiveError(f"{node.path} is archived already, or has nothing below it")
        if not force:
            for below in node.walk():
                if isinstance(below, Submittable) and below.state in LIVE:
                    raise ArchiveError(f"{below.path} is {below.state.word}: archive {node.path} by force, or wait")
        engine = self.engine
        engine.timekeeper.refresh_states()
        engine.effects.append(ArchiveSubtree(node.path, _wrapped(node)))
        for child in list(node.children):
            path = child.path
            engine.node_removed(child, path)
            node.remove_child(child)
        engine.structure_changed(node)
        node.flags -= {Flag.RESTORED}
        engine.lifecycle.add_flag(node, Flag.ARCHIVED)

    def restore(self, node: Node) -> None:
        """Ask for what is below an archived node.

        Raises:
            ArchiveError: it is not archived.
        """
        if Flag.ARCHIVED not in node.flags:
            raise ArchiveError(f"{node.path} is not archived")
        self.engine.effects.append(RestoreSubtree(node.path))

    def autorestore(self, node: Node) -> None:
        """A node is complete: bring back what it is to bring back."""
        if node.autorestore is None:
            return
        for path in node.autorestore.paths:
            found = node.find(path)
            if found is not None and Flag.ARCHIVED in found.flags:
                self.restore(found)

    def read(self, event: SubtreeRead) -> None:
        """The file of an archived node was read: put back what was below it."""
        from .reader import read_definition

        engine = self.engine
        node = engine.defs.find(event.path)
        again = event.path in self.requeue_when_read
        self.requeue_when_read.discard(event.path)
        if event.error or node is None or Flag.ARCHIVED not in node.flags:
            engine.log("ERR", f"restore of {event.path} failed: {event.error or 'it is not archived any more'}")
            return
        try:
            kept = read_definition(event.text, f"archive of {event.path}").find(event.path)
        except SuiteError as error:
            engine.log("ERR", f"restore of {event.path} failed: {error}")
            return
        children = list(kept.children) if kept is not None else []
        for child in children:
            assert kept is not None
            kept.remove_child(child)
            node.add_child(child)
        engine.structure_changed(node)
        for child in children:
            engine.node_added(child)
        node.flags = (node.flags - {Flag.ARCHIVED}) | {Flag.RESTORED}
        engine.flag_changed(node)
        if again:
            engine.lifecycle.requeue(node)
        engine.lifecycle.refresh(node)
        engine.consider(node, afresh=True)


def _wrapped(node: Node) -> str:
    """The checkpoint text of a node, in shells of what is above it, so that it reads as a definition."""
    above: list[Node] = []
    place = node.parent
    while isinstance(place, Node):
        above.append(place)
        place = place.parent
    above.reverse()
    head = "".join(f"{'suite' if isinstance(one, Suite) else 'family'} {one.name}\n" for one in above)
    tail = "".join(f"{'endsuite' if isinstance(one, Suite) else 'endfamily'}\n" for one in reversed(above))
    body = write_definition(node, Style.MIGRATE)
    return f"#{FORMAT_VERSION}\ndefs_state MIGRATE\n{head}{body}{tail}"
