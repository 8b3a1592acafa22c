"""`tidemill dump`: the state of a running workflow and of its active tasks, in lines that scripts read."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from .control import workflow_names
from .exceptions import InputError
from .plain import Parser
from .printer import Printer
from .suites import are_suites
from .suites import dump as dump_suites
from .workflows import find_run

DEFAULT_TIMEOUT_SECONDS = 15.0
WORKFLOW = """
name oldestActiveCyclePoint newestActiveCyclePoint timeZoneInfo {hours minutes stringBasic stringExtended} lastUpdated
runMode states namespaceDefinitionOrder: nsDefOrder reloaded stateTotals
meta {title description URL userDefined} status statusMsg
families {name meta {title description URL userDefined} firstParent {name}}
tasks {name meta {title description URL userDefined} meanElapsedTime firstParent {name}}
"""
TASKS = """
taskProxies(sort: {keys: ["name", "cyclePoint"]}, graphDepth: 0) {
  id name cyclePoint state graphDepth isHeld isQueued isRunahead flowNums
"""
DETAILS = """
  firstParent {id} jobSubmits
  jobs(sort: {keys: ["submit_num"], reverse: true}) {
    id state submitNum submittedTime startedTime finishedTime jobLogDir platform executionTimeLimit jobRunnerName jobId
  }
"""
FAMILIES = 'familyProxies(sort: {keys: ["name", "cyclePoint"]}, graphDepth: 0) {id name cyclePoint state}'
SUMMARY = {
    "lastUpdated": "last updated",
    "name": "name",
    "namespaceDefinitionOrder": "namespace definition order",
    "newestActiveCyclePoint": "newest active cycle point",
    "oldestActiveCyclePoint": "oldest active cycle point",
    "reloaded": "reloaded",
    "runMode": "run mode",
    "stateTotals": "state totals",
    "states": "states",
    "status": "status",
    "statusMsg": "status msg",
    "timeZoneInfo": "time zone info",
}
"""Lines about the workflow: what is asked for, and what it is called. The order and the names are Cylc's."""


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "dump",
        "Print the state of a running workflow, or of its active tasks: those it has to do with just now. The lines\n"
        "are those of Cylc, for scripts; 'tidemill show' tells more of one task. Of a suite server (HOST:PORT), or of\n"
        "what is below one of its nodes: the server and its suites, or all tasks.",
        json=True,
        examples="""
  tidemill dump ocean                  the workflow: times, totals, status
  tidemill dump -t ocean               its active tasks, by name: 1/relax:running
  tidemill dump -t -s -f ocean         by cycle point, with flow numbers
  tidemill dump --json ocean           everything, for programs
  tidemill dump -t localhost:3141      the tasks of a suite server: /nightly/get:active
""",
    )
    parser.add_argument("workflow", metavar="WORKFLOW")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-g", "--global", action="store_true", dest="workflow_only", help="the workflow only (default)")
    what.add_argument("-t", "--tasks", action="store_true", help="active tasks only")
    parser.add_argument("-l", "--legacy", action="store_true", help="tasks only: name, cycle, state, flags in words")
    parser.add_argument("-f", "--flows", action="store_true", help="flow numbers, too, with tasks")
    parser.add_argument("-s", "--sort", action="store_true", help="tasks only: by cycle point instead of by name")
    parser.add_argument("-r", "--raw", "--raw-format", action="store_true", help="everything, as a Python literal")
    parser.add_argument(
        "-p", "--pretty", "--pretty-print", action="store_true", help="everything, as JSON with indents"
    )
    parser.add_timeout(default_seconds=DEFAULT_TIMEOUT_SECONDS)
    return parser


def main(argv: list[str]) -> int:
    """Print states."""
    printer, values = make_parser().parse(argv)
    is_tasks = values.tasks or values.legacy or values.sort
    if values.workflow_only and is_tasks:
        raise InputError("--global is about the workflow only: leave out --legacy and --sort, which are about tasks")
    is_raw = values.raw or values.pretty or bool(getattr(values, "json", False))
    if are_suites([values.workflow]):
        return _dump_suites(printer, values, is_raw=is_raw, is_tasks=is_tasks)
    run = find_run(workflow_names([values.workflow])[0])
    if is_raw:
        told = _ask(run, f"{WORKFLOW} {TASKS} {DETAILS} }} {FAMILIES}", values.comms_timeout)
        text = json.dumps(told, indent=4) if values.pretty else repr(told)
        printer.result(told, text)
    elif is_tasks:
        proxies = _ask(run, f"{TASKS} }}", values.comms_timeout)["taskProxies"]
        printer.result(None, "\n".join(task_line(one, values) for one in in_order(proxies, by_cycle=values.sort)))
    else:
        printer.result(None, "\n".join(workflow_lines(_ask(run, WORKFLOW, values.comms_timeout))))
    return 0


def _dump_suites(printer: Printer, values: Namespace, *, is_raw: bool, is_tasks: bool) -> int:
    if values.legacy or values.flows:
        raise InputError("--legacy and --flows are about workflows: tasks of suites have no cycle points and no flows")
    what = "all" if is_raw else "tasks" if is_tasks else "server"
    data, lines = dump_suites(values.workflow, what=what, timeout=values.comms_timeout)
    if is_raw:
        printer.result(data, json.dumps(data, indent=4) if values.pretty else repr(data))
    else:
        printer.result(data, "\n".join(sorted(lines) if values.sort else lines))
    return 0


def _ask(run: str, fields: str, timeout: float) -> dict[str, Any]:
    from ..network.client import WorkflowRuntimeClient

    with WorkflowRuntimeClient(run, timeout=timeout) as client:
        query = "query ($workflows: [ID]) { workflows(ids: $workflows) { %s } }"
        answer = client("graphql", {"request_string": query % fields, "variables": {"workflows": [run]}})
    told: dict[str, Any] = answer["workflows"][0]
    return told


def workflow_lines(told: dict[str, Any]) -> list[str]:
    """What there is to say of a workflow, a line ``name=value`` each."""
    lines = [f"{label}={told[key]}" for key, label in SUMMARY.items()]
    urls = {one["name"]: one["meta"]["URL"] for one in (*told["families"], *told["tasks"])}
    ordered = {name: urls[name] for name in told["namespaceDefinitionOrder"] if name in urls}
    return [*lines, f"workflow urls={ {**ordered, 'workflow_id': told['meta']['URL']} }"]


def in_order(proxies: list[dict[str, Any]], *, by_cycle: bool) -> list[dict[str, Any]]:
    """Task instances by name and cycle point, or by cycle point and name; integer points by their value."""

    def key(proxy: dict[str, Any]) -> tuple[Any, ...]:
        cycle = proxy["cyclePoint"]
        is_integer = len(cycle) < 8 and cycle.lstrip("-").isdecimal()
        point = (0, int(cycle), "") if is_integer else (1, 0, cycle)
        return (point, proxy["name"]) if by_cycle else (proxy["name"], point)

    return sorted(proxies, key=key)


def task_line(proxy: dict[str, Any], values: Namespace) -> str:
    """One task instance."""
    flags = {word: proxy[f"is{word.capitalize()}"] for word in ("held", "queued", "runahead")}
    if values.legacy:
        parts = [proxy["name"], proxy["cyclePoint"], proxy["state"]]
        parts += [word if is_set else f"not-{word}" for word, is_set in flags.items()]
        return ", ".join([*parts, proxy["flowNums"]] if values.flows else parts)
    line = f"{proxy['cyclePoint']}/{proxy['name']}:{proxy['state']}"
    line += "".join(f" ({word})" for word, is_set in flags.items() if is_set)
    return f"{line} flows={proxy['flowNums']}" if values.flows else line
