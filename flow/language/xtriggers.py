"""The external triggers of a workflow: the declared ones checked, the implicit ones added."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from ...exceptions import TidemillError
from ..cycling.cycling import Cycling
from .config import WorkflowConfig
from .definition import XtriggerDefinition
from .exceptions import ConfigError, GraphError
from .source import Location

WALL_CLOCK = "wall_clock"
CLOCK_TRIGGER_PREFIX = "_cylc_wall_clock_"
"""Labels of the xtriggers that stand for old-style clock triggers."""

_TEMPLATE = re.compile(r"%\((\w*)\)")
_TEMPLATE_NAMES = frozenset(
    (
        *("point", "name", "id", "debug", "user_name", "workflow", "workflow_run_dir", "workflow_share_dir"),
        *("suite", "suite_name", "suite_run_dir", "suite_share_dir"),
    )
)


class Xtriggers:
    """Looks up xtriggers by label and remembers those in use."""

    def __init__(self, config: WorkflowConfig, cycling: Cycling) -> None:
        """Check every declared xtrigger.

        Raises:
            ConfigError: The arguments of a function are not valid.
        """
        self._cycling = cycling
        self.definitions: dict[str, XtriggerDefinition] = {}
        declared: Mapping[str, XtriggerDefinition] = config.items["scheduling"].get("xtriggers") or {}
        for label, definition in declared.items():
            location = config.where("scheduling", "xtriggers", label)
            self._add(label, definition, location)

    def require(self, label: str, location: Location | None) -> None:
        """Check that a label of the graph is known; ``wall_clock`` always is.

        Raises:
            GraphError: It is not declared.
        """
        if label in self.definitions:
            return
        if label == WALL_CLOCK:
            self._add(WALL_CLOCK, XtriggerDefinition(WALL_CLOCK, WALL_CLOCK, sequential=True), location)
            return
        known = ", ".join(f"@{name}" for name in self.definitions) or "none"
        raise GraphError(
            f"xtrigger @{label} is not declared",
            location=location,
            hint=f"Declare it under [scheduling][xtriggers]; declared: {known}.",
        )

    def clock_trigger(self, offset: str, location: Location | None) -> str:
        """The label of the xtrigger that waits until the cycle point plus an offset."""
        label = CLOCK_TRIGGER_PREFIX + re.sub(r"\W", "_", offset.replace("-", "minus_"))
        if label not in self.definitions:
            self._add(
                label,
                XtriggerDefinition(label, WALL_CLOCK, (), {"offset": offset}, sequential=True),
                location,
            )
        return label

    def _add(self, label: str, definition: XtriggerDefinition, location: Location | None) -> None:
        arguments = definition.kwargs
        is_clock = definition.function == WALL_CLOCK
        for value in (*definition.args, *arguments.values()):
            for name in _TEMPLATE.findall(value) if isinstance(value, str) else ():
                if name not in _TEMPLATE_NAMES:
                    raise ConfigError(
                        f"xtrigger {label}: unknown template %({name})s",
                        location=location,
                        hint=f"Known are {', '.join(sorted(_TEMPLATE_NAMES))}.",
                    )
        check = _CHECKS.get(definition.function)
        if is_clock:
            self._check_clock(label, definition.args, arguments, location)
        elif check is not None and (problem := check(definition.args, arguments)):
            raise ConfigError(f"xtrigger {label}: {problem}", location=location)
        self.definitions[label] = replace(definition, label=label)

    def _check_clock(
        self, label: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], location: Location | None
    ) -> None:
        if self._cycling.mode == "integer":
            raise ConfigError(
                f"xtrigger @{label} is a clock, which needs date-time cycling",
                location=location,
                hint="Integer cycle points have no time: remove it, or set [scheduling]cycling mode.",
            )
        values = [*args, *kwargs.values()]
        if len(values) > 1 or set(kwargs) - {"offset"}:
            raise ConfigError(
                f"xtrigger {label}: wall_clock takes offset and sequential only",
                location=location,
                hint="For example wall_clock(offset=PT1H).",
            )
        for value in values:
            try:
                self._cycling.interval(str(value))
            except TidemillError as error:
                raise ConfigError(f"xtrigger {label}: invalid offset {value!r}: {error}", location=location) from error


def _check_echo(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    if not isinstance(kwargs.get("succeed"), bool):
        return "echo needs succeed=True or succeed=False"
    return None


def _check_xrandom(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    percent = args[0] if args else kwargs.get("percent")
    seconds = args[1] if len(args) > 1 else kwargs.get("secs", 0)
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= 100:
        return f"xrandom needs a percent between 0 and 100, not {percent!r}"
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        return f"secs of xrandom must be a positive number, not {seconds!r}"
    return None


def _check_workflow_state(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    target = args[0] if args else kwargs.get("workflow_task_id")
    if not isinstance(target, str) or "//" not in target:
        return "workflow_state needs a task of another workflow: workflow//cycle/task:status"
    return None


_CHECKS = {"echo": _check_echo, "xrandom": _check_xrandom, "workflow_state": _check_workflow_state}
