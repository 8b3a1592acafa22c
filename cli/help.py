"""`tidemill help`: the list of commands, the help of one, and a few topics."""

from __future__ import annotations

from .commands import COMMANDS, GROUPS, INTERNAL, candidates
from .exceptions import UsageError

USAGE = """\
Usage: tidemill COMMAND [OPTIONS] [ARGUMENTS]

Tidemill runs cycling workflows. A command may be shortened while it stays clear (val = validate).
"""

FOOTER = """\
tidemill help COMMAND     options of a command, with examples
tidemill help all         every command, also those for scripts and jobs
tidemill help id          how workflows, cycles, tasks and jobs are named
tidemill help license     the licence
tidemill version          the version
"""

IDENTIFIERS = """\
How workflows, cycles, tasks and jobs are named

  [~user/]workflow[//cycle[/task[/job]]]

  ocean                  a workflow: its latest run, if it has numbered ones
  ocean/run2             one run of it
  ocean//20300101T00Z    a cycle point: every active task in it
  ocean//1/relax         a task at a cycle point
  ocean//1/relax/02      its second job; NN is the latest

A family may be named in place of a task: all its members are meant. '^' and '$' stand for the initial
and the final cycle point.

Several tasks of one workflow:   ocean //1/relax //2/relax

Each part may be a pattern, in quotes so that the shell leaves it alone: * any letters, ? one letter,
[ab] one of these, [!ab] none of these. Cycle patterns match active cycles only.

  'ocean//*/relax'       the task in every active cycle

A state after a colon narrows to active tasks in that state:

  'ocean//*/*:failed'    every failed task
"""


def main(argv: list[str]) -> int:
    """Print help."""
    if "--help" in argv or "-h" in argv:
        argv = []
    words = [word for word in argv if not word.startswith("-")]
    if not words:
        print(f"{USAGE}\n{overview(every=False)}\n{FOOTER}", end="")
        return 0
    topic = words[0]
    if topic == "all":
        print(f"{USAGE}\n{overview(every=True)}\n{FOOTER}", end="")
    elif topic in ("id", "ids"):
        print(IDENTIFIERS, end="")
    elif topic in ("license", "licence"):
        print(license_text())
    elif found := candidates(topic):
        if len(found) > 1:
            raise UsageError(f"{topic} may mean {', '.join(found)}: give more letters")
        from .main import run_command

        return run_command(COMMANDS[found[0]], ["--help"])
    else:
        from .main import find

        find(topic)
    return 0


def overview(*, every: bool) -> str:
    """The commands by group, a line each; those for scripts and jobs, and the aliases, only if `every`."""
    width = max(len(name) for name in COMMANDS) + 2
    parts = []
    for group in GROUPS:
        if group == INTERNAL and not every:
            continue
        lines = []
        for command in COMMANDS.values():
            if command.group == group:
                also = f" (also: {', '.join(command.aliases)})" if every and command.aliases else ""
                lines.append(f"  {command.name:<{width}}{command.summary}{also}\n")
        if lines:
            parts.append(f"{group}:\n{''.join(lines)}")
    return "\n".join(parts)


def license_text() -> str:
    """The licence as installed."""
    from importlib import metadata
    from pathlib import Path

    beside = Path(__file__).parent.parent / "LICENSE"
    if beside.is_file():
        return beside.read_text(encoding="utf-8")
    try:
        installed = metadata.distribution("tidemill")
    except metadata.PackageNotFoundError:
        text = None
    else:
        text = installed.read_text("licenses/LICENSE") or installed.read_text("LICENSE")
    return text or (
        "Tidemill is licensed under the Apache License 2.0 (Apache-2.0).\n"
        "The full text: https://www.apache.org/licenses/LICENSE-2.0"
    )
