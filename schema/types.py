"""What there is to ask for: workflows, tasks and families, their instances and jobs, and the graph between them.

Fields have the names that clients write; where their values come from is in `leaves` and `fields`.
"""

from __future__ import annotations

from typing import Any

from graphene import ID, Argument, Boolean, Field, Float, Int, List, ObjectType, String, Union

from .arguments import DEFINITIONS, IDS, INSTANCES, JOBS, NODES_EDGES, listed, reached
from .scalars import GenericScalar, TaskRunMode

STATES = ("waiting", "expired", "preparing", "submit-failed", "submitted", "running", "failed", "succeeded")


class NodeMeta(ObjectType):
    """What `[meta]` says."""

    title = String()
    description = String()
    URL = String()
    userDefined = GenericScalar()


class TimeZone(ObjectType):
    """The time zone of times."""

    hours = Int()
    minutes = Int()
    stringBasic = String()
    stringExtended = String()


class LogRecord(ObjectType):
    """A line of the log, warnings and worse."""

    level = String()
    message = String()


class Workflow(ObjectType):
    """A workflow run."""

    id = ID()
    name = String()
    status = String()
    statusMsg = String()
    host = String()
    port = Int()
    pubPort = Int()
    owner = String()
    tasks = reached(List(lambda: Task), DEFINITIONS)
    families = reached(List(lambda: Family), DEFINITIONS)
    taskProxies = reached(List(lambda: TaskProxy), INSTANCES)
    familyProxies = reached(List(lambda: FamilyProxy), INSTANCES)
    jobs = reached(List(lambda: Job), JOBS)
    edges = reached(lambda: Edges, JOBS)
    nodesEdges = reached(lambda: NodesEdges, NODES_EDGES)
    apiVersion = Int()
    cylcVersion = String()
    lastUpdated = Float()
    meta = Field(NodeMeta)
    newestActiveCyclePoint = String()
    oldestActiveCyclePoint = String()
    reloaded = Boolean()
    runMode = String()
    isHeldTotal = Int()
    isQueuedTotal = Int()
    isRunaheadTotal = Int()
    stateTotals = GenericScalar()
    latestStateTasks = Field(GenericScalar, args={"states": Argument(List(String), default_value=list(STATES))})
    workflowLogDir = String()
    timeZoneInfo = Field(TimeZone)
    treeDepth = Int()
    nsDefOrder = List(String)
    jobLogNames = List(String)
    states = List(String)
    broadcasts = Field(GenericScalar, args={"ids": IDS["ids"]})
    pruned = Boolean()
    nEdgeDistance = Int()
    logRecords = List(LogRecord)
    containsHeld = Boolean()
    containsRetry = Boolean()


class Task(ObjectType):
    """A task as defined."""

    id = ID()
    name = String()
    meta = Field(NodeMeta)
    runtime = Field(lambda: Runtime)
    meanElapsedTime = Float()
    depth = Int()
    proxies = reached(List(lambda: TaskProxy), INSTANCES)
    parents = reached(List(lambda: Family), DEFINITIONS)
    namespace = List(String)
    firstParent = reached(lambda: Family)


class Family(ObjectType):
    """A family as defined."""

    id = ID()
    name = String()
    meta = Field(NodeMeta)
    runtime = Field(lambda: Runtime)
    depth = Int()
    proxies = reached(List(lambda: FamilyProxy), INSTANCES)
    parents = reached(List(lambda: Family), DEFINITIONS)
    childTasks = reached(List(Task), DEFINITIONS)
    childFamilies = reached(List(lambda: Family), DEFINITIONS)
    firstParent = reached(lambda: Family)


class RuntimeSetting(ObjectType):
    """One named setting."""

    key = String()
    value = String()


class Runtime(ObjectType):
    """Settings of a task or family, as text."""

    platform = String()
    script = String()
    completion = String()
    initScript = String()
    envScript = String()
    errScript = String()
    exitScript = String()
    preScript = String()
    postScript = String()
    workSubDir = String()
    executionPollingIntervals = String()
    executionRetryDelays = String()
    executionTimeLimit = String()
    submissionPollingIntervals = String()
    submissionRetryDelays = String()
    directives = List(RuntimeSetting)
    environment = List(RuntimeSetting)
    outputs = List(RuntimeSetting)
    runMode = TaskRunMode()


class Output(ObjectType):
    """An output of a task instance."""

    label = String()
    message = String()
    satisfied = Boolean()
    time = Float()


class XTrigger(ObjectType):
    """An external trigger that an instance waits for."""

    id = String()
    label = String()
    message = String()
    satisfied = Boolean()
    time = Float()


class Condition(ObjectType):
    """One output that is waited for."""

    taskId = String()
    taskProxy = reached(lambda: TaskProxy)
    exprAlias = String()
    reqState = String()
    satisfied = Boolean()
    message = String()


class Prerequisite(ObjectType):
    """What an instance waits for."""

    expression = String()
    conditions = List(Condition)
    cyclePoints = List(String)
    satisfied = Boolean()


class TaskProxy(ObjectType):
    """A task at a cycle point, in the window."""

    id = ID()
    task = reached(Task)
    runtime = Field(Runtime)
    state = String()
    name = String()
    cyclePoint = String()
    namespace = List(String)
    isHeld = Boolean()
    isQueued = Boolean()
    isRunahead = Boolean()
    isRetry = Boolean()
    isWallclock = Boolean()
    isXtriggered = Boolean()
    flowNums = String()
    flowWait = Boolean()
    depth = Int()
    graphDepth = Int()
    jobSubmits = Int()
    outputs = Field(
        List(Output),
        args=listed(["expired", "submitted", "submit-failed", "started", "succeeded", "failed"]),
    )
    externalTriggers = Field(List(XTrigger), args=listed())
    xtriggers = Field(List(XTrigger), args=listed())
    extras = GenericScalar()
    prerequisites = List(Prerequisite)
    jobs = reached(List(lambda: Job), JOBS)
    parents = reached(List(lambda: FamilyProxy), INSTANCES)
    firstParent = reached(lambda: FamilyProxy, INSTANCES)
    ancestors = reached(List(lambda: FamilyProxy), INSTANCES)


class Job(ObjectType):
    """A job of a task instance."""

    id = ID()
    submitNum = Int()
    state = String()
    name = String()
    cyclePoint = String()
    taskProxy = reached(TaskProxy)
    submittedTime = String()
    startedTime = String()
    finishedTime = String()
    jobId = ID()
    jobRunnerName = String()
    executionTimeLimit = Float()
    platform = String()
    jobLogDir = String()
    messages = List(String)
    runtime = Field(Runtime)
    estimatedFinishTime = String()


class FamilyProxy(ObjectType):
    """A family at a cycle point."""

    id = ID()
    cyclePoint = String()
    name = String()
    family = reached(Family)
    runtime = Field(Runtime)
    state = String()
    states = List(String)
    stateTotals = GenericScalar()
    isHeld = Boolean()
    isHeldTotal = Int()
    isQueued = Boolean()
    isQueuedTotal = Int()
    isRunahead = Boolean()
    isRunaheadTotal = Int()
    isRetry = Boolean()
    isWallclock = Boolean()
    isXtriggered = Boolean()
    depth = Int()
    graphDepth = Int()
    childTasks = reached(List(TaskProxy), INSTANCES)
    childFamilies = reached(List(lambda: FamilyProxy), INSTANCES)
    firstParent = reached(lambda: FamilyProxy, INSTANCES)
    ancestors = reached(List(lambda: FamilyProxy), INSTANCES)


class Node(Union):
    """An end of an edge."""

    class Meta:
        types = (TaskProxy, FamilyProxy)

    @classmethod
    def resolve_type(cls, element: Any, info: Any) -> Any:
        return TaskProxy if hasattr(element, "task") else FamilyProxy


class Edge(ObjectType):
    """An arrow of the graph between two instances."""

    id = ID()
    source = ID()
    sourceNode = reached(Node)
    target = ID()
    targetNode = reached(Node)
    suicide = Boolean()
    cond = Boolean()


class PollTask(ObjectType):
    """A task of another workflow that is waited for."""

    localProxy = ID()
    workflow = String()
    remoteProxy = ID()
    reqState = String()
    graphString = String()


class Edges(ObjectType):
    """The graph of the window."""

    edges = reached(List(Edge), JOBS)
    workflowPollingTasks = List(PollTask)
    leaves = List(String)
    feet = List(String)


class NodesEdges(ObjectType):
    """Instances and the arrows between them."""

    nodes = List(TaskProxy)
    edges = List(Edge)
