"""Whether a task has the outputs or prerequisites that a user wants to set: asked before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...exceptions import TidemillError
from .prerequisite import OutputKey, prerequisite_at

if TYPE_CHECKING:
    from ..language.definition import TaskDefinition
    from .engine import Engine

WORDS = frozenset({"required", "skip"})
"""Outputs by their role instead of by name."""
NAMES_SHOWN = 10


class NothingToSet(TidemillError):
    """None of the tasks has what is to be set."""


def output_label(definition: TaskDefinition, text: str) -> str | None:
    """The output of a task that its label or its message names."""
    return next((one.label for one in definition.outputs.values() if text in (one.label, one.message)), None)


def require_outputs(engine: Engine, tasks: Iterable[tuple[int, str]], wanted: Sequence[str]) -> None:
    """Raise `NothingToSet` if no task has any of the outputs."""
    names = dict.fromkeys(name for _, name in tasks)
    definitions = [engine.definition.tasks[name] for name in names]
    if any(text in WORDS or output_label(one, text) is not None for one in definitions for text in wanted):
        return
    known = sorted({label for one in definitions for label in one.outputs})
    raise NothingToSet(
        f"No such output: {', '.join(wanted)}; {', '.join(names)} can have {', '.join(known[:NAMES_SHOWN])}"
    )


def require_prerequisites(
    engine: Engine, tasks: Iterable[tuple[int, str]], wanted: Sequence[str], keys: Sequence[OutputKey]
) -> None:
    """Raise `NothingToSet` if no task waits, or ever would, for any of these outputs."""
    chosen = list(tasks)
    for point, name in chosen:
        for tree in engine.graph.nodes[name].trees:
            if tree.dependency.sequence.contains(point) and not set(keys).isdisjoint(prerequisite_at(tree, point).keys):
                return
    write = engine.definition.cycling.format
    shown = ", ".join(f"{write(point)}/{name}" for point, name in chosen[:NAMES_SHOWN])
    raise NothingToSet(f"No such prerequisite: {shown} does not depend on {', '.join(wanted)}")
