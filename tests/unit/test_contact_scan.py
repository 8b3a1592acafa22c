"""Scanning finds every workflow under the run root, and passes over what is none."""

from __future__ import annotations

import os
from pathlib import Path

from tidemill.contact.file import ContactFile
from tidemill.contact.scan import scan


def make(root: Path, workflow: str, *, running: bool = False, pid: int | None = None) -> None:
    service = root / workflow / ".service"
    service.mkdir(parents=True)
    (root / workflow / "flow.cylc").touch()
    if running:
        contact = ContactFile.of_this_process(
            workflow, "localhost", 43001, 43002, run_directory="", owner="me", uuid="u", version="1"
        )
        contact._replace(pid=pid or os.getpid()).write(service / "contact")


def test_a_messy_directory(home: Path) -> None:
    """Flat, nested and numbered runs are found by name, once each, with their states."""
    root = home / "cylc-run"
    make(root, "flat", running=True)
    make(root, "numbered/run1")
    make(root, "numbered/run2", running=True)
    (root / "numbered/runN").symlink_to("run2")
    (root / "numbered/_cylc-install").mkdir()
    make(root, "a/b/c/run1")
    make(root, "a/b/c/d/too_deep")
    make(root, "stale", running=True, pid=2**22 + 12345)
    make(root, "broken")
    (root / "broken/.service/contact").write_text("garbage")
    (root / "empty").mkdir()
    (root / "a file").touch()
    (root / ".hidden").mkdir()
    (root / "dangling").symlink_to("nowhere")
    (root / "loop").symlink_to(".")
    (root / "flat/work").mkdir()
    make(home, "away/target")
    (root / "link").symlink_to(home / "away/target")
    (root / "same").symlink_to("flat")
    os.mkfifo(root / "pipe")
    found = {item.workflow: item for item in scan()}
    assert {name: item.state for name, item in found.items()} == {
        "a/b/c/run1": "stopped",
        "broken": "stopped",
        "flat": "running",
        "link": "stopped",
        "numbered/run1": "stopped",
        "numbered/run2": "running",
        "stale": "stopped",
    }
    assert list(found) == sorted(found)
    assert found["flat"].contact is not None
    assert found["flat"].contact.port == 43001
    assert found["stale"].contact is None
    assert (root / "stale/.service/contact").exists()
    assert "not a contact file" in found["broken"].problem
    assert [item.workflow for item in scan(states=("running",))] == ["flat", "numbered/run2"]


def test_no_run_root(tmp_path: Path) -> None:
    """Where there is no run root there are no workflows."""
    assert list(scan(tmp_path / "absent")) == []
