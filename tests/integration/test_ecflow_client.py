"""The Python client and the program ecflow_client against a server process: real sockets, keys and jobs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidemill.ecflow import (
    CheckPt,
    Client,
    Defs,
    Defstatus,
    Event,
    Family,
    Label,
    Limit,
    Meter,
    Queue,
    RepeatInteger,
    State,
    Suite,
    Task,
    Trigger,
    WhyCmd,
    ZombieType,
)
from tidemill.ecflow.exceptions import ConnectionFailed, ServerRefused
from tidemill.ecflow.front import main

PROGRAM = str(Path(sys.executable).parent / "tidemill")


class Server:
    """One server process in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.directory = directory
        with socket.create_server(("localhost", 0)) as listening:
            self.port = int(listening.getsockname()[1])
        self.process = subprocess.Popen(
            [PROGRAM, "server", "--port", str(self.port), "--home", str(directory)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def client(self) -> Client:
        """A client of it."""
        return Client("localhost", self.port)

    def end(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Iterator[Callable[[], Server]]:
    """Start servers; they are ended with the test."""
    servers: list[Server] = []

    def begin() -> Server:
        server = Server(tmp_path / f"server{len(servers)}")
        servers.append(server)
        with server.client() as client:
            assert client.wait_for_server_reply(30)
        return server

    yield begin
    for server in servers:
        server.end()


@pytest.fixture
def client(start: Callable[[], Server]) -> Iterator[Client]:
    """A client of a server of its own."""
    with start().client() as client:
        yield client


def suite(name: str = "s") -> Suite:
    """A suite whose jobs do nothing at all: tests report for them."""
    task = Task("t", Event("e"), Meter("m", 0, 10), Label("l", "x"), Queue("q", ["a", "b"]))
    other = Task("u", Trigger("t:e"), Defstatus("suspended"))
    return Suite(name, Limit("jobs", 3), Family("f", task, other), ECF_NO_SCRIPT="1", ECF_JOB_CMD="true")


def submitted(client: Client, path: str) -> Client:
    """A client that reports for the job of a task that was submitted."""
    client.sync_local()
    defs = client.get_defs()
    assert defs is not None
    task = defs.find_abs_node(path)
    assert task.get_state() == State.submitted
    reporter = Client(client.get_host(), client.get_port())
    reporter.set_child_path(path)
    reporter.set_child_password(task.get_jobs_password())
    reporter.set_child_pid(4711)
    reporter.set_child_try_no(task.get_int_try_no())
    return reporter


def test_ping_and_versions(client: Client) -> None:
    """ping returns 0, versions are ecFlow's, and a server without suites lists none."""
    assert client.ping() == 0
    assert client.server_version() == client.version() == "5.9.2"
    assert client.suites() == []


def test_sync_brings_what_changed_and_no_more(client: Client) -> None:
    """After everything the first time, sync_local brings the nodes that changed, into the same definition."""
    assert client.get_defs() is None
    assert not client.in_sync()
    assert client.news_local()
    client.load(Defs(suite(), suite("other")))
    client.sync_local()
    defs = client.get_defs()
    assert defs is not None
    assert [one.name() for one in defs.suites] == ["s", "other"]
    assert client.in_sync()
    assert not client.news_local()
    client.alter("/s/f/t", "add", "variable", "X", "1")
    assert client.news_local()
    client.sync_local()
    assert client.get_defs() is defs
    assert "/s/f/t" in client.changed_node_paths
    assert not any(path.startswith("/other") for path in client.changed_node_paths)
    assert defs.s.f.t.X.value() == "1"
    client.force_event("/s/f/t:e", "set")
    client.sync_local()
    assert list(client.changed_node_paths) == ["/s/f/t"]
    assert defs.s.f.t.find_event("e").value()
    client.sync_local()
    assert list(client.changed_node_paths) == []
    client.delete("/s/f/u")
    client.sync_local()
    assert "u" not in client.get_defs().s.f


def test_a_job_reports_in_python(client: Client) -> None:
    """The child methods do what a job's ecflow_client does: state, event, meter, label, queue, variables."""
    client.set_auto_sync(True)
    client.load(Defs(suite()))
    client.begin_suite("s")
    job = submitted(client, "/s/f/t")
    with job:
        job.set_child_init_add_vars({"NEW": "1"})
        job.child_init()
        job.child_event("e")
        job.child_meter("m", 7)
        job.child_label("l", "at work")
        assert [job.child_queue("q", "active") for _ in range(3)] == ["a", "b", "<NULL>"]
        client.sync_local()
        task = client.get_defs().s.f.t
        assert task.get_state() == State.active
        assert task.NEW.value() == "1"
        assert task.find_meter("m").value() == 7
        assert task.find_label("l").new_value() == "at work"
        assert task.get_process_or_remote_id() == "4711"
        job.set_child_complete_del_vars(["NEW"])
        job.child_complete()
    client.sync_local()
    assert client.query("state", "/s/f/t") == "complete"
    assert client.get_defs().s.f.t.find_variable("NEW").empty()


def test_a_wait_ends_when_its_expression_holds(client: Client) -> None:
    """child_wait returns once the expression holds, and not before."""
    client.load(Defs(suite()))
    client.begin_suite("s")
    job = submitted(client, "/s/f/t")
    job.child_init()
    ended: list[float] = []

    def wait() -> None:
        job.child_wait("/s/f/u == complete")
        ended.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    assert client.query("state", "/s/f/u") == "queued"
    assert not ended
    forced = time.monotonic()
    client.force_state("/s/f/u", State.complete)
    thread.join(30)
    job.close()
    assert ended
    assert ended[0] >= forced


def test_zombies_are_listed_and_dealt_with(client: Client) -> None:
    """A job with a wrong password is a zombie: listed with all that is known, and failed when told so."""
    client.load(Defs(suite()))
    client.begin_suite("s")
    job = submitted(client, "/s/f/t")
    job.child_init()
    job.set_child_password("wrong")
    failed: list[Exception] = []

    def complete() -> None:
        try:
            job.child_complete()
        except RuntimeError as error:
            failed.append(error)

    thread = threading.Thread(target=complete)
    thread.start()
    deadline = time.monotonic() + 20
    while not (zombies := client.zombie_get()):
        assert time.monotonic() < deadline
    (zombie,) = zombies
    assert zombie.path_to_task() == "/s/f/t"
    assert zombie.type() == ZombieType.ecf_passwd
    assert zombie.jobs_password() == "wrong"
    assert zombie.block()
    assert client.zombie_get(1) == []
    client.zombie_fail("/s/f/t")
    thread.join(30)
    job.close()
    assert "zombie" in str(failed[0])


def test_a_denied_zombie_says_zombie(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With ECF_DENIED a job that is a zombie ends with 1 and says that it is one, not that nobody listens."""
    client.load(Defs(suite()))
    client.begin_suite("s")
    for name, value in {"NAME": "/s/f/t", "PASS": "wrong", "RID": "1", "DENIED": "1"}.items():
        monkeypatch.setenv(f"ECF_{name}", value)
    assert main(["--complete", "--host=localhost", f"--port={client.get_port()}"]) == 1
    said = capsys.readouterr().err
    assert "zombie" in said.lower()
    assert "Failed to connect" not in said


def test_handles_narrow_what_is_seen(client: Client) -> None:
    """A client with a handle gets the suites of it, those added later too if it wants them; leaving drops it."""
    client.load(Defs(suite("a"), suite("b")))
    client.ch_register(True, ["b"])
    assert client.ch_handle() > 0

    def names() -> list[str]:
        client.sync_local()
        return [one.name() for one in client.get_defs().suites]

    assert names() == ["b"]
    client.load(Defs(suite("c")))
    assert names() == ["b", "c"]
    client.ch_auto_add(False)
    client.load(Defs(suite("d")))
    assert names() == ["b", "c"]
    client.ch_add(["a"])
    client.ch_remove(["b"])
    assert sorted(names()) == ["a", "c"]
    client.ch_drop()
    assert client.ch_handle() == 0
    assert sorted(names()) == ["a", "b", "c", "d"]


def test_definitions_go_there_and_back(client: Client, tmp_path: Path) -> None:
    """Files and trees are loaded and replaced, refused where a suite is there, and come back equal."""
    defs = Defs(suite())
    path = str(tmp_path / "s.def")
    defs.save_as_defs(path)
    assert client.load(path, check_only=True) == 0
    assert client.suites() == []
    client.load(path)
    with pytest.raises(ServerRefused, match="already"):
        client.load(path)
    client.load(defs, force=True)
    changed = Defs(suite())
    changed.s.f.t += RepeatInteger("N", 1, 3)
    client.replace("/s/f/t", changed)
    client.get_server_defs()
    assert str(client.get_defs().s.f.t.get_repeat()) == "repeat integer N 1 3"
    changed.s.f.u.replace_on_server(client)
    client.sync_local()
    assert client.get_defs().s.f.u.is_suspended()
    assert client.check("/s") == ""
    client.order("/s/f/u", "top")
    client.sync_local()
    assert [task.name() for task in client.get_defs().s.f] == ["u", "t"]
    client.plug("/s/f/u", "/s")
    client.delete_all(force=True)
    assert client.suites() == []


def test_a_node_moves_to_another_server(start: Callable[[], Server], client: Client) -> None:
    """plug to host:port moves a suite, and to a path there a family; what is there is not overwritten."""
    other = start().client()
    client.load(Defs(suite("a"), suite("b")))
    where = f"localhost:{other.get_port()}"
    client.plug("/a", where)
    assert (client.suites(), other.suites()) == (["b"], ["a"])
    with pytest.raises(RuntimeError, match="already"):
        client.plug("/b/f", f"{where}/a")
    other.delete("/a/f")
    client.plug("/b/f", f"{where}/a")
    other.sync_local()
    assert other.get_defs().a.f.t.get_abs_node_path() == "/a/f/t"
    with pytest.raises(RuntimeError, match="suites stand at the top"):
        other.plug("/a/f", f"localhost:{client.get_port()}")
    other.close()


def test_scripts_and_files_are_read_and_edited(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """get_file reads the script, edit_script_* show it and submit another one, as an alias if wanted."""
    client.load(Defs(Suite("s", Task("t"), ECF_JOB_CMD="true", WORD="hello")))
    client.sync_local()
    home = Path(client.query("variable", "/s/t:ECF_HOME"))
    (home / "s").mkdir()
    (home / "s" / "t.ecf").write_text("echo %WORD%\n")
    assert client.get_file("/s/t") == "echo %WORD%\n"
    assert client.get_file("/s/t", "script", 1, as_bytes=True) == b"echo %WORD%\n"
    assert client.edit_script_edit("/s/t") == "echo %WORD%\n"
    assert client.edit_script_preprocess("/s/t") == "echo hello\n"
    with pytest.raises(ServerRefused, match="manuel"):
        client.get_file("/s/t", "manuel")
    other = home / "other.ecf"
    other.write_text("echo other %WORD%\n")
    assert main(["--edit_script=/s/t", "pre_process_file", str(other), f"--port={client.get_port()}"]) == 0
    assert capsys.readouterr().out == "echo other hello\n"
    client.suspend("/s")
    client.begin_suite("s")
    client.edit_script_submit("/s/t", ["WORD=bye"], ["echo %WORD%", "true"], True, True)
    client.sync_local()
    aliases = [alias.name() for alias in client.get_defs().s.t.aliases]
    assert aliases == ["alias0"]
    deadline = time.monotonic() + 20
    while not list(home.glob("s/t/alias0.job*")):
        assert time.monotonic() < deadline
    assert "echo bye" in next(home.glob("s/t/alias0.job*")).read_text()


def test_the_server_is_told_what_to_do(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    """States of the server, checkpoints, log, statistics and groups are asked and told by their methods."""
    client.load(Defs(suite()))
    for tell, expected in ((client.halt_server, "HALTED"), (client.shutdown_server, "SHUTDOWN")):
        assert tell() == 0
        client.sync_local()
        assert str(client.get_defs().get_server_state()) == expected
    client.restart_server()
    client.checkpt(CheckPt.ON_TIME, 60)
    client.checkpt()
    client.log_msg("upgrade begins")
    assert "upgrade begins" in client.get_log(20)
    client.flush_log()
    client.stats()
    assert "RUNNING" in capsys.readouterr().out
    client.group("suspend /s; get; why")
    assert "suspended" in capsys.readouterr().out or client.query("dstate", "/s") == "suspended"
    client.sync_local()
    assert "suspended" in WhyCmd(client.get_defs(), "/s").why() or not client.get_defs().s.begun()
    with pytest.raises(ServerRefused, match="/nowhere"):
        client.suspend("/nowhere")
    client.terminate_server()
    deadline = time.monotonic() + 30
    while client.wait_for_server_reply(0):
        assert time.monotonic() < deadline


def test_nobody_there_is_a_connection_failure(home: Path) -> None:
    """Where nothing listens a RuntimeError says that it was refused, after as many attempts as were set."""
    with socket.create_server(("localhost", 0)) as listening:
        port = listening.getsockname()[1]
    client = Client(f"localhost@{port}")
    client.set_connection_attempts(3)
    client.set_retry_connection_period(0)
    with pytest.raises(ConnectionFailed, match=r"After 3 attempts.*refused"):
        client.suites()
    assert not client.wait_for_server_reply(0)
    with pytest.raises(RuntimeError, match="path not set"):
        client.child_init()


@pytest.mark.parametrize("where", [("h",), ("h:",), (":1",), ("h:a",), ("h", ""), ("", "1"), ("h", "x")])
def test_addresses_are_looked_at_at_once(where: tuple[str, ...]) -> None:
    """An address that cannot be one is refused when the client is made."""
    with pytest.raises(RuntimeError):
        Client(*where)


def test_the_program_prints_what_scripts_look_at(client: Client, tmp_path: Path) -> None:
    """ecflow_client: the line of ping, nothing for a change, one value for a query, 1 and a reason for a refusal."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ECF_HOST": "localhost", "ECF_PORT": client.get_port()}
        return subprocess.run([PROGRAM, "ecflow", *words], env=environment, capture_output=True, text=True, check=False)

    done = run("--ping")
    assert done.returncode == 0
    place = f"ping server(localhost:{client.get_port()}) succeeded in 00:00:00."
    assert done.stdout.startswith(place)
    assert done.stdout.endswith(" milliseconds\n")
    path = tmp_path / "s.def"
    path.write_text(str(Defs(suite())))
    done = run(f"--load={path}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run(f"--load={path}")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: request( --load={path} ) failed!  Server reply: ")
    assert run("--query", "state", "/s").stdout == "unknown\n"
    assert run("--suites").stdout == "s\n"
    assert run("--server_version").stdout == "5.9.2\n"
    assert run("--delete=yes", "/s").returncode == 0
