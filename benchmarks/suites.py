#!/usr/bin/env python3
"""Measure a server of suites beside ecFlow 5.9.2 on the same suites, and print a table with ratios.

The original has to be installed (Debian: ecflow-server, ecflow-client, python3-ecflow); without it only our side runs.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE.parent / ".venv" / "bin"

HEAD = """\
export ECF_PORT=%ECF_PORT% ECF_HOST=%ECF_HOST% ECF_NAME=%ECF_NAME% ECF_PASS=%ECF_PASS% ECF_TRYNO=%ECF_TRYNO%
export ECF_RID=$$
ecflow_client --init=$$
ecflow_client --complete
"""

CLIENT = """
import sys, time, json

from {module} import Client
client = Client("localhost", int(sys.argv[1]))
what = sys.argv[2]
if what == "ping":
    client.ping()
    count, began = 0, time.perf_counter()
    while time.perf_counter() < began + 3:
        client.ping()
        count += 1
    print(count / (time.perf_counter() - began))
elif what == "worst":
    worst, asleep = 0.0, 0.01
    print("ready", flush=True)
    import select
    while not select.select([sys.stdin], [], [], asleep)[0]:
        began = time.perf_counter()
        try:
            client.ping()
        except RuntimeError:
            pass
        worst = max(worst, time.perf_counter() - began)
    print(worst)
elif what == "sync":
    client.sync_local()
    times = []
    for number in range(20):
        client.alter("/big", "change", "variable", "N", str(number))
        began = time.perf_counter()
        client.sync_local()
        times.append(time.perf_counter() - began)
    print(sorted(times)[10])
"""


class BenchmarkError(Exception):
    """A run did not do what the measure needs."""


class Side:
    """One kind of server, its client, and the Python whose `Client` asks it."""

    def __init__(self, name: str, server: list[str], client: list[str], python: list[str], module: str) -> None:
        self.name = name
        self.server = server
        self.client = client
        self.python = python
        self.module = module

    @contextlib.contextmanager
    def serving(self, scratch: Path) -> Iterator[Server]:
        """A server of its own, with an empty home."""
        home = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=scratch))
        port = free_port()
        environment = {**clean_environment(home), "ECF_PORT": str(port), "ECF_HOST": "localhost"}
        environment["ECF_HOME"] = str(home)
        command = [word.format(port=port, home=home) for word in self.server]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, cwd=home, env=environment, stdout=quiet, stderr=quiet) as process:
            server = Server(self, home, port, environment, process)
            try:
                wait_for(lambda: server.run("--ping", check=False), f"{self.name}'s server", 30)
                server.run("--restart")
                yield server
            finally:
                process.kill()


class Server:
    """A running server of one side."""

    def __init__(
        self, side: Side, home: Path, port: int, environment: dict[str, str], process: subprocess.Popen[bytes]
    ) -> None:
        self.side = side
        self.home = home
        self.port = port
        self.environment = environment
        self.process = process

    def run(self, *words: str, check: bool = True) -> str:
        """What the client prints; "" if it fails, or BenchmarkError where it must not."""
        done = subprocess.run(
            [*self.side.client, *words],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode == 0:
            return done.stdout or " "
        if check:
            raise BenchmarkError(f"{self.side.name}: {' '.join(words)}: {done.stderr[-1000:]}")
        return ""

    def play(self, definition: str, scripts: list[str]) -> float:
        """Load a suite called s and begin it; seconds until it is complete, from just before it begins."""
        (self.home / "s.def").write_text(definition)
        for script in scripts:
            file = self.home / "s" / f"{script}.ecf"
            file.parent.mkdir(exist_ok=True)
            file.write_text(HEAD)
        self.run("--load=s.def", "force")
        began = time.perf_counter()
        self.run("--begin=s")
        log = next(self.home.glob("*.ecf.log"))
        wait_for(lambda: complete_in(log), f"the suite on {self.side.name}", 600)
        seconds = time.perf_counter() - began
        time.sleep(0.5)  # the last jobs are answered: none is left to look for a server that has gone
        return seconds

    def python(self, what: str, *, talk: bool = False) -> subprocess.Popen[str]:
        """Start the Python client of the side."""
        text = CLIENT.format(module=self.side.module)
        return subprocess.Popen(
            [*self.side.python, "-c", text, str(self.port), what],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def figure(self, what: str) -> float:
        """What the Python client measures."""
        with self.python(what) as process:
            printed, said = process.communicate(timeout=600)
        if process.returncode != 0:
            raise BenchmarkError(f"{self.side.name}: {what}: {said[-1000:]}")
        return float(printed.split()[-1])


def complete_in(log: Path) -> bool:
    """Whether the log says that the suite is complete; it is asked of no server, so as to disturb none."""
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        return b"complete: /s\n" in file.read()


def wait_for(condition, what: str, seconds: float) -> None:
    """Return once a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.005)


def free_port() -> int:
    """Give a port that either server may have."""
    for port in range(20_000 + os.getpid() % 20_000, 49_000):
        with contextlib.suppress(OSError), socket.create_server(("localhost", port)):
            return port
    raise BenchmarkError("there is no free port")


def clean_environment(home: Path) -> dict[str, str]:
    """Give what both sides see."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "USER") if name in os.environ}
    path = os.pathsep.join(["/usr/local/bin", "/usr/bin", "/bin"])
    return {**kept, "HOME": str(home), "PATH": path, "TZ": "UTC"}


def chain(count: int) -> tuple[str, list[str]]:
    """Tasks of which each waits for the one before."""
    names = [f"t{number}" for number in range(count)]
    lines = ["suite s", f" task {names[0]}"]
    for before, name in itertools.pairwise(names):
        lines += [f" task {name}", f"  trigger {before} == complete"]
    return "\n".join([*lines, "endsuite"]) + "\n", names


def free(count: int, *, limit: int = 0) -> tuple[str, list[str]]:
    """Tasks that wait for nothing, or for a limit."""
    names = [f"t{number}" for number in range(count)]
    head = ["suite s"] + ([f" limit l {limit}", " inlimit l"] if limit else [])
    return "\n".join([*head, *(f" task {name}" for name in names), "endsuite"]) + "\n", names


def tree(count: int) -> str:
    """Families of a hundred tasks, each with a trigger, a variable and a label."""
    lines = ["suite big", " edit N 0"]
    for number in range(count):
        if number % 100 == 0:
            lines += [" endfamily"] if number else []
            lines.append(f" family f{number // 100}")
        lines += [f"  task t{number % 100}", "   edit V value", '   label l "text"']
        if number % 100:
            lines.append(f"   trigger t{number % 100 - 1} == complete")
    return "\n".join([*lines, " endfamily", "endsuite"]) + "\n"


def measure_chain(side: Side, scratch: Path, share: float) -> dict[str, float]:
    """Milliseconds a hop."""
    count = max(5, int((200 if side.name == "Tidemill" else 20) * share))
    with side.serving(scratch) as server:
        return {"chain": server.play(*chain(count)) / count * 1000}


def measure_free(side: Side, scratch: Path, share: float) -> dict[str, float]:
    """Tasks a second, and the longest time a ping took meanwhile."""
    count = max(20, int(500 * share))
    with side.serving(scratch) as server, server.python("worst", talk=True) as client:
        assert client.stdout is not None
        client.stdout.readline()
        seconds = server.play(*free(count))
        printed, said = client.communicate("stop\n", timeout=60)
        if client.returncode != 0:
            raise BenchmarkError(f"{side.name}: the client that pings failed: {said[-1000:]}")
        return {"free": count / seconds, "worst": float(printed.split()[-1]) * 1000}


def measure_limit(side: Side, scratch: Path, share: float) -> dict[str, float]:
    """Starts a second with a limit of eight."""
    count = max(16, int((400 if side.name == "Tidemill" else 80) * share))
    with side.serving(scratch) as server:
        return {"limit": count / server.play(*free(count, limit=8))}


def measure_big(side: Side, scratch: Path, share: float) -> dict[str, float]:
    """Loading a large tree, the longest ping meanwhile, and a sync after one change to it."""
    found = {}
    for count, name in ((10_000, " of 10,000"), (100_000, "")):
        count = max(1000, int(count * share))
        with side.serving(scratch) as server:
            (server.home / "big.def").write_text(tree(count))
            with server.python("worst", talk=True) as client:
                assert client.stdout is not None
                client.stdout.readline()
                began = time.perf_counter()
                server.run("--load=big.def")
                found[f"load{name}"] = time.perf_counter() - began
                printed, _ = client.communicate("stop\n", timeout=60)
                found[f"load ping{name}"] = float(printed.split()[-1]) * 1000
            with contextlib.suppress(BenchmarkError):
                found[f"sync{name}"] = server.figure("sync") * 1000
    return found


def measure_ping(side: Side, scratch: Path, share: float) -> dict[str, float]:
    """Pings a second of one Python client."""
    with side.serving(scratch) as server:
        return {"ping": server.figure("ping")}


MEASURES = {
    "chain": measure_chain,
    "free": measure_free,
    "limit": measure_limit,
    "big": measure_big,
    "ping": measure_ping,
}
# Figure: what it is, its unit, whether more is better, and what is accepted: a ratio to the original, or a figure.
ROWS: dict[str, tuple[str, str, bool, float | None, float | None]] = {
    "chain": ("chain of null tasks, a hop", "ms", False, 1 / 30, None),
    "free": ("500 tasks that wait for nothing", "/s", True, 5.0, None),
    "limit": ("starts with a limit of 8", "/s", True, 20.0, None),
    "worst": ("longest ping while 500 jobs start", "ms", False, None, 50.0),
    "load": ("load 100,000 tasks", "s", False, 1.5, None),
    "load ping": ("longest ping meanwhile", "ms", False, None, None),
    "sync of 10,000": ("sync after one change, 10,000 tasks", "ms", False, None, None),
    "sync": ("sync after one change, 100,000 tasks", "ms", False, 1.0, None),
    "ping": ("pings of a Python client (ours encrypted)", "/s", True, 1.0, None),
}


def sides(only: str | None) -> list[Side]:
    """Our side, and the original's where it is installed."""
    python = str(PROGRAMS / "python")
    program = str(PROGRAMS / "tidemill")
    found = [
        Side(
            "Tidemill",
            [program, "server", "--quiet", "--port", "{port}", "--home", "{home}"],
            [program, "ecflow"],
            [python],
            "tidemill.ecflow",
        )
    ]
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    server, client = shutil.which("ecflow_server", path=path), shutil.which("ecflow_client", path=path)
    if server and client:
        found.append(Side("ecFlow", [server, "--port={port}"], [client], ["/usr/bin/python3"], "ecflow"))
    elif only != "tidemill":
        print("ecFlow is not installed (apt install ecflow-server ecflow-client python3-ecflow)", file=sys.stderr)
    return [side for side in found if only in (None, side.name.lower())]


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks/suites.py", description=__doc__)
    parser.add_argument("--measure", action="append", choices=list(MEASURES), help="only these")
    parser.add_argument("--only", choices=["tidemill", "ecflow"], help="run one side only")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, of which the median is shown (3)")
    parser.add_argument("--quick", action="store_true", help="small sizes, one run: tries the harness, proves nothing")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every figure there")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.25 * (os.cpu_count() or 1):
        print(f"warning: the machine is busy (load {load:.2f}); figures will be worse than they are", file=sys.stderr)
    scratch = Path(tempfile.mkdtemp(prefix="tidemill-suites-"))
    chosen = sides(options.only)
    runs: dict[str, dict[str, list[float]]] = {side.name: {} for side in chosen}
    failed = False
    try:
        for name in options.measure or MEASURES:
            for _ in range(1 if options.quick else options.repeats):
                for side in chosen:
                    print(f"  {name}: {side.name} ...", file=sys.stderr, flush=True)
                    try:
                        found = MEASURES[name](side, scratch, 0.1 if options.quick else 1.0)
                    except (BenchmarkError, OSError, subprocess.SubprocessError, ValueError) as error:
                        print(f"{name}: {side.name}: {error}", file=sys.stderr)
                        failed = True
                        continue
                    for figure, value in found.items():
                        runs[side.name].setdefault(figure, []).append(value)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    medians = {
        side: {name: statistics.median(values) for name, values in found.items()} for side, found in runs.items()
    }
    missed = show(medians)
    if options.json:
        options.json.write_text(json.dumps({"runs": runs, "medians": medians}, indent=2) + "\n")
    return 1 if failed or (options.check and missed) else 0


def show(medians: dict[str, dict[str, float]]) -> bool:
    """Print the table; whether a target was missed."""
    ours, theirs = medians.get("Tidemill", {}), medians.get("ecFlow", {})
    missed = False
    print("| what | Tidemill | ecFlow | ratio | accepted |\n|---|---|---|---|---|")
    for name, (what, unit, more, ratio, figure) in ROWS.items():
        if name not in ours and name not in theirs:
            continue
        mine, other = ours.get(name), theirs.get(name)
        cells = ["-" if value is None else f"{value:,.2f} {unit}" for value in (mine, other)]
        found = mine / other if mine is not None and other else None
        accepted = ""
        if ratio is not None:
            accepted = f"{'>=' if more else '<='} {ratio:.3g} of it"
            missed = missed or (found is not None and (found < ratio if more else found > ratio))
        elif figure is not None:
            accepted = f"<= {figure:g} {unit}"
            missed = missed or (mine is not None and mine > figure)
        print(f"| {what} | {' | '.join(cells)} | {'-' if found is None else f'{found:.3g}'} | {accepted} |")
    return missed


if __name__ == "__main__":
    sys.exit(main())
