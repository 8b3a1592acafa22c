"""Files of a suite server beside its record: checkpoints that ecFlow can read, and archived subtrees."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .suite.events import SubtreeRead
from .suite.nodes import Defs
from .suite.writer import Style, write_definition


def write_checkpoint(defs: Defs, path: str, previous: str) -> None:
    """Write a checkpoint; the one before it becomes `previous`. Raises OSError, and leaves both as they were."""
    temporary = f"{path}.new"
    try:
        with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(write_definition(defs, Style.MIGRATE))
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            os.replace(path, previous)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def archive_path(home: Path, host: str, port: int, node: str) -> Path:
    """Where a subtree is kept: ``ECF_HOME/<host>.<port>.<path with : for />.check`` (ecFlow behaviour)."""
    return home / f"{host}.{port}.{node.replace('/', ':')}.check"


def write_archive(path: Path, text: str) -> None:
    """Keep a subtree; raises OSError."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
    os.replace(temporary, path)


def read_archive(path: Path, node: str) -> SubtreeRead:
    """What a file keeps of a node, or why it cannot be read, as an event."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except (OSError, UnicodeError) as error:
        return SubtreeRead(time.time(), node, error=f"{path}: {getattr(error, 'strerror', None) or error}")
    return SubtreeRead(time.time(), node, text)


def remove_archive(path: Path) -> None:
    """Drop a file whose subtree is back in the tree."""
    path.unlink(missing_ok=True)
