"""`tidemill ports`: serve ports, list who has which, and hold one for a command."""

from __future__ import annotations

import os
import signal
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NoReturn

import click

from ..contact.ports.address import DEFAULT_PORT, DEFAULT_RANGE, VARIABLE, manager_address, parse_address
from .exceptions import InputError, UsageError
from .options import cli_command
from .printer import Printer

if TYPE_CHECKING:
    from ..contact.port_manager import PortManager
    from ..contact.ports.server import PortServer
    from ..contact.ports.service import Service

HEADINGS = ("SERVICE", "USER", "PORT", "PID", "KIND", "WORKFLOW")
COMMAND_NOT_FOUND = 127
COMMAND_NOT_STARTED = 126


EXAMPLES = """\b
Examples:
  tidemill ports serve                         give the ports 30001 to 31000, at port 30000
  tidemill ports list                          who has which port of this host
  tidemill ports get viewer -- ./viewer.sh     run a command with a port of its own
"""


@click.group(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def command() -> None:
    """The port manager: gives the services of a host their ports, and tells who has which."""


@cli_command(
    epilog="""
  tidemill ports serve
  tidemill ports serve --listen 30500 --ports 40000-40999
""",
)
@click.option(
    "--listen",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    metavar="PORT",
    help="Listen at this port; 0 for any free one.",
)
@click.option(
    "--ports",
    "ports",
    default=f"{DEFAULT_RANGE[0]}-{DEFAULT_RANGE[1]}",
    show_default=True,
    metavar="LOW-HIGH",
    help="The ports to give.",
)
@click.option(
    "--host",
    default="",
    metavar="ADDRESS",
    help="Listen at this address of this machine, or at all ('*'), to list services for others. Default: loopback.",
)
def serve(printer: Printer, listen: int, ports: str, host: str) -> int:
    """Serve ports until interrupted or terminated.

    Ports are given to programs on this host, and given back when their connection ends.
    """
    import asyncio

    from ..contact.ports import server as ports_server

    first, last = _range(ports)
    server = ports_server.PortServer(host=host, port=listen, ports=(first, last))

    def started(server: PortServer) -> None:
        data = {"addresses": server.addresses, "port": server.port, "first": first, "last": last}
        where = " and ".join(server.addresses)
        printer.result(data, f"Port manager at {where}, with the ports {first} to {last}")
        sys.stdout.flush()

    asyncio.run(ports_server.serve(server, started=started))
    return 0


@cli_command(
    epilog="""
  tidemill ports list
  tidemill ports list --user 'a*' --name forecast
  tidemill ports list node7:30500 --json
""",
)
@click.argument("host", required=False, metavar="[HOST[:PORT]]")
@click.option("--user", default="*", metavar="GLOB", help="Only services of these users.")
@click.option("--name", default="", metavar="PREFIX", help="Only services whose name begins so.")
def list_services(printer: Printer, host: str | None, user: str, name: str) -> int:
    """List the services of a host: those of this one unless a HOST is named."""
    with _connected(host) as manager:
        found = [
            service
            for service in manager.services()
            if service.service.startswith(name) and fnmatchcase(service.user, user)
        ]
    printer.result([service._asdict() for service in found], lambda: _table(found, printer))
    return 0


@cli_command(
    epilog="""
  tidemill ports get viewer -- sh -c 'exec python -m http.server $TIDEMILL_PORT'
  tidemill ports get viewer                  print a port, and hold it until interrupted
""",
)
@click.argument("name")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
def get(printer: Printer, name: str, arguments: tuple[str, ...]) -> int:
    """Hold a port under NAME for a COMMAND, which finds it in PORT and TIDEMILL_PORT, or until interrupted.

    TIDEMILL_PORT_NAME is the name it got: with _1, _2, ... if the one wanted was taken. COMMAND takes the place of this
    process; the port is held until it, and whatever it leaves behind, has ended.
    """
    from ..contact.exceptions import PortManagerError

    manager = _connected(None)
    try:
        lease = manager.lease(name)
    except PortManagerError as error:
        manager.close()
        raise InputError(f"no port for {name}: {error}") from None
    if arguments:
        held = manager.detach()
        held.settimeout(None)
        os.set_inheritable(held.fileno(), True)
        os.environ |= {"PORT": str(lease.port), "TIDEMILL_PORT": str(lease.port), "TIDEMILL_PORT_NAME": lease.service}
        _become(arguments)
    printer.result({"port": lease.port, "service": lease.service}, f"{lease.port} {lease.service}")
    sys.stdout.flush()
    # Terminated or interrupted, whoever holds a port so gives it back with the process.
    held = manager.detach()
    held.settimeout(None)
    while held.recv(4096):
        pass
    raise InputError(
        f"the port manager at {manager.host}:{manager.port} has ended: port {lease.port} is no longer held"
    )


command.add_command(serve, "serve")
command.add_command(list_services, "list")
command.add_command(get, "get")


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    try:
        first, last = int(low), int(high or low)
    except ValueError:
        raise UsageError(f"--ports {text}: expected LOW-HIGH, for instance 30001-31000") from None
    first, last = min(first, last), max(first, last)
    if not (first > 0 and last < 65536):
        raise UsageError(f"--ports {text}: ports are numbers from 1 to 65535")
    return first, last


def _connected(host: str | None) -> PortManager:
    """A connection to the port manager named, else to that of this host."""
    from ..contact.port_manager import PortManager

    if host is not None:
        try:
            where = parse_address(host)
        except ValueError:
            raise UsageError(f"{host} is not an address: write HOST or HOST:PORT") from None
    else:
        address = manager_address()
        if address is None:
            raise InputError(f"no port manager is to be used: {VARIABLE} is empty")
        where = (address.host, address.port)
    try:
        return PortManager(*where)
    except OSError as error:
        raise InputError(
            f"no port manager answers at {where[0]}:{where[1]} ({error.strerror or error}); "
            "'tidemill ports serve' starts one"
        ) from None


def _table(found: list[Service], printer: Printer) -> str:
    if not found:
        return ""
    rows = [(each.service, each.user, str(each.port), str(each.pid or ""), each.kind, each.workflow) for each in found]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    lines = [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        for row in (HEADINGS, *rows)
    ]
    return "\n".join([printer.style(lines[0], "bold"), *lines[1:]])


def _become(arguments: tuple[str, ...]) -> NoReturn:
    """Turn this process into a command; it is found, and fails, as a shell has it."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(arguments[0], arguments)
    except OSError as error:
        print(f"tidemill ports get: {arguments[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(COMMAND_NOT_FOUND if isinstance(error, FileNotFoundError) else COMMAND_NOT_STARTED)
