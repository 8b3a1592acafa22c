"""What changed in a workflow, by ID: changes that a slow subscriber has not been told of are put together."""

from __future__ import annotations

from attrs import define, field

KINDS = ("families", "family_proxies", "jobs", "tasks", "task_proxies", "edges")
MOST_PRUNED = 20_000
"""A subscriber who has missed more of what is gone is told everything anew."""

IDs = dict[str, dict[str, None]]


def _none() -> IDs:
    return {kind: {} for kind in KINDS}


@define
class Change:
    """IDs by kind; each ID stands in one of the three places at most."""

    added: IDs = field(factory=_none)
    updated: IDs = field(factory=_none)
    pruned: IDs = field(factory=_none)
    workflow: str = ""
    """``added``, ``updated`` or nothing: what became of the workflow's own element."""
    is_whole: bool = False
    """Whether it adds everything there is, and subscribers are to forget what they had."""
    shutdown: bool = False
    """Whether the workflow has stopped."""

    def add(self, kind: str, id: str) -> None:
        """An element is new."""
        self.pruned[kind].pop(id, None)
        self.updated[kind].pop(id, None)
        self.added[kind][id] = None

    def update(self, kind: str, id: str) -> None:
        """An element is no longer what it was."""
        if id not in self.added[kind]:
            self.updated[kind][id] = None

    def prune(self, kind: str, id: str) -> None:
        """An element is gone."""
        self.added[kind].pop(id, None)
        self.updated[kind].pop(id, None)
        # Also if it was new: it may have been there before, and to forget the unknown does no harm.
        self.pruned[kind][id] = None

    def take(self, later: Change) -> bool:
        """Put what came later to it; False if that became too much to tell, and all is to be told anew."""
        if later.is_whole:
            # Nothing before it matters, except what the subscriber may still show.
            self.added, self.updated = _none(), _none()
            self.is_whole = True
        for kind in KINDS:
            for id in later.pruned[kind]:
                self.prune(kind, id)
            for id in later.added[kind]:
                self.add(kind, id)
            for id in later.updated[kind]:
                self.update(kind, id)
        if self.workflow != "added":
            self.workflow = later.workflow or self.workflow
        self.shutdown = later.shutdown
        return sum(map(len, self.pruned.values())) <= MOST_PRUNED

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        parts = (self.added, self.updated, self.pruned)
        return not (self.workflow or self.shutdown or any(any(part.values()) for part in parts))
