"""Where to reach a scheduler: what the caller says, then the environment, the contact file, the port manager."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from .exceptions import ContactFileError, ContactFileMissing
from .file import ContactFile, read_contact
from .paths import SERVICE, contact_path

HOST_VARIABLE = "CYLC_WORKFLOW_HOST"
PORT_VARIABLE = "CYLC_WORKFLOW_PORT"


class Address(NamedTuple):
    """A host and port, and the contact file if it had to be read."""

    host: str
    port: int
    contact: ContactFile | None = None
    service_directory: Path | None = None
    """Where its keys are, if it was the port manager that knew it: that may be below another run root."""


def find_address(workflow: str, host: str | None = None, port: int | str | None = None) -> Address:
    """The address of a workflow's scheduler.

    Each of host and port is taken from the arguments, else from ``CYLC_WORKFLOW_HOST`` and
    ``CYLC_WORKFLOW_PORT`` (unless ``CYLC_WORKFLOW_ID`` says they are of another workflow), else from the
    contact file, which is read only then; and where there is none, from the port manager of this host.

    Raises:
        ContactFileMissing: it is needed and not there, nor is the scheduler listed: the workflow is not running.
        ContactFileError: it cannot be read, or a port is not a number from 1 to 65535.
    """
    environment = os.environ
    if environment.get("CYLC_WORKFLOW_ID", workflow) == workflow:
        host = host or environment.get(HOST_VARIABLE)
        port = port or environment.get(PORT_VARIABLE)
    number = _port(port) if port else None
    if host and number:
        return Address(host, number)
    try:
        contact = read_contact(contact_path(workflow))
    except ContactFileMissing:
        from .ports.discovery import advertised_schedulers

        listed = advertised_schedulers().get(workflow)
        if listed is None or not listed.run_directory:
            raise
        return Address(host or listed.host, number or listed.port, None, Path(listed.run_directory) / SERVICE)
    return Address(host or contact.host, number or contact.port, contact)


def endpoint(host: str, port: int) -> str:
    """A host and port as ZeroMQ writes them."""
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"


def _port(port: int | str) -> int:
    text = str(port).strip()
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ContactFileError(f"{port!r} is not a port: it is a number from 1 to 65535")
    return int(text)
