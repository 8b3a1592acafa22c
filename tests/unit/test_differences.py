"""What differs between two definitions: by meaning, not by how they are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.cli.differences_text import differences_lines
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.language.differences import Differences, compare

BASE = """
[scheduling]
    initial cycle point = 2025-01-01
    [[graph]]
        P1D = a => FAM
        P2D = FAM:succeed-all => b
[runtime]
    [[FAM]]
        script = echo old
        [[[environment]]]
            X = 1
    [[m1, m2, m3]]
        inherit = FAM
    [[a, b]]
"""

Differ = Callable[[str], Differences]


@pytest.fixture
def differ(tmp_path: Path) -> Differ:
    """What differs between `BASE` and another definition."""

    def build(text: str) -> object:
        (tmp_path / "flow.cylc").write_text(text)
        return build_definition(load_config(str(tmp_path)), now=0.0)

    return lambda text: compare(build(BASE), build(text))


def test_how_a_thing_is_written_is_no_difference(differ: Differ) -> None:
    """Order of sections, comments, quotes and inheritance do not count, as long as the meaning is the same."""
    text = BASE.replace("script = echo old", "# a comment\n        script = 'echo old'").replace(
        "[[a, b]]", "[[b]]\n    [[a]]"
    )
    assert not differ(text)
    assert differences_lines(differ(text).to_dict()) == []


def test_a_setting_of_a_family_is_one_change_for_all_its_tasks(differ: Differ) -> None:
    """Told once, with their names; what is unset is told as such."""
    found = differ(BASE.replace("echo old", "echo new").replace("            X = 1\n", ""))
    assert set(found.tasks_changed) == {"m1", "m2", "m3"}
    assert [str(change) for change in found.tasks_changed["m2"]] == [
        "script: echo old -> echo new",
        "[environment]X: was 1, is not set now",
    ]
    assert differences_lines(found.to_dict()) == [
        "  - [m1, m2, m3]script = echo old",
        "  + [m1, m2, m3]script = echo new",
        "  - [m1, m2, m3][environment]X = 1",
    ]


def test_arrows_to_a_family_are_told_by_its_name(differ: Differ) -> None:
    """And one to a single member by its own."""
    found = differ(BASE.replace("P1D = a => FAM", "P1D = a & FAM"))
    assert [str(arrow) for arrow in found.arrows_removed] == ["P1D: a:succeeded => FAM"]
    assert found.arrows_added == []
    found = differ(BASE.replace("P1D = a => FAM", "P1D = FAM\n        P1D = a => m2"))
    assert [str(arrow) for arrow in found.arrows_removed] == ["P1D: a:succeeded => m1 & m3"]


def test_recurrences_points_and_settings_of_the_workflow_count(differ: Differ) -> None:
    """Each with what it was and what it is."""
    found = differ(
        BASE.replace("initial cycle point = 2025-01-01", "initial cycle point = 2025-01-02\n    runahead limit = P2")
        .replace("P2D", "P3D")
        .replace("[scheduling]", "[meta]\n    title = new\n[scheduling]", 1)
    )
    assert {str(change) for change in found.settings} == {
        "initial cycle point: 20250101T0000Z -> 20250102T0000Z",
        "[scheduling]runahead limit: P4 -> P2",
        "[meta]title: set to new",
    }
    assert [arrow.recurrence for arrow in found.arrows_removed] == ["P2D"]
    assert [arrow.recurrence for arrow in found.arrows_added] == ["P3D"]
    assert "b" in found.tasks_changed


def test_tasks_that_come_and_go_are_named(differ: Differ) -> None:
    """With the arrows they had."""
    found = differ(BASE.replace("=> b", "=> c").replace("[[a, b]]", "[[a, c]]"))
    assert (found.tasks_added, found.tasks_removed) == (["c"], ["b"])
    assert bool(found)
