"""Identifiers are read and written in every form Cylc's users know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.contact.exceptions import IdentifierError
from tidemill.contact.identifiers import (
    Identifier,
    format_identifier,
    format_job,
    match_names,
    matches,
    parse_identifier,
    parse_identifiers,
    validate_workflow_name,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wf", Identifier(workflow="wf")),
        ("a/b/run1", Identifier(workflow="a/b/run1")),
        ("wf/", Identifier(workflow="wf")),
        ("wf//", Identifier(workflow="wf")),
        ("wf:running", Identifier(workflow="wf", workflow_selector="running")),
        ("~me/wf", Identifier(user="me", workflow="wf")),
        ("~me", Identifier(user="me")),
        ("wf//1", Identifier(workflow="wf", cycle="1")),
        ("wf//1/", Identifier(workflow="wf", cycle="1")),
        ("wf//1:failed", Identifier(workflow="wf", cycle="1", cycle_selector="failed")),
        ("wf//1/a", Identifier(workflow="wf", cycle="1", task="a")),
        ("wf//1/a:failed", Identifier(workflow="wf", cycle="1", task="a", task_selector="failed")),
        ("wf//1/a/1", Identifier(workflow="wf", cycle="1", task="a", job="01")),
        ("wf//1/a/NN", Identifier(workflow="wf", cycle="1", task="a", job="NN")),
        ("wf//*/[ab]?", Identifier(workflow="wf", cycle="*", task="[ab]?")),
        ("wf//^/a", Identifier(workflow="wf", cycle="^", task="a")),
        ("wf//2020-01-01T00:00Z/a", Identifier(workflow="wf", cycle="2020-01-01T00:00Z", task="a")),
        (
            "wf//20200101T0000+01:00/a:failed",
            Identifier(workflow="wf", cycle="20200101T0000+01:00", task="a", task_selector="failed"),
        ),
        ("//1/a", Identifier(cycle="1", task="a")),
        (
            "~me/wf:running//1:failed/a:failed/2:running",
            Identifier("me", "wf", "running", "1", "failed", "a", "failed", "02", "running"),
        ),
    ],
)
def test_every_form_is_read(text: str, expected: Identifier) -> None:
    """Each documented form gives its parts."""
    assert parse_identifier(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "wf ", "//", "//~", "wf//1/a/1/x", "~", "~/wf", "wf:", "wf:a:b", "wf//1:", "wf//1/a::b", "a~b"],
)
def test_what_is_no_identifier_is_refused(text: str) -> None:
    """A text in no form is refused, and shown."""
    with pytest.raises(IdentifierError, match="Invalid ID"):
        parse_identifier(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/a", Identifier(cycle="1", task="a")),
        ("//1/a", Identifier(cycle="1", task="a")),
        ("1", Identifier(cycle="1")),
        ("*/FAM:failed", Identifier(cycle="*", task="FAM", task_selector="failed")),
        ("a.1", Identifier(cycle="1", task="a")),
        ("a.20200101T00Z:failed", Identifier(cycle="20200101T00Z", task="a", task_selector="failed")),
    ],
)
def test_relative_identifiers(text: str, expected: Identifier) -> None:
    """In a command to one workflow the leading slashes may be left out, and the old dotted form is known."""
    assert parse_identifier(text, relative=True) == expected


def test_a_command_line_reads_from_left_to_right() -> None:
    """Relative identifiers belong to the workflow before them; the old forms are known after one."""
    texts = [str(found) for found in parse_identifiers(["a", "//1/x", "//2", "b", "c//3/y", "d", "x.1", "2/y:failed"])]
    assert texts == ["a//1/x", "a//2", "b", "c//3/y", "d//1/x", "d//2/y:failed"]
    assert [str(found) for found in parse_identifiers(["a", "b/c"])] == ["a", "b/c"]
    with pytest.raises(IdentifierError, match="name the workflow first"):
        parse_identifiers(["//1/x"])
    with pytest.raises(IdentifierError, match="name the workflow first"):
        parse_identifiers(["a//1/x", "//1/y"])


_token = st.text("abcXYZ019_-+%@*", min_size=1, max_size=8)


@given(user=_token, workflow=_token, cycle=_token, task=_token, job=st.integers(1, 300))
def test_what_is_written_is_read_back(user: str, workflow: str, cycle: str, task: str, job: int) -> None:
    """Formatting and reading are each other's inverse, and both ways to write agree."""
    text = format_identifier(user, workflow, cycle, task, job=job)
    found = parse_identifier(text)
    assert str(found) == text
    assert (found.user, found.workflow, found.cycle, found.task) == (user, workflow, cycle, task)
    assert found.job == format_job(job)
    assert text.endswith("//" + found.relative)
    assert str(found.workflow_part) == format_identifier(user, workflow)


@given(st.text(max_size=30))
def test_no_text_is_more_than_an_error(text: str) -> None:
    """Any text is read, or refused with our own error; what is read can be written."""
    try:
        found = parse_identifier(text)
    except IdentifierError:
        return
    assert parse_identifier(str(found)) == found


@pytest.mark.parametrize("name", ["wf", "a/b/c", "w+f-1.2@x", "été", "_x"])
def test_good_names(name: str) -> None:
    """Letters of any script, digits and a few signs make a workflow's name."""
    validate_workflow_name(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "empty"),
        ("1wf", "cannot start"),
        (".wf", "cannot start"),
        ("-wf", "cannot start"),
        ("/wf", "cannot start"),
        ("w f", "cannot contain ' '"),
        ("w:f", "cannot contain ':'"),
        ("a/../b", "'..'"),
        ("a//b", "''"),
        ("a/run1", "numbered runs"),
        ("run1", "numbered runs"),
        ("a/log", "reserved"),
        ("a/_cylc-install", "reserved"),
        ("x" * 255, "longer"),
    ],
)
def test_bad_names_are_refused_with_the_rule(name: str, words: str) -> None:
    """A name that cannot be a workflow's is refused with the rule it breaks."""
    with pytest.raises(IdentifierError, match=words):
        validate_workflow_name(name)


def test_the_id_of_a_numbered_run_is_good_where_a_run_is_meant() -> None:
    """A run number is allowed at the end of an id, and only there."""
    validate_workflow_name("a/run1", allow_run_number=True)
    for name in ("run1", "run1/a"):
        with pytest.raises(IdentifierError):
            validate_workflow_name(name, allow_run_number=True)


def test_globs() -> None:
    """Patterns match as shells do, case counts, and a name without a pattern is itself only."""
    assert matches("a*", "abc")
    assert not matches("A*", "abc")
    assert matches("[!b]?", "ax")
    assert matches("a[", "a[")
    assert match_names("t?", ["t1", "t22", "t3"]) == ["t1", "t3"]
    assert match_names("t1", ["t1", "t22"]) == ["t1"]
