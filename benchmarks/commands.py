#!/usr/bin/env python3
"""Measure remote commands beside conplyent 0.2.17: no-ops, output, files, what an idle server costs.

.venv/bin/python benchmarks/commands.py [--quick] [--only tidemill|conplyent] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENT = "conplyent==0.2.17"

TIDEMILL_SERVER = """
from tidemill.network.commands import HostServer, expose

class Server(HostServer):
    @expose
    def noop(self) -> None:
        pass
"""

TIDEMILL = """
import sys, time
from tidemill import client
port, what, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
connection = client.add("localhost", port=port)
connection.connect(timeout=20)
if what == "noop":
    connection.noop()
    began = time.perf_counter()
    for _ in range(size):
        connection.noop()
    print(size / (time.perf_counter() - began))
elif what == "lines":
    began, count = time.perf_counter(), 0
    for line in connection.exec(["seq", "1", str(size)], complete=False):
        count += 1
    print(count / (time.perf_counter() - began), size - count)
elif what == "next":
    listener = connection.exec(["seq", "1", str(size)], complete=False)
    began, count = time.perf_counter(), 0
    for line in iter(listener.next, None):
        count += 1
    print(count / (time.perf_counter() - began), size - count)
elif what == "transfer":
    began = time.perf_counter()
    connection.transfer(sys.argv[4], sys.argv[5])
    print(size / 1e6 / (time.perf_counter() - began))
elif what == "fetch":
    began = time.perf_counter()
    connection.fetch(sys.argv[4], sys.argv[5])
    print(size / 1e6 / (time.perf_counter() - began))
elif what == "exec":
    began = time.perf_counter()
    for _ in range(size):
        connection.exec(["true"])
    print(size / (time.perf_counter() - began))
"""

CONPLYENT_SERVER = """
import sys
from conplyent import server
import conplyent

@conplyent.register_command
def noop(idx):
    return conplyent.SUCCESS

conplyent.server.start(int(sys.argv[1]))
"""

CONPLYENT = """
import sys, time
from conplyent import client
port, what, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
connection = client.add("localhost", port=port)
connection.connect(timeout=20)
if what == "noop":
    began = time.perf_counter()
    for _ in range(size):
        connection.noop()
    print(size / (time.perf_counter() - began))
elif what in ("lines", "next"):
    listener = connection.exec(["seq", "1", str(size)], complete=False, max_interval=5)
    listener.next()
    began, count = time.perf_counter(), 0
    last = began
    try:
        for message in iter(listener.next, None):
            count += 1
            last = time.perf_counter()
            if listener.done:
                break
    except Exception:
        pass
    print(count / (last - began), size - count)
elif what == "transfer":
    began = time.perf_counter()
    connection.transfer(sys.argv[4], sys.argv[5], chunk=65536)
    print(size / 1e6 / (time.perf_counter() - began))
elif what == "fetch":
    began = time.perf_counter()
    with open(sys.argv[5], "wb") as file:
        for piece in connection.rdfile(sys.argv[4], limit=65536)[1:]:
            file.write(piece)
    print(size / 1e6 / (time.perf_counter() - began))
elif what == "exec":
    began = time.perf_counter()
    for _ in range(size):
        connection.exec(["true"])
    print(size / (time.perf_counter() - began))
import os
sys.stdout.flush()
os._exit(0)
"""

# What, its unit, the size for each side, whether more is better, and what Tidemill is to reach.
MEASURES = {
    "noop": ("no-op commands", "/s", {"Tidemill": 20_000, "conplyent": 2000}, 7000.0),
    "exec": ("exec('true')", "/s", {"Tidemill": 1000, "conplyent": 200}, 0.0),
    "lines": ("lines of output, for loop", "/s", {"Tidemill": 5_000_000, "conplyent": 20_000}, 500_000.0),
    "next": ("lines of output, iter(next, None)", "/s", {"Tidemill": 5_000_000, "conplyent": 20_000}, 500_000.0),
    "transfer": ("file to the host", "MB/s", {"Tidemill": 512 << 20, "conplyent": 2 << 20}, 200.0),
    "fetch": ("file from the host", "MB/s", {"Tidemill": 512 << 20, "conplyent": 2 << 20}, 200.0),
}
IDLE_SECONDS = 5.0
IDLE_TARGET_PERCENT = 0.5


class BenchmarkError(Exception):
    """A run did not do what the measure needs."""


def free_port() -> int:
    """Give a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_conplyent() -> Path:
    """Install conplyent in an environment of its own, once; give its Python."""
    environment = HERE / ".conplyent"
    python = environment / "bin" / "python"
    if not (environment / ".ready").exists():
        print(f"installing {REQUIREMENT} in {environment}", file=sys.stderr)
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", REQUIREMENT, "setuptools<81"], check=True)
        (environment / ".ready").touch()
    return python


@contextlib.contextmanager
def tidemill_server(home: Path) -> Iterator[tuple[list[str], int, int]]:
    """A command server of this checkout; how to start its client, its port and process."""
    programs = HERE.parent / ".venv" / "bin"
    port = free_port()
    (home / "noop_server.py").write_text(TIDEMILL_SERVER)
    with subprocess.Popen(
        [programs / "tidemill", "serve-commands", "--port", str(port), "noop_server:Server"],
        env=environment(home),
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        if not server.stdout.readline():
            raise BenchmarkError("the command server did not start")
        try:
            yield [str(programs / "python"), "-c", TIDEMILL], port, server.pid
        finally:
            server.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def conplyent_server(home: Path) -> Iterator[tuple[list[str], int, int]]:
    """The same of conplyent, its logging off."""
    python = make_conplyent()
    port = free_port()
    with subprocess.Popen(
        [python, "-c", CONPLYENT_SERVER, str(port)],
        env=environment(home),
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            yield [str(python), "-c", CONPLYENT], port, server.pid
        finally:
            server.kill()


def environment(home: Path) -> dict[str, str]:
    """Give what both sides see."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "PATH", "USER") if name in os.environ}
    return {**kept, "HOME": str(home)}


def idle_percent(process: int) -> float:
    """Give the share of a core that a process takes while nothing is asked of it."""

    def ticks() -> int:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(IDLE_SECONDS)
    return 100 * (ticks() - before) / os.sysconf("SC_CLK_TCK") / IDLE_SECONDS


def measure(side: str, scratch: Path, *, share: float, repeats: int) -> dict[str, float]:
    """Take every measure of one side; the median of some runs each."""
    home = scratch / side
    home.mkdir()
    serve = tidemill_server if side == "Tidemill" else conplyent_server
    found: dict[str, float] = {}
    for name, (_, _, sizes, _) in MEASURES.items():
        rates, lost = [], 0.0
        size = max(int(sizes[side] * share), 50)
        source = home / "source"
        if name in ("transfer", "fetch"):
            source.write_bytes(os.urandom(1 << 16) * max(size >> 16, 1))
            size = source.stat().st_size
        # A server of its own for each: conplyent's may not survive the one before.
        with serve(home) as (client, port, _):
            for number in range(repeats):
                print(f"  {name}: {side} ...", file=sys.stderr, flush=True)
                words = [str(port), name, str(size), str(source), str(home / f"target-{number}")]
                try:
                    answer = subprocess.run(
                        [*client, *words], env=environment(home), capture_output=True, text=True, timeout=120
                    )
                except subprocess.TimeoutExpired:
                    print(f"  {name}: {side} did not end in two minutes", file=sys.stderr)
                    break
                if answer.returncode != 0 or not answer.stdout.split():
                    if side == "Tidemill":
                        raise BenchmarkError(f"{side}: {name} failed:\n{answer.stderr[-2000:]}")
                    print(f"  {name}: {side} failed: {answer.stderr[-300:]}", file=sys.stderr)
                    break
                rate, *rest = answer.stdout.split()[-2 if name in ("lines", "next") else -1 :]
                rates.append(float(rate))
                lost = max([lost, *(float(word) for word in rest)])
        if rates:
            found[name] = statistics.median(rates)
        if lost:
            found[f"{name} lost"] = lost
    with serve(home) as (client, port, process):
        subprocess.run([*client, str(port), "noop", "50"], env=environment(home), capture_output=True, timeout=60)
        found["idle"] = idle_percent(process)
    return found


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks/commands.py", description=__doc__)
    parser.add_argument("--only", choices=["tidemill", "conplyent"], help="run one side only")
    parser.add_argument("--quick", action="store_true", help="small sizes: tries the harness, proves nothing")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, of which the median is shown (3)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every figure there")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.25 * (os.cpu_count() or 1):
        print(f"warning: the machine is busy (load {load:.2f}); figures will be worse than they are", file=sys.stderr)
    sides = [side for side in ("Tidemill", "conplyent") if options.only in (None, side.lower())]
    scratch = Path(tempfile.mkdtemp(prefix="tidemill-commands-"))
    figures: dict[str, dict[str, float]] = {}
    try:
        for side in sides:
            figures[side] = measure(
                side, scratch, share=0.1 if options.quick else 1.0, repeats=1 if options.quick else options.repeats
            )
    except BenchmarkError as error:
        print(f"benchmarks/commands.py: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"| what | {' | '.join(sides)} | target |\n|---|{'---|' * (len(sides) + 1)}")
    missed = False
    for name, (what, unit, _, target) in MEASURES.items():
        cells = []
        for side in sides:
            value, lost = figures[side].get(name), figures[side].get(f"{name} lost", 0)
            cells.append(
                "failed" if value is None else f"{value:,.0f} {unit}" + (f", {lost:,.0f} lost" if lost else "")
            )
        wanted = f">= {target:,.0f} {unit}" if target else ""
        print(f"| {what} | {' | '.join(cells)} | {wanted} |")
        missed = missed or figures.get("Tidemill", {}).get(name, target) < target
    idle = [f"{figures[side]['idle']:.2f} %" for side in sides]
    print(f"| idle server, of a core | {' | '.join(idle)} | < {IDLE_TARGET_PERCENT} % |")
    missed = missed or figures.get("Tidemill", {}).get("idle", 0.0) >= IDLE_TARGET_PERCENT
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
