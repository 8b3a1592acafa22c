"""The table of commands: what `help`, completion and dispatch know without importing any."""

from __future__ import annotations

WORKFLOWS = "Workflows"
RUNNING = "Running workflows"
UTILITIES = "Utilities"
INTERNAL = "For scripts and jobs"
GROUPS = (WORKFLOWS, RUNNING, UTILITIES, INTERNAL)


class Command:
    """One command: its name, the module that holds it, and a line for `help`.

    A module holds a click command called ``command``; a `plain` one holds ``main(argv) -> int`` instead,
    because it is called so often that importing click would cost more than the work.
    """

    __slots__ = ("aliases", "group", "module", "name", "plain", "summary")

    def __init__(
        self,
        name: str,
        module: str,
        group: str,
        summary: str,
        *,
        aliases: tuple[str, ...] = (),
        plain: bool = False,
    ) -> None:
        self.name = name
        self.module = module
        self.group = group
        self.summary = summary
        self.aliases = aliases
        self.plain = plain


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("validate", ".validate", WORKFLOWS, "check a workflow definition"),
        Command("config", ".config", WORKFLOWS, "print the parsed configuration of a workflow or of the site"),
        Command("list", ".list", WORKFLOWS, "print the tasks and families of a workflow", aliases=("ls",)),
        Command("graph", ".graph", WORKFLOWS, "draw or print the dependency graph"),
        Command("install", ".install", WORKFLOWS, "copy a workflow into the run directory, ready to run"),
        Command("play", ".play", WORKFLOWS, "start a workflow, or take it up where it stopped"),
        Command(
            "vip",
            ".vip",
            WORKFLOWS,
            "validate, install and play a workflow",
            aliases=("validate-install-play",),
        ),
        Command("clean", ".clean", WORKFLOWS, "delete the files of a stopped run"),
        Command("scan", ".scan", RUNNING, "list running or installed workflows"),
        Command("stop", ".stop", RUNNING, "stop running workflows", aliases=("shutdown",)),
        Command("pause", ".pause", RUNNING, "submit no more jobs"),
        Command("resume", ".resume", RUNNING, "submit jobs again"),
        Command("ping", ".ping", RUNNING, "check that a workflow answers", plain=True),
        Command("cat-log", ".cat_log", RUNNING, "print or follow scheduler and job logs", aliases=("log",)),
        Command(
            "get-workflow-contact",
            ".get_workflow_contact",
            RUNNING,
            "print where a running workflow can be reached",
            aliases=("get-contact",),
        ),
        Command("completion", ".completion", UTILITIES, "print a shell completion script"),
        Command("help", ".help", UTILITIES, "print help on a command or a topic", plain=True),
        Command("version", ".version", UTILITIES, "print the version", plain=True),
        Command(
            "message",
            "..flow.jobs.message",
            INTERNAL,
            "report from a job to its scheduler",
            aliases=("task-message",),
            plain=True,
        ),
        Command(
            "message",
            "..flow.jobs.message",
            INTERNAL,
            "tell the scheduler something from a job",
            aliases=("task-message",),
            plain=True,
        ),
        Command("client", ".client", INTERNAL, "call an endpoint of a running scheduler", plain=True),
    )
}

ALIASES: dict[str, str] = {alias: command.name for command in COMMANDS.values() for alias in command.aliases}


def candidates(text: str) -> list[str]:
    """The commands a word may mean: itself, its alias, or those whose name (else alias) begins with it."""
    if text in COMMANDS:
        return [text]
    if text in ALIASES:
        return [ALIASES[text]]
    found = [name for name in COMMANDS if name.startswith(text)]
    return sorted(found or {name for alias, name in ALIASES.items() if alias.startswith(text)})
