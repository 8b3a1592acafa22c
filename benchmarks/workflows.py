"""The workflows both schedulers run: the same text for both."""

from __future__ import annotations

# Each job leaves its name and the time its own script began, in one write, in one file.
STAMP = 'printf "%s %s\\n" "$CYLC_TASK_NAME" "$EPOCHREALTIME" >>"$CYLC_WORKFLOW_SHARE_DIR/stamps"'

TEMPLATE = """\
[task parameters]
    i = 1..{count}
[scheduler]
    UTC mode = True
[scheduling]
    [[queues]]
        [[[default]]]
            limit = 0
    [[graph]]
        R1 = {graph}
[runtime]
    [[t<i>]]
        script = {script}
        [[[simulation]]]
            default run length = PT0S
"""


def free(count: int) -> str:
    """Give a workflow of `count` tasks that wait for nothing."""
    return TEMPLATE.format(count=count, graph="t<i>", script=STAMP)


def chain(count: int) -> str:
    """Give a workflow of `count` tasks, each waiting for the one before."""
    return TEMPLATE.format(count=count, graph="t<i-1> => t<i>", script=STAMP)
