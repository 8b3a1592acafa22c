"""`tidemill serve-commands`: run commands on this machine for clients elsewhere."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from .exceptions import InputError
from .options import cli_command
from .printer import Printer


@cli_command(
    epilog="""
  tidemill serve-commands                       at localhost, port 9922
  tidemill serve-commands --port 0              at any free port, which is printed
  tidemill serve-commands --host node3          for other machines too
  tidemill serve-commands probes:ProbeServer    the commands of a class of your own
"""
)
@click.argument("server", required=False, metavar="[MODULE:CLASS]")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9922, show_default=True, help="Listen at this port; 0 for any."
)
@click.option(
    "--host",
    default="localhost",
    show_default=True,
    metavar="NAME",
    help="Listen as this name or address of this machine.",
)
def command(printer: Printer, server: str | None, port: int, host: str) -> int:
    """Run commands and copy files for clients that have a key of this server, until interrupted or closed.

    Who has the key can do what you can: it is kept where only you can read it. The processes of jobs outlive the
    server; started again at the same address it goes on with them. `tidemill remote` and Python are its clients.
    """
    from ..network.commands.host import HostServer
    from ..network.commands.server import CommandServer

    kind: type[CommandServer] = HostServer if server is None else _load(server)

    def started(at_host: str, at_port: int) -> None:
        place = f"{at_host}:{at_port}"
        directory = str(serving.place.service_directory)
        printer.result(
            {"host": at_host, "port": at_port, "directory": directory, "process": os.getpid()},
            f"serving commands at {place}; its keys are in {directory}",
        )
        sys.stdout.flush()

    serving = kind()
    serving.run(host, port, started=started, verbose=printer.verbosity > 0)
    left = len(serving.jobs_table)
    if left:
        printer.info(f"{left} jobs run on; started again at {host}:{serving.port} the server goes on with them")
    return 0


def _load(server: str) -> Any:
    from ..network.commands.server import CommandServer

    module_name, colon, name = server.partition(":")
    if not colon:
        raise InputError(f"{server}: expected MODULE:CLASS")
    sys.path.insert(0, os.getcwd())
    try:
        kind = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{server} cannot be loaded: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, CommandServer)):
        raise InputError(f"{server} is not a class of tidemill.network.commands.CommandServer")
    return kind
