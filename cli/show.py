"""`tidemill show`: metadata of a workflow or its tasks; prerequisites and outputs of task instances."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from ..contact.identifiers import Identifier, parse_identifiers
from .control import workflow_part
from .exceptions import InputError
from .plain import Parser
from .printer import Printer
from .suites import are_suites, node_lines, shown
from .task_details import instance_lines, meta_lines, prerequisite_lines
from .workflows import find_run

META = "meta {title description URL userDefined}"
WORKFLOW = f"query ($workflows: [ID]) {{ workflows(ids: $workflows) {{ {META} }} }}"
DEFINITIONS = f"query ($ids: [ID]) {{ tasks(ids: $ids, stripNull: false) {{ name {META} }} }}"
INSTANCES = f"""query ($ids: [ID]) {{
  taskProxies(ids: $ids, stripNull: false, sort: {{keys: ["cyclePoint", "name"]}}) {{
    id name cyclePoint state isHeld isQueued isRunahead flowNums task {{ {META} }}
    prerequisites {{ expression conditions {{ exprAlias taskId reqState message satisfied }} satisfied }}
    outputs {{ label message satisfied }}
    externalTriggers {{ id label message satisfied }}
    xtriggers {{ id label satisfied }}
    runtime {{ completion runMode }}
  }}
}}"""

MEMBERS = "query ($ids: [ID]) { taskProxies(ids: $ids) { id namespace } }"


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "show",
        "Print what is known of a running workflow, of tasks as they are defined, or of task instances: metadata,\n"
        "state, prerequisites, outputs, external triggers, and whether the outputs complete them. Instances are those\n"
        "near what is active, past and future ones too; patterns match among them. 'tidemill why' tells what holds\n"
        "any other. Exits with 1 if an ID matches nothing. Of a suite server (HOST:PORT) and its nodes: states,\n"
        "triggers part by part, and all attributes; with -v generated variables too.",
        json=True,
        examples="""
  tidemill show ocean                       metadata of the workflow
  tidemill show ocean --task-def relax      metadata of a task
  tidemill show ocean//1/relax              prerequisites and outputs of an instance
  tidemill show 'ocean//*/relax' 'ocean//*:failed'
  tidemill show --list-prereqs ocean//1/relax    only what it waits for, a line each
  tidemill show localhost:3141//nightly/get      a task of a suite
""",
    )
    parser.add_argument("ids", nargs="+", metavar="ID", help="WORKFLOW, or WORKFLOW//CYCLE/TASK ...")
    parser.add_argument("--list-prereqs", action="store_true", help="only the prerequisites of instances, as a list")
    parser.add_argument(
        "--task-def", action="append", default=[], metavar="TASK", help="the metadata of a task; may be repeated"
    )
    parser.add_timeout()
    return parser


def main(argv: list[str]) -> int:
    """Print metadata and details; 1 if an ID matches nothing."""
    printer, values = make_parser().parse(argv)
    if are_suites(values.ids):
        return _show_suites(printer, values)
    identifiers = parse_identifiers(values.ids)
    run = _the_run(identifiers)
    instances = [one for one in identifiers if one.cycle is not None]
    if instances and values.task_def:
        raise InputError(
            "--task-def is about tasks as defined: ask for instances (//CYCLE/TASK) in a command of their own"
        )

    from ..network.client import WorkflowRuntimeClient

    with WorkflowRuntimeClient(run, timeout=values.comms_timeout) as client:

        def ask(query: str, **variables: Any) -> Any:
            return client("graphql", {"request_string": query, "variables": variables})

        if instances:
            found, missing = _instances(ask, instances)
            data: dict[str, Any] = {f"{one['cyclePoint']}/{one['name']}": one for one in found}
            lines = []
            for key, one in data.items():
                heading = ["", printer.style(f"Task ID: {key}", "bold")] if len(data) > 1 else []
                described = prerequisite_lines(one) if values.list_prereqs else instance_lines(one, printer)
                lines += [*heading, *described]
        elif values.task_def:
            told = {one["name"]: one["meta"] for one in ask(DEFINITIONS, ids=values.task_def)["tasks"]}
            missing = [name for name in values.task_def if not _names(name, told)]
            data = {name: _flat(meta) for name, meta in told.items()}
            lines = []
            for name, meta in told.items():
                heading = ["", printer.style(f"TASK NAME: {name}", "bold")] if len(told) > 1 else []
                lines += [*heading, *meta_lines(meta, printer)]
        else:
            meta = ask(WORKFLOW, workflows=[run])["workflows"][0]["meta"]
            data, lines, missing = _flat(meta), meta_lines(meta, printer), []
    printer.result(data, "\n".join(lines))
    for text in missing:
        print(_not_found(text, run, is_definition=bool(values.task_def)), file=sys.stderr)
    return 1 if missing else 0


def _show_suites(printer: Printer, values: Namespace) -> int:
    if values.task_def:
        raise InputError("--task-def is about workflows: 'tidemill ecflow --get=/suite' prints suites as defined")
    told = shown(values.ids, values.comms_timeout)
    lines = []
    for number, one in enumerate(told.values()):
        if values.list_prereqs:
            parts = one.get("trigger", {}).get("parts", ())
            lines += [part["text"] for part in parts]
        else:
            lines += [*([""] if number else []), *node_lines(one, printer)]
    printer.result(told, "\n".join(lines))
    return 0


def _the_run(identifiers: list[Identifier]) -> str:
    runs = {find_run(workflow_part(identifier)) for identifier in identifiers}
    if len(runs) != 1:
        raise InputError(f"one workflow at a time, not {len(runs)}: {', '.join(sorted(runs))}")
    return runs.pop()


def _instances(ask: Any, identifiers: list[Identifier]) -> tuple[list[dict[str, Any]], list[str]]:
    """The instances that IDs mean, each once, and the IDs that mean none."""
    found: dict[str, dict[str, Any]] = {}
    missing = []
    for identifier in identifiers:
        # A job means its task, which is what has prerequisites.
        text = identifier._replace(job=None, job_selector=None).relative
        told = ask(INSTANCES, ids=[text])["taskProxies"] or _members(ask, identifier)
        if not told:
            missing.append(text)
        for one in told:
            found.setdefault(one["id"], one)
    return list(found.values()), missing


def _members(ask: Any, identifier: Identifier) -> list[dict[str, Any]]:
    """The instances of a family's members, at whatever depth."""
    from fnmatch import fnmatchcase

    name = identifier.task
    if name is None:
        return []
    every = identifier._replace(task="*", job=None, job_selector=None)
    others = ask(MEMBERS, ids=[every.relative])["taskProxies"]
    ids = [one["id"] for one in others if any(fnmatchcase(family, name) for family in one["namespace"])]
    found: list[dict[str, Any]] = ask(INSTANCES, ids=ids)["taskProxies"] if ids else []
    return found


def _names(pattern: str, told: dict[str, Any]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(name, pattern) for name in told)


def _flat(meta: dict[str, Any]) -> dict[str, Any]:
    """Metadata in one level, as programs know it."""
    return {**{key: value for key, value in meta.items() if key != "userDefined"}, **(meta["userDefined"] or {})}


def _not_found(text: str, run: str, *, is_definition: bool) -> str:
    if is_definition:
        return f"No task is called {text}: 'tidemill list {run}' lists them"
    is_pattern = any(letter in text for letter in "*?[:")
    hint = "" if is_pattern or "/" not in text else f"; 'tidemill why {run}//{text}' tells why"
    return f"No matching active tasks found: {text}{hint}"
