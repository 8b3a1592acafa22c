"""Suites played on our server and on ecFlow's own, step by step: they come to the same, by the same way."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from beside_ecflow import PROGRAM, Ours, Play, Side, Theirs, normalised, wait_for

from tidemill.flow.suite.nodes import Task
from tidemill.flow.suite.reader import read_definition
from tidemill.flow.suite.writer import Style, write_definition

SUITES = Path(__file__).parent.parent / "suites"
TIMED = sorted(file.stem for file in SUITES.glob("*.def") if "#> until" in file.read_text())
UNTIMED = sorted(file.stem for file in SUITES.glob("*.def") if file.stem not in (*TIMED, "zombies"))

Pair = tuple[Ours, Theirs]


def program(name: str) -> str:
    """Where a program of ecFlow is; the test is skipped where it is not."""
    path = shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/usr/bin")
    if path is None:
        print(f"{name} is not installed (Debian has it in ecflow-server and ecflow-client): nothing to play beside")
        pytest.skip(f"{name} is not installed")
    return path


def free_port() -> int:
    """A port that ecFlow's server may have."""
    for port in range(20_000 + os.getpid() % 20_000, 49_000):
        with contextlib.suppress(OSError), socket.create_server(("localhost", port)):
            return port
    raise AssertionError("there is no port")


@contextlib.contextmanager
def both(directory: Path, interval: int) -> Iterator[Pair]:
    """A server of ours and one of ecFlow, running."""
    server, client = program("ecflow_server"), program("ecflow_client")
    ours = Ours(directory / "ours", free_port(), interval=interval)
    try:
        ours.start()
        theirs = Theirs(directory / "theirs", free_port(), interval=interval, server=server, client=client)
        try:
            theirs.start()
            yield ours, theirs
        finally:
            theirs.stop()
    finally:
        ours.stop()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Servers whose suites live as fast as the host."""
    with both(tmp_path_factory.mktemp("pair"), 60) as servers:
        yield servers


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], list[Play]]]:
    """Plays of a suite on servers where a minute of the suites lasts a second; all were played at the same time."""
    with both(tmp_path_factory.mktemp("fast"), 1) as servers, ThreadPoolExecutor(2 * len(TIMED)) as pool:
        playing = {name: [pool.submit(played, side, name) for side in servers] for name in TIMED}

        def plays(name: str) -> list[Play]:
            found = [future.result() for future in playing[name]]
            for _ in range(3):
                if facts_of(found[0]) == facts_of(found[1]):
                    break
                # A busy machine may have missed a minute on one of them: look again, one at a time.
                for future in [future for futures in playing.values() for future in futures]:
                    future.exception()
                again = [pool.submit(played, side, name) for side in servers]
                found = [future.result() for future in again]
            return found

        yield plays


def played(side: Side, name: str) -> Play:
    """Play a suite on one server."""
    play = Play(side, SUITES / f"{name}.def")
    play.play()
    return play


def facts_of(play: Play) -> tuple[object, ...]:
    """What is compared of a play."""
    return play.states, play.printed, normalised(play.definition_text), normalised(play.state_text)


def compare(ours: Play, theirs: Play) -> None:
    """The same states in the same order, the same answers, and the same tree at the end."""
    assert ours.states == theirs.states
    assert ours.printed == theirs.printed
    assert normalised(ours.definition_text) == normalised(theirs.definition_text)
    assert normalised(ours.state_text) == normalised(theirs.state_text)


@pytest.mark.parametrize("name", UNTIMED)
def test_it_comes_to_the_same_states_in_the_same_order(pair: Pair, name: str) -> None:
    """Every node goes through the states it goes through on ecFlow's server, and the tree is the same at the end."""
    compare(played(pair[0], name), played(pair[1], name))


@pytest.mark.parametrize("name", TIMED)
def test_times_come_as_they_come_there(fast: Callable[[str], list[Play]], name: str) -> None:
    """What waits for times, dates and days runs in the same order and as often, and ends in the same tree."""
    compare(*fast(name))


def test_each_reads_what_the_other_printed(pair: Pair, tmp_path: Path) -> None:
    """Definitions and checkpoints of either are loaded by the other, and are the same when they are printed again."""
    if not pair[1].command("suites").strip():
        for name in UNTIMED[:4]:
            for side in pair:
                played(side, name)
    for printer, reader in (pair, pair[::-1]):
        for name in printer.command("suites").split():
            printer.command("suspend", f"/{name}")  # what is queued in a tree that is read runs on
        for style in ("get", "migrate"):
            text = printer.command(style)
            file = tmp_path / f"{printer.name}-{style}"
            file.write_text(text)
            reader.command("load", str(file), "force")
            assert suites_of(reader.command(style)) == suites_of(text)
    for side in pair:
        side.command("delete", "force", "yes", "_all_")


def suites_of(text: str) -> list[str]:
    """The normalised lines of a tree, without what is declared for the whole."""
    return [line for line in normalised(text) if not line.startswith("extern ")]


def test_the_checkpoint_of_each_starts_the_other(tmp_path: Path) -> None:
    """A server begins with the checkpoint file of the other kind, state and all."""
    with both(tmp_path, 60) as (ours, theirs):
        for side in (ours, theirs):
            played(side, "limits_held")
            side.command("check_pt")
        file = ours.directory / f"localhost.{ours.port}.ecf.check"
        text = ours.command("migrate")
        wait_for(file.exists, "our checkpoint", 20)
        theirs.command("halt", "yes")
        theirs.command("delete", "force", "yes", "/limits_held")
        shutil.copy(file, next(theirs.directory.glob("*.ecf.check")))
        theirs.command("restore_from_checkpt")
        assert normalised(theirs.command("migrate", "/limits_held")) == normalised(
            ours.command("migrate", "/limits_held")
        )
        again = write_definition(read_definition(text), Style.MIGRATE)
        assert normalised(again) == normalised(text)


@pytest.fixture
def impostors(pair: Pair) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`impostors(side, path, password, process_id)`: a job that tells that it is complete; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(side: Side, path: str, password: str, process_id: str) -> subprocess.Popen[str]:
        words = [side.client] if isinstance(side, Theirs) else [PROGRAM, "ecflow"]
        identity = {"ECF_NAME": path, "ECF_PASS": password, "ECF_RID": process_id, "ECF_TRYNO": "1"}
        environment = {**os.environ, "ECF_HOST": "localhost", "ECF_PORT": str(side.port), **identity}
        quiet = subprocess.DEVNULL
        started.append(subprocess.Popen([*words, "--complete"], env=environment, stdout=quiet, stderr=quiet, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(20)


def test_impostors_are_taken_for_the_same_and_end_alike(
    pair: Pair, impostors: Callable[..., subprocess.Popen[str]]
) -> None:
    """Kinds of zombies, what users decide about them, the exit codes of their jobs, and the states of the tasks."""
    plays = [played(side, "zombies") for side in pair]
    found: list[dict[str, str]] = []
    waiting: list[dict[str, subprocess.Popen[str]]] = []
    for side in pair:
        tree = side.tree("/zombies")
        tasks = {node.name: node for node in tree.walk() if isinstance(node, Task)}
        waiting.append(
            {
                "fob": impostors(side, "/zombies/fob", "nonsense", "7"),
                "fail": impostors(side, "/zombies/fail", tasks["fail"].password, "8"),
                "adopt": impostors(side, "/zombies/adopt", "nonsense", "100"),
                "gone": impostors(side, "/zombies/gone", "nonsense", "9"),
            }
        )
    for side in pair:
        wait_for(lambda side=side: len(kinds(side)) == 4, "four zombies", 20)  # type: ignore[misc]
        found.append(kinds(side))
        for action in ("fob", "fail", "adopt"):
            side.command(f"zombie_{action}", f"/zombies/{action}")
        side.command("zombie_fail", "/zombies/gone")
    assert found[0] == found[1]
    ends = [{name: process.wait(60) for name, process in jobs.items()} for jobs in waiting]
    assert ends[0] == ends[1] == {"fob": 0, "fail": 1, "adopt": 0, "gone": 1}
    assert plays[0].finished().states == plays[1].finished().states


def kinds(side: Side) -> dict[str, str]:
    """The kinds of the zombies of a server, by path."""
    rows = [line.split() for line in side.command("zombie_get").split("\n")]
    return {row[0]: row[1] for row in rows if row and row[0].startswith("/zombies/")}
