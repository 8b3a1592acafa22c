"""A rule, and where it was not kept."""

from __future__ import annotations

from attrs import frozen

STYLE, UPGRADE, WORKFLOW = "style", "728", "workflow"
RULESETS = (STYLE, UPGRADE, WORKFLOW)
"""How files are written; what is left of Cylc 7; what the workflow as a whole has that nobody needs, or lacks."""


@frozen
class Rule:
    """One rule. The codes of `STYLE` and `UPGRADE` are those of Cylc 8.5 where it has the rule; ``W`` are our own."""

    code: str
    name: str
    ruleset: str
    summary: str


@frozen
class Finding:
    """A place where a rule is not kept."""

    rule: Rule
    file: str
    line: int
    """1-based; 0 for the file as a whole."""
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"[{self.rule.code}] {where}: {self.text}"
