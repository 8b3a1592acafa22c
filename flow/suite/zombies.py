"""Zombies: jobs that report though nobody expects them. Each is remembered for a while, and answered as was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import asdict, define

from .effects import OK, ChildResult, KillTask, WakeChild
from .events import ChildCommand
from .exceptions import SuiteError
from .nodes import Defs, Node, Submittable
from .states import Flag
from .variables import SubstitutionError, substitute

if TYPE_CHECKING:
    from .engine import SuiteEngine

LIFETIMES = {"path": 900, "user": 300}
"""Seconds, by type; the others live for an hour (ecFlow behaviour)."""
OTHER_LIFETIME = 3600
SHORTEST_LIFETIME = 60
HARMLESS = frozenset({"event", "meter", "label"})
"""Child commands that are answered well though they come from a zombie, unless a user says otherwise."""
ACTIONS = ("fob", "fail", "adopt", "block", "remove", "kill")
EXPLANATIONS = {
    "path": "there is no such task in the tree",
    "user": "a user forced, requeued or deleted the task while its job ran",
    "ecf": "the job reported again after it had ended, or began twice",
    "ecf_pid": "the password fits, but the process id differs: the task was submitted twice",
    "ecf_passwd": "the process id fits, but the password differs",
    "ecf_pid_passwd": "password and process id differ: another job of the task runs",
}


class ZombieError(SuiteError):
    """There is no such zombie, or it cannot be dealt with so."""


@define(eq=False)
class Zombie:
    """One job that reports unexpectedly."""

    path: str
    type: str
    password: str
    process_id: str
    try_number: int
    child: str
    """Its last command."""
    host: str
    created: float
    lifetime_seconds: int
    calls: int = 1
    user_action: str = ""
    """What a user said, which goes before all."""
    attribute_action: str = ""
    """What an attribute in the tree says."""
    last_call: float = 0.0

    @property
    def action(self) -> str:
        """What is done about it."""
        return self.user_action or self.attribute_action or ("fob" if self.child in HARMLESS else "block")

    @property
    def shown_action(self) -> str:
        """The same, with who said so, as ecFlow lists it."""
        origin = "manual" if self.user_action else "attr" if self.attribute_action else "auto"
        return f"{origin}-{self.user_action or self.attribute_action or 'block'}"


class Zombies:
    """The zombies of a server."""

    def __init__(self, engine: SuiteEngine) -> None:
        self.engine = engine
        self.all: list[Zombie] = []
        self.user_ended: dict[str, set[str]] = {}
        """Passwords of jobs that a user put an end to as far as the tree goes, by path."""

    def orphaned(self, task: Submittable) -> None:
        """A user takes a task away from its job: should that report, it is known whose doing it was."""
        if task.password:
            self.user_ended.setdefault(task.path, set()).add(task.password)
            self.engine.lifecycle.add_flag(task, Flag.ZOMBIE)

    def answer(self, event: ChildCommand, kind: str, task: Submittable | None) -> ChildResult | None:
        """What a zombie is told; None if it was adopted, and its command is to be carried out."""
        engine = self.engine
        zombie = self._remember(event, kind, task)
        if task is not None:
            engine.lifecycle.add_flag(task, Flag.ZOMBIE)
        action = zombie.action
        engine.log(
            "ERR",
            f"zombie({zombie.type}) : chd:{event.name} : {event.path} : {event.process_id} : action({zombie.action})",
        )
        if action == "fob":
            if event.name in ("complete", "abort"):
                self._forget(zombie)
            return OK
        if action == "fail":
            self._forget(zombie)
            return ChildResult("fail", f"zombie: {EXPLANATIONS[zombie.type]}; a user had it fail")
        if action == "adopt" and task is not None:
            if task.process_id and task.process_id != event.process_id and zombie.type != "ecf_passwd":
                return self._blocked(zombie)
            task.password, task.process_id = event.password, event.process_id
            self._forget(zombie)
            engine.lifecycle.clear_flag(task, Flag.ZOMBIE)
            return None
        if action == "kill":
            self._kill(zombie, task)
            return OK
        if action == "remove":
            self._forget(zombie)
        return self._blocked(zombie)

    def _blocked(self, zombie: Zombie) -> ChildResult:
        return ChildResult(
            "block", "zombie", detail=f"{zombie.path}: {zombie.type} zombie: {EXPLANATIONS[zombie.type]}"
        )

    def _remember(self, event: ChildCommand, kind: str, task: Submittable | None) -> Zombie:
        engine = self.engine
        zombie = self._find(event)
        if event.password in self.user_ended.get(event.path, ()):
            kind = "user"
        action, lifetime = self._attribute(task, kind, event.name)
        if zombie is None:
            lifetime = max(lifetime or LIFETIMES.get(kind, OTHER_LIFETIME), SHORTEST_LIFETIME)
            zombie = Zombie(
                event.path,
                kind,
                event.password,
                event.process_id,
                event.try_number,
                event.name,
                event.host,
                engine.now,
                lifetime,
            )
            self.all.append(zombie)
            engine.timers.add(engine.now + lifetime, lambda: self._expire(zombie))
        else:
            zombie.calls += 1
            zombie.child = event.name
            zombie.type = kind
        zombie.last_call = engine.now
        zombie.attribute_action = action
        return zombie

    def _find(self, event: ChildCommand) -> Zombie | None:
        for zombie in self.all:
            if (zombie.path, zombie.password, zombie.process_id) == (event.path, event.password, event.process_id):
                return zombie
        return None

    def _attribute(self, task: Submittable | None, kind: str, child: str) -> tuple[str, int]:
        """What the nearest zombie attribute of this type in the tree says: an action and a lifetime."""
        place: Node | Defs | None = task
        while isinstance(place, Node):
            for attribute in place.zombies:
                if attribute.zombie_type == kind and (not attribute.children or child in attribute.children):
                    return attribute.action, attribute.lifetime_seconds
            place = place.parent
        return "", 0

    def _kill(self, zombie: Zombie, task: Submittable | None) -> None:
        engine = self.engine
        if task is None:
            return
        variables = {**engine.releasing.variables_of(task), "ECF_RID": zombie.process_id}
        try:
            command = substitute(variables.get("ECF_KILL_CMD", ""), variables)
        except SubstitutionError as error:
            engine.log("ERR", f"kill of zombie {zombie.path} failed: {error}")
            return
        engine.effects.append(KillTask(zombie.path, variables, command))

    def _forget(self, zombie: Zombie) -> None:
        if zombie in self.all:
            self.all.remove(zombie)

    def _expire(self, zombie: Zombie) -> None:
        if zombie not in self.all:
            return
        if self.engine.now - zombie.last_call < zombie.lifetime_seconds and zombie.calls > 1:
            again = zombie.last_call + zombie.lifetime_seconds
            self.engine.timers.add(again, lambda: self._expire(zombie))
            return
        self._forget(zombie)

    def decide(self, action: str, paths: list[str]) -> None:
        """Say what is done about the zombies of some tasks.

        Raises:
            ZombieError: there is none of one of the tasks; the others have been dealt with.
        """
        missing = []
        for path in paths:
            found = [zombie for zombie in self.all if zombie.path == path]
            if not found:
                missing.append(path)
            for zombie in found:
                if action == "remove":
                    self._forget(zombie)
                else:
                    zombie.user_action = action
                if action == "kill":
                    task = self.engine.defs.find(path)
                    self._kill(zombie, task if isinstance(task, Submittable) else None)
            if found:
                self.engine.effects.append(WakeChild(path))
        if missing:
            raise ZombieError(f"there is no zombie of {', '.join(missing)}: 'zombie_get' lists those there are")

    def table(self) -> str:
        """All zombies as ecFlow lists them, one a line."""
        head = ("task-path", "type", "age(s)", "password", "pid", "try_no", "action", "child", "calls", "host")
        rows = [(*head, "explanation")]
        for one in self.all:
            age = f"{int(self.engine.now - one.created)}"
            first = (one.path, one.type, age, one.password, one.process_id, str(one.try_number), one.shown_action)
            rows.append((*first, one.child, str(one.calls), one.host, EXPLANATIONS[one.type]))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [" ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines) + "\n"

    def listed(self) -> list[dict[str, Any]]:
        """All zombies as plain data, with how old each is and what is done about it."""
        return [
            {
                **asdict(one),
                "age_seconds": int(self.engine.now - one.created),
                "action": one.action,
                "is_manual": bool(one.user_action),
            }
            for one in self.all
        ]

    # -- over a restart ------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """What no definition text says, as JSON."""
        return {
            "all": [asdict(zombie) for zombie in self.all],
            "user_ended": {path: sorted(passwords) for path, passwords in self.user_ended.items()},
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self.all = [Zombie(**one) for one in kept.get("all", [])]
        self.user_ended = {path: set(passwords) for path, passwords in kept.get("user_ended", {}).items()}
        for zombie in self.all:
            at = zombie.created + zombie.lifetime_seconds
            self.engine.timers.add(at, lambda zombie=zombie: self._expire(zombie))  # type: ignore[misc]
