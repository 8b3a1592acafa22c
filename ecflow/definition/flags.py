"""The flags of a node, by the names of ecFlow's Python module."""

from __future__ import annotations

from ...flow.suite import nodes
from ...flow.suite.states import Flag as CoreFlag
from .enums import FlagType

_WORDS = {
    FlagType.force_abort: CoreFlag.FORCE_ABORTED,
    FlagType.jobcmd_failed: CoreFlag.JOB_COMMAND_FAILED,
    FlagType.byrule: CoreFlag.BY_RULE,
    FlagType.queuelimit: CoreFlag.QUEUE_LIMIT,
    FlagType.wait: CoreFlag.TASK_WAITING,
}
"""Flags whose names here are not their words in definitions."""


def _core(flag: FlagType) -> CoreFlag:
    return _WORDS.get(flag) or CoreFlag(flag.name)


class Flag:
    """The flags of a node: ``node.get_flag().is_set(FlagType.late)``; alone, a set of flags to play with."""

    __slots__ = ("_holder",)

    def __init__(self, holder: nodes.Node | nodes.Defs | None = None) -> None:
        self._holder = holder if holder is not None else nodes.Defs()

    def is_set(self, flag: FlagType) -> bool:
        """Whether a flag is set."""
        return flag is not FlagType.not_set and _core(flag) in self._holder.flags

    def set(self, flag: FlagType) -> None:
        """Set a flag."""
        self._holder.flags = self._holder.flags | {_core(flag)}

    def clear(self, flag: FlagType) -> None:
        """Clear a flag."""
        self._holder.flags = self._holder.flags - {_core(flag)}

    def reset(self) -> None:
        """Clear all."""
        self._holder.flags = frozenset()

    @staticmethod
    def list() -> list[FlagType]:
        """All flags there are."""
        return [flag for flag in FlagType if flag is not FlagType.not_set]

    @staticmethod
    def type_to_string(flag: FlagType) -> str:
        """The name of a flag."""
        return flag.name

    def __str__(self) -> str:
        return ",".join(flag.name for flag in Flag.list() if self.is_set(flag))

    def __repr__(self) -> str:
        return f"<ecflow.Flag {self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flag) and self._holder.flags == other._holder.flags

    def __hash__(self) -> int:
        return hash(self._holder.flags)
