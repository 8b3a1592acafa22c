"""Suites as workflows: what queries and protobuf show of them, kept in step with the engine change by change."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.exceptions import TidemillError
from tidemill.flow.engine.events import Command
from tidemill.flow.exceptions import CommandFailed
from tidemill.flow.picture.suite_elements import name_of, path_of
from tidemill.flow.picture.suite_picture import ServerIdentity, SuitePictures
from tidemill.flow.suite.engine import SuiteEngine
from tidemill.flow.suite.events import ChildCommand, ServerStarted
from tidemill.flow.suite.nodes import Submittable
from tidemill.flow.suite_showing import SuiteShowing, merge
from tidemill.proto.data_messages_pb2 import PbEntireWorkflow
from tidemill.schema.execute import execute

SUITE = """extern /other/c
suite {name}
 limit L 1
 edit X 1
 family f
  repeat integer N 1 2
  task a
   event done
   meter m 0 100
   label info "hello"
  family g
   task b
    trigger ../a == complete and ../a:done
    inlimit L
  endfamily
 endfamily
 family root
  task t
 endfamily
 task c
  trigger f == complete or /other/c == complete
  time 12:00
  defstatus suspended
endsuite
"""
EVERYTHING = """{
  workflows { id status statusMsg stateTotals isHeldTotal states }
  taskProxies { id name cyclePoint namespace state isHeld isRetry isWallclock jobSubmits depth extras
    prerequisites { expression satisfied conditions { taskId exprAlias reqState satisfied message } }
    outputs { label satisfied } jobs { submitNum state jobId messages } firstParent { id } task { id } }
  familyProxies { id name state states stateTotals isHeld isHeldTotal depth
    childTasks { id } childFamilies { id } firstParent { id } }
  tasks { id name depth namespace parents { name } proxies { id } }
  families { id name depth childTasks { name } childFamilies { name } proxies { id } }
  jobs { id state }
}"""


class Played:
    """An engine, and commands and jobs for it."""

    def __init__(self, *suites: str) -> None:
        self.engine = SuiteEngine()
        variables = {"ECF_HOME": "/h", "ECF_JOB_CMD": "x", "ECF_MICRO": "%", "ECF_TRIES": "2"}
        self.engine.handle(ServerStarted(1000.0, seed="x", variables=variables, state="RUNNING"))
        self.now = 1000.0
        for name in suites:
            self.load(name)

    def load(self, name: str, text: str = SUITE) -> None:
        """Load a suite."""
        self.tell("load", "x.def", definition=text.format(name=name), file="x.def")

    def tell(self, name: str, *words: str, **attachments: str) -> bool:
        """Give a command; whether it was taken."""
        self.now += 1
        arguments = {"words": list(words), "attachments": attachments}
        self.engine.handle(Command(self.now, name, arguments, f"{self.now}", "anna"))
        return not self.engine.result.refused  # type: ignore[union-attr]

    def report(self, name: str, path: str, *words: str) -> None:
        """Let the job of a task report."""
        self.now += 1
        task = self.engine.defs.find(path)
        assert isinstance(task, Submittable)
        self.engine.handle(
            ChildCommand(self.now, name, path, task.password, "99", task.try_number, list(words), host="here")
        )


def pictures_of(engine: SuiteEngine) -> SuitePictures:
    """Pictures made from nothing."""
    pictures = SuitePictures(engine, ServerIdentity("anna", "localhost", 3141))
    for _ in pictures.make():
        pass
    pictures.catch_up()
    return pictures


async def asked(pictures: SuitePictures, query: str = EVERYTHING) -> dict[str, Any]:
    """What all suites answer."""
    found: dict[str, Any] = {}
    for picture in pictures.in_order():
        merge(found, await execute(picture, query))
    return found


def without_order(value: Any) -> Any:
    """An answer in which the order of lists does not count, nor jobs of tries before the last."""
    if isinstance(value, dict):
        return {
            key: without_order(one[-1:] if key == "jobs" and "jobSubmits" in value else one)
            for key, one in value.items()
            if not (key == "jobs" and "jobSubmits" not in value)
        }
    if isinstance(value, list):
        return sorted((without_order(one) for one in value), key=repr)
    return value


async def test_a_suite_is_a_workflow_with_families_tasks_and_jobs() -> None:
    """States are those of the schema, the exact ones and all attributes in extras; names are paths with plus signs."""
    played = Played("s")
    played.tell("begin", "s")
    played.report("init", "/s/f/a", "99")
    played.report("event", "/s/f/a", "done")
    played.report("meter", "/s/f/a", "m", "40")
    found = await asked(pictures_of(played.engine))
    (workflow,) = found["workflows"]
    assert workflow["id"] == "~anna/.ecflow/localhost.3141/s"
    assert (workflow["status"], workflow["statusMsg"]) == ("running", "active")
    tasks = {one["name"]: one for one in found["taskProxies"]}
    assert {name: one["state"] for name, one in tasks.items()} == {
        "f+a": "running",
        "f+g+b": "waiting",
        "root+t": "submitted",
        "c": "waiting",
    }
    first = tasks["f+a"]
    assert first["id"] == "~anna/.ecflow/localhost.3141/s//1/f+a"
    assert first["namespace"] == ["root", "f", "f+a"]
    assert first["jobs"] == [{"submitNum": 1, "state": "running", "jobId": "99", "messages": []}]
    assert first["extras"]["state"] == "active"
    assert first["extras"]["events"] == {"done": True}
    assert first["extras"]["meters"] == {"m": {"value": 40, "min": 0, "max": 100}}
    assert first["extras"]["labels"] == {"info": "hello"}
    assert {one["label"] for one in first["outputs"] if one["satisfied"]} == {"submitted", "started", "done"}
    assert tasks["c"]["isHeld"]
    (prerequisite,) = tasks["f+g+b"]["prerequisites"]
    assert (prerequisite["expression"], prerequisite["satisfied"]) == ("0 & 1", False)
    assert [one["satisfied"] for one in prerequisite["conditions"]] == [False, True]
    families = {one["name"]: one for one in found["familyProxies"]}
    assert set(families) == {"root", "f", "f+g", "+root"}
    assert families["f"]["state"] == "running"
    assert families["root"]["stateTotals"]["waiting"] == 2
    assert families["root"]["childFamilies"] == [{"id": families[name]["id"]} for name in ("f", "+root")]


def test_names_of_nodes_lead_back_to_them() -> None:
    """A path becomes a name that no other node of the suite has, and the name the path again."""
    played = Played("s")
    names = {name_of(node): node.path for node in played.engine.defs.walk()}
    assert len(names) == len(list(played.engine.defs.walk()))
    assert {path_of("s", name): path for name, path in names.items()} == {path: path for path in names.values()}


async def test_a_job_is_shown_for_each_try() -> None:
    """A job that failed stays beside the one that tries again; a task that is put back has none."""
    played = Played("s")
    pictures = pictures_of(played.engine)
    played.tell("begin", "s")
    pictures.catch_up()
    played.report("init", "/s/f/a", "99")
    pictures.catch_up()
    played.report("abort", "/s/f/a", "disk full")
    pictures.catch_up()
    query = '{jobs(ids: ["1/f+a"]) {id state startedTime finishedTime}}'
    jobs = (await asked(pictures, query))["jobs"]
    assert [one["id"].rpartition("/")[2] for one in jobs] == ["01", "02"]
    assert [one["state"] for one in jobs] == ["failed", "submitted"]
    assert jobs[0]["startedTime"].startswith("1970-01-01T00:16:4")
    played.tell("requeue", "force", "/s/f/a")
    played.tell("suspend", "/s/f/a")
    pictures.catch_up()
    assert len((await asked(pictures, query))["jobs"]) <= 1


async def test_a_suite_that_cannot_run_is_paused_and_says_why() -> None:
    """Not begun, suspended, or on a server that is halted."""
    played = Played("s")
    pictures = pictures_of(played.engine)
    seen = []
    for command in (None, ("begin", "s"), ("suspend", "/s"), ("halt", "yes")):
        if command is not None:
            assert played.tell(*command)
        pictures.catch_up()
        (workflow,) = (await asked(pictures, "{workflows {status statusMsg}}"))["workflows"]
        seen.append((workflow["status"], workflow["statusMsg"]))
    assert seen == [
        ("paused", "not begun"),
        ("running", "submitted"),
        ("paused", "suspended"),
        ("paused", "the server is halted; suspended"),
    ]


def test_a_change_costs_what_it_changes() -> None:
    """After one event of one task, only that task, its families and what waits for it are looked at."""
    text = "suite s\n" + "".join(f" task t{number}\n  event e\n" for number in range(2000)) + "endsuite\n"
    played = Played()
    played.load("s", text)
    pictures = pictures_of(played.engine)
    played.tell("begin", "s")
    pictures.catch_up()
    picture = pictures.in_order()[0]
    picture.entire()
    played.report("init", "/s/t7", "99")
    looked: list[object] = []
    show = picture.nodes.show
    picture.nodes.show = lambda node: (looked.append(node), show(node))[1]  # type: ignore[method-assign, func-returns-value]
    pictures.catch_up()
    assert len(looked) <= 3


ACTIONS = ("load", "begin", "suspend", "resume", "force", "delete", "plug", "order", "requeue", "alter", "job", "halt")


def act(played: Played, random: Random) -> None:
    """Do something to a random node, whether it makes sense or not."""
    engine = played.engine
    nodes = [node.path for node in engine.defs.walk()]
    path = random.choice(nodes) if nodes else "/s"
    match random.choice(ACTIONS):
        case "load":
            played.load(random.choice(("s", "other", "third")))
        case "begin":
            played.tell("begin", random.choice(("s", "other", "third")))
        case "force":
            state = random.choice(("complete", "aborted", "queued", "active", "unknown"))
            played.tell("force", state, *random.choice(((), ("recursive",))), path)
        case "delete" if random.random() < 0.4:
            played.tell("delete", "force", "yes", path)
        case "plug":
            played.tell("plug", path, random.choice(nodes or ["/s"]))
        case "order":
            played.tell("order", path, random.choice(("top", "bottom", "alpha")))
        case "alter":
            kind = random.choice(
                (
                    ("add", "event", "e2"),
                    ("change", "variable", "X", "2"),
                    ("delete", "trigger"),
                    ("add", "meter", "k", "0", "9"),
                )
            )
            played.tell("alter", *kind, path)
        case "job":
            tasks = [node for node in engine.defs.walk() if isinstance(node, Submittable) and node.password]
            if tasks:
                task = random.choice(tasks)
                name = random.choice(("init", "complete", "abort", "event"))
                played.report(name, task.path, *{"init": ["99"], "abort": ["no"], "event": ["done"]}.get(name, []))
        case "halt":
            played.tell(random.choice(("halt", "restart", "restart")), "yes")
        case name if name in ("suspend", "resume", "requeue"):
            played.tell(name, path)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 6))
def test_following_changes_shows_what_a_new_picture_would(seed: int, pace: int) -> None:
    """Whatever users and jobs do, the picture that was kept in step tells the same as one made anew; bytes too."""
    random = Random(seed)
    played = Played("s", "other")
    pictures = pictures_of(played.engine)
    for _ in range(10):
        for _ in range(pace):
            act(played, random)
        pictures.catch_up()
        anew = pictures_of(played.engine)
        found, expected = asyncio.run(asked(pictures)), asyncio.run(asked(anew))
        assert without_order(found) == without_order(expected)
        for picture in pictures.in_order():
            whole = PbEntireWorkflow()
            whole.ParseFromString(picture.entire())
            suite = picture.identity.id
            told = {one["id"]: one["state"] for one in found["taskProxies"] if one["id"].startswith(f"{suite}//")}
            assert {one.id: one.state for one in whole.task_proxies} == told
            assert {one.id for one in whole.family_proxies} == {
                one["id"] for one in found["familyProxies"] if one["id"].startswith(f"{suite}//")
            }
            satisfied = {
                one["id"]: [part["satisfied"] for part in one["prerequisites"]]
                for one in found["taskProxies"]
                if one["id"] in told
            }
            assert {one.id: [part.satisfied for part in one.prerequisites] for one in whole.task_proxies} == satisfied


def showing_of(engine: SuiteEngine) -> SuiteShowing:
    """What a server would answer with."""
    return SuiteShowing(lambda: engine, lambda: ServerIdentity("anna", "localhost", 3141), lambda level, text: None)


async def test_one_query_is_answered_for_all_suites() -> None:
    """Lists are joined, patterns choose among suites, of single things the one that is meant is found."""
    played = Played("s", "other")
    showing = showing_of(played.engine)
    one = "~anna/.ecflow/localhost.3141/other"
    query = (
        f'{{workflows(ids: ["*/other"]) {{id}} tasks {{name}} taskProxy(id: "{one}//1/c") {{id}} why(id: "/other/c")}}'
    )
    found = await showing.query(query, None, meta={})
    assert found["workflows"] == [{"id": one}]
    assert len(found["tasks"]) == 8
    assert found["taskProxy"] == {"id": f"{one}//1/c"}
    assert found["why"]["id"] == "/other/c"
    played.tell("delete", "yes", "_all_")
    assert await showing.query(
        "{n: workflows {id} ...F} fragment F on Queries {workflows {name} jobs {id}}", None, meta={}
    ) == {
        "n": [],
        "workflows": [],
        "jobs": [],
    }


async def test_mutations_are_refused_with_what_to_do_instead() -> None:
    """Nothing is taken for a command that is none."""
    showing = showing_of(Played("s").engine)
    with pytest.raises(CommandFailed, match="tidemill ecflow"):
        await showing.query('mutation {pause(workflows: ["*"]) {result}}', None, meta={})


async def test_a_suite_must_be_named_where_there_are_several() -> None:
    """The whole of one suite is one message; which one is said where it is not clear."""
    played = Played("s", "other")
    showing = showing_of(played.engine)
    with pytest.raises(CommandFailed, match="name the suite: suites are s, other"):
        await showing.elements("", None)
    with pytest.raises(CommandFailed, match="there is no suite nosuch"):
        await showing.elements("nosuch", None)
    whole = PbEntireWorkflow()
    whole.ParseFromString(await showing.elements("other", None))
    assert whole.workflow.name == ".ecflow/localhost.3141/other"


def test_commands_in_explanations_can_be_typed_as_they_are() -> None:
    """A remedy names the server, and holds no line breaks."""
    played = Played("s")
    found = showing_of(played.engine).why("/s/c")
    forces = [reason["force"] for reason in found["reasons"] if reason["force"]]
    assert "tidemill ecflow --port=3141 --begin=s" in forces
    assert "\n" not in found["summary"]


async def test_a_large_server_answers_the_same_from_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks at many nodes is worked out by another process; errors come back as they are."""
    showing = showing_of(Played("s", "other").engine)
    query = "query ($ids: [ID]) {taskProxies(ids: $ids) {id state extras} workflows {id}}"
    variables = {"ids": ["*/c"]}
    expected = await showing.query(query, variables, meta={}), PbEntireWorkflow()
    expected[1].ParseFromString(await showing.elements("s", None))
    monkeypatch.setattr("tidemill.flow.suite_showing.LARGE", 1)
    assert await showing.query(query, variables, meta={}) == expected[0]
    whole = PbEntireWorkflow()
    whole.ParseFromString(await showing.elements("s", None))
    assert [one.id for one in whole.task_proxies] == [one.id for one in expected[1].task_proxies]
    with pytest.raises(TidemillError, match="Cannot sort by nosuch"):
        await showing.query('{taskProxies(sort: {keys: ["nosuch"]}) {id}}', None, meta={})
