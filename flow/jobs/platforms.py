"""Which platform a task's settings mean. Jobs run on this host only: any other is one that is not there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from typing import Any

from .exceptions import JobError, NoPlatform

LOCAL_PLATFORM = "localhost"
BACKGROUND = "background"
COMMAND_SECONDS = 30.0
_COMMAND = re.compile(r"\$\((.*)\)")


def check_platform(runtime: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Make sure that a job is to run here, by ``platform`` or, in older workflows, by host and batch system.

    ``$(command)`` in the name of a platform or host stands for what the command prints (Cylc 8.5 behaviour).

    Args:
        runtime: settings of the task.
        environment: of the command.

    Raises:
        NoPlatform: it names another; trying again is of no use.
        JobError: its command fails; it may be tried again.
    """
    named = runtime.get("platform")
    if named:
        platform = _filled_in("platform", str(named), environment)
        if platform != LOCAL_PLATFORM:
            raise NoPlatform(f"there is no platform {platform}: jobs run on {LOCAL_PLATFORM} only", platform or named)
        return
    host = (runtime.get("remote") or {}).get("host")
    if host:
        name = _filled_in("[remote]host", str(host), environment)
        if not _is_local(name):
            raise NoPlatform(f"there is no platform for the host {name}: jobs run on this one only", name or host)
    runner = (runtime.get("job") or {}).get("batch system")
    if runner and runner != BACKGROUND:
        raise NoPlatform(f"there is no platform with the batch system {runner}: jobs run in the background", runner)


def _filled_in(item: str, text: str, environment: Mapping[str, str]) -> str:
    match = _COMMAND.search(text)
    if match is None:
        return text
    try:
        done = subprocess.run(
            ["bash", "-c", match[1]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=dict(environment),
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise JobError(f"{item} = {text}: {error}") from error
    if done.returncode:
        raise JobError(f"{item} = {text}: the command ended with {done.returncode}\n{done.stderr.strip()}".strip())
    return (text[: match.start()] + done.stdout.strip() + text[match.end() :]).strip()


def _is_local(host: str) -> bool:
    if host in (LOCAL_PLATFORM, "127.0.0.1"):
        return True
    from ...contact.file import is_this_host

    return bool(host) and is_this_host(host)
