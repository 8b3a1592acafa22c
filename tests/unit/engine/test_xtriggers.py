"""External triggers in the engine alone: when functions are asked for, who shares an answer, what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tidemill.flow.engine.effects import CallXtrigger, SubmitJob
from tidemill.flow.engine.engine import Engine
from tidemill.flow.engine.events import (
    Command,
    Event,
    JobFailed,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
    Start,
    Tick,
    XtriggerReported,
)
from tidemill.flow.engine.options import EngineOptions, XtriggerContext
from tidemill.flow.engine.reloading import reload
from tidemill.flow.engine.restore import restore
from tidemill.flow.language.definition import WorkflowDefinition
from tidemill.flow.record.engine_rows import batch_of, saved_state
from tidemill.flow.record.rows import JobRow, SavedRun, TaskRow

START = 1_600_000_000.0


@define(eq=False)
class Watched:
    """A run whose functions and jobs answer when the test says so."""

    definition: WorkflowDefinition
    engine: Engine = field(init=False)
    time: float = START
    calls: list[CallXtrigger] = field(factory=list)
    jobs: dict[str, SubmitJob] = field(factory=dict)
    log: list[str] = field(factory=list)
    rows: dict[int, TaskRow] = field(factory=dict)
    job_rows: dict[tuple[str, str, int], JobRow] = field(factory=dict)
    tables: dict[str, dict[tuple[object, ...], tuple[object, ...]]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.engine = self._new_engine()
        self.give(Start(self.time))

    def _new_engine(self) -> Engine:
        context = XtriggerContext(workflow="wf/run1", run_directory="/runs/wf/run1", user="ann")
        return Engine(self.definition, options=EngineOptions(xtriggers=context))

    def give(self, *events: Event) -> None:
        """One turn."""
        for event in events:
            self.engine.handle(event)
        while not self.engine.advance(5):
            pass
        turn = self.engine.take()
        batch = batch_of(self.engine, turn, events)
        self.rows.update({row.identity: row for row in batch.tasks})
        self.job_rows.update({(row.cycle, row.name, row.submit_number): row for row in batch.jobs})
        for name, keys in batch.deletions.items():
            for key in keys:
                for row in [row for row in self.tables.get(name, {}) if row[: len(key)] == key]:
                    del self.tables[name][row]
        for name, rows in batch.tables.items():
            self.tables.setdefault(name, {}).update({row: row for row in rows})
        self.log += [f"{level} {text}" for level, text, _ in turn.log]
        self.calls += [effect for effect in turn.effects if isinstance(effect, CallXtrigger)]
        self.jobs.update({str(effect.job.key): effect for effect in turn.effects if isinstance(effect, SubmitJob)})

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
        self.give(Tick(self.time))

    def answer(self, signature: str, satisfied: bool = False, error: str = "", **results: Any) -> None:
        """A function returns."""
        self.give(XtriggerReported(self.time, signature, satisfied, results, error))

    def end(self, job: str, *, fail: bool = False) -> None:
        """A job runs."""
        key = self.jobs[job].job.key
        last = JobFailed(self.time, key) if fail else JobSucceeded(self.time, key)
        self.give(JobSubmitted(self.time, key, "1"), JobStarted(self.time, key), last)

    def command(self, name: str, **arguments: object) -> None:
        """What a user asks for."""
        self.give(Command(self.time, name, arguments, "test"))

    @property
    def called(self) -> list[str]:
        """Signatures, in the order they were asked for."""
        return [call.signature for call in self.calls]

    @property
    def waiting(self) -> list[str]:
        """What is in the pool."""
        return sorted(proxy.id for proxy in self.engine.pool.values())

    def stored(self) -> list[object]:
        """Signatures on record."""
        return [row[0] for row in self.tables.get("xtriggers", {})]

    def restart(self) -> None:
        """Go on with a new engine from what was committed."""
        saved = SavedRun(
            pool=[row for row in self.rows.values() if row.in_pool],
            jobs=list(self.job_rows.values()),
            parameters={},
            tables={name: list(rows.values()) for name, rows in self.tables.items()},
            next_identity=max(self.rows) + 1,
        )
        self.engine = self._new_engine()
        self.calls.clear()
        history = [row for row in self.rows.values() if not row.in_pool]
        restore(self.engine, saved_state(saved, history), now=self.time)
        self.give()


Watch = Callable[..., Watched]
Define = Callable[..., WorkflowDefinition]


def text(xtriggers: str, graph: str, *, cycling: str = "integer", last: str = "1", more: str = "") -> str:
    first = "1" if cycling == "integer" else "2020"
    return f"""
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = {cycling}
    initial cycle point = {first}
    final cycle point = {last}
    {more}
    [[xtriggers]]
        {xtriggers}
    [[graph]]
        {graph}
"""


@pytest.fixture
def watch(define_workflow: Define) -> Watch:
    """Start a run with xtriggers and a graph."""

    def begin(xtriggers: str, graph: str, **options: str) -> Watched:
        return Watched(define_workflow(text(xtriggers, graph, **options)))

    return begin


def test_templates_are_filled_in_and_keyword_arguments_sorted_by_name(watch: Watch) -> None:
    """A signature is the function with its arguments as this task calls it, written as Cylc writes it."""
    run = watch(
        "x = f(%(point)s, 2, %(id)s, u=%(user_name)s, d=%(workflow_run_dir)s, "
        "s=%(suite_share_dir)s, p=50%%, b=True):PT7S",
        "R1 = '@x => a'",
    )
    call = run.calls[0]
    assert call.signature == "f(1, 2, 1/a, b=True, d=/runs/wf/run1, p=50%, s=/runs/wf/run1/share, u=ann)"
    assert (call.function, call.args, call.kwargs["b"]) == ("f", ("1", 2, "1/a"), True)
    assert f"INFO Commencing xtrigger, call interval 7.0s: x = {call.signature}" in run.log


def test_one_call_serves_all_tasks_with_the_same_signature(watch: Watch) -> None:
    """Three tasks wait, one call is made, all three run with the results in their environment."""
    run = watch("x = f(%(point)s)", "R1 = '@x => a & b & c'")
    assert run.called == ["f(1)"]
    run.answer("f(1)", True, file="data 1.nc", count=3, none=None)
    assert sorted(run.jobs) == ["1/a/01", "1/b/01", "1/c/01"]
    for job in run.jobs.values():
        assert job.job.runtime["environment"] == {"x_file": "data 1.nc", "x_count": "3", "x_none": "None"}
    assert "INFO xtrigger succeeded: x = f(1)" in run.log
    broadcast = "INFO Broadcast set:\n+ [1/a] [environment]x_file=data 1.nc\n+ [1/a] [environment]x_count=3"
    assert any(line.startswith(broadcast) for line in run.log)


def test_a_function_is_called_again_an_interval_after_its_last_call_and_never_twice_at_a_time(watch: Watch) -> None:
    """While a call has no answer there is no other, however long it takes; then the interval counts from its start."""
    run = watch("x = f():PT10S", "R1 = '@x => a'")
    run.wait(100)
    assert run.called == ["f()"]
    run.answer("f()")
    assert len(run.called) == 2
    run.wait(3)
    run.answer("f()")
    run.wait(6.9)
    assert len(run.called) == 2
    run.wait(0.2)
    assert len(run.called) == 3
    assert not run.jobs


def test_an_error_is_told_once_and_the_function_is_called_again(watch: Watch) -> None:
    """A function that fails is not satisfied; the same trouble is a warning only the first time."""
    run = watch("x = f():PT1S", "R1 = '@x => a'")
    for _ in range(3):
        run.answer("f()", True, error="ValueError: no good")
        run.wait(1)
    assert len(run.called) == 4
    assert run.log.count("WARNING ERROR in xtrigger f()\nValueError: no good") == 1
    assert not run.jobs
    run.answer("f()", True)
    assert list(run.jobs) == ["1/a/01"]


def test_nothing_is_called_for_a_task_that_was_removed_or_told_not_to_wait(watch: Watch) -> None:
    """Once nobody waits for a signature any more its calls end, and a late answer changes nothing."""
    run = watch("x = f():PT1S\n y = g():PT1S", "R1 = '''@x => a\n@y => b'''")
    run.command("remove_tasks", tasks=["1/a"])
    run.command("set", tasks=["1/b"], prerequisites=["xtrigger/y"])
    assert list(run.jobs) == ["1/b/01"]
    run.answer("f()")
    run.answer("g()")
    run.wait(5)
    assert run.called == ["f()", "g()"]
    run.answer("f()", True)
    assert "1/a/01" not in run.jobs


@pytest.mark.parametrize(
    ("xtrigger", "more", "expected"),
    [
        ("f(%(point)s)", "", ["1/a", "2/a", "3/a"]),
        ("f(%(point)s, sequential=True)", "", ["1/a"]),
        ("f(%(point)s)", "sequential xtriggers = True", ["1/a"]),
        ("f(%(point)s, sequential=False)", "sequential xtriggers = True", ["1/a", "2/a", "3/a"]),
    ],
)
def test_sequential_xtriggers_let_one_cycle_wait_at_a_time(
    watch: Watch, xtrigger: str, more: str, expected: list[str]
) -> None:
    """A task with a sequential xtrigger is spawned at its next point only when it is satisfied at this one."""
    run = watch(f"x = {xtrigger}", "P1 = '@x => a'", last="3", more=more)
    assert run.waiting == expected
    run.answer("f(1)", True)
    assert run.waiting == (["1/a", "2/a"] if len(expected) == 1 else expected)
    assert "sequential" not in run.called[0]


@pytest.mark.parametrize(
    ("xtrigger", "waiting"), [("wall_clock(P9Y)", 1), ("wall_clock(offset=P9Y, sequential=False)", 3)]
)
def test_the_clock_is_sequential_unless_it_is_told_otherwise(watch: Watch, xtrigger: str, waiting: int) -> None:
    """Clock triggers wait for one cycle after the other by default."""
    run = watch(f"x = {xtrigger}", "P1Y = '@x => a'", cycling="gregorian", last="2022")
    assert len(run.waiting) == waiting
    assert not run.calls


def test_what_was_satisfied_before_a_restart_is_not_called_again(watch: Watch) -> None:
    """Results are on record while a task depends on them: after a restart it runs with them, without a call."""
    run = watch("x = f(%(point)s)\n y = g(%(point)s)", "R1 = '@x & @y => a'")
    run.answer("f(1)", True, key="value")
    assert run.stored() == ["f(1)"]
    run.restart()
    assert run.called == ["g(1)"]
    run.answer("g(1)", True)
    assert run.jobs["1/a/01"].job.runtime["environment"] == {"x_key": "value"}


def test_a_job_that_fails_after_a_restart_is_retried_without_waiting_again(define_workflow: Define) -> None:
    """Xtriggers hold back the first job of an instance only."""
    retries = "[runtime]\n [[a]]\n  execution retry delays = PT1S\n"
    run = Watched(define_workflow(text("x = f()", "R1 = '@x => a'") + retries))
    run.answer("f()", True)
    run.restart()
    run.end("1/a/01", fail=True)
    run.wait(2)
    assert "1/a/02" in run.jobs
    assert not run.calls


def test_results_are_forgotten_when_no_task_depends_on_them(watch: Watch) -> None:
    """The record holds no signature of tasks that are gone, and a later task asks anew."""
    run = watch("x = f()", "P1 = '''b[-P1] => a => b\n@x => a'''", last="2")
    run.answer("f()", True)
    run.end("1/a/01")
    assert run.stored() == []
    run.end("1/b/01")
    assert run.called == ["f()", "f()"]
    run.answer("f()", True)
    assert "2/a/01" in run.jobs


def test_a_reload_that_changes_the_arguments_asks_with_the_new_ones(define_workflow: Define) -> None:
    """Whoever waits for a function goes on waiting by the definition as it is now."""
    run = Watched(define_workflow(text("x = f(1):PT1S", "R1 = '@x => a'")))
    reload(run.engine, define_workflow(text("x = f(2):PT1S", "R1 = '@x => a'")))
    run.give()
    assert run.called == ["f(1)", "f(2)"]
    run.answer("f(1)", True)
    assert not run.jobs
    run.answer("f(2)", True)
    assert list(run.jobs) == ["1/a/01"]


def test_a_task_may_wait_for_one_function_under_two_names(watch: Watch) -> None:
    """Two labels of the same call are both satisfied by it, each with variables of its own."""
    run = watch("x = f()\n y = f()", "R1 = '@x & @y => a'")
    assert run.called == ["f()"]
    run.answer("f()", True, v=1)
    assert run.jobs["1/a/01"].job.runtime["environment"] == {"x_v": "1", "y_v": "1"}


STEPS = st.lists(
    st.tuples(st.sampled_from(["f(1)", "f(2)", "f(3)", "g()"]), st.sampled_from(["yes", "no", "error", "wait"])),
    max_size=40,
)


@pytest.fixture(scope="module")
def shared_definition(tmp_path_factory: pytest.TempPathFactory) -> WorkflowDefinition:
    """A workflow with two functions over three cycles."""
    from tidemill.flow.language.build import build_definition
    from tidemill.flow.language.config import load_config

    directory = tmp_path_factory.mktemp("shared")
    xtriggers = "x = f(%(point)s):PT5S\n y = g():PT3S"
    (directory / "flow.cylc").write_text(text(xtriggers, "P1 = '''@x & @y => a\n@x => b'''", last="3"))
    return build_definition(load_config(str(directory)), now=START)


@given(steps=STEPS)
def test_whatever_functions_answer_no_signature_is_called_twice_at_once_or_too_often(
    shared_definition: WorkflowDefinition, steps: list[tuple[str, str]]
) -> None:
    """In any order of answers: one call at a time, an interval between calls, and each task runs once it may."""
    run = Watched(shared_definition)
    intervals = {"f": 5.0, "g": 3.0}
    started: dict[str, float] = {}
    open_calls: set[str] = set()
    satisfied: set[str] = set()
    seen = 0

    def look() -> None:
        nonlocal seen
        for call in run.calls[seen:]:
            assert call.signature not in open_calls
            assert call.signature not in satisfied
            last = started.get(call.signature)
            assert last is None or run.time - last >= intervals[call.function]
            started[call.signature] = run.time
            open_calls.add(call.signature)
        seen = len(run.calls)

    look()
    for signature, what in steps:
        if what == "wait":
            run.wait(1.5)
        elif signature in open_calls:
            open_calls.discard(signature)
            if what == "yes":
                satisfied.add(signature)
            run.answer(signature, what == "yes", error="oh" if what == "error" else "")
        look()
    for point in (1, 2, 3):
        own = f"f({point})" in satisfied
        assert (f"{point}/b/01" in run.jobs) is own
        assert (f"{point}/a/01" in run.jobs) is (own and "g()" in satisfied)
