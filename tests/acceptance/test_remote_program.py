"""`tidemill serve-commands` and `tidemill remote` as a person uses them: the installed program, real hosts of one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
PROGRAM = Path(sys.executable).parent / "tidemill"


class Host:
    """A command server, started as a person starts it."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "serve-commands", "--port", "0", *arguments], cwd=home, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        self.name = self.said.split()[3].rstrip(";")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def hosts(home: Path) -> Iterator[tuple[str, str]]:
    """Two command servers, as ``HOST:PORT`` each."""
    started = [Host(home), Host(home)]
    yield started[0].name, started[1].name
    for host in started:
        subprocess.run([PROGRAM, "remote", "exec", host.name, "--", "true"], check=False, capture_output=True)
        host.end()


@pytest.mark.parametrize(
    ("command", "status", "output", "errors"),
    [
        (["true"], 0, "", ""),
        (["echo hello; echo oops >&2; exit 7"], 7, "hello\n", "oops\n"),
        (["echo", "a  b", "$HOME"], 0, "a  b $HOME\n", ""),
        (["kill -9 $$"], 137, "", ""),
        (["printf no-line-end"], 0, "no-line-end", ""),
        (["no-such-program", "x"], 255, "", "CommandFailed: Cannot start the command: no-such-program"),
    ],
)
def test_exec_has_the_commands_output_and_its_own_exit_status(
    tidemill: Run, hosts: tuple[str, str], command: list[str], status: int, output: str, errors: str
) -> None:
    """Output goes to standard output, errors to standard error, and the exit status is the command's own."""
    answer = tidemill("remote", "exec", hosts[0], "--", *command)
    assert (answer.returncode, answer.stdout) == (status, output), answer.stderr
    assert answer.stderr.startswith(errors)


def test_exec_passes_directory_environment_and_input(tidemill: Run, hosts: tuple[str, str]) -> None:
    """--cwd, --env and --stdin do what they say; a command without --stdin finds its input at the end."""
    answer = tidemill("remote", "exec", hosts[0], "--cwd", "/", "--env", "A=b c", "--", 'pwd; echo "$A"; cat')
    assert answer.stdout == "/\nb c\n"
    piped = subprocess.run(
        [PROGRAM, "remote", "exec", hosts[0], "--stdin", "--", "wc", "-c"],
        input=b"x" * 200_000,
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert piped.stdout.split() == [b"200000"]
    late = tidemill("remote", "exec", hosts[0], "--time-limit", "0.2", "--", "sleep", "92")
    assert late.returncode == 143
    assert "time limit of 0.2 seconds" in late.stderr


def test_several_hosts_at_once_have_their_names_before_each_line(tidemill: Run, hosts: tuple[str, str]) -> None:
    """Every line says whose it is; the exit status is that of the first host where it is not 0; an absent host is told
    of while the others go on."""
    answer = tidemill("remote", "exec", *hosts, "--", "seq 1 2; printf end; [ $PPID != 1 ] && exit 4")
    assert sorted(answer.stdout.splitlines()) == sorted(
        f"{host}: {word}" for host in hosts for word in ("1", "2", "end")
    )
    assert answer.returncode == 4
    mixed = tidemill("remote", "exec", hosts[0], "localhost:1", "--timeout", "0.5", "--", "echo there")
    assert mixed.stdout == f"{hosts[0]}: there\n"
    assert mixed.returncode == 255
    assert "localhost:1: NotConnected" in mixed.stderr


def test_ctrl_c_ends_the_command_on_the_host(tidemill: Run, hosts: tuple[str, str]) -> None:
    """Interrupted, remote exec ends what it started, with its whole process group, and exits with 130."""
    process = subprocess.Popen(
        [PROGRAM, "remote", "exec", hosts[0], "--", "echo ready; sleep 91 & sleep 91"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    process.stdout.close()
    (job,) = json.loads(tidemill("remote", "jobs", hosts[0], "--json").stdout)
    assert (job["state"], job["exit_code"]) == ("ended", -15)
    assert os.system("pgrep -f '^sleep 91$' > /dev/null") != 0


def test_a_reader_that_goes_away_ends_the_command(tidemill: Run, hosts: tuple[str, str]) -> None:
    """`remote exec ... | head` does not leave an endless command behind."""
    subprocess.run(f"{PROGRAM} remote exec {hosts[0]} -- yes | head -1", shell=True, check=True, capture_output=True)
    (job,) = json.loads(tidemill("remote", "jobs", hosts[0], "--json").stdout)
    assert job["state"] == "ended"


def test_a_job_is_left_listed_attached_to_and_killed(tidemill: Run, hosts: tuple[str, str]) -> None:
    """exec --detach leaves a job; jobs lists it, attach prints all of its output and has its status, kill ends one."""
    number = tidemill(
        "remote", "exec", hosts[0], "--detach", "--", "echo begun; sleep 0.3; echo err >&2; exit 3"
    ).stdout
    assert number == "0\n"
    attached = tidemill("remote", "attach", hosts[0], "0")
    assert (attached.returncode, attached.stdout, attached.stderr) == (3, "begun\n", "err\n")
    assert tidemill("remote", "attach", hosts[0], "0", "--offset", "2").stdout == "gun\n"
    assert tidemill("remote", "exec", hosts[0], "--detach", "--", "sleep", "90").stdout == "1\n"
    listed = tidemill("remote", "jobs", hosts[0]).stdout
    assert "exit status 3" in listed
    assert "running" in listed
    assert tidemill("remote", "kill", hosts[0], "1").returncode == 0
    assert "signal 15" in tidemill("remote", "jobs", *hosts).stdout
    missing = tidemill("remote", "kill", hosts[0], "9")
    assert missing.returncode == 1
    assert "There is no job 9" in missing.stderr


def test_files_are_copied_both_ways(tidemill: Run, hosts: tuple[str, str], tmp_path: Path) -> None:
    """put and get copy with a checksum; a name ending with a slash is a directory; from several hosts each has one."""
    source = tmp_path / "data.nc"
    source.write_bytes(os.urandom(2_500_000))
    answer = tidemill("remote", "put", *hosts, str(source), f"{tmp_path}/in/")
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "in" / "data.nc").read_bytes() == source.read_bytes()
    assert len(answer.stdout.splitlines()) == 2
    back = tidemill("remote", "get", hosts[0], f"{tmp_path}/in/data.nc", f"{tmp_path}/back.nc")
    assert back.returncode == 0, back.stderr
    assert (tmp_path / "back.nc").read_bytes() == source.read_bytes()
    both = tidemill("remote", "get", *hosts, f"{tmp_path}/in/data.nc", f"{tmp_path}/both")
    assert both.returncode == 0, both.stderr
    assert len(list((tmp_path / "both").glob("*/data.nc"))) == 2
    failed = tidemill("remote", "put", hosts[0], str(source), "/proc/none/x")
    assert failed.returncode == 1
    assert "/proc/none/x cannot be written" in failed.stderr


def test_heartbeat_tells_who_is_there(tidemill: Run, hosts: tuple[str, str]) -> None:
    """0 if all answer; 1, and which does not, otherwise; as JSON with the lag of the loop."""
    assert tidemill("remote", "heartbeat", *hosts).returncode == 0
    answer = tidemill("remote", "heartbeat", hosts[0], "localhost:1", "--timeout", "0.5", "--json")
    assert answer.returncode == 1
    alive, dead = json.loads(answer.stdout)
    assert alive["alive"]
    assert alive["lag_seconds"] < 1
    assert not dead["alive"]


def test_wrong_usage_is_one_line_of_help(tidemill: Run) -> None:
    """Words that make no sense are errors that say what was expected, never a traceback."""
    for arguments, words in (
        (["remote", "fly"], "expected one of exec"),
        (["remote", "exec", "localhost"], "there is no command"),
        (["remote", "exec", "localhost:99999", "--", "ls"], "expected HOST or HOST:PORT"),
        (["remote", "exec", "h", "--env", "novalue", "--", "ls"], "expected NAME=VALUE"),
        (["serve-commands", "nothing"], "expected MODULE:CLASS"),
        (["serve-commands", "os:path"], "is not a class"),
        (["serve-commands", "--host", "no.such.host.invalid"], "Cannot listen as no.such.host.invalid"),
    ):
        answer = tidemill(*arguments)
        assert answer.returncode == 1, arguments
        assert words in answer.stderr
        assert "Traceback" not in answer.stderr
    assert "tidemill remote exec node1" in tidemill("remote", "--help").stdout


def test_an_interrupted_server_says_what_runs_on(home: Path, tidemill: Run) -> None:
    """Ctrl-C ends the server with 0; jobs run on, and it says so; started again it goes on with them."""
    host = Host(home)
    assert tidemill("remote", "exec", host.name, "--detach", "--", "sleep 89; exit 3").stdout == "0\n"
    host.process.send_signal(signal.SIGINT)
    assert host.process.wait(10) == 0
    host.end()
    again = subprocess.Popen(
        [PROGRAM, "serve-commands", "--port", host.name.rpartition(":")[2]], cwd=home, stdout=subprocess.PIPE, text=True
    )
    assert again.stdout is not None
    assert host.name in again.stdout.readline()
    assert "running" in tidemill("remote", "jobs", host.name).stdout
    assert tidemill("remote", "kill", host.name, "0").returncode == 0
    again.terminate()
    assert again.wait(10) == 0
    again.stdout.close()
