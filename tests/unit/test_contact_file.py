"""The contact file: whole or absent, readable by Cylc, and never removed from a scheduler that lives."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidemill.contact import process
from tidemill.contact.exceptions import ContactFileError, ContactFileExists, ContactFileMissing
from tidemill.contact.file import (
    ContactFile,
    Liveness,
    detect_old_contact,
    is_this_host,
    liveness,
    read_contact,
    remove_stale,
)

GONE = 2**22 + 12345
"""A process id beyond what Linux and macOS give."""


def ours(**changes: object) -> ContactFile:
    contact = ContactFile.of_this_process(
        "wf/run1", "localhost", 43001, 43002, run_directory="/r/wf/run1", owner="me", uuid="u", version="1.2"
    )
    return contact._replace(**changes)  # type: ignore[arg-type]


def foreign(**changes: object) -> ContactFile:
    """As another program would write it, without our own keys."""
    return ours(machine="", boot="", process_start="", tidemill_version="")._replace(**changes)  # type: ignore[arg-type]


def test_it_holds_every_key_a_cylc_client_reads(tmp_path: Path) -> None:
    """The file has Cylc's keys, sorted, with this process's exact command line, and is readable by all."""
    path = tmp_path / "contact"
    ours().write(path)
    lines = path.read_text().splitlines()
    assert lines == sorted(lines)
    values = dict(line.split("=", 1) for line in lines)
    assert values["CYLC_API"] == "5"
    assert values["CYLC_VERSION"] == "8.5.4"
    assert values["CYLC_WORKFLOW_ID"] == "wf/run1"
    assert values["CYLC_WORKFLOW_HOST"] == "localhost"
    assert values["CYLC_WORKFLOW_PORT"] == "43001"
    assert values["CYLC_WORKFLOW_PUBLISH_PORT"] == "43002"
    assert values["CYLC_WORKFLOW_PID"] == str(os.getpid())
    assert values["CYLC_WORKFLOW_RUN_DIR_ON_WORKFLOW_HOST"] == "/r/wf/run1"
    assert {"CYLC_WORKFLOW_UUID", "CYLC_WORKFLOW_OWNER", "SCHEDULER_SSH_COMMAND", "TIDEMILL_VERSION"} <= set(values)
    assert {"SCHEDULER_CYLC_PATH", "SCHEDULER_USE_LOGIN_SHELL"} <= set(values)
    assert shlex.split(values["CYLC_WORKFLOW_COMMAND"])[-1] == sys.orig_argv[-1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert read_contact(path) == ours()
    assert os.listdir(tmp_path) == ["contact"]


def test_of_two_writers_one_wins(tmp_path: Path) -> None:
    """A contact file that is there is not overwritten unawares."""
    path = tmp_path / "contact"
    ours().write(path)
    with pytest.raises(ContactFileExists, match="may be running"):
        ours(port=1).write(path)
    assert read_contact(path).port == 43001
    ours(port=1).write(path, replace=True)
    assert read_contact(path).port == 1
    assert os.listdir(tmp_path) == ["contact"]


def test_it_cannot_be_written(tmp_path: Path) -> None:
    """A directory that is not there, or a value that would break the lines, is an error that says so."""
    with pytest.raises(ContactFileError, match="Cannot write the contact file"):
        ours().write(tmp_path / "absent" / "contact")
    with pytest.raises(ContactFileError, match="CYLC_WORKFLOW_OWNER"):
        ours(owner="a\nCYLC_WORKFLOW_HOST=b").write(tmp_path / "contact")
    assert os.listdir(tmp_path) == []


def test_old_and_other_files_are_read(tmp_path: Path) -> None:
    """Keys of older versions count, unknown ones are passed over, missing ones left empty."""
    path = tmp_path / "wf" / ".service" / "contact"
    path.parent.mkdir(parents=True)
    path.write_text("CYLC_SUITE_HOST = h\nCYLC_SUITE_PORT=5\nCYLC_SUITE_NAME=old\nCYLC_SUITE_PROCESS=x=y\n\n")
    contact = read_contact(path)
    assert (contact.host, contact.port, contact.workflow, contact.pid) == ("h", 5, "old", None)
    assert contact.cylc_version == ""
    path.write_text("CYLC_WORKFLOW_HOST=h\nCYLC_WORKFLOW_PORT=5\n")
    assert read_contact(path).workflow == "wf"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "lacks CYLC_WORKFLOW_HOST and CYLC_WORKFLOW_PORT"),
        (b"CYLC_WORKFLOW_HOST=h\n", "lacks CYLC_WORKFLOW_PORT"),
        (b"CYLC_WORKFLOW_HOST=h\nCYLC_WORKFLOW_PORT=x\n", "CYLC_WORKFLOW_PORT=x is not a valid number"),
        (b"CYLC_WORKFLOW_HOST=h\nCYLC_WORKFLOW_PORT=0\n", "not a valid number"),
        (b"CYLC_WORKFLOW_HOST=h\nCYLC_WORKFLOW_PORT=70000\n", "not a valid number"),
        (b"CYLC_WORKFLOW_HOST=h\nCYLC_WORKFLOW_PORT=5\nCYLC_WORKFLOW_PID=-1\n", "not a valid number"),
        (b"CYLC_API=5\ngarbage\n", ":2: not a contact file"),
        (b"\xff\xfe\x00\x01", ":1: not a contact file"),
    ],
)
def test_garbage_is_a_clear_error(tmp_path: Path, content: bytes, words: str) -> None:
    """A file that is no contact file, or lacks what matters, is an error that names it and what is wrong."""
    path = tmp_path / "contact"
    path.write_bytes(content)
    with pytest.raises(ContactFileError, match=words) as caught:
        read_contact(path)
    assert str(path) in str(caught.value)
    assert remove_stale(path) is None
    assert path.exists()


def test_no_file(tmp_path: Path) -> None:
    """No file, and no directory, mean that the workflow is not running."""
    for path in (tmp_path / "contact", tmp_path / "a" / "b" / "contact"):
        with pytest.raises(ContactFileMissing, match="not running"):
            read_contact(path)
        assert remove_stale(path) is None


def test_only_its_own_file_is_removed(tmp_path: Path) -> None:
    """A scheduler removes its file, and leaves one that another has written since."""
    path = tmp_path / "contact"
    ours().write(path)
    assert not ours(port=9).remove(path)
    assert path.exists()
    assert ours().remove(path)
    assert not ours().remove(path)
    assert os.listdir(tmp_path) == []


def test_a_living_scheduler_is_alive(tmp_path: Path) -> None:
    """Our own process is alive, by its start or by its command; its file is kept."""
    path = tmp_path / "contact"
    for contact in (ours(), foreign(), foreign(host="127.0.0.1")):
        contact.write(path, replace=True)
        assert detect_old_contact(path) is Liveness.ALIVE
        assert remove_stale(path) is None
        assert path.exists()


def test_a_command_line_that_differs_does_not_make_it_dead(tmp_path: Path) -> None:
    """A process that may be the scheduler under another command line is not taken for gone."""
    path = tmp_path / "contact"
    contact = foreign(command=ours().command + " -v")
    contact.write(path)
    assert detect_old_contact(path) is Liveness.UNKNOWN
    assert remove_stale(path) is None
    assert path.exists()


def test_another_host_or_no_process_id_is_unknown(tmp_path: Path) -> None:
    """What cannot be seen from here is not judged, even if a process of that number is gone here."""
    path = tmp_path / "contact"
    for contact in (
        foreign(host="elsewhere.invalid", pid=GONE),
        foreign(pid=None),
        ours(machine="another/machine", pid=GONE),
    ):
        contact.write(path, replace=True)
        assert detect_old_contact(path) is Liveness.UNKNOWN
        assert remove_stale(path) is None
        assert path.exists()


def test_a_process_that_is_gone_is_dead(tmp_path: Path) -> None:
    """With no process of that number on this host, the file is stale and can be removed."""
    path = tmp_path / "contact"
    for contact in (
        ours(pid=GONE),
        foreign(pid=GONE),
        ours(boot="an earlier one") if process.boot() else ours(pid=GONE),
    ):
        contact.write(path)
        assert detect_old_contact(path) is Liveness.DEAD
        removed = remove_stale(path)
        assert removed == contact
        assert os.listdir(tmp_path) == []


def test_a_process_id_used_again_is_dead(tmp_path: Path) -> None:
    """A process that began after the file was written is not its scheduler."""
    path = tmp_path / "contact"
    assert liveness(ours(process_start="0")) is Liveness.DEAD
    foreign(command="cylc play").write(path)
    os.utime(path, (time.time() - 1e6, time.time() - 1e6))
    assert detect_old_contact(path) is Liveness.DEAD


def test_a_zombie_is_dead(wait_until) -> None:
    """A process that has ended but was not waited for is gone."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: not process.exists(child.pid), "the child to end")
    assert liveness(foreign(pid=child.pid)) is Liveness.DEAD
    child.wait()


def test_what_is_known_of_a_process() -> None:
    """Start and command of another process are as the system has them; of none, nothing."""
    before = time.time()
    arguments = [sys.executable, "-c", "print(flush=True); input()", "a b", "it's"]
    child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        assert process.exists(child.pid)
        started = process.start_time(child.pid)
        assert started is not None
        assert abs(started - before) < 5
        command = process.command_line(child.pid)
        assert command is not None
        assert process.same_command(shlex.join(arguments), command)
        assert not process.same_command("other", command)
        assert process.start_mark(child.pid) is not None
    finally:
        child.communicate(b"\n")
    assert not process.exists(GONE)
    assert process.command_line(GONE) is None
    assert process.start_mark(GONE) is None
    assert process.start_time(GONE) is None


def test_which_host_this_is() -> None:
    """Names and addresses of this machine are known from those of others."""
    assert is_this_host("localhost")
    assert is_this_host(os.uname().nodename)
    assert is_this_host("127.0.0.3") or sys.platform != "linux"
    assert not is_this_host("192.0.2.1")
    assert not is_this_host("no.such.host.invalid")
