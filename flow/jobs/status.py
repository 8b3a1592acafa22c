"""``job.status``: the lines in which a job, its submission and its messages are written down."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

from msgspec import Struct

STATUS_FILE = "job.status"
SUCCEEDED = "SUCCEEDED"


class JobStatus(Struct):
    """What a ``job.status`` file says. Times are seconds since the epoch; None where there is no such
    line."""

    runner: str | None = None
    job_id: str | None = None
    process_id: int | None = None
    """Of the job's shell; differs from `job_id` under a time limit."""
    submit_time: float | None = None
    start_time: float | None = None
    exit: str | None = None
    """``SUCCEEDED``, a signal's name as the job's trap knows it, or an abort's text in double quotes."""
    exit_time: float | None = None
    messages: list[tuple[float | None, str, str]] = []
    """(time, severity, text)"""

    @property
    def abort_text(self) -> str | None:
        """What the job said when it gave up, None if it did not."""
        if self.exit is not None and self.exit.startswith('"'):
            return self.exit.removeprefix('"').removesuffix('"')
        return None


def read_status(directory: Path) -> JobStatus:
    """Read ``job.status`` of a job directory; empty if there is none.

    The last line of a kind counts, but the first start and the first exit do: a job begins and ends once.
    """
    status = JobStatus()
    try:
        text = (directory / STATUS_FILE).read_text(errors="replace")
    except OSError:
        return status
    for line in text.splitlines():
        key, _, value = line.strip().partition("=")
        if not key.startswith("CYLC_"):
            if status.messages:  # A message of several lines.
                moment, severity, message = status.messages[-1]
                status.messages[-1] = (moment, severity, f"{message}\n{line}")
            continue
        match key:
            case "CYLC_JOB_RUNNER_NAME":
                status.runner = value
            case "CYLC_JOB_ID":
                status.job_id = value
            case "CYLC_JOB_RUNNER_SUBMIT_TIME":
                status.submit_time = parse_time(value)
            case "CYLC_JOB_PID":
                status.process_id = process_number(value) or None
            case "CYLC_JOB_INIT_TIME" if status.start_time is None:
                status.start_time = parse_time(value)
            case "CYLC_JOB_EXIT" if status.exit is None:
                status.exit = value
            case "CYLC_JOB_EXIT_TIME" if status.exit_time is None:
                status.exit_time = parse_time(value)
            case "CYLC_MESSAGE" if value.count("|") >= 2:
                moment_text, severity, message = value.split("|", 2)
                status.messages.append((parse_time(moment_text), severity, message))
            case _:
                pass
    return status


def process_number(text: str | None) -> int:
    """A process id as text to its number; 0 if it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def append_status(directory: Path, **lines: str) -> None:
    """Add ``KEY=value`` lines to ``job.status`` in one write; raises OSError."""
    data = "".join(f"{key}={value}\n" for key, value in lines.items()).encode()
    descriptor = os.open(directory / STATUS_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def format_time(moment: float) -> str:
    """Seconds since the epoch as ``2026-01-31T12:00:00Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def parse_time(text: str) -> float | None:
    """Seconds since the epoch of ``2026-01-31T12:00:00Z`` or with an offset (``+01``, ``+0100``, ``+01:00``).

    Returns None where it is not understood.
    """
    text = text.strip()
    base, zone = text[:19], text[19:]
    try:
        if len(base) < 19 or base[4] != "-" or base[10] != "T" or base[13] != ":":
            return None
        # Reading it with time.strptime would cost a start the making of its tables.
        moment = datetime.fromisoformat(f"{base}+00:00").timestamp()
        if zone in ("Z", ""):
            return moment
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = int(digits[:2]) * 3600 + int(digits[2:4]) * 60
        return moment + offset if zone[0] == "-" else moment - offset
    except ValueError:
        return None
