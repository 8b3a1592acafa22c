"""What a command server does with the files of its host. Paths are taken from the caller's own directory."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .exceptions import FileError

LARGEST_READ = 64 << 20
"""The most that one answer holds of a file; `fetch` takes any."""

_KINDS = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo"}


def resolve(directory: str, path: str) -> str:
    """A path as the caller means it: relative to his directory, ``~`` being home."""
    if "\0" in path:
        raise FileError(f"{path!r} is not a path")
    return os.path.normpath(os.path.join(directory, os.path.expanduser(path)))


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn an error of the system into one sentence on what could not be done."""
    try:
        yield
    except OSError as error:
        raise FileError(f"Cannot {what}: {error.strerror or error}") from None


def change_directory(directory: str, path: str) -> str:
    """The directory a path means, with no links in it."""
    target = os.path.realpath(resolve(directory, path))
    with told(f"change to {target}"), os.scandir(target):
        pass
    return target


def list_directory(path: str) -> list[dict[str, Any]]:
    """The entries of a directory by name, hidden ones too; of a file, that one."""
    with told(f"list {path}"):
        names = sorted(os.listdir(path)) if os.path.isdir(path) else [""]
        entries = []
        for name in names:
            try:
                found = os.lstat(os.path.join(path, name) if name else path)
            except FileNotFoundError:
                if not name:
                    raise
                continue  # gone since
            entries.append(
                {
                    "name": name or os.path.basename(path),
                    "kind": _KINDS.get(stat.S_IFMT(found.st_mode), "other"),
                    "size": found.st_size,
                    "mode": f"{stat.S_IMODE(found.st_mode):04o}",
                    "modified": found.st_mtime,
                }
            )
        return entries


def make_directory(path: str, mode: int | None, *, parents: bool = False, exist_ok: bool = False) -> None:
    """Make a directory."""
    with told(f"make the directory {path}"):
        if parents:
            os.makedirs(path, exist_ok=exist_ok)
        else:
            os.mkdir(path)
        if mode is not None:
            os.chmod(path, mode)


def remove(path: str, *, recursive: bool) -> None:
    """Remove a file, a link, or a directory: one with anything in it only if `recursive`."""
    with told(f"remove {path}"):
        if os.path.islink(path) or not os.path.isdir(path):
            os.unlink(path)
        elif recursive:
            if os.path.realpath(path) == "/":
                raise FileError("Cannot remove /: it is everything")
            shutil.rmtree(path)
        else:
            os.rmdir(path)


def read_file(path: str) -> bytes:
    """The bytes of a file."""
    with told(f"read {path}"), open(path, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileError(f"Cannot read {path}: it is not a file")
        data = file.read(LARGEST_READ + 1)
    if len(data) > LARGEST_READ:
        raise FileError(f"Cannot read {path} at once: it has more than {LARGEST_READ >> 20} MiB; fetch it")
    return data


def write_file(path: str, data: bytes | memoryview, *, append: bool) -> int:
    """Write or add to a file; how many bytes."""
    with told(f"write {path}"), open(path, "ab" if append else "wb") as file:
        file.write(data)
    return len(data)


def touch(path: str) -> None:
    """Make an empty file, or give one the time of now."""
    with told(f"touch {path}"):
        Path(path).touch()
