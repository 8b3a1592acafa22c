"""A workflow directory is read as Cylc reads it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.flow.language.config import WorkflowConfig, load_config
from tidemill.flow.language.inheritance import linearise
from tidemill.flow.language.source import Location

Load = Callable[..., WorkflowConfig]
GRAPH = "[scheduling]\n[[graph]]\nR1 = a\n"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a flow.cylc and load it."""

    def write_and_load(text: str, **options: Any) -> WorkflowConfig:
        (tmp_path / "flow.cylc").write_text(text)
        return load_config(str(tmp_path), **options)

    return write_and_load


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("echo foo#bar", "echo foo"),
        ("'single # q' # c", "single # q"),
        ('"with \\" esc" # c', 'with \\" esc'),
        ("it's # fine", "it's"),
        ('""" three # x """ # c', "three # x"),
        ('a "b # c" d', 'a "b'),
        ("x\\#y", "x\\"),
        ("", ""),
        ('""', ""),
        ('"""\n     x\n   y # c\n\n # d\n   """', "x\n  y # c\n\n# d"),
        ("'''a\"\"\"\n b'''", 'a"""\n b'),
        ("a\\\n   b", "a   b"),
    ],
)
def test_strings_are_read_as_cylc_reads_them(load: Load, written: str, value: str) -> None:
    """Quotes, comments, continuation lines and indentation give the text Cylc 8 gives."""
    config = load(f"{GRAPH}[runtime]\n[[a]]\nscript = {written}\n")
    assert config.runtime["a"]["script"] == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("PT10S, 3*PT1M", [10.0, 60.0, 60.0, 60.0]),
        ("2 * PT1.5M,", [90.0, 90.0]),
        ("P1Y1M", [395 * 86400.0]),
        ("P1DT2H # c", [93600.0]),
        ("", []),
    ],
)
def test_interval_lists_repeat(load: Load, written: str, value: list[float]) -> None:
    """Retry delays are seconds, with N* repeating an element."""
    config = load(f"{GRAPH}[runtime]\n[[a]]\nexecution retry delays = {written}\n")
    assert config.runtime["a"]["execution retry delays"] == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('echo "x, y", foo # c', ['echo "x', 'y"', "foo"]),
        ("\"a, b\", c, 'd, e'", ["a, b", "c", "d, e"]),
        ("a, b,", ["a", "b"]),
        ('"""\n a,\n b # x\n c"""', ["a", "b", "c"]),
    ],
)
def test_string_lists_keep_quoted_commas(load: Load, written: str, value: list[str]) -> None:
    """A comma in quotes is kept where the first element is quoted, as in Cylc 8."""
    config = load(f"{GRAPH}[runtime]\n[[a]]\n[[[events]]]\nhandlers = {written}\n")
    assert config.runtime["a"]["events"]["handlers"] == value


def test_duplicates_last_wins_except_graphs(load: Load) -> None:
    """The later item counts, sections merge, and repeated graph strings add up in file order."""
    config = load(
        "[meta]\ntitle = one\n[scheduling]\n[[graph]]\nR1 = a\nP1 = b\nR1 = c\n[meta]\ntitle = two\nURL = x\n"
    )
    assert config.items["meta"]["title"] == "two"
    assert config.items["meta"]["URL"] == "x"
    assert [(graph.recurrence, graph.text) for graph in config.graphs] == [
        ("R1", "a"),
        ("P1", "b"),
        ("R1", "c"),
    ]


def test_graph_lines_know_where_they_are(load: Load) -> None:
    """Each line of a graph string has its own location, comments and blank lines counted."""
    config = load('[scheduling]\n[[graph]]\nR1 = """\n\n   # c\n   a => b\n\n   c\n"""\n')
    (graph,) = config.graphs
    assert graph.text.split("\n")[1].strip() == "a => b"
    assert graph.location == Location("flow.cylc", 3)
    assert [graph.line_of(index).line for index in range(4)] == [5, 6, 7, 8]


def test_inheritance_goes_item_by_item_in_c3_order(load: Load) -> None:
    """Settings come from the nearest namespace, environments merge, and `inherit` itself is not inherited."""
    config = load(
        f"""{GRAPH}[runtime]
[[root]]
[[[environment]]]
R = 1
[[A]]
script = A
pre-script = A
execution time limit = PT1M
[[[environment]]]
X = A
[[B]]
inherit = A
script = B
[[C]]
inherit = A
pre-script = C
[[[environment]]]
Y = C
[[a]]
inherit = None, B, C
execution time limit =
[[[environment]]]
R = 2
Z = a
[[b]]
"""
    )
    assert config.ancestors["a"] == ("a", "B", "C", "A", "root")
    assert config.first_parents == {"root": None, "A": "root", "B": "A", "C": "A", "a": "root", "b": "root"}
    a = config.runtime["a"]
    assert (a["script"], a["pre-script"], a["execution time limit"]) == ("B", "C", None)
    assert list(a["environment"].items()) == [("R", "2"), ("X", "A"), ("Y", "C"), ("Z", "a")]
    assert "inherit" not in config.runtime["b"]
    assert config.runtime["B"]["environment"] is config.runtime["A"]["environment"]
    assert config.implicit_runtime("unknown") == config.runtime["root"]


def test_environment_filter_applies_after_inheritance(load: Load) -> None:
    """Include and exclude pick from the inherited environment, and do not reach children by themselves."""
    config = load(
        f"""{GRAPH}[runtime]
[[root]]
[[[environment]]]
A = 1
B = 2
C = 3
[[a]]
[[[environment filter]]]
include = A, B
[[b]]
inherit = a
[[[environment filter]]]
exclude = B
[[[environment]]]
D = 4
"""
    )
    assert list(config.runtime["a"]["environment"]) == ["A", "B"]
    assert list(config.runtime["b"]["environment"]) == ["A"]


def test_headings_with_parameters(load: Load) -> None:
    """Headings expand over parameters, later headings count, and environments are filled in."""
    config = load(
        f"""[task parameters]
m = 9..11
n = cat, dog
[[templates]]
n = _N%(n)s
{GRAPH}[[queues]]
[[[q]]]
members = a<m>, x
[[special tasks]]
clock-trigger = a<m=9>(PT1H)
[runtime]
[[F<m>]]
[[[environment]]]
M = %(m)s
[[a<m>, <n>b, x]]
script = general
pre-script = date +%Y
[[[environment]]]
NOT = %(unknown)s
DATE = +%Y
[[a<m=10>]]
inherit = F<m>
script = special
[[c<m,n>d]]
inherit = F<m>
[[[environment]]]
FILE = %(m)04d-%(n)s
[[e]]
inherit = F<m=9>
"""
    )
    names = ["root", "F_m09", "F_m10", "F_m11", "a_m09", "a_m10", "a_m11", "_Ncatb", "_Ndogb", "x"]
    names += [f"c_m{m}_N{n}d" for m in ("09", "10", "11") for n in ("cat", "dog")] + ["e"]
    assert list(config.runtime) == names
    assert config.runtime["a_m09"]["script"] == "general"
    assert config.runtime["a_m10"]["script"] == "special"
    assert config.runtime["a_m10"]["environment"] == {"M": "10", "NOT": "%(unknown)s", "DATE": "+%Y"}
    assert config.runtime["c_m09_Ndogd"]["environment"] == {"M": "9", "FILE": "0009-dog"}
    assert config.task_parameters["c_m09_Ndogd"] == {"m": 9, "n": "dog"}
    assert config.task_parameters["e"] == {"m": 9}
    assert "x" not in config.task_parameters
    assert config.items["scheduling"]["queues"]["q"]["members"] == ["a_m09", "a_m10", "a_m11", "x"]
    assert config.items["scheduling"]["special tasks"]["clock-trigger"] == ["a_m09(PT1H)"]


def test_xtriggers_are_parsed_calls(load: Load) -> None:
    """Arguments get the type they look like; interval, label and `sequential` are filled in."""
    config = load(
        "[scheduling]\nsequential xtriggers = True\n[[xtriggers]]\n"
        'x = echo(a, "b,c", 3, k=True, z="x=y", n=None, f=1.5, sequential=False):PT20S\n'
        "clock = wall_clock()\n"
    )
    x = config.items["scheduling"]["xtriggers"]["x"]
    assert (x.label, x.function, x.args, x.interval_seconds) == ("x", "echo", ("a", "b,c", 3), 20.0)
    assert x.kwargs == {"k": True, "z": "x=y", "n": None, "f": 1.5}
    assert x.sequential is False
    clock = config.items["scheduling"]["xtriggers"]["clock"]
    assert (clock.args, clock.interval_seconds, clock.sequential) == ((), 10.0, True)


def test_defaults_are_filled_in(load: Load) -> None:
    """What the file leaves out has the default of the table, or of the site where the site decides."""
    config = load(GRAPH)
    scheduler, scheduling = config.items["scheduler"], config.items["scheduling"]
    assert scheduler["UTC mode"] is False
    assert scheduler["allow implicit tasks"] is False
    assert scheduler["events"]["stall timeout"] == 3600.0
    assert scheduler["events"]["abort on stall timeout"] is True
    assert scheduling["runahead limit"] == "P4"
    assert scheduling["queues"] == {"default": {"limit": 100, "members": []}}
    assert config.runtime == {"root": {}}
    assert config.runtime_defaults["simulation"]["default run length"] == 10.0


@pytest.mark.parametrize("message", ["file 1 done", "WARNING: x", "a:b", "a:b c", "a: b: c"])
def test_messages_may_hold_a_colon_in_the_first_word(load: Load, message: str) -> None:
    """An output message may have colons if the first word has one, as in Cylc 8."""
    config = load(f"{GRAPH}[runtime]\n[[a]]\n[[[outputs]]]\nx = {message}\n")
    assert config.runtime["a"]["outputs"] == {"x": message}


def test_where_finds_settings_through_inheritance(load: Load) -> None:
    """The location of a setting is where the nearest ancestor writes it."""
    config = load(f"{GRAPH}[runtime]\n[[F]]\nscript = x\n[[a, b]]\ninherit = F\n[[a]]\n[[[environment]]]\nV = 1\n")
    assert config.where("runtime", "a", "script") == Location("flow.cylc", 6)
    assert config.where("runtime", "a", "environment", "V") == Location("flow.cylc", 11)
    assert config.where("runtime", "b", "environment", "V") is None
    assert config.where("scheduling", "graph", "R1") == Location("flow.cylc", 3)
    assert config.where("scheduler", "UTC mode") is None


def test_includes_nest_and_keep_their_lines(load: Load, tmp_path: Path) -> None:
    """%include puts a file in place, relative to the workflow directory, and locations name it."""
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "one.cylc").write_text("[[a]]\nscript = one\n%include inc/two.cylc\n")
    (tmp_path / "inc" / "two.cylc").write_text("\n[[b]]\nscript = two\n")
    config = load(GRAPH + '[runtime]\n%include "inc/one.cylc"\n[[c]]\nscript = three\n')
    assert [config.runtime[name]["script"] for name in "abc"] == ["one", "two", "three"]
    assert config.where("runtime", "b", "script") == Location(os.path.join("inc", "two.cylc"), 3)
    assert config.where("runtime", "c", "script") == Location("flow.cylc", 7)
    assert "%include" not in config.processed_text


def test_old_items_move_with_a_warning(load: Load) -> None:
    """A file of Cylc 7 loads; each old item is moved or dropped with a warning that says where."""
    config = load(
        """[cylc]
UTC mode = True
[[parameters]]
m = 1..2
[[parameter templates]]
m = _r%(m)s
[[events]]
timeout = PT1M
mail to = me
startup handler = x
[[environment]]
A = 1
[scheduling]
max active cycle points = 3
[[dependencies]]
[[[R1]]]
graph = a
[[[T00]]]
graph = b
[runtime]
[[a]]
[[[job]]]
execution retry delays = PT15S, 2*PT1S
batch system = slurm
[[[events]]]
failed handler = y
[[[suite state polling]]]
interval = PT1M
[visualization]
anything = 1
"""
    )
    assert config.items["scheduler"]["UTC mode"] is True
    assert config.items["scheduler"]["events"]["stall timeout"] == 60.0
    assert config.items["scheduler"]["events"]["startup handlers"] == ["x"]
    assert config.items["scheduler"]["mail"]["to"] == "me"
    assert config.items["scheduling"]["runahead limit"] == "P2"
    assert config.parameters == {"m": (1, 2)}
    assert config.parameter_templates == {"m": "_r%(m)s"}
    assert [(graph.recurrence, graph.text) for graph in config.graphs] == [("R1", "a"), ("T00", "b")]
    a = config.runtime["a"]
    assert a["execution retry delays"] == [15.0, 1.0, 1.0]
    assert a["job"] == {"batch system": "slurm"}
    assert a["events"] == {"failed handlers": ["y"]}
    assert a["workflow state polling"] == {"interval": 60.0}
    joined = "\n".join(config.warnings)
    for fragment in (
        "flow.cylc:29: [visualization] is obsolete and was ignored",
        "[runtime][a][job]execution retry delays is now [runtime][a]execution retry delays",
        "[cylc] is now [scheduler]",
        "flow.cylc:24: [runtime][a][job]batch system is deprecated: use platform",
    ):
        assert fragment in joined, joined


def test_suite_rc_asks_for_compatibility(tmp_path: Path) -> None:
    """A suite.rc loads with implicit tasks allowed and the local time zone."""
    (tmp_path / "suite.rc").write_text(GRAPH)
    config = load_config(str(tmp_path))
    assert config.compatibility
    assert config.items["scheduler"]["allow implicit tasks"] is True
    assert config.items["scheduler"]["cycle point time zone"] is None
    (tmp_path / "rose-suite.conf").write_text("")
    assert load_config(str(tmp_path)).items["scheduler"]["allow implicit tasks"] is False


def test_ten_thousand_namespaces_load_quickly(load: Load) -> None:
    """Ten thousand tasks with a script and an environment load in seconds at the very worst."""
    lines = [GRAPH, "[runtime]", "[[F]]", "[[[environment]]]", "X = 1"]
    task = '[[t{0}]]\ninherit = F\nscript = """\n  run {0}\n"""\n[[[environment]]]\nN = {0}'
    lines += [task.format(number) for number in range(10_000)]
    started = time.perf_counter()
    config = load("\n".join(lines) + "\n")
    assert time.perf_counter() - started < 5
    assert config.runtime["t9999"]["environment"] == {"X": "1", "N": "9999"}


@given(st.lists(st.lists(st.integers(0, 6), max_size=3, unique=True), min_size=1, max_size=7))
def test_linearisation_is_that_of_python_classes(parents: list[list[int]]) -> None:
    """The order of ancestors is the one Python gives to classes with the same parents, or both refuse."""
    names: dict[str, tuple[str, ...]] = {"root": ()}
    for index, numbers in enumerate(parents):
        names[f"n{index}"] = tuple(f"n{number}" for number in numbers if number < index) or ("root",)
    classes: dict[str, type] = {"root": type("root", (), {})}
    try:
        for name in list(names)[1:]:
            classes[name] = type(name, tuple(classes[parent] for parent in names[name]), {})
    except TypeError:
        with pytest.raises(Exception, match="cannot be put in one order"):
            linearise(names)
        return
    orders = linearise(names)
    for name, order in orders.items():
        assert order == tuple(cls.__name__ for cls in classes[name].__mro__[:-1])
