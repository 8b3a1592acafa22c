"""Reasons why a task is not running, as plain data: what `why` answers, and the codes it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import define, field

PERMANENT = "permanent"
"""Nothing in the run will lift it: somebody must act."""
TEMPORARY = "temporary"
"""The run will lift it by itself, as far as can be seen."""
NOTE = "note"
"""Holds nothing back; worth knowing."""
MET = "met"
"""Was waited for, and is there."""
KINDS = (PERMANENT, TEMPORARY, NOTE, MET)
"""In the order they are listed."""

SHOWN = 8
"""How many members of a group, holders of the window or members of a queue are named."""

CODES: Mapping[str, str] = {
    "unknown-task": "no task of that name is in the workflow",
    "unknown-point": "that is not a cycle point of this workflow",
    "before-start": "the cycle point lies before the start of the run",
    "beyond-final": "the cycle point lies after the final cycle point",
    "not-on-recurrence": "the graph does not have the task at this cycle point",
    "not-running": "no scheduler plays the workflow",
    "stopping": "the run was told to stop",
    "finished": "it has run and did all it must",
    "incomplete": "it has run, and did not complete its required outputs",
    "output-missing": "a required output that was not completed",
    "suicided": "its suicide trigger fired",
    "removed": "it was removed from the run",
    "held": "it is held",
    "paused": "the workflow is paused",
    "stop-point": "it lies beyond the point at which the run stops",
    "not-spawned": "nothing has brought it into the run yet",
    "prerequisite-unmet": "an output, or a group of outputs, that it waits for is not complete",
    "prerequisite-not-evaluated": "the same, and the task that completes it has not been spawned yet",
    "other-flow": "the output was completed in another flow",
    "parent-failed": "the task that completes the output has failed",
    "parent-incomplete": "the task that completes the output ended in another way",
    "parent-removed": "the task that completes the output was removed",
    "parent-impossible": "the task that completes the output never runs at that point",
    "parent-not-spawned": "the task that completes the output has not been spawned",
    "parent-waiting": "the task that completes the output is waiting itself",
    "parent-active": "the task that completes the output is at work",
    "xtrigger-waiting": "an external trigger is not satisfied",
    "external-waiting": "the message of an external event has not come",
    "clock-waiting": "a clock trigger is not due",
    "retry-delay": "it failed, and waits to be tried again",
    "runahead": "its cycle point is beyond the runahead window",
    "window-holder": "a task that holds the runahead window back",
    "queued": "it waits for its turn in a queue",
    "queue-member": "a task that occupies a place in the queue",
    "preparing": "its job is being made",
    "platform": "its job is with the platform and has not started",
    "running": "it is running",
    "ready": "nothing holds it back",
    "stalled": "the workflow is stalled",
    "more": "how many more there are of the same kind",
    "xtrigger-met": "an external trigger or clock trigger that is satisfied",
    "prerequisite-met": "an output, or a group of outputs, that it waited for is complete",
}
"""Every code with its meaning, in the order of their rank within a kind."""

_RANK = {code: rank for rank, code in enumerate(CODES)}


@define(eq=False)
class Reason:
    """One line of an explanation."""

    code: str
    """One of `CODES`."""
    text: str
    kind: str = TEMPORARY
    since: float | None = None
    """Seconds since the epoch; None where the run does not know."""
    until: float | None = None
    """When it will be lifted; seconds since the epoch, None where that depends on more than the clock."""
    satisfied_by: str = ""
    """What lifts it in the normal course of things."""
    force: str | None = None
    """The command that lifts it, or goes past it; None where there is none."""
    met: int | None = None
    """Of a group or a queue: how many there are so far."""
    total: int | None = None
    """Of a group or a queue: how many are counted."""
    location: str | None = None
    """Where it is written: ``flow.cylc:12``."""
    children: list[Reason] = field(factory=list)

    @property
    def blocks(self) -> bool:
        """Whether it holds the task back."""
        return self.kind in (PERMANENT, TEMPORARY)

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON; every key is always there but the counts."""
        found: dict[str, Any] = {
            "code": self.code,
            "kind": self.kind,
            "text": self.text,
            "since": self.since,
            "until": self.until,
            "satisfied_by": self.satisfied_by,
            "force": self.force,
            "location": self.location,
            "children": [child.to_dict() for child in self.children],
        }
        if self.total is not None:
            found["met"], found["total"] = self.met, self.total
        return found


@define(eq=False)
class Explanation:
    """Why one task is not running."""

    id: str
    """``CYCLE/TASK``."""
    state: str
    """Its state as the log writes it (``waiting(held)``); empty if it is not in the pool."""
    summary: str
    """The whole in a sentence."""
    is_known: bool
    """False if the workflow has no such task or no such cycle point."""
    reasons: list[Reason]
    """The first is what holds it back first of all."""
    now: float = 0.0
    """When it was explained; seconds since the epoch."""

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "id": self.id,
            "state": self.state,
            "summary": self.summary,
            "is_known": self.is_known,
            "now": self.now,
            "reasons": [reason.to_dict() for reason in self.reasons],
        }


def ranked(reasons: Iterable[Reason]) -> list[Reason]:
    """Reasons in order: what is permanent first, then by code, else as they came; each said once."""
    once: dict[tuple[str, str], Reason] = {}
    for reason in reasons:
        once.setdefault((reason.code, reason.text), reason)
    return sorted(once.values(), key=lambda reason: (KINDS.index(reason.kind), _RANK[reason.code]))


def walk(reasons: Iterable[Reason]) -> Iterator[Reason]:
    """Every reason of a tree, from the top down."""
    for reason in reasons:
        yield reason
        yield from walk(reason.children)


def take_kind(reason: Reason, *, is_all: bool) -> None:
    """What waits for something that will not come will not come either.

    Args:
        reason: whose children are what it waits for.
        is_all: whether it needs all of them, rather than one.
    """
    kinds = [child.kind for child in reason.children if child.code != "more"]
    is_shown_whole = len(kinds) == len(reason.children)
    if kinds and (PERMANENT in kinds if is_all else is_shown_whole and set(kinds) == {PERMANENT}):
        reason.kind = PERMANENT


def and_more(reason: Reason, count: int) -> None:
    """Say how many children are left out, if any."""
    if count > 0:
        reason.children.append(Reason("more", f"and {count} more", NOTE))
