"""Is that process still the one we knew? A number is not enough: process ids are used again."""

from __future__ import annotations

import os
import shlex
import sys


def exists(pid: int) -> bool:
    """Whether a process of that number exists on this host and has not ended (a zombie has)."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OverflowError:
        return False
    fields = _stat_fields(pid)
    return not (fields and fields[0] in (b"Z", b"X"))


def command_line(pid: int) -> str | None:
    """The arguments of a process as one shell line, or None if they cannot be known.

    For our own process and, on Linux, any other: exactly ``shlex.join`` of what the system holds, which is
    what Cylc's clients compare with the contact file. Elsewhere: what ``ps`` prints, unquoted.
    """
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            raw = os.fsdecode(file.read())
    except OSError:
        if pid == os.getpid():
            return shlex.join(sys.orig_argv)
        return _ask_ps(pid, "command=")
    if not raw:
        return None
    # A process may rewrite its arguments into one string with spaces: then these part them (as psutil reads
    # it).
    separator = "\0" if raw.endswith("\0") else " "
    arguments = raw.removesuffix(separator).split(separator)
    if len(arguments) == 1 and separator == "\0" and " " in arguments[0]:
        arguments = arguments[0].split(" ")
    return shlex.join(arguments)


def same_command(recorded: str, found: str) -> bool:
    """Whether two command lines are of the same command, quoted or not."""
    if recorded == found:
        return True
    try:
        return " ".join(shlex.split(recorded)) in (found, " ".join(shlex.split(found)))
    except ValueError:
        return False


def start_mark(pid: int) -> str | None:
    """A text that two processes of the same number never share on one boot of one machine."""
    fields = _stat_fields(pid)
    if fields:
        return fields[19].decode()
    return _ask_ps(pid, "lstart=")


def start_time(pid: int) -> float | None:
    """When a process began, in seconds since the epoch, exact to about a second; None if it cannot be
    known."""
    fields = _stat_fields(pid)
    if fields:
        try:
            with open("/proc/stat", "rb") as file:
                boot = next(int(line.split()[1]) for line in file if line.startswith(b"btime"))
        except (OSError, StopIteration, ValueError):
            return None
        return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    text = _ask_ps(pid, "lstart=")
    if text is None:
        return None
    import time

    try:
        return time.mktime(time.strptime(text, "%a %b %d %H:%M:%S %Y"))
    except ValueError:
        return None


def machine() -> str:
    """Names the place where our process ids mean something: this host, and the process namespace on it."""
    import socket

    parts = [socket.gethostname(), _read("/etc/machine-id")]
    try:
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        parts.append("")
    return "/".join(parts)


def boot() -> str:
    """Names this boot of the machine; empty where the system does not tell."""
    return _read("/proc/sys/kernel/random/boot_id")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _stat_fields(pid: int) -> list[bytes] | None:
    # The second field is the program's name in brackets and may hold spaces and brackets: read from the last
    # one on.
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def _ask_ps(pid: int, column: str) -> str | None:
    import subprocess

    try:
        done = subprocess.run(
            ["ps", "-ww", "-o", column, "-p", str(pid)],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
