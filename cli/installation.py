"""Installing a workflow: a copy of its source in the run root, with a link back to where it came from."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from ..contact.exceptions import IdentifierError
from ..contact.identifiers import RESERVED_NAMES, validate_workflow_name
from ..contact.paths import LATEST_RUN, is_run, run_root
from ..contact.scan import MAXIMUM_DEPTH
from .exceptions import InstallError
from .ignored import Ignored
from .workflows import Definition, installed_runs

INSTALL_DIRECTORY = "_cylc-install"
EXCLUDED_AT_TOP = frozenset({"log", LATEST_RUN, INSTALL_DIRECTORY, ".service"})
"""What a run makes itself: a source that was once run in place may have them."""
_VERSION_CONTROL = frozenset({".git", ".svn", ".hg", ".bzr", "CVS"})
_NUMBERED = re.compile(r"run(\d+)")
_LOG = re.compile(r"(\d+)-\w+\.log")


@frozen
class Installed:
    """What an installation made."""

    workflow: str
    """The id of the run: ``name/run1``."""
    source: Path
    directory: Path
    files: int
    """How many files were copied."""


def install_workflow(
    definition: Definition, *, name: str | None = None, run_name: str | None = None, numbered: bool = True
) -> Installed:
    """Copy a workflow's source into the run root (Cylc 8.5's layout).

    Arguments:
        definition: the source.
        name: install under this name instead of the source's.
        run_name: name the run so, instead of numbering it.
        numbered: make the run ``name/run<n>``; if False, without a `run_name`, ``name`` itself is the run.

    Raises:
        InstallError: the place is taken, lies in another run, holds other runs, or a name is not allowed.
    """
    source = definition.directory
    workflow = name if name is not None else definition.name
    if run_name is not None and not numbered:
        raise InstallError("--run-name and --no-run-name exclude each other")
    _check_name(workflow)
    if run_name is not None:
        _check_run_name(run_name)
    root = run_root()
    if source.resolve() == root.resolve() or source.resolve().is_relative_to(root.resolve()):
        raise InstallError(f"{source} lies in the run directory {root}: a run is not a source to install from")
    if root.resolve().is_relative_to(source.resolve()):
        raise InstallError(f"the run directory {root} lies in the source {source}: it would be copied into itself")
    base = root / workflow
    _check_not_nested(base, root, is_run_itself=not numbered and run_name is None)
    _check_source_link(base, source, whole=run_name is None and not numbered)
    directory = _make_run_directory(base, run_name=run_name, numbered=numbered)
    try:
        log = InstallLog(directory)
        log.write(f"Copying files from {source} to {directory}")
        count = 0
        for path in copy_tree(source, directory):
            log.write(f"copied {path}")
            count += 1
        link = base / INSTALL_DIRECTORY / "source"
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(source)
            log.write(f"Linked {link} to {source}")
        if numbered and run_name is None:
            _point_latest(base, directory.name)
        identifier = str(directory.relative_to(root))
        log.write(f"INSTALLED {identifier} from {source}")
    except BaseException as error:
        # Half a run would be taken for a whole one: nothing of it was there before, so nothing is lost.
        shutil.rmtree(directory, ignore_errors=True)
        if isinstance(error, OSError):
            raise InstallError(f"cannot install {source} in {directory}: {error}") from error
        raise
    return Installed(identifier, source, directory, count)


def copy_tree(source: Path, target: Path) -> Iterator[str]:
    """Copy a source directory into a run, yielding each file's path within it. Links are copied as links.

    Times are not kept, so that a run's files tell when they were installed; modes are. What the source's
    ``.cylcignore`` names is left out.
    """
    for relative in source_files(source):
        origin, copy = source / relative, target / relative
        if origin.is_dir() and not origin.is_symlink():
            copy.mkdir(exist_ok=True)
            continue
        shutil.copy(origin, copy, follow_symlinks=False)
        yield relative


def source_files(source: Path) -> Iterator[str]:
    """What of a source belongs in a run: paths of directories, files and links, a directory before what is in it."""
    ignored = Ignored.of(source)
    for folder, folders, files in os.walk(source):
        at_top = Path(folder) == source
        left_out = _VERSION_CONTROL | EXCLUDED_AT_TOP if at_top else _VERSION_CONTROL
        relative = Path(folder).relative_to(source)
        linked = [entry for entry in folders if (Path(folder) / entry).is_symlink()]
        folders[:] = sorted(
            entry
            for entry in folders
            if entry not in left_out
            and entry not in linked
            and not ignored.matches(str(relative / entry), is_directory=True)
        )
        for entry in folders:
            yield str(relative / entry)
        for entry in sorted([*files, *linked]):
            # A file ".git" is how a worktree or submodule is marked.
            if entry in left_out or ignored.matches(str(relative / entry), is_directory=False):
                continue
            origin = Path(folder) / entry
            if not origin.is_symlink() and not origin.is_file():
                continue  # a socket or pipe: not part of a source
            yield str(relative / entry)


def _check_name(workflow: str) -> None:
    try:
        validate_workflow_name(workflow)
    except IdentifierError as error:
        raise InstallError(f"{error}; choose another with --workflow-name") from error
    if workflow.count("/") + 1 > MAXIMUM_DEPTH:
        raise InstallError(f"{workflow}: a workflow may lie at most {MAXIMUM_DEPTH} folders deep")


def _check_run_name(run_name: str) -> None:
    if "/" in run_name:
        raise InstallError(f"--run-name {run_name}: a run name cannot be a path; folders belong in --workflow-name")
    if _NUMBERED.fullmatch(run_name) or run_name in RESERVED_NAMES:
        raise InstallError(f"--run-name {run_name}: this name is reserved")
    try:
        validate_workflow_name(run_name)
    except IdentifierError as error:
        raise InstallError(f"--run-name: {error}") from error


def _check_not_nested(base: Path, root: Path, *, is_run_itself: bool) -> None:
    for parent in [base, *base.parents]:
        if parent == root:
            break
        if parent == base and is_run_itself:
            continue
        if is_run(parent):
            raise InstallError(
                f"{parent} is a run: another cannot be installed inside it; choose another --workflow-name"
            )
        if parent != base and (parent / INSTALL_DIRECTORY).is_dir():
            raise InstallError(
                f"{parent} holds the runs of a workflow: another workflow cannot be installed inside it; "
                "choose another --workflow-name"
            )
    if not base.exists():
        return
    if is_run_itself:
        raise InstallError(f"{base} exists already; remove it with 'tidemill clean', or choose another --workflow-name")
    inner = next((run for run in installed_runs(root=base) if "/" in run), None)
    if inner is not None:
        raise InstallError(f"{base} is a folder of workflows (it holds {inner}); choose another --workflow-name")


def _check_source_link(base: Path, source: Path, *, whole: bool) -> None:
    link = base / INSTALL_DIRECTORY / "source"
    if whole or not link.is_symlink():
        return
    previous = Path(os.path.join(link.parent, os.readlink(link)))
    if previous.resolve() != source.resolve():
        raise InstallError(
            f"the runs of {base.name} were installed from {previous}, not from {source}; "
            "choose another --workflow-name, or clean them first"
        )


def _make_run_directory(base: Path, *, run_name: str | None, numbered: bool) -> Path:
    """Make the run's directory; of two installations at once each gets its own number."""
    try:
        existing = os.listdir(base)
    except OSError:
        existing = []
    numbers = [int(match[1]) for match in map(_NUMBERED.fullmatch, existing) if match]
    if run_name is not None and numbers:
        raise InstallError(f"{base} holds numbered runs: a named run ({run_name}) cannot be put beside them")
    if run_name is None and numbered:
        named = [entry for entry in existing if is_run(base / entry) and not _NUMBERED.fullmatch(entry)]
        if named and not numbers:
            raise InstallError(
                f"{base} holds named runs ({', '.join(sorted(named))}): give a --run-name, or another --workflow-name"
            )
    number = max(numbers, default=0) + 1
    while True:
        directory = base if run_name is None and not numbered else base / (run_name or f"run{number}")
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            if run_name is not None or not numbered:
                raise InstallError(
                    f"{directory} exists already; remove it with 'tidemill clean', or choose another name"
                ) from None
            number += 1
        except OSError as error:
            raise InstallError(f"cannot make {directory}: {error.strerror}") from error
        else:
            return directory


def _point_latest(base: Path, run: str) -> None:
    link = base / LATEST_RUN
    temporary = base / f".{LATEST_RUN}.{os.getpid()}"
    temporary.symlink_to(run)
    os.replace(temporary, link)


class InstallLog:
    """``log/install/NN-install.log`` of a run, or ``NN-reinstall.log``."""

    def __init__(self, directory: Path, kind: str = "install") -> None:
        folder = directory / "log" / "install"
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(found[1]) for found in map(_LOG.match, os.listdir(folder)) if found]
        self._path = folder / f"{max(numbers, default=0) + 1:02d}-{kind}.log"

    def write(self, text: str) -> None:
        """Add a line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{stamp} INFO - {text}\n")
