"""An ecFlow command line: one command with its words, and the options beside it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from .commands import COMMANDS, OPTION
from .exceptions import ArgumentError

_FLAGS = ("add", "remove")
"""Options that take every word up to the next one."""
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
            raise _wrong(f"unrecognised option '{token}'", argv)
        else:
            raise _wrong(f"'{token}' stands before any option: begin with --COMMAND", argv)
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
                raise _wrong(f"the required argument for option '--{name}' is missing", argv)
            options[name] = words[0] if words else "1"
        else:
            commands.append((name, words))
    if not commands:
        raise _wrong("no command among the options", argv)
    if len(commands) > 1:
        named = ", ".join(f"--{name}" for name, _ in commands)
        raise _wrong(f'one command at a time, or --group="..."; here are {named}', argv)
    (command, words), *_ = commands
    shown = f"--{command}" + (f"={' '.join(words)}" if words else "")
    return Invocation(command, tuple(words), options, added, tuple(removed), shown)


def _takes_any(name: str) -> bool:
    return name in ("alter", "label", "abort", "msg", "group", "wait")


def _variables(words: list[str], argv: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise _wrong(f"--add takes NAME=value, not '{word}'", argv)
        found[name] = value
    return found


def _wrong(reason: str, argv: Sequence[str]) -> ArgumentError:
    return ArgumentError(f"ecflow_client: Caught exception whilst parsing arguments:\n{reason}\nargs: {' '.join(argv)}")
