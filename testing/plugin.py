"""The pytest plugin: the fixture ``workflow_run``, and the story of a run beside a test that fails."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .run import WorkflowRun

_RUNS = "_tidemill_runs"


@pytest.fixture
def workflow_run(request: pytest.FixtureRequest) -> Iterator[Callable[..., WorkflowRun]]:
    """`workflow_run(source, **options)`: a run of a workflow on a virtual clock, with fake jobs; see `WorkflowRun`.

    A relative path is looked for from the directory of the test, then from the current one.
    """
    from .run import WorkflowRun

    runs: list[WorkflowRun] = []
    setattr(request.node, _RUNS, runs)

    def begin(source: str | Path, **options: Any) -> WorkflowRun:
        if not (isinstance(source, str) and "\n" in source):
            beside = request.path.parent / source
            source = beside if beside.exists() else source
        run = WorkflowRun(source, **options)
        runs.append(run)
        return run

    yield begin
    for run in runs:
        run.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the story of each run beside the report of a test that failed; their logs are long, so their ends only."""
    report = yield
    if report.when == "call" and report.failed:
        for number, run in enumerate(getattr(item, _RUNS, ()), 1):
            report.sections.append((f"workflow run {number}: what happened", run.timeline(lines=60)))
            report.sections.append((f"workflow run {number}: end of the log", "\n".join(run.log[-30:])))
    return report
