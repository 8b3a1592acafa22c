"""What has run and left the pool: who may run again, and which outputs are known."""

from __future__ import annotations

from typing import NamedTuple

from .proxy import FINAL


class Past(NamedTuple):
    """One instance that has left the pool."""

    flows: frozenset[int]
    status: str
    submit_number: int
    outputs: frozenset[str]
    """Labels of its completed outputs."""
    is_complete: bool
    identity: int = 0
    flow_wait: bool = False
    """Whether its children wait for an active flow to catch up with it."""
    left_at: float | None = None
    """When it left the pool; seconds since the epoch."""

    @property
    def is_final(self) -> bool:
        """Whether it finished, as against having been removed before it ran."""
        return self.status in FINAL


class History:
    """Past instances by cycle point and task. Output sets are shared between instances that ended alike."""

    def __init__(self) -> None:
        self._points: dict[int, dict[str, tuple[Past, ...]]] = {}
        self._shared: dict[frozenset[str], frozenset[str]] = {}

    def add(self, point: int, task: str, past: Past) -> None:
        """Remember an instance that left the pool."""
        past = past._replace(outputs=self._shared.setdefault(past.outputs, past.outputs))
        tasks = self._points.setdefault(point, {})
        tasks[task] = (*tasks.get(task, ()), past)

    def erase(self, point: int, task: str, flows: frozenset[int]) -> list[tuple[int, frozenset[int]]]:
        """Forget a task at a point in some flows; returns the identities concerned with the flows left to each."""
        changed: list[tuple[int, frozenset[int]]] = []
        kept: list[Past] = []
        for past in self.of(point, task):
            if past.flows & flows:
                past = past._replace(flows=past.flows - flows)
                changed.append((past.identity, past.flows))
            kept.append(past)
        if changed:
            self._points[point][task] = tuple(kept)
        return changed

    def no_longer_waits(self, point: int, task: str, past: Past) -> None:
        """An active flow has caught up with an instance that was triggered to wait for it."""
        self._points[point][task] = tuple(
            one._replace(flow_wait=False) if one is past else one for one in self.of(point, task)
        )

    def of(self, point: int, task: str) -> tuple[Past, ...]:
        """Every past instance of a task at a point, oldest first."""
        tasks = self._points.get(point)
        return tasks.get(task, ()) if tasks else ()

    def has_output(self, point: int, task: str, output: str, flows: frozenset[int]) -> bool:
        """Whether an output was completed in any of these flows."""
        return any(output in past.outputs and past.flows & flows for past in self.of(point, task))
