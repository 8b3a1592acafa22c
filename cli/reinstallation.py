"""Reinstalling a run: its files made the same as those of its source again, what the run made itself left alone."""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
from pathlib import Path

from attrs import define, field

from ..contact.paths import run_root
from .exceptions import InstallError
from .ignored import FILE, Ignored
from .installation import EXCLUDED_AT_TOP, INSTALL_DIRECTORY, InstallLog, source_files
from .workflows import has_definition

OF_THE_RUN = EXCLUDED_AT_TOP | {"share", "work"}
"""What is never deleted from a run, though its source has it not."""
SEND, DELETE = "send", "del."
"""How changes are listed, as in Cylc 8.5."""


@define
class FileChanges:
    """How the files of a run differ from those of its source. Paths within both."""

    source: Path
    run: Path
    send: list[str] = field(factory=list)
    """Added or changed in the source."""
    delete: list[str] = field(factory=list)
    """Only in the run."""

    def __bool__(self) -> bool:
        return bool(self.send or self.delete)

    def lines(self) -> list[str]:
        """A line each: ``send bin/x``, ``del. bin/y``."""
        return [f"{SEND} {path}" for path in self.send] + [f"{DELETE} {path}" for path in self.delete]


def source_of(run: str) -> Path:
    """The source that a run was installed from.

    Raises:
        InstallError: it was not installed, or its source is not there any more.
    """
    directory = run_root() / run
    for base in (directory, directory.parent):
        link = base / INSTALL_DIRECTORY / "source"
        if link.is_symlink():
            source = Path(os.path.normpath(os.path.join(link.parent, os.readlink(link))))
            if not has_definition(source):
                raise InstallError(f"{run} was installed from {source}, which has no flow.cylc (any more)")
            return source
    raise InstallError(f"{run} was not installed with 'install': it has no source to install from again")


def file_changes(source: Path, run: Path) -> FileChanges:
    """Compare a run with its source: contents, modes and links; not times."""
    changes = FileChanges(source, run)
    wanted = list(source_files(source))
    known = set(wanted)
    for path in wanted:
        if _differs(source / path, run / path):
            changes.send.append(path)
    ignored = Ignored.of(source)
    for folder, folders, files in os.walk(run):
        relative = Path(folder).relative_to(run)
        links = [entry for entry in folders if (Path(folder) / entry).is_symlink()]
        for entry in sorted(folders):
            path = str(relative / entry)
            if _is_kept(path) or ignored.matches(path, is_directory=True):
                folders.remove(entry)
            elif path not in known:
                changes.delete.append(path)
                folders.remove(entry)
            elif entry in links:
                folders.remove(entry)
        for entry in sorted(files):
            path = str(relative / entry)
            if path not in known and not _is_kept(path) and not ignored.matches(path, is_directory=False):
                changes.delete.append(path)
    return changes


def _is_kept(path: str) -> bool:
    return path in OF_THE_RUN or path == FILE


def _differs(origin: Path, copy: Path) -> bool:
    if origin.is_symlink() or copy.is_symlink():
        return not (origin.is_symlink() and copy.is_symlink() and os.readlink(origin) == os.readlink(copy))
    if origin.is_dir():
        return not copy.is_dir()
    if not copy.is_file() or stat.S_IMODE(origin.stat().st_mode) != stat.S_IMODE(copy.stat().st_mode):
        return True
    return not filecmp.cmp(origin, copy, shallow=False)


def reinstall(changes: FileChanges) -> None:
    """Make the changes. Each file is replaced whole, so that whoever reads it meanwhile has the old or the new.

    Raises:
        InstallError: the disk refuses; what was changed by then stays changed, and can be gone on with.
    """
    try:
        log = InstallLog(changes.run, "reinstall")
        log.write(f"Copying files from {changes.source} to {changes.run}")
        for path in changes.delete:
            _remove(changes.run / path)
            log.write(f"{DELETE} {path}")
        for path in changes.send:
            _send(changes.source / path, changes.run / path)
            log.write(f"{SEND} {path}")
        log.write(f"REINSTALLED {changes.run.relative_to(run_root())} from {changes.source}")
    except OSError as error:
        raise InstallError(f"cannot reinstall {changes.run} from {changes.source}: {error}") from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _send(origin: Path, copy: Path) -> None:
    is_directory = origin.is_dir() and not origin.is_symlink()
    if (copy.is_dir() and not copy.is_symlink()) != is_directory and os.path.lexists(copy):
        _remove(copy)
    if is_directory:
        copy.mkdir(exist_ok=True)
        return
    temporary = copy.with_name(f".{copy.name}.{os.getpid()}")
    try:
        shutil.copy(origin, temporary, follow_symlinks=False)
        os.replace(temporary, copy)
    finally:
        temporary.unlink(missing_ok=True)
