"""The page of timings: valid, whole, and to scale."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from tidemill.cli.timings import Timing, summarise
from tidemill.cli.timings_page import MARGIN, WIDE, box_plot, page


def test_the_page_has_every_task_and_nothing_unescaped() -> None:
    """Each task has a row with a box in each of the three tables; names cannot break the page."""
    timings = [Timing(task, "1", "<host>", "pbs", 0.0, 1.0, 11.0) for task in ("a", "b&c")]
    text = page("<run>", summarise(timings))
    assert text.count("<svg") == 6
    assert text.count("<td>b&amp;c</td>") == 3
    assert "<run>" not in text
    assert "<host>" not in text


def test_a_box_is_to_scale() -> None:
    """Whiskers end at the shortest and the longest, on a scale that ends at the longest of all tasks."""
    values = {"min": 0.0, "25%": 10.0, "50%": 20.0, "75%": 30.0, "max": 40.0, "mean": 25.0}
    drawn = ElementTree.fromstring(box_plot(values, 80.0))
    (box,) = drawn.iter("rect")
    scale = (WIDE - 2 * MARGIN) / 80.0
    assert float(box.get("x", 0)) == pytest.approx(MARGIN + 10 * scale, abs=0.1)
    assert float(box.get("width", 0)) == pytest.approx(20 * scale, abs=0.2)
    ends = [float(line.get("x2", 0)) for line in drawn.iter("line")]
    assert max(ends) == pytest.approx(MARGIN + 40 * scale, abs=0.1)
    (mean,) = drawn.iter("circle")
    assert float(mean.get("cx", 0)) == pytest.approx(MARGIN + 25 * scale, abs=0.1)


def test_jobs_that_took_no_time_have_a_box() -> None:
    """Where every job took no time at all there is no scale, and still a page."""
    timings = [Timing("a", "1", "h", "at", 5.0, 5.0, 5.0)]
    assert "<svg" in page("w", summarise(timings))
