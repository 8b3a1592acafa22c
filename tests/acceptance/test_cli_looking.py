"""Looking at a running workflow: `dump`, `show`, `subscribe` and `scan`, line for line what Cylc prints."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]

CYLC = Path(__file__).parents[2] / "benchmarks" / ".cylc" / "bin" / "cylc"
"""The real program, where the tests of Cylc's clients have installed it."""

WORKFLOW = """
[meta]
    title = A run to be looked at
    description = '''
        Two lines of
        words.
    '''
    URL = https://example.org
    owner = anna
[scheduler]
    UTC mode = True
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 8
    final cycle point = 12
    runahead limit = P2
    [[queues]]
        [[[one]]]
            limit = 1
            members = q1, q2
    [[xtriggers]]
        never = xrandom(0)
    [[graph]]
        P1 = '''
            a => b & m1 & m2
            M:succeed-all => all
            a & b | h => either
            @never => x
            q1
            q2
        '''
        R1 = "a:written? => read"
[runtime]
    [[M]]
    [[a]]
        script = cylc message -- "all written"
        [[[meta]]]
            title = It comes first
            importance = high
        [[[outputs]]]
            written = all written
    [[m1, m2]]
        inherit = M
    [[m2]]
        script = false
    [[b, q1, q2]]
        script = sleep 300
"""


@pytest.fixture
def workflow(home: Path, tidemill: Program, wait_until: Callable[..., None]) -> Iterator[Path]:
    """A running workflow ``w`` that has come as far as it can."""
    run = home / "cylc-run" / "w"
    run.mkdir(parents=True)
    (run / "flow.cylc").write_text(WORKFLOW)
    assert tidemill("play", "w").returncode == 0
    held = tidemill("hold", "w//9/all", "--until-done")
    assert held.returncode == 0, held.stderr

    def is_quiet() -> bool:
        lines = tidemill("dump", "-t", "w").stdout.splitlines()
        return {"8/b:running", "8/m2:failed", "8/q1:running", "9/m2:failed", "10/b:running"} <= set(lines)

    wait_until(is_quiet, "the run to come as far as it can", timeout_seconds=30.0)
    yield run
    tidemill("kill", "w//*")
    tidemill("stop", "--now", "--now", "--max-polls=200", "--interval=0.05", "w")


def test_dump_tells_the_workflow_and_its_active_tasks(workflow: Path, tidemill: Program) -> None:
    """Summary, tasks by name or by cycle point (9 before 10), flags, flows, the old format, and all of it as data."""
    summary = dict(line.split("=", 1) for line in tidemill("dump", "w").stdout.splitlines())
    assert (summary["name"], summary["status"], summary["oldest active cycle point"]) == ("w", "running", "8")
    assert ast.literal_eval(summary["workflow urls"])["workflow_id"] == "https://example.org"
    assert tidemill("dump", "-g", "w").stdout.splitlines()[1:] == tidemill("dump", "w").stdout.splitlines()[1:]
    lines = tidemill("dump", "-t", "w").stdout.splitlines()
    assert "9/all:waiting (held)" in lines
    assert "9/q1:waiting (queued)" in lines
    assert any(line.endswith("(runahead)") for line in lines)
    assert [line.partition("/")[0] for line in lines if "/b:" in line] == ["8", "9", "10"]
    cycles = [int(line.partition("/")[0]) for line in tidemill("dump", "--sort", "w").stdout.splitlines()]
    assert cycles == sorted(cycles)
    assert set(tidemill("dump", "-s", "w").stdout.splitlines()) == set(lines)
    assert "8/b:running flows=[1]" in tidemill("dump", "-t", "-f", "w").stdout
    legacy = tidemill("dump", "-l", "w").stdout.splitlines()
    assert "all, 9, waiting, held, not-queued, not-runahead" in legacy
    raw = ast.literal_eval(tidemill("dump", "-r", "w").stdout)
    assert raw == json.loads(tidemill("dump", "-p", "w").stdout) == json.loads(tidemill("dump", "--json", "w").stdout)
    assert len(raw["taskProxies"]) == len(lines)
    assert raw["meta"]["userDefined"] == {"owner": "anna"}
    refused = tidemill("dump", "-g", "-t", "w")
    assert (refused.returncode, refused.stdout) == (1, "")


def test_show_tells_metadata_prerequisites_and_outputs(workflow: Path, tidemill: Program) -> None:
    """A workflow, a definition and an instance each say what they are; families mean their members."""
    text = tidemill("show", "w").stdout
    assert (
        text
        == "title: A run to be looked at\nowner: anna\ndescription: Two lines of\nwords.\nURL: https://example.org\n"
    )
    assert json.loads(tidemill("show", "--json", "w").stdout)["owner"] == "anna"
    assert tidemill("show", "w", "--task-def", "a").stdout.startswith("title: It comes first\nimportance: high\n")
    lines = tidemill("show", "w//8/all").stdout.splitlines()
    assert lines[3:7] == [
        "state: waiting",
        "prerequisites: ('⨯': not satisfied)",
        "  ✓ 8/m1 succeeded",
        "  ⨯ 8/m2 succeeded",
    ]
    assert lines[-2:] == ["output completion: incomplete", "  ⨯ ┆  succeeded"]
    assert "state: waiting (held)" in tidemill("show", "w//9/all").stdout
    assert "\n  ✓ (0 & 1) | 2\n" in tidemill("show", "w//8/either").stdout
    assert "  ⨯ \t1 = 8/b succeeded" in tidemill("show", "w//8/either").stdout
    assert '  ⨯ xtrigger "never = xrandom(0)"' in tidemill("show", "w//8/x").stdout
    listed = tidemill("show", "--list-prereqs", "w//8/M").stdout
    assert listed == "\nTask ID: 8/m1\n8/a succeeded\n\nTask ID: 8/m2\n8/a succeeded\n"
    assert set(json.loads(tidemill("show", "--json", "w//*:failed").stdout)) == {f"{n}/m2" for n in (8, 9, 10)}


def test_what_is_not_there_is_said_and_fails(workflow: Path, tidemill: Program) -> None:
    """An ID that matches nothing is named on standard error, what matches is shown, and the exit code is 1."""
    done = tidemill("show", "w", "//8/all", "//8/nosuch")
    assert done.returncode == 1
    assert "state: waiting" in done.stdout
    assert done.stderr.startswith("No matching active tasks found: 8/nosuch; 'tidemill why w//8/nosuch' tells why")
    for arguments in (("w", "--task-def", "nosuch"), ("w//8/a", "--task-def", "a"), ("w//8/a:nostate",)):
        assert tidemill("show", *arguments).returncode == 1
    assert tidemill("show", "gone").returncode == 1
    assert tidemill("dump", "w//8/a").returncode == 1
    unknown = tidemill("subscribe", "-T", "nosuch", "w")
    assert unknown.returncode == 1
    assert "task_proxies" in unknown.stderr


@pytest.mark.skipif(not CYLC.exists(), reason="the real cylc is not installed")
def test_it_is_what_cylc_prints(workflow: Path, tidemill: Program, home: Path) -> None:
    """Every line of `dump`, and of `show` for what has not run yet, is the one that Cylc 8.5.4 prints."""

    def cylc(*arguments: str) -> tuple[str, int]:
        done = subprocess.run(
            [str(CYLC), *arguments], cwd=home, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "LANG": "C.UTF-8"},
        )  # fmt: skip
        return done.stdout, done.returncode

    for arguments in (
        ("dump", "w"),
        *(("dump", "-t", option, "w") for option in ("-t", "-f", "-l", "-s")),
        ("dump", "-r", "w"),
        ("dump", "-r", "-p", "w"),
        ("show", "w"),
        ("show", "--json", "w"),
        ("show", "--task-def=a", "w"),
        *(("show", f"w//{task}") for task in ("8/all", "9/all", "8/x", "8/q1", "10/b", "8/nosuch")),
        *(("show", "--json", f"w//{task}") for task in ("8/all", "8/x", "*:failed")),
        ("show", "--list-prereqs", "w//8/all"),
    ):
        # Sort by cycle point is by text there, and by number here; the order of names is the same.
        theirs, ours = cylc(*arguments), tidemill(*arguments)
        here, there = (ours.stdout, ours.returncode), theirs
        if "-t" in arguments:
            here, there = ("".join(sorted(here[0])), here[1]), ("".join(sorted(there[0])), there[1])
        elif "-r" in arguments or arguments[:2] == ("dump", "w"):
            here, there = (_without_order(here[0]), here[1]), (_without_order(there[0]), there[1])
        assert here == there, arguments


def _without_order(text: str) -> str:
    return "".join(sorted(text))


def test_subscribe_prints_changes_until_the_end(workflow: Path, tidemill: Program, home: Path) -> None:
    """Publications come as JSON by topic, and the last word is why the scheduler stopped."""
    program = Path(sys.executable).parent / "tidemill"
    with subprocess.Popen(
        [str(program), "subscribe", "--json", "-T", "task_proxies,all", "w"],
        cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stdout is not None
        assert "subscribed to task_proxies, all of w" in process.stderr.readline()
        try:
            assert tidemill("hold", "w//8/all").returncode == 0
            assert tidemill("stop", "--now", "--now", "--wait", "w").returncode == 0
            output, _ = process.communicate(timeout=30)
        except BaseException:
            process.send_signal(signal.SIGKILL)
            raise
    messages = [json.loads(line) for line in output.splitlines()]
    assert {message["topic"] for message in messages} == {"task_proxies", "all", "shutdown"}
    assert messages[-1] == {"topic": "shutdown", "deltas": "REQUEST(NOW-NOW)"}
    assert process.returncode == 0
    assert tidemill("subscribe", "w").returncode == 1


def test_scan_prints_every_form(workflow: Path, tidemill: Program) -> None:
    """Names, addresses, trees, contact files, data and states; each state is told without colours too."""
    contact = dict(line.split("=", 1) for line in (workflow / ".service" / "contact").read_text().splitlines())
    line = f"w {contact['CYLC_WORKFLOW_HOST']}:{contact['CYLC_WORKFLOW_PORT']} {contact['CYLC_WORKFLOW_PID']}\n"
    assert tidemill("scan").stdout == tidemill("scan", "-t", "plain", "--sort", "--ping").stdout == line
    assert tidemill("scan", "-t", "tree").stdout == line
    assert tidemill("scan", "-t", "name").stdout == "w\n"
    (found,) = json.loads(tidemill("scan", "-t", "json").stdout)
    assert found["contact"] == str(workflow / ".service" / "contact")
    assert contact.items() <= found.items()
    listed = tidemill("scan", "-t", "contact").stdout.splitlines()
    assert listed == ["w", *(f"    {key}={value}" for key, value in contact.items())]
    rich = tidemill("scan", "-t", "rich").stdout.splitlines()
    assert rich[0].startswith("w (running)")
    assert "    title          A run to be looked at" in rich
    assert rich[rich.index("    description    Two lines of") + 1] == "                   words."
    assert "failed:3" in rich[1]
    coloured = tidemill("scan", "-t", "rich", "--color=always").stdout
    assert "failed:3" not in coloured
    assert "failed:3" in tidemill("scan", "-t", "rich", "--color=always", "--colour-blind").stdout
    assert tidemill("scan", "--states=paused,stopped").stdout == ""
    assert tidemill("pause", "w").returncode == 0
    assert tidemill("scan", "--states=paused").stdout == line
    assert tidemill("scan", "--states=running").stdout == ""
    assert tidemill("scan", "-n", "^x", "-n", "w$").stdout == line
