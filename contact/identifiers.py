"""Identifiers: ``~user/workflow//cycle/task/job`` and its short and old forms, read and written in this one
place.

Plain tuples and regular expressions only: a job's messenger imports this module thousands of times a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from .exceptions import IdentifierError

RESERVED_NAMES = frozenset({"log", "share", "work", "runN", "suite.rc", "flow.cylc", ".service", "_cylc-install"})

_WORKFLOW_CHARACTERS = re.compile(r"[\w/+\-.@]+")
_RUN_NUMBER = re.compile(r"run(\d+|N)")
_LONGEST_NAME = 254

_GLOB_CHARACTERS = re.compile(r"[*?\[]")
_OLD_DOTTED = re.compile(r"(?P<task>[^~:/.\s][^~:/\s]*)\.(?P<cycle>\d[^~.:/\s]*)(?::(?P<selector>[^~:/.\s]+))?")
_OLD_SLASHED = re.compile(r"(?P<cycle>\d[^~.:/\s]*)/(?P<task>[^~:/\s]+)(?::(?P<selector>[^~:/\s]+))?")
_TOKEN = r"[^~:/\n]+"
_SELECTOR = r"[^~:/\n]+"
# ISO 8601 points may hold colons (2020-01-01T00:00Z): a colon between two digits of a time belongs to the
# point.
_CYCLE = r"(?:[^~:/\n]|(?<=T\d\d):(?=\d\d)|(?<=[+-]\d\d):(?=\d\d)|(?<=:\d\d):(?=\d\d))+"
_RELATIVE = re.compile(
    rf"(?P<cycle>{_CYCLE})(?::(?P<cycle_selector>{_SELECTOR}))?"
    rf"(?:/(?:(?P<task>{_TOKEN})(?::(?P<task_selector>{_SELECTOR}))?"
    rf"(?:/(?:(?P<job>{_TOKEN})(?::(?P<job_selector>{_SELECTOR}))?)?)?)?)?"
)


class Identifier(NamedTuple):
    """One identifier, in parts; None for what it leaves out."""

    user: str | None = None
    workflow: str | None = None
    workflow_selector: str | None = None
    cycle: str | None = None
    cycle_selector: str | None = None
    task: str | None = None
    task_selector: str | None = None
    job: str | None = None
    job_selector: str | None = None

    def __str__(self) -> str:
        left = ""
        if self.user is not None:
            left = f"~{self.user}"
        if self.workflow is not None:
            left += f"{'/' if left else ''}{_selected(self.workflow, self.workflow_selector)}"
        if self.cycle is None:
            return left
        return f"{left}//{self.relative}"

    @property
    def relative(self) -> str:
        """The part after ``//``: ``cycle/task/job`` with selectors; empty if it names a workflow."""
        if self.cycle is None:
            return ""
        text = _selected(self.cycle, self.cycle_selector)
        if self.task is not None:
            text += f"/{_selected(self.task, self.task_selector)}"
            if self.job is not None:
                text += f"/{_selected(self.job, self.job_selector)}"
        return text

    @property
    def workflow_part(self) -> Identifier:
        """The same without cycle, task and job."""
        return Identifier(self.user, self.workflow, self.workflow_selector)

    @property
    def is_pattern(self) -> bool:
        """Whether any part is a glob pattern."""
        return any(part is not None and is_glob(part) for part in (self.workflow, self.cycle, self.task, self.job))

    def within(self, workflow: Identifier) -> Identifier:
        """This relative identifier as part of `workflow`."""
        return self._replace(
            user=workflow.user, workflow=workflow.workflow, workflow_selector=workflow.workflow_selector
        )


def parse_identifier(text: str, *, relative: bool = False) -> Identifier:
    """Read one identifier.

    Arguments:
        text: ``[~user/]workflow[:sel]//cycle[:sel]/task[:sel]/job[:sel]``, every right part optional, or
            ``//cycle/task/job``. Jobs are padded (``1`` is ``01``); ``NN`` stays.
        relative: the leading ``//`` may be left out, and the old ``task.cycle[:selector]`` is understood.

    Raises:
        IdentifierError: it is none of these.
    """
    if text != text.strip() or not text:
        raise IdentifierError(f"Invalid ID: {text!r}: it is empty or has white space around it")
    if text.startswith("//"):
        return _parse_relative(text[2:], text)
    if relative:
        old = _OLD_DOTTED.fullmatch(text)
        if old:
            return Identifier(cycle=old["cycle"], task=old["task"], task_selector=old["selector"])
        return _parse_relative(text, text)
    left, separator, right = text.partition("//")
    user = None
    if left.startswith("~"):
        user, _, left = left[1:].partition("/")
        if not user or ":" in user:
            raise IdentifierError(f"Invalid ID: {text}: no user after the ~")
    workflow, _, selector = left.partition(":")
    workflow = workflow.rstrip("/")
    if "~" in left or "\n" in left or ":" in selector or (":" in left and not selector):
        raise IdentifierError(f"Invalid ID: {text}: expected ~user/workflow//cycle/task/job")
    if not workflow and (separator or selector or user is None):
        raise IdentifierError(f"Invalid ID: {text}: no workflow before the //")
    result = Identifier(user, workflow or None, selector or None)
    if right:
        return _parse_relative(right, text).within(result)
    return result


def parse_identifiers(arguments: Sequence[str]) -> list[Identifier]:
    """Read the identifiers of a command line, where ``wf //1/a //1/b`` means ``wf//1/a wf//1/b``.

    The old forms ``wf task.cycle`` and ``wf cycle/task`` are read as Cylc 8.5 does: after a workflow, if the
    cycle begins with a digit.

    Raises:
        IdentifierError: one is not valid, or a relative one has nothing to be relative to.
    """
    result: list[Identifier] = []
    base: Identifier | None = None
    used = False
    for argument in arguments:
        identifier = None
        if base is not None and "//" not in argument:
            identifier = _parse_old(argument)
        if identifier is None:
            identifier = parse_identifier(argument)
        if identifier.workflow is None and identifier.cycle is not None:
            if base is None:
                raise IdentifierError(
                    f"{argument} says no workflow: name the workflow first, as in: WORKFLOW {argument}"
                )
            used = True
            result.append(identifier.within(base))
            continue
        if base is not None and not used:
            result.append(base)
        if identifier.cycle is None:
            base, used = identifier, False
        else:
            base = None
            result.append(identifier)
    if base is not None and not used:
        result.append(base)
    return result


def format_identifier(
    user: str,
    workflow: str,
    cycle: str | None = None,
    task: str | None = None,
    *,
    job: int | str | None = None,
) -> str:
    """The full identifier of a workflow, cycle, task or job: ``~user/wf//1/foo/01``. The fast way for the
    picture."""
    if cycle is None:
        return f"~{user}/{workflow}"
    if task is None:
        return f"~{user}/{workflow}//{cycle}"
    if job is None:
        return f"~{user}/{workflow}//{cycle}/{task}"
    return f"~{user}/{workflow}//{cycle}/{task}/{format_job(job)}"


def format_job(job: int | str) -> str:
    """A submit number as identifiers and log directories show it: at least two digits; ``NN`` and globs as
    they are."""
    text = str(job)
    return text.zfill(2) if text.isdecimal() else text


def is_glob(text: str) -> bool:
    """Whether a text holds a glob character."""
    return _GLOB_CHARACTERS.search(text) is not None


def matches(pattern: str, text: str) -> bool:
    """Whether a name matches a pattern (``* ? [seq] [!seq]``, case counts) or equals it."""
    return pattern == text or (is_glob(pattern) and fnmatchcase(text, pattern))


def match_names(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that match a pattern, in their order."""
    if not is_glob(pattern):
        return [name for name in names if name == pattern]
    return [name for name in names if fnmatchcase(name, pattern)]


def validate_workflow_name(name: str, *, allow_run_number: bool = False) -> None:
    """Refuse what cannot name a workflow (Cylc 8.5 rules).

    Arguments:
        name: may hold folders (``a/b/c``).
        allow_run_number: it is the id of a run, so its last part may be ``run3``.

    Raises:
        IdentifierError: saying which rule it breaks.
    """
    problem = _problem_of_name(name, allow_run_number)
    if problem:
        raise IdentifierError(f"Invalid workflow name {name!r}: {problem}")


def _problem_of_name(name: str, allow_run_number: bool) -> str | None:
    if not name:
        return "it is empty"
    if len(name) > _LONGEST_NAME:
        return f"it is longer than {_LONGEST_NAME} characters"
    if name[0] in ".-/" or name[0].isdigit():
        return f"it cannot start with {name[0]!r}"
    if not _WORKFLOW_CHARACTERS.fullmatch(name):
        wrong = next(character for character in name if not _WORKFLOW_CHARACTERS.match(character))
        return f"it cannot contain {wrong!r}; letters, digits and _ + - . @ / can"
    parts = name.split("/")
    for index, part in enumerate(parts):
        if part in ("", ".", ".."):
            return f"it cannot contain the part {part!r}"
        if part in RESERVED_NAMES or part.startswith("_cylc"):
            return f"{part!r} is reserved"
        if _RUN_NUMBER.fullmatch(part) and not (allow_run_number and index == len(parts) - 1 and index > 0):
            return f"{part!r} is reserved for numbered runs"
    return None


def _parse_relative(text: str, whole: str) -> Identifier:
    match = _RELATIVE.fullmatch(text)
    if not match:
        raise IdentifierError(f"Invalid ID: {whole}: expected cycle/task/job after the workflow")
    job = match["job"]
    return Identifier(
        cycle=match["cycle"],
        cycle_selector=match["cycle_selector"],
        task=match["task"],
        task_selector=match["task_selector"],
        job=None if job is None else format_job(job),
        job_selector=match["job_selector"],
    )


def _parse_old(text: str) -> Identifier | None:
    match = _OLD_DOTTED.fullmatch(text) or _OLD_SLASHED.fullmatch(text)
    if not match:
        return None
    return Identifier(cycle=match["cycle"], task=match["task"], task_selector=match["selector"])


def _selected(text: str, selector: str | None) -> str:
    return text if selector is None else f"{text}:{selector}"
