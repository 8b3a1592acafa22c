"""Arguments of the commands that jobs call: read without click, and refused with what to do instead."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.cli.broadcast_settings import (
    draw_broadcasts,
    emptied,
    nest,
    read_cancellation,
    read_setting,
    read_settings_file,
)
from tidemill.cli.commands import COMMANDS
from tidemill.cli.control import tasks_by_run, workflow_names
from tidemill.cli.cycle_point_text import fill_template, read_point_text
from tidemill.cli.exceptions import InputError, UsageError
from tidemill.cli.main import find
from tidemill.cli.plain import Parser
from tidemill.cli.task_commands import add_flow_options, flow_arguments, split_commas
from tidemill.contact.exceptions import IdentifierError
from tidemill.flow.cycling.exceptions import PointError
from tidemill.flow.language.exceptions import ConfigError

WITH_PARSER = [
    entry
    for entry in COMMANDS.values()
    if entry.plain and hasattr(import_module(entry.module, "tidemill.cli"), "make_parser")
]


def a_run(home: Path, name: str) -> None:
    directory = home / "cylc-run" / name
    directory.mkdir(parents=True)
    (directory / "flow.cylc").touch()


@pytest.mark.parametrize("name", [entry.name for entry in WITH_PARSER])
def test_the_examples_of_a_plain_command_are_understood(name: str) -> None:
    """Every example in a command's help names that command and parses with its options."""
    parser = import_module(COMMANDS[name].module, "tidemill.cli").make_parser()
    examples = [line.strip() for line in parser.epilog.splitlines() if "tidemill " in line]
    assert examples
    for example in examples:
        word, *arguments = shlex.split(example.split("  ")[0])[1:]
        assert find(word).name == name
        import_module(COMMANDS[name].module, "tidemill.cli").make_parser().parse(arguments)


def test_the_commands_of_jobs_are_plain() -> None:
    """What jobs call many times a day does not pay for click."""
    for name in ("hold", "release", "trigger", "set", "remove", "kill", "poll", "broadcast", "workflow-state", "stop"):
        assert COMMANDS[name].plain


def test_a_value_may_begin_with_a_dash() -> None:
    """`--offset -P1D` and `-s -P1D` give the option its value, `--` and known options stay what they are."""
    parser = Parser("test", "")
    parser.add_argument("-s", "--offset")
    parser.add_argument("-n", action="store_true")
    parser.add_argument("words", nargs="*")
    assert parser.parse(["--offset", "-P1D", "x"])[1].offset == "-P1D"
    parser = Parser("test", "")
    parser.add_argument("-s", "--offset")
    parser.add_argument("-n", action="store_true")
    parser.add_argument("words", nargs="*")
    assert parser.parse(["x", "-s", "-P1D"])[1].offset == "-P1D"
    parser = Parser("test", "")
    parser.add_argument("-s", "--offset")
    parser.add_argument("-n", action="store_true")
    with pytest.raises(UsageError, match="expected one argument"):
        parser.parse(["--offset", "-n"])


def test_tasks_are_gathered_by_workflow(home: Path) -> None:
    """However IDs are written, each workflow gets one list, with selectors and globs as they are."""
    a_run(home, "one")
    a_run(home, "two")
    given_ids = ["one", "//1/a", "//*/b*:failed", "two//2", "one", "c.3", "one", "4/d"]
    assert tasks_by_run(given_ids) == {"one": ["1/a", "*/b*:failed", "3/c", "4/d"], "two": ["2"]}


def test_ids_that_are_no_tasks_are_refused(home: Path) -> None:
    """A bare workflow, a job and a stopped selector are refused with what to write instead."""
    a_run(home, "one")
    with pytest.raises(InputError, match=r"write one//CYCLE/TASK, or 'one//\*'"):
        tasks_by_run(["one"])
    with pytest.raises(InputError, match="leave out /01"):
        tasks_by_run(["one//1/a/1"])
    with pytest.raises(InputError, match="only workflows that are running"):
        tasks_by_run(["one:stopped//1/a"])
    with pytest.raises(IdentifierError):
        tasks_by_run(["//1/a"])
    with pytest.raises(InputError, match="not a cycle or a task"):
        workflow_names(["one//1"])
    assert workflow_names(["one//", "two"]) == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--flow=some"], "expected a number, new or none"),
        (["--flow=new", "--flow=2"], "must stand alone"),
        (["--flow=none", "--wait"], "never meets"),
        (["--meta=x"], "give --flow=new"),
    ],
)
def test_flow_options_that_make_no_sense_are_refused(arguments: list[str], message: str) -> None:
    """Each is refused before anything is sent."""
    parser = Parser("test", "")
    add_flow_options(parser)
    with pytest.raises(InputError, match=message):
        flow_arguments(parser.parse(arguments)[1])


def test_lists_of_outputs_may_be_repeated_and_joined() -> None:
    """`-o a -o b,c` is three outputs."""
    assert split_commas(["a", "b, c", ""]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("script=true", {"script": "true"}),
        ("[environment]X=1", {"environment": {"X": "1"}}),
        (" [ environment ] X = the quick = fox ", {"environment": {"X": "the quick = fox"}}),
        ("[environment]X='a b' # why", {"environment": {"X": "a b"}}),
        ("[environment]X=5 # stays", {"environment": {"X": "5 # stays"}}),
        ('script=echo "hi"', {"script": 'echo "hi"'}),
        ("[a][b]c d=", {"a": {"b": {"c d": ""}}}),
        ("[environment]X=a\nb", {"environment": {"X": "a\nb"}}),
    ],
)
def test_settings_are_read_as_cylc_reads_them(text: str, setting: object) -> None:
    """Sections in brackets, blanks around, quotes around the whole value only."""
    assert read_setting(text) == setting


def test_settings_without_value_or_form_are_refused() -> None:
    """What cannot be a setting is refused with the form it should have."""
    with pytest.raises(InputError, match="requires a value"):
        read_setting("[environment]X")
    with pytest.raises(InputError, match=r"expected \[SECTION\]ITEM=VALUE"):
        read_setting("[environment=1")
    assert read_cancellation("[environment]X") == {"environment": {"X": None}}


def test_settings_files_are_read_in_the_workflow_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sections, quotes and values of many lines; what is wrong is told with file and line."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "settings.cylc"
    file.write_text('script=printenv X\n[environment]\n    # why\n    X="""\nfoo\nbar\n"""\n')
    settings = [{"script": "printenv X"}, {"environment": {"X": "foo\nbar"}}]
    assert read_settings_file("settings.cylc") == settings
    assert [emptied(setting) for setting in settings] == [{"script": None}, {"environment": {"X": None}}]
    file.write_text("[environment\nX=1\n")
    with pytest.raises(ConfigError, match=r"settings\.cylc:1"):
        read_settings_file("settings.cylc")
    with pytest.raises(ConfigError, match="cannot read"):
        read_settings_file("missing.cylc")


@given(
    st.lists(st.from_regex(r"[a-z][a-z ]{0,8}[a-z]", fullmatch=True), min_size=1, max_size=3),
    st.from_regex(r"[a-z0-9=\[\]#][^'\"]*[a-z0-9]", fullmatch=True).filter(lambda text: text == text.strip()),
)
def test_a_setting_comes_back_as_it_was_written(path: list[str], value: str) -> None:
    """Any path and any value without quotes survive the command line."""
    text = "".join(f"[{part}]" for part in path[:-1]) + f"{path[-1]}={value}"
    assert read_setting(text) == nest(tuple(path), value)


def test_broadcasts_are_drawn_as_a_tree() -> None:
    """Points, namespaces and sections, with the values in a column."""
    broadcasts = {
        "1": {"a": {"environment": {"X": "1", "LONG": "2"}, "script": "true"}},
        "*": {"root": {"script": "x"}},
    }
    assert draw_broadcasts(broadcasts, box=False).splitlines() == [
        "*",
        " `-root",
        "   `-script       x",
        "1",
        " `-a",
        "   |-environment",
        "   | |-LONG       2",
        "   | `-X          1",
        "   `-script       true",
    ]
    assert draw_broadcasts({}, box=True) == ""


@pytest.mark.parametrize(
    ("text", "interval", "moved"),
    [
        ("20100823T1800Z", "PT6H", "20100824T0000Z"),
        ("2010-08-08T06:30:15+01:00", "-P1D", "2010-08-07T06:30:15+01:00"),
        ("20100808", "P1M", "20100908"),
        ("2010-220", "P1D", "2010-221"),
        ("20100131T00Z", "P1M", "20100228T00Z"),
        ("20100808T0630+01", "PT1H", "20100808T0730+01"),
        ("2010", "P1Y", "2011"),
        ("2010-08", "P2Y", "2012-08"),
        ("2010W05", "P1W", "2010W06"),
    ],
)
def test_points_are_moved_and_keep_their_form(text: str, interval: str, moved: str) -> None:
    """As Cylc 8.5.4 prints them."""
    assert read_point_text(text, mode="gregorian").moved(interval).text == moved


@given(st.integers(0, 4_000_000_000), st.sampled_from(["CCYYMMDDThhmmss", "CCYY-MM-DDThh:mm:ss"]))
def test_a_point_written_and_read_is_the_same(seconds: int, form: str) -> None:
    """Text to point to text loses nothing."""
    start = read_point_text("19700101T000000Z", mode="gregorian").moved(f"PT{seconds}S")
    text = fill_template(form, start) + "Z"
    read = read_point_text(text, mode="gregorian")
    assert (read.point, read.text) == (seconds, text)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("foo-CCYY-MM-DD-Thh.nc", "foo-2010-08-09-T06.nc"),
        ("common-CCYY.nc", "common-2010.nc"),
        ("%Y-%m-%d-T%H%M%%", "2010-08-09-T0630%"),
        ("CCYY-DDD", "2010-221"),
        ("CCYYMMDDThhmmZ", "20100809T0630Z"),
        ("plain", "plain"),
    ],
)
def test_points_are_put_into_file_names(template: str, text: str) -> None:
    """As Cylc 8.5.4 writes them."""
    assert fill_template(template, read_point_text("20100809T0630Z", mode="gregorian")) == text


def test_calendars_and_zones_are_minded() -> None:
    """February has 30 days in the 360-day calendar; another zone is the same moment."""
    assert read_point_text("20100228", mode="360_day").moved("P3D").text == "20100301"
    assert read_point_text("20100808T06+0100", mode="gregorian").in_zone("Z").text == "20100808T05Z"
    with pytest.raises(PointError):
        read_point_text("nonsense", mode="gregorian")
