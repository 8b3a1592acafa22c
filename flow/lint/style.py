"""Rules of style, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .finding import STYLE, Rule
from .lines import HEADING, ITEM, VALUE, Line

DEFAULT_LINE_LENGTH = 130


def _rule(code: str, name: str, summary: str) -> Rule:
    return Rule(code, name, STYLE, summary)


TABS = _rule("S001", "tabs", "indent with spaces, not tabs")
NOT_INDENTED = _rule("S002", "item-not-indented", "items in a section are indented")
TOP_INDENTED = _rule("S003", "top-section-indented", "top level sections are not indented")
SECOND_INDENT = _rule("S004", "second-section-indent", "second level sections are indented by 4 spaces")
THIRD_INDENT = _rule("S005", "third-section-indent", "third level sections are indented by 8 spaces")
TRAILING = _rule("S006", "trailing-space", "no white space at the end of a line")
FAMILY_CASE = _rule("S007", "family-lower-case", "names of families are in upper case")
NO_SHEBANG = _rule("S008", "jinja2-without-shebang", "a file with Jinja2 in it begins with #!jinja2")
BACKTICKS = _rule("S010", "platform-backticks", "platform = $(command), not backticks")
COMMENTED_JINJA = _rule("S011", "commented-jinja2", "Jinja2 in a comment is still evaluated: write {# ... #}")
LONG_LINE = _rule("S012", "long-line", "a line is no longer than the maximum, 130 unless configured")
ITEM_INDENT = _rule("S013", "item-indent", "items are indented in steps of 4 spaces")
TIME_LIMIT = _rule("S014", "time-limit-directive", "set 'execution time limit', not a directive of the job runner")
ARROW_CONTINUED = _rule("S015", "arrow-continued", "a line that ends in => is continued without a backslash")
NOT_LIVE = _rule("S017", "run-mode-not-live", "a task whose run mode is not live only appears to run")

RULES = (
    TABS,
    NOT_INDENTED,
    TOP_INDENTED,
    SECOND_INDENT,
    THIRD_INDENT,
    TRAILING,
    FAMILY_CASE,
    NO_SHEBANG,
    BACKTICKS,
    COMMENTED_JINJA,
    LONG_LINE,
    ITEM_INDENT,
    TIME_LIMIT,
    ARROW_CONTINUED,
    NOT_LIVE,
)

_JINJA = re.compile(r"\{\{|\{%|\{#")
_TIME_DIRECTIVES = re.compile(
    r"\s*(?:-l\s*walltime|-l\s*h_rt|-l\s*s_rt|-l\s*wall_clock_limit|--time|-t\b|-W\b|wall_clock_limit)\s*(?:=|$)"
)
GRAPHS = (("scheduling", "graph"), ("scheduling", "dependencies"))
_HEADING_INDENTS = {2: (SECOND_INDENT, 4), 3: (THIRD_INDENT, 8)}


def check_line(
    line: Line, *, maximum_length: int = DEFAULT_LINE_LENGTH, has_shebang: bool = True
) -> Iterator[tuple[Rule, str]]:
    """What is not in style in one line."""
    text = line.text
    if "\t" in line.indent and line.kind != VALUE:
        yield TABS, "tab in the indentation: use spaces"
    if text != text.rstrip():
        yield TRAILING, "white space at the end of the line"
    if len(text) > maximum_length:
        yield LONG_LINE, f"{len(text)} characters: a line should have {maximum_length} at most"
    yield from _indentation(line)
    if _JINJA.search(text):
        if not has_shebang:
            yield NO_SHEBANG, "Jinja2 is not evaluated: the first line of the file is not #!jinja2"
        elif text.lstrip().startswith("#") and line.number > 1:
            yield COMMENTED_JINJA, "Jinja2 in a comment is evaluated all the same: write {# ... #}"
    if line.section[:2] in GRAPHS and text.rstrip().endswith("\\") and text.rstrip(" \\").endswith("=>"):
        yield ARROW_CONTINUED, "=> goes on in the next line without a backslash"
    yield from _items(line)


def _indentation(line: Line) -> Iterator[tuple[Rule, str]]:
    spaces = len(line.indent)
    if line.kind == HEADING:
        depth = len(line.text.strip()) - len(line.text.strip().lstrip("["))
        if depth == 1 and spaces:
            yield TOP_INDENTED, "a top level section should not be indented"
        elif depth in _HEADING_INDENTS and _HEADING_INDENTS[depth][1] != spaces:
            rule, wanted = _HEADING_INDENTS[depth]
            yield rule, f"a section of level {depth} should be indented by {wanted} spaces, not {spaces}"
    elif line.kind == ITEM and line.section:
        if not spaces:
            yield NOT_INDENTED, f"{line.key}: an item should be indented"
        elif spaces % 4 or "\t" in line.indent:
            yield ITEM_INDENT, f"{line.key}: items should be indented in steps of 4 spaces"


def _items(line: Line) -> Iterator[tuple[Rule, str]]:
    if line.kind != ITEM or not line.is_in("runtime", "*"):
        return
    if line.key == "inherit":
        value = line.value.partition("#")[0].strip("'\" ")
        for name in (one.strip() for one in value.split(",")):
            bare = re.sub(r"<.*?>|\{\{.*?\}\}|\{%.*?%\}", "", name)
            if bare not in ("None", "root", "") and bare != bare.upper():
                yield FAMILY_CASE, f"{name}: names of families should be in upper case"
    elif line.key == "platform" and "`" in line.value:
        yield BACKTICKS, "backticks are deprecated: write $(command)"
    elif line.key == "run mode" and line.value.strip("'\" ") not in ("live", ""):
        yield NOT_LIVE, f"run mode is {line.value}: the task only appears to run"
    elif line.is_in("runtime", "*", "directives") and _TIME_DIRECTIVES.match(f"{line.key} ="):
        yield TIME_LIMIT, f"{line.key}: set 'execution time limit' instead, which the scheduler knows, too"
