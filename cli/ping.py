"""`tidemill ping`: does the scheduler answer?"""

from __future__ import annotations

import sys
from typing import Any

from ..exceptions import TidemillError
from .plain import Parser
from .suites import are_suites
from .suites import ping as ping_suite_server
from .workflows import find_runs


def main(argv: list[str]) -> int:
    """Print ``HOST:PORT`` of each workflow that answers; 1 if one does not."""
    parser = Parser("ping", "Print HOST:PORT of running workflows, once they have answered.", json=True)
    parser.add_argument(
        "workflows",
        nargs="+",
        metavar="WORKFLOW",
        help="a workflow, a pattern in quotes: 'ocean*', or a suite server: HOST:PORT",
    )
    parser.add_timeout()
    printer, values = parser.parse(argv)
    is_of_suites = are_suites(values.workflows)
    runs = list(values.workflows) if is_of_suites else find_runs(values.workflows, running=True)
    answers: list[dict[str, Any]] = []
    failed = False
    for run in runs:
        try:
            answers.append((ping_suite_server if is_of_suites else _ping)(run, values.comms_timeout))
        except TidemillError as error:
            # With several, each is said; the rest is still asked.
            if len(runs) == 1:
                raise
            failed = True
            answers.append({"workflow": run, "error": f"{type(error).__name__}: {error}"})
            print(f"{run}: {type(error).__name__}: {error}", file=sys.stderr)
    # With several, a bare address would not tell whose it is.
    many = len(runs) > 1
    lines = [f"{run['workflow']}: {run['address']}" if many else run["address"] for run in answers if "address" in run]
    printer.result(answers, "\n".join(lines))
    return 1 if failed else 0


def _ping(run: str, timeout: float | None) -> dict[str, Any]:
    from time import perf_counter

    from ..network.client import WorkflowRuntimeClient

    with WorkflowRuntimeClient(run, timeout=timeout) as client:
        start = perf_counter()
        client("ping_workflow")
        seconds = perf_counter() - start
        return {"workflow": run, "address": f"{client.host}:{client.port}", "seconds": seconds}
