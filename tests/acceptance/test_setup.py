"""What `bin/setup` says to people whose machine is not ready, and that it leaves a ready one alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
OLD_PYTHON = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that holds only what set-up reads first."""
    copy = tmp_path / "checkout"
    (copy / "bin").mkdir(parents=True)
    shutil.copy(CHECKOUT / "bin" / "setup", copy / "bin")
    shutil.copy(CHECKOUT / "pyproject.toml", copy)
    return copy


def set_up(checkout: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run bin/setup with only the given environment."""
    return subprocess.run(
        [checkout / "bin" / "setup", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def old_pythons(folder: Path) -> Path:
    """Make programs that are Python 3.9 under every name set-up tries."""
    folder.mkdir()
    for name in ("python", "python3", *(f"python3.{minor}" for minor in range(11, 15))):
        (folder / name).write_text(OLD_PYTHON)
        (folder / name).chmod(0o755)
    return folder


def test_an_old_python_is_named_with_what_to_do(checkout: Path, tmp_path: Path) -> None:
    """Where only an old Python is found, set-up names its version, asks for 3.11, and changes nothing."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "cat", "cksum", "dirname", "id", "mkdir", "rm", "sh", "sleep"):
        program = shutil.which(name)
        assert program is not None
        (tools / name).symlink_to(program)
    answer = set_up(checkout, {"PATH": f"{old_pythons(tmp_path / 'old')}:{tools}"}, "run")
    assert answer.returncode == 1
    assert "needs Python 3.11 or later" in answer.stderr
    assert "Python 3.9.2" in answer.stderr
    assert "PYTHON=/path/to/python3.11" in answer.stderr
    assert not (checkout / ".venv").exists()
    assert not (checkout / ".venv.lock").exists()


@pytest.mark.parametrize(("python", "reason"), [("old", "Python 3.9.2"), ("absent", "cannot be run")])
def test_a_chosen_python_that_will_not_do_is_refused(checkout: Path, tmp_path: Path, python: str, reason: str) -> None:
    """PYTHON is honoured: one that is too old or absent is refused rather than replaced by another."""
    chosen = old_pythons(tmp_path / "old") / ("python3" if python == "old" else "python9")
    answer = set_up(checkout, {"PATH": "/usr/bin:/bin", "PYTHON": str(chosen)}, "run")
    assert answer.returncode == 1
    assert f"PYTHON={chosen}" in answer.stderr
    assert reason in answer.stderr


def test_a_folder_that_is_no_environment_is_not_removed(checkout: Path) -> None:
    """A `.venv` that holds something else is left alone, and named."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "thesis.txt").write_text("years of work")
    answer = set_up(checkout, {"PATH": f"{Path(shutil.which('python3') or '').parent}:/usr/bin:/bin"}, "run")
    assert answer.returncode == 1
    assert "not a Python environment" in answer.stderr
    assert (checkout / ".venv" / "thesis.txt").read_text() == "years of work"
