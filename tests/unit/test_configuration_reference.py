"""The documentation of the configuration says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidemill.flow.language.config import load_config
from tidemill.flow.language.items import ITEMS
from tidemill.flow.language.reference import describe, format_interval, reference_markdown
from tidemill.flow.language.values import parse_interval

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"```cylc\n(.*?)```", (ROOT / "docs/language/file-format.md").read_text(), re.DOTALL)


def test_reference_page_is_current() -> None:
    """docs/configuration.md is what the item tables generate."""
    assert (ROOT / "docs/configuration.md").read_text() == reference_markdown()


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_of_the_page_load(tmp_path: Path, text: str) -> None:
    """Every example of the file format page is a valid configuration."""
    (tmp_path / "flow.cylc").write_text(text)
    assert load_config(str(tmp_path)).graphs


def test_every_item_has_a_meaning_and_one_row() -> None:
    """No item of the table is without a meaning, and none is there twice."""
    assert all(item.meaning for item in ITEMS)
    assert len({item.path for item in ITEMS}) == len(ITEMS)


def test_describe_finds_the_row_of_a_written_path() -> None:
    """An item is found by its path, user-chosen names included; the most exact row is given."""
    assert describe("[runtime][foo]script").path == "[runtime][<namespace>]script"
    assert describe("[scheduling][queues][default]limit").default == 100
    assert describe("[scheduling][queues][q]limit").default == 0
    with pytest.raises(KeyError):
        describe("[runtime][foo]scrpt")


@pytest.mark.parametrize("seconds", [0.0, 1.0, 59.5, 60.0, 5400.0, 86400.0, 90061.0, -3600.0])
def test_intervals_are_written_as_they_are_read(seconds: float) -> None:
    """An interval shown to a person reads back to the same number of seconds."""
    assert parse_interval(format_interval(seconds)) == seconds
