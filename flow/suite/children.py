"""What jobs tell: init, complete, abort, event, meter, label, wait, queue; and how the commands that start them ended.

A job is known by the password of its submission and its process id; whoever does not fit is a zombie. The same news
told twice is taken once (ecFlow behaviour).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .attributes import Queue
from .effects import OK, ChildResult, WakeChild
from .events import ChildCommand, JobCommandEnded, KillCommandFailed, StatusCommandFailed, SubmissionFailed
from .expression_tree import Expression as Tree
from .expressions import ExpressionError, parse_expression
from .nodes import Defs, Node, Submittable
from .states import Flag, ServerState, State

if TYPE_CHECKING:
    from .engine import SuiteEngine

NO_CHECK = "FREE"
"""The value of a task's own ECF_PASS with which passwords are not looked at."""


class Children:
    """The reports of jobs."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self.waiting: dict[Node, Tree] = {}
        """Tasks whose job waits for an expression."""
        self._commands: dict[str, Callable[[Submittable, ChildCommand], ChildResult]] = {
            "init": self._init,
            "complete": self._complete,
            "abort": self._abort,
            "event": self._event,
            "meter": self._meter,
            "label": self._label,
            "wait": self._wait,
            "queue": self._queue,
        }

    def handle(self, event: ChildCommand) -> ChildResult:
        """Take one report, and say what the job is told."""
        engine = self.engine
        command = self._commands.get(event.name)
        if command is None:
            return ChildResult("fail", f"there is no child command '{event.name}'")
        if engine.defs.server_state is ServerState.HALTED:
            return ChildResult(
                "block", "halted", detail="the server is halted: it takes no reports until it is restarted"
            )
        engine.log("MSG", f"chd:{event.name} {' '.join([*event.words, event.path])}")
        node = engine.defs.find(event.path)
        task = node if isinstance(node, Submittable) else None
        if task is not None and task.state not in (State.SUBMITTED, State.ACTIVE) and self._is_repeated(task, event):
            engine.log("WAR", f"chd:{event.name} : {event.path} : already {task.state.word} : action(fob)")
            return OK
        kind = "path" if task is None else self._zombie_kind(task, event)
        if kind:
            answer = engine.zombies.answer(event, kind, task)
            if answer is not None or task is None:
                return answer or OK
        assert task is not None
        if event.name == "init" and task.state is State.ACTIVE and not kind:
            return OK
        if event.name != "init" and task.state is State.SUBMITTED:
            engine.log("ERR", f"{event.path} is submitted: its first report should be init, but was {event.name}")
        return command(task, event)

    # -- who it is -----------------------------------------------------------------------------------------------------

    def _is_repeated(self, task: Submittable, event: ChildCommand) -> bool:
        """Whether a job tells once more that it has ended, as it does if it missed the answer."""
        if event.name == "complete" and task.state is State.COMPLETE:
            return self.engine.ended.get(task.path) == (event.password, event.process_id)
        if event.name == "abort" and task.state is State.ABORTED:
            return bool(task.password) and (task.password, task.process_id) == (event.password, event.process_id)
        return False

    def _zombie_kind(self, task: Submittable, event: ChildCommand) -> str:
        """Why a job is not the one that is expected; empty if it is."""
        if task.state not in (State.SUBMITTED, State.ACTIVE):
            if task.state is State.COMPLETE and self.engine.ended.get(task.path, ("",))[0] == event.password:
                return "ecf"
            if task.state is State.ABORTED and task.password == event.password:
                return "ecf"
        is_free = task.variables.get("ECF_PASS") == NO_CHECK or event.password == NO_CHECK == task.password
        fits = is_free or (bool(task.password) and task.password == event.password)
        same_process = not task.process_id or not event.process_id or task.process_id == event.process_id
        if not fits:
            return "ecf_passwd" if same_process else "ecf_pid_passwd"
        if not same_process:
            return "ecf_pid"
        if not is_free and task.state not in (State.SUBMITTED, State.ACTIVE):
            return "ecf"
        return ""

    # -- the reports ---------------------------------------------------------------------------------------------------

    def _init(self, task: Submittable, event: ChildCommand) -> ChildResult:
        engine = self.engine
        if event.add:
            task.variables.update(event.add)
            engine.value_changed(task)
        process_id = event.words[0] if event.words else event.process_id
        engine.lifecycle.active(task, process_id)
        return OK

    def _complete(self, task: Submittable, event: ChildCommand) -> ChildResult:
        engine = self.engine
        self._stop_waiting(task)
        for name in event.remove:
            task.variables.pop(name, None)
        if event.remove:
            engine.value_changed(task)
        engine.lifecycle.complete(task)
        return OK

    def _abort(self, task: Submittable, event: ChildCommand) -> ChildResult:
        self._stop_waiting(task)
        reason = " ".join(event.words).replace("\n", " ").replace(";", " ")
        self.engine.lifecycle.aborted(task, reason)
        return OK

    def _event(self, task: Submittable, event: ChildCommand) -> ChildResult:
        name = event.words[0] if event.words else ""
        found = next((one for one in task.events if one.name == name), None)
        if found is None and name.isdecimal():
            found = next((one for one in task.events if one.number == int(name)), None)
        if found is None:
            return self._not_there(task, "event", name)
        value = event.words[1:2] != ["clear"]
        if found.value is not value:
            found.value = value
            self.engine.value_changed(task)
        return OK

    def _meter(self, task: Submittable, event: ChildCommand) -> ChildResult:
        name, value = [*event.words, "", ""][:2]
        meter = next((one for one in task.meters if one.name == name), None)
        if meter is None:
            return self._not_there(task, "meter", name)
        try:
            number = int(value)
        except ValueError:
            return ChildResult("fail", f"meter {name} of {task.path}: '{value}' is not an integer")
        if not meter.minimum <= number <= meter.maximum:
            text = f"meter {name} of {task.path}: {number} is not within {meter.minimum} and {meter.maximum}"
            self.engine.log("ERR", text)
            return OK
        if meter.value != number:
            meter.value = number
            self.engine.value_changed(task)
        return OK

    def _label(self, task: Submittable, event: ChildCommand) -> ChildResult:
        name = event.words[0] if event.words else ""
        label = next((one for one in task.labels if one.name == name), None)
        if label is None:
            return self._not_there(task, "label", name)
        label.new_value = "\n".join(event.words[1:])
        self.engine.changes.touch(task)
        return OK

    def _not_there(self, task: Submittable, kind: str, name: str) -> ChildResult:
        """The task has no such attribute: that is for the log, the job goes on (ecFlow behaviour)."""
        self.engine.log("ERR", f"{kind} '{name}' was told by {task.path}, which has no such {kind}")
        return OK

    def _wait(self, task: Submittable, event: ChildCommand) -> ChildResult:
        text = " ".join(event.words)
        try:
            tree = parse_expression(text)
        except ExpressionError as error:
            return ChildResult("fail", str(error))
        if tree.holds(self.engine.lookup(task)):
            self._stop_waiting(task)
            return OK
        if self.waiting.get(task) is not tree:
            self.waiting[task] = tree
            self.engine.watchers.register(task)
        self.engine.lifecycle.add_flag(task, Flag.TASK_WAITING)
        return ChildResult("block", "waiting", detail=f"{task.path} waits for '{text}'")

    def waiting_words(self) -> dict[Node, str]:
        """The expressions that jobs wait for, as text."""
        return {node: tree.shown(None) for node, tree in self.waiting.items()}

    def _stop_waiting(self, task: Node) -> None:
        if self.waiting.pop(task, None) is not None:
            self.engine.watchers.register(task)
            self.engine.lifecycle.clear_flag(task, Flag.TASK_WAITING)

    def look_at(self, task: Node) -> None:
        """Something changed that a waiting job named: if its expression holds now, it may ask again."""
        tree = self.waiting.get(task)
        if tree is not None and tree.holds(self.engine.lookup(task)):
            self._stop_waiting(task)
            self.engine.effects.append(WakeChild(task.path))

    def wake_all(self) -> None:
        """The server takes reports again."""
        self.engine.effects.append(WakeChild(""))

    # -- queues --------------------------------------------------------------------------------------------------------

    def _queue(self, task: Submittable, event: ChildCommand) -> ChildResult:
        words = [*event.words, "", "", "", ""]
        name, action = words[0], words[1]
        step, path = (words[2], words[3]) if action in ("complete", "aborted") else ("", words[2])
        holder, queue = self._find_queue(task, name, path)
        if holder is None or queue is None:
            where = f"at {path}" if path else f"from {task.path} upwards"
            return ChildResult("fail", f"there is no queue '{name}' {where}")
        if action == "no_of_aborted":
            return ChildResult("ok", value=str(queue.states.count(State.ABORTED)))
        value = ""
        if action == "active":
            value = _next_step(queue)
        elif action == "reset":
            _back_to_first(queue)
        elif action in ("complete", "aborted"):
            if step not in queue.steps:
                return ChildResult("fail", f"queue '{name}' of {holder.path} has no step '{step}'")
            queue.states[queue.steps.index(step)] = State.COMPLETE if action == "complete" else State.ABORTED
        else:
            return ChildResult("fail", f"'{action}' is no action of a queue")
        self.engine.value_changed(holder)
        return ChildResult("ok", value=value)

    def _find_queue(self, task: Node, name: str, path: str) -> tuple[Node | None, Queue | None]:
        place: Node | Defs | None = task.find(path) if path else task
        while isinstance(place, Node):
            for queue in place.queues:
                if queue.name == name:
                    return place, queue
            if path:
                break
            place = place.parent
        return None, None

    # -- the commands that start, end and look after jobs --------------------------------------------------------------

    def submission_failed(self, event: SubmissionFailed) -> None:
        """A job could not be made, or not be started."""
        task = self.engine.defs.find(event.path)
        if (
            not isinstance(task, Submittable)
            or task.try_number != event.try_number
            or task.state is not State.SUBMITTED
        ):
            return
        self.engine.lifecycle.add_flag(task, Flag(event.flag))
        self.engine.lifecycle.aborted(task, event.reason)

    def job_command_ended(self, event: JobCommandEnded) -> None:
        """ECF_JOB_CMD ended: badly, before its job was heard of, is a failure of the job."""
        engine = self.engine
        task = engine.defs.find(event.path)
        if event.exit_code == 0 or not isinstance(task, Submittable) or task.try_number != event.try_number:
            return
        if event.password and event.password != task.password:
            return
        reason = event.reason or f"the job command ended with {event.exit_code}"
        if task.state is State.SUBMITTED:
            engine.lifecycle.add_flag(task, Flag.JOB_COMMAND_FAILED)
            engine.lifecycle.aborted(task, reason)
        elif task.state is State.ACTIVE:
            engine.log("ERR", f"{task.path} is active, but {reason}")
            engine.lifecycle.add_flag(task, Flag.ZOMBIE)

    def command_failed(self, event: KillCommandFailed | StatusCommandFailed) -> None:
        """A kill or status command could not be carried out."""
        node = self.engine.defs.find(event.path)
        self.engine.log("ERR", f"{event.path}: {event.reason}")
        if node is not None:
            is_kill = isinstance(event, KillCommandFailed)
            flag = Flag.KILL_COMMAND_FAILED if is_kill else Flag.STATUS_COMMAND_FAILED
            self.engine.lifecycle.add_flag(node, flag)


def _next_step(queue: Queue) -> str:
    """Hand out the next step."""
    if queue.index >= len(queue.steps):
        return "<NULL>"
    step = queue.steps[queue.index]
    queue.states[queue.index] = State.ACTIVE
    queue.index += 1
    return step


def _back_to_first(queue: Queue) -> None:
    """Go back to the first step that is yet to be done, or failed."""
    for index, state in enumerate(queue.states):
        if state in (State.QUEUED, State.ABORTED):
            queue.index = index
            return
