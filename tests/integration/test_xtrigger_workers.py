"""Functions of external triggers in real worker processes, and workflows that wait for them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from tidemill.flow.engine.effects import CallXtrigger
from tidemill.flow.engine.events import XtriggerReported
from tidemill.flow.language.build import build_definition
from tidemill.flow.language.config import load_config
from tidemill.flow.language.exceptions import ConfigError
from tidemill.flow.xtriggers.builtin import FUNCTIONS
from tidemill.flow.xtriggers.check import check_xtriggers
from tidemill.flow.xtriggers.exceptions import XtriggerError
from tidemill.flow.xtriggers.pool import XtriggerWorkers, end_worker, start_worker

DOCUMENT = Path(__file__).parents[2] / "docs" / "xtriggers.md"
Program = Callable[..., subprocess.CompletedProcess[str]]
Wait = Callable[..., None]


@define(eq=False)
class Pool:
    """Workers, and what they reported."""

    directory: Path
    workers: XtriggerWorkers = field(init=False)
    reports: asyncio.Queue[XtriggerReported] = field(factory=asyncio.Queue)
    lines: list[str] = field(factory=list)

    def start(
        self, *, size: int = 1, timeout_seconds: float = 20.0, patience_seconds: float = 0.0, **more: str
    ) -> None:
        self.workers = XtriggerWorkers(
            str(self.directory),
            environment={**os.environ, **more},
            size=size,
            timeout_seconds=timeout_seconds,
            report=self.reports.put_nowait,
            log=lambda level, text: self.lines.append(f"{level} {text}"),
            clock=time.time,
            loop=asyncio.get_running_loop(),
            patience_seconds=patience_seconds,
        )

    def write(self, name: str, text: str) -> Path:
        path = self.directory / "lib" / "python" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def ask(self, function: str, *args: Any, **kwargs: Any) -> None:
        self.workers.call(CallXtrigger(f"{function}{args}{kwargs}", function, args, kwargs))

    async def answer(self) -> XtriggerReported:
        return await asyncio.wait_for(self.reports.get(), 20)

    async def call(self, function: str, *args: Any, **kwargs: Any) -> XtriggerReported:
        self.ask(function, *args, **kwargs)
        return await self.answer()


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    """Workers of a run directory; ended after the test."""
    (tmp_path / "run").mkdir()
    made = Pool(tmp_path / "run")
    yield made
    made.workers.close()


def is_alive(process_id: int) -> bool:
    """Whether a process runs; one that has ended but was not collected does not."""
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited in vain for: {what}")
        await asyncio.sleep(0.01)


async def test_one_process_serves_one_call_after_the_other(pool: Pool) -> None:
    """A function returns whether it is satisfied, and results; its process stays up for the next call."""
    pool.write(
        "mine", "import os\ndef mine(n, flag=False):\n    return n > 1, {'pid': os.getpid(), 'n': n, 'flag': flag}\n"
    )
    pool.start()
    first = await pool.call("mine", 1)
    second = await pool.call("mine", 2, flag=True)
    assert (first.satisfied, second.satisfied, first.error) == (False, True, "")
    assert second.results == {"pid": first.results["pid"], "n": 2, "flag": True}
    assert pool.workers.process_ids == [first.results["pid"]]
    assert pool.workers.in_flight == 0


async def test_as_many_calls_run_at_a_time_as_there_may_be_processes(pool: Pool) -> None:
    """Two calls that wait for each other end with two processes; a third call waits for its turn."""
    pool.write(
        "meet",
        "import os, time\n"
        "def meet(me, other):\n"
        "    open(me, 'w').close()\n"
        "    while not os.path.exists(other):\n        time.sleep(0.01)\n"
        "    return True, {'pid': os.getpid()}\n",
    )
    pool.start(size=2)
    a, b = str(pool.directory / "a"), str(pool.directory / "b")
    pool.ask("meet", a, b)
    pool.ask("meet", b, a)
    pool.ask("meet", a, b)
    answers = [await pool.answer() for _ in range(3)]
    assert all(answer.satisfied for answer in answers)
    assert len({answer.results["pid"] for answer in answers}) == 2 == len(pool.workers.process_ids)


async def test_a_changed_source_file_is_loaded_again(pool: Pool) -> None:
    """An edit of a function, or of a module of the workflow that it uses, counts from the next call on."""
    pool.write("mine", "from helper import VALUE\ndef mine():\n    return True, {'v': VALUE}\n")
    pool.write("helper", "VALUE = 1\n")
    pool.start()
    assert (await pool.call("mine")).results == {"v": 1}
    pool.write("helper", "VALUE = 2\n")
    assert (await pool.call("mine")).results == {"v": 2}
    pool.write("mine", "def mine():\n    return False, {'v': 3}\n")
    assert (await pool.call("mine")).results == {"v": 3}
    pool.write("mine", "def mine():\n    import late\n    return True, {'v': late.VALUE}\n")
    pool.write("late", "VALUE = 4\n")
    assert (await pool.call("mine")).results == {"v": 4}
    pool.write("late", "VALUE = 5\n")
    assert (await pool.call("mine")).results == {"v": 5}
    assert not (pool.directory / "lib" / "python" / "__pycache__").exists()
    assert len(pool.workers.process_ids) == 1


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def mine():\n    raise ValueError('no good')\n", ["mine.py", "line 2", "ValueError: no good"]),
        ("import sys\ndef mine():\n    sys.exit(3)\n", ["SystemExit: 3"]),
        ("def mine():\n    return True\n", ["must return (satisfied, results)", "not True"]),
        ("def mine():\n    return True, [1]\n", ["must return (satisfied, results)"]),
        ("def other():\n    pass\n", ["mine.py has no function mine"]),
        ("def mine(:\n", ["SyntaxError", "mine.py"]),
        ("import nosuchmodule\n", ["No module named 'nosuchmodule'"]),
        ("import os\ndef mine():\n    os._exit(7)\n", ["its process ended: exit status 7"]),
    ],
)
async def test_a_function_that_fails_is_reported_with_the_reason(pool: Pool, source: str, words: list[str]) -> None:
    """Whatever a function does wrong becomes one report, and the next call is served."""
    pool.write("mine", source)
    pool.start()
    report = await pool.call("mine")
    assert not report.satisfied
    for word in words:
        assert word in report.error
    assert "worker.py" not in report.error
    assert (await pool.call("echo", succeed=True)).satisfied


async def test_a_function_that_does_not_exist_is_reported_with_where_it_was_looked_for(pool: Pool) -> None:
    """The message names the file that was expected."""
    pool.start()
    report = await pool.call("nowhere")
    assert f"{pool.directory}/lib/python/nowhere.py" in report.error


async def test_a_call_that_takes_too_long_is_killed_with_all_it_started(pool: Pool) -> None:
    """The call is reported as failed, its processes are gone, and another process serves the next call."""
    pool.write(
        "slow",
        "import subprocess, time\n"
        "def slow(path):\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        "    open(path, 'w').write(str(child.pid))\n"
        "    time.sleep(600)\n",
    )
    pool.start(timeout_seconds=1.0)
    path = pool.directory / "child"
    pool.ask("slow", str(path))
    before = pool.workers.process_ids[0]
    report = await pool.answer()
    assert "longer than PT1S" in report.error
    await until(lambda: not is_alive(int(path.read_text())), "the child to be gone")
    assert not is_alive(before)
    assert (await pool.call("echo", succeed=True)).satisfied
    assert pool.workers.process_ids != [before]


async def test_a_worker_that_is_killed_is_replaced(pool: Pool) -> None:
    """The call it was serving is reported as failed; an idle one that is gone is not missed."""
    pool.write("hang", "import time\ndef hang():\n    time.sleep(600)\n")
    pool.start()
    pool.ask("hang")
    os.kill(pool.workers.process_ids[0], signal.SIGKILL)
    assert "signal 9" in (await pool.answer()).error
    await pool.call("echo", succeed=True)
    os.kill(pool.workers.process_ids[0], signal.SIGKILL)
    await until(lambda: not pool.workers.process_ids, "the end of the idle worker to be noticed")
    assert (await pool.call("echo", succeed=True)).satisfied


async def test_a_worker_ends_when_the_scheduler_is_gone(tmp_path: Path) -> None:
    """When the pipe to a worker closes, it ends with what a function of it is doing."""
    pool = Pool(tmp_path)
    path = pool.write("hang", "import time, os\ndef hang(p):\n    open(p, 'w').close()\n    time.sleep(600)\n")
    process = start_worker(str(tmp_path), os.environ)
    try:
        from tidemill.flow.xtriggers.framing import write_frame

        assert process.stdin is not None
        began = path.parent / "began"
        request = {"id": 0, "do": "call", "function": "hang", "args": [str(began)], "kwargs": {}}
        write_frame(process.stdin.fileno(), request)
        await until(began.exists, "the function to begin")
        process.stdin.close()
        await until(lambda: process.poll() is not None, "the worker to end")
    finally:
        end_worker(process)


async def test_what_functions_print_is_in_the_log(pool: Pool) -> None:
    """Output and errors, also of programs that a function runs, are told at level DEBUG, by call."""
    pool.write(
        "loud",
        "import subprocess, sys\n"
        "def loud(word):\n"
        "    print('out', word)\n    print('err', word, file=sys.stderr, flush=True)\n"
        "    subprocess.run(['echo', 'program', word])\n    return True, {}\n",
    )
    pool.start()
    await pool.call("loud", "one")
    await pool.call("loud", "two")
    assert len(pool.lines) == 2
    assert pool.lines[0].startswith("DEBUG loud('one',){} printed:")
    assert sorted(pool.lines[0].splitlines()[1:]) == ["err one", "out one", "program one"]
    assert "one" not in pool.lines[1]


async def test_functions_come_from_entry_points_and_pythonpath_too(pool: Pool, tmp_path: Path) -> None:
    """An installed package may offer functions; those of the workflow go before all others."""
    site = tmp_path / "site"
    package = site / "cool-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: cool\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[cylc.xtriggers]\ncool = cool_things.cool\n")
    (site / "cool_things").mkdir()
    (site / "cool_things" / "cool.py").write_text("def cool():\n    return True, {'from': 'entry point'}\n")
    (site / "plain.py").write_text("def plain():\n    return True, {'from': 'path'}\n")
    pool.start(PYTHONPATH=str(site))
    assert (await pool.call("cool")).results == {"from": "entry point"}
    assert (await pool.call("plain")).results == {"from": "path"}
    pool.write("echo", "def echo():\n    return True, {'from': 'workflow'}\n")
    assert (await pool.call("echo")).results == {"from": "workflow"}


async def test_an_answer_that_is_not_satisfied_may_be_held_back(pool: Pool) -> None:
    """A pause before such an answer keeps a clock that jumps from asking without end; the call is under way."""
    pool.start(patience_seconds=0.2)
    began = time.monotonic()
    assert (await pool.call("echo", succeed=True)).satisfied
    pool.ask("echo", succeed=False)
    await until(lambda: pool.lines and "False" in pool.lines[-1], "the function to have run")
    assert pool.workers.in_flight == 1
    assert not (await pool.answer()).satisfied
    assert time.monotonic() - began >= 0.2


# -- functions that come along ----------------------------------------------------------------------------------------


@pytest.fixture
def other_run(home: Path) -> Path:
    """A run with the tables that Cylc 8 documents."""
    run = home / "cylc-run" / "up" / "run1"
    (run / "log").mkdir(parents=True)
    (run.parent / "runN").symlink_to("run1")
    with sqlite3.connect(run / "log" / "db") as database:
        database.executescript(
            """
            CREATE TABLE workflow_params(key TEXT, value TEXT);
            INSERT INTO workflow_params VALUES ('icp', '20200101T0000Z'), ('cycle_point_format', 'CCYYMMDDThhmmZ');
            CREATE TABLE task_states(name, cycle, flow_nums, time_created, time_updated, submit_num, status, flow_wait,
                is_manual_submit);
            INSERT INTO task_states VALUES
                ('a', '20200101T0000Z', '[1]', '', '', 1, 'succeeded', 0, 0),
                ('b', '20200101T0000Z', '[2]', '', '', 1, 'failed', 0, 0),
                ('c', '20200101T0600Z', '[1]', '', '', 1, 'running', 0, 0);
            CREATE TABLE task_outputs(cycle, name, flow_nums, outputs);
            INSERT INTO task_outputs VALUES
                ('20200101T0600Z', 'c', '[1]', '{"started": "started", "x": "the file is there"}');
            """
        )
    database.close()
    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["up//20200101T0000Z/a"], {"status": "succeeded"}),
        (["up/run1//2020/a:succeeded"], {"status": "succeeded"}),
        (["up//20200101T0000Z/a:failed"], None),
        (["up//20200101T0000Z/b"], None),
        (["up//20200101T0000Z/b:failed", {"flow_num": 2}], {"flow_num": 2, "status": "failed"}),
        (["up//20200101T0000Z/b:failed", {"flow_num": 1}], None),
        (["up//20200101T0000Z/c:x", {"offset": "PT6H", "is_trigger": True}], {"offset": "PT6H", "trigger": "x"}),
        (["up//20200101T0600Z/c:the file is there", {"is_message": True}], {"message": "the file is there"}),
        (["up//20200101T0600Z/c:y", {"is_trigger": True}], None),
        (["nowhere//1/a"], None),
    ],
)
def test_the_state_of_another_workflow_is_read_from_its_record(
    other_run: Path, arguments: list[Any], expected: dict[str, Any] | None
) -> None:
    """A task may be asked for by state, output or message, in a flow, at a moved point, in any form of the point."""
    keywords = arguments[1] if len(arguments) > 1 else {}
    satisfied, results = FUNCTIONS["workflow_state"][0](arguments[0], **keywords)
    assert satisfied is (expected is not None)
    if expected is not None:
        assert {key: results[key] for key in expected} == expected
        assert results["task"] in "abc"
        assert results["point"].startswith("20200101T0")
        assert set(results) == {"workflow", "task", "point", *expected}


def test_the_old_form_and_another_run_root_work_too(other_run: Path, tmp_path: Path) -> None:
    """`suite_state` takes task and point apart; `alt_cylc_run_dir` names another directory of runs."""
    suite_state = FUNCTIONS["suite_state"][0]
    assert suite_state("up", "a", "20200101T0000Z")[0]
    satisfied, results = suite_state("up", "c", "20200101T0600Z", message="the file is there")
    assert satisfied
    assert list(results) == ["workflow", "task", "point", "offset", "status", "message", "cylc_run_dir"]
    shutil.copytree(other_run, tmp_path / "elsewhere" / "moved")
    runs = str(tmp_path / "elsewhere")
    assert FUNCTIONS["workflow_state"][0]("moved//2020/a", alt_cylc_run_dir=runs)[0]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("workflow_state", {"workflow_task_id": "up//1"}, "names no task"),
        ("workflow_state", {"workflow_task_id": "up//1/a:running"}, "ask for :started with is_trigger=True"),
        ("workflow_state", {"workflow_task_id": "up//1/a:fine"}, "there is no task state 'fine'"),
        ("echo", {"succeed": 1}, "succeed=True or succeed=False"),
        ("xrandom", {"percent": 101}, "between 0 and 100"),
    ],
)
def test_arguments_that_cannot_work_are_refused(name: str, arguments: dict[str, Any], words: str) -> None:
    """The functions that come along check what they are given."""
    with pytest.raises(XtriggerError, match=re.escape(words)):
        FUNCTIONS[name][1](arguments)


# -- checks before a run ----------------------------------------------------------------------------------------------


def check(directory: Path, xtrigger: str, *, limit_seconds: float = 20.0) -> None:
    (directory / "flow.cylc").write_text(
        f"[scheduler]\n allow implicit tasks = True\n[scheduling]\n cycling mode = integer\n initial cycle point = 1\n"
        f" [[xtriggers]]\n  x = {xtrigger}\n  unused = nosuch()\n [[graph]]\n  R1 = @x => a\n"
    )
    config = load_config(str(directory))
    definition = build_definition(config, now=0.0)
    check_xtriggers(definition, config, directory, environment=os.environ, limit_seconds=limit_seconds)


@pytest.mark.parametrize(
    ("xtrigger", "words"),
    [
        ("mine(1, m=2)", "got an unexpected keyword argument 'm'"),
        ("mine()", "missing a required argument: 'point'"),
        ("mine(1, n=2)", "n must be 1"),
        ("absent()", "there is no function absent"),
        ("workflow_state(a//1/b:running)", "only for a moment"),
        ("suite_state(a)", "missing a required argument: 'task'"),
        ("slow()", "could not be checked in PT0.5S"),
        ("gone()", "the process that checked it ended"),
    ],
)
def test_a_call_that_cannot_work_is_refused_before_the_run(tmp_path: Path, xtrigger: str, words: str) -> None:
    """Missing functions, wrong arguments and what `validate` objects to are told with the line of the trigger."""
    library = tmp_path / "lib" / "python"
    library.mkdir(parents=True)
    (library / "mine.py").write_text(
        "def validate(a):\n    if a['n'] != 1:\n        raise ValueError('n must be 1')\n"
        "def mine(point, n=1):\n    pass\n"
    )
    (library / "slow.py").write_text("import time\ntime.sleep(600)\n")
    (library / "gone.py").write_text("import os\nos._exit(0)\n")
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        check(tmp_path, xtrigger, limit_seconds=0.5 if xtrigger == "slow()" else 20.0)
    assert "flow.cylc:7: xtrigger @x: " in str(caught.value)
    check(tmp_path, "mine(%(point)s)")


# -- whole runs -------------------------------------------------------------------------------------------------------


def documented(run: Path) -> None:
    """Write the files that the documentation shows."""
    for name, text in re.findall(r"```\w+\n# (\S+)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(text)


def log_of(run: Path) -> str:
    return (run / "log" / "scheduler" / "log").read_text()


def test_the_documented_example_runs(home: Path, tidemill: Program, wait_until: Wait) -> None:
    """Each cycle's task waits for its file, is told its path, and prints it; no worker is left behind."""
    run = home / "cylc-run" / "wait"
    documented(run)
    assert tidemill("validate", "wait").returncode == 0
    played = tidemill("play", "wait")
    assert played.returncode == 0, played.stderr
    wait_until(lambda: log_of(run).count("Commencing xtrigger, call interval 2.0s: data") == 2, "both calls")
    incoming = run / "share" / "incoming"
    incoming.mkdir(parents=True)
    for cycle in (1, 2):
        (incoming / f"obs-{cycle}.txt").write_text(f"observed in {cycle}\n")
    wait_until(lambda: "DONE" in log_of(run), "the end of the run", timeout_seconds=30)
    for cycle in (1, 2):
        assert f"observed in {cycle}" in (run / "log" / "job" / str(cycle) / "use" / "NN" / "job.out").read_text()
    assert f"+ [1/use] [environment]data_path={incoming}/obs-1.txt" in log_of(run)
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in left.splitlines() if "xtriggers.worker" in line and str(run) in line]


def test_a_run_waits_for_a_task_of_another(home: Path, tidemill: Program, wait_until: Wait) -> None:
    """One workflow goes on when a task of another, which is started later, has completed an output."""
    head = "[scheduling]\n cycling mode = integer\n initial cycle point = 1\n"
    texts = {
        "up": f"{head} [[graph]]\n  R1 = a:x\n[runtime]\n [[a]]\n  script = cylc message -- 'made x'\n"
        "  [[[outputs]]]\n   x = made x\n",
        "down": f"{head} [[xtriggers]]\n  up = workflow_state(up//%(point)s/a:x, is_trigger=True):PT0.2S\n"
        " [[graph]]\n  R1 = @up => b\n[runtime]\n [[b]]\n  script = echo got $up_trigger of $up_workflow\n",
    }
    for name, text in texts.items():
        (home / "cylc-run" / name).mkdir()
        (home / "cylc-run" / name / "flow.cylc").write_text(text)
    down = home / "cylc-run" / "down"
    assert tidemill("play", "down").returncode == 0
    wait_until(lambda: "Commencing xtrigger" in log_of(down), "the first look")
    assert tidemill("play", "--no-detach", "up").returncode == 0
    wait_until(lambda: "DONE" in log_of(down), "the end of the run", timeout_seconds=30)
    assert "got x of up" in (down / "log" / "job" / "1" / "b" / "NN" / "job.out").read_text()


def test_a_simulation_calls_functions_for_real(home: Path, tidemill: Program) -> None:
    """The clock of a simulation stands still for a call, and goes on once it is satisfied."""
    run = home / "cylc-run" / "simulated"
    library = run / "lib" / "python"
    library.mkdir(parents=True)
    (library / "third.py").write_text(
        "COUNT = {}\ndef third(point):\n    COUNT[point] = COUNT.get(point, 0) + 1\n    return COUNT[point] == 3, {}\n"
    )
    (run / "flow.cylc").write_text(
        "[scheduling]\n initial cycle point = 20200101T00Z\n final cycle point = 20200103T00Z\n"
        " [[xtriggers]]\n  t = third(%(point)s):PT10M\n [[graph]]\n  P1D = @t => a\n[runtime]\n [[a]]\n"
    )
    played = tidemill("play", "--no-detach", "--mode=simulation", "simulated")
    assert played.returncode == 0, played.stdout
    assert log_of(run).count("xtrigger succeeded: t = third(") == 3
    assert log_of(run).count("=> succeeded") == 3


def test_play_and_validate_refuse_a_function_that_is_missing(home: Path, tidemill: Program) -> None:
    """The error names the line and the file that was looked for; nothing is started."""
    run = home / "cylc-run" / "wrong"
    run.mkdir()
    (run / "flow.cylc").write_text(
        "[scheduling]\n cycling mode = integer\n initial cycle point = 1\n [[xtriggers]]\n  x = absent()\n"
        " [[graph]]\n  R1 = @x => a\n[runtime]\n [[a]]\n"
    )
    for command in ("play", "validate"):
        refused = tidemill(command, "wrong")
        assert refused.returncode == 1
        assert "flow.cylc:5: xtrigger @x: there is no function absent" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not (run / ".service" / "contact").exists()
