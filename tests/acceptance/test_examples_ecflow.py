"""The example of an ecFlow suite runs to its end on a server, its scripts as they are."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).parent / "tidemill")
EXAMPLE = Path(__file__).parents[2] / "examples" / "ecflow"

Ask = Callable[..., str]


@pytest.fixture
def ask(home: Path) -> Iterator[Ask]:
    """`ask("--get=/s")`: what ecFlow's client prints, of a server whose ECF_HOME is a copy of the example.

    A minute of the suites lasts three seconds, for the cron.
    """
    suites = home / "suites"
    shutil.copytree(EXAMPLE, suites)
    with socket.create_server(("localhost", 0)) as listening:
        port = str(listening.getsockname()[1])
    server = subprocess.Popen(
        [PROGRAM, "server", "--quiet", "--port", port, "--home", str(suites), "--ecfinterval", "3"],
        stdout=subprocess.DEVNULL,
    )

    def run(*words: str) -> str:
        done = subprocess.run(
            [PROGRAM, "ecflow", *words],
            env={**os.environ, "ECF_PORT": port},
            cwd=suites,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    for _ in range(20):
        try:
            run("--ping")
            break
        except AssertionError:
            assert server.poll() is None
    yield run
    server.terminate()
    server.wait(20)


def test_ten_days_of_a_river(ask: Ask, home: Path, wait_until: Callable[..., None]) -> None:
    """Ten days are observed, forecast and drawn; a member that fails is tried again; the cron runs beside them."""
    ask("--load=river.def")
    ask("--begin=river")
    wait_until(lambda: ask("--query=state", "/river/setup") == "complete", "the set-up", 20)
    wait_until(lambda: ask("--query=state", "/river/report") in ("complete", "aborted"), "the report", 120)
    work = home / "suites" / "work"
    assert 1 <= len((work / "usage").read_text().split("\n")) - 1 <= 30
    means = dict(line.split() for line in (work / "means").read_text().splitlines())
    february = [f"202402{day}" for day in range(25, 30)]
    assert list(means) == [*february, *(f"2024030{day}" for day in range(1, 6))]
    warned = (work / "warnings").read_text().split()
    assert warned == [day for day, mean in means.items() if int(mean) > 340]
    assert 0 < len(warned) < 10
    highest = max(means.items(), key=lambda item: int(item[1]))
    assert (work / "report").read_text() == f"10 days, highest {' '.join(highest)}\n"
    assert ask("--query=label", "/river:summary") == f"10 days, highest {' '.join(highest)}"
    assert ask("--query=limit", "/river:members") == "0"
    wait_until(lambda: ask("--query=state", "/river") == "complete", "the suite to be complete", 20)
    failed = [line for line in ask("--log=get", "100000").split("\n") if "aborted: /river/day/forecast/m3/run" in line]
    assert len(failed) == 1
    assert "One member of the ensemble" in ask("--file=/river/day/forecast/m0/run", "manual")
