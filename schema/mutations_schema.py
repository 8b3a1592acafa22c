"""The root of mutations: what a scheduler can be told, and with what arguments; `mutations` carries them out."""

from __future__ import annotations

from typing import Any

from graphene import Argument, Boolean, Field, Int, List, NonNull, ObjectType, String

from .arguments import ArgumentTable
from .scalars import (
    BroadcastCyclePoint,
    BroadcastMode,
    BroadcastSetting,
    CyclePoint,
    Flow,
    GenericScalar,
    LogLevels,
    NamespaceIDGlob,
    NamespaceName,
    OutputLabel,
    PrerequisiteString,
    TaskID,
    TimePoint,
    WorkflowID,
    WorkflowStopMode,
)

_TASKS = {"tasks": Argument(NonNull(List(NamespaceIDGlob)))}
_WORKFLOWS = {"workflows": Argument(NonNull(List(WorkflowID)))}
_FLOW = {"flow": Argument(List(NonNull(Flow)), default_value=[])}
_NEW_FLOW = {**_FLOW, "flowDescr": Argument(String), "flowWait": Argument(Boolean, default_value=False)}


def _command(answer: str, description: str, arguments: ArgumentTable | None = None) -> Any:
    """A mutation; each answers with a type of its own, all of which hold the same."""
    kind = type(answer, (ObjectType,), {"result": GenericScalar()})
    return Field(kind, description=description, args={**(arguments or {}), **_WORKFLOWS})


class Mutations(ObjectType):
    class Meta:
        description = (
            "What a scheduler can be told. `result` holds, for each workflow, whether the command was taken and its ID "
            "or the reason why not."
        )

    broadcast = _command(
        "Broadcast",
        "Override settings of tasks while they last, or take that back.",
        {
            "cutoff": Argument(CyclePoint),
            "cyclePoints": Argument(List(BroadcastCyclePoint), default_value=["*"]),
            "mode": Argument(NonNull(BroadcastMode), default_value="Set"),
            "namespaces": Argument(List(NamespaceName), default_value=["root"]),
            "settings": Argument(List(BroadcastSetting)),
        },
    )
    extTrigger = _command(
        "ExtTrigger",
        "Report an external event that tasks wait for.",
        {"id": Argument(NonNull(String)), "message": Argument(NonNull(String))},
    )
    message = _command(
        "Message",
        "Report messages of a job.",
        {
            "eventTime": Argument(String, default_value=None),
            "messages": Argument(List(List(String)), default_value=None),
            "taskJob": Argument(NonNull(String)),
        },
    )
    pause = _command("Pause", "Submit no more jobs; what runs goes on.")
    reload = _command(
        "Reload",
        "Read the workflow definition anew.",
        {"reloadGlobal": Argument(Boolean, default_value=False)},
    )
    resume = _command("Resume", "Submit jobs again.")
    setVerbosity = _command(
        "SetVerbosity",
        "Set which lines are worth logging.",
        {"level": Argument(NonNull(LogLevels))},
    )
    setGraphWindowExtent = _command(
        "SetGraphWindowExtent",
        "Set how many edges from active tasks the window reaches.",
        {"nEdgeDistance": Argument(NonNull(Int))},
    )
    stop = _command(
        "Stop",
        "Stop, now or when a cycle point, time or task is reached.",
        {
            "clockTime": Argument(TimePoint),
            "cyclePoint": Argument(CyclePoint),
            "flowNum": Argument(Int),
            "mode": Argument(WorkflowStopMode, default_value="Clean"),
            "task": Argument(TaskID),
        },
    )
    setHoldPoint = _command(
        "SetHoldPoint",
        "Hold everything after a cycle point.",
        {"point": Argument(NonNull(CyclePoint))},
    )
    releaseHoldPoint = _command("ReleaseHoldPoint", "Release all held tasks and forget the hold point.")
    hold = _command("Hold", "Let tasks submit no jobs.", _TASKS)
    kill = _command("Kill", "Kill the jobs of tasks.", _TASKS)
    poll = _command("Poll", "Ask what became of the jobs of tasks.", _TASKS)
    release = _command("Release", "Let held tasks go on.", _TASKS)
    remove = _command("Remove", "Take tasks out of flows.", {**_FLOW, **_TASKS})
    set = _command(
        "SetPrereqsAndOutputs",
        "Complete outputs of tasks, or satisfy what they wait for.",
        {
            **_NEW_FLOW,
            "outputs": Argument(List(OutputLabel)),
            "prerequisites": Argument(List(PrerequisiteString)),
            **_TASKS,
        },
    )
    trigger = _command(
        "Trigger",
        "Run tasks now, whatever they wait for.",
        {**_NEW_FLOW, "onResume": Argument(Boolean, default_value=False), **_TASKS},
    )
