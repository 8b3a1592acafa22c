"""Commands of jobs that were written for Cylc: its exit codes and words under its name, ours under our own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., "subprocess.CompletedProcess[str]"]

WORKFLOW = """
[scheduling]
    [[graph]]
        R1 = a => b
[runtime]
    [[a]]
        script = "set +e; . ${CYLC_WORKFLOW_RUN_DIR}/tell.sh"
    [[b]]
"""

TELL = """
try() {
    local said code
    said=$("$@" 2>/dev/null)
    code=$?
    printf 'SAID %s %s %s: %s\\n' "$1" "$2" "${code}" "${said}"
}
W=${CYLC_WORKFLOW_ID}
for task in 1/nobody '1/*:failed'; do
    for name in hold release kill remove set trigger poll; do
        try cylc ${name} "${W}//${task}"
        try tidemill ${name} "${W}//${task}"
    done
done
try cylc set --out=nothing "${W}//1/b"
try cylc set --pre=1/nobody "${W}//1/b"
try cylc stop --flow=7 "${W}"
try cylc trigger --meta=words "${W}//1/nobody"
try cylc broadcast "${W}"
try cylc broadcast --clear "${W}"
try cylc stop "${W}" b.1
try cylc hold "${W}//1/b"
try cylc release "${W}//1/b"
echo '[nonsense]' >> "${CYLC_WORKFLOW_RUN_DIR}/flow.cylc"
try cylc reload "${W}"
echo WRONG
try cylc hold "${W}"
try cylc trigger --flow=abc "${W}//1/b"
try cylc broadcast --clear --point=1 "${W}"
try cylc broadcast --cancel='[environment]A' "${W}"
try cylc stop --nonsense "${W}"
try cylc hold nosuch//1/b
"""


def test_commands_that_found_nothing_to_do_have_succeeded_for_cylc(tidemill: Run, home: Path) -> None:
    """Scripts with `set -e` go on: Cylc queues a command, and what comes of it is in the scheduler's log."""
    directory = home / "cylc-run" / "wf"
    directory.mkdir(parents=True)
    (directory / "flow.cylc").write_text(WORKFLOW)
    (directory / "tell.sh").write_text(TELL)
    done = tidemill("play", "--no-detach", "wf", timeout_seconds=120)
    assert done.returncode == 0, done.stderr
    lines = [
        line.removeprefix("SAID ")
        for line in (directory / "log/job/1/a/01/job.out").read_text().splitlines()
        if line.startswith(("SAID", "WRONG"))
    ]
    taken, refused = lines[: lines.index("WRONG")], lines[lines.index("WRONG") + 1 :]
    ours = [line for line in taken if line.startswith("tidemill")]
    theirs = [line for line in taken if not line.startswith("tidemill")]
    assert len(ours) == 14
    # That a known task has no job just now is no error for either name.
    assert [line.split()[2] for line in ours] == ["1:"] * 7 + ["1:", "1:", "0:", "1:", "1:", "1:", "0:"]
    assert [line.split()[2] for line in theirs] == ["0:"] * len(theirs)
    assert [line for line in theirs if "broadcast" not in line and not line.endswith("Command queued")] == []
    assert len(refused) == 6
    assert all(line.split()[2] in ("1:", "2:") for line in refused), refused


def test_scripts_find_the_functions_that_cylc_gives_them(tidemill: Run, home: Path) -> None:
    """A return code can be set, a dummy job's result be asked for, and the trap be set again by its name."""
    directory = home / "cylc-run" / "wf"
    directory.mkdir(parents=True)
    (directory / "flow.cylc").write_text(
        """
        [scheduling]
            [[graph]]
                R1 = a & b:fail?
        [runtime]
            [[a]]
                script = \"\"\"
                    cylc__set_return 3 || echo "returned $?"
                    cylc__job__dummy_result false 2 3
                    cylc__job__dummy_result true 1 || echo "failed $?"
                    cylc__job__wait_cylc_message_started
                    cylc__job__poll_grep_workflow_log -q '1/a.*running'
                \"\"\"
            [[b]]
                script = \"\"\"
                    trap - ERR EXIT
                    trap 'cylc__job_err ERR' ERR
                    false
                \"\"\"
                err-script = echo "err-script after $1"
        """
    )
    done = tidemill("play", "--no-detach", "wf", timeout_seconds=120)
    assert done.returncode == 0, done.stderr
    said = (directory / "log/job/1/a/01/job.out").read_text()
    for line in ("returned 3", "(dummy job succeed)", "(dummy job fail)", "failed 1"):
        assert line in said
    assert "err-script after ERR" in (directory / "log/job/1/b/01/job.err").read_text()
