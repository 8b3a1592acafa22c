"""`tidemill lint`: look workflow files over."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import cli_command, template_options, template_variables
from .printer import Printer
from .workflows import find_definition

if TYPE_CHECKING:
    from ..flow.lint.finding import Finding


@cli_command(
    epilog="""
  tidemill lint ./ocean                   all rules
  tidemill lint -r 728 ./ocean            what is left of Cylc 7
  tidemill lint -n S012 -n tabs ./ocean   leave rules out, by code or name
  tidemill lint --list-codes              the rules
"""
)
@click.argument("workflow", required=False, default=".", metavar="[WORKFLOW | PATH]")
@click.option("-r", "--ruleset", "rulesets", multiple=True, metavar="RULESET", help="style, 728, workflow or all.")
@click.option("-n", "--ignore", "ignored", multiple=True, metavar="RULE", help="Leave a rule out. May be repeated.")
@click.option("-i", "--inplace", is_flag=True, help="Write what was found into the files, as comments.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever was found.")
@click.option("--list-codes", is_flag=True, help="List the rules.")
@template_options
def command(
    printer: Printer,
    workflow: str,
    rulesets: tuple[str, ...],
    ignored: tuple[str, ...],
    inplace: bool,
    exit_zero: bool,
    list_codes: bool,
    set_values: tuple[str, ...],
    set_list: tuple[str, ...],
    set_file: str | None,
) -> int:
    """Look over the .cylc and .rc files of a workflow: style, what is left of Cylc 7, and likely mistakes.

    Exits with 1 if something was found. A comment "# noqa" excuses its line, "# noqa: S001 tabs" from these rules. A
    pyproject.toml beside flow.cylc may set ignore, exclude, rulesets and max-line-length in [tool.cylc.lint].
    """
    from ..flow.lint.finding import RULESETS
    from ..flow.lint.lint import RULES, LintSettings, configured, known_rules, known_rulesets, lint

    if list_codes:
        listing = [
            {"code": one.code, "name": one.name, "ruleset": one.ruleset, "summary": one.summary} for one in RULES
        ]
        printer.result(
            listing,
            "\n".join(f"{one.code}  {one.name:28}  {one.ruleset:9} {one.summary}" for one in RULES),
        )
        return 0
    directory = find_definition(workflow).directory
    settings = configured(
        directory,
        LintSettings(
            ignored=known_rules(ignored, where="--ignore"),
            template_variables=template_variables(set_values, set_list, set_file),
        ),
    )
    if rulesets:
        from attrs import evolve

        settings = evolve(settings, rulesets=known_rulesets(rulesets))
    findings = lint(directory, settings, environment=os.environ, now=time.time())
    if inplace:
        _write_in(directory, findings)
    shown = [name for name in RULESETS if name in settings.rulesets]
    count = f"{len(findings)} issue{'s' if len(findings) > 1 else ''}" if findings else "no issues"
    printer.result(
        [
            {"code": one.rule.code, "name": one.rule.name, "file": one.file, "line": one.line, "text": one.text}
            for one in findings
        ],
        "\n".join([*map(str, findings), f"Checked {directory} against {', '.join(shown)}: found {count}."]),
    )
    return 1 if findings and not exit_zero else 0


def _write_in(directory: Path, findings: list[Finding]) -> None:
    """Put each finding above its line."""
    by_file: dict[str, dict[int, list[Finding]]] = {}
    for one in findings:
        by_file.setdefault(one.file, {}).setdefault(max(one.line, 1), []).append(one)
    for file, by_line in by_file.items():
        path = directory / file
        lines = path.read_text(encoding="utf-8").splitlines()
        # The first line may be the #! of the template: it must stay the first.
        after_first = by_line.pop(1, []) if lines and lines[0].startswith("#!") else []
        written: list[str] = []
        for number, line in enumerate(lines, 1):
            written += [f"# [{one.rule.code}]: {one.text}" for one in by_line.get(number, ())]
            written.append(line)
            if number == 1:
                written += [f"# [{one.rule.code}]: {one.text}" for one in after_first]
        path.write_text("\n".join(written) + "\n", encoding="utf-8")
