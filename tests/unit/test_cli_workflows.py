"""Which workflow an argument of the command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.cli.exceptions import InputError
from tidemill.cli.workflows import find_definition, find_job_identifier, find_run, find_runs, find_source
from tidemill.contact.exceptions import IdentifierError


def make_run(home: Path, name: str, *, latest: bool = False) -> Path:
    """A run directory with a definition; the latest of its workflow if asked."""
    directory = home / "cylc-run" / name
    directory.mkdir(parents=True)
    (directory / "flow.cylc").write_text("[scheduling]\n")
    if latest:
        link = directory.parent / "runN"
        link.unlink(missing_ok=True)
        link.symlink_to(directory.name)
    return directory


def test_a_name_means_the_latest_run(home: Path) -> None:
    """`wf`, `wf/runN` and `wf/run2` are the same run if that is the latest."""
    make_run(home, "wf/run1")
    make_run(home, "wf/run2", latest=True)
    assert find_run("wf") == find_run("wf/runN") == find_run("wf/run2") == "wf/run2"
    assert find_run("wf/run1") == "wf/run1"


def test_a_run_comes_before_a_source_of_its_name(home: Path) -> None:
    """A definition is looked for among the runs first, then among the sources."""
    source = home / "cylc-src" / "wf"
    source.mkdir(parents=True)
    (source / "flow.cylc").touch()
    assert find_definition("wf").directory == source
    run = make_run(home, "wf/run1", latest=True)
    assert find_definition("wf").directory == run
    assert find_source("wf").directory == source


def test_paths_begin_with_a_dot_or_slash(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`./wf`, `.` and the file itself are paths; a bare name is not, but the error says how to write one."""
    directory = home / "here" / "wf"
    directory.mkdir(parents=True)
    (directory / "flow.cylc").touch()
    monkeypatch.chdir(directory.parent)
    for text in ("./wf", "./wf/", "./wf/flow.cylc", str(directory), "~/here/wf"):
        assert find_definition(text) == (directory, "wf", False)
    monkeypatch.chdir(directory)
    assert find_definition(".").directory == directory
    monkeypatch.chdir(directory.parent)
    with pytest.raises(InputError, match=r"write \./wf"):
        find_definition("wf")


def test_what_is_not_there_is_said_with_where_was_looked(home: Path) -> None:
    """Errors name the directories that were searched."""
    with pytest.raises(InputError, match=r"workflow not found: nope; looked in .*cylc-run, .*cylc-src"):
        find_definition("nope")
    with pytest.raises(InputError, match=r"workflow not found: nope; looked in .*cylc-run"):
        find_run("nope")
    with pytest.raises(InputError, match="directory not found"):
        find_definition("./nope")
    (home / "empty").mkdir()
    with pytest.raises(InputError, match=r"no flow\.cylc or suite\.rc in"):
        find_definition(str(home / "empty"))


def test_globs_mean_every_match_once(home: Path) -> None:
    """A glob matches runs and the workflows they belong to; one that matches nothing is an error."""
    for name in ("ocean/run1", "ocean/run2", "oasis", "sky/a"):
        make_run(home, name)
    assert find_runs(["o*"], running=False) == ["oasis", "ocean/run1", "ocean/run2"]
    assert find_runs(["ocea?", "ocean/run1"], running=False) == ["ocean/run1", "ocean/run2"]
    with pytest.raises(InputError, match="no running workflow matches"):
        find_runs(["o*"], running=True)


def test_a_task_is_named_in_one_word_or_two(home: Path) -> None:
    """`wf//1/foo` and `wf //1/foo` are the same; two tasks are one too many."""
    make_run(home, "wf/run1", latest=True)
    found = find_job_identifier(["wf//1/foo"])
    assert found == find_job_identifier(["wf", "//1/foo"])
    assert str(found) == "wf/run1//1/foo"
    with pytest.raises(InputError, match="found 2"):
        find_job_identifier(["wf", "//1/foo", "//2/foo"])
    with pytest.raises(IdentifierError):
        find_job_identifier(["//1/foo"])
