"""Find the workflows under the run root, and which of them run, from files alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .exceptions import ContactFileError, ContactFileMissing
from .file import ContactFile, Liveness, liveness, read_contact
from .paths import CONTACT, LATEST_RUN, SERVICE, is_run, run_root

MAXIMUM_DEPTH = 4

RUNNING = "running"
STOPPED = "stopped"

_NOT_WORKFLOWS = frozenset({"log", "share", "work", "_cylc-install", LATEST_RUN})


class FoundWorkflow(NamedTuple):
    """A workflow's run directory, found on disk."""

    workflow: str
    """Its id: the path below the run root."""
    directory: Path
    state: str
    """``running`` if there is a contact file of a process not known to be gone, else ``stopped``."""
    contact: ContactFile | None = None
    """Its contact file if it is running."""
    problem: str = ""
    """What is wrong with its contact file, if there is one that cannot be read."""


def scan(
    root: Path | str | None = None,
    *,
    maximum_depth: int = MAXIMUM_DEPTH,
    states: tuple[str, ...] = (RUNNING, STOPPED),
) -> Iterator[FoundWorkflow]:
    """The workflows below a directory, by name; what cannot be read is passed over.

    Arguments:
        root: the run root by default.
        maximum_depth: how many folders deep an id may be (``a/b/c/run1`` is four).
        states: which to yield.

    Links to directories are followed, each real directory once; the link ``runN`` never.
    """
    top = Path(root) if root is not None else run_root()
    for found in _walk(top, "", maximum_depth, {os.path.realpath(top)}):
        if found.state in states:
            yield found


def _walk(directory: Path, prefix: str, depth: int, seen: set[str]) -> Iterator[FoundWorkflow]:
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries if _may_hold_runs(entry))
    except OSError:
        return
    for name in names:
        child = directory / name
        real = os.path.realpath(child)
        if real in seen:
            continue
        seen.add(real)
        workflow = prefix + name
        if is_run(child):
            yield _found(workflow, child)
        elif depth > 1:
            yield from _walk(child, f"{workflow}/", depth - 1, seen)


def _may_hold_runs(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _NOT_WORKFLOWS:
        return False
    try:
        return entry.is_dir()
    except OSError:
        return False


def _found(workflow: str, directory: Path) -> FoundWorkflow:
    path = directory / SERVICE / CONTACT
    try:
        contact = read_contact(path)
        if liveness(contact, os.stat(path).st_mtime) is not Liveness.DEAD:
            return FoundWorkflow(workflow, directory, RUNNING, contact)
    except (ContactFileMissing, FileNotFoundError):
        pass
    except (ContactFileError, OSError) as error:
        return FoundWorkflow(workflow, directory, STOPPED, None, str(error))
    return FoundWorkflow(workflow, directory, STOPPED)
