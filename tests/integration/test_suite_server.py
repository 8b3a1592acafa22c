"""A server of suites as jobs and users meet it: real processes, real sockets, real jobs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).parent / "tidemill")
REPORTS = "ECF_NAME=%ECF_NAME% ECF_PASS=%ECF_PASS% ECF_HOST=%ECF_HOST% ECF_PORT=%ECF_PORT% ECF_TRYNO=%ECF_TRYNO%"
HEAD = f"export {REPORTS} ECF_RID=$$\nset -e\necflow_client --init=$$\n"
TAIL = "ecflow_client --complete\n"


class Server:
    """One server process, and ecFlow's client for it."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "suites"
        self.directory.mkdir()
        with socket.create_server(("localhost", 0)) as listening:
            self.port = listening.getsockname()[1]
        self.process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> None:
        """Start it, and return when it answers."""
        self.process = subprocess.Popen(
            [PROGRAM, "server", "--port", str(self.port), "--home", str(self.directory), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(30):
            if self("--ping").returncode == 0:
                return
            assert self.process.poll() is None, self.process.communicate()[1]
        raise AssertionError("the server does not answer")

    def __call__(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ECF_PORT": str(self.port), **variables}
        return subprocess.run(
            [PROGRAM, "ecflow", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def ask(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        done = self(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def script(self, path: str, text: str) -> None:
        """Write the script of a task."""
        file = self.directory / f"{path[1:]}.ecf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def play(self, definition: str) -> None:
        """Load a suite called s and begin it."""
        file = self.directory / "s.def"
        file.write_text(definition)
        self.ask(f"--load={file}")
        self.ask("--begin=s")

    def state(self, path: str) -> str:
        """The state of a node."""
        return self.ask("--query=state", path)

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=20)


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    made = Server(home)
    made.start()
    yield made
    made.stop()


def test_a_suite_runs_from_its_definition_to_its_end(server: Server, wait_until: Callable[..., None]) -> None:
    """Jobs report by the ecflow_client they know; what they told can be asked; the next one starts at once."""
    server.script("/s/f/a", HEAD + "ecflow_client --event=done\necflow_client --meter=m 40\n"
                  'ecflow_client --label=l "two words"\necho hello\n' + TAIL)  # fmt: skip
    server.script("/s/f/b", HEAD + 'ecflow_client --wait="a:m == 40"\n' + TAIL)
    server.play("suite s\n family f\n  task a\n   event done\n   meter m 0 100\n   label l ''\n"
                "  task b\n   trigger a:done\n endfamily\nendsuite\n")  # fmt: skip
    wait_until(lambda: server.state("/s") == "complete", "the suite to end", 30)
    assert server.ask("--query=meter", "/s/f/a:m") == "40"
    assert server.ask("--query=label", "/s/f/a:l") == "two words"
    assert server.ask("--file=/s/f/a", "jobout") == "hello"
    assert "LOG:" in server.ask("--log=get", "500")


def test_a_crash_loses_no_report_and_runs_nothing_twice(server: Server, wait_until: Callable[..., None]) -> None:
    """The server is killed again and again while jobs run: in the end each ran once, and the suite is complete."""
    lines = ["suite s", " limit two 2"]
    for number in range(12):
        server.script(f"/s/t{number}", HEAD + f"echo %TASK% >> {server.directory}/ran\n" + TAIL)
        lines += [f" task t{number}", "  inlimit two"]
        if number % 3:
            lines.append(f"  trigger t{number - 1} == complete")
    server.play("\n".join([*lines, "endsuite"]) + "\n")
    ran = server.directory / "ran"
    for count in (1, 4, 8):
        wait_until(lambda: ran.exists() and len(ran.read_text().split()) >= count, f"{count} tasks to run", 60)  # noqa: B023
        server.kill()
        server.start()
    wait_until(lambda: server.state("/s") == "complete", "the suite to end", 60)
    assert sorted(ran.read_text().split()) == sorted(f"t{number}" for number in range(12))
    assert server.ask("--query=limit", "/s:two") == "0"


def test_a_job_waits_while_its_server_is_away(server: Server, wait_until: Callable[..., None]) -> None:
    """A job that cannot reach its server goes on trying, and its report arrives at the next one."""
    go = server.directory / "go"
    os.mkfifo(go)
    server.script("/s/t", HEAD + f"cat {go}\n" + TAIL)
    server.play("suite s\n task t\nendsuite\n")
    wait_until(lambda: server.state("/s/t") == "active", "the task to be active", 30)
    server.kill()
    go.write_text("now\n")
    server.start()
    wait_until(lambda: server.state("/s") == "complete", "the report to arrive", 40)


def test_a_job_with_a_wrong_password_is_a_zombie(server: Server, wait_until: Callable[..., None]) -> None:
    """It waits, is listed, and ends as a user decides; the task is not touched by it."""
    go = server.directory / "go"
    os.mkfifo(go)
    server.script("/s/t", HEAD + f"cat {go}\n" + TAIL)
    server.play("suite s\n task t\nendsuite\n")
    wait_until(lambda: server.state("/s/t") == "active", "the task to be active", 30)
    variables = {
        **os.environ,
        "ECF_PORT": str(server.port),
        "ECF_NAME": "/s/t",
        "ECF_PASS": "wrong",
        "ECF_RID": "99",
    }
    impostor = subprocess.Popen([PROGRAM, "ecflow", "--complete"], env=variables, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: "/s/t" in server.ask("--zombie_get"), "the zombie to be listed", 20)
    assert server.state("/s/t") == "active"
    server.ask("--zombie_fail=/s/t")
    told = impostor.communicate(timeout=20)[1]
    assert impostor.returncode == 1
    assert "zombie" in told.lower()
    go.write_text("now\n")
    wait_until(lambda: server.state("/s") == "complete", "the real job to end", 30)


def test_a_script_that_is_not_there_aborts_its_task_and_says_where_it_was_looked_for(
    server: Server, wait_until: Callable[..., None]
) -> None:
    """No try is repeated, and the reason names every place."""
    server.play("suite s\n task t\nendsuite\n")
    wait_until(lambda: server.state("/s/t") == "aborted", "the task to abort", 20)
    shown = server.ask("--get_state=/s")
    assert "no_script" in shown
    assert str(server.directory / "s" / "t.ecf") in shown


def test_a_job_command_that_fails_tells_why(server: Server, wait_until: Callable[..., None]) -> None:
    """What the command said itself is in the reason; the task is tried ECF_TRIES times."""
    server.script("/s/t", TAIL)
    server.play("suite s\n edit ECF_JOB_CMD 'echo no such queue >&2; exit 3'\n edit ECF_TRIES 1\n task t\nendsuite\n")
    wait_until(lambda: server.state("/s/t") == "aborted", "the task to abort", 20)
    assert "no such queue" in server.ask("--get_state=/s")


def test_a_second_server_of_the_same_port_is_refused(server: Server, home: Path) -> None:
    """It says so and harms nothing: the first one answers as before."""
    done = subprocess.run(
        [PROGRAM, "server", "--port", str(server.port), "--home", str(home / "other")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "runs on" in done.stderr
    assert "already" in done.stderr
    assert server("--ping").returncode == 0


def test_the_white_list_says_who_may_change_things(server: Server) -> None:
    """A user listed for reading reads; changes are refused by name; the list is read again on request."""
    lists = server.directory / f"localhost.{server.port}.ecf.lists"
    lists.write_text("5.9.2\nanna\n-bert # may look\n")
    server.ask("--reloadwsfile")
    assert server("--suites", "--user=bert").returncode == 0
    refused = server("--msg=hello", "--user=bert")
    assert refused.returncode == 1
    assert "not authorised" in refused.stderr
    assert server("--msg=hello", "--user=anna").returncode == 0
    assert server("--suites", "--user=carl").returncode == 1


def test_a_group_is_carried_out_in_order(server: Server, wait_until: Callable[..., None]) -> None:
    """Several commands in one request; what each prints comes in turn."""
    file = server.directory / "s.def"
    file.write_text("suite s\n task t\n  defstatus suspended\nendsuite\n")
    server.ask(f"--load={file}")
    printed = server.ask("--group=begin=s; query=dstate /s/t; suites")
    assert printed.split("\n") == ["suspended", "s"]
    wait_until(lambda: server.state("/s/t") == "queued", "the suite to begin", 10)


def test_questions_before_it_is_done_are_asked(server: Server) -> None:
    """A deletion asks first: without an answer nothing is deleted, with yes it is."""
    file = server.directory / "s.def"
    file.write_text("suite s\n task t\nendsuite\n")
    server.ask(f"--load={file}")
    assert server("--delete=_all_").returncode == 1
    assert server.ask("--suites") == "s"
    server.ask("--delete=yes", "_all_")
    assert server.ask("--suites") == "No suites"


def test_a_restart_keeps_what_users_did(server: Server) -> None:
    """Variables, suspension and the server's own state are as they were, after a good end and after a crash."""
    file = server.directory / "s.def"
    file.write_text("suite s\n task t\nendsuite\n")
    server.ask(f"--load={file}")
    server.ask("--suspend=/s")
    server.ask("--alter=add", "variable", "GREETING", "good morning", "/s")
    server.ask("--shutdown=yes")
    server.kill()
    server.start()
    assert server.ask("--query=variable", "/s:GREETING") == "good morning"
    assert server.ask("--query=dstate", "/s") == "suspended"
    assert "SHUTDOWN" in server.ask("--stats")
    check = server.directory / f"localhost.{server.port}.ecf.check"
    server.ask("--terminate=yes")
    assert server.process is not None
    server.process.communicate(timeout=20)
    assert server.process.returncode == 0
    assert "GREETING" in check.read_text()


def test_people_find_ecflow_client_in_a_directory_for_their_path(server: Server, home: Path) -> None:
    """It is the same program, by the name that scripts know."""
    program = home / "cylc-run" / ".ecflow" / "bin" / "ecflow_client"
    done = subprocess.run([program, "--ping", f"--port={server.port}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(f"ping server(localhost:{server.port}) succeeded in 00:00:0")
