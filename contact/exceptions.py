"""What can go wrong in finding a scheduler and being let in."""

from __future__ import annotations

from ..exceptions import TidemillError


class IdentifierError(TidemillError):
    """The identifier is not valid."""


class WorkflowNotFound(TidemillError):
    """No such workflow in the run directory."""


class ContactFileError(TidemillError):
    """The contact file cannot be read or written."""


class ContactFileMissing(ContactFileError):
    """There is no contact file: the workflow is not running."""


class ContactFileExists(ContactFileError):
    """There is a contact file already: another scheduler of this workflow may be running."""


class KeyFileError(TidemillError):
    """A key file is missing, cannot be read, or holds no key."""


class PortRequestError(TidemillError):
    """Invalid request"""


class PortManagerError(TidemillError, RuntimeError):
    """The port manager refused a request; the text is its own. A `RuntimeError`, as its clients expect."""


class PortManagerLost(PortManagerError):
    """The port manager closed the connection or did not answer in time: the ports held by it are given back."""


class PortManagerNotStarted(TidemillError):
    """The port manager cannot be started."""
