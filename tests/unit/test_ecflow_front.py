"""The program ecflow_client without a server: its command line, its help, its texts and exit codes."""

from __future__ import annotations

import io
import shlex
import socket
from pathlib import Path

import pytest

from tidemill.ecflow.arguments import least_words, parse
from tidemill.ecflow.asking import any_changes, changes_anything
from tidemill.ecflow.commands import CHILD, COMMANDS, OPTION
from tidemill.ecflow.exceptions import ArgumentError, EcflowError
from tidemill.ecflow.front import main
from tidemill.ecflow.help import help_text
from tidemill.ecflow.settings import other_hosts, settings_of


@pytest.fixture
def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("localhost", 0)) as listening:
        return int(listening.getsockname()[1])


def test_there_are_ecflows_commands() -> None:
    """All 88 names of ecFlow 5.9 are known, eight of them for jobs."""
    assert sum(command.kind == CHILD for command in COMMANDS.values()) == 8
    assert len(COMMANDS) == 88
    assert "why" in COMMANDS


@pytest.mark.parametrize(
    ("line", "command", "words"),
    [
        ("--ping", "ping", ()),
        ("--load=x.def force", "load", ("x.def", "force")),
        ("--load x.def force", "load", ("x.def", "force")),
        ("--alter=change variable X -1 /s", "alter", ("change", "variable", "X", "-1", "/s")),
        ("--alter add variable X '' /s", "alter", ("add", "variable", "X", "", "/s")),
        ("--label=step --verbose", "label", ("step", "--verbose")),
        ("--begin=s --force", "begin", ("s", "--force")),
        ("--begin --force", "begin", ("--force",)),
        ("--host x --port=12 --suites", "suites", ()),
        ("--init=12 --add A=1 B=c=d --host=x", "init", ("12",)),
        ("--group='get; why'", "group", ("get; why",)),
    ],
)
def test_command_lines_are_read(line: str, command: str, words: tuple[str, ...]) -> None:
    """A command and its words are found, after = or as words of their own, options before or behind."""
    found = parse(shlex.split(line))
    assert (found.command, found.words) == (command, words)


def test_options_are_read_with_their_values() -> None:
    """Host, port and variables go with any command."""
    found = parse(["--init=12", "--add", "A=1", "B=c=d", "--host=x", "--port", "12"])
    assert found.options == {"host": "x", "port": "12"}
    assert found.added == {"A": "1", "B": "c=d"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "No options specified"),
        ("--bogus", "unrecognised option '--bogus'"),
        ("foo", "'foo' stands before any option"),
        ("--ping=1", "option '--ping' does not take any arguments"),
        ("--ping --suites", "one command at a time"),
        ("--host=x", "no command"),
        ("--load", "the required argument for option '--load' is missing"),
        ("--order=/s", "--order needs path top|bottom"),
        ("--meter=m", "--meter needs name value"),
        ("--alter=add", "--alter needs"),
        ("--init=1 --add X", "NAME=value"),
    ],
)
def test_wrong_command_lines_say_what_is_wrong(line: str, said: str) -> None:
    """What is no ecFlow command line is refused, and the reason names the word."""
    with pytest.raises(ArgumentError) as caught:
        parse(shlex.split(line))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "least"),
    [
        ("", 0),
        ("[path]", 0),
        ("path ...", 1),
        ("_all_ | / | path ...", 1),
        ("[force] [yes] _all_ | path ...", 1),
        ("name value", 2),
        ('name "text" ["text" ...]', 2),
        ('"command; command; ..."', 1),
        ("unknown|set|clear [recursive] [full] path ...|path:event ...", 2),
        ("state|dstate path[:name] [prev|next|expression]", 2),
        ("[handle] true|false [suite ...]", 1),
        ("get [lines] | clear | flush | new [path] | path", 1),
        ("[never | on_time | on_time:SECONDS]", 0),
    ],
)
def test_needed_words_are_counted_from_the_table(arguments: str, least: int) -> None:
    """How many words a command needs follows from how its arguments are written."""
    assert least_words(arguments) == least


def test_examples_in_the_table_are_right() -> None:
    """Every example of every command is a command line that is read as that command, or that option."""
    for command in COMMANDS.values():
        for example in command.examples:
            found = parse(shlex.split(example.partition(" > ")[0]))
            if command.route == OPTION:
                assert command.name in found.options or found.added or found.removed
            else:
                assert found.command in (command.name, "group")


@pytest.mark.parametrize("topic", ["", "all", "summary", "child", "user", "option", "ping", "bogus"])
def test_help_is_made_of_the_table(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help on anything is printed, with exit code 0; an unknown topic lists what there is."""
    assert main([f"--help={topic}"] if topic else ["--help"]) == 0
    printed = capsys.readouterr().out
    assert printed == help_text(topic)
    if topic in ("", "bogus", "all", "summary"):
        assert all(name in printed for name in COMMANDS)
    if topic == "bogus":
        assert printed.startswith("No matching command found, please choose from:\n")
    if topic == "child":
        assert len([line for line in printed.splitlines() if line.startswith("  ")]) == 8


def test_ping_of_nobody_is_refused_in_ecflows_words(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody listens ping fails with 1 after two attempts a second apart, and says that it was refused."""
    assert main(["--ping", f"--port={free_port}", "--host=localhost"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        f"Request( --ping ), Failed to connect to localhost:{free_port}. After 2 attempts. Is the server running ?"
        in said.err
    )
    assert "connection refused" in said.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--host=no.such.host.invalid", "--port=3141"], "unknown host no.such.host.invalid"),
        (["--host=localhost", "--port=99999"], "99999 is no port"),
    ],
)
def test_ping_says_why_it_failed(words: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown host and a port there cannot be are told apart from a server that is not there."""
    assert main(["--ping", *words]) == 1
    assert reason in capsys.readouterr().err


def test_something_else_that_listens_is_not_authorised(capsys: pytest.CaptureFixture[str]) -> None:
    """A port with a server we have no keys for is told apart from one with none."""
    with socket.create_server(("localhost", 0)) as listening:
        port = listening.getsockname()[1]
        assert main(["--suites", f"--port={port}", "--host=localhost"]) == 1
    said = capsys.readouterr().err
    assert "not authorised" in said
    assert "Server reply" not in said


def test_port_must_be_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is none is refused in ecFlow's words."""
    assert main(["--ping", "--port=abc"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("ecflow_client: Caught exception whilst parsing arguments:\n")
    assert "The specified port(abc) must be convertible to an integer" in said


def test_jobs_need_name_and_password(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Child commands without ECF_NAME or ECF_PASS fail at once."""
    assert main(["--init=1"]) == 1
    assert "InitCmd: No task path specified for ECF_NAME" in capsys.readouterr().err
    monkeypatch.setenv("ECF_NAME", "/s/t")
    assert main(["--init=1"]) == 1
    assert "ECF_PASS" in capsys.readouterr().err


def test_no_ecf_does_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With NO_ECF every command prints that, succeeds, and asks nobody."""
    monkeypatch.setenv("NO_ECF", "1")
    assert main(["--init=1"]) == 0
    assert main(["--ping"]) == 0
    assert capsys.readouterr().out == "NO_ECF\nNO_ECF\n"


@pytest.mark.parametrize("line", ["--halt", "--shutdown", "--terminate", "--delete=/s"])
def test_questions_without_an_answer_change_nothing(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the end of input, or with n, a question is answered no: exit code 1, and no server is asked."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main([line]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("Are you sure")
    assert "give yes" in said.err.lower()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert main([line]) == 1
    assert "Failed to connect" not in capsys.readouterr().err


def test_load_can_check_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A definition is checked, printed and counted without a server; a bad one is refused with file and line."""
    path = tmp_path / "s.def"
    path.write_text("suite s\n task t\n  meter m 0 10\n task u\n  trigger t == complete\n  inlimit none\nendsuite\n")
    assert main([f"--load={path}", "check_only"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "inlimit none" in said.err
    assert main([f"--load={path}", "check_only", "print"]) == 0
    assert capsys.readouterr().out.startswith("#5.9.2\nsuite s\n  task t\n    meter m 0 10 10\n")
    assert main([f"--load={path}", "check_only", "stats"]) == 0
    rows = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert rows == {"suites": "1", "families": "0", "tasks": "2", "meters": "1", "inlimits": "1", "trigger": "1"}
    path.write_text("suite s\n task t\n  tisk u\n")
    assert main([f"--load={path}", "check_only"]) == 1
    assert f"{path}:3: unexpected keyword 'tisk'" in capsys.readouterr().err
    assert main([f"--load={tmp_path}/none.def"]) == 1
    assert "No such file" in capsys.readouterr().err


def test_environment_says_whom_to_ask() -> None:
    """Default, then ECF_HOST (before the old ECF_NODE) and ECF_PORT, then options; each tells where it is from."""
    assert settings_of({}).where == "localhost:3141"
    assert settings_of({"ECF_NODE": "old"}).host == "old"
    settings = settings_of({"ECF_HOST": "one", "ECF_NODE": "old", "ECF_PORT": "12"})
    assert (settings.where, settings.host_source, settings.port_source) == ("one:12", "ECF_HOST", "ECF_PORT")
    assert settings.with_options({"port": "13"}).where == "one:13"
    assert settings.with_options({"host": "x"}).where == "x:12"
    assert settings_of({"ECF_TIMEOUT": "5"}).timeout_seconds == 60
    with pytest.raises(EcflowError, match="ECF_PORT"):
        settings_of({"ECF_PORT": "x"})


def test_other_hosts_are_listed_in_a_file(tmp_path: Path) -> None:
    """ECF_HOSTFILE names servers line by line, with a port or the current one, comments apart."""
    path = tmp_path / "hosts"
    path.write_text("# spare\none\ntwo:12  # far\n\n")
    assert other_hosts(path, 3141) == [("one", 3141), ("two", 12)]
    with pytest.raises(EcflowError, match="ECF_HOSTFILE"):
        other_hosts(tmp_path / "none", 1)


def test_what_only_asks_needs_no_leave_to_change() -> None:
    """Groups of questions, and looking at a script, are questions; one change makes a group a change."""
    assert not any_changes(["get /s; why; show state"])
    assert any_changes(["get", "; suspend /s"])
    assert not changes_anything("edit_script", ["/s/t", "edit"])
    assert changes_anything("edit_script", ["/s/t", "submit_file", "x"])
    assert changes_anything("alter", [])
    assert not changes_anything("suites", [])
