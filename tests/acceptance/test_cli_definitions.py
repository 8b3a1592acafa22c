"""validate, config, list and graph with the real program, on small workflows."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

DATED = """\
[scheduler]
    allow implicit tasks = True
[scheduling]
    initial cycle point = 20200101T00Z
    [[graph]]
        R1 = "prep => FAM"
        PT12H = \"\"\"
            FAM:succeed-all => post
            m1[-PT12H] => m1
            post & m1 => arch
        \"\"\"
        PT6H = zed[-PT12H] => zed
[runtime]
    [[root]]
        [[[meta]]]
            title = something
    [[FAM, OTHER]]
    [[SUB]]
        inherit = FAM
    [[m1, m2]]
        inherit = SUB
        script = echo hi  # a comment
        execution time limit = PT90S
        execution retry delays = PT10S, 2*PT1M
    [[m3]]
        inherit = FAM, OTHER
    [[post]]
        inherit = OTHER
        [[[environment]]]
            LINES = \"\"\"one
            two\"\"\"
    [[unused]]
"""

INTEGER = """\
[scheduler]
    allow implicit tasks = True
[scheduling]
    cycling mode = integer
    initial cycle point = 1
    final cycle point = 7
    [[graph]]
        P1 = xyzzy
        R5//P1 = xyzzy => bar
"""


@pytest.fixture
def dated(home: Path) -> str:
    """A workflow with families, in cycles of six and twelve hours."""
    return make_source(home, "dated", DATED)


def make_source(home: Path, name: str, text: str) -> str:
    """A workflow source in the home directory; the argument that names it."""
    (home / name).mkdir()
    (home / name / "flow.cylc").write_text(text)
    return f"./{name}"


def test_a_valid_workflow_is_said_to_be_valid(tidemill: Run, dated: str) -> None:
    """validate prints one line, nothing with --quiet, and exits with 0."""
    answer = tidemill("validate", dated)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("Valid for tidemill-")
    assert tidemill("validate", "-q", dated).stdout == ""
    assert json.loads(tidemill("validate", "--json", dated).stdout)["valid"] is True


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[scheduling]\n    [[graph]]\n        R1 = a => => b\n", "flow.cylc:3"),
        ("[scheduling]\n    [[grph]]\n        R1 = a\n", "flow.cylc:2"),
        ("#!Jinja2\n[scheduling]\n    [[graph]]\n        R1 = {{ MISSING }}\n", "flow.cylc:4"),
    ],
)
def test_an_invalid_workflow_is_answered_with_file_and_line(tidemill: Run, home: Path, text: str, place: str) -> None:
    """Errors in the graph, a heading or the template say where they are."""
    answer = tidemill("validate", make_source(home, "wrong", text))
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert f"Error: {place}: " in answer.stderr


def test_template_variables_and_initial_point_come_from_the_command_line(tidemill: Run, home: Path) -> None:
    """-s and --icp fill in what the definition leaves open."""
    source = make_source(
        home,
        "open",
        "#!Jinja2\n[scheduler]\nallow implicit tasks = True\n[scheduling]\n"
        "[[graph]]\nP1D = {% for n in range(N) %}t{{ n }} & {% endfor %}last\n",
    )
    answer = tidemill("list", source, "-s", "N=2", "--icp", "20300101", "-p", ",P1D")
    assert answer.stdout.split() == [f"2030010{day}T0000Z/{name}" for day in (1, 2) for name in ("last", "t0", "t1")], (
        answer.stderr
    )


def test_tasks_and_families_are_listed(tidemill: Run, dated: str) -> None:
    """list prints the graph's tasks; -a all, -n families too, -m the order of inheritance, -t a tree."""
    tasks = ["arch", "m1", "m2", "m3", "post", "prep", "zed"]
    assert tidemill("list", dated).stdout.split() == tasks
    assert tidemill("list", "-a", dated).stdout.split() == sorted([*tasks, "unused"])
    assert tidemill("list", "-n", dated).stdout.split() == sorted([*tasks, "unused", "FAM", "OTHER", "SUB", "root"])
    assert "m3    m3 FAM OTHER root\n" in tidemill("list", "-m", dated).stdout
    assert tidemill("list", "-t", dated).stdout == (
        "root\n |-FAM\n | |-SUB\n | | |-m1\n | | `-m2\n | `-m3\n |-OTHER\n | `-post\n |-arch\n |-prep\n `-zed\n"
    )
    assert tidemill("list", "-w", dated).stdout.splitlines()[1] == "m1    something"


def test_tasks_are_listed_by_cycle_point(tidemill: Run, dated: str) -> None:
    """-p takes points, an interval from the first, or nothing for three points."""
    first = [f"20200101T0000Z/{name}" for name in ("arch", "m1", "m2", "m3", "post", "prep", "zed")]
    assert tidemill("list", "-p", ",20200101T06Z", dated).stdout.split() == [*first, "20200101T0600Z/zed"]
    three = tidemill("list", "-p", ",", dated).stdout.split()
    assert three[:7] == first
    assert three[-1] == "20200101T1200Z/zed"
    moved = tidemill("list", "-p", "20200101T06Z,PT12H", dated).stdout.split()
    assert (moved[0], moved[-1]) == ("20200101T0600Z/zed", "20200101T1800Z/zed")
    assert tidemill("list", "-p", "yesterday,", dated).stderr.startswith("InputError: the first cycle point")


def test_configuration_is_printed_after_inheritance(tidemill: Run, dated: str) -> None:
    """config prints items, sections or all of it, in the form of a configuration file or as JSON."""
    assert tidemill("config", dated, "-i", "[runtime][m2]script").stdout == "echo hi\n"
    assert tidemill("config", dated, "-i", "[runtime][m2]execution time limit").stdout == "PT1M30S\n"
    assert tidemill("config", dated, "-i", "[runtime][m1]").stdout == (
        "inherit = SUB\nscript = echo hi\nexecution time limit = PT1M30S\n"
        "execution retry delays = PT10S, PT1M, PT1M\n[[[meta]]]\n    title = something\n"
    )
    everything = json.loads(tidemill("config", dated, "--json").stdout)
    assert everything["runtime"]["m1"]["execution retry delays"] == ["PT10S", "PT1M", "PT1M"]
    assert everything["scheduling"]["graph"]["R1"] == "prep => FAM"
    assert 'LINES = """\n' in tidemill("config", dated).stdout
    assert tidemill("config", dated, "-i", "[runtime][m9]").returncode == 1
    assert "run mode = live\n" in tidemill("config", dated, "-d", "-i", "[runtime][m1]").stdout


def test_printed_configuration_is_a_configuration(tidemill: Run, home: Path, dated: str) -> None:
    """What config prints can be read again, and means the same."""
    again = make_source(home, "again", tidemill("config", dated).stdout)
    assert tidemill("config", again).stdout == tidemill("config", dated).stdout
    assert tidemill("graph", again).stdout == tidemill("graph", dated).stdout


def test_site_configuration_is_printed_without_a_workflow(tidemill: Run, home: Path) -> None:
    """config alone prints what the site's files say, over the built-in values."""
    file = home / ".cylc" / "flow" / "global.cylc"
    file.parent.mkdir(parents=True)
    file.write_text("[platforms]\n    [[cluster]]\n        hosts = a, b\n[install]\n    source dirs = ~/mine\n")
    assert tidemill("config", "-i", "[platforms][cluster]hosts").stdout == "a, b\n"
    assert tidemill("config", "--platform-names").stdout.split() == ["localhost", "cluster"]
    assert str(file) in tidemill("config", "--print-hierarchy").stdout.split()
    (home / "mine" / "wf").mkdir(parents=True)
    (home / "mine" / "wf" / "flow.cylc").touch()
    assert tidemill("install", "wf").stdout.startswith("INSTALLED wf/run1")


def test_integer_graphs_are_printed_by_name_and_point(tidemill: Run, home: Path) -> None:
    """The text is, line by line, what Cylc's reference output is."""
    answer = tidemill("graph", "--reference", make_source(home, "int", INTEGER), "1", "7")
    edges = [f'edge "{n}/xyzzy" "{n}/bar"' for n in range(1, 6)]
    nodes = [f'node "{n}/bar" "bar\\n{n}"' for n in range(1, 6)]
    nodes += [f'node "{n}/xyzzy" "xyzzy\\n{n}"' for n in range(1, 8)]
    assert answer.stdout.splitlines() == [*edges, "graph", *nodes, "stop"], answer.stderr


def test_dated_graphs_are_printed_by_point_and_name(tidemill: Run, dated: str) -> None:
    """Three points are shown by default; families are their members, or one node with --group."""
    lines = tidemill("graph", dated).stdout.splitlines()
    assert lines[:3] == [
        'edge "20200101T0000Z/m1" "20200101T0000Z/arch"',
        'edge "20200101T0000Z/m1" "20200101T0000Z/post"',
        'edge "20200101T0000Z/m1" "20200101T1200Z/m1"',
    ]
    assert len([line for line in lines if line.startswith("edge")]) == 15
    assert lines[-2] == 'node "20200101T1200Z/zed" "zed\\n20200101T1200Z"'
    grouped = tidemill("graph", dated, "-g", "FAM", "20200101T00Z", "+PT12H").stdout.splitlines()
    assert grouped[:3] == [
        'edge "20200101T0000Z/FAM" "20200101T0000Z/arch"',
        'edge "20200101T0000Z/FAM" "20200101T0000Z/post"',
        'edge "20200101T0000Z/FAM" "20200101T1200Z/FAM"',
    ]
    topmost = tidemill("graph", dated, "-g", "<all>").stdout
    assert 'edge "20200101T0000Z/FAM" "20200101T0000Z/OTHER"' in topmost
    assert tidemill("graph", dated, "-g", "NONE").returncode == 1


def test_inheritance_is_drawn_as_a_graph(tidemill: Run, dated: str) -> None:
    """--namespaces shows every namespace under each it inherits from."""
    lines = tidemill("graph", dated, "-n").stdout.splitlines()
    assert lines[:5] == [
        'edge "FAM" "SUB"',
        'edge "FAM" "m3"',
        'edge "OTHER" "m3"',
        'edge "OTHER" "post"',
        'edge "SUB" "m1"',
    ]
    assert 'edge "root" "zed"' in lines


def test_drawings_hold_every_node_and_edge(tidemill: Run, home: Path, dated: str) -> None:
    """An SVG file is well formed, names each task, and keeps nodes apart."""
    for options in ([], ["-t"], ["-n"], ["-g", "FAM"]):
        answer = tidemill("graph", dated, "-o", "picture.svg", *options)
        assert answer.returncode == 0, answer.stderr
        root = ElementTree.fromstring((home / "picture.svg").read_text())
        space = "{http://www.w3.org/2000/svg}"
        boxes = []
        for group in root.iter(f"{space}g"):
            rectangle = group.find(f"{space}rect")
            assert rectangle is not None
            x, y, width, height = (float(rectangle.attrib[name]) for name in ("x", "y", "width", "height"))
            boxes.append((x, y, x + width, y + height))
        data = json.loads(tidemill("graph", dated, "--json", *options).stdout)
        assert len(boxes) == len(data["nodes"])
        assert len(root.findall(f"{space}path")) == len(data["edges"])
        for number, one in enumerate(boxes):
            for two in boxes[:number]:
                assert one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]


def test_graphs_are_written_for_graphviz_and_compared(tidemill: Run, home: Path, dated: str) -> None:
    """--format dot names nodes and edges; --diff shows what a change does."""
    written = tidemill("graph", dated, "--format", "dot", "-c").stdout
    assert '"20200101T0000Z/prep" -> "20200101T0000Z/m1"' in written
    assert 'subgraph "cluster_20200101T0000Z"' in written
    changed = make_source(home, "changed", DATED.replace("post & m1 => arch", "post => arch"))
    lines = tidemill("graph", changed, "--diff", dated).stdout.splitlines()
    assert [line for line in lines if line.startswith(("-e", "+e"))] == [
        '-edge "20200101T0000Z/m1" "20200101T0000Z/arch"',
        '-edge "20200101T1200Z/m1" "20200101T1200Z/arch"',
    ]
    assert tidemill("graph", dated, "-o", "picture.odd").returncode == 1
