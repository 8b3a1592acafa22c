"""The unmodified command line of Cylc 8.5.4, from an environment of its own, against a running Tidemill workflow."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]

ENVIRONMENT = Path(__file__).parents[2] / "benchmarks" / ".cylc"
"""Shared with the benchmarks."""
VERSION = "8.5.4"

WORKFLOW = """
[meta]
    title = A run for other people's clients
[scheduling]
    [[graph]]
        R1 = a => b => c
[runtime]
    [[a]]
        script = "while [[ ! -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 0.05; done"
    [[b, c]]
"""


@pytest.fixture(scope="session")
def cylc_program() -> Path:
    """The real `cylc`, installed once into an environment of its own."""
    program = ENVIRONMENT / "bin" / "cylc"
    if not program.exists():
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        commands = (
            [sys.executable, "-m", "venv", str(ENVIRONMENT)],
            [str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", f"cylc-flow=={VERSION}"],
        )
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                shutil.rmtree(ENVIRONMENT, ignore_errors=True)
                pytest.skip(f"cylc-flow {VERSION} cannot be installed here: {done.stderr[-300:]}")
    return program


@pytest.fixture
def cylc(cylc_program: Path, home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`cylc("ping", "w")`: run the real program in the fresh home."""

    def run(*arguments: str, timeout_seconds: float = 30.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(cylc_program), *arguments],
            cwd=home,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": f"{cylc_program.parent}{os.pathsep}{os.environ['PATH']}", "LANG": "C.UTF-8"},
        )

    return run


@pytest.fixture
def workflow(home: Path, tidemill: Program) -> Iterator[Path]:
    """A running workflow called `w` whose first task waits for a file."""
    run = home / "cylc-run" / "w"
    run.mkdir(parents=True)
    (run / "flow.cylc").write_text(WORKFLOW)
    assert tidemill("play", "w").returncode == 0
    yield run
    tidemill("stop", "--now", "--max-polls=200", "--interval=0.05", "w")


def log_of(run: Path) -> str:
    """The scheduler's log."""
    return (run / "log" / "scheduler" / "log").read_text()


def test_it_finds_and_asks_a_running_workflow(cylc: Program, workflow: Path, wait_until: Callable[..., None]) -> None:
    """Ping, scan, client, dump and show give what they give of Cylc's own scheduler."""
    wait_until(lambda: "=> running" in log_of(workflow), "the first job to run")
    contact = dict(line.split("=", 1) for line in (workflow / ".service" / "contact").read_text().splitlines())
    address = f"{contact['CYLC_WORKFLOW_HOST']}:{contact['CYLC_WORKFLOW_PORT']}"
    assert cylc("ping", "w").stdout.strip() == address
    assert cylc("scan").stdout.split() == ["w", address, contact["CYLC_WORKFLOW_PID"]]
    assert json.loads(cylc("scan", "--format=json").stdout)[0]["name"] == "w"
    assert "w" in cylc("scan", "-t", "rich", "--color=never").stdout.split()
    assert cylc("client", "-n", "w", "ping_workflow").stdout.strip() == "true"
    entire = json.loads(cylc("client", "-n", "w", "pb_entire_workflow").stdout)
    assert {proxy["name"] for proxy in entire["taskProxies"]} == {"a", "b"}
    assert cylc("dump", "-t", "w").stdout.strip() == "1/a:running"
    assert "status=running" in cylc("dump", "w").stdout.replace(" ", "")
    shown = cylc("show", "w//1/b")
    assert shown.returncode == 0
    assert "1/a succeeded" in shown.stdout
    assert "A run for other people's clients" in cylc("show", "w").stdout
    assert cylc("get-workflow-version", "w").stdout.strip() == VERSION


def test_it_intervenes(cylc: Program, workflow: Path, wait_until: Callable[..., None]) -> None:
    """Hold, release, broadcast, verbosity, pause, play, trigger and stop do what they say."""
    assert cylc("hold", "w//1/b").returncode == 0
    assert cylc("broadcast", "-n", "c", "-s", "[environment]X=1", "w").returncode == 0
    assert "`-X" in cylc("broadcast", "-d", "w").stdout
    assert cylc("verbosity", "DEBUG", "w").returncode == 0
    assert cylc("pause", "w").returncode == 0
    wait_until(lambda: "Pausing the workflow" in log_of(workflow), "the pause")
    (workflow / "go").touch()
    wait_until(lambda: "[1/a/01:running] => succeeded" in log_of(workflow), "the first job to end")
    assert cylc("play", "w").returncode == 0
    assert cylc("release", "w//1/b").returncode == 0
    wait_until(lambda: "DONE" in log_of(workflow), "the run to end")
    assert "=> waiting(held)" in log_of(workflow) or "waiting(held)" in log_of(workflow)
    assert log_of(workflow).count("=> succeeded") == 3


def test_it_triggers_sets_removes_and_stops(cylc: Program, workflow: Path, wait_until: Callable[..., None]) -> None:
    """Each is in the log, and a stop is followed by a stopped workflow."""
    assert cylc("trigger", "w//1/c").returncode == 0
    wait_until(lambda: "[1/c/01:running] => succeeded" in log_of(workflow), "the triggered task")
    assert cylc("set", "--out=succeeded", "w//1/b").returncode == 0
    assert cylc("remove", "w//1/b").returncode == 0
    assert cylc("stop", "--now", "--max-polls=50", "--interval=1", "w").returncode == 0
    wait_until(lambda: "DONE" in log_of(workflow), "the stop")
    assert cylc("ping", "w").returncode == 1
    assert "1/c:succeeded" in cylc("workflow-state", "w", "--max-polls=1").stdout


def test_it_subscribes(cylc_program: Path, home: Path, workflow: Path) -> None:
    """`cylc subscribe --once` receives a delta, for one is made for the first who subscribes."""
    process = subprocess.Popen(
        [str(cylc_program), "subscribe", "-o", "-T", "task_proxies", "w"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
    )
    try:
        output, errors = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail("nothing was received in 30 s")
    assert process.returncode == 0, errors
    assert "Received: task_proxies" in output


@pytest.fixture
def terminal(cylc_program: Path, home: Path, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """`terminal("cylc", "tui")` starts a program in a real terminal; `terminal()` gives what is on its screen."""
    if shutil.which("tmux") is None:
        print("tmux is not installed: the terminal interface is not tried")
        pytest.skip("tmux is not installed")
    server = ["tmux", "-S", str(tmp_path / "tmux"), "-f", os.devnull]
    environment = {
        **os.environ,
        "PATH": f"{cylc_program.parent}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
    }

    def use(*command: str, keys: tuple[str, ...] = ()) -> str:
        if command:
            start = [*server, "new-session", "-d", "-x", "120", "-y", "40", *command]
            subprocess.run(start, cwd=home, env=environment, check=True)
        if keys:
            subprocess.run([*server, "send-keys", *keys], check=True)
        screen = subprocess.run([*server, "capture-pane", "-p"], capture_output=True, text=True, check=False)
        return screen.stdout

    yield use
    subprocess.run([*server, "kill-server"], capture_output=True, check=False)


def test_its_terminal_interface_shows_and_follows_a_run(
    terminal: Callable[..., str], workflow: Path, tidemill: Program, wait_until: Callable[..., None]
) -> None:
    """`cylc tui`, in a real terminal, shows the workflow, its cycle and tasks, and how they go on."""
    wait_until(lambda: "=> running" in log_of(workflow), "the first job to run")
    terminal("cylc", "tui", "w")
    wait_until(lambda: re.search(r"⊙ ■ a\n +○ b\n", terminal()), "the tasks, one running", 30)
    assert "w - running 1■" in terminal()
    assert tidemill("hold", "w//1/b").returncode == 0
    (workflow / "go").touch()
    wait_until(lambda: re.search(r"● ■ a\n.*○ b\n +○ c\n", terminal()), "the next task, and the held one's sign", 30)
    assert tidemill("release", "w//1/b").returncode == 0
    wait_until(lambda: "w - stopped" in terminal(), "the end of the run", 30)
    terminal(keys=("q",))
