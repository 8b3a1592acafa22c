"""Copying files to and from a command server: whole or not at all, checked, and gone on with after a break."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill import client
from tidemill.network.commands.progress import Bar

PIECE = 1 << 20
MEBIBYTE = 1 << 20
Serve = Callable[..., Any]


@pytest.fixture
def connection(serve_commands: Serve) -> Iterator[client.Connection]:
    """A connection to a server."""
    with client.add("localhost", serve_commands().port, enter_connect_timeout=10) as made:
        yield made


def make_file(path: Path, size: int, seed: int = 1) -> Path:
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 17])
def test_a_file_goes_and_comes_back_whole(connection: client.Connection, tmp_path: Path, size: int) -> None:
    """Files of every size, empty ones too, arrive with their bytes and mode, directories above them are made."""
    source = make_file(tmp_path / "source", size)
    source.chmod(0o751)
    there, back = tmp_path / "a" / "b" / "there", tmp_path / "c" / "back"
    sent = connection.transfer(source, str(there))
    got = connection.fetch(str(there), back)
    assert there.read_bytes() == back.read_bytes() == source.read_bytes()
    assert there.stat().st_mode & 0o7777 == back.stat().st_mode & 0o7777 == 0o751
    assert (sent.size, sent.sha256) == (got.size, got.sha256)
    assert os.listdir(there.parent) == ["there"]
    assert os.listdir(back.parent) == ["back"]


def test_any_size_of_pieces_will_do(connection: client.Connection, tmp_path: Path) -> None:
    """Small pieces and odd ones give the same file; impossible ones are refused."""
    source = make_file(tmp_path / "source", 300_001)
    for chunk in (1024, 77_777, 4 * MEBIBYTE):
        connection.transfer(source, str(tmp_path / "there"), chunk)
        connection.fetch(str(tmp_path / "there"), tmp_path / "back", chunk)
        assert (tmp_path / "back").read_bytes() == source.read_bytes()
    for chunk in (0, -1, 1 << 30):
        with pytest.raises(client.ClientError, match="cannot be sent at a time"):
            connection.transfer(source, str(tmp_path / "there"), chunk)


def test_paths_begin_in_the_callers_directory_and_names_may_be_anything(
    connection: client.Connection, tmp_path: Path
) -> None:
    """After cd a bare name is in that directory; spaces, quotes and other scripts are names like others."""
    connection.cd(str(tmp_path))
    for name in ("plain", "with space", 'it\'s "quoted"', "Überschwemmung.nc", "n" * 200, ".hidden"):
        source = make_file(tmp_path / "source", 100)
        connection.transfer(source, name)
        assert (tmp_path / name).read_bytes() == source.read_bytes()


def test_a_destination_that_cannot_be_written_is_a_clear_error(connection: client.Connection, tmp_path: Path) -> None:
    """A directory, a file in the way, a place that takes no files, a device: each is an error that names it."""
    source = make_file(tmp_path / "source", 10)
    (tmp_path / "file").write_text("old")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for dest, words in (
        (str(tmp_path), "it is a directory"),
        (str(tmp_path / "file" / "below"), "Not a directory|File exists"),
        ("/proc/nothing/here", "cannot be written"),
        (str(fifo), "not a file"),
    ):
        with pytest.raises(client.CommandFailed, match=words):
            connection.transfer(source, dest)
        with pytest.raises(client.ClientError, match=words):
            connection.fetch(str(source), dest)
    for missing in (str(tmp_path / "gone"), str(tmp_path)):
        with pytest.raises(client.ClientError, match="cannot be read"):
            connection.transfer(missing, str(tmp_path / "there"))
        with pytest.raises(client.CommandFailed, match="cannot be read"):
            connection.fetch(missing, tmp_path / "there")
    assert (tmp_path / "file").read_text() == "old"
    assert not (tmp_path / "there").exists()


def test_a_full_disk_leaves_the_destination_as_it_was(connection: client.Connection, tmp_path: Path) -> None:
    """Where the file system is full the error says so, and the old file is still there; with room it succeeds."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this system does not let the test mount a file system")
    try:
        (disk / "there").write_text("old")
        with pytest.raises(client.CommandFailed, match="No space left on device"):
            connection.transfer(make_file(tmp_path / "large", 4 * MEBIBYTE), str(disk / "there"))
        assert (disk / "there").read_text() == "old"
        with pytest.raises(client.ClientError, match="No space left on device"):
            connection.fetch(str(tmp_path / "large"), disk / "back")
        assert not (disk / "back").exists()
        assert os.listdir(disk) == ["there"]
        small = make_file(tmp_path / "small", MEBIBYTE)
        connection.transfer(small, str(disk / "there"))
        assert (disk / "there").read_bytes() == small.read_bytes()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_the_old_file_is_there_until_the_new_one_is(connection: client.Connection, tmp_path: Path) -> None:
    """Whoever reads the destination meanwhile finds the old file or the new one, whole."""
    source = make_file(tmp_path / "new", 8 * MEBIBYTE)
    there = make_file(tmp_path / "there", 1000, seed=2)
    old, new = there.read_bytes(), source.read_bytes()
    stop = threading.Event()
    wrong: list[int] = []

    def look() -> None:
        while not stop.is_set():
            found = there.read_bytes()
            if found not in (old, new):
                wrong.append(len(found))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        connection.transfer(source, str(there), 16384)
    finally:
        stop.set()
        thread.join()
    assert not wrong
    assert there.read_bytes() == new


def copy_in_process(port: int, call: str, directory: Path) -> subprocess.Popen[bytes]:
    program = f"from tidemill import client\nc = client.add('localhost', {port})\nc.connect(10)\nc.{call}\n"
    return subprocess.Popen([sys.executable, "-c", program], cwd=directory)


def part_size(directory: Path) -> int:
    return sum(part.stat().st_size for part in directory.glob(".*.part"))


@pytest.mark.parametrize("call", ["transfer('source', '{there}', 4096)", "fetch('{source}', '{there}', 4096)"])
def test_a_copy_that_broke_off_is_gone_on_with(
    serve_commands: Serve, tmp_path: Path, wait_until: Callable[..., None], call: str
) -> None:
    """A client killed in the middle leaves nothing at the destination; the next attempt goes on where it was."""
    served = serve_commands()
    source, there = make_file(tmp_path / "source", 32 * MEBIBYTE), tmp_path / "to" / "there"
    process = copy_in_process(served.port, call.format(source=source, there=there), tmp_path)
    wait_until(lambda: part_size(there.parent) > MEBIBYTE, "a part of the file")
    process.kill()
    process.wait()
    assert not there.exists()
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        if "transfer" in call:
            copied = connection.transfer(source, str(there))
        else:
            copied = connection.fetch(str(source), there)
    assert copied.resumed_at > MEBIBYTE
    assert there.read_bytes() == source.read_bytes()
    assert os.listdir(there.parent) == ["there"]


def test_what_is_left_of_another_attempt_is_not_trusted(
    serve_commands: Serve, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """Bytes that are not those of the source are found out, and the copy begins again."""
    served = serve_commands()
    source, there = make_file(tmp_path / "source", 16 * MEBIBYTE), tmp_path / "to" / "there"
    process = copy_in_process(served.port, f"transfer('source', '{there}', 4096)", tmp_path)
    wait_until(lambda: part_size(there.parent) > MEBIBYTE, "a part of the file")
    process.kill()
    process.wait()
    (part,) = there.parent.glob(".*.part")
    with open(part, "r+b") as file:
        file.write(b"spoilt")
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        copied = connection.transfer(source, str(there))
    assert copied.resumed_at == 0
    assert there.read_bytes() == source.read_bytes()


def test_a_server_restarted_in_the_middle_is_not_noticed(
    serve_commands: Serve, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """A transfer goes on by itself when the server comes back within the connection's patience."""
    served = serve_commands()
    source, there = make_file(tmp_path / "source", 32 * MEBIBYTE), tmp_path / "to" / "there"
    connection = client.add("localhost", served.port)
    connection.connect(10)
    copied: list[Any] = []
    thread = threading.Thread(target=lambda: copied.append(connection.transfer(source, str(there), 4096)))
    thread.start()
    wait_until(lambda: part_size(there.parent) > MEBIBYTE, "a part of the file")
    served.end(signal.SIGKILL)
    serve_commands(served.port)
    thread.join(60)
    assert copied
    assert copied[0].resumed_at > MEBIBYTE
    assert there.read_bytes() == source.read_bytes()
    connection.disconnect()


def test_several_files_go_at_once(connection: client.Connection, tmp_path: Path) -> None:
    """Transfers from several threads over one connection, two of them to one destination, do not mix."""
    sources = [make_file(tmp_path / f"source{number}", 3 * MEBIBYTE + number, number) for number in range(4)]
    targets = [tmp_path / "one", tmp_path / "two", tmp_path / "same", tmp_path / "same"]
    threads = [
        threading.Thread(target=connection.transfer, args=(source, str(target)))
        for source, target in zip(sources, targets, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert targets[0].read_bytes() == sources[0].read_bytes()
    assert targets[1].read_bytes() == sources[1].read_bytes()
    assert targets[2].read_bytes() in (sources[2].read_bytes(), sources[3].read_bytes())


async def test_files_are_copied_from_an_event_loop_beside_other_commands(serve_commands: Serve, tmp_path: Path) -> None:
    """The asynchronous twins copy both ways while commands are carried out."""
    import asyncio

    served = await asyncio.to_thread(serve_commands)
    source = make_file(tmp_path / "source", 5 * MEBIBYTE)
    async with client.add("localhost", served.port, enter_connect_timeout=10).asynchronous as connection:
        copied, output = await asyncio.gather(
            connection.transfer(source, str(tmp_path / "there")), connection.exec("echo beside")
        )
        back = await connection.fetch(str(tmp_path / "there"), tmp_path / "back")
        assert output == ["beside\n"]
        assert copied.sha256 == back.sha256
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_a_terminal_sees_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """The bar is drawn when it is asked for, or on a terminal, and not otherwise."""
    for shown in (None, True):
        bar = Bar("forecast.nc", 1000, shown=shown)
        bar.show(500)
        bar.show(1000)
        bar.end()
        drawn = capsys.readouterr().err
        assert ("forecast.nc" in drawn and "100%" in drawn) is bool(shown)
