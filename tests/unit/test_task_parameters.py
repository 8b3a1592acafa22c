"""Task parameters in graph lines and names, as Cylc expands them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.flow.language.exceptions import GraphError
from tidemill.flow.language.parameters import complete_templates, expand_graph_line, expand_name
from tidemill.flow.language.values import PARAMETER_LIST

M = {"m": (1, 2, 3)}


def expand(line: str, parameters: dict[str, tuple[int | str, ...]]) -> list[str]:
    lines = expand_graph_line(line, parameters=parameters, templates=complete_templates(parameters, {}))
    return ["".join(text.split()) for text in lines]


@pytest.mark.parametrize(
    ("line", "parameters", "expected"),
    [
        ("a => b", {}, ["a=>b"]),
        ("a => b<m-1> => c", M, ["a", "a=>b_m1=>c", "a=>b_m2=>c"]),
        ("a & x<m-1> => b<m>", M, ["a=>b_m1", "a&x_m1=>b_m2", "a&x_m2=>b_m3"]),
        ("a | x<m-1> => b<m>", M, ["a=>b_m1", "a|x_m1=>b_m2", "a|x_m2=>b_m3"]),
        ("x<m-1> => b<m>", M, ["x_m1=>b_m2", "x_m2=>b_m3"]),
        ("b<m> => d & x<m+1> => e", M, ["b_m1=>d&x_m2=>e", "b_m2=>d&x_m3=>e", "b_m3=>d=>e"]),
        ("b<m+1>", M, ["b_m2", "b_m3"]),
        ("(a & x<m-1>) | c => b<m>", {"m": (1, 2)}, ["(a)|c=>b_m1", "(a&x_m1)|c=>b_m2"]),
        ("(x<m-2> | x<m-1>) & z => b<m>", {"m": (1, 2)}, ["z=>b_m1", "(x_m1)&z=>b_m2"]),
        ("x<m-2> | x<m-1> => b<m>", {"m": (1, 2)}, ["x_m1=>b_m2"]),
        ("a => !x<m-1> & d<m>", {"m": (1, 2)}, ["a=>d_m1", "a=>!x_m1&d_m2"]),
        ("x<m-1>[-P1]:y? => b<m>", {"m": (1, 2)}, ["x_m1[-P1]:y?=>b_m2"]),
        ("foo<m=2> => b<m>", {"m": (1, 2)}, ["foo_m2=>b_m1", "foo_m2=>b_m2"]),
        ("foo<m=01> => b", {"m": (1, 10)}, ["foo_m01=>b"]),
        ("foo<m> => b<m=-1>", {"m": (-1, 0)}, ["foo_m-1=>b_m-1", "foo_m+0=>b_m-1"]),
        ("foo<m>:x => b", {"m": (-11, -9, -7)}, ["foo_m-11:x=>b", "foo_m-09:x=>b", "foo_m-07:x=>b"]),
        ("foo<m-1> => foo<m>", {"m": (8, 10, 12)}, ["foo_m08=>foo_m10", "foo_m10=>foo_m12"]),
        ("foo< m - 1 > => foo< m >", {"m": ("cat", "dog")}, ["foo_cat=>foo_dog"]),
        (
            "foo<m>bar<n> => <m>foo => q<m,n>",
            {"m": (1,), "n": ("x", "y")},
            ["foo_m1bar_x=>_m1foo=>q_m1_x", "foo_m1bar_y=>_m1foo=>q_m1_y"],
        ),
        ("x<o/w::foo:fail> => b<m>", {"m": (1, 2)}, ["x<o/w::foo:fail>=>b_m1", "x<o/w::foo:fail>=>b_m2"]),
        ("foo<m,n> => q<m=1,n>", {"m": (1, 2), "n": ("x",)}, ["foo_m1_x=>q_m1_x", "foo_m2_x=>q_m1_x"]),
    ],
)
def test_graph_lines(line: str, parameters: dict[str, tuple[int | str, ...]], expected: list[str]) -> None:
    """A line becomes one line for each combination; nodes out of range are cut."""
    assert expand(line, parameters) == expected


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("foo<k> => b", "parameter k is not defined"),
        ("foo<m=9> => b", "9 is not a value of parameter m"),
        ("foo<m+1=2> => b", "malformed parameter 'm+1=2'"),
        ("foo<> => b", "malformed parameter ''"),
        ("foo<m=x> => b", "x is not a value of parameter m"),
        ("(foo<m-1> => b<m>", "mismatched parentheses"),
    ],
)
def test_bad_graph_lines(line: str, fragment: str) -> None:
    """An undefined parameter, a value out of range or a malformed group is refused with the line."""
    with pytest.raises(GraphError) as caught:
        expand(line, dict(M))
    assert fragment in str(caught.value)


@given(st.lists(st.integers(-120, 120), min_size=1, max_size=6, unique=True), st.integers(-3, 3))
def test_offsets_step_through_the_list_of_values(values: list[int], offset: int) -> None:
    """`<m+n>` is the n-th next value in the list; exactly those inside the list give a line."""
    ordered = tuple(sorted(values))
    templates = {"m": "_%(m)s"}
    sign = f"{offset:+d}" if offset else ""
    lines = expand_graph_line(f"a<m> => b<m{sign}>", parameters={"m": ordered}, templates=templates)
    pairs = [
        f"a_{value} => b_{ordered[index + offset]}"
        for index, value in enumerate(ordered)
        if 0 <= index + offset < len(ordered)
    ]
    alone = [f"a_{value}" for index, value in enumerate(ordered) if not 0 <= index + offset < len(ordered)]
    assert sorted(lines) == sorted(pairs + alone)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1..3", (1, 2, 3)),
        ("3, 1, 2, 2", (1, 2, 3)),
        ("1..5..2, 8", (1, 3, 5, 8)),
        ("-11..-7..2", (-11, -9, -7)),
        ("+1..+3", (1, 2, 3)),
        ("5..1", ()),
        ("", ()),
        ("cat, 1", ("cat", "1")),
        ("085_1, 3", ("085_1", "3")),
        ("a-b, c+d, e%f, g@h", ("a-b", "c+d", "e%f", "g@h")),
        ("b, a, b", ("b", "a")),
    ],
)
def test_parameter_values(text: str, values: tuple[int | str, ...]) -> None:
    """Numbers are sorted and unique, strings keep their order, numerals among strings are strings."""
    assert PARAMETER_LIST.convert(text) == values


def test_names_carry_their_values() -> None:
    """Each concrete name comes with the parameter values that made it."""
    parameters = {"m": (1, 2), "n": ("x",)}
    templates = complete_templates(parameters, {"n": "_run%(n)s"})
    assert expand_name("<m>a<n>", parameters, templates) == [
        ("_m1a_runx", {"m": 1, "n": "x"}),
        ("_m2a_runx", {"m": 2, "n": "x"}),
    ]
