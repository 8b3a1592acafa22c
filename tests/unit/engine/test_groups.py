"""Families that trigger families: counters, not pairs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Player = Callable[..., object]

FAMILIES = """
[task parameters]
    m = 1..40
[scheduling]
    [[queues]]
        [[[default]]]
            limit = 0
    [[graph]]
        R1 = "FIRST:succeed-all => SECOND"
[runtime]
    [[FIRST, SECOND]]
    [[a<m>]]
        inherit = FIRST
    [[b<m>]]
        inherit = SECOND
"""


def test_one_success_of_many_touches_nobody(play: Player) -> None:
    """What a member completes is one change of one prerequisite, however many wait for it."""
    run = play(FAMILIES, {f"1/a_m{number:02d}": "hang" for number in range(2, 41)})
    run.run()
    run.engine.take()
    run.engine.spawner.satisfy(next(iter(run.engine.spawner.prerequisites.values()))[0], 5, "force satisfied")
    changes = run.engine.take().changes
    assert (len(changes.satisfied), len(changes.prerequisites), len(changes.proxies)) == (1, 0, 0)
    assert len(changes.with_prerequisites()) == 40


def test_siblings_share_what_they_were_triggered_off(play: Player) -> None:
    """One answer for all of them; one that a user changed has its own."""
    run = play(FAMILIES, {"1/a_m01": "fail"}, stall_timeout_seconds=None).run()
    run.command("set", tasks=["1/b_m07"], prerequisites=["1/a_m01"])
    run.run()
    run.command("set", tasks=["1/a_m01"], outputs=["succeeded"])
    run.run()
    everyone = [f"1/a_m{number:02d}" for number in range(1, 41)]
    for number in range(1, 41):
        assert run.triggered_off[f"1/b_m{number:02d}/01"] == everyone
    assert run.stop.reason == "AUTOMATIC"


def test_a_prerequisite_taken_back_is_not_remembered(play: Player) -> None:
    """After a removal and another satisfaction the parents are those of now."""
    run = play("a | x => b\na | x => c\nlast", {"1/a": "hang", "1/x": "hang"}).run()
    run.command("hold", tasks=["1/b", "1/c"])
    run.command("set", tasks=["1/a"], outputs=["succeeded"])
    run.command("release", tasks=["1/b"])
    run.run()
    assert run.triggered_off["1/b/01"] == ["1/a"]
    run.command("remove_tasks", tasks=["1/a", "1/b"])
    run.command("set", tasks=["1/x"], outputs=["succeeded"])
    run.command("release", tasks=["1/c"])
    run.run()
    assert run.triggered_off["1/b/02"] == ["1/x"]
    assert run.triggered_off["1/c/01"] == ["1/x"]


def test_the_benchmark_runs_and_counts_as_many_links_as_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """`benchmarks/groups.py`, at a size that takes no time."""
    path = Path(__file__).parents[3] / "benchmarks" / "groups.py"
    specification = importlib.util.spec_from_file_location("benchmark_of_groups", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    row = module.measure(20)
    assert (row["tasks"], row["links"], row["pairs"]) == (40, 40, 400)
    monkeypatch.setattr(sys, "argv", ["groups.py", "--size", "5"])
    assert module.main() == 0
