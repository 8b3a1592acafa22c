"""Output names: the standard ones, their aliases, family qualifiers, and which outputs a graph requires."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from .definition import EXPIRED, FAILED, STANDARD_OUTPUTS, STARTED, SUBMIT_FAILED, SUBMITTED, SUCCEEDED
from .exceptions import GraphError
from .source import Location

FINISHED = "finished"
"""Not an output: succeeded or failed."""

ALIASES: Mapping[str, str] = {
    "succeed": SUCCEEDED,
    "fail": FAILED,
    "start": STARTED,
    "submit": SUBMITTED,
    "submit-fail": SUBMIT_FAILED,
    "expire": EXPIRED,
    "finish": FINISHED,
}
"""Short qualifiers to the outputs they stand for."""

FAMILY_QUALIFIERS: Mapping[str, tuple[str, str]] = {
    f"{alias}-{extent}": (output, extent) for alias, output in ALIASES.items() for extent in ("all", "any")
}
"""Family qualifiers to the members' output and ``all`` or ``any``."""

OPPOSITES: tuple[tuple[str, str], ...] = ((SUCCEEDED, FAILED), (SUBMITTED, SUBMIT_FAILED))
ALWAYS_OPTIONAL = frozenset({EXPIRED, SUBMIT_FAILED})
STANDARD = frozenset(STANDARD_OUTPUTS)


class Usage(Struct):
    """How a graph says that an output is required or optional."""

    optional: bool
    family: str | None
    """The family it was said of: a default, which a use of the task itself overrides."""
    location: Location | None

    def describe(self) -> str:
        """``required``, with the family that made it so."""
        said = "optional" if self.optional else "required"
        return f"{said} through family {self.family}" if self.family else said

    def __str__(self) -> str:
        return f"{self.describe()} at {self.location}" if self.location else self.describe()


class Optionality:
    """Which outputs are required and which optional, gathered over all graph strings of a workflow.

    Cylc 8.5 behaviour: an output used without ``?`` is required, a plain task name means its success, also at
    the end of a chain.
    """

    def __init__(self, *, compatibility: bool = False) -> None:
        """Start with nothing said.

        Args:
            compatibility: Cylc 7 behaviour: the graph makes nothing required and cannot contradict itself.
        """
        self.compatibility = compatibility
        self.usages: dict[str, dict[str, Usage]] = {}

    def add(
        self,
        task: str,
        output: str,
        optional: bool,
        *,
        family: str | None = None,
        location: Location | None = None,
    ) -> None:
        """Note one use of an output in a graph.

        Raises:
            GraphError: It contradicts an earlier use, or the output cannot be used in this way.
        """
        if output == FINISHED:
            if self.compatibility:
                return
            if optional:
                raise GraphError(
                    f"{family or task}:finish cannot be marked with ?",
                    location=location,
                    hint="It already means succeeded or failed, both optional.",
                )
            self._record(task, SUCCEEDED, Usage(True, family, location))
            self._record(task, FAILED, Usage(True, family, location))
            return
        if output in ALWAYS_OPTIONAL and not optional and not self.compatibility:
            raise GraphError(
                f"{task}:{output} must be optional",
                location=location,
                hint=f"Write {task}:{_alias(output)}? here." if not family else "Put ? after the family qualifier.",
            )
        self._record(task, output, Usage(optional, family, location))

    def _record(self, task: str, output: str, usage: Usage) -> None:
        outputs = self.usages.setdefault(task, {})
        earlier = outputs.get(output)
        if earlier is None:
            outputs[output] = usage
            return
        if self.compatibility:
            return
        if earlier.family is not None and usage.family is None:
            outputs[output] = usage
        elif (earlier.family is None) == (usage.family is None) and earlier.optional != usage.optional:
            raise GraphError(
                f"{task}:{output} cannot be both required and optional: here it is {usage.describe()}",
                location=usage.location,
                hint=f"It was {earlier}. Use ? everywhere or nowhere.",
            )

    def check(self) -> None:
        """Raise `GraphError` where opposite outputs are both used and not both optional."""
        if self.compatibility:
            return
        for task, outputs in self.usages.items():
            for good, bad in OPPOSITES:
                first, second = outputs.get(good), outputs.get(bad)
                if first is None or second is None or (first.optional and second.optional):
                    continue
                wrong = second if not second.optional else first
                raise GraphError(
                    f"{task}:{good} and {task}:{bad} are both used, so both must be optional",
                    location=wrong.location,
                    hint=f"{good} is {first}; {bad} is {second}. Mark both with ?.",
                )

    def required(self, task: str) -> dict[str, bool]:
        """By output label: True if the graph requires it, False if it is marked optional."""
        if self.compatibility:
            return dict.fromkeys(self.usages.get(task, ()), False)
        return {label: not usage.optional for label, usage in self.usages.get(task, {}).items()}


def long_output(qualifier: str) -> str:
    """The output label that a qualifier stands for; none stands for success."""
    return ALIASES.get(qualifier, qualifier) if qualifier else SUCCEEDED


def _alias(output: str) -> str:
    return next((alias for alias, long in ALIASES.items() if long == output), output)
