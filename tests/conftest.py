"""What every test may lean on: a home directory of its own, the installed program, and a way to wait."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent
POLL_SECONDS = 0.02


def make_home(home: Path) -> Path:
    """Make a home directory whose login shells find this environment's programs, and little else."""
    (home / "cylc-run").mkdir(parents=True)
    (home / ".bash_profile").write_text(f'export PATH="{PROGRAMS}:$PATH"\n')
    return home


def use_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point this process and its children at a home directory, free of the caller's workflow settings."""
    for name in list(os.environ):
        if name.startswith(("CYLC_", "ECF_", "TIDEMILL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}")


@pytest.fixture(autouse=True, scope="session")
def _no_test_touches_the_real_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the whole session a scratch home: no test reads or writes the home of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        use_home(make_home(tmp_path_factory.mktemp("session") / "home"), patch)
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh home directory with `cylc-run` and a `.bash_profile`, in use for this test."""
    path = make_home(tmp_path / "home")
    use_home(path, monkeypatch)
    yield path
    end_processes_of(path)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """`wait_until(condition, what, timeout_seconds=10)`: return once the condition holds."""

    def wait(condition: Callable[[], object], what: str, timeout_seconds: float = 10.0) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"waited {timeout_seconds:g} s in vain for: {what}")
            time.sleep(POLL_SECONDS)

    return wait


def command_line(process: int) -> str:
    """Give the command line of a process, or nothing if it is gone."""
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(process)], capture_output=True, text=True, check=False)
    return answer.stdout


def stop_schedulers_of(home: Path) -> list[int]:
    """End the schedulers whose contact files were left in a test's own home; give their process ids."""
    stopped = []
    for contact in home.glob("cylc-run/**/.service/contact"):
        entries = dict(line.split("=", 1) for line in contact.read_text().splitlines() if "=" in line)
        process = int(entries.get("CYLC_WORKFLOW_PID", "0"))
        if process > 1 and process != os.getpid() and "play" in command_line(process):
            os.kill(process, signal.SIGKILL)
            stopped.append(process)
    return stopped


def end_jobs_of(home: Path) -> None:
    """End the jobs that a test left running in its own home, with all they started."""
    for status in home.glob("cylc-run/**/log/job/*/*/*/job.status"):
        entries = dict(line.split("=", 1) for line in status.read_text().splitlines() if "=" in line)
        process = int(entries.get("CYLC_JOB_ID", "0") or 0)
        if process > 1 and str(status.parent) in command_line(process):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)


def end_processes_of(home: Path) -> None:
    """End whatever else was started in a test's own home and is still there, where ``/proc`` can tell."""
    mark = f"HOME={home}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        process = int(environment.parent.name)
        with contextlib.suppress(OSError):
            if process != os.getpid() and mark in environment.read_bytes().split(b"\0"):
                os.kill(process, signal.SIGKILL)


@pytest.fixture
def tidemill(home: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """`tidemill("play", "id", timeout_seconds=60)`: run the installed program in the fresh home.

    A scheduler still running when the test ends is ended, and fails the test.
    """

    def run(*arguments: str, timeout_seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAMS / "tidemill"), *arguments],
            cwd=home,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )

    yield run
    stopped = stop_schedulers_of(home)
    end_jobs_of(home)
    if stopped:
        pytest.fail(f"schedulers were still running when the test ended: {stopped}")
