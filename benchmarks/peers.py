"""The two schedulers under test, each with its own programs, home directory and clean environment."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CYLC_REQUIREMENT = "cylc-flow==8.5.4"
POLL_SECONDS = 0.001

PING = """\
import sys, time
from {module} import WorkflowRuntimeClient
client = WorkflowRuntimeClient(sys.argv[1])
client("{endpoint}")
count, seconds, started = 0, float(sys.argv[2]), time.perf_counter()
while time.perf_counter() < started + seconds or count < 5:
    client("{endpoint}")
    count += 1
print(count / (time.perf_counter() - started))
"""


class BenchmarkError(Exception):
    """A run did not do what the measure needs; the text says which and shows the end of its output."""


@dataclass(frozen=True)
class Peer:
    """One scheduler: where its programs are, where its runs go, and how its Python client pings."""

    name: str
    program: str
    programs: Path
    home: Path
    client_module: str
    endpoint: str

    def environment(self) -> dict[str, str]:
        """Give what its processes see: its own home and programs, and nothing of the caller's shell."""
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR", "USER") if name in os.environ}
        path = os.pathsep.join([str(self.programs), "/usr/local/bin", "/usr/bin", "/bin"])
        return {**kept, "HOME": str(self.home), "PATH": path, "TZ": "UTC"}

    def prepare(self) -> None:
        """Make the home directory: login shells of jobs find the programs, and the host is the loopback."""
        (self.home / "cylc-run").mkdir(parents=True)
        (self.home / ".bash_profile").write_text(f'export PATH="{self.programs}:$PATH"\n')
        if self.program == "cylc":
            settings = self.home / ".cylc" / "flow" / "global.cylc"
            settings.parent.mkdir(parents=True)
            settings.write_text(
                "[scheduler]\n    [[host self-identification]]\n        method = hardwired\n        host = 127.0.0.1\n"
            )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of its commands to the end."""
        return subprocess.run(
            [str(self.programs / self.program), *arguments],
            env=self.environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def pings_per_second(self, workflow: str, seconds: float) -> float:
        """Ping in a loop from one client, in a process of its own; give the rate."""
        script = PING.format(module=self.client_module, endpoint=self.endpoint)
        answer = subprocess.run(
            [str(self.programs / "python"), "-c", script, workflow, str(seconds)],
            env=self.environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds + 60,
        )
        if answer.returncode != 0:
            raise BenchmarkError(f"{self.name}: the ping client failed:\n{answer.stderr[-2000:]}")
        return float(answer.stdout.split()[-1])


def tidemill(home: Path) -> Peer:
    """Give this checkout's Tidemill, as `bin/setup` installs it."""
    programs = HERE.parent / ".venv" / "bin"
    return Peer("Tidemill", "tidemill", programs, home, "tidemill.network.client", "ping_workflow")


def cylc(home: Path, given: str | None) -> Peer:
    """Give cylc-flow 8.5.4: the environment named by the caller, or one made here once."""
    programs = Path(given).expanduser().resolve() if given else make_cylc()
    if programs.is_file():
        programs = programs.parent
    elif (programs / "bin" / "cylc").exists():
        programs = programs / "bin"
    if not (programs / "cylc").exists():
        raise BenchmarkError(f"no program 'cylc' in {programs}; give --cylc the path of cylc or its environment")
    return Peer("Cylc", "cylc", programs, home, "cylc.flow.network.client", "api")


def make_cylc() -> Path:
    """Install cylc-flow in an environment of its own, once."""
    environment = HERE / ".cylc"
    if not (environment / ".ready").exists():
        print(f"installing {CYLC_REQUIREMENT} in {environment}", file=sys.stderr)
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", CYLC_REQUIREMENT]
        subprocess.run(pip, check=True)
        (environment / ".ready").touch()
    return environment / "bin"


@dataclass(frozen=True)
class Usage:
    """What a finished scheduler used, with the children it waited for."""

    wall_seconds: float
    cpu_seconds: float
    peak_mebibytes: float


@dataclass
class Run:
    """One scheduler playing one workflow in the foreground, watched from outside."""

    peer: Peer
    workflow: str
    text: str
    options: tuple[str, ...] = ()
    timeout_seconds: float = 300.0
    _usage: Usage | None = field(default=None, init=False)

    def __enter__(self) -> Run:
        self.directory = self.peer.home / "cylc-run" / self.workflow
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        (self.directory / "flow.cylc").write_text(self.text)
        self.output = self.peer.home / f"{self.workflow}.output"
        command = [
            str(self.peer.programs / self.peer.program),
            "play",
            "--no-detach",
            *self.options,
            self.workflow,
        ]
        with self.output.open("wb") as output:
            self.started_clock, self.started = time.time(), time.monotonic()
            self.process = subprocess.Popen(
                command,
                env=self.peer.environment(),
                cwd=self.peer.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        for send in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + 10
            if not self._ended():
                os.kill(self.process.pid, send)
            while not self._ended() and time.monotonic() < deadline:
                time.sleep(0.01)

    def _ended(self) -> bool:
        """Tell whether the scheduler has ended; note what it used when it does."""
        if self._usage is None:
            process, status, used = os.wait4(self.process.pid, os.WNOHANG)
            if process == 0:
                return False
            self.process.returncode = os.waitstatus_to_exitcode(status)
            kibibytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
            wall = time.monotonic() - self.started
            self._usage = Usage(wall, used.ru_utime + used.ru_stime, kibibytes / 1024)
        return True

    def finish(self) -> Usage:
        """Wait for the run to end by itself; give what it used."""
        while not self._ended():
            self._check_time("to end")
            time.sleep(POLL_SECONDS)
        if self.process.returncode != 0 or self._usage is None:
            raise self._failure(f"ended with exit code {self.process.returncode}")
        return self._usage

    def log_times(self, *awaited: tuple[str, int]) -> list[float]:
        """Watch the log until each pattern was seen so many times; give the monotonic times of that.

        The log is polled every millisecond and followed through roll-overs.
        """
        patterns = [re.compile(pattern.encode()) for pattern, _ in awaited]
        left = [count for _, count in awaited]
        times = [0.0] * len(awaited)
        for chunk in self._log_chunks():
            now = time.monotonic()
            for index, pattern in enumerate(patterns):
                if left[index] > 0:
                    left[index] -= len(pattern.findall(chunk))
                    times[index] = now
            if max(left) <= 0:
                return times
        raise self._failure(f"ended before its log said what was waited for: {awaited}")

    def _log_chunks(self) -> Iterator[bytes]:
        """Give the log in pieces of whole lines, as they are written, until the scheduler has ended."""
        link = self.directory / "log" / "scheduler" / "log"
        while not link.exists():
            self._check_running("its log")
            time.sleep(POLL_SECONDS)
        current = os.path.realpath(link)
        stream = open(current, "rb")  # noqa: SIM115 - replaced at each roll-over
        rest = b""
        try:
            while True:
                # Ask first, read then: what is missed between the two is read in the next round.
                ended = self._ended()
                target = os.path.realpath(link)
                if new := stream.read():
                    lines, _, rest = (rest + new).rpartition(b"\n")
                    yield lines
                elif target != current and os.path.exists(target):
                    stream.close()
                    current, stream = target, open(target, "rb")  # noqa: SIM115
                elif ended:
                    return
                else:
                    self._check_time("to log what is waited for")
                    time.sleep(POLL_SECONDS)
        finally:
            stream.close()

    def stamps(self) -> list[float]:
        """Give when the jobs' scripts began, in order, in seconds after the scheduler was started."""
        lines = (self.directory / "share" / "stamps").read_text().splitlines()
        return sorted(float(line.split()[1]) - self.started_clock for line in lines)

    def memory_mebibytes(self) -> float:
        """Give what the running scheduler has of the machine's memory."""
        contact = (self.directory / ".service" / "contact").read_text()
        process = re.search(r"^CYLC_WORKFLOW_PID=(\d+)$", contact, re.MULTILINE)
        assert process is not None
        answer = subprocess.run(["ps", "-o", "rss=", "-p", process[1]], capture_output=True, text=True, check=True)
        return int(answer.stdout) / 1024

    def wait_for_answer(self) -> None:
        """Wait until the running scheduler answers a ping from the shell."""
        contact = self.directory / ".service" / "contact"
        while not contact.exists():
            self._check_running("its contact file")
            time.sleep(POLL_SECONDS)
        while self.peer.command("ping", self.workflow).returncode != 0:
            self._check_running("an answer to ping")

    def _check_running(self, awaited: str) -> None:
        if self._ended():
            raise self._failure(f"ended before {awaited} was there")
        self._check_time(f"for {awaited}")

    def _check_time(self, what: str) -> None:
        if time.monotonic() > self.started + self.timeout_seconds:
            raise self._failure(f"took longer than {self.timeout_seconds:g} s {what}")

    def _failure(self, what: str) -> BenchmarkError:
        tail = self.output.read_text(errors="replace")[-2000:]
        return BenchmarkError(f"{self.peer.name}: {self.workflow} {what}\n{tail}")
