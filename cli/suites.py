"""What the commands for workflows say of suite servers: ``HOST:PORT`` where a workflow could be named, and
``HOST:PORT//suite/family/task`` where a task could."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..contact.suite_servers import ServerName, is_suite_server, parse_nodes, parse_server
from .exceptions import InputError
from .printer import Printer

if TYPE_CHECKING:
    from ..network.suite_client import SuiteClient

DEFAULT_TIMEOUT_SECONDS = 5.0
TICK, CROSS = "✓", "⨯"
_HEADINGS = ("path", "kind", "state", "dstate", "flags", "suites", "children", "generated", "variables")
"""Told in a way of their own."""


def are_suites(texts: Sequence[str]) -> bool:
    """Whether arguments name a suite server rather than workflows.

    Raises:
        InputError: some do, and some do not.
    """
    named = [is_suite_server(text) for text in texts if not text.startswith("//")]
    if any(named) and not all(named):
        raise InputError(f"a suite server and workflows in one command: {' '.join(texts)}: ask for them one at a time")
    return any(named)


def client_of(server: ServerName, timeout: float | None) -> SuiteClient:
    """A client of a suite server."""
    from ..network.suite_client import SuiteClient

    return SuiteClient(server.host, server.port, timeout_seconds=timeout or DEFAULT_TIMEOUT_SECONDS)


def ping(text: str, timeout: float | None) -> dict[str, Any]:
    """Ask a suite server whether it is there: as `cli.ping` tells of a workflow."""
    from time import perf_counter

    server = parse_server(text)
    with client_of(server, timeout) as client:
        started = perf_counter()
        client("ping_workflow")
        return {"workflow": str(server), "address": str(server), "seconds": perf_counter() - started}


def stop(printer: Printer, texts: Sequence[str], *, timeout: float | None, reason: str, wait: float | None) -> int:
    """End suite servers; their jobs go on, and report to the next server of the address."""
    from ..contact.paths import current_user

    ended = []
    for text in texts:
        server = parse_server(text)
        with client_of(server, timeout) as client:
            arguments = {"name": "terminate", "words": ["yes"], "user": current_user(), "reason": reason}
            answer = client("change", arguments)
        if wait is not None:
            _wait_until_gone(server, wait)
        ended.append({"workflow": str(server), "id": answer.get("receipt"), "name": "terminate", "state": "applied"})
    printer.done(ended, "stopping; jobs go on, and report to the next server of this address")
    return 0


def _wait_until_gone(server: ServerName, seconds: float) -> None:
    import time

    from .exceptions import EffectMissed

    deadline = time.monotonic() + seconds
    while server.is_alive:
        if time.monotonic() > deadline:
            raise EffectMissed(f"{server} is stopping, but still there after {seconds:g} s: see its log")
        time.sleep(0.02)


# -- why ---------------------------------------------------------------------------------------------------------------


def explanations(texts: Sequence[str], timeout: float | None) -> Iterator[dict[str, Any]]:
    """Why nodes are not running: by their server if it runs, else by its record."""
    server, nodes = parse_nodes(texts)
    if nodes == ["/"]:
        raise InputError(f"{server}: a node is needed: {server}//suite/family/task")
    if server.is_alive:
        with client_of(server, timeout) as client:
            for path in nodes:
                yield client("why", {"task": path})
        return
    _require_record(server)
    from ..flow.suite_inspect import explain_in_record

    for path in nodes:
        yield explain_in_record(server.directory, path, host=server.host, port=server.port)


def _require_record(server: ServerName) -> None:
    if not server.directory.is_dir():
        raise InputError(f"no suite server of yours runs at {server}, or ever did: there is no {server.directory}")


# -- receipts ----------------------------------------------------------------------------------------------------------


def receipts(text: str, limit: int, timeout: float | None) -> list[dict[str, Any]]:
    """The latest receipts of a suite server, by the server if it runs, else by its record."""
    server = parse_server(text)
    if server.is_alive:
        with client_of(server, timeout) as client:
            found: list[dict[str, Any]] = client("receipts", {"limit": limit})
            return found
    _require_record(server)
    from ..flow.suite_inspect import receipts_in_record

    return receipts_in_record(server.directory, limit)


def changed_text(receipt: Mapping[str, Any]) -> str:
    """What a suite command was about, and what it printed or why it was refused, in a few words."""
    words = [word if len(word) <= 60 else f"{word[:57]}..." for word in receipt["arguments"].get("words", ())]
    told = str(receipt["error"] or receipt["result"].get("text", "")).strip().partition("\n")[0]
    return ": ".join(part for part in (" ".join(words), told) if part)


# -- dump --------------------------------------------------------------------------------------------------------------

WORKFLOWS = """query ($workflows: [ID], $ids: [ID]) {
  workflows(ids: $workflows) { id name status statusMsg states stateTotals
    taskProxies(ids: $ids) { id name state isHeld jobSubmits extras
      jobs { id state submitNum submittedTime startedTime finishedTime jobId messages } }
    familyProxies(ids: $ids) { id name state isHeld stateTotals }
  }
}"""
TOTALS = "query ($workflows: [ID]) { workflows(ids: $workflows) { id status statusMsg stateTotals } }"
TASKS = (
    "query ($workflows: [ID], $ids: [ID]) { taskProxies(workflows: $workflows, ids: $ids) {isHeld jobSubmits extras}}"
)


def dump(text: str, *, what: str, timeout: float | None) -> tuple[Any, list[str]]:
    """The state of a suite server.

    Arguments:
        text: ``HOST:PORT``, or ``HOST:PORT//suite/family`` for what is below a node.
        what: ``server`` for lines about it and its suites, ``tasks`` for a line for each task, ``all`` for everything.

    Returns:
        Data, and lines for people.
    """
    server, (top,) = parse_nodes([text])
    with client_of(server, timeout) as client:
        if top != "/":
            client("node", {"path": top})

        def ask(query: str) -> Any:
            return client("graphql", {"request_string": query, "variables": _meant(top)})

        if what == "tasks":
            proxies = ask(TASKS)["taskProxies"]
            return proxies, [task_line(one) for one in proxies]
        told = client("node", {"path": "/"})
        if what == "all":
            return {**told, **ask(WORKFLOWS)}, []
        return told, server_lines(server, told, ask(TOTALS)["workflows"])


def _meant(top: str) -> dict[str, list[str]]:
    """What queries ask for below a node: everything for ``/``."""
    suite, _, rest = top[1:].partition("/")
    name = "+root" if rest == "root" else rest.replace("/", "+")
    below = rest.replace("/", "+")
    return {
        "workflows": [f"*/{suite}"] if suite else [],
        "ids": [f"*/{name}", f"*/{below}+*"] if rest else [],
    }


def server_lines(server: ServerName, told: dict[str, Any], suites: list[dict[str, Any]]) -> list[str]:
    """A server and its suites, a line ``name=value`` each."""
    lines = [f"name={server}", f"status={told['server_state']}", f"state={told['state']}"]
    lines += [f"flags={' '.join(told['flags'])}"] if told["flags"] else []
    lines += [f"{name}={told['variables'][name]}" for name in ("ECF_HOME", "ECF_LOG") if name in told["variables"]]
    for one in suites:
        totals = {state: number for state, number in one["stateTotals"].items() if number}
        lines.append(f"suite {one['id'].rpartition('/')[2]}={one['statusMsg']} status={one['status']} tasks={totals}")
    return lines


def task_line(proxy: dict[str, Any]) -> str:
    """One task: its path, its state in ecFlow's words, and flags."""
    extras = proxy["extras"]
    marks = [*(["suspended"] if proxy["isHeld"] else []), *extras["flags"]]
    tries = f" try={proxy['jobSubmits']}" if proxy["jobSubmits"] else ""
    return f"{extras['path']}:{extras['state']}" + "".join(f" ({mark})" for mark in marks) + tries


# -- show --------------------------------------------------------------------------------------------------------------


def shown(texts: Sequence[str], timeout: float | None) -> dict[str, dict[str, Any]]:
    """Everything there is to tell of nodes, by path; by their server if it runs, else by its record."""
    server, nodes = parse_nodes(texts)
    if server.is_alive:
        with client_of(server, timeout) as client:
            return {path: client("node", {"path": path}) for path in nodes}
    _require_record(server)
    from ..flow.suite_inspect import node_in_record

    return {path: node_in_record(server.directory, path) for path in nodes}


def node_lines(told: dict[str, Any], printer: Printer) -> list[str]:
    """A node, or the server, for people."""

    def heading(name: str, text: str = "") -> str:
        return f"{printer.style(f'{name}:', 'bold')} {text}".rstrip()

    state = told["dstate"] if "dstate" in told else told["state"]
    if state == "suspended":
        state += f" ({told['state']})"
    lines = [heading(told["kind"], told["path"]), heading("state", state)]
    if told["flags"]:
        lines.append(heading("flags", ", ".join(told["flags"])))
    for name in ("trigger", "complete"):
        if name in told:
            lines += [heading(name, told[name]["text"]), *expression_lines(told[name], printer)]
    for name, value in told.items():
        if name in _HEADINGS or name in ("trigger", "complete") or value in ("", None, [], {}, 0):
            continue
        lines += _value_lines(name, value, heading)
    variables = [f"  {name} = {value}" for name, value in told.get("variables", {}).items()]
    lines += [heading("variables"), *variables] if variables else []
    if printer.verbosity > 0 and told.get("generated"):
        lines += [heading("generated variables")]
        lines += [f"  {name} = {value}" for name, value in told["generated"].items()]
    below = told.get("children", ())
    if below:
        lines.append(heading("suites" if told["kind"] == "server" else "children"))
        lines += [f"  {one['path']} {'suspended' if one['suspended'] else one['state']}" for one in below]
    return lines


def expression_lines(told: dict[str, Any], printer: Printer) -> list[str]:
    """The parts of an expression, each marked by whether it holds."""
    lines = []
    for part in told["parts"]:
        mark = printer.style(TICK, "green") if part["holds"] else printer.style(CROSS, "red")
        lines.append(f"  {mark} {part['shown']}")
    if told["joiner"] == "or" and len(lines) > 1:
        lines.append("    (one of these is enough)")
    if told["free"]:
        lines.append("    (released by hand)")
    return lines


def _value_lines(name: str, value: Any, heading: Any) -> list[str]:
    label = name.replace("_", " ")
    if isinstance(value, dict):
        if name == "repeat":
            return [heading(label, f"{value['name']} = {value['value']} ({value['definition']})")]
        return [heading(label), *[f"  {key} = {_attribute(name, one)}" for key, one in value.items()]]
    if isinstance(value, list):
        return [heading(label), *[f"  {one}" for one in value]]
    return [heading(label, str(value))]


def _attribute(kind: str, value: Any) -> str:
    if kind == "events":
        return "set" if value else "clear"
    if kind == "meters":
        return f"{value['value']} ({value['min']} to {value['max']})"
    if kind == "limits":
        takers = f": {', '.join(value['paths'])}" if value["paths"] else ""
        return f"{value['value']} of {value['max']}{takers}"
    if kind == "queues":
        return " ".join(f"{step}:{state}" for step, state in value["steps"].items())
    return " ".join(value) if isinstance(value, list) else str(value)


# -- scan --------------------------------------------------------------------------------------------------------------


def asked(server: ServerName, timeout_seconds: float) -> dict[str, Any]:
    """What a suite server says of itself: ``status``, ``stateTotals`` over all suites, and its ``suites``."""
    from ..exceptions import TidemillError

    try:
        with client_of(server, timeout_seconds) as client:
            told = client("node", {"path": "/"})
            suites = client("graphql", {"request_string": TOTALS})["workflows"]
    except TidemillError as error:
        return {"status": "unknown", "error": f"{type(error).__name__}: {error}"}
    totals: dict[str, int] = {}
    listed = []
    for one in suites:
        for state, number in one["stateTotals"].items():
            totals[state] = totals.get(state, 0) + number
        listed.append(
            {
                "name": one["id"].rpartition("/")[2],
                "status": one["status"],
                "state": one["statusMsg"],
                "stateTotals": one["stateTotals"],
            }
        )
    state = told["server_state"]
    status = "running" if state == "running" else "paused"
    return {"status": status, "statusMsg": state, "stateTotals": totals, "suites": listed}
