"""Whoever looks at a run does not hold it up, whatever they ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill.network.client import WorkflowRuntimeClient
from tidemill.network.exceptions import ClientError

TASKS = 1500
WORKFLOW = """
[scheduler]
    allow implicit tasks = True
[task parameters]
    i = 1..{tasks}
[scheduling]
    cycling mode = integer
    final cycle point = {cycles}
    [[graph]]
        P1 = t<i>
[runtime]
    [[root]]
        [[[simulation]]]
            default run length = PT0S
"""
ROUND = "{taskProxies{id firstParent{childTasks{id firstParent{childTasks{id state}}}}}}"
STATES = "{workflows{taskProxies{id state}}}"
LONGEST_SECONDS = 0.5
"""A hold-up would be two seconds; this machine may be busy."""


@pytest.fixture
def install(home: Path, tidemill: Callable[..., Any]) -> Iterator[Callable[..., None]]:
    """Plays a workflow ``w``."""

    def play(*options: str, **values: int) -> None:
        directory = home / "cylc-run" / "w"
        directory.mkdir(parents=True)
        (directory / "flow.cylc").write_text(WORKFLOW.format(**values))
        assert tidemill("play", *options, "w").returncode == 0

    yield play
    tidemill("stop", "--now", "--now", "--wait", "w")


def test_a_query_that_goes_round_in_circles_holds_up_nobody(install: Callable[..., None]) -> None:
    """While it is worked on, and refused in the end, pings are answered as ever."""
    install("--pause", tasks=TASKS, cycles=1)
    refused: list[str] = []
    with WorkflowRuntimeClient("w") as client:
        while len(client("graphql", {"request_string": STATES})["workflows"][0]["taskProxies"]) < TASKS:
            pass

        def ask() -> None:
            with WorkflowRuntimeClient("w") as other:
                try:
                    other("graphql", {"request_string": ROUND})
                except ClientError as error:
                    refused.append(str(error))

        asking = threading.Thread(target=ask)
        asking.start()
        waits = []
        while asking.is_alive():
            sent = time.perf_counter()
            assert client("ping_workflow")
            waits.append(time.perf_counter() - sent)
        asking.join()
        assert len(waits) > 10
        assert max(waits) < LONGEST_SECONDS
        assert "ask for less at a time" in refused[0]


def test_a_simulation_at_work_is_seen_by_whoever_asks(install: Callable[..., None]) -> None:
    """Someone who asks a simulation that never rests is answered, and again as it goes on, up to its end."""
    install("--mode=simulation", "--pause", tasks=30, cycles=2000)
    seen: set[str] = set()
    with WorkflowRuntimeClient("w") as client:
        client("resume_workflow")
        for _ in range(1000):
            try:
                (workflow,) = client("graphql", {"request_string": STATES})["workflows"]
            except ClientError:
                break
            seen |= {one["id"].split("//")[1].partition("/")[0] for one in workflow["taskProxies"]}
            if len(seen) > 20:
                break
    assert len(seen) > 20
