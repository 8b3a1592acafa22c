"""THE table of what ``flow.cylc`` may hold: path, type, default and meaning of every item.

Validation, defaults, ``tidemill config`` and ``docs/configuration.md`` all read this one table. Items that
only old files have are in `upgrades`; those of ``global.cylc`` in `globals`.
"""

from __future__ import annotations

from .specification import Item, compile_items
from .values import (
    BOOLEAN,
    CYCLE_POINT,
    CYCLE_POINT_FORMAT,
    CYCLE_POINT_WITH_OFFSETS,
    FLOAT,
    INTEGER,
    INTERVAL,
    INTERVAL_LIST,
    PARAMETER_LIST,
    SPACELESS_STRING_LIST,
    STRING,
    STRING_LIST,
    TIME_ZONE,
    XTRIGGER,
    one_of,
)

CYCLING_MODES = ("gregorian", "integer", "360_day", "365_day", "366_day", "360day", "365day", "366day")
"""Values of ``cycling mode``; the forms without an underscore are old spellings."""

_WORKFLOW_EVENTS = (
    ("startup", "the scheduler starts"),
    ("shutdown", "the scheduler shuts down"),
    ("abort", "the scheduler aborts"),
    ("workflow timeout", "the workflow timeout passes"),
    ("stall", "the workflow stalls"),
    ("stall timeout", "the workflow has been stalled for the stall timeout"),
    ("inactivity timeout", "nothing has happened for the inactivity timeout"),
)

TASK_EVENTS = (
    "expired",
    "late",
    "submitted",
    "started",
    "succeeded",
    "failed",
    "submission failed",
    "warning",
    "critical",
    "retry",
    "submission retry",
    "execution timeout",
    "submission timeout",
    "custom",
)
"""Task events that have an item ``<event> handlers``."""


def workflow_event_items(section: str) -> list[Item]:
    """The items of ``[scheduler][events]``, which ``flow.cylc`` and ``global.cylc`` share."""
    items = [
        Item(f"{section}handlers", STRING_LIST, None, "Commands to run on the events of `handler events`."),
        Item(f"{section}handler events", STRING_LIST, None, "Events on which `handlers` run."),
        Item(f"{section}mail events", STRING_LIST, None, "Events on which mail is sent."),
    ]
    items += [
        Item(f"{section}{event} handlers", STRING_LIST, None, f"Commands to run when {meaning}.")
        for event, meaning in _WORKFLOW_EVENTS
    ]
    for timeout, meaning in (
        ("workflow timeout", "Time a run may take, counted from start-up."),
        ("stall timeout", "Time to wait in a stalled state."),
        ("inactivity timeout", "Time without any event in the scheduler."),
    ):
        items.append(Item(f"{section}{timeout}", INTERVAL, None, meaning))
        items.append(Item(f"{section}abort on {timeout}", BOOLEAN, None, f"Shut down when the {timeout} passes."))
    items.append(
        Item(
            f"{section}restart timeout",
            INTERVAL,
            None,
            "Time a restarted run that is already complete waits for intervention before it shuts down.",
        )
    )
    return items


def task_event_items(section: str) -> list[Item]:
    """The items of ``[runtime][<namespace>][events]``, which ``[task events]`` of ``global.cylc`` shares."""
    items = [
        Item(f"{section}handlers", STRING_LIST, None, "Commands to run on the events of `handler events`."),
        Item(f"{section}handler events", STRING_LIST, None, "Events on which `handlers` run."),
        Item(
            f"{section}handler retry delays",
            INTERVAL_LIST,
            None,
            "Delays before a failed handler runs again.",
        ),
        Item(f"{section}mail events", STRING_LIST, None, "Events on which mail is sent."),
        Item(f"{section}execution timeout", INTERVAL, None, "Running longer than this is an event."),
        Item(f"{section}submission timeout", INTERVAL, None, "Being submitted longer than this is an event."),
        Item(
            f"{section}late offset",
            INTERVAL,
            None,
            "Not finished this long after the cycle point is an event.",
        ),
    ]
    items += [
        Item(f"{section}{event} handlers", STRING_LIST, None, f"Commands to run on the event `{event}`.")
        for event in TASK_EVENTS
    ]
    return items


_META = "Free text, for people and event handlers."
_SCRIPT_MEANINGS = {
    "init-script": "Shell code at the very start of the job, before its environment is set up.",
    "env-script": "Shell code before the task's environment variables are set.",
    "pre-script": "Shell code before `script`.",
    "script": "Shell code: the work of the task.",
    "post-script": "Shell code after `script`.",
    "err-script": "Shell code to run when the job fails.",
    "exit-script": "Shell code to run when the job has succeeded.",
}

ITEMS: tuple[Item, ...] = (
    Item("[meta]title", STRING, "", "Title of the workflow."),
    Item("[meta]description", STRING, "", "What the workflow is for."),
    Item("[meta]URL", STRING, "", "Web page about the workflow; `%(workflow)s` is replaced."),
    Item("[meta]<custom>", STRING, "", _META),
    # scheduler
    Item("[scheduler]UTC mode", BOOLEAN, None, "Log times, job environment and the default time zone are UTC."),
    Item(
        "[scheduler]allow implicit tasks",
        BOOLEAN,
        None,
        "The graph may name tasks that `[runtime]` does not.",
    ),
    Item(
        "[scheduler]install",
        STRING_LIST,
        [],
        "Further files and directories (`name/`) to install on remote hosts.",
    ),
    Item("[scheduler]cycle point format", CYCLE_POINT_FORMAT, None, "How date-time cycle points are written."),
    Item("[scheduler]cycle point num expanded year digits", INTEGER, 0, "Digits of the year beyond four."),
    Item("[scheduler]cycle point time zone", TIME_ZONE, None, "Time zone of cycle points written without one."),
    Item("[scheduler][main loop][<plugin>]interval", INTERVAL, None, "How often a maintenance activity runs."),
    *workflow_event_items("[scheduler][events]"),
    Item(
        "[scheduler][events]expected task failures",
        STRING_LIST,
        [],
        "`cycle/task` that may fail in a reference run.",
    ),
    Item("[scheduler][mail]footer", STRING, None, "Text below every mail."),
    Item("[scheduler][mail]to", STRING, None, "Receivers of mail about workflow events."),
    Item("[scheduler][mail]from", STRING, None, "Sender of mail about workflow events."),
    Item(
        "[scheduler][mail]task event batch interval",
        INTERVAL,
        None,
        "Task events are gathered this long per mail.",
    ),
    Item("[scheduler][experimental]all", BOOLEAN, False, "Turn on every experimental feature."),
    Item("[scheduler][experimental]expire triggers", BOOLEAN, False, "A suicide trigger makes its task expire."),
    # task parameters
    Item("[task parameters]<parameter>", PARAMETER_LIST, (), "Values of a task parameter."),
    Item("[task parameters][templates]<parameter>", STRING, None, "How a value appears in a name: `_run%(p)s`."),
    # scheduling
    Item("[scheduling]initial cycle point", CYCLE_POINT, None, "The first cycle point; 1 in integer cycling."),
    Item(
        "[scheduling]final cycle point",
        CYCLE_POINT_WITH_OFFSETS,
        None,
        "The last one; `+P1D` counts from the first.",
    ),
    Item(
        "[scheduling]initial cycle point constraints",
        STRING_LIST,
        [],
        "Truncated points the first must match.",
    ),
    Item("[scheduling]final cycle point constraints", STRING_LIST, [], "Truncated points the last must match."),
    Item("[scheduling]hold after cycle point", CYCLE_POINT, None, "Tasks beyond this point are held."),
    Item(
        "[scheduling]stop after cycle point",
        CYCLE_POINT_WITH_OFFSETS,
        None,
        "The run stops after this point.",
    ),
    Item(
        "[scheduling]cycling mode",
        one_of(*CYCLING_MODES),
        None,
        "Integer or date-time cycling, and its calendar.",
    ),
    Item(
        "[scheduling]runahead limit",
        STRING,
        "P4",
        "How many cycles, or how long, tasks run ahead of the oldest.",
    ),
    Item(
        "[scheduling]sequential xtriggers",
        BOOLEAN,
        False,
        "Xtriggers are checked one cycle point after the other.",
    ),
    Item(
        "[scheduling][queues][default]limit",
        INTEGER,
        100,
        "At most this many active tasks in no other queue.",
    ),
    Item(
        "[scheduling][queues][default]members",
        SPACELESS_STRING_LIST,
        [],
        "Not needed: takes all other tasks.",
    ),
    Item("[scheduling][queues][<queue>]limit", INTEGER, 0, "At most this many active tasks; 0 is no limit."),
    Item("[scheduling][queues][<queue>]members", SPACELESS_STRING_LIST, [], "Tasks and families in the queue."),
    Item("[scheduling][special tasks]clock-trigger", STRING_LIST, [], "Old form of the `wall_clock` xtrigger."),
    Item(
        "[scheduling][special tasks]external-trigger",
        STRING_LIST,
        [],
        '`task("message")` waits for the message.',
    ),
    Item(
        "[scheduling][special tasks]clock-expire",
        STRING_LIST,
        [],
        "`task(PT1H)` expires if not started by then.",
    ),
    Item(
        "[scheduling][special tasks]sequential",
        SPACELESS_STRING_LIST,
        [],
        "Tasks that wait for their last instance.",
    ),
    Item(
        "[scheduling][xtriggers]<label>",
        XTRIGGER,
        None,
        "A function to call until it says yes: `@label => task`.",
    ),
    Item("[scheduling][graph]<recurrence>", STRING, None, "Graph string for the points of a recurrence.", True),
    # runtime
    Item(
        "[runtime][<namespace>]completion",
        STRING,
        None,
        "When the task is complete: outputs with `and`, `or`.",
    ),
    Item(
        "[runtime][<namespace>]platform",
        STRING,
        None,
        "Where jobs run: a platform, a group, or `$(command)`.",
    ),
    Item("[runtime][<namespace>]inherit", STRING_LIST, [], "Families it inherits from, the first for grouping."),
    *(Item(f"[runtime][<namespace>]{name}", STRING, "", meaning) for name, meaning in _SCRIPT_MEANINGS.items()),
    Item("[runtime][<namespace>]work sub-directory", STRING, None, "Working directory below `work/`."),
    Item(
        "[runtime][<namespace>]execution polling intervals",
        INTERVAL_LIST,
        None,
        "When running jobs are polled.",
    ),
    Item(
        "[runtime][<namespace>]execution retry delays",
        INTERVAL_LIST,
        None,
        "Delays before a failed task runs again.",
    ),
    Item("[runtime][<namespace>]execution time limit", INTERVAL, None, "Longest time a job may run."),
    Item(
        "[runtime][<namespace>]submission polling intervals",
        INTERVAL_LIST,
        None,
        "When submitted jobs are polled.",
    ),
    Item(
        "[runtime][<namespace>]submission retry delays",
        INTERVAL_LIST,
        None,
        "Delays before submitting again.",
    ),
    Item(
        "[runtime][<namespace>]run mode",
        one_of("live", "skip"),
        "live",
        "`skip` completes the task without a job.",
    ),
    Item("[runtime][<namespace>][meta]title", STRING, "", "Title of the task."),
    Item("[runtime][<namespace>][meta]description", STRING, "", "What the task does."),
    Item("[runtime][<namespace>][meta]URL", STRING, "", "Web page about the task."),
    Item("[runtime][<namespace>][meta]<custom>", STRING, "", _META),
    Item("[runtime][<namespace>][skip]outputs", STRING_LIST, [], "Outputs to complete in skip mode."),
    Item("[runtime][<namespace>][skip]disable task event handlers", BOOLEAN, True, "No handlers in skip mode."),
    Item(
        "[runtime][<namespace>][simulation]default run length",
        INTERVAL,
        10.0,
        "Run length without a time limit.",
    ),
    Item("[runtime][<namespace>][simulation]speedup factor", FLOAT, None, "Divides the execution time limit."),
    Item("[runtime][<namespace>][simulation]time limit buffer", INTERVAL, 30.0, "Slack before a timeout."),
    Item(
        "[runtime][<namespace>][simulation]fail cycle points",
        STRING_LIST,
        [],
        "Points at which it fails, or `all`.",
    ),
    Item("[runtime][<namespace>][simulation]fail try 1 only", BOOLEAN, True, "Only the first try fails."),
    Item(
        "[runtime][<namespace>][simulation]disable task event handlers",
        BOOLEAN,
        True,
        "No handlers in simulation.",
    ),
    Item("[runtime][<namespace>][environment filter]include", STRING_LIST, [], "Only these variables are kept."),
    Item("[runtime][<namespace>][environment filter]exclude", STRING_LIST, [], "These variables are dropped."),
    Item("[runtime][<namespace>][job]batch system", STRING, None, "Old: use `platform`."),
    Item("[runtime][<namespace>][job]batch submit command template", STRING, None, "Old: use `platform`."),
    Item("[runtime][<namespace>][remote]host", STRING, None, "Old: use `platform`."),
    Item("[runtime][<namespace>][remote]owner", STRING, None, "Old: use the configuration of ssh."),
    Item("[runtime][<namespace>][remote]retrieve job logs", BOOLEAN, None, "Old: use `platform`."),
    Item("[runtime][<namespace>][remote]retrieve job logs max size", STRING, None, "Old: use `platform`."),
    Item(
        "[runtime][<namespace>][remote]retrieve job logs retry delays",
        INTERVAL_LIST,
        None,
        "Old: use `platform`.",
    ),
    *task_event_items("[runtime][<namespace>][events]"),
    Item("[runtime][<namespace>][mail]from", STRING, None, "Sender of mail about task events."),
    Item("[runtime][<namespace>][mail]to", STRING, None, "Receivers of mail about task events."),
    Item("[runtime][<namespace>][workflow state polling]interval", INTERVAL, None, "Time between two polls."),
    Item(
        "[runtime][<namespace>][workflow state polling]max-polls",
        INTEGER,
        None,
        "Polls before the task fails.",
    ),
    Item("[runtime][<namespace>][workflow state polling]message", STRING, None, "Wait for this output message."),
    Item(
        "[runtime][<namespace>][workflow state polling]alt-cylc-run-dir",
        STRING,
        None,
        "Run directory of another user.",
    ),
    Item(
        "[runtime][<namespace>][workflow state polling]verbose mode",
        BOOLEAN,
        None,
        "Write every poll to the job log.",
    ),
    Item("[runtime][<namespace>][environment]<variable>", STRING, "", "A variable of the job's environment."),
    Item("[runtime][<namespace>][directives]<directive>", STRING, "", "A directive for the batch system."),
    Item(
        "[runtime][<namespace>][outputs]<output>",
        STRING,
        "",
        "A custom output and the message that completes it.",
    ),
    Item(
        "[runtime][<namespace>][parameter environment templates]<variable>",
        STRING,
        "",
        "Old: write the template in `[environment]`.",
    ),
)

SPECIFICATION = compile_items(ITEMS)
RUNTIME_SPECIFICATION = SPECIFICATION.section("runtime", "<namespace>")
