"""An ecFlow command line: one command with its words, and the options beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from .commands import CHILD, COMMANDS, OPTION
from .exceptions import ArgumentError

HEADING = "ecflow_client: Caught exception whilst parsing arguments:"
_OWN_WORDS = {"begin": ("--force",)}
"""Words of a command that look like another command."""


@frozen
class Invocation:
    """What is asked for."""

    command: str
    words: tuple[str, ...]
    options: dict[str, str]
    """host, port, user, password, rid, ssl."""
    added: dict[str, str]
    """Variables of ``--add``."""
    removed: tuple[str, ...]
    """Names of ``--remove``."""
    line: str
    """The command and its words, for messages."""


def parse(argv: Sequence[str]) -> Invocation:
    """Read a command line; raises `ArgumentError`.

    ``--name=first second`` and ``--name first second`` are the same; the words of a command end where the next known
    option begins.
    """
    if not argv:
        raise ArgumentError(
            "ecflow_client: No options specified\nUsage: ecflow_client [OPTION]...\n"
            "Try 'ecflow_client --help' for list of options"
        )
    given: list[tuple[str, list[str]]] = []
    for token in argv:
        name, has_value, value = token[2:].partition("=")
        if token.startswith("--") and given and token in _OWN_WORDS.get(given[-1][0], ()):
            given[-1][1].append(token)
        elif token.startswith("--") and name in COMMANDS:
            given.append((name, [value] if has_value else []))
        elif given and (not token.startswith("--") or _takes_any(given[-1][0])):
            given[-1][1].append(token)
        elif token.startswith("--"):
            raise wrong(f"unrecognised option '{token}'", argv)
        else:
            raise wrong(f"'{token}' stands before any option: begin with --COMMAND", argv)
    options: dict[str, str] = {}
    added: dict[str, str] = {}
    removed: list[str] = []
    commands = []
    for name, words in given:
        if name == "add":
            added |= _variables(words, argv)
        elif name == "remove":
            removed += words
        elif COMMANDS[name].route == OPTION:
            if not words and name != "ssl":
                raise wrong(f"the required argument for option '--{name}' is missing", argv)
            options[name] = words[0] if words else "1"
        else:
            commands.append((name, words))
    if not commands:
        raise wrong("no command among the options", argv)
    if len(commands) > 1:
        named = ", ".join(f"--{name}" for name, _ in commands)
        raise wrong(f'one command at a time, or --group="..."; here are {named}', argv)
    (command, words), *_ = commands
    _check_number(command, words, argv)
    shown = f"--{command}" + (f"={' '.join(words)}" if words else "")
    return Invocation(command, tuple(words), options, added, tuple(removed), shown)


_OPTIONAL = re.compile(r"(?:^|(?<=\s))\[[^\]]*\]")
_QUOTED = re.compile(r'"[^"]*"')


def least_words(arguments: str) -> int:
    """How many words a command needs at least, by how its arguments are written in the table."""
    text = re.sub(r"\s+\|\s+", "|", _QUOTED.sub("TEXT", _OPTIONAL.sub("", arguments)))
    return sum(not word.startswith("...") for word in text.split())


def _check_number(name: str, words: list[str], argv: Sequence[str]) -> None:
    """Raise `ArgumentError` for a command that has fewer words than it needs, or any if it takes none."""
    command = COMMANDS[name]
    least = least_words(command.arguments)
    if least and not words:
        raise wrong(f"the required argument for option '--{name}' is missing", argv)
    if len(words) < least:
        raise wrong(f"--{name} needs {command.arguments}; see --help={name}", argv)
    if words and not command.arguments and command.route != CHILD:
        raise wrong(f"option '--{name}' does not take any arguments", argv)


def _takes_any(name: str) -> bool:
    return name in ("alter", "label", "abort", "msg", "group", "wait")


def _variables(words: list[str], argv: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise wrong(f"--add takes NAME=value, not '{word}'", argv)
        found[name] = value
    return found


def wrong(reason: str, argv: Sequence[str]) -> ArgumentError:
    """What is wrong with a command line, in the form ecFlow's client says it."""
    line = " ".join(("ecflow_client", *argv))
    return ArgumentError(f"{HEADING}\n{reason}\nargs: {line}\n")
