"""A picture that follows in rounds: what several turns changed is taken in at once; until then it stays as it was."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.flow.engine.engine import Engine
from tidemill.flow.engine.events import Start, Tick
from tidemill.flow.engine.options import EngineOptions
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.picture.definitions import WorkflowIdentity
from tidemill.flow.picture.picture import Picture
from tidemill.proto import data_messages_pb2 as pb

IDENTITY = WorkflowIdentity("ada", "tide", job_log_directory="/run/log/job")
FLOW = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    final cycle point = 6
    runahead limit = P1
    [[graph]]
        P1 = a => FAM:succeed-all => b => c & d
        +P1/P1 = c[-P1] => a
[runtime]
    [[root]]
        [[[simulation]]]
            default run length = PT5S
    [[FAM]]
    [[m1, m2]]
        inherit = FAM
    [[m2]]
        execution retry delays = PT3S, PT3S
        [[[simulation]]]
            fail cycle points = 1, 2
            fail try 1 only = True
"""


def begun(directory: Path) -> tuple[Engine, Picture]:
    """A run before its first turn, and its picture."""
    (directory / "flow.cylc").write_text(FLOW)
    config = load_config(str(directory))
    engine = Engine(build_definition(config, now=1e9), options=EngineOptions(run_mode="simulation"))
    engine.handle(Start(1_000_000.0))
    return engine, Picture(engine, IDENTITY, runtime=config.runtime)


def shown(picture: Picture) -> dict[str, dict[str, object]]:
    """What a reader sees of instances, families and edges."""
    return {
        "instances": {
            one.id: (one.state, one.graph_depth, one.flow_nums, sorted(one.outputs or ()), one.is_runahead)
            for one in picture.task_proxies.elements.values()
            if one.graph_depth == 0
        },
        "window": dict.fromkeys(picture.task_proxies.elements),
        "families": {one.id: (one.state, dict(one.state_totals)) for one in picture.family_proxies.elements.values()},
        "edges": dict.fromkeys(picture.edges.elements),
    }


def instances_of(whole: bytes) -> list[bytes]:
    """The messages of all instances and jobs in a whole picture."""
    message = pb.PbEntireWorkflow.FromString(whole)
    return [one.SerializeToString(deterministic=True) for one in (*message.task_proxies, *message.jobs)]


@settings(max_examples=40, deadline=None)
@given(rounds=st.lists(st.booleans(), min_size=5, max_size=60))
def test_a_round_ends_where_following_every_turn_does(tmp_path_factory: object, rounds: list[bool]) -> None:
    """Whenever a round is taken, the picture shows what one that took in every turn shows."""
    directory: Path = tmp_path_factory.mktemp("run")  # type: ignore[attr-defined]
    engine, lazy = begun(directory)
    eager = Picture(engine, IDENTITY, runtime=None)
    for is_round in rounds:
        while not engine.advance(50):
            pass
        turn = engine.take()
        lazy.note(turn)
        eager.update(turn)
        if is_round:
            lazy.catch_up()
            assert shown(lazy) == shown(eager)
        wake = engine.next_wake()
        if wake is None or engine.shutdown.is_stopped:
            break
        engine.handle(Tick(wake))


def test_between_rounds_it_stays_as_it_was(tmp_path: Path) -> None:
    """While the engine may hold what is not committed, whoever asks sees the last round, in the whole too; only lines
    of the log are told as they come."""
    engine, picture = begun(tmp_path)
    while not engine.advance(50):
        pass
    picture.update(engine.take())
    before = shown(picture)
    whole = instances_of(picture.entire())
    picture.is_open = False
    for _ in range(6):
        engine.handle(Tick(engine.next_wake() or engine.now))
        while not engine.advance(50):
            pass
        picture.note(engine.take())
        picture.catch_up()
        assert shown(picture) == before
        assert instances_of(picture.entire()) == whole
    picture.is_open = True
    assert instances_of(picture.entire()) != whole
    assert shown(picture) != before


def test_every_job_between_rounds_is_shown(tmp_path: Path) -> None:
    """A job that failed and was tried again before anyone looked is shown as failed, beside the one after it."""
    engine, picture = begun(tmp_path)
    while True:
        while not engine.advance(50):
            pass
        picture.note(engine.take())
        proxy = next((one for one in engine.pool.values() if one.id == "1/m2" and one.submit_number == 2), None)
        if proxy is not None and proxy.status == "running":
            break
        if any(one.id == "1/m2" for one in engine.pool.values()) and not picture.task_proxies.elements:
            # Once, so that the instance is known: jobs of what was never shown are not.
            picture.catch_up()
        engine.handle(Tick(engine.next_wake() or engine.now))
    picture.catch_up()
    element = picture.task_proxies.elements["~ada/tide//1/m2"]
    assert [(job.submit_num, job.state) for job in element.jobs or ()] == [(1, "failed"), (2, "running")]
