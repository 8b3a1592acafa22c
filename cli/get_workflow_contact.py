"""`tidemill get-workflow-contact`: print the contact file of a running workflow."""

from __future__ import annotations

import click

from ..contact.file import read_contact
from ..contact.paths import contact_path
from .options import cli_command
from .printer import Printer
from .workflows import find_run


@cli_command(epilog="\n  tidemill get-workflow-contact ocean\n")
@click.argument("workflow")
def command(printer: Printer, workflow: str) -> int:
    """Print where a running workflow can be reached: its host, ports and process, as KEY=value lines."""
    contact = read_contact(contact_path(find_run(workflow)))
    text = contact.format()
    printer.result(dict(line.split("=", 1) for line in text.splitlines()), text)
    return 0
