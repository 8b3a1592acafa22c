"""`tidemill scan`: list running, installed or source workflows, and suite servers."""

from __future__ import annotations

import re
from typing import Any

import click

from ..contact.file import remove_stale
from ..contact.paths import contact_path
from ..contact.ports.discovery import with_advertised
from ..contact.scan import scan
from ..contact.suite_servers import scan_suite_servers
from ..exceptions import TidemillError
from .exceptions import UsageError
from .options import cli_command
from .printer import JsonPrinter, Printer
from .scan_text import SUITE_SERVER, address, rich_text
from .tree import draw_tree
from .workflows import installed_runs, source_directories

ACTIVE = ("running", "paused", "stopping")
STATES = (*ACTIVE, "stopped")
FORMATS = ("plain", "name", "rich", "tree", "contact", "json")
QUERY = """query ($workflows: [ID]) {
  workflows(ids: $workflows) { id status statusMsg stateTotals port cylcVersion meta {title description} }
}"""
ASK_SECONDS = 3.0
"""How long one scheduler may take to answer; they are asked one after another."""


@cli_command(
    epilog="""
  tidemill scan                           running workflows
  tidemill scan --states=all -t tree      everything installed, as a tree
  tidemill scan -t rich                   with title, version and the number of tasks in each state
  tidemill scan -t rich --colour-blind    the same without telling anything by colour alone
  tidemill scan -n '^ocean' --ping        check that they answer, tidy up after those that crashed
  tidemill scan -t rich -n localhost:     suite servers, with their suites and states
  tidemill scan --source                  workflows that could be installed
"""
)
@click.option(
    "-n", "--name", "names", multiple=True, metavar="REGEX", help="Only workflows whose name begins to match."
)
@click.option(
    "--states",
    "--state",
    default=",".join(ACTIVE),
    show_default=True,
    metavar="STATE,...",
    help="running, paused, stopping, stopped, or all.",
)
@click.option("-s", "--source", is_flag=True, help="List workflow sources instead of runs.")
@click.option(
    "-t",
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="plain",
    help="plain: name host:port process; name: names only; rich: with titles and states; tree: plain, as a tree; "
    "contact: all of the contact files; json: the same, for programs.",
)
@click.option("--colour-blind", "--color-blind", is_flag=True, help="Say in words what rich says by colour.")
@click.option("--sort", is_flag=True, help="Sort by name, as is done in any case.")
@click.option("--ping", is_flag=True, help="Ask each scheduler; remove the contact files of those that are gone.")
@click.option("--comms-timeout", type=click.FloatRange(min=0, min_open=True), default=ASK_SECONDS, metavar="SECONDS")
def command(
    printer: Printer,
    names: tuple[str, ...],
    states: str,
    source: bool,
    form: str,
    colour_blind: bool,
    sort: bool,
    ping: bool,
    comms_timeout: float,
) -> int:
    """List workflows: those that run, unless other states or the sources are asked for.

    Suite servers are listed by their address, marked as such; they are paused when they are halted or shut down.
    """
    wanted = _states(states)
    if form == "json" and not isinstance(printer, JsonPrinter):
        printer = JsonPrinter(verbosity=printer.verbosity)
    if source:
        found = _sources()
    else:
        # Paused or running can only be told by asking; whether there is a scheduler, by its contact file.
        ask = ping or form == "rich" or (bool(wanted & set(ACTIVE)) and not wanted >= set(ACTIVE))
        found = _runs(wanted, ask=ask, tidy=ping, timeout_seconds=comms_timeout, printer=printer)
        found += _suite_servers(wanted, ask=ask, tidy=ping, timeout_seconds=comms_timeout, printer=printer)
    found = [entry for entry in found if not names or any(re.match(name, entry["name"]) for name in names)]
    found.sort(key=lambda entry: _natural(entry["name"]))
    printer.result(found, lambda: _text(found, form, printer, in_words=colour_blind))
    return 0


def _states(text: str) -> set[str]:
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    if "all" in wanted:
        return set(STATES)
    if unknown := wanted - set(STATES):
        raise UsageError(f"--states {', '.join(sorted(unknown))}: expected {', '.join(STATES)} or all")
    return wanted


def _sources() -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for root in source_directories():
        for name in installed_runs(root=root):
            # The first directory wins, as it does when installing.
            found.setdefault(name, {"name": name, "path": str(root / name)})
    return list(found.values())


def _runs(wanted: set[str], *, ask: bool, tidy: bool, timeout_seconds: float, printer: Printer) -> list[dict[str, Any]]:
    found = []
    found_on_disk = scan()
    for workflow in with_advertised(found_on_disk) if wanted & set(ACTIVE) else found_on_disk:
        entry: dict[str, Any] = {"name": workflow.workflow, "path": str(workflow.directory)}
        if workflow.problem:
            printer.warn(workflow.problem)
        if workflow.contact is None:
            if tidy and (gone := remove_stale(contact_path(workflow.workflow))) is not None:
                printer.info(f"removed the contact file of {workflow.workflow}: its process {gone.pid} is gone")
            if "stopped" in wanted:
                found.append({**entry, "status": "stopped"})
            continue
        if not wanted & set(ACTIVE):
            continue
        entry["contact"] = str(contact_path(workflow.workflow))
        entry |= dict(line.split("=", 1) for line in workflow.contact.format().splitlines())
        if ask:
            entry |= _ask(workflow.workflow, timeout_seconds)
            if entry["status"] in STATES and entry["status"] not in wanted:
                continue
        found.append(entry)
    return found


def _suite_servers(
    wanted: set[str], *, ask: bool, tidy: bool, timeout_seconds: float, printer: Printer
) -> list[dict[str, Any]]:
    found = []
    for server in scan_suite_servers():
        path = server.name.contact_path
        entry: dict[str, Any] = {"name": str(server.name), "kind": SUITE_SERVER, "path": str(server.directory)}
        if server.problem:
            printer.warn(server.problem)
        if server.contact is None:
            if tidy and (gone := remove_stale(path)) is not None:
                printer.info(f"removed the contact file of {server.name}: its process {gone.pid} is gone")
            if "stopped" in wanted:
                found.append({**entry, "status": "stopped"})
            continue
        if not wanted & set(ACTIVE):
            continue
        entry["contact"] = str(path)
        entry |= dict(line.split("=", 1) for line in server.contact.format().splitlines())
        if ask:
            from .suites import asked

            entry |= asked(server.name, timeout_seconds)
            if entry["status"] in STATES and entry["status"] not in wanted:
                continue
        found.append(entry)
    return found


def _ask(run: str, timeout_seconds: float) -> dict[str, Any]:
    """What a scheduler says of itself; ``{"status": "unknown", "error": ...}`` where it does not answer."""
    from ..network.client import WorkflowRuntimeClient

    try:
        with WorkflowRuntimeClient(run, timeout=timeout_seconds) as client:
            answer = client("graphql", {"request_string": QUERY, "variables": {"workflows": [run]}})
            told = answer["workflows"][0]
    except TidemillError as error:
        return {"status": "unknown", "error": f"{type(error).__name__}: {error}"}
    except (KeyError, IndexError, TypeError):
        return {"status": "unknown", "error": f"an answer without workflows: {str(answer)[:80]}"}
    return {key: told.get(key) for key in ("status", "statusMsg", "stateTotals", "meta")}


def _text(found: list[dict[str, Any]], form: str, printer: Printer, *, in_words: bool) -> str:
    if form == "name":
        return "\n".join(entry["name"] for entry in found)
    if form == "rich":
        return rich_text(found, printer, in_words=in_words)
    if form == "contact":
        return "\n".join(_contact(entry) for entry in found)
    if form == "tree":
        return draw_tree({entry["name"]: address(entry) for entry in found})
    return "\n".join(f"{entry['name']} {address(entry)}".rstrip() for entry in found)


def _contact(entry: dict[str, Any]) -> str:
    """The lines of the contact file under the name; only the name where nothing runs."""
    lines = [f"    {key}={value}" for key, value in entry.items() if key.isupper()]
    return "\n".join([entry["name"], *lines])


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
