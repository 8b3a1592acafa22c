"""The record of a run in memory: what is committed there is what a restart begins from."""

from __future__ import annotations

import json

from attrs import define, field

from ..flow.engine.restore import SavedState
from ..flow.record.engine_rows import saved_state
from ..flow.record.rows import Batch, JobRow, SavedRun, TaskRow


@define(eq=False)
class MemoryRecord:
    """Rows as the database would hold them."""

    tasks: dict[int, TaskRow] = field(factory=dict)
    """By identity."""
    jobs: dict[tuple[str, str, int], JobRow] = field(factory=dict)
    parameters: dict[str, str | None] = field(factory=dict)
    tables: dict[str, dict[tuple[object, ...], tuple[object, ...]]] = field(factory=dict)

    def commit(self, batch: Batch) -> None:
        """Take in what a turn changed."""
        for name, keys in batch.deletions.items():
            table = self.tables.get(name, {})
            for key in keys:
                for row in [row for row in table if row[: len(key)] == key]:
                    del table[row]
        for name, rows in batch.tables.items():
            self.tables.setdefault(name, {}).update({row: row for row in rows})
        self.tasks.update({row.identity: row for row in batch.tasks})
        self.jobs.update({(row.cycle, row.name, row.submit_number): row for row in batch.jobs})
        self.parameters.update(batch.parameters)
        for flows, identity in batch.flows_left:
            self.tasks[identity] = self.tasks[identity]._replace(flow_numbers=flows)
        for identity in batch.caught_up:
            self.tasks[identity] = self.tasks[identity]._replace(flow_wait=False)

    def saved(self) -> SavedState:
        """A state to restore."""
        saved = SavedRun(
            pool=[row for row in self.tasks.values() if row.in_pool],
            jobs=list(self.jobs.values()),
            parameters=dict(self.parameters),
            tables={name: list(rows.values()) for name, rows in self.tables.items()},
            next_identity=max(self.tasks, default=0) + 1,
        )
        return saved_state(saved, [row for row in self.tasks.values() if not row.in_pool])

    def instances(self, cycle: str, task: str) -> list[TaskRow]:
        """Every instance there was of a task at a cycle point, oldest first."""
        return [row for row in self.tasks.values() if row.cycle == cycle and row.name == task]

    def outputs(self, cycle: str, task: str) -> dict[str, str]:
        """The outputs that a task completed at a cycle point, by label, in any flow."""
        found: dict[str, str] = {}
        for row in self.instances(cycle, task):
            found.update(json.loads(row.outputs or "{}"))
        return found
