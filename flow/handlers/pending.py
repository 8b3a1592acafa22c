"""Handlers that a scheduler had still to run when it stopped: kept in the run directory for the next one."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from ..engine.events import JobKey

FILE = "event-handlers.json"


class TaskHandler(Struct, kw_only=True, eq=False):
    """One handler of one task event: its command line, and how often it was tried."""

    cycle: str
    task: str
    submit_number: int
    index: int
    event: str
    """Numbered where an event may come several times: ``custom-2``."""
    command: str
    delays: list[float]
    """Seconds before the first try and before each further one; empty for one try, at once."""
    tried: int = 0
    due: float = 0.0
    """When to try next; seconds since the epoch."""

    @property
    def key(self) -> JobKey:
        """The job it is about."""
        return JobKey(self.cycle, self.task, self.submit_number)

    @property
    def identity(self) -> str:
        """How records name it: ``(('event-handler-00', 'failed'), 1)``."""
        return f"(('event-handler-{self.index:02d}', '{self.event}'), {self.submit_number})"

    @property
    def label(self) -> str:
        """How the log names it."""
        return f"{self.key} handler:event-handler-{self.index:02d} for task event:{self.event}"


def save(service_directory: Path, handlers: list[TaskHandler]) -> None:
    """Keep handlers for the next scheduler. Raises OSError."""
    path = service_directory / FILE
    if not handlers:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(FILE + ".new")
    temporary.write_text(json.dumps([asdict(handler) for handler in handlers], indent=1))
    os.replace(temporary, path)


def load(service_directory: Path) -> list[TaskHandler]:
    """What the last scheduler left, once: the file is gone afterwards."""
    path = service_directory / FILE
    try:
        entries = json.loads(path.read_text())
        handlers = [TaskHandler(**entry) for entry in entries]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        handlers = []
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    return handlers
