"""Recurrences give the points Cylc 8.5.4 was seen to give."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from tidemill.flow.cycling.cycling import Cycling
from tidemill.flow.cycling.exceptions import CyclingError, RecurrenceError
from tidemill.flow.cycling.factory import make_cycling

JANUARY = "20200115T0000Z"
FEBRUARY = "20200201T0000Z"


def points(
    cycling: Cycling, text: str, initial: str, final: str | None, *, most: int, bounded: bool = False
) -> list[str]:
    first = cycling.parse(initial)
    sequence = cycling.sequence(text, first, cycling.parse(final) if final else None, bounded=bounded)  # type: ignore[call-arg]
    found: list[int] = []
    point = sequence.first(first)
    while point is not None and len(found) < most:
        found.append(point)
        point = sequence.next(point)
    for before, after in pairwise(found):
        assert sequence.previous(after) == before
        assert sequence.contains(before)
    return [cycling.format(point) for point in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R1", "0115T0000"),
        ("R1/+P2D", "0117T0000"),
        ("P1D", "0115T0000 0116T0000 0117T0000"),
        ("T-30", "0115T0030 0115T0130 0115T0230"),
        ("01T00", "0201T0000 0301T0000 0401T0000"),
        ("W-1", "0120T0000 0127T0000 0203T0000"),
        ("W-1T06", "0120T0600 0127T0600 0203T0600"),
        ("R3/P1D", "0130T0000 0131T0000 0201T0000"),
        ("P5D/-P1D", "0116T0000 0121T0000 0126T0000"),
        ("R1//+P0D", "0201T0000"),
        ("R1//T06", "0201T0600"),
        ("R1/T06", "0115T0600"),
        ("+P3D/P5D", "0118T0000 0123T0000 0128T0000"),
        ("P1D!(20200117,20200118)", "0115T0000 0116T0000 0119T0000"),
        ("P1D!P2D", "0116T0000 0118T0000 0120T0000"),
        ("+P1D/P1D!P2D", "0117T0000 0119T0000 0121T0000"),
        ("PT6H!T06", "0115T0000 0115T1200 0115T1800 0116T0000"),
        ("R2/P1D/20200118T06", "0117T0600 0118T0600"),
        ("05T06/P1M", "0205T0600 0305T0600"),
        ("R3/20200120/20200126", "0120T0000 0126T0000 0201T0000"),
        ("R/20200101/P1M", "0201T0000 0301T0000"),
        ("R5/min(20200120,20200118)/P1D", "0118T0000 0119T0000"),
        ("30T00", "0130T0000 0229T0000 0329T0000"),
        ("31T00", "0131T0000 0229T0000 0329T0000"),
        ("P1M/20200331", "0129T0000 0229T0000 0329T0000"),
        ("R1/^+P1M-P1D", "0214T0000"),
        ("T06+P1D/P1D", "0116T0600 0117T0600"),
        ("P0D", "0115T0000"),
        ("T00, T12", "0115T0000 0115T1200 0116T0000"),
        ("-060", "0229T0000"),
        ("--02", "0215T0000"),
        ("R3//P1D!R1//-P1D", "0115T0000 0117T0000"),
        ("P1MT6H", "0115T0000 0215T0600 0315T1200"),
    ],
)
def test_datetime_recurrence_gives_the_points_of_cylc(text: str, expected: str) -> None:
    """Every form of datetime recurrence begins with the points Cylc gives it."""
    wanted = [f"2020{point}Z" for point in expected.split()]
    assert points(make_cycling("gregorian"), text, JANUARY, FEBRUARY, most=len(wanted)) == wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R1", "3"),
        ("P3", "3 6 9 12"),
        ("R3//P2", "3 5 7"),
        ("R3/P2", "8 10 12"),
        ("R1/+P2", "5"),
        ("+P1/P2", "4 6 8 10 12"),
        ("P1!(4,5)", "3 6 7 8 9 10 11 12"),
        ("P1!(4,P3)", "5 7 8 10 11"),
        ("R1//-P2", "10"),
        ("1/P2", "3 5 7 9 11"),
        ("2/P3", "4 7 10"),
        ("0/P5", "6"),
        ("P3/-P1", "3 6 9"),
        ("P3/10", "3 6 9"),
        ("R5/1/P3", "5 8"),
        ("R9/0/P2", "4 6 8 10"),
        ("R2/P3/10", "7 10"),
        ("R1/15", "15"),
        ("R/5", "5"),
        ("P1!P1", ""),
        ("R3//P2!R2/P1", "3 5"),
        ("P2/10!R2/P1", "4 6 8"),
    ],
)
def test_integer_recurrence_gives_the_points_of_cylc(text: str, expected: str) -> None:
    """Every form of integer recurrence has the points Cylc gives it, lost phases and all."""
    assert points(make_cycling("integer"), text, "3", "12", most=20) == expected.split()


BAD_DATETIME = [
    "0101",
    "20200115/20200117",
    "R5",
    "min(W-5T00,20200116)",
    "R",
    "R0/P1D",
    "P1D/P1D",
    "00",
    "R2/20200120",
    "20200120",
    "-P1D",
    "P-1D",
    "R3/20200120/20200110",
    "P1W2D",
    "P1.5D",
    "--13",
    "--0230",
    "-367",
    "T25",
    "T6",
    "R1//",
    "P1D!T00",
    "PT12H!(T00,T12)",
    "+P1D/P1D!T00",
    "P1M!P1D",
    "P1D!!T00",
    "P1D!T00,",
    "P1D!+P1D",
    "PT30S",
    "hello",
]
BAD_INTEGER = [
    "5",
    "R3/4/10",
    "P0",
    "R0/P1",
    "P-1",
    "^+P1/P2",
    "R2/6",
    "P3/P3",
    "R//5",
    "x",
]


@pytest.mark.parametrize(
    ("mode", "text"),
    [*(("gregorian", text) for text in ["", *BAD_DATETIME]), *(("integer", text) for text in BAD_INTEGER)],
)
def test_bad_recurrence_is_refused_in_our_own_words(mode: str, text: str) -> None:
    """A recurrence that cannot be read, or never yields a point, is refused with an error that names it."""
    cycling = make_cycling(mode)
    initial, final = ("3", "12") if mode == "integer" else (JANUARY, FEBRUARY)
    with pytest.raises(RecurrenceError) as caught:
        cycling.sequence(text, cycling.parse(initial), cycling.parse(final))
    assert len(str(caught.value)) > 20


def test_the_final_point_bounds_a_sequence() -> None:
    """Nothing of a sequence lies beyond the final point, and forms that need one say so where it is
    missing."""
    cycling = make_cycling("gregorian")
    assert len(points(cycling, "P1D", JANUARY, FEBRUARY, most=99, bounded=True)) == 18
    with pytest.raises(RecurrenceError, match="final cycle point"):
        cycling.sequence("R1/$", cycling.parse(JANUARY), None)


def test_a_day_lost_in_february_stays_lost() -> None:
    """Points are cumulative: 29 February and a year gives the 28th for ever, also in 2024."""
    found = points(make_cycling("gregorian"), "--0229/P1Y", JANUARY, None, most=5)
    assert found[0] == "20200229T0000Z"
    assert found[4] == "20240228T0000Z"


VECTORS = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "cylc" / "recurrence_vectors.json"


@pytest.mark.skipif(not VECTORS.exists(), reason="no conformance set beside the checkout (../shared/conformance/cylc)")
def test_the_conformance_vectors_agree() -> None:
    """Every vector of the conformance set agrees: the same points, or an error where Cylc has one."""
    disagreeing = []
    for vector in json.loads(VECTORS.read_text())["vectors"]:
        cycling = make_cycling("integer" if vector["kind"] == "integer" else "gregorian")
        try:
            found: object = points(cycling, vector["expr"], vector["icp"], vector["fcp"], most=8)
        except CyclingError:
            found = None
        if found != vector.get("points_from_icp"):
            disagreeing.append((vector["expr"], found, vector))
    assert disagreeing == []
