"""Subscribers always come to hold what the scheduler shows, whatever is lost or late on the way."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.exceptions import TidemillError
from tidemill.flow.engine.commands import check
from tidemill.flow.engine.engine import Engine, Turn
from tidemill.flow.engine.events import Command, Start, Tick
from tidemill.flow.engine.options import EngineOptions
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import WorkflowConfig, load_config
from tidemill.flow.language.exceptions import LanguageError
from tidemill.flow.picture.definitions import WorkflowIdentity
from tidemill.flow.picture.picture import Picture
from tidemill.proto import data_messages_pb2 as pb

IDENTITY = WorkflowIdentity("ada", "tide/run1", host="localhost", port=43001, publish_port=43002)
TYPES = ("families", "family_proxies", "jobs", "tasks", "task_proxies", "edges")
DELTAS = {
    "families": pb.FDeltas,
    "family_proxies": pb.FPDeltas,
    "jobs": pb.JDeltas,
    "tasks": pb.TDeltas,
    "task_proxies": pb.TPDeltas,
    "edges": pb.EDeltas,
    "workflow": pb.WDeltas,
}
CLEARED = {
    "family_proxies": ("state_totals", "states"),
    "jobs": ("messages",),
    "task_proxies": ("prerequisites",),
}
CLEARED_OF_WORKFLOW = ("latest_state_tasks", "state_totals", "states")


def engine_of(directory: Path, text: str, **options: Any) -> tuple[WorkflowConfig, Engine]:
    """An engine that simulates a workflow, not yet started."""
    (directory / "flow.cylc").write_text(text)
    config = load_config(str(directory))
    definition = build_definition(config, now=1e9)
    return config, Engine(definition, options=EngineOptions(run_mode="simulation", **options))


def turns(engine: Engine, most: int = 200) -> Iterator[Turn]:
    """The turns of a run from its start to its end (or for so many turns)."""
    engine.handle(Start(1_000_000.0))
    for _ in range(most):
        while not engine.advance(50):
            pass
        yield engine.take()
        wake = engine.next_wake()
        if wake is None or wake > 1_003_000.0 or engine.shutdown.is_stopped:
            return
        engine.handle(Tick(wake))


def picture_of(config: WorkflowConfig, engine: Engine, extent: int = 1) -> Picture:
    """The picture of an engine with everything taken in."""
    picture = Picture(engine, IDENTITY, runtime=config.runtime, extent=extent)
    picture.complete()
    return picture


class Subscriber:
    """Keeps a copy of the picture as Cylc's UI server does: bootstrap, merge, checksum, reconcile.

    With `counts` it looks at sequence numbers too, and asks for the whole when one is missing.
    """

    def __init__(self, picture: Picture, *, counts: bool = False) -> None:
        self.picture = picture
        self.counts = counts
        self.reconciled: list[str] = []
        self.bootstrap()

    def bootstrap(self) -> None:
        """Ask for the whole."""
        whole = pb.PbEntireWorkflow.FromString(self.picture.entire())
        self.workflow = whole.workflow
        self.store = {name: {one.id: one for one in getattr(whole, name)} for name in TYPES}
        self.times = dict.fromkeys((*TYPES, "workflow"), whole.workflow.last_updated)
        self.sequence = whole.sequence

    def receive(self, payload: bytes) -> None:
        """Take in a message of the topic `all`."""
        deltas = pb.AllDeltas.FromString(payload)
        if self.counts:
            if deltas.sequence <= self.sequence:
                return
            if deltas.sequence != self.sequence + 1:
                self.bootstrap()
                return
            self.sequence = deltas.sequence
        for name in (*TYPES, "workflow"):
            if deltas.HasField(name):
                self._apply(name, getattr(deltas, name))

    def _apply(self, name: str, delta: Any) -> None:
        if delta.reloaded:
            if name == "workflow":
                self.workflow = pb.PbWorkflow()
            else:
                self.store[name] = {}
            self.times[name] = 0.0
        if delta.time < self.times[name]:
            return
        self.times[name] = delta.time
        if name == "workflow":
            self._apply_workflow(delta)
            return
        self._merge(name, delta)
        if not delta.reloaded and self.checksum(name) != delta.checksum:
            self._reconcile(name)

    def _merge(self, name: str, delta: Any) -> None:
        store = self.store[name]
        for one in delta.added:
            store[one.id] = one
        for one in delta.updated:
            known = store.get(one.id)
            if known is None:
                continue
            for field in CLEARED.get(name, ()):
                if getattr(one, field):
                    known.ClearField(field)
            known.MergeFrom(one)
        for id in delta.pruned:
            if id in store:
                self._scrub(name, id, store.pop(id))

    def _scrub(self, name: str, id: str, gone: Any) -> None:
        if name == "task_proxies":
            _remove(self.store["family_proxies"].get(gone.first_parent), "child_tasks", id)
            _remove(self.store["tasks"].get(gone.task), "proxies", id)
        elif name == "family_proxies":
            _remove(self.store["family_proxies"].get(gone.first_parent), "child_families", id)
            _remove(self.store["families"].get(gone.family), "proxies", id)
        elif name == "edges":
            _remove(self.store["task_proxies"].get(gone.source), "edges", id)
            _remove(self.store["task_proxies"].get(gone.target), "edges", id)
            _remove(self.workflow.edges, "edges", id)
            return
        _remove(self.workflow, name, id)

    def _apply_workflow(self, delta: Any) -> None:
        if delta.HasField("added"):
            self.workflow = delta.added
        if delta.HasField("updated"):
            new = delta.updated
            for field in CLEARED_OF_WORKFLOW:
                if getattr(new, field) or new.states_updated:
                    self.workflow.ClearField(field)
            self.workflow.MergeFrom(new)
        del self.workflow.log_records[:-10]

    def checksum(self, name: str) -> int:
        """Over what it holds."""
        stamps = sorted(one.id if name == "edges" else one.stamp for one in self.store[name].values())
        return zlib.adler32("".join(stamps).encode()) & 0xFFFFFFFF

    def _reconcile(self, name: str) -> None:
        self.reconciled.append(name)
        delta = DELTAS[name].FromString(self.picture.elements(name))
        self.store[name] = {}
        self._merge(name, delta)
        self.times[name] = delta.time


def _remove(message: Any, field: str, value: str) -> None:
    values = getattr(message, field, None)
    if values is not None and value in values:
        values.remove(value)


def plain(message: Any) -> Any:
    """A message as plain values, with lists in an order of their own."""
    if isinstance(message, (str, int, float, bool)):
        return message
    result: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            result[field.name] = {key: plain(one) for key, one in value.items()}
        elif field.is_repeated if hasattr(field, "is_repeated") else field.label == 3:
            values = [plain(one) for one in value]
            keep = field.name in ("log_records", "messages", "prerequisites", "conditions", "namespace")
            result[field.name] = values if keep else sorted(values, key=str)
        else:
            result[field.name] = plain(value)
    return result


def same_as_whole(subscriber: Subscriber, *, workflow: bool = True) -> None:
    """Assert that a subscriber holds just what a snapshot holds."""
    whole = pb.PbEntireWorkflow.FromString(subscriber.picture.entire())
    for name in TYPES:
        expected = {one.id: plain(one) for one in getattr(whole, name)}
        held = {id: plain(one) for id, one in subscriber.store[name].items()}
        assert held == expected, name
    if workflow:
        expected, held = plain(whole.workflow), plain(subscriber.workflow)
        for one in (expected, held):
            one.pop("last_updated", None)
        different = {
            key: (held.get(key), expected.get(key)) for key in {*held, *expected} if held.get(key) != expected.get(key)
        }
        assert not different


NAMES = ("a", "b", "c", "d", "m1", "m2", "n1")
FAMILIES = """
[runtime]
    [[root]]
        [[[simulation]]]
            default run length = PT5S
    [[BIG]]
    [[FAM]]
        inherit = BIG
    [[m1, m2]]
        inherit = FAM
    [[n1]]
        inherit = BIG
        execution retry delays = PT3S
        [[[simulation]]]
            fail cycle points = 1, 2
        [[[outputs]]]
            x = it is done
    [[a, b, c, d]]
"""
ARROWS = (
    "a => b",
    "b => c",
    "a | b => c",
    "a => FAM",
    "FAM:succeed-all => d",
    "c[-P1] => c",
    "d[-P1] => a",
    "n1:x => d",
    "n1:start => b",
    "a[^] => d",
    "b? => c",
    "b:fail? => !m1",
    "FAM:finish-any => n1",
    "a & n1 => m2",
)


@st.composite
def workflows(draw: st.DrawFn) -> str:
    arrows = draw(st.lists(st.sampled_from(ARROWS), min_size=1, max_size=6, unique=True))
    alone = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
    limit = draw(st.integers(0, 3))
    graph = "\n".join(f"            {line}" for line in (*arrows, *alone))
    return f"""
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    final cycle point = 4
    runahead limit = P{draw(st.integers(0, 2))}
    [[queues]]
        [[[default]]]
            limit = {limit}
    [[graph]]
        P1 = \"\"\"
{graph}
        \"\"\"
{FAMILIES}"""


def run(text: str, extent: int, items: int | None = None) -> Iterator[Picture]:
    """A run's turns with its picture, or nothing where the drawn graph makes no valid workflow."""
    with TemporaryDirectory() as directory:
        try:
            config, engine = engine_of(Path(directory), text, stall_timeout_seconds=None)
        except LanguageError:
            return
    picture = picture_of(config, engine, extent)
    for turn in turns(engine):
        picture.update(turn, items=items)
        yield picture
        while picture.is_behind:
            picture.prime(items or 1)
            yield picture


quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(workflows(), st.integers(0, 3))
def test_a_subscriber_that_loses_nothing_never_asks_again(text: str, extent: int) -> None:
    """Deltas in order are enough: no checksum ever fails, and all that is held equals a snapshot after every turn."""
    subscriber = None
    for picture in run(text, extent):
        if subscriber is None:
            picture.take_deltas()
            subscriber = Subscriber(picture)
            continue
        for topic, payload in picture.take_deltas():
            if topic == "all":
                subscriber.receive(payload)
        same_as_whole(subscriber)
        assert subscriber.reconciled == []


@quick
@given(workflows(), st.integers(0, 2), st.data())
def test_a_subscriber_that_counts_converges_at_the_next_message(text: str, extent: int, data: st.DataObject) -> None:
    """With messages dropped, late and partial, one message in order brings a subscriber that counts up to date."""
    subscriber = None
    late: list[bytes] = []
    picture: Picture | None = None
    for picture in run(text, extent, data.draw(st.sampled_from((2, None)))):
        if subscriber is None:
            subscriber = Subscriber(picture, counts=True)
        if data.draw(st.booleans()):
            continue
        for topic, payload in picture.take_deltas():
            if topic != "all":
                continue
            fate = data.draw(st.sampled_from(("arrives", "is lost", "is late")))
            if fate == "arrives":
                subscriber.receive(payload)
            elif fate == "is late":
                late.append(payload)
        if late and data.draw(st.booleans()):
            subscriber.receive(late.pop(data.draw(st.integers(0, len(late) - 1))))
    if picture is None or subscriber is None:
        return
    for payload in late:
        subscriber.receive(payload)
    picture.set_status("stopping", "the last word")
    for topic, payload in picture.take_deltas():
        if topic == "all":
            subscriber.receive(payload)
    if picture.has_news:
        for topic, payload in picture.take_deltas():
            if topic == "all":
                subscriber.receive(payload)
    same_as_whole(subscriber)


COMMANDS = (
    ("hold", {"tasks": ["2/*"]}),
    ("hold", {"tasks": ["3/c"]}),
    ("release", {"tasks": ["*"]}),
    ("set", {"tasks": ["*/b"]}),
    ("set", {"tasks": ["1/c"], "outputs": ["succeeded"]}),
    ("force_trigger_tasks", {"tasks": ["1/d"]}),
    ("force_trigger_tasks", {"tasks": ["*/c"], "flow": ["new"]}),
    ("remove_tasks", {"tasks": ["*/a"]}),
    ("remove_tasks", {"tasks": ["2"]}),
    ("kill_tasks", {"tasks": ["*"]}),
    ("pause", {}),
    ("resume", {}),
)


@quick
@given(workflows(), st.integers(0, 2), st.data())
def test_interventions_are_followed_like_all_else(text: str, extent: int, data: st.DataObject) -> None:
    """Holding, triggering, setting, removing and killing tasks leave a picture that subscribers follow exactly."""
    with TemporaryDirectory() as directory:
        try:
            config, engine = engine_of(Path(directory), text, stall_timeout_seconds=None)
        except LanguageError:
            return
    picture = picture_of(config, engine, extent)
    picture.take_deltas()
    subscriber = Subscriber(picture)
    engine.handle(Start(1_000_000.0))
    for number in range(12):
        if data.draw(st.booleans()):
            name, arguments = data.draw(st.sampled_from(COMMANDS))
            with contextlib.suppress(TidemillError):
                check(engine, name, arguments)
                engine.handle(Command(engine.now, name, arguments, str(number)))
        while not engine.advance(50):
            pass
        picture.update(engine.take(), items=data.draw(st.sampled_from((1, None))))
        picture.catch_up()
        for topic, payload in picture.take_deltas():
            if topic == "all":
                subscriber.receive(payload)
        same_as_whole(subscriber)
        assert subscriber.reconciled == []
        fresh = picture_of(config, engine, extent)
        states = {id: (one.state, one.graph_depth) for id, one in picture.task_proxies.elements.items()}
        assert states.keys() == fresh.task_proxies.elements.keys()
        for id, one in fresh.task_proxies.elements.items():
            if one.graph_depth == 0:
                assert states[id] == (one.state, 0)
        wake = engine.next_wake()
        if engine.shutdown.is_stopped:
            return
        engine.handle(Tick(engine.now + 1.0 if wake is None else wake))


@quick
@given(workflows(), st.data())
def test_a_checksum_that_agrees_means_the_same_content(text: str, data: st.DataObject) -> None:
    """By Cylc's rules alone, whatever was lost: each type agrees with a snapshot once a delta of it has arrived."""
    subscriber = None
    for picture in run(text, 1):
        if subscriber is None:
            subscriber = Subscriber(picture)
        late = []
        for topic, payload in picture.take_deltas():
            if topic == "all":
                fate = data.draw(st.sampled_from(("arrives", "arrives", "is lost", "is late")))
                if fate == "arrives":
                    subscriber.receive(payload)
                elif fate == "is late":
                    late.append(payload)
        for payload in late:
            subscriber.receive(payload)
    if subscriber is None:
        return
    subscriber.picture.complete()
    whole = pb.PbEntireWorkflow.FromString(subscriber.picture.entire())
    fresh = Subscriber(subscriber.picture)
    for name in TYPES:
        if subscriber.checksum(name) == fresh.checksum(name):
            stamps = {one.id: plain(one).get("stamp") for one in getattr(whole, name)}
            assert {id: plain(one).get("stamp") for id, one in subscriber.store[name].items()} == stamps
