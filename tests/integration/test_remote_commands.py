"""Commands on another machine: real servers in processes of their own, several clients, several threads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from tidemill import client
from tidemill.contact import keys
from tidemill.contact.file import read_contact
from tidemill.contact.paths import commands_directory

PROGRAM = Path(sys.executable).parent / "tidemill"
Served = Any
Serve = Callable[..., Served]


@pytest.fixture
def connection(serve_commands: Serve) -> Iterator[client.Connection]:
    """A connection to a server."""
    with client.add("localhost", serve_commands().port, enter_connect_timeout=10) as made:
        yield made


def gone(process: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in "ZX"


def group(leader: int) -> list[int]:
    """The processes alive in a process group."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == leader and fields[0] not in "ZX":
                    found.append(int(name))
    return found


# --- connecting ---


def test_add_does_not_connect(home: Path) -> None:
    """A connection can be added where nobody listens; connecting raises ConnectionError when the time is over."""
    connection = client.add("localhost", port=free_port())
    assert not connection.heartbeat()
    began = time.monotonic()
    with pytest.raises(ConnectionError, match="not responding"):
        connection.connect(timeout=0.5)
    assert 0.3 < time.monotonic() - began < 5


def test_connect_waits_for_a_server_that_is_still_to_start(serve_commands: Serve) -> None:
    """connect(timeout) succeeds once the server is there, though it was not when it began."""
    port = free_port()
    connection = client.add("localhost", port=port)
    thread = threading.Thread(target=connection.connect, kwargs={"timeout": 20})
    thread.start()
    serve_commands(port)
    thread.join(20)
    assert connection.heartbeat()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_command_without_a_connection_is_an_error_at_once(serve_commands: Serve) -> None:
    """Before connect and after disconnect a command raises and says so; connect makes the same object good again."""
    connection = client.add("localhost", serve_commands().port)
    for _ in range(2):
        with pytest.raises(client.ClientError, match=r"call connect\(\) first"):
            connection.exec("true")
        with pytest.raises(ConnectionError):
            connection.cwd()
        connection.connect(timeout=10)
        assert connection.exec("echo there") == ["there\n"]
        connection.disconnect()


def test_with_connects_and_disconnects(serve_commands: Serve) -> None:
    """The context manager connects within its time, and the connection is closed behind it."""
    with client.add("localhost", port=serve_commands().port, enter_connect_timeout=240) as connection:
        assert connection.connected
        assert connection.user_name() == [os.environ.get("USER") or connection.user_name()[0]]
    assert not connection.connected


def test_two_connections_to_one_server_do_not_touch_each_other(serve_commands: Serve) -> None:
    """Adding an address twice gives two connections; closing one leaves the other, and each has its own directory."""
    port = serve_commands().port
    one, two = client.add("localhost", port), client.add("localhost", port)
    one.connect(10)
    two.connect(10)
    assert one.cd("/") == ["/"]
    assert one.cwd() == ["/"]
    assert two.cwd() != ["/"]
    assert one.exec("pwd") == ["/\n"]
    one.disconnect()
    assert two.exec("echo still here") == ["still here\n"]
    assert client.get("localhost", port) is two
    two.disconnect()


def test_a_connection_is_usable_from_any_thread(connection: client.Connection) -> None:
    """Several threads use one connection at once, long commands beside short ones, and nothing gets mixed up."""
    results: dict[int, list[str]] = {}

    def work(number: int) -> None:
        results[number] = connection.exec(f"for i in 1 2 3; do echo {number}-$i; sleep 0.05; done")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == {number: [f"{number}-{i}\n" for i in (1, 2, 3)] for number in range(8)}


def test_many_clients_and_servers_at_once(serve_commands: Serve) -> None:
    """Two servers serve several clients each at once; every client gets its own output."""
    servers = [serve_commands(), serve_commands()]
    connections = [client.add("localhost", server.port) for server in servers for _ in range(3)]
    listeners = []
    for number, connection in enumerate(connections):
        connection.connect(10)
        listeners.append(connection.exec(f"echo {number}; sleep 0.2; echo end", complete=False))
    assert [list(listener) for listener in listeners] == [[f"{n}\n", "end\n"] for n in range(6)]
    for connection in connections:
        connection.disconnect()


OWN_SERVER = """
import asyncio, time
from tidemill.network.commands import CommandServer, expose
from tidemill.exceptions import TidemillError

class Probe(CommandServer):
    @expose(access="read")
    def add(self, one: int, two: int = 2) -> int:
        "Add two numbers."
        return one + two

    @expose
    def count(self, to: int):
        "Yield numbers, and say how many."
        for number in range(to):
            yield number
        return f"{to} numbers"

    @expose
    async def tick(self, to: int):
        for number in range(to):
            await asyncio.sleep(0)
            yield {"tick": number}

    @expose
    def echo(self):
        heard = yield "ready"
        while heard != "stop":
            time.sleep(0.005)
            if heard:
                yield f"heard {heard}"
            heard = yield bytes([0, 255])

    @expose
    async def endless(self):
        yield 0
        await asyncio.sleep(1000)

    @expose
    def fail(self):
        yield 1
        raise TidemillError("the probe is broken")

    @expose
    def broken(self) -> None:
        raise ZeroDivisionError("one over nothing")

    @expose(access="read")
    def raw(self) -> bytes:
        return b'{"error": 1}'

    @expose
    def stuck(self, seconds: float) -> bool:
        time.sleep(seconds)
        return True

    def secret(self) -> str:
        return "not for the network"
"""


@pytest.fixture
def probe(serve_commands: Serve, home: Path) -> Iterator[client.Connection]:
    """A connection to a server of a program's own."""
    (home / "probes.py").write_text(OWN_SERVER)
    with client.add("localhost", serve_commands(module="probes:Probe").port, enter_connect_timeout=10) as connection:
        yield connection


def test_a_program_of_ones_own_is_a_server(probe: client.Connection) -> None:
    """Methods marked with expose are commands: plain ones answer, generators stream, their return value completes."""
    assert probe.add(1) == [3]
    assert probe.add(1, two=5) == [6]
    assert probe.raw() == [b'{"error": 1}']
    assert probe.count(3) == [0, 1, 2]
    listener = probe.count(to=3, complete=False)
    assert list(iter(listener.next, None)) == [0, 1, 2]
    assert (listener.done, listener.exit_code, listener.result) == (True, 0, "3 numbers")
    assert probe.tick(2) == [{"tick": 0}, {"tick": 1}]
    assert len(probe.count(20_000)) == 20_000
    methods = probe.server_methods()
    assert "count" in methods
    assert "secret" not in methods
    assert "exec" not in methods
    assert "Add two numbers" in probe.add.__doc__


def test_methods_get_input_and_can_be_killed(probe: client.Connection) -> None:
    """Input arrives at a method's yield, bytes are yielded as they are, and a method at work is ended by kill."""
    listener = probe.echo(complete=False)
    assert listener.next() == "ready"
    listener.send_input("hello")
    heard = [listener.next()]
    while heard[-1] != "heard hello":
        heard.append(listener.next())
    assert set(heard[:-1]) <= {b"\x00\xff"}
    assert listener.kill()
    listener.wait()
    assert listener.exit_code == -signal.SIGTERM
    waiting = probe.endless(complete=False)
    assert waiting.next() == 0
    assert probe.is_alive(waiting.id) == [True]
    assert probe.kill(waiting.id) == [True]
    assert waiting.next() is None
    assert probe.is_alive(waiting.id) == [False]


def test_errors_of_methods_are_outputs_unless_they_are_to_be_raised(probe: client.Connection) -> None:
    """By default the error is the last output and the exit code is 1; raise_error raises it; wrong arguments raise."""
    for name, words in (("fail", "the probe is broken"), ("broken", "one over nothing")):
        outputs = getattr(probe, name)()
        assert isinstance(outputs[-1], client.CommandFailed)
        assert words in str(outputs[-1])
        with pytest.raises(client.CommandFailed, match=words):
            getattr(probe, name)(raise_error=True)
    with pytest.raises(client.ClientError, match="missing argument 'one'"):
        probe.add()
    with pytest.raises(client.ClientError, match="takes 2 arguments"):
        probe.add(1, 2, 3)
    with pytest.raises(client.ClientError, match="cannot be written as JSON"):
        probe.add(lambda: 1)
    with pytest.raises(AttributeError, match="did you mean add"):
        probe.ad(1)


def test_commands_are_methods_of_the_connection_not_of_its_class(
    probe: client.Connection, serve_commands: Serve
) -> None:
    """What one server offers does not appear on a connection to another."""
    with client.add("localhost", serve_commands().port, enter_connect_timeout=10) as other:
        assert other.exec("echo 1") == ["1\n"]
        assert probe.add(1) == [3]
        assert not hasattr(other, "count")
        assert not hasattr(probe, "exec")
        assert not hasattr(client.Connection, "exec")


def test_the_heartbeat_is_that_of_the_loop_that_works(probe: client.Connection) -> None:
    """A server whose loop is stuck does not seem alive, and tells afterwards how late it was."""
    pulse = probe.heartbeat(timeout=5)
    assert pulse
    assert pulse.lag_seconds is not None
    assert pulse.lag_seconds < 0.5
    thread = threading.Thread(target=probe.stuck, args=(1.5,))
    thread.start()
    deadline = time.monotonic() + 1.0
    while probe.heartbeat(timeout=0.3) and time.monotonic() < deadline:
        pass
    assert not probe.heartbeat(timeout=0.3)
    thread.join()
    after = probe.heartbeat()
    assert after
    assert after.worst_lag_seconds is not None
    assert after.worst_lag_seconds > 0.5


# --- exec and its keywords ---


def test_a_text_is_for_the_shell_and_a_list_is_not(connection: client.Connection) -> None:
    """exec gives a text to /bin/sh and runs a list as it is; both take cwd and env."""
    assert connection.exec("echo a b | tr a-z A-Z") == ["A B\n"]
    assert connection.exec(["echo", "$HOME;", "| tr"]) == ["$HOME; | tr\n"]
    assert connection.exec("pwd; echo $COLOUR-$LANG", cwd="/", env={"COLOUR": "red", "LANG": None}) == ["/\n", "red-\n"]
    (error,) = connection.exec(["no-such-program"])
    assert "no-such-program" in str(error)
    (error,) = connection.exec("true", cwd="/no/such/place")
    assert "/no/such/place" in str(error)
    with pytest.raises(client.CommandFailed, match="no-such-program"):
        connection.exec(["no-such-program"], raise_error=True)


def test_raise_error_raises_for_every_failure(connection: client.Connection) -> None:
    """raise_error names the exit status or signal; without it the exit code tells."""
    assert connection.exec("true", raise_error=True) == []
    for status in (1, 7, 143, 255):
        with pytest.raises(client.CommandFailed, match=f"exit status {status}") as caught:
            connection.exec(f"exit {status}", raise_error=True)
        assert caught.value.exit_code == status
    with pytest.raises(client.CommandFailed, match="signal KILL"):
        connection.exec("kill -9 $$", raise_error=True)
    listener = connection.exec("kill -15 $$", complete=False)
    assert listener.wait() == -15
    with pytest.raises(client.CommandFailed, match="No such file"):
        connection.cd("/no/such/place", raise_error=True)


def test_max_interval_leaves_the_job_and_its_listener(connection: client.Connection) -> None:
    """ClientTimeout comes after the interval, fractions too; the job runs on and the listener goes on."""
    listener = connection.exec("sleep 0.8; echo late", complete=False, max_interval=0.25)
    began = time.monotonic()
    with pytest.raises(client.ClientTimeout, match="runs on"):
        listener.next()
    assert 0.2 < time.monotonic() - began < 0.75
    assert isinstance(client.ClientTimeout(), client.ClientError)
    assert connection.is_alive(listener.id) == [True]
    listener.max_interval = 10.5
    assert listener.max_interval == 10.5
    assert listener.next() == "late\n"
    assert listener.next() is None
    assert listener.exit_code == 0
    with pytest.raises(client.ClientError, match="max_interval"):
        listener.max_interval = -1
    with pytest.raises(client.ClientTimeout):
        connection.exec("sleep 0.5", max_interval=0.1)


def test_timeout_bounds_only_how_long_a_command_takes_to_be_taken_up(connection: client.Connection) -> None:
    """A command that runs longer than timeout is waited for all the same."""
    assert connection.exec("sleep 0.6; echo done", timeout=0.3) == ["done\n"]


def test_echo_response_prints_as_it_comes(connection: client.Connection, capsys: pytest.CaptureFixture[str]) -> None:
    """Each message is printed without its line end."""
    assert connection.exec("echo one; echo two", echo_response=True) == ["one\n", "two\n"]
    assert capsys.readouterr().out == "one\ntwo\n"


def test_output_comes_while_the_command_runs(connection: client.Connection) -> None:
    """The first line is there long before the command ends."""
    with connection.exec("echo first; sleep 30", complete=False) as listener:
        began = time.monotonic()
        assert listener.next() == "first\n"
        assert time.monotonic() - began < 5
        assert not listener.done
        assert listener.exit_code is None
    assert connection.is_alive(listener.id) == [True]
    assert listener.kill()


def test_input_and_signals_reach_a_job(connection: client.Connection) -> None:
    """send_input adds a line end, bytes go as they are, the end of input is told, and signals go to the group."""
    listener = connection.exec("cat", complete=False)
    listener.send_input("hello")
    assert listener.next() == "hello\n"
    connection.send_input(listener.id, "line\n")
    assert listener.next() == "line\n"
    listener.send_input(b"no end", end=True)
    assert list(listener) == ["no end"]
    assert listener.exit_code == 0
    with pytest.raises(client.ClientError, match="has ended"):
        listener.send_input("more")
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGUSR1, lambda *_: (print('got it', flush=True), sys.exit(3)))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()\n"
    )
    trapped = connection.exec([sys.executable, "-c", program], complete=False)
    assert trapped.next() == "ready\n"
    assert trapped.signal("USR1")
    assert trapped.next() == "got it\n"
    assert trapped.wait() == 3
    assert not trapped.signal("TERM")
    with pytest.raises(client.ClientError, match="not a signal"):
        trapped.signal("NOSUCH")


def test_input_larger_than_a_pipe_is_taken_as_it_is_read(connection: client.Connection) -> None:
    """A megabyte of input to a slow reader arrives whole."""
    listener = connection.exec("sleep 0.2; wc -c", complete=False)
    listener.send_input(b"x" * 1_000_000, end=True)
    assert [line.strip() for line in listener] == ["1000000"]


def test_streams_are_merged_or_apart_as_asked(connection: client.Connection) -> None:
    """By default errors go with the output, in order; apart, each has its own listener."""
    command = "echo out; echo err >&2; echo out again"
    assert connection.exec(command) == ["out\n", "err\n", "out again\n"]
    listener = connection.exec(command, merge=False, complete=False)
    assert list(listener) == ["out\n", "out again\n"]
    assert list(connection.attach(listener.id, stream="err")) == ["err\n"]


def test_every_byte_arrives_as_it_was_written(connection: client.Connection) -> None:
    """Bytes 0 to 255 come through: as bytes exactly, as text without an error."""
    program = r"import sys; sys.stdout.buffer.write(bytes(range(256)) * 300)"
    listener = connection.exec(["python3", "-c", program], complete=False)
    found = b""
    while piece := listener.read_bytes():
        found += piece
    assert found == bytes(range(256)) * 300
    assert "\\xff" in "".join(connection.exec(["python3", "-c", program]))
    with client.add("localhost", connection.port, encoding=None, enter_connect_timeout=10) as raw:
        assert b"".join(raw.exec(["python3", "-c", program])) == bytes(range(256)) * 300


def test_a_burst_is_kept_for_a_reader_who_sleeps(connection: client.Connection) -> None:
    """200,000 lines printed while nobody reads are all there, in order, and their end is seen."""
    listener = connection.exec("seq 1 200000; echo over >&2; exit 4", complete=False)
    connection.exec("while [ $(wc -c < $0) -lt 1 ]; do :; done", cwd="/")  # others are served meanwhile
    while connection.is_alive(listener.id) == [True]:
        pass
    lines = list(listener)
    assert lines[:200_000] == [f"{number}\n" for number in range(1, 200_001)]
    assert lines[200_000:] == ["over\n"]
    assert listener.exit_code == 4


def test_a_time_limit_ends_the_whole_group(connection: client.Connection) -> None:
    """A command over its time limit is ended with what it started, and the error says why."""
    listener = connection.exec("sleep 98 & sleep 98", complete=False, time_limit=0.3, raise_error=True)
    with pytest.raises(client.CommandFailed, match=r"time limit of 0.3 seconds"):
        listener.wait()
    (job,) = connection.jobs()
    assert not group(job["process"])


def test_kill_leaves_nothing_of_the_process_group(connection: client.Connection) -> None:
    """`sleep & sleep`, also one that ignores SIGTERM, is gone after kill with all it started."""
    listener = connection.exec("sleep 99 & sleep 99", complete=False)
    stubborn = connection.exec("trap '' TERM; (sleep 99; sleep 99) & echo ready; sleep 99; sleep 99", complete=False)
    assert stubborn.next() == "ready\n"
    processes = [job["process"] for job in connection.jobs()]
    assert all(group(process) for process in processes)
    assert listener.kill()
    assert stubborn.kill(grace=0.2)
    assert not any(group(process) for process in processes)
    assert listener.wait() == -signal.SIGTERM
    assert stubborn.wait() == -signal.SIGKILL


def test_jobs_that_ended_stay_listed_with_their_status(connection: client.Connection) -> None:
    """jobs lists what runs and what has ended, with exit status, command and who started it."""
    connection.exec("exit 3")
    running = connection.exec("sleep 97", complete=False)
    ended, alive = connection.jobs()
    assert (ended["command"], ended["state"], ended["exit_code"]) == ("exit 3", "ended", 3)
    assert (alive["id"], alive["state"]) == (running.id, "running")
    assert running.kill()


# --- the host ---


def test_directories_and_files(connection: client.Connection, tmp_path: Path) -> None:
    """cd, cwd, ls, mkdir, mkdirs, touch, wrfile, rdfile and rm do what they say, from the caller's directory."""
    assert connection.cd(str(tmp_path)) == connection.cwd() == [os.path.realpath(tmp_path)]
    connection.mkdir("one", mode=0o700)
    connection.mkdirs("two/three")
    connection.mkdirs("two/three", exist_ok=True)
    connection.touch("empty")
    assert connection.wrfile("text", "grün\n") == [6]
    assert connection.wrfile("text", b"\x00\xff", append=True) == [2]
    assert b"".join(connection.rdfile("text")) == "grün\n".encode() + b"\x00\xff"
    assert [len(piece) for piece in connection.rdfile("text", limit=3)] == [3, 3, 2]
    listed = {entry["name"]: entry["kind"] for entry in connection.ls()}
    assert {name: listed[name] for name in ("one", "two", "empty", "text")} == {
        "one": "directory",
        "two": "directory",
        "empty": "file",
        "text": "file",
    }
    (error,) = connection.rm("two")
    assert "not empty" in str(error)
    connection.rm("two", recursive=True)
    connection.rm("text")
    assert not (tmp_path / "two").exists()
    for failing in (lambda: connection.mkdir("one"), lambda: connection.rm("gone"), lambda: connection.ls("gone")):
        (error,) = failing()
        assert isinstance(error, client.CommandFailed)


def test_what_the_host_tells(connection: client.Connection) -> None:
    """os_info, user_name and get_time answer; nothing offers to reboot or to shut down."""
    assert connection.os_info()[0]["system"] == os.uname().sysname
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*[+-]\d\d:\d\d", connection.get_time()[0])
    names = connection.server_methods()
    assert {"exec", "send_input", "kill", "signal", "is_alive", "jobs", "close_server", "transfer", "fetch"} < set(
        names
    )
    assert not [name for name in names if "boot" in name or "shutdown" in name]


def test_close_server_ends_the_jobs_and_the_server(serve_commands: Serve) -> None:
    """Every job is ended with its group, the server exits with 0, and its contact file is gone."""
    served = serve_commands()
    contact = served.directory / "contact"
    assert read_contact(contact).port == served.port
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        connection.exec("sleep 96 & sleep 96", complete=False)
        process = connection.jobs()[0]["process"]
        assert connection.close_server() == [True]
        assert served.process.wait(10) == 0
    assert not group(process)
    assert not contact.exists()


# --- asynchronous ---


async def test_everything_has_a_twin_for_event_loops(serve_commands: Serve) -> None:
    """Connections, commands and listeners are awaited; a listener is read with async for, many at once."""
    served = await asyncio.to_thread(serve_commands)
    async with client.add("localhost", served.port, enter_connect_timeout=10).asynchronous as connection:
        assert await connection.exec("echo hello") == ["hello\n"]
        assert await connection.cd("/") == await connection.cwd() == ["/"]
        assert await connection.heartbeat()
        listener = await connection.exec("cat", complete=False)
        await listener.send_input("one")
        assert await listener.next() == "one\n"
        await listener.send_input("two")
        await listener.send_input(b"", end=True)
        assert [message async for message in listener] == ["two\n"]
        assert (listener.done, listener.exit_code) == (True, 0)
        quiet = await connection.exec("sleep 95", complete=False, max_interval=0.1)
        with pytest.raises(client.ClientTimeout):
            await quiet.next()
        assert await quiet.kill()
        with pytest.raises(client.CommandFailed, match="exit status 9"):
            await connection.exec("exit 9", raise_error=True)
        many = await asyncio.gather(*(connection.exec(f"sleep 0.1; echo {number}") for number in range(10)))
        assert many == [[f"{number}\n"] for number in range(10)]
    with pytest.raises(client.ClientError, match="no connection"):
        await connection.exec("true")


async def test_a_plain_listener_can_be_read_by_an_event_loop(serve_commands: Serve) -> None:
    """`async for` works on the listener of a blocking connection, too."""
    served = await asyncio.to_thread(serve_commands)
    connection = client.add("localhost", served.port)
    await asyncio.to_thread(connection.connect, 10)
    listener = await asyncio.to_thread(connection.exec, "seq 3", complete=False)
    assert [message async for message in listener] == ["1\n", "2\n", "3\n"]
    connection.disconnect()


# --- faults ---


def test_a_client_that_died_is_followed_by_another(serve_commands: Serve) -> None:
    """Killed in mid-stream, a client's job goes on; another attaches and reads from the start, or from an offset."""
    served = serve_commands()
    program = (
        "from tidemill import client\n"
        f"c = client.add('localhost', {served.port}); c.connect(10)\n"
        "for m in c.exec('for i in $(seq 1 100); do echo $i; sleep 0.01; done; exit 6', complete=False):\n"
        "    print(m, end='', flush=True)\n"
    )
    first = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "1\n"
    first.kill()
    first.wait()
    first.stdout.close()
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        (job,) = connection.jobs()
        assert job["state"] == "running"
        listener = connection.attach(job["id"])
        assert list(listener) == [f"{number}\n" for number in range(1, 101)]
        assert listener.exit_code == 6
        assert list(connection.attach(job["id"], offset=listener.offset - 4)) == ["100\n"]
        with pytest.raises(client.ClientError, match="There is no job 77"):
            connection.attach(77)


def test_a_job_outlives_its_server_and_the_next_one_takes_it_up(serve_commands: Serve) -> None:
    """Killed in mid-command, the server is an error that says so; started again, the same listener goes on to the
    command's own exit status."""
    served = serve_commands()
    connection = client.add("localhost", served.port)
    connection.connect(10)
    connection.patience_seconds = 0.5
    listener = connection.exec("echo one; while [ ! -e go ]; do sleep 0.02; done; echo two; exit 42", complete=False)
    ended = connection.exec("echo early; exit 5", complete=False)
    assert ended.wait() == 5
    assert listener.next() == "one\n"
    served.end(signal.SIGKILL)
    with pytest.raises(client.ServerLost):
        listener.next()
    with pytest.raises(client.ServerLost):
        connection.cwd()
    again = serve_commands(served.port)
    (served.home / "go").touch()
    assert listener.next() == "two\n"
    assert listener.next() is None
    assert listener.exit_code == 42
    assert connection.exec("echo new") == ["new\n"]
    states = [(job["id"], job["exit_code"]) for job in connection.jobs()]
    assert states == [(0, 42), (1, 5), (2, 0)]
    assert list(connection.attach(1)) == ["early\n"]
    connection.disconnect()
    assert again.process.poll() is None


def test_a_listener_waits_for_a_server_that_comes_back(serve_commands: Serve) -> None:
    """A server restarted within the connection's patience is not even noticed."""
    served = serve_commands()
    connection = client.add("localhost", served.port)
    connection.connect(10)
    listener = connection.exec("echo one; while [ ! -e go ]; do sleep 0.02; done; echo two", complete=False)
    assert listener.next() == "one\n"
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.extend(listener))
    thread.start()
    served.end(signal.SIGTERM)
    serve_commands(served.port)
    (served.home / "go").touch()
    thread.join(20)
    assert found == ["two\n"]
    assert listener.exit_code == 0
    connection.disconnect()


def test_how_a_job_ended_while_there_was_no_server_is_known(
    serve_commands: Serve, wait_until: Callable[..., None]
) -> None:
    """The exit status of a job that ends between two servers is that of the command."""
    served = serve_commands()
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        connection.exec("while [ ! -e go ]; do sleep 0.02; done; exit 23", complete=False)
        process = connection.jobs()[0]["process"]
    served.end(signal.SIGKILL)
    (served.home / "go").touch()
    wait_until(lambda: gone(process), "the job to end")
    serve_commands(served.port)
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        (job,) = connection.jobs()
        assert (job["state"], job["exit_code"]) == ("ended", 23)


def test_a_keeper_that_was_killed_costs_the_exit_status_and_nothing_else(serve_commands: Serve) -> None:
    """Jobs run on and their output is read, how they end nobody can know, and new ones are started and kept."""
    served = serve_commands()
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        listener = connection.exec("echo one; while [ ! -e go ]; do sleep 0.02; done; echo two; exit 3", complete=False)
        assert listener.next() == "one\n"
        found = subprocess.run(["pgrep", "-f", f"keeper.py {served.directory}"], capture_output=True, check=True)
        os.kill(int(found.stdout), signal.SIGKILL)
        (served.home / "go").touch()
        assert list(listener) == ["two\n"]
        assert listener.done
        assert listener.exit_code is None
        assert "nobody was there" in listener.problem
        stubborn = connection.exec("sleep 88", complete=False)
        os.kill(int(subprocess.run(found.args, capture_output=True, check=True).stdout), signal.SIGKILL)
        assert stubborn.kill(grace=0.5)
        with pytest.raises(client.CommandFailed, match="exit status 6"):
            connection.exec("exit 6", raise_error=True)


def test_the_same_server_twice_is_refused(serve_commands: Serve, home: Path) -> None:
    """A second server at an address says what is there, in one line, and leaves the first alone."""
    served = serve_commands()
    second = subprocess.run(
        [PROGRAM, "serve-commands", "--port", str(served.port)], capture_output=True, text=True, check=False, timeout=20
    )
    assert second.returncode == 1
    assert "Another command server" in second.stderr
    assert "Traceback" not in second.stderr
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        assert connection.heartbeat()


def raw_socket(served: Served, *, known: bool) -> zmq.Socket[bytes]:
    sock: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
    sock.linger = 0
    sock.rcvtimeo = 5000
    if known:
        pair = keys.read_key_pair(served.directory / keys.CLIENT_SECRET)
        sock.curve_publickey, sock.curve_secretkey = pair
    else:
        sock.curve_publickey, sock.curve_secretkey = zmq.curve_keypair()
    sock.curve_serverkey = keys.read_public_key(served.directory / keys.SERVER_PUBLIC)
    sock.connect(f"tcp://127.0.0.1:{served.port}")
    return sock


class Malicious:
    """What would make a directory where it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


def test_garbage_and_pickles_are_refused_and_disturb_nobody(serve_commands: Serve, tmp_path: Path) -> None:
    """Frames that are no request get an error each, a pickle is not even read, and others are served on."""
    served = serve_commands()
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        listener = connection.exec("echo before; while [ ! -e go ]; do sleep 0.02; done; echo after", complete=False)
        assert listener.next() == "before\n"
        sock = raw_socket(served, known=True)
        request = b'{"command": "cwd", "args": {}}'
        frames = [
            [b"garbage"],
            [b"", b"garbage", b"\xff" * 100],
            [b"", pickle.dumps(Malicious(str(tmp_path / "made")))],
            [b"", request, b"bytes nobody asked for"],
            [b"", request, b"", b"", b""],
            [b"", b'{"command": "__init__", "args": {}}'],
            [b"", b'{"command": "put", "args": {"transfer": "x", "offset": 0}}', b"x"],
        ]
        for frame in frames:
            sock.send_multipart(frame)
            assert b'"error"' in sock.recv_multipart()[-1]
        sock.close()
        with socket.create_connection(("127.0.0.1", served.port)) as plain:
            plain.sendall(os.urandom(2000))
        (served.home / "go").touch()
        assert list(listener) == ["after\n"]
    assert not (tmp_path / "made").exists()


def test_a_wrong_key_is_refused(serve_commands: Serve, tmp_path: Path) -> None:
    """A client with a key the server does not know is told so; so is one that takes it for another server."""
    served = serve_commands()
    strange = tmp_path / "strange"
    keys.create_keys(strange)
    (strange / keys.SERVER_PUBLIC).write_bytes((served.directory / keys.SERVER_PUBLIC).read_bytes())
    with pytest.raises(client.ClientError, match="Authentication failed"):
        client.add("localhost", served.port, keys=strange).connect(timeout=5)
    keys.create_keys(strange)
    with pytest.raises(client.ClientError, match="Authentication failed"):
        client.add("localhost", served.port, keys=strange).connect(timeout=5)
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        assert connection.heartbeat()


def test_a_key_for_reading_cannot_change_anything(serve_commands: Serve, tmp_path: Path) -> None:
    """With it one sees jobs and their output; it neither runs nor ends anything, and reads no files."""
    served = serve_commands()
    made = subprocess.run(
        [PROGRAM, "remote", "key", f"localhost:{served.port}", "eve", "--read-only", "--to", tmp_path / "eve"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert made.returncode == 0, made.stderr
    with (
        client.add("localhost", served.port, enter_connect_timeout=10) as owner,
        client.add("localhost", served.port, keys=tmp_path / "eve", enter_connect_timeout=10) as eve,
    ):
        listener = owner.exec("echo seen; sleep 94", complete=False)
        assert [job["id"] for job in eve.jobs()] == [listener.id]
        assert eve.attach(listener.id).next() == "seen\n"
        assert eve.cwd() == owner.cwd()
        secret = str(served.directory / keys.CLIENT_SECRET)
        for refused in (
            lambda: eve.exec("true"),
            lambda: eve.kill(listener.id),
            lambda: eve.send_input(listener.id, "x"),
            lambda: eve.rdfile(secret),
            lambda: eve.wrfile(secret, "x"),
            lambda: eve.fetch(secret, str(tmp_path / "stolen")),
            lambda: eve.close_server(),
        ):
            with pytest.raises(client.ClientError, match="is not allowed"):
                refused()
        assert listener.kill()


def test_it_listens_at_loopback_only_and_its_keys_are_private(serve_commands: Serve) -> None:
    """Unless told otherwise the server is reached from its own machine alone; nobody else reads its directory."""
    served = serve_commands()
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    listening = [
        line.split()[1] for line in table.splitlines()[1:] if len(line.split()) > 3 and line.split()[3] == "0A"
    ]
    mine = [address for address in listening if address.endswith(f":{served.port:04X}")]
    assert mine == [f"0100007F:{served.port:04X}"]
    assert served.directory.stat().st_mode & 0o777 == 0o700
    assert (served.directory / keys.SERVER_SECRET).stat().st_mode & 0o777 == 0o600
    assert served.directory == commands_directory("127.0.0.1", served.port)


def test_an_idle_server_does_next_to_nothing(serve_commands: Serve) -> None:
    """Under half a percent of a core, with a client connected and a listener waiting."""
    served = serve_commands()
    with client.add("localhost", served.port, enter_connect_timeout=10) as connection:
        listener = connection.exec("sleep 93", complete=False, max_interval=2.0)

        def cpu_seconds() -> float:
            fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        before = cpu_seconds()
        with pytest.raises(client.ClientTimeout):
            listener.next()
        # The clock ticks a hundred times a second.
        assert cpu_seconds() - before <= 0.02
        assert listener.kill()
