"""Processes of jobs: is it still that job, watch it end, end it with everything it started.

Linux is asked through ``/proc`` and pidfds; elsewhere ``ps`` answers, and the end of a process is found by
looking.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

HAS_PROC = Path("/proc/self/cmdline").exists()
HAS_PIDFD = hasattr(os, "pidfd_open") and sys.platform == "linux"


def command_line(process_id: int) -> bytes:
    """The command line of a process, arguments apart by NUL; empty if it is gone or a zombie."""
    if HAS_PROC:
        try:
            return Path(f"/proc/{process_id}/cmdline").read_bytes()
        except OSError:
            return b""
    result = subprocess.run(
        ["ps", "-ww", "-o", "stat=", "-o", "args=", "-p", str(process_id)], capture_output=True, check=False
    )
    state, _, arguments = result.stdout.strip().partition(b" ")
    return b"" if state.startswith(b"Z") else arguments.strip().replace(b" ", b"\0")


def runs_job(process_id: int, job_file: Path) -> bool:
    """Whether a process is alive and is that job, not another that was given its number later.

    A job is known by its command line: it names the job file, perhaps by another path to the run directory.
    """
    if process_id <= 0:
        return False
    wanted = os.fsencode(job_file)
    found = command_line(process_id)
    if not HAS_PROC:
        return wanted.replace(b" ", b"\0") in found
    arguments = found.split(b"\0")
    if wanted in arguments:
        return True
    tail = b"/" + b"/".join(wanted.split(b"/")[-4:])
    real = os.path.realpath(wanted)
    return any(argument.endswith(tail) and os.path.realpath(argument) == real for argument in arguments)


def find_job(job_file: Path) -> int | None:
    """The process that runs a job file, looked for among all; the oldest if it is several."""
    found = [process_id for process_id in all_processes() if runs_job(process_id, job_file)]
    return min(found) if found else None


def all_processes() -> list[int]:
    """Every process id."""
    if HAS_PROC:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [process_id for process_id, _, _ in _table()]


def session_of(process_id: int) -> int | None:
    """The session a process belongs to."""
    try:
        return os.getsid(process_id)
    except OSError:
        return None


def kill_jobs(leaders: Iterable[int]) -> None:
    """SIGKILL the given processes, their sessions, and all their descendants, until none is left.

    Each leader must be known to be the job (`runs_job`). A descendant that left the session while its parent
    is alive is found too; one that was handed to init on purpose (a daemon, such as a scheduler started by a
    job) lives on.
    """
    roots = set(leaders) - {0, 1, os.getpid()}
    if not roots:
        return
    sessions = set()
    for root in roots:
        session = session_of(root)
        # A session is the job's own if the job leads it, or its leader is gone; never that of a terminal.
        if session and session != session_of(os.getpid()) and (session == root or not command_line(session)):
            sessions.add(session)
    for _ in range(20):
        doomed = _family(_table(), roots, sessions)
        if not doomed:
            return
        for process_id in doomed:
            try:
                os.kill(process_id, signal.SIGKILL)
            except OSError:
                continue
        roots |= doomed


def _family(table: list[tuple[int, int, int]], roots: set[int], sessions: set[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    doomed: set[int] = set()
    for process_id, parent, session in table:
        children.setdefault(parent, []).append(process_id)
        if process_id in roots or session in sessions:
            doomed.add(process_id)
    waiting = list(doomed)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in doomed:
                doomed.add(child)
                waiting.append(child)
    return doomed - {0, 1, os.getpid()}


def _table() -> list[tuple[int, int, int]]:
    """(process, parent, session) of every process that is not a zombie."""
    table = []
    if HAS_PROC:
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] not in (b"Z", b"X"):
                table.append((int(name), int(fields[1]), int(fields[3])))
        return table
    result = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, check=False, text=True)
    for line in result.stdout.splitlines():
        process_id, parent, state = line.split(maxsplit=2)
        if not state.startswith("Z"):
            table.append((int(process_id), int(parent), session_of(int(process_id)) or 0))
    return table
