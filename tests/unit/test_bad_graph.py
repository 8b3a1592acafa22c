"""Bad graphs and definitions: each is refused with the line it is on and words that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.language.exceptions import LanguageError

HEAD = """\
[scheduler]
    allow implicit tasks = True
[task parameters]
    m = 0..2
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 5
    [[xtriggers]]
        x = echo(succeed=True)
    [[graph]]
        P1 = \"\"\"
"""
TAIL = """
        \"\"\"
[runtime]
    [[FAM]]
    [[m1, m2]]
        inherit = FAM
    [[EMPTY]]
    [[a]]
        [[[outputs]]]
            x = the x
"""
FIRST_LINE = HEAD.count("\n") + 1

BAD_GRAPHS: list[tuple[str, int, str]] = [
    # (graph, line in the graph counted from 1, part of the message)
    ("a b => c", 1, "white space inside a name"),
    ("a\nb c", 2, "white space inside a name"),
    ("a -b => c", 1, "white space inside a name"),
    ("=> a", 1, "the graph starts with =>"),
    ("& a => b", 1, "the graph starts with &"),
    ("a => b\n\nc =>", 3, "the graph ends with =>"),
    ("a |", 1, "the graph ends with |"),
    ("a =>\n=> b", 2, "the line before it ends with =>"),
    ("a => b &\n& c", 2, "the line before it ends with &"),
    ("a => b\na && b => c", 2, "&& is not a graph operator"),
    ("a || b => c", 1, "|| is not a graph operator"),
    ("a => b | c", 1, "| is not allowed on the right"),
    ("a => (b => c)", 1, "mismatched parentheses"),
    ("(a & b => c", 1, "mismatched parentheses"),
    ("a & b) => c", 1, "mismatched parentheses"),
    ("a) & (b => c", 1, "mismatched parentheses"),
    ("a => ()", 1, "a task name is missing"),
    ("a & => b", 1, "a task name is missing"),
    ("a => => b", 1, "a task name is missing"),
    ("a?:fail => b", 1, "not a graph node: :fail"),
    ("a => b\na:x?? => c", 2, "not a graph node: ?"),
    ("foo.bar => b", 1, "not a graph node: .bar"),
    ("a -> b", 1, "white space inside a name"),
    ("a->b", 1, "not a graph node: >b"),
    ("-a => b", 1, "not a graph node: -a"),
    ("a, b => c", 1, "not a graph node: ,b"),
    ("a<b:c> => d", 1, "malformed parameter"),
    ("a<q> => b", 1, "parameter q is not defined"),
    ("a\nb<m=7> => c", 2, "7 is not a value of parameter m"),
    ("a => !b => c", 1, "!b stands on the left"),
    ("a => !b\na => b", 2, "a:succeeded cannot trigger both b and !b"),
    ("a => @x", 1, "@x stands on the right"),
    ("@nope => a", 1, "xtrigger @nope is not declared"),
    ("a => c\n(@x | a) => b", 2, "an xtrigger cannot be part of an expression with |"),
    ("@wall_clock => a", 1, "which needs date-time cycling"),
    ("FAM => a", 1, "family FAM triggers something but does not say when"),
    ("a => FAM => b", 1, "family FAM triggers something but does not say when"),
    ("FAM:succeed => a", 1, ":succeed is not a family qualifier"),
    ("FAM:x-all => a", 1, ":x-all is not a family qualifier"),
    ("a:succeed-all => b", 1, "a is not a family"),
    ("EMPTY:fail-any => b", 1, "EMPTY is not a family"),
    ("a => b\na:expire => b", 2, "a:expired must be optional"),
    ("a:submit-fail => b", 1, "a:submit-failed must be optional"),
    ("a:finish? => b", 1, "a:finish cannot be marked with ?"),
    ("FAM:finish-all? => b", 1, "FAM:finish cannot be marked with ?"),
    ("a:x => b\na:x? => c", 2, "a:x cannot be both required and optional"),
    ("a => b\nb?", 2, "b:succeeded cannot be both required and optional"),
    ("FAM:succeed-all? => a\nFAM:succeed-any => b", 2, "m1:succeeded cannot be both required and optional"),
    ("a? => b\nc => d\na:fail => c", 3, "a:succeeded and a:failed are both used"),
    ("a => FAM\nm1:fail? => b", 1, "m1:succeeded and m1:failed are both used"),
    ("a => b[-P1]", 1, "stands only on the right of an arrow"),
    ("b[-P1] => c", 1, "b is only used with a cycle point offset"),
    ("a\na[-PT1H] => b", 2, "offset [-PT1H]"),
    ("a => b\nb => b", 2, "b waits for itself"),
    ("FAM:succeed-all => m1", 1, "m1 waits for itself"),
    ("a => b\nb => c\nc => a", 3, "tasks wait for each other in a circle"),
    ("a[-P1] => b\nb[+P1] => a", 2, "tasks wait for each other in a circle"),
    ("a:nope => b", 1, "a has no output nope"),
    ("a => b\nb => a:y", 2, "a has no output y"),
    ("root => a", 1, "root cannot be the name of a task"),
    ("_cylc_a => b", 1, "_cylc_a cannot be the name of a task"),
    ("z<w::t> => b\nz<w::u> => c", 2, "z already polls w::t"),
    ("(" * 200 + "a" + ")" * 200 + " => b", 1, "nested parentheses"),
]


def build(directory: Path, text: str) -> str:
    """The message of the error that a workflow is refused with."""
    (directory / "flow.cylc").write_text(text)
    with pytest.raises(LanguageError) as caught:
        build_definition(load_config(str(directory)), now=0.0)
    return str(caught.value)


@pytest.mark.parametrize(("graph", "line", "fragment"), BAD_GRAPHS)
def test_bad_graph_is_refused_at_its_line(tmp_path: Path, graph: str, line: int, fragment: str) -> None:
    """A bad graph is an error that names the line it is on and says what is wrong."""
    message = build(tmp_path, HEAD + graph + TAIL)
    # A circle is reported at one of its arrows: any of them closes it.
    lines = range(1, graph.count("\n") + 2) if "circle" in fragment else [line]
    assert any(message.startswith(f"flow.cylc:{FIRST_LINE - 1 + number}: ") for number in lines), message
    assert fragment in message


FLOW = """\
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    {scheduling}
    [[graph]]
        {recurrence} = a => b
[runtime]
    [[a]]
        {a}
    [[b]]
"""

BAD_DEFINITIONS: list[tuple[dict[str, str], int | None, str]] = [
    ({"recurrence": "P1/foo"}, 6, "P1/foo"),
    ({"scheduling": "final cycle point = 0"}, 4, "before the initial cycle point"),
    ({"scheduling": "runahead limit = PT6H"}, 4, "invalid runahead limit: PT6H"),
    ({"scheduling": "[[special tasks]]\nclock-trigger = a(PT1H)"}, 5, "needs date-time cycling"),
    ({"scheduling": "[[special tasks]]\nsequential = a(PT1H)"}, 5, "malformed entry"),
    ({"scheduling": "[[special tasks]]\nexternal-trigger = a"}, 5, "malformed entry"),
    ({"scheduling": '[[special tasks]]\nexternal-trigger = a("m"), b("m")'}, 5, "used by both a and b"),
    ({"scheduling": "[[xtriggers]]\nx = wall_clock(PT1H)"}, 5, "needs date-time cycling"),
    ({"scheduling": "[[xtriggers]]\nx = echo(%(nope)s, succeed=True)"}, 5, "unknown template %(nope)s"),
    ({"scheduling": "[[xtriggers]]\nx = xrandom(200)"}, 5, "percent between 0 and 100"),
    ({"a": "completion = succeeded or failed"}, 9, "the graph requires a:succeeded"),
    ({"a": "completion = succeeded and nope"}, 9, "nope is not an output of a"),
    ({"a": "completion = finished"}, 9, "finished is not an output"),
    ({"a": "completion = not failed"}, 9, "only names, and, or are allowed"),
    ({"a": "completion = __import__('os')"}, 9, "only names, and, or are allowed"),
    ({"a": "completion = succeeded and"}, 9, "not a valid expression"),
]


@pytest.mark.parametrize(("parts", "line", "fragment"), BAD_DEFINITIONS)
def test_bad_definition_is_refused(tmp_path: Path, parts: dict[str, str], line: int, fragment: str) -> None:
    """What cannot be right in the rest of the definition is refused at its line too."""
    text = FLOW.format(**{"scheduling": "", "recurrence": "P1", "a": "", **parts})
    message = build(tmp_path, text)
    assert message.startswith(f"flow.cylc:{line}: "), message
    assert fragment in message


def test_implicit_tasks_are_listed(tmp_path: Path) -> None:
    """Tasks without a runtime section are listed with their lines, the nearest known name and the switch."""
    text = FLOW.format(scheduling="", recurrence="P1", a="").replace("a => b", "a => b => preprocess")
    message = build(tmp_path, text + "    [[preproces]]\n")
    assert message.startswith("flow.cylc:6: ")
    assert "preprocess, at flow.cylc:6" in message
    assert "allow implicit tasks" in message
    assert "Did you mean preproces?" in message


def test_no_graph(tmp_path: Path) -> None:
    """A workflow without any graph is refused with an example of one."""
    head = "[scheduling]\n    cycling mode = integer\n"
    assert "Add [scheduling][graph]" in build(tmp_path, head)
    assert "Add [scheduling][graph]" in build(tmp_path, head + "    [[graph]]\n        R1 =\n")


def test_polling_task_has_no_script(tmp_path: Path) -> None:
    """A task that polls another workflow cannot have a script of its own."""
    text = FLOW.format(scheduling="", recurrence="P1", a="script = true").replace("a => b", "a<wf::t:fail> => b")
    assert build(tmp_path, text).startswith("flow.cylc:9: a polls wf::t")


@pytest.mark.parametrize("option", [{"start_tasks": ["1/nope"]}, {"start_tasks": ["7/a"]}, {"start_tasks": ["a"]}])
def test_bad_start_task(tmp_path: Path, option: dict[str, list[str]]) -> None:
    """A start task must be in the graph, at a point where it runs."""
    text = FLOW.format(scheduling="final cycle point = 5", recurrence="P1", a="")
    (tmp_path / "flow.cylc").write_text(text)
    with pytest.raises(LanguageError, match="start"):
        build_definition(load_config(str(tmp_path)), now=0.0, start_tasks=option["start_tasks"])


def test_contradiction_between_recurrences(tmp_path: Path) -> None:
    """An output required in one recurrence and optional in another is an error that names both lines."""
    text = FLOW.format(scheduling="", recurrence="R1", a="").replace("a => b", "a => b\n        P1 = a? => b")
    message = build(tmp_path, text)
    assert message.startswith("flow.cylc:7: a:succeeded cannot be both required and optional")
    assert "It was required at flow.cylc:6" in message


def test_custom_output_must_be_declared(tmp_path: Path) -> None:
    """An undeclared output is reported with the nearest declared one."""
    message = build(tmp_path, HEAD + "a:xx => b" + TAIL.replace("x = the x", "xxx = the x"))
    assert "Did you mean xxx?" in message
