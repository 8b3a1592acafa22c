"""The log files of a run: where each one lies, and how to read one that still grows."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from ..contact.identifiers import Identifier, format_job, is_glob
from ..contact.paths import run_root
from .exceptions import InputError

JOB_FILES = {
    "j": "job",
    "o": "job.out",
    "e": "job.err",
    "a": "job-activity.log",
    "s": "job.status",
    "x": "job.xtrace",
    "out": "job.out",
    "err": "job.err",
}
WORKFLOW_FILES = {
    "s": "scheduler/log",
    "p": "config/flow-processed.cylc",
    "c": "config/*.cylc",
    "i": "install/*-install.log",
    "v": "version/vcs.json",
}
LATEST = "NN"
_NOT_LOGS = frozenset({"db", "scheduler/log"})
"""What lies among a workflow's logs and is none, or another name of one."""
POLL_SECONDS = 0.1
"""How long new data of a followed file can go unnoticed."""
_BLOCK = 1 << 16
_CLOSED = select.POLLERR | select.POLLHUP | select.POLLNVAL


def log_directory(identifier: Identifier, submit_number: str | None = None) -> Path:
    """The directory of a workflow's logs, or of one job's.

    Arguments:
        identifier: a workflow, or a task or job in it.
        submit_number: the job's number; the identifier's own, or the latest, if None.

    Raises:
        InputError: there is none; says what there is.
    """
    base = run_root() / str(identifier.workflow) / "log"
    if identifier.cycle is None:
        if not base.is_dir():
            raise InputError(f"{identifier.workflow} has no logs yet: {base} is not there")
        return base
    if identifier.task is None:
        raise InputError(f"{identifier}: a task is needed after the cycle point: {identifier}/TASK")
    if is_glob(identifier.cycle) or is_glob(identifier.task):
        raise InputError(f"{identifier}: logs are shown of one task at a time, patterns are not understood")
    task = base / "job" / identifier.cycle / identifier.task
    if not task.is_dir():
        raise InputError(f"{identifier} has no job logs: {_nearest(task, base)}")
    number = format_job(submit_number or identifier.job or "NN")
    if number != "NN":
        if not (task / number).is_dir():
            raise InputError(f"{identifier} has no job {number}; there is {', '.join(_jobs(task)) or 'none'}")
        return task / number
    jobs = _jobs(task)
    if not jobs:
        raise InputError(f"{identifier} has no job logs yet in {task}")
    # The link may be missing on a file system without links, or lag behind on a shared one.
    latest = task / LATEST
    return latest if latest.is_dir() and latest.resolve().name == jobs[-1] else task / jobs[-1]


def log_file(directory: Path, name: str | None, *, of_job: bool, rotation: int = 0) -> Path:
    """The log file a name means.

    Arguments:
        directory: as `log_directory` gives it.
        name: a letter (see `JOB_FILES`, `WORKFLOW_FILES`) or a path within the directory; the job's
            standard output or the scheduler's log if None.
        of_job: whether the directory is a job's.
        rotation: 0 is the newest of the scheduler's logs, 1 the one before it, and so on.

    Raises:
        InputError: there is no such file, or it lies outside the directory.
    """
    if of_job:
        path = directory / JOB_FILES.get(name or "o", name or "")
        if rotation:
            raise InputError("only scheduler logs have older rotations")
    else:
        pattern = WORKFLOW_FILES.get(name or "s", name or "")
        if rotation:
            path = _rotated(directory / Path(pattern).parent, rotation)
        elif "*" in pattern:
            path = _newest(directory, pattern)
        else:
            path = directory / pattern
            if not path.exists() and pattern == WORKFLOW_FILES["s"]:
                path = _newest(directory, "scheduler/*.log")
    inside = os.path.normpath(path)
    if os.path.commonpath([inside, directory]) != str(directory):
        raise InputError(f"{name} lies outside {directory}")
    if not path.is_file():
        there = ", ".join(list_files(directory)[:12]) or "nothing"
        raise InputError(f"no log file {path}; there is: {there}")
    return path


def list_files(directory: Path) -> list[str]:
    """The files in a log directory, relative to it; for a workflow's, without those of its jobs."""
    found = []
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(name for name in folders if not (Path(folder) == directory and name == "job"))
        found += [str((Path(folder) / name).relative_to(directory)) for name in files if not name.startswith(".")]
    return sorted(name for name in found if name not in _NOT_LOGS)


def follow(path: Path, write: Callable[[bytes], object], *, reader: int | None = None) -> None:
    """Write a file from its beginning and then all that is added to it, until interrupted.

    A file that is replaced (a rotated log, or a link that points to the next one) is read to its end before
    the new one is begun; one that is cut short is read again from its beginning.

    Arguments:
        path: the file.
        write: gets every piece as it is found, at most `POLL_SECONDS` late.
        reader: a file descriptor whose other end reads: `BrokenPipeError` is raised once it is closed,
            though there be nothing to write.
    """
    poller = select.poll()
    if reader is not None:
        poller.register(reader, 0)
    while True:
        with open(path, "rb", buffering=0) as file:
            for piece in _growing(file, path, poller):
                write(piece)


def _growing(file: FileIO, path: Path, poller: select.poll) -> Iterator[bytes]:
    """The pieces of an open file until another takes its place."""
    mine = os.fstat(file.fileno())
    while True:
        while piece := file.read(_BLOCK):
            yield piece
        try:
            current = os.stat(path)
        except OSError:
            current = mine  # between two files: the next is about to come
        if (current.st_dev, current.st_ino) != (mine.st_dev, mine.st_ino):
            # What was written between our last read and the change.
            while piece := file.read(_BLOCK):
                yield piece
            return
        if current.st_size < file.tell():
            file.seek(0)
            continue
        if any(event & _CLOSED for _, event in poller.poll(POLL_SECONDS * 1000)):
            raise BrokenPipeError


def _jobs(task: Path) -> list[str]:
    return sorted((entry for entry in os.listdir(task) if entry.isdecimal()), key=int)


def _newest(directory: Path, pattern: str) -> Path:
    """The last of the files that match: their names begin with a number that grows."""
    matched = [path for path in directory.glob(pattern) if path.name[:1].isdigit()]
    if not matched:
        raise InputError(f"no log file matches {directory / pattern}")
    return max(matched, key=_order)


def _rotated(directory: Path, rotation: int) -> Path:
    logs = sorted((path for path in directory.glob("*.log") if path.name[:1].isdigit()), key=_order, reverse=True)
    if rotation >= len(logs):
        raise InputError(f"there is no rotation {rotation}: {directory} holds {len(logs)} logs, 0 is the newest")
    return logs[rotation]


def _order(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.stem.split("-") if part.isdecimal())


def _nearest(path: Path, base: Path) -> str:
    """Why a job's directory is not there, by what is."""
    while not path.is_dir() and path != base.parent:
        missing, path = path, path.parent
    if path == base or path == base.parent:
        return "no job was submitted yet"
    there = ", ".join(sorted(os.listdir(path))[:12])
    return f"{missing.name} is not in {path}" + (f"; there is {there}" if there else "")
