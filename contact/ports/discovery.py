"""Schedulers that the port manager knows: found without walking directories, or where no contact file leads to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..exceptions import ContactFileError, PortManagerError
from ..file import ContactFile, read_contact
from ..paths import current_user
from ..scan import RUNNING, FoundWorkflow
from .registration import PUBLISHER, SCHEDULER

if TYPE_CHECKING:
    from .service import Service


def advertised_schedulers() -> dict[str, ContactFile]:
    """The schedulers of this user that are listed by the port manager of this host, by workflow.

    Only those count whose user the kernel told. Nothing if no port manager runs; that costs one refused connection.
    """
    services = _services()
    publishing = {service.contact: service.port for service in services if service.kind == PUBLISHER}
    found: dict[str, ContactFile] = {}
    for service in services:
        if service.kind == SCHEDULER and service.workflow:
            found.setdefault(service.workflow, _contact(service, publishing.get(service.contact)))
    return found


def with_advertised(found: Iterable[FoundWorkflow]) -> Iterator[FoundWorkflow]:
    """Workflows found on disk, and those that only the port manager knows to run.

    Their contact file is gone, or their run is below another run root.
    """
    listed = advertised_schedulers()
    for workflow in found:
        contact = listed.pop(workflow.workflow, None)
        if workflow.contact is None and contact is not None:
            yield workflow._replace(state=RUNNING, contact=contact, problem="")
        else:
            yield workflow
    for name, contact in listed.items():
        yield FoundWorkflow(name, Path(contact.run_directory), RUNNING, contact)


def _services() -> list[Service]:
    from .address import connect_quickly, manager_address

    try:
        address = manager_address()
        connected = connect_quickly(address) if address is not None else None
    except (OSError, PortManagerError):
        return []
    if address is None or connected is None:
        return []
    from ..port_manager import PortManager

    user = current_user()
    with PortManager(address.host, address.port, connected=connected) as manager:
        try:
            services = manager.services()
        except PortManagerError:
            return []
    return [service for service in services if service.is_verified and service.user == user]


def _contact(service: Service, publish_port: int | None) -> ContactFile:
    """What the contact file says; where it is gone, or of another scheduler, what the port manager does."""
    try:
        contact = read_contact(service.contact)
    except ContactFileError:
        contact = None
    if contact is not None and (contact.port, contact.workflow) == (service.port, service.workflow):
        return contact
    return ContactFile(
        workflow=service.workflow,
        host=service.host or "localhost",
        port=service.port,
        publish_port=publish_port,
        pid=service.pid,
        owner=service.user,
        run_directory=str(Path(service.contact).parent.parent) if service.contact else "",
    )
