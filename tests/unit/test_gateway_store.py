"""The gateway's copy of a run answers as the scheduler's own picture does, whatever is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tidemill.flow.engine.engine import Engine
from tidemill.flow.engine.events import Start, Tick
from tidemill.flow.engine.options import EngineOptions
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.picture.definitions import WorkflowIdentity
from tidemill.flow.picture.picture import Picture
from tidemill.schema.exceptions import QueryError
from tidemill.schema.execute import execute
from tidemill.schema.subscriptions import prepare_subscription
from tidemill.ui.change import KINDS, MOST_PRUNED, Change
from tidemill.ui.exceptions import OutOfStep
from tidemill.ui.store import Store

FLOW = '''
[meta]
    title = The tides
    colour = blue
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    final cycle point = 4
    runahead limit = P1
    [[graph]]
        P1 = """
            prep? => FAM
            FAM:succeed-all => post
            a | b => c
            c[-P1] => c
            prep:x => d
            prep:fail? => !d
        """
[runtime]
    [[root]]
        [[[simulation]]]
            default run length = PT15S
        [[[environment]]]
            A = 1
    [[BIG]]
    [[FAM]]
        inherit = BIG
    [[m1, m2]]
        inherit = FAM
    [[prep]]
        script = echo hello
        execution time limit = PT1M
        [[[meta]]]
            title = T
            mine = 3
        [[[outputs]]]
            x = hello there
    [[a]]
        execution retry delays = PT10S
        [[[simulation]]]
            fail cycle points = 1
'''
BY_ID = '(sort:{keys:["id"]})'
QUERIES = [
    "{workflows{id name status statusMsg host port pubPort owner apiVersion cylcVersion meta{title description URL "
    "userDefined} newestActiveCyclePoint oldestActiveCyclePoint reloaded runMode isHeldTotal isQueuedTotal "
    "isRunaheadTotal stateTotals latestStateTasks workflowLogDir timeZoneInfo{hours minutes stringBasic} treeDepth "
    "nsDefOrder jobLogNames states broadcasts pruned nEdgeDistance logRecords{level message} containsHeld "
    "containsRetry edges{leaves feet workflowPollingTasks{localProxy}}}}",
    "{taskProxies_{id state name cyclePoint namespace isHeld isQueued isRunahead isRetry isWallclock isXtriggered "
    "flowNums flowWait depth graphDepth jobSubmits extras task{id name meta{title userDefined} depth namespace "
    "parents{id} firstParent{id} proxies_{id}} runtime{platform script completion executionRetryDelays "
    "executionTimeLimit environment{key value} outputs{key value} runMode} outputs{label message satisfied time} "
    "xtriggers{label} externalTriggers{label} prerequisites{expression conditions{taskId taskProxy{id} exprAlias "
    "reqState satisfied message} cyclePoints satisfied} jobs{id} parents{id} firstParent{id} ancestors{id}}}",
    "{families_{id name depth meta{title} runtime{script} proxies_{id} parents{id} childTasks_{id} childFamilies_{id} "
    "firstParent{id}} familyProxies_{id cyclePoint name state states stateTotals isHeld isHeldTotal isQueuedTotal "
    "isRunahead isRunaheadTotal depth graphDepth family{id} childTasks_{id} childFamilies_{id} firstParent{id} "
    "ancestors{id}}}",
    "{jobs_{id submitNum state name cyclePoint submittedTime startedTime finishedTime estimatedFinishTime jobId "
    "jobRunnerName executionTimeLimit platform jobLogDir messages taskProxy{id} runtime{script}}}",
    "{edges_{id source target suicide cond sourceNode{__typename ... on TaskProxy{id state}}}}",
    '{nodesEdges(ids:["*/c"],sort:{keys:["id"]}){nodes{id} edges{id}}}',
    '{taskProxies(ids:["*:running"],sort:{keys:["id"]}){id} jobs(ids:["*/*/NN"],sort:{keys:["id"]}){id} '
    'tasks(ids:["m*"],sort:{keys:["id"]}){id} familyProxies(mindepth:1,sort:{keys:["id"]}){id}}',
    '{task(id:"prep"){id} family(id:"FAM"){id} taskProxy(id:"1/a"){id} job(id:"1/a/01"){id}}',
    '{workflows{broadcasts(ids:["1/m1"])}}',
]
CHANGED = "workflow{reloaded status} taskProxies{id state} jobs{id state} edges{id} tasks{id} families{id}"
DELTAS = (
    "subscription{deltas(stripNull:true){id shutdown added{" + CHANGED + "} updated{" + CHANGED + "} "
    "pruned{taskProxies jobs edges familyProxies}}}"
)


def to_the_end_of_the_turn(engine: Engine) -> None:
    """Work off what is due now, simulated jobs that were prepared included."""
    while not engine.advance(50):
        pass
    if engine.next_wake() == engine.now:
        engine.handle(Tick(engine.now))
        while not engine.advance(50):
            pass


class Run:
    """A run in simulation, its picture, and what it publishes."""

    def __init__(self, directory: Path) -> None:
        (directory / "flow.cylc").write_text(FLOW)
        self.config = load_config(str(directory))
        definition = build_definition(self.config, now=1e9)
        self.engine = Engine(definition, options=EngineOptions(run_mode="simulation"))
        identity = WorkflowIdentity("ada", "tide/run1", host="localhost", port=43001, publish_port=43002)
        self.picture = Picture(self.engine, identity, runtime=self.config.runtime)
        self.picture.complete()

    def batches(self) -> list[bytes]:
        """Those published since the last call."""
        return [payload for topic, payload in self.picture.take_deltas() if topic == "all"]

    def turns(self) -> Iterator[list[bytes]]:
        """What each turn publishes, from start to end."""
        self.engine.handle(Start(0.0))
        for _ in range(60):
            to_the_end_of_the_turn(self.engine)
            self.picture.update(self.engine.take())
            yield self.batches()
            wake = self.engine.next_wake()
            if wake is None or self.engine.shutdown.is_stopped:
                return
            self.engine.handle(Tick(wake))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that has not started."""
    return Run(tmp_path)


async def same_answers(store: Store, picture: Picture) -> None:
    """Assert that every query is answered alike by both."""
    for template in QUERIES:
        query = template.replace("_{", BY_ID + "{")
        expected, found = await execute(picture, query), await execute(store, query)  # type: ignore[arg-type]
        assert found == expected, query


async def test_the_copy_answers_every_query_as_the_scheduler_does(run: Run) -> None:
    """From start to end of a run, after every turn, each query gets the same answer from copy and original."""
    store = Store()
    store.load(run.picture.entire())
    run.batches()
    seen = 0
    for turn, batches in enumerate(run.turns()):
        for batch in batches:
            store.apply(batch)
            seen += 1
        if turn % 3 == 0:
            await same_answers(store, run.picture)
    await same_answers(store, run.picture)
    assert seen > 5


async def test_a_lost_batch_is_noticed_and_made_good(run: Run) -> None:
    """A gap in the numbers is an error; the whole, taken in after it, differs by just what was lost."""
    store = Store()
    store.load(run.picture.entire())
    run.batches()
    turns = run.turns()
    for batch in next(turns):
        store.apply(batch)
    held = {kind: set(store.kind(kind).elements) for kind in KINDS}
    for _ in range(6):
        next(turns)
    with pytest.raises(OutOfStep):
        for batches in turns:
            for batch in batches:
                store.apply(batch)
    change = store.load(run.picture.entire())
    assert not change.is_whole
    for kind in KINDS:
        now = set(store.kind(kind).elements)
        assert set(change.added[kind]) == now - held[kind]
        assert set(change.pruned[kind]) == held[kind] - now
    assert change.updated["tasks"] or change.updated["task_proxies"] or change.updated["families"]
    await same_answers(store, run.picture)


async def test_a_wrong_sum_is_noticed_where_batches_have_no_numbers(run: Run) -> None:
    """Of a scheduler that does not number its batches, as Cylc's, a lost one shows by the checksums."""
    from tidemill.proto import data_messages_pb2 as pb

    def without_number(batch: bytes) -> bytes:
        message = pb.AllDeltas.FromString(batch)
        message.ClearField("sequence")
        return message.SerializeToString()

    store = Store()
    store.load(run.picture.entire())
    store.sequence = 0
    run.batches()
    turns = run.turns()
    for _, batches in zip(range(3), turns, strict=False):
        for batch in batches:
            store.apply(without_number(batch))
    next(batches for batches in turns if batches)
    with pytest.raises(OutOfStep, match="are not those"):
        for batches in turns:
            for batch in batches:
                store.apply(without_number(batch))


async def test_deltas_put_together_in_any_portions_lead_to_the_same(run: Run) -> None:
    """A reader told of several batches at once ends up holding what one told of each holds, and what the run shows."""
    subscription = prepare_subscription(DELTAS, None)
    store = Store()
    store.load(run.picture.entire())
    run.batches()
    readers: list[tuple[int, Change, dict[str, Any]]] = [(1, Change(), {}), (4, Change(), {}), (1000, Change(), {})]

    async def tell(pending: Change, shown: dict[str, Any]) -> None:
        data = await subscription.answer(store, pending)
        if data is None:
            return
        deltas = data["deltas"]
        for part in ("added", "updated"):
            for field, elements in deltas.get(part, {}).items():
                if field == "workflow":
                    continue
                for element in elements:
                    assert part == "added" or element["id"] in shown
                    shown[element["id"]] = element.get("state")
        for ids in deltas.get("pruned", {}).values():
            for id in ids:
                shown.pop(id, None)

    for _, _, shown in readers:
        await tell(store.everything(), shown)
    for turn, batches in enumerate(run.turns()):
        change = Change()
        for batch in batches:
            change.take(store.apply(batch))
        for index, (portion, pending, shown) in enumerate(readers):
            pending.take(change)
            if turn % portion == portion - 1:
                await tell(pending, shown)
                readers[index] = (portion, Change(), shown)
    for _, pending, shown in readers:
        await tell(pending, shown)
    expected = {}
    for kind in ("task_proxies", "jobs", "edges", "tasks", "families"):
        for id, element in store.kind(kind).elements.items():
            expected[id] = element.state if kind in ("task_proxies", "jobs") else None
    for _, _, shown in readers:
        assert {id: state for id, state in shown.items() if "$family" not in id} == expected


async def test_a_reload_is_told_as_everything_anew(run: Run, tmp_path: Path) -> None:
    """After a reload subscribers get all there is as added, with `reloaded` on the workflow."""
    store = Store()
    store.load(run.picture.entire())
    run.batches()
    run.picture.reload(run.engine, runtime=run.config.runtime)
    (batch,) = run.batches()
    change = store.apply(batch)
    data = await prepare_subscription(DELTAS, None).answer(store, change)
    assert data is not None
    assert data["deltas"]["added"]["workflow"]["reloaded"] is True
    assert {one["id"] for one in data["deltas"]["added"]["tasks"]} == set(store.tasks.elements)
    await same_answers(store, run.picture)


async def test_node_subscriptions_filter_and_strip_as_their_defaults_say(run: Run) -> None:
    """A node subscription tells of what was added that it means; the whole again with deltaStore: false."""
    store = Store()
    store.load(run.picture.entire())
    run.batches()
    for batches, _ in zip(run.turns(), range(1), strict=False):
        for batch in batches:
            store.apply(batch)
    change = store.everything()
    change.is_whole = False

    async def answer(text: str, told: Change) -> Any:
        return await prepare_subscription(f"subscription{{{text}}}", None).answer(store, told)

    found = await answer('taskProxies(ids:["1/prep"]){id xtriggers{label} jobs{id messages}}', change)
    assert found == {"taskProxies": [{"id": "~ada/tide/run1//1/prep", "jobs": found["taskProxies"][0]["jobs"]}]}
    kept = await answer('taskProxies(ids:["1/prep"],stripNull:false){id xtriggers{label}}', change)
    assert kept == {"taskProxies": [{"id": "~ada/tide/run1//1/prep", "xtriggers": []}]}
    assert await answer('taskProxies(ids:["9/prep"]){id}', change) is None
    assert await answer('taskProxies(workflows:["other"]){id}', change) is None
    assert await answer("taskProxies{id}", Change(workflow="updated")) is None
    assert await answer('deltas(workflows:["other"]){id}', change) is None
    assert await answer('deltas(workflows:["~ada/tide*"]){id}', change) == {"deltas": {"id": "~ada/tide/run1"}}
    whole = await answer('a:taskProxies(deltaStore:false,states:["waiting"]){id}', Change(workflow="updated"))
    waiting = {id for id, one in store.task_proxies.elements.items() if one.state == "waiting"}
    assert {one["id"] for one in whole["a"]} == waiting
    assert (await answer('taskProxy(id:"1/prep"){id}', change))["taskProxy"]["id"].endswith("1/prep")
    assert await answer('taskProxy(id:"1/prep"){id}', Change(workflow="updated")) is None
    assert (await answer("workflows{id}", change)) == {"workflows": [{"id": "~ada/tide/run1"}]}
    assert (await answer("nodesEdges{nodes{id} edges{id}}", change))["nodesEdges"]["nodes"]
    # What cannot be compiled is answered by the general executor.
    yes = await answer("deltas{... on Deltas @include(if:true){id}}", change)
    assert yes == {"deltas": {"id": "~ada/tide/run1"}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("subscription{deltas{id} workflows{id}}", "only one top level field"),
        ("subscription{...F} fragment F on Subscriptions{deltas{id}}", "exactly one field"),
        ("subscription{__typename}", "introspection"),
        ("{workflows{id}}", "no subscription"),
        ("subscription($a:Int!){taskProxies(graphDepth:$a){id}}", "was not provided"),
        ("subscription{deltas{nope}}", r"Cannot query field 'nope'.*line 1"),
    ],
)
def test_what_is_no_subscription_is_refused_with_the_reason(text: str, reason: str) -> None:
    """A wrong subscription is refused before anything is served."""
    with pytest.raises(QueryError, match=reason):
        prepare_subscription(text, None)


def test_a_reader_who_missed_too_much_is_told_everything_anew() -> None:
    """What is gathered for a slow reader is bounded: beyond it, `take` says that all is to be told anew."""
    pending = Change()
    for number in range(MOST_PRUNED):
        pending.prune("jobs", str(number))
    assert pending.take(Change())
    one_more = Change()
    one_more.prune("jobs", "one more")
    assert not pending.take(one_more)
