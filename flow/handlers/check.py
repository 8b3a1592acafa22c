"""Finds the handlers of tasks that could never run, before there is an event to tell of."""

from __future__ import annotations

from collections.abc import Iterator

from ..engine.effects import TaskEvent
from ..engine.events import JobKey
from ..language.definition import WorkflowDefinition
from .exceptions import TemplateError
from .facts import RunFacts, TaskFacts, task_values
from .templates import command_line, is_template


def bad_templates(definition: WorkflowDefinition, run: RunFacts) -> Iterator[str]:
    """What is wrong with templates of task handlers, a text for each, with the first task that has it."""
    seen: set[tuple[str, frozenset[str]]] = set()
    for name, task in definition.tasks.items():
        meta = frozenset(task.runtime.get("meta") or ())
        for item, handlers in (task.runtime.get("events") or {}).items():
            if not item.endswith("handlers") or not handlers:
                continue
            for handler in handlers:
                if not is_template(handler) or (handler, meta) in seen:
                    continue
                seen.add((handler, meta))
                key = JobKey("1", name, 1)
                values = task_values(run, TaskEvent("event", key), TaskFacts(key=key, runtime=task.runtime))
                try:
                    command_line(handler, values, ())
                except TemplateError as error:
                    yield f"task {name}: bad template in [events]{item}: {handler}\n{error}"
