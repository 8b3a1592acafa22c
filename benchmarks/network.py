"""What clients of a running scheduler wait for: the measures of the network set."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import workflows
from measures import ECHO, SIMULATE, Figures, Sizes
from peers import HERE, BenchmarkError, Peer, Run

CLIENT = HERE / "client.py"
PYTHON = HERE.parent / ".venv" / "bin" / "python"
PING: dict[str, Any] = {"command": "ping_workflow", "args": {}}
LIST_ENDPOINTS: dict[str, Any] = {"command": "api", "args": {}}
WHOLE: dict[str, Any] = {"command": "pb_entire_workflow", "args": {}}
CLIENTS = 8
HAMMERS = 2
PAIRS = 5
SETTLE_SECONDS = 3.0


def query(*fields: str) -> dict[str, Any]:
    """Ask for fields of all task instances."""
    text = f"query {{ workflows {{ taskProxies {{ {' '.join(fields)} }} }} }}"
    return {"command": "graphql", "args": {"request_string": text}}


TWO_FIELDS = query("id", "state")
FIVE_FIELDS = query("id", "state", "name", "cyclePoint", "isHeld")


def start_client(run: Run, *arguments: object) -> subprocess.Popen[str]:
    """Start the plain client: the same program for both schedulers."""
    words = [json.dumps(word) if isinstance(word, dict) else str(word) for word in arguments]
    command = [str(PYTHON), str(CLIENT), str(run.directory), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(client: subprocess.Popen[str]) -> Any:
    """Wait for a client; give what it measured."""
    output, errors = client.communicate(timeout=600)
    if client.returncode != 0:
        raise BenchmarkError(f"the client failed:\n{errors[-2000:]}")
    return json.loads(output)


def measured(run: Run, *arguments: object) -> Any:
    """Run the plain client to its end."""
    return result(start_client(run, *arguments))


def bare_echo(clients: int, seconds: float) -> float:
    """Round trips a second of a bare encrypted echo."""
    command = [str(PYTHON), str(ECHO), str(seconds), str(clients)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    return float(answer.stdout)


def pings(peer: Peer, sizes: Sizes) -> Figures:
    """Pings of one client and of eight, next to a bare echo with as many."""
    request, seconds = PING if peer.name == "Tidemill" else LIST_ENDPOINTS, sizes.ping_seconds
    figures: Figures = {}
    with Run(peer, "pings", workflows.free(1), ("--pause",)) as run:
        run.wait_for_answer()
        for clients, name in ((1, "one"), (CLIENTS, "eight")):
            started = [start_client(run, "rate", seconds, request) for _ in range(clients)]
            rate = sum(result(client) for client in started)
            figures[f"plain pings, {name}"] = rate
            if peer.name == "Tidemill":
                figures[f"echo share, {name}"] = 100 * rate / bare_echo(clients, seconds)
    return figures


def questions(peer: Peer, sizes: Sizes) -> Figures:
    """What it takes to ask for the states of many tasks, and for the whole, of a run that is paused."""
    figures: Figures = {}
    with Run(peer, "some", workflows.free(sizes.simulated), ("--pause",), timeout_seconds=300) as run:
        _come_to_rest(run, sizes.simulated)
        grown = _growth(run, FIVE_FIELDS)
        figures["query of 1000"] = measured(run, "each", 20, TWO_FIELDS)["seconds"]
        figures["delta latency"] = measured(run, "deltas", 20 if peer.name == "Tidemill" else 5)
    with Run(peer, "many", workflows.free(sizes.many), ("--pause",), timeout_seconds=300) as run:
        _come_to_rest(run, sizes.many)
        if peer.name == "Tidemill":
            # Beyond what the first look costs whatever there is to see.
            more = _growth(run, FIVE_FIELDS) - grown
            figures["memory of the picture"] = 1024 * more / (sizes.many - sizes.simulated)
        figures["query of 10,000"] = measured(run, "each", 10, FIVE_FIELDS)["seconds"]
        figures["whole of 10,000"] = measured(run, "each", 10, WHOLE)["seconds"]
    return figures


def _come_to_rest(run: Run, count: int) -> None:
    """Wait until a paused run has all its tasks: one that answers pings may not have them yet."""
    run.wait_for_answer()
    if run.peer.name == "Tidemill":
        # Asking would make the picture, whose cost is to be measured.
        time.sleep(SETTLE_SECONDS)
        return
    least = count * len('{"id": "~u/w//1/t_1", "state": "waiting"}')
    while measured(run, "each", 1, TWO_FIELDS)["bytes"] < least:
        time.sleep(SETTLE_SECONDS)


def _growth(run: Run, request: dict[str, Any]) -> float:
    """Memory in MiB that a first look takes, the picture it makes included."""
    before = run.memory_mebibytes()
    measured(run, "each", 1, request)
    return run.memory_mebibytes() - before


def hammered(peer: Peer, sizes: Sizes) -> Figures:
    """How much longer a simulation takes while clients ask as fast as they can, and how soon a quiet one is answered.

    Runs with and without clients take turns; each is timed from its start to its end.
    """
    if peer.name != "Tidemill":
        return {}
    alone, together = [], []
    for _ in range(PAIRS):
        alone.append(_simulation(peer, sizes.simulated, is_hammered=False))
        together.append(_simulation(peer, sizes.simulated, is_hammered=True))
    figures = {"slowed by clients": 100 * (statistics.median(together) / statistics.median(alone) - 1)}
    with Run(peer, "hammered-idle", workflows.free(sizes.simulated), ("--pause",)) as run:
        run.wait_for_answer()
        clients = _hammers(run)
        figures["quiet client"] = measured(run, "pace", 3, 0.005)[1]
        for client in clients:
            client.kill()
            client.communicate()
    return figures


def _hammers(run: Run) -> list[subprocess.Popen[str]]:
    return [start_client(run, "hammer", PING, TWO_FIELDS, PING, WHOLE) for _ in range(HAMMERS)]


def _simulation(peer: Peer, count: int, *, is_hammered: bool) -> float:
    clients: list[subprocess.Popen[str]] = []
    with Run(peer, "hammered", workflows.free(count), (SIMULATE,)) as run:
        if is_hammered:
            contact = run.directory / ".service" / "contact"
            while not contact.exists():
                time.sleep(0.001)
            clients = _hammers(run)
        seconds = run.finish().wall_seconds
    for client in clients:
        client.kill()
        client.communicate()
    return seconds


MEASURES: dict[str, Callable[[Peer, Sizes], Figures]] = {
    "pings": pings,
    "questions": questions,
    "hammered": hammered,
}

if __name__ == "__main__":
    sys.exit(f"start {Path(__file__).with_name('run')} --set network")
