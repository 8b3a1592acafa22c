"""An engine as text and data, and back: the checkpoint text of its tree, and as JSON what that has no words for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .expressions import parse_expression
from .reader import read_definition
from .writer import Style, write_definition

if TYPE_CHECKING:
    from .engine import SuiteEngine


def snapshot(engine: SuiteEngine) -> tuple[str, dict[str, Any]]:
    """The state of an engine between two events: its tree as a checkpoint, and the rest as JSON."""
    engine.timekeeper.refresh_states()
    rest = {
        "now": engine.now,
        "utc_offset_seconds": engine.utc_offset_seconds,
        "seed": engine.seed,
        "submissions": engine.submissions,
        "number": engine.changes.number,
        "server_state": engine.defs.server_state.value,
        "ended": {path: list(what) for path, what in engine.ended.items()},
        "waiting": {node.path: words for node, words in engine.children.waiting_words().items()},
        "times": engine.timekeeper.snapshot(),
        "zombies": engine.zombies.snapshot(),
        "requeue_when_read": sorted(engine.archives.requeue_when_read),
        "history": engine.defs.edit_history,
        "default_suspended": [node.path for node in engine.defs.walk() if node.default_suspended],
        "server_variables": engine.defs.server_variables,
        "user_variables": engine.defs.user_variables,
        "externs": engine.defs.externs,
    }
    return write_definition(engine.defs, Style.MIGRATE), rest


def restore(text: str, rest: dict[str, Any]) -> SuiteEngine:
    """The engine of which `snapshot` made these.

    Raises:
        DefinitionError: the text is damaged.
    """
    from .engine import SuiteEngine
    from .states import ServerState

    defs = read_definition(text, "checkpoint")
    defs.server_state = ServerState(rest["server_state"])
    defs.server_variables = dict(rest["server_variables"])
    defs.user_variables = dict(rest["user_variables"])
    defs.edit_history = {path: list(lines) for path, lines in rest["history"].items()}
    defs.externs = list(rest["externs"])
    engine = SuiteEngine(defs)
    engine.now = rest["now"]
    engine.utc_offset_seconds = rest["utc_offset_seconds"]
    engine.seed = rest["seed"]
    engine.submissions = rest["submissions"]
    engine.ended = {path: (what[0], what[1]) for path, what in rest["ended"].items()}
    engine.archives.requeue_when_read = set(rest["requeue_when_read"])
    engine.changes.number = engine.changes.first = rest["number"] + 1
    for suite in defs.suites:
        engine.timekeeper.restore(suite)
        if suite.begun:
            engine.aging.restore(suite, engine.now)
    engine.timekeeper.take_up(rest["times"])
    engine.zombies.restore(rest["zombies"])
    for path, words in rest["waiting"].items():
        node = defs.find(path)
        if node is not None:
            engine.children.waiting[node] = parse_expression(words)
            engine.watchers.register(node)
    for suite in defs.suites:
        engine.consider(suite, afresh=True)
    return engine
