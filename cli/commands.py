"""The table of commands: what `help`, completion and dispatch know without importing any."""

from __future__ import annotations

WORKFLOWS = "Workflows"
RUNNING = "Running workflows"
REMOTE = "Other machines"
SUITES = "Suites of ecFlow"
UTILITIES = "Utilities"
INTERNAL = "For scripts and jobs"
GROUPS = (WORKFLOWS, RUNNING, REMOTE, SUITES, UTILITIES, INTERNAL)


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
        Command("lint", ".lint", WORKFLOWS, "look for bad style, deprecated syntax and likely mistakes"),
        Command("diff", ".diff", WORKFLOWS, "compare two workflows, or a run with its source", aliases=("compare",)),
        Command("config", ".config", WORKFLOWS, "print the parsed configuration of a workflow or of the site"),
        Command("view", ".view", WORKFLOWS, "print the definition of a workflow as written or filled in"),
        Command("list", ".list", WORKFLOWS, "print the tasks and families of a workflow", aliases=("ls",)),
        Command("graph", ".graph", WORKFLOWS, "draw or print the dependency graph"),
        Command("install", ".install", WORKFLOWS, "copy a workflow into the run directory, ready to run"),
        Command("reinstall", ".reinstall", WORKFLOWS, "bring the files of a run up to date with its source"),
        Command("play", ".play", WORKFLOWS, "start a workflow, or take it up where it stopped"),
        Command(
            "vip",
            ".vip",
            WORKFLOWS,
            "validate, install and play a workflow",
            aliases=("validate-install-play",),
        ),
        Command(
            "vr",
            ".vr",
            WORKFLOWS,
            "validate and reinstall a workflow, then reload or play it",
            aliases=("validate-reinstall",),
        ),
        Command("clean", ".clean", WORKFLOWS, "delete the files of a stopped run"),
        Command("scan", ".scan", RUNNING, "list running or installed workflows"),
        Command("stop", ".stop", RUNNING, "stop running workflows", aliases=("shutdown",), plain=True),
        Command("pause", ".pause", RUNNING, "submit no more jobs", plain=True),
        Command("resume", ".resume", RUNNING, "submit jobs again", plain=True),
        Command("reload", ".reload", RUNNING, "take up a changed definition", plain=True),
        Command("hold", ".hold", RUNNING, "keep tasks from submitting jobs", plain=True),
        Command("release", ".release", RUNNING, "let held tasks go", aliases=("unhold",), plain=True),
        Command("trigger", ".trigger", RUNNING, "run tasks now", plain=True),
        Command("set", ".set", RUNNING, "complete outputs of tasks, or satisfy prerequisites", plain=True),
        Command("remove", ".remove", RUNNING, "take tasks out of the run", plain=True),
        Command("kill", ".kill", RUNNING, "end jobs", plain=True),
        Command("poll", ".poll", RUNNING, "look at jobs anew", plain=True),
        Command("receipts", ".receipts", RUNNING, "list who told a workflow what, when and why", plain=True),
        Command("broadcast", ".broadcast", RUNNING, "change settings of tasks", aliases=("bcast",), plain=True),
        Command(
            "ext-trigger",
            ".ext_trigger",
            RUNNING,
            "report an event that tasks wait for",
            aliases=("external-trigger",),
            plain=True,
        ),
        Command("verbosity", ".verbosity", RUNNING, "set how much a scheduler logs", plain=True),
        Command("ping", ".ping", RUNNING, "check that a workflow answers", plain=True),
        Command("dump", ".dump", RUNNING, "print the state of a workflow and its active tasks", plain=True),
        Command("show", ".show", RUNNING, "print prerequisites and outputs of tasks, or metadata", plain=True),
        Command("why", ".why", RUNNING, "tell why a task is not running", plain=True),
        Command("cat-log", ".cat_log", RUNNING, "print or follow scheduler and job logs", aliases=("log",)),
        Command(
            "get-workflow-contact",
            ".get_workflow_contact",
            RUNNING,
            "print where a running workflow can be reached",
            aliases=("get-contact",),
        ),
        Command(
            "get-workflow-version",
            ".get_workflow_version",
            RUNNING,
            "print the version a running workflow runs on",
            aliases=("get-cylc-version",),
            plain=True,
        ),
        Command(
            "workflow-state",
            ".workflow_state",
            RUNNING,
            "look, and wait, for states and outputs of tasks",
            plain=True,
        ),
        Command("remote", ".remote", REMOTE, "run commands on other machines, and copy files", plain=True),
        Command("serve-commands", ".serve_commands", REMOTE, "run commands here for clients elsewhere"),
        Command("server", ".server", SUITES, "run a server of ecFlow suites"),
        Command("ecflow", ".ecflow", SUITES, "ask and tell a server of suites, as ecflow_client does", plain=True),
        Command("gateway", ".gateway", RUNNING, "serve GraphQL and subscriptions to browsers"),
        Command("ports", ".ports", UTILITIES, "give services their ports, and list who has which"),
        Command("report-timings", ".report_timings", UTILITIES, "print how long jobs waited and ran"),
        Command(
            "cycle-point",
            ".cycle_point",
            UTILITIES,
            "calculate with cycle points",
            aliases=("cyclepoint", "datetime", "cycletime"),
            plain=True,
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
        Command("subscribe", ".subscribe", INTERNAL, "print what a scheduler publishes, as it changes", plain=True),
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
