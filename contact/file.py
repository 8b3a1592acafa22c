"""The contact file: how a client finds a running scheduler, and how it can tell that one is gone.

A named tuple rather than an attrs class, because every client process reads one and attrs would double its
start-up.
"""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import NamedTuple

from . import process
from .exceptions import ContactFileError, ContactFileExists, ContactFileMissing

API = "5"
"""The protocol version of Cylc 8's clients; the web interface wants exactly this."""
CYLC_VERSION = "8.5.4"
"""The version of Cylc whose clients we answer as."""

MODE = 0o644
_PREFIX = "CYLC_WORKFLOW_"
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=10"
# A process and its contact file are dated by different clocks (boot time plus ticks, file system): allow them
# to differ.
_CLOCK_SLACK_SECONDS = 5.0


class Liveness(enum.Enum):
    """What is known of the scheduler that a contact file names."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"
    """It may run on another host, or the process of that number cannot be told from it: treat it as alive."""


class ContactFile(NamedTuple):
    """What a scheduler tells about itself. Keys and meaning as in Cylc 8.5, and a few of our own."""

    workflow: str
    host: str
    port: int
    publish_port: int | None = None
    pid: int | None = None
    command: str = ""
    """The scheduler's command line, exactly as `process.command_line` gives it: Cylc's clients compare it."""
    owner: str = ""
    uuid: str = ""
    """Identity of the run, kept over restarts."""
    run_directory: str = ""
    api: str = API
    cylc_version: str = CYLC_VERSION
    ssh_command: str = _SSH
    cylc_path: str = "None"
    use_login_shell: str = "True"
    tidemill_version: str = ""
    machine: str = ""
    """Where the process id means something (`process.machine`)."""
    boot: str = ""
    process_start: str = ""
    """`process.start_mark` of the scheduler: with machine and boot, a process id that cannot be mistaken."""

    @classmethod
    def of_this_process(
        cls,
        workflow: str,
        host: str,
        port: int,
        publish_port: int,
        *,
        run_directory: str | os.PathLike[str],
        owner: str,
        uuid: str,
        version: str,
    ) -> ContactFile:
        """The contact file of a scheduler that runs in this process."""
        pid = os.getpid()
        # No line can hold a line break of the command; the process's start tells it from others all the same.
        command = " ".join((process.command_line(pid) or "").split("\n")).strip()
        return cls(
            workflow=workflow,
            host=host,
            port=port,
            publish_port=publish_port,
            pid=pid,
            command=command,
            owner=owner,
            uuid=uuid,
            run_directory=os.fspath(run_directory),
            tidemill_version=version,
            machine=process.machine(),
            boot=process.boot(),
            process_start=process.start_mark(pid) or "",
        )

    def format(self) -> str:
        """The text of the file: ``KEY=value`` lines, sorted by key."""
        lines = []
        for attribute, key in _KEYS.items():
            value = getattr(self, attribute)
            if value is None:
                continue
            text = str(value)
            if "\n" in text or text.strip() != text:
                raise ContactFileError(
                    f"{key} of the contact file cannot hold line breaks or outer white space: {text!r}"
                )
            lines.append(f"{key}={text}\n")
        return "".join(sorted(lines))

    def write(self, path: str | os.PathLike[str], *, replace: bool = False) -> None:
        """Write the file whole or not at all, readable by everyone, and on disk when this returns.

        Arguments:
            path: where; its directory must exist.
            replace: take the place of a file that is there, instead of refusing.

        Raises:
            ContactFileExists: there is one already. Of two schedulers that start at once, one gets this.
            ContactFileError: it cannot be written.
        """
        target = os.fspath(path)
        directory = os.path.dirname(target)
        temporary = f"{target}.{os.getpid()}.new"
        text = self.format()
        try:
            with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
                os.fchmod(file.fileno(), MODE)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            try:
                _put(temporary, target, replace=replace)
            finally:
                if os.path.lexists(temporary):
                    os.unlink(temporary)
            _sync_directory(directory)
        except FileExistsError:
            raise ContactFileExists(
                f"{target} exists: a scheduler of {self.workflow} may be running; see it with: "
                f"tidemill get-workflow-contact {self.workflow}"
            ) from None
        except OSError as error:
            raise ContactFileError(f"Cannot write the contact file {target}: {error.strerror or error}") from error

    def remove(self, path: str | os.PathLike[str]) -> bool:
        """Remove the file if it is still this one; True if it was.

        The file is moved aside first and read again, so that one just written by a new scheduler is put back
        and never lost.
        """
        target = os.fspath(path)
        if _read_or_none(target) != self:
            return False
        aside = f"{target}.{os.getpid()}.old"
        try:
            os.rename(target, aside)
        except OSError:
            return False
        if _read_or_none(aside) == self:
            os.unlink(aside)
            _sync_directory(os.path.dirname(target))
            return True
        try:
            _put(aside, target, replace=False)
        except FileExistsError:
            pass
        finally:
            if os.path.lexists(aside):
                os.unlink(aside)
        return False


_KEYS = {
    "api": "CYLC_API",
    "cylc_version": "CYLC_VERSION",
    "host": "CYLC_WORKFLOW_HOST",
    "workflow": "CYLC_WORKFLOW_ID",
    "owner": "CYLC_WORKFLOW_OWNER",
    "port": "CYLC_WORKFLOW_PORT",
    "publish_port": "CYLC_WORKFLOW_PUBLISH_PORT",
    "pid": "CYLC_WORKFLOW_PID",
    "command": "CYLC_WORKFLOW_COMMAND",
    "run_directory": "CYLC_WORKFLOW_RUN_DIR_ON_WORKFLOW_HOST",
    "uuid": "CYLC_WORKFLOW_UUID",
    "cylc_path": "SCHEDULER_CYLC_PATH",
    "ssh_command": "SCHEDULER_SSH_COMMAND",
    "use_login_shell": "SCHEDULER_USE_LOGIN_SHELL",
    "tidemill_version": "TIDEMILL_VERSION",
    "machine": "TIDEMILL_MACHINE",
    "boot": "TIDEMILL_BOOT",
    "process_start": "TIDEMILL_PROCESS_START",
}
_ATTRIBUTES = {key: attribute for attribute, key in _KEYS.items()}


def read_contact(path: str | os.PathLike[str]) -> ContactFile:
    """Read a contact file; files of older versions (``SUITE`` in the keys) too.

    Raises:
        ContactFileMissing: there is none.
        ContactFileError: it is not a contact file, or lacks what a client cannot do without; says which and
            where.
    """
    target = os.fspath(path)
    text = _text_of(target)
    values: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise ContactFileError(f"{target}:{number}: not a contact file: expected KEY=value, found {line[:60]!r}")
        attribute = _ATTRIBUTES.get(key.strip().replace("SUITE", "WORKFLOW"))
        if attribute:
            values[attribute] = value.strip()
    # Old files name the workflow by CYLC_SUITE_NAME; the directory says it for files that do not at all.
    if not values.get("workflow"):
        values["workflow"] = _workflow_of(target, text)
    missing = [_KEYS[name] for name in ("host", "port") if not values.get(name)]
    if missing:
        raise ContactFileError(
            f"{target}: the contact file lacks {' and '.join(missing)}; if the scheduler is not running, remove it"
        )
    numbers: dict[str, int | None] = {}
    for name, highest in (("port", 65535), ("publish_port", 65535), ("pid", 2**31)):
        given = values.pop(name, "")
        if not given:
            numbers[name] = None
        elif given.isdecimal() and 0 < int(given) <= highest:
            numbers[name] = int(given)
        else:
            raise ContactFileError(f"{target}: {_KEYS[name]}={given[:40]} is not a valid number")
    # What we know better than the defaults for a file that does not say.
    blank = {"api": "", "cylc_version": "", "ssh_command": "", "cylc_path": "", "use_login_shell": ""}
    return ContactFile(**{**blank, **values, **numbers})  # type: ignore[arg-type]


def detect_old_contact(path: str | os.PathLike[str]) -> Liveness:
    """Whether the scheduler that a contact file names is running.

    Raises `ContactFileMissing` or `ContactFileError` as `read_contact` does.
    """
    contact = read_contact(path)
    try:
        written = os.stat(path).st_mtime
    except OSError:
        written = None
    return liveness(contact, written)


def liveness(contact: ContactFile, written: float | None = None) -> Liveness:
    """What is known of the scheduler of `contact`, whose file was written at `written` (seconds since the
    epoch).

    Dead is said only when certain: its process id, on this very machine, is of no process or of one that
    began later.
    """
    pid = contact.pid
    if pid is None:
        return Liveness.UNKNOWN
    if contact.machine:
        if contact.machine != process.machine():
            return Liveness.UNKNOWN
        boot = process.boot()
        if contact.boot and boot and contact.boot != boot:
            return Liveness.DEAD
    elif not is_this_host(contact.host):
        return Liveness.UNKNOWN
    if not process.exists(pid):
        return Liveness.DEAD
    mark = process.start_mark(pid)
    if contact.process_start and contact.machine and mark:
        return Liveness.ALIVE if mark == contact.process_start else Liveness.DEAD
    began = process.start_time(pid)
    if began is not None and written is not None and began > written + _CLOCK_SLACK_SECONDS:
        return Liveness.DEAD
    command = process.command_line(pid)
    if command is not None and contact.command and process.same_command(contact.command, command):
        return Liveness.ALIVE
    return Liveness.UNKNOWN


def remove_stale(path: str | os.PathLike[str]) -> ContactFile | None:
    """Remove a contact file whose scheduler is certainly gone; the contact removed, or None if it was
    kept."""
    try:
        contact = read_contact(path)
        written = os.stat(path).st_mtime
    except (OSError, ContactFileError):
        return None
    if liveness(contact, written) is Liveness.DEAD and contact.remove(path):
        return contact
    return None


def is_this_host(host: str) -> bool:
    """Whether a host name or address is of this machine: only then can a socket be bound to it."""
    import socket

    if host in ("localhost", "127.0.0.1", "::1") or host == socket.gethostname():
        return True
    try:
        addresses = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return False
    for family, kind, protocol, _, address in addresses:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.bind(address)
        except OSError:
            continue
        return True
    return False


def _text_of(target: str) -> str:
    try:
        try:
            data = Path(target).read_bytes()
        except FileNotFoundError:
            # On a network file system the directory may be remembered from before the file was there: listing
            # it makes the system look again.
            os.listdir(os.path.dirname(target))
            data = Path(target).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ContactFileMissing(f"There is no contact file {target}: the workflow is not running") from None
    except OSError as error:
        raise ContactFileError(f"Cannot read the contact file {target}: {error.strerror or error}") from error
    # Arguments and paths may be bytes that are no text: they go through unchanged.
    return data.decode("utf-8", "surrogateescape")


def _read_or_none(target: str) -> ContactFile | None:
    try:
        return read_contact(target)
    except ContactFileError:
        return None


def _workflow_of(target: str, text: str) -> str:
    for line in text.split("\n"):
        if line.startswith(("CYLC_SUITE_NAME=", f"{_PREFIX}NAME=")):
            return line.partition("=")[2].strip()
    return os.path.basename(os.path.dirname(os.path.dirname(os.path.abspath(target))))


def _put(source: str, target: str, *, replace: bool) -> None:
    if replace:
        os.replace(source, target)
        return
    try:
        # Unlike a rename, a link fails if the target exists, at once and for everyone.
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links: the best left.
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.replace(source, target)


def _sync_directory(directory: str) -> None:
    try:
        descriptor = os.open(directory or ".", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        # Some network file systems refuse; the file itself is synced.
        pass
    finally:
        os.close(descriptor)
