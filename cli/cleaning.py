"""Removing runs from disk: never a running one, never anything outside the run directory it belongs to."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..contact.exceptions import ContactFileMissing
from ..contact.file import Liveness, detect_old_contact, read_contact, remove_stale
from ..contact.identifiers import validate_workflow_name
from ..contact.paths import LATEST_RUN, contact_path, run_root
from .exceptions import CleanError
from .installation import INSTALL_DIRECTORY
from .workflows import installed_runs

SYMLINKED = ("share/cycle", "share", "log", "work", "")
"""Parts of a run that may live elsewhere behind a link (``[install][symlink dirs]``); "" is the run."""
_NUMBERED = re.compile(r"run(\d+)")


def clean_run(workflow: str, *, parts: Iterable[str] = ()) -> Iterator[Path]:
    """Remove a run, or parts of it, yielding every directory or file as it is removed.

    Symbolic links are removed, not followed; only where a link replaces a directory of the run (``log``,
    ``share`` ...) and its target is of the form ``.../cylc-run/<workflow>/log`` is the target removed, too
    (Cylc 8.5's layout).

    Arguments:
        workflow: id of a run.
        parts: paths or globs within the run directory; everything if none is given.

    Raises:
        CleanError: the run may be running, a part lies outside, or a file cannot be removed.
    """
    validate_workflow_name(workflow, allow_run_number=True)
    refuse_running(workflow)
    directory = run_root() / workflow
    patterns = list(parts)
    try:
        if patterns:
            for pattern in patterns:
                yield from _clean_parts(workflow, directory, pattern)
            return
        for part in SYMLINKED:
            path = directory / part if part else directory
            if path.is_symlink():
                yield from _remove_link(path, workflow, part)
        if directory.is_dir():
            shutil.rmtree(directory)
            yield directory
        _tidy_up(workflow)
    except OSError as error:
        raise CleanError(f"cannot remove {error.filename or directory}: {error.strerror or error}") from error


def refuse_running(workflow: str) -> None:
    """Raise `CleanError` if the run's scheduler is running, or may be."""
    path = contact_path(workflow)
    try:
        state = detect_old_contact(path)
    except ContactFileMissing:
        return
    if state is Liveness.DEAD:
        remove_stale(path)
        return
    contact = read_contact(path)
    where = f"{contact.host}:{contact.port}, process {contact.pid}"
    if state is Liveness.ALIVE:
        raise CleanError(f"{workflow} is running ({where}); stop it first: tidemill stop {workflow}")
    raise CleanError(
        f"{workflow} may be running ({where}) and cannot be checked from here; "
        f"stop it, or, if it is certainly gone, remove {path}"
    )


def runs_to_clean(workflow: str) -> list[str]:
    """The runs a name stands for: itself if it is a run, else every run in that folder.

    Raises:
        CleanError: there is none.
        IdentifierError: it is not a workflow's name: empty, a path ...
    """
    root = run_root()
    validate_workflow_name(workflow.removesuffix(f"/{LATEST_RUN}"), allow_run_number=True)
    directory = root / workflow
    if directory.is_symlink() and workflow.rpartition("/")[2] == LATEST_RUN:
        workflow = f"{workflow.rpartition('/')[0]}/{os.path.basename(os.readlink(directory).rstrip('/'))}"
        directory = root / workflow
    if not os.path.lexists(directory):
        raise CleanError(f"workflow not found: {workflow}; looked in {root}")
    if directory.is_symlink() and not directory.is_dir():
        return [workflow]  # a run whose target is gone already
    inner = sorted(installed_runs(root=directory))
    if inner and not _is_run(directory):
        return [f"{workflow}/{run}" for run in inner]
    if _is_run(directory) or (directory / "log").exists() or not any(directory.iterdir()):
        return [workflow]
    raise CleanError(f"{directory} is not a run and holds none: it is left alone")


def _is_run(directory: Path) -> bool:
    return any(os.path.lexists(directory / mark) for mark in (".service", "flow.cylc", "suite.rc"))


def _clean_parts(workflow: str, directory: Path, pattern: str) -> Iterator[Path]:
    steps = Path(pattern).parts
    if os.path.isabs(pattern) or ".." in steps or not steps:
        raise CleanError(f"--rm {pattern}: only paths within the run directory can be removed")
    # Deepest first, so that what a match holds is not looked for after it is gone.
    matched = sorted(directory.glob(pattern), key=lambda path: len(path.parts), reverse=True)
    if not matched:
        raise CleanError(f"--rm {pattern}: nothing in {directory} matches")
    real = directory.resolve()
    for path in matched:
        if path == directory:
            raise CleanError(f"--rm {pattern} is the whole run: leave --rm out to remove it")
        part = path.relative_to(directory).as_posix()
        if path.is_symlink():
            yield from _remove_link(path, workflow, part)
        elif not path.parent.resolve().is_relative_to(real) and not _is_own_target(path.parent, directory, workflow):
            raise CleanError(f"--rm {pattern}: {path} lies outside the run directory, behind a symbolic link")
        elif path.is_dir():
            shutil.rmtree(path)
            yield path
        elif path.exists():
            path.unlink()
            yield path


def _is_own_target(parent: Path, directory: Path, workflow: str) -> bool:
    """Whether a directory is reached only through the run's own linked directories."""
    real = parent.resolve()
    for part in SYMLINKED:
        link = directory / part if part else directory
        if link.is_symlink() and _target_is_ours(link, workflow, part) and real.is_relative_to(link.resolve()):
            return True
    return False


def _target_is_ours(link: Path, workflow: str, part: str) -> bool:
    expected = Path("cylc-run", workflow, part).parts
    return link.resolve().parts[-len(expected) :] == expected


def _remove_link(link: Path, workflow: str, part: str) -> Iterator[Path]:
    if part in SYMLINKED and _target_is_ours(link, workflow, part):
        target = link.resolve()
        if target.is_dir():
            shutil.rmtree(target)
            yield target
            _remove_empty_parents(target, until="cylc-run")
    link.unlink()
    yield link


def _remove_empty_parents(path: Path, *, until: str) -> None:
    for parent in path.parents:
        if parent.name == until:
            break
        try:
            parent.rmdir()
        except OSError:
            break


def _tidy_up(workflow: str) -> None:
    """After a run is gone: ``runN`` to the latest that is left, and no empty folders."""
    root = run_root()
    base = (root / workflow).parent
    if base == root:
        return
    link = base / LATEST_RUN
    if link.is_symlink() and not link.exists():
        numbers = [int(match[1]) for match in map(_NUMBERED.fullmatch, os.listdir(base)) if match]
        link.unlink()
        if numbers:
            link.symlink_to(f"run{max(numbers)}")
    left = set(os.listdir(base))
    if left == {INSTALL_DIRECTORY} and not (base / INSTALL_DIRECTORY).is_symlink():
        shutil.rmtree(base / INSTALL_DIRECTORY)
    while base != root:
        try:
            base.rmdir()
        except OSError:
            break
        base = base.parent
