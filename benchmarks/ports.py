"""The port manager: allocations a second on one connection, and the time of a list of 1000; run it by itself.

``python benchmarks/ports.py [--json]`` starts a port manager of its own and ends it. Exits with 1 if a limit is missed.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tidemill.contact import PortManager

SERVICES = 1000
LISTS = 50
LEAST_ALLOCATIONS = 3000
LONGEST_LIST_MILLISECONDS = 5.0


def measure(port: int) -> dict[str, float]:
    """Take all ports over one connection, and list them."""
    with PortManager("localhost", port) as manager:
        began = time.perf_counter()
        for number in range(SERVICES):
            manager.getPort(f"service {number}")
        rate = SERVICES / (time.perf_counter() - began)
        took = []
        for _ in range(LISTS):
            began = time.perf_counter()
            found = manager.listPorts()
            took.append(1000 * (time.perf_counter() - began))
            assert len(found) == SERVICES
    return {"allocations a second": rate, "list of 1000 in ms": statistics.median(took)}


def main() -> int:
    """Measure, print, compare with the limits."""
    command = [Path(sys.executable).parent / "tidemill", "ports", "serve", "--listen", "0", "--ports", "20001-21100"]
    with subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            text += server.stdout.readline()
        try:
            found = measure(json.loads(text)["port"])
        finally:
            server.terminate()
    if "--json" in sys.argv:
        print(json.dumps(found))
    else:
        print(f"allocations a second  {found['allocations a second']:8.0f}  (at least {LEAST_ALLOCATIONS})")
        print(f"list of 1000          {found['list of 1000 in ms']:8.2f} ms  (at most {LONGEST_LIST_MILLISECONDS:g})")
    within = found["allocations a second"] >= LEAST_ALLOCATIONS
    return 0 if within and found["list of 1000 in ms"] <= LONGEST_LIST_MILLISECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
