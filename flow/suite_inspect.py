"""A look at a suite server that does not run, from its record: why a node waits, what there is to tell of it, receipts.

The record is read from a copy, as SQLite leaves files beside a database it reads: nothing of the server is changed.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .engine.reasons import PERMANENT, Reason
from .exceptions import CommandFailed
from .record.suites import DATABASE, receipts_in, saved_in
from .suite.engine import SuiteEngine
from .suite.restore import restore
from .suite_showing import explained, node_details


def engine_of_server(directory: Path) -> SuiteEngine:
    """The engine of a server as it ended, built up in memory.

    Raises:
        CommandFailed: no server ever ran here.
        RecordError: its record is damaged.
    """
    with _copied(directory) as path:
        saved = saved_in(path)
    engine = SuiteEngine()
    if saved.snapshot is not None:
        kept = msgspec.json.decode(saved.snapshot)
        engine = restore(kept["text"], kept["rest"])
    for event in saved.events:
        engine.handle(event)
    return engine


def explain_in_record(directory: Path, path: str, *, host: str, port: int) -> dict[str, Any]:
    """Why a node is not running on a server that does not run; raises as `engine_of_server`."""
    engine = engine_of_server(directory)
    found = explained(engine, path, host=host, port=port)
    text = f"no server runs at {host}:{port}"
    reason = Reason(
        "not-running",
        text,
        PERMANENT,
        since=engine.now,
        satisfied_by="starting the server",
        force=f"tidemill server --port={port}",
    )
    found["now"] = time.time()
    if found["is_known"]:
        found["reasons"] = [reason.to_dict(), *found["reasons"]]
        found["summary"] = f"{path} is {found['state']}: {text}"
    return found


def node_in_record(directory: Path, path: str) -> dict[str, Any]:
    """What there is to tell of a node of a server that does not run; raises as `engine_of_server`."""
    return node_details(engine_of_server(directory), path)


def receipts_in_record(directory: Path, limit: int) -> list[dict[str, Any]]:
    """The latest receipts of a server that does not run, oldest first; raises as `engine_of_server`."""
    with _copied(directory) as path:
        return [receipt.to_dict() for receipt in receipts_in(path, limit)]


@contextlib.contextmanager
def _copied(directory: Path) -> Iterator[Path]:
    if not (directory / DATABASE).exists():
        raise CommandFailed(f"no suite server ever ran at this address: there is no {directory / DATABASE}")
    with tempfile.TemporaryDirectory(prefix="tidemill-") as copy:
        for suffix in ("", "-wal"):
            source = directory / f"{DATABASE}{suffix}"
            try:
                if source.exists():
                    shutil.copyfile(source, f"{copy}/{DATABASE}{suffix}")
            except OSError as error:
                raise CommandFailed(f"{source}: the record cannot be copied for reading: {error.strerror}") from error
        yield Path(copy) / DATABASE
