"""`tidemill view`: a definition before it is parsed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tidemill.cli.view import command

FLOW = """#!Jinja2
%include inc/graph.cylc
[runtime]
    [[{{ NAME }}]]
        script = echo \\
            there
"""
GRAPH = "[scheduling]\n    [[graph]]\n        R1 = {{ NAME }}\n"


@pytest.mark.parametrize(
    ("options", "present", "absent"),
    [
        ([], ["%include", "{{ NAME }}", "echo \\\n"], ["[scheduling]"]),
        (["-i"], ["[scheduling]", "{{ NAME }}", "echo \\\n"], ["%include"]),
        (["-j"], ["R1 = surge", "[[surge]]", "echo \\\n"], ["%include", "{{"]),
        (["-p"], ["R1 = surge", "echo             there"], ["%include", "{{", "\\"]),
    ],
)
def test_a_definition_is_shown_in_its_stages(
    tmp_path: Path, options: list[str], present: list[str], absent: list[str]
) -> None:
    """As written, with its included files, with its templates filled in, and with continued lines made one."""
    (tmp_path / "inc").mkdir()
    (tmp_path / "flow.cylc").write_text(FLOW)
    (tmp_path / "inc" / "graph.cylc").write_text(GRAPH)
    done = CliRunner().invoke(command, [*options, "--set", "NAME='surge'", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert [text for text in present if text not in done.output] == []
    assert [text for text in absent if text in done.output] == []
