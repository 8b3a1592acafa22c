"""What users do to nodes: begin, requeue, run, force, free, suspend, resume, kill, ask for the status of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .effects import KillTask, StatusTask
from .exceptions import SuiteError
from .lifecycle import LIVE
from .nodes import Alias, Node, Submittable, Suite
from .repeating import set_last
from .states import STATES, Flag, State
from .structure import live_tasks
from .variables import SubstitutionError, substitute

if TYPE_CHECKING:
    from .engine import SuiteEngine


class InterventionError(SuiteError):
    """That cannot be done to the node as it stands."""


def begin(engine: SuiteEngine, suite: Suite, *, force: bool = False) -> None:
    """Begin a suite.

    Raises:
        InterventionError: it has begun already, or (without `force`) jobs of it are about.
    """
    if suite.begun and not force:
        engine.log("WAR", f"suite {suite.name} has already begun")
        return
    live = live_tasks(suite)
    if live and not force:
        raise InterventionError(f"{live[0].path} is {live[0].state.word}: begin {suite.path} by force, or wait")
    for task in live:
        engine.zombies.orphaned(task)
    engine.lifecycle.begin(suite)


def requeue(engine: SuiteEngine, node: Node, how: str = "") -> str:
    """Put a node and all below it back to where they begin; tells why if nothing was done.

    Args:
        engine: the engine.
        node: the node.
        how: ``""`` does nothing while jobs run below (ecFlow behaviour), ``force`` does it all the same, ``abort``
            does it to tasks that have aborted.
    """
    if how == "abort":
        for below in list(node.walk()):
            if isinstance(below, Submittable) and below.state is State.ABORTED:
                _requeue(engine, below)
        return ""
    if not how and (live := live_tasks(node)):
        return f"{node.path} was not requeued, for {live[0].path} is {live[0].state.word}: use force, or wait\n"
    _requeue(engine, node)
    return ""


def _requeue(engine: SuiteEngine, node: Node) -> None:
    for task in live_tasks(node):
        engine.zombies.orphaned(task)
    if isinstance(node, Suite) and not node.begun:
        engine.lifecycle.begin(node)
        return
    engine.lifecycle.requeue(node, clear_suspended=True)
    engine.lifecycle.propagate(node)


def run(engine: SuiteEngine, node: Node, *, force: bool = False) -> None:
    """Submit a task, or all below a container, whatever holds them.

    Raises:
        InterventionError: jobs run there already, and `force` was not given, or it is the task itself.
    """
    if isinstance(node, Submittable):
        if node.state in LIVE and not (force and node.state is State.ACTIVE):
            raise InterventionError(f"{node.path} is {node.state.word} already")
        _run(engine, node)
        return
    live = live_tasks(node)
    if live and not force:
        raise InterventionError(f"{live[0].path} is {live[0].state.word}: run {node.path} by force, or wait")
    for below in list(node.walk()):
        if isinstance(below, Submittable) and not isinstance(below, Alias) and below.state not in LIVE:
            _run(engine, below)


def _run(engine: SuiteEngine, task: Submittable) -> None:
    if task.state in LIVE:
        engine.zombies.orphaned(task)
    if task.times or task.todays:
        engine.lifecycle.add_flag(task, Flag.NO_REQUEUE)
    engine.releasing.submit(task)


def force_state(engine: SuiteEngine, node: Node, word: str, *, recursive: bool = False, full: bool = False) -> None:
    """Put a node into a state.

    A container alone takes the state of its children again at once, unless it has none (ecFlow behaviour).

    Args:
        engine: the engine.
        node: the node.
        word: the state.
        recursive: all below it too.
        full: repeats of it and below go to their last value.
    """
    state = STATES[word]
    nodes = [below for below in node.walk() if not isinstance(below, Alias)] if recursive else [node]
    for below in nodes:
        if full and below.repeat is not None:
            set_last(below.repeat)
            engine.variables_changed(below)
        if isinstance(below, Submittable):
            _user_ends(engine, below, state)
    if recursive and node.children and not isinstance(node, Submittable):
        engine.lifecycle.set_all(node, state)
    elif node.children and not isinstance(node, Submittable):
        if engine.lifecycle.assign(node, state):
            engine.lifecycle.assign(node, engine.lifecycle.derived(node))
    else:
        note = (
            f" try-no: {node.try_number} reason: " if state is State.ABORTED and isinstance(node, Submittable) else ""
        )
        engine.lifecycle.set_state(node, state, note)
    if state in (State.QUEUED, State.ABORTED):
        engine.consider(node, afresh=True)


def _user_ends(engine: SuiteEngine, task: Submittable, state: State) -> None:
    if task.state in LIVE and state not in LIVE:
        engine.zombies.orphaned(task)
    if state is State.COMPLETE and (task.times or task.todays):
        engine.lifecycle.add_flag(task, Flag.NO_REQUEUE)


def force_event(engine: SuiteEngine, node: Node, name: str, *, is_set: bool) -> None:
    """Set or clear an event.

    Raises:
        InterventionError: the node has no such event.
    """
    event = node.find_attribute("events", name)
    if event is None:
        raise InterventionError(f"{node.path} has no event '{name}'")
    event.value = is_set  # type: ignore[attr-defined]
    engine.value_changed(node)


def free_dependencies(engine: SuiteEngine, node: Node, what: str) -> None:
    """Let a node's trigger, its dates (and days), its times, or all of them not hold it until it is queued again."""
    if what in ("trigger", "all") and node.trigger is not None:
        node.trigger.free = True
    engine.timekeeper.free(node, times=what in ("time", "all"), dates=what in ("date", "all"))
    engine.changes.touch(node)
    engine.consider(node)


def suspend(engine: SuiteEngine, node: Node) -> None:
    """Submit nothing of a node or below it until it is resumed."""
    if node.suspended:
        return
    node.suspended = True
    engine.state_changed(node)
    engine.consider(node)


def resume(engine: SuiteEngine, node: Node) -> None:
    """Let a node go on."""
    if not node.suspended:
        return
    node.suspended = False
    engine.state_changed(node)
    engine.consider(node, afresh=True)


def kill(engine: SuiteEngine, node: Node) -> None:
    """Run the kill command for the jobs of a task, or of all below a container; what they killed is not tried again.

    Raises:
        InterventionError: it is a task without a job, or a job whose process id nobody knows.
    """
    tasks = _with_jobs(engine, node, "kill")
    for task in tasks:
        variables, command = _command(engine, task, "ECF_KILL_CMD", "kill")
        engine.lifecycle.add_flag(task, Flag.KILLED)
        engine.effects.append(KillTask(task.path, variables, command))


def status(engine: SuiteEngine, node: Node) -> None:
    """Run the status command for the jobs of a task, or of all below a container.

    Raises:
        InterventionError: it is a task without a job, or a job whose process id nobody knows.
    """
    tasks = _with_jobs(engine, node, "status")
    for task in tasks:
        variables, command = _command(engine, task, "ECF_STATUS_CMD", "status")
        engine.lifecycle.add_flag(task, Flag.STATUS)
        engine.effects.append(StatusTask(task.path, variables, command))


def _with_jobs(engine: SuiteEngine, node: Node, what: str) -> list[Submittable]:
    if isinstance(node, Submittable):
        if node.state not in LIVE:
            raise InterventionError(f"{node.path} is {node.state.word}: it has no job to {what}")
        return [node]
    return live_tasks(node)


def _command(engine: SuiteEngine, task: Submittable, name: str, what: str) -> tuple[dict[str, str], str]:
    variables = engine.releasing.variables_of(task)
    text = variables.get(name, "")
    if not text:
        raise InterventionError(f"{task.path} cannot be {what}ed: {name} is empty")
    micro = variables.get("ECF_MICRO", "%")
    if not task.process_id and f"{micro}ECF_RID{micro}" in text:
        raise InterventionError(
            f"{name} of {task.path} needs the process id of the job, which has not told it (ECF_RID)"
        )
    try:
        return variables, substitute(text, variables)
    except SubstitutionError as error:
        raise InterventionError(f"{name} of {task.path}: {error}") from None
