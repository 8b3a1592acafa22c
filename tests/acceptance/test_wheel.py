"""The wheel: what is in it, and that it stands by itself once installed."""

from __future__ import annotations

import shutil
import site
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
NOT_PACKAGED = {"tests", "examples", "benchmarks", "docs", "bin", "build", "dist"}
DATA_SUFFIXES = {".sql", ".proto", ".pyi", ".sh", ".graphql"}

CHECK_IMPORTS = """
import importlib, pkgutil, sys
import tidemill
assert tidemill.__file__.startswith(sys.prefix), tidemill.__file__
for module in pkgutil.walk_packages(tidemill.__path__, "tidemill."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the checkout, so that nothing left from earlier builds slips in."""
    copy = tmp_path_factory.mktemp("build") / "tidemill"
    shutil.copytree(
        CHECKOUT,
        copy,
        ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist"),
    )
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "wheels", "."]
    built = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (copy / "wheels").glob("*.whl")
    return wheel


def room_files() -> set[str]:
    """List the files of the checkout that belong in the wheel, by the names they should have there."""
    tops = [top for top in CHECKOUT.iterdir() if top.name not in NOT_PACKAGED and not top.name.startswith(".")]
    files = [file for top in tops for file in (top.rglob("*") if top.is_dir() else [top]) if file.is_file()]
    return {
        f"tidemill/{file.relative_to(CHECKOUT).as_posix()}"
        for file in files
        if "__pycache__" not in file.parts
        and (file.suffix == ".py" or file.suffix in DATA_SUFFIXES or file.parent.name == "shims")
    }


def test_wheel_holds_the_rooms_and_nothing_else(wheel: Path) -> None:
    """The wheel holds every module and data file of the rooms, its own records, and no other file."""
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.endswith("/")}
    records = {name for name in packed if name.split("/")[0].endswith(".dist-info")}
    assert packed - records == room_files() | {"tidemill/py.typed"}
    assert any(name.endswith("/licenses/LICENSE") for name in records)


def test_installed_wheel_stands_by_itself(wheel: Path, tmp_path: Path) -> None:
    """Installed in a clean environment, every module imports and both programs say the same version."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stdout + installed.stderr

    # Borrow the dependencies of this environment; a path file does not bring its editable install along.
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()) + "\n")

    imported = subprocess.run([python, "-c", CHECK_IMPORTS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert imported.returncode == 0, imported.stderr
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    answers = []
    for program in ("tidemill", "cli"):
        answer = subprocess.run(
            [environment / "bin" / program, "version"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        answers.append(answer.stdout)
    assert answers[0] == answers[1]
    assert version in answers[0]
