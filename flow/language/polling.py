"""Tasks that wait for a task of another workflow (``x<workflow::task:status>``): the script they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .outputs import long_output


def polling_script(poll: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """The script of a polling task: it looks at the record of the other workflow until the task is as it should be, and
    says first what it is going to do (Cylc 8.5 behaviour).

    Args:
        poll: workflow, task, and status or message.
        settings: ``[workflow state polling]`` of the polling task; intervals in seconds.
    """
    message = settings.get("message")
    wanted = f'"{message}" --messages' if message else long_output(poll["status"])
    words = ["cylc", "workflow-state", f"{poll['workflow']}//$CYLC_TASK_CYCLE_POINT/{poll['task']}:{wanted}"]
    if settings.get("interval") is not None:
        words.append(f"--interval={int(settings['interval'])}")
    if settings.get("max-polls") is not None:
        words.append(f"--max-polls={settings['max-polls']}")
    if settings.get("alt-cylc-run-dir"):
        words.append(f"--alt-cylc-run-dir={settings['alt-cylc-run-dir']}")
    command = " ".join(words)
    return f"echo {command}\n{command}"
