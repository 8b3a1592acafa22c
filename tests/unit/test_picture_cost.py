"""What following a run costs: as much as changes, however much there is, and each byte is made once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tidemill.flow.engine.commands import check
from tidemill.flow.engine.engine import Engine
from tidemill.flow.engine.events import Command, Start
from tidemill.flow.engine.options import EngineOptions
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.picture import wire
from tidemill.flow.picture.definitions import WorkflowIdentity
from tidemill.flow.picture.encode_instances import TaskProxyKind
from tidemill.flow.picture.picture import Picture
from tidemill.proto import data_messages_pb2 as pb

IDENTITY = WorkflowIdentity("ada", "tide/run1", host="localhost", port=43001, publish_port=43002)


def started(directory: Path, tasks: int) -> tuple[Engine, Picture]:
    """A run in which so many tasks of four families are ready and paused, with all of its picture told."""
    names = ", ".join(f"t{number}" for number in range(tasks))
    text = f"""
[scheduling]
    [[graph]]
        R1 = {" & ".join(f"t{number}" for number in range(tasks))} => end
[runtime]
    [[FAMILY]]
    [[{names}]]
        inherit = FAMILY
    [[end]]
"""
    (directory / "flow.cylc").write_text(text)
    config = load_config(str(directory))
    options = EngineOptions(run_mode="simulation", start_paused=True)
    engine = Engine(build_definition(config, now=1e9), options=options)
    engine.handle(Start(1_000_000.0))
    while not engine.advance(50):
        pass
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    picture.complete()
    engine.take()
    picture.take_deltas()
    return engine, picture


def hold(engine: Engine, picture: Picture, number: int) -> list[tuple[str, bytes]]:
    """Hold one task; what is published of it."""
    arguments = {"tasks": [f"1/t{number}"]}
    check(engine, "hold", arguments)
    engine.handle(Command(engine.now, "hold", arguments, str(number)))
    while not engine.advance(50):
        pass
    picture.update(engine.take())
    return picture.take_deltas()


def test_one_change_costs_the_same_among_ten_times_as_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holding one task writes as many fields and tells as many elements among 1000 tasks as among 100."""
    written: Counter[str] = Counter()
    for name in ("text", "boolean", "integer", "message", "references"):
        plain = getattr(wire, name)

        def counting(*arguments: object, name: str = name, plain: object = plain) -> bytes:
            written[name] += 1
            return plain(*arguments)  # type: ignore[operator, no-any-return]

        monkeypatch.setattr(wire, name, counting)
    costs = []
    for tasks in (100, 1000):
        directory = tmp_path / str(tasks)
        directory.mkdir()
        engine, picture = started(directory, tasks)
        hold(engine, picture, 1)
        written.clear()
        messages = dict(hold(engine, picture, 2))
        deltas = pb.AllDeltas.FromString(messages["all"])
        assert [one.id for one in deltas.task_proxies.updated] == ["~ada/tide/run1//1/t2"]
        assert not deltas.HasField("tasks")
        assert not deltas.HasField("edges")
        costs.append((dict(written), len(messages["all"]) // 100))
    assert costs[0] == costs[1]


def test_an_update_is_written_once_for_all_topics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed element is written once; what its topic carries is in `all` byte for byte."""
    engine, picture = started(tmp_path, 20)
    calls = 0
    plain = TaskProxyKind.update

    def counting(self: TaskProxyKind, element: object, stamp: str) -> bytes:
        nonlocal calls
        calls += 1
        return plain(self, element, stamp)  # type: ignore[arg-type]

    monkeypatch.setattr(TaskProxyKind, "update", counting)
    messages = dict(hold(engine, picture, 3))
    assert calls == 1
    assert {"task_proxies", "family_proxies", "workflow", "all"} == set(messages)
    assert all(payload in messages["all"] for topic, payload in messages.items())


def test_an_unchanged_whole_is_made_once(tmp_path: Path) -> None:
    """The whole that many ask for is the same bytes until a batch follows, and then holds what that told."""
    engine, picture = started(tmp_path, 20)
    first = picture.entire()
    assert picture.entire() is first
    batch = dict(hold(engine, picture, 3))
    second = pb.PbEntireWorkflow.FromString(picture.entire())
    assert second.sequence == pb.PbEntireWorkflow.FromString(first).sequence + 1
    assert second.sequence == pb.AllDeltas.FromString(batch["all"]).sequence
    assert {one.name for one in second.task_proxies if one.is_held} == {"t3"}
