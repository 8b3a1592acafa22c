"""The data store of Cylc's own UI server 1.7, unmodified and from an environment of its own, follows a Tidemill run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Program = Callable[..., subprocess.CompletedProcess[str]]

ENVIRONMENT = Path(__file__).parents[2] / "benchmarks" / ".cylc-uiserver"
REQUIREMENTS = ("cylc-uiserver==1.7.*", "cylc-flow==8.5.4")
FOLLOW = Path(__file__).with_name("uiserver_store.py")

WORKFLOW = """
[scheduling]
    cycling mode = integer
    final cycle point = 4
    runahead limit = P2
    [[graph]]
        P1 = \"\"\"
            wait => a => FAMILY
            FAMILY:succeed-all => c?
            c:fail? => mend
            c? | mend => end
            a[-P1] => a
        \"\"\"
        R1/4 = end => last
[runtime]
    [[FAMILY]]
    [[wait, a, mend, end]]
    [[m1, m2]]
        inherit = FAMILY
        script = cylc message -- "half way"
        [[[outputs]]]
            half = half way
    [[c]]
        script = (( CYLC_TASK_CYCLE_POINT % 2 ))
    [[wait]]
        script = "while [[ ! -e $CYLC_WORKFLOW_RUN_DIR/go ]]; do sleep 0.05; done"
    [[last]]
        script = "while [[ ! -e $CYLC_WORKFLOW_RUN_DIR/end ]]; do sleep 0.05; done"
"""


@pytest.fixture(scope="session")
def uiserver_python() -> Path:
    """The Python of an environment with cylc-uiserver, installed once."""
    python = ENVIRONMENT / "bin" / "python"
    ready = ENVIRONMENT / ".ready"
    if not ready.exists():
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        for command in (
            [sys.executable, "-m", "venv", str(ENVIRONMENT)],
            [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                shutil.rmtree(ENVIRONMENT, ignore_errors=True)
                reason = f"cylc-uiserver 1.7 cannot be installed here: {done.stderr[-300:]}"
                print(reason)
                pytest.skip(reason)
        ready.touch()
    return python


class Store:
    """The UI server's store in a process of its own."""

    def __init__(self, python: Path, workflow: str, home: Path) -> None:
        self.errors = home / "store.errors"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [str(python), str(FOLLOW), workflow],
                cwd=home,
                env={**os.environ, "LANG": "C.UTF-8"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def answer(self) -> Any:
        """The next line it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()[-3000:]
        return json.loads(line)

    def compared(self) -> Any:
        """What it holds that is not as the scheduler has it, once both have come to rest."""
        assert self.process.stdin is not None
        self.process.stdin.write("compare\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


def test_the_store_of_the_ui_server_follows_a_whole_run(
    uiserver_python: Path, home: Path, tidemill: Program, wait_until: Callable[..., None]
) -> None:
    """It bootstraps, follows deltas from the first job to the last, holds what the scheduler holds, sees the end, and
    never had to ask for anything again because a checksum failed."""
    run = home / "cylc-run" / "w"
    run.mkdir()
    (run / "flow.cylc").write_text(WORKFLOW)
    assert tidemill("play", "w").returncode == 0
    log = run / "log" / "scheduler" / "log"
    store = Store(uiserver_python, "w", home)
    try:
        assert "wait" in store.answer()["proxies"]
        # The stamp of the workflow may be that of a batch that was told while the store was being connected.
        different = store.compared()["different"]
        assert [one for one in different if one[:2] != ["workflow", "stamp"]] == []
        assert tidemill("hold", "w//2/end").returncode == 0
        (run / "go").touch()
        wait_until(lambda: "[3/end/01:running] => succeeded" in log.read_text(), "three cycles", 60)
        assert tidemill("release", "w//2/end").returncode == 0
        wait_until(lambda: "[4/last/01:submitted] => running" in log.read_text(), "the last task", 60)
        at_last = store.compared()
        assert at_last["different"] == []
        assert at_last["counts"]["jobs"] >= 1
        (run / "end").touch()
        assert store.process.stdin is not None
        store.process.stdin.close()
        seen = store.answer()
        assert seen["asked"].count("pb_entire_workflow") == 1
        assert "pb_data_elements" not in seen["asked"]
        assert seen["log"] == []
    finally:
        store.close()
    assert "DONE" in log.read_text()
