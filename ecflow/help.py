"""``--help`` in all its forms, made from the table of commands."""

from __future__ import annotations

from .. import __version__
from .commands import CHILD, CHILD_VARIABLES, COMMANDS, COMMON_VARIABLES, OPTION, EcflowCommand

COLUMNS = 5
WIDTH = 23


def help_text(topic: str = "") -> str:
    """What ``--help=topic`` prints; an unknown topic prints what there is."""
    if not topic:
        return f"{_banner()}\n\n{_names()}\n"
    if topic == "all":
        return "\n\n".join(command_help(command) for command in COMMANDS.values()) + "\n"
    if topic in ("summary", "child", "user", "option"):
        chosen = [command for command in COMMANDS.values() if _is_of(command, topic)]
        which = f"{topic} " if topic != "summary" else ""
        return f"\nEcflow {which}client commands:\n\n" + "".join(f"{summary_line(command)}\n" for command in chosen)
    if topic in COMMANDS:
        return command_help(COMMANDS[topic]) + "\n"
    return f"No matching command found, please choose from:\n\n{_table()}\n"


def summary_line(command: EcflowCommand) -> str:
    """Name, ``child`` or ``user``, and one sentence."""
    return f"  {command.name:<22}  {command.kind:<5}  {command.summary}"


def command_help(command: EcflowCommand) -> str:
    """All about one command."""
    usage = f"--{command.name}" + (f" {command.arguments}" if command.arguments else "")
    parts = [f"\n{command.name}\n{'-' * len(command.name)}\n", command.summary]
    if command.details:
        parts.append(command.details)
    parts.append(f"\nUsage:\n  ecflow_client {usage}")
    parts += [f"  ecflow_client {example}" for example in command.examples]
    variables = (*CHILD_VARIABLES, *COMMON_VARIABLES) if command.kind == CHILD else COMMON_VARIABLES
    if command.route != OPTION:
        parts.append("\nFrom the environment:")
        parts += [f"  {name:<20} {meaning}" for name, meaning in variables]
    return "\n".join(parts)


def _is_of(command: EcflowCommand, topic: str) -> bool:
    if topic == "summary":
        return True
    if topic == "option":
        return command.route == OPTION
    return command.kind == topic


def _banner() -> str:
    return (
        f"The ecFlow client of Tidemill {__version__}: asks and tells a server of suites.\n\n"
        "   --help=all       every command in full\n"
        "   --help=summary   every command in a line\n"
        "   --help=child     the commands of jobs\n"
        "   --help=user      the commands of users\n"
        "   --help=option    what goes with any command\n"
        "   --help=COMMAND   one command in full"
    )


def _names() -> str:
    return f"Commands:\n\n{_table()}"


def _table() -> str:
    names = list(COMMANDS)
    rows = [names[first : first + COLUMNS] for first in range(0, len(names), COLUMNS)]
    return "\n".join("   " + "".join(f"{name:<{WIDTH}}" for name in row).rstrip() for row in rows)
