"""The program as a whole: how it starts, ends, and speaks to people and scripts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tidemill as package

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PROGRAM = Path(sys.executable).parent / "tidemill"


def test_version_is_one_line(tidemill: Run) -> None:
    """Scripts can read the version as it is, or as JSON."""
    assert tidemill("version").stdout == tidemill("--version").stdout == f"{package.__version__}\n"
    assert json.loads(tidemill("version", "--json").stdout)["version"] == package.__version__


def test_help_lists_the_commands_and_tells_of_each(tidemill: Run) -> None:
    """help, help COMMAND, COMMAND --help and help id all answer; scripts' commands are in `help all` only."""
    assert "validate" in tidemill("help").stdout
    assert "\n  client" not in tidemill().stdout
    assert "\n  client" in tidemill("help", "all").stdout
    assert tidemill("help", "scan").stdout == tidemill("scan", "--help").stdout != ""
    assert "//" in tidemill("help", "id").stdout
    assert "Apache" in tidemill("help", "license").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["vaildate"], "did you mean validate?"),
        (["c"], "c may mean"),
        (["validate", "--nope"], "Try 'tidemill validate --help'"),
        (["ping"], "Try 'tidemill ping --help'"),
        (["--nope"], "must come after a command"),
        (["help", "nope"], "no command is called nope"),
    ],
)
def test_a_wrong_line_is_a_usage_error(tidemill: Run, arguments: list[str], words: str) -> None:
    """What cannot be understood is told in one go, with what to do, and exit code 1."""
    answer = tidemill(*arguments)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("UsageError: ")
    assert words in answer.stderr


def test_debug_shows_where_an_error_came_from(tidemill: Run) -> None:
    """The traceback is for --debug only."""
    assert "Traceback" not in tidemill("validate", "nope").stderr
    assert "Traceback" in tidemill("validate", "nope", "--debug").stderr


def test_light_commands_import_nothing_heavy(home: Path) -> None:
    """version and help start without any heavy import, and ping without click and asyncio."""
    heavy = {"click", "zmq", "attr", "jinja2", "asyncio", "rich", "sqlite3", "graphene", "google.protobuf"}
    for arguments, allowed in ((["version"], set()), (["help"], set()), (["ping", "nope"], {"zmq"})):
        code = (
            "import sys; from tidemill.cli.main import main\n"
            f"main({arguments!r}); print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
        )
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        loaded = set(eval(answer.stderr.splitlines()[-1]))
        assert loaded <= allowed, (arguments, loaded)


def test_a_reader_that_stops_early_is_no_error(home: Path) -> None:
    """`tidemill help all | head -1` is quiet."""
    answer = subprocess.run(
        ["bash", "-c", f"{PROGRAM} help all --help | head -1; {PROGRAM} completion bash | true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stderr == ""


def test_ctrl_c_is_quiet(home: Path) -> None:
    """An interrupt ends a followed log with code 130 and no word."""
    log = home / "cylc-run" / "wf" / "log" / "scheduler"
    log.mkdir(parents=True)
    (home / "cylc-run" / "wf" / "flow.cylc").touch()
    (log / "01-start-01.log").write_text("first\n")
    with subprocess.Popen(
        [PROGRAM, "cat-log", "wf", "-m", "t"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A test run in the background may have it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"first\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(tidemill: Run, shell: str) -> None:
    """Each shell gets a script that asks the program for words."""
    assert "tidemill completion words" in tidemill("completion", shell).stdout


def test_bash_completes_commands_options_and_workflows(home: Path) -> None:
    """In a real bash, TAB offers commands, a command's options, and the runs on disk."""
    run = home / "cylc-run" / "ocean" / "run1"
    run.mkdir(parents=True)
    (run / "flow.cylc").touch()

    def complete(*words: str) -> list[str]:
        script = (
            f'eval "$({PROGRAM} completion bash)"; COMP_WORDS=(tidemill "$@"); COMP_CWORD=$#; _tidemill; '
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        answer = subprocess.run(
            ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True, env=os.environ
        )
        return answer.stdout.split()

    assert complete("val") == ["validate"]
    assert "scan" in complete("")
    assert complete("graph", "--show") == ["--show-suicide"]
    assert complete("ping", "--comms") == ["--comms-timeout"]
    assert complete("cat-log", "o") == ["ocean", "ocean/run1"]
    assert complete("help", "sc") == ["scan"]


def test_scan_lists_runs_by_state(tidemill: Run, home: Path) -> None:
    """Stopped runs are listed on request, as names, a tree or JSON, and sources too."""
    for name in ("b/run10", "b/run2", "a"):
        directory = home / "cylc-run" / name
        directory.mkdir(parents=True)
        (directory / "flow.cylc").touch()
    assert tidemill("scan").stdout == ""
    assert tidemill("scan", "--states=all").stdout.split() == ["a", "b/run2", "b/run10"]
    assert tidemill("scan", "--states=stopped", "-t", "tree").stdout == "a\nb\n ├─ run2\n └─ run10\n"
    assert tidemill("scan", "--states=all", "-n", "b/run1").stdout == "b/run10\n"
    found = json.loads(tidemill("scan", "--states=all", "-t", "json").stdout)
    assert [entry["status"] for entry in found] == ["stopped"] * 3
    (home / "cylc-src" / "new").mkdir(parents=True)
    (home / "cylc-src" / "new" / "flow.cylc").touch()
    assert tidemill("scan", "--source").stdout == "new\n"
    assert tidemill("scan", "--states=odd").returncode == 1
