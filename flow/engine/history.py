"""What has run and left the pool: who may run again, and which outputs are known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
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


Recall = Callable[[int], Iterable[tuple[str, Past]]]
"""Looks a cycle point up in the record: the instances there that have left the pool, oldest first."""


class History:
    """Past instances by cycle point and task. Output sets are shared between instances that ended alike.

    Points that lie so far back that only a user could ask for them again are forgotten, where there is a record to
    recall them from: a run may have any number of cycles.
    """

    def __init__(self) -> None:
        self._points: dict[int, dict[str, tuple[Past, ...]]] = {}
        self._shared: dict[frozenset[str], frozenset[str]] = {}
        self._forgotten_before: int | None = None
        self._first_point = 0
        self.recall: Recall | None = None
        """Set by whoever keeps a record; without it nothing is forgotten."""

    def __len__(self) -> int:
        """How many cycle points are in memory."""
        return len(self._points)

    def add(self, point: int, task: str, past: Past) -> None:
        """Remember an instance that left the pool."""
        past = past._replace(outputs=self._shared.setdefault(past.outputs, past.outputs))
        tasks = self._at(point)
        if tasks is None:
            tasks = self._points[point] = {}
        tasks[task] = (*tasks.get(task, ()), past)

    def forget_before(self, point: int, *, first_point: int, but: Collection[int] = ()) -> None:
        """Drop what lies before a cycle point from memory; all of it must have been committed to the record.

        Args:
            point: the first point to keep.
            first_point: the first point of the run: there is nothing to recall before it.
            but: points to keep all the same.
        """
        if self.recall is None:
            return
        self._first_point = first_point
        self._forgotten_before = max(point, self._forgotten_before or point)
        for one in [one for one in self._points if one < point and one not in but]:
            del self._points[one]

    def _at(self, point: int) -> dict[str, tuple[Past, ...]] | None:
        """The tasks known at a point, recalled if they were forgotten."""
        tasks = self._points.get(point)
        before = self._forgotten_before
        if tasks is not None or before is None or not self._first_point <= point < before or self.recall is None:
            return tasks
        tasks = {}
        for task, past in self.recall(point):
            tasks[task] = (*tasks.get(task, ()), past)
        self._points[point] = tasks
        return tasks

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
        if tasks is None and self._forgotten_before is not None:
            tasks = self._at(point)
        return tasks.get(task, ()) if tasks else ()

    def has_output(self, point: int, task: str, output: str, flows: frozenset[int]) -> bool:
        """Whether an output was completed in any of these flows."""
        return any(output in past.outputs and past.flows & flows for past in self.of(point, task))
