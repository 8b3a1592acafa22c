"""Rules on what is left of Cylc 7, line by line; items that moved are known from the upgrades that reading makes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..language.upgrades import UPGRADES, Upgrade
from .finding import UPGRADE, Rule
from .lines import HEADING, ITEM, Line
from .style import GRAPHS


def _rule(code: str, name: str, summary: str) -> Rule:
    return Rule(code, name, UPGRADE, summary)


DEPENDENCIES = _rule("U001", "dependencies-section", "[scheduling][dependencies] is [scheduling][graph] now")
GRAPH_ITEM = _rule("U002", "graph-item", "graph = ... is RECURRENCE = ... in [scheduling][graph] now")
REMOTE = _rule("U003", "remote-section", "[runtime][NAME][remote] is platform = ... now")
JOB = _rule("U004", "job-section", "settings of [runtime][NAME][job] are one level up, or of the platform, now")
BATCH_SYSTEM = _rule("U005", "batch-system", "batch system is the job runner of a platform now")
HOST_BACKTICKS = _rule("U006", "host-backticks", "backticks in host = ... do not work any more")
HOST_SELECT = _rule("U007", "host-select", "a platform chooses among its hosts: no rose host-select")
SUICIDE = _rule("U008", "suicide-trigger", "tasks are spawned on demand: few suicide triggers are still needed")
OLD_COMMAND = _rule("U009", "obsolete-command", "a command that is no more")
SUITE_HOOK = _rule("U010", "suite-hook", "rose suite-hook is no more")
LEADING_ZERO = _rule("U011", "leading-zero", "integers in Jinja2 have no leading zeros")
OLD_VARIABLE = _rule("U012", "deprecated-variable", "CYLC_SUITE_* variables are CYLC_WORKFLOW_* now")
ROSE_DATE = _rule("U014", "rose-date", "rose date is isodatetime now")
OLD_TEMPLATE = _rule("U015", "deprecated-handler-template", "%(suite)s is %(workflow)s in handlers now")
OPERATOR_CONTINUED = _rule("U017", "operator-continued", "a line that ends in & or | is continued without a backslash")
MOVED = _rule("U998", "moved-item", "an item that has another place or name now")
OBSOLETE = _rule("U999", "obsolete-item", "an item that has no effect any more")

RULES = (
    DEPENDENCIES,
    GRAPH_ITEM,
    REMOTE,
    JOB,
    BATCH_SYSTEM,
    HOST_BACKTICKS,
    HOST_SELECT,
    SUICIDE,
    OLD_COMMAND,
    SUITE_HOOK,
    LEADING_ZERO,
    OLD_VARIABLE,
    ROSE_DATE,
    OLD_TEMPLATE,
    OPERATOR_CONTINUED,
    MOVED,
    OBSOLETE,
)

_COMMANDS = (
    "checkpoint",
    "conditions",
    "documentation",
    "edit",
    "graph-diff",
    "gscan",
    "insert",
    "jobscript",
    "ls-checkpoints",
    "nudge",
    "register",
    "reset",
    "restart",
    "run",
    "search",
    "set-outputs",
    "set-verbosity",
    "spawn",
    "submit",
    "suite-state",
)
_OLD_COMMAND = re.compile(rf"\bcylc (?:{'|'.join(_COMMANDS)})\b(?!-)")
_VARIABLES = {
    "CYLC_SUITE_DEF_PATH": "CYLC_WORKFLOW_RUN_DIR",
    "CYLC_SUITE_DEF_PATH_ON_SUITE_HOST": "CYLC_WORKFLOW_RUN_DIR",
    "CYLC_SUITE_FINAL_CYCLE_POINT": "CYLC_WORKFLOW_FINAL_CYCLE_POINT",
    "CYLC_SUITE_HOST": "CYLC_WORKFLOW_HOST",
    "CYLC_SUITE_INITIAL_CYCLE_POINT": "CYLC_WORKFLOW_INITIAL_CYCLE_POINT",
    "CYLC_SUITE_LOG_DIR": "CYLC_WORKFLOW_LOG_DIR",
    "CYLC_SUITE_NAME": "CYLC_WORKFLOW_ID",
    "CYLC_SUITE_OWNER": "CYLC_WORKFLOW_OWNER",
    "CYLC_SUITE_RUN_DIR": "CYLC_WORKFLOW_RUN_DIR",
    "CYLC_SUITE_SHARE_DIR": "CYLC_WORKFLOW_SHARE_DIR",
    "CYLC_SUITE_SHARE_PATH": "CYLC_WORKFLOW_SHARE_DIR",
    "CYLC_SUITE_SRCH_PATH": "CYLC_WORKFLOW_RUN_DIR",
    "CYLC_SUITE_UUID": "CYLC_WORKFLOW_UUID",
    "CYLC_SUITE_WORK_DIR": "CYLC_WORKFLOW_WORK_DIR",
    "CYLC_TASK_SSH_LOGIN_SHELL": "the platform's 'use login shell'",
}
_VARIABLE = re.compile(rf"\b(?:{'|'.join(sorted(_VARIABLES, key=len, reverse=True))})\b")
_TEMPLATES = {
    "suite": "workflow",
    "suite_uuid": "uuid",
    "batch_sys_name": "job_runner_name",
    "batch_sys_job_id": "job_id",
    "user@host": "platform_name",
    "task_url": "URL",
    "workflow_url": "workflow_URL",
}
_TEMPLATE = re.compile(rf"%\(({'|'.join(map(re.escape, _TEMPLATES))})\)s")
_LEADING_ZERO = re.compile(r"\{%\s*set\s+\w+\s*=\s*0\d")
_SUICIDE = re.compile(r"(?:=>|&)\s*!\s*[\w<]|^\s*!\s*\w")


def _by_last() -> dict[str, list[Upgrade]]:
    found: dict[str, list[Upgrade]] = {}
    for upgrade in UPGRADES:
        found.setdefault(upgrade.old[-1], []).append(upgrade)
    return found


_UPGRADES = _by_last()


def check_line(line: Line) -> Iterator[tuple[Rule, str]]:
    """What of one line is of Cylc 7."""
    text = line.text
    if text.lstrip().startswith("#"):
        return
    yield from _structure(line)
    if line.section[:2] in GRAPHS:
        if _SUICIDE.search(text.partition("#")[0]):
            yield SUICIDE, "a suicide trigger: is it still needed? Tasks that nothing triggers are not spawned"
        if re.search(r"[&|]\s*\\$", text):
            yield OPERATOR_CONTINUED, "& and | go on in the next line without a backslash"
    if found := _OLD_COMMAND.search(text):
        yield OLD_COMMAND, f"'{found[0]}' is no command any more"
    if "rose suite-hook" in text:
        yield SUITE_HOOK, "rose suite-hook is no more: use handlers or mail of [events]"
    if re.search(r"\brose date\b", text):
        yield ROSE_DATE, "use isodatetime [ref] instead of rose date [-c]"
    if "rose host-select" in text:
        yield HOST_SELECT, "let a platform choose among its hosts"
    if _LEADING_ZERO.search(text):
        yield LEADING_ZERO, "an integer with a leading zero is an error in Python 3"
    for name in dict.fromkeys(_VARIABLE.findall(text)):
        yield OLD_VARIABLE, f"{name} is deprecated: use {_VARIABLES[name]}"
    for name in dict.fromkeys(_TEMPLATE.findall(text)):
        yield OLD_TEMPLATE, f"%({name})s is deprecated: use %({_TEMPLATES[name]})s"


def _structure(line: Line) -> Iterator[tuple[Rule, str]]:
    if line.kind == HEADING:
        if line.section == ("scheduling", "dependencies"):
            yield DEPENDENCIES, "[dependencies] is [graph] now"
        elif line.is_in("runtime", "*", "remote"):
            yield REMOTE, "[remote] is replaced by platform = ..., defined in global.cylc[platforms]"
        elif line.is_in("runtime", "*", "job"):
            yield JOB, "settings of [job] are one level up now, or those of a platform"
        yield from _moved(line, line.section)
    elif line.kind == ITEM:
        if line.is_in("scheduling", "dependencies") and line.key == "graph":
            yield GRAPH_ITEM, f"graph = is {line.section[-1] if len(line.section) > 2 else 'R1'} = in [graph] now"
        if line.is_in("runtime", "*", "job") and line.key == "batch system":
            yield BATCH_SYSTEM, "batch system is the 'job runner' of a platform in global.cylc now"
        if line.is_in("runtime", "*", "remote") and line.key == "host" and "`" in line.value:
            yield HOST_BACKTICKS, "backticks do not work here any more: write platform = $(command)"
        yield from _moved(line, (*line.section, line.key))


def _moved(line: Line, path: tuple[str, ...]) -> Iterator[tuple[Rule, str]]:
    if not path:
        return
    # What is in [cylc] has the rules of today's name, too.
    for upgrade in _UPGRADES.get(path[-1], ()):
        if len(upgrade.old) == len(path) and all(
            wanted == found or wanted.startswith("<") or (wanted, found) == ("cylc", "scheduler")
            for wanted, found in zip(upgrade.old, path, strict=True)
        ):
            old = _shown(upgrade.old, line.kind)
            if upgrade.new is None:
                yield OBSOLETE, f"{old} has no effect any more{f'; {upgrade.advice}' if upgrade.advice else ''}"
            else:
                new = tuple("scheduler" if part == "cylc" else part for part in upgrade.new)
                yield MOVED, f"{old} is {_shown(new, line.kind)} now"


def _shown(path: tuple[str, ...], kind: str) -> str:
    sections, item = (path, "") if kind == HEADING else (path[:-1], path[-1])
    return "".join(f"[{part}]" for part in sections) + item
