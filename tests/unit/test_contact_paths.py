"""Where runs live, and which run a user means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.contact.exceptions import IdentifierError, WorkflowNotFound
from tidemill.contact.paths import contact_path, current_user, resolve_workflow, run_directory, run_root


def test_the_run_root(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs are in cylc-run at home, or where the environment says."""
    assert run_root() == home / "cylc-run"
    assert contact_path("a/run1") == home / "cylc-run/a/run1/.service/contact"
    monkeypatch.setenv("TIDEMILL_RUN_DIR", str(tmp_path / "other"))
    assert run_directory("a") == tmp_path / "other/a"
    monkeypatch.setenv("TIDEMILL_RUN_DIR", "~/elsewhere")
    assert run_root() == home / "elsewhere"


def test_inside_a_job_its_run_directory_is_believed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job's variable counts for the job's own workflow and user only."""
    monkeypatch.setenv("CYLC_WORKFLOW_RUN_DIR", "/somewhere/else")
    monkeypatch.setenv("CYLC_WORKFLOW_ID", "wf/run1")
    monkeypatch.setenv("CYLC_WORKFLOW_OWNER", current_user())
    assert run_directory("wf/run1") == Path("/somewhere/else")
    assert run_directory("wf/run2") == home / "cylc-run/wf/run2"
    monkeypatch.setenv("CYLC_WORKFLOW_OWNER", "another-" + current_user())
    assert run_directory("wf/run1") == home / "cylc-run/wf/run1"


def test_the_latest_run_is_meant(home: Path) -> None:
    """A workflow's name means its latest numbered run, by that run's own id."""
    root = home / "cylc-run"
    (root / "wf/run2").mkdir(parents=True)
    (root / "wf/runN").symlink_to("run2")
    assert resolve_workflow("wf") == "wf/run2"
    assert resolve_workflow("wf/") == "wf/run2"
    assert resolve_workflow("wf/runN") == "wf/run2"
    assert resolve_workflow("wf/run2") == "wf/run2"
    assert resolve_workflow(f"~{current_user()}/wf") == "wf/run2"


def test_a_run_without_a_number_is_itself(home: Path) -> None:
    """A directory that is a run is meant, whatever else is in it; one not there stays as it is."""
    root = home / "cylc-run"
    (root / "flat/.service").mkdir(parents=True)
    (root / "flat/run1").mkdir()
    (root / "flat/runN").symlink_to("run1")
    assert resolve_workflow("flat") == "flat"
    assert resolve_workflow("not/there") == "not/there"


def test_what_cannot_be_resolved(home: Path) -> None:
    """Names that are none, runs of others, and links to nowhere are each said."""
    with pytest.raises(IdentifierError):
        resolve_workflow("../etc")
    with pytest.raises(WorkflowNotFound, match="another user"):
        resolve_workflow("~somebody-else/wf")
    with pytest.raises(WorkflowNotFound, match="no numbered run"):
        resolve_workflow("wf/runN")
    (home / "cylc-run/wf").mkdir()
    (home / "cylc-run/wf/runN").symlink_to("run7")
    with pytest.raises(WorkflowNotFound, match="run7"):
        resolve_workflow("wf")
