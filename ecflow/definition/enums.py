"""The enumerations of ecFlow's Python module: names, numbers and text as ecFlow 5.9 has them."""

from __future__ import annotations

from enum import EnumMeta, IntEnum
from typing import Any


class _Listed(EnumMeta):
    """Enumerations that list themselves: ``State.names`` and ``State.values``."""

    @property
    def names(cls) -> dict[str, Any]:
        """Members by name."""
        members: dict[str, Any] = dict(cls.__members__)
        return members

    @property
    def values(cls) -> dict[int, Any]:
        """Members by number."""
        members: list[Any] = list(cls.__members__.values())
        return {int(member): member for member in members}


class _Enumeration(IntEnum, metaclass=_Listed):
    """A number with a name, which is its text."""

    def __str__(self) -> str:
        return self.name

    def __format__(self, form: str) -> str:
        return format(self.name, form)

    def __repr__(self) -> str:
        return f"ecflow.{type(self).__name__}.{self.name}"


class State(_Enumeration):
    """State of a node."""

    unknown = 0
    complete = 1
    queued = 2
    aborted = 3
    submitted = 4
    active = 5


class DState(_Enumeration):
    """State of a node as it is shown, and as ``defstatus`` has it: suspended too."""

    unknown = 0
    complete = 1
    queued = 2
    aborted = 3
    submitted = 4
    active = 5
    suspended = 6


class SState(_Enumeration):
    """State of a server."""

    HALTED = 0
    SHUTDOWN = 1
    RUNNING = 2


class Style(_Enumeration):
    """How much of a definition is printed."""

    NOTHING = 0
    DEFS = 1
    STATE = 2
    MIGRATE = 3


class CheckPt(_Enumeration):
    """When a server writes checkpoints."""

    NEVER = 0
    ON_TIME = 1
    ALWAYS = 2
    UNDEFINED = 3


class Days(_Enumeration):
    """Days of the week."""

    sunday = 0
    monday = 1
    tuesday = 2
    wednesday = 3
    thursday = 4
    friday = 5
    saturday = 6


class ChildCmdType(_Enumeration):
    """What a job can report."""

    init = 0
    event = 1
    meter = 2
    label = 3
    wait = 4
    queue = 5
    abort = 6
    complete = 7


class ZombieType(_Enumeration):
    """Why a job is a zombie."""

    user = 0
    ecf = 1
    ecf_pid = 2
    ecf_passwd = 3
    ecf_pid_passwd = 4
    path = 5


class ZombieUserActionType(_Enumeration):
    """What is done about a zombie."""

    fob = 0
    fail = 1
    adopt = 2
    remove = 3
    block = 4
    kill = 5


class FlagType(_Enumeration):
    """A mark on a node."""

    force_abort = 0
    user_edit = 1
    task_aborted = 2
    edit_failed = 3
    jobcmd_failed = 4
    no_script = 5
    killed = 6
    late = 7
    message = 8
    byrule = 9
    queuelimit = 10
    wait = 11
    locked = 12
    zombie = 13
    no_reque = 14
    archived = 15
    restored = 16
    threshold = 17
    sigterm = 18
    not_set = 19
    log_error = 20
    checkpt_error = 21
    killcmd_failed = 22
    statuscmd_failed = 23
    status = 24


class AttrType(_Enumeration):
    """Attributes that can be sorted."""

    event = 1
    meter = 2
    label = 3
    limit = 4
    variable = 5
    all = 6
