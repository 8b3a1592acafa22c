"""From a workflow directory to the definition the engine runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tidemill.flow.language.build import build_definition, unused_namespaces
from tidemill.flow.language.completion import compile_completion
from tidemill.flow.language.config import load_config
from tidemill.flow.language.definition import All, AnyOf, Leaf, WorkflowDefinition

INTEGER = """\
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 10
"""
DATETIME = """\
[scheduler]
    allow implicit tasks = True
[scheduling]
    initial cycle point = 20200101T00Z
    final cycle point = 20200105T00Z
"""


def build(directory: Path, text: str, *, name: str = "flow.cylc", **options: Any) -> WorkflowDefinition:
    (directory / name).write_text(text)
    return build_definition(load_config(str(directory)), now=options.pop("now", 0.0), **options)


def graph(text: str, recurrence: str = "P1", *, head: str = INTEGER, runtime: str = "") -> str:
    return f'{head}    [[graph]]\n        {recurrence} = """\n{text}\n"""\n[runtime]\n{runtime}'


def test_tasks_stand_in_the_order_the_graph_names_them(tmp_path: Path) -> None:
    """Tasks are in the order the graph first names them, each with the recurrences it is in."""
    text = graph("z => a\nm") + '[scheduling]\n[[graph]]\nR1 = "init => z"\nP2 = "a"'
    definition = build(tmp_path, text)
    assert list(definition.tasks) == ["z", "a", "m", "init"]
    z = definition.tasks["z"]
    assert [sequence.text for sequence in z.sequences] == ["P1", "R1"]
    assert definition.tasks["init"].is_valid_at(1)
    assert not definition.tasks["init"].is_valid_at(2)
    assert len(definition.sequences) == 3


def test_the_same_recurrence_is_one_sequence(tmp_path: Path) -> None:
    """Repeated recurrences, however spaced, are one sequence object."""
    text = graph("a", "P1 ! (3, 4)") + '[scheduling]\n[[graph]]\nP1!(3,4) = "b"'
    definition = build(tmp_path, text)
    assert len(definition.sequences) == 1
    assert definition.tasks["a"].sequences[0] is definition.tasks["b"].sequences[0]


def test_dependencies_are_linked_from_their_outputs(tmp_path: Path) -> None:
    """Each output of a parent knows once per offset which dependencies wait for it."""
    definition = build(tmp_path, graph("(a & b[-P1]:fail?) | a => c & d\nb?"))
    (dependency,) = definition.dependencies
    assert dependency.children == ("c", "d")
    assert dependency.conditional
    assert isinstance(dependency.expression, AnyOf)
    (link,) = definition.tasks["a"].links["succeeded"]
    assert link.dependency is dependency
    assert link.offset is None
    (link,) = definition.tasks["b"].links["failed"]
    assert link.offset is not None
    assert link.offset.parent(3) == 2
    assert definition.tasks["c"].dependencies == (dependency,)
    assert dependency.text == "(a:succeeded&b[-P1]:failed)|a:succeeded"
    assert str(dependency.location) == "flow.cylc:9"


def test_plain_and_is_one_dependency(tmp_path: Path) -> None:
    """a & b => c is one dependency on all terms, marked as separate prerequisites."""
    (dependency,) = build(tmp_path, graph("a & b => c")).dependencies
    assert dependency.expression == All((Leaf("a", "succeeded"), Leaf("b", "succeeded")))
    assert not dependency.conditional


def test_suicide_target_runs_nowhere_by_itself(tmp_path: Path) -> None:
    """A task named only behind a ! is a task without any recurrence, as in Cylc 8.5."""
    definition = build(tmp_path, graph("a => !b"))
    assert definition.tasks["b"].sequences == ()
    assert definition.tasks["b"].dependencies[0].suicide


@pytest.mark.parametrize(
    ("text", "completion"),
    [
        ("a", "succeeded"),
        ("a?", "succeeded or failed"),
        ("a:fail => b", "failed"),
        ("a:fail? => b", "succeeded or failed"),
        ("a:finish => b", "succeeded or failed"),
        ("a:x => b", "(succeeded and x)"),
        ("a:x? => b", "succeeded"),
        ("a:x & a:y => b", "(succeeded and x and y)"),
        ("a? & a:x => b", "(x and succeeded) or failed"),
        ("a:start & a:fail? => b", "(started and succeeded) or failed"),
        ("a:submit? => b", "succeeded or submit_failed"),
        ("a:submit-fail? & a:expire? => b", "succeeded or submit_failed or expired"),
        (
            "a:submit-fail? & a:expire? & a? & a:x => b",
            "(x and succeeded) or failed or submit_failed or expired",
        ),
        ("a:fail & a:start => b", "(failed and started)"),
        ("a:x-z & a:submit => b", "(submitted and succeeded and x_z)"),
    ],
)
def test_derived_completion(tmp_path: Path, text: str, completion: str) -> None:
    """Without a completion expression the graph decides, in the very words of Cylc 8.5."""
    runtime = "[[a]]\n[[[outputs]]]\nx = the x\ny = the y\nx-z = xz\n"
    assert build(tmp_path, graph(text, runtime=runtime)).tasks["a"].completion == completion


@pytest.mark.parametrize(
    ("text", "expression", "accepted"),
    [
        ("a", "succeeded", True),
        ("a", "succeeded or expired", True),
        ("a", "succeeded or failed", False),
        ("a", "succeeded and x", True),
        ("a", "succeeded or submitted", False),
        ("a?", "succeeded", False),
        ("a?", "x", True),
        ("a?", "succeeded or (failed and x)", True),
        ("a:x => b", "succeeded", False),
        ("a:x? => b", "succeeded and x", False),
        ("a:expire? => b", "succeeded", False),
        ("a:expire? => b", "succeeded or expired", True),
        ("a:fail? => b", "succeeded", True),
        ("a:fail => b", "failed", True),
        ("a:submit? => b", "succeeded", True),
        ("a? & a:x => b", "(succeeded and x) or failed", False),
    ],
)
def test_user_completion_agrees_with_the_graph(tmp_path: Path, text: str, expression: str, accepted: bool) -> None:
    """A completion expression stands unless it contradicts what the graph requires or leaves open."""
    runtime = f"[[a]]\ncompletion = {expression}\n[[[outputs]]]\nx = the x\n"
    if accepted:
        task = build(tmp_path, graph(text, runtime=runtime)).tasks["a"]
        assert task.completion == expression
        if "expired" in expression:
            assert task.outputs["expired"].required is False
        return
    with pytest.raises(Exception, match=r"flow\.cylc:\d+: completion of a"):
        build(tmp_path, graph(text, runtime=runtime))


def test_two_outputs_cannot_share_a_message(tmp_path: Path) -> None:
    """Two outputs with one message are refused, inherited ones too: the message could not tell them apart."""
    runtime = "[[F]]\n[[[outputs]]]\nx = done\n[[a]]\ninherit = F\n[[[outputs]]]\ny = done\n"
    with pytest.raises(Exception, match=r"flow\.cylc:\d+: outputs x and y of a have the same message: done"):
        build(tmp_path, graph("a:x & a:y => b", runtime=runtime))


def test_compiled_completion() -> None:
    """A compiled expression is asked with output labels, hyphens and all."""
    is_complete = compile_completion("(succeeded and x_z) or failed")
    assert is_complete({"succeeded", "x-z"})
    assert is_complete({"failed"})
    assert not is_complete({"succeeded"})


def test_families_and_parents(tmp_path: Path) -> None:
    """Families hold the tasks of the graph below them, in definition order; root holds all."""
    runtime = "[[BIG]]\n[[SUB]]\ninherit = BIG\n[[s2, s1]]\ninherit = SUB\n[[t]]\ninherit = BIG\n[[unused]]\n"
    definition = build(tmp_path, graph("BIG:succeed-all => z", runtime=runtime))
    assert definition.families["BIG"] == ("s2", "s1", "t")
    assert definition.families["SUB"] == ("s2", "s1")
    assert set(definition.families["root"]) == {"s1", "s2", "t", "z"}
    assert definition.tasks["s1"].namespaces == ("s1", "SUB", "BIG", "root")
    assert definition.family_parents["z"] == ("z", "root")
    assert definition.first_parents["z"] == "root"
    assert unused_namespaces(load_config(str(tmp_path)), definition) == ["unused"]


def test_queues(tmp_path: Path) -> None:
    """The last queue naming a task has it, families expand, unknown members only warn."""
    head = INTEGER + (
        "    [[queues]]\n        [[[one]]]\n            limit = 2\n            members = FAM, a\n"
        "        [[[two]]]\n            members = m1, nope\n"
    )
    runtime = "[[FAM]]\n[[m1, m2]]\ninherit = FAM\n"
    definition = build(tmp_path, graph("FAM\na\nb", head=head, runtime=runtime))
    queues = {queue.name: (queue.limit, queue.members) for queue in definition.queues}
    assert queues == {"default": (100, {"b"}), "one": (2, {"a", "m2"}), "two": (0, {"m1"})}
    assert definition.queues[0].name == "default"
    assert any("nope" in warning for warning in definition.warnings)


def test_special_tasks(tmp_path: Path) -> None:
    """Special tasks are marked, families included; a clock trigger becomes a wall-clock xtrigger."""
    head = DATETIME + (
        "    [[special tasks]]\n        sequential = FAM\n        clock-trigger = a(PT1H), m1\n"
        '        clock-expire = a(-PT1H)\n        external-trigger = b("data is here")\n'
    )
    runtime = "[[FAM]]\n[[m1, m2]]\ninherit = FAM\n"
    definition = build(tmp_path, graph("FAM\na\nb", "P1D", head=head, runtime=runtime))
    tasks = definition.tasks
    assert [name for name, task in tasks.items() if task.sequential] == ["m1", "m2"]
    assert tasks["a"].clock_trigger_offset == "PT1H"
    assert tasks["m1"].clock_trigger_offset == "PT0M"
    assert tasks["a"].clock_expire_offset == "-PT1H"
    assert tasks["b"].external_trigger == "data is here"
    ((sequence, label),) = tasks["a"].xtriggers
    assert sequence is definition.sequences[0]
    assert definition.xtriggers[label].function == "wall_clock"
    assert definition.xtriggers[label].kwargs == {"offset": "PT1H"}


def test_xtriggers(tmp_path: Path) -> None:
    """Xtriggers belong to the tasks they trigger, where the arrow is; @wall_clock needs no declaration."""
    head = DATETIME + "    [[xtriggers]]\n        ready = echo(succeed=True):PT30S\n"
    definition = build(tmp_path, graph("@ready & (@wall_clock & a) => b", "P1D", head=head))
    assert sorted(label for _, label in definition.tasks["b"].xtriggers) == ["ready", "wall_clock"]
    assert definition.xtriggers["ready"].interval_seconds == 30.0
    assert definition.xtriggers["wall_clock"].sequential
    (dependency,) = definition.dependencies
    assert dependency.expression == Leaf("a", "succeeded")


def test_xtrigger_removes_nothing(tmp_path: Path) -> None:
    """@x => !a makes a wait for @x, as in Cylc 8.5, and warns."""
    head = INTEGER + "    [[xtriggers]]\n        x = echo(succeed=True)\n"
    definition = build(tmp_path, graph("@x => !a\na", head=head))
    assert [label for _, label in definition.tasks["a"].xtriggers] == ["x"]
    assert definition.dependencies == ()
    assert any("does not remove the task" in warning for warning in definition.warnings)


def test_remote_task(tmp_path: Path) -> None:
    """A node that names a task of another workflow is a task that polls for it."""
    definition = build(tmp_path, graph("x<other/run1::foo:fail> => y\nz<w::t> => y"))
    assert definition.tasks["x"].workflow_state_poll == {
        "workflow": "other/run1",
        "task": "foo",
        "status": "fail",
    }
    poll = definition.tasks["z"].workflow_state_poll
    assert poll is not None
    assert poll["status"] == "succeeded"


def test_points(tmp_path: Path) -> None:
    """Limits come from the configuration, relative to the initial point, and from the command line first."""
    head = (
        "[scheduler]\nallow implicit tasks = True\n[scheduling]\ninitial cycle point = 20200101T00Z\n"
        "final cycle point = +P4D\nstop after cycle point = +P2D\nhold after cycle point = 20200102T00Z\n"
    )
    text = graph("a", "P1D", head=head)
    definition = build(tmp_path, text)
    read = definition.cycling.format
    assert definition.final_point is not None
    assert definition.stop_point is not None
    assert definition.hold_after_point is not None
    assert read(definition.initial_point) == read(definition.start_point) == "20200101T0000Z"
    assert read(definition.final_point) == "20200105T0000Z"
    assert read(definition.stop_point) == "20200103T0000Z"
    assert read(definition.hold_after_point) == "20200102T0000Z"
    definition = build(
        tmp_path, text, start_point="20200102T00Z", final_point="20200110T00Z", stop_point="20200111T00Z"
    )
    assert read(definition.start_point) == "20200102T0000Z"
    assert definition.stop_point is None
    assert any("no effect" in warning for warning in definition.warnings)
    definition = build(tmp_path, text, start_tasks=["20200103T0000Z/a"])
    assert definition.start_tasks == ((definition.start_point, "a"),)
    assert read(definition.start_point) == "20200103T0000Z"


def test_workflow_that_runs_once_is_integer(tmp_path: Path) -> None:
    """Without points and with R1 only, cycling is integer with the single point 1."""
    head = "[scheduler]\nallow implicit tasks = True\n[scheduling]\n"
    definition = build(tmp_path, graph("a => b", "R1", head=head))
    assert definition.cycling.mode == "integer"
    assert (definition.initial_point, definition.final_point) == (1, 1)
    with pytest.raises(Exception, match="needs an initial cycle point"):
        build(tmp_path, graph("a => b", "P1D", head=head))


@pytest.mark.parametrize(
    ("limit", "cycles", "has_interval"),
    [("P3", 3, False), ("PT12H", None, True), ("6", None, True), ("", 4, False)],
)
def test_runahead_limit(tmp_path: Path, limit: str, cycles: int | None, has_interval: bool) -> None:
    """The runahead limit is a count or a duration; a bare number means hours and warns."""
    head = DATETIME + (f"    runahead limit = {limit}\n" if limit else "")
    definition = build(tmp_path, graph("a", "P1D", head=head))
    assert definition.runahead.cycles == cycles
    assert (definition.runahead.interval is not None) == has_interval
    assert any("means hours" in warning for warning in definition.warnings) == (limit == "6")


def test_empty_recurrence_warns(tmp_path: Path) -> None:
    """A recurrence without any point of the workflow is a warning that says where."""
    definition = build(tmp_path, graph("a") + '[scheduling]\n[[graph]]\nR1/50 = "b"')
    assert any("R1/50 has no point" in warning for warning in definition.warnings)


def test_coarse_point_format(tmp_path: Path) -> None:
    """A cycle point format that cannot tell two points apart is refused."""
    head = DATETIME.replace("[scheduling]", "    cycle point format = CCYYMMDD\n[scheduling]")
    with pytest.raises(Exception, match="finer than the cycle point format"):
        build(tmp_path, graph("a", "PT6H", head=head))


def test_old_suite_file(tmp_path: Path) -> None:
    """suite.rc gives the behaviour of Cylc 7: implicit tasks, no contradiction about required outputs."""
    text = '[scheduling]\ncycling mode = integer\n[[graph]]\nR1 = """\na:fail => b\na => c\n"""\n'
    definition = build(tmp_path, text, name="suite.rc")
    assert definition.compatibility
    assert definition.tasks["a"].completion == "(submitted and succeeded) or failed"
    assert definition.tasks["b"].completion == "(submitted and succeeded)"


def test_circles_in_large_graphs_are_looked_for_on_demand(tmp_path: Path) -> None:
    """More than 100 tasks are checked for circles only when asked to."""
    text = graph("\n".join(f"t{i}" for i in range(101)) + "\na => b => a")
    assert len(build(tmp_path, text).tasks) == 103
    with pytest.raises(Exception, match="in a circle"):
        build(tmp_path, text, check_circular=True)


def test_runtime_is_complete(tmp_path: Path) -> None:
    """A task's settings hold the defaults too, section by section."""
    definition = build(
        tmp_path, graph("a\nb", runtime="[[a]]\nscript = true\n[[[simulation]]]\nfail try 1 only = False\n")
    )
    runtime = definition.tasks["a"].runtime
    assert runtime["script"] == "true"
    assert runtime["simulation"]["fail try 1 only"] is False
    assert runtime["simulation"]["default run length"] == 10.0
    assert definition.tasks["b"].runtime["script"] == ""


@pytest.mark.parametrize(
    ("text", "families"),
    [
        (" & ".join(f"t{i}" for i in range(10_000)) + " => z", 0),
        (
            "\n".join(
                f"t{i // 100}_{i % 100} & t{i // 100}_{(i + 1) % 100} => t{i // 100 + 1}_{i % 100}" for i in range(9000)
            ),
            0,
        ),
        ("A:succeed-all => B", 1000),
    ],
    ids=["list", "layers", "families"],
)
def test_size(tmp_path: Path, text: str, families: int) -> None:
    """Ten thousand tasks, or a family of a thousand triggering another, are built without N x M objects."""
    runtime = (
        "".join(
            f"[[{name}]]\n[[{', '.join(f'{name.lower()}{i}' for i in range(families))}]]\ninherit = {name}\n"
            for name in ("AA", "BB")
            if families
        )
        .replace("AA", "A")
        .replace("BB", "B")
    )
    (tmp_path / "flow.cylc").write_text(graph(text, runtime=runtime))
    config = load_config(str(tmp_path))
    started = time.perf_counter()
    definition = build_definition(config, now=0.0)
    assert time.perf_counter() - started < 10.0
    links = sum(len(found) for task in definition.tasks.values() for found in task.links.values())
    waits = sum(len(task.dependencies) for task in definition.tasks.values())
    assert links + waits <= 3 * len(definition.tasks)
