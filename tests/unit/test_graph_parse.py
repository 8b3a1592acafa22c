"""Graph strings: what triggers what, which outputs are required."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.flow.language.exceptions import GraphError, LanguageError
from tidemill.flow.language.graph import Group, OutputTerm, ParsedGraph, Tree, parse_graph
from tidemill.flow.language.source import Location

FAMILIES = {"FAM": ("m1", "m2"), "BIG": ("n1", "n2", "s1"), "ONE": ("o1",)}
PARAMETERS: dict[str, tuple[int | str, ...]] = {"m": (0, 1, 2), "p": ("cat", "dog")}
VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "conformance" / "cylc" / "graph_vectors.json"


def parse(text: str) -> ParsedGraph:
    return parse_graph(text, families=FAMILIES, parameters=PARAMETERS)


def comparable(graph: ParsedGraph) -> dict[str, Any]:
    """The graph in the form of the shared vectors."""
    triggers = {
        task: {text: ",".join(terms) for text, terms in found.items()} for task, found in graph.triggers.items()
    }
    outputs = {output: "req" if required else "?" for output, required in graph.outputs.items()}
    return {"triggers": triggers, "outputs": outputs}


@pytest.mark.skipif(not VECTORS.exists(), reason=f"no shared vectors at {VECTORS}")
def test_shared_vectors_agree() -> None:
    """Every shared vector gives the same triggers and outputs, or is an error here too."""
    document = json.loads(VECTORS.read_text())
    parameters = {name: tuple(int(value) for value in values) for name, values in document["parameters"].items()}
    for vector in document["vectors"]:
        if "error" in vector:
            with pytest.raises(GraphError):
                parse_graph(vector["graph"], families=document["families"], parameters=parameters)
            continue
        graph = parse_graph(vector["graph"], families=document["families"], parameters=parameters)
        expected = {"triggers": vector["triggers"], "outputs": vector["outputs"]}
        assert comparable(graph) == expected, vector["graph"]


def test_chain_makes_pairs() -> None:
    """A chain is read as one arrow after the other; the first task only exists."""
    graph = parse("a => b => c")
    assert graph.triggers == {
        "a": {},
        "b": {"a:succeeded": ("a:succeeded",)},
        "c": {"b:succeeded": ("b:succeeded",)},
    }


def test_plain_and_is_one_prerequisite_for_each_term() -> None:
    """Nodes joined by & stay apart; parentheses or | make them one prerequisite."""
    assert list(parse("a & b => c").triggers["c"]) == ["a:succeeded", "b:succeeded"]
    assert list(parse("(a & b) => c").triggers["c"]) == ["(a:succeeded&b:succeeded)"]
    assert list(parse("a & b | c => d").triggers["d"]) == ["a:succeeded&b:succeeded|c:succeeded"]


def test_and_binds_tighter_than_or() -> None:
    """a | b & c is a | (b & c)."""
    (arrow,) = parse("a | b & c => d").arrows
    tree = arrow.terms[0][1]
    assert isinstance(tree, Group)
    assert tree.operator == "|"
    assert isinstance(tree.terms[1], Group)
    assert tree.terms[1].operator == "&"


def test_family_on_the_right_is_one_arrow() -> None:
    """A family triggering a family is one arrow with a shared expression, not one for each pair."""
    families = {"A": [f"a{i}" for i in range(50)], "B": [f"b{i}" for i in range(50)]}
    graph = parse_graph("A:succeed-all => B", families=families)
    (arrow,) = graph.arrows
    assert arrow.children == tuple(families["B"])
    assert isinstance(arrow.terms[0][1], Group)
    assert len(arrow.terms[0][1].terms) == 50


def test_submit_fail_any_waits_for_submission() -> None:
    """FAM:submit-fail-any waits for a member's submission (Cylc 8.5), yet makes submit-failed optional."""
    graph = parse("FAM:submit-fail-any? => a")
    assert list(graph.triggers["a"]) == ["(m1:submitted|m2:submitted)"]
    assert graph.outputs["m1:submit-failed"] is False
    assert list(parse("FAM:submit-fail-all? => a").triggers["a"]) == ["(m1:submit-failed&m2:submit-failed)"]


@pytest.mark.parametrize(
    ("qualifier", "canonical"),
    [
        ("succeed", "succeeded"),
        ("succeeded", "succeeded"),
        ("fail?", "failed"),
        ("start", "started"),
        ("submit", "submitted"),
        ("submit-failed?", "submit-failed"),
        ("expire?", "expired"),
        ("my-output_1", "my-output_1"),
    ],
)
def test_qualifier_aliases(qualifier: str, canonical: str) -> None:
    """Short and long qualifiers mean the same output; any other is a custom one."""
    assert list(parse(f"a:{qualifier} => b").triggers["b"]) == [f"a:{canonical}"]


def test_finish_is_succeeded_or_failed() -> None:
    """:finish is met by either end and makes both optional."""
    graph = parse("a:finish & b => c")
    assert list(graph.triggers["c"]) == ["(a:succeeded|a:failed)", "b:succeeded"]
    assert graph.outputs["a:succeeded"] is False
    assert graph.outputs["a:failed"] is False


@pytest.mark.parametrize(
    "text",
    ["a=>b=>c", "a =>\nb => c", "a\n=> b\n\n# note\n=> c # end", "  a=>b  \n b =>c", "a = > b => c"],
)
def test_continuation_and_white_space(text: str) -> None:
    """White space and comments mean nothing; a line goes on where it ends or starts with an operator."""
    assert comparable(parse(text)) == comparable(parse("a => b => c"))


@pytest.mark.parametrize("text", ["a [-P1] => b", "a[ -P1 ] => b", "a[- P1] => b", "a[-P1 ] : succeed => b"])
def test_white_space_around_offsets(text: str) -> None:
    """Blanks around the parts of a node are allowed."""
    assert list(parse(text).triggers["b"]) == ["a[-P1]:succeeded"]


def test_offset_does_not_define_the_task() -> None:
    """A node with an offset says nothing about where its task runs."""
    graph = parse("foo[^] & bar[-P1D] => baz")
    assert list(graph.tasks) == ["baz"]
    assert list(graph.mentioned) == ["foo", "bar", "baz"]


def test_offset_on_both_sides_triggers_nothing() -> None:
    """A right-hand node with an offset may stand there if it is on a left too; nothing triggers it."""
    assert parse("a => b[-P1] => c").triggers == {"a": {}, "c": {"b[-P1]:succeeded": ("b[-P1]:succeeded",)}}


def test_right_hand_output_is_required_and_goes_on() -> None:
    """a => b:x => c triggers b, requires its output x, and c waits for x."""
    graph = parse("a => b:x => c")
    assert comparable(graph)["outputs"] == {"a:succeeded": "req", "b:x": "req", "c:succeeded": "req"}
    assert list(graph.triggers["c"]) == ["b:x"]


def test_suicide_says_nothing_of_outputs() -> None:
    """!b neither makes the success of b required nor says that b exists."""
    graph = parse("a => !b:fail & c")
    assert graph.outputs == {"a:succeeded": True, "c:succeeded": True}
    assert "b" not in graph.tasks
    assert graph.triggers["b"] == {"a:succeeded": ("!a:succeeded",)}


def test_member_overrides_family_default() -> None:
    """What a line says of a member beats what a family line says, in any order."""
    for text in ("FAM:succeed-all => y\nm1? => x", "m1? => x\nFAM:succeed-all => y"):
        outputs = parse(text).outputs
        assert outputs["m1:succeeded"] is False
        assert outputs["m2:succeeded"] is True


def test_remote_task() -> None:
    """x<workflow::task:status> is a task that polls another workflow."""
    graph = parse("x<other/run1::foo:fail>:fail? => y")
    remote, _ = graph.remote_tasks["x"]
    assert (remote.workflow, remote.task, remote.status) == ("other/run1", "foo", "fail")
    assert list(graph.triggers["y"]) == ["x:failed"]


def test_xtriggers() -> None:
    """@label is a term of its own, not a task."""
    graph = parse("@x & a => b")
    assert list(graph.triggers["b"]) == ["@x", "a:succeeded"]
    assert list(graph.tasks) == ["a", "b"]
    assert list(graph.xtriggers) == ["x"]


def test_parameters_expand_as_one_product() -> None:
    """The same parameter takes the same value all over a line; out of range, the chain stops."""
    assert parse("c<m-1> => c<m>").triggers == {
        "c_m0": {},
        "c_m1": {"c_m0:succeeded": ("c_m0:succeeded",)},
        "c_m2": {"c_m1:succeeded": ("c_m1:succeeded",)},
    }
    graph = parse("a => b<m-1> => c")
    assert set(graph.tasks) == {"a", "b_m0", "b_m1", "c"}
    assert list(parse("c<p=cat> => d").tasks) == ["c_cat", "d"]


def test_repeated_triggers_count_once() -> None:
    """A prerequisite given twice, alone or among others, is one prerequisite of the child."""
    graph = parse("a => b & c\na & d => b\n(a | d) => b\n(a | d) => b")
    found: dict[str, list[str]] = {"b": [], "c": []}
    for arrow in graph.arrows:
        for child in arrow.children:
            found[child] += [text for text, _ in arrow.terms]
    assert found == {"b": ["a:succeeded", "d:succeeded", "(a:succeeded|d:succeeded)"], "c": ["a:succeeded"]}


def test_errors_name_the_line() -> None:
    """An error points at the physical line of the part that is wrong, through continuation lines."""
    text = "a => b\n\n# note\nc &\nd =>\ne:x:y => f"
    with pytest.raises(GraphError, match=r"flow\.cylc:15: not a graph node: :y"):
        parse_graph(text, families={}, line_of=lambda index: Location("flow.cylc", 10 + index))


NODES = ("a", "b", "c[-P1]", "d:x", "e:fail?", "f")


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(NODES))
    operator = draw(st.sampled_from([" & ", "|", "&", " | "]))
    terms = draw(st.lists(expressions(depth=depth - 1), min_size=2, max_size=3))
    joined = operator.join(terms)
    return f"({joined})" if draw(st.booleans()) else joined


def evaluate(tree: Tree, met: set[str]) -> bool:
    if isinstance(tree, Group):
        return (all if tree.operator == "&" else any)(evaluate(term, met) for term in tree.terms)
    assert isinstance(tree, OutputTerm)
    return str(tree) in met


@given(expressions(), st.sets(st.sampled_from(NODES)))
def test_expressions_mean_what_python_means(expression: str, met: set[str]) -> None:
    """An expression holds exactly when Python's and/or does, and its canonical text reads back."""
    graph = parse(f"{expression} => z")
    names = {"e:fail?": "e:failed", "d:x": "d:x"}
    canonical = {names.get(node, f"{node}:succeeded") for node in met}
    ours = all(evaluate(tree, canonical) for arrow in graph.arrows for _, tree in arrow.terms)
    words = {"&": " and ", "|": " or ", **{node: str(node in met) for node in NODES}}
    python = re.sub("|".join(map(re.escape, words)), lambda match: words[match[0]], expression)
    assert ours == eval(python)
    text = "&".join(text for arrow in graph.arrows for text, _ in arrow.terms)
    again = parse(text.replace("e:failed", "e:failed?") + " => z")
    assert list(again.triggers["z"]) == list(graph.triggers["z"])


@given(st.text(alphabet="ab<>m=&|()[]!?:@ \n#-+P1=>,", max_size=40))
def test_any_text_parses_or_is_a_language_error(text: str) -> None:
    """No text whatever ends in anything but a graph or an error for the author."""
    with contextlib.suppress(LanguageError):
        parse(text)
