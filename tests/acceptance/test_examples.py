"""The example workflows, played by the installed program the way a reader would play them."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SVG = "{http://www.w3.org/2000/svg}"

Program = Callable[..., subprocess.CompletedProcess[str]]


def play(tidemill: Program, home: Path, example: str) -> Path:
    """Install and play an example to its end; give its run directory."""
    installed = tidemill("install", f"--workflow-name={example}", str(EXAMPLES / example))
    assert installed.returncode == 0, installed.stderr
    played = tidemill("play", "--no-detach", f"{example}/run1", timeout_seconds=120)
    run = home / "cylc-run" / example / "run1"
    assert played.returncode == 0, played.stdout[-4000:] + played.stderr[-4000:]
    assert not (run / ".service" / "contact").exists()
    return run


def scheduler_log(run: Path) -> str:
    """Give the text of the scheduler log."""
    return (run / "log" / "scheduler" / "log").read_text()


def job_output(run: Path, job: str) -> str:
    """Give what a job, named `cycle/task/NN`, printed."""
    return (run / "log" / "job" / job / "job.out").read_text()


def reached(run: Path, state: str) -> set[str]:
    """Collect the jobs, `cycle/task/NN`, that the log says reached a state."""
    return set(re.findall(rf"\[([^\s:]+/\d\d):[^\]]*\] => {state}\b", scheduler_log(run)))


@pytest.mark.parametrize("example", ["hello", "pipeline", "forecast"])
def test_example_is_valid(tidemill: Program, example: str) -> None:
    """Every example passes validation without an error."""
    answer = tidemill("validate", str(EXAMPLES / example))
    assert answer.returncode == 0, answer.stderr


def test_hello_greets(tidemill: Program, home: Path) -> None:
    """The smallest workflow runs its one task once and stops by itself."""
    run = play(tidemill, home, "hello")
    assert "Hello from 1/hello" in job_output(run, "1/hello/NN")
    assert reached(run, "succeeded") == {"1/hello/01"}


def test_pipeline_retries_branches_and_recovers(tidemill: Program, home: Path) -> None:
    """The pipeline retries a busy source, repairs suspect batches, and survives a refusal."""
    run = play(tidemill, home, "pipeline")
    log, share = scheduler_log(run), run / "share"
    succeeded = reached(run, "succeeded")

    # retries: only the second batch needed a second try
    assert {job for job in succeeded if "/fetch/" in job} == {f"{n}/fetch/0{1 + (n == 2)}" for n in (1, 2, 3, 4)}
    assert "the source is busy" in (run / "log/job/2/fetch/01/job.err").read_text()

    # custom outputs: only suspect batches are repaired
    assert {job for job in succeeded if "/repair/" in job} == {"3/repair/01", "4/repair/01"}
    assert "batch is clean" in log
    assert "batch is suspect" in log
    assert "interpolated" in job_output(run, "3/repair/NN")

    # the failure branch: only the last batch was refused, and the run still completed
    assert reached(run, "failed") == {"4/publish/01"}
    assert {job for job in succeeded if "/alert/" in job} == {"4/alert/01"}
    assert "readings of yarrow are missing" in (share / "archive/alert-4.txt").read_text()
    assert sorted(file.name for file in (share / "archive").glob("*.tar.gz")) == [
        f"batch-{n}.tar.gz" for n in (1, 2, 3)
    ]
    report = (share / "report.txt").read_text().splitlines()
    assert [line.split()[:2] for line in report[1:]] == [
        ["1", "yes"],
        ["2", "yes"],
        ["3", "yes"],
        ["4", "no"],
    ]
    assert not list(share.glob("batch/*/readings.csv"))


def test_forecast_cycles_and_plots(tidemill: Program, home: Path) -> None:
    """The forecast cycle runs seven cycles, plots each one, and its analyses draw near to the truth."""
    run = play(tidemill, home, "forecast")
    cycles = [f"2026010{1 + hour // 24}T{hour % 24:02d}00Z" for hour in range(0, 37, 6)]
    succeeded = reached(run, "succeeded")
    assert len(succeeded) == 2 + 15 * len(cycles)
    assert not reached(run, "failed")

    products = run / "share" / "products"
    for cycle in cycles:
        chart = ElementTree.parse(products / f"forecast_{cycle}.svg").getroot()
        assert chart.tag == f"{SVG}svg"
        assert len(chart.findall(f"{SVG}rect")) > 40 * 21  # the forecast, point by point
    assert all(f"forecast_{cycle}.svg" in (products / "index.html").read_text() for cycle in cycles)

    def analysis_error(cycle: str) -> float:
        line = re.search(r"^ +0 +([\d.]+)", job_output(run, f"{cycle}/verify/NN"), re.MULTILINE)
        assert line is not None
        return float(line.group(1))

    assert analysis_error(cycles[-1]) < 0.5 * analysis_error(cycles[0])

    # warm start, and tidying: only the last cycle's members remain
    assert [file.parent.name for file in run.glob("share/cycle/*/forecast_m01.json")] == cycles[-1:]
