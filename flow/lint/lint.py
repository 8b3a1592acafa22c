"""Looking over all files of a workflow: which rules, which files, which lines are excused."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from ...exceptions import TidemillError
from ..language.build import build_definition
from ..language.config import load_config
from ..language.exceptions import LanguageError
from . import style, upgrades, workflow
from .finding import RULESETS, WORKFLOW, Finding, Rule
from .lines import scan
from .style import DEFAULT_LINE_LENGTH

RULES: tuple[Rule, ...] = (*style.RULES, *upgrades.RULES, *workflow.RULES)
SUFFIXES = (".cylc", ".rc")
_NOT_LOOKED_AT = frozenset({"log", "work", "share", "node_modules"})
_EXCUSE = re.compile(r"#\s*noqa(?::\s*(?P<codes>[\w ,-]+))?", re.IGNORECASE)


class LintError(TidemillError):
    """The linter is not configured as it must be."""


@frozen
class LintSettings:
    """What to look for."""

    rulesets: frozenset[str] = frozenset(RULESETS)
    ignored: frozenset[str] = frozenset()
    """Codes or names of rules."""
    excluded: tuple[str, ...] = ()
    """Globs of files, relative to the workflow."""
    maximum_line_length: int = DEFAULT_LINE_LENGTH
    template_variables: Mapping[str, Any] = field(factory=dict)

    def wants(self, rule: Rule) -> bool:
        """Whether a rule is looked at."""
        return rule.ruleset in self.rulesets and rule.code not in self.ignored and rule.name not in self.ignored


def configured(directory: Path, settings: LintSettings) -> LintSettings:
    """Settings with those of the workflow's ``pyproject.toml``: ``[tool.cylc.lint]`` and ``[tool.tidemill.lint]``.

    Raises:
        LintError: the file is not as it must be.
    """
    path = directory / "pyproject.toml"
    if not path.is_file():
        return settings
    try:
        tools = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError) as error:
        raise LintError(f"{path}: {error}") from error
    for tool in ("cylc", "tidemill"):
        table = tools.get(tool, {}).get("lint", {})
        unknown = table.keys() - {"ignore", "exclude", "rulesets", "max-line-length"}
        if unknown:
            raise LintError(f"{path}: [tool.{tool}.lint] has no {', '.join(sorted(unknown))}")
        settings = evolve(
            settings,
            ignored=settings.ignored | known_rules(table.get("ignore", ()), where=str(path), strict=tool != "cylc"),
            excluded=(*settings.excluded, *table.get("exclude", ())),
            rulesets=known_rulesets(table["rulesets"]) if "rulesets" in table else settings.rulesets,
            maximum_line_length=int(table.get("max-line-length", settings.maximum_line_length)),
        )
    return settings


def known_rules(names: Collection[str], *, where: str, strict: bool = True) -> frozenset[str]:
    """Codes or names of rules; raises `LintError` for one that is none (Cylc has some that are not among ours)."""
    known = {rule.code for rule in RULES} | {rule.name for rule in RULES}
    unknown = [name for name in names if name not in known] if strict else []
    if unknown:
        raise LintError(f"{where}: there is no rule {', '.join(unknown)}; --list-codes lists them")
    return frozenset(names)


def known_rulesets(names: Collection[str]) -> frozenset[str]:
    """Rulesets by name, ``all`` for all; raises `LintError` for one that is none."""
    if "all" in names:
        return frozenset(RULESETS)
    if unknown := set(names) - set(RULESETS):
        raise LintError(f"there is no ruleset {', '.join(sorted(unknown))}; there are {', '.join(RULESETS)} and all")
    return frozenset(names)


def files_of(directory: Path, settings: LintSettings) -> Iterator[Path]:
    """The files of a workflow that are looked over, in order of their names."""
    for folder, folders, files in os.walk(directory):
        at_top = Path(folder) == directory
        folders[:] = sorted(
            name for name in folders if not name.startswith((".", "_")) and not (at_top and name in _NOT_LOOKED_AT)
        )
        for name in sorted(files):
            path = Path(folder) / name
            relative = str(path.relative_to(directory))
            is_excluded = any(fnmatchcase(relative, glob) for glob in settings.excluded)
            if name.endswith(SUFFIXES) and not name.startswith(".") and not is_excluded:
                yield path


def lint(directory: Path, settings: LintSettings, *, environment: Mapping[str, str], now: float) -> list[Finding]:
    """Look a workflow over; what was found, by file and line.

    Args:
        directory: of the workflow.
        settings: what to look for.
        environment: what templates may see.
        now: seconds since the epoch, for cycle points relative to the present.

    Raises:
        LintError: a file cannot be read.
    """
    findings: list[Finding] = []
    excuses: dict[tuple[str, int], str | None] = {}
    top = next((name for name in ("flow.cylc", "suite.rc") if (directory / name).is_file()), "")
    has_shebang = _first_line(directory / top).strip().lower().startswith("#!jinja2") if top else True
    for path in files_of(directory, settings):
        relative = str(path.relative_to(directory))
        try:
            texts = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise LintError(f"{path} cannot be read: {error}") from error
        for line in scan(relative, texts):
            if "noqa" in line.text and (match := _EXCUSE.search(line.text)):
                excuses[relative, line.number] = match["codes"]
            found = [
                *style.check_line(
                    line,
                    maximum_length=settings.maximum_line_length,
                    # What is included is evaluated with the file that includes it.
                    has_shebang=has_shebang,
                ),
                *upgrades.check_line(line),
            ]
            findings += [Finding(rule, relative, line.number, text) for rule, text in found]
    if WORKFLOW in settings.rulesets:
        findings += _of_workflow(directory, settings, environment, now)
    return sorted(
        (one for one in findings if settings.wants(one.rule) and not _is_excused(one, excuses)),
        key=lambda one: (one.file, one.line, one.rule.code),
    )


def _of_workflow(directory: Path, settings: LintSettings, environment: Mapping[str, str], now: float) -> list[Finding]:
    try:
        config = load_config(str(directory), template_variables=settings.template_variables, environment=environment)
        definition = build_definition(config, now=now)
    except LanguageError as error:
        location = getattr(error, "location", None)
        file, line = (location.file, location.line) if location is not None else ("flow.cylc", 0)
        first = str(error).splitlines()[0].removeprefix(f"{file}:{line}: ")
        return [Finding(workflow.INVALID, file, line, f"not valid: {first}")]
    except TidemillError as error:
        return [Finding(workflow.INVALID, "flow.cylc", 0, f"not valid: {str(error).splitlines()[0]}")]
    return [
        evolve(one, file=os.path.relpath(one.file, directory) if os.path.isabs(one.file) else one.file)
        for one in workflow.check_workflow(config, definition)
    ]


def _is_excused(finding: Finding, excuses: Mapping[tuple[str, int], str | None]) -> bool:
    place = (finding.file, finding.line)
    if place not in excuses:
        return False
    codes = excuses[place]
    return codes is None or not {finding.rule.code, finding.rule.name}.isdisjoint(re.split(r"[ ,]+", codes))


def _first_line(path: Path) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline()
