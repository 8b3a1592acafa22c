"""Every bad configuration is refused with its file, its line and a reason a person understands."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.flow.language.config import load_config
from tidemill.flow.language.exceptions import LanguageError

GRAPH = "[scheduling]\n[[graph]]\nR1 = a\n"  # lines 1-3; what follows starts at line 4

BAD: list[tuple[str, str, int, str]] = [
    # line grammar
    ("garbage line", "[meta]\nwhat is this\n", 2, "not a section, item or comment: what is this"),
    ("no key", "[meta]\n= value\n", 2, "not a section, item or comment"),
    ("bad character in key", "[meta]\na@b = 1\n", 2, "not a section, item or comment"),
    ("too many closing brackets", "[meta]]\n", 1, "brackets do not match"),
    ("too few closing brackets", "[scheduling]\n[[graph]\n", 2, "brackets do not match"),
    ("never closed heading", "[meta\n", 1, "without closing bracket"),
    ("text after heading", "[meta] title = x\n", 1, "text after a section heading"),
    ("empty heading", "[ ]\n", 1, "section without a name"),
    ("depth jump", "[runtime]\n[[[environment]]]\nA = 1\n", 2, "nested too deep below [runtime]"),
    ("depth jump at the top", "[[graph]]\n", 1, "nested too deep below the top level"),
    ("unclosed triple quotes", '[meta]\ndescription = """\n  text\n', 2, "never closed"),
    ("unclosed single triple quotes", "[meta]\ndescription = '''text\n", 2, "Close it with '''"),
    (
        "text after closing quotes",
        '[meta]\ndescription = """\nx\n""" y\n',
        4,
        "text after the closing quotes: y",
    ),
    (
        "text after closing on one line",
        '[meta]\ndescription = """x""" y\n',
        2,
        "text after the closing quotes",
    ),
    (
        "blanks after a continuation",
        "[meta]\ntitle = a \\ \n b\n",
        2,
        "white space after the line continuation",
    ),
    ("section used as item", "[scheduling]\ngraph = a\n", 2, "[scheduling][graph] is a section, not an item"),
    ("top section used as item", "runtime = a\n", 1, "runtime is a section, not an item"),
    ("item used as section", "[scheduling]\n[[runahead limit]]\n", 2, "is an item, not a section"),
    ("section then item", "[meta]\n[[x]]\n[meta]\nx = 1\n", 4, "was opened as a section at flow.cylc:2"),
    (
        "item then section",
        "[runtime]\n[[a]]\nscript = x\n[[[script]]]\n",
        4,
        "was set as an item at flow.cylc:3",
    ),
    ("two blanks in a name", "[scheduling]\nrunahead  limit = P1\n", 2, "Did you mean 'runahead limit'?"),
    # unknown names
    ("unknown section", "[shceduling]\n", 1, "Did you mean the section [scheduling]?"),
    ("unknown item", "[scheduling]\nrunahed limit = P1\n", 2, "Did you mean 'runahead limit'?"),
    ("unknown runtime item", GRAPH + "[runtime]\n[[a]]\nscrpt = true\n", 6, "Did you mean 'script'?"),
    ("wrong case", "[scheduler]\nutc mode = True\n", 2, "Did you mean 'UTC mode'?"),
    ("unknown runtime section", GRAPH + "[runtime]\n[[a]]\n[[[enviroment]]]\n", 6, "section [environment]"),
    ("item among namespaces", GRAPH + "[runtime]\nscript = true\n", 5, "Write it as a heading: [[script]]"),
    ("unknown queue item", "[scheduling]\n[[queues]]\n[[[q]]]\nsize = 1\n", 4, "[scheduling][queues][q]size"),
    (
        "item in queues",
        "[scheduling]\n[[queues]]\nlimit = 1\n",
        3,
        "[scheduling][queues][limit] is a section",
    ),
    # types
    ("boolean", "[scheduler]\nUTC mode = yes\n", 2, "Accepted: True or False."),
    ("integer", "[scheduling]\n[[queues]]\n[[[q]]]\nlimit = few\n", 4, "not a valid integer"),
    (
        "interval",
        GRAPH + "[runtime]\n[[a]]\nexecution time limit = 60\n",
        6,
        "an ISO 8601 duration such as PT1M",
    ),
    (
        "interval list",
        GRAPH + "[runtime]\n[[a]]\nexecution retry delays = PT1M, 3*x\n",
        6,
        "not a valid list of int",
    ),
    ("open quote", GRAPH + '[runtime]\n[[a]]\nscript = "true\n', 6, "the quotes around it do not match"),
    (
        "text after quotes",
        GRAPH + '[runtime]\n[[a]]\nscript = "a" "b"\n',
        6,
        "the quotes around it do not match",
    ),
    ("quotes in a list", GRAPH + '[runtime]\n[[a]]\ninherit = "a, b\n', 6, "the quotes in it do not match"),
    ("blank in a list", "[scheduling]\n[[queues]]\n[[[q]]]\nmembers = a b\n", 4, "'a b' holds a blank"),
    ("cycling mode", "[scheduling]\ncycling mode = julian\n", 2, "one of: gregorian, integer"),
    ("run mode", GRAPH + "[runtime]\n[[a]]\nrun mode = dummy\n", 6, "one of: live, skip"),
    ("cycle point", "[scheduling]\ninitial cycle point = soon\n", 2, "it is not a cycle point"),
    (
        "final point",
        "[scheduling]\nfinal cycle point = later\n",
        2,
        "it is not a cycle point, with or without",
    ),
    ("colon in format", "[scheduler]\ncycle point format = CCYY-MM-DDThh:mm\n", 2, "colon"),
    ("point format", "[scheduler]\ncycle point format = year\n", 2, "not a cycle point format"),
    ("time zone", "[scheduler]\ncycle point time zone = Berlin\n", 2, "Z, or an offset"),
    (
        "number",
        GRAPH + "[runtime]\n[[a]]\n[[[simulation]]]\nspeedup factor = fast\n",
        7,
        "it is not a number",
    ),
    ("xtrigger", "[scheduling]\n[[xtriggers]]\nx = wall_clock\n", 3, "it is not a function call"),
    ("xtrigger interval", "[scheduling]\n[[xtriggers]]\nx = echo(1):30\n", 3, "the interval 30"),
    ("xtrigger quotes", "[scheduling]\n[[xtriggers]]\nx = echo('a):PT1M\n", 3, "not"),
    ("xtrigger label", "[scheduling]\n[[xtriggers]]\na-b = echo(1)\n", 3, "not a valid xtrigger label: a-b"),
    ("graph quotes", "[scheduling]\n[[graph]]\nR1 = 'a\n", 3, "[scheduling][graph]R1"),
    # parameters
    (
        "mixed parameter list",
        "[task parameters]\nm = 1..3, cat\n",
        2,
        "mixes a range of numbers with strings",
    ),
    ("bad parameter value", "[task parameters]\nm = a b\n", 2, "'a b' is not a parameter value"),
    ("step of zero", "[task parameters]\nm = 1..3..0\n", 2, "the step of a range cannot be 0"),
    ("parameter name", "[task parameters]\na-b = 1\n", 2, "not a parameter name: 'a-b'"),
    (
        "bad template",
        "[task parameters]\nm = a\n[[templates]]\nm = _%(n)s\n",
        4,
        "bad template of task parameter m",
    ),
    ("template of a stranger", "[task parameters]\n[[templates]]\nm = _%(m)s\n", 3, "not defined: m"),
    ("undefined parameter", GRAPH + "[runtime]\n[[a<m>]]\n", 5, "parameter m is not defined: a<m>"),
    ("out of range", "[task parameters]\nm = 1..3\n[runtime]\n[[a<m=4>]]\n", 4, "Its values: 1, 2, 3."),
    (
        "offset in heading",
        "[task parameters]\nm = 1..3\n[runtime]\n[[a<m-1>]]\n",
        4,
        "parameter offset is not allowed",
    ),
    ("malformed term", "[task parameters]\nm = 1..3\n[runtime]\n[[a<m=>]]\n", 4, "malformed parameter"),
    (
        "loose parent",
        "[task parameters]\nm = 1,2\n[runtime]\n[[F<m>]]\n[[a]]\ninherit = F<m>\n",
        6,
        "has no value here",
    ),
    (
        "queue member",
        "[scheduling]\n[[queues]]\n[[[q]]]\nmembers = a, b<m>\n",
        4,
        "parameter m is not defined",
    ),
    # names
    ("dot in name", GRAPH + "[runtime]\n[[a.b]]\n", 5, "not a valid task or family name: 'a.b'"),
    ("name starting badly", GRAPH + "[runtime]\n[[a, -b]]\n", 5, "not a valid task or family name: '-b'"),
    ("reserved name", GRAPH + "[runtime]\n[[_cylc_a]]\n", 5, "reserved"),
    ("empty name", GRAPH + "[runtime]\n[[, ]]\n", 5, "no name in heading"),
    ("variable name", GRAPH + "[runtime]\n[[a]]\n[[[environment]]]\n1A = x\n", 7, "'1A'"),
    ("output name", GRAPH + "[runtime]\n[[a]]\n[[[outputs]]]\nx.y = z\n", 7, "letters, digits, - and _ only"),
    (
        "reserved output",
        GRAPH + "[runtime]\n[[a]]\n[[[outputs]]]\nsucceeded = z\n",
        7,
        "succeeded is reserved",
    ),
    ("reserved message", GRAPH + "[runtime]\n[[a]]\n[[[outputs]]]\nx = failed\n", 7, "'failed' is reserved"),
    ("colon in message", GRAPH + "[runtime]\n[[a]]\n[[[outputs]]]\nx = it is: done\n", 7, "no colon"),
    # inheritance
    (
        "undefined parent",
        GRAPH + "[runtime]\n[[a]]\ninherit = B\n",
        6,
        "a inherits from B, which is not defined",
    ),
    (
        "circle",
        GRAPH + "[runtime]\n[[a]]\ninherit = b\n[[b]]\ninherit = a\n",
        8,
        "circular inheritance: a -> b -> a",
    ),
    ("itself", GRAPH + "[runtime]\n[[a]]\ninherit = a\n", 6, "circular inheritance: a -> a"),
    (
        "contradiction",
        GRAPH + "[runtime]\n[[A]]\n[[B]]\ninherit = A\n[[a]]\ninherit = A, B\n",
        9,
        "cannot be put in one order",
    ),
    ("parent twice", GRAPH + "[runtime]\n[[A]]\n[[a]]\ninherit = A, A\n", 7, "cannot be put in one order"),
    ("root inherits", GRAPH + "[runtime]\n[[root]]\ninherit = a\n[[a]]\n", 6, "root cannot inherit"),
    # includes
    ("missing include", "[meta]\n%include nowhere.cylc\n", 2, "cannot read include file nowhere.cylc"),
    ("quotes of include", '[meta]\n%include "nowhere.cylc\n', 2, "mismatched quotes"),
    ("include of nothing", "[meta]\n%include\n", 2, "%include names no file"),
    ("circular include", "[meta]\n%include flow.cylc\n", 2, "flow.cylc includes itself"),
    # templates
    ("EmPy", "#!empy\n[meta]\n", 1, "EmPy templates are not supported"),
    ("undefined variable", "#!Jinja2\n[meta]\ntitle = {{ NAME }}\n", 3, "'NAME' is undefined"),
    ("template syntax", "#!Jinja2\n[meta]\n{% if x %}\n", 3, "Jinja2 error"),
    ("unknown tag", "#!Jinja2\n[meta]\n\n{% fi %}\n", 4, "unknown tag 'fi'"),
    ("unknown filter", "#!Jinja2\n[meta]\ntitle = {{ 1 | nope }}\n", 3, "No filter named 'nope'"),
    ("error in template", "#!Jinja2\n[meta]\ntitle = {{ 1 / 0 }}\n", 3, "ZeroDivisionError"),
    ("raised by template", '#!Jinja2\n\n{{ raise("no such model") }}\n', 3, "no such model"),
    ("assertion", '#!Jinja2\n{% set N = 0 %}\n{{ assert(N > 0, "N too small") }}\n', 3, "N too small"),
    ("missing template", '#!Jinja2\n[meta]\n{% include "nope.cylc" %}\n', 3, "not found: nope.cylc"),
    ("missing module", '#!Jinja2\n[meta]\n{% from "nopackage" import x %}\n', 3, "not found: nopackage"),
    ("private attribute", "#!Jinja2\n[meta]\ntitle = {{ ().__class__ }}\n", 3, "__class__"),
    (
        "bad value from a loop",
        "#!Jinja2\n[scheduler]\n{% if true %}\n\nUTC mode = {{ 3 }}\n{% endif %}\n",
        5,
        "boolean",
    ),
    # old files
    ("both graphs", GRAPH + "[[dependencies]]\ngraph = a\n", 4, "cannot be used together"),
    ("bad old number", "[scheduling]\nmax active cycle points = many\n", 2, "not a whole number"),
    (
        "bad moved value",
        GRAPH + "[runtime]\n[[a]]\n[[[job]]]\nexecution time limit = 5\n",
        7,
        "not a valid interval",
    ),
]


@pytest.mark.parametrize(("text", "line", "fragment"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_configuration_is_refused_where_it_is_wrong(tmp_path: Path, text: str, line: int, fragment: str) -> None:
    """A bad file raises a LanguageError that names file and line and says what is wrong."""
    (tmp_path / "flow.cylc").write_text(text)
    with pytest.raises(LanguageError) as caught:
        load_config(str(tmp_path))
    message = str(caught.value)
    assert message.startswith(f"flow.cylc:{line}: "), message
    assert fragment in message, message


def test_error_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    """A mistake in a file that is included by %include is reported in that file."""
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "tasks.cylc").write_text("[[a]]\n\nscrpt = x\n")
    (tmp_path / "flow.cylc").write_text(GRAPH + "[runtime]\n%include 'inc/tasks.cylc'\n")
    with pytest.raises(LanguageError, match=r"^inc/tasks\.cylc:3: unknown item: \[runtime\]\[a\]scrpt"):
        load_config(str(tmp_path))


def test_error_in_a_file_included_by_the_template_names_that_file(tmp_path: Path) -> None:
    """A mistake in a file that is included by Jinja2 is reported in that file."""
    (tmp_path / "flow.cylc").write_text('#!Jinja2\n{% include "tasks.j2" %}\n')
    (tmp_path / "tasks.j2").write_text("[meta]\n[runtime]\n[[a]]\nscrpt = x\n")
    with pytest.raises(LanguageError, match=r"^tasks\.j2:4: unknown item"):
        load_config(str(tmp_path))
    (tmp_path / "tasks.j2").write_text("[meta]\n\ntitle = {{ NAME }}\n")
    with pytest.raises(LanguageError, match=r"^tasks\.j2:3: Jinja2 error: 'NAME' is undefined"):
        load_config(str(tmp_path))


def test_two_workflow_files_are_one_too_many(tmp_path: Path) -> None:
    """A directory with both flow.cylc and suite.rc, or with neither, is refused."""
    with pytest.raises(LanguageError, match=r"no flow\.cylc in"):
        load_config(str(tmp_path))
    (tmp_path / "flow.cylc").write_text(GRAPH)
    (tmp_path / "suite.rc").write_text(GRAPH)
    with pytest.raises(LanguageError, match=r"both flow\.cylc and suite\.rc"):
        load_config(str(tmp_path))


FRAGMENTS = st.sampled_from(
    [
        *(
            "[",
            "]",
            "[[",
            "]]",
            "[[[",
            "=",
            " = ",
            '"',
            "'",
            '"""',
            "'''",
            "#",
            ",",
            "\n",
            "\n",
            "\n",
            "\\\n",
            "\\",
            " ",
        ),
        *(
            "<m>",
            "<m=1>",
            "<",
            ">",
            "m",
            "1..3",
            "PT1M",
            "3*",
            "%(m)s",
            "%include ",
            "a",
            "b",
            "root",
            "None",
            "é",
        ),
        *(
            "[scheduling]\n",
            "[[graph]]\n",
            "[runtime]\n",
            "[[a]]\n",
            "inherit = ",
            "script = ",
            "[task parameters]\n",
        ),
        *(
            "[[queues]]\n[[[q]]]\nmembers = ",
            "[[xtriggers]]\nx = ",
            "echo(",
            ")",
            ":",
            "[[[outputs]]]\n",
            "[cylc]\n",
        ),
        *(
            "#!Jinja2\n",
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "set x",
            "for i in x",
            "endfor",
            "[[[environment]]]\n",
            "\t",
        ),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FRAGMENTS, max_size=25), st.booleans())
def test_no_text_ends_in_a_traceback(tmp_path: Path, fragments: list[str], template: bool) -> None:
    """Whatever the text, it loads or is refused with a LanguageError."""
    (tmp_path / "flow.cylc").write_text(("#!Jinja2\n" if template else "") + "".join(fragments))
    with contextlib.suppress(LanguageError):
        load_config(str(tmp_path))
