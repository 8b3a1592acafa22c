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

    def of(self, point: int, task: str) -> tuple[Past, ...]:
        """Every past instance of a task at a point, oldest first."""
        tasks = self._points.get(point)
        return tasks.get(task, ()) if tasks else ()

    def has_output(self, point: int, task: str, output: str, flows: frozenset[int]) -> bool:
        """Whether an output was completed in any of these flows."""
        return any(output in past.outputs and past.flows & flows for past in self.of(point, task))
