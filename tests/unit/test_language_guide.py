"""docs/language.md: every section has a workflow, and it runs as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tidemill.testing import WorkflowRun

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLE = re.compile(r"```cylc\n(?P<source>.*?)```.*?```text\n(?P<submitted>.*?)```", re.DOTALL)


def submissions(section: str) -> tuple[list[str], list[str]]:
    """The jobs that the example of a section submits, and those that the page says it does."""
    found = EXAMPLE.search(section)
    assert found, "a section needs a workflow, and what it submits"
    run = WorkflowRun(found["source"])
    try:
        for name in re.findall(r"<!-- fails: (\S+) -->", section):
            cycle, task, *number = name.split("/")
            run.jobs(f"{cycle}/{task}", on_try=int(number[0]) if number else None).fails()
        run.play()
        return list(run.submitted), found["submitted"].split()
    finally:
        run.close()


@pytest.mark.parametrize("title", SECTIONS)
def test_the_example_of_a_section_runs_as_it_says(title: str) -> None:
    """The jobs it submits are those listed below it, in that order."""
    submitted, expected = submissions(SECTIONS[title])
    assert submitted == expected
