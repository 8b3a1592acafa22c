"""What the picture shows of a run, and how it is kept."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.flow.engine.engine import Engine, Turn
from tidemill.flow.engine.events import Start, Tick
from tidemill.flow.engine.options import EngineOptions
from tidemill.flow.engine.reloading import reload
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import WorkflowConfig, load_config
from tidemill.flow.language.exceptions import LanguageError
from tidemill.flow.picture import wire
from tidemill.flow.picture.checksum import Checksum
from tidemill.flow.picture.definitions import WorkflowIdentity
from tidemill.flow.picture.elements import TaskProxyElement
from tidemill.flow.picture.exceptions import PictureError
from tidemill.flow.picture.picture import Picture
from tidemill.flow.picture.window import Window
from tidemill.proto import data_messages_pb2 as pb

IDENTITY = WorkflowIdentity("ada", "tide", job_log_directory="/run/log/job")


def load(directory: Path, text: str) -> tuple[WorkflowConfig, Engine]:
    (directory / "flow.cylc").write_text(text)
    config = load_config(str(directory))
    definition = build_definition(config, now=1e9)
    return config, Engine(definition, options=EngineOptions(run_mode="simulation", stall_timeout_seconds=None))


def to_the_end_of_the_turn(engine: Engine) -> None:
    """Work off what is due now, simulated jobs that were prepared included."""
    while not engine.advance(50):
        pass
    if engine.next_wake() == engine.now:
        engine.handle(Tick(engine.now))
        while not engine.advance(50):
            pass


def turns(engine: Engine, most: int = 100) -> Iterator[Turn]:
    engine.handle(Start(1_000_000.0))
    for _ in range(most):
        to_the_end_of_the_turn(engine)
        yield engine.take()
        wake = engine.next_wake()
        if wake is None or engine.shutdown.is_stopped:
            return
        engine.handle(Tick(wake))


def proxy(picture: Picture, id: str) -> TaskProxyElement:
    return picture.task_proxies.elements[f"~ada/tide//{id}"]


CHAIN = """
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    final cycle point = 2
    runahead limit = P0
    [[graph]]
        P1 = a => b => c => d
[runtime]
    [[root]]
        [[[simulation]]]
            default run length = PT5S
"""


def test_the_window_moves_with_the_run(tmp_path: Path) -> None:
    """At extent 1 a chain shows what runs, what came before it and what comes after it."""
    config, engine = load(tmp_path, CHAIN)
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    shown = []
    for turn in turns(engine):
        picture.update(turn)
        first = [one for one in picture.task_proxies.elements.values() if one.cycle_point == "1"]
        shown.append(sorted((one.name, one.graph_depth, one.state) for one in first))
    assert shown[0] == [("a", 0, "running"), ("b", 1, "waiting")]
    assert shown[1] == [("a", 1, "succeeded"), ("b", 0, "running"), ("c", 1, "waiting")]
    assert shown[2] == [("b", 1, "succeeded"), ("c", 0, "running"), ("d", 1, "waiting")]


def test_a_family_shows_what_its_tasks_do(tmp_path: Path) -> None:
    """Counts and the derived state of a family follow its tasks, through every generation."""
    config, engine = load(
        tmp_path,
        CHAIN.replace("a => b => c => d", "m1 & m2 & x").replace(
            "[runtime]",
            "[runtime]\n    [[BIG]]\n    [[FAM]]\n        inherit = BIG\n    [[m1, m2]]\n        inherit = FAM\n"
            "    [[m2]]\n        [[[simulation]]]\n            fail cycle points = 1\n"
            "    [[x]]\n        [[[simulation]]]\n            default run length = PT9S",
        ),
    )
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    run = turns(engine)
    picture.update(next(run))
    families = picture.family_proxies.elements
    assert families["~ada/tide//1/FAM"].state == "running"
    assert families["~ada/tide//1/FAM"].state_totals["running"] == 2
    assert families["~ada/tide//1/root"].state_totals["running"] == 3
    picture.update(next(run))
    family = families["~ada/tide//1/BIG"]
    assert (family.state, family.states) == ("failed", ("failed",))
    assert families["~ada/tide//1/root"].state == "failed"
    assert picture.workflow.states == ["waiting", "running", "failed"]


def test_jobs_messages_and_mean_times_are_shown(tmp_path: Path) -> None:
    """A job has its times, what it said and the mean run time of its task."""
    config, engine = load(
        tmp_path, CHAIN.replace("[runtime]", "[runtime]\n    [[a]]\n        [[[outputs]]]\n            x = well done")
    )
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    run = turns(engine)
    for _ in range(2):
        picture.update(next(run))
    (job,) = proxy(picture, "1/a").jobs or []
    assert (job.state, job.messages, job.job_log_dir) == (
        "succeeded",
        ("well done", "succeeded"),
        "/run/log/job/1/a/01",
    )
    assert (job.submitted_time, job.finished_time) == ("1970-01-12T13:46:40Z", "1970-01-12T13:46:45Z")
    assert picture.definitions.task("a").mean_elapsed_time == 5.0
    assert picture.workflow.latest["succeeded"][0] == "1/a"


def test_prerequisites_tell_how_they_were_met(tmp_path: Path) -> None:
    """Conditions of one expression stand together; terms that must all hold are prerequisites of their own."""
    config, engine = load(tmp_path, CHAIN.replace("a => b => c => d", "'''\na => b\na | b => c\na & b => d\n'''"))
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    run = turns(engine)
    picture.update(next(run))
    picture.update(next(run))
    (either,) = [part for one in proxy(picture, "1/c").prerequisites for part in one.parts]
    assert either.expression == "0 | 1"
    assert [(one.task_id, one.satisfied, one.message) for one in either.conditions] == [
        ("1/a", True, "satisfied naturally"),
        ("1/b", False, "unsatisfied"),
    ]
    assert either.satisfied
    both = [part for one in proxy(picture, "1/d").prerequisites for part in one.parts]
    assert [(part.expression, part.satisfied) for part in both] == [("0", True), ("0", False)]


def test_only_warnings_and_worse_are_shown_of_the_log(tmp_path: Path) -> None:
    """The last ten lines that deserve attention are kept."""
    config, engine = load(tmp_path, CHAIN)
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    for number in range(12):
        picture.log("INFO", "nothing")
        picture.log("WARNING", str(number))
    assert [record.message for record in picture.workflow.log_records] == [str(number) for number in range(2, 12)]


def test_a_kind_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Asking for an unknown type of element lists those there are."""
    config, engine = load(tmp_path, CHAIN)
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    with pytest.raises(PictureError, match="no elements of type 'cats'; types are all, edges, families"):
        picture.elements("cats")


def test_everything_of_every_kind_can_be_had(tmp_path: Path) -> None:
    """Each kind comes as its own deltas, all of it added; `all` has the same of every kind."""
    config, engine = load(tmp_path, CHAIN)
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    picture.update(next(turns(engine)))
    whole = pb.PbEntireWorkflow.FromString(picture.entire())
    everything = pb.AllDeltas.FromString(picture.elements("all"))
    kinds = {
        "edges": pb.EDeltas,
        "families": pb.FDeltas,
        "family_proxies": pb.FPDeltas,
        "jobs": pb.JDeltas,
        "tasks": pb.TDeltas,
        "task_proxies": pb.TPDeltas,
    }
    for name, kind in kinds.items():
        delta = kind.FromString(picture.elements(name))
        assert sorted(one.id for one in delta.added) == sorted(one.id for one in getattr(whole, name)) != []
        assert list(getattr(everything, name).added) == list(delta.added)
        assert delta.time > whole.workflow.last_updated
    assert pb.WDeltas.FromString(picture.elements("workflow")).added.id == "~ada/tide"


def test_an_update_is_written_once(tmp_path: Path) -> None:
    """The topic `all` carries the very bytes of the other topics."""
    config, engine = load(tmp_path, CHAIN)
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    run = turns(engine)
    picture.update(next(run))
    picture.take_deltas()
    picture.update(next(run))
    *topics, (last, payload) = picture.take_deltas()
    assert last == "all"
    assert [topic for topic, _ in topics] == [
        "family_proxies",
        "jobs",
        "tasks",
        "task_proxies",
        "edges",
        "workflow",
    ]
    for _, data in topics:
        assert data in payload
    assert picture.take_deltas() == []
    assert not picture.has_news


def test_a_reload_sends_everything_anew_and_keeps_what_was_learnt(tmp_path: Path) -> None:
    """After a reload one batch says `reloaded` for every type; run times and jobs of before are still there."""
    config, engine = load(tmp_path, CHAIN)
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    run = turns(engine)
    for _ in range(2):
        picture.update(next(run))
    picture.take_deltas()
    picture.reload(engine, runtime=config.runtime)
    (payload,) = [payload for topic, payload in picture.take_deltas() if topic == "all"]
    deltas = pb.AllDeltas.FromString(payload)
    for field, delta in deltas.ListFields():
        if field.name != "sequence":
            assert delta.reloaded, field.name
    assert deltas.workflow.added.reloaded
    assert {one.id for one in deltas.jobs.added} == {"~ada/tide//1/a/01", "~ada/tide//1/b/01"}
    assert picture.definitions.task("a").mean_elapsed_time == 5.0


def test_a_task_that_a_reload_left_running_is_still_shown(tmp_path: Path) -> None:
    """A job whose task is no longer defined goes on, and the picture goes on showing it until it ends."""
    config, engine = load(tmp_path, CHAIN)
    picture = Picture(engine, IDENTITY, runtime=config.runtime)
    run = turns(engine)
    picture.update(next(run))
    assert proxy(picture, "1/a").state == "running"
    (tmp_path / "flow.cylc").write_text(CHAIN.replace("a => b => c => d", "x => y"))
    config = load_config(str(tmp_path))
    reload(engine, build_definition(config, now=1e9))
    while not engine.advance(50):
        pass
    turn = engine.take()
    assert turn.changes.reloaded
    picture.reload(engine, runtime=config.runtime)
    assert proxy(picture, "1/a").state == "running"
    assert proxy(picture, "1/x").graph_depth == 0
    whole = pb.PbEntireWorkflow.FromString(picture.entire())
    assert "~ada/tide//1/a/01" in {job.id for job in whole.jobs}
    for turn in run:
        picture.update(turn)
        pb.PbEntireWorkflow.FromString(picture.entire())
    assert "~ada/tide//1/a" not in picture.task_proxies.elements


# -- by random runs ----------------------------------------------------------------------------------------------------

ARROWS = (
    "a => b",
    "b => c",
    "a | b => c",
    "a => FAM",
    "FAM:succeed-all => d",
    "c[-P1] => c",
    "d[-P2] => a",
    "a & b => m1",
)


@st.composite
def workflows(draw: st.DrawFn) -> str:
    arrows = "\n            ".join(draw(st.lists(st.sampled_from(ARROWS), min_size=1, max_size=6, unique=True)))
    return f"""
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    final cycle point = 4
    runahead limit = P{draw(st.integers(0, 3))}
    [[queues]]
        [[[default]]]
            limit = {draw(st.integers(0, 2))}
    [[graph]]
        P1 = \"\"\"
            {arrows}
        \"\"\"
[runtime]
    [[root]]
        [[[simulation]]]
            default run length = PT5S
    [[FAM]]
    [[m1, m2, m3]]
        inherit = FAM
"""


def neighbours(engine: Engine) -> dict[tuple[int, str], set[tuple[int, str]]]:
    """Every instance of a finite workflow with those it has an arrow to or from, pair by pair."""
    definition, graph = engine.definition, engine.graph
    found: dict[tuple[int, str], set[tuple[int, str]]] = {}
    for name, node in graph.nodes.items():
        for tree in (*node.trees, *node.suicide_trees):
            for point in range(definition.start_point, (definition.final_point or 0) + 1):
                if not tree.dependency.sequence.contains(point):
                    continue
                for leaf in tree.leaves:
                    parent = point if leaf.offset is None else leaf.offset.parent(point)
                    if parent >= definition.start_point and graph.nodes[leaf.task].sequence.contains(parent):
                        found.setdefault((point, name), set()).add((parent, leaf.task))
                        found.setdefault((parent, leaf.task), set()).add((point, name))
    return found


@settings(max_examples=60, deadline=None)
@given(workflows(), st.integers(0, 4))
def test_the_window_is_what_a_search_would_find(text: str, extent: int) -> None:
    """After every turn, distances and edges are those a breadth-first search of the whole graph gives."""
    with TemporaryDirectory() as directory:
        try:
            _, engine = load(Path(directory), text)
        except LanguageError:
            return
    around = neighbours(engine)
    window = Window(engine.definition, engine.graph, extent)
    edges: set[tuple[tuple[int, str], tuple[int, str]]] = set()
    before: set[tuple[int, str]] = set()
    for _ in turns(engine):
        pool = set(engine.pool)
        change = window.update(pool - before, before - pool)
        before = pool
        edges |= {(edge.source.key, edge.target.key) for edge in change.edges_added}
        edges -= {(edge.source.key, edge.target.key) for edge in change.edges_removed}
        depths = dict.fromkeys(pool, 0)
        front = list(pool)
        for depth in range(1, extent + 1):
            front = [key for one in front for key in around.get(one, ()) if key not in depths]
            depths.update(dict.fromkeys(front, depth))
        assert {node.key: node.depth for node in window.nodes.values() if node.is_shown} == depths
        pairs = {frozenset((one, other)) for one in depths if depths[one] < extent for other in around.get(one, ())}
        assert {frozenset(edge) for edge in edges} == pairs


@settings(max_examples=40, deadline=None)
@given(workflows(), st.integers(0, 2), st.integers(0, 2))
def test_following_a_run_is_as_good_as_looking_at_its_end(text: str, before: int, extent: int) -> None:
    """A picture kept turn by turn shows what one made from the engine now shows, after a change of extent too."""
    with TemporaryDirectory() as directory:
        try:
            config, engine = load(Path(directory), text)
        except LanguageError:
            return
    kept = Picture(engine, IDENTITY, runtime=config.runtime, extent=before)
    for turn in turns(engine, 6):
        kept.update(turn)
    kept.set_extent(extent)
    fresh = Picture(engine, IDENTITY, runtime=config.runtime, extent=extent)
    fresh.complete()

    def shown(picture: Picture) -> dict[str, tuple[object, ...]]:
        return {
            id: (one.state, one.is_queued, one.is_runahead, one.graph_depth, one.job_submits, one.flow_nums)
            for id, one in picture.task_proxies.elements.items()
        }

    assert shown(kept) == shown(fresh)
    assert set(kept.edges.elements) == set(fresh.edges.elements)
    assert {id: (one.state, one.state_totals, one.graph_depth) for id, one in kept.family_proxies.elements.items()} == {
        id: (one.state, one.state_totals, one.graph_depth) for id, one in fresh.family_proxies.elements.items()
    }
    assert kept.workflow.state_totals == fresh.workflow.state_totals
    oldest = kept.workflow.oldest_active_cycle_point, kept.workflow.newest_active_cycle_point
    assert oldest == (fresh.workflow.oldest_active_cycle_point, fresh.workflow.newest_active_cycle_point)


@settings(max_examples=40, deadline=None)
@given(workflows(), st.integers(0, 8), st.integers(0, 40))
def test_a_picture_may_be_made_in_the_middle_of_a_turn(text: str, turn_number: int, steps: int) -> None:
    """Whenever someone first looks, even between two slices of a turn, the picture is right after that turn."""
    with TemporaryDirectory() as directory:
        try:
            config, engine = load(Path(directory), text)
        except LanguageError:
            return
    picture: Picture | None = None
    engine.handle(Start(1_000_000.0))
    for number in range(12):
        if number == turn_number:
            engine.advance(steps)
            picture = Picture(engine, IDENTITY, runtime=config.runtime)
            if steps % 2:
                picture.entire()
        while not engine.advance(50):
            pass
        turn = engine.take()
        if picture is not None:
            picture.update(turn)
            fresh = Picture(engine, IDENTITY, runtime=config.runtime)
            fresh.complete()
            states = {id: (one.state, one.graph_depth) for id, one in picture.task_proxies.elements.items()}
            assert states == {id: (one.state, one.graph_depth) for id, one in fresh.task_proxies.elements.items()}
            assert picture.workflow.state_totals == fresh.workflow.state_totals
            assert pb.PbEntireWorkflow.FromString(picture.entire()).workflow.id == "~ada/tide"
        wake = engine.next_wake()
        if wake is None or engine.shutdown.is_stopped:
            return
        engine.handle(Tick(wake))


# -- parts -------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=3))))
def test_the_checksum_is_that_of_all_texts_in_order(changes: list[tuple[bool, str]]) -> None:
    """However texts come and go, the checksum is the Adler-32 of what is there, sorted and joined."""
    kept, checksum = set(), Checksum()
    for is_added, text in changes:
        if is_added and text not in kept:
            kept.add(text)
            checksum.add(text)
        elif not is_added and text in kept:
            kept.remove(text)
            checksum.remove(text)
    assert checksum.value() == zlib.adler32("".join(sorted(kept)).encode())


def test_the_checksum_holds_for_more_than_one_block() -> None:
    """Thousands of texts lie in several blocks, whose checksums are joined."""
    checksum = Checksum()
    texts = [f"~ada/tide//{number}/é@{number * 7}" for number in range(3000)]
    for text in reversed(texts):
        checksum.add(text)
    for text in texts[::3]:
        checksum.remove(text)
    left = sorted(set(texts) - set(texts[::3]))
    assert checksum.value() == zlib.adler32("".join(left).encode())


@given(st.text(), st.integers(-(2**31), 2**31 - 1), st.booleans(), st.floats(allow_nan=False), st.lists(st.text()))
def test_what_is_written_is_what_protobuf_reads(
    text: str, number: int, flag: bool, seconds: float, texts: list[str]
) -> None:
    """Our bytes are those of the protobuf library: read by it, they hold what was written."""
    workflow = pb.PbWorkflow.FromString(
        wire.text(pb.PbWorkflow.ID_FIELD_NUMBER, text)
        + wire.integer(pb.PbWorkflow.PORT_FIELD_NUMBER, number)
        + wire.boolean(pb.PbWorkflow.RELOADED_FIELD_NUMBER, flag)
        + wire.double(pb.PbWorkflow.LAST_UPDATED_FIELD_NUMBER, seconds)
        + wire.texts(pb.PbWorkflow.STATES_FIELD_NUMBER, texts)
        + wire.references(pb.PbWorkflow.JOBS_FIELD_NUMBER, [wire.reference(one) for one in texts])
        + wire.entry(pb.PbWorkflow.STATE_TOTALS_FIELD_NUMBER, text, wire.integer(2, number))
    )
    assert (workflow.id, workflow.port, workflow.reloaded, workflow.last_updated) == (text, number, flag, seconds)
    assert list(workflow.states) == list(workflow.jobs) == texts
    assert dict(workflow.state_totals) == {text: number}
