"""What else is in ecFlow's Python module: why a node waits, its page, zombies, lists, places of programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

from ...flow.suite import nodes
from ...flow.suite.engine import SuiteEngine
from ...flow.suite.why import why_lines
from ..exceptions import EcflowError
from .asking import substituted
from .defs import Defs
from .enums import ChildCmdType, ZombieType, ZombieUserActionType


def _node(defs: Defs, path: str) -> nodes.Node:
    found = defs.core.find(path)
    if found is None:
        raise EcflowError(f"there is no node {path} in this definition")
    return found


class WhyCmd:
    """``WhyCmd(client.get_defs(), "/suite/task").why()``: what holds a node, in lines."""

    __slots__ = ("_defs", "_path")

    def __init__(self, defs: Defs, path: str) -> None:
        self._defs, self._path = defs, path
        if path not in ("", "/"):
            _node(defs, path)

    def why(self) -> str:
        """The lines; "" if nothing holds it."""
        engine = SuiteEngine(self._defs.core)
        return "\n".join(why_lines(engine, self._path or "/"))


class UrlCmd:
    """``UrlCmd(client.get_defs(), "/suite/task").execute()``: run ECF_URL_CMD, which opens the page of a node."""

    __slots__ = ("_node",)

    def __init__(self, defs: Defs, path: str) -> None:
        self._node = _node(defs, path)

    def execute(self) -> None:
        """Run it; raises `EcflowError`."""
        command = substituted(self._node, "%ECF_URL_CMD%")
        done = subprocess.run(
            ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise EcflowError(f"ECF_URL_CMD of {self._node.path} failed ({done.returncode}): {done.stderr.strip()}")


class Ecf:
    """Switches of ecFlow's own library; kept, and without effect."""

    _level = 0
    _equality = False

    @classmethod
    def debug_level(cls) -> int:
        """The level set."""
        return cls._level

    @classmethod
    def set_debug_level(cls, level: int) -> None:
        """Set a level."""
        cls._level = level

    @classmethod
    def debug_equality(cls) -> bool:
        """The switch set."""
        return cls._equality

    @classmethod
    def set_debug_equality(cls, on: bool) -> None:
        """Set the switch."""
        cls._equality = on


class File:
    """Where programs and directories are."""

    @staticmethod
    def find_client() -> str:
        """Path of the client; "" if it is not on the PATH."""
        return shutil.which("ecflow_client") or ""

    @staticmethod
    def find_server() -> str:
        """Path of the program that runs a server; "" if it is not on the PATH."""
        return shutil.which("tidemill") or ""

    @staticmethod
    def source_dir() -> str:
        """The directory this is run in."""
        return os.getcwd()

    @staticmethod
    def build_dir() -> str:
        """The directory this is run in."""
        return os.getcwd()


class Zombie:
    """A job that reports though nobody expects it: one entry of ``client.zombie_get()``."""

    __slots__ = ("_all",)

    def __init__(self, entry: dict[str, Any] | None = None) -> None:
        self._all = entry or {}

    def empty(self) -> bool:
        """Whether it stands for none."""
        return not self._all

    def path_to_task(self) -> str:
        """The path it reports for."""
        return str(self._all.get("path", ""))

    def type(self) -> ZombieType:
        """Why it is one."""
        return ZombieType[self.type_str()]

    def type_str(self) -> str:
        """Why it is one, as text."""
        return str(self._all.get("type", "user"))

    def jobs_password(self) -> str:
        """The password it gave."""
        return str(self._all.get("password", ""))

    def process_or_remote_id(self) -> str:
        """The id it gave."""
        return str(self._all.get("process_id", ""))

    def try_no(self) -> int:
        """The number of its try."""
        return int(self._all.get("try_number", 0))

    def last_child_cmd(self) -> ChildCmdType:
        """What it reported last."""
        return ChildCmdType[self._all.get("child", "init")]

    def host(self) -> str:
        """Where it reported from."""
        return str(self._all.get("host", ""))

    def calls(self) -> int:
        """How often it reported."""
        return int(self._all.get("calls", 0))

    def duration(self) -> int:
        """Seconds since it reported first."""
        return int(self._all.get("age_seconds", 0))

    def allowed_age(self) -> int:
        """Seconds it is remembered."""
        return int(self._all.get("lifetime_seconds", 0))

    def user_action(self) -> ZombieUserActionType:
        """What is done about it."""
        return ZombieUserActionType[self.user_action_str()]

    def user_action_str(self) -> str:
        """What is done about it, as text."""
        return str(self._all.get("action", "block"))

    def manual_user_action(self) -> bool:
        """Whether a user said so."""
        return bool(self._all.get("is_manual", False))

    def adopt(self) -> bool:
        """Whether it is adopted."""
        return self.user_action_str() == "adopt"

    def block(self) -> bool:
        """Whether it waits."""
        return self.user_action_str() == "block"

    def fob(self) -> bool:
        """Whether it goes on, unheard."""
        return self.user_action_str() == "fob"

    def fail(self) -> bool:
        """Whether it is made to fail."""
        return self.user_action_str() == "fail"

    def kill(self) -> bool:
        """Whether it is killed."""
        return self.user_action_str() == "kill"

    def remove(self) -> bool:
        """Whether it is forgotten."""
        return self.user_action_str() == "remove"

    def __str__(self) -> str:
        return f"{self.path_to_task()} {self.type_str()} {self.user_action_str()} {self.last_child_cmd().name}"


def debug_build() -> bool:
    """Whether this is a build for finding errors; there is none."""
    return False


class _Vector(list[Any]):
    """A list under the name it has in ecFlow."""


class VariableList(_Vector):
    """Of variables."""


class NodeVec(_Vector):
    """Of nodes."""


class SuiteVec(_Vector):
    """Of suites."""


class FamilyVec(_Vector):
    """Of families."""


class TaskVec(_Vector):
    """Of tasks."""


class ZombieVec(_Vector):
    """Of zombies."""


class FlagTypeVec(_Vector):
    """Of flags."""
