"""Settings of older workflows that name another host or batch system, played."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., "subprocess.CompletedProcess[str]"]

WORKFLOW = """
[scheduling]
    [[graph]]
        R1 = \"""
            here => end
            batch:submit-fail? & host:submit-fail? => end
        \"""
[runtime]
    [[here]]
        platform = $(echo localhost)
    [[batch]]
        submission retry delays = 3*PT0S
        [[[job]]]
            batch system = pbs
    [[host]]
        [[[remote]]]
            host = no.such.host.invalid
    [[end]]
"""


def test_what_cannot_be_submitted_here_fails_to_be_and_the_graph_goes_on(tidemill: Run, home: Path) -> None:
    """At once and without retries, as Cylc does with a platform that is not defined."""
    directory = home / "cylc-run" / "wf"
    directory.mkdir(parents=True)
    (directory / "flow.cylc").write_text(WORKFLOW)
    (directory / "reference.log").write_text(
        "1/here -triggered off [] in flow 1\n"
        "1/batch -triggered off [] in flow 1\n"
        "1/host -triggered off [] in flow 1\n"
        "1/end -triggered off ['1/batch', '1/here', '1/host'] in flow 1\n"
    )
    done = tidemill("play", "--no-detach", "--reference-test", "wf")
    assert done.returncode == 0, done.stderr
