"""Jinja2 workflows: what templates can use, and that every generated line knows its template line."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.flow.language.config import load_config
from tidemill.flow.language.exceptions import LanguageError
from tidemill.flow.language.preprocess import process
from tidemill.flow.language.source import Source, read_source
from tidemill.flow.language.template_variables import parse_template_variables

TEMPLATE = """#!Jinja2
L2
{% set q = 3 %}
L4 {% for i in range(2) %}
  L5 {{ i }}
  {%- if i %}
  L7
  {%- endif %}
{% endfor %}

L11 {# c
c #}
L13
{% include "inc.txt" %}
L15 {{ q
  + 1 }}
L17
{% raw %}
L19 {{ x }}
{% endraw %}
L21
{%- macro m(a) %}
 M26
 M26 {{ a }}
{%- endmacro %}
{{ m(3) }} L26
L27
{% set blk | upper %}
 hello
{% endset %}
{{ blk | length }} L31 {{ blk | trim }}
L32
%include pinc.txt
L34 {% from "mymod" import v %}{{ v }}
{% for x in [1, 2] -%}
L36
{% endfor -%}
L38
L39 \\
 and so on
L41
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A workflow directory with things to include and import."""
    (tmp_path / "lib" / "python").mkdir(parents=True)
    (tmp_path / "lib" / "python" / "mymod.py").write_text("v = 7\n")
    (tmp_path / "inc.txt").write_text("I1\n\n{% set z = 5 %}\nI4")
    (tmp_path / "pinc.txt").write_text("P1\n\nP3 {{ 3 }}\n")
    for folder, text in (
        ("Jinja2Filters", "def shout(text, mark='!'):\n    return text.upper() + mark\n"),
        ("Jinja2Tests", "def shout(text):\n    return text.isupper()\n"),
        ("Jinja2Globals", "def answer():\n    return 42\n"),
    ):
        (tmp_path / folder).mkdir()
        name = "answer" if folder.endswith("Globals") else "shout"
        (tmp_path / folder / f"{name}.py").write_text(text)
    return tmp_path


def rendered(directory: Path, text: str, **options: object) -> Source:
    (directory / "flow.cylc").write_text(text)
    source = read_source(str(directory / "flow.cylc"), str(directory))
    variables = dict(options.get("variables") or {})  # type: ignore[call-overload]
    environment = dict(options.get("environment") or {})  # type: ignore[call-overload]
    return process(source, str(directory), variables, environment)


def test_every_line_knows_its_template_line(directory: Path) -> None:
    """Through loops, includes, raw blocks, white space control and continuations, locations stay true."""
    source = rendered(directory, TEMPLATE)
    assert len(source.lines) == 26
    for line, (file, number) in zip(source.lines, source.origins, strict=True):
        if match := re.search(r"([LMIP])(\d+)", line):
            expected = {"I": "inc.txt", "P": "pinc.txt"}.get(match[1], "flow.cylc")
            assert (file, number) == (expected, int(match[2])), line
    assert any(line.startswith("L34 7") for line in source.lines)
    assert "8 L31 HELLO" in source.lines


PIECES = st.lists(
    st.sampled_from(
        [
            "text\n",
            "\n",
            "{% if true %}",
            "{% if false -%}\n",
            "{%- if true %}",
            "{% endif %}\n",
            "{% endif -%} \n",
            "{% for i in [1, 2] %}\n",
            "{% endfor %}",
            "{{ 1 }}",
            "{{- 'a\\nb' }}",
            "{# c\n c -#}",
            "{% set x %}ab\n{% endset %}{{ x | length }}",
            "{% filter center(9) %}q\n{% endfilter %}",
            "{% raw %}{{ }}\n{% endraw -%}",
            "{% macro k() %}\nm\n{% endmacro %}{{ k() | length }}{{ k() }}",
        ]
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES)
def test_marks_never_change_the_text(tmp_path: Path, pieces: list[str]) -> None:
    """Whatever the template, its text is what plain Jinja2 gives, without blank lines."""
    body = "".join(pieces)
    try:
        expected = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string("\n" + body).render()
    except jinja2.TemplateSyntaxError:
        with pytest.raises(LanguageError, match=r"^flow\.cylc:\d+: Jinja2 error"):
            rendered(tmp_path, "#!jinja2\n" + body)
        return
    source = rendered(tmp_path, "#!jinja2\n" + body)
    assert source.lines == [line for line in expected.split("\n") if line.strip()]


def test_marks_that_would_change_the_text_are_not_used(directory: Path) -> None:
    """A block of text whose length matters comes out as without marks; its lines are found by content."""
    (directory / "part.txt").write_text("abc\n")
    source = rendered(directory, '#!jinja2\n{% set x %}{% include "part.txt" %}{% endset %}\n{{ x | length }}\nL4\n')
    assert source.lines == ["3", "L4"]
    assert source.origins[1] == ("flow.cylc", 4)


def test_what_a_template_can_use(directory: Path) -> None:
    """Filters, tests, globals, Python modules, the environment and template variables are there."""
    text = """#!Jinja2
{% from "os" import path %}{{ path.join("a", "b") }}
{% import "__python__.math" as math %}{{ math.floor(2.5) }}
{{ 5 | pad(3, "0") }}{{ "ab" | pad(4) }}
{{ "20200101T0630Z" | strftime("%Y-%m %H:%M") }} {{ "01/02/2020" | strftime("%m", "%d/%m/%Y") }}
{{ "PT90M" | duration_as("h") }} {{ "P1D" | duration_as("minutes") }}
{{ "hey" | shout }} {{ "HEY" is shout }} {{ answer() }}
{{ environ["PLACE"] }} {{ CYLC_PLACE }} {{ CYLC_VERSION }}
{{ N + 1 }} {{ CYLC_TEMPLATE_VARS["N"] }}
{% set l = [1] %}{% do l.append(2) %}{{ l }} {{ assert(true, "no") }}|
"""
    environment = {"PLACE": "here", "CYLC_PLACE": "there"}
    source = rendered(directory, text, variables={"N": 1}, environment=environment)
    assert source.lines == [
        "a/b",
        "2",
        "005  ab",
        "2020-01 06:30 02",
        "1.5 1440.0",
        "HEY! True 42",
        "here there 8.5.4",
        "2 1",
        "[1, 2] |",
    ]


def test_modules_of_a_workflow_are_read_anew(directory: Path) -> None:
    """A reload sees a changed module of lib/python."""
    text = '#!Jinja2\n{% from "mymod" import v %}{{ v }}\n'
    assert rendered(directory, text).lines == ["7"]
    (directory / "lib" / "python" / "mymod.py").write_text("v = 'changed'\n")
    assert rendered(directory, text).lines == ["changed"]


def test_other_first_lines_are_comments(directory: Path) -> None:
    """Only #!jinja2 and #!Jinja2 on the first line make a template."""
    for first in ("#! jinja2", "#!JINJA2", "# jinja2", ""):
        assert rendered(directory, f"{first}\na {{{{ 1 }}}}\n").lines[-1] == "a {{ 1 }}"
    assert rendered(directory, "#!jinja2 or so\na {{ 1 }}\n").lines == ["a 1"]


def test_template_variables_are_python_literals(tmp_path: Path) -> None:
    """--set, --set-list and --set-file give typed values; --set counts most."""
    path = tmp_path / "variables"
    path.write_text('# comment\n\nA = 1\nB="file"\n')
    variables = parse_template_variables(
        set_=["A=2", 'C=["x", 1]', "D = True", "E='a=b'"],
        set_list=["L=a,b, c", 'Q="x,y",z'],
        set_files=[str(path)],
    )
    assert variables == {
        "A": 2,
        "B": "file",
        "C": ["x", 1],
        "D": True,
        "E": "a=b",
        "L": ["a", "b", "c"],
        "Q": ["x,y", "z"],
    }


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("NAME=text", "A string must be quoted"),
        ("NAME", "there is no ="),
        ("1A=2", "'1A' is not a variable name"),
        ("A=", "nothing is not a Python literal"),
        ("A=__import__('os')", "is not a Python literal"),
    ],
)
def test_bad_template_variables_are_explained(text: str, fragment: str) -> None:
    """A value that is no literal is refused with what to write instead."""
    with pytest.raises(LanguageError) as caught:
        parse_template_variables(set_=[text])
    assert fragment in str(caught.value)


def test_bad_variable_files_are_explained(tmp_path: Path) -> None:
    """A mistake in a file of variables is reported with its line, and a missing file by name."""
    path = tmp_path / "variables"
    path.write_text("A=1\nB=b\n")
    with pytest.raises(LanguageError, match=r"variables:2: B=b: b is not a Python literal"):
        parse_template_variables(set_files=[str(path)])
    with pytest.raises(LanguageError, match="cannot read the template variables"):
        parse_template_variables(set_files=[str(tmp_path / "none")])


def test_variables_reach_the_workflow(tmp_path: Path) -> None:
    """Template variables given to load_config are seen by the template and kept in the result."""
    (tmp_path / "flow.cylc").write_text("#!Jinja2\n[meta]\ntitle = {{ NAME }}\n")
    config = load_config(str(tmp_path), template_variables={"NAME": "tide"})
    assert config.items["meta"]["title"] == "tide"
    assert config.template_variables == {"NAME": "tide"}
    assert config.processed_text == "[meta]\ntitle = tide\n"


def test_broken_extras_are_explained(directory: Path) -> None:
    """A filter file without its function, or one that fails, is reported by path."""
    (directory / "Jinja2Filters" / "other.py").write_text("x = 1\n")
    with pytest.raises(LanguageError, match=r"other\.py has no function other"):
        rendered(directory, "#!jinja2\nx\n")
    (directory / "Jinja2Filters" / "other.py").write_text("1 / 0\n")
    with pytest.raises(LanguageError, match=r"other\.py: ZeroDivisionError"):
        rendered(directory, "#!jinja2\nx\n")
