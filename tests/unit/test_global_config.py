"""global.cylc is found and read where Cylc finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.flow.language.config import load_config
from tidemill.flow.language.exceptions import ConfigError
from tidemill.flow.language.globals import load_global_config


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_defaults_without_any_file(tmp_path: Path) -> None:
    """Without a file the built-in values apply, the platform localhost among them."""
    config = load_global_config({"HOME": str(tmp_path), "CYLC_SITE_CONF_PATH": str(tmp_path / "site")})
    scheduler = config.items["scheduler"]
    assert config.files == []
    assert scheduler["run hosts"]["ports"] == list(range(43001, 43102))
    assert scheduler["process pool size"] == 4
    assert scheduler["events"]["stall timeout"] == 3600.0
    assert config.items["install"]["source dirs"] == ["~/cylc-src"]
    localhost = config.items["platforms"]["localhost"]
    assert localhost["hosts"] == ["localhost"]
    assert localhost["job runner"] == "background"
    assert localhost["execution time limit polling intervals"] == [60.0, 120.0, 420.0]
    assert localhost["selection"]["method"] == "definition order"


def test_the_user_counts_over_the_site_and_the_version_over_the_general(tmp_path: Path) -> None:
    """Files are read from general to specific; each item comes from the last that sets it."""
    site = write(tmp_path / "site/flow/global.cylc", "[scheduler]\nprocess pool size = 8\nUTC mode = True\n")
    user = write(tmp_path / "home/.cylc/flow/global.cylc", "[scheduler]\nprocess pool size = 2\n")
    versioned = write(
        tmp_path / "home/.cylc/flow/8/global.cylc",
        "[scheduler]\n[[run hosts]]\nports = 5000..5002, 6000\n[platforms]\n[[hpc[0-9]+]]\nhosts = a, b\n",
    )
    config = load_global_config({"HOME": str(tmp_path / "home"), "CYLC_SITE_CONF_PATH": str(tmp_path / "site")})
    assert config.files == [str(site), str(user), str(versioned)]
    assert config.items["scheduler"]["process pool size"] == 2
    assert config.items["scheduler"]["UTC mode"] is True
    assert config.items["scheduler"]["run hosts"]["ports"] == [5000, 5001, 5002, 6000]
    assert list(config.items["platforms"]) == ["localhost", "hpc[0-9]+"]
    assert config.items["platforms"]["hpc[0-9]+"]["hosts"] == ["a", "b"]
    assert config.items["platforms"]["hpc[0-9]+"]["communication method"] == "zmq"


def test_one_directory_alone_can_be_asked_for(tmp_path: Path) -> None:
    """CYLC_CONF_PATH is the only place looked at, if it is set."""
    write(tmp_path / "home/.cylc/flow/global.cylc", "[scheduler]\nprocess pool size = 2\n")
    only = write(tmp_path / "only/global.cylc", "[task events]\nexecution timeout = PT1H\n")
    config = load_global_config({"HOME": str(tmp_path / "home"), "CYLC_CONF_PATH": str(tmp_path / "only")})
    assert config.files == [str(only)]
    assert config.items["scheduler"]["process pool size"] == 4
    assert config.section("task events")["execution timeout"] == 3600.0


def test_workflows_fall_back_to_the_site(tmp_path: Path) -> None:
    """What a workflow leaves unset comes from global.cylc, what it sets does not."""
    text = "[scheduler]\nUTC mode = True\n[[events]]\nstall timeout = PT5M\nrestart timeout = PT1M\n"
    write(tmp_path / "only/global.cylc", text + "[task events]\nmail events = failed\n")
    write(tmp_path / "wf/flow.cylc", "[scheduler]\n[[events]]\nrestart timeout = PT2M\n")
    site = load_global_config({"CYLC_CONF_PATH": str(tmp_path / "only")})
    config = load_config(str(tmp_path / "wf"), global_config=site)
    assert config.items["scheduler"]["UTC mode"] is True
    assert config.items["scheduler"]["events"]["stall timeout"] == 300.0
    assert config.items["scheduler"]["events"]["restart timeout"] == 120.0
    assert config.runtime_defaults["events"]["mail events"] == ["failed"]


def test_mistakes_name_the_whole_path(tmp_path: Path) -> None:
    """A mistake in global.cylc is reported with its full path and line."""
    path = write(tmp_path / "global.cylc", "[scheduler]\nproces pool size = 2\n")
    with pytest.raises(ConfigError) as caught:
        load_global_config({"CYLC_CONF_PATH": str(tmp_path)})
    assert str(caught.value).startswith(f"{path}:2: unknown item: [scheduler]proces pool size")
    assert "Did you mean 'process pool size'?" in str(caught.value)


def test_global_config_may_be_a_template(tmp_path: Path) -> None:
    """A global.cylc that starts with #!Jinja2 is rendered, and its lines keep their numbers."""
    write(tmp_path / "global.cylc", "#!Jinja2\n{% set N = 3 %}\n[scheduler]\nprocess pool size = {{ N }}\n")
    config = load_global_config({"CYLC_CONF_PATH": str(tmp_path)})
    assert config.items["scheduler"]["process pool size"] == 3
    write(tmp_path / "global.cylc", "#!Jinja2\n{% set N = 3 %}\n[scheduler]\nprocess pool size = x{{ N }}\n")
    with pytest.raises(ConfigError, match=r"global\.cylc:4: \[scheduler\]process pool size"):
        load_global_config({"CYLC_CONF_PATH": str(tmp_path)})
