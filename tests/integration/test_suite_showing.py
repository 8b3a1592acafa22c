"""What others see of a suite server by the commands for workflows, and receipts of what it was told: real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tidemill.network.exceptions import ClientError, ClientTimeout
from tidemill.network.suite_client import SuiteClient
from tidemill.proto.data_messages_pb2 import PbEntireWorkflow

PROGRAM = str(Path(sys.executable).parent / "tidemill")
SUITE = """suite s
 edit ECF_JOB_CMD 'true'
 limit L 1
 family f
  task a
   event done
   inlimit /s:L
  task b
   trigger a == complete and a:done
 endfamily
 task d
  inlimit L
  trigger f/a != unknown
endsuite
"""


class Server:
    """One server process with a suite, and the commands for it."""

    def __init__(self, home: Path) -> None:
        self.home = home / "suites"
        self.home.mkdir()
        with socket.create_server(("localhost", 0)) as listening:
            self.port = listening.getsockname()[1]
        self.name = f"localhost:{self.port}"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        command = [PROGRAM, "server", f"--port={self.port}", f"--home={self.home}", "--quiet"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(30):
            if self.run("ecflow", "--ping").returncode == 0:
                return
            assert self.process.poll() is None, self.process.communicate()[1]
        raise AssertionError("the server does not answer")

    def run(self, *words: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of our commands."""
        environment = {**os.environ, "ECF_PORT": str(self.port), **variables}
        return subprocess.run(
            [PROGRAM, *words], env=environment, capture_output=True, text=True, timeout=60, check=False, input=stdin
        )

    def ask(self, *words: str, **more: str) -> str:
        """What a command prints; it must succeed."""
        done = self.run(*words, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def told(self, *words: str) -> Any:
        """What a command tells programs."""
        return json.loads(self.ask(*words, "--json"))

    def load(self, text: str = SUITE) -> None:
        """Load the suite, and begin it."""
        file = self.home / "s.def"
        file.write_text(text)
        for path in ("s/f/a", "s/f/b", "s/d"):
            (self.home / path).parent.mkdir(parents=True, exist_ok=True)
            (self.home / f"{path}.ecf").write_text("echo\n")
        self.ask("ecflow", f"--load={file}")
        self.ask("ecflow", "--begin=s")

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.process is None or self.process.stderr is None or self.process.stderr.closed:
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


def test_scan_lists_servers_that_run_in_all_formats_and_no_others(server: Server) -> None:
    """They are marked as suite servers; their suites and states are told on request; a crashed one is not running."""
    server.load()
    assert server.process is not None
    assert server.ask("scan") == f"{server.name} {server.name} {server.process.pid} (suite server)"
    assert server.ask("scan", "-t", "name") == server.name
    assert "(suite server)" in server.ask("scan", "-t", "tree")
    assert f"CYLC_WORKFLOW_PORT={server.port}" in server.ask("scan", "-t", "contact")
    rich = server.ask("scan", "-t", "rich")
    assert "[suite server]" in rich
    assert "suite          s (submitted)" in rich
    (told,) = json.loads(server.ask("scan", "-t", "json", "--ping"))
    assert told["kind"] == "suite server"
    assert [suite["name"] for suite in told["suites"]] == ["s"]
    server.ask("ecflow", "--halt=yes")
    assert server.ask("scan", "--states=running") == ""
    assert server.name in server.ask("scan", "--states=paused")
    server.kill()
    assert server.ask("scan") == ""
    assert server.ask("scan", "--states=stopped") == f"{server.name} (suite server)"
    server.ask("scan", "--ping", "-v")
    assert not list((Path(os.environ["HOME"]) / "cylc-run" / ".ecflow").glob("*/.service/contact"))


def test_a_server_and_its_nodes_are_named_on_the_command_line(server: Server) -> None:
    """Dump, show, why, ping, client and stop take HOST:PORT, and nodes behind two slashes."""
    server.load()
    assert server.ask("ping", server.name) == server.name
    assert "status=running" in server.ask("dump", server.name)
    assert server.ask("dump", "-t", f"{server.name}//s/f").splitlines() == ["/s/f/a:submitted try=1", "/s/f/b:queued"]
    assert server.ask("dump", "-t", f"{server.name}//s/f/b") == "/s/f/b:queued"
    everything = server.told("dump", f"{server.name}//s/f")
    assert [one["extras"]["path"] for one in everything["workflows"][0]["taskProxies"]] == ["/s/f/a", "/s/f/b"]
    assert [one["name"] for one in everything["workflows"][0]["familyProxies"]] == ["f"]
    assert server.run("dump", f"{server.name}//nosuch").returncode == 1
    shown = server.ask("show", f"{server.name}//s/f/b", "//s/f/a")
    assert "⨯ a(submitted) == complete" in shown
    assert "done = clear" in shown
    assert server.ask("show", "--list-prereqs", f"{server.name}//s/f/b").splitlines() == ["a == complete", "a:done"]
    (why,) = server.told("why", f"{server.name}//s/d")
    assert why["is_known"]
    assert any("limit L" in reason["text"] for reason in why["reasons"])
    assert all(reason["force"].startswith(f"tidemill ecflow --port={server.port} --") for reason in why["reasons"])
    assert server.run("why", f"{server.name}//s/nosuch").returncode == 1
    assert server.run("show", f"{server.name}//s/nosuch").returncode == 1
    mixed = server.run("why", f"{server.name}//s/d", "ocean//1/a")
    assert "ask for them one at a time" in mixed.stderr
    assert server.ask("client", "-n", server.name, "ping_workflow") == "true"
    server.ask("stop", "--wait", "--reason=going home", server.name)
    assert server.process is not None
    assert server.process.wait(20) == 0
    refused = server.run("ping", server.name)
    assert refused.returncode == 1
    assert "connection refused" in refused.stderr


def test_a_stopped_server_tells_from_its_record(server: Server) -> None:
    """Why, show and receipts work after a crash, too; nothing in its directory is changed by looking."""
    server.load()
    server.ask("ecflow", "--suspend=/s/f/b", TIDEMILL_REASON="not today")
    server.kill()
    directory = next((Path(os.environ["HOME"]) / "cylc-run" / ".ecflow").iterdir())
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    (why,) = server.told("why", f"{server.name}//s/f/b")
    assert [reason["code"] for reason in why["reasons"]][:2] == ["not-running", "held"]
    assert why["reasons"][0]["force"] == f"tidemill server --port={server.port}"
    assert "state: suspended (queued)" in server.ask("show", f"{server.name}//s/f/b")
    last = server.told("receipts", "-n", "1", server.name)[0]
    assert (last["name"], last["reason"], last["state"]) == ("suspend", "not today", "applied")
    assert last["arguments"] == {"words": ["/s/f/b"]}
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before
    nobody = server.run("receipts", "localhost:1")
    assert nobody.returncode == 1
    assert "no suite server of yours" in nobody.stderr


def test_queries_and_protobuf_show_suites_as_workflows(server: Server) -> None:
    """GraphQL and the whole picture over the wire; a client follows changes by asking again."""
    server.load()
    with SuiteClient("localhost", server.port) as client:
        query = '{workflows {id status} taskProxies(states: ["submitted"]) {name jobs {id state}} familyProxies {name}}'
        found = client("graphql", {"request_string": query})
        assert found["workflows"][0]["id"].endswith(f"/.ecflow/localhost.{server.port}/s")
        (task,) = found["taskProxies"]
        assert task["name"] == "f+a"
        assert task["jobs"][0]["state"] == "submitted"
        client("change", {"name": "force", "words": ["complete", "/s/f/a"]})
        found = client("graphql", {"request_string": '{taskProxies(states: ["succeeded"]) {name extras}}'})
        assert [one["extras"]["path"] for one in found["taskProxies"]] == ["/s/f/a"]
        whole = PbEntireWorkflow()
        whole.ParseFromString(client("pb_entire_workflow"))
        assert {one.name: one.state for one in whole.task_proxies}["f+a"] == "succeeded"
        with pytest.raises(ClientError, match="tidemill ecflow"):
            client("graphql", {"request_string": 'mutation {pause(workflows: ["*"]) {result}}'})
        with pytest.raises(ClientError, match="no suite nosuch"):
            client("pb_entire_workflow", {"suite": "nosuch"})


def test_receipts_tell_what_was_done_and_what_was_refused(server: Server) -> None:
    """Commands of the engine and of the server, a refusal of each, and those of a group by themselves."""
    server.load()
    assert server.run("ecflow", "--suspend=/nosuch").returncode == 1
    assert server.run("ecflow", "--reloadwsfile").returncode == 1
    server.ask("ecflow", "--group=suspend=/s; resume=/s; suites", TIDEMILL_REASON="a try")
    server.ask("ecflow", "--log=get", "1")
    told = server.told("receipts", server.name)
    assert [(one["name"], one["state"]) for one in told] == [
        ("load", "applied"),
        ("begin", "applied"),
        ("suspend", "refused"),
        ("reloadwsfile", "refused"),
        ("suspend", "applied"),
        ("resume", "applied"),
        ("group", "applied"),
    ]
    assert [one["id"].rpartition("/")[0] for one in told[4:6]] == [told[6]["id"]] * 2
    assert [one["reason"] for one in told[4:]] == ["a try"] * 3
    assert "no node" in told[2]["error"] or "not find" in told[2]["error"]
    assert "bytes, blake2b" in told[0]["arguments"]["attachments"]["definition"]
    table = server.ask("receipts", "-n", "5", server.name)
    assert "/nosuch" in table
    assert "refused" in table


def test_an_id_is_decided_on_once_over_restarts(server: Server) -> None:
    """The same id again gets the first result or refusal, and is refused for anything else."""
    server.load()
    add = {"name": "alter", "words": ["add", "limit", "M", "3", "/s"]}
    wrong = {"name": "alter", "words": ["add", "limit", "L", "3", "/s"]}
    with SuiteClient("localhost", server.port) as client:
        first = client("change", add, req_meta={"id": "one"})
        with pytest.raises(ClientError, match="limit L") as refusal:
            client("change", wrong, req_meta={"id": "two"})
    server.kill()
    server.start()
    with SuiteClient("localhost", server.port) as client:
        assert client("change", add, req_meta={"id": "one"}) == first
        with pytest.raises(ClientError) as again:
            client("change", wrong, req_meta={"id": "two"})
        assert str(again.value) == str(refusal.value)
        with pytest.raises(ClientError, match="an id of its own"):
            client("change", wrong, req_meta={"id": "one"})
        assert len(client("receipts")) == 4


def test_a_command_sent_again_after_a_crash_is_applied_once(server: Server) -> None:
    """The server is killed at any moment around a command; sent again with its id, it was or is carried out once."""
    server.load()
    for number in range(6):
        words = ["add", "limit", f"N{number}", "1", "/s"]

        def send(number: int = number, words: list[str] = words) -> str:
            with SuiteClient("localhost", server.port, timeout_seconds=5) as client:
                answer: dict[str, str] = client(
                    "change", {"name": "alter", "words": words}, req_meta={"id": f"n{number}"}
                )
                return answer["receipt"]

        def try_once(send: Callable[[], str] = send) -> None:
            try:
                send()
            except (ClientError, ClientTimeout):
                return

        sending = Thread(target=try_once)
        sending.start()
        # Before it is received, while it is written, or after it was answered.
        sending.join(0.004 * number)
        server.kill()
        sending.join()
        server.start()
        assert send() == f"n{number}"
    ids = [one["id"] for one in server.told("receipts", server.name)]
    assert ids[2:] == [f"n{number}" for number in range(6)]
    assert all(f"limit N{number} 1" in server.ask("ecflow", "--get=/s") for number in range(6))


def test_the_same_id_at_once_is_carried_out_once(server: Server) -> None:
    """Two clients that send one command at the same moment get the same answer."""
    server.load()
    answers: list[object] = []

    def send() -> None:
        with SuiteClient("localhost", server.port) as client:
            request = {"name": "alter", "words": ["add", "limit", "M", "3", "/s"]}
            answers.append(client("change", request, req_meta={"id": "both"}))

    threads = [Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [{"text": "", "receipt": "both"}] * 4
