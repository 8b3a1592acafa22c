"""Setting outputs and prerequisites that are not there: refused before anything changes, else told one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Player = Callable[..., Any]


def result(run: Any, **arguments: Any) -> dict[str, Any]:
    """What `set` answers."""
    run.command("set", **arguments)
    found: dict[str, Any] = run.engine.results.pop("test")
    return found


@pytest.mark.parametrize("task", ["1/a", "1/c"])
def test_an_output_that_no_task_has_is_refused(play: Player, task: str) -> None:
    """No such output: nothing is changed, nothing spawned, and those there are are named."""
    run = play("a => b => c", {"1/a": "hang"}).run()
    before = list(run.engine.pool)
    answer = result(run, tasks=[task], outputs=["nosuch"])
    assert answer["refused"].startswith(f"No such output: nosuch; {task[2:]} can have expired, failed, started")
    assert list(run.engine.pool) == before


@pytest.mark.parametrize("task", ["1/b", "1/c"])
def test_a_prerequisite_that_no_task_has_is_refused(play: Player, task: str) -> None:
    """A task does not depend on what is named: nothing is changed, whether it is in the pool or not."""
    run = play("a & x => b => c", {"1/a": "hang"}).run()
    before = list(run.engine.pool)
    answer = result(run, tasks=[task], prerequisites=["1/nosuch"])
    assert answer["refused"] == f"No such prerequisite: {task} does not depend on 1/nosuch"
    assert list(run.engine.pool) == before


def test_what_is_there_is_set_and_the_rest_told(play: Player) -> None:
    """Of several, those there are are set; the others are told, and the result names only what has changed."""
    run = play("a => b\na & h => c", {"1/a": "hang", "1/h": "hang"}).run()
    answer = result(run, tasks=["1/a"], outputs=["succeeded", "nosuch"])
    assert answer["tasks"] == ["1/a"]
    assert answer["skipped"] == ["1/a has no output nosuch"]
    answer = result(run, tasks=["1/c"], prerequisites=["1/h", "1/b"])
    assert (answer["tasks"], answer["skipped"]) == (["1/c"], ["1/c does not depend on 1/b"])
    assert answer["set"] == {"1/c": ["1/h:succeeded"]}


def test_a_trigger_that_a_task_does_not_wait_for_is_refused(play: Player) -> None:
    """An external trigger that a task has not got cannot be set."""
    run = play("a => b\na & h => c", {"1/a": "hang", "1/h": "hang"}).run()
    answer = result(run, tasks=["1/a"], prerequisites=["xtrigger/nosuch"])
    assert answer == {"refused": "1/a does not wait for xtrigger/nosuch"}
