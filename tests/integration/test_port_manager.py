"""The port manager as its clients meet it: a process that serves, sockets and processes that ask."""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tidemill.contact import PortManager
from tidemill.contact.exceptions import PortManagerError, PortManagerLost
from tidemill.contact.paths import current_user
from tidemill.contact.ports.address import socket_name

TIDEMILL = Path(sys.executable).parent / "tidemill"
ME = current_user()


class Served(NamedTuple):
    process: subprocess.Popen[str]
    port: int
    first: int
    last: int

    def client(self, *, over_tcp: bool = False) -> PortManager:
        if not over_tcp:
            return PortManager("localhost", self.port)
        return PortManager("localhost", self.port, connected=self.connect())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """`serve(count)`: a port manager in a process of its own, which gives `count` ports."""
    with ExitStack() as stack:

        def start(count: int = 20, *options: str) -> Served:
            first = random.randrange(10_000, 29_000 - count)
            listen = () if "--listen" in options else ("--listen", "0")
            command = [TIDEMILL, "ports", "serve", "--json", "--ports", f"{first}-{first + count - 1}", *listen]
            process = stack.enter_context(subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            lines = []
            while not lines or lines[-1].rstrip() != "}":
                lines.append(process.stdout.readline())
                assert lines[-1], "the port manager did not start"
            told = json.loads("".join(lines))
            return Served(process, told["port"], told["first"], told["last"])

        yield start


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve()


def names(manager: PortManager) -> list[str]:
    return [each["service"] for each in manager.listPorts()]


def test_the_documented_shape(served: Served) -> None:
    """getPort gives a port of the range, listPorts and find tell who has which, in the documented shape."""
    manager = PortManager("localhost", port=served.port)
    port = manager.getPort("work")
    assert served.first <= port <= served.last
    flow = manager.getPort("workflow")
    assert manager.listPorts() == [
        {"service": "work", "user": ME, "port": port},
        {"service": "workflow", "user": ME, "port": flow},
    ]
    assert [each["port"] for each in manager.find(service="work")] == [port]
    assert [each["port"] for each in manager.find(beginswith="work")] == [port, flow]
    assert manager.find(service="work", beginswith="workf") == []
    assert manager.find(user=ME) == manager.find() == manager.list_ports()
    assert manager.find(user="nobody else") == []
    manager.close()


def test_an_unknown_search_key_is_refused_before_anything_is_sent(served: Served) -> None:
    """find with another keyword raises RuntimeError, even when the port manager has gone."""
    with served.client() as manager:
        served.process.kill()
        with pytest.raises(RuntimeError, match=r"^Invalid search key\(s\) supplied to PortManager\.find$"):
            manager.find(port="1")


def test_errors_are_those_documented(serve: Callable[..., Served]) -> None:
    """Socket errors come from the constructor, RuntimeError with the server's text from all else."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        free = unused.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        PortManager("127.0.0.1", free)
    with pytest.raises(socket.gaierror):
        PortManager("no-such-host.invalid")
    with serve(1).client() as manager:
        manager.getPort("only")
        with pytest.raises(RuntimeError, match=r"^no free ports$"):
            manager.getPort("another")
        assert names(manager) == ["only"]


def test_waiting_has_an_end() -> None:
    """A server that does not answer is waited for as long as said, and the error says so; so does every later one."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        manager = PortManager("127.0.0.1", silent.getsockname()[1], timeout=0.1)
        with pytest.raises(PortManagerLost, match=r"did not answer within 0\.1 s"):
            manager.getPort("a")
        with pytest.raises(PortManagerLost, match="cannot be asked"):
            manager.listPorts()


def test_what_is_no_port_manager_is_told() -> None:
    """An answer that makes no sense is an error that shows it."""
    with socket.create_server(("127.0.0.1", 0)) as web:
        manager = PortManager("127.0.0.1", web.getsockname()[1], timeout=5)
        connection, _ = web.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with pytest.raises(PortManagerError, match=r"no port manager: it answered 'HTTP/1\.1 400 Bad Request'"):
                manager.getPort("a")


def test_a_port_manager_that_ends_is_noticed(served: Served) -> None:
    """When the port manager is gone, the next request says so and which ports went with it."""
    with served.client() as manager:
        port = manager.getPort("a")
        served.process.terminate()
        assert served.process.wait(10) == 0
        with pytest.raises(PortManagerLost, match=f"the ports held are given back: {port}"):
            manager.listPorts()


@pytest.mark.parametrize("over_tcp", [False, True])
def test_the_granted_name_is_told_and_stays(served: Served, over_tcp: bool) -> None:
    """Each holder learns its name, and keeps it when the others leave."""
    with served.client() as watcher, served.client(over_tcp=over_tcp) as first, served.client() as second:
        assert first.lease("svc").service == "svc"
        port, name = second.lease("svc")
        assert name == "svc_1"
        assert second.granted == {port: "svc_1"}
        assert second.lease("svc_1").service == "svc_1_1"
        first.close()
        wait_for(lambda: "svc" not in names(watcher))
        assert names(watcher) == ["svc_1", "svc_1_1"]


def wait_for(condition: Callable[[], object], seconds: float = 5.0) -> float:
    """Wait for a condition; the seconds it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() < begin + seconds, "waited in vain"
        time.sleep(0.005)
    return time.monotonic() - begin


def collect(holder: list[PortManager]) -> None:
    holder.clear()
    gc.collect()


@pytest.mark.parametrize(
    "let_go",
    [
        pytest.param(lambda holder: holder[0].close(), id="close"),
        pytest.param(lambda holder: holder[0].__exit__(None, None, None), id="with"),
        pytest.param(lambda holder: holder[0].socket.close(), id="socket"),
        pytest.param(collect, id="forgotten"),
    ],
)
def test_ports_are_given_back_with_the_connection(served: Served, let_go: Callable[[list[PortManager]], None]) -> None:
    """However a connection is let go, its ports are given back."""
    with served.client() as watcher:
        holder = [served.client()]
        holder[0].getPort("a")
        holder[0].getPort("b")
        assert names(watcher) == ["a", "b"]
        let_go(holder)
        wait_for(lambda: names(watcher) == [])


def test_one_port_can_be_given_back(served: Served) -> None:
    """A port that is not needed any more is released, the others are kept."""
    with served.client() as manager:
        one, two = manager.getPort("a"), manager.getPort("b")
        manager.release(one)
        assert names(manager) == ["b"]
        assert manager.granted == {two: "b"}
        with pytest.raises(PortManagerError, match=f"port {one} is not held by this connection"):
            manager.release(one)


HOLD = """
import sys, time
from tidemill.contact import PortManager
manager = PortManager("localhost", int(sys.argv[1]))
print(manager.getPort("held"), manager.getPort("held"), flush=True)
time.sleep(600)
"""


def test_a_killed_holder_loses_its_ports_within_a_second(served: Served) -> None:
    """After SIGKILL of its holder a port is free in less than a second."""
    command = [sys.executable, "-c", HOLD, str(served.port)]
    with served.client() as watcher, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert len(holder.stdout.readline().split()) == 2
        assert [service.pid for service in watcher.services()] == [holder.pid] * 2
        holder.send_signal(signal.SIGKILL)
        assert wait_for(lambda: names(watcher) == []) < 1.0


def test_a_bound_port_is_never_handed_out(serve: Callable[..., Served]) -> None:
    """Ports of the pool that something has bound, listening or not, are passed over."""
    served = serve(4)
    with socket.create_server(("127.0.0.1", served.last)), socket.socket() as quiet:
        quiet.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        quiet.bind(("127.0.0.1", served.last - 1))
        with served.client() as manager:
            assert {manager.getPort("a"), manager.getPort("a")} == {served.first, served.first + 1}
            with pytest.raises(RuntimeError, match="no free ports"):
                manager.getPort("a")
            quiet.close()
            assert manager.getPort("a") == served.last - 1


GREEDY = """
import sys
from tidemill.contact import PortManager
manager = PortManager("localhost", int(sys.argv[1]))
sys.stdin.readline()
print(*[manager.getPort("greedy") for _ in range(100)], flush=True)
sys.stdin.readline()
"""


def test_twenty_processes_at_once_get_ports_of_their_own(serve: Callable[..., Served]) -> None:
    """Twenty processes that ask for 100 ports each at the same time get 2000 different ones, under different names."""
    served = serve(2200)
    command = [sys.executable, "-c", GREEDY, str(served.port)]
    with ExitStack() as stack:
        greedy = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(20)
        ]
        for process in greedy:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        ports = [int(word) for process in greedy for word in (process.stdout or sys.stdin).readline().split()]
        assert len(ports) == len(set(ports)) == 2000
        with served.client() as watcher:
            listed = watcher.listPorts()
        assert sorted(each["port"] for each in listed) == sorted(ports)
        assert len({each["service"] for each in listed}) == 2000
        for process in greedy:
            assert process.stdin is not None
            process.stdin.close()


def test_threads_may_share_a_connection_and_use_two_managers(serve: Callable[..., Served]) -> None:
    """Several threads ask two port managers over one connection each, and none gets another's answer."""
    with serve(200).client() as one, serve(200).client() as two:
        found: dict[tuple[int, str], int] = {}

        def ask(number: int) -> None:
            for index in range(20):
                for manager in (one, two):
                    lease = manager.lease(f"thread {number} {index}")
                    assert lease.service == f"thread {number} {index}"
                    found[id(manager), lease.service] = lease.port
                    assert len(manager.find(service=lease.service)) == 1

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for manager in (one, two):
            assert {each["service"]: each["port"] for each in manager.listPorts()} == {
                name: port for (which, name), port in found.items() if which == id(manager)
            }
            assert len(manager.granted) == 120


def test_a_line_may_come_in_three_packets(served: Served) -> None:
    """A request is answered when its line is whole, however it comes; one packet may hold several."""
    with served.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = client.makefile("rb")
        for part in (b"GIM", b"ME {in par", b"ts} anna\n"):
            client.sendall(part)
            # The others are answered meanwhile: this part has been read when they are.
            with served.client() as other:
                other.listPorts()
        assert replies.readline() == b"OK %d\r\n" % served.last
        client.sendall(b"LIST\nGIMME x y\nLI")
        assert [replies.readline() for _ in range(3)] == [
            b"OK 1\r\n",
            b"%d {in parts} anna\r\n" % served.last,
            b"OK %d\r\n" % (served.last - 1),
        ]
        client.sendall(b"ST\n")
        assert replies.readline() == b"OK 2\r\n"
        replies.close()


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_thousand_awkward_names(serve: Callable[..., Served], over_tcp: bool) -> None:
    """A thousand names with spaces, quotes, braces, backslashes and Unicode come back as they were given."""
    alphabet = ["a", " ", '"', "{", "}", "\\", "$x", "[", "]", ";", "#", "\t", "\n", "ü", "東京", "🌊", "'", "OK"]
    chance = random.Random(7)
    wanted = {"".join(chance.choices(alphabet, k=chance.randrange(1, 12))) + f" {number}" for number in range(1000)}
    assert len(wanted) == 1000
    with serve(1000).client(over_tcp=over_tcp) as manager:
        given = {manager.getPort(name): name for name in wanted}
        assert manager.granted == given
        assert {each["port"]: each["service"] for each in manager.listPorts()} == given
        some = next(iter(wanted))
        assert [each["service"] for each in manager.find(service=some)] == [some]


def test_a_reader_that_does_not_read_delays_nobody(serve: Callable[..., Served]) -> None:
    """A client that asks for list upon list and takes none is left waiting, while others are served."""
    served = serve(300)
    with served.client() as manager, served.connect() as deaf:
        for _ in range(200):
            manager.getPort("a name of some length, so that the list is long")
        deaf.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                deaf.send(b"LIST\n" * 1000)
        begin = time.monotonic()
        assert len(manager.listPorts()) == 200
        assert time.monotonic() - begin < 1.0
        memory = Path(f"/proc/{served.process.pid}/statm")
        if memory.exists():
            assert int(memory.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") < 100e6


def test_replies_are_sent_before_a_finished_client_is_let_go(served: Served) -> None:
    """A client that closes its side after asking still gets every answer."""
    with served.connect() as client:
        client.sendall(b"GIMME a b\n" + b"LIST\n" * 500)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as replies:
            assert len(replies.readlines()) == 1 + 500 * 2


FORGE = """
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect("\\0" + sys.argv[1])
client.sendall(b"GIMME forged somebody-else DETAILS {pid 1 is_verified True}\\nLIST DETAILS\\n")
client.shutdown(socket.SHUT_WR)
print(client.makefile().read())
"""


@pytest.mark.skipif(socket_name(1) is None or os.getuid() != 0, reason="needs abstract sockets, and another user")
def test_a_user_cannot_be_forged_on_the_unix_socket(served: Served) -> None:
    """On the Unix socket the user listed is who runs the client, whatever it says; on TCP it says so itself."""
    name = (socket_name(served.port) or "")[1:]
    told = subprocess.run(
        ["/usr/bin/env", "python3", "-c", FORGE, name], user=65534, capture_output=True, text=True, check=False, cwd="/"
    )
    import pwd

    assert f"forged {pwd.getpwuid(65534).pw_name} {{" in told.stdout, told.stderr
    assert "is_verified True" in told.stdout
    with served.client() as mine, served.client(over_tcp=True) as said:
        mine.getPort("mine")
        said.getPort("said")
        assert {each.service: (each.user, each.is_verified) for each in mine.services()} == {
            "mine": (ME, True),
            "said": (ME, False),
        }


def test_two_port_managers_do_not_share_a_port(served: Served) -> None:
    """A second port manager at the same port says who is there, and does not start."""
    command = [TIDEMILL, "ports", "serve", "--listen", str(served.port)]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode == 1
    assert f"Cannot listen at 127.0.0.1:{served.port}: Address already in use" in second.stderr
    assert "Traceback" not in second.stderr


def test_it_listens_on_loopback_only(served: Served) -> None:
    """Nothing is listened on but the loopback, unless asked for."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("needs /proc/net/tcp")
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    found = {row[1] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == served.port}
    assert found == {f"0100007F:{served.port:04X}"}


TCL_CLIENT = """
fconfigure stdout -encoding utf-8
set server [socket localhost [lindex $argv 0]]
fconfigure $server -buffering line -encoding utf-8
proc ask {request} {
    global server
    puts $server $request
    set reply [gets $server]
    if {[lindex $reply 0] ne "OK"} {error [lindex $reply 1]}
    return [lindex $reply 1]
}
puts [ask [list GIMME {a {brace} and "quotes"} anna]]
puts [ask [list GIMME archive anna]]
for {set left [ask LIST]} {$left} {incr left -1} {
    foreach {port service user} [gets $server] {puts "$port|$service|$user"}
}
puts [catch {ask NONSENSE} problem]
puts $problem
"""


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="needs tclsh")
def test_a_tcl_program_is_a_client(served: Served, tmp_path: Path) -> None:
    """A Tcl program, as those of the original are, reads replies and lists with Tcl's own list commands."""
    script = tmp_path / "client.tcl"
    script.write_text(TCL_CLIENT)
    done = subprocess.run(
        ["tclsh", str(script), str(served.port)], capture_output=True, text=True, check=True, timeout=30
    )
    one, two = served.last, served.last - 1
    assert done.stdout.splitlines() == [
        str(one),
        str(two),
        f'{one}|a {{brace}} and "quotes"|anna',
        f"{two}|archive|anna",
        "1",
        "Invalid request NONSENSE",
    ]
