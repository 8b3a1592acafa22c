"""Ports on the command line, and schedulers that take theirs from a port manager and are found by it."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tidemill.cli.client import read_arguments
from tidemill.contact import PortManager
from tidemill.contact.file import read_contact
from tidemill.contact.paths import current_user
from tidemill.contact.ports.address import VARIABLE
from tidemill.contact.ports.discovery import advertised_schedulers
from tidemill.network.client import WorkflowRuntimeClient
from tidemill.network.exceptions import WorkflowStopped

Program = Callable[..., subprocess.CompletedProcess[str]]
WaitUntil = Callable[..., None]

WORKFLOW = """
[scheduling]
    [[graph]]
        R1 = a
[runtime]
    [[a]]
        script = true
"""


class Manager:
    """A port manager in a process of its own, which can be ended and started again."""

    def __init__(self, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.program = program
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.first = random.randrange(10_000, 29_000)
        self.ports = range(self.first, self.first + 10)
        monkeypatch.setenv(VARIABLE, f"localhost:{self.port}")
        self.start()

    def start(self) -> None:
        ports = f"{self.ports[0]}-{self.ports[-1]}"
        command = [str(self.program), "ports", "serve", "--listen", str(self.port), "--ports", ports]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert str(self.port) in self.process.stdout.readline()

    def end(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def manager(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    from shutil import which

    program = which("tidemill")
    assert program is not None
    with ExitStack() as stack:
        started = Manager(Path(program), monkeypatch)
        stack.callback(started.end)
        yield started


def install(root: Path, name: str) -> Path:
    run = root / name
    run.mkdir(parents=True)
    (run / "flow.cylc").write_text(WORKFLOW)
    return run


def listed(tidemill: Program, *options: str) -> dict[str, dict[str, Any]]:
    done = tidemill("ports", "list", "--json", *options)
    assert done.returncode == 0, done.stderr
    return {service["service"]: service for service in json.loads(done.stdout)}


def stop(tidemill: Program, wait_until: WaitUntil, run: Path, name: str) -> None:
    assert tidemill("stop", "--now", name).returncode == 0
    wait_until(lambda: not (run / ".service" / "contact").exists(), f"{name} to stop")


def test_a_scheduler_takes_its_ports_and_is_listed(
    home: Path, tidemill: Program, manager: Manager, wait_until: WaitUntil
) -> None:
    """With a port manager, a scheduler has its ports, and is listed with workflow, process and contact file until it
    stops."""
    run = install(home / "cylc-run", "forecast")
    assert tidemill("play", "--pause", "forecast").returncode == 0
    contact = read_contact(run / ".service" / "contact")
    assert contact.port in manager.ports
    assert contact.publish_port in manager.ports
    services = listed(tidemill)
    assert services["forecast"] == {
        "port": contact.port,
        "service": "forecast",
        "user": contact.owner,
        "kind": "scheduler",
        "workflow": "forecast",
        "pid": contact.pid,
        "contact": str(run / ".service" / "contact"),
        "host": contact.host,
        "is_verified": True,
    }
    assert services["forecast:publish"]["port"] == contact.publish_port
    stop(tidemill, wait_until, run, "forecast")
    wait_until(lambda: not listed(tidemill), "the ports to be given back", 5)


def test_a_killed_scheduler_is_listed_no_more(
    home: Path, tidemill: Program, manager: Manager, wait_until: WaitUntil
) -> None:
    """Within a second after SIGKILL of a scheduler its services are gone from the list, and its ports free."""
    run = install(home / "cylc-run", "forecast")
    assert tidemill("play", "--pause", "forecast").returncode == 0
    pid = read_contact(run / ".service" / "contact").pid
    assert pid is not None
    assert list(advertised_schedulers()) == ["forecast"]
    os.kill(pid, signal.SIGKILL)
    begin = time.monotonic()
    wait_until(lambda: not advertised_schedulers(), "the scheduler to be forgotten")
    assert time.monotonic() - begin < 1.0
    assert tidemill("scan", "--ping").returncode == 0


def test_a_scheduler_outlives_the_port_manager_and_is_listed_again(
    home: Path, tidemill: Program, manager: Manager, wait_until: WaitUntil
) -> None:
    """When the port manager dies the scheduler goes on; when it is back, the scheduler is listed as before, and its
    ports are given to nobody else."""
    run = install(home / "cylc-run", "forecast")
    assert tidemill("play", "--pause", "forecast").returncode == 0
    before = listed(tidemill)
    manager.end()
    with WorkflowRuntimeClient("forecast") as client:
        assert client("ping_workflow") is True
    assert "forecast" in tidemill("scan").stdout
    manager.start()
    wait_until(lambda: listed(tidemill) == before, "the scheduler to be listed again")
    used = {service["port"] for service in before.values()}
    given = int(tidemill("ports", "get", "other", "--", "printenv", "TIDEMILL_PORT").stdout)
    assert given not in used
    stop(tidemill, wait_until, run, "forecast")
    log = (run / "log" / "scheduler" / "log").read_text()
    assert log.count("is gone: going on") == 1


def test_without_a_port_manager_all_is_as_before(
    home: Path, tidemill: Program, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none answers, where none is wanted, and where the address is wrong, a scheduler chooses its own ports."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for setting, warning in (
        ("", ""),
        (f"localhost:{port}", f"No port manager answers at localhost:{port}"),
        ("localhost:http", "TIDEMILL_PORT_MANAGER=localhost:http is not an address"),
        ("somewhere.invalid", "is of another host"),
    ):
        monkeypatch.setenv(VARIABLE, setting)
        name = f"w{len(setting)}"
        run = install(home / "cylc-run", name)
        assert tidemill("play", "--pause", name).returncode == 0
        assert 43001 <= read_contact(run / ".service" / "contact").port <= 43101
        assert tidemill("ping", name).returncode == 0
        assert name in tidemill("scan").stdout
        stop(tidemill, wait_until, run, name)
        log = (run / "log" / "scheduler" / "log").read_text()
        assert warning in log
        assert bool(warning) == ("WARNING" in log)


def test_a_pool_that_is_empty_does_not_stop_a_scheduler(
    home: Path, tidemill: Program, manager: Manager, wait_until: WaitUntil
) -> None:
    """With no port left, a scheduler takes one of its own range, and is listed with it."""
    run = install(home / "cylc-run", "forecast")
    with ExitStack() as stack:
        for port in manager.ports:
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        assert tidemill("play", "--pause", "forecast").returncode == 0
        contact = read_contact(run / ".service" / "contact")
        assert 43001 <= contact.port <= 43101
        wait_until(lambda: "forecast" in listed(tidemill), "the scheduler to be listed")
        assert listed(tidemill)["forecast"]["port"] == contact.port
        stop(tidemill, wait_until, run, "forecast")


def test_a_scheduler_is_found_without_its_contact_file(
    home: Path, tidemill: Program, manager: Manager, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """scan and client find a scheduler by the port manager when its contact file is lost, or its run is below another
    run root; without either they say that it is not running."""
    run = install(home / "cylc-run", "near")
    far = install(home / "cylc-run" / "..." / "elsewhere", "far")
    assert tidemill("play", "--pause", "near").returncode == 0
    with monkeypatch.context() as patch:
        patch.setenv("TIDEMILL_RUN_DIR", str(far.parent))
        assert tidemill("play", "--pause", "far").returncode == 0
    contact = run / ".service" / "contact"
    contact.rename(home / "lost")
    scanned = {each["name"]: each for each in json.loads(tidemill("scan", "--json").stdout)}
    assert scanned.keys() == {"near", "far"}
    assert scanned["far"]["path"] == str(far)
    assert scanned["near"]["CYLC_WORKFLOW_PORT"] == str(read_contact(home / "lost").port)
    for name in ("near", "far"):
        answer = tidemill("client", name, "ping_workflow", "-n")
        assert (answer.returncode, read_arguments(f'{{"answer": {answer.stdout}}}')) == (0, {"answer": True})
        with WorkflowRuntimeClient(name) as client:
            assert client("ping_workflow") is True
    with monkeypatch.context() as patch:
        patch.setenv(VARIABLE, "")
        assert tidemill("scan").stdout == ""
        with pytest.raises(WorkflowStopped, match="near is not running"):
            WorkflowRuntimeClient("near")
    (home / "lost").rename(contact)
    stop(tidemill, wait_until, run, "near")
    stop(tidemill, wait_until, far, "far")


def test_a_port_is_held_for_a_command(tidemill: Program, manager: Manager) -> None:
    """`ports get` gives a command its port in the environment, and ends as the command does."""
    done = tidemill(
        "ports", "get", "my viewer", "--", "sh", "-c", "echo $PORT $TIDEMILL_PORT $TIDEMILL_PORT_NAME; exit 7"
    )
    top = manager.ports[-1]
    assert (done.returncode, done.stdout) == (7, f"{top} {top} my viewer\n")
    missing = tidemill("ports", "get", "x", "--", "/no/such/program")
    assert missing.returncode == 127
    assert "/no/such/program: No such file or directory" in missing.stderr


@pytest.mark.parametrize("arguments", [("--", "sleep", "600"), ()])
def test_a_held_port_goes_with_its_holder(
    tidemill: Program, manager: Manager, wait_until: WaitUntil, arguments: tuple[str, ...]
) -> None:
    """A port is listed as long as the command it is held for, or `ports get` itself, runs; also if that is killed."""
    command = [str(manager.program), "ports", "get", "viewer", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        wait_until(lambda: "viewer" in listed(tidemill), "the port to be held")
        if not arguments:
            assert holder.stdout is not None
            assert holder.stdout.readline() == f"{manager.ports[-1]} viewer\n"
        assert listed(tidemill)["viewer"]["pid"] == holder.pid
        holder.kill()
    wait_until(lambda: not listed(tidemill), "the port to be given back", 2)


def test_the_list_is_filtered_and_readable(tidemill: Program, manager: Manager) -> None:
    """`ports list` shows a table of services, of some users or names, of the host named."""

    def shown(*arguments: str) -> list[list[str]]:
        done = tidemill("ports", "list", *arguments)
        assert done.returncode == 0, done.stderr
        return [line.split()[:3] for line in done.stdout.splitlines()]

    user, heading = current_user(), ["SERVICE", "USER", "PORT"]
    with PortManager("localhost", manager.port) as holder:
        rows = [[name, user, str(holder.getPort(name))] for name in ("work", "workflow", "x")]
        assert shown() == [heading, *rows]
        assert shown("--name", "workf", f"127.0.0.1:{manager.port}") == [heading, rows[1]]
        assert shown("--user", f"{user[0]}*", "localhost:" + str(manager.port)) == [heading, *rows]
        assert shown("--user", "nobody-at-all*") == []


def test_mistakes_are_told(tidemill: Program, manager: Manager) -> None:
    """Wrong ranges, addresses and absent port managers are errors of one line that say what to do."""
    manager.end(signal.SIGTERM)
    assert manager.process.returncode == 0
    for arguments, words in (
        (("serve", "--ports", "a-b"), "expected LOW-HIGH"),
        (("serve", "--ports", "1-70000"), "numbers from 1 to 65535"),
        (("serve", "--listen", "0", "--host", "192.0.2.1"), "Cannot listen at 192.0.2.1:0"),
        (("list", "host:port"), "host:port is not an address"),
        (("list",), f"no port manager answers at localhost:{manager.port}"),
        (("get", "x"), "'tidemill ports serve' starts one"),
    ):
        done = tidemill("ports", *arguments)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    manager.start()


@pytest.mark.parametrize(
    ("command", "kind"), [(("serve-commands",), "command-server"), (("server", "--quiet"), "suite-server")]
)
def test_servers_of_commands_and_of_suites_take_a_port_and_are_listed(
    tidemill: Program, manager: Manager, home: Path, wait_until: WaitUntil, command: tuple[str, ...], kind: str
) -> None:
    """Asked for any port, they take one of the pool and are listed as what they are, until they end."""
    server = subprocess.Popen(
        [str(manager.program), *command, "--port", "0"],
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: listed(tidemill), f"the {kind} to be listed", 20)
        (service,) = listed(tidemill).values()
        assert service["kind"] == kind
        assert service["pid"] == server.pid
        assert service["port"] in manager.ports
        assert Path(service["contact"]).exists()
    finally:
        server.terminate()
        server.wait(20)
    wait_until(lambda: not listed(tidemill), "it to be gone", 10)
