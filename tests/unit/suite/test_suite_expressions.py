"""Trigger expressions: grammar, arithmetic, names, text. Facts are of ecFlow 5.9.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.flow.suite.expressions import ExpressionError, parse_expression, references, why_false
from tidemill.flow.suite.states import State

VALUES = {"e": 0, "m": 0, "X": 5, "NEG": -3, "EN": 0, "V": 7, "YMD": 20240131, "L": 0, "ZERO": 0}


class Tree:
    """Every node is unknown, every attribute has one value."""

    def state(self, path: str) -> State:
        return State.UNKNOWN

    def shown_state(self, path: str) -> str:
        return "queued"

    def value(self, path: str, name: str) -> int:
        return VALUES.get(name, 0)

    def is_date(self, path: str, name: str) -> bool:
        return name == "YMD"

    def flag(self, path: str, flag: str) -> bool:
        return False


TRUE = """
1 or 0 and 0
1 + 2 * 3 == 9
10 / 4 == 2
(1 + 2) * 3 == 9
7/2*2 == 6
!5 == 1
not 5 == 1
not (1 == 0)
~a == complete
1 == not 0
a:e == clear
a:m>=0&&a:m<10
a:NEG / 2 == 0 - 1
a:NEG % 2 == 0 - 1
a:NEG + 3 == 0
:V == 7
/s:YMD + 1 == 20240201
/s:YMD - 31 == 20231231
(/s:YMD) + 1 == 20240201
:YMD + 1 == 20240201
/s:YMD + 1 + 31 == 20240232
1 + 1 + /s:YMD == 20240133
20240131 + 1 == 20240132
cal::date_to_julian(20240101) == 2460311
cal::julian_to_date(2460311) == 20240101
cal::date_to_julian(/s:YMD) == 2460341
cal::date_to_julian( 20240101 )+1==2460312
! a<flag>late
a <flag>late or 1
1and 1
1==1and 1==1
(a==unknown)and(b==unknown)
a==unknown||b==complete
1 AND 1
0 == unknown
./0 == unknown
20240101T000000 < 20240102T000000
20240101T000000 == 1704067200
1 - 1
not 1 == 2 and 1 == 1
""".strip().splitlines()

FALSE = """
a == complete
a == suspended
a:e
a:e and a:e
/<flag>late
0
1 == not 5
/s:YMD + 1 == 20240132
1 + /s:YMD == 20240201
5 > 3 and 2 < 1
""".strip().splitlines()

REFUSED = """
a
not a
(1 == 1) == 1
not(1 == 0)
NOT a == complete
a:NEG == -3
- 1 == 1
1 - -1 == 2
1 xor 0
1 And 1
a = complete
a == COMPLETE
a EQ complete
a == complete == 1
(a == unknown) == (b == unknown)
not not 1
!!1
1 LT 2
1 <> 2
a == complete or
and a == unknown
((a == unknown)
()
a:e == complete
/ == unknown
.. == unknown
//s == unknown
/s/ == unknown
a-b == complete
a == unknown;
1.5 == 1
1 2
a:e set
(a) == complete
(a:e) == set
a<flag>bogus
cal::date_to_julian(:YMD) == 1
1 / 0 == 1
1 % 0 == 1
1 / (1 - 1) == 1
:V / 0 == 1
""".strip().splitlines()


@pytest.mark.parametrize("text", TRUE)
def test_what_holds_for_ecflow_holds(text: str) -> None:
    """An expression that ecFlow finds true is true."""
    assert parse_expression(text).holds(Tree())


@pytest.mark.parametrize("text", FALSE)
def test_what_does_not_hold_for_ecflow_does_not(text: str) -> None:
    """An expression that ecFlow finds false is false."""
    assert not parse_expression(text).holds(Tree())


@pytest.mark.parametrize("text", REFUSED)
def test_what_ecflow_refuses_is_refused_with_its_place(text: str) -> None:
    """An expression that ecFlow refuses is refused, with the text, the character and the reason."""
    with pytest.raises(ExpressionError, match=r"cannot parse expression .*character") as caught:
        parse_expression(text)
    assert caught.value.text == text
    assert 0 <= caught.value.position <= len(text)
    assert caught.value.reason


def test_names_are_found_with_their_places() -> None:
    """All nodes and attributes that an expression names are listed in order, each with where it stands."""
    text = "../a/b == complete and (/s:V > :W or ! c<flag>late) and cal::date_to_julian(d:D) > 0 and e:f == set"
    found = list(references(parse_expression(text)))
    assert [str(one) for one in found] == ["../a/b", "/s:V", ":W", "c<flag>late", "d:D", "e:f"]
    for one in found:
        assert text[one.position :].startswith(str(one))


def test_a_false_expression_is_shown_with_what_it_found() -> None:
    """The text of why has the states and values next to the names."""
    text = why_false(parse_expression("a == complete and (b:m >= 5 or c:e == set)"), Tree())
    assert text == "expression (a(queued) == complete and (b:m(0) >= 5 or c:e(clear) == set)) is false"


def test_division_by_what_happens_to_be_zero_gives_zero() -> None:
    """Dividing by an attribute that is zero at the time ends nothing: the result is zero."""
    assert parse_expression("1 / :ZERO == 0 and 5 % :ZERO == 0").holds(Tree())


@given(
    st.recursive(
        st.integers(0, 50).map(lambda number: (str(number), number)),
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
            lambda parts: (f"({parts[0][0]} {parts[1]} {parts[2][0]})", _apply(parts[1], parts[0][1], parts[2][1]))
        ),
        max_leaves=8,
    )
)
def test_brackets_say_what_is_calculated_first(case: tuple[str, int]) -> None:
    """Arithmetic in brackets comes to what it comes to elsewhere."""
    text, number = case
    wanted = f"{number}" if number >= 0 else f"(0 - {-number})"
    assert parse_expression(f"{text} == {wanted}").holds(Tree())


def _apply(operator: str, left: int, right: int) -> int:
    return {"+": left + right, "-": left - right, "*": left * right}[operator]


NAMES = st.from_regex(r"[a-z][a-z0-9_.]{0,4}", fullmatch=True)
LEAVES = st.one_of(
    st.tuples(NAMES, st.sampled_from(["complete", "queued", "aborted"])).map(lambda two: f"{two[0]} == {two[1]}"),
    st.tuples(NAMES, NAMES, st.integers(0, 99)).map(lambda three: f"{three[0]}:{three[1]} >= {three[2]}"),
    st.tuples(NAMES, NAMES).map(lambda two: f"/{two[0]}:{two[1]} == set"),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda three: f"({three[0]} {three[1]} {three[2]})"
        ),
        inner.map(lambda one: f"! ({one})"),
    ),
    max_leaves=10,
)


@given(EXPRESSIONS)
def test_the_printed_tree_reads_as_the_same_tree(text: str) -> None:
    """Print a tree, parse what was printed: the trees are equal."""
    tree = parse_expression(text)
    assert parse_expression(tree.shown(None)) == tree
