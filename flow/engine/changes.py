"""What a turn of the engine changed, for the record and the picture: things touched, each once, however often."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from .effects import TaskEvent
from .prerequisite import OutputKey, Prerequisite
from .proxy import JobTimes, TaskProxy


class Changes(Struct, eq=False):
    """Touched since the last turn was taken."""

    proxies: dict[TaskProxy, None] = {}
    """Instances whose own state changed, those that left the pool included."""
    prerequisites: dict[TaskProxy, None] = {}
    """Instances of which only a prerequisite changed."""
    satisfied: dict[Prerequisite, None] = {}
    """Prerequisites of which something was satisfied: news of every instance that waits for them, however many."""
    jobs: dict[TaskProxy, None] = {}
    """Instances whose latest job changed."""
    superseded: list[tuple[TaskProxy, JobTimes]] = []
    """Jobs that changed before the next of their instance took their place, in the same turn."""
    task_events: list[tuple[float, TaskEvent]] = []
    parameters: dict[str, str | None] = {}
    """Run parameters by name (``is_paused``, ``stop_task``, ...); None where one is to be forgotten."""
    absolute_outputs: list[OutputKey] = []
    flows: dict[int, tuple[float, str]] = {}
    """New flows: number to start time and description."""

    broadcasts: list[tuple[str, str, str, str, str]] = []
    """Set (``+``) or taken back (``-``): sign, cycle point or ``*``, namespace, setting, value."""
    late: list[tuple[str, str]] = []
    """Instances (cycle, task) that turned out to be late, once each."""
    held: dict[tuple[int, str], bool] = {}
    """Instances outside the pool, by (point, task), that are to be held when they come, or no longer."""
    flows_left: dict[int, frozenset[int]] = {}
    """Past instances, by identity, that were taken out of flows: what is left to them."""
    xtriggers: dict[str, dict[str, Any] | None] = {}
    """Signatures satisfied, with results; None where one is to be forgotten."""
    caught_up: list[int] = []
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
