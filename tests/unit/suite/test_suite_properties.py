"""Random trees, random outcomes: what must hold of the engine of suites after every event."""

from __future__ import annotations

from difflib import unified_diff

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tidemill.flow.suite.effects import Effect
from tidemill.flow.suite.engine import SuiteEngine
from tidemill.flow.suite.events import ChildCommand, Command, Event, JobCommandEnded, ServerStarted, Tick
from tidemill.flow.suite.lifecycle import BY_SIGNIFICANCE
from tidemill.flow.suite.nodes import Submittable
from tidemill.flow.suite.restore import restore, snapshot
from tidemill.flow.suite.states import State
from tidemill.flow.suite.writer import Style, write_definition

NOON = 1_704_110_400.0
TIMES = [
    "",
    "time 12:02",
    "time +00:01 00:05 00:02",
    "cron 12:01 12:30 00:03",
    "day monday",
    "date *.1.2024",
    "today 11:00",
]


@st.composite
def definitions(draw: st.DrawFn) -> str:
    """A suite of two levels with triggers, limits, repeats, times and defaults."""
    lines = ["suite s", " limit L 2", " edit V 1", " edit ECF_TRIES 2"]
    families = draw(st.integers(1, 3))
    for family in range(families):
        lines.append(f" family f{family}")
        if draw(st.booleans()):
            lines.append(f"  repeat integer I{family} 1 {draw(st.integers(1, 3))}")
        if family and draw(st.booleans()):
            lines.append(f"  trigger f{family - 1} == complete or f{family - 1} == aborted")
        if draw(st.booleans()):
            lines.append(f"  inlimit {draw(st.sampled_from(['', '-n ', '-s ']))}/s:L")
        if draw(st.integers(0, 3)) == 0:
            lines.append("  complete /s:V == 3")
        for task in range(draw(st.integers(1, 4))):
            lines += [f"  task t{task}", "   event e", "   meter m 0 10"]
            if task and draw(st.booleans()):
                other = f"t{draw(st.integers(0, task - 1))}"
                condition = draw(st.sampled_from([" == complete", ":e", ":m > 5", " != aborted"]))
                lines.append(f"   trigger {other}{condition}")
            if time := draw(st.sampled_from(TIMES)):
                lines.append(f"   {time}")
            if draw(st.integers(0, 5)) == 0:
                lines.append(f"   defstatus {draw(st.sampled_from(['complete', 'aborted', 'suspended', 'unknown']))}")
            if draw(st.booleans()):
                lines.append("   inlimit /s:L")
        lines.append(" endfamily")
    return "\n".join([*lines, "endsuite", ""])


def _differences(one: SuiteEngine, other: SuiteEngine) -> list[str]:
    """Lines in which two engines differ, as checkpoints."""
    lines = unified_diff(_picture(one).splitlines(), _picture(other).splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _picture(engine: SuiteEngine) -> str:
    engine.timekeeper.refresh_states()
    return write_definition(engine.defs, Style.MIGRATE)


class Suites(RuleBasedStateMachine):
    """A server whose jobs, users and clock do what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = SuiteEngine()
        self.twin: SuiteEngine | None = None
        self.now = NOON
        self.count = 0
        self.journal: list[tuple[bytes, list[Effect]]] = []

    def tell(self, event: Event) -> None:
        effects = self.engine.handle(event)
        if self.twin is not None:
            assert self.twin.handle(event) == effects, "an engine made from a snapshot goes on differently"
        self.journal.append((msgspec.json.encode(event), effects))
        assert self.engine.next_wake() is None or self.engine.next_wake() > self.now

    def command(self, name: str, *words: str, **attachments: str) -> None:
        self.count += 1
        arguments = {"words": list(words), "attachments": attachments}
        self.tell(Command(self.now, name, arguments, str(self.count)))

    @initialize(text=definitions())
    def start(self, text: str) -> None:
        self.tell(ServerStarted(self.now, seed="s", variables={"ECF_HOME": "/h"}, state="RUNNING"))
        self.command("load", "x.def", definition=text)
        assert self.engine.defs.suites
        self.command("begin")

    def tasks(self, *states: State) -> list[Submittable]:
        return [task for task in self.engine.tasks() if task.state in states]

    def draw_task(self, data: st.DataObject, *states: State) -> Submittable:
        by_path = {task.path: task for task in self.tasks(*states)}
        return by_path[data.draw(st.sampled_from(sorted(by_path)))]

    @precondition(lambda self: self.tasks(State.SUBMITTED, State.ACTIVE))
    @rule(data=st.data(), words=st.sampled_from(["init", "complete", "complete", "abort", "event e", "meter m 7"]))
    def report(self, data: st.DataObject, words: str) -> None:
        task = self.draw_task(data, State.SUBMITTED, State.ACTIVE)
        name, *rest = words.split()
        self.tell(ChildCommand(self.now, name, task.path, task.password, "7", words=rest))

    @precondition(lambda self: self.tasks(State.SUBMITTED))
    @rule(data=st.data())
    def fail_to_start(self, data: st.DataObject) -> None:
        task = self.draw_task(data, State.SUBMITTED)
        self.tell(JobCommandEnded(self.now, task.path, task.try_number, 1))

    @rule(minutes=st.integers(1, 20))
    def pass_time(self, minutes: int) -> None:
        end = self.now + minutes * 60
        for _ in range(200):
            at = self.engine.next_wake()
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            self.tell(Tick(self.now))
        self.now = end

    @rule(
        data=st.data(),
        words=st.sampled_from(
            [
                "requeue force",
                "requeue",
                "suspend",
                "resume",
                "run force",
                "force complete recursive",
                "force aborted",
                "force queued",
                "force unknown recursive",
                "free-dep all",
                "alter set_flag late",
                "delete force",
                "kill",
            ]
        ),
    )
    def meddle(self, data: st.DataObject, words: str) -> None:
        nodes = [node.path for node in self.engine.defs.walk()]
        if len(nodes) < 4 and words.startswith("delete"):
            return
        path = data.draw(st.sampled_from(nodes))
        if words.startswith("delete") and path == "/s":
            return
        name, *rest = words.split()
        self.command(name, *rest, path)

    @rule(value=st.sampled_from(["1", "2", "3"]), maximum=st.integers(0, 4))
    def alter(self, value: str, maximum: int) -> None:
        self.command("alter", "change", "variable", "V", value, "/s")
        self.command("alter", "change", "limit_max", "L", str(maximum), "/s")

    @rule(word=st.sampled_from(["halt", "shutdown", "restart", "restart"]))
    def server_state(self, word: str) -> None:
        self.command(word)

    @precondition(lambda self: self.twin is None)
    @rule()
    def take_up_from_a_snapshot(self) -> None:
        text, rest = snapshot(self.engine)
        self.twin = restore(text, msgspec.json.decode(msgspec.json.encode(rest)))
        assert _differences(self.twin, self.engine) == []

    @invariant()
    def containers_follow_their_children(self) -> None:
        """The state of a container is the most significant of its children's."""
        for node in self.engine.defs.walk():
            if node.children:
                wanted = min((child.state for child in node.children), key=BY_SIGNIFICANCE.index)
                assert node.state is wanted, node.path

    @invariant()
    def limits_are_what_was_taken(self) -> None:
        """No limit is negative, and only what is in the tree has tokens."""
        for node in self.engine.defs.walk():
            for limit in node.limits:
                assert limit.value >= 0
                assert limit.value == len(limit.paths)
                for path in limit.paths:
                    assert self.engine.defs.find(path) is not None, path

    @invariant()
    def nothing_that_could_run_waits(self) -> None:
        """With the server running, looking at everything once more finds nothing to do."""
        if not self.engine.is_running():
            return
        before = self.engine.changes.number
        for suite in self.engine.defs.suites:
            self.engine.consider(suite, afresh=True)
        self.engine._settle()
        assert self.engine.changes.number == before

    def teardown(self) -> None:
        """Playing the journal again gives the same effects and the same state."""
        other = SuiteEngine()
        kinds = ServerStarted | Command | ChildCommand | JobCommandEnded | Tick
        for line, effects in self.journal:
            assert other.handle(msgspec.json.decode(line, type=kinds)) == effects
        assert _differences(other, self.engine) == []


TestSuites = Suites.TestCase
TestSuites.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
