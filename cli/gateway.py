"""`tidemill gateway`: serve GraphQL, subscriptions included, to browsers."""

from __future__ import annotations

import asyncio
import ipaddress
import sys

import click

from .exceptions import InputError
from .options import cli_command
from .printer import Printer
from .workflows import find_run


@cli_command(epilog="\n  $ tidemill gateway forecast\n  $ tidemill gateway --port 8080\n")
@click.argument("workflow", required=False, metavar="[WORKFLOW]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Listen at this port; default: any free one.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Listen at this address of this machine.",
)
def command(printer: Printer, workflow: str | None, port: int, host: str) -> int:
    """Serve GraphQL over HTTP and websockets, until interrupted.

    Prints a link that is good once: it lets in whoever follows it first. Queries and mutations are passed on to the
    scheduler; subscriptions are served from a copy that follows it, so that no browser, however slow, delays it.
    Without a WORKFLOW all that run are served.
    """
    try:
        from ..ui.gateway import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("starlette", "uvicorn", "websockets"):
            raise
        raise InputError(
            f"the gateway needs {error.name}, which is not installed: pip install 'tidemill[gateway]'"
        ) from None
    if not _is_loopback(host):
        printer.warn(f"listening at {host}: what is sent can be read on the network; put a TLS proxy before it")
    run = find_run(workflow) if workflow is not None else None

    def started(link: str) -> None:
        printer.result({"url": link, "workflow": run}, link)
        sys.stdout.flush()

    asyncio.run(serve(run, host=host, port=port, started=started))
    return 0


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
