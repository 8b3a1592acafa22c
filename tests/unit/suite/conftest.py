"""A server of suites with nothing around it: events go in with times of their own, jobs report when a test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tidemill.flow.engine.events import Event
from tidemill.flow.suite.effects import ChildResult, CommandResult, Effect, LogLine, SubmitTask
from tidemill.flow.suite.engine import SuiteEngine
from tidemill.flow.suite.events import ChildCommand, Command, ServerStarted, Tick
from tidemill.flow.suite.nodes import Node, Submittable

NOON = 1_704_110_400.0
"""Monday, 1 January 2024, 12:00 UTC."""
VARIABLES = {
    "ECF_HOME": "/home",
    "ECF_HOST": "host",
    "ECF_PORT": "3141",
    "ECF_TRIES": "2",
    "ECF_KILL_CMD": "kill -15 %ECF_RID%",
    "ECF_STATUS_CMD": "ps %ECF_RID%",
    "ECF_JOB_CMD": "%ECF_JOB% 1> %ECF_JOBOUT% 2>&1",
}


class Server:
    """An engine on a virtual clock, with all it was told and all it said."""

    def __init__(self, text: str, *, now: float = NOON, begin: bool = True) -> None:
        self.engine = SuiteEngine()
        self.now = now
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self._commands = 0
        self.tell(ServerStarted(now, seed="seed", variables=VARIABLES, state="RUNNING"))
        assert self.command("load", "x.def", attachments={"definition": text}).refused == ""
        if begin:
            self.command("begin")

    def tell(self, event: Event) -> CommandResult | ChildResult | None:
        self.events.append(event)
        self.effects += self.engine.handle(event)
        return self.engine.result

    def command(self, name: str, *words: str, attachments: dict[str, Any] | None = None) -> CommandResult:
        self._commands += 1
        arguments = {"words": list(words), "attachments": attachments or {}}
        result = self.tell(Command(self.now, name, arguments, str(self._commands), user="me"))
        assert isinstance(result, CommandResult)
        return result

    def child(self, name: str, path: str, *words: str, **given: Any) -> ChildResult:
        task = self.engine.defs.find(path)
        known = isinstance(task, Submittable)
        given.setdefault("password", task.password if known else "?")
        given.setdefault("process_id", "7")
        result = self.tell(ChildCommand(self.now, name, path, words=list(words), **given))
        assert isinstance(result, ChildResult)
        return result

    def run(self, *paths: str) -> None:
        """Let the jobs of tasks begin and end well."""
        for path in paths:
            assert self.child("init", path, "7").kind == "ok"
            assert self.child("complete", path).kind == "ok"

    def wait(self, *, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Let time pass, waking the engine when it asks for it."""
        end = self.now + minutes * 60 + hours * 3600
        while (at := self.engine.next_wake()) is not None and at <= end:
            self.now = max(self.now, at)
            self.tell(Tick(self.now))
        self.now = end

    def node(self, path: str) -> Node:
        found = self.engine.defs.find(path)
        assert found is not None, path
        return found

    def state(self, path: str) -> str:
        return self.node(path).state.word if path != "/" else self.engine.defs.state.word

    def states(self) -> dict[str, str]:
        return {node.path: node.state.word for node in self.engine.defs.walk()}

    def submitted(self) -> list[str]:
        """Paths of what was submitted since this was asked last."""
        found = [effect.path for effect in self.effects if isinstance(effect, SubmitTask)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, SubmitTask)]
        return found

    def log(self) -> list[str]:
        """Changes of states since this was asked last."""
        found = [effect.text for effect in self.effects if isinstance(effect, LogLine) and effect.level == "LOG"]
        self.effects = [effect for effect in self.effects if not isinstance(effect, LogLine)]
        return found


@pytest.fixture
def server() -> Callable[..., Server]:
    return Server
