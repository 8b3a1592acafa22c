"""Scalars and enums of the schema, under the names that clients use in their queries."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from graphene import Enum, Scalar
from graphql import GraphQLError


class GenericScalar(Scalar):
    """Any JSON value."""


class BroadcastSetting(Scalar):
    """Settings as a JSON object, by names of `[runtime]` or of this schema."""


class _Text(Scalar):
    """Text; whole numbers are taken for it, for that is how clients write integer cycle points and flows."""

    @staticmethod
    def parse_value(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise GraphQLError(f"expected text, got {value!r}")
        return str(value)


class CyclePoint(_Text):
    """A cycle point, as `1` or `20200101T00Z`."""


class BroadcastCyclePoint(_Text):
    """A cycle point, or `*` for all."""


class TimePoint(_Text):
    """A date and time, ISO 8601."""


class NamespaceName(_Text):
    """The name of a task or family."""


class WorkflowID(_Text):
    """A workflow: `name`, `~user/name`, or a pattern."""


class TaskID(_Text):
    """A task instance: `cycle/task`."""


class NamespaceIDGlob(_Text):
    """Task instances: `cycle/task`, `cycle/family` or `cycle`, as patterns, with a state as in `*:failed`."""


class Flow(_Text):
    """A flow number, `new` or `none`."""


class OutputLabel(_Text):
    """An output: its label."""


class PrerequisiteString(_Text):
    """A prerequisite: `cycle/task:output`, `xtrigger/label` or `all`."""


def _enum(name: str, description: str, values: dict[str, str | None]) -> Any:
    """An enum whose values are their own names, each with a description or none."""

    def described(value: StrEnum | None) -> str | None:
        return description if value is None else values[value.value]

    return Enum.from_enum(StrEnum(name, {value: value for value in values}), description=described)


TaskRunMode = _enum("TaskRunMode", "How a task is run.", dict.fromkeys(("Live", "Simulation", "Dummy", "Skip")))
LogLevels = _enum(
    "LogLevels",
    "Severity of a line of the log.",
    dict.fromkeys(("DEBUG", "INFO", "NORMAL", "WARNING", "ERROR", "CRITICAL")),
)
BroadcastMode = _enum(
    "BroadcastMode",
    "What to do with broadcasts.",
    {
        "Set": "Set settings.",
        "Clear": "Clear settings.",
        "Expire": "Clear settings of cycle points before a cutoff.",
    },
)
WorkflowStopMode = _enum(
    "WorkflowStopMode",
    "How to stop.",
    {
        "Clean": "Wait for active jobs.",
        "Kill": "Kill active jobs, then stop.",
        "Now": "Leave active jobs.",
        "NowNow": "Leave active jobs and event handlers.",
    },
)
