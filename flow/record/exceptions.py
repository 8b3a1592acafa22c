"""What can go wrong with the record of a run."""

from __future__ import annotations

import sqlite3

from ...exceptions import TidemillError


class RecordError(TidemillError):
    """The record of the run could not be read or written.

    Attributes:
        reason: one of ``full``, ``read-only``, ``corrupt``, ``newer``, ``foreign``, ``in use``, ``missing``,
            ``input-output``, ``closed``, ``invalid``.
        kept: True if the record still holds what it was given and writes it with the next commit or retry.
    """

    def __init__(self, message: str | None = None, *, reason: str = "input-output", kept: bool = False) -> None:
        super().__init__(message if message is not None else "The record of the run could not be read or written.")
        self.reason = reason
        self.kept = kept


_REASONS = {
    sqlite3.SQLITE_FULL: ("full", "no space is left on the disk; free some, then try again"),
    sqlite3.SQLITE_READONLY: (
        "read-only",
        "the file or its folder may not be written; check its permissions and mount",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "read-only",
        "the file cannot be opened; check that its folder exists and may be written",
    ),
    sqlite3.SQLITE_PERM: ("read-only", "the file may not be opened; check its permissions"),
    sqlite3.SQLITE_CORRUPT: (
        "corrupt",
        "the file is damaged; restore it from a copy, or start the run afresh",
    ),
    sqlite3.SQLITE_NOTADB: (
        "corrupt",
        "the file is no database; restore it from a copy, or start the run afresh",
    ),
    sqlite3.SQLITE_BUSY: ("in use", "another process holds it; is this run's scheduler already running?"),
    sqlite3.SQLITE_LOCKED: ("in use", "another process holds it; is this run's scheduler already running?"),
    sqlite3.SQLITE_IOERR: (
        "input-output",
        "the disk failed to read or write; check its health, quota and file size limit",
    ),
}
_INVALID = (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.DataError)


def is_invalid(error: Exception) -> bool:
    """Tell whether what was to be written is at fault, rather than the disk it goes to."""
    return isinstance(error, _INVALID) or not isinstance(error, sqlite3.Error | OSError)


def is_busy(error: Exception) -> bool:
    """Tell whether another process holds a lock on the database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def describe(error: Exception, path: str, *, doing: str, kept: bool = False) -> RecordError:
    """Return the `RecordError` that tells a person what failed on which file and what to do."""
    if is_invalid(error):
        return RecordError(f"{path}: could not {doing}: a value does not fit its column: {error}", reason="invalid")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reason, advice = _REASONS.get(code, ("input-output", "see the reason given"))
    return RecordError(f"{path}: could not {doing}: {error}: {advice}", reason=reason, kept=kept)
