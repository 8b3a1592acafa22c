"""Queries and mutations over a picture: what they answer, and that both ways of answering agree."""

# GraphQL is full of braces, so queries are put together with the one formatting that leaves them alone.
# ruff: noqa: UP031

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, print_schema

from tidemill.exceptions import TidemillError
from tidemill.flow.engine.engine import Engine
from tidemill.flow.engine.events import Start, Tick
from tidemill.flow.engine.options import EngineOptions
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.picture.definitions import WorkflowIdentity
from tidemill.flow.picture.picture import Picture
from tidemill.schema.context import Context
from tidemill.schema.exceptions import QueryError
from tidemill.schema.execute import execute, execute_generally, operation_of, prepare
from tidemill.schema.fields import RESOLVERS
from tidemill.schema.leaves import LEAVES
from tidemill.schema.schema import SCHEMA_FILE, schema

FLOW = '''
[meta]
    title = The tides
    colour = blue
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    final cycle point = 3
    runahead limit = P1
    [[queues]]
        [[[default]]]
            limit = 2
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
        execution retry delays = PT10S, PT20S
        execution time limit = PT1M
        [[[meta]]]
            title = T
            URL = http://x
            mine = 3
        [[[outputs]]]
            x = hello there
    [[a]]
        [[[simulation]]]
            fail cycle points = 1
'''


def to_the_end_of_the_turn(engine: Engine) -> None:
    """Work off what is due now, simulated jobs that were prepared included."""
    while not engine.advance(50):
        pass
    if engine.next_wake() == engine.now:
        engine.handle(Tick(engine.now))
        while not engine.advance(50):
            pass


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """A run of four turns: in each cycle some tasks have run, some run, some wait."""
    (tmp_path / "flow.cylc").write_text(FLOW)
    config = load_config(str(tmp_path))
    engine = Engine(build_definition(config, now=1e9), options=EngineOptions(run_mode="simulation"))
    made = Picture.from_engine(engine, WorkflowIdentity("ada", "tide"), runtime=config.runtime)
    engine.handle(Start(0.0))
    for _ in range(6):
        to_the_end_of_the_turn(engine)
        made.update(engine.take())
        wake = engine.next_wake()
        assert wake is not None
        engine.handle(Tick(wake))
    return made


PROXY = (
    "id state name cyclePoint namespace isHeld isQueued isRunahead isRetry isWallclock isXtriggered flowNums flowWait "
    "depth graphDepth jobSubmits extras"
)
JOB = (
    "id submitNum state name cyclePoint submittedTime startedTime finishedTime estimatedFinishTime jobId jobRunnerName "
    "executionTimeLimit platform jobLogDir messages"
)
RUNTIME = (
    "platform script completion initScript envScript errScript exitScript preScript postScript workSubDir "
    "executionPollingIntervals executionRetryDelays executionTimeLimit submissionPollingIntervals "
    "submissionRetryDelays directives{key value} environment{key value} outputs{key value} runMode"
)
META = "meta{title description URL userDefined}"
WORKFLOW = (
    "id name status statusMsg host port pubPort owner apiVersion cylcVersion lastUpdated "
    f"{META} newestActiveCyclePoint oldestActiveCyclePoint reloaded runMode isHeldTotal isQueuedTotal isRunaheadTotal "
    "stateTotals latestStateTasks workflowLogDir timeZoneInfo{hours minutes stringBasic stringExtended} treeDepth "
    "nsDefOrder jobLogNames states broadcasts pruned nEdgeDistance logRecords{level message} containsHeld containsRetry"
)
FAMILY_PROXY = (
    "id cyclePoint name state states stateTotals isHeld isHeldTotal isQueued isQueuedTotal isRunahead isRunaheadTotal "
    "isRetry isWallclock isXtriggered depth graphDepth"
)

QUERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "everything of the workflow": ("{workflows{%s}}" % WORKFLOW, {}),
    "everything of instances": (
        "{taskProxies{%s task{id name %s meanElapsedTime depth namespace parents{id} firstParent{id} proxies{id} "
        "runtime{script}} runtime{%s} outputs{label message satisfied time} externalTriggers{id label message "
        "satisfied time} xtriggers{id label message satisfied time} prerequisites{expression conditions{taskId "
        "taskProxy{id} exprAlias reqState satisfied message} cyclePoints satisfied} jobs{%s taskProxy{id} "
        "runtime{script}} parents{id} firstParent{id} ancestors{id}}}" % (PROXY, META, RUNTIME, JOB),
        {},
    ),
    "everything of families": (
        "{families{id name depth %s runtime{%s} proxies{id} parents{id} childTasks{id} childFamilies{id} "
        "firstParent{id}} familyProxies{%s family{id} runtime{script} childTasks{id} childFamilies{id} "
        "firstParent{id} ancestors{id}}}" % (META, RUNTIME, FAMILY_PROXY),
        {},
    ),
    "edges": (
        '{edges(sort:{keys:["id"]}){id source target suicide cond sourceNode{__typename ... on TaskProxy{id}} '
        "targetNode{... on FamilyProxy{id}}} workflows{edges{edges{id} leaves feet workflowPollingTasks{localProxy}}}}",
        {},
    ),
    "edges, plainly": ('{edges{id source target} nodesEdges(ids:["1/c"]){nodes{id} edges{id}}}', {}),
    "dump": (
        "query($wFlows:[ID]){workflows(ids:$wFlows,stripNull:false){name oldestActiveCyclePoint "
        "newestActiveCyclePoint timeZoneInfo{hours minutes stringBasic stringExtended} lastUpdated runMode states "
        "namespaceDefinitionOrder:nsDefOrder reloaded stateTotals meta{URL} status statusMsg families{name meta{URL} "
        "firstParent{id}} tasks{name meta{URL} meanElapsedTime firstParent{id}}}}",
        {"wFlows": ["tide"]},
    ),
    "dump of tasks": (
        'query($wFlows:[ID]){workflows(ids:$wFlows){taskProxies(sort:{keys:["name","cyclePoint"]},graphDepth:0)'
        "{id name cyclePoint state graphDepth isHeld isQueued isRunahead flowNums firstParent{id} jobSubmits "
        'jobs(sort:{keys:["submit_num"],reverse:true}){id state submitNum}}}}',
        {"wFlows": ["~ada/tide"]},
    ),
    "show": (
        "query($wFlows:[ID]!,$taskIds:[ID]){tasks(workflows:$wFlows,ids:$taskIds,stripNull:false){name %s} "
        "taskProxies(workflows:$wFlows,ids:$taskIds,stripNull:false){id name cyclePoint state isHeld flowNums "
        "task{%s} runtime{completion runMode} prerequisites{expression conditions{exprAlias taskId reqState message "
        "satisfied} satisfied} outputs{label message satisfied} externalTriggers{id label message satisfied time} "
        "xtriggers{id label satisfied}}}" % (META, META),
        {"wFlows": ["tide"], "taskIds": ["1/prep"]},
    ),
    "terminal interface": (
        "query($taskStates:[String]){workflows{id name port status stateTotals taskProxies(states:$taskStates){id name "
        "isHeld isQueued isRunahead isRetry isWallclock isXtriggered flowNums firstParent{id name} jobs(sort:{keys:"
        '["submit_num"],reverse:true}){id submitNum state} task{meanElapsedTime}} familyProxies(exids:["*/root"],'
        'states:$taskStates){id name state isHeld firstParent{id name}} cyclePoints:familyProxies(ids:["*/root"],'
        "states:$taskStates){id cyclePoint state isHeld}}}",
        {"taskStates": ["waiting", "running", "failed", "succeeded"]},
    ),
    "fragments": (
        "query{workflows{...W} taskProxies{...P ... on TaskProxy{state}}} fragment W on Workflow{id ...S} "
        "fragment S on Workflow{status} fragment P on TaskProxy{id jobs{id}}",
        {},
    ),
    "merged fields": ("{taskProxies{task{id} task{name} id id}}", {}),
    "directives": (
        "query($yes:Boolean!){taskProxies{id @include(if:$yes) state @skip(if:$yes)} __typename}",
        {"yes": True},
    ),
    "by id": (
        '{taskProxy(id:"~ada/tide//1/a"){id} task(id:"prep"){id} family(id:"FAM"){id} missing:job(id:"1/a/99"){id} '
        'job(id:"1/a/01"){id} familyProxy(id:"1/FAM"){id __typename}}',
        {},
    ),
    "nothing stripped, something stripped": (
        '{workflows{taskProxies(ids:["1/a"],stripNull:true){id runtime{directives{key} script} jobs(ids:["9/z"]){id} '
        'task(stripNull:false){meta{userDefined}}}} a:taskProxies(ids:["9/z"],stripNull:true){id}}',
        {},
    ),
    "with a default": (
        'query($ids:[ID]=["1/*"],$strip:Boolean=true){taskProxies(ids:$ids,stripNull:$strip){id jobs{id}}}',
        {},
    ),
    "outputs chosen": (
        '{taskProxies{outputs(satisfied:true,limit:2){label} o:outputs(sort:{keys:["label"],reverse:true}){label} '
        'p:outputs(sortOrder:["failed"]){label}}}',
        {},
    ),
    "latest": ('{workflows{latestStateTasks(states:["running"]) broadcasts(ids:["1/c"])}}', {}),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_both_ways_of_answering_agree(picture: Picture, name: str) -> None:
    """The compiled answer is the general executor's, to the last value, and only JSON."""
    text, variables = QUERIES[name]
    answer = await execute(picture, text, variables)
    query = prepare(text)
    context = Context(picture)
    general = await execute_generally(query, context, variables)
    if query.projection is not None:
        from graphql.execution.values import get_variable_values

        values = get_variable_values(schema(), query.operation.variable_definitions or (), variables)
        assert isinstance(values, dict)
        assert query.projection(context, values) == general
    if "strip" not in text:
        assert answer == general
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize("name", set(QUERIES) - {"edges", "directives"})
def test_what_clients_ask_is_compiled(name: str) -> None:
    """Every query without unions and directives is answered by compiled code."""
    assert prepare(QUERIES[name][0]).projection is not None


async def names(picture: Picture, arguments: str) -> set[str]:
    answer = await execute(picture, f"{{taskProxies({arguments}){{id}}}}")
    return {one["id"].partition("//")[2] for one in answer["taskProxies"]}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("1/post", {"1/post"}),
        ("~ada/tide//1/post", {"1/post"}),
        ("tide//1/post", {"1/post"}),
        ("//1/post", {"1/post"}),
        ("post.1", {"1/post"}),
        ("1/m?", {"1/m1", "1/m2"}),
        ("*/m1", {"1/m1", "2/m1", "3/m1"}),
        ("1/[ap]*", {"1/a", "1/post"}),
        ("1/FAM", set()),
        ("post", set()),
        ("other//1/post", set()),
        ("~bob/tide//1/post", set()),
    ],
)
async def test_ids_are_patterns_per_part(picture: Picture, pattern: str, expected: set[str]) -> None:
    """A pattern matches part by part; a family's name does not mean its tasks."""
    assert await names(picture, f'ids:["{pattern}"]') == expected


async def test_filters_narrow_what_is_answered(picture: Picture) -> None:
    """States, flags, depths and exclusions each keep exactly the elements they describe."""
    everything = picture.task_proxies.elements.values()

    def those(test: Any) -> set[str]:
        return {one.id.partition("//")[2] for one in everything if test(one)}

    assert await names(picture, 'ids:["1"]') == those(lambda one: one.cycle_point == "1")
    assert await names(picture, 'ids:["*:running"]') == those(lambda one: one.state == "running") != set()
    assert await names(picture, 'states:["failed"]') == those(lambda one: one.state == "failed") != set()
    assert await names(picture, 'exstates:["waiting"]') == those(lambda one: one.state != "waiting")
    assert await names(picture, 'exids:["1","*/a"]') == those(lambda one: one.cycle_point != "1" and one.name != "a")
    assert await names(picture, "isRunahead:true") == those(lambda one: one.is_runahead) != set()
    assert await names(picture, "isQueued:false") == those(lambda one: not one.is_queued)
    assert await names(picture, "graphDepth:0") == those(lambda one: one.graph_depth == 0)
    assert await names(picture, "mindepth:2") == those(lambda one: one.task.depth >= 2) != set()
    assert await names(picture, "maxdepth:1") == those(lambda one: one.task.depth <= 1)
    assert await names(picture, 'workflows:["ti*"]') == those(lambda one: True)
    assert await names(picture, 'workflows:["~bob/*"]') == set()
    assert await names(picture, 'exworkflows:["tide"]') == set()
    assert await names(picture, 'workflows:["tide:running"]') == those(lambda one: True)


async def test_sorting_is_by_fields_named_either_way(picture: Picture) -> None:
    """Keys may be camel case or snake case; one that does not exist is an error that lists those that do."""
    text = '{taskProxies(sort:{keys:["name","cycle_point"],reverse:true}){name cyclePoint}}'
    answer = (await execute(picture, text))["taskProxies"]
    pairs = [(one["name"], one["cyclePoint"]) for one in answer]
    assert pairs == sorted(pairs, reverse=True)
    with pytest.raises(QueryError, match=r"Cannot sort by colour; fields to sort by are .*cyclePoint"):
        await execute(picture, '{taskProxies(sort:{keys:["colour"]}){id}}')


async def test_null_and_empty_are_left_out_from_where_it_is_asked(picture: Picture) -> None:
    """`stripNull` drops null, lists and objects that are empty, but not empty text; below, it can be taken back."""
    text = (
        '{taskProxies(ids:["1/a"],stripNull:true){runtime{script directives{key}} task{meta{title userDefined}} '
        'jobs(ids:["9/z"]){id} kept:jobs(ids:["9/z"],stripNull:false){id}} gone:taskProxy(id:"9/z",stripNull:true){id} '
        'null:taskProxy(id:"9/z"){id}}'
    )
    assert await execute(picture, text) == {
        "taskProxies": [{"runtime": {"script": ""}, "task": {"meta": {"title": ""}}, "kept": []}],
        "null": None,
    }


async def test_errors_are_one_clear_message(picture: Picture) -> None:
    """Each error is named once with its place; nothing is answered in part."""
    with pytest.raises(QueryError) as caught:
        await execute(picture, "{bad taskProxies{foo}}")
    assert str(caught.value) == (
        "Cannot query field 'bad' on type 'Queries'. (line 1, column 2)\n"
        "Cannot query field 'foo' on type 'TaskProxy'. (line 1, column 18)"
    )
    with pytest.raises(QueryError, match="Syntax Error"):
        await execute(picture, "{")
    with pytest.raises(QueryError, match=r"Variable '\$id' of required type 'ID!' was not provided"):
        await execute(picture, "query($id:ID!){job(id:$id){id}}")
    with pytest.raises(QueryError, match="exactly one operation"):
        await execute(picture, "query A{__typename} query B{__typename}")
    with pytest.raises(QueryError, match="subscribe to what the scheduler publishes"):
        await execute(picture, "subscription{workflows{id}}")
    with pytest.raises(QueryError, match="Invalid ID"):
        await execute(picture, '{taskProxies(ids:["~~//"]){id}}')
    with pytest.raises(QueryError, match="tokens"):
        await execute(picture, "{workflows{%s}}" % ("id " * 30_000))


@pytest.mark.parametrize("typename", ["", "__typename @include(if:true)"])
async def test_a_query_that_goes_round_in_circles_is_stopped(picture: Picture, typename: str) -> None:
    """Lists within lists within lists are refused before they cost more than a moment, compiled or not."""
    text = "id"
    for _ in range(8):
        text = "firstParent{childTasks{%s}}" % text
    with pytest.raises(QueryError, match="ask for less at a time, or leave out lists within lists"):
        await execute(picture, "{taskProxies{%s %s}}" % (text, typename))


class Commands:
    """Keeps what it is told; the name `refused` is refused."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []

    async def command(self, name: str, arguments: dict[str, Any]) -> tuple[Any, Any]:
        if arguments.get("tasks") == ["refused"]:
            raise TidemillError("no such task")
        self.taken.append((name, arguments))
        return True, "an-id"


@pytest.mark.parametrize(
    ("mutation", "name", "arguments"),
    [
        ("pause", "pause", {}),
        ('hold(tasks:["1/a"])', "hold", {"tasks": ["1/a"]}),
        ('setHoldPoint(point:"2")', "set_hold_point", {"point": "2"}),
        ("stop(mode:NowNow)", "stop", {"mode": "now-now"}),
        ('stop(mode:null,cyclePoint:"2")', "stop", {"cycle_point": "2"}),
        ('stop(clockTime:"1970-01-01T00:01Z")', "stop", {"mode": "clean", "clock_time": 60.0}),
        (
            'trigger(tasks:["1/a"],flow:[2],onResume:true)',
            "trigger",
            {"tasks": ["1/a"], "flow": ["2"], "flow_wait": False, "on_resume": True},
        ),
        ('extTrigger(message:"m",id:"i")', "ext_trigger", {"message": "m", "id": "i"}),
        (
            'message(taskJob:"1/a/01",messages:[["INFO","hi"]])',
            "message",
            {"task_job": "1/a/01", "messages": [["INFO", "hi"]]},
        ),
        (
            'broadcast(settings:[{environment:{X:"1"}}])',
            "broadcast",
            {
                "mode": "Set",
                "cycle_points": ["*"],
                "namespaces": ["root"],
                "settings": [{"environment": {"X": "1"}}],
            },
        ),
    ],
)
async def test_a_mutation_becomes_a_command(
    picture: Picture, mutation: str, name: str, arguments: dict[str, Any]
) -> None:
    """Names and arguments in snake case, what was left out left out; answered in the shape that clients read."""
    field, bracket, rest = mutation.partition("(")
    text = f'mutation{{{field}(workflows:["tide"]{"," + rest if bracket else ")"}{{result}}}}'
    commands = Commands()
    answer = await execute(picture, text, resolvers=commands)
    assert answer == {field: {"result": [{"id": "~ada/tide", "response": [True, "an-id"]}]}}
    assert commands.taken == [(name, arguments)]


async def test_what_cannot_be_commanded_says_why(picture: Picture) -> None:
    """A wrong workflow, a refused command and a command without anyone to take it each have their reason."""
    assert await execute(picture, 'mutation{pause(workflows:["x"]){result}}', resolvers=Commands()) == {
        "pause": {"result": [{"response": [False, "No matching workflow in ['~ada/tide']"]}]}
    }
    refused = 'mutation{hold(workflows:["*"],tasks:["refused"]){result}}'
    assert await execute(picture, refused, resolvers=Commands()) == {
        "hold": {"result": [{"id": "~ada/tide", "response": [False, "no such task"]}]}
    }
    answer = await execute(picture, 'mutation{pause(workflows:["*"]){result}}')
    assert answer["pause"]["result"][0]["response"][0] is False
    text = 'mutation{stop(workflows:["*"],clockTime:"soon"){result}}'
    answer = await execute(picture, text, resolvers=Commands())
    assert "Invalid time to stop at: soon" in answer["stop"]["result"][0]["response"][1]


async def test_the_window_is_set_by_mutation(picture: Picture) -> None:
    """`setGraphWindowExtent` acts at once; a negative extent is refused with the reason."""
    text = 'mutation{setGraphWindowExtent(workflows:["tide"],nEdgeDistance:%d){result}}'
    answer = await execute(picture, text % 0)
    assert answer["setGraphWindowExtent"]["result"][0]["response"] == [True, "Maximum edge distance set to 0"]
    assert {one.graph_depth for one in picture.task_proxies.elements.values()} == {0}
    answer = await execute(picture, text % -1)
    assert answer["setGraphWindowExtent"]["result"][0]["response"][0] is False


async def test_a_ping_costs_no_look_at_the_tasks(picture: Picture) -> None:
    """What `ping` asks is answered before instances and definitions have been looked at."""
    fresh = Picture.from_engine(picture.engine, picture.identity)
    text = "query($wFlows:[ID]){workflows(ids:$wFlows){id name port}}"
    answer = await execute(fresh, text, {"wFlows": ["tide"]})
    assert answer == {"workflows": [{"id": "~ada/tide", "name": "tide", "port": 0}]}
    assert fresh.is_behind
    assert await execute(fresh, "{tasks{id}}") == await execute(picture, "{tasks{id}}")


def test_an_operation_is_known_before_it_is_run() -> None:
    """Who may only look can be told from who commands."""
    assert operation_of("{workflows{id}}") == "query"
    assert operation_of('mutation{pause(workflows:["*"]){result}}') == "mutation"


def test_the_schema_is_its_text() -> None:
    """`schema.graphql` is exactly what the schema prints: a change of one is seen in the other."""
    assert print_schema(schema()) == SCHEMA_FILE.read_text().rstrip("\n")
    assert print_schema(build_schema(SCHEMA_FILE.read_text())) == print_schema(schema())


def test_every_field_has_a_source() -> None:
    """No field of what queries reach is without a value's origin, and no origin is without a field."""
    served = set(LEAVES) | set(RESOLVERS)
    for name in served:
        fields = set(schema().type_map[name].fields)  # type: ignore[attr-defined]
        assert fields == set(LEAVES.get(name, {})) | set(RESOLVERS.get(name, {})), name
