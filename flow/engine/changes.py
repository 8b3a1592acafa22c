"""What a turn of the engine changed, for the record and the picture: things touched, each once, however often."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from .effects import TaskEvent
from .prerequisite import OutputKey, Prerequisite
from .proxy import JobTimes, TaskProxy


@define(eq=False)
class Changes:
    """Touched since the last turn was taken."""

    proxies: dict[TaskProxy, None] = field(factory=dict)
    """Instances whose own state changed, those that left the pool included."""
    prerequisites: dict[TaskProxy, None] = field(factory=dict)
    """Instances of which only a prerequisite changed."""
    satisfied: dict[Prerequisite, None] = field(factory=dict)
    """Prerequisites of which something was satisfied: news of every instance that waits for them, however many."""
    jobs: dict[TaskProxy, None] = field(factory=dict)
    """Instances whose latest job changed."""
    superseded: list[tuple[TaskProxy, JobTimes]] = field(factory=list)
    """Jobs that changed before the next of their instance took their place, in the same turn."""
    task_events: list[tuple[float, TaskEvent]] = field(factory=list)
    parameters: dict[str, str | None] = field(factory=dict)
    """Run parameters by name (``is_paused``, ``stop_task``, ...); None where one is to be forgotten."""
    absolute_outputs: list[OutputKey] = field(factory=list)
    flows: dict[int, tuple[float, str]] = field(factory=dict)
    """New flows: number to start time and description."""

    broadcasts: list[tuple[str, str, str, str, str]] = field(factory=list)
    """Set (``+``) or taken back (``-``): sign, cycle point or ``*``, namespace, setting, value."""
    late: list[tuple[str, str]] = field(factory=list)
    """Instances (cycle, task) that turned out to be late, once each."""
    held: dict[tuple[int, str], bool] = field(factory=dict)
    """Instances outside the pool, by (point, task), that are to be held when they come, or no longer."""
    flows_left: dict[int, frozenset[int]] = field(factory=dict)
    """Past instances, by identity, that were taken out of flows: what is left to them."""
    xtriggers: dict[str, dict[str, Any] | None] = field(factory=dict)
    """Signatures satisfied, with results; None where one is to be forgotten."""
    caught_up: list[int] = field(factory=list)
    """Past instances, by identity, that wait for no flow any more."""
    reloaded: bool = False
    """Whether the definition was swapped."""
    searches: bool = False
    """Whether `Spawner.searches` changed."""

    def with_prerequisites(self) -> dict[TaskProxy, None]:
        """Every instance of which a prerequisite changed."""
        found = dict(self.prerequisites)
        for prerequisite in self.satisfied:
            found.update(prerequisite.dependents)
        return found

    def __bool__(self) -> bool:
        return bool(
            self.proxies
            or self.jobs
            or self.task_events
            or self.parameters
            or self.absolute_outputs
            or self.flows
            or self.broadcasts
            or self.xtriggers
            or self.held
            or self.flows_left
            or self.caught_up
            or self.searches
            or self.reloaded
        )
