"""The linter: what each rule finds, what it leaves alone, and what is excused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.cli.main import main
from tidemill.flow.lint.finding import RULESETS
from tidemill.flow.lint.lint import RULES, LintError, LintSettings, configured, files_of, known_rules, lint

CLEAN = """#!jinja2
{% set COUNT = 3 %}
{# a comment with {{ anything }} #}
# a comment
[scheduler]
    allow implicit tasks = False
[task parameters]
    m = 1..{{ COUNT }}
[scheduling]
    initial cycle point = 2020-01-01
    [[xtriggers]]
        clock = wall_clock()
    [[graph]]
        P1D = \"\"\"
            @clock => a<m>
            a<m>:file => b =>
                c
            b:fail? => d
            FAM:succeed-all
        \"\"\"
[runtime]
    [[FAM]]
    [[a<m>]]
        inherit = FAM
        platform = $(choose)
        script = \"\"\"
	tabs are fine in a script
          {% if COUNT > 2 %}
            cylc message -- done
          {% endif %}
        \"\"\"
        [[[outputs]]]
            file = the file
        [[[directives]]]
            -l mem = 2gb
    [[b, c, d]]
"""


def found(tmp_path: Path, text: str, **settings: object) -> list[tuple[str, int]]:
    """Codes and lines of what is found in a `flow.cylc`."""
    (tmp_path / "flow.cylc").write_text(text)
    findings = lint(tmp_path, LintSettings(**settings), environment={}, now=0.0)
    return [(one.rule.code, one.line) for one in findings]


def test_a_good_workflow_has_nothing_to_be_found(tmp_path: Path) -> None:
    """Neither in scripts, nor in templates, nor in what it defines."""
    text = CLEAN.replace("b:fail? => d", "b:fail? => d\n            b? => e").replace("=> b =>", "=> b? =>")
    assert found(tmp_path, text.replace("[[b, c, d]]", "[[b, c, d, e]]")) == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("S001", "\tx = 1"),
        ("S002", "title = 1"),
        ("S003", "  [scheduling]"),
        ("S004", "  [[graph]]"),
        ("S005", "    [[[events]]]"),
        ("S006", "    title = 1 "),
        ("S007", "        inherit = Fam"),
        ("S010", "        platform = `choose`"),
        ("S011", "    # {{ x }}"),
        ("S012", "    title = " + 130 * "x"),
        ("S013", "     title = x"),
        ("S017", "        run mode = skip"),
        ("U003", "        [[[remote]]]"),
        ("U004", "        [[[job]]]"),
        ("U009", "        script = cylc suite-state x"),
        ("U010", "        script = rose suite-hook"),
        ("U011", "{% set X = 01 %}"),
        ("U012", "        script = $CYLC_SUITE_NAME"),
        ("U014", "        script = rose date -c"),
        ("U015", "        script = echo %(suite)s"),
        ("U999", "        extra log files = x"),
    ],
)
def test_each_rule_finds_its_line(tmp_path: Path, code: str, line: str) -> None:
    """At the line it is about, with its code; an excuse on the line silences it."""
    text = f"#!jinja2\n[runtime]\n    [[a]]\n{line}\n"
    assert (code, 4) in found(tmp_path, text, rulesets=frozenset({"style", "728"}))
    if line.startswith("{%") or code in ("S006", "S012"):
        return
    name = next(rule.name for rule in RULES if rule.code == code)
    for excuse in ("# noqa", f"# noqa: {code}", f"# noqa: X1, {name}"):
        assert (code, 4) not in found(tmp_path, text.replace(line, f"{line} {excuse}"))
    assert (code, 4) in found(tmp_path, text.replace(line, f"{line} # noqa: S999"))


@pytest.mark.parametrize(
    ("code", "section", "line"),
    [
        ("S014", "        [[[directives]]]", "            -l walltime = 10"),
        ("U005", "        [[[job]]]", "            batch system = pbs"),
        ("U006", "        [[[remote]]]", "            host = `hostname`"),
        ("U007", "        [[[remote]]]", "            host = $(rose host-select x)"),
        ("U998", "        [[[events]]]", "            failed handler = echo"),
    ],
)
def test_rules_on_items_of_a_section(tmp_path: Path, code: str, section: str, line: str) -> None:
    """They know in which section an item lies."""
    text = f"[runtime]\n    [[a]]\n{section}\n{line}\n"
    assert (code, 4) in found(tmp_path, text)


def test_rules_on_graphs(tmp_path: Path) -> None:
    """Old sections, suicide triggers and needless backslashes."""
    text = """[scheduling]
    [[dependencies]]
        [[[R1]]]
            graph = \"\"\"
                a => \\
                b & \\
                c
                b:fail => !c
            \"\"\"
"""
    codes = found(tmp_path, text)
    for expected in (("U001", 2), ("U002", 4), ("S015", 5), ("U017", 6), ("U008", 8)):
        assert expected in codes


def test_jinja2_without_its_first_line(tmp_path: Path) -> None:
    """It would not be evaluated."""
    assert ("S008", 3) in found(tmp_path, "[runtime]\n    [[a]]\n        script = {{ x }}\n")


def test_rules_on_the_workflow_as_a_whole(tmp_path: Path) -> None:
    """What it defines and nothing needs, and what fails in silence."""
    text = """[scheduler]
    allow implicit tasks = True
[task parameters]
    m = 1..3
[scheduling]
    initial cycle point = 2020
    [[xtriggers]]
        unused = echo(succeed=True)
    [[graph]]
        R1 = "a? => b"
[runtime]
    [[a]]
        [[[outputs]]]
            x = a message
    [[nobody]]
"""
    codes = found(tmp_path, text, rulesets=frozenset({"workflow"}))
    assert codes == [("W007", 0), ("W005", 4), ("W003", 8), ("W006", 12), ("W004", 14), ("W002", 15)]


def test_a_workflow_that_is_not_valid_is_one_finding(tmp_path: Path) -> None:
    """At its place; the other rulesets are looked at all the same."""
    text = "[scheduling]\n    [[graph]]\n        R1 = a =>\n[runtime]\n    [[a]]\n     script = x\n"
    assert found(tmp_path, text) == [("W001", 3), ("S013", 6)]


def test_a_pyproject_file_configures_it(tmp_path: Path) -> None:
    """As Cylc's, or as our own; what it does not know is an error."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.cylc.lint]\nignore = ['S006', 'S099']\nmax-line-length = 20\nrulesets = ['style']\nexclude = ['inc/*']\n"
    )
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "x.cylc").write_text("\tx = 1\n")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "y.cylc").write_text("\tx = 1\n")
    (tmp_path / "flow.cylc").write_text("[scheduling]\n    title = a long, long line \n")
    settings = configured(tmp_path, LintSettings())
    assert [path.name for path in files_of(tmp_path, settings)] == ["flow.cylc"]
    assert [one.rule.code for one in lint(tmp_path, settings, environment={}, now=0.0)] == ["S012"]
    (tmp_path / "pyproject.toml").write_text("[tool.cylc.lint]\nignored = ['S006']\n")
    with pytest.raises(LintError, match="has no ignored"):
        configured(tmp_path, LintSettings())
    with pytest.raises(LintError, match="there is no rule X1"):
        known_rules(["X1"], where="--ignore")


def test_codes_and_names_are_unique() -> None:
    """Either stands for its rule."""
    assert len({rule.code for rule in RULES} | {rule.name for rule in RULES}) == 2 * len(RULES)
    assert {rule.ruleset for rule in RULES} == set(RULESETS)


def test_the_command_exits_with_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 if there was something, unless told otherwise; in place it leaves comments that change nothing else."""
    (tmp_path / "flow.cylc").write_text("[scheduling]\n    [[graph]]\n        R1 = a \n[runtime]\n    [[a]]\n")
    assert main(["lint", str(tmp_path)]) == 1
    assert "[S006] flow.cylc:3: white space at the end of the line\n" in capsys.readouterr().out
    assert main(["lint", "--exit-zero", str(tmp_path)]) == 0
    assert main(["lint", "-n", "trailing-space", str(tmp_path)]) == 0
    assert main(["lint", "-r", "728", str(tmp_path)]) == 0
    assert main(["lint", "-i", str(tmp_path)]) == 1
    assert "# [S006]: white space at the end of the line\n        R1 = a \n" in (tmp_path / "flow.cylc").read_text()
    assert main(["lint", "--list-codes"]) == 0
    assert "S001  tabs" in capsys.readouterr().out
