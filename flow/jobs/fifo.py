"""The FIFO in which jobs tell that they began or ended: one short line each, written by bash without a
process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from msgspec import Struct

from ..engine.events import JobKey
from .status import parse_time

CAPACITY_BYTES = 1 << 20
READ_BYTES = 1 << 15


class Line(Struct, frozen=True):
    """What a job told. `kind` is ``started``, ``succeeded``, ``failed``, ``aborted`` or ``message``."""

    kind: str
    key: JobKey
    token: str
    time: float | None
    detail: str = ""


class JobFifo:
    """The scheduler's end: never blocks, and stays open for writing too, so it never reads an end of file."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._rest = b""
        set_size = getattr(fcntl, "F_SETPIPE_SZ", None)
        if set_size is not None:
            # Where the user has many pipes it stays at the system's 64 KiB, and writers wait a little sooner.
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.descriptor, set_size, CAPACITY_BYTES)

    def read(self, limit_bytes: int | None = READ_BYTES) -> list[Line]:
        """The lines that have come, at most about `limit_bytes` of them (None: all)."""
        parts = [self._rest]
        while limit_bytes is None or limit_bytes > 0:
            try:
                data = os.read(self.descriptor, READ_BYTES)
            except BlockingIOError:
                break
            parts.append(data)
            if limit_bytes is not None:
                limit_bytes -= len(data)
        *lines, self._rest = b"".join(parts).split(b"\n")
        return [line for line in map(parse_line, lines) if line is not None]

    def close(self) -> None:
        """Close the scheduler's end; the FIFO itself stays for the next scheduler."""
        os.close(self.descriptor)


def parse_line(data: bytes) -> Line | None:
    """``kind|CYCLE/TASK/NN|token|time[|detail]``; None if it is not that."""
    fields = data.decode(errors="replace").split("|", 4)
    if len(fields) < 4:
        return None
    kind, job, token, moment = fields[:4]
    try:
        cycle, task, number = job.rsplit("/", 2)
        key = JobKey(cycle, task, int(number))
    except ValueError:
        return None
    return Line(kind, key, token, parse_time(moment), fields[4] if len(fields) > 4 else "")
