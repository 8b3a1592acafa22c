"""The table of commands, the words that find them, and the page made from them."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from tidemill.cli.client import decode_protobuf
from tidemill.cli.commands import ALIASES, COMMANDS, GROUPS, candidates
from tidemill.cli.documentation import commands_page
from tidemill.cli.exceptions import InputError, UsageError
from tidemill.cli.main import find
from tidemill.cli.options import template_variables
from tidemill.proto.data_messages_pb2 import PbEntireWorkflow, TPDeltas


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_table_exists(name: str) -> None:
    """A command that is listed can be imported, and belongs to a group that is shown."""
    entry = COMMANDS[name]
    module = import_module(entry.module, "tidemill.cli")
    assert callable(module.main if entry.plain else module.command)
    assert entry.group in GROUPS
    assert entry.summary


def test_no_alias_hides_a_command() -> None:
    """An alias never is the name of another command."""
    assert not set(ALIASES) & set(COMMANDS)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("validate", "validate"),
        ("val", "validate"),
        ("ls", "list"),
        ("log", "cat-log"),
        ("get-con", "get-workflow-contact"),
    ],
)
def test_a_word_finds_its_command(word: str, name: str) -> None:
    """Names, aliases and clear beginnings of both find the command."""
    assert find(word).name == name


def test_unclear_words_are_refused_with_the_choices() -> None:
    """A beginning of several commands is not guessed at."""
    with pytest.raises(UsageError, match=r"c may mean .*clean"):
        find("c")
    assert "clean" in candidates("c")


def test_misspelt_words_get_a_suggestion() -> None:
    """A near miss is answered with the command meant."""
    with pytest.raises(UsageError, match="did you mean validate"):
        find("vaildate")


def test_the_page_of_commands_is_current() -> None:
    """docs/commands.md is what the commands say of themselves."""
    page = Path(__file__).parents[2] / "docs" / "commands.md"
    assert page.read_text(encoding="utf-8") == commands_page(), (
        "python -m tidemill.cli.documentation > docs/commands.md"
    )


def test_template_variables_are_read_in_order_of_precedence(tmp_path: Path) -> None:
    """A file gives way to -z, and that to -s; values are Python literals, lists are strings."""
    file = tmp_path / "vars"
    file.write_text("# comment\nA=1\nB = 'file'\n\nC=[1, 2]\n")
    assert template_variables(("A=2", 'D="x=y"'), ("B=a, 'b,c'",), str(file)) == {
        "A": 2,
        "B": ["a", "b,c"],
        "C": [1, 2],
        "D": "x=y",
    }


def test_a_template_string_without_quotes_is_explained() -> None:
    """The commonest mistake is answered with the right spelling."""
    with pytest.raises(InputError, match="for a string write A='text'"):
        template_variables(("A=text",))
    with pytest.raises(InputError, match="expected NAME=VALUE"):
        template_variables(("A",))


def test_protobuf_answers_become_plain_data() -> None:
    """The bytes of a protobuf endpoint are shown by the message its element type stands for."""
    everything = PbEntireWorkflow()
    everything.workflow.id = "~user/wf"
    assert decode_protobuf(everything.SerializeToString(), None) == {"workflow": {"id": "~user/wf"}}
    deltas = TPDeltas()
    deltas.added.add().id = "~user/wf//1/foo"
    assert decode_protobuf(deltas.SerializeToString(), "task_proxies") == {"added": [{"id": "~user/wf//1/foo"}]}


@pytest.mark.parametrize("name", sorted(name for name, entry in COMMANDS.items() if not entry.plain))
def test_the_examples_of_a_command_are_understood(name: str) -> None:
    """Every example in a command's help names that command and parses with its options."""
    command = import_module(COMMANDS[name].module, "tidemill.cli").command
    examples = [line.strip() for line in (command.epilog or "").splitlines() if "tidemill " in line]
    assert examples
    for example in examples:
        line = re.search(r"tidemill (.*?)(?:\s{2,}|\)|$)", example)
        assert line is not None
        word, *arguments = shlex.split(line[1].split(" > ")[0], comments=True)
        assert find(word).name == name
        with command.make_context(name, arguments):
            pass
