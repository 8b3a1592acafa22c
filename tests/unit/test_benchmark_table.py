"""The benchmark table: ratios and targets are written and judged the right way round."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TABLE = Path(__file__).parents[2] / "benchmarks" / "table.py"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that writes the table."""
    specification = importlib.util.spec_from_file_location("benchmark_table", TABLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "benchmark_table", module)
    specification.loader.exec_module(module)
    return module


def test_times_must_be_small_and_rates_large(table: ModuleType) -> None:
    """A time meets its target by a small ratio, a rate by a large one; each miss is named."""
    cylc = {"first job": 3.0, "pings": 5.0}
    assert table.missed({"Tidemill": {"first job": 1.0, "pings": 5000.0}, "Cylc": cylc}) == []
    slow = {"Tidemill": {"first job": 1.1, "pings": 4999.0}, "Cylc": cylc}
    assert table.missed(slow) == ["time to first job, live", "pings, one client"]


def test_a_side_that_was_not_run_is_a_dash(table: ModuleType) -> None:
    """With one side only there are figures, no ratios, and nothing missed."""
    figures = {"Cylc": {"chain hop": 3.05}}
    row = table.render(figures).splitlines()[1]
    assert row.split() == ["chain", "of", "live", "jobs,", "a", "hop", "s", "-", "3.0500", "-", "<=", "1/50"]
    assert table.missed(figures) == []


def test_ratios_read_like_their_targets(table: ModuleType) -> None:
    """Times show as fractions of Cylc's, rates as multiples."""
    figures = {"Tidemill": {"chain hop": 0.02, "pings": 6000.0}, "Cylc": {"chain hop": 3.0, "pings": 5.0}}
    lines = table.render(figures).splitlines()
    assert lines[1].split()[-4:] == ["1/150", "<=", "1/50", "met"]
    assert lines[2].split()[-4:] == ["1200x", ">=", "1000x", "met"]
